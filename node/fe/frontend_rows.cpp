// See frontend_rows.h.
#include "node/fe/frontend_rows.h"

#include "node/network_name.h"

#include <fmt/format.h>

#include <algorithm>

namespace tabletd {

namespace {

/// Of a member that has a link: heartbeats and answers come every 100 ms.
constexpr std::chrono::seconds silence_max{3};

bool is_up(const peer_view& peer, model::time_ms now) { return peer.is_linked && now - peer.last_heard < silence_max; }

std::string name_of(const peer_view& peer) { return peer.face ? peer.face->name : fmt::format("fe{}", peer.node); }

const char* role_of(bool is_master, bool voter) { return is_master ? "LEADER" : voter ? "FOLLOWER" : "OBSERVER"; }

/// Before `why`, if the next leader is to drop it.
std::string with_departure(const std::vector<model::member>& members, model::node_id node, const std::string& why) {
  const auto one = std::ranges::find(members, node, &model::member::id);
  if (one == members.end() || !one->leaves)
    return why;
  return "is to be dropped" + (why.empty() ? why : "; " + why);
}

/// An observer that is to vote: what it waits for.
std::string waits_for(const frontend_sources& from, const peer_view& peer) {
  if (!peer.wants_vote || !peer.trouble.empty())
    return with_departure(from.group.members().newest.members, peer.node, peer.trouble);
  return fmt::format("becomes a follower when it has caught up: it has {} of {} entries", peer.applied, from.applied);
}

frontend_row own_row(const frontend_sources& from) {
  const auto group = from.group.members().newest;
  const auto own = std::ranges::find(group.members, from.group.options().node, &model::member::id);
  frontend_row row;
  row.node = from.group.options().node;
  row.name = from.face.name;
  row.host = from.face.host;
  row.rpc_port = from.face.rpc_port;
  row.http_port = from.face.http_port;
  row.is_master = from.leads;
  row.role = role_of(from.leads, own == group.members.end() || own->voter);
  row.alive = true;
  row.replayed = from.applied;
  row.last_heartbeat = from.now;
  row.error = with_departure(group.members, row.node, from.group.exclusion());
  row.version = from.face.version;
  row.edit_log_address = from.group.address();
  return row;
}

frontend_row row_of(const frontend_sources& from, const peer_view& peer) {
  frontend_row row;
  row.node = peer.node;
  row.name = name_of(peer);
  row.host = peer.face ? peer.face->host : std::string(host_of(peer.address));
  if (peer.face) {
    row.rpc_port = peer.face->rpc_port;
    row.http_port = peer.face->http_port;
    row.version = peer.face->version;
  }
  row.is_master = peer.node == from.group.stats()->leader.load();
  row.role = role_of(row.is_master, peer.voter);
  row.alive = is_up(peer, from.now);
  row.replayed = peer.applied;
  row.last_heartbeat = peer.last_heard;
  row.error = waits_for(from, peer);
  row.edit_log_address = peer.address;
  return row;
}

}  // namespace

frontend_facts frontends_of(const frontend_sources& from, std::string leader) {
  frontend_facts facts{{own_row(from)}, std::move(leader)};
  for (const auto& peer : from.group.peers())
    facts.rows.push_back(row_of(from, peer));
  return facts;
}

model::group_sight sight_of(const fe_group& group, const fe_face& face, model::time_ms now) {
  model::group_sight sight;
  sight.self = group.options().node;
  sight.own_address = group.address();
  sight.members = group.members().newest.members;
  sight.seen.push_back({sight.self, face.name, true});
  for (const auto& peer : group.peers())
    sight.seen.push_back({peer.node, name_of(peer), is_up(peer, now)});
  for (const auto& one : group.applicants())
    sight.applicants.push_back({one.as, one.name, group.why_not_to_add(one.as)});
  return sight;
}

}  // namespace tabletd
