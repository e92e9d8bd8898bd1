#include "actors/model/balance_rules.h"
#include "actors/model/assessment.h"

namespace tabletd::model {

// -- memory ------------------------------------------------------------------------------

void move_memory::moved(tablet_id tablet, time_ms now) {
  if (const auto known = at_.find(tablet); known != at_.end())
    oldest_.erase({known->second, tablet});
  at_[tablet] = now;
  oldest_.insert({now, tablet});
}

bool move_memory::resting(tablet_id tablet, time_ms now) const {
  const auto known = at_.find(tablet);
  return known != at_.end() && now < known->second + rest_;
}

void move_memory::forget(time_ms now) {
  while (!oldest_.empty() && oldest_.begin()->first + rest_ <= now) {
    at_.erase(oldest_.begin()->second);
    oldest_.erase(oldest_.begin());
  }
}

// -- the whole cluster -------------------------------------------------------------------

balance_pause why_paused(const balance_view& view, const balance_options& options) {
  balance_pause pause;
  if (!options.enabled) {
    pause.cause = pause_cause::disabled;
    return pause;
  }
  if (!view.paused_by.empty()) {
    pause.cause = pause_cause::by_operator;
    pause.words = view.paused_by;
    return pause;
  }
  bool unreported = false;
  view.cat.backends.for_each([&](backend_id id, const backend& b) {
    if (b.decommissioned)
      return;
    ++pause.of;
    const auto* seen = view.cluster.find(id);
    const bool here = b.alive && seen && seen->linked;
    pause.missing += !here;
    if (here && !seen->reported && !unreported) {
      unreported = true;
      pause.backend = id;
    }
  });
  if (pause.missing >= options.missing_min && pause.missing > options.missing_ratio_max * pause.of)
    pause.cause = pause_cause::backends_missing;
  else if (unreported)
    pause.cause = pause_cause::awaiting_report;
  return pause;
}

std::string sentence(const balance_pause& pause) {
  switch (pause.cause) {
    case pause_cause::none: return "balance is running";
    case pause_cause::disabled: return "balance is disabled by configuration";
    case pause_cause::by_operator: return "balance is paused: " + pause.words;
    case pause_cause::backends_missing:
      return std::to_string(pause.missing) + " of " + std::to_string(pause.of)
             + " backends are dead or not connected; balance goes on when they are back, or decommissioned";
    case pause_cause::awaiting_report:
      return "backend " + std::to_string(raw(pause.backend)) + " has not sent its first full report yet";
  }
  return "unknown";
}

// -- one tablet --------------------------------------------------------------------------

std::string_view sentence(balance_block why) {
  switch (why) {
    case balance_block::none: return "nothing is in the way";
    case balance_block::tablet_gone: return "the tablet is gone";
    case balance_block::table_paused: return "balance of the table is paused";
    case balance_block::order_open: return "the tablet is being copied already";
    case balance_block::resting: return "the tablet was moved not long ago";
    case balance_block::unhealthy: return "the tablet has to be repaired first";
    case balance_block::holds_replica: return "the target holds a replica of the tablet";
    case balance_block::same_host: return "another replica of the tablet is on the target's host";
    case balance_block::target_unlinked: return "the target cannot be reached";
    case balance_block::too_full: return "the target's disks would become too full";
    case balance_block::path_busy: return "the disks are busy with other moves";
    case balance_block::not_more_balanced: return "no tablet is of a size that would help";
    case balance_block::unbalances_load: return "the move would unbalance the load of a backend";
    case balance_block::colocated: return "colocated tablets move with their group";
    case balance_block::other_cluster: return "the target is not of the cluster the table belongs to";
    case balance_block::backend_paused: return "balance of the backend is paused";
    case balance_block::out_of_turns: return "more moves follow when these are done";
    case balance_block::no_such_disk: return "their backends have no disk of that medium";
    case balance_block::disks_disabled: return "moves between the disks of a backend are disabled";
  }
  return "unknown";
}

medium medium_of(const tablet&, medium path) { return path; }

balance_block may_move(const balance_view& view, const tablet& t, time_ms now) {
  if (view.paused_tables.contains(t.table))
    return balance_block::table_paused;
  if (view.cat.orders.contains(t.id))
    return balance_block::order_open;
  if (view.memory.resting(t.id, now))
    return balance_block::resting;
  const auto* owner = view.cat.table_of(t);
  if (!owner || diagnose(view.cat, t).health != tablet_health::healthy)
    return balance_block::unhealthy;
  return raw(owner->colocate_group) != 0 ? balance_block::colocated : balance_block::none;
}

bool reachable(const cluster_view& cluster, const backend& b) {
  const auto* seen = cluster.find(b.id);
  return b.alive && seen && seen->linked && seen->reported;
}

balance_block may_take(const balance_view& view, const tablet& t, backend_id leaving, backend_id target) {
  const auto* to = view.cat.backends.find(target);
  const auto* table = view.cat.table_of(t);
  if (!to || !table || !to->available() || !reachable(view.cluster, *to))
    return balance_block::target_unlinked;
  if (view.paused_backends.contains(leaving) || view.paused_backends.contains(target))
    return balance_block::backend_paused;
  if (!table->cluster.empty() && to->cluster != table->cluster)
    return balance_block::other_cluster;
  if (t.on(target))
    return balance_block::holds_replica;
  assessment hosts;
  hosts.host_anti_affinity = host_anti_affinity(view.cat, table->replication_num, table->cluster);
  for (const auto& r : t.replicas)
    if (const auto* holder = view.cat.backends.find(r.backend);
        holder && r.backend != leaving && takes(hosts, *holder, *to))
      return balance_block::same_host;
  return balance_block::none;
}

} // namespace tabletd::model
