#pragma once
// How front ends recognise each other, and why one whose directory was wiped cannot vote by
// mistake.
//
// Every directory has a birth number, drawn once.  Who has met another writes its birth down, for
// good; and the founding members found the group only after each has heard from all others that
// they have written down exactly the same.  So whoever takes part is known, by its directory, to
// everybody who could ever take part.  A directory that is new under an old name has forgotten what
// it voted and what it acknowledged: its mail is refused by whoever knows the old one, and itself
// it stops as soon as it hears of that (design/journal.md 10, I2 and I6).
#include "actors/model/consensus_core.h"
#include "actors/model/edit.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tabletd::model {

inline constexpr std::uint16_t peer_protocol = 1;

/// Birth number of each member's directory; never 0.
using birth_register = std::map<node_id, std::uint64_t>;

/// What one front end says of itself when a link begins.
struct greeting {
  std::uint16_t version = peer_protocol;
  std::string cluster;      ///< Its name, as configured.
  cluster_uuid cluster_id{};  ///< All 0: not known yet.
  node_id node{};
  std::uint64_t birth{};
  bool is_founded = false;       ///< It has a log.
  std::vector<member> founders;  ///< As configured, ascending by id.
  birth_register known;          ///< Its own included.  Entries never change.
  std::set<node_id> agreed;      ///< Of the others, those that know the same; stays at home.
};

struct greeting_verdict {
  std::string refusal;      ///< Not empty: no mail is taken from this peer, and why.
  std::string fatal;        ///< Not empty: this node must stop, and why.
  bool has_learned = false; ///< `known` has grown: make it durable before anything else happens.
  [[nodiscard]] bool ok() const { return refusal.empty() && fatal.empty(); }
};

/// Judges what `peer` says by what this node (`self`) knows; self.known and self.agreed may grow.
greeting_verdict meet(greeting& self, const greeting& peer);

/// All founding members know the same directories.
[[nodiscard]] bool may_found(const greeting& self);

}  // namespace tabletd::model
