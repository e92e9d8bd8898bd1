#include "actors/model/send_window.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;
using enum memory_category;

constexpr std::uint64_t size = 904, cost = size + entry_cost_bytes;  // 1,000.

struct Window : testing::Test {
  Window() {
    append(20);
    window.connected(0, 1);
  }
  void append(int entries, std::uint64_t bytes = size) {
    for (int i = 0; i < entries; ++i) {
      ASSERT_TRUE(governor.try_charge(uncommitted, bytes + entry_cost_bytes));
      cache.append("x", bytes, bytes + entry_cost_bytes);
    }
  }
  /// All is applied and durable, and nothing in memory.
  void forget_all() {
    cache.durable_upto(cache.last_index());
    cache.committed_upto(cache.last_index());
    cache.applied_upto(cache.last_index());
    cache.relieve(std::numeric_limits<std::uint64_t>::max());
  }
  std::vector<entry_range> sent() {
    std::vector<entry_range> ranges;
    for (;;) {
      const auto decision = window.next(now);
      const auto* entries = std::get_if<send_entries>(&decision);
      if (entries == nullptr)
        return ranges;
      ranges.push_back(entries->entries);
      sequence = entries->sequence;
    }
  }
  void take(std::uint64_t upto) { window.answered({.sequence = sequence, .match = upto, .taken = upto}, now); }
  void stream() {
    sent();
    take(window.next_index() - 1);
  }

  memory_governor governor{{.budget_bytes = 100'000, .state_machine_bytes = 50'000, .decoded_factor = 1}};
  log_cache<std::string> cache{governor, {}};
  send_window window{
      governor, cache, {.window_bytes = 6'000, .messages_max = 4, .message_bytes_max = 2'000, .heartbeat = 100ms}};
  time_ms now{0};
  std::uint64_t sequence = 0;
};
using ranges = std::vector<entry_range>;

