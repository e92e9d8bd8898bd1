// When the scheduler changes its mind: backends that come back or die, hints that end.
#include "tests/model/sched_rig.h"

namespace tabletd::test {
namespace {

struct SchedChange : Sched {
  void returns(std::size_t n) { world.cat.backends.edit(world.ids[n])->alive = true; }
  partition_id partition_of(tablet_id id) { return world.at(id).partition; }
  table_id table_of(tablet_id id) { return world.at(id).table; }
};

// -- the tolerance for a dead backend (C21) ----------------------------------------------

TEST_F(SchedChange, ADeadBackendHasAQuarterOfAnHourToReturn) {
  restart({});
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(899s);
  EXPECT_FALSE(runs(id));
  pass(1s);
  EXPECT_TRUE(runs(id));
}

TEST_F(SchedChange, ButNotIfTheMajorityIsGone) {
  restart({});
  const auto id = world.make("1+ 2+ 3+");
  world.die(2);
  world.die(3);
  sick({id});
  pass(60s);
  EXPECT_TRUE(runs(id));
}

TEST_F(SchedChange, AndNotIfAnOperatorHasAskedForIt) {
  restart({});
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(60s);
  EXPECT_FALSE(runs(id));
  world.cat.hints.put(partition_of(id), wall() + 4h);
  sick({id}); // The hint touches it, so the checker looks.
  EXPECT_TRUE(runs(id));
}

TEST_F(SchedChange, ADamagedReplicaWaitsForNobody) {
  restart({});
  const auto id = world.make("1+ 2+ 3!");
  sick({id});
  pass(120s);
  EXPECT_TRUE(runs(id));
}

TEST_F(SchedChange, ASecondDeathEndsTheWait) {
  restart({});
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(500s);
  EXPECT_FALSE(runs(id));
  world.die(2);
  sick({id});
  EXPECT_TRUE(runs(id));
}

TEST_F(SchedChange, ATabletThatHasItsTurnWaitsAllTheSameForABackendThatDied) {
  auto patient = prompt;
  patient.be_down_tolerance = 900s;
  restart(patient);
  std::vector<tablet_id> ids;
  for (int i = 0; i < 6; ++i)
    ids.push_back(world.make("1+ 2+ 3-")); // It missed a load; its turn comes when a slot is free.
  sick(ids);
  const auto running = contexts.size();
  ASSERT_LT(running, ids.size());
  world.die(3);
  for (const auto id : ids) // The checker has not spoken yet: a slot comes free, a tick passes.
    if (runs(id))
      fail(id, ctx_result::failed);
  pass(1s);
  for (const auto& [id, ctx] : contexts)
    ADD_FAILURE() << "tablet " << raw(id) << " is copied elsewhere after a second";
  sick(ids);
  pass(60s);
  EXPECT_TRUE(contexts.empty());
  pass(900s);
  EXPECT_FALSE(contexts.empty());
}

// -- copies called off -------------------------------------------------------------------

TEST_F(SchedChange, ACopyIsCalledOffWhenItsTabletIsWellAgain) {
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(120s);
  ASSERT_TRUE(runs(id));
  returns(3);
  feed(tablets_checked{.sick = {}, .healed = {id}});
  EXPECT_EQ(withdrawn.count(id), 1U);
  withdrawn.clear();
  feed(tablets_checked{.sick = {}, .healed = {id}});
  EXPECT_TRUE(withdrawn.empty()) << "said once";
  fail(id, ctx_result::cancelled);
  EXPECT_EQ(view().pending_total, 0U);
}

TEST_F(SchedChange, ACopyThatIsStillNeededGoesOn) {
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(120s);
  ASSERT_TRUE(runs(id));
  sick({id});
  EXPECT_TRUE(withdrawn.empty());
}

TEST_F(SchedChange, FillingInPlaceIsNotCalledOff) {
  const auto id = world.make("1+ 2+ 3-");
  sick({id});
  ASSERT_TRUE(runs(id));
  world.fill(id, "1+ 2+ 3+"); // Its backend reports the version it lacked.
  feed(tablets_checked{.sick = {}, .healed = {id}});
  EXPECT_TRUE(withdrawn.empty()) << "it ends by itself, at once";
}

TEST_F(SchedChange, ACopyWithADeadEndIsCalledOffAtOnce) { // C10
  const auto to_dead = world.make("1+ 2+ 3+");
  world.die(3);
  sick({to_dead});
  pass(120s);
  ASSERT_TRUE(runs(to_dead));
  const auto move = std::get<clone_move>(contexts.at(to_dead).move);
  world.die(world.number(move.target.backend));
  feed(cluster_moved{});
  EXPECT_EQ(withdrawn[to_dead], "the backend it was copied to has died");
}

TEST_F(SchedChange, ACopyFromADeadBackendIsCalledOffToo) {
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  sick({id});
  pass(120s);
  ASSERT_TRUE(runs(id));
  world.die(world.number(std::get<clone_move>(contexts.at(id).move).source.backend));
  feed(sched_tick{});
  EXPECT_EQ(withdrawn[id], "the backend it was copied from has died");
}

// -- hints -------------------------------------------------------------------------------

TEST_F(SchedChange, AHintEndsWhenItsTimeIsOver) {
  const auto id = world.make("1+ 2+ 3+");
  world.leave(3);
  world.cat.hints.put(partition_of(id), wall() + 60s);
  pass(20s);
  EXPECT_TRUE(proposed.empty());
  pass(41s);
  EXPECT_EQ(proposed, (std::vector<edit_body>{repair_unhinted{table_of(id), {partition_of(id)}}}));
}

TEST_F(SchedChange, AHintEndsWhenAllIsWell) {
  const auto id = world.make("1+ 2+ 3+");
  world.cat.hints.put(partition_of(id), wall() + 4h);
  pass(1s);
  EXPECT_EQ(proposed, (std::vector<edit_body>{repair_unhinted{table_of(id), {partition_of(id)}}}));
}

TEST_F(SchedChange, AHintDoesNotWaitForTheUnrecoverable) {
  const auto id = world.make("1! 2!");
  world.cat.hints.put(partition_of(id), wall() + 4h);
  pass(1s);
  EXPECT_EQ(proposed.size(), 1U);
}

TEST_F(SchedChange, AnEndNobodyTookIsProposedAgain) {
  const auto id = world.make("1+ 2+ 3+");
  world.cat.hints.put(partition_of(id), wall() + 4h);
  pass(1s);
  pass(20s);
  EXPECT_EQ(proposed.size(), 2U);
  ASSERT_TRUE(world.fold(proposed.back()).ok());
  pass(20s);
  EXPECT_EQ(proposed.size(), 2U);
}

// -- colocation groups -------------------------------------------------------------------

TEST_F(SchedChange, AGroupsBucketsLeaveALeavingBackend) {
  table_created e;
  e.database = world.db;
  e.name = "t";
  e.colocate_with = "g";
  e.placements = {{world.path(1), world.path(2), world.path(3)}};
  ASSERT_TRUE(world.fold(e).ok());
  pass(20s);
  EXPECT_TRUE(proposed.empty());
  world.leave(3);
  pass(20s);
  ASSERT_EQ(proposed.size(), 1U);
  const auto moved = std::get<colocate_relocated>(proposed.front());
  EXPECT_EQ(moved.backends, (std::vector<backend_id>{world.ids[1], world.ids[2], world.ids[4]}));
}

// -- settings ----------------------------------------------------------------------------

TEST_F(SchedChange, ASettingInTheLogHoldsAtOnceAndUntilItIsTakenBack) {
  std::vector<tablet_id> ids;
  for (int i = 0; i < 6; ++i)
    ids.push_back(world.make("1+ 2- 3-"));
  ASSERT_TRUE(world.fold(config_set{"schedule_slot_num_per_path", "1"}).ok());
  sick(ids);
  EXPECT_EQ(contexts.size(), 1U) << "one source path, one slot";
  ASSERT_TRUE(world.fold(config_set{"schedule_slot_num_per_path", "3"}).ok());
  pass(1s);
  EXPECT_EQ(contexts.size(), 3U);
  ASSERT_TRUE(world.fold(config_set{"schedule_slot_num_per_path", ""}).ok());
  for (int i = 0; i < 2; ++i)
    succeed(contexts.begin()->first);
  EXPECT_EQ(contexts.size(), 2U) << "two again, as the front end was started with";
}

TEST_F(SchedChange, TheSchedulerCanBeTurnedOffAndFinishesWhatRuns) {
  const auto first = world.make("1+ 2+ 3-");
  sick({first});
  ASSERT_TRUE(runs(first));
  ASSERT_TRUE(world.fold(config_set{"disable_tablet_scheduler", "true"}).ok());
  const auto second = world.make("1+ 2+ 3-");
  sick({second});
  EXPECT_FALSE(runs(second));
  succeed(first);
  ASSERT_TRUE(world.fold(config_set{"disable_tablet_scheduler", ""}).ok());
  pass(1s);
  EXPECT_TRUE(runs(second));
}

TEST_F(SchedChange, TheToleranceForADeadBackendIsASetting) {
  restart({});
  const auto id = world.make("1+ 2+ 3+");
  world.die(3);
  ASSERT_TRUE(world.fold(config_set{"tablet_sched_be_down_tolerate_time_s", "10"}).ok());
  ASSERT_TRUE(world.fold(config_set{"tablet_repair_delay_factor_second", "1"}).ok());
  sick({id});
  pass(9s);
  EXPECT_FALSE(runs(id));
  pass(1s);
  EXPECT_TRUE(runs(id));
}

// -- loads -------------------------------------------------------------------------------

TEST_F(SchedChange, ADropThatLoadsHoldUpIsTriedAgainWhenTheyAreOver) {
  const auto id = world.make("1+ 2+ 3+ 4+");
  world.cat.tablets.edit(id)->settled = log_index{1'000'000};
  ASSERT_TRUE(world.fold(load_begun{table_of(id), "l"}).ok());
  const txn_id txn{world.index};
  sick({id});
  EXPECT_FALSE(runs(id));
  EXPECT_NE(waiting(id).message.find("loads"), std::string::npos);
  ASSERT_TRUE(world.fold(load_aborted{txn, "gone"}).ok());
  pass(1s);
  EXPECT_TRUE(runs(id));
}

TEST_F(Sched, ADiskThatRefusesIsBlamedAndNobodyElse) {
  for (const auto why : {task_failure::disk_full, task_failure::io, task_failure::source_corrupt, task_failure::unreachable}) {
    world = repair_world{"abc"};
    world.now = wall();
    restart(prompt);
    const auto id = world.make("1+ 2+ 3-");
    sick({id});
    for (int attempt = 0; attempt < 3; ++attempt, pass(10s)) {
      ASSERT_TRUE(runs(id));
      ASSERT_TRUE(std::holds_alternative<clone_move>(contexts.at(id).move));
      fail(id, ctx_result::failed, why);
    }
    ASSERT_TRUE(runs(id));
    const bool blamed = why == task_failure::disk_full || why == task_failure::io;
    EXPECT_EQ(std::holds_alternative<drop_move>(contexts.at(id).move), blamed) << static_cast<int>(why);
  }
}

TEST_F(Sched, WhoWaitsForABusyPathLooksAgainWhenABackendComes) {
  world = repair_world{"abcd"};
  world.now = wall();
  restart(prompt);
  world.seen(3, 1).online = false;
  world.die(4);
  std::vector<tablet_id> ids;
  for (int i = 0; i < 3; ++i)
    ids.push_back(world.make("1+ 2+"));
  sick(ids);
  pass(3min);
  ASSERT_EQ(scheduler->running(), 2U) << "the slots of the only path";
  ASSERT_EQ(waiting(ids[2]).waits_for, std::vector<place>{world.path(3)});
  pass(1s);
  EXPECT_FALSE(runs(ids[2]));
  world.cat.backends.edit(world.ids[4])->alive = true;
  pass(1s);
  EXPECT_TRUE(runs(ids[2]));
}

} // namespace
} // namespace tabletd::test
