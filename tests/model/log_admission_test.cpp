#include "actors/model/log_admission.h"

#include <gtest/gtest.h>

#include <vector>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;
using enum memory_category;
using out = admission_outcome;

constexpr std::uint64_t entry_bytes = 1'000 - entry_cost_bytes;  // An entry costs 1,000.

struct Door : testing::Test {
  memory_limits limits() const {
    return {.budget_bytes = 100'000,
            .state_machine_bytes = 60'000,
            .uncommitted_bytes = 4'000,
            .unapplied_bytes = 6'000,
            .proposed_bytes = 3'000,
            .entry_bytes_max = 20'000,
            .backlog_bytes = 6'000,
            .decoded_factor = 1};
  }
  admission_answer propose(std::optional<time_ms> deadline = {}) {
    return door.propose({++tickets, entry_bytes, proposal_priority::normal, deadline}, backlog, now);
  }
  std::vector<out> propose(int times) {
    std::vector<out> outcomes;
    for (int i = 0; i < times; ++i)
      outcomes.push_back(propose().outcome);
    return outcomes;
  }
  void commit(std::uint64_t bytes) {
    governor.move(uncommitted, unapplied, bytes);
    door.committed(bytes, now);
  }
  void apply(std::uint64_t bytes) {
    governor.release(unapplied, bytes);
    door.applied(bytes, now);
  }
  std::vector<std::uint64_t> woken(out how = out::admitted) {
    std::vector<std::uint64_t> tickets_woken;
    for (const auto& each : door.wake(backlog, now))
      if (each.outcome == how)
        tickets_woken.push_back(each.ticket);
    return tickets_woken;
  }

