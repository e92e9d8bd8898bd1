// The group of journals changes while it runs: members come, get their vote and go, and leadership is
// handed over.
#include "tests/journal/journal_group.h"

namespace tabletd {
namespace {

using namespace test;
using model::consensus_refusal;

struct JournalMembers : JournalGroup {
  model::node_id leads = 0;
  void begin() {
    start_all();
    leads = elect();
    propose(leads, "before");
    run(300ms);
  }
  /// Member 4, as an observer that wants to vote.
  void add_fourth() {
    auto fourth = member_of(4);
    fourth.voter = false;
    fourth.birth = birth_of(4);
    fourth.wants_vote = true;
    const auto number = order(leads, change_members{group_with(leads, fourth)});
    run(300ms);
    ASSERT_TRUE(outcomes.contains(number));
    EXPECT_TRUE(outcomes.at(number).ok()) << outcomes.at(number).failure;
  }
  void promote_fourth() {
    auto fourth = member_of(4);
    fourth.birth = birth_of(4);
    const auto number = order(leads, change_members{group_with(leads, fourth)});
    run(300ms);
    ASSERT_TRUE(outcomes.contains(number));
    EXPECT_TRUE(outcomes.at(number).ok()) << static_cast<int>(outcomes.at(number).why);
  }
};

TEST_F(JournalMembers, WhoIsAddedGetsTheLogFromItsBeginning) {
  begin();
  start(4);
  run(1s);
  EXPECT_EQ(at(4).log->last_index(), 0U) << "it waits";
  add_fourth();
  run(1s);
  EXPECT_EQ(edits(4), std::vector<std::string>{"before"});
  EXPECT_EQ(at(4).now.leader, leads);
  for (model::node_id who = 1; who <= members; ++who) {
    EXPECT_EQ(at(who).group, at(leads).group) << who;
    EXPECT_TRUE(at(who).group.is_committed) << who;
  }
  const auto& fourth = at(2).group.members.back();
  EXPECT_EQ(fourth.birth, birth_of(4));
  EXPECT_TRUE(fourth.wants_vote && !fourth.voter);
  EXPECT_EQ(fourth.address, "fe4:9010");
}

TEST_F(JournalMembers, AVoteIsGivenToWhoHasTheLogAndToNobodyElse) {
  begin();
  add_fourth();
  auto fourth = member_of(4);
  fourth.birth = birth_of(4);
  const auto early = order(leads, change_members{group_with(leads, fourth)});
  EXPECT_EQ(outcomes.at(early).why, consensus_refusal::not_caught_up) << "it is not even there";
  start(4);
  say(leads, link_renewed{4});
  run(1s);
  promote_fourth();
  // With two of four away there is no majority; with its vote, one may be.
  const model::node_id away = leads == 1 ? 2 : 1;
  stop(away);
  propose(leads, "three of four");
  run(300ms);
  EXPECT_EQ(answers.at("three of four").why, failure::NONE);
  EXPECT_EQ(edits(4).back(), "three of four");
  const model::node_id second = 6 - leads - away;
  stop(second);
  propose(leads, "two of four");
  run(300ms);
  EXPECT_FALSE(answers.contains("two of four"));
}

TEST_F(JournalMembers, WhoIsDroppedIsSentNothingMoreAndDisturbsNobody) {
  begin();
  const model::node_id gone = leads == 3 ? 2 : 3;
  const auto number = order(leads, change_members{group_without(leads, gone)});
  run(300ms);
  EXPECT_TRUE(outcomes.at(number).ok());
  propose(leads, "after");
  const auto term = at(leads).now.term;
  run(10s);
  EXPECT_EQ(edits(gone), std::vector<std::string>{"before"});
  EXPECT_EQ(answers.at("after").why, failure::NONE);
  EXPECT_TRUE(at(leads).now.leads);
  EXPECT_EQ(at(leads).now.term, term) << "it caused an election";
}

/// Who is elected next might not know of it.
TEST_F(JournalMembers, ALeaderIsDroppedOnlyByTheNextOne) {
  begin();
  const auto old = leads;
  const auto early = order(old, change_members{group_without(old, old)});
  EXPECT_EQ(outcomes.at(early).why, consensus_refusal::would_strand);
  auto marked = member_of(old);
  marked.leaves = true;
  const auto number = order(old, change_members{group_with(old, marked)});
  run(300ms);
  ASSERT_TRUE(outcomes.contains(number));
  EXPECT_TRUE(outcomes.at(number).ok()) << outcomes.at(number).failure;
  order(old, hand_over{});
  run(300ms);
  const auto next = elect();
  ASSERT_NE(next, old);
  const auto known = find(at(next).group.members, old);
  ASSERT_TRUE(known);
  EXPECT_TRUE(known->leaves) << "it is in the log";
  propose(next, "settled");
  run(300ms);
  const auto dropped = order(next, change_members{group_without(next, old)});
  propose(next, "after");
  run(2s);
  EXPECT_TRUE(outcomes.at(dropped).ok());
  EXPECT_EQ(answers.at("after").why, failure::NONE);
  EXPECT_EQ(at(next).group.members.size(), 2U);
  EXPECT_TRUE(at(next).group.is_committed);
}

TEST_F(JournalMembers, LeadershipGoesWhereItIsWantedWithoutAnElectionTimeout) {
  begin();
  const model::node_id to = leads == 3 ? 2 : 3;
  const auto number = order(leads, hand_over{to});
  run(100ms);
  EXPECT_TRUE(outcomes.at(number).ok());
  EXPECT_EQ(leader(), to);
  propose(to, "after");
  run(300ms);
  EXPECT_EQ(answers.at("after").why, failure::NONE);
}

TEST_F(JournalMembers, AHandOverThatNobodyTakesIsGivenUp) {
  begin();
  const model::node_id to = leads == 3 ? 2 : 3, other = 6 - leads - to;
  stop(to);
  stop(other);
  const auto number = order(leads, hand_over{to});
  propose(leads, "meanwhile");
  EXPECT_EQ(answers.at("meanwhile").why, failure::NOT_LEADER);
  const auto again = order(leads, hand_over{other});
  EXPECT_EQ(outcomes.at(again).why, consensus_refusal::transferring);
  start(other);
  run(3s);
  ASSERT_TRUE(outcomes.contains(number));
  EXPECT_FALSE(outcomes.at(number).ok());
}

TEST_F(JournalMembers, OneChangeAtATimeAndOnlyByTheLeader) {
  begin();
  const model::node_id other = leads == 1 ? 2 : 1;
  const auto there = order(other, change_members{group_without(other, leads)});
  EXPECT_EQ(outcomes.at(there).why, consensus_refusal::not_leader);
  auto fourth = member_of(4);
  fourth.voter = false;
  const auto first = order(leads, change_members{group_with(leads, fourth)});
  const auto second = order(leads, change_members{group_without(leads, other)});
  EXPECT_FALSE(outcomes.contains(first));
  EXPECT_EQ(outcomes.at(second).why, consensus_refusal::change_open);
  run(300ms);
  EXPECT_TRUE(outcomes.at(first).ok());
}

TEST_F(JournalMembers, AChangeThatAnotherLeadersLogReplacesIsTakenBack) {
  begin();
  const auto old = leads;
  set_cut(old, true);
  auto fourth = member_of(4);
  fourth.voter = false;
  const auto number = order(old, change_members{group_with(old, fourth)});
  EXPECT_EQ(at(old).group.members.size(), 4U) << "it counts from when it is logged";
  EXPECT_FALSE(at(old).group.is_committed);
  run(5s);
  EXPECT_FALSE(outcomes.at(number).ok());
  const auto next = elect();
  propose(next, "instead");
  run(300ms);
  set_cut(old, false);
  run(2s);
  EXPECT_EQ(at(old).group.members.size(), 3U);
  EXPECT_TRUE(at(old).group.is_committed);
}

TEST_F(JournalMembers, AMemberThatIsAddedStartsFromAnImageWhenTheBeginningIsGone) {
  begin();
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 20; ++i)
      propose(leads, "r" + std::to_string(round) + "e" + std::to_string(i));
    run(300ms);
    make_image(leads);
  }
  say(leads, trim_wanted{10'000});
  settle();
  start(4);
  add_fourth();
  run(5s);
  EXPECT_EQ(at(4).installed, 1U);
  EXPECT_EQ(edits(4), edits(leads));
  EXPECT_EQ(at(4).group, at(leads).group);
  promote_fourth();
}

// -- reads -------------------------------------------------------------------------------

TEST_F(JournalMembers, AReaderHearsFromTheLeaderThatItLeadsAndFromAFollowerWhoDoes) {
  begin();
  const auto asked = ask_whether_leads(leads);
  EXPECT_FALSE(asked->has_value()) << "the others have not been asked yet";
  deliver_all();
  ASSERT_TRUE(asked->has_value());
  EXPECT_TRUE((*asked)->leads);
  const auto elsewhere = ask_whether_leads(leads == 1 ? 2 : 1);
  ASSERT_TRUE(elsewhere->has_value());
  EXPECT_FALSE((*elsewhere)->leads);
  EXPECT_EQ((*elsewhere)->leader, leads);
}

TEST_F(JournalMembers, AReaderWaitsForWhatWasCommittedBefore) {
  begin();
  auto& m = at(leads);
  m.folded.at_once = false;
  propose(leads, "slow");
  deliver_all();
  const auto asked = ask_whether_leads(leads);
  deliver_all();
  EXPECT_FALSE(asked->has_value()) << "the catalog has not folded it";
  EXPECT_EQ(edits(leads), std::vector<std::string>{"before"});
  caf::anon_send(m.catalog, tick_due{});
  settle();
  ASSERT_TRUE(asked->has_value());
  EXPECT_TRUE((*asked)->leads);
  EXPECT_EQ(edits(leads).back(), "slow");
}

TEST_F(JournalMembers, AReaderOfALeaderThatIsCutOffIsToldSo) {
  begin();
  set_cut(leads, true);
  const auto asked = ask_whether_leads(leads);
  run(200ms);
  EXPECT_FALSE(asked->has_value());
  run(3s);
  ASSERT_TRUE(asked->has_value());
  EXPECT_FALSE((*asked)->leads);
}

TEST_F(JournalMembers, AReaderIsAnsweredWhenTheJournalEnds) {
  begin();
  const auto asked = ask_whether_leads(leads);
  stop(leads);
  ASSERT_TRUE(asked->has_value());
  EXPECT_FALSE((*asked)->leads);
}

}  // namespace
}  // namespace tabletd
