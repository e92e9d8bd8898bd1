#include "actors/model/repair_queue.h"
#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

/// The entry as it would be renewed.
queue_entry with_diagnosis(const repair_queue& queue, tablet_id id, repair_priority p,
                           tablet_health health = tablet_health::replica_missing) {
  auto entry = *queue.find(id);
  entry.what = {health, p};
  return entry;
}

using namespace std::chrono_literals;
using priority = repair_priority;
constexpr time_ms t0 = 1'000'000s;

queue_entry entry(std::uint64_t id, repair_priority origin, time_ms ready = t0) {
  queue_entry e;
  e.tablet = tablet_id{id};
  e.what = {tablet_health::replica_missing, origin};
  e.dynamic = origin;
  e.created = e.sick_since = t0;
  e.ready_at = ready;
  return e;
}

std::vector<std::uint64_t> one_round(repair_queue& queue, time_ms now) {
  std::vector<std::uint64_t> order;
  const auto round = queue.begin_round();
  while (const auto* next = queue.next(round)) {
    order.push_back(raw(next->tablet));
    queue.visited(next->tablet, "busy", {}, 1, now);
  }
  return order;
}

// -- the seed's rules of dynamic priority ------------------------------------------------

TEST(RepairQueue, N4AdjustTable) {
  // {now, origin} -> {up, down}
  EXPECT_EQ(adjusted(priority::very_high, priority::very_high, true), priority::very_high);
  EXPECT_EQ(adjusted(priority::very_high, priority::very_high, false), priority::high);
  EXPECT_EQ(adjusted(priority::high, priority::very_high, false), priority::normal);
  EXPECT_EQ(adjusted(priority::normal, priority::very_high, false), priority::normal);
  EXPECT_EQ(adjusted(priority::normal, priority::high, false), priority::low);
  EXPECT_EQ(adjusted(priority::low, priority::low, true), priority::normal);
  EXPECT_EQ(adjusted(priority::normal, priority::low, true), priority::high);
  EXPECT_EQ(adjusted(priority::high, priority::low, true), priority::high);
  EXPECT_EQ(adjusted(priority::high, priority::normal, true), priority::very_high);
}

TEST(RepairQueue, N4FailingVeryHighSinksToNormalAndNoFurther) {
  repair_queue queue;
  queue.push(entry(1, priority::very_high), t0);
  std::vector<repair_priority> seen;
  // One failure per second for half an hour.
  for (int s = 1; s <= 1'800; ++s) {
    queue.visited(tablet_id{1}, "busy", {}, 1, t0 + s * 1s);
    const auto now = queue.find(tablet_id{1})->dynamic;
    if (seen.empty() || seen.back() != now) {
      seen.push_back(now);
      EXPECT_EQ(s, seen.size() == 1 ? 1 : static_cast<int>(seen.size() - 1) * 300) << "not before 5 minutes";
    }
  }
  EXPECT_EQ(seen, (std::vector{priority::very_high, priority::high, priority::normal}));
}

TEST(RepairQueue, FiveFailuresAreTolerated) {
  repair_queue queue;
  queue.push(entry(1, priority::normal), t0);
  for (int i = 0; i < 5; ++i)
    EXPECT_FALSE(queue.visited(tablet_id{1}, "busy", {}, 1, t0 + 1h));
  EXPECT_TRUE(queue.visited(tablet_id{1}, "busy", {}, 1, t0 + 1h));
  EXPECT_EQ(queue.find(tablet_id{1})->dynamic, priority::low);
  EXPECT_EQ(queue.find(tablet_id{1})->failed_scheduling, 0U);
}

TEST(RepairQueue, N4NeverScheduledLowRisesToHighAndNoFurther) {
  repair_queue queue;
  queue.push(entry(1, priority::low), t0);
  const auto at = [&](time_ms age) {
    (void) queue.advance(t0 + age);
    return queue.find(tablet_id{1})->dynamic;
  };
  EXPECT_EQ(at(30min), priority::low); // More than 30 minutes, not 30.
  EXPECT_EQ(at(30min + 1ms), priority::normal);
  EXPECT_EQ(at(35min), priority::normal);
  EXPECT_EQ(at(35min + 1ms), priority::high);
  EXPECT_EQ(at(10h), priority::high);
  EXPECT_EQ(queue.broken_invariant(), "");
}

