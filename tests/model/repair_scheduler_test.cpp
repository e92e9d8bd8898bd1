// When the scheduler treats what, what it lets run, and that its accounts agree.
#include "tests/model/sched_rig.h"

namespace tabletd::test {
namespace {

// -- when --------------------------------------------------------------------------------

TEST_F(Sched, E1AMissingReplicaWaitsTwoMinutesForItsBackend) {
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(119s);
  EXPECT_FALSE(runs(id));
  pass(1s);
  EXPECT_TRUE(runs(id));
}

TEST_F(Sched, E2AMajorityWaitsOneMinute) {
  const auto id = world.make("1+ 2+ 3+");
  world.die(2);
  world.die(3);
  sick({id});
  pass(59s);
  EXPECT_FALSE(runs(id));
  pass(1s);
  EXPECT_TRUE(runs(id));
}

TEST_F(Sched, RelocationWaitsThreeMinutes) {
  const auto id = world.make("1+ 2+ 3+");
  world.leave(3);
  sick({id});
  pass(179s);
  EXPECT_FALSE(runs(id));
  pass(1s);
  EXPECT_TRUE(runs(id));
}

TEST_F(Sched, SurplusAndHolesAreTreatedAtOnce) {
  const auto surplus = world.make("1+ 2+ 3+ 4!");
  const auto hole = world.make("1+ 2+ 3-");
  sick({surplus, hole});
  EXPECT_TRUE(runs(surplus));
  EXPECT_TRUE(runs(hole));
}

TEST_F(Sched, ABackendThatReturnsInTimeCostsNothing) {
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(100s);
  world.cat.backends.edit(world.ids[3])->alive = true;
  feed(tablets_checked{.sick = {}, .healed = {id}});
  pass(100s);
  EXPECT_EQ(spawned, 0U);
  EXPECT_EQ(view().pending_total, 0U);
}

TEST_F(Sched, GettingWorseShortensTheWait) {
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(70s);
  EXPECT_FALSE(runs(id));
  world.die(2);
  world.cat.backends.edit(world.ids[2])->changed = t0;
  sick({id});
  EXPECT_TRUE(runs(id)) << "HIGH waits 60 s, and it has been sick for 70";
}

TEST_F(Sched, AWallClockThatIsSetDelaysAndHurriesNothing) {
  for (const auto step : {time_ms{-3'600s}, time_ms{3'600s}}) {
    const auto id = world.make("1+ 2+ 3+");
    world.die(3);
    sick({id});
    set_by += step;
    sick({id});
    pass(119s);
    EXPECT_FALSE(runs(id));
    pass(1s);
    ASSERT_TRUE(runs(id));
    EXPECT_EQ(view().running[0].last_scheduled, wall()) << "people read the wall clock";
    world.cat.backends.edit(world.ids[3])->alive = true;
    restart(prompt);
  }
}

TEST_F(Sched, ANewLeaderDoesNotStartTheWaitAgain) { // C24
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  now += 100s;
  restart(prompt);
  sick({id});
  pass(19s);
  EXPECT_FALSE(runs(id));
  pass(1s);
  EXPECT_TRUE(runs(id));
}

TEST_F(Sched, TheDelayFactorIsAnOption) {
  restart({.repair_delay_factor = 1s, .be_down_tolerance = 0s, .slots_per_path = 2, .fit = {}, .colocate = {}});
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(2s);
  EXPECT_TRUE(runs(id));
}

// -- what runs ---------------------------------------------------------------------------

TEST_F(Sched, AReportIsNotBinding) {
  const auto id = world.make("1+ 2+ 3+");
  sick({id});
  EXPECT_EQ(view().pending_total, 0U);
  sick({tablet_id{424'242}});
  EXPECT_EQ(view().pending_total, 0U);
}

TEST_F(Sched, ACureOfSeveralStepsDoesNotWaitForTheChecker) {
  const auto id = world.make("1+ 2+ 3!");
  sick({id});
  pass(2min);
  ASSERT_TRUE(runs(id));
  EXPECT_TRUE(std::holds_alternative<clone_move>(contexts.at(id).move));
  succeed(id);
  ASSERT_TRUE(runs(id)) << "REDUNDANT follows at once";
  EXPECT_TRUE(std::holds_alternative<drop_move>(contexts.at(id).move));
  succeed(id);
  EXPECT_FALSE(runs(id));
  EXPECT_EQ(diagnose(world.cat, world.at(id)).health, tablet_health::healthy);
  EXPECT_EQ(view().history.size(), 2U);
  EXPECT_EQ(view().tablets_by_health, (std::array<std::uint64_t, tablet_health_count>{}));
}

TEST_F(Sched, N7TheThirdCloneOutOfOnePathWaitsForASlot) {
  std::vector<tablet_id> ids;
  for (int i = 0; i < 3; ++i)
    ids.push_back(world.make("1+ 2!", 2));
  sick(ids);
  pass(1min);
  EXPECT_TRUE(runs(ids[0]) && runs(ids[1]));
  ASSERT_FALSE(runs(ids[2]));
  EXPECT_EQ(scheduler->slots().available(world.path(1)), 0U);
  EXPECT_EQ(waiting(ids[2]).failed_scheduling, 1U);
  EXPECT_NE(waiting(ids[2]).message.find("waiting for a slot"), std::string::npos);
  pass(1s);
  EXPECT_EQ(waiting(ids[2]).failed_scheduling, 2U);
  fail(ids[0]);
  EXPECT_TRUE(runs(ids[2])) << "the slot that came free is used at once";
}

TEST_F(Sched, UnrecoverableIsAReportNeverAQueueEntry) { // C6
  const auto id = world.make("1- 2- 3!");
  sick({id});
  pass(1h);
  EXPECT_EQ(view().pending_total, 0U);
  EXPECT_EQ(view().tablets_by_health[static_cast<std::size_t>(tablet_health::unrecoverable)], 1U);
  world.fill(id, "1+ 2- 3+");
  sick({id});
  EXPECT_TRUE(runs(id));
}

TEST_F(Sched, AHopelessTabletIsParkedUntilTheClusterMoves) {
  repair_world small{"abc"};
  world = small;
  world.now = wall();
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(2min);
  EXPECT_NE(waiting(id).message.find("add a backend"), std::string::npos) << waiting(id).message;
  const auto visited = waiting(id).last_visited;
  pass(10s);
  EXPECT_EQ(waiting(id).last_visited, visited) << "nothing changed, nothing is tried";
  world.seen(2, 0).available_bytes -= 50 * repair_world::gigabyte;
  feed(cluster_moved{});
  EXPECT_EQ(waiting(id).last_visited, now) << "the cluster moved, so it is tried";
  const auto fourth = world.live_backend(9);
  auto& seen = world.cluster.backends[fourth];
  seen = world.cluster.backends[world.ids[1]];
  seen.id = fourth;
  for (std::size_t i = 0; i < 2; ++i)
    seen.paths[i].hash = world.cat.backends.find(fourth)->paths[i].hash;
  pass(1s);
  EXPECT_TRUE(runs(id));
}

TEST_F(Sched, FailuresBackOffAndTryOtherEnds) {
  const auto id = world.make("1+ 2+ 3!");
  sick({id});
  pass(2min);
  const auto first = std::get<clone_move>(contexts.at(id).move);
  fail(id);
  EXPECT_FALSE(runs(id));
  pass(1s);
  ASSERT_TRUE(runs(id)) << "1 s after the first failure";
  const auto second = std::get<clone_move>(contexts.at(id).move);
  EXPECT_NE(second.source.backend, first.source.backend);
  EXPECT_NE(second.target.backend, first.target.backend);
  fail(id, ctx_result::timed_out);
  pass(1s);
  EXPECT_FALSE(runs(id));
  pass(1s);
  EXPECT_TRUE(runs(id)) << "2 s after the second";
  EXPECT_EQ(retry_delay(20), 5min);
}

TEST_F(Sched, ARefusedOrderIsNoReasonToAvoidItsEnds) {
  const auto id = world.make("1+ 2+ 3!");
  sick({id});
  pass(2min);
  const auto first = std::get<clone_move>(contexts.at(id).move);
  fail(id, ctx_result::cancelled);
  pass(1s);
  ASSERT_TRUE(runs(id));
  EXPECT_EQ(std::get<clone_move>(contexts.at(id).move), first);
}

// -- adoption ----------------------------------------------------------------------------

TEST_F(Sched, ANewLeaderAdoptsOpenOrdersAndTheirSlots) {
  const auto id = world.make("1+ 2+ 3!");
  const auto d = world.decide(id);
  const auto& m = std::get<clone_move>(d.move);
  ASSERT_TRUE(world(clone_ordered{id, 1, 1, m.source, m.target, m.replica, m.version}).ok());
  restart(prompt);
  ASSERT_TRUE(runs(id));
  EXPECT_TRUE(std::holds_alternative<cloning>(contexts.at(id).state));
  EXPECT_EQ(scheduler->slots().used(m.source), 1U);
  EXPECT_EQ(scheduler->slots().used(m.target), 1U);
  sick({id});
  EXPECT_EQ(spawned, 1U);
}

TEST_F(Sched, AnOrderInDoubtIsAdoptedWhenItTurnsOutToBeOpen) {
  const auto id = world.make("1+ 2+ 3!");
  sick({id});
  pass(2min);
  const auto m = std::get<clone_move>(contexts.at(id).move);
  // The order was committed, but its context was told that nobody knows.
  ASSERT_TRUE(world(clone_ordered{id, 1, 1, m.source, m.target, m.replica, m.version}).ok());
  fail(id, ctx_result::cancelled);
  pass(1s);
  ASSERT_TRUE(runs(id));
  EXPECT_TRUE(std::holds_alternative<cloning>(contexts.at(id).state));
}

TEST_F(Sched, AnOrderLeftByACrashedContextIsAdoptedEvenIfItsTabletIsWellAgain) {
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(2min);
  const auto m = std::get<clone_move>(contexts.at(id).move);
  ASSERT_TRUE(world(clone_ordered{id, 1, 1, m.source, m.target, m.replica, m.version}).ok());
  world.cat.backends.edit(world.ids[3])->alive = true;
  fail(id, ctx_result::unexpected);
  pass(1s);
  EXPECT_TRUE(runs(id));
  EXPECT_EQ(view().counters.unexpected, 1U);
}

// -- accounts ----------------------------------------------------------------------------

TEST_F(Sched, LateAndUnknownReportsChangeNothing) {
  const auto id = world.make("1+ 2+ 3+ 4!");
  sick({id});
  succeed(id);
  const auto before = view();
  feed(ctx_report{id, ctx_result::finished, "again", 1, 1});
  feed(ctx_report{tablet_id{9}, ctx_result::failed, "who?", 1, 1});
  const auto after = view();
  EXPECT_EQ(after.history.size(), before.history.size());
  EXPECT_EQ(after.counters.finished, before.counters.finished);
}

TEST_F(Sched, EveryContextEntersHistoryOnce) { // A 6
  const auto one = world.make("1+ 2+ 3+ 4!");
  const auto two = world.make("1+ 2+ 3-");
  const auto three = world.make("1+ 2+ 3-");
  sick({one, two, three});
  succeed(one);
  fail(two, ctx_result::timed_out);
  fail(three, ctx_result::unexpected);
  const auto v = view();
  ASSERT_EQ(v.history.size(), 3U);
  EXPECT_EQ(name(v.history[0].state), "UNEXPECTED");
  EXPECT_EQ(name(v.history[1].state), "CANCELLED");
  EXPECT_EQ(v.history[1].message, "it failed");
  EXPECT_EQ(name(v.history[2].state), "FINISHED");
  EXPECT_EQ(v.history[2].finished, wall());
  const auto& c = v.counters;
  EXPECT_EQ(c.finished + c.cancelled + c.unexpected, 3U);
  EXPECT_EQ(c.clones, 2U);
  EXPECT_EQ(c.clones_failed, 2U);
  EXPECT_EQ(c.clones_timeout, 1U);
}

TEST_F(Sched, HistoryKeepsAThousand) {
  const auto id = world.make("1+ 2+ 3-");
  sick({id});
  for (int i = 0; i < 1'005; ++i) {
    fail(id);
    pass(5min);
  }
  EXPECT_EQ(view().history.size(), view_rows_max);
  EXPECT_EQ(view().counters.cancelled, 1'005U);
}

TEST_F(Sched, TheViewShowsWhoWaitsWhoRunsAndTheSlots) {
  const auto runs_now = world.make("1+ 2+ 3-");
  const auto waits = world.make("1+ 2+ 3+");
  world.die(4);
  world.leave(2);
  sick({runs_now, waits});
  const auto v = view();
  EXPECT_EQ(v.running_total, 1U);
  ASSERT_EQ(v.running.size(), 1U);
  EXPECT_EQ(v.running[0].tablet, runs_now);
  EXPECT_EQ(*v.running[0].target, world.path(3));
  EXPECT_EQ(v.running[0].timeout, 190s); // 953 MiB at 5 MiB/s.
  EXPECT_EQ(v.running[0].visible, 10U);
  ASSERT_EQ(v.pending.size(), 1U);
  EXPECT_EQ(v.pending[0].status, tablet_health::replica_relocating);
  EXPECT_EQ(v.pending[0].orig_priority, repair_priority::low);
  EXPECT_EQ(v.slots.size(), 12U);
  const auto busy = std::find_if(v.slots.begin(), v.slots.end(), [&](const slot_row& r) {
    return r.backend == world.ids[3] && r.path == world.path(3).path;
  });
  EXPECT_EQ(busy->available, 1U);
  EXPECT_EQ(busy->total, 2U);
  EXPECT_EQ(v.tablets_by_health[static_cast<std::size_t>(tablet_health::version_incomplete)], 1U);
  EXPECT_EQ(v.tablets_by_health[static_cast<std::size_t>(tablet_health::replica_relocating)], 1U);
}

TEST_F(Sched, RatesAreOfFinishedCopies) {
  const auto id = world.make("1+ 2+ 3-");
  sick({id});
  succeed(id); // 500 bytes in 10 ms.
  for (const auto& row : view().slots)
    if (row.backend == world.ids[3] && row.path == world.path(3).path) {
      EXPECT_DOUBLE_EQ(row.average_rate, 50'000.0);
    }
}

TEST_F(Sched, ThePublishedViewIsSpaced) {
  published = 0;
  for (int i = 0; i < 100; ++i) {
    now += 10ms;
    sick({world.make("1- 2- 3-")});
  }
  EXPECT_LE(published, 6U);
  EXPECT_GE(published, 4U);
}

// -- bounds ------------------------------------------------------------------------------

TEST_F(Sched, OneStepDecidesABoundedNumberAndComesBack) {
  std::vector<tablet_id> ids;
  for (int i = 0; i < 600; ++i)
    ids.push_back(world.make("1+ 2+ 3+ 4!"));
  sick(ids);
  EXPECT_EQ(spawned, decisions_per_step);
  ASSERT_EQ(again, 1U);
  feed(cluster_moved{});
  EXPECT_EQ(spawned, drops_running_max) << "drops have a limit of their own";
  EXPECT_EQ(again, 1U) << "nothing more can be done now";
  succeed(ids[0]);
  EXPECT_EQ(spawned, drops_running_max + 1);
}

TEST_F(Sched, BusyPathsCostNoDecision) {
  std::vector<tablet_id> ids;
  for (int i = 0; i < 1'000; ++i)
    ids.push_back(world.make("1+ 2!", 2));
  sick(ids);
  for (int i = 0; i < 70; ++i)
    pass(1s);
  EXPECT_EQ(scheduler->running(), 2U);
  const auto failures = waiting(ids[999]).failed_scheduling;
  EXPECT_GT(failures, 0U);
  EXPECT_EQ(waiting(ids[999]).waits_for, std::vector<place>{world.path(1)});
}

} // namespace
} // namespace tabletd::test
