// Choosing the two ends of a copy (spec/replica.md 4.8).
#include "actors/model/placement_detail.h"
#include "actors/model/plan_rules.h"
#include <algorithm>
#include <array>
#include <tuple>

namespace tabletd::model {

path_fit fit(const path_view& path, std::uint64_t incoming_bytes, std::uint64_t bytes, bool supplement,
             const fit_limits& limits) {
  const std::uint64_t coming = incoming_bytes + bytes;
  path_fit result;
  result.left_bytes = path.available_bytes > coming ? path.available_bytes - coming : 0;
  if (path.capacity_bytes == 0)
    return result; // Nobody knows how big it is.
  result.used_ratio = 1.0 - static_cast<double>(result.left_bytes) / static_cast<double>(path.capacity_bytes);
  const double ratio_max = supplement ? limits.flood_stage : limits.high_watermark;
  const auto left_min = supplement ? limits.flood_left_bytes : limits.min_left_bytes;
  result.fits = result.used_ratio <= ratio_max && result.left_bytes >= left_min;
  return result;
}

namespace placing {

std::optional<path_code> unfit_backend(const placement_view& view, const backend& b) {
  if (!b.alive)
    return path_code::backend_dead;
  if (b.decommissioned)
    return path_code::backend_decommissioned;
  const auto* seen = view.cluster.find(b.id);
  if (!seen || !seen->linked)
    return path_code::backend_unlinked;
  if (!seen->reported)
    return path_code::backend_unreported;
  return std::nullopt;
}

namespace {

bool linked(const placement_view& view, backend_id backend) {
  const auto* seen = view.cluster.find(backend);
  return seen && seen->linked;
}

bool offline(const placement_view& view, const place& at) {
  const auto* seen = view.cluster.find(at.backend);
  const auto* path = seen ? seen->path(at.path) : nullptr;
  return path && !path->online;
}

medium medium_of(const placement_view& view, const place& at) {
  if (const auto* b = view.cat.backends.find(at.backend))
    for (const auto& path : b->paths)
      if (path.hash == at.path)
        return path.medium;
  return medium::hdd;
}

path_code judge_source(const patient& p, std::size_t i) {
  const auto& r = p.t.replicas[i];
  const auto& s = p.a.replicas[i];
  if (r.state == replica_state::clone)
    return path_code::replica_cloning;
  if (r.damaged())
    return path_code::replica_bad;
  if (!s.live)
    return path_code::backend_dead;
  if (!s.complete)
    return path_code::replica_incomplete;
  if (!linked(p.view, r.backend))
    return path_code::backend_unlinked;
  return p.view.slots.available({r.backend, r.path}) > 0 ? path_code::usable : path_code::no_slot;
}

/// Remembers, of the reasons seen, the one that is easiest to lift.
class excuse {
public:
  void saw(blocker why) { best_ = std::min(best_, rank(why)); }
  [[nodiscard]] blocker or_else(blocker none_seen) const {
    return best_ == order.size() ? none_seen : order[best_];
  }

private:
  static constexpr std::array order{blocker::source_slot, blocker::target_slot, blocker::target_unlinked,
                                    blocker::no_path, blocker::no_source};
  static std::size_t rank(blocker why) {
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), why) - order.begin());
  }
  std::size_t best_ = order.size();
};

blocker excuse_of(path_code code) {
  switch (code) {
    case path_code::usable: return blocker::none;
    case path_code::no_slot: return blocker::target_slot;
    case path_code::backend_unlinked:
    case path_code::backend_unreported: return blocker::target_unlinked;
    case path_code::path_unseen:
    case path_code::path_offline:
    case path_code::too_full: return blocker::no_path;
    default: return blocker::no_backend;
  }
}

} // namespace

source_choice choose_source(const patient& p, std::vector<path_verdict>& why) {
  using rank = std::tuple<int, bool, std::uint32_t, replica_id>;
  source_choice choice;
  excuse blocked;
  rank best{};
  for (std::size_t i = 0; i < p.t.replicas.size(); ++i) {
    const auto& r = p.t.replicas[i];
    const place at{r.backend, r.path};
    const auto code = judge_source(p, i);
    why.push_back({path_role::source, at, code, 0, 0});
    if (code == path_code::no_slot)
      blocked.saw(blocker::source_slot);
    if (code != path_code::usable)
      continue;
    // A disk with errors may still read, so it is the last choice but one.
    const rank mine{avoidance(p.view, at), offline(p.view, at), p.view.slots.used(at), r.id};
    if (!choice.from || mine < best) {
      choice.from = &r;
      best = mine;
    }
  }
  if (!choice.from)
    choice.blocked = blocked.or_else(blocker::no_source);
  return choice;
}

// -- in place ----------------------------------------------------------------------------

