#pragma once
// What is true of warm-up jobs, and how the log's edits (warmup_edits.h) make it so.  The fold refuses an edit that
// contradicts what is true, and then changes nothing.
#include "actors/model/cow_map.h"
#include "actors/model/warmup_edits.h"

#include <memory>
#include <optional>
#include <string_view>

namespace tabletd::model {

using warmup_record = std::variant<warmup_created, warmup_begun, batch_warmed, warmup_ended, warmup_paused,
                                   warmup_resumed, warmup_forgotten>;

// -- what is true --------------------------------------------------------------------------
struct warmup_lane_record {
  backend_id backend{};
  std::uint32_t warmed{};      ///< Batches in the log, hence the number of the next one.
  std::uint64_t bytes_done{};  ///< The sum over their records; kept nowhere else.
  std::uint64_t failed_tablets{};
  std::vector<tablet_id> named_tablets;
  friend bool operator==(const warmup_lane_record&, const warmup_lane_record&) = default;
};
struct warmup_job {
  warmup_job_id id{};
  warmup_definition what;
  warmup_state state{};
  warmup_run run{};  ///< The round that runs or ran last; of a pending job the one that is next.
  time_ms created{};
  time_ms started{};              ///< Of the last round; 0: none.
  time_ms finished{};             ///< Of the last round; 0: none.
  std::optional<time_ms> paused;  ///< Since when.
  time_ms paused_for{};           ///< In this round, up to the last RESUME.
  std::string err;                ///< Of the last round that is over.
  /// Of the round, never null; tablet lists are shared by all snapshots of the job.
  std::shared_ptr<const std::vector<warmup_lane_plan>> plan;
  std::vector<warmup_lane_record> lanes;  ///< As in the plan.
  std::vector<skipped_lane> skipped;      ///< Of the last round that is over.
};
bool operator==(const warmup_job& a, const warmup_job& b);

/// All jobs by id; copies are frozen snapshots.
struct warmup_ledger {
  cow_map<warmup_job_id, warmup_job> jobs;
};

/// Whether a round's lanes come with its warmup_begun: who came or went since the job was created is known then (W9).
/// Otherwise they come with warmup_created, so that nothing changes under a user who has seen them.
[[nodiscard]] bool is_planned_at_begin(const warmup_definition& what);
[[nodiscard]] warmup_progress progress_of(const warmup_job& job);
/// Index into plan and lanes; nothing: the backend has no lane in this round.
[[nodiscard]] std::optional<std::size_t> lane_index(const warmup_job& job, backend_id backend);
[[nodiscard]] bool all_warmed(const warmup_job& job, std::size_t lane);
/// The job whose round holds the destination; 0: none.  Derived, so no fail-over can lose it (A15-5).
[[nodiscard]] warmup_job_id holder_of(const warmup_ledger& ledger, std::string_view dst);

// -- fold ----------------------------------------------------------------------------------
enum class warmup_refusal : std::uint8_t {
  none,
  definition_unsound,
  plan_unsound,      ///< Backends not ascending, an empty batch, too many bytes.
  plan_misplaced,    ///< It comes with warmup_begun or with warmup_created (is_planned_at_begin).
  destination_busy,  ///< Held by the job named, which runs.
  twin_exists,       ///< A11: long-lasting jobs, one per source, destination and kind.
  job_unknown,
  job_over,  ///< Finished or cancelled.
  job_not_over,
  not_pending,
  not_running,
  is_paused,
  not_paused,
  run_differs,  ///< The job is in the round named.
  lane_unknown,
  batch_unknown,       ///< The lane has as many as named.
  batch_out_of_order,  ///< The one named is next.
  bytes_exceed_plan,
  failures_unsound,  ///< More tablets than the batch has, or more names than tablets.
  lane_unfinished,   ///< Of the backend named; and not skipped, or a skip is not allowed.
  state_unsound,     ///< A job cannot end so.
};
struct warmup_verdict {
  warmup_refusal why{};
  std::uint64_t id{};  ///< Accepted: the job.
  [[nodiscard]] bool accepted() const { return why == warmup_refusal::none; }
  friend bool operator==(const warmup_verdict&, const warmup_verdict&) = default;
};
/// Where and when the record was committed; `at` is the leader's wall clock at proposal.
struct warmup_moment {
  log_index index{};
  time_ms at{};
};
[[nodiscard]] warmup_verdict apply(warmup_ledger& ledger, const warmup_record& record, warmup_moment now);

}  // namespace tabletd::model