TEST(RepairQueue, TheSpacingHoldsForEveryAdjustmentNotOnlyTheFirst) { // [FIX]
  repair_queue queue;
  queue.push(entry(1, priority::low), t0);
  EXPECT_EQ(queue.advance(t0 + 24h), 1U);
  EXPECT_EQ(queue.advance(t0 + 24h + 1min), 0U);
  EXPECT_EQ(queue.advance(t0 + 24h + 5min), 1U);
}

TEST(RepairQueue, ReadinessDelayFollowsThePriority) {
  const auto factor = [](tablet_health health, repair_priority p) { return delay_factor({health, p}); };
  EXPECT_EQ(factor(tablet_health::replica_missing, priority::very_high), 0U);
  EXPECT_EQ(factor(tablet_health::replica_missing, priority::high), 1U);
  EXPECT_EQ(factor(tablet_health::replica_missing, priority::normal), 2U);
  EXPECT_EQ(factor(tablet_health::replica_relocating, priority::low), 3U);
  EXPECT_EQ(factor(tablet_health::version_incomplete, priority::normal), 0U) << "waiting does not fill a hole";
}

// -- order -------------------------------------------------------------------------------

TEST(RepairQueue, HigherPriorityFirstThenWhoWaitedLonger) {
  repair_queue queue;
  queue.push(entry(1, priority::low), t0);
  queue.push(entry(2, priority::high), t0);
  queue.push(entry(3, priority::very_high), t0);
  queue.push(entry(4, priority::high), t0);
  EXPECT_EQ(one_round(queue, t0), (std::vector<std::uint64_t>{3, 2, 4, 1}));
  queue.visited(tablet_id{2}, "", {}, 1, t0);
  EXPECT_EQ(one_round(queue, t0), (std::vector<std::uint64_t>{3, 4, 2, 1}));
}

TEST(RepairQueue, ARoundVisitsEveryEntryOnce) {
  repair_queue queue;
  for (std::uint64_t id = 1; id <= 100; ++id)
    queue.push(entry(id, static_cast<repair_priority>(id % 4)), t0);
  EXPECT_EQ(one_round(queue, t0).size(), 100U);
  EXPECT_EQ(one_round(queue, t0).size(), 100U);
}

TEST(RepairQueue, WhatIsNotReadyHasNoTurn) {
  repair_queue queue;
  queue.push(entry(1, priority::very_high, t0 + 60s), t0);
  EXPECT_EQ(queue.next(queue.begin_round()), nullptr);
  (void) queue.advance(t0 + 59s);
  EXPECT_EQ(queue.next(queue.begin_round()), nullptr);
  (void) queue.advance(t0 + 60s);
  EXPECT_NE(queue.next(queue.begin_round()), nullptr);
}

TEST(RepairQueue, AParkedTabletWakesWhenTheClusterMoves) {
  repair_queue queue;
  queue.push(entry(1, priority::normal), t0);
  queue.push(entry(2, priority::normal), t0);
  queue.park(tablet_id{1}, "no backend", 3, t0);
  queue.park(tablet_id{2}, "no backend", 4, t0);
  EXPECT_EQ(queue.next(queue.begin_round()), nullptr);
  EXPECT_EQ(queue.next_parked(3), nullptr);
  EXPECT_EQ(raw(queue.next_parked(4)->tablet), 1U);
  queue.park(tablet_id{1}, "still none", 4, t0);
  EXPECT_EQ(queue.next_parked(4), nullptr);
}

TEST(RepairQueue, ANewDiagnosisEndsParkingAndResetsThePriority) {
  repair_queue queue;
  queue.push(entry(1, priority::low), t0);
  queue.park(tablet_id{1}, "no backend", 1, t0);
  queue.renew(with_diagnosis(queue, tablet_id{1}, priority::high), t0, t0 + 1s);
  ASSERT_NE(queue.next(queue.begin_round()), nullptr);
  EXPECT_EQ(queue.find(tablet_id{1})->dynamic, priority::high);
}

