#pragma once
// Cooldown of one tablet, as an actor: it steps actors/model/cooldown_handler with what the catalog says at that moment,
// and hands what follows to the overseer, which carries it out for many tablets together.
//
// Supervision: a child of the overseer, which monitors it.  A new one knows no report, so it waits from its own
// beginning before it grants to another.
#include "actors/catalog/ports.h"
#include "actors/model/cooldown_handler.h"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <optional>

namespace tabletd {

/// No event: only say how the tablet stands.
struct cooldown_turn {
  std::optional<model::cooldown_event> event;
};
struct cooldown_turned {
  model::cooldown_effects effects;
  model::cooldown_standing standing;
  bool is_there = false;    ///< False: the tablet is gone; nothing was stepped.
  bool is_conflict = false; ///< model::is_conflict
};
using cooldown_handler_actor = caf::typed_actor<caf::replies_to<cooldown_turn>::with<cooldown_turned>>;

struct cooldown_handler_ports {
  catalog_cell_ptr catalog;
  model::time_ms patience{model::uploader_patience};
};

struct cooldown_handler_state {
  model::tablet_id tablet{};
  catalog_cell_ptr catalog;
  std::optional<model::cooldown_handler> handler;
  static inline const char* name = "cooldown_handler";
};

cooldown_handler_actor::behavior_type cooldown_handler(cooldown_handler_actor::stateful_pointer<cooldown_handler_state> self,
                                                       model::tablet_id tablet, cooldown_handler_ports ports);

}  // namespace tabletd

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::cooldown_turn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(tabletd::cooldown_turned)
