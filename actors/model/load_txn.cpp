#include "actors/model/load_txn.h"
#include <algorithm>
#include <map>

namespace tabletd::model {

namespace {

constexpr std::size_t named_max = 3; // A sentence, not a list: the rest is counted.

bool names(const std::vector<replica_id>& list, replica_id r) {
  return std::find(list.begin(), list.end(), r) != list.end();
}

std::string address(const catalog& cat, backend_id id) {
  const auto* b = cat.backends.find(id);
  return b ? b->host + ":" + std::to_string(b->port) : "backend " + std::to_string(raw(id));
}

/// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), named_max); ++i)
    text += (i ? ", " : "") + items[i];
  if (items.size() > named_max)
    text += " and " + std::to_string(items.size() - named_max) + " more";
  return text;
}

std::string rollback_sentence(const catalog& cat, const std::vector<std::string>& short_tablets,
                              std::span<const backend_failure> failures) {
  std::string text
      = "no majority of complete replicas holds the rows of tablet " + listed(short_tablets);
  std::vector<std::string> whys;
  for (const auto& f : failures)
    whys.push_back(address(cat, f.backend) + ": " + f.message);
  if (!whys.empty())
    text += "; " + listed(whys);
  return text + "; load again when SHOW BACKENDS and SHOW TABLETS look healthy";
}

} // namespace

load_decision decide_load(const catalog& cat, txn_id txn, std::span<const tablet_loaded> prepared,
                          std::span<const backend_failure> failures) {
  const auto* l = cat.loads.find(txn);
  const auto* owner = l ? cat.tables.find(l->table) : nullptr;
  if (!owner)
    return load_rollback{"the table was dropped while it was loaded"};
  if (!owner->find(l->partition))
    return load_rollback{"the partition was dropped while it was loaded"};
  if (l->state != load_state::begun)
    return load_rollback{
        "the load was ended by a change of leader; load again under the same label"};
  std::map<tablet_id, const tablet_loaded*> by_tablet;
  for (const auto& p : prepared)
    by_tablet[p.tablet] = &p;

  load_committed edit{txn, {}};
  std::vector<std::string> short_tablets;
  const auto& part = *owner->find(l->partition);
  for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket) {
    const tablet_id id{raw(part.first_tablet) + bucket};
    const auto at = by_tablet.find(id);
    const auto& replicas = cat.tablets.find(id)->replicas;
    const auto holders = std::count_if(replicas.begin(), replicas.end(), [&](const replica& r) {
      return at != by_tablet.end() && complete(r, part.visible)
             && names(at->second->prepared, r.id);
    });
    if (!can_commit(static_cast<std::size_t>(holders), owner->replication_num))
      short_tablets.push_back(std::to_string(raw(id)) + " (" + std::to_string(holders) + " of "
                              + std::to_string(majority(owner->replication_num)) + ")");
    else
      edit.tablets.push_back(*at->second);
  }
  if (!short_tablets.empty())
    return load_rollback{rollback_sentence(cat, short_tablets, failures)};
  return load_commit{std::move(edit)};
}

publish_reach publish_reached(const catalog& cat, txn_id txn,
                              std::span<const tablet_served> served) {
  const auto* l = cat.loads.find(txn);
  const auto* owner = l && l->version > 0 ? cat.tables.find(l->table) : nullptr;
  if (!owner)
    return publish_reach::too_few;
  std::map<tablet_id, const tablet_served*> by_tablet;
  for (const auto& s : served)
    by_tablet[s.tablet] = &s;

  bool everywhere = true;
  const auto* into = owner->find(l->partition);
  if (!into)
    return publish_reach::too_few;
  const auto& part = *into;
  for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket) {
    const auto at = by_tablet.find(tablet_id{raw(part.first_tablet) + bucket});
    if (at == by_tablet.end())
      return publish_reach::too_few;
    std::size_t serving = 0;
    for (const auto& r : cat.tablets.find(at->first)->replicas) {
      const auto* home = cat.backends.find(r.backend);
      const bool has_it = r.version >= l->version || r.last_success >= l->version;
      if (names(at->second->replicas, r.id))
        ++serving;
      else if (has_it && home && home->alive)
        everywhere = false;
    }
    if (serving < majority(owner->replication_num))
      return publish_reach::too_few;
  }
  return everywhere ? publish_reach::everywhere : publish_reach::majority;
}

} // namespace tabletd::model