TEST(RepairQueue, AFreedPathCallsWhoWaitsForItInTheOrderOfTurns) {
  const place first{backend_id{1}, path_hash{1}};
  const place second{backend_id{1}, path_hash{2}};
  repair_queue queue;
  for (std::uint64_t id = 1; id <= 4; ++id)
    queue.push(entry(id, id == 4 ? priority::high : priority::normal), t0);
  queue.visited(tablet_id{1}, "", {first}, 1, t0);
  queue.visited(tablet_id{2}, "", {first, second}, 1, t0);
  queue.visited(tablet_id{4}, "", {second}, 1, t0);
  const auto called = [&](std::vector<place> freed) {
    const auto* next = queue.next(queue.begin_round(), freed);
    return next ? raw(next->tablet) : 0;
  };
  EXPECT_EQ(called({}), 3U) << "it waits for nothing known";
  EXPECT_EQ(called({second}), 4U) << "the higher priority";
  EXPECT_EQ(called({first}), 3U) << "looked at longer ago";
  (void) queue.take(tablet_id{3});
  EXPECT_EQ(called({}), 0U);
  EXPECT_EQ(called({first}), 1U);
  EXPECT_EQ(raw(queue.next(queue.begin_round())->tablet), 4U) << "everybody's turn comes all the same";
  queue.renew(with_diagnosis(queue, tablet_id{1}, priority::normal), t0, t0);
  EXPECT_EQ(called({}), 0U) << "the same diagnosis is no news";
  queue.renew(with_diagnosis(queue, tablet_id{1}, priority::normal, tablet_health::version_incomplete), t0, t0);
  EXPECT_EQ(called({}), 1U);
  EXPECT_EQ(queue.broken_invariant(), "");
}

TEST(RepairQueue, RandomWaitsKeepTheIndexesInStep) {
  std::uint64_t seed = 11;
  const auto dice = [&seed](std::uint64_t sides) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33U) % sides;
  };
  repair_queue queue;
  auto now = t0;
  for (int i = 0; i < 20'000; ++i) {
    now += time_ms{dice(20'000)};
    const tablet_id id{1 + dice(40)};
    if (!queue.contains(id)) {
      queue.push(entry(raw(id), static_cast<repair_priority>(dice(4)), now), now);
      continue;
    }
    std::vector<place> places;
    for (std::uint64_t p = 0; p < 3; ++p)
      if (dice(2) == 0)
        places.push_back({backend_id{1}, path_hash{p}});
    switch (dice(4)) {
      case 0: (void) queue.take(id); break;
      case 1: (void) queue.visited_in_vain(id, now); break;
      case 2: (void) queue.advance(now); break;
      default: (void) queue.visited(id, "", places, 1, now);
    }
    ASSERT_EQ(queue.broken_invariant(), "") << "step " << i;
  }
}

TEST(RepairQueue, TakenIsGone) {
  repair_queue queue;
  queue.push(entry(1, priority::low), t0);
  EXPECT_TRUE(queue.take(tablet_id{1}));
  EXPECT_FALSE(queue.take(tablet_id{1}));
  EXPECT_EQ(queue.size(), 0U);
}

// Every entry is in exactly one index, whatever happens.
TEST(RepairQueue, RandomHistoriesKeepTheIndexesInStep) {
  std::uint64_t seed = 3;
  const auto dice = [&seed](std::uint64_t sides) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33U) % sides;
  };
  repair_queue queue;
  auto now = t0;
  std::size_t contained = 0;
  for (int i = 0; i < 50'000; ++i) {
    now += time_ms{dice(20'000)};
    const tablet_id id{1 + dice(40)};
    const auto p = static_cast<repair_priority>(dice(4));
    switch (dice(6)) {
      case 0:
        if (!queue.contains(id)) {
          auto e = entry(raw(id), p, now + time_ms{dice(3) * 60'000});
          e.created = now;
          queue.push(e, now);
          ++contained;
        }
        break;
      case 1: contained -= queue.take(id) ? 1 : 0; break;
      case 2: (void) queue.advance(now); break;
      case 3:
        if (const auto* next = queue.next(queue.begin_round()))
          queue.visited(next->tablet, "", {}, 1, now);
        break;
      case 4:
        if (queue.contains(id))
          queue.park(id, "", dice(10), now);
        break;
      default:
        if (queue.contains(id))
          queue.renew(with_diagnosis(queue, id, p), now + time_ms{dice(2) * 60'000}, now);
    }
    ASSERT_EQ(queue.broken_invariant(), "") << "step " << i;
    ASSERT_EQ(queue.size(), contained);
  }
  std::size_t shown = 0;
  queue.for_each([&](const queue_entry&) { return ++shown > 0; });
  EXPECT_EQ(shown, contained);
}

} // namespace
} // namespace tabletd::model