TEST_F(Window, ProbesWithOneMessageThenFillsTheWindow) {
  EXPECT_EQ(sent(), (ranges{{1, 2}}));
  take(2);
  EXPECT_EQ(window.state(), send_state::streaming);
  EXPECT_EQ(sent(), (ranges{{3, 4}, {5, 6}, {7, 8}})) << "6,000 bytes";
  EXPECT_EQ(window.in_flight_bytes(), 6'000U);
  take(5);
  EXPECT_EQ(window.in_flight(), 2U) << "5 is durable, 6 is not";
  EXPECT_EQ(sent(), (ranges{{9, 10}}));
}

TEST_F(Window, NoMoreMessagesThanItsLimitHoweverSmall) {
  forget_all();
  append(10, 0);
  window.disconnected();
  window.connected(20, 21);
  sent();
  take(30);
  for (int i = 0; i < 6; ++i) {
    append(1, 0);
    sent();
  }
  EXPECT_EQ(window.in_flight(), 4U);
}

TEST_F(Window, OneEntryFitsAnEmptyWindowWhateverItsSize) {
  append(2, 30'000);
  window.disconnected();
  window.connected(20, 21);
  EXPECT_EQ(sent(), (ranges{{21, 21}}));
  take(21);
  EXPECT_EQ(sent(), (ranges{{22, 22}}));
}

TEST_F(Window, WhatIsInTheCacheIsSentAsItIsAndOtherwiseRead) {
  sent();
  EXPECT_EQ(governor.bytes(sending), 0U) << "charged once";
  take(2);
  window.disconnected();
  forget_all();
  append(2);
  window.connected(18, 19);
  EXPECT_EQ(window.next(now), (send_decision{send_entries{2, {19, 20}, true}}));
  EXPECT_EQ(governor.bytes(sending), 2 * cost);
  sequence = 2;
  take(20);
  EXPECT_EQ(governor.bytes(sending), 0U);
  EXPECT_EQ(window.next(now), (send_decision{send_entries{3, {21, 22}, false}}));
}

TEST_F(Window, AMessageComesFromOnePlace) {
  stream();
  take(19);
  forget_all();
  append(3);
  window.disconnected();
  window.connected(19, 20);
  EXPECT_EQ(sent(), (ranges{{20, 20}}));
}

TEST_F(Window, ReadsAsMuchAsThereIsRoomFor) {
  forget_all();
  ASSERT_TRUE(governor.try_charge(cached, governor.room_bytes() - cost));
  EXPECT_EQ(sent(), (ranges{{1, 1}}));
  take(1);
  governor.move(cached, receiving, 0);
  ASSERT_TRUE(governor.try_charge(cached, governor.room_bytes()));
  EXPECT_TRUE(sent().empty());
  governor.release(cached, cost);
  EXPECT_EQ(sent(), (ranges{{2, 2}}));
}

TEST_F(Window, AFullFollowerIsTriedAgainAfterTwoHeartbeatsWithWhatItHasRoomFor) {
  stream();
  ASSERT_EQ(sent(), (ranges{{3, 4}, {5, 6}, {7, 8}}));
  window.answered({.sequence = 2, .match = 2, .taken = 3, .busy = true, .room_bytes = 1'500}, now);
  EXPECT_EQ(window.state(), send_state::throttled);
  EXPECT_EQ(window.in_flight_bytes(), cost) << "3 waits for its disk, the rest was not taken";
  EXPECT_EQ(window.next_index(), 4U);
  window.answered({.sequence = 4, .match = 2, .taken = 3, .mismatch = true}, now);
  EXPECT_EQ(window.state(), send_state::throttled) << "it speaks of a message that was given up";
  take(3);
  EXPECT_EQ(window.next_retry(), 200ms);
  now = 199ms;
  EXPECT_TRUE(sent().empty());
  now = 200ms;
  EXPECT_EQ(sent(), (ranges{{4, 4}})) << "1,500 bytes hold one";
  take(4);
  EXPECT_EQ(window.state(), send_state::streaming);
}

TEST_F(Window, AFullFollowerThatTookNothingNewHoldsNothing) {
  stream();
  sent();
  window.answered({.sequence = 2, .match = 2, .taken = 2, .busy = true}, now);
  EXPECT_EQ(window.in_flight(), 0U);
  now = 200ms;
  EXPECT_EQ(sent(), (ranges{{3, 3}})) << "one entry, though it named no room";
}

TEST_F(Window, APartThatIsDurableAlreadyHasLanded) {
  stream();
  sent();
  take(4);
  window.answered({.sequence = 3, .match = 5, .taken = 5, .busy = true}, now);
  EXPECT_EQ(window.in_flight(), 0U);
}

TEST_F(Window, WhoHasRoomAgainGetsTheRestAtOnce) {
  stream();
  sent();
  window.answered({.sequence = 2, .match = 2, .taken = 2, .busy = true}, now);
  EXPECT_TRUE(sent().empty());
  window.answered({.sequence = 2, .match = 2, .taken = 2, .room_bytes = 5'000, .resume = true}, now);
  EXPECT_EQ(sent(), (ranges{{3, 4}, {5, 6}, {7, 8}}));
}

TEST_F(Window, AMismatchGoesBackToWhereItsLogEnds) {
  window.disconnected();
  window.connected(0, 20);
  EXPECT_EQ(sent(), (ranges{{20, 20}}));
  window.answered({.sequence = sequence, .taken = 7, .mismatch = true}, now);
  EXPECT_EQ(sent(), (ranges{{8, 9}}));
  window.answered({.sequence = sequence, .taken = 15, .mismatch = true}, now);
  EXPECT_EQ(sent(), (ranges{{7, 8}})) << "a hint that leads nowhere";
  take(8);
  EXPECT_EQ(sent().front(), (entry_range{9, 10}));
}

TEST_F(Window, ADisconnectForgetsWhatWasUnderWay) {
  stream();
  sent();
  window.disconnected();
  EXPECT_EQ(window.in_flight_bytes(), 0U);
  take(8);
  EXPECT_EQ(window.match(), 2U) << "a late word of the old connection";
  window.connected(window.match(), 3);
  EXPECT_EQ(sent(), (ranges{{3, 4}})) << "a probe from match + 1";
  forget_all();
  window.disconnected();
  EXPECT_EQ(governor.total_bytes(), 0U) << "nothing stays pinned";
}

TEST_F(Window, WhoGivesWayGoesOnLater) {
  forget_all();
  stream();
  sent();
  ASSERT_GT(governor.bytes(sending), 0U);
  window.give_way(now);
  EXPECT_EQ(governor.bytes(sending), 0U);
  EXPECT_TRUE(sent().empty());
  now = 200ms;
  EXPECT_EQ(sent(), (ranges{{3, 4}}));
}

TEST_F(Window, WhoIsBehindTheLogNeedsASnapshot) {
  forget_all();
  cache.snapshot_taken(20);
  cache.trimmed(10);
  EXPECT_EQ(window.next(now), send_decision{send_snapshot{}});
  EXPECT_EQ(window.next(now), send_decision{send_nothing{}});
  window.answered({.match = 20, .taken = 20}, now);
  window.snapshot_ended();
  append(1);
  EXPECT_EQ(sent(), (ranges{{21, 21}}));
  window.disconnected();
  window.connected(3, 4);
  EXPECT_EQ(window.next(now), send_decision{send_snapshot{}});
  window.snapshot_ended();
  EXPECT_EQ(window.next(now), send_decision{send_snapshot{}}) << "it failed";
}

TEST(SendWindow, WhomACommitCanDoWithout) {
  using others = std::array<std::uint64_t, 1>;
  EXPECT_TRUE(outside_quorum(5, others{9}));
  EXPECT_FALSE(outside_quorum(9, others{5}));
  EXPECT_FALSE(outside_quorum(5, std::array<std::uint64_t, 3>{9, 4, 4})) << "of five it is the third";
  EXPECT_TRUE(outside_quorum(5, std::array<std::uint64_t, 3>{9, 7, 4}));
  EXPECT_FALSE(outside_quorum(5, {})) << "of two both";
}

TEST(SendWindow, OneSnapshotAtATime) {
  snapshot_turn turn;
  EXPECT_TRUE(turn.take(0));
  EXPECT_FALSE(turn.take(1));
  EXPECT_TRUE(turn.take(0));
  turn.give_back(1);
  EXPECT_FALSE(turn.take(1));
  turn.give_back(0);
  EXPECT_TRUE(turn.take(1));
}

}  // namespace
}  // namespace tabletd::model
