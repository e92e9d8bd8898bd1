// Images in the place of a log's beginning: taken, offered, installed, called off, found at the start.
#include "tests/journal/consensus_trio.h"

namespace tabletd {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Images : consensus_trio {
  /// Member 3 misses more than the others keep.
  void leave_behind(std::uint64_t trailing = 0) {
    elect(1);
    isolate(3);
    for (int i = 0; i < 5; ++i)
      node(1).propose({"a" + std::to_string(i), "b" + std::to_string(i)}, now);
    write_all();
    settle();
    pass(200ms);
    ASSERT_TRUE(node(1).take_snapshot(trailing, now));
    ASSERT_TRUE(node(2).take_snapshot(trailing, now));
    cut.clear();
  }
};

TEST_F(Images, AMemberThatMissedTooMuchGetsAnImageAndThenTheRest) {
  leave_behind();
  pass(200ms);
  ASSERT_TRUE(node(3).is_fetching());
  EXPECT_TRUE(node(3).applied.empty()) << "nothing changes before the image is there";
  node(1).propose({"later"}, now);
  write_all();
  settle();
  node(3).finish_fetching(true, now);
  EXPECT_EQ(node(3).applied.size(), 10u);
  pass(300ms);
  EXPECT_EQ(node(3).applied, node(1).applied);
  EXPECT_EQ(node(3).applied.back(), "later");
  EXPECT_EQ(node(3).installed, 1u);
}

TEST_F(Images, TheOfferSaysWhatTheHostsNeed) {
  leave_behind();
  for (int i = 0; i < 6; ++i) {
    now += 100ms;
    tick_all();
    collect();
    for (const auto& each : mail)
      if (const auto* offer = std::get_if<model::install_snapshot>(&each.what)) {
        EXPECT_EQ(offer->last_index, node(1).applied_upto());
        EXPECT_EQ(offer->membership_index, 1u);
        EXPECT_EQ(node(1).core().decode_membership(offer->membership), node(1).core().members());
        return;
      }
    settle();
  }
  FAIL() << "no image was offered";
}

TEST_F(Images, OneIsAskedForAtATimeAndAFailedOneIsOfferedAgain) {
  leave_behind();
  pass(200ms);
  ASSERT_TRUE(node(3).is_fetching());
  for (int i = 0; i < 20; ++i) {
    now += 50ms;
    tick_all();
    settle();
    EXPECT_FALSE(node(3).last.install) << "it is under way";
  }
  node(3).finish_fetching(false, now);
  EXPECT_FALSE(node(3).is_fetching());
  pass(200ms);
  ASSERT_TRUE(node(3).is_fetching());
  node(3).finish_fetching(true, now);
  pass(200ms);
  EXPECT_EQ(node(3).applied, node(1).applied);
}

TEST_F(Images, TheLeaderMayDieWhileItsImageIsOnTheWay) {
  leave_behind();
  pass(200ms);
  ASSERT_TRUE(node(3).is_fetching());
  isolate(1);
  pass(6s);
  EXPECT_TRUE(node(2).leads()) << "a member that waits for an image still votes";
  node(3).finish_fetching(false, now);
  pass(300ms);
  node(3).finish_fetching(true, now);
  pass(300ms);
  EXPECT_EQ(node(3).applied, node(2).applied);
}

TEST_F(Images, AnImageThatTheLogHasOvertakenChangesNothing) {
  leave_behind(100);
  const auto held = node(3).last_index();
  const auto point = node(1).core().snapshot_at(node(1).applied_upto());
  ASSERT_TRUE(point);
  node(3).receive({1,
                   3,
                   model::install_snapshot{node(1).last.term, point->index, point->term, 1, point->membership, {}},
                   {},
                   node(1).applied},
                  now);
  ASSERT_TRUE(node(3).is_fetching());
  pass(300ms);
  ASSERT_EQ(node(3).applied, node(1).applied);
  node(3).finish_fetching(true, now);
  EXPECT_EQ(node(3).last.log_restarts_at, 0u);
  EXPECT_EQ(node(3).installed, 0u);
  EXPECT_GT(node(3).last_index(), held);
}

TEST_F(Images, WhoHasWhatIsOfferedSaysSo) {
  leave_behind();
  const auto point = *node(2).disk.snapshot;
  lose_mail();
  for (const auto index : {point.index, point.index - 2}) {
    node(2).receive(
        {1, 2, model::install_snapshot{node(1).last.term, index, point.term, 1, point.membership, {}}, {}, {}}, now);
    EXPECT_FALSE(node(2).last.install);
    ASSERT_EQ(node(2).last.messages.size(), 1u);
    const auto& answer = std::get<model::append_result>(node(2).last.messages[0].what);
    EXPECT_EQ(answer.rejected, 0u);
    EXPECT_GE(answer.last_index, index);
  }
}

// P2, for offers.
TEST_F(Images, AStaleLeadersOfferIsRefused) {
  leave_behind();
  lose_mail();
  const auto point = *node(1).disk.snapshot;
  node(3).receive({1, 3, model::install_snapshot{1, point.index, point.term, 1, point.membership, {}}, {}, {}}, now);
  EXPECT_FALSE(node(3).last.install);
  ASSERT_EQ(node(3).last.messages.size(), 1u);
  const auto& answer = std::get<model::append_result>(node(3).last.messages[0].what);
  EXPECT_EQ(answer.rejected, 1u);
  EXPECT_EQ(answer.last_index, 0u);
}

// P13: the answers to what member 2 applied and trimmed were lost, so the leader begins further back.
TEST_F(Images, WhatAMemberTrimmedItDoesNotDenyToHaveHad) {
  elect(1);
  node(1).propose({"a"}, now);
  write_all();
  settle();
  pass(200ms);
  cut = {{2, 1}};
  node(1).propose({"b", "c"}, now);
  write_all();
  settle();
  node(1).propose({"d"}, now);
  write_all();
  settle();
  pass(200ms);
  ASSERT_TRUE(node(2).take_snapshot(0, now));
  cut.clear();
  node(1).lose_link(2, now);
  settle();
  EXPECT_FALSE(node(2).is_fetching());
  node(1).propose({"e"}, now);
  write_all();
  settle();
  pass(200ms);
  EXPECT_EQ(node(2).applied.back(), "e");
}

TEST_F(Images, AStartFromAnImageAndALogThatOverlapsIt) {
  elect(1);
  for (const auto* command : {"a", "b", "c", "d", "e"})
    node(1).propose({command}, now);
  write_all();
  settle();
  pass(200ms);
  for (const auto trailing : {2u, 0u}) {
    ASSERT_TRUE(node(2).take_snapshot(trailing, now));
    node(1).propose({"f" + std::to_string(trailing)}, now);
    write_all();
    settle();
    pass(200ms);
    const auto applied = node(2).applied;
    node(2).start(now);
    EXPECT_EQ(node(2).last.committed_upto, node(2).disk.snapshot->index);
    EXPECT_EQ(node(2).last.log_restarts_at, 0u);
    pass(300ms);
    EXPECT_EQ(node(2).applied, applied);
  }
}

TEST_F(Images, ALogThatEndsBeforeTheImageIsDropped) {
  leave_behind();
  node(3).disk.snapshot = node(1).disk.snapshot;
  node(3).disk.image = node(1).disk.image;
  const auto upto = node(3).disk.snapshot->index;
  node(3).start(now);
  EXPECT_EQ(node(3).last.log_restarts_at, upto + 1);
  EXPECT_EQ(node(3).last.committed_upto, upto);
  write_all();
  pass(300ms);
  EXPECT_EQ(node(3).applied, node(1).applied);
}

TEST(ImagesAtTheStart, ALogWithoutItsBeginningNeedsAnImage) {
  libraft_core core({.self = 1});
  EXPECT_NE(core.step(model::started{{3, 0}, {{2, 9}}, {}, 5}, model::time_ms{0}).fault, "");
}

TEST_F(Images, AnImageOfAnotherLogStopsTheNode) {
  elect(1);
  node(1).propose({"a"}, now);
  write_all();
  settle();
  EXPECT_FALSE(node(1).core().snapshot_at(1)) << "P15";
  auto point = *node(1).core().snapshot_at(2);
  libraft_core core({.self = 1});
  const auto& disk = node(1).disk;
  (void)core.step(disk.as_event(), now);
  point.term += 1;
  EXPECT_NE(core.step(model::snapshot_taken{point, 1}, now).fault, "");
}

TEST_F(Images, AGroupOfOneKeepsItsMembershipInTheImage) {
  consensus_host alone({.self = 1});
  alone.disk.ballot = {1, 0};
  alone.disk.log = {{libraft_core({.self = 1}).founding_entry({{1, "fe1"}}), ""}};
  alone.start(now);
  alone.propose({"a", "b"}, now);
  alone.complete_writes(now);
  ASSERT_TRUE(alone.take_snapshot(0, now));
  alone.start(now);
  EXPECT_TRUE(alone.leads());
  alone.propose({"c"}, now);
  alone.complete_writes(now);
  EXPECT_EQ(alone.applied, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(alone.core().members(), (std::vector<model::member>{{1, "fe1"}}));
}

}  // namespace
}  // namespace tabletd
