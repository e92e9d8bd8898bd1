// Who belongs to the group, and who leads it: changes one member at a time, and hand-overs.
#include "actors/journal/libraft_membership.h"
#include "tests/journal/consensus_trio.h"

namespace tabletd {
namespace {

using namespace test;
using namespace std::chrono_literals;
using model::consensus_refusal;

struct Members : consensus_trio {
  /// A leader whose term is settled.
  void lead(model::node_id id) {
    elect(id);
    node(id).propose({"term began"}, now);
    write_all();
    settle();
    pass(200ms);
    ASSERT_TRUE(node(id).leads());
  }
  std::vector<model::member> with(model::node_id id, bool voter) {
    auto members = leader().core().members();
    const auto found = std::ranges::find(members, id, &model::member::id);
    if (found == members.end())
      members.push_back({id, "fe" + std::to_string(id), voter});
    else
      found->voter = voter;
    return members;
  }
  std::vector<model::member> without(model::node_id id) {
    auto members = leader().core().members();
    std::erase_if(members, [id](const auto& each) { return each.id == id; });
    return members;
  }
  consensus_host& leader() {
    for (auto& host : hosts)
      if (host->leads())
        return *host;
    ADD_FAILURE() << "nobody leads";
    return *hosts[0];
  }
  consensus_refusal change(const std::vector<model::member>& members) {
    const auto why = leader().change(members, now);
    write_all();
    settle();
    pass(200ms);
    return why;
  }
};

TEST_F(Members, ANewMemberObservesIsPromotedAndCounts) {
  lead(1);
  EXPECT_EQ(change(with(4, true)), consensus_refusal::not_single) << "it would vote before it has anything";
  EXPECT_EQ(change(with(4, false)), consensus_refusal::none);
  EXPECT_EQ(node(4).applied, node(1).applied);
  EXPECT_EQ(node(4).core().members(), node(1).core().members());
  EXPECT_EQ(change(with(4, true)), consensus_refusal::none);
  isolate(2);
  node(1).propose({"three of four"}, now);
  write_all();
  settle();
  EXPECT_EQ(node(1).applied.back(), "three of four");
  isolate(4);
  node(1).propose({"two of four"}, now);
  write_all();
  settle();
  EXPECT_NE(node(1).applied.back(), "two of four") << "member 4 counts";
}

TEST_F(Members, AnObserverThatIsSilentOrFarBehindIsNotPromoted) {
  lead(1);
  isolate(4);
  EXPECT_EQ(change(with(4, false)), consensus_refusal::none);
  EXPECT_EQ(change(with(4, true)), consensus_refusal::not_caught_up);
  cut.clear();
  pass(300ms);
  EXPECT_EQ(change(with(4, true)), consensus_refusal::none);
}

TEST_F(Members, WhoIsNeededAfterTheChangeMustBeNear) {
  lead(1);
  isolate(3);
  pass(1'500ms);
  EXPECT_EQ(change(without(2)), consensus_refusal::not_caught_up) << "1 and 3 would have to agree";
  EXPECT_EQ(change(without(3)), consensus_refusal::none);
}

TEST_F(Members, OneChangeAtATimeAndOnlyInASettledTerm) {
  elect(1);
  lose_mail();
  EXPECT_EQ(node(1).change(with(4, false), now), consensus_refusal::term_not_settled);
  node(1).propose({"term began"}, now);
  write_all();
  settle();
  EXPECT_EQ(node(1).change(with(4, false), now), consensus_refusal::none);
  EXPECT_EQ(node(1).change(without(3), now), consensus_refusal::change_open);
  EXPECT_FALSE(node(1).transfer(2, now));
  EXPECT_EQ(node(1).last.why, consensus_refusal::change_open);
  EXPECT_EQ(node(2).change({{1, "x"}}, now), consensus_refusal::not_leader);
}

TEST_F(Members, ALeaderHandsOverBeforeItGoes) {
  lead(1);
  EXPECT_EQ(change(without(1)), consensus_refusal::would_strand);
  EXPECT_EQ(change(with(1, false)), consensus_refusal::would_strand);
  EXPECT_TRUE(node(1).transfer(2, now));
  settle();
  pass(200ms);
  ASSERT_TRUE(node(2).leads());
  node(2).propose({"term began"}, now);
  write_all();
  settle();
  EXPECT_EQ(change(without(1)), consensus_refusal::none);
  EXPECT_EQ(node(2).core().members().size(), 2u);
}

TEST_F(Members, ARemovedMemberThatKnowsNothingOfItDisturbsNobody) {
  lead(1);
  isolate(3);
  EXPECT_EQ(change(without(3)), consensus_refusal::none);
  cut.clear();
  const auto term = node(1).last.term;
  pass(60s);
  EXPECT_TRUE(node(1).leads());
  EXPECT_EQ(node(1).last.term, term);
  EXPECT_FALSE(node(3).leads());
}

TEST_F(Members, OfTwoVotersOneIsRemovedNotDemoted) {
  lead(1);
  EXPECT_EQ(change(with(3, false)), consensus_refusal::none);
  EXPECT_EQ(change(with(2, false)), consensus_refusal::would_strand);
  EXPECT_EQ(change(without(2)), consensus_refusal::none);
  EXPECT_EQ(node(1).last.committed_upto, node(1).last_index());
}

// P11: in the library the last voter leads in the term in which the one before it led.
TEST_F(Members, TheLastVoterLeadsInATermOfItsOwn) {
  lead(1);
  EXPECT_EQ(change(without(3)), consensus_refusal::none);
  node(1).transfer(2, now);
  settle();
  pass(200ms);
  ASSERT_TRUE(node(2).leads());
  node(2).propose({"term began"}, now);
  write_all();
  settle();
  // Member 1 is to be the only one left, and learns it from the last message of the leader.
  EXPECT_FALSE(node(2).change(without(1), now) != consensus_refusal::none);
  write_all();
  settle();
  const auto term = node(2).last.term;
  EXPECT_TRUE(node(2).leads());
  node(2).start(now);
  EXPECT_TRUE(node(2).leads());
  EXPECT_GT(node(2).last.term, term);
  EXPECT_EQ(node(2).disk.ballot, (model::ballot{term + 1, 2}));
}

TEST_F(Members, AHandOverTakesNoProposalsAndEndsByItself) {
  lead(1);
  isolate(3);
  node(1).propose({"not yet there"}, now);
  EXPECT_TRUE(node(1).transfer(3, now));
  EXPECT_TRUE(node(1).last.transferring);
  EXPECT_FALSE(node(1).propose({"x"}, now));
  EXPECT_EQ(node(1).last.why, consensus_refusal::transferring);
  pass(1'200ms);
  ASSERT_TRUE(node(1).leads());
  EXPECT_FALSE(node(1).last.transferring);
  EXPECT_TRUE(node(1).propose({"x"}, now));
}

// P14: the library tells the successor too early, once.
TEST_F(Members, TheSuccessorFirstGetsEverything) {
  lead(1);
  node(1).propose({"a"}, now);
  deliver(1, 2);
  write_all();
  node(1).propose({"b"}, now);
  EXPECT_TRUE(node(1).transfer(2, now));
  deliver(2, 1);  // It has a; b is on its way and takes a while to be written.
  deliver(1, 2);
  settle();
  pass(300ms);
  EXPECT_TRUE(node(2).leads());
  EXPECT_EQ(node(2).last_index(), node(1).last_index());
}

TEST_F(Members, AHandOverToNobodyInParticularFindsWhoHasMost) {
  lead(1);
  isolate(2);
  node(1).propose({"a"}, now);
  write_all();
  settle();
  EXPECT_TRUE(node(1).transfer(0, now));
  settle();
  pass(200ms);
  EXPECT_TRUE(node(3).leads());
  EXPECT_FALSE(node(3).transfer(9, now));
  EXPECT_EQ(node(3).last.why, consensus_refusal::no_such_member);
}

/// It would end a second later, without a proposal in between.
TEST_F(Members, AHandOverToNobodyInParticularWaitsUntilSomebodyIsNear) {
  lead(1);
  const auto two_leaves = [&] {
    auto marked = with(2, true);
    marked[1].leaves = true;
    return marked;
  };
  isolate(3);
  EXPECT_EQ(change(two_leaves()), consensus_refusal::none);
  EXPECT_FALSE(node(1).transfer(0, now));
  EXPECT_EQ(node(1).last.why, consensus_refusal::not_caught_up) << "it does not know who leaves";
  EXPECT_TRUE(node(1).propose({"meanwhile"}, now));
  write_all();
  cut.clear();
  pass(300ms);
  EXPECT_TRUE(node(1).transfer(0, now));
}

TEST_F(Members, AHandOverToNobodyInParticularIsNotToWhoLeaves) {
  lead(1);
  auto marked = with(2, true);
  marked[1].leaves = true;
  EXPECT_EQ(change(marked), consensus_refusal::none);
  isolate(3);
  node(1).propose({"a"}, now);
  write_all();
  settle();
  cut.clear();
  EXPECT_TRUE(node(1).transfer(0, now));
  settle();
  pass(300ms);
  EXPECT_TRUE(node(3).leads()) << "although the other has more";
}

// P9: the library notes a received change at the index of the first new entry.
TEST_F(Members, AChangeInTheMiddleOfARunIsCommittedWhereItStands) {
  lead(1);
  cut = {{1, 2}};
  node(1).propose({"a", "b"}, now);
  EXPECT_EQ(node(1).change(with(4, false), now), consensus_refusal::none);
  node(1).propose({"c"}, now);
  write_all();
  settle();
  cut.clear();
  node(1).lose_link(2, now);
  settle();
  pass(300ms);
  EXPECT_EQ(node(2).core().members().size(), 4u);
  node(1).transfer(2, now);
  settle();
  pass(200ms);
  ASSERT_TRUE(node(2).leads());
  node(2).propose({"term began"}, now);
  write_all();
  settle();
  EXPECT_EQ(node(2).change(without(4), now), consensus_refusal::none) << "no change is open";
}

TEST_F(Members, WhoHasLostItsLogDoesNotVote) {
  lead(1);
  node(1).propose({"on 1 and 2"}, now);
  deliver(1, 2);
  node(1).complete_writes(now);
  node(2).complete_writes(now);
  deliver(2, 1);
  ASSERT_EQ(node(1).applied.back(), "on 1 and 2");
  lose_mail();
  isolate(1);
  node(2).disk = {};
  node(2).start(now);
  pass(8s);
  EXPECT_FALSE(node(3).leads()) << "it lacks what was acknowledged";
}

// P12: who was promoted and does not know it yet is needed by those who do.
TEST_F(Members, WhoDoesNotKnowThatItMayVoteVotes) {
  lead(1);
  EXPECT_EQ(change(without(3)), consensus_refusal::none);
  EXPECT_EQ(change(with(4, false)), consensus_refusal::none);
  cut = {{1, 4}};
  EXPECT_EQ(node(1).change(with(4, true), now), consensus_refusal::none);
  write_all();
  settle();
  isolate(1);
  pass(8s);
  EXPECT_TRUE(node(2).leads());
}

TEST(Membership, IsDecodedAndNeverReadPastItsEnd) {
  const std::vector<model::member> members{
      {1, "a:1"}, {7, "b:2", false, 0xfedcba9876543210, true}, {9, "c:3", true, 5}, {10, "d:4", true, 0, false, true}};
  const auto encoded = encode_membership(members);
  EXPECT_EQ(decode_membership(encoded), members);
  EXPECT_FALSE(decode_membership(""));
  for (std::size_t size = 0; size < encoded.size() - 8; ++size)
    EXPECT_FALSE(decode_membership(std::string_view(encoded).substr(0, size))) << size;
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    auto bent = encoded;
    bent[at] = static_cast<char>(0xff);
    (void)decode_membership(bent);  // Anything but a read beyond the end.
  }
}

TEST(Membership, ChangesOneMemberAtATime) {
  const std::vector<model::member> present{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d", false}};
  struct row {
    std::vector<model::member> wanted;
    consensus_refusal why;
  };
  const row table[] = {
      {{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d", false}}, consensus_refusal::not_single},
      {{{1, "a"}, {2, "b"}, {3, "c"}}, consensus_refusal::none},
      {{{1, "a"}, {2, "b"}, {4, "d", false}}, consensus_refusal::none},
      {{{4, "d"}, {1, "a"}, {2, "b"}, {3, "c"}}, consensus_refusal::none},
      {{{1, "a"}, {2, "b"}, {3, "x"}, {4, "d", false}}, consensus_refusal::none},
      {{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d", false}, {5, "e", false}}, consensus_refusal::none},
      {{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d", false}, {5, "e"}}, consensus_refusal::not_single},
      {{{1, "a"}, {2, "b"}, {4, "d"}}, consensus_refusal::not_single},
      {{{1, "a"}, {2, "a"}, {3, "c"}, {4, "d", false}}, consensus_refusal::not_a_membership},
      {{{1, "a"}, {2, "b"}, {3, ""}, {4, "d", false}}, consensus_refusal::not_a_membership},
      {{{1, "a"}, {2, "b"}, {3, "c", true, 0, false, true}, {4, "d", false}}, consensus_refusal::none},
      {{{1, "a"}, {2, "b"}, {3, "c", true, 7}, {4, "d", false}}, consensus_refusal::not_single},
      {{{1, "a"}, {2, "b"}, {3, "c#1"}, {4, "d", false}}, consensus_refusal::not_a_membership},
      {{{4, "d", false}}, consensus_refusal::not_a_membership},
      {{}, consensus_refusal::not_a_membership},
  };
  for (const auto& [wanted, why] : table)
    EXPECT_EQ(plan_change(present, wanted).why, why) << &wanted - &table[0].wanted;
  EXPECT_EQ(plan_change(present, table[3].wanted).members,
            (std::vector<model::member>{{1, "a"}, {2, "b"}, {3, "c"}, {4, "d"}}))
      << "the library matches by position";
}

}  // namespace
}  // namespace tabletd
