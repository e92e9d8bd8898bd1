#include "actors/model/health.h"
#include "actors/model/assessment.h"

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

diagnosis diagnose(const catalog& cat, const tablet& t, const assessment& a) {
  using health = tablet_health;
  using priority = repair_priority;
  if (a.wanted == 0)
    return {};
  if (a.sources == 0)
    return {health::unrecoverable, priority::normal};

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
  if (a.complete > a.wanted)
    return {health::redundant, priority::very_high};

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
  if (a.total > a.wanted)
    return {health::redundant, priority::very_high};
  return {};
}

} // namespace tabletd::model
