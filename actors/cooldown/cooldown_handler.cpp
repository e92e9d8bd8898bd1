#include "actors/cooldown/cooldown_handler.h"
#include "actors/actor_clock.h"
#include "actors/model/cooldown_upkeep.h"

namespace tabletd {

namespace {

using self_ptr = cooldown_handler_actor::stateful_pointer<cooldown_handler_state>;

cooldown_turned step(self_ptr self, const cooldown_turn& turn) {
  auto& st = self->state;
  const auto cat = st.catalog->load();
  const auto* tablet = cat->tablets.find(st.tablet);
  if (tablet == nullptr)
    return {};
  const auto view = model::cooling_view(*cat, *tablet);
  const auto at = now(self);
  cooldown_turned turned;
  turned.is_there = true;
  if (turn.event)
    turned.effects = st.handler->step(view, *turn.event, at);
  turned.standing = st.handler->standing(view, at);
  if (turn.event)
    if (const auto* said = std::get_if<model::cooldown_reported>(&*turn.event))
      turned.is_conflict = model::is_conflict(view.conf, *said);
  return turned;
}

}  // namespace

cooldown_handler_actor::behavior_type cooldown_handler(self_ptr self, model::tablet_id tablet, cooldown_handler_ports ports) {
  auto& st = self->state;
  st.tablet = tablet;
  st.catalog = std::move(ports.catalog);
  st.handler.emplace(now(self), ports.patience);
  return {[self](const cooldown_turn& turn) { return step(self, turn); }};
}

}  // namespace tabletd
