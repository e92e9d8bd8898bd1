#pragma once
// What a leader owes its backends, read off the catalog.  Pure.
#include "actors/model/catalog.h"
#include <set>
#include <vector>

namespace tabletd::model {

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
