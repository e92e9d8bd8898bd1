// Saved plans carried out to their end: balance makes the moves of one, repair empties a backend
// the way another says, and a new leader goes on where the old one was.
#include "actors/model/plan_rules.h"
#include "actors/model/what_if.h"
#include "tests/model/sched_disks_rig.h"
#include <map>
#include <set>

namespace tabletd::test {
namespace {

/// Adds what both kinds need to a rig: saving, applying, and a journal that takes what is proposed.
template <class Rig>
struct WithPlans : Rig {
  using Rig::world;

  void keep_and_apply(plan_saved what) {
    ASSERT_FALSE(what.moves.empty());
    what.epoch = world.cat.applied;
    what.name = "p";
    ASSERT_TRUE(world.fold(std::move(what)).ok());
    ASSERT_TRUE(world.fold(plan_applied{"p"}).ok());
  }
  void fold_proposed() {
    for (auto& body : std::exchange(this->proposed, {}))
      if (std::holds_alternative<plan_moves_skipped>(body)) {
        EXPECT_TRUE(world.fold(std::move(body)).ok());
      }
  }
  [[nodiscard]] const saved_plan& plan() const { return *world.cat.plans.find("p"); }
  [[nodiscard]] move_state state(std::uint32_t n) const { return state_of(world.cat, plan(), n); }
  [[nodiscard]] std::string why_skipped(std::uint32_t n) const {
    const auto* outcome = plan().outcomes.find(n);
    return outcome && !outcome->done ? outcome->why : "";
  }
  [[nodiscard]] std::size_t count(move_state wanted) const {
    std::size_t n = 0;
    for (std::uint32_t i = 0; i < plan().moves().size(); ++i)
      n += state(i) == wanted ? 1 : 0;
    return n;
  }
};

// -- balance -----------------------------------------------------------------------------

struct SchedPlan : WithPlans<SchedBalance> {
  /// Its number in the plan, if a copy that runs is one of its moves.
  [[nodiscard]] std::optional<std::uint32_t> number_of(const clone_move& copy, tablet_id tablet) const {
    const auto goes = raw(copy.replica) != 0 ? copy.replica : copy.replaces;
    for (std::uint32_t n = 0; n < plan().moves().size(); ++n)
      if (const auto& m = plan().moves()[n]; m.tablet == tablet && m.replica == goes && m.target == copy.target)
        return n;
    return std::nullopt;
  }
  plan_saved planned() { return to_save(plan_balance(world.cat, world.cluster, {}, 1s), "", plan_kind::rebalance, {}, {}); }
  /// `count` moves of the first tablets from backend 1 to the same path of backend 4.
  plan_saved by_hand(std::size_t count) {
    plan_saved out;
    for (std::size_t i = 0; i < count; ++i) {
      const auto& t = world.at(tablets[i]);
      out.moves.push_back({t.id, t.on(world.ids[1])->id, world.path(1), world.path(4), t.bytes});
    }
    return out;
  }
  /// The numbers of the moves that run now; every copy that runs has to be one.
  std::set<std::uint32_t> running() {
    std::set<std::uint32_t> numbers;
    for (const auto& [id, ctx] : contexts)
      if (const auto* copy = std::get_if<clone_move>(&ctx.move)) {
        const auto number = number_of(*copy, id);
        EXPECT_TRUE(number) << "a move nobody planned, of tablet " << raw(id);
        if (number)
          numbers.insert(*number);
      }
    return numbers;
  }
};

TEST_F(SchedPlan, BalanceMakesTheMovesOfThePlanAndNoOther) {
  fill(40);
  keep_and_apply(planned());
  std::map<std::uint32_t, int> begun;
  for (int i = 0; i < 400 && plan().state == plan_state::applying; ++i) {
    pass(balance_spacing);
    for (const auto n : running())
      ++begun[n];
    finish_running();
    fold_proposed();
  }
  EXPECT_EQ(plan().state, plan_state::done);
  EXPECT_EQ(plan().done, plan().moves().size());
  EXPECT_EQ(begun.size(), plan().moves().size());
  for (const auto& [n, times] : begun)
    EXPECT_EQ(times, 1) << "move " << n;
  const auto done = spawned;
  settle(20);
  EXPECT_EQ(spawned, done) << "and then it is even";
}

TEST_F(SchedPlan, InItsOrderAndWithinTheSlots) {
  fill(12);
  keep_and_apply(by_hand(6));
  for (std::uint32_t first = 0; first < 6; first += 2) {
    pass(balance_spacing);
    EXPECT_EQ(running(), (std::set{first, first + 1})) << "two moves per path";
    EXPECT_EQ(scheduler->slots().used(world.path(4)), 0U) << "repair's slots are not touched";
    finish_running(); // The copies,
    finish_running(); // then the drops of what they replace.
    EXPECT_EQ(state(first), move_state::done);
  }
  EXPECT_EQ(plan().state, plan_state::done);
}

TEST_F(SchedPlan, ABusyPathHoldsUpOnlyItsOwnMoves) {
  auto options = restless();
  options.balance.moves_max = 4;
  restart(options);
  fill(12);
  auto mixed = by_hand(7);
  world.cat.backends.edit(world.ids[5])->decommissioned = false;
  const auto& last = world.at(tablets[6]);
  mixed.moves[6] = {last.id, last.on(world.ids[2])->id, world.path(2), world.path(5), last.bytes};
  keep_and_apply(mixed);
  pass(balance_spacing);
  EXPECT_EQ(running(), (std::set<std::uint32_t>{0, 1, 6}));
}

TEST_F(SchedPlan, WhatBalanceWouldHaveDoneMeanwhileItDoesAfterwards) {
  fill(40);
  keep_and_apply(by_hand(1));
  auto& third = *(world.cat.tablets.edit(tablets[0])->replicas.end() - 1);
  third.version = third.last_success = 9;
  third.last_failed = 10;
  for (int i = 0; i < 10; ++i)
    pass(balance_spacing);
  EXPECT_TRUE(contexts.empty()) << "the plan waits for its tablet, and balance for the plan";
  ASSERT_TRUE(world.fold(plan_dropped{"p"}).ok());
  sick({tablets[0]});
  settle();
  EXPECT_NEAR(static_cast<double>(replicas_on(4)), 30.0, 3.0);
}

TEST_F(SchedPlan, TheReasonNamesThePlan) {
  fill(12);
  keep_and_apply(by_hand(1));
  pass(balance_spacing);
  ASSERT_TRUE(runs(tablets[0]));
  EXPECT_NE(contexts.at(tablets[0]).why.find(": move 0 of plan p"), std::string::npos) << contexts.at(tablets[0]).why;
}

TEST_F(SchedPlan, PausesHoldItToo) {
  fill(12);
  keep_and_apply(by_hand(2));
  ASSERT_TRUE(world.fold(balance_paused{"all", "ann", "", wall() + 60s}).ok());
  pass(balance_spacing);
  EXPECT_TRUE(contexts.empty());
  const auto resting = "table:" + std::to_string(raw(world.at(tablets[0]).table));
  ASSERT_TRUE(world.fold(balance_paused{resting, "ann", "", wall() + 1h}).ok());
  pass(60s);
  EXPECT_FALSE(runs(tablets[0]));
  EXPECT_TRUE(runs(tablets[1]));
  finish_running();
  finish_running();
  EXPECT_EQ(state(0), move_state::planned) << "it is not skipped for a pause";
  ASSERT_TRUE(world.fold(balance_resumed{resting}).ok());
  pass(balance_spacing);
  EXPECT_TRUE(runs(tablets[0]));
}

TEST_F(SchedPlan, AMoveWhoseTargetIsFullIsSkippedAndSaysSo) {
  fill(12);
  keep_and_apply(by_hand(1));
  world.seen(4, 0).available_bytes = 100 * repair_world::gigabyte;
  pass(balance_spacing);
  fold_proposed();
  EXPECT_EQ(state(0), move_state::skipped);
  EXPECT_EQ(why_skipped(0), "its target, backend " + std::to_string(raw(world.ids[4]))
                                + ": this path would be 92 % full with 76293 MiB left");
  EXPECT_EQ(plan().state, plan_state::done);
}

TEST_F(SchedPlan, AReplicaThatIsNotThereAnyMoreIsSkipped) {
  fill(12);
  keep_and_apply(by_hand(2));
  const auto first = plan().moves()[0];
  ASSERT_TRUE(world.fold(replica_observed{first.tablet, first.replica, 10, false, world.path(1, 1).path}).ok());
  pass(balance_spacing);
  fold_proposed();
  EXPECT_EQ(why_skipped(0), "the replica it is about is not at its source any more");
  EXPECT_EQ(running(), std::set<std::uint32_t>{1});
}

TEST_F(SchedPlan, ATargetThatHoldsAReplicaByNowIsSkipped) {
  fill(12);
  auto other = by_hand(1);
  other.moves[0].target = world.path(2, 1);
  keep_and_apply(other);
  pass(balance_spacing);
  fold_proposed();
  EXPECT_EQ(why_skipped(0), "its target, backend " + std::to_string(raw(world.ids[2]))
                                + ": holds a replica of this tablet already");
}

TEST_F(SchedPlan, ADeadTargetIsWaitedForTenMinutes) {
  fill(12);
  keep_and_apply(by_hand(2));
  world.die(4);
  for (time_ms waited{}; waited < plan_patience; waited += 60s) {
    pass(60s);
    fold_proposed();
    ASSERT_EQ(state(0), move_state::planned);
    ASSERT_TRUE(contexts.empty()) << "balance does nothing else meanwhile";
  }
  pass(60s);
  fold_proposed();
  EXPECT_EQ(why_skipped(0), "its target, backend " + std::to_string(raw(world.ids[4])) + ": is dead");
  EXPECT_EQ(plan().state, plan_state::done);
}

TEST_F(SchedPlan, ADeadTargetHoldsUpOnlyWhatGoesThereAndAllOfThatIsSkippedTogether) {
  fill(20);
  auto mixed = by_hand(20); // All from one path: ten to backend 4, then ten to backend 5.
  world.cat.backends.edit(world.ids[5])->decommissioned = false;
  for (std::size_t n = 10; n < 20; ++n)
    mixed.moves[n].target = world.path(5);
  keep_and_apply(mixed);
  world.die(4);
  const auto died = now;
  for (; now - died < plan_patience; (void) running()) {
    pass(balance_spacing);
    finish_running();
    fold_proposed();
  }
  for (std::uint32_t n = 0; n < 20; ++n)
    EXPECT_EQ(state(n), n < 10 ? move_state::planned : move_state::done) << n;
  pass(balance_spacing);
  fold_proposed();
  pass(balance_spacing);
  fold_proposed();
  EXPECT_EQ(plan().skipped(), 10U);
  EXPECT_EQ(plan().state, plan_state::done);
}

TEST_F(SchedPlan, SickTabletsDoNotHoldUpTheOthersAndAreSkippedInTheEnd) {
  fill(12);
  keep_and_apply(by_hand(6));
  for (std::size_t i = 0; i < 4; ++i) {
    auto& r = *(world.cat.tablets.edit(tablets[i])->replicas.end() - 1);
    r.version = r.last_success = 9;
    r.last_failed = 10;
  }
  pass(balance_spacing);
  EXPECT_EQ(running(), (std::set<std::uint32_t>{4, 5}));
  for (int i = 0; i < 12; ++i) {
    pass(60s);
    finish_running();
    fold_proposed();
  }
  EXPECT_EQ(plan().done, 2U);
  EXPECT_EQ(why_skipped(0), "the tablet has to be repaired first");
  EXPECT_EQ(plan().state, plan_state::done);
}

TEST_F(SchedPlan, ADeadTargetThatReturnsInTimeIsGoneOnWith) {
  fill(12);
  keep_and_apply(by_hand(1));
  world.die(4);
  pass(5min);
  world.cat.backends.edit(world.ids[4])->alive = true;
  pass(1min);
  EXPECT_TRUE(runs(tablets[0]));
}

TEST_F(SchedPlan, ASickTabletIsRepairedFirstAndMovedThen) {
  fill(12);
  keep_and_apply(by_hand(1));
  auto& third = *(world.cat.tablets.edit(tablets[0])->replicas.end() - 1);
  third.version = third.last_success = 9;
  third.last_failed = 10;
  sick({tablets[0]});
  pass(balance_spacing);
  ASSERT_TRUE(runs(tablets[0]));
  EXPECT_EQ(move_of(tablets[0]).purpose, order_purpose::repair);
  finish_running();
  pass(balance_spacing);
  EXPECT_EQ(running(), std::set<std::uint32_t>{0});
}

TEST_F(SchedPlan, ACopyIsTriedThreeTimes) {
  fill(12);
  keep_and_apply(by_hand(1));
  for (std::uint32_t i = 0; i < plan_tries_max; ++i) {
    pass(plan_retry_after);
    ASSERT_TRUE(runs(tablets[0])) << "try " << i;
    fail(tablets[0]);
    pass(balance_spacing);
    ASSERT_FALSE(runs(tablets[0])) << "not at once";
    fold_proposed();
  }
  EXPECT_EQ(why_skipped(0), "its copy has failed 3 times");
}

TEST_F(SchedPlan, ANewLeaderGoesOnWhereTheOldOneWas) {
  fill(40);
  keep_and_apply(planned());
  settle(3);
  const auto before = plan().done;
  ASSERT_GT(before, 0U);
  ASSERT_LT(before, plan().moves().size());
  pass(balance_spacing);
  const auto copying = std::find_if(contexts.begin(), contexts.end(), [](const auto& entry) {
    return std::holds_alternative<clone_move>(entry.second.move);
  });
  ASSERT_NE(copying, contexts.end());
  const auto [id, ctx] = *copying; // It has its order in the log, the others only begin.
  const auto move = std::get<clone_move>(ctx.move);
  ASSERT_TRUE(world.fold(clone_ordered{id, 0, 0, move.source, move.target, move.replica, move.version, move.purpose,
                                       move.replaces, "x"}).ok());
  EXPECT_EQ(state(*number_of(move, id)), move_state::running);
  restart(restless());
  EXPECT_EQ(plan().done, before);
  ASSERT_TRUE(runs(id));
  contexts.erase(id);
  ASSERT_TRUE(world.fold(clone_ended{id, log_index{world.index}, move.version, ""}).ok());
  feed(ctx_report{id, ctx_result::finished, "", 500, 10});
  sick(tablets); // The checker finds the copies whose old replicas are still to go.
  for (int i = 0; i < 400 && plan().state == plan_state::applying; ++i) {
    pass(balance_spacing);
    (void) running();
    finish_running();
    fold_proposed();
  }
  EXPECT_EQ(plan().done, plan().moves().size());
}

TEST_F(SchedPlan, APlanThatIsOverIsNotBegunAgainByANewLeader) {
  fill(12);
  keep_and_apply(by_hand(1));
  world.seen(4, 0).available_bytes = 100 * repair_world::gigabyte;
  pass(balance_spacing);
  fold_proposed();
  ASSERT_EQ(state(0), move_state::skipped);
  show_disks(); // There would be room now.
  restart(restless());
  pass(balance_spacing);
  EXPECT_EQ(plan().state, plan_state::done);
  EXPECT_EQ(plan().skipped(), 1U);
}

TEST_F(SchedPlan, ADroppedPlanLeavesTheRestToBalance) {
  fill(12);
  keep_and_apply(by_hand(6));
  pass(balance_spacing);
  const auto running_before = contexts.size();
  ASSERT_TRUE(world.fold(plan_dropped{"p"}).ok());
  EXPECT_EQ(contexts.size(), running_before) << "what runs goes on";
  settle();
  EXPECT_NEAR(static_cast<double>(replicas_on(4)), 9.0, 2.0) << "and balance finds the rest itself";
}

// -- decommission ------------------------------------------------------------------------

struct SchedLeaving : WithPlans<SchedDisks> {
  SchedLeaving() { EXPECT_TRUE(world.fold(config_set{"disable_balance", "true"}).ok()); }
  plan_saved planned(std::size_t n) {
    return to_save(plan_without(world.cat, world.cluster, {}, world.ids[n], fate::decommissioned), "",
                   plan_kind::decommission, world.ids[n], {});
  }
  /// Everything of backend 3 goes to one path that repair would not choose: it is fuller.
  plan_saved to_sixth() {
    for (std::size_t path = 0; path < 2; ++path)
      world.seen(6, path).available_bytes = 300 * repair_world::gigabyte;
    auto out = planned(3);
    for (auto& m : out.moves)
      m.target = world.path(6, 1);
    return out;
  }
  void apply_and_notice(plan_saved what) {
    keep_and_apply(std::move(what));
    sick(tablets); // As the checker would: the backend was touched.
    pass(10min);
  }
  void fill_small(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      tablets.push_back(world.make("1+ 2+ 3+"));
  }
  [[nodiscard]] std::size_t copies_to(const place& at) const {
    std::size_t n = 0;
    for (const auto& [id, ctx] : contexts)
      if (const auto* copy = std::get_if<clone_move>(&ctx.move))
        n += copy->target == at ? 1 : 0;
    return n;
  }
  /// Lets what runs end, without new figures of the disks.
  void go_on(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      std::vector<tablet_id> ids;
      for (const auto& [id, ctx] : contexts)
        ids.push_back(id);
      for (const auto id : ids)
        succeed(id);
      pass(1s);
    }
  }
};

TEST_F(SchedLeaving, ABackendIsEmptiedAsPlanned) {
  fill_small(8);
  apply_and_notice(planned(3));
  EXPECT_TRUE(world.cat.backends.find(world.ids[3])->decommissioned);
  EXPECT_GT(count(move_state::planned), 0U);
  go_on(30);
  EXPECT_EQ(plan().state, plan_state::done);
  EXPECT_EQ(plan().done, 8U);
  EXPECT_EQ(replicas_on(3), 0U);
  for (const auto& m : plan().moves())
    EXPECT_EQ(world.at(m.tablet).on(m.target.backend)->path, m.target.path);
}

TEST_F(SchedLeaving, ThePlannedTargetGoesBeforeABetterOneAndIsWaitedFor) {
  fill_small(8);
  apply_and_notice(to_sixth());
  EXPECT_EQ(contexts.size(), 2U) << "two slots; the others wait for these";
  EXPECT_EQ(copies_to(world.path(6, 1)), 2U);
  go_on(30);
  EXPECT_EQ(plan().done, 8U);
  EXPECT_EQ(replicas_on(6), 8U);
}

TEST_F(SchedLeaving, WithoutAPlanItGoesToTheBetterOne) {
  fill_small(8);
  (void) to_sixth();
  ASSERT_TRUE(world.fold(backend_decommission{world.ids[3], true}).ok());
  sick(tablets);
  pass(10min);
  EXPECT_EQ(copies_to(world.path(6, 1)), 0U);
  EXPECT_GT(contexts.size(), 2U);
}

TEST_F(SchedLeaving, ATargetThatWillNotDoIsLeftAndItsMovesAreSkipped) {
  fill_small(4);
  const auto saved = to_sixth();
  world.seen(6, 1).online = false;
  apply_and_notice(saved);
  EXPECT_EQ(copies_to(world.path(6, 1)), 0U);
  EXPECT_EQ(contexts.size(), 4U) << "it chooses as ever";
  go_on(10);
  EXPECT_EQ(plan().state, plan_state::done);
  EXPECT_EQ(plan().skipped(), 4U);
  EXPECT_EQ(why_skipped(0), "the replica it is about has gone without it");
  EXPECT_EQ(replicas_on(3), 0U);
}

TEST_F(SchedLeaving, AFailedTargetIsNotInsistedOn) {
  fill_small(1);
  apply_and_notice(to_sixth());
  ASSERT_EQ(copies_to(world.path(6, 1)), 1U);
  fail(tablets[0]);
  pass(10s);
  ASSERT_TRUE(runs(tablets[0]));
  EXPECT_NE(move_of(tablets[0]).target.backend, world.ids[6]);
}

TEST_F(SchedLeaving, ANewLeaderGoesOnAsPlanned) {
  fill_small(8);
  apply_and_notice(to_sixth());
  go_on(2);
  const auto before = plan().done;
  ASSERT_GT(before, 0U);
  ASSERT_LT(before, 8U);
  restart(restless());
  EXPECT_EQ(plan().done, before);
  sick(tablets);
  pass(10min);
  go_on(30);
  EXPECT_EQ(plan().done, 8U);
  EXPECT_EQ(replicas_on(6), 8U);
}

TEST_F(SchedLeaving, ExplainShowsThePlannedPlaceAsChosen) {
  fill_small(1);
  keep_and_apply(to_sixth());
  const auto d = world.decide(tablets[0]);
  std::map<path_code, std::size_t> targets;
  for (const auto& verdict : d.paths)
    if (verdict.role == path_role::target) {
      ++targets[verdict.code];
      EXPECT_EQ(verdict.code == path_code::chosen, verdict.at == world.path(6, 1));
    }
  EXPECT_EQ(targets[path_code::chosen], 1U);
  EXPECT_EQ(targets[path_code::usable], 5U) << "all paths are still judged";
  ASSERT_TRUE(world.fold(plan_dropped{"p"}).ok());
  EXPECT_NE(std::get<clone_move>(world.decide(tablets[0]).move).target, world.path(6, 1));
}

} // namespace
} // namespace tabletd::test
