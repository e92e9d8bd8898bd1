// What must hold after every edit, recomputed from scratch and compared with what the fold
// keeps.  Run by tests after each edit and by hand when something looks wrong: O(catalog).
#include "actors/model/catalog.h"
#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace tabletd::model {

namespace {

/// Builds the sentence: say("tablet ", id, " ...").
template <class... Parts>
std::string say(const Parts&... parts) {
  std::ostringstream out;
  const auto put = [&out](const auto& part) {
    if constexpr (std::is_enum_v<std::decay_t<decltype(part)>>)
      out << raw(part);
    else
      out << part;
  };
  (put(parts), ...);
  return out.str();
}

/// Runs `check(id, value)` over a map until one of them says something.
template <class Map, class Check>
std::string first_broken(const Map& map, Check&& check) {
  std::string broken;
  map.for_each([&](auto id, const auto& value) {
    broken = check(id, value);
    return broken.empty();
  });
  return broken;
}

std::string broken_replica(const catalog& cat, const tablet& t, const replica& r) {
  const auto* home = cat.backends.find(r.backend);
  if (!home)
    return say("replica ", r.id, " of tablet ", t.id, " is on unknown backend ", r.backend);
  const auto* indexed = home->tablets.find(t.id);
  if (!indexed || *indexed != r.id)
    return say("backend ", r.backend, " does not index replica ", r.id, " of tablet ", t.id);
  if (raw(r.id) == 0 || raw(r.id) >= cat.next_id)
    return say("replica id ", r.id, " was never handed out");
  const auto visible = cat.visible_version(t);
  if (r.version > visible || r.last_failed > visible || r.last_success > visible)
    return say("replica ", r.id, " of tablet ", t.id, " is ahead of visible version ", visible);
  const auto* order = cat.orders.find(t.id);
  const bool ordered = order && order->replica == r.id && raw(order->what.replica) == 0;
  if ((r.state == replica_state::clone) != ordered)
    return say("replica ", r.id, " of tablet ", t.id,
               " is in state clone without an order, or the reverse");
  if (r.state == replica_state::clone)
    return r.version == 0 ? "" : say("unconfirmed replica ", r.id, " has a version");
  const bool behind = r.version < visible;
  if (behind != (r.last_failed > 0) || (behind && r.last_failed <= r.version))
    return say("replica ", r.id, " of tablet ", t.id, " at version ", r.version, " of ", visible,
               " has last failed version ", r.last_failed);
  if (r.last_success < r.version)
    return say("replica ", r.id, " of tablet ", t.id, " succeeded last at ", r.last_success,
               " before its version");
  return "";
}

std::string broken_tablets(const catalog& cat) {
  std::set<replica_id> ids;
  std::uint64_t replicas = 0;
  auto broken = first_broken(cat.tablets, [&](tablet_id id, const tablet& t) -> std::string {
    const auto* owner = cat.tables.find(t.table);
    if (t.id != id || !owner)
      return say("tablet ", id, " has no table ", t.table);
    const auto* part = owner->find(t.partition);
    if (!part || t.bucket >= part->buckets || tablet_id{raw(part->first_tablet) + t.bucket} != id)
      return say("tablet ", id, " is not bucket ", t.bucket, " of partition ", t.partition);
    if (t.replicas.empty())
      return say("tablet ", id, " has no replica at all");
    std::set<backend_id> homes;
    for (const auto& r : t.replicas) {
      ++replicas;
      if (!ids.insert(r.id).second)
        return say("replica id ", r.id, " is used twice");
      if (!homes.insert(r.backend).second)
        return say("tablet ", id, " has two replicas on backend ", r.backend);
      if (auto why = broken_replica(cat, t, r); !why.empty())
        return why;
    }
    return "";
  });
  if (broken.empty() && replicas != cat.replicas)
    return say("the catalog counts ", cat.replicas, " replicas, there are ", replicas);
  return broken;
}

std::string broken_backends(const catalog& cat) {
  std::uint64_t indexed = 0;
  auto broken = first_broken(cat.backends, [&](backend_id id, const backend& b) -> std::string {
    indexed += b.tablets.size();
    if (b.id != id || raw(id) >= cat.next_id)
      return say("backend ", id, " is filed under another id");
    return first_broken(b.tablets, [&](tablet_id tid, replica_id rid) -> std::string {
      const auto* t = cat.tablets.find(tid);
      const auto* r = t ? t->on(id) : nullptr;
      return r && r->id == rid ? ""
                               : say("backend ", id, " indexes replica ", rid, " of tablet ", tid,
                                     ", which is not there");
    });
  });
  if (broken.empty() && indexed != cat.replicas)
    return say("backends index ", indexed, " replicas of ", cat.replicas);
  return broken;
}

std::string broken_tables(const catalog& cat) {
  std::uint64_t tablets = 0;
  std::map<database_id, std::uint32_t> per_database;
  auto broken = first_broken(cat.tables, [&](table_id id, const table& t) -> std::string {
    ++per_database[t.database];
    if (t.id != id || t.partitions.empty() || !cat.databases.contains(t.database))
      return say("table ", id, " has no database ", t.database, " or no partition");
    for (const auto& part : t.partitions) {
      tablets += part.buckets;
      if (t.find(part.id) != &part || t.find(part.name) != &part || part.buckets != t.partitions.front().buckets)
        return say("partition ", part.id, " of table ", id, " is out of order, named twice or of another size");
      for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket)
        if (!cat.tablets.contains(tablet_id{raw(part.first_tablet) + bucket}))
          return say("partition ", part.id, " of table ", id, " lacks bucket ", bucket);
    }
    if (const auto* group = cat.colocate_groups.find(t.colocate_group);
        (raw(t.colocate_group) != 0) != (group && std::count(group->tables.begin(), group->tables.end(), id) == 1))
      return say("table ", id, " and colocation group ", t.colocate_group, " do not know each other");
    if (cat.find_table(t.database, t.name) != &t)
      return say("table ", t.name, " is not found by its name");
    for (const auto txn : t.open_loads) {
      const auto* l = cat.loads.find(txn);
      if (!l || l->table != id)
        return say("table ", id, " lists load ", txn, ", which is not there");
    }
    return "";
  });
  if (!broken.empty())
    return broken;
  if (tablets != cat.tablets.size())
    return say("tables have ", tablets, " buckets, there are ", cat.tablets.size(), " tablets");
  broken = first_broken(cat.databases, [&](database_id id, const database& db) -> std::string {
    if (db.id != id || db.tables != per_database[id])
      return say("database ", id, " counts ", db.tables, " tables of ", per_database[id]);
    return cat.find_database(db.name) == &db
               ? ""
               : say("database ", db.name, " is not found by its name");
  });
  if (broken.empty()
      && (cat.table_names.size() != cat.tables.size()
          || cat.database_names.size() != cat.databases.size()))
    return "a name index has entries of objects that are gone";
  return broken;
}