target_choice choose_fill_target(const patient& p, fill_on where, std::vector<path_verdict>& why) {
  // A hole that newer versions lie above is nearest to whole: one copy closes all of it.  Then
  // the oldest hole first, as in the seed; among equals whoever lacks fewer versions.
  using rank = std::tuple<int, bool, version, version, replica_id>;
  target_choice choice;
  excuse blocked;
  rank best{};
  for (std::size_t i = 0; i < p.t.replicas.size(); ++i) {
    const auto& r = p.t.replicas[i];
    const auto& s = p.a.replicas[i];
    if (!wanted_whole(s) || s.complete || s.available != (where != fill_on::leaving_backends))
      continue;
    if (where == fill_on::balance_target && r.id != p.a.move->replica)
      continue;
    const place at{r.backend, r.path};
    auto code = unfit_backend(p.view, *s.home).value_or(path_code::usable);
    if (code == path_code::backend_decommissioned) // Then it was asked for.
      code = linked(p.view, r.backend) ? path_code::usable : path_code::backend_unlinked;
    if (code == path_code::usable && p.view.slots.available(at) == 0)
      code = path_code::no_slot;
    why.push_back({path_role::target, at, code, 0, 0});
    if (code != path_code::usable) {
      blocked.saw(excuse_of(code));
      continue;
    }
    const rank mine{avoidance(p.view, at), !(r.last_success > r.last_failed), r.last_failed,
                    p.a.visible - std::min(r.version, p.a.visible), r.id};
    if (raw(choice.replica) == 0 || mine < best) {
      choice.at = at;
      choice.replica = r.id;
      best = mine;
    }
  }
  if (raw(choice.replica) == 0)
    choice.blocked = blocked.or_else(blocker::no_backend);
  return choice;
}

// -- a new replica -----------------------------------------------------------------------

namespace {


struct target_search {
  const patient& p;
  std::vector<path_verdict>& why;
  bool supplement;    ///< Lacks a replica: the higher disk limits apply.
  /// The partition's; else the seed: a missing replica is put anywhere, a moved one stays on its medium.
  std::optional<medium> wanted_medium;
  excuse blocked;
  /// Lowest first: where nothing failed, a host of its own, the right medium, a location of its
  /// own, the least loaded backend, the emptiest path.  Ids last: the same facts give the same place on every node.
  using rank = std::tuple<int, int, double, double, std::uint64_t, backend_id, path_hash>;
  std::optional<rank> best;
  place chosen;
  bool hurried = false; ///< Whatever cannot be taken is passed by in silence.
  std::size_t busy_seen = 0;

