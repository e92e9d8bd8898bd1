// Charges of entries on their way from the log to the catalog.
#include "actors/model/unapplied_log.h"

#include <gtest/gtest.h>

#include <random>

namespace tabletd::model {
namespace {

using enum memory_category;

struct UnappliedLog : testing::Test {
  memory_governor governor{limits_of(1'000, 2, {.log = 1})};
  unapplied_log log{governor};

  void add(std::uint64_t charge) {
    ASSERT_TRUE(governor.try_charge(uncommitted, charge));
    log.add(charge);
  }
  std::uint64_t u() const { return governor.bytes(uncommitted); }
  std::uint64_t c() const { return governor.bytes(unapplied); }
};

TEST_F(UnappliedLog, AnEntryIsUncommittedThenUnappliedThenGone) {
  add(100);
  add(50);
  EXPECT_EQ(u(), 150U);
  log.commit(1);
  EXPECT_EQ(u(), 50U);
  EXPECT_EQ(c(), 100U);
  log.apply(1);
  EXPECT_EQ(c(), 0U);
  log.commit(2);
  log.apply(2);
  EXPECT_EQ(log.total_bytes(), 0U);
  EXPECT_EQ(governor.total_bytes(), 0U);
}

TEST_F(UnappliedLog, WhatLeavesMemoryIsBacklogUntilItIsApplied) {
  add(100);
  add(50);
  log.commit(1);
  ASSERT_TRUE(log.evict_oldest());
  EXPECT_EQ(c(), 0U);
  EXPECT_EQ(log.backlog_bytes(), 100U);
  EXPECT_EQ(log.in_memory_from(), 2U);
  ASSERT_TRUE(log.evict_oldest()) << "also what is not committed: it is durable";
  EXPECT_EQ(u(), 0U);
  EXPECT_FALSE(log.evict_oldest());
  log.commit(2);
  EXPECT_EQ(c(), 0U) << "it is not in memory";
  log.apply(2);
  EXPECT_EQ(log.total_bytes(), 0U);
}

TEST_F(UnappliedLog, ReplacedEntriesAreForgottenWhereverTheyAre) {
  add(100);
  add(50);
  add(30);
  log.commit(1);
  log.evict_oldest();
  log.evict_oldest();
  log.replace(2);
  EXPECT_EQ(log.end(), 2U);
  EXPECT_EQ(log.backlog_bytes(), 100U);
  EXPECT_EQ(u(), 0U);
  add(70);
  log.commit(2);
  EXPECT_EQ(c(), 70U);
}

/// A node that starts knows nothing of its log, and a leader may replace its end.
TEST_F(UnappliedLog, WhatIsReplacedMayBeOlderThanWhatIsKnown) {
  log.restart(11);
  log.replace(9);
  for (int i = 0; i < 3; ++i)
    log.add_received(100);  // 9, 10, 11
  EXPECT_EQ(log.end(), 12U);
  log.commit(11);
  EXPECT_EQ(c(), 300U);
  log.apply(11);
  EXPECT_EQ(governor.total_bytes(), 0U);
}

TEST_F(UnappliedLog, AReceivedEntryPushesOlderOnesOut) {
  log.add_received(600);
  log.add_received(300);
  log.add_received(300);
  EXPECT_EQ(u(), 600U);
  EXPECT_EQ(log.in_memory_from(), 2U);
  log.add_received(2'000);
  EXPECT_EQ(u(), 0U) << "it never fits, and everything before it left";
  EXPECT_EQ(log.backlog_bytes(), 3'200U);
  log.restart(9);
  EXPECT_EQ(log.total_bytes(), 0U);
  EXPECT_EQ(log.end(), 9U);
}

/// Whatever happens, categories add up, and nothing is left when all is applied.
TEST(UnappliedLogWalk, NothingLeaks) {
  for (std::uint32_t seed = 1; seed <= 500; ++seed) {
    std::mt19937 rng(seed);
    memory_governor governor{limits_of(5'000, 2, {.log = 1})};
    unapplied_log log{governor};
    std::uint64_t committed = 0, applied = 0;
    for (int i = 0; i < 300; ++i) {
      const auto last = log.end() - 1;
      switch (rng() % 6) {
        case 0:
        case 1: log.add_received(1 + rng() % 900); break;
        case 2: log.commit(committed += rng() % (last - committed + 1)); break;
        case 3: log.apply(applied += rng() % (committed - applied + 1)); break;
        case 4: log.replace(committed + 1 + rng() % (last - committed + 1)); break;
        default: log.evict_oldest(); break;
      }
      ASSERT_TRUE(governor.adds_up()) << seed;
      ASSERT_LE(governor.total_bytes(), 5'000U) << seed;
    }
    log.commit(log.end() - 1);
    log.apply(log.end() - 1);
    EXPECT_EQ(governor.total_bytes(), 0U) << seed;
    EXPECT_EQ(log.backlog_bytes(), 0U) << seed;
  }
}

}  // namespace
}  // namespace tabletd::model
