#include "actors/model/what_if.h"
#include "tests/model/repair_world.h"

namespace tabletd::test {
namespace {

struct WhatIf : testing::Test {
  repair_world world{"abcdef"};
  what_if_plan without(std::size_t n, fate what) { return plan_without(world.cat, world.cluster, {}, world.ids[n], what); }
};

TEST_F(WhatIf, LosingABackendCopiesEachOfItsTabletsOnce) {
  std::vector<tablet_id> hit;
  for (int i = 0; i < 6; ++i)
    hit.push_back(world.make("1+ 2+ 3+"));
  world.make("4+ 5+ 6+"); // Not concerned.
  const auto before = text_of(world.cat);
  const auto plan = without(3, fate::lost);
  ASSERT_EQ(plan.moves.size(), hit.size());
  EXPECT_TRUE(plan.stuck.empty());
  EXPECT_EQ(plan.bytes, 6 * repair_world::gigabyte);
  std::map<backend_id, int> targets;
  for (const auto& move : plan.moves) {
    EXPECT_TRUE(move.source.backend == world.ids[1] || move.source.backend == world.ids[2]);
    ++targets[move.target.backend];
  }
  EXPECT_EQ(targets.size(), 3U) << "spread over who is free";
  EXPECT_EQ(text_of(world.cat), before) << "nothing has really happened";
}

TEST_F(WhatIf, DecommissioningEndsWithAnEmptyBackend) {
  for (int i = 0; i < 4; ++i)
    world.make("1+ 2+ 3+");
  const auto plan = without(3, fate::decommissioned);
  EXPECT_EQ(plan.moves.size(), 4U);
  EXPECT_TRUE(plan.stuck.empty());
}

TEST_F(WhatIf, WhatCannotBeHelpedIsNamedWithItsReason) {
  const auto lonely = world.make("3+", 1);
  const auto crowded = world.make("1+ 2+ 3+ 4+ 5+ 6+", 6);
  const auto plan = without(3, fate::lost);
  ASSERT_EQ(plan.stuck.size(), 2U);
  EXPECT_EQ(plan.stuck[0].tablet, lonely);
  EXPECT_EQ(plan.stuck[0].health, tablet_health::unrecoverable);
  EXPECT_EQ(plan.stuck[1].tablet, crowded);
  EXPECT_NE(plan.stuck[1].why.find("add a backend"), std::string::npos) << plan.stuck[1].why;
}

TEST_F(WhatIf, ADiskThatIsFullUpOnPaperTakesNoMore) {
  for (std::size_t n = 4; n <= 6; ++n)
    for (std::size_t path = 0; path < 2; ++path)
      world.seen(n, path).available_bytes = 60 * repair_world::gigabyte; // 94 % full: room for one more.
  for (int i = 0; i < 8; ++i)
    world.make("1+ 2+ 3+", 3, 9 * repair_world::gigabyte);
  const auto plan = without(3, fate::lost);
  EXPECT_EQ(plan.moves.size(), 6U);
  EXPECT_EQ(plan.stuck.size(), 2U);
}

TEST_F(WhatIf, TheBusiestDiskSaysHowLongItTakes) {
  world.make("1+ 2+ 3+", 3, 5U << 20);
  EXPECT_EQ(without(3, fate::lost).duration, 1s);
  EXPECT_EQ(without(4, fate::lost).duration, 0s);
}

TEST_F(WhatIf, WhatIsKeptNamesTheReplicaThatGoesAndLeavesMendingOut) {
  const auto id = world.make("1+ 2- 3+");
  const auto plan = without(3, fate::decommissioned);
  ASSERT_EQ(plan.moves.size(), 2U) << "one is filled where it is, then one leaves";
  EXPECT_EQ(plan.moves[0].replica, replica_id{});
  const auto saved = to_save(plan, "p", plan_kind::decommission, world.ids[3], log_index{7});
  ASSERT_EQ(saved.moves.size(), 1U);
  EXPECT_EQ(saved.moves[0], (saved_move{id, world.at(id).on(world.ids[3])->id, plan.moves[1].source,
                                        plan.moves[1].target, repair_world::gigabyte}));
  EXPECT_EQ(saved.epoch, log_index{7});
  EXPECT_EQ(saved.backend, world.ids[3]);
}

TEST_F(WhatIf, ABalancePlanNamesTheReplicaAtItsSource) {
  for (int i = 0; i < 30; ++i)
    world.make("1+ 2+ 3+");
  const auto plan = plan_balance(world.cat, world.cluster, {}, 1s);
  ASSERT_FALSE(plan.moves.empty());
  for (const auto& move : plan.moves) {
    const auto* goes = world.at(move.tablet).find(move.replica);
    ASSERT_TRUE(goes);
    EXPECT_EQ((place{goes->backend, goes->path}), move.source);
  }
}

TEST_F(WhatIf, BalanceIsPlannedToItsEnd) {
  for (int i = 0; i < 30; ++i)
    world.make("1+ 2+ 3+");
  for (std::size_t n = 1; n <= 6; ++n)
    for (std::size_t path = 0; path < 2; ++path)
      world.seen(n, path).available_bytes = 990 * repair_world::gigabyte;
  const auto plan = plan_balance(world.cat, world.cluster, {}, 1s);
  std::map<backend_id, int> gained;
  for (const auto& move : plan.moves)
    if (move.source.backend != move.target.backend)
      ++gained[move.target.backend];
  for (std::size_t n = 4; n <= 6; ++n)
    EXPECT_NEAR(gained[world.ids[n]], 15, 2) << n;
}

TEST_F(WhatIf, APauseIsSaid) {
  world.make("1+ 2+ 3+");
  balance_options off;
  off.enabled = false;
  const auto plan = plan_balance(world.cat, world.cluster, off, 1s);
  ASSERT_EQ(plan.stuck.size(), 1U);
  EXPECT_EQ(plan.stuck[0].why, "balance is disabled by configuration");
}

} // namespace
} // namespace tabletd::test
