// The defects other versions of the library had, as one member sees them (design/journal.md 3: T1 to T5; T6,
// a failed write, ends the process), and what a host must not do.
#include "actors/journal/libraft_membership.h"
#include "tests/journal/consensus_host.h"

#include <gtest/gtest.h>

namespace tabletd {
namespace {

using namespace test;
using namespace std::chrono_literals;

const std::vector<model::member> founders{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d", false}};

struct Histories : testing::Test {
  libraft_core core{{.self = 1}};
  model::time_ms now{1'000};
  model::update up;

  /// Entry 1 founds the group; the others are commands of these terms.
  void start(model::term term, const std::vector<model::term>& terms) {
    model::started event{{term, 0}, {{1, 1}}, {{1, core.founding_entry(founders).membership}}};
    for (const auto each : terms)
      if (event.runs.back().term == each)
        ++event.runs.back().last;
      else
        event.runs.push_back({each, event.runs.back().last + 1});
    step(event);
  }
  void step(const model::consensus_event& event) {
    up = core.step(event, now);
    ASSERT_EQ(up.fault, "");
  }
  void receive(model::node_id from, const model::message& what) { step(model::received{from, what}); }
  void append(model::node_id from, model::term term, std::uint64_t prev, model::term prev_term, std::uint64_t commit,
              std::vector<model::entry_header> entries = {}) {
    const auto count = static_cast<std::uint32_t>(entries.size());
    receive(from, model::append_request{term, prev, prev_term, commit, count, std::move(entries)});
  }
  void win() {
    now = up.next_tick;
    step(model::ticked{});
    for (const bool pre_vote : {true, false})
      receive(2, model::vote_result{up.term + (pre_vote ? 1 : 0), true, pre_vote});
    ASSERT_EQ(up.role, model::consensus_role::leader);
  }
  model::append_result answer() {
    for (const auto& sent : up.messages)
      if (const auto* found = std::get_if<model::append_result>(&sent.what))
        return *found;
    ADD_FAILURE() << "no answer";
    return {};
  }
  /// Whom this member takes for voters, as far as the library is concerned.
  std::size_t vote_requests() {
    for (int i = 0; i < 10; ++i) {
      now = up.next_tick;
      step(model::ticked{});
      if (!up.messages.empty())
        break;
    }
    return up.messages.size();
  }
};

model::entry_header command(model::term term) { return {term, model::entry_type::command, {}}; }
model::entry_header change(model::term term, const std::vector<model::member>& members) {
  return {term, model::entry_type::change, encode_membership(members)};
}

TEST_F(Histories, T1AnOldTermIsNotCommittedByCounting) {
  start(3, {2});
  win();
  ASSERT_TRUE(up.entries || up.committed_upto == 1);  // Its barrier is entry 3.
  receive(2, model::append_result{up.term, 0, 2});
  EXPECT_EQ(up.committed_upto, 1u) << "entry 2 is on two of three disks, and can still be replaced";
  receive(2, model::append_result{up.term, 0, 3});
  step(model::persisted{3, up.term});
  EXPECT_EQ(up.committed_upto, 3u);
}

TEST_F(Histories, T2ATailNobodyVerifiedIsNotAcknowledged) {
  start(2, {2, 2, 2});
  append(2, 3, 1, 1, 1);
  EXPECT_EQ(answer().rejected, 0u);
  EXPECT_EQ(answer().last_index, 1u);
}

TEST_F(Histories, T3WhatIsAcknowledgedIsCommittedHoweverFarTheLeaderIsAhead) {
  start(1, {});
  win();
  for (std::uint64_t index = 2; index <= 41; ++index) {
    step(model::proposed{1});
    step(model::persisted{index, up.term});
    if (index > 11) {
      receive(2, model::append_result{up.term, 0, index - 10});
      EXPECT_EQ(up.committed_upto, index - 10);
    }
  }
}

TEST_F(Histories, T4TheCommitIndexStopsWhereTheLogIsVerified) {
  start(2, {2, 2, 2});
  append(2, 3, 1, 1, 4);
  EXPECT_EQ(up.committed_upto, 1u) << "entries 2 to 4 may not be the leader's";
  append(2, 3, 1, 1, 4, {command(2)});
  EXPECT_EQ(up.committed_upto, 2u);
}

TEST_F(Histories, T5AMembershipTakenBackAfterTheLogIsTrimmed) {
  start(2, {2, 2});
  append(2, 2, 3, 2, 3);
  ASSERT_EQ(up.committed_upto, 3u);
  step(model::snapshot_taken{*core.snapshot_at(3), 4});
  auto promoted = founders;
  promoted[3].voter = true;
  append(2, 2, 3, 2, 3, {change(2, promoted)});
  step(model::persisted{4, 2});
  EXPECT_EQ(core.members(), promoted);
  append(3, 3, 3, 2, 3, {command(3)});
  step(model::persisted{4, 3});
  EXPECT_EQ(core.members(), founders);
  EXPECT_EQ(vote_requests(), 2u);
}

// P10: two changes arrive before the first is known to be committed; the second is taken back.
TEST_F(Histories, OnlyTheChangeThatWasReplacedIsTakenBack) {
  start(1, {});
  auto promoted = founders;
  promoted[3].voter = true;
  auto moved = promoted;
  moved[3].address = "elsewhere";
  append(2, 2, 1, 1, 1, {change(2, promoted), change(2, moved)});
  step(model::persisted{3, 2});
  append(3, 3, 2, 2, 1, {command(3)});
  step(model::persisted{3, 3});
  EXPECT_EQ(core.members(), promoted);
  EXPECT_EQ(vote_requests(), 3u) << "member 4 votes";
}

TEST_F(Histories, NonsenseIsNotHandedToTheLibrary) {
  start(1, {});
  append(2, 2, 1, 1, 1, {{2, model::entry_type::change, "?"}});
  EXPECT_TRUE(up.messages.empty());
  EXPECT_FALSE(up.entries);
  append(2, 2, 1, 1, 1, {command(0)});
  EXPECT_FALSE(up.entries);
  receive(2, model::install_snapshot{2, 9, 2, 1, "?", {}});
  EXPECT_FALSE(up.install);
}

TEST_F(Histories, TwoLeadersInATermStopTheNode) {
  start(1, {});
  win();
  const auto stopped = core.step(model::received{2, model::append_request{up.term, 1, 1, 1, 0, {}}}, now);
  EXPECT_NE(stopped.fault, "");
}

// P2: why the answer to a stale leader matters.
TEST_F(Histories, ALeaderBelievesWhatItIsAnswered) {
  start(1, {});
  win();
  step(model::proposed{1});
  step(model::persisted{2, up.term});
  receive(2, model::append_result{up.term, 0, 99});
  EXPECT_EQ(up.committed_upto, 2u) << "so nobody may answer with an index that nobody set";
}

/// P6: a write of two entries is replaced before it is done.  What the host says when it is done.
std::uint64_t acknowledged_after_an_overtaken_write(mutant broken_promise) {
  consensus_host host({.self = 1}, broken_promise);
  host.disk.ballot = {1, 0};
  host.disk.log = {{libraft_core({.self = 1}).founding_entry(founders), ""}};
  model::time_ms now{1'000};
  host.start(now);
  const auto two = [](model::term term) { return std::vector{command(term), command(term)}; };
  host.receive({2, 1, model::append_request{2, 1, 1, 1, 2, two(2)}, {"a", "b"}, {}}, now);
  host.receive({3, 1, model::append_request{3, 1, 1, 1, 2, two(3)}, {"x", "y"}, {}}, now);
  host.outbox.clear();
  host.complete_write(now);
  std::uint64_t acknowledged = 0;
  for (const auto& sent : host.outbox)
    if (const auto* answer = std::get_if<model::append_result>(&sent.what); answer && answer->rejected == 0)
      acknowledged = answer->last_index;
  return acknowledged;
}

TEST(Mutants, AnOvertakenWriteThatIsReportedIsAnAcknowledgement) {
  EXPECT_EQ(acknowledged_after_an_overtaken_write(mutant::none), 0u);
  EXPECT_EQ(acknowledged_after_an_overtaken_write(mutant::overtaken_write_is_reported), 3u);
}

}  // namespace
}  // namespace tabletd
