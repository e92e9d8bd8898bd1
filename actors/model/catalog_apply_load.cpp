// Folds of a load's life: begun -> committed -> published, or aborted.  A commit is where
// versions are made, and where a replica that missed one gets its hole.
#include "actors/model/catalog_fold.h"
#include "actors/model/load_txn.h"
#include <algorithm>

namespace tabletd::model::fold {

namespace {

/// True once an ended load no longer answers for its label.
bool forgettable(const load& l, time_ms now) {
  const bool over = l.state == load_state::aborted || l.state == load_state::published;
  return over && now - l.ended > label_keep;
}

/// O(what it forgets): stops at the first entry that ended something too recent.
void forget_old_loads(catalog& cat, time_ms now) {
  std::vector<log_index> due;
  cat.ended_loads.for_each([&](log_index entry, const std::vector<txn_id>& ended) {
    if (!forgettable(*cat.loads.find(ended.front()), now))
      return false;
    due.push_back(entry);
    return true;
  });
  for (const auto entry : due) {
    for (const auto txn : *cat.ended_loads.find(entry)) {
      const auto* old = cat.loads.find(txn);
      cat.labels.erase(raw(old->table), old->label, raw(txn));
      cat.loads.erase(txn);
    }
    cat.ended_loads.erase(entry);
  }
}

bool names(const std::vector<replica_id>& list, replica_id r) {
  return std::find(list.begin(), list.end(), r) != list.end();
}

/// Why the commit cannot stand, or none.
refusal judge(const catalog& cat, const table& owner, const partition& part, const load_committed& e) {
  if (e.tablets.size() != part.buckets)
    return refusal::quorum_missing;
  for (std::uint32_t bucket = 0; bucket < part.buckets; ++bucket) {
    const auto& loaded = e.tablets[bucket];
    if (loaded.tablet != tablet_id{raw(part.first_tablet) + bucket})
      return refusal::quorum_missing;
    const auto& replicas = cat.tablets.find(loaded.tablet)->replicas;
    const auto holders = std::count_if(replicas.begin(), replicas.end(), [&](const replica& r) {
      return complete(r, part.visible) && names(loaded.prepared, r.id);
    });
    if (static_cast<std::size_t>(holders) < majority(owner.replication_num))
      return refusal::quorum_missing;
  }
  return refusal::none;
}

/// spec/replica.md 1.1: the version moves only without a gap; a miss is remembered as a hole.
/// True if this replica prepared.
bool advance(replica& r, bool prepared, version next) {
  if (!prepared)
    r.last_failed = next;
  else if (r.last_failed == 0 && r.version + 1 == next)
    r.version = r.last_success = next;
  else
    r.last_success = next;
  return prepared;
}

/// True if some replica did not prepare: the tablet's health may have changed.
bool advance(catalog& cat, const tablet_loaded& loaded, version next) {
  auto& t = *cat.tablets.edit(loaded.tablet);
  t.rows += loaded.rows;
  t.bytes += loaded.bytes;
  bool missed = false;
  for (auto& r : t.replicas)
    if (r.state == replica_state::normal)
      missed |= !advance(r, names(loaded.prepared, r.id), next);
  return missed;
}

} // namespace

void end_load(catalog& cat, txn_id txn, load_state how, moment now) {
  auto& ended = *cat.loads.edit(txn);
  ended.state = how;
  ended.ended = now.at;
  if (auto* same_entry = cat.ended_loads.edit(now.index))
    same_entry->push_back(txn);
  else
    cat.ended_loads.put(now.index, {txn});
  if (auto* owner = cat.tables.edit(ended.table))
    std::erase(owner->open_loads, txn);
}

verdict fold(catalog& cat, const load_begun& e, moment now) {
  if (!cat.tables.contains(e.table))
    return refuse(refusal::table_unknown);
  const auto* owner = cat.tables.find(e.table);
  if (raw(e.partition) == 0 && owner->partitions.size() > 1)
    return refuse(refusal::partition_not_named);
  const auto into = raw(e.partition) == 0 ? owner->partitions.front().id : e.partition;
  if (!owner->find(into))
    return refuse(refusal::partition_unknown);
  if (const auto* earlier = cat.find_label(e.table, e.label);
      earlier && !forgettable(*earlier, now.at)) {
    if (earlier->state == load_state::begun)
      return refuse(refusal::label_in_progress, raw(earlier->txn));
    if (earlier->state != load_state::aborted)
      return refuse(refusal::label_committed, raw(earlier->txn));
  }
  forget_old_loads(cat, now.at);
  load begun;
  begun.txn = txn_id{raw(now.index)};
  begun.table = e.table;
  begun.partition = into;
  begun.label = e.label;
  begun.begun = now.at;
  const auto txn = begun.txn;
  cat.labels.put(raw(e.table), e.label, raw(txn));
  cat.tables.edit(e.table)->open_loads.push_back(txn);
  cat.loads.put(txn, std::move(begun));
  return accept(raw(txn));
}

verdict fold(catalog& cat, const load_committed& e, moment) {
  const auto* opened = cat.loads.find(e.txn);
  if (!opened)
    return refuse(refusal::txn_unknown);
  if (opened->state != load_state::begun)
    return refuse(refusal::txn_ended);
  const auto* owner = cat.tables.find(opened->table);
  const auto* part = owner->find(opened->partition);
  if (const auto why = judge(cat, *owner, *part, e); why != refusal::none)
    return refuse(why);

  const auto at = part - owner->partitions.data();
  const version next = ++cat.tables.edit(opened->table)->partitions[static_cast<std::size_t>(at)].visible;
  auto& committed = *cat.loads.edit(e.txn);
  committed.state = load_state::committed;
  committed.version = next;
  std::vector<tablet_id> touched;
  for (const auto& loaded : e.tablets) {
    committed.rows += loaded.rows;
    committed.bytes += loaded.bytes;
    if (advance(cat, loaded, next))
      touched.push_back(loaded.tablet);
  }
  return accept(raw(e.txn), std::move(touched));
}

verdict fold(catalog& cat, const load_aborted& e, moment now) {
  const auto* opened = cat.loads.find(e.txn);
  if (!opened)
    return refuse(refusal::txn_unknown);
  if (opened->state != load_state::begun)
    return refuse(refusal::txn_ended);
  end_load(cat, e.txn, load_state::aborted, now);
  return accept(raw(e.txn));
}

verdict fold(catalog& cat, const load_published& e, moment now) {
  const auto* committed = cat.loads.find(e.txn);
  if (!committed)
    return refuse(refusal::txn_unknown);
  if (committed->state == load_state::published)
    return accept(raw(e.txn));
  if (committed->state != load_state::committed)
    return refuse(refusal::txn_ended);
  end_load(cat, e.txn, load_state::published, now);
  return accept(raw(e.txn));
}

} // namespace tabletd::model::fold
