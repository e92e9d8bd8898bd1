#pragma once
// What the log says of warm-up jobs: deltas (spec/jobs.md A9, W5).  Part of edit.h.
//
// Orders that leaders keep, and why:
//   warmup_created is committed before anybody sees the job: its id is the edit's index;
//   batch_warmed(b) before SET_BATCH(b + 1): a new leader goes on at the first batch that is not in the log;
//   warmup_ended before CLEAR_JOB: a backend forgets a job only when the job can never go on.
#include "actors/model/warmup_types.h"

#include <optional>

namespace tabletd::model {

struct warmup_created {
  warmup_definition what;
  std::vector<warmup_lane_plan> lanes;  ///< Empty if is_planned_at_begin.
  friend bool operator==(const warmup_created&, const warmup_created&) = default;
};
struct warmup_begun {
  warmup_job_id job{};
  warmup_run run{};
  /// If is_planned_at_begin.  Ascending by backend, as everywhere.
  std::optional<std::vector<warmup_lane_plan>> lanes;
  friend bool operator==(const warmup_begun&, const warmup_begun&) = default;
};
struct batch_warmed {
  warmup_job_id job{};
  warmup_run run{};
  backend_id backend{};
  std::uint32_t batch{};
  std::uint64_t bytes{};                 ///< What of the plan's bytes is in the cache now.
  std::uint64_t failed_tablets{};        ///< That could not be warmed (W7).
  std::vector<tablet_id> named_tablets;  ///< The first of them, at most failed_tablets_named_max.
  friend bool operator==(const batch_warmed&, const batch_warmed&) = default;
};
/// A lane that was given up under on_error = skip (W6).
struct skipped_lane {
  backend_id backend{};
  std::string why;
  friend bool operator==(const skipped_lane&, const skipped_lane&) = default;
};
/// A round is over, or the job.  `how` pending: only the round of a periodic job.
struct warmup_ended {
  warmup_job_id job{};
  warmup_run run{};
  warmup_state how{};
  std::string err;
  std::vector<skipped_lane> skipped;  ///< Every lane whose batches are not all in the log, if `how` is finished.
  friend bool operator==(const warmup_ended&, const warmup_ended&) = default;
};
/// PAUSE, RESUME.
struct warmup_paused {
  warmup_job_id job{};
  friend bool operator==(const warmup_paused&, const warmup_paused&) = default;
};
struct warmup_resumed {
  warmup_job_id job{};
  friend bool operator==(const warmup_resumed&, const warmup_resumed&) = default;
};
/// The history has had it long enough.
struct warmup_forgotten {
  warmup_job_id job{};
  friend bool operator==(const warmup_forgotten&, const warmup_forgotten&) = default;
};

inline constexpr std::size_t failed_tablets_named_max = 20;

}  // namespace tabletd::model
