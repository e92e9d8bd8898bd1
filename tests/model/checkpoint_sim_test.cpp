// What must hold whatever happens, over many seeds: see checkpoint_sim's requirements.
#include "tests/model/checkpoint_sim.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t first_of_five = 10'001; ///< Seeds from here on are of five members.

checkpoint_sim of_seed(std::uint64_t seed) { return {seed, seed < first_of_five ? std::size_t{3} : std::size_t{5}}; }
checkpoint_sim::outcome run(checkpoint_sim sim) { return sim.run(15min, 15min); }

void run_seeds(std::uint64_t first, std::uint64_t last) {
  checkpoint_sim::outcome sum;
  int failures = 0;
  for (auto seed = first; seed <= last && failures < 3; ++seed) {
    try {
      sum += run(of_seed(seed));
    } catch (const std::logic_error& error) {
      ++failures;
      ADD_FAILURE() << "seed " << seed << ": " << error.what() << "; replay it: TABLETD_SEED=" << seed
                    << " checkpoint_sim_test --gtest_filter='CheckpointSim.OneSeed'";
    }
  }
  if (failures > 0)
    return;
  const auto runs = last - first + 1;
  std::cout << runs << " histories: " << sum.attempts << " attempts, " << sum.done << " done, " << sum.deletions
            << " deletions (" << sum.pressed << " under pressure), " << sum.excused << " excused, " << sum.readmitted << " readmitted, " << sum.restarts
            << " restarts, " << sum.damaged << " damaged images, " << sum.elections << " elections, "
            << sum.minorities << " minorities of two down\n";
  // A world in which nothing goes wrong, or nothing goes on, proves nothing.
  EXPECT_GT(sum.attempts, sum.done + runs);
  EXPECT_GT(sum.done, 5 * runs);
  EXPECT_GT(sum.deletions, 5 * runs);
  EXPECT_GT(sum.readmitted, runs / 10);
  EXPECT_GT(sum.damaged, runs / 2);
  EXPECT_GT(sum.elections, 2 * runs);
  EXPECT_GT(sum.pressed, runs / 20);
  if (first >= first_of_five) {
    EXPECT_GT(sum.minorities, runs / 8);
  }
}

TEST(CheckpointSim, ThreeMembers) { run_seeds(1, 3'000); }
TEST(CheckpointSim, FiveMembers) { run_seeds(first_of_five, first_of_five + 1'999); }

TEST(CheckpointSim, OneSeed) {
  const char* wanted = std::getenv("TABLETD_SEED");
  if (wanted == nullptr)
    GTEST_SKIP() << "set TABLETD_SEED to replay one history in words";
  auto sim = of_seed(std::strtoull(wanted, nullptr, 10));
  sim.tell([](const std::string& line) { std::cout << line << '\n'; });
  EXPECT_NO_THROW(sim.run(15min, 15min));
}

} // namespace
} // namespace tabletd::test
