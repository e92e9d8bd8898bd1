#include "actors/console/load_keeper.h"
#include "actors/console/load_job.h"
#include "actors/spawn_child.h"
#include "actors/supervision/ports.h"
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <caf/system_messages.hpp>

namespace tabletd {

namespace {

using self_ptr = load_keeper_actor::stateful_pointer<load_keeper_state>;

void take_over(self_ptr self, model::txn_id txn) {
  const auto& ports = self->state.ports;
  auto job = ports.job;
  job.load_keeper = self;
  child_spec spec;
  spec.id = "load/" + std::to_string(model::raw(txn));
  spec.start = spawner(load_job, load_origin{load_taken_over{txn}}, std::move(job));
  spec.when = model::restart::temporary;
  // Nobody listens: the job announces itself, and what did not start is tried again at the next look.
  caf::anon_send(ports.jobs, start_child{std::move(spec)});
}

void on_tick(self_ptr self) {
  auto& st = self->state;
  std::set<model::load_name> carried;
  for (const auto& [job, load] : st.carried)
    carried.insert(load);
  for (const auto txn : model::look(st.watch, *st.ports.job.catalog->load(), carried))
    take_over(self, txn);
  self->delayed_send(self, st.ports.tick, tick_due{});
}

} // namespace

load_keeper_actor::behavior_type load_keeper(self_ptr self, load_keeper_ports ports) {
  self->state.ports = std::move(ports);
  self->set_down_handler([self](caf::down_msg& down) { self->state.carried.erase(down.source); });
  self->send(self, tick_due{});
  return {
    [self](const load_announced& mine) {
      self->state.carried[mine.job] = mine.load;
      self->monitor(mine.job);
    },
    [self](tick_due) { on_tick(self); },
  };
}

} // namespace tabletd
