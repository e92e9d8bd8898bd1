// The leader's host: the log, the lanes, and what is on its way between them and the backends.
#include "tests/model/warmup_simulation.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

namespace {

constexpr warmup_options options{.running_max = 2, .timeout = 24h, .history_keep = 24h};
constexpr time_ms answer_patience = 10s;

}  // namespace

/// The one that led may die, or go on without knowing; what it had proposed and is not in the log is lost.
void warmup_simulation::elect() {
  if (leader_) {
    leader_->current = false;
    leader_->seen = ledger_;
    leader_->gone = below(2) == 0;
    if (!leader_->gone) {
      deposed_.push_back(leader_);
      later(within(below(3) == 0 ? 6min : 30s), [l = leader_] { l->gone = true; });
    }
  }
  leader_.reset();
  ++epoch_;
  later(within(chance(1'000) ? 4min : 5s), [this, epoch = epoch_] {
    if (epoch != epoch_ || leader_)
      return;
    ++counts_.leaders;
    say("leader of term " + std::to_string(epoch));
    leader_ = std::make_shared<leader>();
    leader_->epoch = epoch;
  });
}

/// What a leader does of itself.
void warmup_simulation::look(const leader_ptr& l) {
  if (l->gone)
    return;
  begin_rounds(l);
  std::vector<lane_key> keys;
  ledger_of(*l).jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    if (job.state == warmup_state::running && !is_event_driven(job.what.sync))
      for (const auto& of : job.lanes) {
        lane_options patience{.failures_max = 3, .rest_after_failure = 6s};
        if (is(warmup_mutant::one_failure_is_enough))
          patience.failures_max = 1;
        l->lanes.try_emplace({id, job.run, of.backend},
                             lane{warmup_lane({l->epoch, id, job.run}, of.backend, patience), {}, 0, 0, 0});
      }
  });
  for (const auto& [key, of] : l->lanes)
    keys.push_back(key);
  for (const auto& key : keys)
    feed(l, key, lane_ticked{});
  std::erase_if(l->lanes, [](const auto& of) { return of.second.model.is_over(); });
  if (!l->gone)
    end_rounds(l);
}

void warmup_simulation::begin_rounds(const leader_ptr& l) {
  auto rules = options;
  if (is(warmup_mutant::no_limit))
    rules.running_max = 99;
  auto ledger = ledger_of(*l);
  if (is(warmup_mutant::forgets_who_holds_what)) {
    std::vector<warmup_job_id> unknown;
    ledger.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
      if (job.state == warmup_state::running && !l->began.contains({id, job.run}))
        unknown.push_back(id);
    });
    for (const auto id : unknown)
      ledger.jobs.erase(id);
  }
  auto begins = schedule(ledger, l->beginning, now_, rules).begin;
  for (auto& b : begins) {
    if (is(warmup_mutant::youngest_first)) {
      const auto dst = ledger.jobs.find(b.job)->what.dst;
      ledger.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
        if (job.state == warmup_state::pending && !job.paused && job.what.dst == dst && job.run == 0)
          b = {id, 0, std::nullopt};
      });
    }
    const auto* job = ledger.jobs.find(b.job);
    if (is_planned_at_begin(job->what))
      b.lanes = draw_plan(job->what.dst);
    if (!l->beginning.insert(b.job).second)
      continue;
    l->began.insert({b.job, b.run});
    propose(l, b, [l, id = b.job](bool) { l->beginning.erase(id); });
  }
}

void warmup_simulation::end_rounds(const leader_ptr& l) {
  std::vector<warmup_ended> ends;
  ledger_of(*l).jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    failed_lanes failed;
    bool one_is_done = false;
    for (const auto& [key, of] : l->lanes)
      if (std::get<0>(key) == id && std::get<1>(key) == job.run && !of.failed.empty())
        failed.emplace(std::get<2>(key), of.failed);
    for (std::size_t i = 0; i < job.lanes.size(); ++i)
      one_is_done = one_is_done || (all_warmed(job, i) && job.lanes[i].warmed > 0);
    auto end = ending_of(job, failed, now_, options);
    if (is(warmup_mutant::finishes_with_the_first) && !end && one_is_done && job.state == warmup_state::running)
      end = warmup_ended{
          id, job.run, is_periodic(job.what.sync) ? warmup_state::pending : warmup_state::finished, {}, {}};
    if (end)
      ends.push_back(*std::move(end));
  });
  for (auto& end : ends) {
    if (is(warmup_mutant::names_nobody_skipped))
      end.skipped.clear();
    if (is(warmup_mutant::failure_ends_periodic) && end.how == warmup_state::pending && !end.err.empty())
      end.how = warmup_state::cancelled;
    if (l->ending.insert(end.job).second)
      propose(l, end, [l, id = end.job](bool) { l->ending.erase(id); });
  }
}

