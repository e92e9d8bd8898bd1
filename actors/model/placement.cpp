// decide(): which of the four things to do about a tablet.  Where it is copied from and to is
// chosen in placement_path.cpp, what is dropped in placement_drop.cpp.
#include "actors/model/placement.h"
#include "actors/model/placement_detail.h"
#include <algorithm>

namespace tabletd::model {

namespace placing {

namespace {

/// After this many failures in a row the replica is not filled where it is any more: its disk
/// is the likely reason, so the tablet gets a fresh copy elsewhere.
constexpr std::uint32_t fill_failures_max = 3;

blocker worse(blocker x, blocker y) {
  if (x == blocker::none || y == blocker::none)
    return x == blocker::none ? y : x;
  return waits_for_slot(x) ? y : x; // What only the cluster can lift weighs more.
}

/// Copies to `target` if there is a source, else says why not.
void clone_to(const patient& p, const target_choice& target, decision& d) {
  const auto source = choose_source(p, d.paths);
  d.blocked = worse(source.blocked, target.blocked);
  if (d.blocked != blocker::none)
    return;
  d.move = clone_move{source.from->id, {source.from->backend, source.from->path}, target.at,
                      target.replica,  p.a.visible,                               p.t.bytes};
}

/// A replica that its disk lets nobody fill may hold the only place left for another: its backend, or
/// its host.  Then it goes first, if another disk would take it.  Only for the disk's own refusal, never
/// for a source or a link that fails, and only if nothing else is amiss: what it holds may be needed.
std::optional<drop_move> make_way(const patient& p, const target_choice& failing, std::vector<path_verdict>& why) {
  if (p.view.disk_to_blame != failing.at || p.a.complete + 1 < p.a.wanted)
    return std::nullopt;
  std::size_t i = 0;
  while (p.t.replicas[i].id != failing.replica)
    ++i;
  if (!safe_to_drop(p, i))
    return std::nullopt;
  auto rest = p.t;
  rest.replicas.erase(rest.replicas.begin() + i);
  const auto a = assess(p.view.cat, rest);
  const auto elsewhere = choose_new_target({p.view, rest, a, p.scores}, tablet_health::replica_missing, why);
  if (elsewhere.blocked != blocker::none || elsewhere.at == failing.at)
    return std::nullopt;
  return drop_move{failing.replica, failing.at, drop_reason::version_incomplete, false};
}

void fill(const patient& p, decision& d) {
  auto target = choose_fill_target(p, fill_on::available_backends, d.paths);
  const bool hopeless = p.view.failures >= fill_failures_max && avoidance(p.view, target.at) > 0;
  if (hopeless && p.a.total <= p.a.wanted) {
    const auto fresh = choose_new_target(p, d.what.health, d.paths);
    if (fresh.blocked == blocker::none) {
      target = fresh;
    } else if (const auto drop = waits_for_slot(fresh.blocked) ? std::nullopt : make_way(p, target, d.paths)) {
      d.move = *drop;
      return;
    }
  }
  clone_to(p, target, d);
}

void add(const patient& p, decision& d) {
  auto target = choose_new_target(p, d.what.health, d.paths);
  if (target.blocked != blocker::none && !waits_for_slot(target.blocked) && p.a.complete < p.a.wanted)
    // A replica on a backend that is leaving is still a copy: better filled than none.
    if (const auto leaving = choose_fill_target(p, fill_on::leaving_backends, d.paths);
        leaving.blocked == blocker::none)
      target = leaving;
  clone_to(p, target, d);
}

void catch_up(const patient& p, decision& d) {
  clone_to(p, choose_fill_target(p, fill_on::balance_target, d.paths), d);
}

void drop(const patient& p, decision& d) {
  const auto choice = choose_drop(p, d.what.health == tablet_health::force_redundant);
  if (choice.move)
    d.move = *choice.move;
  d.blocked = choice.blocked;
}

void treat(const patient& p, decision& d) {
  switch (d.what.health) {
    case tablet_health::healthy: return;
    case tablet_health::unrecoverable: d.blocked = blocker::unrecoverable; return;
    case tablet_health::redundant:
    case tablet_health::force_redundant: return drop(p, d);
    case tablet_health::colocate_redundant: return drop(p, d);
    case tablet_health::version_incomplete: return p.a.fillable ? fill(p, d) : add(p, d);
    case tablet_health::need_further_repair: return catch_up(p, d);
    case tablet_health::replica_missing:
    case tablet_health::replica_relocating:
    case tablet_health::replica_missing_in_cluster:
    case tablet_health::colocate_mismatch: return add(p, d);
  }
}

/// The code given by choose_*: of all that would do, the one taken.
void mark_chosen(decision& d) {
  const auto* clone = std::get_if<clone_move>(&d.move);
  if (!clone)
    return;
  for (auto& verdict : d.paths)
    if (verdict.code == path_code::usable
        && verdict.at == (verdict.role == path_role::source ? clone->source : clone->target))
      verdict.code = path_code::chosen;
}

} // namespace

int avoidance(const placement_view& view, const place& at) {
  int found = 0;
  for (const auto& bad : view.avoid)
    if (bad.backend == at.backend)
      found = std::max(found, bad == at ? 2 : 1);
  return found;
}

} // namespace placing

decision decide(const placement_view& view, tablet_id tablet) {
  decision d;
  const auto* t = view.cat.tablets.find(tablet);
  if (!t) {
    d.blocked = blocker::tablet_unknown;
    return d;
  }
  const auto a = assess(view.cat, *t);
  d.what = diagnose(view.cat, *t, a);
  if (view.cat.orders.contains(tablet)) {
    d.blocked = blocker::order_open;
    return d;
  }
  if (d.what.health == tablet_health::healthy)
    return d;
  d.paths.reserve(20); // Enough for the sources and the paths of a backend; small enough for the allocator's cache.
  std::optional<load_scores> scores;
  if (!view.scores)
    scores.emplace(view.cat, view.cluster, view.slots);
  placing::treat({view, *t, a, view.scores ? *view.scores : *scores}, d);
  placing::mark_chosen(d);
  return d;
}

} // namespace tabletd::model
