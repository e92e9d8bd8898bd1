// Balance as the scheduler runs it: when, with which slots, and until the replaced replica has gone.
#include "tests/model/sched_disks_rig.h"

namespace tabletd::test {
namespace {

TEST_F(SchedBalance, ANewBackendGetsItsShareAndNothingMovesTwice) {
  fill(40);
  const auto moves = settle();
  for (std::size_t n = 1; n <= 4; ++n)
    EXPECT_NEAR(static_cast<double>(replicas_on(n)), 30.0, 3.0) << "backend " << n;
  EXPECT_GE(moves, 27U);
  EXPECT_LE(moves, 40U); // And what evens the paths of one backend.
  EXPECT_EQ(view().pending_total + view().running_total, 0U);
  for (const auto id : tablets)
    EXPECT_EQ(world.at(id).replicas.size(), 3U);
  EXPECT_TRUE(world.cat.moves.empty());
  const auto done = spawned;
  settle(20);
  EXPECT_EQ(spawned, done) << "it is even: nothing moves any more";
}

TEST_F(SchedBalance, AMoveIsACopyThatNamesWhatItReplaces) {
  fill(40);
  pass(balance_spacing);
  ASSERT_FALSE(contexts.empty());
  const auto& [id, ctx] = *contexts.begin();
  const auto& move = move_of(id);
  EXPECT_EQ(move.purpose, order_purpose::balance);
  EXPECT_EQ(move.target.backend, world.ids[4]);
  EXPECT_EQ(world.at(id).find(move.replaces)->backend, move.source.backend);
  EXPECT_NE(ctx.why.find(": "), std::string::npos) << ctx.why;
  EXPECT_EQ(ctx.what.health, tablet_health::healthy);
  const auto shown = view().running.front();
  EXPECT_EQ(shown.purpose, order_purpose::balance);
  EXPECT_EQ(view().counters.balance_scheduled, contexts.size());
}

TEST_F(SchedBalance, TwoMovesPerPathAndRepairsSlotsStayFree) {
  fill(40);
  pass(balance_spacing);
  pass(balance_spacing);
  std::size_t into_first_path = 0;
  for (const auto& [id, ctx] : contexts)
    into_first_path += move_of(id).target == world.path(4, 0) ? 1 : 0;
  EXPECT_EQ(into_first_path, 2U);
  EXPECT_EQ(scheduler->balance_slots().available(world.path(4, 0)), 0U);
  EXPECT_EQ(scheduler->slots().available(world.path(4, 0)), 2U);
}

TEST_F(SchedBalance, OnceCopiedTheReplacedReplicaGoesWithoutTheChecker) {
  fill(40);
  pass(balance_spacing);
  const auto id = contexts.begin()->first;
  const auto move = move_of(id);
  succeed(id);
  ASSERT_TRUE(runs(id)) << "REDUNDANT follows at once";
  const auto drop = std::get<drop_move>(contexts.at(id).move);
  EXPECT_EQ(drop.replica, move.replaces);
  EXPECT_EQ(drop.reason, drop_reason::moved);
}

TEST_F(SchedBalance, ASickTabletIsNotMovedAndAMoveGivesWayToARepair) {
  fill(40);
  pass(balance_spacing);
  const auto id = contexts.begin()->first;
  auto& replicas = world.cat.tablets.edit(id)->replicas;
  for (auto& r : replicas)
    if (r.id != move_of(id).replaces) {
      r.bad = true;
      break;
    }
  sick({id});
  EXPECT_EQ(withdrawn[id], "the tablet has to be repaired first");
  fail(id, ctx_result::cancelled);
  pass(2min);
  ASSERT_TRUE(runs(id));
  EXPECT_EQ(move_of(id).purpose, order_purpose::repair);
}

TEST_F(SchedBalance, AnOperatorCanPauseIt) {
  fill(40);
  ASSERT_TRUE(world.fold(balance_paused{"all", "ann", "migration", wall() + 60s}).ok());
  pass(balance_spacing);
  EXPECT_TRUE(contexts.empty());
  EXPECT_NE(sentence(view().pause).find("by ann (migration)"), std::string::npos);
  pass(60s);
  EXPECT_FALSE(contexts.empty()) << "a pause ends by itself";
}

TEST_F(SchedBalance, OneBackendOrTableCanBePaused) {
  fill(40);
  ASSERT_TRUE(world.fold(balance_paused{"backend:" + std::to_string(raw(world.ids[4])), "ann", "", wall() + 1h}).ok());
  pass(balance_spacing);
  for (const auto& [id, ctx] : contexts)
    EXPECT_NE(move_of(id).target.backend, world.ids[4]);
  const auto resting = tablets.front();
  ASSERT_TRUE(world.fold(balance_resumed{"backend:" + std::to_string(raw(world.ids[4]))}).ok());
  ASSERT_TRUE(world.fold(balance_paused{"table:" + std::to_string(raw(world.at(resting).table)), "ann", "", wall() + 1h}).ok());
  settle(50);
  EXPECT_GT(replicas_on(4), 0U);
  EXPECT_EQ(world.at(resting).on(world.ids[4]), nullptr);
}

TEST_F(SchedBalance, AnOrderToLevelDisksReachesThePlanner) {
  auto options = prompt;
  options.balance.rest = 0s;
  restart(options);
  ASSERT_TRUE(world.fold(config_set{"disable_disk_balance", "true"}).ok());
  for (const auto& [id, seen] : world.cluster.backends) {
    world.cat.backends.edit(id)->paths[1].medium = medium::hdd; // Two alike, and all is on the first.
    world.cluster.backends[id].paths[1].medium = medium::hdd;
  }
  fill(4, 100 * repair_world::gigabyte);
  pass(balance_spacing);
  for (const auto& [id, ctx] : contexts)
    EXPECT_NE(move_of(id).source.backend, move_of(id).target.backend);
  ASSERT_TRUE(world.fold(rebalance_disks(world.cat, {world.ids[1]}, wall())).ok());
  pass(balance_spacing);
  std::size_t inside = 0;
  for (const auto& [id, ctx] : contexts)
    if (move_of(id).source.backend == move_of(id).target.backend) {
      EXPECT_EQ(move_of(id).source.backend, world.ids[1]);
      ++inside;
    }
  EXPECT_GT(inside, 0U);
}

TEST_F(SchedBalance, ManyMissingBackendsStopIt) { // The circuit breaker.
  fill(40);
  world.die(1);
  world.die(2);
  pass(balance_spacing);
  EXPECT_TRUE(contexts.empty());
  EXPECT_EQ(view().pause.cause, pause_cause::backends_missing);
}

TEST_F(SchedBalance, ANewLeaderGoesOnWithAMove) {
  fill(40);
  pass(balance_spacing);
  const auto id = contexts.begin()->first;
  const auto move = move_of(id);
  ASSERT_TRUE(world.fold(clone_ordered{id, 0, 0, move.source, move.target, {}, move.version, move.purpose, move.replaces, "x"}).ok());
  restart(prompt);
  ASSERT_TRUE(runs(id));
  EXPECT_EQ(move_of(id).replaces, move.replaces);
  EXPECT_EQ(scheduler->balance_slots().used(move.target), 1U);
  EXPECT_EQ(scheduler->slots().used(move.target), 0U);
}

} // namespace
} // namespace tabletd::test