std::string broken_loads(const catalog& cat) {
  std::size_t ended = 0;
  std::size_t filed = 0;
  auto broken = first_broken(cat.loads, [&](txn_id txn, const load& l) -> std::string {
    const bool over = l.state == load_state::aborted || l.state == load_state::published;
    ended += over ? 1 : 0;
    const auto* owner = cat.tables.find(l.table);
    const bool open
        = owner && std::count(owner->open_loads.begin(), owner->open_loads.end(), txn) == 1;
    if (l.txn != txn || open == over)
      return say("load ", txn, " is over but open, or neither");
    const auto* part = owner ? owner->find(l.partition) : nullptr;
    if (owner && !part && open)
      return say("load ", txn, " is open for a partition that is gone");
    if (part && l.version > part->visible)
      return say("load ", txn, " made version ", l.version, ", which is not visible");
    if ((l.version > 0)
        != (l.state == load_state::committed || (over && l.state == load_state::published)))
      return say("load ", txn, " has version ", l.version, " in the wrong state");
    const auto* newest = cat.find_label(l.table, l.label);
    return newest && (newest == &l || over) ? "" : say("load ", txn, " is not found by its label");
  });
  if (!broken.empty())
    return broken;
  broken = first_broken(cat.ended_loads,
                        [&](log_index, const std::vector<txn_id>& txns) -> std::string {
                          filed += txns.size();
                          for (const auto txn : txns)
                            if (!cat.loads.contains(txn))
                              return say("load ", txn, " is filed as ended, but gone");
                          return "";
                        });
  if (broken.empty() && (ended != filed || cat.labels.size() != cat.loads.size()))
    return say(ended, " loads are over, ", filed, " are filed so; ", cat.labels.size(),
               " labels of ", cat.loads.size());
  return broken;
}

std::string broken_orders(const catalog& cat) {
  return first_broken(cat.orders, [&](tablet_id id, const open_order& o) -> std::string {
    const auto* t = cat.tablets.find(id);
    const auto* r = t ? t->find(o.replica) : nullptr;
    if (!r || o.what.tablet != id)
      return say("order ", o.order, " is for replica ", o.replica, " of tablet ", id,
                 ", which is not there");
    return r->backend == o.what.target.backend
               ? ""
               : say("order ", o.order, " is filled on another backend");
  });
}

