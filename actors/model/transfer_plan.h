#pragma once
// Who is asked for what: which replicas a LOAD writes to and which an EXPORT reads from.
// Pure: catalog, what is linked now, and nothing else.
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include "actors/model/statement_result.h"
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tabletd::model {

struct planned_replica {
  replica_id replica{};
  backend_id backend{};
  friend bool operator==(const planned_replica&, const planned_replica&) = default;
};
/// What of a tablet has cooled, and who of the cluster that was named reads it through its file cache.
struct planned_remote {
  published_meta meta;
  model::version through{};          ///< Versions 1 to this one are read so, the later ones from a replica.
  std::vector<backend_id> backends;  ///< Linked: the one that serves the tablet first, then some to turn to.
  friend bool operator==(const planned_remote&, const planned_remote&) = default;
};
inline constexpr std::size_t remote_readers_max = 3; ///< Of a tablet.

struct planned_tablet {
  tablet_id tablet{};
  model::version version{}; ///< Export only: what is read.
  std::uint64_t rows{};  ///< Export only.
  std::uint64_t bytes{}; ///< Export only.
  std::vector<planned_replica> replicas;
  partition_id partition{};             ///< Export only.
  std::optional<planned_remote> remote; ///< Export only: nothing is read from the replicas alone.
  friend bool operator==(const planned_tablet&, const planned_tablet&) = default;
};

struct load_plan {
  txn_id txn{};
  table_id table{};
  std::string path;
  std::uint32_t key_column{};
  char separator{};
  std::uint32_t replication_num{};     ///< Of the table: what can_commit() counts against.
  std::vector<planned_tablet> tablets; ///< Bucket order; every normal replica on a live backend.
  friend bool operator==(const load_plan&, const load_plan&) = default;
};
struct export_plan {
  std::string path;
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::vector<planned_tablet> tablets; ///< By partition, then bucket; complete replicas, the one to ask first in front.
  std::vector<resource> resources;     ///< Those that the remote metas name.
  std::string note;                    ///< For who asked for a cluster and gets little of it; else empty.
  friend bool operator==(const export_plan&, const export_plan&) = default;
};

/// Refuses (unavailable) when some tablet has no majority left to write to.  txn is not set.
[[nodiscard]] std::variant<load_plan, statement_error>
plan_load(const catalog& cat, const table& into, const partition& part, std::string path);

/// Refuses (data_loss) when no linked backend holds a complete replica of some tablet.  Bytes
/// are spread: the first choice of each tablet is the backend that has least to do so far.
/// `parts`: partitions of `from`, each once; empty: all of them.  `cluster`, if not empty, reads what has cooled: refused
/// (not_found, unavailable) if there is none of that name or nobody of it is linked.  A tablet that is remote up to its
/// visible version then needs no replica.
[[nodiscard]] std::variant<export_plan, statement_error>
plan_export(const catalog& cat, const cluster_view& view, const table& from, const std::vector<partition_id>& parts,
            std::string path, const std::string& cluster = {});

/// "10001 (10.0.0.1:9060)".
[[nodiscard]] std::string described(const catalog& cat, backend_id backend);

} // namespace tabletd::model
