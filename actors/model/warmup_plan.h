#pragma once
// Which tablets a job warms, where, and whether they fit (spec/jobs.md A3, W1).  A plan is what DRY RUN shows and what
// warmup_created or warmup_begun brings into the log.
#include "actors/model/warmup_split.h"

#include <optional>
#include <span>
#include <variant>

namespace tabletd::model {

/// Facts.  Tablets with their remote bytes, in the catalog's order.
struct warming_partition {
  partition_id partition{};
  std::vector<warmup_tablet> tablets;
};
struct warming_table {
  table_id table{};
  std::vector<warming_partition> partitions;  ///< Those the statement names, in the catalog's order.
};
/// An alive backend of the destination.
struct warming_backend {
  backend_id backend{};
  std::optional<std::uint64_t> cache_bytes;  ///< Its file cache's capacity; nothing: it did not answer.
};

struct planned_lane {
  backend_id backend{};
  std::vector<warmup_tablet> tablets;  ///< In the order in which they are warmed.
  std::uint64_t bytes{};
  std::uint64_t cache_bytes{};
  std::uint64_t excess_bytes{};  ///< What will not fit beside the rest (W1).
  friend bool operator==(const planned_lane&, const planned_lane&) = default;
};
struct warmup_plan {
  std::vector<planned_lane> lanes;  ///< Every backend of the destination, also one that gets nothing.
  std::uint64_t bytes{};
  std::uint64_t cache_bytes{};
  friend bool operator==(const warmup_plan&, const warmup_plan&) = default;
};

enum class warmup_plan_refusal : std::uint8_t {
  no_backend,         ///< Of the destination is alive.
  capacity_unknown,   ///< One of them did not say what it has room for.
  cluster_too_small,  ///< And no FORCE.
  backend_too_small,  ///< And no FORCE (W1).
  too_many_bytes,     ///< More than 64 bits can count.
  source_unknown,     ///< No such cluster, and nobody remembers what it served (A2).
  no_cache,           ///< Of the destination has room for anything, with FORCE or without.
};
struct warmup_not_planned {
  warmup_plan_refusal why{};
  std::string text;  ///< For the user; names the backends it is about.
};
using warmup_plan_result = std::variant<warmup_plan, warmup_not_planned>;

/// For a job about tables, in the statement's order: the partition that crosses the capacity is the last one taken.
[[nodiscard]] warmup_plan_result plan_tables(const std::string& dst, std::span<const warming_table> tables,
                                             std::span<const warming_backend> backends, bool force);

/// For a job about a cluster: `hottest_first` is what its source serves.  What its home's cache does not hold beside what
/// is hotter is left out, and colder tablets that fit come in its place; so no lane is too large.  Then the order is turned
/// round: the hottest are the youngest in the cache.  (A3 takes the tablet that crosses the cluster's capacity, and has no
/// limit for a backend; but a warm block is never evicted for another, so what has no room would fail the job.)
[[nodiscard]] warmup_plan_result plan_cluster(const std::string& dst, std::span<const warming_partition> hottest_first,
                                              std::span<const warming_backend> backends);

/// For the log.  A backend without tablets has a lane without batches.
[[nodiscard]] std::vector<warmup_lane_plan> lanes_of(const warmup_plan& plan,
                                                     std::uint64_t batch_bytes_max = warmup_batch_bytes);

}  // namespace tabletd::model
