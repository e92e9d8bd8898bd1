#pragma once
// The catalog: the fold of the edit log and nothing else.  Copying it is cheap (every
// container is copy-on-write), so a snapshot is a copy and readers never block the fold.
//
// apply() is deterministic: same edits in the same order, same catalog, on every node.
// It also is the authority: an edit that no longer makes sense is refused here, by name,
// whatever its proposer believed.
#include "actors/model/cow_map.h"
#include "actors/model/edit.h"
#include "actors/model/name_index.h"
#include "actors/model/packed_map.h"
#include "actors/model/saved_plan.h"
#include "actors/model/short_list.h"
#include "actors/model/warmup_records.h"
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::model {

/// spec/replica.md 1.3.  A clone replica is ordered but not yet confirmed: loads and
/// reads pass it by.
enum class replica_state : std::uint8_t { normal, clone };

/// One copy of a tablet (spec/replica.md 1.1).
inline constexpr std::uint64_t replica_id_max = (std::uint64_t{1} << 56U) - 1;

/// Millions of them: its words are full, and a leaf of 32 tablets fits a size the allocator has.
struct replica {
  replica_id id : 56 {};         ///< At most replica_id_max; ids are given out one by one, so it is never reached.
  replica_state state : 6 = replica_state::normal;
  bool bad : 1 = false;          ///< Damaged on its disk, says its backend.
  bool set_bad : 1 = false;      ///< An operator says so; no report changes it (9.2, C24b).
  backend_id backend{};
  path_hash path{};
  model::version version{};      ///< Highest v with 1..v all present.
  model::version last_failed{};  ///< Latest version it missed; 0: none.  > 0 means there is a hole.
  model::version last_success{}; ///< Latest version it holds, possibly above a hole.
  /// Never a source, to be replaced.
  [[nodiscard]] bool damaged() const { return bad || set_bad; }
  friend bool operator==(const replica&, const replica&) = default;
};

struct tablet {
  tablet_id id{};
  table_id table{};
  partition_id partition{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  /// When a copy last ended here.  Whatever load began before may know only the replicas of that
  /// time, so no complete one is dropped while such a load is open (4.10; see replica_dropped).
  log_index settled{};
  [[no_unique_address]] short_list<replica, 3> replicas; ///< At most one per backend.  Most tablets have three.
  std::uint32_t bucket{};                                ///< In the padding of the list.
  [[nodiscard]] const replica* find(replica_id id) const;
  [[nodiscard]] const replica* on(backend_id backend) const;
  friend bool operator==(const tablet&, const tablet&) = default;
};
static_assert(sizeof(replica) == 48 && sizeof(tablet) == 200, "every byte here is three million in a cluster of a million");

struct partition {
  partition_id id{};
  std::optional<model::medium> medium; ///< Where its replicas belong; nothing: anywhere.
  std::uint64_t index_id{};
  std::string name;
  model::version visible = version_initial; ///< What readers may see; a load makes it + 1.
  tablet_id first_tablet{};                 ///< Bucket b is tablet first_tablet + b.
  std::uint32_t buckets{};
  storage_policy_id storage_policy{};       ///< Its own; 0: the table's.
  model::version cool_through{};            ///< Versions to this one are due at once.  0: none; under a policy only.
  bool recalled = false;                    ///< Nothing of it shall be remote.  Under no policy only.
  friend bool operator==(const partition&, const partition&) = default;
};

struct table {
  table_id id{};
  database_id database{};
  std::string name;
  std::uint32_t key_column = 1;
  char separator = '\t';
  std::uint32_t replication_num = 3;
  time_ms created{};
  std::string cluster;                      ///< Its replicas belong on backends of it; empty: on any.
  colocate_group_id colocate_group{};       ///< 0: none.
  std::vector<model::partition> partitions; ///< At least one, by ascending id, all with as many buckets.
  std::vector<txn_id> open_loads;           ///< Begun or committed, ascending; kept by the fold.
  log_index changed{};                      ///< When a partition last came, went or changed; plans go by it.
  storage_policy_id storage_policy{};       ///< 0: none.
  [[nodiscard]] const model::partition* find(partition_id id) const;
  [[nodiscard]] const model::partition* find(std::string_view partition_name) const;
  friend bool operator==(const table&, const table&) = default;
};

/// Tables whose buckets lie alike: bucket b of every partition of every one of them has its
/// replicas on the backends sequence[b] (2.4, 5.7).
struct colocate_group {
  colocate_group_id id{};
  database_id database{};
  std::string name;
  std::uint32_t replication_num{};
  std::vector<std::vector<backend_id>> sequence; ///< [bucket]
  std::vector<table_id> tables;                  ///< Never empty: the last one takes the group along.
  friend bool operator==(const colocate_group&, const colocate_group&) = default;
};

struct database {
  database_id id{};
  std::string name;
  std::uint32_t tables = 0; ///< Kept by the fold.
  friend bool operator==(const database&, const database&) = default;
};

/// What a backend belongs to unless ADD BACKEND says otherwise (the reference's name for it).
inline constexpr std::string_view cluster_default = "default_cluster";

struct backend {
  backend_id id{};
  std::string host;
  std::uint16_t port{};
  std::string cluster{cluster_default};
  std::string location;        ///< "rack:a"; empty: unknown.
  bool alive = false;          ///< By the log: the last backend_returned / backend_died.
  bool decommissioned = false;
  time_ms changed{};           ///< When alive last changed.
  std::vector<path_seen> paths;
  packed_map<tablet_id, replica_id> tablets; ///< What the catalog keeps there.
  [[nodiscard]] bool available() const { return alive && !decommissioned; }
  [[nodiscard]] bool has_path(path_hash hash) const;
};

enum class load_state : std::uint8_t { begun, committed, published, aborted };
/// A committed load is not over: its record tells a backend what to do with rows it has
/// prepared, so it is kept until every live replica serves them (published).
struct load {
  txn_id txn{};
  table_id table{};
  partition_id partition{};
  std::string label;
  load_state state = load_state::begun;
  model::version version{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  time_ms begun{};
  time_ms ended{}; ///< When it was aborted or published; label_keep counts from here.
  friend bool operator==(const load&, const load&) = default;
};

/// A clone_ordered that has not ended: work in flight that a new leader adopts.
struct open_order {
  log_index order{};
  clone_ordered what;
  replica_id replica{}; ///< what.replica, or the new replica's id.
  time_ms at{};
  friend bool operator==(const open_order&, const open_order&) = default;
};

/// A balance move between its clone and the end of the replica it replaces (9.2, C16).  While
/// it is open the new replica is brought up to date instead of being dropped, and the old one is
/// the one to go.  Ends when either is gone.
struct open_move {
  replica_id replaces{};
  replica_id replica{};
  std::uint32_t fills = 0; ///< Copies that ended behind; after further_repairs_max it is an ordinary replica.
  friend bool operator==(const open_move&, const open_move&) = default;
};
/// D24's tablet_further_repair_max_times (spec/replica.md 7).
inline constexpr std::uint32_t further_repairs_max = 5;

/// One decision about a tablet and what became of it; SHOW REPAIR HISTORY lists them.
struct decision_record {
  log_index entry{};       ///< Of the order.
  time_ms at{};
  tablet_id tablet{};
  order_purpose purpose{};
  std::uint8_t health{};   ///< tablet_health
  std::uint8_t priority{}; ///< repair_priority
  place source;            ///< Clones only.
  place target;            ///< Of a drop: where the replica was.
  replica_id replica{};
  std::optional<drop_reason> dropped; ///< Nothing: a clone.
  std::string why;
  time_ms ended{};         ///< 0: it has not.
  model::version reached{};
  std::string failure;     ///< Empty: it succeeded, or has not ended.
  friend bool operator==(const decision_record&, const decision_record&) = default;
};
/// The newest so many decisions are kept.
inline constexpr std::size_t decisions_kept = 10'000;

struct operator_pause {
  std::string owner;
  std::string reason;
  time_ms since{};
  time_ms until{};
  friend bool operator==(const operator_pause&, const operator_pause&) = default;
};

/// What the journal's deletion does not wait for (spec/jobs.md K5, K6).
struct retention_mark {
  std::string why;
  time_ms since{};
  friend bool operator==(const retention_mark&, const retention_mark&) = default;
};

/// A remote store, for storage policies.
struct resource {
  resource_id id{};
  std::string name;
  resource_type type{};
  resource_properties properties;
  std::uint64_t version = 1;  ///< Grows with every ALTER: a backend takes a greater one only.
  std::uint64_t tablets = 0;  ///< Whose published meta lies there; kept by the fold.
  friend bool operator==(const resource&, const resource&) = default;
};

/// Which data cools, and where to (spec/jobs.md B11).
struct storage_policy {
  storage_policy_id id{};
  std::string name;
  resource_id resource{};
  cooldown_due due;
  std::uint64_t version = 1; ///< As in resource.
  friend bool operator==(const storage_policy&, const storage_policy&) = default;
};

/// The last change of the set of backends or of what one is asked to be; not its life and death.
struct layout_change {
  log_index at{};
  std::string what; ///< "backend 10003 (h3:9060) was added"
};

/// A few values under names: written by hand, read often, copied with every snapshot.
template <class T>
class by_name {
public:
  using map = std::map<std::string, T, std::less<>>;
  [[nodiscard]] const map& all() const { return *map_; }
  /// Nothing was written between the two: one is a snapshot of the other.
  [[nodiscard]] bool is_same_as(const by_name& other) const { return map_ == other.map_; }
  [[nodiscard]] const T* find(std::string_view name) const {
    const auto at = map_->find(name);
    return at == map_->end() ? nullptr : &at->second;
  }
  void put(const std::string& name, T value) {
    auto next = *map_;
    next.insert_or_assign(name, std::move(value));
    map_ = std::make_shared<const map>(std::move(next));
  }
  void erase(const std::string& name) {
    auto next = *map_;
    next.erase(name);
    map_ = std::make_shared<const map>(std::move(next));
  }

private:
  std::shared_ptr<const map> map_ = std::make_shared<const map>();
};

enum class refusal : std::uint8_t {
  none,
  cluster_already_founded,
  backend_unknown,
  backend_already_added,
  backend_in_use,          ///< Still holds replicas; decommission it first.
  database_unknown,
  database_already_exists,
  database_not_empty,
  table_unknown,
  table_already_exists,
  placement_stale,         ///< Names a backend or path that is gone or dead, two places on one
                           ///< backend, or a source that is not complete (any more).
  label_committed,         ///< verdict.id is the txn that used it.
  label_in_progress,
  txn_unknown,
  txn_ended,
  quorum_missing,          ///< A tablet has no majority of complete replicas that prepared.
  tablet_unknown,
  tablet_busy,             ///< Has an open order (replica_dropped: one that names this replica).
  replica_unknown,
  order_unknown,           ///< Late: the order has ended.
  loads_open,              ///< A load that began before the tablet's last copy ended is not over.
  partition_unknown,
  partition_already_exists,
  last_partition,          ///< A table keeps at least one.
  partition_not_named,     ///< The table has several and the load names none.
  colocate_mismatch,       ///< Other buckets, replicas or places than the group's.
  colocate_group_unknown,
  pause_unknown,
  last_complete_replica,   ///< Dropping it would leave no complete replica on a live backend.
  replica_not_wanted,
  plan_unknown,
  plan_already_exists,
  plan_unsound,            ///< It has no moves, or names what is not there.
  plan_too_large,          ///< verdict.id: moves it may have.
  plans_too_many,          ///< verdict.id: how many are kept.
  plan_stale,              ///< The backends or its tables have changed since (why_stale() says what).
  plan_not_to_apply,       ///< Of a loss: repair does it by itself.
  plan_applied_before,
  plan_under_way,          ///< Another one is being applied.
  backend_needed,          ///< See decommission_refusal().
  resource_unknown,
  resource_already_exists,
  resource_in_use,         ///< verdict.id: a policy that names it.
  resource_holds_data,     ///< verdict.id: how many tablets' published metas lie there.
  resource_to_be_purged,   ///< verdict.id: how many dropped tablets may have objects in it.
  storage_policy_unknown,
  storage_policy_already_exists,
  storage_policy_in_use,   ///< verdict.id: a table that names it, or whose partition does.
  cooldown_not_wanted,     ///< The tablet (verdict.id) has neither a policy nor remote data.
  cooldown_term_stale,     ///< Grants follow each other one by one; verdict.id: the tablet.
  uploader_unfit,          ///< Not a normal, undamaged replica; verdict.id: the tablet.
  not_uploader,            ///< Not at the current term.
  remote_meta_stale,       ///< Its id is not greater than the published one's, or not that one.
  remote_meta_unsound,     ///< It names versions that nobody has, or leaves out some that it had.
  cooldown_unsettled,      ///< Not every wanted replica is there and on a live backend.
  partition_stays_hot,     ///< Under no storage policy; verdict.id: the partition.
  partition_would_cool,    ///< Under a storage policy; verdict.id: the partition.
  warmup_unsound,          ///< Not a job that could be, or not its plan.
  warmup_destination_busy, ///< verdict.id: the job whose round holds it.
  warmup_twin_exists,      ///< verdict.id: the job that does it for good (spec/jobs.md A11).
  warmup_job_unknown,
  warmup_job_over,         ///< Finished or cancelled.
  warmup_job_not_over,
  warmup_is_paused,
  warmup_not_paused,
  warmup_stale,            ///< It is about another round, lane or batch than the next.
};
[[nodiscard]] std::string_view name(refusal why);

/// What apply() did.  `touched` lists the tablets whose health may have changed; for a
/// backend event it is empty and `touched_backend` says whose tablets to look at.
struct verdict {
  refusal why = refusal::none;
  std::uint64_t id{}; ///< The object created, or the one that was in the way.
  std::vector<tablet_id> touched;
  backend_id touched_backend{};
  [[nodiscard]] bool ok() const { return why == refusal::none; }
};

struct catalog {
  cluster_uuid cluster{};
  std::string cluster_name;
  model::term term{};
  std::uint64_t leader{};
  log_index term_since{};                ///< Where it began: an older load in `begun` has no owner.
  log_index applied{};
  std::uint64_t next_id = 10'001; ///< Every object but a txn takes its id here, in log order.

  cow_map<backend_id, backend> backends;
  cow_map<database_id, database> databases;
  cow_map<table_id, table> tables;
  cow_map<tablet_id, tablet> tablets;
  cow_map<txn_id, load> loads;           ///< Ended ones are kept label_keep for their label.
  cow_map<tablet_id, open_order> orders;
  cow_map<tablet_id, open_move> moves;
  cow_map<log_index, decision_record> decisions;           ///< By their order, the newest decisions_kept.
  cow_map<colocate_group_id, colocate_group> colocate_groups;
  cow_map<partition_id, time_ms> hints;                    ///< Urgent until then (ADMIN REPAIR).
  by_name<std::string> config;                             ///< Only what an operator has set (config_set).
  by_name<operator_pause> pauses;                           ///< By scope.
  by_name<saved_plan> plans;
  cow_map<frontend_id, retention_mark> retention;           ///< Who needs a full resync; 0: the disk presses.
  cow_map<resource_id, resource> resources;
  cow_map<storage_policy_id, storage_policy> storage_policies;
  cow_map<tablet_id, cooldown_conf> cooldowns;              ///< Of tablets that ever had a grant, until they are gone.
  /// When they were dropped; until nothing of theirs is left in any remote store (remote_purged, spec/jobs.md U6).
  cow_map<tablet_id, time_ms> tombstones;
  warmup_ledger warmup;
  layout_change layout;
  std::uint64_t replicas = 0;            ///< Kept by the fold; equals the sum over tablets.

  // Indexes, kept by the fold; broken_invariant() compares them with what they index.
  name_index database_names;             ///< Scope 0.
  name_index table_names;                ///< Scope: the database.
  name_index labels;                     ///< Scope: the table; every load that used the label.
  cow_map<log_index, std::vector<txn_id>> ended_loads; ///< By what ended them: oldest first.
  /// What is left of the plan being applied, by tablet, in its order.  Empty if none is.
  cow_map<tablet_id, std::vector<planned_step>> planned;

  [[nodiscard]] bool founded() const { return !cluster_name.empty(); }
  [[nodiscard]] const database* find_database(std::string_view name) const;
  [[nodiscard]] const table* find_table(database_id db, std::string_view name) const;
  [[nodiscard]] const backend* find_backend(std::string_view host, std::uint16_t port) const;
  /// The newest load that used the label; every earlier one of that label was aborted.
  [[nodiscard]] const load* find_label(table_id table, std::string_view label) const;
  [[nodiscard]] const table* table_of(const tablet& t) const { return tables.find(t.table); }
  [[nodiscard]] const partition* partition_of(const tablet& t) const;
  [[nodiscard]] const colocate_group* find_colocate_group(database_id db, std::string_view name) const;
  [[nodiscard]] const resource* find_resource(std::string_view name) const;
  [[nodiscard]] const storage_policy* find_storage_policy(std::string_view name) const;
  [[nodiscard]] model::version visible_version(const tablet& t) const;
};

/// The partition's own policy, else the table's; null: none, its data stays hot.
[[nodiscard]] const storage_policy* policy_of(const catalog& cat, const tablet& t);
[[nodiscard]] const storage_policy* policy_of(const catalog& cat, const table& of, const partition& part);

/// Visits the tablets of a partition in bucket order.
template <class Visit>
void for_each_tablet(const partition& part, Visit&& visit) {
  for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket)
    visit(tablet_id{raw(part.first_tablet) + bucket});
}

/// How long an ended load answers for its label: Doris' label_keep_max_second, 3 days.
inline constexpr time_ms label_keep = std::chrono::hours(72);

/// True if `r` can serve every version up to `visible` (spec/replica.md 2.1: complete): normal,
/// not bad, no hole.  Whether its backend lives is another question.
[[nodiscard]] bool complete(const replica& r, version visible);

/// Complete replicas of `t` on live backends: those a copy can be made from.
[[nodiscard]] std::size_t complete_alive(const catalog& cat, const tablet& t);

/// Would replica_readopted take `r`, found whole on `at`, back into the catalog?  Yes if the tablet
/// has fewer than the wanted live replicas, or none that is complete (spec/replica.md 1.5 rule 3).
[[nodiscard]] bool wants_back(const catalog& cat, const tablet& t, replica_id r, backend_id at,
                              version holds);

/// Folds one committed entry.  Never throws; a refused edit changes nothing but `applied`.
verdict apply(catalog& cat, const edit& what, log_index index);

/// Empty if sound, else the first broken invariant in words (spec/replica.md appendix A).
[[nodiscard]] std::string broken_invariant(const catalog& cat);

} // namespace tabletd::model
