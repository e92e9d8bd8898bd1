// Choosing which replica of a tablet goes (spec/replica.md 4.9).
#include "actors/model/placement_detail.h"
#include <algorithm>
#include <tuple>

namespace tabletd::model::placing {

namespace {

/// The host's other copy that is as good as this one and as well placed, if any: then this one may go.
const replica* twin(const patient& p, std::size_t i) {
  if (!p.a.host_anti_affinity)
    return nullptr;
  const auto* mine = p.a.replicas[i].home;
  for (std::size_t j = 0; mine && j < p.t.replicas.size(); ++j) {
    const auto* other = p.a.replicas[j].home;
    const auto& x = p.a.replicas[i];
    const auto& y = p.a.replicas[j];
    if (i != j && other && other->host == mine->host && x.complete == y.complete && x.in_cluster <= y.in_cluster && x.live
        && y.live)
      return &p.t.replicas[j];
  }
  return nullptr;
}

/// Lower goes first (spec/replica.md 4.9; a colocated replica away from home before the load counts).
int preference(drop_reason why) {
  switch (why) {
    case drop_reason::backend_dropped: return 0;
    case drop_reason::bad: return 1;
    case drop_reason::backend_unavailable: return 2;
    case drop_reason::version_incomplete: return 3;
    case drop_reason::not_in_group: return 4;
    case drop_reason::same_host: return 5;
    case drop_reason::wrong_cluster: return 6;
    case drop_reason::moved: return 7;
    case drop_reason::highest_load: return 8;
    case drop_reason::lost:
    case drop_reason::table_dropped: break; // Nobody decides these.
  }
  return 9;
}

drop_reason reason_for(const patient& p, std::size_t i) {
  const auto& s = p.a.replicas[i];
  if (!s.known)
    return drop_reason::backend_dropped;
  if (p.t.replicas[i].damaged())
    return drop_reason::bad;
  if (!s.available)
    return drop_reason::backend_unavailable;
  if (!s.complete)
    return drop_reason::version_incomplete;
  if (p.a.home && !s.at_home)
    return drop_reason::not_in_group;
  if (!s.counts || twin(p, i))
    return drop_reason::same_host;
  if (!s.in_cluster)
    return drop_reason::wrong_cluster;
  if (p.a.move && p.a.move->replaces == p.t.replicas[i].id)
    return drop_reason::moved;
  return drop_reason::highest_load;
}

/// May this one go?  A colocated one only if it is away from home or damaged: whether its backend
/// is dead is for the group's balancer to say.  Of two equal copies on one host either may, the host keeps counting.
bool may_go(const patient& p, std::size_t i) {
  if (p.a.home && p.a.replicas[i].at_home && !p.t.replicas[i].damaged())
    return false;
  // What balance has brought is there to stay, or the move would be thrown away (9.2, C16).
  const auto& s = p.a.replicas[i];
  if (p.a.move && p.a.move->replica == p.t.replicas[i].id && s.complete && s.available)
    return false;
  if (expendable(p.a, p.t, i))
    return true;
  return p.a.replicas[i].counts && p.a.sources > 1 && p.t.replicas[i].state != replica_state::clone
         && twin(p, i) != nullptr;
}

/// A backend that has just come back, or that a new leader has just met, is believed only
/// after its first full report: its disk may be empty (spec/replica.md 9.2, C2 and C3).  So
/// what stays must be confirmed: every wanted copy if a good one goes, else at least one.
bool is_safe(const patient& p, std::size_t victim) {
  std::uint32_t confirmed = 0;
  for (std::size_t i = 0; i < p.t.replicas.size(); ++i) {
    const auto* seen = p.view.cluster.find(p.t.replicas[i].backend);
    const auto& s = p.a.replicas[i];
    // A host keeps counting through the twin of a victim that counted for it.
    if (i != victim && s.complete && (s.counts || twin(p, i) == &p.t.replicas[victim]) && seen && seen->linked
        && seen->reported)
      ++confirmed;
  }
  const bool good = p.a.replicas[victim].complete;
  return confirmed >= (good ? std::min(p.a.wanted, p.a.complete) : 1U);
}

} // namespace

drop_choice choose_drop(const patient& p, bool force) {
  // By preference(); a copy that could still serve goes after one that cannot
  // (doris#17182); then the more loaded backend, then the younger replica.
  using rank = std::tuple<int, bool, double, std::uint64_t>;
  // Forced, it has to help: either it frees the last places there are, or places are free
  // and only the limit of wanted + 1 replicas is in the way.
  const bool must_free = force && !has_room(p.view.cat, p.a, p.t);
  drop_choice choice;
  rank best{};
  for (std::size_t i = 0; i < p.t.replicas.size(); ++i) {
    const auto& r = p.t.replicas[i];
    if (!may_go(p, i) || (must_free && !opens_room(p.view.cat, p.a, p.t, i)))
      continue;
    if (!is_safe(p, i)) {
      choice.blocked = blocker::unconfirmed;
      continue;
    }
    if (loads_count_on(p.view.cat, p.t, r)) {
      choice.blocked = blocker::loads_open;
      continue;
    }
    const auto reason = reason_for(p, i);
    const rank mine{preference(reason), p.a.replicas[i].complete, -p.scores.of(r.backend), ~raw(r.id)};
    if (choice.move && mine >= best)
      continue;
    best = mine;
    choice.move = drop_move{r.id, {r.backend, r.path}, reason, force};
  }
  if (choice.move)
    choice.blocked = blocker::none;
  else if (choice.blocked == blocker::none)
    choice.blocked = blocker::nothing_to_drop;
  return choice;
}

bool safe_to_drop(const patient& p, std::size_t replica) {
  return expendable(p.a, p.t, replica) && is_safe(p, replica) && !loads_count_on(p.view.cat, p.t, p.t.replicas[replica]);
}

} // namespace tabletd::model::placing
