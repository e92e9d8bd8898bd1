// Folds of who may upload and what of it counts.  This is where a former uploader is stopped, however long it
// was frozen: it may have written what it liked, but nobody reads what is not published (design/testing.md U1, U3).
#include "actors/model/catalog_fold.h"

#include <algorithm>
#include <set>

namespace tabletd::model::fold {

namespace {

/// Tablets whose published meta lies in it.
void count_in(catalog& cat, resource_id in, bool one_more) {
  if (auto* r = cat.resources.edit(in))
    r->tablets += one_more ? 1 : std::uint64_t(-1);
}

bool may_upload(const replica* r) { return r && r->state == replica_state::normal && !r->damaged(); }

refusal judge(const catalog& cat, const cooldown_grant& g) {
  const auto* t = cat.tablets.find(g.tablet);
  if (!t)
    return refusal::tablet_unknown;
  const auto* conf = cat.cooldowns.find(g.tablet);
  if (g.term != (conf ? conf->term : term{}) + 1)
    return refusal::cooldown_term_stale;
  if (raw(g.replica) == 0)
    return conf ? refusal::none : refusal::cooldown_not_wanted;
  // Without a policy what is remote is still looked after; what is hot stays so.
  if (!policy_of(cat, *t) && !(conf && conf->published))
    return refusal::cooldown_not_wanted;
  return may_upload(t->find(g.replica)) ? refusal::none : refusal::uploader_unfit;
}

}  // namespace

void forget_cooldown(catalog& cat, tablet_id tablet, moment now) {
  const auto* conf = cat.cooldowns.find(tablet);
  if (!conf)
    return;
  if (conf->published)
    count_in(cat, conf->published->resource, false);
  cat.cooldowns.erase(tablet);
  cat.tombstones.put(tablet, now.at);
}

/// Said twice, by leaders that follow each other, it is as true.
verdict fold(catalog& cat, const remote_purged& e, moment) {
  for (const auto tablet : e.tablets)
    cat.tombstones.erase(tablet);
  return accept(0);
}

verdict fold(catalog& cat, const cooldown_granted& e, moment) {
  std::set<tablet_id> once;
  for (const auto& g : e.grants) {
    if (const auto why = judge(cat, g); why != refusal::none)
      return refuse(why, raw(g.tablet));
    if (!once.insert(g.tablet).second)
      return refuse(refusal::cooldown_term_stale, raw(g.tablet));
  }
  for (const auto& g : e.grants) {
    if (auto* conf = cat.cooldowns.edit(g.tablet)) {
      conf->uploader = g.replica;
      conf->term = g.term;
    } else {
      cat.cooldowns.put(g.tablet, {g.replica, g.term, std::nullopt});
    }
  }
  return accept(0);
}

// -- what counts -------------------------------------------------------------------------

namespace {

const partition& partition_of(const catalog& cat, const tablet& t) { return *cat.table_of(t)->find(t.partition); }

/// A publication never goes back and never names what its uploader cannot have: others let go of their own rows
/// for what it says.
refusal judge(const catalog& cat, const tablet& t, const cooldown_conf& conf, const published_meta& meta) {
  const auto* uploader = t.find(conf.uploader);
  if (!may_upload(uploader))
    return refusal::uploader_unfit;
  if (!is_recall(meta) && !cat.resources.contains(meta.resource))
    return refusal::resource_unknown;
  const auto before = conf.published.value_or(published_meta{});
  if (meta.id.seq == 0 || meta.id <= before.id)
    return refusal::remote_meta_stale;
  // The one set that may be smaller than that before it: everybody brings home what the former ones name first.
  if (is_recall(meta))
    return partition_of(cat, t).recalled && meta == nothing_remote(meta.id) ? refusal::none
                                                                             : refusal::remote_meta_unsound;
  const bool has_them = meta.last_version <= std::min(uploader->version, cat.visible_version(t));
  const auto least = std::max(version_initial, before.last_version);
  return meta.object.empty() || !has_them || meta.last_version < least ? refusal::remote_meta_unsound : refusal::none;
}

}  // namespace

verdict fold(catalog& cat, const cooldown_published& e, moment) {
  const auto* t = cat.tablets.find(e.tablet);
  if (!t)
    return refuse(refusal::tablet_unknown);
  const auto* conf = cat.cooldowns.find(e.tablet);
  if (!conf || raw(e.replica) == 0 || conf->uploader != e.replica || conf->term != e.meta.id.term)
    return refuse(refusal::not_uploader, conf ? conf->term : 0);
  if (conf->published == e.meta)
    return accept(raw(e.tablet));  // Said again by an uploader that has not heard the answer.
  if (const auto why = judge(cat, *t, *conf, e.meta); why != refusal::none)
    return refuse(why);
  if (conf->published)
    count_in(cat, conf->published->resource, false);
  count_in(cat, e.meta.resource, true);
  auto& now = *cat.cooldowns.edit(e.tablet);
  now.published = e.meta;
  if (is_recall(e.meta))
    now.recalled = e.meta.id;
  return accept(raw(e.tablet));
}

verdict fold(catalog& cat, const cooldown_deletion_confirmed& e, moment) {
  const auto* t = cat.tablets.find(e.tablet);
  if (!t)
    return refuse(refusal::tablet_unknown);
  const auto* conf = cat.cooldowns.find(e.tablet);
  if (!conf || raw(e.replica) == 0 || conf->uploader != e.replica || conf->term != e.id.term)
    return refuse(refusal::not_uploader, conf ? conf->term : 0);
  if (!conf->published || conf->published->id != e.id)
    return refuse(refusal::remote_meta_stale);
  if (!may_upload(t->find(e.replica)))
    return refuse(refusal::uploader_unfit);
  // One who is away, or not here yet, may still follow an older set.
  const bool all_here = t->replicas.size() >= cat.table_of(*t)->replication_num
                        && std::all_of(t->replicas.begin(), t->replicas.end(), [&](const replica& r) {
                             const auto* home = cat.backends.find(r.backend);
                             return r.state == replica_state::normal && home && home->alive;
                           });
  return all_here ? accept(raw(e.tablet)) : refuse(refusal::cooldown_unsettled);
}

// -- what operators ask for --------------------------------------------------------------

namespace {

/// `refuses(partition)` says why it cannot be; `change(partition&)` else.  All of them or none.
template <class E, class Refuses, class Change>
verdict fold_partitions(catalog& cat, const E& e, Refuses refuses, Change change) {
  const auto* owner = cat.tables.find(e.table);
  if (!owner)
    return refuse(refusal::table_unknown);
  for (const auto id : e.partitions) {
    const auto* part = owner->find(id);
    const auto why = part ? refuses(*owner, *part) : refusal::partition_unknown;
    if (why != refusal::none)
      return refuse(why, raw(id));
  }
  for (auto& part : cat.tables.edit(e.table)->partitions)
    if (std::find(e.partitions.begin(), e.partitions.end(), part.id) != e.partitions.end())
      change(part);
  return accept(raw(e.table));
}

}  // namespace

verdict fold(catalog& cat, const cooldown_hurried& e, moment) {
  return fold_partitions(
    cat, e,
    [&](const table& t, const partition& part) {
      return policy_of(cat, t, part) ? refusal::none : refusal::partition_stays_hot;
    },
    [](partition& part) { part.cool_through = part.visible; });
}

verdict fold(catalog& cat, const cooldown_recalled& e, moment) {
  return fold_partitions(
    cat, e,
    [&](const table& t, const partition& part) {
      return policy_of(cat, t, part) ? refusal::partition_would_cool : refusal::none;
    },
    [](partition& part) { part.recalled = true; });
}

}  // namespace tabletd::model::fold
