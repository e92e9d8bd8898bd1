// The scores of one medium while a round of balance changes them.
#include "actors/model/balance_search.h"
#include <algorithm>
#include <cmath>

namespace tabletd::model::balancing {

namespace {

/// Fills that differ by less than this are equal as far as balance is concerned: relative
/// differences on nearly empty disks are what made the original move data for ever (doris#7368).
/// From there to `fill_spread_full` they count more and more; a sharp edge would be crossed to
/// and fro.
constexpr double fill_spread_min = 0.04;
constexpr double fill_spread_full = 0.06;
/// And so are replica counts that differ by less than this part of their mean, or by one.
constexpr double count_spread_min = 0.1;
/// Of the change that a move makes in both scores, at least this part must be gain: the rest
/// is overshoot, bytes moved for nothing.
constexpr double gain_part_min = 0.25;
constexpr double gain_min = 1e-9; ///< Below it is rounding.
/// Moves for other goals may bring a backend this near to the threshold, not nearer: they must
/// not wake the load goal again.
constexpr double keep_part = 0.75;

template <class Of>
double spread(const std::vector<slot>& over, Of&& of) {
  if (over.empty())
    return 0;
  double low = of(over.front());
  double high = low;
  for (const auto b : over) {
    low = std::min(low, of(b));
    high = std::max(high, of(b));
  }
  return high - low;
}

} // namespace

medium_scores::medium_scores(const balance_state& state, medium on, double threshold)
    : state_(state), on_(on), threshold_(threshold), scores_(state.backends().size()) {
  const auto lines = state.lines(on);
  average_ = average_of(lines);
  for (slot b = 0; b < state.backends().size(); ++b)
    if (state.backend(b).counts(on))
      counted_.push_back(b);
  const double fills = spread(counted_, [&](slot b) { return state_.backend(b).on(on_).fill(); });
  fill_weight_ = std::clamp((fills - fill_spread_min) / (fill_spread_full - fill_spread_min), 0.0, 1.0);
  for (const auto b : counted_)
    scores_[b] = load_score(load(b), average_);
  average_again();
}

void medium_scores::average_again() {
  double sum = 0;
  for (const auto b : counted_)
    sum += scores_[b];
  average_score_ = counted_.empty() ? 0 : sum / static_cast<double>(counted_.size());
}

medium_load medium_scores::load(slot backend) const {
  auto mine = state_.backend(backend).on(on_);
  const double even = average_.fill * mine.total_bytes;
  mine.used_bytes = even + fill_weight_ * (mine.used_bytes - even);
  return mine;
}

double medium_scores::deviation(slot backend) const {
  return average_score_ > 0 ? (scores_[backend] - average_score_) / average_score_ : 0;
}

std::vector<slot> medium_scores::endpoints() const {
  std::vector<slot> all;
  for (const auto b : counted_)
    if (state_.backend(b).endpoint[static_cast<std::size_t>(on_)])
      all.push_back(b);
  std::sort(all.begin(), all.end(),
            [&](slot x, slot y) { return scores_[x] != scores_[y] ? scores_[x] > scores_[y] : x < y; });
  return all;
}

double medium_scores::worst() const {
  double most = 0;
  for (const auto b : counted_)
    if (state_.backend(b).endpoint[static_cast<std::size_t>(on_)])
      most = std::max(most, std::abs(deviation(b)));
  return most;
}

std::uint64_t medium_scores::outside(double threshold) const {
  return static_cast<std::uint64_t>(std::count_if(counted_.begin(), counted_.end(), [&](slot b) {
    return state_.backend(b).endpoint[static_cast<std::size_t>(on_)] && std::abs(deviation(b)) > threshold;
  }));
}

bool medium_scores::noteworthy(bool hungry) const {
  const double part = hungry ? 0.5 : 1;
  const auto fill = [&](slot b) { return state_.backend(b).on(on_).fill(); };
  const auto replicas = [&](slot b) { return state_.backend(b).on(on_).replicas; };
  return (fill_weight_ > 0 && spread(counted_, fill) >= fill_spread_min * part)
         || spread(counted_, replicas) > std::max(1.0, count_spread_min * part * average_.replicas);
}

double medium_scores::gain(slot from, slot to, std::uint64_t bytes) const {
  if (fill_weight_ < 1 && !keeps_fill(from, to, bytes))
    return 0;
  const double size = fill_weight_ * static_cast<double>(bytes);
  const auto change = [&](slot b, double sign) {
    auto after = load(b);
    after.used_bytes += sign * size;
    after.replicas += sign;
    return std::abs(load_score(after, average_) - scores_[b]);
  };
  const double won = move_gain(load(from), load(to), size, average_, average_score_);
  return won >= std::max(gain_min, gain_part_min * (change(from, -1) + change(to, 1))) ? won : 0;
}

bool medium_scores::any_gain(slot from, slot to) const {
  if (gain(from, to, 0) > 0)
    return true;
  for (std::uint64_t bytes = std::uint64_t{1} << 20; bytes <= std::uint64_t{1} << 42; bytes <<= 1)
    if (gain(from, to, bytes) > 0)
      return true;
  return false;
}

/// While fills count as equal, nothing may make them unequal: well inside the spread that
/// would make them count again.
bool medium_scores::keeps_fill(slot from, slot to, std::uint64_t bytes) const {
  const auto kept = [&](slot b, double sign) {
    const auto& now = state_.backend(b).on(on_);
    const double before = std::abs(now.fill() - average_.fill);
    const double after = std::abs((now.used_bytes + sign * static_cast<double>(bytes)) / now.total_bytes - average_.fill);
    return after <= fill_spread_min / 2 || after <= before;
  };
  return kept(from, -1) && kept(to, 1);
}

bool medium_scores::keeps_load(slot from, slot to, std::uint64_t bytes) const {
  if (fill_weight_ < 1 && !keeps_fill(from, to, bytes))
    return false;
  const double size = fill_weight_ * static_cast<double>(bytes);
  const auto kept = [&](slot b, double sign) {
    auto after = load(b);
    after.used_bytes += sign * size;
    after.replicas += sign;
    const double away = average_score_ > 0 ? std::abs(load_score(after, average_) - average_score_) / average_score_ : 0;
    return away <= threshold_ * keep_part || away <= std::abs(deviation(b));
  };
  return kept(from, -1) && kept(to, 1);
}

double medium_scores::ideal_bytes(slot from, slot to) const {
  if (fill_weight_ == 0)
    return 0;
  const auto over = [&](slot b) {
    const auto& mine = state_.backend(b).on(on_);
    return mine.used_bytes - average_.fill * mine.total_bytes;
  };
  const double bytes = std::max(0.0, std::min(over(from), -over(to)));
  const double replicas = std::min(load(from).replicas - average_.replicas, average_.replicas - load(to).replicas);
  const double weight = 2 * (1 - capacity_coefficient(load(from).fill())); // Full disks: replicas do not matter.
  return bytes / std::max(1.0, 1 + (replicas - 1) * weight);
}

void medium_scores::moved(slot from, slot to) {
  scores_[from] = load_score(load(from), average_);
  scores_[to] = load_score(load(to), average_);
  average_again();
}

} // namespace tabletd::model::balancing
