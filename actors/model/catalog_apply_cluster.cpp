// Folds of what a cluster is made of: its term, its backends, databases and tables.
#include "actors/model/catalog_fold.h"
#include <algorithm>

namespace tabletd::model::fold {

verdict fold(catalog& cat, const cluster_founded& e, moment) {
  if (cat.founded())
    return refuse(refusal::cluster_already_founded);
  cat.cluster = e.cluster;
  cat.cluster_name = e.name;
  return accept(0);
}

verdict fold(catalog& cat, const term_began& e, moment now) {
  cat.term = e.term;
  cat.leader = e.leader;
  cat.term_since = now.index;
  return accept(e.term);
}

// -- backends ----------------------------------------------------------------------------

verdict fold(catalog& cat, const backend_added& e, moment now) {
  if (const auto* there = cat.find_backend(e.host, e.port))
    return refuse(refusal::backend_already_added, raw(there->id));
  const backend_id id{cat.next_id++};
  backend added;
  added.id = id;
  added.host = e.host;
  added.port = e.port;
  added.changed = now.at;
  cat.backends.put(id, std::move(added));
  return accept_backend(id);
}

verdict fold(catalog& cat, const backend_dropped& e, moment) {
  const auto* b = cat.backends.find(e.backend);
  if (!b)
    return refuse(refusal::backend_unknown);
  if (!b->tablets.empty())
    return refuse(refusal::backend_in_use, b->tablets.size());
  cat.backends.erase(e.backend);
  return accept_backend(e.backend);
}

verdict fold(catalog& cat, const backend_decommission& e, moment) {
  const auto* b = cat.backends.find(e.backend);
  if (!b)
    return refuse(refusal::backend_unknown);
  if (b->decommissioned == e.on)
    return accept(raw(e.backend)); // Said before: nobody need look again.
  cat.backends.edit(e.backend)->decommissioned = e.on;
  return accept_backend(e.backend);
}

verdict fold(catalog& cat, const backend_died& e, moment now) {
  const auto* b = cat.backends.find(e.backend);
  if (!b)
    return refuse(refusal::backend_unknown);
  if (!b->alive)
    return accept(raw(e.backend));
  auto& dead = *cat.backends.edit(e.backend);
  dead.alive = false;
  dead.changed = now.at;
  return accept_backend(e.backend);
}

verdict fold(catalog& cat, const backend_returned& e, moment now) {
  const auto* b = cat.backends.find(e.backend);
  if (!b)
    return refuse(refusal::backend_unknown);
  if (b->alive && b->paths == e.paths)
    return accept(raw(e.backend));
  auto& back = *cat.backends.edit(e.backend);
  if (!back.alive)
    back.changed = now.at;
  back.alive = true;
  back.paths = e.paths;
  return accept_backend(e.backend);
}

// -- databases and tables ----------------------------------------------------------------

verdict fold(catalog& cat, const database_created& e, moment) {
  if (const auto* there = cat.find_database(e.name))
    return refuse(refusal::database_already_exists, raw(there->id));
  const database_id id{cat.next_id++};
  cat.databases.put(id, database{id, e.name, 0});
  cat.database_names.put(0, e.name, raw(id));
  return accept(raw(id));
}

verdict fold(catalog& cat, const database_dropped& e, moment) {
  const auto* db = cat.databases.find(e.database);
  if (!db)
    return refuse(refusal::database_unknown);
  if (db->tables > 0)
    return refuse(refusal::database_not_empty, db->tables);
  cat.database_names.erase(0, db->name, raw(e.database));
  cat.databases.erase(e.database);
  return accept(raw(e.database));
}

namespace {

/// One to replication_num places, each on a path of a live backend that is not being emptied,
/// no two on one backend.
bool placeable(const catalog& cat, const std::vector<place>& places,
               std::uint32_t replication_num) {
  if (places.empty() || places.size() > replication_num)
    return false;
  for (auto at = places.begin(); at != places.end(); ++at) {
    const auto* b = cat.backends.find(at->backend);
    if (!b || !b->available() || !b->has_path(at->path))
      return false;
    if (std::any_of(places.begin(), at,
                    [&](const place& earlier) { return earlier.backend == at->backend; }))
      return false;
  }
  return true;
}

/// Tablets first, consecutively, so that a partition needs to keep only the first id.
std::vector<tablet_id> add_tablets(catalog& cat, table_id table, const table_created& e) {
  std::vector<tablet_id> made;
  made.reserve(e.placements.size());
  for (std::uint32_t bucket = 0; bucket < e.placements.size(); ++bucket) {
    tablet t;
    t.id = tablet_id{cat.next_id++};
    t.table = table;
    t.bucket = bucket;
    made.push_back(t.id);
    cat.tablets.put(t.id, std::move(t));
  }
  for (std::size_t bucket = 0; bucket < e.placements.size(); ++bucket)
    for (const auto& at : e.placements[bucket])
      add_replica(cat, made[bucket],
                  replica{replica_id{cat.next_id++}, at.backend, at.path, version_initial, 0,
                          version_initial});
  return made;
}

} // namespace

verdict fold(catalog& cat, const table_created& e, moment now) {
  if (!cat.databases.contains(e.database))
    return refuse(refusal::database_unknown);
  if (const auto* there = cat.find_table(e.database, e.name))
    return refuse(refusal::table_already_exists, raw(there->id));
  const bool sound
      = !e.placements.empty()
        && std::all_of(e.placements.begin(), e.placements.end(), [&](const auto& places) {
             return placeable(cat, places, e.replication_num);
           });
  if (!sound)
    return refuse(refusal::placement_stale);

  table made;
  made.id = table_id{cat.next_id++};
  made.database = e.database;
  made.name = e.name;
  made.key_column = e.key_column;
  made.separator = e.separator;
  made.replication_num = e.replication_num;
  made.created = now.at;
  partition whole;
  whole.id = partition_id{cat.next_id++};
  whole.index_id = cat.next_id++;
  whole.name = e.name;
  whole.buckets = static_cast<std::uint32_t>(e.placements.size());
  whole.first_tablet = tablet_id{cat.next_id};
  auto tablets = add_tablets(cat, made.id, e);
  const auto id = made.id;
  made.partitions.push_back(std::move(whole));
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
  for (const auto txn : gone.open_loads) {
    // Nobody can read what a committed load brought any more, so its record need not wait.
    const bool begun = cat.loads.find(txn)->state == load_state::begun;
    end_load(cat, txn, begun ? load_state::aborted : load_state::published, now);
  }
  std::vector<tablet_id> tablets;
  for (const auto& part : gone.partitions)
    for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket)
      tablets.push_back(tablet_id{raw(part.first_tablet) + bucket});
  for (const auto id : tablets) {
    cat.orders.erase(id);
    for (const auto& r : std::vector<replica>(cat.tablets.find(id)->replicas))
      remove_replica(cat, id, r.id);
    cat.tablets.erase(id);
  }
  cat.table_names.erase(raw(gone.database), gone.name, raw(gone.id));
  --cat.databases.edit(gone.database)->tables;
  cat.tables.erase(gone.id);
  return accept(raw(gone.id), std::move(tablets));
}

} // namespace tabletd::model::fold
