#include "actors/model/load_watch.h"
#include <utility>

namespace tabletd::model {

namespace {

bool is_inherited(const catalog& cat, txn_id txn) { return raw(txn) < raw(cat.term_since); }

/// True at the first look and then now and again.
bool is_due(load_watch& watch, txn_id txn) {
  const auto [at, is_new] = watch.inherited.emplace(txn, 0);
  if (is_new)
    return true;
  at->second = (at->second + 1) % looks_before_again;
  return at->second == 0;
}

} // namespace

std::vector<txn_id> look(load_watch& watch, const catalog& cat, const std::set<load_name>& carried) {
  std::vector<txn_id> orphans;
  const auto before = std::exchange(watch.suspects, {});
  cat.tables.for_each([&](table_id, const table& t) {
    for (const auto txn : t.open_loads) {
      if (is_inherited(cat, txn)) {
        if (is_due(watch, txn))
          orphans.push_back(txn);
        continue;
      }
      if (carried.contains({t.id, cat.loads.find(txn)->label}))
        continue;
      watch.suspects.insert(txn);
      if (before.contains(txn))
        orphans.push_back(txn);
    }
  });
  std::erase_if(watch.inherited, [&](const auto& each) {
    const auto* load = cat.loads.find(each.first);
    return !load || (load->state != load_state::begun && load->state != load_state::committed);
  });
  return orphans;
}

} // namespace tabletd::model
