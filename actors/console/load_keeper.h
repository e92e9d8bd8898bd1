#pragma once
// Takes over loads whose job is gone, whether it crashed or went down with an earlier leader: a
// new load_job each, which aborts what had only begun and publishes what was committed.
//
// Supervision: a permanent child younger than `jobs` and older than the sessions.  Its memory is
// who announced itself; a new incarnation has not heard of older jobs and takes their loads over
// too, which the log makes harmless: what one job decided, the other is refused.
#include "actors/console/console_jobs.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <map>

namespace tabletd {

struct load_keeper_ports {
  caf::actor jobs;       ///< The job supervisor.
  console_job_ports job; ///< For the jobs it starts; their load_keeper is itself.
  model::time_ms tick{1'000};
};

struct load_keeper_state {
  load_keeper_ports ports;
  model::load_watch watch;
  std::map<caf::actor_addr, model::load_name> carried; ///< By live job.
  static inline const char* name = "load_keeper";
};

load_keeper_actor::behavior_type load_keeper(load_keeper_actor::stateful_pointer<load_keeper_state> self,
                                             load_keeper_ports ports);

} // namespace tabletd
