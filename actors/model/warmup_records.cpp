#include "actors/model/warmup_records.h"

#include <algorithm>

namespace tabletd::model {

namespace {

warmup_verdict refuse(warmup_refusal why, std::uint64_t id = 0) { return {why, id}; }
warmup_verdict accept(warmup_job_id job) { return {warmup_refusal::none, raw(job)}; }

bool is_sound(const warmup_definition& what) {
  if (what.dst.empty() || what.dst == what.src)
    return false;
  if (const auto* p = std::get_if<sync_periodic>(&what.sync); p && p->interval <= time_ms(0))
    return false;
  return what.type == warmup_type::cluster ? !what.src.empty() && what.targets.empty() : !what.targets.empty();
}

bool is_sound(const std::vector<warmup_lane_plan>& plan) {
  std::uint64_t bytes = 0;
  backend_id last{};
  for (const auto& lane : plan) {
    if (lane.backend <= last)
      return false;
    last = lane.backend;
    for (const auto& b : lane.batches) {
      if (b.tablets.empty() || bytes + b.bytes < bytes)
        return false;
      bytes += b.bytes;
    }
  }
  return true;
}

void take_plan(warmup_job& job, std::shared_ptr<const std::vector<warmup_lane_plan>> plan) {
  job.plan = std::move(plan);
  job.lanes.clear();
  for (const auto& lane : *job.plan)
    job.lanes.push_back({lane.backend, 0, 0, 0, {}});
}

/// A job of the same kind that will run again, if only one may.
const warmup_job* twin_of(const warmup_ledger& ledger, const warmup_definition& what) {
  if (std::holds_alternative<sync_once>(what.sync))
    return nullptr;
  const warmup_job* twin = nullptr;
  ledger.jobs.for_each([&](warmup_job_id, const warmup_job& job) {
    if (!is_final(job.state) && job.what.sync.index() == what.sync.index() && job.what.src == what.src
        && job.what.dst == what.dst && job.what.targets == what.targets)
      twin = &job;
  });
  return twin;
}

// -- folds ---------------------------------------------------------------------------------

warmup_verdict fold(warmup_ledger& ledger, const warmup_created& e, warmup_moment now) {
  if (!is_sound(e.what))
    return refuse(warmup_refusal::definition_unsound);
  if (!is_sound(e.lanes))
    return refuse(warmup_refusal::plan_unsound);
  if (!e.lanes.empty() && (is_planned_at_begin(e.what) || is_event_driven(e.what.sync)))
    return refuse(warmup_refusal::plan_misplaced);
  if (const auto* twin = twin_of(ledger, e.what))
    return refuse(warmup_refusal::twin_exists, raw(twin->id));
  if (const auto holder = holder_of(ledger, e.what.dst);
      raw(holder) != 0 && e.what.when_busy == warmup_when_busy::reject && !is_event_driven(e.what.sync))
    return refuse(warmup_refusal::destination_busy, raw(holder));
  warmup_job job;
  job.id = warmup_job_id{raw(now.index)};
  job.what = e.what;
  job.created = now.at;
  take_plan(job, std::make_shared<const std::vector<warmup_lane_plan>>(e.lanes));
  ledger.jobs.put(job.id, job);
  return accept(job.id);
}

warmup_refusal why_not(const warmup_job* job, warmup_run run, bool running) {
  if (!job)
    return warmup_refusal::job_unknown;
  if (is_final(job->state))
    return warmup_refusal::job_over;
  if (job->run != run)
    return warmup_refusal::run_differs;
  if (running != (job->state == warmup_state::running))
    return running ? warmup_refusal::not_running : warmup_refusal::not_pending;
  return warmup_refusal::none;
}

warmup_verdict fold(warmup_ledger& ledger, const warmup_begun& e, warmup_moment now) {
  const auto* found = ledger.jobs.find(e.job);
  if (const auto why = why_not(found, e.run, false); why != warmup_refusal::none)
    return refuse(why, found ? found->run : 0);
  if (found->paused)
    return refuse(warmup_refusal::is_paused);
  const bool holds = !is_event_driven(found->what.sync);
  if (const auto holder = holder_of(ledger, found->what.dst); holds && raw(holder) != 0)
    return refuse(warmup_refusal::destination_busy, raw(holder));
  if (e.lanes && !is_sound(*e.lanes))
    return refuse(warmup_refusal::plan_unsound);
  if (e.lanes.has_value() != is_planned_at_begin(found->what))
    return refuse(warmup_refusal::plan_misplaced);
  auto& job = *ledger.jobs.edit(e.job);
  job.state = warmup_state::running;
  job.started = now.at;
  job.finished = {};
  job.paused_for = {};
  if (e.lanes)
    take_plan(job, std::make_shared<const std::vector<warmup_lane_plan>>(*e.lanes));
  return accept(e.job);
}

warmup_verdict fold(warmup_ledger& ledger, const batch_warmed& e, warmup_moment) {
  const auto* found = ledger.jobs.find(e.job);
  if (const auto why = why_not(found, e.run, true); why != warmup_refusal::none)
    return refuse(why, found ? found->run : 0);
  const auto at = lane_index(*found, e.backend);
  if (!at)
    return refuse(warmup_refusal::lane_unknown, raw(e.backend));
  const auto& batches = (*found->plan)[*at].batches;
  if (e.batch >= batches.size())
    return refuse(warmup_refusal::batch_unknown, batches.size());
  if (e.batch != found->lanes[*at].warmed)
    return refuse(warmup_refusal::batch_out_of_order, found->lanes[*at].warmed);
  if (e.bytes > batches[e.batch].bytes)
    return refuse(warmup_refusal::bytes_exceed_plan, batches[e.batch].bytes);
  if (e.failed_tablets > batches[e.batch].tablets.size() || e.named_tablets.size() > e.failed_tablets)
    return refuse(warmup_refusal::failures_unsound);
  auto& lane = ledger.jobs.edit(e.job)->lanes[*at];
  ++lane.warmed;
  lane.bytes_done += e.bytes;
  lane.failed_tablets += e.failed_tablets;
  for (const auto t : e.named_tablets)
    if (lane.named_tablets.size() < failed_tablets_named_max)
      lane.named_tablets.push_back(t);
  return accept(e.job);
}

/// A round is finished when every batch is in the log, or its lane is named as skipped by a job that may.
warmup_verdict judge_end(const warmup_job& job, const warmup_ended& e) {
  const bool periodic = is_periodic(job.what.sync);
  if (e.how == warmup_state::running || (e.how == warmup_state::pending && !periodic)
      || (e.how == warmup_state::finished && (periodic || is_event_driven(job.what.sync))))
    return refuse(warmup_refusal::state_unsound);
  const bool finishes = e.how == warmup_state::finished || (e.how == warmup_state::pending && e.err.empty());
  if (e.how != warmup_state::cancelled && job.state != warmup_state::running)
    return refuse(warmup_refusal::not_running);
  for (const auto& s : e.skipped)
    if (const auto at = lane_index(job, s.backend); !at)
      return refuse(warmup_refusal::lane_unknown, raw(s.backend));
  for (std::size_t i = 0; finishes && i < job.lanes.size(); ++i) {
    const bool skipped
        = job.what.on_error == warmup_on_error::skip
          && std::ranges::any_of(e.skipped, [&](const skipped_lane& s) { return s.backend == job.lanes[i].backend; });
    if (!all_warmed(job, i) && !skipped)
      return refuse(warmup_refusal::lane_unfinished, raw(job.lanes[i].backend));
  }
  return accept(job.id);
}

warmup_verdict fold(warmup_ledger& ledger, const warmup_ended& e, warmup_moment now) {
  const auto* found = ledger.jobs.find(e.job);
  if (!found)
    return refuse(warmup_refusal::job_unknown);
  if (is_final(found->state))
    return refuse(warmup_refusal::job_over);
  if (found->run != e.run)
    return refuse(warmup_refusal::run_differs, found->run);
  if (const auto judged = judge_end(*found, e); !judged.accepted())
    return judged;
  auto& job = *ledger.jobs.edit(e.job);
  job.state = e.how;
  job.finished = now.at;
  job.err = e.err;
  job.skipped = e.skipped;
  if (e.how == warmup_state::pending)
    ++job.run;
  else
    job.paused.reset();
  return accept(e.job);
}

warmup_verdict fold(warmup_ledger& ledger, const warmup_paused& e, warmup_moment now) {
  const auto* found = ledger.jobs.find(e.job);
  if (!found)
    return refuse(warmup_refusal::job_unknown);
  if (is_final(found->state))
    return refuse(warmup_refusal::job_over);
  if (found->paused)
    return refuse(warmup_refusal::is_paused);
  ledger.jobs.edit(e.job)->paused = now.at;
  return accept(e.job);
}

warmup_verdict fold(warmup_ledger& ledger, const warmup_resumed& e, warmup_moment now) {
  const auto* found = ledger.jobs.find(e.job);
  if (!found)
    return refuse(warmup_refusal::job_unknown);
  if (!found->paused)
    return refuse(is_final(found->state) ? warmup_refusal::job_over : warmup_refusal::not_paused);
  auto& job = *ledger.jobs.edit(e.job);
  // Clocks of leaders differ: time does not run back.
  job.paused_for += std::max(time_ms(0), now.at - *job.paused);
  job.paused.reset();
  return accept(e.job);
}

warmup_verdict fold(warmup_ledger& ledger, const warmup_forgotten& e, warmup_moment) {
  const auto* found = ledger.jobs.find(e.job);
  if (!found)
    return refuse(warmup_refusal::job_unknown);
  if (!is_final(found->state))
    return refuse(warmup_refusal::job_not_over);
  ledger.jobs.erase(e.job);
  return accept(e.job);
}

}  // namespace

bool operator==(const warmup_job& a, const warmup_job& b) {
  return a.id == b.id && a.what == b.what && a.state == b.state && a.run == b.run && a.created == b.created
         && a.started == b.started && a.finished == b.finished && a.paused == b.paused && a.paused_for == b.paused_for
         && a.err == b.err && *a.plan == *b.plan && a.lanes == b.lanes && a.skipped == b.skipped;
}

bool is_planned_at_begin(const warmup_definition& what) {
  return is_periodic(what.sync) || (std::holds_alternative<sync_once>(what.sync) && what.type == warmup_type::cluster);
}

warmup_progress progress_of(const warmup_job& job) {
  warmup_progress sum;
  for (const auto& lane : *job.plan)
    for (const auto& b : lane.batches)
      sum.bytes_total += b.bytes;
  for (const auto& lane : job.lanes)
    sum.bytes_done += lane.bytes_done;
  return sum;
}

std::optional<std::size_t> lane_index(const warmup_job& job, backend_id backend) {
  const auto found = std::ranges::lower_bound(job.lanes, backend, {}, &warmup_lane_record::backend);
  if (found == job.lanes.end() || found->backend != backend)
    return std::nullopt;
  return static_cast<std::size_t>(found - job.lanes.begin());
}

bool all_warmed(const warmup_job& job, std::size_t lane) {
  return job.lanes[lane].warmed == (*job.plan)[lane].batches.size();
}

warmup_job_id holder_of(const warmup_ledger& ledger, std::string_view dst) {
  warmup_job_id holder{};
  ledger.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    if (job.state == warmup_state::running && job.what.dst == dst && !is_event_driven(job.what.sync))
      holder = id;
    return raw(holder) == 0;
  });
  return holder;
}

warmup_verdict apply(warmup_ledger& ledger, const warmup_record& record, warmup_moment now) {
  return std::visit([&](const auto& e) { return fold(ledger, e, now); }, record);
}

}  // namespace tabletd::model
