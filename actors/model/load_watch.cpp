#include "actors/model/load_watch.h"

namespace tabletd::model {

std::vector<txn_id> look(load_watch& watch, const catalog& cat, const std::set<load_name>& carried) {
  std::vector<txn_id> orphans;
  const auto before = std::exchange(watch.suspects, {});
  cat.tables.for_each([&](table_id, const table& t) {
    for (const auto txn : t.open_loads) {
      if (carried.contains({t.id, cat.loads.find(txn)->label}))
        continue;
      watch.suspects.insert(txn);
      if (before.contains(txn))
        orphans.push_back(txn);
    }
  });
  return orphans;
}

} // namespace tabletd::model
