// The catalog's lookups and the one door into the fold.  What each edit does is in
// catalog_apply_*.cpp.
#include "actors/model/catalog.h"
#include "actors/model/catalog_fold.h"
#include <algorithm>

namespace tabletd::model {

namespace {

const replica* find_replica(const tablet& t, auto&& is_it) {
  const auto hit = std::find_if(t.replicas.begin(), t.replicas.end(), is_it);
  return hit == t.replicas.end() ? nullptr : &*hit;
}

} // namespace

const replica* tablet::find(replica_id wanted) const {
  return find_replica(*this, [wanted](const replica& r) { return r.id == wanted; });
}

const replica* tablet::on(backend_id backend) const {
  return find_replica(*this, [backend](const replica& r) { return r.backend == backend; });
}

bool backend::has_path(path_hash hash) const {
  return std::any_of(paths.begin(), paths.end(),
                     [hash](const path_seen& p) { return p.hash == hash; });
}

const database* catalog::find_database(std::string_view name) const {
  const auto id = database_names.find(0, name, [&](std::uint64_t candidate) {
    const auto* db = databases.find(database_id{candidate});
    return db && db->name == name;
  });
  return databases.find(database_id{id});
}

const table* catalog::find_table(database_id db, std::string_view name) const {
  const auto id = table_names.find(raw(db), name, [&](std::uint64_t candidate) {
    const auto* t = tables.find(table_id{candidate});
    return t && t->database == db && t->name == name;
  });
  return tables.find(table_id{id});
}

const backend* catalog::find_backend(std::string_view host, std::uint16_t port) const {
  const backend* found = nullptr;
  backends.for_each([&](backend_id, const backend& b) {
    if (b.host == host && b.port == port)
      found = &b;
    return found == nullptr;
  });
  return found;
}

const load* catalog::find_label(table_id table, std::string_view label) const {
  const auto id = labels.find(raw(table), label, [&](std::uint64_t candidate) {
    const auto* l = loads.find(txn_id{candidate});
    return l && l->table == table && l->label == label;
  });
  return loads.find(txn_id{id});
}

const partition* table::find(partition_id wanted) const {
  const auto at = std::lower_bound(partitions.begin(), partitions.end(), wanted,
                                   [](const partition& p, partition_id key) { return p.id < key; });
  return at != partitions.end() && at->id == wanted ? &*at : nullptr;
}

const partition* table::find(std::string_view wanted) const {
  const auto at = std::find_if(partitions.begin(), partitions.end(),
                               [wanted](const partition& p) { return p.name == wanted; });
  return at == partitions.end() ? nullptr : &*at;
}

const partition* catalog::partition_of(const tablet& t) const {
  const auto* owner = table_of(t);
  return owner ? owner->find(t.partition) : nullptr;
}

version catalog::visible_version(const tablet& t) const {
  const auto* part = partition_of(t);
  return part ? part->visible : version_initial;
}

const colocate_group* catalog::find_colocate_group(database_id db, std::string_view name) const {
  const colocate_group* found = nullptr;
  colocate_groups.for_each([&](colocate_group_id, const colocate_group& g) {
    if (g.database == db && g.name == name)
      found = &g;
    return found == nullptr;
  });
  return found;
}

namespace {

template <class Id, class T>
const T* find_by_name(const cow_map<Id, T>& among, std::string_view name) {
  const T* found = nullptr;
  among.for_each([&](Id, const T& one) {
    if (one.name == name)
      found = &one;
    return found == nullptr;
  });
  return found;
}

} // namespace

const resource* catalog::find_resource(std::string_view name) const { return find_by_name(resources, name); }
const storage_policy* catalog::find_storage_policy(std::string_view name) const {
  return find_by_name(storage_policies, name);
}

const storage_policy* policy_of(const catalog& cat, const table& of, const partition& part) {
  return cat.storage_policies.find(raw(part.storage_policy) != 0 ? part.storage_policy : of.storage_policy);
}

const storage_policy* policy_of(const catalog& cat, const tablet& t) {
  const auto* owner = cat.table_of(t);
  const auto* part = owner ? owner->find(t.partition) : nullptr;
  return part ? policy_of(cat, *owner, *part) : nullptr;
}

bool complete(const replica& r, version visible) {
  return r.state == replica_state::normal && !r.damaged() && r.last_failed == 0 && r.version >= visible;
}

std::size_t complete_alive(const catalog& cat, const tablet& t) {
  const auto visible = cat.visible_version(t);
  return static_cast<std::size_t>(
      std::count_if(t.replicas.begin(), t.replicas.end(), [&](const replica& r) {
        const auto* b = cat.backends.find(r.backend);
        return complete(r, visible) && b && b->alive;
      }));
}

bool wants_back(const catalog& cat, const tablet& t, replica_id r, backend_id at, version holds) {
  const auto* owner = cat.table_of(t);
  const auto* b = cat.backends.find(at);
  if (!owner || !b || !b->alive || holds < cat.visible_version(t))
    return false;
  if (raw(r) == 0 || raw(r) >= cat.next_id || t.find(r))
    return false; // Not an id the fold gave to a replica that is gone.
  const bool none_complete = complete_alive(cat, t) == 0;
  if (const auto* present = t.on(at))
    return none_complete
           && present->damaged(); // The catalog's own copy there is damaged: this one replaces it.
  const auto usable
      = std::count_if(t.replicas.begin(), t.replicas.end(), [&](const replica& other) {
          const auto* home = cat.backends.find(other.backend);
          return other.state == replica_state::normal && !other.damaged() && home && home->alive;
        });
  return none_complete || static_cast<std::size_t>(usable) < owner->replication_num;
}

std::string_view name(refusal why) {
  switch (why) {
    case refusal::none: return "none";
    case refusal::cluster_already_founded: return "cluster_already_founded";
    case refusal::backend_unknown: return "backend_unknown";
    case refusal::backend_already_added: return "backend_already_added";
    case refusal::backend_in_use: return "backend_in_use";
    case refusal::database_unknown: return "database_unknown";
    case refusal::database_already_exists: return "database_already_exists";
    case refusal::database_not_empty: return "database_not_empty";
    case refusal::table_unknown: return "table_unknown";
    case refusal::table_already_exists: return "table_already_exists";
    case refusal::placement_stale: return "placement_stale";
    case refusal::label_committed: return "label_committed";
    case refusal::label_in_progress: return "label_in_progress";
    case refusal::txn_unknown: return "txn_unknown";
    case refusal::txn_ended: return "txn_ended";
    case refusal::quorum_missing: return "quorum_missing";
    case refusal::tablet_unknown: return "tablet_unknown";
    case refusal::tablet_busy: return "tablet_busy";
    case refusal::replica_unknown: return "replica_unknown";
    case refusal::order_unknown: return "order_unknown";
    case refusal::loads_open: return "loads_open";
    case refusal::partition_unknown: return "partition_unknown";
    case refusal::partition_already_exists: return "partition_already_exists";
    case refusal::last_partition: return "last_partition";
    case refusal::partition_not_named: return "partition_not_named";
    case refusal::colocate_mismatch: return "colocate_mismatch";
    case refusal::colocate_group_unknown: return "colocate_group_unknown";
    case refusal::pause_unknown: return "pause_unknown";
    case refusal::last_complete_replica: return "last_complete_replica";
    case refusal::replica_not_wanted: return "replica_not_wanted";
    case refusal::plan_unknown: return "plan_unknown";
    case refusal::plan_already_exists: return "plan_already_exists";
    case refusal::plan_unsound: return "plan_unsound";
    case refusal::plan_too_large: return "plan_too_large";
    case refusal::plans_too_many: return "plans_too_many";
    case refusal::plan_stale: return "plan_stale";
    case refusal::plan_not_to_apply: return "plan_not_to_apply";
    case refusal::plan_applied_before: return "plan_applied_before";
    case refusal::plan_under_way: return "plan_under_way";
    case refusal::backend_needed: return "backend_needed";
    case refusal::resource_unknown: return "resource_unknown";
    case refusal::resource_already_exists: return "resource_already_exists";
    case refusal::resource_in_use: return "resource_in_use";
    case refusal::resource_holds_data: return "resource_holds_data";
    case refusal::resource_to_be_purged: return "resource_to_be_purged";
    case refusal::storage_policy_unknown: return "storage_policy_unknown";
    case refusal::storage_policy_already_exists: return "storage_policy_already_exists";
    case refusal::storage_policy_in_use: return "storage_policy_in_use";
    case refusal::cooldown_not_wanted: return "cooldown_not_wanted";
    case refusal::cooldown_term_stale: return "cooldown_term_stale";
    case refusal::uploader_unfit: return "uploader_unfit";
    case refusal::partition_stays_hot: return "partition_stays_hot";
    case refusal::partition_would_cool: return "partition_would_cool";
    case refusal::warmup_unsound: return "warmup_unsound";
    case refusal::warmup_destination_busy: return "warmup_destination_busy";
    case refusal::warmup_twin_exists: return "warmup_twin_exists";
    case refusal::warmup_job_unknown: return "warmup_job_unknown";
    case refusal::warmup_job_over: return "warmup_job_over";
    case refusal::warmup_job_not_over: return "warmup_job_not_over";
    case refusal::warmup_is_paused: return "warmup_is_paused";
    case refusal::warmup_not_paused: return "warmup_not_paused";
    case refusal::warmup_stale: return "warmup_stale";
    case refusal::not_uploader: return "not_uploader";
    case refusal::remote_meta_stale: return "remote_meta_stale";
    case refusal::remote_meta_unsound: return "remote_meta_unsound";
    case refusal::cooldown_unsettled: return "cooldown_unsettled";
  }
  return "unknown";
}

verdict apply(catalog& cat, const edit& what, log_index index) {
  auto judged = std::visit(
      [&](const auto& body) {
        return fold::fold(cat, body, fold::moment{index, what.at});
      },
      what.body);
  cat.applied = index;
  return judged;
}

} // namespace tabletd::model
