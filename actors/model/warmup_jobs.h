#pragma once
// Which jobs run, wait, end and are forgotten (spec/jobs.md A10, A11, A13; W6, W8, W9).  Pure functions of the ledger:
// nothing is remembered here, so a fail-over cannot lose it.  The fold has the last word on every record.
#include "actors/model/warmup_records.h"

#include <map>
#include <set>

namespace tabletd::model {

struct warmup_options {
  std::size_t running_max = 10;             ///< Seed 002.  Event-driven jobs do not count.
  time_ms timeout = std::chrono::days(30);  ///< Of a round, from its start, without its pauses.
  time_ms history_keep = std::chrono::days(7);
};

/// A pending job and what it waits for.
struct waiting_job {
  warmup_job_id job{};
  std::string why;
  friend bool operator==(const waiting_job&, const waiting_job&) = default;
};
struct job_schedule {
  std::vector<warmup_begun> begin;  ///< Lanes are the shell's to plan (is_planned_at_begin).
  std::vector<warmup_forgotten> forget;
  std::vector<waiting_job> waiting;
};
/// Jobs in the order of their ids; one that cannot begin holds up no younger one (W8).  `beginning`: those whose
/// warmup_begun is on its way into the log.  They count as if they ran: else an older job that can run again in the
/// meantime would be one too many, which the fold would not notice.  `resting`: those whose plan failed and is made again
/// later.
[[nodiscard]] job_schedule schedule(const warmup_ledger& ledger, const std::set<warmup_job_id>& beginning, time_ms now,
                                    const warmup_options& options = {}, const std::set<warmup_job_id>& resting = {});

/// Lanes that this leader has given up in the job's round, and why.
using failed_lanes = std::map<backend_id, std::string>;
/// How the round ends, if it does: all warm, failed, or out of time.  A periodic one without lanes could not be planned.
[[nodiscard]] std::optional<warmup_ended> ending_of(const warmup_job& job, const failed_lanes& failed, time_ms now,
                                                    const warmup_options& options = {});

/// CANCEL by a user: the record, or the answer.
[[nodiscard]] std::variant<warmup_ended, std::string> cancel_of(const warmup_ledger& ledger, warmup_job_id job);

}  // namespace tabletd::model
