// See libraft_messages.h.
#include "actors/journal/libraft_messages.h"

namespace tabletd {

using namespace model;

raft_shim_entry to_shim(const entry_header& header) {
  return {header.term, static_cast<std::uint16_t>(header.type), header.membership.data(), header.membership.size()};
}

raft_shim_message to_shim(const message& what, node_id from, std::vector<raft_shim_entry>& entries) {
  raft_shim_message to{};
  to.peer = from;
  std::visit(overloaded{
                 [&](const append_request& m) {
                   for (const auto& header : m.entries)
                     entries.push_back(to_shim(header));
                   to.kind = raft_shim_append_request;
                   to.term = m.term;
                   to.prev_index = m.prev_index;
                   to.prev_term = m.prev_term;
                   to.leader_commit = m.leader_commit;
                   to.entries = entries.data();
                   to.count = static_cast<std::uint32_t>(entries.size());
                 },
                 [&](const append_result& m) {
                   to.kind = raft_shim_append_result;
                   to.term = m.term;
                   to.rejected = m.rejected;
                   to.last_index = m.last_index;
                 },
                 [&](const vote_request& m) {
                   to.kind = raft_shim_vote_request;
                   to.term = m.term;
                   to.candidate = m.candidate;
                   to.last_index = m.last_index;
                   to.last_term = m.last_term;
                   to.disrupt_leader = m.disrupt_leader;
                   to.pre_vote = m.pre_vote;
                 },
                 [&](const vote_result& m) {
                   to.kind = raft_shim_vote_result;
                   to.term = m.term;
                   to.granted = m.granted;
                   to.pre_vote = m.pre_vote;
                 },
                 [&](const install_snapshot&) { to.kind = raft_shim_other; },
                 [&](const timeout_now& m) {
                   to.kind = raft_shim_timeout_now;
                   to.term = m.term;
                   to.last_index = m.last_index;
                   to.last_term = m.last_term;
                 },
                 [&](const leader_asked&) { to.kind = raft_shim_other; },
                 [&](const leader_confirmed&) { to.kind = raft_shim_other; },
             },
             what);
  return to;
}

std::optional<message> from_shim(const raft_shim_message& m) {
  switch (m.kind) {
    case raft_shim_append_request:
      return append_request{m.term, m.prev_index, m.prev_term, m.leader_commit, m.count, {}};
    case raft_shim_append_result:
      return append_result{m.term, m.rejected, m.last_index};
    case raft_shim_vote_request:
      return vote_request{m.term, m.candidate, m.last_index, m.last_term, m.disrupt_leader, m.pre_vote};
    case raft_shim_vote_result:
      return vote_result{m.term, m.granted, m.pre_vote};
    case raft_shim_install_snapshot:
      return install_snapshot{m.term, m.last_index, m.last_term, 0, {}, {}};
    case raft_shim_timeout_now:
      return timeout_now{m.term, m.last_index, m.last_term};
    case raft_shim_other:
      break;
  }
  return std::nullopt;
}

}  // namespace tabletd
