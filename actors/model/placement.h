#pragma once
// THE placement function.  What is done about a tablet, from where, to where, and why not
// elsewhere, is decided here and nowhere else.  decide() treats a tablet, place_table() finds
// the first places of a new table.
// Rules: spec/replica.md 4.8 and 4.9 in the profile of its appendix B.
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include "actors/model/health.h"
#include "actors/model/slots.h"
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

class load_scores;

/// Everything a decision depends on.
struct placement_view {
  const catalog& cat;
  const cluster_view& cluster;
  const slot_ledger& slots;
  fit_limits fit;
  /// Places where attempts to mend this tablet have just failed: taken only if nothing else
  /// is left, so that one broken disk or source cannot hold a tablet for ever.
  std::span<const place> avoid{};
  std::uint32_t failures = 0; ///< Such attempts in a row.
  std::optional<place> disk_to_blame{}; ///< The disk that refused the last of them: full, or failing.
  /// False: paths that cannot be chosen any more need no verdict.  The move is the same; with
  /// a thousand backends it is found a hundred times faster.
  bool every_path = true;
  const load_scores* scores = nullptr; ///< Computed if the caller does not keep them.
  /// Repair and balance have slots of their own; what the other's copies bring in fills the same disks.
  const slot_ledger* other_slots = nullptr;
  [[nodiscard]] std::uint64_t incoming_bytes(const place& at) const {
    return slots.incoming_bytes(at) + (other_slots ? other_slots->incoming_bytes(at) : 0);
  }
};

// -- moves -------------------------------------------------------------------------------
struct leave_alone {
  friend bool operator==(const leave_alone&, const leave_alone&) = default;
};
/// Copy one replica.
struct clone_move {
  replica_id source_replica{};
  place source;
  place target;
  replica_id replica{};      ///< 0: a new one; else filled in place.
  model::version version{};  ///< What the copy must reach.
  std::uint64_t bytes{};     ///< Size of the tablet.
  order_purpose purpose = order_purpose::repair;
  replica_id replaces{};     ///< Balance: the replica that goes when the copy is complete.
  friend bool operator==(const clone_move&, const clone_move&) = default;
};
/// Remove one replica, first from the catalog, then from its disk.
struct drop_move {
  replica_id replica{};
  place at;
  drop_reason reason{};
  bool force = false; ///< To make room (FORCE_REDUNDANT), not because there is one too many.
  friend bool operator==(const drop_move&, const drop_move&) = default;
};
using remedy = std::variant<leave_alone, clone_move, drop_move>;

// -- why, place by place -----------------------------------------------------------------
enum class path_role : std::uint8_t { source, target };
enum class path_code : std::uint8_t {
  chosen,
  usable,                 ///< Would do as well; another one is less loaded.
  backend_dead,
  backend_decommissioned,
  backend_unlinked,       ///< Alive by the log, but the leader has no connection to it now.
  backend_unreported,     ///< Linked, but its first full report is not in yet.
  holds_replica,          ///< Of this tablet already.
  same_host,              ///< As a replica of this tablet.
  other_cluster,          ///< Not of the cluster the table belongs to.
  not_in_group,           ///< The colocation group has this bucket elsewhere.
  replica_bad,
  replica_cloning,
  replica_incomplete,
  path_unseen,            ///< The backend has not said how full it is.
  path_offline,
  too_full,
  no_slot,
};

/// Why one path of one backend was or was not chosen.
struct path_verdict {
  path_role role{};
  place at;
  path_code code{};
  double used_ratio{};         ///< Targets: fill with this tablet and what is on its way; else 0.
  std::uint64_t left_bytes{};  ///< Targets: what would be left.
  friend bool operator==(const path_verdict&, const path_verdict&) = default;
};
[[nodiscard]] std::string sentence(const path_verdict& verdict);

