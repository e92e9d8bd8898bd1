#pragma once
// The words of warm-up (spec/jobs.md A1, A2, A12): a job fills the file caches of a cluster's backends, one lane per
// backend, one batch of tablets after the other in each lane.
#include "actors/model/ids.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

enum class warmup_job_id : std::uint64_t {};  ///< Log index of its warmup_created.  0: none.
using warmup_run = std::uint32_t;             ///< Round of a periodic job, 0-based; other jobs have round 0 only.

enum class warmup_type : std::uint8_t { cluster, table };
enum class warmup_event : std::uint8_t { load, query };

struct sync_once {
  friend bool operator==(const sync_once&, const sync_once&) = default;
};
/// The next round is due so long after the last one's start (A13); never 0.
struct sync_periodic {
  time_ms interval{};
  friend bool operator==(const sync_periodic&, const sync_periodic&) = default;
};
struct sync_on_event {
  warmup_event event{};
  friend bool operator==(const sync_on_event&, const sync_on_event&) = default;
};
using warmup_sync = std::variant<sync_once, sync_periodic, sync_on_event>;
[[nodiscard]] inline bool is_periodic(const warmup_sync& sync) { return std::holds_alternative<sync_periodic>(sync); }
[[nodiscard]] inline bool is_event_driven(const warmup_sync& sync) {
  return std::holds_alternative<sync_on_event>(sync);
}

/// A1.  A job that is DELETED there is forgotten here: it has no record any more.
enum class warmup_state : std::uint8_t { pending, running, finished, cancelled };
[[nodiscard]] constexpr bool is_final(warmup_state state) {
  return state == warmup_state::finished || state == warmup_state::cancelled;
}

/// W6: what becomes of a job one of whose backends fails, or cannot warm a tablet.
enum class warmup_on_error : std::uint8_t { cancel, skip };
/// A11: what becomes of a job whose destination is taken when it is created.
enum class warmup_when_busy : std::uint8_t { queue, reject };

/// `partition` 0: all of the table's.
struct warmup_target {
  table_id table{};
  partition_id partition{};
  friend bool operator==(const warmup_target&, const warmup_target&) = default;
};

struct warmup_definition {
  warmup_type type{};
  std::string src;                     ///< Cluster whose heat is followed; empty for jobs about tables.
  std::string dst;                     ///< Cluster whose backends are warmed.
  std::vector<warmup_target> targets;  ///< Jobs about tables only, in the statement's order.
  bool force = false;
  warmup_sync sync;
  warmup_on_error on_error{};
  warmup_when_busy when_busy{};
  friend bool operator==(const warmup_definition&, const warmup_definition&) = default;
};

/// `bytes` of its published remote rowsets, by the catalog.
struct warmup_tablet {
  tablet_id tablet{};
  std::uint64_t bytes{};
  backend_id served_by{};  ///< By serving_backend(); 0: by caching_backend() over the destination's.
  friend bool operator==(const warmup_tablet&, const warmup_tablet&) = default;
};
struct warmup_batch {
  std::vector<tablet_id> tablets;
  std::uint64_t bytes{};  ///< Of all of them.
  friend bool operator==(const warmup_batch&, const warmup_batch&) = default;
};
/// What one backend warms in one round, in this order.
struct warmup_lane_plan {
  backend_id backend{};
  std::vector<warmup_batch> batches;
  friend bool operator==(const warmup_lane_plan&, const warmup_lane_plan&) = default;
};

/// Of a round, in bytes (A12): numbers of batches say nothing to a user.
struct warmup_progress {
  std::uint64_t bytes_done{};
  std::uint64_t bytes_total{};
  friend bool operator==(const warmup_progress&, const warmup_progress&) = default;
};

[[nodiscard]] const char* word_of(warmup_state state);       ///< "PENDING"
[[nodiscard]] std::string text_of(const warmup_sync& sync);  ///< "PERIODIC (600s)"
/// "Finished 14.00 GB / Total 37.00 GB"; the divisor is 2^30, as in the original.
[[nodiscard]] std::string text_of(const warmup_progress& progress);
/// "14.00 GB", to the nearest hundredth.
[[nodiscard]] std::string gib_text(std::uint64_t bytes);

}  // namespace tabletd::model
