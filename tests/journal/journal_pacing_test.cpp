// Pacing as a pure function: closed loops gather into one transaction where that
// pays, and chase each other where it does not.
#include "actors/model/journal_pacing.h"


#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

TEST(TransactionCost, IsTheInterceptOfSizesThatDiffer) {
  transaction_cost cost;
  EXPECT_EQ(cost.fixed_us(), 0);
  for (int i = 0; i < 20; ++i) {
    cost.observe(1, 103);
    cost.observe(100, 400);
  }
  EXPECT_NEAR(cost.fixed_us(), 100, 10);
}

TEST(TransactionCost, SizesThatHardlyDifferTellNoSlope) {
  transaction_cost cost;
  cost.observe(16, 131);
  EXPECT_NEAR(cost.fixed_us(), 115, 0.01) << "a microsecond for each edit";
  for (int i = 0; i < 20; ++i) {
    cost.observe(16, 150);
    cost.observe(15, 100);  // Not 50 us for one edit.
  }
  EXPECT_NEAR(cost.fixed_us(), 100, 15);
}

TEST(TransactionCost, ForgetsADiskThatWasSlow) {
  transaction_cost cost;
  for (std::size_t n = 1; n < 50; ++n)
    cost.observe(n % 7, 9'000 + static_cast<double>(n % 7));
  for (std::size_t n = 1; n < 200; ++n)
    cost.observe(n % 7, 100 + static_cast<double>(n % 7));
  EXPECT_NEAR(cost.fixed_us(), 100, 1);
}

TEST(TransactionCost, IsNeverNegative) {
  transaction_cost cost;
  cost.observe(1, 1);
  cost.observe(2, 1'000);
  EXPECT_EQ(cost.fixed_us(), 0);
}

/// A disk whose transactions take `fixed_us` + n, and proposers that return after 1 us each.
journal_pacing paced(double fixed_us) {
  journal_pacing pacing;
  for (std::size_t n = 1; n < 100; ++n) {
    pacing.transaction_took(n % 9, fixed_us + static_cast<double>(n % 9));
    pacing.proposers_returned(8, 8);
  }
  return pacing;
}

TEST(JournalPacing, WaitsForProposersThatReturnSoon) {
  const auto pacing = paced(100);
  EXPECT_NEAR(pacing.patience_us(8, 8), 100, 1);
  EXPECT_NEAR(pacing.patience_us(0, 60), 100, 1);
  EXPECT_EQ(pacing.patience_us(1, 70), 0) << "70 us of waiting for an fsync of 100 us";
  EXPECT_NEAR(paced(2'000).patience_us(1, 900), 2'000, 1) << "a slow disk is worth more patience";
}

TEST(JournalPacing, DoesNotWaitWhenMoreWaitThanWereWritten) {
  EXPECT_EQ(paced(100).patience_us(9, 8), 0);
  EXPECT_EQ(journal_pacing{}.patience_us(8, 8), 0) << "nothing is known yet";
}

/// Closed loop of two cohorts: while one is written the other waits.  Answered proposers return
/// at once.
TEST(JournalPacing, TwoChasingCohortsBecomeOne) {
  const auto pacing = paced(100);
  for (std::size_t all = 2; all < 40; ++all)
    for (std::size_t first = 1; first < all; ++first) {
      std::size_t writing = first, waiting = all - first;
      for (int round = 0; round < 3; ++round) {
        if (pacing.patience_us(waiting, writing) == 0) {
          std::swap(writing, waiting);  // The written ones return while the others are written.
        } else {
          writing += waiting;
          waiting = 0;
        }
      }
      EXPECT_EQ(writing, all) << first << " of " << all;
    }
}

TEST(OpenTransactions, TheNextBeginsWhenAMajorityHasTheLast) {
  open_transactions open;
  EXPECT_TRUE(open.may_begin());
  open.began(7);
  EXPECT_FALSE(open.may_begin());
  open.committed(6);
  EXPECT_FALSE(open.may_begin()) << "its last edit is not there";
  open.committed(7);
  EXPECT_TRUE(open.may_begin());
  open.began(9);
  open.lead(5);
  EXPECT_TRUE(open.may_begin());
  open.began(9);
  open.lead(5);
  EXPECT_FALSE(open.may_begin());
  open.lead(0);
  EXPECT_TRUE(open.may_begin());
}

}  // namespace
}  // namespace tabletd::model