std::string broken_moves(const catalog& cat) {
  auto broken = first_broken(cat.moves, [&](tablet_id id, const open_move& m) -> std::string {
    const auto* t = cat.tablets.find(id);
    return t && t->find(m.replaces) && t->find(m.replica)
               ? ""
               : say("tablet ", id, " moves from replica ", m.replaces, " to ", m.replica, ", one of which is gone");
  });
  if (!broken.empty())
    return broken;
  broken = first_broken(cat.colocate_groups, [&](colocate_group_id id, const colocate_group& g) -> std::string {
    for (const auto table : g.tables)
      if (const auto* t = cat.tables.find(table); !t || t->colocate_group != id)
        return say("colocation group ", id, " lists table ", table, ", which is not in it");
    return g.tables.empty() ? say("colocation group ", id, " has no table") : "";
  });
  if (broken.empty() && cat.decisions.size() > decisions_kept)
    return say(cat.decisions.size(), " decisions are kept");
  return broken;
}

std::string broken_plan(const std::string& name, const saved_plan& plan) {
  const auto moves = plan.moves().size();
  if (name.empty() || moves == 0 || moves > plan_moves_max)
    return say("plan ", name, " has ", moves, " moves");
  std::uint32_t done = 0;
  std::string broken;
  plan.outcomes.for_each([&](std::uint32_t move, const move_outcome& outcome) {
    done += outcome.done ? 1 : 0;
    if (move >= moves || outcome.done != outcome.why.empty())
      broken = say("plan ", name, " has an outcome of move ", move, " of ", moves, ", or one without a reason");
  });
  if (broken.empty() && done != plan.done)
    return say("plan ", name, " counts ", plan.done, " moves done of ", done);
  if (broken.empty()
      && (plan.state == plan_state::saved ? !plan.outcomes.empty() || raw(plan.applied) != 0
                                          : raw(plan.applied) == 0 || (plan.outcomes.size() == moves) != (plan.state == plan_state::done)))
    return say("plan ", name, " is in the wrong state with ", plan.outcomes.size(), " of ", moves, " moves over");
  return broken;
}

/// The index of what is left is that of the one plan being applied.
std::string broken_plans(const catalog& cat) {
  if (cat.plans.all().size() > plans_max)
    return say(cat.plans.all().size(), " plans are kept");
  std::size_t applying = 0;
  std::map<tablet_id, std::vector<planned_step>> left;
  for (const auto& [name, plan] : cat.plans.all()) {
    if (auto broken = broken_plan(name, plan); !broken.empty())
      return broken;
    if (plan.state != plan_state::applying)
      continue;
    ++applying;
    for (std::uint32_t n = 0; n < plan.moves().size(); ++n)
      if (!plan.outcomes.contains(n))
        left[plan.moves()[n].tablet].push_back({n, plan.moves()[n].replica, plan.moves()[n].target});
  }
  if (applying > 1)
    return say(applying, " plans are being applied");
  if (left.size() != cat.planned.size())
    return say(cat.planned.size(), " tablets are indexed as planned, ", left.size(), " are");
  return first_broken(cat.planned, [&](tablet_id id, const std::vector<planned_step>& steps) -> std::string {
    if (steps != left[id])
      return say("what is planned for tablet ", id, " is not what its plan has left");
    return cat.tablets.contains(id) ? "" : say("tablet ", id, " is planned for, but gone");
  });
}

std::string broken_cooldown(const catalog& cat, tablet_id id, const cooldown_conf& conf) {
  const auto* t = cat.tablets.find(id);
  if (!t || conf.term == 0)
    return say("tablet ", id, " has cooldown term ", conf.term, " without a grant, or is gone");
  // One that is no replica any more may still believe in its lease.
  if (const auto* r = t->find(conf.uploader); r && r->state != replica_state::normal)
    return say("tablet ", id, " has uploader ", conf.uploader, ", which is no replica that could");
  if (!conf.published)
    return "";
  const auto& meta = *conf.published;
  if (conf.recalled > meta.id || is_recall(meta) != (conf.recalled == meta.id) || (is_recall(meta) && meta.last_version != version_initial))
    return say("tablet ", id, " was recalled by meta ", conf.recalled.term, ".", conf.recalled.seq, ", which does not fit ",
               meta.id.term, ".", meta.id.seq);
  if (meta.id.term == 0 || meta.id.term > conf.term || meta.id.seq == 0 || meta.object.empty() != is_recall(meta)
      || (!is_recall(meta) && !cat.resources.contains(meta.resource)))
    return say("tablet ", id, " published a meta of term ", meta.id.term, " in resource ", meta.resource,
               ", which cannot be");
  return meta.last_version >= version_initial && meta.last_version <= cat.visible_version(*t)
             ? ""
             : say("tablet ", id, " published version ", meta.last_version, " of ", cat.visible_version(*t));
}

