// Ten thousand histories of the repair loop.  One that breaks prints the command that replays it.
#include "tests/actors/repair_sim.h"
#include <cstdlib>
#include <iostream>

namespace tabletd::test {
namespace {

constexpr std::uint64_t seeds = 1'000; ///< Of one block.
constexpr std::uint64_t blocks = 10;

std::string replay(std::uint64_t seed) {
  return "replay it: TABLETD_SEED=" + std::to_string(seed) + " repair_sim_test --gtest_filter='RepairSim.OneSeed'";
}

class RepairSimBlock : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(All, RepairSimBlock, testing::Range(std::uint64_t{0}, blocks));

TEST_P(RepairSimBlock, AThousandSeedsLoseNothingAndGetWell) {
  sim_result sum;
  for (std::uint64_t seed = GetParam() * seeds + 1; seed <= (GetParam() + 1) * seeds; ++seed) {
    const auto r = simulate({.seed = seed});
    ASSERT_EQ(r.broken, "") << replay(seed);
    sum.clones += r.clones;
    sum.drops += r.drops;
    sum.faults += r.faults;
    sum.restarts += r.restarts;
    sum.adopted += r.adopted;
    sum.edits += r.edits;
    sum.steps += r.steps;
    sum.well_after = std::max(sum.well_after, r.well_after);
  }
  std::cout << seeds << " seeds: " << sum.steps << " messages, " << sum.edits << " edits, " << sum.clones << " clones, " << sum.drops
            << " drops, " << sum.faults << " accidents, " << sum.restarts << " restarts that adopted " << sum.adopted
            << " orders; well again after at most " << sum.well_after.count() / 1'000 << " s\n";
  // The dice reach what the simulation is for.
  EXPECT_GT(sum.clones, 10 * seeds);
  EXPECT_GT(sum.drops, 5 * seeds);
  EXPECT_GT(sum.restarts, seeds);
  EXPECT_GT(sum.adopted, seeds / 2);
}

TEST(RepairSim, ASeedIsAHistory) {
  for (std::uint64_t seed : {1, 77, 500}) {
    const auto once = simulate({.seed = seed});
    const auto twice = simulate({.seed = seed});
    EXPECT_EQ(once.trace, twice.trace);
    EXPECT_EQ(once.steps, twice.steps);
    EXPECT_NE(once.trace, simulate({.seed = seed + 1}).trace);
  }
}

TEST(RepairSim, OneSeed) {
  const char* wanted = std::getenv("TABLETD_SEED");
  if (!wanted)
    GTEST_SKIP() << "set TABLETD_SEED to replay one history in words";
  const std::uint64_t seed = std::strtoull(wanted, nullptr, 10);
  const auto r = simulate({.seed = seed, .say = true});
  EXPECT_EQ(r.broken, "");
  std::cout << "trace " << r.trace << ", " << r.steps << " messages\n";
}

} // namespace
} // namespace tabletd::test
