// When the keeper sleeps, is woken, and waits for more.
#include "actors/journal/next_transaction.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <tuple>

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
  EXPECT_EQ(next.take_edits().size(), 2u);
  EXPECT_FALSE(next.add(edit())) << "the keeper is busy and will find it";
}

TEST(NextTransaction, AKeeperThatFoundNothingSleepsUntilItIsWoken) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take_edits().size(), 1u);
  EXPECT_FALSE(next.follow(1, 0us));
  EXPECT_FALSE(next.keeper_is_awake());
  EXPECT_TRUE(next.add(edit()));
}

TEST(NextTransaction, WhatCameDuringAWriteFollows) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take_edits().size(), 1u);
  ASSERT_FALSE(next.add(edit()));
  EXPECT_TRUE(next.follow(1, 0us));
  EXPECT_EQ(next.take_edits().size(), 1u);
}

TEST(NextTransaction, EditsThatAreHeldDoNotKeepTheKeeperAwake) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  next.hold_edits();
  EXPECT_FALSE(next.follow()) << "the edit is there, but not to be taken";
  EXPECT_FALSE(next.add(edit()));
  EXPECT_FALSE(next.keeper_is_awake());
  bool woken = false;
  next.when_due([&] { woken = true; });
  EXPECT_TRUE(next.add(link_renewed{2}));
  EXPECT_TRUE(woken) << "a word may be the one that lets them go";
  EXPECT_EQ(next.take_words().size(), 1u);
  EXPECT_EQ(next.take_edits().size(), 2u);
  EXPECT_FALSE(next.follow());
  EXPECT_TRUE(next.add(edit()));
}

/// Who is there before the keeper looks counts as a straggler, so these propose until it has seen enough.
class steady_proposers {
public:
  explicit steady_proposers(next_transaction& next)
      : thread_([this, &next] {
          while (!is_enough_) {
            std::this_thread::yield();
            EXPECT_FALSE(next.add(edit()));
          }
        }) {}
  ~steady_proposers() { stop(); }
  void stop() {
    is_enough_ = true;
    if (thread_.joinable())
      thread_.join();
  }

private:
  std::atomic<bool> is_enough_ = false;
  std::thread thread_;
};

/// A disk so slow that the patience would outlast the test.
TEST(NextTransaction, WaitsUntilEverybodyWrittenIsBack) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take_edits().size(), 1u);
  ASSERT_FALSE(next.add(edit()));  // A straggler.
  steady_proposers proposers{next};
  EXPECT_TRUE(next.follow(3, 1h));
  EXPECT_GE(next.take_edits().size(), 4u);
}

/// A turn without edits - somebody reads - says nothing about what a transaction costs.
TEST(NextTransaction, LearnsNothingFromTurnsWithoutEdits) {
  next_transaction next{{}};
  for (int i = 0; i < 50; ++i)
    EXPECT_FALSE(next.follow(0, 0us));
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take_edits().size(), 1u);
  ASSERT_FALSE(next.add(edit()));
  steady_proposers proposers{next};
  EXPECT_TRUE(next.follow(3, 1h));
  EXPECT_GE(next.take_edits().size(), 4u) << "they were waited for";
}

/// Proposers that hardly return are not waited for a second time.
TEST(NextTransaction, LearnsThatProposersReturnSlowly) {
  next_transaction next{{}};
  ASSERT_TRUE(next.add(edit()));
  ASSERT_EQ(next.take_edits().size(), 1u);
  ASSERT_FALSE(next.add(edit()));
  EXPECT_TRUE(next.follow(100, 1ms)) << "patience runs out, one is there";
  EXPECT_EQ(next.take_edits().size(), 1u);
  ASSERT_FALSE(next.add(edit()));
  EXPECT_TRUE(next.follow(100'000'000, 1h)) << "at this rate they would be back in days";
}

// -- spec/jobs.md D-C 11, with the limits of that vector -------------------------------------------

struct GroupCommitVector : testing::Test {
  next_transaction next{{.entries = 100, .bytes = 10U << 20}};

  /// Of exactly so many bytes, a multiple of 8.
  static edit_message edit_of(std::size_t bytes) {
    const auto named = [](std::size_t letters) {
      return seal<wire::Edit>([&](auto e) { e.setDatabaseCreated(std::string(letters, 'x')); });
    };
    const auto empty = named(7).words().asBytes().size() - 8;  // Text ends with a 0 and fills whole words.
    auto made = named(bytes - empty - 1);
    EXPECT_EQ(made.words().asBytes().size(), bytes);
    return made;
  }
  void queue(std::size_t count, std::size_t bytes) {
    for (std::size_t i = 0; i < count; ++i)
      std::ignore = next.add(edit_of(bytes));
  }
  std::vector<std::size_t> transactions() {
    std::vector<std::size_t> sizes;
    for (auto taken = next.take_edits(); !taken.empty(); taken = next.take_edits())
      sizes.push_back(taken.size());
    return sizes;
  }
};

TEST_F(GroupCommitVector, V11ByEntries) {
  queue(250, 60'000);
  EXPECT_EQ(transactions(), (std::vector<std::size_t>{100, 100, 50}));
}

/// There the entry that passes the limit is still taken: 70 of these.  Ours never passes it.
TEST_F(GroupCommitVector, V11ByBytesOursStopsOneEntryEarlier) {
  static_assert(69 * 150'000 < (10 << 20) && (10 << 20) <= 70 * 150'000);
  queue(100, 150'000);
  EXPECT_EQ(transactions(), (std::vector<std::size_t>{69, 31}));
}

TEST_F(GroupCommitVector, V11OneEntryOfAnySizeMakesATransaction) {
  queue(1, 60'000);
  EXPECT_EQ(transactions(), (std::vector<std::size_t>{1}));
  queue(2, 12U << 20);
  EXPECT_EQ(transactions(), (std::vector<std::size_t>{1, 1}));
}

/// A deadline would end the batch at the third entry.  None is needed: what is there is taken at once.
TEST_F(GroupCommitVector, V11NothingWaitsForAFullTransaction) {
  queue(3, 60'000);
  EXPECT_EQ(transactions(), (std::vector<std::size_t>{3}));
}

}  // namespace
}  // namespace tabletd
