#pragma once
// The repair loop in one process and one thread: the production checker, scheduler, contexts,
// catalog and codecs on CAF's test scheduler, over a log, disks and a network that the seed
// plays.  Same seed, same history, to the last message.
#include "actors/catalog/ports.h"
#include "actors/membership/ports.h"
#include "actors/model/repair_scheduler.h"
#include "actors/repair/ports.h"
#include "tests/actors/actor_world.h"
#include "tests/actors/sim_disks.h"
#include <queue>
#include <set>

namespace tabletd::test {

struct sim_options {
  std::uint64_t seed = 1;
  bool say = false;                        ///< Print every edit and event.
  time_ms faults_for{180'000};
  time_ms patience{3 * 3'600'000};         ///< Virtual time to get well after the last fault.
};

/// What a run has shown; equal runs are equal in every field.
struct sim_result {
  std::string broken;        ///< Empty: everything held.
  std::uint64_t trace = 0;   ///< Hash over every edit, task and fault with its time.
  std::uint64_t steps = 0;   ///< Messages delivered.
  std::uint64_t edits = 0;
  std::uint64_t clones = 0;  ///< Orders.
  std::uint64_t drops = 0;
  std::uint64_t faults = 0;
  std::uint64_t restarts = 0;///< Of the front end.
  std::uint64_t adopted = 0; ///< Orders open at a restart.
  time_ms well_after{};      ///< From the last fault.
};

[[nodiscard]] sim_result simulate(const sim_options& options);

} // namespace tabletd::test
