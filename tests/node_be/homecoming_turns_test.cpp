// How many recalls of a backend run at once, and that each that waits gets its turn.
#include "node/be/homecoming.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace tabletd {
namespace {

TEST(HomecomingTurns, TwoAtATimeAndTheNextWhenOneEnds) {
  const auto turns = std::make_shared<homecoming_turns>();
  std::vector<std::shared_ptr<void>> running;
  for (int i = 0; i < 5; ++i)
    turns->ask([&running](std::shared_ptr<void> turn) { running.push_back(std::move(turn)); });
  ASSERT_EQ(running.size(), 2u);
  running[0].reset();
  ASSERT_EQ(running.size(), 3u);
  running[2].reset();
  running[1].reset();
  ASSERT_EQ(running.size(), 5u);
}

/// As when a backend shuts down: each fails as it begins, and a hundred thousand of them must not be calls inside each other.
TEST(HomecomingTurns, OnesThatEndAtOnceDoNotPileUp) {
  const auto turns = std::make_shared<homecoming_turns>();
  std::shared_ptr<void> first, second;
  turns->ask([&first](std::shared_ptr<void> turn) { first = std::move(turn); });
  turns->ask([&second](std::shared_ptr<void> turn) { second = std::move(turn); });
  int begun = 0;
  for (int i = 0; i < 100'000; ++i)
    turns->ask([&begun](const std::shared_ptr<void>&) { ++begun; });
  EXPECT_EQ(begun, 0);
  first.reset();
  EXPECT_EQ(begun, 100'000);
}

}  // namespace
}  // namespace tabletd
