#include "actors/agent/reporter.h"
#include "actors/actor_clock.h"
#include "actors/codec/agent_codec.h"

namespace tabletd {

namespace {

using self_ptr = reporter_actor::stateful_pointer<reporter_state>;

void carry_out(self_ptr self, const model::report_effects& effects) {
  auto& state = self->state;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
                 [&](const model::send_full& e) {
                   ++state.ports.stats->reports_full;
                   state.ports.wire->send(codec::seal_report(state.book, e, state.ports.boot));
                 },
                 [&](const model::send_changes& e) {
                   ++state.ports.stats->reports_changed;
                   state.ports.wire->send(codec::seal_report(state.book, e, state.ports.boot));
                 },
               },
               effect);
}

void feed(self_ptr self, const model::report_event& event) {
  carry_out(self, model::step(self->state.book, event, now(self)));
  self->state.ports.stats->stamp = self->state.book.stamp;
}

task_ended stamped(self_ptr self, const task_ended& ended) {
  auto end = codec::decode(ended.get());
  end.stamp = self->state.book.stamp;
  auto with_stamp = codec::seal_end(end);
  self->state.ports.wire->send(with_stamp);
  return with_stamp;
}

} // namespace

reporter_actor::behavior_type reporter(reporter_actor::stateful_pointer<reporter_state> self,
                                       reporter_ports ports) {
  self->state.book.pace = ports.pace;
  self->state.ports = std::move(ports);
  self->delayed_send(self, self->state.book.pace.tick_ms, tick_due{});
  return {
    [self](const disk_changes& changes) { feed(self, codec::decode(changes.get())); },
    [self](const task_ended& ended) { return stamped(self, ended); },
    [self](link_up) { feed(self, model::link_made{}); },
    [self](report_wanted) { feed(self, model::full_asked{}); },
    [self](tick_due) {
      feed(self, model::book_ticked{});
      self->delayed_send(self, self->state.book.pace.tick_ms, tick_due{});
    },
  };
}

} // namespace tabletd
