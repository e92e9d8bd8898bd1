// As many histories as fit into a unit test; cooldown_simulation runs more of them by hand.
#include "tests/model/cooldown_simulation.h"

#include <gtest/gtest.h>

namespace tabletd::test {
namespace {

TEST(CooldownSimulation, NothingIsLostAndNobodyUploadsBesideAnother) {
  constexpr std::uint64_t histories = 400;
  cooldown_simulation_counts counts;
  for (std::uint64_t seed = 1; seed <= histories; ++seed) {
    cooldown_simulation history(seed);
    ASSERT_EQ(history.run(), "") << "cooldown_simulation --tell --from " << seed << " --seeds 1";
    counts += history.counts();
  }
  // Otherwise the histories prove nothing.
  EXPECT_GT(counts.grants, histories);
  EXPECT_GT(counts.revocations, histories / 10);
  EXPECT_GT(counts.leaders, histories);
  EXPECT_GT(counts.crashes, histories);
  EXPECT_GT(counts.freezes, histories / 2);
  EXPECT_GT(counts.publications, 10 * histories);
  EXPECT_GT(counts.compactions, 2 * histories);
  EXPECT_GT(counts.asked_again, histories);
  EXPECT_GT(counts.late_puts, histories / 4);
  EXPECT_GT(counts.confirms, histories);
  EXPECT_GT(counts.deletions, 10 * histories);
  EXPECT_GT(counts.incremental_clones, histories);
  EXPECT_GT(counts.full_clones, histories);
  EXPECT_GT(counts.uploader_clones, histories / 2);
  EXPECT_GT(counts.moves, histories / 2);
}

}  // namespace
}  // namespace tabletd::test
