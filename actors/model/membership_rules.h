#pragma once
// What a leader owes its backends and loads, read off the catalog.  Pure.
#include "actors/model/catalog.h"
#include <set>
#include <vector>

namespace tabletd::model {

/// Loads that began under an earlier leader and were not committed.  Nobody else can end them:
/// the session that wrote their rows went down with that leader, so the new one aborts them.
[[nodiscard]] std::vector<txn_id> orphaned_loads(const catalog& cat);

/// Decommissioned backends that hold nothing any more: their drop is due.
[[nodiscard]] std::vector<backend_id> emptied_backends(const catalog& cat);

/// Who needs an agent and has none, and the reverse.
struct roster_change {
  std::vector<backend_id> joined;
  std::vector<backend_id> left;
  friend bool operator==(const roster_change&, const roster_change&) = default;
};
[[nodiscard]] roster_change compare_roster(const catalog& cat, const std::set<backend_id>& have);

} // namespace tabletd::model
