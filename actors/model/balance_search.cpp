// Looking for the tablet to move: a few dozen are drawn, the best that may go is taken; only
// when none of them may, everything there is looked at.
#include "actors/model/balance_search.h"
#include "actors/model/placement.h"
#include <algorithm>
#include <cmath>
#include <tuple>

namespace tabletd::model::balancing {

namespace {

constexpr std::size_t drawn_max = 64;
constexpr std::size_t judged_of_drawn = 24;
constexpr std::size_t judged_of_all = 256; ///< Judging asks the catalog: microseconds each.
constexpr std::size_t group_drawn_max = 32;
/// Paths whose fill differs by less are equally full.
constexpr double fullness_step = 0.005;

int octaves(double bytes, double wished) {
  return static_cast<int>(std::abs(std::log2((bytes + 1) / (wished + 1))));
}

} // namespace

double search::fullness(const balance_state::path_row& path) const {
  return std::floor(path.used_ratio() / fullness_step);
}

bool search::free(const balance_state::path_row& path) const {
  return path.usable() && (options_.moves_per_path == 0 || path.moves < options_.moves_per_path);
}

std::vector<slot> search::with_free_path(const std::vector<slot>& backends, medium m) {
  std::vector<slot> some;
  for (const auto b : backends) {
    const auto& paths = state_.backend(b).paths;
    if (std::any_of(paths.begin(), paths.end(), [&](slot p) { return state_.path(p).on == m && free(state_.path(p)); }))
      some.push_back(b);
    else
      note(balance_block::path_busy);
  }
  return some;
}

/// What the state alone can tell, before the catalog is asked.
balance_block search::taken(const wish& w, slot tablet) const {
  const auto& row = state_.tablet(tablet);
  if (row.moving)
    return balance_block::order_open;
  const bool apart = state_.hosts_apart(state_.group(state_.group_of(tablet, w.on)));
  const auto host = state_.backend(w.to).host;
  for (auto r = row.first; r != balance_state::none; r = state_.replica(r).next) {
    const auto home = state_.path(state_.replica(r).path).backend;
    if (home == w.to)
      return balance_block::holds_replica;
    if (apart && home != w.from && state_.backend(home).host == host)
      return balance_block::same_host;
  }
  return balance_block::none;
}

void search::consider(const wish& w, slot tablet, slot path, std::vector<ranked>& into) {
  const auto& row = state_.tablet(tablet);
  if (row.groups == balance_state::none)
    return;
  if (const auto why = taken(w, tablet); why != balance_block::none)
    return note(why);
  const auto& g = state_.group(state_.group_of(tablet, w.on));
  const auto endpoints = std::max(1U, state_.endpoints(w.on));
  const auto least = g.replicas / endpoints; // An even table has so many on a backend, or one more.
  const auto most = least + (g.replicas % endpoints != 0);
  const auto from = g.count(w.from);
  const auto to = g.count(w.to);
  ranked r;
  if (to >= most || from <= least)
    r.tier = 2; // Sooner or later another one would have to move back.
  else
    r.tier = from > most || to < least ? 0 : 1;
  const double mean = static_cast<double>(g.replicas) / endpoints;
  r.use = std::min(from - mean, mean - to);
  if (r.tier > w.tier_max)
    return note(balance_block::not_more_balanced);
  r.size = octaves(static_cast<double>(row.bytes), w.bytes);
  r.fullness = fullness(state_.path(path));
  r.tablet = tablet;
  r.path = path;
  into.push_back(r);
}

void search::sample(const wish& w, std::vector<ranked>& into) {
  struct source {
    slot path;
    std::size_t before; ///< Replicas on the paths in front of it.
    double fullness;
  };
  std::vector<source> paths;
  std::size_t all = 0;
  for (const auto p : state_.backend(w.from).paths)
    if (const auto& path = state_.path(p); path.on == w.on && !path.replicas.empty() && free(path)) {
      paths.push_back({p, all, fullness(path)});
      all += path.replicas.size();
    }
  if (all <= drawn_max) {
    for (const auto& at : paths)
      for (const auto r : state_.path(at.path).replicas)
        consider(w, state_.replica(r).tablet, at.path, into);
    return;
  }
  const auto draw = [&]() -> const source& {
    const auto after = std::upper_bound(paths.begin(), paths.end(), dice_(all),
                                        [](std::size_t n, const source& at) { return n < at.before; });
    return *(after - 1);
  };
  for (std::size_t i = 0; i < drawn_max; ++i) { // Of two paths the fuller one: that evens them on the way.
    const auto& a = draw();
    const auto& b = draw();
    const auto load = [&](const source& at) { return std::pair{at.fullness, state_.path(at.path).replicas.size()}; };
    const auto p = load(a) < load(b) ? b.path : a.path;
    const auto& on = state_.path(p).replicas;
    consider(w, state_.replica(on[dice_(on.size())]).tablet, p, into);
  }
}

void search::scan(const wish& w, std::vector<ranked>& into) {
  for (const auto p : state_.backend(w.from).paths)
    if (const auto& path = state_.path(p); path.on == w.on && free(path))
      for (const auto r : path.replicas)
        consider(w, state_.replica(r).tablet, p, into);
}

void search::scan_group(const wish& w, std::vector<ranked>& into) {
  const auto all = state_.tablets_of(state_.group(w.group));
  const auto begin = all.empty() ? 0 : dice_(all.size());
  for (std::size_t i = 0; i < all.size() && into.size() < group_drawn_max; ++i) {
    const auto t = all[(begin + i) % all.size()];
    for (auto r = state_.tablet(t).first; r != balance_state::none; r = state_.replica(r).next) {
      const auto p = state_.replica(r).path;
      if (state_.path(p).backend != w.from || state_.path(p).on != w.on)
        continue;
      if (free(state_.path(p)))
        consider(w, t, p, into);
      else
        note(balance_block::path_busy);
    }
  }
}

balance_block search::judge(slot tablet, slot from_backend, slot to_backend) const {
  const auto* t = view_.cat.tablets.find(state_.tablet(tablet).id);
  if (!t)
    return balance_block::tablet_gone;
  const auto leaving = state_.backend(from_backend).id;
  if (!t->on(leaving))
    return balance_block::tablet_gone; // The state is behind: its refresh() is still to come.
  if (const auto why = may_move(view_, *t, now_); why != balance_block::none)
    return why;
  return from_backend == to_backend ? balance_block::none : may_take(view_, *t, leaving, state_.backend(to_backend).id);
}

bool search::fits(const balance_state::path_row& path, std::uint64_t bytes) const {
  path_view seen;
  seen.capacity_bytes = path.capacity_bytes;
  seen.available_bytes = path.available_bytes;
  return fit(seen, path.incoming_bytes, bytes, false, options_.fit).fits;
}

slot search::target_path(slot backend, medium m, std::uint64_t bytes) {
  using rank = std::tuple<double, std::size_t, slot>;
  std::optional<rank> best;
  auto why = balance_block::target_unlinked;
  for (const auto p : state_.backend(backend).paths) {
    const auto& path = state_.path(p);
    if (path.on != m || !path.usable())
      continue;
    if (!free(path)) {
      why = balance_block::path_busy;
      continue;
    }
    if (!fits(path, bytes)) {
      why = balance_block::too_full;
      continue;
    }
    const rank mine{fullness(path), path.replicas.size(), p};
    if (!best || mine < *best)
      best = mine;
  }
  if (!best)
    note(why);
  return best ? std::get<2>(*best) : balance_state::none;
}

std::optional<candidate> search::find_among(const wish& w, std::vector<ranked>& all, std::size_t judged_max) {
  const auto worse = [](const ranked& x, const ranked& y) {
    const auto key = [](const ranked& r) {
      return std::make_tuple(r.tier, r.size, -std::min(r.use, 1.0), -r.fullness, r.tablet);
    };
    return key(y) < key(x);
  };
  std::make_heap(all.begin(), all.end(), worse);
  for (auto end = all.end(); end != all.begin() && judged_max > 0; --end) {
    std::pop_heap(all.begin(), end, worse);
    const auto& r = *(end - 1);
    const auto bytes = state_.tablet(r.tablet).bytes;
    const double gain = w.worth(bytes);
    if (gain <= 0) {
      note(w.too_little);
      continue;
    }
    --judged_max;
    if (const auto why = judge(r.tablet, w.from, w.to); why != balance_block::none) {
      note(why);
      continue;
    }
    if (const auto to = target_path(w.to, w.on, bytes); to != balance_state::none)
      return candidate{r.tablet, r.path, to, gain};
  }
  return std::nullopt;
}

std::optional<candidate> search::find(const wish& w) {
  std::vector<ranked> all;
  if (w.group != balance_state::none) {
    scan_group(w, all);
    return find_among(w, all, group_drawn_max);
  }
  sample(w, all);
  if (auto found = find_among(w, all, judged_of_drawn))
    return found;
  const auto here = static_cast<std::size_t>(state_.backend(w.from).on(w.on).replicas);
  if (here > scans_left_)
    return std::nullopt;
  scans_left_ -= here;
  all.clear();
  scan(w, all);
  return find_among(w, all, judged_of_all);
}

} // namespace tabletd::model::balancing
