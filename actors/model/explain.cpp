#include "actors/model/explain.h"
#include <algorithm>

namespace tabletd::model {

namespace {

queue_place find_in(const scheduler_view& scheduler, tablet_id tablet) {
  const auto is_it = [tablet](const ctx_row& row) { return row.tablet == tablet; };
  queue_place at;
  at.total = scheduler.pending_total;
  if (const auto row = std::find_if(scheduler.running.begin(), scheduler.running.end(), is_it);
      row != scheduler.running.end()) {
    at.is = queue_place::kind::running;
    at.row = *row;
  } else if (const auto next = std::find_if(scheduler.pending.begin(), scheduler.pending.end(), is_it);
             next != scheduler.pending.end()) {
    at.is = queue_place::kind::pending;
    at.position = static_cast<std::size_t>(next - scheduler.pending.begin()) + 1;
    at.row = *next;
  } else if (scheduler.pending_total > scheduler.pending.size() || scheduler.running_total > scheduler.running.size()) {
    at.is = queue_place::kind::maybe_beyond;
  }
  return at;
}

} // namespace

slot_ledger slots_of(const scheduler_view& scheduler) {
  std::vector<slot_total> own;
  for (const auto& row : scheduler.slots)
    if (row.total != scheduler.slots_per_path)
      own.push_back({{row.backend, row.path}, row.total});
  return slot_ledger::derived(scheduler.slots_per_path, scheduler.claims, own);
}

tablet_explanation explain(const catalog& cat, const cluster_view& cluster, const scheduler_view& scheduler,
                           const fit_limits& limits, tablet_id tablet) {
  tablet_explanation out;
  out.queue = find_in(scheduler, tablet);
  const auto slots = slots_of(scheduler);
  placement_view view{.cat = cat, .cluster = cluster, .slots = slots, .fit = limits};
  if (out.queue.row) {
    view.avoid = out.queue.row->avoid;
    view.failures = out.queue.row->failed_running;
  }
  out.what = decide(view, tablet);
  if (const auto* order = cat.orders.find(tablet)) {
    out.order = *order;
    const auto* record = cat.decisions.find(order->order);
    out.order_why = record ? record->why : "";
  }
  return out;
}

std::string_view name(path_code code) {
  switch (code) {
    case path_code::chosen: return "CHOSEN";
    case path_code::usable: return "USABLE";
    case path_code::backend_dead: return "BACKEND_DEAD";
    case path_code::backend_decommissioned: return "BACKEND_DECOMMISSIONED";
    case path_code::backend_unlinked: return "BACKEND_UNLINKED";
    case path_code::backend_unreported: return "BACKEND_UNREPORTED";
    case path_code::holds_replica: return "HOLDS_REPLICA";
    case path_code::same_host: return "SAME_HOST";
    case path_code::other_cluster: return "OTHER_CLUSTER";
    case path_code::not_in_group: return "NOT_IN_GROUP";
    case path_code::replica_bad: return "REPLICA_BAD";
    case path_code::replica_cloning: return "REPLICA_CLONING";
    case path_code::replica_incomplete: return "REPLICA_INCOMPLETE";
    case path_code::path_unseen: return "PATH_UNSEEN";
    case path_code::path_offline: return "PATH_OFFLINE";
    case path_code::too_full: return "TOO_FULL";
    case path_code::no_slot: return "NO_SLOT";
  }
  return "UNKNOWN";
}

std::string_view name(blocker why) {
  switch (why) {
    case blocker::none: return "NONE";
    case blocker::tablet_unknown: return "TABLET_UNKNOWN";
    case blocker::unhealthy: return "UNHEALTHY";
    case blocker::order_open: return "ORDER_OPEN";
    case blocker::unrecoverable: return "UNRECOVERABLE";
    case blocker::no_source: return "NO_SOURCE";
    case blocker::source_slot: return "SOURCE_SLOT";
    case blocker::no_backend: return "NO_BACKEND";
    case blocker::no_path: return "NO_PATH";
    case blocker::target_unlinked: return "TARGET_UNLINKED";
    case blocker::target_slot: return "TARGET_SLOT";
    case blocker::loads_open: return "LOADS_OPEN";
    case blocker::unconfirmed: return "UNCONFIRMED";
    case blocker::nothing_to_drop: return "NOTHING_TO_DROP";
  }
  return "UNKNOWN";
}

std::string sentence(const queue_place& at) {
  switch (at.is) {
    case queue_place::kind::nowhere: return "not in the queue";
    case queue_place::kind::maybe_beyond:
      return "not among the tablets the scheduler lists; " + std::to_string(at.total) + " wait";
    case queue_place::kind::running: return "running";
    case queue_place::kind::pending: break;
  }
  const auto& row = *at.row;
  std::string out = "place " + std::to_string(at.position) + " of " + std::to_string(at.total) + ", priority "
                    + std::string{name(row.dynamic_priority)};
  if (row.failed_scheduling + row.failed_running > 0)
    out += ", " + std::to_string(row.failed_scheduling) + " times not scheduled and "
           + std::to_string(row.failed_running) + " times failed in a row";
  return row.message.empty() ? out : out + ", last: " + row.message;
}

} // namespace tabletd::model
