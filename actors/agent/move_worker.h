#pragma once
// One running move between two paths: a shell around model/move_life.
#include "actors/agent/ports.h"
#include "actors/model/move_life.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace tabletd {

struct move_worker_ports {
  path_transport_ptr transport;
  task_keeper_actor keeper; ///< Hears how it ended, once.
  model::move_pace pace;
};

struct move_worker_state {
  move_worker_ports ports;
  model::move_life life;
  static inline const char* name = "move_worker";
  /// However the actor ends, nobody goes on copying for it and no load waits for it.
  ~move_worker_state() {
    if (ports.transport)
      ports.transport->end(life.fence);
  }
};

move_worker_actor::behavior_type move_worker(move_worker_actor::stateful_pointer<move_worker_state> self,
                                             model::log_index fence, model::move_order order,
                                             move_worker_ports ports);

} // namespace tabletd
