// What libraft 0.22.1 gets wrong and libraft_core puts right, one scripted history each
// (design/journal.md 3).
#include "tests/journal/consensus_trio.h"

namespace tabletd {
namespace {

using namespace test;
using namespace std::chrono_literals;

using LibraftGuards = consensus_trio;

std::vector<model::append_request> appends_to(model::node_id to, const std::vector<envelope>& mail) {
  std::vector<model::append_request> found;
  for (const auto& each : mail)
    if (const auto* request = std::get_if<model::append_request>(&each.what); request && each.to == to)
      found.push_back(*request);
  return found;
}

// P2: 0.22.1 answers a leader of an older term with an index nobody set.
TEST(LibraftAnswers, AStaleLeaderGetsARefusalAndNothingElse) {
  libraft_core core({.self = 2});
  const auto founding = core.founding_entry({{1, "a"}, {2, "b"}, {3, "c"}});
  (void)core.step(model::started{{7, 0}, {{1, 1}}, {{1, founding.membership}}}, model::time_ms{0});
  for (std::uint64_t prev = 0; prev < 3; ++prev) {
    const auto up
        = core.step(model::received{1, model::append_request{6, prev, prev ? 1U : 0U, 0, 0, {}}}, model::time_ms{1});
    ASSERT_EQ(up.messages.size(), 1u);
    const auto& answer = std::get<model::append_result>(up.messages[0].what);
    EXPECT_EQ(answer.term, 7u);
    EXPECT_EQ(answer.rejected, 1u);
    EXPECT_EQ(answer.last_index, 0u);
  }
}

// P3: the leader streams ahead, and what the link lost is not sent again by itself.
TEST_F(LibraftGuards, WhatALinkLostIsSentAgainWithoutANewProposal) {
  elect(1);
  node(1).propose({"a"}, now);
  settle();
  const auto held = node(1).last_index();
  node(1).propose({"b", "c"}, now);
  node(1).propose({"d"}, now);
  lose_mail();
  node(1).lose_link(2, now);
  collect();
  ASSERT_EQ(mail.size(), 1u);
  const auto again = appends_to(2, mail);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].prev_index, held);
  EXPECT_EQ(again[0].count, 3u);
  settle();
  EXPECT_EQ(node(2).last_index(), held + 3);
  EXPECT_EQ(node(1).last.committed_upto, held + 3);
}

TEST_F(LibraftGuards, ALostAnswerCostsNothingButTheRepetition) {
  elect(1);
  node(1).propose({"a"}, now);
  collect();
  for (const auto& each : mail)
    if (each.to != 1)
      node(each.to).receive(each, now);
  node(2).complete_writes(now);
  node(3).complete_writes(now);
  node(1).complete_writes(now);
  lose_mail();
  node(1).lose_link(2, now);
  settle();
  EXPECT_EQ(node(1).last.committed_upto, node(1).last_index());
  EXPECT_EQ(node(2).last_index(), node(1).last_index());
}

TEST_F(LibraftGuards, ACutLinkIsNoContact) {
  elect(1);
  for (int i = 0; i < 40 && node(1).leads(); ++i) {
    now += 100ms;
    node(1).lose_link(2, now);
    node(1).lose_link(3, now);
    node(1).tick(now);
    lose_mail();
  }
  EXPECT_FALSE(node(1).leads()) << "a leader without followers must find out";
}

TEST_F(LibraftGuards, ACutLinkConcernsOnlyALeaderAndItsMembers) {
  node(1).lose_link(2, now);
  elect(1);
  lose_mail();
  node(1).lose_link(9, now);
  node(1).lose_link(1, now);
  node(2).lose_link(1, now);
  collect();
  EXPECT_TRUE(mail.empty());
}

