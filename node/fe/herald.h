#pragma once
// Who tells fe_node that something about its group or its catalog has changed.
#include "actors/catalog/ports.h"

#include <caf/actor_cast.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <utility>

namespace tabletd {

/// Looks, whenever the standing of this node or its catalog changes, whether it can serve.
struct herald_ports {
  journal_actor journal;
  catalog_actor catalog;
  std::function<void()> look;
};
using herald_actor = standing_listener_actor::extend<caf::reacts_to<catalog_advanced>>;
struct herald_state {
  static inline const char* name = "herald";
  herald_ports ports;
};
inline herald_actor::behavior_type herald(herald_actor::stateful_pointer<herald_state> self, herald_ports ports) {
  self->state.ports = std::move(ports);
  self->send(self->state.ports.journal, watch_standing{}, caf::actor_cast<standing_listener_actor>(self));
  self->send(self->state.ports.catalog, subscribe{}, caf::actor_cast<catalog_listener_actor>(self));
  return {[self](const standing&) { self->state.ports.look(); },
          [self](const catalog_advanced&) { self->state.ports.look(); }};
}

} // namespace tabletd
