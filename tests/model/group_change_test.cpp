// What may become of the group, and the sentences that say why not.
#include "actors/model/group_change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace tabletd::model {
namespace {

/// "1v 2l 3o 4w": voters, one of which leaves, an observer, one that waits for its vote; capitals are up.  1 leads.
group_sight group_of(const std::string& text) {
  group_sight group;
  group.self = 1;
  group.own_address = "h1:9010";
  for (std::size_t i = 0; i + 1 < text.size(); i += 3) {
    const auto id = static_cast<node_id>(text[i] - '0');
    const char kind = text[i + 1];
    const auto lower = static_cast<char>(std::tolower(kind));
    group.members.push_back({id, "h" + std::to_string(id) + ":9010", lower == 'v' || lower == 'l', 0, lower == 'w', lower == 'l'});
    group.seen.push_back({id, "fe" + std::to_string(id), kind != lower});
  }
  return group;
}

std::string text_of(const std::vector<member>& members) {
  std::string text;
  for (const auto& each : members)
    text += (text.empty() ? "" : " ") + std::to_string(each.id) + (each.leaves ? 'l' : each.voter ? 'v' : each.wants_vote ? 'w' : 'o');
  return text;
}

std::string text_of(const group_decision& decision) {
  if (const auto* plan = std::get_if<group_plan>(&decision))
    return text_of(plan->members);
  const auto& error = std::get<statement_error>(decision);
  EXPECT_FALSE(error.hint.empty()) << error.message;
  return error.message;
}

group_sight with_applicant(group_sight group, node_id id, std::string why_not = {}) {
  group.applicants.push_back({{id, "h" + std::to_string(id) + ":9010", false, 0xb, false}, "fe" + std::to_string(id),
                              std::move(why_not)});
  return group;
}

TEST(GroupChange, WhoAsksIsTakenInAsAnObserver) {
  const auto group = with_applicant(group_of("1V 2V 3V"), 4);
  const auto follower = plan_addition(group, "h4:9010", true);
  EXPECT_EQ(text_of(follower), "1v 2v 3v 4w");
  const auto& plan = std::get<group_plan>(follower);
  EXPECT_EQ(plan.members.back().birth, 0xbU) << "its directory goes into the log";
  EXPECT_NE(plan.done.find("fe4 (id 4)"), std::string::npos) << plan.done;
  EXPECT_EQ(text_of(plan_addition(group, "h4:9010", false)), "1v 2v 3v 4o");
}

TEST(GroupChange, WhoCannotBeTakenInIsToldWhy) {
  const auto three = group_of("1V 2V 3V");
  EXPECT_EQ(text_of(plan_addition(three, "h4:9010", true)),
            "no front end at h4:9010 asks to be taken in; nobody does now");
  EXPECT_EQ(text_of(plan_addition(with_applicant(three, 5), "h4:9010", true)),
            "no front end at h4:9010 asks to be taken in; those that do now: fe5 at h5:9010");
  EXPECT_EQ(text_of(plan_addition(with_applicant(three, 4, "it was wiped"), "h4:9010", true)),
            "fe4 at h4:9010 cannot be taken in: it was wiped");
  EXPECT_EQ(text_of(plan_addition(three, "h3:9010", true)), "fe3 (id 3) is a follower of this group already");
  EXPECT_EQ(text_of(plan_addition(group_of("1V 2O"), "h2:9010", false)), "fe2 (id 2) is an observer of this group already");
  auto same_id = with_applicant(three, 4);
  same_id.applicants.front().as.id = 3;
  EXPECT_EQ(text_of(plan_addition(same_id, "h4:9010", true)), "id 3 is that of another front end of this group");
  auto deaf = with_applicant(three, 4);
  deaf.own_address.clear();
  EXPECT_EQ(text_of(plan_addition(deaf, "h4:9010", true)),
            "this front end has no edit log port, so nobody can be sent its log");
}

TEST(GroupChange, AnObserverMayBecomeAFollowerLater) {
  EXPECT_EQ(text_of(plan_addition(group_of("1V 2O"), "h2:9010", true)), "1v 2w");
  EXPECT_EQ(text_of(plan_addition(group_of("1V 2W"), "h2:9010", false)), "1v 2o");
}

TEST(GroupChange, DroppingKeepsAMajorityThatIsUp) {
  const struct {
    const char* group;
    const char* address;
    bool votes;
    const char* expected;
  } table[] = {
      {"1V 2V 3V", "h3:9010", true, "1v 2v"},
      {"1V 2V 3v", "h3:9010", true, "1v 2v"},
      {"1V 2V 3V", "h1:9010", true, "1l 2v 3v"},
      {"1V 2V 3v", "h2:9010", true,
       "without fe2 (id 2) 1 of 2 followers would be up, which is no majority: nothing could be written"},
      {"1V 2V", "h2:9010", true, "1v"},
      {"1V 2o", "h2:9010", false, "1v"},
      {"1V 2W", "h2:9010", true, "1v"},
      {"1V 2O", "h2:9010", true, "fe2 (id 2) is an observer"},
      {"1V 2V 3V", "h3:9010", false, "fe3 (id 3) is a follower"},
      {"1V 2O", "h1:9010", true, "fe1 (id 1) is the last follower: without it there is no log"},
      {"1V 2l 3V", "h1:9010", true, "1l 2l 3v"},
      {"1V 2L 3v", "h1:9010", true,
       "without fe1 (id 1) 0 of 1 followers would be up, which is no majority: nothing could be written"},
      {"1V 2L", "h1:9010", true, "fe1 (id 1) is the last follower: without it there is no log"},
      {"1V 2V", "h9:9010", true, "no front end of this group has the edit log address h9:9010"},
  };
  for (const auto& row : table)
    EXPECT_EQ(text_of(plan_removal(group_of(row.group), row.address, row.votes)), row.expected) << row.group;
}

TEST(GroupChange, OnlyAFollowerThatIsUpCanBeHandedTheLead) {
  const auto group = group_of("1V 2V 3v 4O 5W");
  EXPECT_EQ(std::get<node_id>(find_successor(group, "fe2")), 2U);
  EXPECT_EQ(std::get<node_id>(find_successor(group, "fe1")), 1U) << "it leads already";
  const auto refused = [&](const char* name) { return std::get<statement_error>(find_successor(group, name)).message; };
  EXPECT_EQ(refused("fe3"), "fe3 is not up");
  EXPECT_EQ(refused("fe4"), "fe4 is an observer, and only a follower can lead");
  EXPECT_EQ(refused("fe9"), "there is no front end called fe9");
}

/// What it would do, in this order.
std::string steps_of(const group_sight& group) {
  std::string text;
  for (const auto& next : next_steps(group)) {
    const auto* plan = std::get_if<group_plan>(&next);
    text += (text.empty() ? "" : ", ") + (plan ? text_of(plan->members) : "step down");
  }
  return text.empty() ? "rest" : text;
}

TEST(GroupChange, ByItselfTheLeaderGivesVotesOneByOne) {
  const auto step = [](const char* group) { return steps_of(group_of(group)); };
  EXPECT_EQ(step("1V 2V 3V"), "rest");
  EXPECT_EQ(step("1V 2O"), "rest");
  EXPECT_EQ(step("1V 2w"), "rest") << "it is not up";
  EXPECT_EQ(step("1V 2w 3W"), "1v 2w 3v");
  EXPECT_EQ(step("1V 2W 3W"), "1v 2v 3w, 1v 2w 3v");
}

TEST(GroupChange, ALeaderThatIsDroppedHandsOverAndTheNextOneDropsIt) {
  EXPECT_EQ(steps_of(group_of("1L 2V 3V")), "step down");
  EXPECT_EQ(steps_of(group_of("1V 2l 3V")), "1v 3v");
  EXPECT_EQ(text_of(plan_addition(group_of("1V 2L 3V"), "h2:9010", true)), "1v 2v 3v") << "it may be asked to stay";
}

/// Or each would hand over to the other for ever.
TEST(GroupChange, OfTwoThatLeaveTheOneThatLeadsDropsTheOtherFirst) {
  EXPECT_EQ(steps_of(group_of("1L 2L 3V")), "1l 3v, step down");
}

/// To drop the first would leave one of two up; the vote that a member waits for helps.
TEST(GroupChange, AStepThatIsRefusedDoesNotHideTheNext) {
  auto group = group_of("1L 2V 3v 4W");
  group.self = 2;
  group.own_address = "h2:9010";
  EXPECT_EQ(steps_of(group), "2v 3v 4w, 1l 2v 3v 4v");
  EXPECT_TRUE(concerns_the_step(consensus_refusal::not_caught_up));
  EXPECT_FALSE(concerns_the_step(consensus_refusal::change_open)) << "so is every other step";
  EXPECT_FALSE(concerns_the_step(consensus_refusal::none));
}

TEST(GroupChange, TheLeaderPutsItsOwnAddressRight) {
  auto group = group_of("1V 2W");
  group.own_address = "moved:9010";
  const auto steps = next_steps(group);
  ASSERT_FALSE(steps.empty());
  const auto& members = std::get<group_plan>(steps.front()).members;
  EXPECT_EQ(members.front().address, "moved:9010");
  EXPECT_EQ(text_of(members), "1v 2w") << "one thing after the other";
}

}  // namespace
}  // namespace tabletd::model
