#include "actors/agent/move_worker.h"
#include "actors/actor_clock.h"
#include "actors/codec/agent_codec.h"
#include "actors/codec/move_codec.h"

namespace tabletd {

namespace {

using self_ptr = move_worker_actor::stateful_pointer<move_worker_state>;

void carry_out(self_ptr self, const model::move_effects& effects) {
  auto& state = self->state;
  auto& transport = *state.ports.transport;
  const auto fence = state.life.fence;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
                 [&](const model::look_for_replica&) { transport.look(fence, state.life.order, self); },
                 [&](const model::list_rest&) { transport.list(fence); },
                 [&](const model::copy_rest&) { transport.copy(fence); },
                 [&](const model::shut_gate&) { transport.shut_gate(fence); },
                 [&](const model::open_gate&) { transport.open_gate(fence); },
                 [&](const model::switch_paths&) { transport.switch_paths(fence); },
                 [&](const model::leave_move& e) { transport.let_go(fence, e.keep_partial); },
                 [&](const model::end_move& e) {
                   self->send(state.ports.keeper, codec::seal_end(e.end));
                   self->quit();
                 },
               },
               effect);
}

void feed(self_ptr self, const model::move_event& event) {
  carry_out(self, model::step(self->state.life, event, now(self)));
}

} // namespace

move_worker_actor::behavior_type move_worker(move_worker_actor::stateful_pointer<move_worker_state> self,
                                             model::log_index fence, model::move_order order,
                                             move_worker_ports ports) {
  self->state.life.fence = fence;
  self->state.life.order = order;
  self->state.life.pace = ports.pace;
  self->state.ports = std::move(ports);
  carry_out(self, model::begin(self->state.life, now(self)));
  return {
    [self](const move_event& event) { feed(self, codec::decode(event.get())); },
    [self](const copy_stop& stop) {
      feed(self, model::move_cancelled{stop.get().getKeepPartial(), stop.get().getWhy().cStr()});
    },
  };
}

} // namespace tabletd
