// Folds of tables, their partitions and the colocation groups they form.
#include "actors/model/catalog_fold.h"
#include <algorithm>

namespace tabletd::model::fold {

namespace {

/// What a table asks of the places of its replicas.
struct placing_rules {
  std::uint32_t replication_num{};
  std::string_view cluster;
  const colocate_group* group = nullptr; ///< An existing one; its sequence is binding.
};

/// One to replication_num places, each on a path of a live backend that is not being emptied,
/// no two on one backend.
bool placeable(const catalog& cat, const std::vector<place>& places, const placing_rules& rules) {
  if (places.empty() || places.size() > rules.replication_num)
    return false;
  for (auto at = places.begin(); at != places.end(); ++at) {
    const auto* b = cat.backends.find(at->backend);
    if (!b || !b->available() || !b->has_path(at->path) || (!rules.cluster.empty() && b->cluster != rules.cluster))
      return false;
    if (std::any_of(places.begin(), at,
                    [&](const place& earlier) { return earlier.backend == at->backend; }))
      return false;
  }
  return true;
}

bool same_backends(const std::vector<place>& places, const std::vector<backend_id>& backends) {
  return places.size() == backends.size()
         && std::all_of(places.begin(), places.end(), [&](const place& at) {
              return std::find(backends.begin(), backends.end(), at.backend) != backends.end();
            });
}

refusal judge(const catalog& cat, const bucket_places& placements, const placing_rules& rules) {
  if (placements.empty())
    return refusal::placement_stale;
  const auto* group = rules.group;
  if (group && group->sequence.size() != placements.size())
    return refusal::colocate_mismatch;
  for (std::size_t bucket = 0; bucket < placements.size(); ++bucket) {
    if (!placeable(cat, placements[bucket], rules))
      return refusal::placement_stale;
    if (group && !same_backends(placements[bucket], group->sequence[bucket]))
      return refusal::colocate_mismatch;
  }
  return refusal::none;
}

/// Tablets first, consecutively, so that a partition needs to keep only the first id.
std::vector<tablet_id> add_tablets(catalog& cat, table_id table, partition_id part, const bucket_places& placements) {
  std::vector<tablet_id> made;
  made.reserve(placements.size());
  for (std::uint32_t bucket = 0; bucket < placements.size(); ++bucket) {
    tablet t;
    t.id = tablet_id{cat.next_id++};
    t.table = table;
    t.partition = part;
    t.bucket = bucket;
    made.push_back(t.id);
    cat.tablets.put(t.id, std::move(t));
  }
  for (std::size_t bucket = 0; bucket < placements.size(); ++bucket)
    for (const auto& at : placements[bucket])
      add_replica(cat, made[bucket],
                  replica{.id = replica_id{cat.next_id++}, .backend = at.backend, .path = at.path, .version = version_initial, .last_success = version_initial});
  return made;
}

/// Its tablets go to the end of `tablets`.
partition make_partition(catalog& cat, table_id table, const new_partition& what, std::vector<tablet_id>& tablets) {
  partition made;
  made.id = partition_id{cat.next_id++};
  made.index_id = cat.next_id++;
  made.name = what.name;
  made.medium = what.medium;
  made.storage_policy = what.storage_policy;
  made.buckets = static_cast<std::uint32_t>(what.placements.size());
  made.first_tablet = tablet_id{cat.next_id};
  const auto mine = add_tablets(cat, table, made.id, what.placements);
  tablets.insert(tablets.end(), mine.begin(), mine.end());
  return made;
}

/// The partitions as asked for, whichever way they are written.
std::vector<new_partition> partitions_of(const table_created& e) {
  if (!e.partitions.empty())
    return e.partitions;
  return {{e.name, {}, e.placements, {}}};
}

bool names_are_distinct(const std::vector<new_partition>& parts) {
  for (auto at = parts.begin(); at != parts.end(); ++at)
    if (std::any_of(parts.begin(), at, [&](const new_partition& earlier) { return earlier.name == at->name; }))
      return false;
  return true;
}

/// A group is what its first table's buckets are; all its partitions must agree.
std::vector<std::vector<backend_id>> sequence_of(const bucket_places& placements) {
  std::vector<std::vector<backend_id>> sequence;
  for (const auto& places : placements) {
    auto& bucket = sequence.emplace_back();
    for (const auto& at : places)
      bucket.push_back(at.backend);
  }
  return sequence;
}

refusal judge_partitions(const catalog& cat, const table_created& e, const std::vector<new_partition>& parts) {
  const bool policies_exist = policy_may_be(cat, e.storage_policy)
                              && std::all_of(parts.begin(), parts.end(), [&](const new_partition& part) {
                                   return policy_may_be(cat, part.storage_policy);
                                 });
  if (!policies_exist)
    return refusal::storage_policy_unknown;
  placing_rules rules{e.replication_num, e.cluster, nullptr};
  colocate_group first; // Of a group that does not exist yet.
  if (!e.colocate_with.empty()) {
    rules.group = cat.find_colocate_group(e.database, e.colocate_with);
    if (!rules.group) {
      first.replication_num = e.replication_num;
      first.sequence = sequence_of(parts.front().placements);
      rules.group = &first;
    }
    const bool full = std::all_of(rules.group->sequence.begin(), rules.group->sequence.end(),
                                  [&](const auto& bucket) { return bucket.size() == e.replication_num; });
    if (rules.group->replication_num != e.replication_num || !full)
      return refusal::colocate_mismatch;
  }
  for (const auto& part : parts) {
    if (part.placements.size() != parts.front().placements.size())
      return refusal::placement_stale;
    if (const auto why = judge(cat, part.placements, rules); why != refusal::none)
      return why;
  }
  return refusal::none;
}

void join_group(catalog& cat, table& made, const std::string& name, const bucket_places& placements) {
  const auto* there = cat.find_colocate_group(made.database, name);
  if (there) {
    made.colocate_group = there->id;
    cat.colocate_groups.edit(there->id)->tables.push_back(made.id);
    return;
  }
  made.colocate_group = colocate_group_id{cat.next_id++};
  cat.colocate_groups.put(made.colocate_group, {made.colocate_group, made.database, name, made.replication_num,
                                                sequence_of(placements), {made.id}});
}

void leave_group(catalog& cat, const table& gone) {
  auto* group = cat.colocate_groups.edit(gone.colocate_group);
  if (!group)
    return;
  std::erase(group->tables, gone.id);
  if (group->tables.empty())
    cat.colocate_groups.erase(gone.colocate_group);
}

/// Nobody can read what a committed load brought any more, so its record need not wait.
void end_loads(catalog& cat, const table& owner, std::optional<partition_id> of, moment now) {
  for (const auto txn : std::vector<txn_id>(owner.open_loads)) {
    const auto* l = cat.loads.find(txn);
    if (!of || l->partition == *of)
      end_load(cat, txn, l->state == load_state::begun ? load_state::aborted : load_state::published, now);
  }
}

void remove_tablets(catalog& cat, const partition& part, moment now, std::vector<tablet_id>& touched) {
  for_each_tablet(part, [&](tablet_id id) {
    cat.orders.erase(id);
    skip_planned(cat, id, "its table or partition was dropped");
    const auto replicas = cat.tablets.find(id)->replicas; // A copy: they go one by one.
    for (const auto& r : replicas)
      remove_replica(cat, id, r.id);
    forget_cooldown(cat, id, now);
    cat.tablets.erase(id);
    touched.push_back(id);
  });
  cat.hints.erase(part.id);
}

} // namespace

verdict fold(catalog& cat, const table_created& e, moment now) {
  if (!cat.databases.contains(e.database))
    return refuse(refusal::database_unknown);
  if (const auto* there = cat.find_table(e.database, e.name))
    return refuse(refusal::table_already_exists, raw(there->id));
  const auto parts = partitions_of(e);
  if (!names_are_distinct(parts))
    return refuse(refusal::partition_already_exists);
  if (const auto why = judge_partitions(cat, e, parts); why != refusal::none)
    return refuse(why);

  table made;
  made.id = table_id{cat.next_id++};
  made.database = e.database;
  made.name = e.name;
  made.key_column = e.key_column;
  made.separator = e.separator;
  made.replication_num = e.replication_num;
  made.cluster = e.cluster;
  made.storage_policy = e.storage_policy;
  made.created = now.at;
  std::vector<tablet_id> tablets;
  for (const auto& part : parts)
    made.partitions.push_back(make_partition(cat, made.id, part, tablets));
  if (!e.colocate_with.empty())
    join_group(cat, made, e.colocate_with, parts.front().placements);
  const auto id = made.id;
  cat.table_names.put(raw(e.database), e.name, raw(id));
  ++cat.databases.edit(e.database)->tables;
  cat.tables.put(id, std::move(made));
  return accept(raw(id), std::move(tablets));
}

verdict fold(catalog& cat, const table_dropped& e, moment now) {
  const auto* found = cat.tables.find(e.table);
  if (!found)
    return refuse(refusal::table_unknown);
  const table gone = *found;
  end_loads(cat, gone, std::nullopt, now);
  std::vector<tablet_id> tablets;
  for (const auto& part : gone.partitions)
    remove_tablets(cat, part, now, tablets);
  leave_group(cat, gone);
  cat.table_names.erase(raw(gone.database), gone.name, raw(gone.id));
  --cat.databases.edit(gone.database)->tables;
  cat.tables.erase(gone.id);
  return accept(raw(gone.id), std::move(tablets));
}

// -- partitions --------------------------------------------------------------------------

verdict fold(catalog& cat, const partition_added& e, moment now) {
  const auto* owner = cat.tables.find(e.table);
  if (!owner)
    return refuse(refusal::table_unknown);
  if (const auto* there = owner->find(e.what.name))
    return refuse(refusal::partition_already_exists, raw(there->id));
  if (!policy_may_be(cat, e.what.storage_policy))
    return refuse(refusal::storage_policy_unknown);
  if (e.what.placements.size() != owner->partitions.front().buckets)
    return refuse(refusal::placement_stale);
  const placing_rules rules{owner->replication_num, owner->cluster, cat.colocate_groups.find(owner->colocate_group)};
  if (const auto why = judge(cat, e.what.placements, rules); why != refusal::none)
    return refuse(why);
  std::vector<tablet_id> tablets;
  auto made = make_partition(cat, e.table, e.what, tablets);
  const auto id = made.id;
  auto& grown = *cat.tables.edit(e.table);
  grown.partitions.push_back(std::move(made));
  grown.changed = now.index;
  return accept(raw(id), std::move(tablets));
}

verdict fold(catalog& cat, const partition_dropped& e, moment now) {
  const auto* owner = cat.tables.find(e.table);
  if (!owner)
    return refuse(refusal::table_unknown);
  const auto* found = owner->find(e.partition);
  if (!found)
    return refuse(refusal::partition_unknown);
  if (owner->partitions.size() == 1)
    return refuse(refusal::last_partition);
  const auto gone = *found;
  end_loads(cat, table{*owner}, gone.id, now);
  std::vector<tablet_id> tablets;
  remove_tablets(cat, gone, now, tablets);
  auto& shrunk = *cat.tables.edit(e.table);
  std::erase_if(shrunk.partitions, [&](const partition& p) { return p.id == gone.id; });
  shrunk.changed = now.index;
  return accept(raw(gone.id), std::move(tablets));
}

verdict fold(catalog& cat, const partition_modified& e, moment now) {
  const auto* owner = cat.tables.find(e.table);
  if (!owner)
    return refuse(refusal::table_unknown);
  if (!owner->find(e.partition))
    return refuse(refusal::partition_unknown);
  auto& modified = *cat.tables.edit(e.table);
  for (auto& part : modified.partitions)
    if (part.id == e.partition)
      part.medium = e.medium;
  modified.changed = now.index;
  return accept(raw(e.partition));
}

// -- colocation --------------------------------------------------------------------------

verdict fold(catalog& cat, const colocate_relocated& e, moment) {
  const auto* group = cat.colocate_groups.find(e.group);
  if (!group)
    return refuse(refusal::colocate_group_unknown);
  const bool known = std::all_of(e.backends.begin(), e.backends.end(), [&](backend_id id) {
    return cat.backends.contains(id) && std::count(e.backends.begin(), e.backends.end(), id) == 1;
  });
  if (e.bucket >= group->sequence.size() || e.backends.size() != group->replication_num || !known)
    return refuse(refusal::colocate_mismatch);
  cat.colocate_groups.edit(e.group)->sequence[e.bucket] = e.backends;
  std::vector<tablet_id> touched;
  for (const auto id : group->tables)
    for (const auto& part : cat.tables.find(id)->partitions)
      touched.push_back(tablet_id{raw(part.first_tablet) + e.bucket});
  return accept(raw(e.group), std::move(touched));
}

} // namespace tabletd::model::fold
