#include "actors/model/memory_governor.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

using enum memory_category;

constexpr std::uint64_t MiB = 1U << 20;

memory_limits hundred() { return {.budget_bytes = 100, .state_machine_bytes = 60, .decoded_factor = 1}; }

TEST(MemoryGovernor, TheFormulasOf94) {
  const auto limits = limits_of(1'000 * MiB, 2);
  EXPECT_EQ(limits.state_machine_bytes, 700 * MiB);
  EXPECT_EQ(limits.uncommitted_bytes, 75 * MiB);
  EXPECT_EQ(limits.unapplied_bytes, 105 * MiB);
  EXPECT_EQ(limits.cached_bytes, 45 * MiB);
  EXPECT_EQ(limits.receiving_bytes, 30 * MiB);
  EXPECT_EQ(limits.proposed_bytes, 15 * MiB);
  EXPECT_EQ(limits.window_bytes, 8 * MiB) << "a tenth of the log's share is more";
  EXPECT_EQ(limits_of(100 * MiB, 2).window_bytes, 3 * MiB / 2);
  EXPECT_EQ(limits_of(100 * MiB, 0).window_bytes, 3 * MiB) << "a group of one divides by nobody";
  EXPECT_EQ(limits_of(100 * MiB, 2, {.log = 0.5, .cached = 0.2}).cached_bytes, 10 * MiB);
  EXPECT_EQ(budget_of(0, 8 * MiB), 4 * MiB);
  EXPECT_EQ(budget_of(3 * MiB, 8 * MiB), 3 * MiB);
}

TEST(MemoryGovernor, TheBudgetIsHardForAllTogether) {
  memory_governor governor{hundred()};
  EXPECT_TRUE(governor.try_charge(uncommitted, 60));
  EXPECT_TRUE(governor.try_charge(cached, 40));
  EXPECT_FALSE(governor.try_charge(sending, 1));
  EXPECT_EQ(governor.missing_bytes(1), 1U);
  governor.move(uncommitted, unapplied, 60);
  EXPECT_EQ(governor.total_bytes(), 100U);
  governor.release(unapplied, 60);
  EXPECT_TRUE(governor.try_charge(sending, 60));
  EXPECT_TRUE(governor.adds_up());
}

TEST(MemoryGovernor, OneEntryMayExceedItAndThenNothingElse) {
  memory_governor governor{hundred()};
  ASSERT_TRUE(governor.try_charge(cached, 100));
  EXPECT_TRUE(governor.try_charge_one(uncommitted, 50));
  EXPECT_FALSE(governor.try_charge_one(receiving, 1));
  governor.release(uncommitted, 50);
  EXPECT_TRUE(governor.try_charge_one(receiving, 1));
}

TEST(MemoryGovernor, PeaksAreRemembered) {
  memory_governor governor{hundred()};
  ASSERT_TRUE(governor.try_charge(proposed, 30));
  governor.move(proposed, uncommitted, 30);
  governor.release(uncommitted, 20);
  EXPECT_EQ(governor.peak_bytes(proposed), 30U);
  EXPECT_EQ(governor.peak_bytes(uncommitted), 30U);
  EXPECT_EQ(governor.peak_total_bytes(), 30U) << "a move is no growth";
  governor.forget_peaks();
  EXPECT_EQ(governor.peak_total_bytes(), 10U);
  EXPECT_EQ(governor.peak_bytes(proposed), 0U);
}

TEST(MemoryGovernor, TheStateMachineGetsWhatBecomesFreeBeforeAnyoneElse) {
  memory_governor governor{hundred()};
  ASSERT_TRUE(governor.try_charge(unapplied, 70));
  governor.want_state_machine(50);
  EXPECT_EQ(governor.bytes(state_machine), 30U);
  EXPECT_EQ(governor.missing_bytes(0), 20U);
  EXPECT_EQ(governor.pressure(), memory_pressure::refuse);
  governor.release(unapplied, 15);
  EXPECT_EQ(governor.bytes(state_machine), 45U);
  EXPECT_FALSE(governor.try_charge(uncommitted, 1)) << "it still lacks 5";
  governor.release(unapplied, 15);
  EXPECT_EQ(governor.bytes(state_machine), 50U);
  EXPECT_TRUE(governor.try_charge(uncommitted, 10));
  governor.want_state_machine(0);
  EXPECT_EQ(governor.bytes(state_machine), 0U);
  EXPECT_EQ(governor.total_bytes(), 50U);
}

TEST(MemoryGovernor, TheStateMachineNeverTakesTheLogsShare) {
  memory_governor governor{hundred()};
  governor.want_state_machine(1'000);
  EXPECT_EQ(governor.bytes(state_machine), 60U);
  EXPECT_EQ(governor.missing_bytes(0), 0U) << "it wants no more";
}

TEST(MemoryGovernor, PressureEndsOnlyWhenHalfOfTheLogsRoomIsFree) {
  memory_governor governor{hundred()};
  governor.want_state_machine(60);
  ASSERT_TRUE(governor.try_charge(unapplied, 40));
  ASSERT_FALSE(governor.try_charge(uncommitted, 1));
  EXPECT_EQ(governor.refusals(), 1U);
  ASSERT_FALSE(governor.try_charge(uncommitted, 1));
  EXPECT_EQ(governor.refusals(), 1U) << "edges are counted, not charges";
  governor.release(unapplied, 19);
  EXPECT_EQ(governor.pressure(), memory_pressure::refuse);
  governor.release(unapplied, 1);
  EXPECT_NE(governor.pressure(), memory_pressure::refuse);
}

TEST(MemoryGovernor, NearlyFullMeansEvictUntilThreeQuarters) {
  memory_governor governor{hundred()};
  ASSERT_TRUE(governor.try_charge(cached, 88));
  EXPECT_EQ(governor.pressure(), memory_pressure::none);
  ASSERT_TRUE(governor.try_charge(cached, 1));
  EXPECT_EQ(governor.pressure(), memory_pressure::evict);
  governor.release(cached, 13);
  EXPECT_EQ(governor.pressure(), memory_pressure::evict);
  governor.release(cached, 1);
  EXPECT_EQ(governor.pressure(), memory_pressure::none);
}

TEST(MemoryGovernor, WhatDecodingCostsIsLearned) {
  auto limits = hundred();
  limits.decoded_factor = 2;
  memory_governor governor{limits};
  EXPECT_EQ(governor.charge_of(1'000), 2'096U) << "before anything is known";
  for (int i = 0; i < 200; ++i)
    governor.applied(1'000, 4'000);
  EXPECT_NEAR(governor.decoded_factor(), 4, 0.01);
  governor.applied(0, 0);
  governor.applied(1'000, 0);
  EXPECT_GE(governor.decoded_factor(), 3.7) << "one batch is no rule";
  for (int i = 0; i < 500; ++i)
    governor.applied(1'000, 0);
  EXPECT_GE(governor.decoded_factor(), 1) << "it was sent that much";
}

TEST(MemoryGovernor, APayloadWithinAChargeIsChargedNoMore) {
  auto limits = hundred();
  limits.decoded_factor = 3.7;
  const memory_governor governor{limits};
  for (std::uint64_t charge = entry_cost_bytes; charge < 2'000; ++charge)
    ASSERT_LE(governor.charge_of(governor.payload_within(charge)), charge);
}

}  // namespace
}  // namespace tabletd::model
