#include "actors/model/cooldown_upkeep.h"

#include <algorithm>
#include <map>
#include <set>

namespace tabletd::model {

bool is_looked_after(const catalog& cat, const tablet& t) {
  return policy_of(cat, t) != nullptr || cat.cooldowns.contains(t.id);
}

bool is_grant_wanted(const catalog& cat, tablet_id id) {
  const auto* t = cat.tablets.find(id);
  if (t == nullptr)
    return false;
  const auto* conf = cat.cooldowns.find(id);
  return policy_of(cat, *t) != nullptr || (conf != nullptr && conf->published);
}

cooling_tablet cooling_view(const catalog& cat, const tablet& t) {
  cooling_tablet view;
  view.tablet = t.id;
  view.replication_num = cat.table_of(t)->replication_num;
  view.visible = cat.visible_version(t);
  view.clone_under_way = cat.orders.contains(t.id);
  for (const auto& r : t.replicas) {
    const auto* home = cat.backends.find(r.backend);
    view.replicas.push_back({r.id, home != nullptr && home->alive, r.damaged(), r.state == replica_state::clone,
                             complete(r, view.visible)});
  }
  if (const auto* conf = cat.cooldowns.find(t.id))
    view.conf = *conf;
  if (const auto* part = cat.table_of(t)->find(t.partition))
    view.recalled = part->recalled;
  return view;
}

namespace {

/// Collects what changed between two catalogs.
struct comparison {
  const catalog& before;
  const catalog& after;
  std::set<tablet_id> found;

  void add(const partition& part) {
    for_each_tablet(part, [&](tablet_id id) { found.insert(id); });
  }

  void confs() {
    after.cooldowns.for_each_difference(before.cooldowns, [&](tablet_id id, const cooldown_conf* was, const cooldown_conf* is) {
      if (was == nullptr || is == nullptr || !(*was == *is))
        found.insert(id);
    });
  }

  /// Policies that mean something else, by themselves or because their resource does.
  std::set<storage_policy_id> policies() {
    std::set<resource_id> moved;
    after.resources.for_each_difference(before.resources, [&](resource_id id, const resource* was, const resource* is) {
      if (was != nullptr && is != nullptr && was->version != is->version)
        moved.insert(id);
    });
    std::set<storage_policy_id> changed;
    after.storage_policies.for_each_difference(
      before.storage_policies, [&](storage_policy_id id, const storage_policy* was, const storage_policy* is) {
        if (was != nullptr && is != nullptr && was->version != is->version)
          changed.insert(id);
      });
    if (moved.empty())
      return changed;
    after.storage_policies.for_each([&](storage_policy_id id, const storage_policy& p) {
      if (moved.contains(p.resource))
        changed.insert(id);
    });
    // What was published before a policy changed its resource still lies in the former one, and what was recalled in any.
    after.cooldowns.for_each([&](tablet_id id, const cooldown_conf& conf) {
      if (conf.published && (is_recall(*conf.published) || moved.contains(conf.published->resource)))
        found.insert(id);
    });
    return changed;
  }

  void tablets_under(const std::set<storage_policy_id>& changed) {
    if (changed.empty())
      return;
    after.tables.for_each([&](table_id, const table& t) {
      for (const auto& part : t.partitions)
        if (const auto* policy = policy_of(after, t, part); policy != nullptr && changed.contains(policy->id))
          add(part);
    });
  }

  static storage_policy_id policy_id(const catalog& cat, const table& t, const partition& part) {
    const auto* policy = policy_of(cat, t, part);
    return policy != nullptr ? policy->id : storage_policy_id{};
  }

  void compare(const table* was, const table* is) {
    static const std::vector<partition> none;
    const auto& old_parts = was != nullptr ? was->partitions : none;
    const auto& new_parts = is != nullptr ? is->partitions : none;
    // Both ascend by id.
    auto o = old_parts.begin();
    auto n = new_parts.begin();
    while (o != old_parts.end() || n != new_parts.end()) {
      const bool is_old = o != old_parts.end() && (n == new_parts.end() || o->id <= n->id);
      const bool is_new = n != new_parts.end() && (o == old_parts.end() || n->id <= o->id);
      const auto policy_before = is_old ? policy_id(before, *was, *o) : storage_policy_id{};
      const auto policy_after = is_new ? policy_id(after, *is, *n) : storage_policy_id{};
      const bool asked_for = is_old && is_new && (o->recalled != n->recalled || o->cool_through != n->cool_through);
      if (policy_before != policy_after || asked_for)
        add(is_new ? *n : *o);
      o += is_old ? 1 : 0;
      n += is_new ? 1 : 0;
    }
  }

  void tables() {
    after.tables.for_each_difference(before.tables, [&](table_id, const table* was, const table* is) { compare(was, is); });
  }

  static bool same_replicas(const tablet& a, const tablet& b) {
    return std::ranges::equal(a.replicas, b.replicas, [](const replica& x, const replica& y) {
      return x.id == y.id && x.state == y.state && x.backend == y.backend;
    });
  }

  void replicas(const std::vector<tablet_id>& touched) {
    for (const auto id : touched) {
      const auto* was = before.tablets.find(id);
      const auto* is = after.tablets.find(id);
      if (was != nullptr && is != nullptr && is_looked_after(after, *is) && !same_replicas(*was, *is))
        found.insert(id);
    }
  }
};

}  // namespace

std::vector<tablet_id> cooling_changes(const catalog& before, const catalog& after, const std::vector<tablet_id>& touched) {
  comparison between{before, after, {}};
  between.confs();
  between.tablets_under(between.policies());
  between.tables();
  between.replicas(touched);
  return {between.found.begin(), between.found.end()};
}

std::vector<tablet_id> next_of_round(const catalog& cat, cooling_round& round, std::size_t tablets_max) {
  std::vector<tablet_id> next;
  if (round.has_tables) {
    round.has_tables = false;
    cat.tables.for_each_from(round.table, [&](table_id id, const table& t) {
      if (next.size() >= tablets_max) {
        round.table = id;
        round.has_tables = true;
        return false;
      }
      for (const auto& part : t.partitions)
        if (policy_of(cat, t, part) != nullptr)
          for_each_tablet(part, [&](tablet_id tablet) { next.push_back(tablet); });
      return true;
    });
    if (!next.empty())
      return next;
  }
  cat.cooldowns.for_each_from(round.conf, [&](tablet_id id, const cooldown_conf&) {
    if (next.size() >= tablets_max)
      return false;
    next.push_back(id);
    round.conf = tablet_id{raw(id) + 1};
    return true;
  });
  if (next.empty())
    round = {};
  return next;
}

bool is_conflict(const cooldown_conf& conf, const cooldown_reported& report) {
  return report.phase == cooldown_phase::uploading && raw(conf.uploader) != 0 && report.replica != conf.uploader;
}

reassignment reason_of_grant(const catalog& cat, tablet_id id) {
  const auto* conf = cat.cooldowns.find(id);
  if (conf == nullptr || conf->term == 0)
    return reassignment::initial;
  const auto* t = cat.tablets.find(id);
  const auto* uploader = t != nullptr ? t->find(conf->uploader) : nullptr;
  const auto* home = uploader != nullptr ? cat.backends.find(uploader->backend) : nullptr;
  if (home == nullptr || !home->alive || uploader->damaged())
    return reassignment::uploader_dead;
  return home->decommissioned ? reassignment::decommission : reassignment::report_timeout;
}

}  // namespace tabletd::model
