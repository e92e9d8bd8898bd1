#include "actors/repair/tablet_checker.h"
#include "actors/actor_clock.h"
#include "actors/codec/repair_codec.h"
#include <caf/actor_cast.hpp>

namespace tabletd {

namespace {

using self_ptr = tablet_checker_actor::stateful_pointer<tablet_checker_state>;

/// To itself: the step before left work behind.
void come_again(self_ptr self) { self->send(self, catalog_advanced{}); }

void carry_out(self_ptr self, const model::check_effects& effects) {
  auto& st = self->state;
  if (!effects.sick.empty() || !effects.healed.empty())
    self->send(st.ports.scheduler, codec::seal_sick(effects, st.checks));
  if (effects.again)
    come_again(self);
}

void feed(self_ptr self, const model::check_event& event) {
  auto& st = self->state;
  carry_out(self, model::step(st.checks, event, *st.ports.catalog->load(), now(self)));
}

} // namespace

tablet_checker_actor::behavior_type tablet_checker(self_ptr self, checker_ports ports) {
  auto& st = self->state;
  st.ports = std::move(ports);
  self->send(st.ports.catalog_news, subscribe{}, caf::actor_cast<catalog_listener_actor>(self));
  self->send(self, tick_due{});
  return {
    [self](const catalog_advanced& news) { feed(self, codec::decode_moved(news.get())); },
    [self](tick_due) {
      feed(self, model::check_tick{});
      self->delayed_send(self, self->state.ports.tick, tick_due{});
    },
  };
}

} // namespace tabletd
