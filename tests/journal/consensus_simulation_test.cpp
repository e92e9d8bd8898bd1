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
  EXPECT_GT(counts.reads, 5'000U);
}

/// The first of the seeds that finds it; 0: none does.
std::uint64_t first_seed_that_fails(mutant broken_promise, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    auto options = options_for(seed);
    options.broken_promise = broken_promise;
    if (!simulation(seed, options).run().empty())
      return seed;
  }
  return 0;
}

// What the simulation does not find has a scripted history: P2 and P6 in consensus_histories_test.cpp,
// P3 and P8 in consensus_guards_test.cpp, confirms_every_leader in consensus_reads_test.cpp.
TEST(Mutants, ABrokenPromiseIsFound) {
  EXPECT_NE(first_seed_that_fails(mutant::acknowledges_before_durable, 300), 0u);
  EXPECT_NE(first_seed_that_fails(mutant::votes_before_durable, 2'000), 0u);
  EXPECT_NE(first_seed_that_fails(mutant::acknowledges_an_unverified_tail, 300), 0u);
  EXPECT_NE(first_seed_that_fails(mutant::commits_old_terms_by_counting, 4'000), 0u);
  EXPECT_NE(first_seed_that_fails(mutant::commit_is_not_capped, 300), 0u);
}

}  // namespace
}  // namespace tabletd