/// Why nothing can be done now; what would change that is in its sentence.
enum class blocker : std::uint8_t {
  none,
  tablet_unknown,
  unhealthy,       ///< Balance waits: the tablet has to be repaired first.
  order_open,      ///< An order of this tablet has not ended: whoever sees this adopts it.
  unrecoverable,
  no_source,       ///< Complete replicas exist, but on backends the leader cannot reach.
  source_slot,     ///< Every source path is busy.
  no_backend,      ///< No backend may take the replica.
  no_path,         ///< Backends would, but their paths are full or offline.
  target_unlinked, ///< Backends would, but the leader cannot reach them.
  target_slot,     ///< Every fitting path is busy.
  loads_open,      ///< Loads count on the one that would go; they end by themselves.
  unconfirmed,     ///< Copies that must stay are on backends that have not reported since they linked.
  nothing_to_drop,
};
[[nodiscard]] std::string_view sentence(blocker why);
/// A decision in a hurry (placement_view::every_path false) that fails because all targets are busy
/// names no more of them than one beyond this.
inline constexpr std::size_t busy_targets_told = 16;
/// True if a running copy that ends can lift it; false: the cluster has to change.
[[nodiscard]] constexpr bool waits_for_slot(blocker why) {
  return why == blocker::source_slot || why == blocker::target_slot;
}
/// True if it lifts by itself, and nothing says when.
[[nodiscard]] constexpr bool waits_for_time(blocker why) { return why == blocker::loads_open; }

struct decision {
  diagnosis what;
  remedy move;
  std::vector<path_verdict> paths; ///< In the order they were looked at.
  blocker blocked = blocker::none; ///< none exactly if there is a move or the tablet is healthy.
};

/// What balance wants for one tablet: `slots` of the view are balance's.
struct wanted_move {
  replica_id replica{}; ///< The one that shall go, or change its path.
  place source;
  place target;
};
/// The same rules for a move that nothing is wrong without: the tablet is healthy, the ends may
/// take part, the target has room within the normal limits, slots are free.
[[nodiscard]] decision decide_move(const placement_view& view, tablet_id tablet, const wanted_move& wanted);

/// Deterministic: the same view gives the same decision, on every node.
[[nodiscard]] decision decide(const placement_view& view, tablet_id tablet);
/// One line for people: the move, or the blocker and what would lift it.
[[nodiscard]] std::string sentence(const decision& d);

// -- new tables --------------------------------------------------------------------------
using placements = std::vector<std::vector<place>>; ///< [bucket][replica]

/// What a new table, or a new partition of one, asks of its places.
struct table_wish {
  std::uint32_t buckets{};
  std::uint32_t replication_num{};
  std::uint32_t partitions = 1;
  std::optional<model::medium> medium{};  ///< Wanted; any other one only where too few backends have it.
  std::string_view cluster{};             ///< Its backends only; empty: all.
  /// Of a colocated table whose group exists: exactly its backends, bucket by bucket (as many
  /// buckets and replicas as wished); only the path is chosen.
  const colocate_group* group = nullptr;
  bool alike = false; ///< All partitions on the backends of the first: a group of its own begins.
};

/// Places for every replica, one element per partition, by the same rules as a repair: spread over
/// backends and paths - of all partitions together - hosts apart when the cluster has enough of
/// them, locations apart where possible; or the sentence why not.
[[nodiscard]] std::variant<std::vector<placements>, std::string> place_table(const placement_view& view,
                                                                             const table_wish& wish);

// -- the path fit rule, spec/replica.md 4.8 ----------------------------------------------
struct path_fit {
  bool fits = false;
  double used_ratio{};
  std::uint64_t left_bytes{};
};
/// `supplement`: the tablet lacks a replica, so the higher limits apply.  `incoming_bytes`:
/// already on their way to this path.
[[nodiscard]] path_fit fit(const path_view& path, std::uint64_t incoming_bytes, std::uint64_t bytes,
                           bool supplement, const fit_limits& limits);

} // namespace tabletd::model
