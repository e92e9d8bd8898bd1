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
#include <string_view>
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
  bool voter = true;    ///< False: an observer, which gets the log and counts for nothing.
  /// Of its directory (model/peer_greeting.h); 0: a founder, whose birth its fellows know themselves.
  std::uint64_t birth = 0;
  bool wants_vote = false;  ///< An observer that is to become a voter when it has caught up.
  bool leaves = false;      ///< A leader that is to be removed by the next one.
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
/// What an image of everything up to `index` stands for.
struct snapshot_point {
  std::uint64_t index{};
  model::term term{};                ///< Of the entry at `index`.
  std::uint64_t membership_index{};  ///< <= index: the newest change that the image covers ...
  std::string membership;            ///< ... and what it said.
  friend bool operator==(const snapshot_point&, const snapshot_point&) = default;
};
/// Which image; the core only repeats it.
struct image_descriptor {
  std::uint64_t id{};
  std::uint64_t bytes{};
  std::uint32_t crc32c{};
  friend bool operator==(const image_descriptor&, const image_descriptor&) = default;
};
/// What the receiver needs is no longer in the sender's log.
struct install_snapshot {
  model::term term{};
  std::uint64_t last_index{};
  model::term last_term{};
  std::uint64_t membership_index{};
  std::string membership;
  image_descriptor image;  ///< The host fills it in before it sends.
};
/// Stand for election at once: the leader wants it.
struct timeout_now {
  model::term term{};
  std::uint64_t last_index{};
  model::term last_term{};
};
/// Whether the receiver knows of a later term: a leader asks before it answers reads (dissertation 6.4).
struct leader_asked {
  model::term term{};
  std::uint64_t round{};  ///< The sender's count; the answer repeats it.
};
/// The receiver of that was in no later term when it answered.
struct leader_confirmed {
  model::term term{};
  std::uint64_t round{};
};
using message = std::variant<append_request, append_result, vote_request, vote_result, install_snapshot, timeout_now,
                             leader_asked, leader_confirmed>;

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
/// First of all: what the disk holds.  A log starts at index 1 with a change, or with an image.
struct started {
  model::ballot ballot;
  std::vector<term_run> runs;                             ///< Ascending, without gaps; empty: no entries.
  std::vector<logged_change> changes;                     ///< Every change in the log, ascending.
  std::uint64_t first_index = 1;                          ///< Of the log; at most one behind the snapshot.
  std::optional<snapshot_point> snapshot = std::nullopt;  ///< What the newest image stands for.
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
/// Nobody listens at `peer` any more: its process has ended.  A follower that took it for the leader
/// knows none from now on, and stands for election soon instead of after an election timeout: voters one
/// after the other by id, each asking first whether a majority misses its leader too, so a leader that
/// the others still hear goes on.  To be repeated as long as it is so.  Nobody else minds.
struct peer_gone {
  node_id peer{};
};
/// The leader hands over to `to`; 0: to whoever is most up to date.  It takes no proposals until
/// `to` has everything and is told to stand, or an election timeout has passed without that
/// (`update::transferring`).  Refused: nobody to hand over to, or a change is open; for 0 also if nobody who
/// stays is near.
struct transfer_leadership {
  node_id to{};
};
/// An image of everything up to `upto` is durable here, and the log begins at `first_kept` <=
/// upto.index + 1 from now on.  `upto` is what snapshot_at() said when it was made, here or on another
/// member, and not ahead of what is committed here.  Once per index; an older one is ignored, and must
/// not trim the log.
struct snapshot_taken {
  snapshot_point upto;
  std::uint64_t first_kept{};
};
/// The image asked for by `update::install` is durable and verified here; the log is as it was.
struct snapshot_installed {
  std::uint64_t index{};
  model::term term{};
};
/// It could not be had.  The leader will offer one again.
struct install_failed {
  std::uint64_t index{};
  model::term term{};
};
/// The leader is to make this the membership.  It must differ from the present one in one member:
/// added as an observer, made a voter or an observer, given another address or wish, or gone (dissertation
/// 4.1).  `consensus_refusal` says when not; a voter is made only of an observer that answers and lacks no more
/// than what may be under way to any follower.
struct change_membership {
  std::vector<member> members;
};
/// Somebody wants to read what is true now.  `update::confirmed` answers: once a majority of the voters has
/// said after this event that it is in no later term, nothing was committed elsewhere before this event.
/// Reads that wait share a round.  Never answered by who stops leading, or does not lead.
struct confirm_leader {
  std::uint64_t ticket{};  ///< Ascending.
};
using consensus_event
    = std::variant<started, proposed, persisted, received, ticked, unreachable, transfer_leadership, snapshot_taken,
                   snapshot_installed, install_failed, change_membership, peer_gone, confirm_leader>;

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
/// The host is to fetch this image, verify it and make it durable, and then to say snapshot_installed or
/// install_failed; meanwhile all goes on as before, and no other image is asked for.
struct image_to_install {
  node_id from{};  ///< The leader that offers it; whoever has it will do.
  snapshot_point upto;
  image_descriptor image;
};
/// Why something was refused.
enum class consensus_refusal : std::uint8_t {
  none,
  not_leader,        ///< Somebody else leads, or nobody.
  transferring,      ///< Leadership is being handed over.
  change_open,       ///< Another change of membership is not committed yet.
  term_not_settled,  ///< No entry of this leader's term is committed yet (dissertation 6.4).
  not_single,        ///< More than one member would change, or none; or a new one would vote at once.
  not_caught_up,     ///< The member to promote, or too many of those who then vote, are silent or too far behind.
  not_a_membership,  ///< An id or address is empty or occurs twice, or nobody would vote.
  no_such_member,    ///< Nobody to hand over to.
  /// Only who no longer votes might come to know of it, and then nobody could be elected: a leader hands over
  /// before it goes, and of two voters one is removed, not made an observer (dissertation 4.2.2).
  would_strand,
};
struct outbound {
  node_id to{};
  message what;
};
/// Every confirm_leader up to `ticket` is answered: who has applied everything up to `index` may read.
struct confirmed_reads {
  std::uint64_t ticket{};
  std::uint64_t index{};
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
  bool refused{};     ///< The proposal was not appended; `why` it was not.
  std::string fault;  ///< Not empty: the group's promises are broken; stop the node and say this.
  consensus_refusal why = consensus_refusal::none;
  bool transferring{};  ///< This leader is handing over and takes no proposals.
  /// Not 0: an image stands for everything before this index, and the log, empty, begins here.  Before `entries`:
  /// in the order of writes, not before the messages, because the image is durable.
  std::uint64_t log_restarts_at{};
  std::optional<image_to_install> install;
  std::optional<confirmed_reads> confirmed;
};

class consensus_core {
public:
  virtual ~consensus_core() = default;
  /// `now` never goes back.  Does not throw: what cannot go on is a fault.
  [[nodiscard]] virtual update step(const consensus_event& event, time_ms now) = 0;
  /// Entry 1 of a new group: the same on every founding member, written at term 1.  Throws
  /// std::invalid_argument if an id is 0 or an id or address occurs twice.
  [[nodiscard]] virtual entry_header founding_entry(const std::vector<member>& members) const = 0;
  /// What an image of everything up to `index` stands for.  `index` is committed, not older than
  /// the present snapshot and not the founding entry; else nothing.
  [[nodiscard]] virtual std::optional<snapshot_point> snapshot_at(std::uint64_t index) const = 0;
  /// The newest membership in the log; empty: none is known.  It counts from when it is logged.
  [[nodiscard]] virtual std::vector<member> members() const = 0;
  /// What a change or a snapshot_point says; nothing: it is not a membership.
  [[nodiscard]] virtual std::optional<std::vector<member>> decode_membership(std::string_view membership) const = 0;
};

}  // namespace tabletd::model
