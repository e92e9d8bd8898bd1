#pragma once
// A CAF system that never runs by itself: the test delivers every message and moves the
// clock by hand.  No threads, no sleeps, no wall clock.
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <gtest/gtest.h>
#include <chrono>

namespace tabletd::test {

struct frozen_config : caf::actor_system_config {
  frozen_config() {
    set("scheduler.policy", caf::atom("testing"));
    set("logger.verbosity", caf::atom("quiet"));
  }
};

struct actor_world : ::testing::Test {
  frozen_config config;
  caf::actor_system sys{config};
  caf::scheduler::test_coordinator& sched
    = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());

  /// Delivers messages until no mailbox has any left; no time passes.
  void settle() {
    while (sched.try_run_once()) {
    }
  }
  void pass(std::chrono::milliseconds span) {
    sched.advance_time(span);
    settle();
  }
};

} // namespace tabletd::test
