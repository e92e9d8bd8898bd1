#pragma once
// The queue, the slots and the parent of every running context, as an actor; whom it treats
// when is decided by actors/model/repair_scheduler.
//
// Supervision: a permanent child of the term's subtree, older than the checker.  Its contexts
// are temporary children: monitored, never restarted, ended with it.  A new incarnation adopts
// the orders that are open in the catalog and hears of every sick tablet within one round of
// the checker.
#include "actors/model/repair_scheduler.h"
#include "actors/repair/ports.h"
#include "actors/repair/tablet_sched_ctx.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>
#include <map>
#include <optional>

namespace tabletd {

struct scheduler_ports {
  journal_actor journal;
  membership_actor membership; ///< Subscribe the scheduler to its view_changed; ticks look as well.
  catalog_cell_ptr catalog;
  cluster_view_cell_ptr cluster;
  scheduler_view_cell_ptr view;
  std::function<model::time_ms()> wall_clock; ///< Stamps edits and the view.
  model::time_ms tick{1'000};
};

struct tablet_scheduler_state {
  tablet_scheduler_state() = default;
  tablet_scheduler_state(const tablet_scheduler_state&) = delete;
  /// However the scheduler ends, no context outlives it.
  ~tablet_scheduler_state();

  scheduler_ports ports;
  std::optional<model::repair_scheduler> scheduler;
  std::map<model::tablet_id, tablet_sched_ctx_actor> children;
  std::map<caf::actor_addr, model::tablet_id> tablets; ///< By child.
  static inline const char* name = "tablet_scheduler";
};

tablet_scheduler_actor::behavior_type
tablet_scheduler(tablet_scheduler_actor::stateful_pointer<tablet_scheduler_state> self, scheduler_ports ports,
                 model::scheduler_options options);

} // namespace tabletd
