#pragma once
// What can become true, as values.  One edit is one entry of the edit log; the wire
// twin is schemas/edits.capnp, and actors/codec/edit_codec.h maps between the two.
#include "actors/model/cooldown_types.h"
#include "actors/model/ids.h"
#include "actors/model/warmup_edits.h"
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tabletd::model {

enum class medium : std::uint8_t { hdd, ssd };

/// Where a replica lives: one path of one backend.
struct place {
  backend_id backend{};
  path_hash path{};
  friend bool operator==(const place&, const place&) = default;
};

struct path_seen {
  path_hash hash{};
  std::string root;
  model::medium medium{};
  friend bool operator==(const path_seen&, const path_seen&) = default;
};

using cluster_uuid = std::array<std::uint8_t, 16>;

/// Why a replica left the catalog.  In the log: values are only appended.  Which goes first when
/// one of several must is preference() of placement_drop.cpp.
enum class drop_reason : std::uint8_t {
  backend_dropped,
  bad,
  backend_unavailable,
  version_incomplete,
  same_host,
  highest_load,
  lost,          ///< A current full report of its backend did not list it.
  table_dropped,
  wrong_cluster, ///< Its backend is not of the table's cluster.
  moved,         ///< A balance move has put another one in its place.
  not_in_group,  ///< Its colocation group has its bucket elsewhere.
};
inline constexpr std::uint8_t drop_reason_count = 11;

// -- edits ---------------------------------------------------------------------------
struct cluster_founded { cluster_uuid cluster{}; std::string name; friend bool operator==(const cluster_founded&, const cluster_founded&) = default; };
struct term_began { model::term term{}; std::uint64_t leader{}; friend bool operator==(const term_began&, const term_began&) = default; };
struct backend_added {
  std::string host;
  std::uint16_t port{};
  std::string cluster{};  ///< Empty: cluster_default.
  std::string location{}; ///< "rack:a"; empty: unknown.
  friend bool operator==(const backend_added&, const backend_added&) = default;
};
struct backend_dropped { backend_id backend{}; friend bool operator==(const backend_dropped&, const backend_dropped&) = default; };
struct backend_decommission { backend_id backend{}; bool on{}; friend bool operator==(const backend_decommission&, const backend_decommission&) = default; };
/// ALTER SYSTEM MODIFY BACKEND: both values as they shall be.
struct backend_modified { backend_id backend{}; std::string cluster; std::string location; friend bool operator==(const backend_modified&, const backend_modified&) = default; };
struct backend_died { backend_id backend{}; friend bool operator==(const backend_died&, const backend_died&) = default; };
struct backend_returned { backend_id backend{}; std::vector<path_seen> paths; friend bool operator==(const backend_returned&, const backend_returned&) = default; };
struct database_created { std::string name; friend bool operator==(const database_created&, const database_created&) = default; };
struct database_dropped { database_id database{}; friend bool operator==(const database_dropped&, const database_dropped&) = default; };

using bucket_places = std::vector<std::vector<place>>; ///< [bucket][replica]

struct new_partition {
  std::string name;
  std::optional<model::medium> medium{}; ///< Where its replicas belong; nothing: anywhere.
  bucket_places placements;
  storage_policy_id storage_policy{};    ///< Its own; 0: the table's.
  friend bool operator==(const new_partition&, const new_partition&) = default;
};
struct table_created {
  database_id database{};
  std::string name;
  std::uint32_t key_column = 1; ///< 1-based.
  char separator = '\t';
  std::uint32_t replication_num = 3;
  bucket_places placements;               ///< Of its only partition, named like the table; else empty.
  std::vector<new_partition> partitions{}; ///< Instead of `placements`; all with as many buckets.
  std::string cluster{};                  ///< Its replicas belong on backends of it; empty: on any.
  std::string colocate_with{};            ///< Name of its colocation group; empty: none.
  storage_policy_id storage_policy{};     ///< 0: none.
  friend bool operator==(const table_created&, const table_created&) = default;
};
struct table_dropped { table_id table{}; friend bool operator==(const table_dropped&, const table_dropped&) = default; };

struct partition_added { table_id table{}; new_partition what; friend bool operator==(const partition_added&, const partition_added&) = default; };
struct partition_dropped { table_id table{}; partition_id partition{}; friend bool operator==(const partition_dropped&, const partition_dropped&) = default; };
struct partition_modified { table_id table{}; partition_id partition{}; std::optional<model::medium> medium; friend bool operator==(const partition_modified&, const partition_modified&) = default; };

/// `partition` 0: the table's only one.
struct load_begun { table_id table{}; std::string label; partition_id partition{}; friend bool operator==(const load_begun&, const load_begun&) = default; };
struct tablet_loaded {
  tablet_id tablet{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::vector<replica_id> prepared; ///< Who holds the rows durably; every other replica now has a hole.
  friend bool operator==(const tablet_loaded&, const tablet_loaded&) = default;
};
struct load_committed { txn_id txn{}; std::vector<tablet_loaded> tablets; friend bool operator==(const load_committed&, const load_committed&) = default; };
struct load_aborted { txn_id txn{}; std::string reason; friend bool operator==(const load_aborted&, const load_aborted&) = default; };
struct load_published { txn_id txn{}; friend bool operator==(const load_published&, const load_published&) = default; };

enum class order_purpose : std::uint8_t { repair, balance };

/// Three kinds by `replica` and ends: a new replica (0), one filled where it is, or - on one
/// backend, from path to path - one that moves.
struct clone_ordered {
  tablet_id tablet{};
  std::uint8_t health{};   ///< tablet_health that asked for it.
  std::uint8_t priority{}; ///< repair_priority.
  place source;
  place target;
  replica_id replica{};    ///< 0: a new replica, which the fold names (from next_id); else filled in place.
  model::version version{};
  order_purpose purpose = order_purpose::repair;
  /// Balance only: the replica this one replaces.  It is pinned: until the move is decided it is
  /// the one to go, and the new one is brought up to date instead of being dropped (9.2, C16).
  replica_id replaces{};
  std::string why{}; ///< The decision in a sentence, for the history.
  friend bool operator==(const clone_ordered&, const clone_ordered&) = default;
};
struct clone_ended {
  tablet_id tablet{};
  log_index order{};
  model::version reached{}; ///< 0: failed.
  std::string failure;
  friend bool operator==(const clone_ended&, const clone_ended&) = default;
};
struct replica_dropped {
  tablet_id tablet{};
  replica_id replica{};
  drop_reason reason{};
  std::uint8_t health{};   ///< tablet_health that asked for it.
  std::uint8_t priority{}; ///< repair_priority.
  std::string why{};       ///< As in clone_ordered.  Empty: nobody decided it, a report or statement said so.
  friend bool operator==(const replica_dropped&, const replica_dropped&) = default;
};
struct replica_observed {
  tablet_id tablet{};
  replica_id replica{};
  model::version version{};
  bool bad{};
  path_hash path{}; ///< Where it is now; 0: where it was.
  friend bool operator==(const replica_observed&, const replica_observed&) = default;
};
struct replica_readopted { tablet_id tablet{}; replica_id replica{}; model::place place; model::version version{}; friend bool operator==(const replica_readopted&, const replica_readopted&) = default; };

/// ADMIN SET REPLICA STATUS.  What an operator says is kept apart from what backends report (9.2, C24b).
struct replica_status_set { tablet_id tablet{}; replica_id replica{}; bool bad{}; friend bool operator==(const replica_status_set&, const replica_status_set&) = default; };
/// ADMIN REPAIR TABLE: these partitions are urgent until then.
struct repair_hinted { table_id table{}; std::vector<partition_id> partitions; time_ms until{}; friend bool operator==(const repair_hinted&, const repair_hinted&) = default; };
struct repair_unhinted { table_id table{}; std::vector<partition_id> partitions; friend bool operator==(const repair_unhinted&, const repair_unhinted&) = default; };
/// ADMIN SET FRONTEND CONFIG.  Empty value: back to the default.
struct config_set { std::string key; std::string value; friend bool operator==(const config_set&, const config_set&) = default; };
/// The bucket's replicas of every table of the group belong on these backends.
struct colocate_relocated { colocate_group_id group{}; std::uint32_t bucket{}; std::vector<backend_id> backends; std::string why; friend bool operator==(const colocate_relocated&, const colocate_relocated&) = default; };
/// ADMIN PAUSE | RESUME BALANCE.  A scope is "all", "table:<id>" or "backend:<id>".
struct balance_paused { std::string scope; std::string owner; std::string reason; time_ms until{}; friend bool operator==(const balance_paused&, const balance_paused&) = default; };
struct balance_resumed { std::string scope; friend bool operator==(const balance_resumed&, const balance_resumed&) = default; };

// -- plans that are kept (saved_plan.h) --
/// What a plan answers.  In the log: values are only appended.
enum class plan_kind : std::uint8_t { rebalance, decommission, loss };
inline constexpr std::uint8_t plan_kind_count = 3;
/// One replica that leaves its place, so far as it has to be known to be judged again when it is its turn.
struct saved_move {
  tablet_id tablet{};
  replica_id replica{}; ///< The one that goes, or changes its path.
  place source;         ///< Where it is copied from: balance reads the one that goes, repair whichever is best.
  place target;
  std::uint64_t bytes{};
  friend bool operator==(const saved_move&, const saved_move&) = default;
};
/// PLAN ... SAVE AS.  `epoch`: log index of the catalog it was computed from.
struct plan_saved {
  std::string name;
  plan_kind kind{};
  backend_id backend{}; ///< Who leaves or is lost; 0: nobody.
  log_index epoch{};
  std::vector<saved_move> moves; ///< In the order they are made.
  friend bool operator==(const plan_saved&, const plan_saved&) = default;
};
struct plan_applied { std::string name; friend bool operator==(const plan_applied&, const plan_applied&) = default; };
struct plan_dropped { std::string name; friend bool operator==(const plan_dropped&, const plan_dropped&) = default; };
struct skipped_move {
  std::uint32_t move{}; ///< Its number in the plan, from 0 on.
  std::string why;
  friend bool operator==(const skipped_move&, const skipped_move&) = default;
};
/// Moves of the plan being applied that no longer hold.  What was done the catalog shows by itself; what a disk or
/// a link forbade it does not, and a plan that is over must not begin again after a restart.
struct plan_moves_skipped { std::string name; std::vector<skipped_move> moves; friend bool operator==(const plan_moves_skipped&, const plan_moves_skipped&) = default; };

// -- what the journal's deletion waits for (checkpoint_controller.h) --
/// What is logged before it counts.  In the log: values are only appended.
enum class checkpoint_decision : std::uint8_t {
  excuse_member,  ///< "Needs full resync": it holds up deletion no more and gets an image when it is back (spec/jobs.md K6).
  readmit_member, ///< It has that image and has caught up.
  use_newest,     ///< The disk is filling up: delete up to the newest image instead of the older one (K5).
  use_older,      ///< It no longer is.
};
inline constexpr std::uint8_t checkpoint_decision_count = 4;
[[nodiscard]] constexpr bool is_about_member(checkpoint_decision what) {
  return what == checkpoint_decision::excuse_member || what == checkpoint_decision::readmit_member;
}
struct checkpoint_decided {
  checkpoint_decision what{};
  frontend_id frontend{}; ///< 0: it is about the disk.
  std::string why;
  friend bool operator==(const checkpoint_decided&, const checkpoint_decided&) = default;
};

// -- cooldown (spec/jobs.md section B) --
/// Which driver of persistence/remote serves it.  In the log: values are only appended.
enum class resource_type : std::uint8_t { file, s3 };
inline constexpr std::uint8_t resource_type_count = 2;
/// Ascending by key, every key once.  Never a secret: they are shown, and are in images in clear.
using resource_properties = std::vector<std::pair<std::string, std::string>>;
struct resource_created { std::string name; resource_type type{}; resource_properties properties; friend bool operator==(const resource_created&, const resource_created&) = default; };
/// All of its properties as they shall be.
struct resource_altered { resource_id resource{}; resource_properties properties; friend bool operator==(const resource_altered&, const resource_altered&) = default; };
struct resource_dropped { resource_id resource{}; friend bool operator==(const resource_dropped&, const resource_dropped&) = default; };

/// A rowset is due so long after it was written.
struct cooldown_ttl { std::uint64_t seconds{}; friend bool operator==(const cooldown_ttl&, const cooldown_ttl&) = default; };
/// Every rowset is due from this moment on.
struct cooldown_datetime { time_ms at{}; friend bool operator==(const cooldown_datetime&, const cooldown_datetime&) = default; };
using cooldown_due = std::variant<cooldown_ttl, cooldown_datetime>;
struct storage_policy_created { std::string name; resource_id resource{}; cooldown_due due; friend bool operator==(const storage_policy_created&, const storage_policy_created&) = default; };
/// Both values as they shall be.
struct storage_policy_altered { storage_policy_id policy{}; resource_id resource{}; cooldown_due due; friend bool operator==(const storage_policy_altered&, const storage_policy_altered&) = default; };
struct storage_policy_dropped { storage_policy_id policy{}; friend bool operator==(const storage_policy_dropped&, const storage_policy_dropped&) = default; };
/// `partition` 0: the table, for all partitions without a policy of their own.  `policy` 0: none.
struct storage_policy_set { table_id table{}; partition_id partition{}; storage_policy_id policy{}; friend bool operator==(const storage_policy_set&, const storage_policy_set&) = default; };

/// Who may upload, logged before its backend learns of it (U8).  `replica` 0 takes the last grant back, which is a
/// term of its own: whoever has heard of it knows that it is no uploader any more.
struct cooldown_grant { tablet_id tablet{}; replica_id replica{}; model::term term{}; friend bool operator==(const cooldown_grant&, const cooldown_grant&) = default; };
/// All of them come true or none.
struct cooldown_granted { std::vector<cooldown_grant> grants; friend bool operator==(const cooldown_granted&, const cooldown_granted&) = default; };
/// The uploader's remote_meta counts from now on.
struct cooldown_published { tablet_id tablet{}; replica_id replica{}; published_meta meta; friend bool operator==(const cooldown_published&, const cooldown_published&) = default; };
/// Proves by a quorum write that who said yes to a deletion was the leader (spec/jobs.md B9); changes nothing.
struct cooldown_deletion_confirmed { tablet_id tablet{}; replica_id replica{}; remote_meta_id id; friend bool operator==(const cooldown_deletion_confirmed&, const cooldown_deletion_confirmed&) = default; };
/// ADMIN COOLDOWN TABLE: every version that these partitions have when this comes true is due, whatever their policies say.
struct cooldown_hurried { table_id table{}; std::vector<partition_id> partitions; friend bool operator==(const cooldown_hurried&, const cooldown_hurried&) = default; };
/// RECALL TABLE: what of them is remote comes back, and stays until they come under a policy again.
struct cooldown_recalled { table_id table{}; std::vector<partition_id> partitions; friend bool operator==(const cooldown_recalled&, const cooldown_recalled&) = default; };
/// Nothing of these dropped tablets is left in any remote store, and nobody can still write there.
struct remote_purged { std::vector<tablet_id> tablets; friend bool operator==(const remote_purged&, const remote_purged&) = default; };

using edit_body = std::variant<cluster_founded, term_began, backend_added, backend_dropped, backend_decommission, backend_died,
                               backend_returned, database_created, database_dropped, table_created, table_dropped, load_begun,
                               load_committed, load_aborted, load_published, clone_ordered, clone_ended, replica_dropped,
                               replica_observed, replica_readopted, backend_modified, partition_added, partition_dropped,
                               partition_modified, replica_status_set, repair_hinted, repair_unhinted, config_set,
                               colocate_relocated, balance_paused, balance_resumed, plan_saved, plan_applied, plan_dropped,
                               plan_moves_skipped, checkpoint_decided, resource_created, resource_altered, resource_dropped,
                               storage_policy_created, storage_policy_altered, storage_policy_dropped, storage_policy_set,
                               cooldown_granted, cooldown_published, cooldown_deletion_confirmed, cooldown_hurried,
                               cooldown_recalled, remote_purged, warmup_created, warmup_begun, batch_warmed, warmup_ended,
                               warmup_paused, warmup_resumed, warmup_forgotten>;

struct edit {
  time_ms at{}; ///< Leader's wall clock at proposal: the only time the fold sees.
  edit_body body;
  friend bool operator==(const edit&, const edit&) = default;
};

} // namespace tabletd::model
