#pragma once
// The one place that folds.  Batches of committed entries go in; outcomes, a new snapshot
// and one catalog_advanced per batch come out.
//
// Its supervisor restarts it like any other child: it takes its place up again from the
// snapshot in the cell and asks the journal for what came after.  An entry that cannot be
// decoded is the exception: it throws, and meets the same entry after every restart, so the
// supervisor gives up and the node exits.  A node that skipped an entry would differ from the
// others for ever.
#include "actors/catalog/ports.h"
#include "actors/model/catalog.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <vector>

namespace tabletd {

struct catalog_ports {
  journal_actor journal;
  catalog_cell_ptr cell;
};

struct catalog_state {
  catalog_ports ports;
  model::catalog cat;
  std::vector<catalog_listener_actor> listeners;
  static inline const char* name = "catalog";
};

/// A snapshot is in the cell before the outcomes of its batch are answered: whoever hears that its
/// edit became true finds it there.
replaceable_catalog_actor::behavior_type
catalog_keeper(replaceable_catalog_actor::stateful_pointer<catalog_state> self, catalog_ports ports);

} // namespace tabletd
