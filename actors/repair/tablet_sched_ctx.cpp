#include "actors/repair/tablet_sched_ctx.h"
#include "actors/actor_clock.h"
#include "actors/codec/agent_codec.h"
#include "actors/codec/edit_codec.h"
#include "actors/codec/repair_codec.h"
#include <caf/error.hpp>
#include <caf/send.hpp>

namespace tabletd {

namespace {

using self_ptr = tablet_sched_ctx_actor::stateful_pointer<tablet_sched_ctx_state>;

void feed(self_ptr self, const model::ctx_event& event);

void carry_out(self_ptr self, const model::ctx_effects& effects) {
  auto& ports = self->state.ports;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
                 [&](const model::propose& e) {
                   // No error handler: without its journal a context is nothing, so it dies and
                   // its parent hears of it.
                   self->request(ports.journal, caf::infinite, codec::encode({ports.wall_clock(), e.body}))
                     .then([self](const edit_outcome& answer) { feed(self, codec::decode_answer(answer.get())); });
                 },
                 [&](const model::ask_task& e) {
                   self->request(ports.membership, caf::infinite, codec::seal_order(e.backend, e.task))
                     .then([self](const task_ended& end) { feed(self, codec::decode(end.get())); },
                           [self, fence = e.task.fence](const caf::error&) { feed(self, model::task_ask_lost{fence}); });
                 },
                 [&](const model::tell_task& e) {
                   caf::anon_send(ports.membership, codec::seal_order(e.backend, e.task)); // Nobody wants its answer.
                 },
                 [&](const model::report_end& e) {
                   self->send(ports.scheduler, codec::seal_ended(self->state.ctx.tablet, e));
                   self->quit();
                 },
               },
               effect);
}

void feed(self_ptr self, const model::ctx_event& event) {
  auto& st = self->state;
  carry_out(self, model::step(st.ctx, event, now(self)));
}

} // namespace

tablet_sched_ctx_actor::behavior_type tablet_sched_ctx(self_ptr self, model::sched_ctx ctx, ctx_ports ports) {
  auto& st = self->state;
  st.ctx = std::move(ctx);
  st.ports = std::move(ports);
  carry_out(self, model::begin(st.ctx, now(self)));
  self->delayed_send(self, ctx_tick_period, tick_due{});
  return {
    [self](tick_due) {
      self->delayed_send(self, ctx_tick_period, tick_due{});
      feed(self, model::ctx_tick{});
    },
    [self](const withdrawal& what) { feed(self, model::ctx_withdrawn{what.why}); },
  };
}

} // namespace tabletd
