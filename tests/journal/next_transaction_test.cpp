// When the keeper sleeps, is woken, and waits for more.
#include "actors/journal/next_transaction.h"

#include <gtest/gtest.h>

#include <thread>

namespace tabletd {
namespace {

using namespace std::chrono_literals;

edit_message edit() {
  return seal<wire::Edit>([](auto e) { e.setDatabaseCreated("d"); });
}

TEST(NextTransaction, OnlyTheFirstToAddWakesTheKeeper) {
  next_transaction next{{}};
  EXPECT_FALSE(next.keeper_is_awake());
  EXPECT_TRUE(next.add(edit()));
  EXPECT_TRUE(next.keeper_is_awake());
  EXPECT_FALSE(next.add(edit()));
  EXPECT_EQ(next.take().edits.size(), 2u);
  EXPECT_FALSE(next.add(edit())) << "the keeper is busy and will find it";
}

TEST(NextTransaction, AKeeperThatFoundNothingSleepsUntilItIsWoken) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take().edits.size(), 1u);
  EXPECT_FALSE(next.follow(1, 0us));
  EXPECT_FALSE(next.keeper_is_awake());
  EXPECT_TRUE(next.add(edit()));
}

TEST(NextTransaction, WhatCameDuringAWriteFollows) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take().edits.size(), 1u);
  ASSERT_FALSE(next.add(edit()));
  EXPECT_TRUE(next.follow(1, 0us));
  EXPECT_EQ(next.take().edits.size(), 1u);
}

/// A disk so slow that the patience would outlast the test.
TEST(NextTransaction, WaitsUntilEverybodyWrittenIsBack) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take().edits.size(), 1u);
  ASSERT_FALSE(next.add(edit()));  // A straggler.
  std::thread proposers([&] {
    for (int i = 0; i < 3; ++i) {
      std::this_thread::yield();
      EXPECT_FALSE(next.add(edit()));
    }
  });
  EXPECT_TRUE(next.follow(3, 1h));
  EXPECT_EQ(next.take().edits.size(), 4u);
  proposers.join();
}

/// Proposers that hardly return are not waited for a second time.
TEST(NextTransaction, LearnsThatProposersReturnSlowly) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take().edits.size(), 1u);
  ASSERT_FALSE(next.add(edit()));
  EXPECT_TRUE(next.follow(100, 1ms)) << "patience runs out, one is there";
  EXPECT_EQ(next.take().edits.size(), 1u);
  ASSERT_FALSE(next.add(edit()));
  EXPECT_TRUE(next.follow(100'000'000, 1h)) << "at this rate they would be back in days";
}

}  // namespace
}  // namespace tabletd
