#pragma once
// Finds sick tablets and tells the scheduler.  What it looks at and when is decided by
// actors/model/checker.
//
// Supervision: a permanent child younger than the catalog and the scheduler, whose handles it
// holds (rest_for_one).  Its memory is only what it has reported; a new incarnation begins
// with a round over everything at full speed.
#include "actors/model/checker.h"
#include "actors/repair/ports.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace tabletd {

struct checker_ports {
  catalog_cell_ptr catalog;
  catalog_actor catalog_news; ///< Asked once, at birth, to announce every advance.
  tablet_scheduler_actor scheduler;
  model::time_ms tick{1'000};
};

struct tablet_checker_state {
  checker_ports ports;
  model::tablet_checks checks;
  static inline const char* name = "tablet_checker";
};

tablet_checker_actor::behavior_type
tablet_checker(tablet_checker_actor::stateful_pointer<tablet_checker_state> self, checker_ports ports);

} // namespace tabletd
