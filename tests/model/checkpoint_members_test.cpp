// K6 where more than one member is down at a time, and where a marked one leaves the group.
#include "tests/model/checkpoint_rig.h"

#include <algorithm>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;

using ids = std::vector<node_id>;

struct CheckpointLostMembers : checkpoint_rig {
  static constexpr node_id M4 = 4, M5 = 5;

  /// Everybody holds image 50000.
  void lead_all(const ids& group) {
    c.emplace(options, term{5}, L, group, checkpoint_marks{}, now);
    for (const auto id : group) {
      boots[id] = 10 + id;
      see(id, 10, 100'400, {i50});
    }
  }
  /// Those hold image 100000 too; too few entries follow for another one.
  void hold_newest(const ids& who) {
    for (const auto id : who)
      see(id, 10, id == L ? 100'050 : 100'400, {i100, i50});
  }
  void lose(const ids& who) {
    for (const auto id : who)
      feed(member_lost{id});
  }
  static ids marked(const checkpoint_effects& effects) {
    ids who;
    for (const auto& each : all<log_decision>(effects)) {
      EXPECT_EQ(each.decision.what, checkpoint_decision::excuse_member);
      who.push_back(each.decision.member);
    }
    return who;
  }
  checkpoint_effects logged(node_id member) { return feed(decision_logged{checkpoint_decision::excuse_member, member}); }
  checkpoint_effects pass_retain_time() { return pass(options.retain_time_max + 1s); }
};

TEST_F(CheckpointLostMembers, TwoOfFiveAreMarkedThoughNeitherAloneFreesAnything) {
  lead_all({L, F1, F2, M4, M5});
  lose({M4, M5});
  hold_newest({L, F1, F2});
  EXPECT_EQ(marked(pass_retain_time()), (ids{M4, M5}));
  EXPECT_TRUE(all<prove_leadership>(logged(M4)).empty()) << "the other one still counts";
  EXPECT_EQ(proved(logged(M5)), (std::map<node_id, std::uint64_t>{{L, 50'000}, {F1, 50'000}, {F2, 50'000}}));
}

TEST_F(CheckpointLostMembers, AFollowerAndAnObserverOfFourAreMarked) {
  constexpr node_id observer = M4;
  lead_all({L, F1, F2, observer});
  lose({F2, observer});
  hold_newest({L, F1});
  EXPECT_EQ(marked(pass_retain_time()), (ids{F2, observer}));
  logged(F2);
  EXPECT_EQ(proved(logged(observer)), (std::map<node_id, std::uint64_t>{{L, 50'000}, {F1, 50'000}}));
}

TEST_F(CheckpointLostMembers, OneWhoseDecisionIsNotLoggedIsDecidedAgainAlone) {
  lead_all({L, F1, F2, M4, M5});
  lose({M4, M5});
  hold_newest({L, F1, F2});
  pass_retain_time();
  EXPECT_TRUE(marked(pass(1s)).empty()) << "both are on their way";
  EXPECT_EQ(marked(feed(decision_failed{checkpoint_decision::excuse_member, M5})), ids{M5});
  logged(M4);
  EXPECT_EQ(marked(feed(decision_failed{checkpoint_decision::excuse_member, M5})), ids{M5});
}

TEST_F(CheckpointLostMembers, NobodyIsMarkedWhileAnotherOneIsNotDownForLongEnough) {
  lead_all({L, F1, F2, M4, M5});
  lose({M4});
  hold_newest({L, F1, F2});
  pass(1h);
  lose({M5});
  EXPECT_TRUE(marked(pass(options.retain_time_max - 30min)).empty()) << "nothing would be set free";
  EXPECT_EQ(marked(pass(1h)), (ids{M4, M5}));
}

/// It went down when it had all that the others may delete.
TEST_F(CheckpointLostMembers, WhoHoldsUpNothingIsNotMarked) {
  lead_all({L, F1, F2, M4, M5});
  hold_newest({L, F1, F2, M4});
  lose({M4, M5});
  EXPECT_EQ(marked(pass_retain_time()), ids{M5});
}

// -- who leaves --------------------------------------------------------------------------

struct CheckpointLeavers : CheckpointLostMembers {
  static ids unmarked(const checkpoint_effects& effects) {
    ids who;
    for (const auto& each : all<log_decision>(effects)) {
      EXPECT_EQ(each.decision.what, checkpoint_decision::readmit_member);
      EXPECT_EQ(each.decision.why, "it left the group");
      who.push_back(each.decision.member);
    }
    return who;
  }
};

TEST_F(CheckpointLeavers, TheMarkOfOneThatLeftUnderAnEarlierLeaderIsTakenOff) {
  lead(6, {9});
  EXPECT_TRUE(unmarked(pass(options.settle - 1ms)).empty());
  EXPECT_EQ(unmarked(pass(1ms)), ids{9});
  EXPECT_TRUE(unmarked(pass(1s)).empty()) << "it is on its way into the log";
  EXPECT_EQ(unmarked(feed(decision_failed{checkpoint_decision::readmit_member, 9})), ids{9});
  EXPECT_TRUE(unmarked(feed(decision_logged{checkpoint_decision::readmit_member, 9})).empty());
  EXPECT_TRUE(unmarked(pass(1h)).empty());
}

TEST_F(CheckpointLeavers, TheMarkOfOneThatLeavesIsTakenOff) {
  lead(6, {F2});
  EXPECT_TRUE(unmarked(feed(group_changed{{L, F1}})).empty());
  EXPECT_EQ(unmarked(pass(options.settle)), ids{F2});
}

TEST_F(CheckpointLeavers, OneThatLeavesWhileItsMarkIsLoggedLosesItToo) {
  lead_all({L, F1, F2});
  lose({F2});
  hold_newest({L, F1});
  EXPECT_EQ(marked(pass_retain_time()), ids{F2});
  feed(group_changed{{L, F1}});
  EXPECT_TRUE(unmarked(pass(options.settle)).empty()) << "there is no mark yet";
  feed(decision_logged{checkpoint_decision::excuse_member, F2});
  EXPECT_EQ(unmarked(pass(options.settle)), ids{F2});
}

TEST_F(CheckpointLeavers, OneThatIsGoneForAMomentKeepsItsMark) {
  lead(6, {F2});
  feed(group_changed{{L, F1}});
  feed(group_changed{{L, F1, F2}});
  EXPECT_TRUE(unmarked(pass(options.settle)).empty());
  EXPECT_TRUE(c->members().at(F2).excused);
}

} // namespace
} // namespace tabletd::model