  /// True if no path of a backend with this score can beat the best one so far.
  [[nodiscard]] bool beaten(double score) const {
    return best && std::get<0>(*best) == 0 && std::get<1>(*best) == 0 && std::get<2>(*best) < score;
  }
  void look_at(const backend_view& b, const path_seen& path, double score, bool beside, bool shared_location) {
    const place at{b.id, path.hash};
    const bool busy = p.view.slots.available(at) == 0;
    if (hurried && busy)
      return;
    const auto* seen = b.path(path.hash);
    if (!seen)
      return reject(at, path_code::path_unseen, {});
    if (!seen->online)
      return reject(at, path_code::path_offline, {});
    const auto fill = fit(*seen, p.view.incoming_bytes(at), p.t.bytes, supplement, p.view.fit);
    if (!fill.fits)
      return reject(at, path_code::too_full, fill);
    if (busy)
      return reject(at, path_code::no_slot, fill);
    why.push_back({path_role::target, at, path_code::usable, fill.used_ratio, fill.left_bytes});
    const int second_best = (beside ? 4 : 0) + (wanted_medium && path.medium != *wanted_medium ? 2 : 0) + (shared_location ? 1 : 0);
    const rank mine{avoidance(p.view, at), second_best, score,   fill.used_ratio,
                    seen->tablets,         b.id,        path.hash};
    if (!best || mine < *best) {
      best = mine;
      chosen = at;
    }
  }
  void reject(const place& at, path_code code, const path_fit& fill) {
    if (hurried)
      return;
    blocked.saw(excuse_of(code));
    busy_seen += code == path_code::no_slot ? 1 : 0;
    why.push_back({path_role::target, at, code, fill.used_ratio, fill.left_bytes});
  }
};

/// Beside a replica that is leaving: allowed, but two of them share a host for a while.
bool beside_another(const patient& p, const backend& b) {
  return p.a.host_anti_affinity && std::any_of(p.a.replicas.begin(), p.a.replicas.end(), [&](const auto& s) {
           return s.home && s.home->host == b.host;
         });
}

/// Another complete replica is in the same rack, room or whatever the labels name.
bool shares_location(const patient& p, const backend& b) {
  for (std::size_t i = 0; !b.location.empty() && i < p.t.replicas.size(); ++i)
    if (p.a.replicas[i].complete && p.a.replicas[i].available && p.a.replicas[i].home->location == b.location)
      return true;
  return false;
}

std::optional<path_code> unfit_for(const patient& p, const backend& b) {
  if (p.t.on(b.id))
    return path_code::holds_replica;
  if (!belongs(p.a, b))
    return p.a.home ? path_code::not_in_group : path_code::other_cluster;
  if (const auto code = unfit_backend(p.view, b); code && *code != path_code::backend_unlinked
                                                  && *code != path_code::backend_unreported)
    return code;
  for (std::size_t i = 0; i < p.a.replicas.size(); ++i)
    if (takes(p.a, i, b))
      return path_code::same_host;
  return unfit_backend(p.view, b);
}

void look_at_paths(target_search& search, const backend& b) {
  const auto& p = search.p;
  if (const auto unfit = unfit_for(p, b)) {
    for (const auto& path : b.paths)
      search.reject({b.id, path.hash}, *unfit, {});
    return;
  }
  const auto& seen = *p.view.cluster.find(b.id);
  const auto score = p.scores.of(b.id);
  const bool beside = beside_another(p, b);
  const bool shared = shares_location(p, b);
  for (const auto& path : b.paths)
    search.look_at(seen, path, score, beside, shared);
}

/// The best path without a look at all of them: from the least loaded backend on, until no other
/// can do better.
void look_from_least_loaded(target_search& search) {
  const auto& view = search.p.view;
  search.hurried = true;
  for (const auto& next : search.p.scores.from_least_loaded()) {
    if (search.beaten(next.score))
      break;
    if (!view.slots.any_available(next.backend, next.paths))
      continue;
    if (const auto* b = view.cat.backends.find(next.backend))
      look_at_paths(search, *b);
  }
  search.hurried = false;
}

/// One by one, with a verdict for each, until `enough` of them were found busy.
void look_at_backends(target_search& search, std::size_t enough) {
  const auto& backends = search.p.view.cat.backends;
  backends.for_each([&](backend_id, const backend& b) {
    if (search.busy_seen < enough)
      look_at_paths(search, b);
  });
}

/// The place that the plan being applied has for the tablet, as long as it is one that the rules would
/// take.  If it is only busy it is waited for: slots say when, not where.  Nothing: the plan has no say.
std::optional<target_choice> choose_planned(const target_search& rules, std::vector<path_verdict>& why) {
  const auto& p = rules.p;
  const auto wanted = planned_target(p.view.cat, p.t);
  const auto* b = wanted ? p.view.cat.backends.find(wanted->backend) : nullptr;
  if (!b || avoidance(p.view, *wanted) > 0)
    return std::nullopt;
  std::vector<path_verdict> seen;
  target_search only{.p = p, .why = seen, .supplement = rules.supplement, .wanted_medium = rules.wanted_medium,
                     .blocked = {}, .best = {}, .chosen = {}};
  look_at_paths(only, *b);
  const auto at = std::find_if(seen.begin(), seen.end(), [&](const path_verdict& v) { return v.at == *wanted; });
  if (at == seen.end() || (at->code != path_code::usable && at->code != path_code::no_slot))
    return std::nullopt;
  if (!p.view.every_path)
    why.push_back(*at); // Else the look at all of them says it.
  return target_choice{.at = *wanted, .replica = {}, .blocked = excuse_of(at->code)};
}

} // namespace

target_choice choose_new_target(const patient& p, tablet_health health, std::vector<path_verdict>& why) {
  const bool relocating = health == tablet_health::replica_relocating;
  const auto& first = p.t.replicas.front();
  auto wanted = p.view.cat.partition_of(p.t)->medium;
  if (!wanted && relocating)
    wanted = medium_of(p.view, {first.backend, first.path});
  target_search search{.p = p,
                       .why = why,
                       .supplement = !relocating && health != tablet_health::replica_missing_in_cluster,
                       .wanted_medium = wanted,
                       .blocked = {},
                       .best = {},
                       .chosen = {}};
  const auto planned = choose_planned(search, why);
  // A backend without a score yet is not in the line.
  const bool in_line = !p.view.every_path && search.p.scores.size() == p.view.cat.backends.size();
  if (in_line && !planned)
    look_from_least_loaded(search);
  if (p.view.every_path || !(planned || search.best)) // Nothing says more about why than a busy path; more of them say no more.
    look_at_backends(search, in_line ? busy_targets_told + 1 : SIZE_MAX);
  if (planned)
    return *planned;
  target_choice choice{.at = search.chosen, .replica = {}, .blocked = blocker::none};
  if (!search.best)
    choice.blocked = search.blocked.or_else(blocker::no_backend);
  return choice;
}

} // namespace placing

} // namespace tabletd::model
