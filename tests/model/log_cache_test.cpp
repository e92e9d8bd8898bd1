#include "actors/model/log_cache.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace tabletd::model {
namespace {

using enum memory_category;

constexpr std::uint64_t size = 904, cost = size + entry_cost_bytes;  // 1,000.
constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();

struct LogCache : testing::Test {
  static memory_limits memory() {
    return {.budget_bytes = 100'000,
            .state_machine_bytes = 60'000,
            .uncommitted_bytes = 40'000,
            .unapplied_bytes = 10'000,
            .cached_bytes = 5'000,
            .decoded_factor = 1};
  }
  static cache_limits limits() {
    cache_limits chosen;
    chosen.prefetch_entries = 3;
    chosen.trailing_entries = 2;
    chosen.snapshot_entries = 10;
    chosen.retain_bytes = 20 * size;
    return chosen;
  }
  void append(int entries) {
    for (int i = 0; i < entries; ++i) {
      ASSERT_TRUE(governor.try_charge(uncommitted, cost));
      cache.append("entry " + std::to_string(cache.last_index() + 1), size, cost);
    }
  }
  /// So many entries, of which so many are durable, committed, applied.
  void make(int entries, std::uint64_t durable, std::uint64_t committed, std::uint64_t applied) {
    append(entries);
    cache.durable_upto(durable);
    cache.committed_upto(committed);
    cache.applied_upto(applied);
  }

