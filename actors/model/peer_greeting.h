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
//
// Who joins later is written into the log together with its birth, by the change that makes it a
// member: whoever counts it knows its directory.  Who is a member is judged by the newer of the two
// committed memberships that meet: a member that was away must take the word of a leader it does not know
// yet, and one that was dropped must not be taken for a member because it was away.  Changes that are not
// committed only ever add to that: one may stand for ever in the log of a member that was cut off, and must
// not keep the members apart that would replace it.
#include "actors/model/consensus_core.h"
#include "actors/model/edit.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace tabletd::model {

inline constexpr std::uint16_t peer_protocol = 2;

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
  bool joins = false;            ///< It has none, and founds no group: it wants to be taken into one.
  std::vector<member> founders;  ///< As configured, ascending by id.
  /// Whom it counts: the members by the newest change that it knows to be committed, and by one that is not yet;
  /// empty: it has no log.
  std::vector<member> members;
  std::uint64_t members_index{}; ///< Of the committed one.
  birth_register known;          ///< Its own included.  Entries never change, but for what the log says.
  std::set<node_id> agreed;      ///< Of the others, those that know the same; stays at home.
};

struct greeting_verdict {
  std::string refusal;      ///< Not empty: no mail is taken from this peer, and why.
  std::string fatal;        ///< Not empty: this node must stop, and why.
  bool is_applicant = false;///< Refused, but ALTER SYSTEM ADD FOLLOWER would make a member of it.
  bool is_outsider = false; ///< Refused, because this node itself is no member (any more, or yet).
  bool has_learned = false; ///< `known` has grown: make it durable before anything else happens.
  [[nodiscard]] bool ok() const { return refusal.empty() && fatal.empty(); }
};

/// Judges what `peer` says by what this node (`self`) knows; self.known and self.agreed may grow.
greeting_verdict meet(greeting& self, const greeting& peer);

/// What this node's log says: the newest members, and those by the newest change that is known to be committed, at
/// entry `index`.  What they say of births stands above what was heard.  True: `known` has changed.
bool learn_members(greeting& self, const std::vector<member>& newest, const std::vector<member>& committed,
                   std::uint64_t index);

/// `peer`, refused as an applicant, as the member it would be; why it cannot be one, else.
[[nodiscard]] std::string why_not_to_add(const greeting& self, const member& peer);

/// All founding members know the same directories.
[[nodiscard]] bool may_found(const greeting& self);

}  // namespace tabletd::model
