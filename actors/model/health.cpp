#include "actors/model/health.h"
#include "actors/model/assessment.h"
#include <optional>

namespace tabletd::model {

std::string_view name(tablet_health health) {
  switch (health) {
    case tablet_health::healthy: return "HEALTHY";
    case tablet_health::replica_missing: return "REPLICA_MISSING";
    case tablet_health::version_incomplete: return "VERSION_INCOMPLETE";
    case tablet_health::replica_relocating: return "REPLICA_RELOCATING";
    case tablet_health::redundant: return "REDUNDANT";
    case tablet_health::force_redundant: return "FORCE_REDUNDANT";
    case tablet_health::unrecoverable: return "UNRECOVERABLE";
    case tablet_health::replica_missing_in_cluster: return "REPLICA_MISSING_IN_CLUSTER";
    case tablet_health::need_further_repair: return "NEED_FURTHER_REPAIR";
    case tablet_health::colocate_mismatch: return "COLOCATE_MISMATCH";
    case tablet_health::colocate_redundant: return "COLOCATE_REDUNDANT";
  }
  return "UNKNOWN";
}

std::string_view name(repair_priority priority) {
  switch (priority) {
    case repair_priority::low: return "LOW";
    case repair_priority::normal: return "NORMAL";
    case repair_priority::high: return "HIGH";
    case repair_priority::very_high: return "VERY_HIGH";
  }
  return "UNKNOWN";
}

diagnosis diagnose(const catalog& cat, const tablet& t) { return diagnose(cat, t, assess(cat, t)); }

namespace {

using health = tablet_health;
using priority = repair_priority;

/// More copies than wanted.  A replica that balance has brought and loads have outrun is
/// filled before anything is dropped, or the move would be thrown away (E8; 9.2, C16).
diagnosis surplus(const tablet& t, const assessment& a) {
  if (catching_up(a, t))
    return {health::need_further_repair, priority::high};
  return {health::redundant, priority::very_high};
}

/// spec/replica.md 2.4.  A replica at home on a dead backend is no illness: the group's balancer first
/// has to give the bucket a new home.  A home that can take none does not keep the others from care.
diagnosis diagnose_colocated(const catalog& cat, const tablet& t, const assessment& a) {
  if (a.complete < a.wanted && a.fillable)
    return {health::version_incomplete, priority::high};
  std::optional<diagnosis> waiting; // For a backend, or for the balancer.
  for (const auto home : *a.home) {
    if (t.on(home))
      continue;
    const diagnosis missing{health::colocate_mismatch, priority::high};
    if (const auto* b = cat.backends.find(home); b && b->available())
      return missing;
    waiting = missing;
  }
  for (std::size_t i = 0; i < t.replicas.size(); ++i) {
    const auto& r = t.replicas[i];
    const auto& s = a.replicas[i];
    if (!s.at_home || (!r.damaged() && complete(r, a.visible)))
      continue;
    if (r.damaged())
      return {health::colocate_redundant, priority::high};
    const diagnosis behind{health::version_incomplete, priority::high};
    if (s.available)
      return behind;
    waiting = behind;
  }
  if (waiting)
    return *waiting;
  return t.replicas.size() > a.wanted ? diagnosis{health::colocate_redundant, priority::high} : diagnosis{};
}

/// Enough complete copies, but not all where they should be.
diagnosis diagnose_places(const catalog& cat, const tablet& t, const assessment& a) {
  if (a.stable < a.wanted) {
    const auto urgency = a.stable < a.quorum() ? priority::normal : priority::low;
    // Filling a replica beats copying a whole one, and deleting a complete copy on a leaving
    // backend to "make room" would only lower durability (spec/replica.md E6c, doris#17182).
    if (a.fillable)
      return {health::version_incomplete, urgency};
    if (must_drop_first(cat, a, t))
      return {health::force_redundant, urgency};
    return {health::replica_relocating, urgency};
  }
  if (a.in_cluster < a.wanted) {
    if (must_drop_first(cat, a, t))
      return {health::force_redundant, priority::low};
    return {health::replica_missing_in_cluster, priority::low};
  }
  return a.total > a.wanted ? surplus(t, a) : diagnosis{};
}

diagnosis diagnose_unhinted(const catalog& cat, const tablet& t, const assessment& a) {
  if (a.wanted == 0)
    return {};
  if (a.sources == 0)
    return {health::unrecoverable, priority::normal};
  if (a.home)
    return diagnose_colocated(cat, t, a);

  // In place first: a replica that only lacks versions needs no backend and no disk that
  // it does not have already, so it must not wait behind a missing one (C9, E13).
  if (a.complete < a.wanted && a.fillable)
    return {health::version_incomplete, a.complete < a.quorum() ? priority::high : priority::normal};

  if (a.complete < a.wanted) {
    if (must_drop_first(cat, a, t))
      return {health::force_redundant, priority::very_high};
    if (a.alive < a.wanted)
      return {health::replica_missing, a.alive < a.quorum() ? priority::high : priority::normal};
    return {health::version_incomplete, a.complete < a.quorum() ? priority::high : priority::normal};
  }
  return a.complete > a.wanted ? surplus(t, a) : diagnose_places(cat, t, a);
}

} // namespace

diagnosis diagnose(const catalog& cat, const tablet& t, const assessment& a) {
  auto seen = diagnose_unhinted(cat, t, a);
  if (a.hinted && seen.health != health::healthy && seen.health != health::unrecoverable)
    seen.priority = priority::very_high;
  return seen;
}

} // namespace tabletd::model