  memory_governor governor{limits()};
  log_admission door{governor, {}};
  std::uint64_t tickets = 0, backlog = 0;
  time_ms now{1'000};
};

TEST_F(Door, AdmitsUpToTheLimitThenLetsWaitThenRefuses) {
  EXPECT_EQ(propose(4), std::vector(4, out::admitted));
  EXPECT_EQ(propose(3), std::vector(3, out::waiting));
  const auto refused = propose();
  EXPECT_EQ(refused.outcome, out::overloaded);
  EXPECT_EQ(refused.why, overload::uncommitted);
  EXPECT_EQ(governor.bytes(uncommitted), 4'000U);
  EXPECT_EQ(governor.bytes(proposed), 3'000U);
}

TEST_F(Door, WhatIsUncommittedCountsAsUnappliedToo) {
  propose(3);
  commit(3'000);
  EXPECT_EQ(propose(3), std::vector(3, out::admitted));
  const auto next = propose();
  EXPECT_EQ(next.outcome, out::waiting);
  EXPECT_EQ(next.why, overload::unapplied) << "U is only 3,000 of 4,000";
}

TEST_F(Door, WhatWaitsForApplyOnTheDiskCountsToo) {
  backlog = 5'500;
  EXPECT_EQ(propose().why, overload::unapplied);
}

TEST_F(Door, WaitersGoInTheOrderTheyCame) {
  propose(6);
  EXPECT_TRUE(woken().empty());
  commit(1'000);
  EXPECT_EQ(woken(), std::vector<std::uint64_t>{5});
  commit(1'000);
  EXPECT_EQ(woken(), std::vector<std::uint64_t>{6});
}

TEST_F(Door, NobodyOvertakesThoseWhoWait) {
  propose(3);
  ASSERT_EQ(door.propose({90, 1'500}, backlog, now).outcome, out::waiting) << "too large for what is left";
  EXPECT_EQ(propose().outcome, out::waiting) << "this one would fit";
  commit(3'000);
  EXPECT_EQ(woken(), (std::vector<std::uint64_t>{90, 4}));
}

TEST_F(Door, NobodyWaitsLongerThanTheBlockOrHisOwnDeadline) {
  propose(4);
  EXPECT_EQ(propose(now + 10s).outcome, out::waiting);
  EXPECT_EQ(propose(now + 500ms).outcome, out::waiting);
  EXPECT_EQ(propose(now).outcome, out::overloaded) << "it may not wait at all";
  EXPECT_EQ(door.next_deadline(), now + 500ms);
  now += 499ms;
  EXPECT_TRUE(woken(out::overloaded).empty());
  now += 1ms;
  EXPECT_EQ(woken(out::overloaded), std::vector<std::uint64_t>{6});
  EXPECT_EQ(door.next_deadline(), time_ms{3'000});
  now += 1'500ms;
  EXPECT_EQ(woken(out::overloaded), std::vector<std::uint64_t>{5});
  EXPECT_EQ(governor.bytes(proposed), 0U);
  EXPECT_EQ(door.next_deadline(), std::nullopt);
}

TEST_F(Door, OneEntryAlwaysFitsAnIdleLogWhateverTheLimits) {
  EXPECT_EQ(door.propose({1, 20'000}, backlog, now).outcome, out::admitted);
  EXPECT_EQ(propose().outcome, out::waiting);
  commit(20'000 + entry_cost_bytes);
  EXPECT_TRUE(woken().empty());
  apply(20'000 + entry_cost_bytes);
  EXPECT_EQ(woken().size(), 1U);
}

TEST_F(Door, ALargeWaiterGoesWhenTheLogIsIdle) {
  propose(1);
  ASSERT_EQ(door.propose({70, 2'900}, 5'500, now).outcome, out::waiting);
  commit(1'000);
  apply(1'000);
  EXPECT_TRUE(door.wake(5'500, now).empty()) << "what is on the disk waits for apply, too";
  EXPECT_EQ(woken(), std::vector<std::uint64_t>{70});
}

TEST_F(Door, WhatIsLargerThanAnyEntryNeverComesIn) {
  EXPECT_EQ(door.propose({1, 20'001}, backlog, now).outcome, out::too_large);
  EXPECT_EQ(governor.total_bytes(), 0U);
}

TEST_F(Door, WhatUnclogsIsHeldBackByTheBudgetAlone) {
  propose(7);
  EXPECT_EQ(door.propose({80, entry_bytes, proposal_priority::unclog}, backlog, now).outcome, out::admitted);
  ASSERT_TRUE(governor.try_charge(cached, governor.room_bytes()));
  const auto refused = door.propose({81, entry_bytes, proposal_priority::unclog}, backlog, now);
  EXPECT_EQ(refused.outcome, out::overloaded);
  EXPECT_EQ(refused.why, overload::memory);
}

TEST_F(Door, AfterARefusalForMemoryItOpensAgainWhenHalfIsFree) {
  propose(1);
  ASSERT_TRUE(governor.try_charge(cached, governor.room_bytes()));
  EXPECT_EQ(propose().why, overload::memory);
  governor.release(cached, 40'000);
  const auto waiter = propose();
  EXPECT_EQ(waiter.outcome, out::waiting) << "60,000 of 100,000 are in use";
  EXPECT_EQ(waiter.why, overload::memory);
  governor.release(cached, 11'000);
  EXPECT_EQ(woken(), std::vector<std::uint64_t>{waiter.ticket});
}

TEST_F(Door, HowLongToStayAwayFollowsFromThePace) {
  propose(7);
  EXPECT_EQ(propose().retry_after, 2'000ms) << "nothing moves";
  for (int i = 0; i < 100; ++i) {
    now += 10ms;
    door.committed(100, now);
  }
  for (int i = 0; i < 1'000; ++i) {
    now += 10ms;
    door.committed(50, now);
  }
  (void)woken(out::overloaded);
  propose(3);
  // 4,000 + 3,000 + 1,000 are 4,000 too many, and 5,000 go in a second.
  EXPECT_NEAR(static_cast<double>(propose().retry_after.count()), 800, 20);
  for (int i = 0; i < 1'000; ++i) {
    now += 1ms;
    door.committed(1'000, now);
  }
  EXPECT_EQ(propose().retry_after, 50ms) << "no less, however fast it goes";
}

TEST_F(Door, WhoStopsLeadingSendsThemAway) {
  propose(6);
  EXPECT_EQ(door.dismiss_all(), (std::vector<std::uint64_t>{5, 6}));
  EXPECT_EQ(governor.bytes(proposed), 0U);
  EXPECT_EQ(door.next_deadline(), std::nullopt);
}

TEST(ByteRate, FollowsThePaceAndForgets) {
  byte_rate rate;
  EXPECT_EQ(rate.per_second(5s), 0);
  for (time_ms now{0}; now < 10s; now += 10ms) {
    rate.count(60, now);
    rate.count(40, now);
  }
  EXPECT_NEAR(rate.per_second(10s), 10'000, 200);
  EXPECT_LT(rate.per_second(30s), 1'000) << "nothing has moved for long";
}

}  // namespace
}  // namespace tabletd::model
