#pragma once
// Consensus as one pure function: an event and the time go in, what to do comes out.
// The host owns disk, network, clock and every payload; the core knows indexes and terms.
//
// An update must be carried out in the order of its fields: the ballot is durable before
// entries are written or messages leave; messages need not wait for the entries; a change
// is only acted on once `committed_upto` covers it (design/journal.md 9.1).
#include "actors/model/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

using node_id = std::uint64_t;  ///< 0: nobody.

/// What kind of entry stands in the log; the numbers are on disk.
enum class entry_type : std::uint16_t {
  command = 1,  ///< An edit.
  barrier = 2,  ///< The core's own, empty for everyone else.
  change = 3,   ///< The membership from here on, in the core's encoding.
};

struct member {
  node_id id{};
  std::string address;  ///< Unique in the group.
  bool voter = true;
  friend bool operator==(const member&, const member&) = default;
};

/// What must be durable before anything that depends on it leaves the node.
struct ballot {
  model::term term{};
  node_id vote{};
  friend bool operator==(const ballot&, const ballot&) = default;
};

struct entry_header {
  model::term term{};
  entry_type type = entry_type::command;
  std::string membership;  ///< Payload of a change; empty for the others, whose payload stays with the host.
  friend bool operator==(const entry_header&, const entry_header&) = default;
};

// -- what members tell each other --------------------------------------------------------
struct append_request {
  model::term term{};
  std::uint64_t prev_index{};
  model::term prev_term{};
  std::uint64_t leader_commit{};
  std::uint32_t count{};              ///< From the core: how many entries from prev_index + 1 on ...
  std::vector<entry_header> entries;  ///< ... the host fills in from its log before it sends.
};
struct append_result {
  model::term term{};
  std::uint64_t rejected{};    ///< 0: accepted; else the prev_index that did not match.
  std::uint64_t last_index{};  ///< Accepted: what is durable and verified.  Rejected: a hint.
};
struct vote_request {
  model::term term{};
  node_id candidate{};
  std::uint64_t last_index{};
  model::term last_term{};
  bool disrupt_leader{};
  bool pre_vote{};
};
struct vote_result {
  model::term term{};
  bool granted{};
  bool pre_vote{};
};
using message = std::variant<append_request, append_result, vote_request, vote_result>;

// -- events ------------------------------------------------------------------------------
/// Entries of one term in a row, up to and including `last`.
struct term_run {
  model::term term{};
  std::uint64_t last{};
};
struct logged_change {
  std::uint64_t index{};
  std::string membership;
};
/// First of all: what the disk holds.  A log starts at index 1 with a change.
struct started {
  model::ballot ballot;
  std::vector<term_run> runs;          ///< Ascending, without gaps; empty: no entries.
  std::vector<logged_change> changes;  ///< Every change in the log, ascending.
};
/// New commands; the update says where they go, or that they were refused.
struct proposed {
  std::uint32_t commands = 1;
};
/// Everything up to `index` is durable.  `term` is the term of that entry when it was written: a
/// report that a truncation has overtaken is recognised by it (design/journal.md 3, P6).
struct persisted {
  std::uint64_t index{};
  model::term term{};
};
struct received {
  node_id from{};
  message what;
};
/// Time passed.  Needed at `next_tick` at the latest; earlier ticks do nothing.
struct ticked {};
/// The link to `peer` was cut: what was sent to it since its last answer may be lost.  A leader
/// sends all of that again, from what `peer` is known to hold (design/journal.md 3, P3); best told
/// when the next link is up.  Says nothing about whether `peer` lives: no election comes of it,
/// and none is put off.  Nobody else minds.
struct unreachable {
  node_id peer{};
};
using consensus_event = std::variant<started, proposed, persisted, received, ticked, unreachable>;

// -- update ------------------------------------------------------------------------------
enum class consensus_role : std::uint8_t { follower, candidate, leader };

/// Whose payloads belong to the entries.
enum class payload_source : std::uint8_t {
  proposal,  ///< The event's commands, in order.
  request,   ///< The received append_request's entries, from `skip` on.
  core,      ///< The core's own; empty.
};
struct entries_to_persist {
  std::uint64_t first{};  ///< Replaces everything from here on.
  std::vector<entry_header> headers;
  payload_source source = payload_source::proposal;
  std::size_t skip = 0;
};
struct outbound {
  node_id to{};
  message what;
};
struct update {
  std::optional<model::ballot> ballot;  ///< Absent: unchanged.
  std::optional<entries_to_persist> entries;
  std::vector<outbound> messages;
  std::uint64_t committed_upto{};
  consensus_role role = consensus_role::follower;
  model::term term{};
  node_id leader{};  ///< 0: not known.
  time_ms next_tick{};
  bool refused{};     ///< The proposal was not appended: this node does not lead.
  std::string fault;  ///< Not empty: the group's promises are broken; stop the node and say this.
};

class consensus_core {
public:
  virtual ~consensus_core() = default;
  /// `now` never goes back.  Does not throw: what cannot go on is a fault.
  [[nodiscard]] virtual update step(const consensus_event& event, time_ms now) = 0;
  /// Entry 1 of a new group: the same on every founding member, written at term 1.  Throws
  /// std::invalid_argument if an id is 0 or an id or address occurs twice.
  [[nodiscard]] virtual entry_header founding_entry(const std::vector<member>& members) const = 0;
};

}  // namespace tabletd::model