  memory_governor governor{memory()};
  log_cache<std::string> cache{governor, limits()};
};

TEST_F(LogCache, AnEntryIsChargedOnceWhereverItIs) {
  make(6, 6, 4, 1);
  EXPECT_EQ(governor.bytes(uncommitted), 2 * cost);
  EXPECT_EQ(governor.bytes(unapplied), 3 * cost);
  EXPECT_EQ(governor.bytes(cached), cost);
  EXPECT_EQ(*cache.find(4), "entry 4");
  EXPECT_EQ(cache.find(7), nullptr);
}

TEST_F(LogCache, WhatDecodingCostsIsReleasedByApply) {
  ASSERT_TRUE(governor.try_charge(uncommitted, 4 * size + entry_cost_bytes));
  cache.append("a", size, 4 * size + entry_cost_bytes);
  cache.durable_upto(1);
  cache.committed_upto(1);
  cache.applied_upto(1);
  EXPECT_EQ(governor.total_bytes(), cost);
}

TEST_F(LogCache, AppliedPayloadsLeaveFirstAndTheOldestOfThem) {
  make(9, 9, 9, 2);
  EXPECT_EQ(cache.relieve(1), cost);
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_NE(cache.find(2), nullptr);
  EXPECT_EQ(cache.relieve(2 * cost), 2 * cost);
  EXPECT_EQ(cache.find(2), nullptr);
  for (std::uint64_t i = 3; i <= 5; ++i)
    EXPECT_NE(cache.find(i), nullptr) << "the applier takes it next";
  EXPECT_EQ(cache.find(6), nullptr);
  EXPECT_NE(cache.find(7), nullptr);
  EXPECT_EQ(cache.backlog_bytes(), cost);
  EXPECT_EQ(cache.unapplied_bytes(), 7 * cost);
}

TEST_F(LogCache, WhatIsNotDurableStays) {
  make(9, 1, 9, 3);
  EXPECT_EQ(cache.relieve(everything), cost);
  EXPECT_EQ(cache.cleaned(), 1U) << "the cursor waits for the disk";
  cache.durable_upto(8);
  EXPECT_EQ(cache.relieve(everything), 4 * cost) << "2 and 3, and 7 and 8 beyond the prefetch window";
  EXPECT_EQ(cache.cleaned(), 3U);
  EXPECT_NE(cache.find(9), nullptr);
}

TEST_F(LogCache, WhatIsNotCommittedStaysUnlessAFollowerMust) {
  make(9, 7, 2, 2);
  EXPECT_EQ(cache.relieve(everything), 2 * cost);
  EXPECT_EQ(governor.bytes(uncommitted), 7 * cost);
  EXPECT_EQ(cache.shed_uncommitted(everything), 5 * cost) << "the durable ones";
  EXPECT_EQ(cache.backlog_bytes(), 0U);
  cache.committed_upto(8);
  EXPECT_EQ(cache.backlog_bytes(), 5 * cost);
  EXPECT_EQ(governor.bytes(unapplied), cost);
  EXPECT_EQ(cache.missing_for_apply(), (entry_range{3, 5}));
}

TEST_F(LogCache, TheApplierReadsAgainWhatLeft) {
  make(9, 9, 9, 0);
  cache.relieve(everything);
  EXPECT_EQ(cache.missing_for_apply(), std::nullopt);
  cache.applied_upto(2);
  EXPECT_EQ(cache.missing_for_apply(), (entry_range{4, 5}));
  ASSERT_TRUE(cache.load(4, "4 again"));
  EXPECT_EQ(*cache.find(4), "4 again");
  EXPECT_EQ(cache.backlog_bytes(), 5 * cost);
  cache.applied_upto(4);
  EXPECT_EQ(cache.missing_for_apply(), (entry_range{5, 7}));
}

TEST_F(LogCache, OnlyTheNextEntryMayExceedTheBudgetWhenRead) {
  make(9, 9, 9, 0);
  cache.relieve(everything);
  cache.applied_upto(3);
  cache.relieve(everything);
  ASSERT_TRUE(governor.try_charge(sending, governor.room_bytes()));
  EXPECT_FALSE(cache.load(5, "5"));
  EXPECT_TRUE(cache.load(4, "4"));
  EXPECT_GT(governor.total_bytes(), 100'000U);
}

TEST_F(LogCache, ThePrefetchWindowIsBoundedByBytesTooButHoldsOne) {
  auto small = limits();
  small.prefetch_bytes = 2 * size;
  log_cache<std::string> narrow{governor, small};
  small.prefetch_bytes = 1;
  log_cache<std::string> tiny{governor, small};
  for (auto* each : {&narrow, &tiny}) {
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(governor.try_charge(uncommitted, cost));
      each->append("x", size, cost);
    }
    each->durable_upto(4);
    each->committed_upto(4);
    each->relieve(everything);
  }
  EXPECT_TRUE(narrow.in_memory(2));
  EXPECT_FALSE(narrow.in_memory(3));
  EXPECT_TRUE(tiny.in_memory(1));
  EXPECT_FALSE(tiny.in_memory(2));
}

TEST_F(LogCache, ASlowSenderKeepsItsPayloadAndNothingElse) {
  make(5, 5, 5, 5);
  cache.pin({1, 2});
  cache.pin({2, 2});
  EXPECT_EQ(cache.relieve(everything), 3 * cost) << "what became free";
  EXPECT_EQ(governor.bytes(cached), 0U);
  EXPECT_EQ(governor.bytes(sending), 2 * cost);
  EXPECT_EQ(*cache.find(2), "entry 2");
  cache.unpin({1, 2});
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_NE(cache.find(2), nullptr) << "another still sends it";
  cache.unpin({2, 2});
  EXPECT_EQ(governor.total_bytes(), 0U);
}

TEST_F(LogCache, CleaningKeepsCacheAndUnappliedWithinTheirLimits) {
  make(30, 30, 28, 8);
  (void)cache.clean(everything);
  EXPECT_EQ(governor.bytes(cached), 5'000U);
  EXPECT_EQ(governor.bytes(unapplied), 10'000U);
  EXPECT_EQ(cache.backlog_bytes(), 10'000U);
}

TEST_F(LogCache, UnderPressureNothingIsCached) {
  make(8, 8, 8, 8);
  ASSERT_TRUE(governor.try_charge(sending, governor.room_bytes()));
  (void)cache.clean(everything);
  EXPECT_EQ(governor.bytes(cached), 0U);
}

TEST_F(LogCache, ASnapshotIsDueByEntriesOrBytesSinceTheLast) {
  make(12, 12, 12, 9);
  EXPECT_FALSE(cache.clean(everything).snapshot);
  cache.applied_upto(10);
  EXPECT_TRUE(cache.clean(everything).snapshot);
  cache.snapshot_taken(10);
  EXPECT_FALSE(cache.clean(everything).snapshot);
  auto by_bytes = limits();
  by_bytes.snapshot_bytes = 2 * size;
  log_cache<std::string> other{governor, by_bytes};
  for (int i = 0; i < 2; ++i)
    other.append_durable(size);
  other.committed_upto(2);
  ASSERT_TRUE(other.load(1, "1"));
  other.applied_upto(1);
  EXPECT_FALSE(other.clean(everything).snapshot);
  ASSERT_TRUE(other.load(2, "2"));
  other.applied_upto(2);
  EXPECT_TRUE(other.clean(everything).snapshot);
}

TEST_F(LogCache, TheLogIsTrimmedBehindTheSnapshotButNotBeforeAVoterHasIt) {
  make(12, 12, 12, 12);
  cache.pin({7, 7});
  EXPECT_EQ(cache.clean(everything).trim_upto, 0U) << "no snapshot, nothing to go";
  cache.snapshot_taken(10);
  EXPECT_EQ(cache.clean(5).trim_upto, 5U);
  EXPECT_EQ(cache.clean(everything).trim_upto, 6U) << "7 is being sent";
  cache.unpin({7, 7});
  EXPECT_EQ(cache.clean(everything).trim_upto, 8U) << "two trail";
  cache.trimmed(8);
  EXPECT_EQ(cache.first_index(), 9U);
  EXPECT_EQ(*cache.find(12), "entry 12");
  EXPECT_EQ(governor.bytes(cached), 4 * cost);
  EXPECT_EQ(cache.clean(everything).trim_upto, 0U);
}

TEST_F(LogCache, AVoterFarBehindDoesNotKeepTheLogForEver) {
  make(30, 30, 30, 30);
  cache.snapshot_taken(30);
  EXPECT_EQ(cache.clean(3).trim_upto, 10U) << "20 entries are kept for it";
}

TEST_F(LogCache, TrimmingGoesInSmallSteps) {
  for (int i = 0; i < 3'000; ++i) {
    cache.append_durable(1);
    cache.committed_upto(cache.last_index());
    ASSERT_TRUE(cache.load(cache.last_index(), "x"));
    cache.applied_upto(cache.last_index());
    (void)cache.clean(everything);
  }
  cache.snapshot_taken(3'000);
  EXPECT_EQ(cache.clean(everything).trim_upto, 2'000U);
  cache.trimmed(2'000);
  EXPECT_EQ(cache.clean(everything).trim_upto, 2'998U);
}

TEST_F(LogCache, ATruncationTakesBackWhatWasCharged) {
  make(9, 7, 2, 1);
  cache.shed_uncommitted(4 * cost);  // 3 to 6.
  cache.truncate_from(5);
  EXPECT_EQ(cache.last_index(), 4U);
  EXPECT_EQ(cache.durable(), 4U);
  EXPECT_EQ(governor.bytes(uncommitted), 0U);
  append(2);
  EXPECT_EQ(*cache.find(5), "entry 5");
  EXPECT_EQ(cache.shed_uncommitted(everything), 0U) << "not durable again yet";
  cache.durable_upto(6);
  EXPECT_EQ(cache.shed_uncommitted(everything), 2 * cost);
}

TEST_F(LogCache, ASnapshotFromElsewhereReplacesAll) {
  make(9, 9, 8, 3);
  cache.relieve(2 * cost);
  cache.installed(20);
  EXPECT_EQ(governor.total_bytes(), 0U);
  EXPECT_EQ(cache.backlog_bytes(), 0U);
  EXPECT_EQ(cache.first_index(), 21U);
  EXPECT_EQ(cache.last_index(), 20U);
  append(1);
  EXPECT_EQ(*cache.find(21), "entry 21");
}

TEST_F(LogCache, AtStartTheLogIsOnTheDiskAlone) {
  for (int i = 0; i < 5; ++i)
    cache.append_durable(size);
  EXPECT_EQ(governor.total_bytes(), 0U);
  cache.committed_upto(5);
  EXPECT_EQ(cache.backlog_bytes(), 5 * cost);
  EXPECT_EQ(cache.missing_for_apply(), (entry_range{1, 3}));
}

}  // namespace
}  // namespace tabletd::model
