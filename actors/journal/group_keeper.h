#pragma once
// Keeps the group of front ends, in its leader's term: carries out what ALTER SYSTEM and ADMIN
// TRANSFER LEADERSHIP ask for, and by itself gives their vote to members that wait for it.  What to do
// is decided by model/group_change.h, whether it comes true by the log.
#include "actors/journal/ports.h"
#include "actors/model/group_change.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>

namespace tabletd {

struct group_keeper_ports {
  group_journal_actor journal;
  std::function<model::group_sight()> look;  ///< At this moment; any thread.
  model::time_ms tick{250};                  ///< Between two looks whether somebody can be given a vote.
};

struct group_keeper_state {
  static inline const char* name = "group_keeper";
  group_keeper_ports ports;
  bool is_stepping = false;  ///< A change of its own is under way.
};

group_keeper_actor::behavior_type group_keeper(group_keeper_actor::stateful_pointer<group_keeper_state> self,
                                               group_keeper_ports ports);

}  // namespace tabletd
