// The stand-ins for the journal and for membership.
#include "tests/actors/repair_sim_world.h"
#include "actors/codec/agent_codec.h"
#include <caf/error.hpp>
#include <caf/sec.hpp>

namespace tabletd::test {

// -- the journal -------------------------------------------------------------------------

namespace {

edit_outcome refused_to_append(wire::EditOutcome::Failure how) {
  return seal<wire::EditOutcome>([&](auto to) {
    to.setFailure(how);
    to.setMessage("simulated");
  });
}

caf::typed_response_promise<edit_outcome> on_edit(journal_actor::stateful_pointer<sim_journal_state> self,
                                                  const edit_message& edit) {
  auto promise = self->make_response_promise<edit_outcome>();
  auto& world = *self->state.world;
  if (!self->state.sink || (world.faults && world.fate.one_in(50))) {
    promise.deliver(refused_to_append(wire::EditOutcome::Failure::OVERLOADED));
    return promise;
  }
  world.append(edit);
  const auto index = world.log.size();
  const auto doubt = world.faults ? world.fate.below(100) : 99;
  self->request(self->state.sink, caf::infinite, committed_batch{index, 1, {edit}})
    .then([self, promise, index, doubt](const batch_outcomes& batch) mutable {
      const auto outcome = batch.outcomes.front();
      if (outcome.get().getRefusal() != static_cast<std::uint8_t>(self->state.world->verdicts[index - 1].why))
        self->state.world->fail("the catalog judged entry " + std::to_string(index) + " differently");
      if (doubt == 0) // Appended, but the proposer dies of the answer.
        promise.deliver(caf::make_error(caf::sec::runtime_error, "simulated"));
      else if (doubt == 1)
        promise.deliver(refused_to_append(wire::EditOutcome::Failure::NOT_LEADER));
      else
        promise.deliver(outcome);
    });
  return promise;
}

} // namespace

journal_actor::behavior_type sim_journal(journal_actor::stateful_pointer<sim_journal_state> self, sim_world* world) {
  self->state.world = world;
  return {
    [self](const edit_message& edit) { return on_edit(self, edit); },
    [self](replay_from from, const catalog_sink_actor& sink) {
      auto& log = self->state.world->log;
      self->state.sink = sink;
      if (from.index <= log.size())
        self->request(sink, caf::infinite,
                      committed_batch{from.index, 1, {log.begin() + static_cast<std::ptrdiff_t>(from.index - 1), log.end()}})
          .then([](const batch_outcomes&) {});
    },
    [](watch_standing, const standing_listener_actor&) {},
  };
}

// -- membership --------------------------------------------------------------------------

namespace {

using membership_self = sim_membership_actor::stateful_pointer<sim_membership_state>;
using ask_key = std::pair<backend_id, log_index>;

void answer(membership_self self, ask_key key, const task_end& end) {
  auto asked = self->state.asks.extract(key);
  if (asked.empty())
    return;
  auto& world = *self->state.world;
  const auto luck = world.faults ? world.fate.below(40) : 39;
  if (luck == 0)
    return; // The answer is lost: the asker waits for ever, or asks again.
  for (auto& asker : asked.mapped().askers) {
    if (luck == 1)
      asker.deliver(caf::make_error(caf::sec::runtime_error, "simulated"));
    else
      asker.deliver(codec::seal_end(end));
  }
}

void try_task(membership_self self, ask_key key) {
  auto& world = *self->state.world;
  const auto task = self->state.asks.at(key).task;
  auto* b = world.disks.find(key.first);
  const auto* known = world.shadow.backends.find(key.first);
  if (!b || !known || !known->alive)
    return answer(self, key, failed_end(key.second, {}, {}, task_failure::unreachable, "the backend is dead"));
  if (!b->up)
    return; // Until it is back or declared dead.
  if (const auto* cancel = std::get_if<cancel_order>(&task.what)) {
    b->running.erase(cancel->clone);
    return answer(self, key, failed_end(key.second, {}, {}, task_failure::unknown, ""));
  }
  if (const auto done = b->ended.find(key.second); done != b->ended.end())
    return answer(self, key, done->second);
  world.start_task(*b, task);
}

} // namespace

sim_membership_actor::behavior_type sim_membership(membership_self self, sim_world* world) {
  self->state.world = world;
  const auto of_backend = [self](std::uint64_t backend) {
    std::vector<ask_key> keys;
    for (const auto& [key, asked] : self->state.asks)
      if (raw(key.first) == backend)
        keys.push_back(key);
    return keys;
  };
  return {
    [](const catalog_advanced&) {},
    [self](const task_order& order) {
      auto promise = self->make_response_promise<task_ended>();
      const auto task = codec::decode(order.get().getTask());
      const ask_key key{backend_id{order.get().getBackend()}, task.fence};
      auto& asked = self->state.asks[key];
      asked.task = task;
      asked.askers.push_back(promise);
      try_task(self, key);
      return promise;
    },
    [self](const publish_order&) { return self->make_response_promise<publish_ended>(); },
    [](tick_due) {},
    [self](sim_task_over over) {
      const ask_key key{backend_id{over.backend}, log_index{over.fence}};
      auto& ended = self->state.world->disks.find(key.first)->ended;
      if (const auto at = ended.find(key.second); at != ended.end())
        answer(self, key, at->second);
    },
    [self, of_backend](sim_backend_up up) {
      for (const auto& key : of_backend(up.backend))
        try_task(self, key);
    },
    [self, of_backend](sim_backend_dead dead) {
      for (const auto& key : of_backend(dead.backend))
        try_task(self, key);
    },
  };
}

} // namespace tabletd::test
