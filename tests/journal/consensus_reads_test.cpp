// Whether a leader still leads, for reads: asked of the others, by number, and never guessed.
#include "tests/journal/consensus_trio.h"

namespace tabletd {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Reads : consensus_trio {
  void lead(model::node_id id) {
    elect(id);
    node(id).propose({"term began"}, now);
    write_all();
    settle();
    pass(200ms);
    ASSERT_TRUE(node(id).leads());
  }
  std::size_t questions() {
    collect();
    return static_cast<std::size_t>(
        std::ranges::count_if(mail, [](const envelope& each) { return std::holds_alternative<model::leader_asked>(each.what); }));
  }
  /// The newest confirmation that a step of `id` gave while `what` happened.
  template <class What>
  std::optional<model::confirmed_reads> confirmed_by(model::node_id id, What what) {
    node(id).confirmed.reset();
    what();
    return node(id).confirmed;
  }
};

TEST_F(Reads, AMajorityThatKnowsNoLaterTermConfirms) {
  lead(1);
  const auto held = node(1).pending_writes();
  node(1).read(7, now);
  EXPECT_EQ(questions(), 2U);
  EXPECT_EQ(node(1).pending_writes(), held) << "it costs no write";
  const auto confirmed = confirmed_by(1, [&] { settle(); });
  ASSERT_TRUE(confirmed);
  EXPECT_EQ(confirmed->ticket, 7U);
  EXPECT_EQ(confirmed->index, node(1).last.committed_upto);
}

TEST_F(Reads, ThoseThatComeMeanwhileShareTheNextRound) {
  lead(1);
  node(1).read(1, now);
  node(1).read(2, now);
  node(1).read(3, now);
  EXPECT_EQ(questions(), 2U) << "one round";
  deliver(1, 2);
  const auto first = confirmed_by(1, [&] { deliver(2, 1); });
  ASSERT_TRUE(first);
  EXPECT_EQ(first->ticket, 1U) << "the answer may be older than the others";
  const auto second = confirmed_by(1, [&] { settle(); });
  ASSERT_TRUE(second);
  EXPECT_EQ(second->ticket, 3U);
}

TEST_F(Reads, WhoIsCutOffConfirmsNothingAndForgets) {
  lead(1);
  isolate(1);
  node(1).read(1, now);
  lose_mail();
  const auto confirmed = confirmed_by(1, [&] { pass(5s); });
  EXPECT_FALSE(confirmed);
  EXPECT_FALSE(node(1).leads());
  cut.clear();
  const auto again = confirmed_by(1, [&] {
    for (int round = 0; round < 10 && !node(1).leads(); ++round) {
      pass(500ms);
      for (const model::node_id other : {2, 3})
        if (node(other).leads())
          node(other).transfer(1, now);
    }
  });
  ASSERT_TRUE(node(1).leads());
  EXPECT_FALSE(again) << "those who asked were told that it leads no more";
  node(1).propose({"term began"}, now);
  settle();
  node(1).read(2, now);
  EXPECT_TRUE(confirmed_by(1, [&] { settle(); }));
}

TEST_F(Reads, ALostQuestionIsAskedAgain) {
  lead(1);
  node(1).read(1, now);
  lose_mail();
  EXPECT_LE(node(1).last.next_tick, now + 100ms);
  EXPECT_TRUE(confirmed_by(1, [&] { pass(200ms); }));
}

/// The first is cut off and its clock stands still; another one leads, and then the cut is healed.
bool a_deposed_leader_is_confirmed(mutant broken_promise) {
  trio group(broken_promise);
  group.elect(1);
  group.node(1).propose({"term began"}, group.now);
  group.write_all();
  group.settle();
  group.isolate(1);
  group.node(2).start(group.now);
  group.node(3).start(group.now);
  for (int round = 0; round < 100 && !group.node(2).leads() && !group.node(3).leads(); ++round) {
    group.now += 50ms;
    group.node(2).tick(group.now);
    group.node(3).tick(group.now);
    group.write_all();
    group.settle();
  }
  EXPECT_TRUE(group.node(2).leads() || group.node(3).leads());
  EXPECT_TRUE(group.node(1).leads());
  group.lose_mail();
  group.cut.clear();
  group.node(1).read(1, group.now);
  for (const model::node_id other : {2, 3}) {
    group.deliver(1, other);
    group.deliver(other, 1);
  }
  return group.node(1).confirmed.has_value();
}

/// A lease, if it had one, would have run for a while yet.
TEST(DeposedLeader, MayNotRead) {
  EXPECT_FALSE(a_deposed_leader_is_confirmed(mutant::none));
  EXPECT_TRUE(a_deposed_leader_is_confirmed(mutant::confirms_every_leader)) << "the history proves nothing";
}

TEST_F(Reads, WhoIsAloneNeedsToAskNobody) {
  consensus_host alone({.self = 1});
  alone.disk.ballot = {1, 0};
  alone.disk.log = {{libraft_core({.self = 1}).founding_entry({{1, "fe1"}}), ""}};
  alone.start(now);
  alone.propose({"term began"}, now);
  alone.complete_writes(now);
  alone.read(1, now);
  ASSERT_TRUE(alone.last.confirmed);
  EXPECT_EQ(alone.last.confirmed->index, alone.last_index());
  EXPECT_TRUE(alone.outbox.empty());
}

}  // namespace
}  // namespace tabletd
