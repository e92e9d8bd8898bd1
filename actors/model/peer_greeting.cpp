// See peer_greeting.h.
#include "actors/model/peer_greeting.h"

#include <algorithm>
#include <utility>

namespace tabletd::model {

namespace {

std::string fe(node_id node) { return "fe " + std::to_string(node); }

const member* find(const std::vector<member>& members, node_id node) {
  const auto found = std::ranges::find(members, node, &member::id);
  return found == members.end() ? nullptr : &*found;
}

/// Two changes that are not committed may each have added another directory under one id.
const member* find(const std::vector<member>& members, node_id node, std::uint64_t birth) {
  const auto found = std::ranges::find_if(
    members, [&](const member& each) { return each.id == node && (each.birth == 0 || each.birth == birth); });
  return found == members.end() ? find(members, node) : &*found;
}

void add_to(std::vector<member>& members, const std::vector<member>& more) {
  for (const auto& each : more)
    if (std::ranges::none_of(members, [&](const member& m) { return m.id == each.id && m.birth == each.birth; }))
      members.push_back(each);
}

/// By whom two that meet are judged.
std::vector<member> members_between(const greeting& self, const greeting& peer) {
  auto members = peer.members_index > self.members_index ? peer.members : self.members;
  if (peer.members_index == self.members_index)
    add_to(members, peer.members);
  return members;
}

std::string list(const std::vector<member>& members) {
  std::string text;
  for (const auto& each : members)
    text += (text.empty() ? "" : ", ") + std::to_string(each.id) + '@' + each.address;
  return text;
}

bool is_set(const cluster_uuid& id) { return id != cluster_uuid{}; }

/// That has nothing to do with births.
std::string mismatch(const greeting& self, const greeting& peer) {
  if (peer.version != self.version)
    return fe(peer.node) + " speaks version " + std::to_string(peer.version) + " of the edit log's protocol and this node "
           + std::to_string(self.version) + "; run one version";
  if (peer.cluster != self.cluster)
    return fe(peer.node) + " belongs to cluster '" + peer.cluster + "' and this node to '" + self.cluster
           + "'; correct node.frontends or node.cluster_name";
  if (is_set(peer.cluster_id) && is_set(self.cluster_id) && peer.cluster_id != self.cluster_id)
    return fe(peer.node) + " belongs to another cluster of the same name; correct node.frontends";
  if (peer.node == self.node)
    return "another front end calls itself " + fe(self.node) + " too; give each its own node.id";
  return {};
}

std::string new_directory(node_id node) {
  return fe(node)
         + " has a new directory: its votes and acknowledgements are lost, so it may not take part under this id; "
           "put its old directory back, or let it join under a new node.id";
}

std::string address_of(const greeting& peer) {
  const auto* own = find(peer.founders, peer.node);
  return own ? own->address : "host:port";
}

std::string how_to_add(const greeting& joins) {
  return "ALTER SYSTEM ADD FOLLOWER \"" + address_of(joins) + "\" takes it in";
}

/// Before there is a log on either side.
std::string stranger_among_founders(const greeting& self, const greeting& peer) {
  if (peer.joins || self.joins)
    return "neither " + fe(peer.node) + " nor this node has a log to join; found the group with the others first, without node.join";
  if (!find(self.founders, peer.node))
    return fe(peer.node) + " is no member of the group (" + list(self.founders) + "); correct node.frontends";
  if (!peer.is_founded && !self.is_founded && peer.founders != self.founders)
    return fe(peer.node) + " would found the group with " + list(peer.founders) + " and this node with "
           + list(self.founders) + "; give node.frontends the same value on all of them";
  return {};
}

/// One of the two has a log: `members` is what the newer one says.
void judge_members(const greeting& self, const greeting& peer, const std::vector<member>& members,
                   greeting_verdict& verdict) {
  const auto* own = find(members, self.node, self.birth);
  const auto* other = find(members, peer.node, peer.birth);
  if (own && own->birth != 0 && own->birth != self.birth) {
    verdict.fatal = new_directory(self.node) + " (so says the log of " + fe(peer.node) + ")";
  } else if (other && other->birth != 0 && other->birth != peer.birth) {
    verdict.refusal = new_directory(peer.node);
  } else if (own && own->birth != 0 && !self.is_founded && !self.joins) {
    verdict.refusal = "the group has taken this node in, and it would found another; start it with node.join = true";
  } else if (!own) {
    verdict.is_outsider = true;
    verdict.refusal = self.is_founded ? "this node is no member of the group any more (" + list(members)
                                          + "): it was dropped; stop it, or let it join under a new node.id with an "
                                            "empty directory"
                      : self.joins ? "this node is no member of the group yet; " + how_to_add(self)
                                   : "this node is no member of the group (" + list(members)
                                         + "); start it with node.join = true, then " + how_to_add(self);
  } else if (!other) {
    verdict.is_applicant = peer.joins;
    const auto stranger = fe(peer.node) + " is no member of the group (" + list(members) + "); ";
    verdict.refusal = peer.joins        ? fe(peer.node) + " wants to join; " + how_to_add(peer)
                      : peer.is_founded ? stranger + "if it was dropped, stop it; else correct its node.frontends"
                                        : stranger + "start it with node.join = true, then " + how_to_add(peer);
  }
}

/// A member of whom the two know different directories; 0: none.  Of those that joined, the log speaks.
node_id disagreement(const greeting& self, const greeting& peer, const std::vector<member>& members) {
  for (const auto& [node, birth] : peer.known) {
    const auto* one = find(members, node);
    if (!members.empty() && (!one || one->birth != 0))
      continue;
    if (const auto at = self.known.find(node); at != self.known.end() && at->second != birth)
      return node;
  }
  return 0;
}

/// Its directory is new to this node, and it has not joined: it had met everybody before there was a log.
bool has_forgotten(const greeting& self, const greeting& peer, const std::vector<member>& members) {
  const auto* other = find(members, peer.node);
  return self.is_founded && !peer.is_founded && other && other->birth == 0 && !self.known.contains(peer.node);
}

/// What the founders know of each other, told to somebody who was not there.
bool learn_founders(greeting& self, const greeting& peer) {
  bool has_learned = false;
  for (const auto& each : peer.members)
    if (const auto at = peer.known.find(each.id); each.birth == 0 && at != peer.known.end())
      has_learned |= self.known.emplace(*at).second;
  return has_learned;
}

bool knows_all(const greeting& self) {
  return std::ranges::all_of(self.founders, [&](const member& each) { return self.known.contains(each.id); });
}

}  // namespace

greeting_verdict meet(greeting& self, const greeting& peer) {
  greeting_verdict verdict;
  verdict.refusal = mismatch(self, peer);
  if (!verdict.refusal.empty())
    return verdict;
  const auto members = members_between(self, peer);
  // Whoever is not who we know may be of another group, and its word about us is worth nothing.
  if (const auto of_peer = self.known.find(peer.node); of_peer != self.known.end() && of_peer->second != peer.birth) {
    verdict.refusal = new_directory(peer.node);
    verdict.is_applicant = peer.joins && !self.members.empty() && !find(self.members, peer.node);
    return verdict;
  }
  const auto* own = find(members, self.node, self.birth);
  const bool has_joined = own && own->birth != 0 && own->birth == self.birth;
  const auto of_us = peer.known.find(self.node);
  const bool was_met = of_us != peer.known.end() && (!own || own->birth == 0);
  if (was_met ? of_us->second != self.birth
              : peer.is_founded && !self.is_founded && !self.joins && !has_joined && (members.empty() || own)) {
    verdict.fatal = new_directory(self.node) + " (so says " + fe(peer.node) + ")";
    return verdict;
  }
  if (members.empty())
    verdict.refusal = stranger_among_founders(self, peer);
  else
    judge_members(self, peer, members, verdict);
  if (!verdict.ok())
    return verdict;
  const auto other = has_forgotten(self, peer, members) ? peer.node : disagreement(self, peer, members);
  if (other != 0) {
    verdict.refusal = other == peer.node
                        ? new_directory(other)
                        : fe(peer.node) + " and this node know different directories of " + fe(other)
                            + (self.is_founded || peer.is_founded
                                 ? "; drop " + fe(other) + " and let it join under a new node.id"
                                 : "; empty the directories of all of them and found the group again");
    return verdict;
  }
  verdict.has_learned = !self.is_founded && has_joined && learn_founders(self, peer);
  verdict.has_learned |= self.known.emplace(peer.node, peer.birth).second;
  if (peer.known == self.known && knows_all(self)) {
    self.agreed.insert(peer.node);
    if (peer.is_founded)  // It has heard from all of them.
      for (const auto& each : self.founders)
        if (each.id != self.node)
          self.agreed.insert(each.id);
  }
  return verdict;
}

bool learn_members(greeting& self, const std::vector<member>& newest, const std::vector<member>& committed,
                   std::uint64_t index) {
  bool has_learned = false;
  self.members = newest;
  add_to(self.members, committed);
  self.members_index = index;
  for (const auto* members : {&committed, &newest})
    for (const auto& each : *members)
      if (each.birth != 0 && each.id != self.node)
        has_learned |= std::exchange(self.known[each.id], each.birth) != each.birth;
  return has_learned;
}

std::string why_not_to_add(const greeting& self, const member& peer) {
  if (const auto at = self.known.find(peer.id); at != self.known.end() && at->second != peer.birth)
    return fe(peer.id) + " was another directory once; give it a node.id that nobody had before";
  return {};
}

bool may_found(const greeting& self) {
  return !self.joins && knows_all(self) && self.agreed.size() + 1 == self.founders.size();
}

}  // namespace tabletd::model
