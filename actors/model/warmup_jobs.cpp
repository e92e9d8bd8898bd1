#include "actors/model/warmup_jobs.h"

#include <algorithm>

namespace tabletd::model {

namespace {

/// Empty: it may begin.
std::string why_not_now(const warmup_job& job, const std::map<std::string, warmup_job_id>& held,
                        const warmup_options& options, time_ms now) {
  if (job.paused)
    return "paused";
  if (is_event_driven(job.what.sync))
    return {};
  if (const auto* periodic = std::get_if<sync_periodic>(&job.what.sync))
    if (job.run > 0 && now < job.started + periodic->interval)
      return "the next round is not due";
  if (const auto holder = held.find(job.what.dst); holder != held.end())
    return "job " + std::to_string(raw(holder->second)) + " warms " + job.what.dst;
  if (held.size() >= options.running_max)
    return std::to_string(held.size()) + " jobs run";
  return {};
}

/// "backend 3 (why)", for every lane given up, and tablets that could not be warmed.
std::string faults_of(const warmup_job& job, const failed_lanes& failed) {
  std::string text;
  const auto add = [&](const std::string& what) { text += (text.empty() ? "" : "; ") + what; };
  for (const auto& [backend, why] : failed)
    add(why);
  for (const auto& lane : job.lanes) {
    if (lane.failed_tablets == 0)
      continue;
    auto what = "backend " + std::to_string(raw(lane.backend)) + " could not warm "
                + std::to_string(lane.failed_tablets) + " tablets:";
    for (const auto t : lane.named_tablets)
      what += " " + std::to_string(raw(t));
    add(what);
  }
  return text;
}

}  // namespace

job_schedule schedule(const warmup_ledger& ledger, const std::set<warmup_job_id>& beginning, time_ms now,
                      const warmup_options& options, const std::set<warmup_job_id>& resting) {
  job_schedule plan;
  std::map<std::string, warmup_job_id> held;
  ledger.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    if ((job.state == warmup_state::running || beginning.contains(id)) && !is_event_driven(job.what.sync))
      held.emplace(job.what.dst, id);
  });
  ledger.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    if (is_final(job.state) && now - job.finished >= options.history_keep)
      plan.forget.push_back({id});
    if (job.state != warmup_state::pending || beginning.contains(id))
      return;
    auto why = resting.contains(id) ? "its plan is made again soon" : why_not_now(job, held, options, now);
    if (!why.empty()) {
      plan.waiting.push_back({id, std::move(why)});
      return;
    }
    plan.begin.push_back({id, job.run, std::nullopt});
    if (!is_event_driven(job.what.sync))
      held.emplace(job.what.dst, id);
  });
  return plan;
}

std::optional<warmup_ended> ending_of(const warmup_job& job, const failed_lanes& failed, time_ms now,
                                      const warmup_options& options) {
  if (job.state != warmup_state::running || is_event_driven(job.what.sync))
    return std::nullopt;
  const bool periodic = is_periodic(job.what.sync);
  warmup_ended end{job.id, job.run, warmup_state::finished, {}, {}};
  bool settled = true;
  for (std::size_t i = 0; i < job.lanes.size(); ++i) {
    if (all_warmed(job, i))
      continue;
    const auto found = failed.find(job.lanes[i].backend);
    if (found == failed.end())
      settled = false;
    else
      end.skipped.push_back({found->first, found->second});
  }
  failed_lanes missing;
  for (const auto& s : end.skipped)
    missing.emplace(s.backend, s.why);
  if (periodic && job.lanes.empty()) {
    // Every plan has lanes.  The leader that knew why there is none did not live to say it.
    end.err = "job fail: the round could not be planned";
  } else if (settled && (missing.empty() || job.what.on_error == warmup_on_error::skip)) {
    end.err = faults_of(job, missing);
  } else if (!missing.empty() && job.what.on_error == warmup_on_error::cancel) {
    end.how = warmup_state::cancelled;
    end.err = "job fail: " + faults_of(job, missing);
    end.skipped.clear();
  } else if (!job.paused && now - job.started - job.paused_for >= options.timeout) {
    end.how = warmup_state::cancelled;
    end.err = "Timeout";
    end.skipped.clear();
  } else {
    return std::nullopt;
  }
  // Only a user ends a periodic job (A1).
  if (periodic)
    end.how = warmup_state::pending;
  return end;
}

std::variant<warmup_ended, std::string> cancel_of(const warmup_ledger& ledger, warmup_job_id job) {
  const auto* found = ledger.jobs.find(job);
  if (!found)
    return "job id: " + std::to_string(raw(job)) + " does not exist.";
  if (is_final(found->state))
    return std::string("job can not be cancelled. State: ") + word_of(found->state);
  return warmup_ended{job, found->run, warmup_state::cancelled, "user cancel", {}};
}

}  // namespace tabletd::model