// -- the log -------------------------------------------------------------------------------

/// `heard` is called unless its process has died; a deposed leader hears that it failed, whether it did or not.
void warmup_simulation::propose(const leader_ptr& l, const warmup_record& record, std::function<void(bool)> heard) {
  later(within(chance(500) ? 5s : 100ms), [this, l, record, heard = std::move(heard)] {
    if (l->gone)
      return;
    const bool reaches = l->current && !chance(odds_.proposal);
    counts_.lost_records += reaches ? 0 : 1;
    const bool taken = reaches && commit(record);
    if (heard)
      later(within(100ms), [l, heard, taken] {
        if (!l->gone)
          heard(taken && l->current);
      });
  });
}

bool warmup_simulation::commit(const warmup_record& record) {
  const auto before = ledger_;
  const auto verdict = apply(ledger_, record, {log_index{++index_}, now_});
  if (!verdict.accepted()) {
    ++counts_.refused_records;
    if (is(warmup_mutant::fold_takes_anything) && verdict.why != warmup_refusal::run_differs
        && verdict.why != warmup_refusal::job_over && verdict.why != warmup_refusal::job_unknown
        && verdict.why != warmup_refusal::not_pending && verdict.why != warmup_refusal::not_running)
      check(record, before);
    return false;
  }
  const warmup_job_id id{verdict.id};
  const auto* job = ledger_.jobs.find(id);
  counts_.pauses += std::holds_alternative<warmup_paused>(record) ? 1 : 0;
  if (!job || job->state != warmup_state::pending || job->paused)
    eligible_.erase(id);
  else
    eligible_.try_emplace(id, now_);
  say("log: record " + std::to_string(record.index()) + " of job " + std::to_string(verdict.id));
  check(record, before);
  return true;
}

// -- lanes ---------------------------------------------------------------------------------

lane_facts warmup_simulation::facts_for(const leader& l, const lane_key& key, const lane& of) const {
  const auto& [job, run, at] = key;
  auto facts = facts_of(ledger_of(l).jobs.find(job), run, at);
  if (is(warmup_mutant::pause_ignored))
    facts.paused = false;
  if (is(warmup_mutant::clears_before_logged) && l.ending.contains(job))
    facts.over = true;
  if (of.lied > facts.warmed && of.lied <= facts.batches)
    facts.warmed = of.lied;
  return facts;
}

void warmup_simulation::feed(const leader_ptr& l, const lane_key& key, const lane_event& event) {
  const auto found = l->lanes.find(key);
  if (l->gone || found == l->lanes.end())
    return;
  auto& of = found->second;
  for (const auto& effect : of.model.step(facts_for(*l, key, of), event, now_)) {
    if (l->current && chance(odds_.elect_step))
      elect();
    if (l->gone)
      return;
    std::visit([&](const auto& e) { carry_out(l, key, e); }, effect);
  }
}

void warmup_simulation::carry_out(const leader_ptr& l, const lane_key& key, const send_get& e) {
  ask(l, key, e.request, get_slot{});
}
void warmup_simulation::carry_out(const leader_ptr& l, const lane_key& key, const send_set_job& e) {
  ask(l, key, e.request, set_job{e.resume_from + (is(warmup_mutant::resumes_too_far) ? 1 : 0)});
}
void warmup_simulation::carry_out(const leader_ptr& l, const lane_key& key, const send_set_batch& e) {
  const auto& [id, run, whose] = key;
  const auto* job = ledger_of(*l).jobs.find(id);
  const auto at = lane_index(*job, whose);
  require(!l->current || is(warmup_mutant::judged_by_outcome) || job->lanes[*at].warmed == e.batch,
          "SET_BATCH before those in front of it are in the log");
  ask(l, key, e.request, set_batch{e.batch, (*job->plan)[*at].batches[e.batch].tablets});
}
void warmup_simulation::carry_out(const leader_ptr&, const lane_key&, const send_push&) {
  require(false, "a push, though no tablet changes here");
}
void warmup_simulation::carry_out(const leader_ptr& l, const lane_key& key, const send_clear& e) {
  ask(l, key, e.request, clear_job{});
}

