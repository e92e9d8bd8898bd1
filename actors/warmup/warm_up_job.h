#pragma once
// One round of a job, as an actor: a lane for every backend of the plan, and its end.  What the user wants meanwhile
// (pause, cancel) is in the log, where the lanes see it.
//
// Supervision: a child of the overseer, which monitors it and starts another one for a round that runs and has none; that
// one knows nothing of lanes that were given up, so they are tried again.  A lane that dies is replaced at the next tick.
// It ends by itself when the round is over and every lane has ended.
#include "actors/warmup/warmup_lane.h"

#include <caf/actor_addr.hpp>

#include <map>
#include <set>

namespace tabletd {

using warm_up_job_actor = lane_listener_actor::extend<caf::reacts_to<view_changed>, caf::reacts_to<tick_due>>;

struct warm_up_job_state {
  warm_up_job_state() = default;
  warm_up_job_state(const warm_up_job_state&) = delete;
  /// However it ends, no lane outlives it.
  ~warm_up_job_state();

  warmup_room_ptr room;
  warmup_round round;
  std::map<model::backend_id, warmup_lane_actor> lanes;
  std::map<caf::actor_addr, model::backend_id> by_lane;
  std::set<model::backend_id> ended;  ///< Lanes that have said their last word.
  model::failed_lanes failed;
  bool is_ending = false;             ///< warmup_ended is on its way into the log.
  static inline const char* name = "warm_up_job";
};

warm_up_job_actor::behavior_type warm_up_job(warm_up_job_actor::stateful_pointer<warm_up_job_state> self,
                                             warmup_room_ptr room, warmup_round round);

}  // namespace tabletd
