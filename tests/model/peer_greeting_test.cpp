// Who may take part in the group: above all that a wiped directory may not.
#include "actors/model/peer_greeting.h"

#include <gtest/gtest.h>

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
  EXPECT_NE(meet(b, c).refusal.find("know different directories of fe 1"), std::string::npos);
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

}  // namespace
}  // namespace tabletd::model
