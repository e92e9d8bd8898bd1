// As many histories as fit into a unit test; consensus_simulation runs more of them by hand.
#include "tests/journal/consensus_simulation.h"

#include <gtest/gtest.h>

namespace tabletd {
namespace {

using namespace test;

TEST(ConsensusSimulation, MembersNeverDivergeAndKeepWhatTheyAcknowledged) {
  simulation_counts counts;
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    simulation history(seed, options_for(seed));
    ASSERT_EQ(history.run(), "") << "consensus_simulation --from " << seed << " --seeds 1";
    counts += history.counts();
  }
  // Otherwise the histories prove nothing.
  EXPECT_GT(counts.acknowledged, 20'000U);
  EXPECT_GT(counts.crashes, 20'000U);
  EXPECT_GT(counts.images_installed, 500U);
  EXPECT_GT(counts.changes, 1'000U);
  EXPECT_GT(counts.transfers, 500U);
}

}  // namespace
}  // namespace tabletd
