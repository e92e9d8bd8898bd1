// The backend's host: what it hears, and one worker that warms tablet by tablet.
#include "tests/model/warmup_simulation.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

void warmup_simulation::start(backend& b) {
  slot_options options;
  if (is(warmup_mutant::no_lease))
    options.lease = 100'000h;
  if (is(warmup_mutant::no_tombstones))
    options.tombstones_max = 0;
  b.up = true;
  b.slot = std::make_unique<warmup_slot>(b.boot, options);
  b.works.reset();
  b.epoch_heard = 0;
  b.heard.clear();
  b.cleared.clear();
}

void warmup_simulation::restart(backend& b) {
  ++counts_.restarts;
  ++b.boot;
  b.up = false;
  say("be " + std::to_string(raw(b.id)) + " restarts");
  later(1s + within(below(4) == 0 ? 2min : 10s), [this, &b, boot = b.boot] {
    if (!b.up && b.boot == boot)
      start(b);
  });
}

slot_reply warmup_simulation::receive(backend& b, slot_request request) {
  const auto said = request;
  if (is(warmup_mutant::epoch_ignored))
    request.fence.epoch = std::max(request.fence.epoch, b.epoch_heard);
  if (is(warmup_mutant::runs_ignored))
    request.fence.run = 0;
  const auto answer = b.slot->step(request, now_);
  for (std::size_t i = 0; i < slot_rule_count; ++i)
    counts_.rules[i] += answer.rules.test(i) ? 1 : 0;
  if (is(warmup_mutant::anybody_renews) && answer.reply.job != warmup_job_id{})
    (void)b.slot->step({{request.fence.epoch, answer.reply.job, answer.reply.run}, get_slot{}}, now_);
  check_answer(b, said, answer);
  for (const auto& effect : answer.effects) {
    if (const auto* begun = std::get_if<begin_batch>(&effect)) {
      auto what = *begun;
      what.run = said.fence.run;
      begin(b, what);
    } else if (b.works) {
      b.works->stopped = true;
    }
  }
  return answer.reply;
}

void warmup_simulation::begin(backend& b, const begin_batch& what) {
  say("be " + std::to_string(raw(b.id)) + " begins " + std::to_string(raw(what.job)) + "." + std::to_string(what.run)
      + " batch " + std::to_string(what.batch));
  b.works = std::make_shared<worker>();
  b.works->what = what;
  b.works->boot = b.boot;
  warm_next(b, b.works);
}

/// Even a worker that was told to stop ends with the tablet in hand.
void warmup_simulation::warm_next(backend& b, const std::shared_ptr<worker>& work) {
  const auto takes = chance(odds_.long_tablet) ? within(3min) : 200ms + within(15s);
  later(takes, [this, &b, work] {
    if (work->boot != b.boot)
      return;
    const auto tablet = work->what.tablets[work->next++];
    if (chance(odds_.tablet))
      work->failed.push_back(tablet);
    else
      ++work->bytes;
    b.slot->note_progress(work->what.generation, work->bytes);
    if (work->next == work->what.tablets.size() || work->stopped)
      end(b, *work);
    else
      warm_next(b, work);
  });
}

void warmup_simulation::end(backend& b, const worker& work) {
  const auto& what = work.what;
  if (work.next == what.tablets.size()) {
    ++counts_.executions;
    executed_[{what.job, what.run, b.id, what.batch}].insert(work.failed.size());
  }
  batch_result result{what.generation, what.batch, work.bytes, work.failed.size(), work.failed};
  if (is(warmup_mutant::results_of_any_generation) && b.works) {
    result.generation = b.works->what.generation;
    result.batch = b.works->what.batch;
  }
  if (!b.slot->end_batch(result))
    ++counts_.dropped_results;
  if (b.works.get() == &work)
    b.works.reset();
}

}  // namespace tabletd::test
