#include "actors/model/membership_rules.h"

namespace tabletd::model {

std::vector<backend_id> emptied_backends(const catalog& cat) {
  std::vector<backend_id> emptied;
  cat.backends.for_each([&](backend_id id, const backend& b) {
    if (b.decommissioned && b.tablets.empty())
      emptied.push_back(id);
  });
  return emptied;
}

roster_change compare_roster(const catalog& cat, const std::set<backend_id>& have) {
  roster_change change;
  cat.backends.for_each([&](backend_id id, const backend&) {
    if (!have.contains(id))
      change.joined.push_back(id);
  });
  for (const auto id : have)
    if (!cat.backends.contains(id))
      change.left.push_back(id);
  return change;
}

} // namespace tabletd::model