void warmup_simulation::carry_out(const leader_ptr& l, const lane_key& key, const propose_batch& e) {
  propose(l, e.what, [this, l, key, batch = e.what.batch](bool logged) {
    if (logged)
      feed(l, key, batch_logged{batch});
    else if (!is(warmup_mutant::forgets_refused_records))
      feed(l, key, batch_not_logged{batch});
  });
  if (is(warmup_mutant::does_not_wait_for_the_log))
    feed(l, key, batch_not_logged{e.what.batch});
  if (is(warmup_mutant::sends_before_logged)) {
    l->lanes.at(key).lied = e.what.batch + 1;
    feed(l, key, batch_logged{e.what.batch});
  }
}

void warmup_simulation::carry_out(const leader_ptr& l, const lane_key& key, const lane_failed& e) {
  auto& of = l->lanes.at(key);
  say("lane of job " + std::to_string(raw(std::get<0>(key))) + ": " + e.why);
  const bool tablets = e.why.find("could not warm") != std::string::npos;
  require(tablets || of.silences >= 3, "a lane was given up without three failures in a row");
  require(tablets || faulty_ || now_ - healed_at_ < 2min, "a lane was given up without a fault");
  of.failed = e.why;
}
void warmup_simulation::carry_out(const leader_ptr& l, const lane_key&, const lane_deposed& e) {
  ++counts_.step_downs;
  require(!l->current && e.epoch > l->epoch, "a leader stepped down that leads");
  l->gone = true;
}
void warmup_simulation::carry_out(const leader_ptr&, const lane_key&, const raise_alarm&) {
  require(false, "an alarm was raised");
}

// -- messages ------------------------------------------------------------------------------

void warmup_simulation::ask(const leader_ptr& l, const lane_key& key, std::uint64_t request,
                            decltype(slot_request::what) what) {
  const auto& [job, run, at] = key;
  auto& of = l->lanes.at(key);
  of.open = request;
  counts_.deposed_requests += l->current ? 0 : 1;
  const slot_request message{{l->epoch, job, run}, std::move(what)};
  check_sent(*l, message);
  auto& b = backends_[raw(at) - 1];
  const int copies = chance(odds_.twice) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    if (chance(odds_.lost))
      continue;
    later(i == 0 ? message_delay() : within(60s), [this, l, key, request, message, &b] {
      if (!b.up)
        return;
      const auto reply = receive(b, message);
      if (!chance(odds_.lost))
        later(message_delay(), [this, l, key, request, reply] { hear(l, key, request, reply); });
    });
  }
  if (!is(warmup_mutant::waits_forever))
    later(answer_patience, [this, l, key, request] { hear_nothing(l, key, request); });
}

void warmup_simulation::hear(const leader_ptr& l, const lane_key& key, std::uint64_t request, slot_reply reply) {
  const auto found = l->lanes.find(key);
  if (l->gone || found == l->lanes.end())
    return;
  auto& of = found->second;
  const auto facts = facts_for(*l, key, of);
  if (is(warmup_mutant::takes_late_replies) && of.open != 0)
    request = of.open;
  if (is(warmup_mutant::runs_ignored))
    reply.run = std::get<1>(key);
  if (is(warmup_mutant::hides_failed_tablets))
    reply.failed_tablets = 0, reply.named_tablets.clear();
  if (is(warmup_mutant::done_moves_on_accept))
    reply.done = reply.cur;
  if (is(warmup_mutant::idle_means_finished) && reply.verdict == slot_verdict::ok && !reply.running) {
    reply.job = std::get<0>(key);
    reply.run = std::get<1>(key);
    reply.cur = reply.done = facts.warmed;
  }
  if (request != of.open) {
    ++counts_.late_replies;
  } else {
    of.open = 0;
    if (is(warmup_mutant::busy_is_a_failure) && reply.verdict == slot_verdict::busy)
      return feed(l, key, slot_silent{request});
    of.silences = 0;
  }
  feed(l, key, slot_replied{request, std::move(reply)});
}

void warmup_simulation::hear_nothing(const leader_ptr& l, const lane_key& key, std::uint64_t request) {
  const auto found = l->lanes.find(key);
  if (l->gone || found == l->lanes.end() || found->second.open != request)
    return;
  ++counts_.silences;
  ++found->second.silences;
  found->second.open = 0;
  feed(l, key, slot_silent{request});
}

}  // namespace tabletd::test
