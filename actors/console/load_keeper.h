#pragma once
// Takes over loads that an earlier leader committed and did not see served everywhere: one
// load_job each.  (Loads that had only begun are aborted by membership.)
#include "actors/console/console_jobs.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace tabletd {

struct load_keeper_state {
  std::size_t starting = 0; ///< Jobs asked for and not yet up.
  static inline const char* name = "load_keeper";
};

using load_keeper_actor = caf::typed_actor<caf::reacts_to<begin_job>>;

/// Started once per term, after its first entry has been folded; ends when every job is up.  A
/// transient child.  `jobs`: the console's job supervisor.
load_keeper_actor::behavior_type load_keeper(load_keeper_actor::stateful_pointer<load_keeper_state> self,
                                             caf::actor jobs, console_job_ports ports);

} // namespace tabletd
