// Who keeps the group: what it asks of the journal, and what the client is told.
#include "actors/journal/group_keeper.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"

#include <caf/event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <vector>

namespace tabletd {
namespace {

using model::consensus_refusal;

struct GroupKeeper : test::actor_world {
  model::group_sight sight;
  std::vector<std::vector<model::member>> changes;  ///< Asked for.
  std::vector<model::node_id> hand_overs;
  group_outcome verdict;
  bool journal_is_silent = false;
  std::vector<caf::typed_response_promise<group_outcome>> held;
  group_journal_actor journal;
  group_keeper_actor keeper;

  void SetUp() override {
    sight = {.self = 1,
             .own_address = "h1:1",
             .members = {{1, "h1:1"}, {2, "h2:1"}, {3, "h3:1"}},
             .seen = {{1, "fe1", true}, {2, "fe2", true}, {3, "fe3", true}},
             .applicants = {{{4, "h4:1", false, 44}, "fe4", {}}}};
    journal = sys.spawn(
        [this](group_journal_actor::pointer self, int) -> group_journal_actor::behavior_type {
          return {[](const edit_message&) { return edit_outcome{}; },
                  [](replay_from, const catalog_sink_actor&) {},
                  [](watch_standing, const standing_listener_actor&) {},
                  [this, self](const change_members& wanted) {
                    changes.push_back(wanted.members);
                    return answer(self);
                  },
                  [this, self](hand_over wanted) {
                    hand_overs.push_back(wanted.to);
                    return answer(self);
                  },
                  [](confirm_leading) { return leading_confirmed{}; }};
        },
        0);
    keeper = sys.spawn(group_keeper, group_keeper_ports{journal, [this] { return sight; }});
    settle();
  }
  void TearDown() override {
    urgent_exit(keeper, caf::exit_reason::user_shutdown);
    urgent_exit(journal, caf::exit_reason::user_shutdown);
    settle();
  }
  caf::typed_response_promise<group_outcome> answer(group_journal_actor::pointer self) {
    auto promise = self->make_response_promise<group_outcome>();
    if (journal_is_silent)
      held.push_back(promise);
    else
      promise.deliver(verdict);
    return promise;
  }
  void ticks(int count) {
    for (; count > 0; --count)
      pass(group_keeper_ports{}.tick);
  }
  template <class Wish>
  group_answer ask(Wish wish) {
    group_answer got;
    const auto client = sys.spawn([&](caf::event_based_actor* self) {
      self->request(keeper, caf::infinite, wish).then([&got](const group_answer& what) { got = what; });
    });
    settle();
    return got;
  }
};

TEST_F(GroupKeeper, AClientHearsWhatCameOfIt) {
  EXPECT_NE(ask(member_wanted{"h4:1", true}).done.find("added fe4"), std::string::npos);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_TRUE(changes[0].back().wants_vote);
  verdict.why = consensus_refusal::change_open;
  const auto busy = ask(member_wanted{"h4:1", true});
  EXPECT_TRUE(busy.done.empty());
  EXPECT_EQ(busy.error.code, model::error_code::conflict);
  EXPECT_FALSE(busy.error.outcome_unknown);
  verdict = {{}, "it stopped leading"};
  const auto unknown = ask(member_unwanted{"h3:1", true});
  EXPECT_TRUE(unknown.error.outcome_unknown) << "the next leader may have it";
  const auto senseless = changes.size();
  EXPECT_EQ(ask(member_unwanted{"h9:1", true}).error.code, model::error_code::not_found);
  EXPECT_EQ(changes.size(), senseless) << "the journal is not asked";
}

TEST_F(GroupKeeper, LeadershipGoesToWhoIsNamed) {
  EXPECT_FALSE(ask(leader_wanted{"fe3"}).done.empty());
  EXPECT_EQ(hand_overs, std::vector<model::node_id>{3});
  EXPECT_EQ(ask(leader_wanted{"fe1"}).done, "fe1 leads already");
  EXPECT_EQ(hand_overs.size(), 1U) << "the journal is not asked";
}

TEST_F(GroupKeeper, ByItselfItGivesVotesAndHandsOverWhatLeaves) {
  ticks(4);
  EXPECT_TRUE(changes.empty() && hand_overs.empty()) << "there is nothing to do";
  sight.members[2].voter = false;
  sight.members[2].wants_vote = true;
  verdict.why = consensus_refusal::not_caught_up;
  ticks(2);
  EXPECT_EQ(changes.size(), 2U) << "refused is not yet";
  EXPECT_TRUE(changes.back()[2].voter);
  sight.members[0].leaves = true;
  ticks(1);
  EXPECT_EQ(hand_overs, std::vector<model::node_id>{0}) << "whoever is most up to date";
}

TEST_F(GroupKeeper, AWishThatIsRefusedBlocksNoOther) {
  sight.members[1].leaves = true;
  sight.members[2].voter = false;
  sight.members[2].wants_vote = true;
  verdict.why = consensus_refusal::not_caught_up;
  ticks(1);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].size(), 2U) << "who leaves";
  EXPECT_TRUE(changes[1][2].voter) << "and then who waits";
  verdict.why = consensus_refusal::change_open;
  ticks(1);
  EXPECT_EQ(changes.size(), 3U) << "that concerns every step";
  verdict = {};
  ticks(1);
  EXPECT_EQ(changes.size(), 4U) << "one at a time";
}

TEST_F(GroupKeeper, OneStepAtATime) {
  sight.members[1].leaves = true;
  journal_is_silent = true;
  ticks(8);
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].size(), 2U);
}

}  // namespace
}  // namespace tabletd
