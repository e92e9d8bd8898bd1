// Three journals as a group under loss, cuts, restarts and elections.
#include "tests/journal/journal_group.h"

namespace tabletd {
namespace {

using namespace test;

TEST_F(JournalGroup, WhatTheLeaderTakesAllOfThemFold) {
  start_all();
  const auto leads = elect();
  for (const auto* name : {"a", "b", "c"})
    propose(leads, name);
  EXPECT_TRUE(answers.empty()) << "one disk is no majority";
  run(200ms);
  EXPECT_EQ(answers.size(), 3U);
  for (model::node_id who = 1; who <= founders; ++who) {
    EXPECT_EQ(edits(who), (std::vector<std::string>{"a", "b", "c"})) << who;
    EXPECT_EQ(at(who).now.leader, leads);
    EXPECT_EQ(at(who).stats->leader.load(), leads);
  }
}

TEST_F(JournalGroup, AFollowerRefusesAndNamesTheLeader) {
  start_all();
  const auto leads = elect();
  const model::node_id other = leads == 1 ? 2 : 1;
  propose(other, "x");
  EXPECT_EQ(answers.at("x").why, failure::NOT_LEADER);
  run(1s);
  EXPECT_TRUE(edits(leads).empty());
}

TEST_F(JournalGroup, ALeaderThatIsCutOffStopsLeadingAndItsTailIsReplaced) {
  start_all();
  const auto old = elect();
  set_cut(old, true);
  propose(old, "lost");
  run(5s);
  EXPECT_FALSE(at(old).now.leads);
  EXPECT_EQ(answers.at("lost").why, failure::LEADERSHIP_LOST);
  const auto next = elect();
  ASSERT_NE(next, old);
  propose(next, "kept");
  run(200ms);
  EXPECT_EQ(answers.at("kept").why, failure::NONE);
  EXPECT_TRUE(edits(old).empty());
  set_cut(old, false);
  run(2s);
  for (model::node_id who = 1; who <= founders; ++who)
    EXPECT_EQ(edits(who), std::vector<std::string>{"kept"}) << who;
}

/// While nobody has the first, the others gather and leave as one.
TEST_F(JournalGroup, OneTransactionIsUnderWayAtATime) {
  start_all();
  const auto leads = elect();
  const auto before = at(leads).stats->commits.load();
  set_cut(leads, true);
  for (const auto* name : {"a", "b", "c", "d"})
    propose(leads, name);
  EXPECT_EQ(at(leads).stats->commits.load(), before + 1) << "a is on its way, the others wait for it";
  EXPECT_TRUE(answers.empty());
  set_cut(leads, false);
  for (const auto each : {1, 2, 3})
    if (static_cast<model::node_id>(each) != leads)
      say(leads, link_renewed{static_cast<model::node_id>(each)});
  run(300ms);
  EXPECT_EQ(at(leads).stats->commits.load(), before + 2);
  EXPECT_EQ(edits(leads), (std::vector<std::string>{"a", "b", "c", "d"}));
  for (const auto* name : {"a", "b", "c", "d"})
    EXPECT_NE(answers.at(name).index, 0u) << name;
}

/// They were never in anybody's log, and their proposers hear that.
TEST_F(JournalGroup, WhatWaitsForATransactionThatIsLostIsRefused) {
  start_all();
  const auto old = elect();
  set_cut(old, true);
  propose(old, "under way");
  propose(old, "waits");
  run(5s);
  ASSERT_FALSE(at(old).now.leads);
  EXPECT_EQ(answers.at("under way").why, failure::LEADERSHIP_LOST);
  EXPECT_EQ(answers.at("waits").why, failure::NOT_LEADER);
}

/// The log's owner may be told that it is over before it notices it: by the new leader's entries.
TEST_F(JournalGroup, WhatANewLeaderReplacesIsAnsweredAsUnknown) {
  start_all();
  const auto old = elect();
  const auto cut_at = at(old).now.term;
  set_cut(old, true);
  propose(old, "lost");
  // The clock of the cut member stands still: the others elect while it believes to lead.
  for (int i = 0; i < 100 && (leader() == old || at(leader()).now.term == cut_at); ++i) {
    time += 100ms;
    for (model::node_id who = 1; who <= founders; ++who)
      if (who != old)
        say(who, link_renewed{old}); // Any word makes it look at the clock.
    settle();
    deliver_all();
  }
  const auto next = leader();
  ASSERT_NE(next, old);
  EXPECT_TRUE(at(old).now.leads);
  EXPECT_FALSE(answers.contains("lost"));
  set_cut(old, false);
  run(2s);
  EXPECT_EQ(answers.at("lost").why, failure::LEADERSHIP_LOST);
  propose(leader(), "kept");
  run(1s);
  for (model::node_id who = 1; who <= founders; ++who)
    EXPECT_EQ(edits(who), std::vector<std::string>{"kept"}) << who;
}

TEST_F(JournalGroup, AMemberThatWasAwayIsSentWhatIsNoLongerInMemory) {
  limits.memory_bytes = 100 << 20; // Its followers' share is less than they lack.
  start_all();
  const auto leads = elect();
  const model::node_id away = leads == 3 ? 2 : 3;
  stop(away);
  for (int i = 0; i < 300; ++i)
    propose(leads, std::string(60'000, 'x') + std::to_string(i));
  run(200ms);
  EXPECT_EQ(answers.size(), 300U);
  most_bytes = 0;
  start(away);
  say(leads, link_renewed{away});
  run(5s);
  EXPECT_EQ(edits(away), edits(leads));
  EXPECT_EQ(edits(away).size(), 300U);
  EXPECT_GT(most_bytes, 900'000U) << "many entries to a message,";
  EXPECT_LT(most_bytes, 1'100'000U) << "but not too many";
}

/// design/journal.md 9.6: it keeps its place and its term, and takes the rest when it can.
TEST_F(JournalGroup, AFollowerWhoseCatalogIsBehindTakesNoMore) {
  limits.backlog_bytes = 20'000;
  start_all();
  const auto leads = elect();
  const model::node_id slow = leads == 3 ? 2 : 3;
  at(slow).folded.at_once = false;
  const auto term = at(leads).now.term;
  for (int i = 0; i < 100; ++i) {
    propose(leads, std::string(1'000, 'x') + std::to_string(i));
    run(20ms);
  }
  EXPECT_EQ(answers.size(), 100U) << "a slow minority holds nobody up";
  EXPECT_TRUE(at(slow).memory->is_refusing);
  EXPECT_GT(at(slow).memory->refused_appends.load(), 0U);
  EXPECT_LT(at(slow).log->rows.size(), 40U);
  EXPECT_LE(at(slow).memory->not_applied_bytes.load(), 22'000U);
  run(60s);
  EXPECT_EQ(at(leads).now.term, term) << "refusing is no reason for an election";
  at(slow).folded.at_once = true;
  caf::anon_send(at(slow).catalog, tick_due{});
  settle();
  run(200ms);
  EXPECT_FALSE(at(slow).memory->is_refusing);
  say(leads, link_renewed{slow}); // As the links do when a busy member is no longer busy.
  for (int i = 0; i < 20; ++i) {
    run(200ms);
    say(leads, link_renewed{slow});
  }
  EXPECT_EQ(edits(slow), edits(leads));
}

/// What commits the tail may be the very entry that a follower full of it would refuse: it comes in a
/// later message.
TEST_F(JournalGroup, AFollowerThatHoldsALongUncommittedTailTakesWhatCommitsIt) {
  limits.backlog_bytes = 20'000;
  start_all();
  const auto old = elect();
  const model::node_id a = old == 1 ? 2 : 1, b = 6 - old - a;
  set_cut(b, true);
  for (int i = 0; i < 60; ++i) {
    propose(old, std::string(30'000, 'x') + std::to_string(i));
    run(20ms);
  }
  stop(old);
  stop(a);  // It has everything, and forgets what of it is committed.
  start(a);
  set_cut(b, false);
  say(a, link_renewed{b});
  for (int i = 0; i < 100 && leader() == 0; ++i)
    run(100ms);
  ASSERT_EQ(leader(), a) << "only it can lead";
  propose(a, "commits it");
  run(5s);
  EXPECT_EQ(answers["commits it"].why, failure::NONE);
  EXPECT_EQ(edits(b).size(), 61U);
}

TEST_F(JournalGroup, AFollowerRestartsWithItsLog) {
  start_all();
  const auto leads = elect();
  propose(leads, "a");
  run(200ms);
  const model::node_id other = leads == 1 ? 2 : 1;
  stop(other);
  propose(leads, "b");
  run(200ms);
  start(other);
  EXPECT_TRUE(edits(other).empty()) << "it cannot know what is committed";
  say(leads, link_renewed{other});
  run(1s);
  EXPECT_EQ(edits(other), (std::vector<std::string>{"a", "b"}));
}

TEST_F(JournalGroup, AFailingDiskEndsOnlyItsMember) {
  start_all();
  const auto leads = elect();
  at(leads).log->fail_in = 0;
  propose(leads, "x");
  EXPECT_EQ(answers.at("x").why, failure::STORAGE_FAILED);
  EXPECT_FALSE(at(leads).fatal.empty());
  const auto failed = leads;
  stop(failed);
  for (int i = 0; i < 50 && leader() == 0; ++i)
    run(100ms);
  ASSERT_NE(leader(), 0U);
  propose(leader(), "y");
  run(500ms);
  EXPECT_EQ(answers.at("y").why, failure::NONE);
}

TEST_F(JournalGroup, AMemberThatLacksWhatIsTrimmedStartsFromAnImage) {
  start_all();
  const auto leads = elect();
  const model::node_id away = leads == 3 ? 2 : 3, other = 6 - leads - away;
  stop(away);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 50; ++i)
      propose(leads, "r" + std::to_string(round) + "e" + std::to_string(i));
    run(300ms);
    for (const auto who : {leads, other})
      make_image(who);
  }
  const auto older = at(leads).images.begin()->first;
  for (const auto who : {leads, other}) {
    say(who, trim_wanted{10'000});
    settle();
    EXPECT_EQ(at(who).log->first_index(), older + 1) << "no more than what the older image has";
  }
  start(away);
  say(leads, link_renewed{away});
  run(5s);
  EXPECT_EQ(at(away).installed, 1U);
  EXPECT_EQ(edits(away), edits(leads));
  EXPECT_EQ(edits(away).size(), 100U);
  propose(leads, "after");
  run(500ms);
  EXPECT_EQ(edits(away).back(), "after");
  // It has a log of its own again.
  stop(away);
  start(away);
  say(leads, link_renewed{away});
  run(1s);
  EXPECT_EQ(edits(away).back(), "after");
  EXPECT_EQ(at(away).installed, 1U);
}

TEST_F(JournalGroup, AnImageThatCannotBeHadIsOfferedAgain) {
  start_all();
  const auto leads = elect();
  const model::node_id away = leads == 3 ? 2 : 3;
  stop(away);
  for (int round = 0; round < 2; ++round) {
    propose(leads, "e" + std::to_string(round));
    run(300ms);
    make_image(leads);
  }
  say(leads, trim_wanted{10'000});
  settle();
  start(away);
  say(leads, link_renewed{away});
  for (int i = 0; i < 100 && !at(away).wanted; ++i) {
    pass_time(20ms);
    deliver_all();
  }
  ASSERT_TRUE(at(away).wanted);
  fetch(away, true);
  run(60s);
  EXPECT_EQ(edits(away), edits(leads));
}

}  // namespace
}  // namespace tabletd
