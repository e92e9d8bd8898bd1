// Folds of what a cluster is made of: its term, its backends and databases; what operators set.
#include "actors/model/catalog_fold.h"
#include "actors/model/plan_rules.h"
#include "actors/model/statement.h"
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

void note_layout(catalog& cat, const backend& of, std::string_view what, moment now) {
  cat.layout = {now.index, "backend " + std::to_string(raw(of.id)) + " (" + to_string(backend_address{of.host, of.port})
                               + ") " + std::string{what}};
}

verdict fold(catalog& cat, const backend_added& e, moment now) {
  if (const auto* there = cat.find_backend(e.host, e.port))
    return refuse(refusal::backend_already_added, raw(there->id));
  const backend_id id{cat.next_id++};
  backend added;
  added.id = id;
  added.host = e.host;
  added.port = e.port;
  if (!e.cluster.empty())
    added.cluster = e.cluster;
  added.location = e.location;
  added.changed = now.at;
  note_layout(cat, added, "was added", now);
  cat.backends.put(id, std::move(added));
  return accept_backend(id);
}

verdict fold(catalog& cat, const backend_dropped& e, moment now) {
  const auto* b = cat.backends.find(e.backend);
  if (!b)
    return refuse(refusal::backend_unknown);
  if (!b->tablets.empty())
    return refuse(refusal::backend_in_use, b->tablets.size());
  note_layout(cat, *b, "was dropped", now);
  cat.backends.erase(e.backend);
  return accept_backend(e.backend);
}

verdict fold(catalog& cat, const backend_decommission& e, moment now) {
  const auto* b = cat.backends.find(e.backend);
  if (!b)
    return refuse(refusal::backend_unknown);
  if (b->decommissioned == e.on)
    return accept(raw(e.backend)); // Said before: nobody need look again.
  note_layout(cat, *b, e.on ? "began to be decommissioned" : "was kept from being decommissioned", now);
  cat.backends.edit(e.backend)->decommissioned = e.on;
  if (const auto* plan = plan_under_way(cat).plan; plan && plan->backend == e.backend && !e.on)
    skip_all_planned(cat, "the decommission was called off");
  return accept_backend(e.backend);
}

verdict fold(catalog& cat, const backend_modified& e, moment now) {
  const auto* b = cat.backends.find(e.backend);
  if (!b)
    return refuse(refusal::backend_unknown);
  if (b->cluster == e.cluster && b->location == e.location)
    return accept(raw(e.backend));
  note_layout(cat, *b, "was given another cluster or location", now);
  auto& modified = *cat.backends.edit(e.backend);
  modified.cluster = e.cluster;
  modified.location = e.location;
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

// -- databases -------------------------------------------------------------------------

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

// -- what operators set ------------------------------------------------------------------

verdict fold(catalog& cat, const repair_hinted& e, moment) {
  const auto* owner = cat.tables.find(e.table);
  if (!owner)
    return refuse(refusal::table_unknown);
  for (const auto id : e.partitions)
    if (!owner->find(id))
      return refuse(refusal::partition_unknown, raw(id));
  std::vector<tablet_id> touched;
  for (const auto id : e.partitions) {
    cat.hints.put(id, e.until);
    for_each_tablet(*owner->find(id), [&](tablet_id t) { touched.push_back(t); });
  }
  return accept(raw(e.table), std::move(touched));
}

verdict fold(catalog& cat, const repair_unhinted& e, moment) {
  const auto* owner = cat.tables.find(e.table);
  if (!owner)
    return refuse(refusal::table_unknown);
  std::vector<tablet_id> touched;
  for (const auto id : e.partitions)
    if (const auto* part = owner->find(id); part && cat.hints.erase(id))
      for_each_tablet(*part, [&](tablet_id t) { touched.push_back(t); });
  return accept(raw(e.table), std::move(touched));
}

verdict fold(catalog& cat, const config_set& e, moment) {
  if (e.value.empty())
    cat.config.erase(e.key);
  else
    cat.config.put(e.key, e.value);
  return accept(0);
}

verdict fold(catalog& cat, const balance_paused& e, moment now) {
  cat.pauses.put(e.scope, {e.owner, e.reason, now.at, e.until});
  return accept(0);
}

verdict fold(catalog& cat, const balance_resumed& e, moment) {
  if (!cat.pauses.find(e.scope))
    return refuse(refusal::pause_unknown);
  cat.pauses.erase(e.scope);
  return accept(0);
}

// -- what the journal's deletion waits for -------------------------------------------------

/// Said twice it is as true as once: a leader may not have learned of what an earlier one decided.
verdict fold(catalog& cat, const checkpoint_decided& e, moment now) {
  switch (e.what) {
    case checkpoint_decision::excuse_member:
    case checkpoint_decision::use_newest:
      if (!cat.retention.contains(e.frontend))
        cat.retention.put(e.frontend, {e.why, now.at});
      break;
    case checkpoint_decision::readmit_member:
    case checkpoint_decision::use_older: cat.retention.erase(e.frontend); break;
  }
  return accept(raw(e.frontend));
}

} // namespace tabletd::model::fold
