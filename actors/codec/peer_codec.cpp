// See peer_codec.h.
#include "actors/codec/peer_codec.h"

#include <kj/debug.h>

#include <algorithm>
#include <cstring>

namespace tabletd::codec {

namespace {

using edit = sealed<wire::Edit>;

capnp::Data::Reader data_of(const std::string& text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

void fill(wire::AppendRequest::Builder to, const model::append_request& from, std::span<const edit> edits) {
  to.setTerm(from.term);
  to.setPrevIndex(from.prev_index);
  to.setPrevTerm(from.prev_term);
  to.setLeaderCommit(from.leader_commit);
  auto entries = to.initEntries(static_cast<unsigned>(from.entries.size()));
  for (unsigned i = 0; i < entries.size(); ++i) {
    const auto& header = from.entries[i];
    entries[i].setTerm(header.term);
    entries[i].setType(static_cast<std::uint16_t>(header.type));
    if (header.type == model::entry_type::command)
      entries[i].setPayload(edits[i].words().asBytes());
    else
      entries[i].setPayload(data_of(header.membership));
  }
}

/// Blobs of a Cap'n Proto message begin at a word.
edit parse_edit(capnp::Data::Reader from) {
  KJ_REQUIRE(from.size() > 0 && from.size() % sizeof(capnp::word) == 0, "an edit is a whole number of words");
  return edit::parse({reinterpret_cast<const capnp::word*>(from.begin()), from.size() / sizeof(capnp::word)});
}

model::entry_type type_of(std::uint16_t number) {
  KJ_REQUIRE(number >= static_cast<std::uint16_t>(model::entry_type::command)
                 && number <= static_cast<std::uint16_t>(model::entry_type::change),
             "an entry of a type this version does not know", number);
  return static_cast<model::entry_type>(number);
}

peer_mail decode_request(wire::AppendRequest::Reader from) {
  peer_mail mail;
  model::append_request to{from.getTerm(), from.getPrevIndex(), from.getPrevTerm(), from.getLeaderCommit(), 0, {}};
  for (const auto entry : from.getEntries()) {
    model::entry_header header{entry.getTerm(), type_of(entry.getType()), {}};
    mail.edits.emplace_back();
    if (header.type == model::entry_type::command)
      mail.edits.back() = parse_edit(entry.getPayload());
    else
      header.membership.assign(reinterpret_cast<const char*>(entry.getPayload().begin()), entry.getPayload().size());
    to.entries.push_back(std::move(header));
  }
  to.count = static_cast<std::uint32_t>(to.entries.size());
  mail.what = std::move(to);
  return mail;
}

void fill(wire::InstallSnapshot::Builder to, const model::install_snapshot& from) {
  to.setTerm(from.term);
  to.setLastIndex(from.last_index);
  to.setLastTerm(from.last_term);
  to.setMembershipIndex(from.membership_index);
  to.setMembership(data_of(from.membership));
  auto image = to.initImage();
  image.setId(from.image.id);
  image.setBytes(from.image.bytes);
  image.setCrc32c(from.image.crc32c);
}

template <class Round>
void fill(wire::LeaderRound::Builder to, const Round& from) {
  to.setTerm(from.term);
  to.setRound(from.round);
}

model::install_snapshot decode_offer(wire::InstallSnapshot::Reader from) {
  const auto membership = from.getMembership();
  const auto image = from.getImage();
  return {from.getTerm(),
          from.getLastIndex(),
          from.getLastTerm(),
          from.getMembershipIndex(),
          {reinterpret_cast<const char*>(membership.begin()), membership.size()},
          {image.getId(), image.getBytes(), image.getCrc32c()}};
}

}  // namespace

void fill(wire::Greeting::Builder to, const model::greeting& from) {
  to.setVersion(from.version);
  to.setCluster(from.cluster);
  if (from.cluster_id != model::cluster_uuid{})
    to.setClusterId({from.cluster_id.data(), from.cluster_id.size()});
  to.setNode(from.node);
  to.setBirth(from.birth);
  to.setIsFounded(from.is_founded);
  auto founders = to.initFounders(static_cast<unsigned>(from.founders.size()));
  for (unsigned i = 0; i < founders.size(); ++i) {
    founders[i].setNode(from.founders[i].id);
    founders[i].setAddress(from.founders[i].address);
  }
  auto known = to.initKnown(static_cast<unsigned>(from.known.size()));
  for (unsigned i = 0; const auto& [node, birth] : from.known) {
    known[i].setNode(node);
    known[i++].setBirth(birth);
  }
  to.setJoins(from.joins);
  to.setMembersIndex(from.members_index);
  auto members = to.initMembers(static_cast<unsigned>(from.members.size()));
  for (unsigned i = 0; i < members.size(); ++i) {
    const auto& each = from.members[i];
    members[i].setNode(each.id);
    members[i].setAddress(each.address);
    members[i].setVoter(each.voter);
    members[i].setBirth(each.birth);
    members[i].setWantsVote(each.wants_vote);
    members[i].setLeaves(each.leaves);
  }
}

model::greeting decode(wire::Greeting::Reader from) {
  model::greeting to;
  to.version = from.getVersion();
  to.cluster = from.getCluster().cStr();
  if (const auto id = from.getClusterId(); id.size() > 0) {
    KJ_REQUIRE(id.size() == to.cluster_id.size(), "a cluster id has 16 bytes", id.size());
    std::memcpy(to.cluster_id.data(), id.begin(), id.size());
  }
  to.node = from.getNode();
  to.birth = from.getBirth();
  to.is_founded = from.getIsFounded();
  for (const auto each : from.getFounders())
    to.founders.push_back({.id = each.getNode(), .address = each.getAddress().cStr()});
  for (const auto each : from.getKnown())
    to.known.emplace(each.getNode(), each.getBirth());
  to.joins = from.getJoins();
  to.members_index = from.getMembersIndex();
  for (const auto each : from.getMembers())
    to.members.push_back({each.getNode(), each.getAddress().cStr(), each.getVoter(), each.getBirth(),
                          each.getWantsVote(), each.getLeaves()});
  return to;
}

std::size_t words_of(std::span<const edit> edits) {
  std::size_t words = 16;
  for (const auto& each : edits)
    words += 4 + each.words().size();
  return words;
}

void fill(wire::Mail::Builder to, const model::message& what, std::span<const edit> edits) {
  std::visit(model::overloaded{
                 [&](const model::append_request& m) { fill(to.initAppendRequest(), m, edits); },
                 [&](const model::append_result& m) {
                   auto out = to.initAppendResult();
                   out.setTerm(m.term);
                   out.setRejected(m.rejected);
                   out.setLastIndex(m.last_index);
                 },
                 [&](const model::vote_request& m) {
                   auto out = to.initVoteRequest();
                   out.setTerm(m.term);
                   out.setCandidate(m.candidate);
                   out.setLastIndex(m.last_index);
                   out.setLastTerm(m.last_term);
                   out.setDisruptLeader(m.disrupt_leader);
                   out.setPreVote(m.pre_vote);
                 },
                 [&](const model::vote_result& m) {
                   auto out = to.initVoteResult();
                   out.setTerm(m.term);
                   out.setGranted(m.granted);
                   out.setPreVote(m.pre_vote);
                 },
                 [&](const model::install_snapshot& m) { fill(to.initInstallSnapshot(), m); },
                 [&](const model::timeout_now& m) {
                   auto out = to.initTimeoutNow();
                   out.setTerm(m.term);
                   out.setLastIndex(m.last_index);
                   out.setLastTerm(m.last_term);
                 },
                 [&](const model::leader_asked& m) { fill(to.initLeaderAsked(), m); },
                 [&](const model::leader_confirmed& m) { fill(to.initLeaderConfirmed(), m); },
             },
             what);
}

peer_mail decode(wire::Mail::Reader from) {
  switch (from.which()) {
    case wire::Mail::APPEND_REQUEST:
      return decode_request(from.getAppendRequest());
    case wire::Mail::APPEND_RESULT: {
      const auto m = from.getAppendResult();
      return {model::append_result{m.getTerm(), m.getRejected(), m.getLastIndex()}, {}};
    }
    case wire::Mail::VOTE_REQUEST: {
      const auto m = from.getVoteRequest();
      return {model::vote_request{m.getTerm(), m.getCandidate(), m.getLastIndex(), m.getLastTerm(),
                                  m.getDisruptLeader(), m.getPreVote()},
              {}};
    }
    case wire::Mail::VOTE_RESULT: {
      const auto m = from.getVoteResult();
      return {model::vote_result{m.getTerm(), m.getGranted(), m.getPreVote()}, {}};
    }
    case wire::Mail::INSTALL_SNAPSHOT:
      return {decode_offer(from.getInstallSnapshot()), {}};
    case wire::Mail::TIMEOUT_NOW: {
      const auto m = from.getTimeoutNow();
      return {model::timeout_now{m.getTerm(), m.getLastIndex(), m.getLastTerm()}, {}};
    }
    case wire::Mail::LEADER_ASKED:
      return {model::leader_asked{from.getLeaderAsked().getTerm(), from.getLeaderAsked().getRound()}, {}};
    case wire::Mail::LEADER_CONFIRMED:
      return {model::leader_confirmed{from.getLeaderConfirmed().getTerm(), from.getLeaderConfirmed().getRound()}, {}};
    case wire::Mail::CHECKPOINT:
    case wire::Mail::UNSET:
      break;
  }
  KJ_FAIL_REQUIRE("mail of a kind this version does not know", static_cast<unsigned>(from.which()));
}

}  // namespace tabletd::codec
