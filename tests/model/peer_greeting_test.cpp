// Who may take part in the group: above all that a wiped directory may not.
#include "actors/model/peer_greeting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

namespace tabletd::model {
namespace {

greeting fe(node_id node, std::uint64_t birth) {
  greeting made;
  made.cluster = "c";
  made.node = node;
  made.birth = birth;
  made.founders = {{1, "h1:1"}, {2, "h2:1"}, {3, "h3:1"}};
  made.known = {{node, birth}};
  return made;
}

/// Both ends of a link.
void link(greeting& a, greeting& b) {
  const auto of_a = a;
  EXPECT_TRUE(meet(a, b).ok());
  EXPECT_TRUE(meet(b, of_a).ok());
}

void link_all(greeting& a, greeting& b, greeting& c) {
  link(a, b);
  link(a, c);
  link(b, c);
}

TEST(PeerGreeting, TheGroupIsFoundedWhenAllKnowTheSame) {
  auto a = fe(1, 11), b = fe(2, 22), c = fe(3, 33);
  link(a, b);
  link(a, c);
  EXPECT_FALSE(may_found(a)) << "it has met all, but they have not";
  link(b, c);
  EXPECT_FALSE(may_found(c));
  link_all(a, b, c);
  EXPECT_TRUE(may_found(a) && may_found(b) && may_found(c));
  EXPECT_FALSE(meet(b, a).has_learned);
}

TEST(PeerGreeting, AWipedMemberIsRefusedAndStops) {
  auto a = fe(1, 11), b = fe(2, 22), c = fe(3, 33);
  link_all(a, b, c);
  link_all(a, b, c);
  a.is_founded = b.is_founded = true;
  auto wiped = fe(3, 34);
  EXPECT_NE(meet(a, wiped).refusal.find("fe 3 has a new directory"), std::string::npos);
  EXPECT_NE(meet(wiped, a).fatal.find("so says fe 1"), std::string::npos);
  EXPECT_FALSE(may_found(wiped));
  EXPECT_EQ(a.known.at(3), 33U);
}

/// Wiped between its meeting with one and its meeting with the other.
TEST(PeerGreeting, MembersThatKnowDifferentDirectoriesNeverFound) {
  auto a = fe(1, 11), b = fe(2, 22), c = fe(3, 33);
  link(a, b);
  auto again = fe(1, 12);
  link(again, c);
  const auto refusal = meet(b, c).refusal;
  EXPECT_NE(refusal.find("know different directories of fe 1"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("found the group again"), std::string::npos) << refusal;
}

/// Nobody is told to empty a directory in which there is data.
TEST(PeerGreeting, AFoundedGroupIsNotToldToBeginAnew) {
  for (const bool is_self : {true, false}) {
    auto b = fe(2, 22), c = fe(3, 33);
    b.known.insert({{1, 11}, {3, 33}});
    c.known.insert({{1, 12}, {2, 22}});
    (is_self ? b : c).is_founded = true;
    const auto refusal = meet(b, c).refusal;
    EXPECT_NE(refusal.find("drop fe 1 and let it join under a new node.id"), std::string::npos) << refusal;
    EXPECT_EQ(refusal.find("empty"), std::string::npos) << refusal;
  }
}

/// Another group of the same name answers under a configured address.
TEST(PeerGreeting, AStrangerCannotStopAMember) {
  auto a = fe(1, 11), b = fe(2, 22), c = fe(3, 33);
  link_all(a, b, c);
  a.is_founded = true;
  auto stranger = fe(2, 77);
  stranger.known = {{1, 66}, {2, 77}, {3, 88}};
  stranger.is_founded = true;
  const auto verdict = meet(a, stranger);
  EXPECT_TRUE(verdict.fatal.empty());
  EXPECT_FALSE(verdict.refusal.empty());
}

/// It restarted before it could found, and one of the others is away.
TEST(PeerGreeting, WhoHasMetAllFoundsWithAnyFoundedMember) {
  auto a = fe(1, 11), b = fe(2, 22), c = fe(3, 33);
  link_all(a, b, c);
  link_all(a, b, c);
  a.is_founded = true;
  b.agreed.clear();
  EXPECT_FALSE(may_found(b));
  EXPECT_TRUE(meet(b, a).ok());
  EXPECT_TRUE(may_found(b));
}

/// It was never there when the group was founded, by members that have no births of it.
TEST(PeerGreeting, AGroupThatWasFoundedWithoutThisNodeIsNotItsOwn) {
  auto old = fe(1, 11);
  old.is_founded = true;  // A log from before births were kept.
  auto late = fe(2, 22);
  EXPECT_FALSE(meet(late, old).fatal.empty());
}

TEST(PeerGreeting, MistakesInTheConfigurationAreNamed) {
  auto a = fe(1, 11);
  const auto refusal = [&](greeting peer) { return meet(a, peer).refusal; };
  auto b = fe(2, 22);
  b.cluster = "other";
  EXPECT_NE(refusal(b).find("cluster 'other'"), std::string::npos);
  b = fe(2, 22);
  b.version = 9;
  EXPECT_NE(refusal(b).find("version 9"), std::string::npos);
  b = fe(2, 22);
  b.founders.pop_back();
  EXPECT_NE(refusal(b).find("would found the group with 1@h1:1, 2@h2:1 and"), std::string::npos) << refusal(b);
  EXPECT_NE(refusal(fe(1, 12)).find("calls itself fe 1 too"), std::string::npos);
  EXPECT_NE(refusal(fe(4, 44)).find("fe 4 is no member"), std::string::npos);
  b = fe(2, 22);
  a.cluster_id[0] = 1;
  b.cluster_id[0] = 2;
  EXPECT_NE(refusal(b).find("another cluster"), std::string::npos);
  EXPECT_EQ(a.known.size(), 1U) << "nobody was learned";
}

TEST(PeerGreeting, AFoundedMemberMayHaveAnotherListOfFounders) {
  auto a = fe(1, 11), b = fe(2, 22);
  link(a, b);
  a.is_founded = b.is_founded = true; // Long ago.
  b.founders[2].address = "moved:1";
  EXPECT_TRUE(meet(a, b).ok());
}

/// A group of three that has a log.
struct PeerGreetingJoin : testing::Test {
  greeting a = fe(1, 11), b = fe(2, 22), c = fe(3, 33);
  std::vector<member> group = a.founders;
  PeerGreetingJoin() {
    for (int i = 0; i < 2; ++i)
      link_all(a, b, c);
    for (auto* each : {&a, &b, &c})
      log_says(*each, group, 1);
  }
  static void log_says(greeting& to, const std::vector<member>& members, std::uint64_t index) {
    to.is_founded = true;
    learn_members(to, members, members, index);
  }
  static greeting joiner(node_id node, std::uint64_t birth) {
    auto made = fe(node, birth);
    made.joins = true;
    made.founders.push_back({node, "h" + std::to_string(node) + ":1"});
    return made;
  }
  static std::vector<member> with(std::vector<member> group, node_id node, std::uint64_t birth) {
    group.push_back({node, "h" + std::to_string(node) + ":1", true, birth});
    return group;
  }
};

TEST_F(PeerGreetingJoin, WhoIsTakenInIsKnownByItsDirectoryEverywhere) {
  auto d = joiner(4, 44);
  const auto asked = meet(a, d);
  EXPECT_TRUE(asked.is_applicant);
  EXPECT_NE(asked.refusal.find("ALTER SYSTEM ADD FOLLOWER \"h4:1\""), std::string::npos) << asked.refusal;
  const auto told = meet(d, a);
  EXPECT_TRUE(told.is_outsider && told.fatal.empty());
  EXPECT_FALSE(a.known.contains(4)) << "another directory may come under this id";
  log_says(a, with(group, 4, 44), 7);
  link(a, d);
  EXPECT_EQ(d.known.at(3), 33U) << "the founders' births are told";
  // Started again without node.join, before it had anything of the log.
  auto forgetful = joiner(4, 44);
  forgetful.joins = false;
  EXPECT_NE(meet(forgetful, a).refusal.find("node.join = true"), std::string::npos);
  EXPECT_FALSE(may_found(forgetful));
  // b has never met it.
  log_says(b, with(group, 4, 44), 7);
  auto wiped = joiner(4, 45);
  EXPECT_NE(meet(b, wiped).refusal.find("fe 4 has a new directory"), std::string::npos);
  EXPECT_NE(meet(wiped, b).fatal.find("fe 4 has a new directory"), std::string::npos);
  wiped.joins = false;
  EXPECT_NE(meet(wiped, b).fatal.find("fe 4 has a new directory"), std::string::npos);
}

TEST_F(PeerGreetingJoin, AFounderThatLostItsDirectoryCannotJoinUnderItsId) {
  auto wiped = joiner(3, 34);
  EXPECT_FALSE(meet(wiped, a).fatal.empty());
  EXPECT_FALSE(meet(a, wiped).is_applicant);
  EXPECT_FALSE(why_not_to_add(a, {3, "h3:1", false, 34}).empty());
  EXPECT_TRUE(why_not_to_add(a, {4, "h4:1", false, 44}).empty());
}

/// Nor after the group has dropped it.
TEST_F(PeerGreetingJoin, AFounderThatLostItsDirectoryAndWasDroppedCannotJoinUnderItsId) {
  log_says(a, with({group[0], group[1]}, 4, 44), 9);
  auto wiped = joiner(3, 34);
  const auto asked = meet(a, wiped);
  EXPECT_NE(asked.refusal.find("fe 3 has a new directory"), std::string::npos) << asked.refusal;
  EXPECT_FALSE(why_not_to_add(a, {3, "h3:1", false, 34}).empty()) << "so says ALTER SYSTEM ADD FOLLOWER";
  EXPECT_NE(meet(wiped, a).fatal.find("fe 3 has a new directory"), std::string::npos);
}

TEST_F(PeerGreetingJoin, TheNewerMembershipJudges) {
  const auto changed = with({group[0], group[1]}, 4, 44);  // 3 is gone, 4 has come.
  auto d = joiner(4, 44);
  log_says(a, changed, 9);
  log_says(d, changed, 9);
  EXPECT_TRUE(meet(b, d).ok()) << "it was away and takes the word of the newer one";
  const auto told = meet(c, a);
  EXPECT_TRUE(told.is_outsider);
  EXPECT_NE(told.refusal.find("no member of the group any more"), std::string::npos);
  EXPECT_NE(meet(a, c).refusal.find("fe 3 is no member"), std::string::npos);
  EXPECT_NE(meet(d, c).refusal.find("fe 3 is no member"), std::string::npos);
}

/// Else a member that was cut off while it led could never be given the log that replaces the change.
TEST_F(PeerGreetingJoin, AChangeThatIsNotCommittedKeepsNobodyApart) {
  learn_members(c, {group[0], group[2]}, group, 1);  // b was to go.
  EXPECT_TRUE(meet(b, c).ok());
  EXPECT_TRUE(meet(c, b).ok());
  const auto grown = with(group, 4, 44);
  learn_members(a, grown, group, 1);
  auto d = joiner(4, 44);
  EXPECT_TRUE(meet(a, d).ok()) << "it has to acknowledge the change that makes it a member";
  EXPECT_TRUE(meet(d, a).ok());
  learn_members(d, grown, group, 1);
  d.is_founded = true;
  EXPECT_TRUE(meet(b, d).ok()) << "b has not heard of it yet";
  // Another leader had added another directory under that id, and it never came true.
  learn_members(c, with(group, 4, 45), group, 1);
  EXPECT_TRUE(meet(d, c).fatal.empty());
  log_says(a, {group[0], group[2]}, 50);
  EXPECT_TRUE(meet(b, a).is_outsider) << "now it is committed";
}

TEST_F(PeerGreetingJoin, NobodyJoinsWhatIsNotThere) {
  auto d = joiner(4, 44), founder = fe(1, 11);
  EXPECT_NE(meet(founder, d).refusal.find("found the group"), std::string::npos);
  EXPECT_NE(meet(d, founder).refusal.find("found the group"), std::string::npos);
  EXPECT_FALSE(may_found(d));
}

TEST_F(PeerGreetingJoin, AFounderThatIsWipedCannotDeceiveWhoWasNotThere) {
  auto d = joiner(4, 44);
  log_says(a, with(group, 4, 44), 7);
  link(a, d);
  log_says(d, with(group, 4, 44), 7);
  auto wiped = fe(2, 23);
  EXPECT_NE(meet(d, wiped).refusal.find("fe 2 has a new directory"), std::string::npos);
  EXPECT_FALSE(meet(wiped, d).fatal.empty());
}

/// A directory takes part as soon as it has a log and another one with a log goes by its word.
struct history {
  explicit history(std::uint32_t seed) : rng(seed) {}
  std::mt19937 rng;
  std::uint64_t births = 100;
  std::size_t victim = rng() % 3;  ///< Who loses its directory: a minority, or nothing could be kept.
  std::array<greeting, 3> at{fe(1, 1), fe(2, 2), fe(3, 3)};
  std::array<bool, 3> has_stopped{};
  birth_register took_part;
  std::size_t stops = 0;

  void something_happens() {
    const auto who = rng() % 3, other = rng() % 3;
    const auto what = rng() % 10;
    if (what < 7 && who != other && !has_stopped[who] && !has_stopped[other]) {
      has_stopped[who] = !meet(at[who], at[other]).fatal.empty();
      stops += has_stopped[who] ? 1 : 0;
    } else if (what < 9 && !has_stopped[who] && may_found(at[who])) {
      at[who].is_founded = true;
    } else if (what == 9 && rng() % 4 == 0) {
      at[victim] = fe(victim + 1, ++births);
      has_stopped[victim] = false;
    }
  }
  [[nodiscard]] bool is_sound() {
    for (const auto& one : at)
      for (const auto& other : at) {
        const auto heard = other.known.find(one.node);
        if (&one == &other || !one.is_founded || !other.is_founded || heard == other.known.end()
            || heard->second != one.birth)
          continue;
        if (took_part.emplace(one.node, one.birth).first->second != one.birth)
          return false;
      }
    return true;
  }
};

/// Whatever the order of meetings, foundings and wipings.
TEST(PeerGreeting, NoHistoryLetsTwoDirectoriesOfOneMemberTakePart) {
  std::size_t took_part = 0, stops = 0;
  for (std::uint32_t seed = 1; seed <= 20'000; ++seed) {
    history one(seed);
    for (int i = 0; i < 100; ++i) {
      one.something_happens();
      ASSERT_TRUE(one.is_sound()) << "seed " << seed;
    }
    took_part += one.took_part.size();
    stops += one.stops;
  }
  EXPECT_GT(took_part, 10'000U);
  EXPECT_GT(stops, 1'000U);
}

/// A group that has a log, and two that come and go.  Whoever is taken for a member sends its log.
struct changing_history {
  explicit changing_history(std::uint32_t seed) : rng(seed) {
    for (int i = 0; i < 2; ++i)
      link_all(at[0], at[1], at[2]);
    for (std::size_t i = 0; i < 3; ++i) {
      at[i].is_founded = true;
      learn_members(at[i], at[i].founders, at[i].founders, 1);
    }
    for (std::size_t i = 3; i < 5; ++i)
      wipe(i, true);
  }
  std::mt19937 rng;
  std::uint64_t births = 100;
  std::uint64_t newest = 1;
  std::array<greeting, 5> at{fe(1, 1), fe(2, 2), fe(3, 3), fe(4, 4), fe(5, 5)};
  std::array<bool, 5> has_stopped{};
  birth_register founders_heard{{1, 1}, {2, 2}, {3, 3}};
  std::size_t taken_in = 0, stops = 0;
  std::string fault;

  void wipe(std::size_t who, bool joins) {
    at[who] = fe(who + 1, ++births);
    at[who].joins = joins;
    if (who >= 3)
      at[who].founders.push_back({who + 1, "h" + std::to_string(who + 1) + ":1"});
    has_stopped[who] = false;
  }
  /// `who` hears `other`, and if it may, what stands in the other's log.
  void hear(greeting& who, const greeting& other) {
    const auto before = who;
    const auto verdict = meet(who, other);
    if (!verdict.fatal.empty()) {
      has_stopped[who.node - 1] = true;
      ++stops;
    }
    if (verdict.is_applicant && who.members_index == newest && why_not_to_add(who, {other.node, "", false, other.birth}).empty()) {
      auto members = who.members;
      members.push_back({other.node, "h" + std::to_string(other.node) + ":1", true, other.birth});
      learn_members(who, members, members, ++newest);
      ++taken_in;
    }
    if (!verdict.ok())
      return;
    check(before, other);
    if (other.members_index > who.members_index) {
      who.is_founded = true;
      learn_members(who, other.members, other.members, other.members_index);
    }
  }
  void check(const greeting& who, const greeting& heard) {
    const auto& members = heard.members_index > who.members_index ? heard.members : who.members;
    const auto one = std::ranges::find(members, heard.node, &member::id);
    if (one == members.end() || std::ranges::find(members, who.node, &member::id) == members.end())
      fault = "a stranger was heard";
    else if (one->birth != 0 ? one->birth != heard.birth : founders_heard.at(heard.node) != heard.birth)
      fault = "another directory of fe " + std::to_string(heard.node) + " was heard by fe " + std::to_string(who.node);
  }
  void something_happens() {
    const auto who = rng() % 5, other = rng() % 5;
    const auto what = rng() % 20;
    if (what < 17 && who != other && !has_stopped[who] && !has_stopped[other])
      hear(at[who], at[other]);
    else if (what == 17 && at[who].members_index == newest && who != other && at[who].members.size() > 1) {
      auto members = at[who].members;
      std::erase_if(members, [&](const member& each) { return each.id == other + 1; });
      learn_members(at[who], members, members, ++newest);
    } else if (what == 18 && who >= 2 && rng() % 3 == 0)  // Of the founders a minority.
      wipe(who, rng() % 2 == 0);
  }
};

TEST(PeerGreeting, NoHistoryOfJoiningLetsAnotherDirectoryBeHeard) {
  std::size_t taken_in = 0, stops = 0;
  for (std::uint32_t seed = 1; seed <= 5'000; ++seed) {
    changing_history one(seed);
    for (int i = 0; i < 300; ++i) {
      one.something_happens();
      ASSERT_EQ(one.fault, "") << "seed " << seed << " after " << i;
    }
    taken_in += one.taken_in;
    stops += one.stops;
  }
  EXPECT_GT(taken_in, 5'000U);
  EXPECT_GT(stops, 5'000U);
}

}  // namespace
}  // namespace tabletd::model
