#pragma once
// How actors get a thread: the same in every node and every measurement.
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>

namespace tabletd {

/// Two workers, each with a queue of its own: an actor that wakes another one runs it next on the
/// same thread, where one shared queue wakes the other worker for every message (a journal with
/// one proposer was a third slower).  An idle worker looks a thousand times - a tenth
/// of a millisecond, within which the next hand-over of a busy journal comes - then sleeps until it is
/// woken, or for 10 ms, after which it takes from the other one's queue; CAF's default polls for
/// 25 ms first.  At most 200 messages before the next actor has its turn (design/actors.md 0).
inline void set_scheduling(caf::actor_system_config& config) {
  config.set("scheduler.policy", caf::atom("stealing"));
  config.set("scheduler.max-threads", std::size_t{2});
  config.set("scheduler.max-throughput", std::size_t{200});
  config.set("work-stealing.aggressive-poll-attempts", std::size_t{1000});
  config.set("work-stealing.moderate-poll-attempts", std::size_t{0});
}

}  // namespace tabletd
