// Pacing and admission as pure functions: closed loops gather into one transaction, and
// nobody waits for a slow fold once more is waiting than was written.
#include "actors/model/journal_pacing.h"

#include "actors/model/journal_admission.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

TEST(JournalPacing, WaitsOnlyForAnswersThatBringAtLeastAsManyBack) {
  EXPECT_TRUE(begin_at_once(0, 0, false));
  EXPECT_TRUE(begin_at_once(9, 8, true));
  EXPECT_FALSE(begin_at_once(8, 8, true));
  EXPECT_FALSE(begin_at_once(1, 15, true));
  EXPECT_TRUE(begin_at_once(1, 15, false));
}

/// Closed loop of two cohorts: while one is written the other waits.  Answered proposers return
/// at once.
TEST(JournalPacing, TwoChasingCohortsBecomeOne) {
  for (std::size_t all = 2; all < 40; ++all)
    for (std::size_t first = 1; first < all; ++first) {
      std::size_t writing = first, waiting = all - first;
      for (int round = 0; round < 3; ++round) {
        if (begin_at_once(waiting, writing, true)) {
          std::swap(writing, waiting);  // The written ones return while the others are written.
        } else {
          writing += waiting;
          waiting = 0;
        }
      }
      EXPECT_EQ(writing, all) << first << " of " << all;
    }
}

TEST(JournalAdmission, ChargesUntilReleased) {
  journal_admission door({.edit_bytes_max = 100, .pending_bytes_max = 400});
  EXPECT_EQ(door.admit(101), admission::too_large);
  EXPECT_EQ(door.admit(100), admission::admitted);
  EXPECT_EQ(door.admit(100), admission::admitted);
  EXPECT_EQ(door.pending_bytes(), 2 * (100 + entry_overhead_bytes));
  EXPECT_EQ(door.admit(0), admission::overloaded);
  door.release(100);
  EXPECT_EQ(door.admit(0), admission::admitted);
  door.release(100);
  door.release(0);
  EXPECT_EQ(door.pending_bytes(), 0u);
}

TEST(JournalAdmission, AnIdleJournalTakesOneEditWhateverTheLimit) {
  journal_admission door({.edit_bytes_max = 1'000, .pending_bytes_max = 10});
  EXPECT_EQ(door.admit(1'000), admission::admitted);
  EXPECT_EQ(door.admit(1), admission::overloaded);
  door.release(1'000);
  EXPECT_EQ(door.admit(1), admission::admitted);
}

}  // namespace
}  // namespace tabletd::model