std::string broken_tombstones(const catalog& cat) {
  return first_broken(cat.tombstones, [&](tablet_id id, time_ms) -> std::string {
    return cat.tablets.contains(id) || cat.cooldowns.contains(id) || raw(id) >= cat.next_id
             ? say("tablet ", id, " is there, and was dropped")
             : "";
  });
}

std::string broken_policies(const catalog& cat) {
  std::map<resource_id, std::uint64_t> tablets;
  auto broken = first_broken(cat.cooldowns, [&](tablet_id id, const cooldown_conf& conf) {
    if (conf.published && !is_recall(*conf.published))
      ++tablets[conf.published->resource];
    return broken_cooldown(cat, id, conf);
  });
  if (!broken.empty())
    return broken;
  broken = first_broken(cat.resources, [&](resource_id id, const resource& r) -> std::string {
    if (r.id != id || raw(id) >= cat.next_id || cat.find_resource(r.name) != &r)
      return say("resource ", r.name, " is filed under another id, or its name is used twice");
    if (!std::is_sorted(r.properties.begin(), r.properties.end()))
      return say("the properties of resource ", r.name, " are out of order");
    return r.tablets == tablets[id] ? "" : say("resource ", r.name, " counts ", r.tablets, " tablets of ", tablets[id]);
  });
  if (!broken.empty())
    return broken;
  broken = first_broken(cat.storage_policies, [&](storage_policy_id id, const storage_policy& p) -> std::string {
    if (p.id != id || raw(id) >= cat.next_id || cat.find_storage_policy(p.name) != &p)
      return say("storage policy ", p.name, " is filed under another id, or its name is used twice");
    return cat.resources.contains(p.resource) ? "" : say("storage policy ", p.name, " has no resource ", p.resource);
  });
  if (!broken.empty())
    return broken;
  const auto exists = [&](storage_policy_id id) { return raw(id) == 0 || cat.storage_policies.contains(id); };
  return first_broken(cat.tables, [&](table_id id, const table& t) -> std::string {
    bool sound = exists(t.storage_policy);
    bool consistent = true;
    for (const auto& part : t.partitions) {
      sound = sound && exists(part.storage_policy);
      const bool cools = policy_of(cat, t, part) != nullptr;
      consistent = consistent && !(cools && part.recalled) && !(!cools && part.cool_through != 0)
                   && part.cool_through <= part.visible;
    }
    if (!consistent)
      return say("table ", id, " has a partition that is recalled under a policy, or hurried under none");
    return sound ? "" : say("table ", id, " or a partition of it has a storage policy that is gone");
  });
}

std::string broken_warmups(const catalog& cat) {
  std::set<std::string> held;
  return first_broken(cat.warmup.jobs, [&](warmup_job_id id, const warmup_job& job) -> std::string {
    if (job.id != id || raw(id) > raw(cat.applied) || job.lanes.size() != job.plan->size())
      return say("warm-up job ", id, " is filed under another id, or its lanes are not those of its plan");
    for (std::size_t i = 0; i < job.lanes.size(); ++i)
      if (job.lanes[i].backend != (*job.plan)[i].backend || job.lanes[i].warmed > (*job.plan)[i].batches.size())
        return say("warm-up job ", id, " has a lane of backend ", job.lanes[i].backend, " that its plan does not have");
    if (is_final(job.state) && job.paused)
      return say("warm-up job ", id, " is over and paused");
    const bool holds = job.state == warmup_state::running && !is_event_driven(job.what.sync);
    return holds && !held.insert(job.what.dst).second ? say("cluster ", job.what.dst, " is warmed by two jobs at once") : "";
  });
}

} // namespace

std::string broken_invariant(const catalog& cat) {
  for (auto* check : {broken_tables, broken_tablets, broken_backends, broken_loads, broken_orders, broken_moves, broken_plans,
                      broken_policies, broken_tombstones, broken_warmups})
    if (auto broken = check(cat); !broken.empty())
      return broken;
  return "";
}

} // namespace tabletd::model
