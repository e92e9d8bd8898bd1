#pragma once
// Takes the leader's orders and sees to it that each is done once and answered: a shell
// around model/task_book.  Clones and moves get an actor each, everything else goes to its disk.
#include "actors/agent/be_stats.h"
#include "actors/agent/clone_worker.h"
#include "actors/agent/move_worker.h"
#include "actors/agent/ports.h"
#include "actors/model/task_book.h"
#include <caf/actor.hpp>
#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <map>

namespace tabletd {

struct task_keeper_ports {
  replica_disks_ptr disks;
  clone_transport_ptr transport;
  reporter_actor reporter;
  report_wire_ptr wire;
  std::shared_ptr<be_stats> stats;
  model::task_limits limits;
  model::clone_pace pace;
  caf::actor supervisor; ///< Parent of the workers.
  path_transport_ptr mover;
  model::move_pace move;
};

struct task_keeper_state {
  task_keeper_ports ports;
  model::task_book book;
  std::map<model::log_index, caf::actor> workers;      ///< Of clones and moves that run.
  std::map<model::log_index, copy_stop> stops;         ///< Asked before the worker was there.
  std::vector<caf::typed_response_promise<drained>> drain_waiters;
  static inline const char* name = "task_keeper";
};

task_keeper_actor::behavior_type task_keeper(task_keeper_actor::stateful_pointer<task_keeper_state> self,
                                             task_keeper_ports ports);

} // namespace tabletd
