// Bytes per second that several fills share, and the heat of partitions.
#include "persistence/cache/token_bucket.h"

#include "persistence/cache/partition_heat.h"

#include <gtest/gtest.h>

#include <random>

namespace tabletd {
namespace {

using namespace std::chrono_literals;

TEST(TokenBucket, ABurstPassesThenTheRateHolds) {
  token_bucket bucket(1'000, 500);
  EXPECT_EQ(bucket.take(500, 10s), 0s);
  EXPECT_EQ(bucket.take(250, 10s), 250ms);
  EXPECT_EQ(bucket.take(250, 10s), 500ms) << "behind the one before";
  EXPECT_EQ(bucket.take(100, 11s), 0s);
  EXPECT_EQ(bucket.take(5'000, 11s), 4'600ms) << "more than the burst waits, but passes";
}

TEST(TokenBucket, ARestSavesNoMoreThanTheBurst) {
  token_bucket bucket(1'000, 500);
  EXPECT_EQ(bucket.take(500, 0s), 0s);
  EXPECT_EQ(bucket.take(500, 3'600s), 0s);
  EXPECT_EQ(bucket.take(1'000, 3'600s), 1s);
}

TEST(TokenBucket, WithoutALimitNobodyWaits) {
  token_bucket bucket(0, 10);
  EXPECT_EQ(bucket.take(1U << 30U, 0s), 0s);
  bucket.set_rate(100, 1s);
  EXPECT_EQ(bucket.take(110, 1s), 1s);
  bucket.give_back(110);
  EXPECT_EQ(bucket.take(10, 1s), 0s);
}

// Whoever waits as he is told never exceeds the rate over any stretch, and does not fall behind it either.
TEST(TokenBucket, OverAnyStretchTheRateHolds) {
  std::mt19937_64 rng(1);
  token_bucket bucket(1'000'000, 50'000);
  std::chrono::nanoseconds now{0};
  std::uint64_t used = 0;
  for (int i = 0; i < 100'000; ++i) {
    const auto bytes = 1 + rng() % 20'000;
    now += bucket.take(bytes, now);
    used += bytes;
    const auto allowed = 50'000 + std::chrono::duration<double>(now).count() * 1e6;
    ASSERT_LE(static_cast<double>(used), allowed + 2);
    ASSERT_GE(static_cast<double>(used), allowed - 50'002);
  }
}

TEST(PartitionHeat, HalvesWithTime) {
  partition_heat heat(100s);
  heat.add(1, 1'000, 0s);
  heat.add(2, 700, 100s);
  EXPECT_EQ(heat.hottest(9, 100s), (std::vector<heat_of_partition>{{2, 700}, {1, 500}}));
  heat.add(1, 500, 100s);
  EXPECT_EQ(heat.hottest(9, 200s), (std::vector<heat_of_partition>{{1, 500}, {2, 350}}));
  EXPECT_EQ(heat.hottest(1, 200s).size(), 1U);
  EXPECT_TRUE(heat.hottest(9, 5'000s).empty()) << "less than a byte is nothing";
  heat.add(1, 1, 150s);  // A clock that went back neither heats nor cools.
  EXPECT_EQ(heat.hottest(1, 100s)[0].partition, 1U);
}

TEST(PartitionHeat, ForgetsTheColdestWhenThereAreTooMany) {
  partition_heat heat(100s, 8);
  for (std::uint64_t partition = 1; partition <= 9; ++partition)
    heat.add(partition, partition * 100, 0s);
  EXPECT_EQ(heat.partitions(), 5U);
  EXPECT_EQ(heat.hottest(9, 0s)[0], (heat_of_partition{9, 900}));
  EXPECT_EQ(heat.hottest(9, 0s)[4], (heat_of_partition{5, 500}));
}

}  // namespace
}  // namespace tabletd
