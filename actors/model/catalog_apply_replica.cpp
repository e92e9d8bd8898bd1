// Folds of a replica's life: cloned, observed, dropped, taken back.  This is where the two
// promises of spec/replica.md 9.2 are kept: a late outcome changes nothing (C1, C2), and the last
// complete replica is never dropped (C3).
#include "actors/model/assessment.h"
#include "actors/model/catalog_fold.h"
#include <algorithm>

namespace tabletd::model::fold {

void add_replica(catalog& cat, tablet_id tablet, replica r) {
  cat.backends.edit(r.backend)->tablets.put(tablet, r.id);
  cat.tablets.edit(tablet)->replicas.push_back(r);
  ++cat.replicas;
}

void remove_replica(catalog& cat, tablet_id tablet, replica_id r) {
  auto& replicas = cat.tablets.edit(tablet)->replicas;
  const auto at
      = std::find_if(replicas.begin(), replicas.end(), [r](const replica& x) { return x.id == r; });
  cat.backends.edit(at->backend)->tablets.erase(tablet);
  replicas.erase(at);
  --cat.replicas;
  if (const auto* move = cat.moves.find(tablet); move && (move->replaces == r || move->replica == r))
    cat.moves.erase(tablet);
  settle_planned(cat, tablet, r);
}

void record(catalog& cat, decision_record what) {
  const auto entry = what.entry;
  cat.decisions.put(entry, std::move(what));
  while (cat.decisions.size() > decisions_kept) {
    log_index oldest{};
    cat.decisions.for_each([&](log_index at, const decision_record&) {
      oldest = at;
      return false;
    });
    cat.decisions.erase(oldest);
  }
}

namespace {

bool is_path_move(const clone_ordered& e) { return raw(e.replica) != 0 && e.source.backend == e.target.backend; }

replica& edit_replica(catalog& cat, tablet_id tablet, replica_id r) {
  auto& replicas = cat.tablets.edit(tablet)->replicas;
  return *std::find_if(replicas.begin(), replicas.end(),
                       [r](const replica& x) { return x.id == r; });
}

/// The replica holds 1..reached, for all we know nothing above; the partition is at `visible`.
void settle_at(replica& r, version reached, version visible) {
  r.version = r.last_success = std::min(reached, visible);
  r.last_failed = r.version < visible ? visible : 0;
}

/// A replica that takes part in loads has prepared every one since the last it missed, so whatever
/// fills it up to that one closes the whole gap (spec/replica.md 1.1, case 4).
version filled_to(const replica& r, version reached, version visible) {
  return r.last_failed > 0 && reached >= r.last_failed ? visible : reached;
}

// -- clone_ordered -----------------------------------------------------------------------

bool can_copy_from(const catalog& cat, const tablet& t, const place& source) {
  const auto* from = t.on(source.backend);
  const auto* home = cat.backends.find(source.backend);
  return from && home && home->alive && complete(*from, cat.visible_version(t));
}

/// Hosts apart here too, not only when it was planned (9.2, C22); what the copy replaces will go.
refusal judge_new(const catalog& cat, const tablet& t, const clone_ordered& e) {
  const auto& target = e.target;
  const auto* home = cat.backends.find(target.backend);
  if (!home || !home->available() || !home->has_path(target.path))
    return refusal::placement_stale;
  const auto a = assess(cat, t);
  bool taken = t.on(target.backend) != nullptr;
  for (std::size_t i = 0; i < t.replicas.size(); ++i)
    taken |= t.replicas[i].id != e.replaces && takes(a, i, *home);
  return taken || !belongs(a, *home) ? refusal::placement_stale : refusal::none;
}

/// From one path of its backend to another; for balance only, so the replica is whole.
refusal judge_path_move(const catalog& cat, const tablet& t, const clone_ordered& e) {
  const auto* r = t.find(e.replica);
  if (!r)
    return refusal::replica_unknown;
  const auto* home = cat.backends.find(r->backend);
  const bool fits = e.source == place{r->backend, r->path} && e.target.backend == r->backend
                    && e.target.path != r->path && home->available() && home->has_path(e.target.path);
  return fits ? refusal::none : refusal::placement_stale;
}

/// In place means the path it is on.  A damaged replica is replaced, never mended.
refusal judge_in_place(const catalog& cat, const tablet& t, const clone_ordered& e) {
  const auto* r = t.find(e.replica);
  if (!r)
    return refusal::replica_unknown;
  const auto* home = cat.backends.find(e.target.backend);
  const bool fits = r->backend == e.target.backend && home->alive && !r->damaged()
                    && (raw(e.target.path) == 0 || e.target.path == r->path)
                    && e.source.backend != e.target.backend;
  return fits ? refusal::none : refusal::placement_stale;
}

refusal judge(const catalog& cat, const clone_ordered& e) {
  const auto* t = cat.tablets.find(e.tablet);
  if (!t)
    return refusal::tablet_unknown;
  if (cat.orders.contains(e.tablet))
    return refusal::tablet_busy;
  const auto why = raw(e.replica) == 0   ? judge_new(cat, *t, e)
                   : is_path_move(e) ? judge_path_move(cat, *t, e)
                                     : judge_in_place(cat, *t, e);
  if (why != refusal::none)
    return why;
  return can_copy_from(cat, *t, e.source) ? refusal::none : refusal::placement_stale;
}

} // namespace

verdict fold(catalog& cat, const clone_ordered& e, moment now) {
  if (const auto why = judge(cat, e); why != refusal::none)
    return refuse(why);
  open_order order{now.index, e, e.replica, now.at};
  if (raw(e.replica) == 0) {
    order.replica = replica_id{cat.next_id++};
    replica copy;
    copy.id = order.replica;
    copy.backend = e.target.backend;
    copy.path = e.target.path;
    copy.state = replica_state::clone;
    add_replica(cat, e.tablet, copy);
  }
  const auto id = order.replica;
  record(cat, {.entry = now.index, .at = now.at, .tablet = e.tablet, .purpose = e.purpose, .health = e.health,
               .priority = e.priority, .source = e.source, .target = e.target, .replica = id, .dropped = {},
               .why = e.why, .ended = {}, .reached = 0, .failure = {}});
  cat.orders.put(e.tablet, std::move(order));
  return accept(raw(id), {e.tablet});
}

namespace {

/// The copy ended, complete or not: what that means for a balance move.
void settle_move(catalog& cat, const open_order& order, bool behind) {
  const auto tablet = order.what.tablet;
  if (raw(order.what.replaces) != 0) {
    if (cat.tablets.find(tablet)->find(order.what.replaces))
      cat.moves.put(tablet, {order.what.replaces, order.replica, 0});
    return;
  }
  const auto* move = cat.moves.find(tablet);
  if (!move || move->replica != order.replica || !behind)
    return;
  if (move->fills + 1 >= further_repairs_max)
    cat.moves.erase(tablet); // It does not catch up: an ordinary surplus replica from now on.
  else
    ++cat.moves.edit(tablet)->fills;
}

} // namespace

verdict fold(catalog& cat, const clone_ended& e, moment now) {
  const auto* t = cat.tablets.find(e.tablet);
  if (!t)
    return refuse(refusal::tablet_unknown);
  const auto* found = cat.orders.find(e.tablet);
  if (!found || found->order != e.order)
    return refuse(refusal::order_unknown);
  const auto order = *found;
  const auto id = order.replica;
  const bool fresh = raw(order.what.replica) == 0;
  const auto visible = cat.visible_version(*t);
  cat.orders.erase(e.tablet);
  if (auto* decision = cat.decisions.edit(e.order)) {
    decision->ended = now.at;
    decision->reached = e.reached;
    decision->failure = e.failure;
  }
  if (e.reached == 0) {
    if (fresh)
      remove_replica(cat, e.tablet, id);
    return accept(raw(id), {e.tablet});
  }
  auto& r = edit_replica(cat, e.tablet, id);
  if (is_path_move(order.what)) {
    r.path = order.what.target.path;
    settle_planned(cat, e.tablet, id);
    return accept(raw(id), {e.tablet});
  }
  // A new replica took part in no load: what came since the copy began is a hole, and a second,
  // incremental clone follows (spec/replica.md 6.4).
  settle_at(r, std::max(r.version, filled_to(r, e.reached, visible)), visible);
  r.state = replica_state::normal;
  const bool behind = r.last_failed > 0;
  cat.tablets.edit(e.tablet)->settled = now.index;
  settle_move(cat, order, behind);
  return accept(raw(id), {e.tablet});
}

// -- replica_dropped ---------------------------------------------------------------------

namespace {

bool in_use(const catalog& cat, const tablet& t, const replica& r) {
  const auto* order = cat.orders.find(t.id);
  return order && (order->replica == r.id || order->what.source.backend == r.backend);
}

/// spec/replica.md appendix A 3, and D24's guard (4.9) for a tablet that has no complete replica:
/// then whoever has the highest version is what is left of the data.
bool must_stay(const catalog& cat, const tablet& t, const replica& r) {
  const auto visible = cat.visible_version(t);
  bool another_alive = false;
  bool any_complete = false;
  version highest = 0;
  for (const auto& x : t.replicas) {
    highest = std::max(highest, x.version);
    if (!complete(x, visible))
      continue;
    any_complete = true;
    const auto* home = cat.backends.find(x.backend);
    another_alive |= x.id != r.id && home && home->alive;
  }
  if (another_alive)
    return false;
  return any_complete || r.version == highest;
}

} // namespace

verdict fold(catalog& cat, const replica_dropped& e, moment now) {
  const auto* t = cat.tablets.find(e.tablet);
  if (!t)
    return refuse(refusal::tablet_unknown);
  const auto* r = t->find(e.replica);
  if (!r)
    return refuse(refusal::replica_unknown);
  if (in_use(cat, *t, *r))
    return refuse(refusal::tablet_busy);
  // Dropping a copy that loads count on could cost one of them its majority.
  if (e.reason != drop_reason::lost && loads_count_on(cat, *t, *r))
    return refuse(refusal::loads_open);
  if (!must_stay(cat, *t, *r)) {
    if (!e.why.empty())
      record(cat, {.entry = now.index, .at = now.at, .tablet = e.tablet, .purpose = order_purpose::repair,
                   .health = e.health, .priority = e.priority, .source = {}, .target = {r->backend, r->path},
                   .replica = e.replica, .dropped = e.reason, .why = e.why, .ended = now.at, .reached = 0, .failure = {}});
    remove_replica(cat, e.tablet, e.replica);
    return accept(raw(e.replica), {e.tablet});
  }
  if (e.reason != drop_reason::lost)
    return refuse(refusal::last_complete_replica);
  // Its backend does not have it, but forgetting it would hide that data is missing.
  if (r->bad)
    return accept(raw(e.replica));
  edit_replica(cat, e.tablet, e.replica).bad = true;
  return accept(raw(e.replica), {e.tablet});
}

// -- what a report says ------------------------------------------------------------------

verdict fold(catalog& cat, const replica_observed& e, moment) {
  const auto* t = cat.tablets.find(e.tablet);
  if (!t)
    return refuse(refusal::tablet_unknown);
  const auto* r = t->find(e.replica);
  if (!r)
    return refuse(refusal::replica_unknown);
  if (r->state == replica_state::clone)
    return refuse(refusal::tablet_busy); // What it holds is settled when its clone ends.
  replica seen = *r;
  seen.bad = e.bad;
  if (raw(e.path) != 0)
    seen.path = e.path;
  const auto visible = cat.visible_version(*t);
  settle_at(seen, e.version > r->version ? filled_to(*r, e.version, visible) : e.version, visible);
  if (seen.version == r->version && seen.bad == r->bad && seen.path == r->path
      && (seen.last_failed > 0) == (r->last_failed > 0))
    return accept(raw(e.replica)); // Known; keeps what is known about loads above the hole.
  edit_replica(cat, e.tablet, e.replica) = seen;
  settle_planned(cat, e.tablet, e.replica);
  return accept(raw(e.replica), {e.tablet});
}

verdict fold(catalog& cat, const replica_status_set& e, moment) {
  const auto* t = cat.tablets.find(e.tablet);
  if (!t)
    return refuse(refusal::tablet_unknown);
  const auto* r = t->find(e.replica);
  if (!r)
    return refuse(refusal::replica_unknown);
  if (r->set_bad == e.bad && (e.bad || !r->bad))
    return accept(raw(e.replica)); // Said before.
  auto& set = edit_replica(cat, e.tablet, e.replica);
  set.set_bad = e.bad;
  set.bad = set.bad && e.bad; // "ok" overrules what its backend said until it says so again.
  return accept(raw(e.replica), {e.tablet});
}

verdict fold(catalog& cat, const replica_readopted& e, moment now) {
  const auto* t = cat.tablets.find(e.tablet);
  if (!t)
    return refuse(refusal::tablet_unknown);
  if (cat.orders.contains(e.tablet))
    return refuse(refusal::tablet_busy);
  const auto* home = cat.backends.find(e.place.backend);
  if (!home || !home->alive || !home->has_path(e.place.path))
    return refuse(refusal::placement_stale);
  if (!wants_back(cat, *t, e.replica, e.place.backend, e.version))
    return refuse(refusal::replica_not_wanted);
  const auto visible = cat.visible_version(*t);
  if (const auto* damaged = t->on(e.place.backend))
    remove_replica(cat, e.tablet, replica_id{damaged->id});
  replica back;
  back.id = e.replica;
  back.backend = e.place.backend;
  back.path = e.place.path;
  settle_at(back, visible, visible);
  add_replica(cat, e.tablet, back);
  cat.tablets.edit(e.tablet)->settled = now.index;
  return accept(raw(e.replica), {e.tablet});
}

} // namespace tabletd::model::fold
