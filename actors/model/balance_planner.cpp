#include "actors/model/balance_planner.h"
#include "actors/model/balance_search.h"
#include <algorithm>
#include <cmath>

namespace tabletd::model {

std::string sentence(const balance_standing& standing) {
  const auto percent = [](double ratio) { return std::to_string(std::lround(ratio * 100)) + " %"; };
  std::string text{name(standing.on)};
  switch (standing.goal) {
    case balance_kind::backend_load:
      text += ": the load of backends is within " + percent(standing.worst) + " of its average";
      break;
    case balance_kind::table_skew:
      text += ": replicas of a partition differ by at most " + std::to_string(std::lround(standing.worst))
              + " between backends";
      break;
    case balance_kind::path_load:
      text += ": paths are within " + percent(standing.worst) + " of the fill of their backend";
      break;
    case balance_kind::wanted_medium:
      text += ": " + std::to_string(standing.left) + " replicas lie elsewhere than their partitions want";
      break;
  }
  if (!standing.balanced)
    text += "; " + std::string{sentence(standing.why)};
  return text;
}

balance_round balance_planner::next_moves(const balance_view& view, std::size_t limit, std::uint64_t seed, time_ms now) {
  balance_round round;
  round.pause = why_paused(view, options_);
  if (round.pause.cause != pause_cause::none)
    return round;
  observe(view);
  round = balancing::search{*state_, view, options_, hungry_, limit, seed, now}.run();
  under_way_.insert(under_way_.end(), round.moves.begin(), round.moves.end());
  return round;
}

void balance_planner::observe(const balance_view& view) {
  if (!state_ || state_->worn())
    state_.emplace(view.cat, view.cluster, under_way_);
  else
    state_->observe(view.cat, view.cluster);
}

void balance_planner::ended(const catalog& cat, tablet_id tablet) {
  std::erase_if(under_way_, [&](const balance_move& m) { return m.tablet == tablet; });
  if (state_)
    state_->end(cat, tablet);
}

void balance_planner::adopt(const catalog& cat, const balance_move& move) {
  if (std::any_of(under_way_.begin(), under_way_.end(), [&](const auto& m) { return m.tablet == move.tablet; }))
    return;
  under_way_.push_back(move);
  if (state_)
    state_->begin(cat, move);
}

void balance_planner::refresh(const catalog& cat, tablet_id tablet) {
  if (state_)
    state_->refresh(cat, tablet);
}

load_statistic balance_planner::statistic(medium m) const {
  return measure(m, state_ ? state_->lines(m) : std::vector<load_line>{}, options_.score_threshold);
}

} // namespace tabletd::model
