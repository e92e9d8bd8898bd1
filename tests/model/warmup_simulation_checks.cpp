// What must hold, judged by what happened and not by what the models say.
#include "tests/model/warmup_simulation.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

/// After every record that the fold took.
void warmup_simulation::check(const warmup_record& record, const warmup_ledger& before) {
  if (const auto* e = std::get_if<batch_warmed>(&record))
    check_record(*e);
  else if (const auto* ended = std::get_if<warmup_ended>(&record))
    check_record(*ended, *before.jobs.find(ended->job));
  else if (const auto* begun = std::get_if<warmup_begun>(&record))
    check_record(*begun, before);
  check_progress(before);
}

void warmup_simulation::check_record(const batch_warmed& e) {
  ++counts_.batches;
  const batch_key key{e.job, e.run, e.backend, e.batch};
  const auto done = executed_.find(key);
  require(done != executed_.end(), "a batch is in the log that was not executed in this run");
  require(done->second.contains(e.failed_tablets), "the log says another number of failed tablets");
  require(logged_.insert(key).second, "a batch is twice in the log");
}

void warmup_simulation::check_record(const warmup_ended& e, const warmup_job& job) {
  const bool by_user = e.err == "user cancel";
  const bool succeeds = e.how == warmup_state::finished || (e.how == warmup_state::pending && e.err.empty());
  if (by_user)
    ++counts_.cancelled;
  else
    ++(succeeds ? counts_.finished : counts_.failed);
  require(by_user || e.how != warmup_state::cancelled || !is_periodic(job.what.sync),
          "a periodic job was ended by another than a user");
  require(by_user || e.how != warmup_state::cancelled || job.what.on_error == warmup_on_error::cancel,
          "a job that skips was cancelled");
  for (const auto& planned : *job.plan) {
    const bool skipped = std::ranges::any_of(e.skipped, [&](const auto& s) { return s.backend == planned.backend; });
    counts_.skipped += skipped ? 1 : 0;
    for (std::uint32_t b = 0; succeeds && b < planned.batches.size(); ++b)
      require(logged_.contains({e.job, e.run, planned.backend, b})
                  || (skipped && job.what.on_error == warmup_on_error::skip && !e.err.empty()),
              "a round is finished without a batch, and its backend is not named");
  }
}

void warmup_simulation::check_record(const warmup_begun& e, const warmup_ledger& before) {
  ++counts_.rounds;
  const auto& begins = *before.jobs.find(e.job);
  if (is_event_driven(begins.what.sync))
    return;
  std::size_t running = 1;
  before.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    if (id == e.job || is_event_driven(job.what.sync))
      return;
    if (job.state == warmup_state::running) {
      ++running;
      require(job.what.dst != begins.what.dst, "two jobs run on one destination");
    }
    // Records on their way may pass each other, but not for long.
    const auto since = eligible_.find(id);
    require(id > e.job || job.state != warmup_state::pending || job.what.dst != begins.what.dst
                || !std::holds_alternative<sync_once>(job.what.sync) || since == eligible_.end()
                || now_ - since->second < 15s,
            "a younger job was preferred");
  });
  require(running <= 2, "more jobs run than may");
}

void warmup_simulation::check_progress(const warmup_ledger& before) {
  ledger_.jobs.for_each([&](warmup_job_id id, const warmup_job& job) {
    const auto is = progress_of(job);
    require(is.bytes_done <= is.bytes_total, "more is done than there is");
    const auto* old = before.jobs.find(id);
    if (!old || old->run != job.run || old->state == warmup_state::pending)
      return;
    const auto was = progress_of(*old);
    require(was.bytes_done <= is.bytes_done && was.bytes_total == is.bytes_total, "progress went back");
  });
}

/// What a leader that is one may say.
void warmup_simulation::check_sent(const leader& l, const slot_request& request) const {
  if (!l.current || is(warmup_mutant::judged_by_outcome))
    return;
  const auto* job = ledger_.jobs.find(request.fence.job);
  const bool lives = job && job->state == warmup_state::running && job->run == request.fence.run;
  if (std::holds_alternative<clear_job>(request.what))
    require(!lives, "CLEAR before the end is in the log");
  if (std::holds_alternative<set_batch>(request.what))
    require(lives && !job->paused, "SET_BATCH of a round that is over or paused");
}

void warmup_simulation::check_answer(backend& b, const slot_request& request, const slot_answer& answer) {
  const auto& fence = request.fence;
  const auto verdict = answer.reply.verdict;
  const bool lax = is(warmup_mutant::judged_by_outcome);
  require(lax || (fence.epoch < b.epoch_heard) == (verdict == slot_verdict::stale_epoch), "a deposed leader is obeyed");
  b.epoch_heard = std::max(b.epoch_heard, fence.epoch);
  const round_key key{fence.job, fence.run};
  if (verdict == slot_verdict::busy || verdict == slot_verdict::wrong_job) {
    const round_key owner{answer.reply.job, answer.reply.run};
    const auto heard = b.heard.find(owner);
    const bool leased = heard != b.heard.end() && now_ < heard->second + slot_options{}.lease;
    const bool runs = b.works && !b.works->stopped && b.works->what.job == owner.first;
    require(leased || runs, "a slot is held past its lease");
  }
  const bool renews = verdict != slot_verdict::stale_epoch && verdict != slot_verdict::cleared
                      && !std::holds_alternative<clear_job>(request.what);
  if (renews)
    b.heard[key] = now_;
  if (std::holds_alternative<clear_job>(request.what) && verdict == slot_verdict::ok) {
    b.heard.erase(key);
    auto& epoch = b.cleared[key];
    epoch = std::max(epoch, fence.epoch);
  }
  for (const auto& effect : answer.effects)
    if (std::holds_alternative<begin_batch>(effect)) {
      const auto cleared = b.cleared.find(key);
      require(lax || cleared == b.cleared.end() || cleared->second < fence.epoch, "a cleared round begins a batch");
      require(!b.works || b.works->stopped, "two batches run on one backend");
    }
}

}  // namespace tabletd::test
