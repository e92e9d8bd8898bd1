// Greetings and mail over the wire and back; and mail that makes no sense.
#include "actors/codec/peer_codec.h"

#include <capnp/message.h>
#include <gtest/gtest.h>
#include <kj/exception.h>

namespace tabletd {
namespace {

using edit = sealed<wire::Edit>;

edit edit_named(const std::string& name) {
  return seal<wire::Edit>([&](auto to) { to.setDatabaseCreated(name); });
}

codec::peer_mail over_the_wire(const model::message& what, const std::vector<edit>& edits = {}) {
  capnp::MallocMessageBuilder message(static_cast<unsigned>(codec::words_of(edits)));
  codec::fill(message.initRoot<wire::Mail>(), what, edits);
  EXPECT_EQ(message.getSegmentsForOutput().size(), 1U) << "words_of() is too small";
  return codec::decode(message.getRoot<wire::Mail>().asReader());
}

TEST(PeerCodec, ARequestKeepsItsEntriesAndTheirEdits) {
  model::append_request request{7, 41, 6, 40, 3, {}};
  request.entries = {{6, model::entry_type::command, {}},
                     {7, model::entry_type::barrier, {}},
                     {7, model::entry_type::change, "members"}};
  const auto got = over_the_wire(request, {edit_named("a database with a name"), {}, {}});
  const auto& back = std::get<model::append_request>(got.what);
  EXPECT_EQ(back.term, 7U);
  EXPECT_EQ(back.prev_index, 41U);
  EXPECT_EQ(back.prev_term, 6U);
  EXPECT_EQ(back.leader_commit, 40U);
  EXPECT_EQ(back.count, 3U);
  EXPECT_EQ(back.entries, request.entries);
  ASSERT_EQ(got.edits.size(), 3U);
  EXPECT_STREQ(got.edits[0].get().getDatabaseCreated().cStr(), "a database with a name");
  EXPECT_FALSE(got.edits[1]);
  EXPECT_FALSE(got.edits[2]);
}

TEST(PeerCodec, AnswersAndVotesKeepEveryField) {
  const auto result = std::get<model::append_result>(over_the_wire(model::append_result{3, 9, 8}).what);
  EXPECT_EQ(result.term, 3U);
  EXPECT_EQ(result.rejected, 9U);
  EXPECT_EQ(result.last_index, 8U);
  const auto request = std::get<model::vote_request>(over_the_wire(model::vote_request{4, 2, 17, 3, true, false}).what);
  EXPECT_EQ(request.term, 4U);
  EXPECT_EQ(request.candidate, 2U);
  EXPECT_EQ(request.last_index, 17U);
  EXPECT_EQ(request.last_term, 3U);
  EXPECT_TRUE(request.disrupt_leader);
  EXPECT_FALSE(request.pre_vote);
  const auto vote = std::get<model::vote_result>(over_the_wire(model::vote_result{5, false, true}).what);
  EXPECT_EQ(vote.term, 5U);
  EXPECT_FALSE(vote.granted);
  EXPECT_TRUE(vote.pre_vote);
  const auto asked = std::get<model::leader_asked>(over_the_wire(model::leader_asked{6, 13}).what);
  EXPECT_EQ(asked.term, 6U);
  EXPECT_EQ(asked.round, 13U);
  const auto confirmed = std::get<model::leader_confirmed>(over_the_wire(model::leader_confirmed{6, 14}).what);
  EXPECT_EQ(confirmed.term, 6U);
  EXPECT_EQ(confirmed.round, 14U);
}

TEST(PeerCodec, MailThatMakesNoSenseIsRefused) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::Mail>();
  EXPECT_THROW(codec::decode(root.asReader()), kj::Exception) << "nothing in it";
  auto entry = root.initAppendRequest().initEntries(1)[0];
  EXPECT_THROW(codec::decode(root.asReader()), kj::Exception) << "no such type of entry";
  entry.setType(1);
  EXPECT_THROW(codec::decode(root.asReader()), kj::Exception) << "a command without an edit";
  entry.setPayload(kj::heapArray<kj::byte>(12).asPtr());
  EXPECT_THROW(codec::decode(root.asReader()), kj::Exception) << "half a word";
}

TEST(PeerCodec, AGreetingKeepsEveryField) {
  model::greeting from;
  from.cluster = "c";
  from.cluster_id[3] = 9;
  from.node = 2;
  from.birth = 77;
  from.is_founded = true;
  from.founders = {{1, "a:1"}, {2, "b:2"}};
  from.known = {{1, 5}, {2, 77}};
  from.joins = true;
  from.members = {{1, "a:1"}, {3, "c:3", false, 9, true, true}};
  from.members_index = 12;
  capnp::MallocMessageBuilder message;
  codec::fill(message.initRoot<wire::Greeting>(), from);
  const auto back = codec::decode(message.getRoot<wire::Greeting>().asReader());
  EXPECT_EQ(back.version, model::peer_protocol);
  EXPECT_EQ(back.cluster, "c");
  EXPECT_EQ(back.cluster_id, from.cluster_id);
  EXPECT_EQ(back.node, 2U);
  EXPECT_EQ(back.birth, 77U);
  EXPECT_TRUE(back.is_founded);
  EXPECT_EQ(back.founders, from.founders);
  EXPECT_EQ(back.known, from.known);
  EXPECT_TRUE(back.joins);
  EXPECT_EQ(back.members, from.members);
  EXPECT_EQ(back.members_index, 12U);
}

}  // namespace
}  // namespace tabletd
