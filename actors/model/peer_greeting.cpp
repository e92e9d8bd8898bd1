// See peer_greeting.h.
#include "actors/model/peer_greeting.h"

#include <algorithm>

namespace tabletd::model {

namespace {

std::string fe(node_id node) { return "fe " + std::to_string(node); }

bool is_founder(const greeting& self, node_id node) {
  return std::ranges::find(self.founders, node, &member::id) != self.founders.end();
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
  if (!is_founder(self, peer.node))
    return fe(peer.node) + " is no member of the group (" + list(self.founders) + "); correct node.frontends";
  if (!peer.is_founded && !self.is_founded && peer.founders != self.founders)
    return fe(peer.node) + " would found the group with " + list(peer.founders) + " and this node with "
           + list(self.founders) + "; give node.frontends the same value on all of them";
  return {};
}

std::string new_directory(node_id node) {
  return fe(node)
         + " has a new directory: its votes and acknowledgements are lost, so it may not take part under this id; "
           "put its old directory back, or let it join under a new node.id";
}

bool knows_all(const greeting& self) {
  return std::ranges::all_of(self.founders, [&](const member& each) { return self.known.contains(each.id); });
}

/// A member of whom the two know different directories; 0: none.
node_id disagreement(const greeting& self, const greeting& peer) {
  for (const auto& [node, birth] : peer.known)
    if (const auto at = self.known.find(node); at != self.known.end() && at->second != birth)
      return node;
  return 0;
}

}  // namespace

greeting_verdict meet(greeting& self, const greeting& peer) {
  greeting_verdict verdict;
  verdict.refusal = mismatch(self, peer);
  if (!verdict.refusal.empty())
    return verdict;
  // Whoever is not who we know may be of another group, and its word about us is worth nothing.
  if (const auto of_peer = self.known.find(peer.node); of_peer != self.known.end() && of_peer->second != peer.birth) {
    verdict.refusal = new_directory(peer.node);
    return verdict;
  }
  const auto of_us = peer.known.find(self.node);
  if (of_us != peer.known.end() ? of_us->second != self.birth : peer.is_founded && !self.is_founded) {
    verdict.fatal = new_directory(self.node) + " (so says " + fe(peer.node) + ")";
    return verdict;
  }
  if (const auto other = disagreement(self, peer); other != 0) {
    verdict.refusal = fe(peer.node) + " and this node know different directories of " + fe(other)
                                               + "; empty the directories of all three and found the group again";
    return verdict;
  }
  verdict.has_learned = self.known.emplace(peer.node, peer.birth).second;
  if (peer.known == self.known && knows_all(self)) {
    self.agreed.insert(peer.node);
    if (peer.is_founded)  // It has heard from all of them.
      for (const auto& each : self.founders)
        if (each.id != self.node)
          self.agreed.insert(each.id);
  }
  return verdict;
}

bool may_found(const greeting& self) {
  return knows_all(self) && self.agreed.size() + 1 == self.founders.size();
}

}  // namespace tabletd::model
