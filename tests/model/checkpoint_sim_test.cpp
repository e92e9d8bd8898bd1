// What must hold whatever happens, over many seeds: see checkpoint_sim's requirements.
#include "tests/model/checkpoint_sim.h"

#include <gtest/gtest.h>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;

void run_seeds(std::uint64_t first, std::uint64_t last, std::size_t members) {
  checkpoint_sim::outcome sum;
  int failures = 0;
  for (auto seed = first; seed <= last && failures < 5; ++seed) {
    try {
      const auto o = checkpoint_sim(seed, members).run(15min, 15min);
      sum.attempts += o.attempts;
      sum.done += o.done;
      sum.deletions += o.deletions;
      sum.excused += o.excused;
      sum.readmitted += o.readmitted;
      sum.restarts += o.restarts;
      sum.damaged += o.damaged;
      sum.elections += o.elections;
    } catch (const std::logic_error& error) {
      ++failures;
      ADD_FAILURE() << "seed " << seed << ": " << error.what();
    }
  }
  const auto runs = last - first + 1;
  testing::Test::RecordProperty("attempts", static_cast<int>(sum.attempts));
  std::printf("%llu runs: %llu attempts, %llu done, %llu deletions, %llu excused, %llu readmitted, %llu restarts, "
              "%llu damaged images, %llu elections\n",
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(sum.attempts),
              static_cast<unsigned long long>(sum.done), static_cast<unsigned long long>(sum.deletions),
              static_cast<unsigned long long>(sum.excused), static_cast<unsigned long long>(sum.readmitted),
              static_cast<unsigned long long>(sum.restarts), static_cast<unsigned long long>(sum.damaged),
              static_cast<unsigned long long>(sum.elections));
  // A world in which nothing goes wrong, or nothing goes on, proves nothing.
  EXPECT_GT(sum.attempts, sum.done + runs);
  EXPECT_GT(sum.done, 5 * runs);
  EXPECT_GT(sum.deletions, 5 * runs);
  EXPECT_GT(sum.readmitted, runs / 10);
  EXPECT_GT(sum.damaged, runs / 10);
  EXPECT_GT(sum.elections, 2 * runs);
}

TEST(CheckpointSim, ThreeMembers) { run_seeds(1, 3'000, 3); }
TEST(CheckpointSim, FiveMembers) { run_seeds(10'001, 12'000, 5); }

} // namespace
} // namespace tabletd::test
