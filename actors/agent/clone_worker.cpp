#include "actors/agent/clone_worker.h"
#include "actors/actor_clock.h"
#include "actors/codec/agent_codec.h"

namespace tabletd {

namespace {

using self_ptr = clone_worker_actor::stateful_pointer<clone_worker_state>;

void carry_out(self_ptr self, const model::clone_effects& effects) {
  auto& state = self->state;
  auto& transport = *state.ports.transport;
  const auto fence = state.life.order.fence;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
                 [&](const model::look_here&) { transport.look(state.life.order, self); },
                 [&](const model::ask_source& e) { transport.ask(fence, e.attempt, e.have); },
                 [&](const model::copy_blocks&) { transport.copy(fence); },
                 [&](const model::install_copy& e) { transport.install(fence, e.full); },
                 [&](const model::retry_in& e) { self->delayed_send(self, e.span, tick_due{}); },
                 [&](const model::let_go& e) { transport.let_go(fence, e.keep_partial); },
                 [&](const model::end_clone& e) {
                   self->send(state.ports.keeper, codec::seal_end(e.end));
                   self->quit();
                 },
               },
               effect);
}

void feed(self_ptr self, const model::clone_event& event) {
  carry_out(self, model::step(self->state.life, event, now(self)));
}

} // namespace

clone_worker_actor::behavior_type clone_worker(clone_worker_actor::stateful_pointer<clone_worker_state> self,
                                               model::clone_order order, clone_worker_ports ports) {
  self->state.life.order = std::move(order);
  self->state.life.pace = ports.pace;
  self->state.ports = std::move(ports);
  carry_out(self, model::begin(self->state.life, now(self)));
  return {
    [self](const clone_event& event) { feed(self, codec::decode(event.get())); },
    [self](const copy_stop& stop) {
      feed(self, model::clone_cancelled{stop.get().getKeepPartial(), stop.get().getWhy().cStr()});
    },
    [self](tick_due) { feed(self, model::clone_retry_due{}); },
  };
}

} // namespace tabletd
