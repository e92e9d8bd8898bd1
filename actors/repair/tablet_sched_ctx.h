#pragma once
// One remedy of one tablet, as an actor; its life is actors/model/sched_ctx.
//
// Supervision: a temporary child of the tablet_scheduler, which monitors it.  It is never
// restarted: if it ends without a ctx_ended the scheduler counts it as unexpected, frees its
// slots and diagnoses the tablet anew - an order it left open is adopted by a new context.
#include "actors/model/sched_ctx.h"
#include "actors/repair/ports.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <functional>

namespace tabletd {

struct ctx_ports {
  journal_actor journal;
  membership_actor membership;
  tablet_scheduler_actor scheduler;
  std::function<model::time_ms()> wall_clock; ///< Stamps its edits.
};

/// How often a context looks at its deadlines.
inline constexpr model::time_ms ctx_tick_period{10'000};

struct tablet_sched_ctx_state {
  ctx_ports ports;
  model::sched_ctx ctx;
  static inline const char* name = "tablet_sched_ctx";
};

tablet_sched_ctx_actor::behavior_type
tablet_sched_ctx(tablet_sched_ctx_actor::stateful_pointer<tablet_sched_ctx_state> self, model::sched_ctx ctx,
                 ctx_ports ports);

} // namespace tabletd