struct LeaderThatEnded : LibraftGuards {
  /// As settle(), for a group of which member 1 has ended.
  void settle_survivors() {
    for (collect(); !mail.empty(); collect()) {
      const auto next = mail.front();
      mail.erase(mail.begin());
      if (next.to == 1 || next.from == 1)
        continue;
      node(next.to).receive(next, now);
      node(next.to).complete_writes(now);
      node(next.from).complete_writes(now);
    }
  }
  /// Both see that nobody listens there.
  void end_leader() {
    isolate(1);
    node(2).lose_peer(1, now);
    node(3).lose_peer(1, now);
  }
  void tick_survivors() {
    node(2).tick(now);
    node(3).tick(now);
    settle_survivors();
  }
};

TEST_F(LeaderThatEnded, IsSucceededLongBeforeAnElectionTimeout) {
  elect(1);
  end_leader();
  EXPECT_EQ(node(2).last.leader, 0u);
  EXPECT_EQ(node(2).last.next_tick, now + 25ms);
  now += 25ms;
  tick_survivors();
  EXPECT_TRUE(node(2).leads());
  EXPECT_EQ(node(3).last.leader, 2u);
  now += 500ms;
  node(3).tick(now);
  EXPECT_EQ(node(3).last.leader, 2u) << "the short wait was for that one election";
}

TEST_F(LeaderThatEnded, ALongerLogHasItsTurnNext) {
  elect(1);
  node(1).propose({"a"}, now);
  collect();
  for (const auto& each : mail)
    if (each.to == 3)
      node(3).receive(each, now);
  node(3).complete_writes(now);
  lose_mail();
  end_leader();
  now += 25ms;
  tick_survivors();
  EXPECT_FALSE(node(2).leads());
  now += 100ms;
  tick_survivors();
  EXPECT_TRUE(node(3).leads());
}

TEST_F(LeaderThatEnded, WhoAsksTooEarlyAsksAgain) {
  elect(1);
  node(2).lose_peer(1, now);
  pass(25ms);
  tick_survivors();
  ASSERT_FALSE(node(2).leads()) << "member 3 has not noticed";
  pass(200ms);
  end_leader();
  pass(25ms);
  tick_survivors();
  EXPECT_TRUE(node(2).leads());
  pass(200ms);
  node(3).lose_peer(1, now);
  EXPECT_EQ(node(3).last.leader, 2u) << "that was the leader before";
}

TEST_F(LeaderThatEnded, GoesOnIfOnlyOneThinksSo) {
  elect(1);
  const auto term = node(1).last.term;
  node(2).lose_peer(1, now);
  pass(25ms);
  node(2).tick(now);
  settle();
  EXPECT_TRUE(node(1).leads());
  EXPECT_EQ(node(1).last.term, term);
  node(3).lose_peer(2, now);
  EXPECT_EQ(node(3).last.leader, 1u) << "it is the leader that counts";
}

// P8: member 3 alone can be elected, but its term is the lowest, so nobody grants it a pre-vote;
// and nobody ever told it the term.
TEST_F(LibraftGuards, TheOnlyElectableMemberLearnsTheTermItNeeds) {
  const auto founding = node(1).disk.log[0];
  const auto with_terms = [&](std::vector<model::term> terms) {
    std::vector<stored_entry> log{founding};
    for (const auto term : terms)
      log.push_back({{term, model::entry_type::command, ""}, "c" + std::to_string(term)});
    return log;
  };
  const std::vector<model::term> shortest{2}, middle{2, 3}, longest{2, 3, 4};
  node(1).disk = {{9, 0}, 1, with_terms(middle), {}, {}};
  node(2).disk = {{11, 0}, 1, with_terms(shortest), {}, {}};
  node(3).disk = {{7, 0}, 1, with_terms(longest), {}, {}};
  for (auto& host : hosts)
    host->start(now);
  for (int i = 0; i < 40 && !node(3).leads(); ++i)
    pass(500ms);
  EXPECT_TRUE(node(3).leads());
}

}  // namespace
}  // namespace tabletd
