#include "actors/model/append_gate.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tabletd::model {
namespace {

using enum memory_category;

constexpr std::uint64_t size = 904, cost = size + entry_cost_bytes;  // 1,000.

struct Gate : testing::Test {
  explicit Gate(double decoded_factor = 1) : governor(memory(decoded_factor)) {}
  static memory_limits memory(double decoded_factor) {
    return {.budget_bytes = 40'000,
            .state_machine_bytes = 30'000,
            .uncommitted_bytes = 8'000,
            .unapplied_bytes = 8'000,
            .cached_bytes = 5'000,
            .receiving_bytes = 3'000,
            .backlog_bytes = 10'000,
            .decoded_factor = decoded_factor};
  }
  gate_answer append(std::size_t entries, std::uint64_t entry_bytes = size) {
    const auto message_bytes = entries * (entry_bytes + entry_cost_bytes);
    EXPECT_TRUE(gate.receive(message_bytes));
    auto answer = gate.accept(message_bytes, std::vector<std::uint64_t>(entries, entry_bytes));
    for (const auto charge : answer.charges_bytes)
      cache.append("x", entry_bytes, charge);
    EXPECT_EQ(governor.bytes(receiving), 0U);
    return answer;
  }
  void commit_all() {
    cache.durable_upto(cache.last_index());
    cache.committed_upto(cache.last_index());
  }
  void apply(std::uint64_t upto) {
    while (cache.applied() < upto) {
      if (!cache.in_memory(cache.applied() + 1)) {
        ASSERT_TRUE(cache.load(cache.applied() + 1, "x"));
      }
      cache.applied_upto(cache.applied() + 1);
    }
  }

  memory_governor governor;
  log_cache<std::string> cache{governor, {.prefetch_entries = 2}};
  append_gate gate{governor, cache};
};
struct DecodingGate : Gate {
  DecodingGate() : Gate(4) {}
};

TEST_F(Gate, TakesThePrefixThatFitsAndSaysSoAtOnce) {
  EXPECT_FALSE(append(4).busy);
  commit_all();
  const auto answer = append(9);
  EXPECT_EQ(answer.charges_bytes.size(), 6U) << "10,000 may wait for apply";
  EXPECT_TRUE(answer.busy);
  EXPECT_EQ(answer.room_bytes, 0U);
  EXPECT_EQ(gate.refusals(), 1U);
}

TEST_F(Gate, SaysThatThereIsRoomAgainOnceAndAtHalf) {
  append(4);
  commit_all();
  append(9);
  commit_all();
  apply(4);
  EXPECT_EQ(gate.resumed(), std::nullopt);
  apply(5);
  EXPECT_EQ(gate.resumed(), 5'000U - entry_cost_bytes);
  EXPECT_EQ(gate.resumed(), std::nullopt);
}

TEST_F(Gate, StaysBusyUntilThen) {
  append(4);
  commit_all();
  append(9);
  commit_all();
  apply(2);
  const auto answer = append(1);
  EXPECT_EQ(answer.charges_bytes.size(), 1U);
  EXPECT_TRUE(answer.busy) << "else the leader would send a whole window into one entry's room";
  EXPECT_EQ(gate.refusals(), 1U);
  gate.reset();
  EXPECT_FALSE(append(1).busy);
}

TEST_F(Gate, WhoNeverRefusedHasNothingToAnnounce) {
  append(4);
  commit_all();
  apply(4);
  EXPECT_EQ(gate.resumed(), std::nullopt);
}

TEST_F(Gate, AnIdleLogTakesOneEntryOfAnySize) {
  const auto answer = append(2, 30'000);
  EXPECT_EQ(answer.charges_bytes.size(), 1U);
  EXPECT_TRUE(answer.busy);
  commit_all();
  apply(1);
  EXPECT_TRUE(gate.resumed());
  EXPECT_EQ(append(1, 60'000).charges_bytes.size(), 1U) << "even beyond the budget";
}

// What is uncommitted may be a tail of older terms; it is committed only with the entry that begins this one.
TEST_F(Gate, UncommittedEntriesAloneDoNotRefuseWhatWouldCommitThem) {
  append(9);
  EXPECT_EQ(append(9).charges_bytes.size(), 9U) << "nothing waits for apply, so no room would come by itself";
  cache.durable_upto(18);
  EXPECT_FALSE(append(30).busy) << "what is durable leaves memory for it";
  EXPECT_LE(governor.total_bytes(), 40'000U);
}

TEST_F(Gate, AFullDiskQueueRefusesAndResumesWhenItIsWritten) {
  append(30);
  EXPECT_EQ(append(15).charges_bytes.size(), 10U);
  EXPECT_EQ(gate.resumed(), std::nullopt);
  cache.durable_upto(30);
  EXPECT_TRUE(gate.resumed());
}

TEST_F(Gate, EvictsBeforeItRefuses) {
  append(9);
  commit_all();
  apply(9);
  ASSERT_TRUE(governor.try_charge(sending, governor.room_bytes()));
  EXPECT_FALSE(append(8).busy);
  EXPECT_EQ(governor.bytes(cached), cost);
}

TEST_F(Gate, WhatWaitsForApplyLeavesMemoryBeforeItRefuses) {
  append(9);
  commit_all();
  ASSERT_TRUE(governor.try_charge(sending, governor.room_bytes()));
  EXPECT_FALSE(append(1).busy) << "9 waited, 2 of them next";
  EXPECT_GT(cache.backlog_bytes(), 0U);
}

TEST_F(Gate, EvictsBeforeAMessageExceedsTheBudget) {
  append(9);
  commit_all();
  apply(9);
  ASSERT_TRUE(governor.try_charge(sending, governor.room_bytes()));
  EXPECT_TRUE(gate.receive(2'000));
  EXPECT_EQ(governor.total_bytes(), 40'000U);
}

TEST_F(Gate, ReceivesAMessageAtATimeBeyondItsLimit) {
  EXPECT_TRUE(gate.receive(9'000));
  EXPECT_FALSE(gate.receive(1));
  (void)gate.accept(9'000, {});
  EXPECT_TRUE(gate.receive(2'000));
  EXPECT_TRUE(gate.receive(1'000));
  EXPECT_FALSE(gate.receive(1));
}

TEST_F(DecodingGate, ChargesAndOffersWhatDecodingLeaves) {
  append(1);
  commit_all();
  EXPECT_EQ(governor.bytes(unapplied), 4 * size + entry_cost_bytes);
  const auto answer = append(3);
  EXPECT_EQ(answer.charges_bytes.size(), 1U) << "two would be 7,424, and a third makes 11,136";
  EXPECT_EQ(answer.room_bytes, (10'000U - 2 * (4 * size + entry_cost_bytes) - entry_cost_bytes) / 4);
}

}  // namespace
}  // namespace tabletd::model
