// Path load: the disks of one backend among themselves (spec/replica.md 5.4; 9.2 C17).  It
// neither waits for backends to be balanced nor touches any other backend.
#include "actors/model/balance_search.h"
#include <algorithm>
#include <cmath>

namespace tabletd::model::balancing {

namespace {

constexpr int path_pairs_max = 16;
constexpr std::size_t drawn_max = 256;
constexpr std::size_t judged_max = 64;
/// As for backends: at least this part of what a move changes must be gain.
constexpr double gain_part_min = 0.25;

std::string percent(double ratio) { return std::to_string(std::lround(ratio * 100)) + " %"; }

} // namespace

/// One move from a path above the average to one below, at least one of them outside the band.
bool search::step_paths(const std::vector<slot>& paths, double average, double threshold) {
  auto order = paths;
  const auto ratio = [&](slot p) { return state_.path(p).used_ratio(); };
  const auto mid = [&](slot p) { return classify_path(ratio(p), average, threshold) == load_class::mid; };
  std::sort(order.begin(), order.end(), [&](slot x, slot y) { return ratio(x) != ratio(y) ? ratio(x) > ratio(y) : x < y; });
  int pairs = 0;
  for (const auto from : order)
    for (auto last = order.rbegin(); last != order.rend() && pairs < path_pairs_max; ++last) {
      const auto to = *last;
      if (ratio(from) <= average || ratio(to) >= average || (mid(from) && mid(to)))
        break;
      ++pairs;
      if (const auto found = find_on_path(from, to, average)) {
        const auto backend = state_.path(from).backend;
        move(*found, balance_kind::path_load,
             "on " + named(backend) + " one path is " + percent(ratio(from)) + " full, another " + percent(ratio(to)));
        return true;
      }
    }
  return false;
}

/// In used ratio, both ends together; 0: not worth it.
double search::path_pair::gain(double bytes) const {
  const auto nearer = [&](double away) { return std::abs(away) - std::abs(away - bytes); };
  const double won = nearer(over) / capacity_from + nearer(under) / capacity_to;
  return won >= gain_part_min * (bytes / capacity_from + bytes / capacity_to) ? won : 0;
}

void search::consider_on_path(const path_pair& pair, slot tablet, std::vector<std::pair<double, slot>>& into) {
  const auto bytes = static_cast<double>(state_.tablet(tablet).bytes);
  if (state_.tablet(tablet).moving)
    note(balance_block::order_open);
  else if (bytes <= 0 || pair.gain(bytes) <= 0)
    note(balance_block::not_more_balanced);
  else
    into.emplace_back(std::abs(bytes - std::min(pair.over, pair.under)), tablet);
}

std::optional<candidate> search::choose_on_path(const path_pair& pair, std::vector<std::pair<double, slot>>& near) {
  std::sort(near.begin(), near.end());
  near.resize(std::min(near.size(), judged_max));
  const auto backend = state_.path(pair.from).backend;
  for (const auto& [distance, t] : near) {
    const auto bytes = state_.tablet(t).bytes;
    auto why = judge(t, backend, backend);
    if (why == balance_block::none && !fits(state_.path(pair.to), bytes))
      why = balance_block::too_full;
    if (why == balance_block::none)
      return candidate{t, pair.from, pair.to, pair.gain(static_cast<double>(bytes))};
    note(why);
  }
  return std::nullopt;
}

/// The tablet whose size comes nearest to what one path has too much and the other too little.
std::optional<candidate> search::find_on_path(slot from, slot to, double average) {
  const auto& source = state_.path(from);
  const auto& target = state_.path(to);
  if (!free(source) || !free(target)) {
    note(balance_block::path_busy);
    return std::nullopt;
  }
  path_pair pair{.from = from, .to = to};
  pair.capacity_from = static_cast<double>(source.capacity_bytes);
  pair.capacity_to = static_cast<double>(target.capacity_bytes);
  pair.over = source.used_bytes() - average * pair.capacity_from;
  pair.under = average * pair.capacity_to - target.used_bytes();
  std::vector<std::pair<double, slot>> near; // Distance from the wished size.
  const auto& all = source.replicas;
  if (all.size() > drawn_max) {
    for (std::size_t i = 0; i < drawn_max; ++i)
      consider_on_path(pair, state_.replica(all[dice_(all.size())]).tablet, near);
    if (auto found = choose_on_path(pair, near))
      return found;
    near.clear();
  }
  for (const auto r : all)
    consider_on_path(pair, state_.replica(r).tablet, near);
  return choose_on_path(pair, near);
}

/// True if a path of this backend is still outside its limits.
bool search::even_paths_of(slot backend, medium m, bool dangerous_only) {
  const auto& b = state_.backend(backend);
  std::vector<slot> paths;
  for (const auto p : b.paths)
    if (state_.path(p).on == m && state_.path(p).usable())
      paths.push_back(p);
  const double average = b.on(m).fill(); // Moves inside the backend leave it as it is.
  const double threshold = options_.score_threshold;
  const auto outside = [&](double limit) {
    return std::any_of(paths.begin(), paths.end(), [&](slot p) {
      return classify_path(state_.path(p).used_ratio(), average, limit) != load_class::mid;
    });
  };
  const auto dangerous = [&] {
    return std::any_of(paths.begin(), paths.end(), [&](slot p) {
      return state_.path(p).used_ratio() > options_.fit.high_watermark
             && classify_path(state_.path(p).used_ratio(), average, threshold / 2) == load_class::high;
    });
  };
  if (dangerous_only) {
    while (!full() && dangerous() && step_paths(paths, average, threshold / 2))
      ;
    return false;
  }
  const std::pair key{m, b.id};
  if (!hungry_.paths.contains(key) && !view_.level_disks_of.contains(b.id) && !outside(threshold))
    return false;
  bool stuck = false;
  while (!full() && !stuck && outside(threshold / 2))
    stuck = !step_paths(paths, average, threshold / 2);
  if (outside(stuck ? threshold : threshold / 2))
    hungry_.paths.insert(key);
  else
    hungry_.paths.erase(key);
  return outside(threshold);
}

void search::even_paths(medium m, bool dangerous_only) {
  begin_goal();
  std::vector<slot> backends;
  for (slot b = 0; b < state_.backends().size(); ++b)
    if (state_.backend(b).endpoint[static_cast<std::size_t>(m)] && (options_.paths || is_asked(b))
        && !view_.paused_backends.contains(state_.backend(b).id))
      backends.push_back(b);
  std::stable_partition(backends.begin(), backends.end(), [this](slot b) { return is_asked(b); });
  std::uint64_t left = 0;
  double worst = 0;
  for (const auto b : backends) {
    const auto& row = state_.backend(b);
    left += even_paths_of(b, m, dangerous_only);
    for (const auto p : row.paths)
      if (state_.path(p).on == m && state_.path(p).usable())
        worst = std::max(worst, std::abs(state_.path(p).used_ratio() - row.on(m).fill()));
  }
  if (!dangerous_only)
    stands(m, balance_kind::path_load, worst, left);
}

} // namespace tabletd::model::balancing
