#pragma once
// One running clone: a shell around model/clone_life.
#include "actors/agent/ports.h"
#include "actors/model/clone_life.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace tabletd {

struct clone_worker_ports {
  clone_transport_ptr transport;
  task_keeper_actor keeper; ///< Hears how it ended, once.
  model::clone_pace pace;
};

struct clone_worker_state {
  clone_worker_ports ports;
  model::clone_life life;
  static inline const char* name = "clone_worker";
  /// However the actor ends, nobody goes on copying for it.
  ~clone_worker_state() {
    if (ports.transport)
      ports.transport->end(life.order.fence);
  }
};

clone_worker_actor::behavior_type clone_worker(clone_worker_actor::stateful_pointer<clone_worker_state> self,
                                               model::clone_order order, clone_worker_ports ports);

} // namespace tabletd
