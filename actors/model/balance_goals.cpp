// The goals of a round: backend load, tables, totals.
#include "actors/model/balance_search.h"
#include <algorithm>
#include <cmath>
#include <cstdio>

namespace tabletd::model::balancing {

namespace {

/// Pairs of backends tried in vain before a goal is given up for this round.
constexpr int pairs_max = 64;
/// Replica totals of two backends may differ by this part of their mean, or by one; as with
/// scores, evening them out goes on until half of it.
constexpr double totals_spread = 0.2;

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

} // namespace

std::string search::named(slot backend) const { return "backend " + std::to_string(raw(state_.backend(backend).id)); }

// -- backend load ------------------------------------------------------------------------

/// Who is hungry now; true if anybody is.
bool search::note_appetite(const medium_scores& scores) {
  bool any = false;
  for (const auto b : scores.endpoints()) {
    const std::pair key{scores.on(), state_.backend(b).id};
    const double away = std::abs(scores.deviation(b));
    const bool was = hungry_.load.contains(key);
    if (away > (was ? options_.score_threshold / 2 : options_.score_threshold) && scores.noteworthy(was)) {
      hungry_.load.insert(key);
      any = true;
    } else {
      hungry_.load.erase(key);
    }
  }
  return any;
}

/// One move from a backend above the average to one below, of which at least one is hungry;
/// the worst first.
bool search::step_load(medium_scores& scores, int tier_max) {
  const auto m = scores.on();
  const auto order = with_free_path(scores.endpoints(), m);
  const auto outside = [&](slot b) { return std::abs(scores.deviation(b)) > options_.score_threshold; };
  int pairs = 0;
  for (const auto from : order)
    for (auto last = order.rbegin(); last != order.rend() && pairs < pairs_max; ++last) {
      const auto to = *last;
      if (scores.deviation(from) <= 0 || scores.deviation(to) >= 0)
        break;
      // The last stretch from the threshold inwards is not worth making a table less even.
      const bool wanted = tier_max < 2 ? hungry(from, m) || hungry(to, m) : outside(from) || outside(to);
      if (!wanted || hopeless_.contains({tier_max, from, to}))
        continue;
      if (!scores.any_gain(from, to)) {
        note(balance_block::not_more_balanced);
        continue;
      }
      wish w{.from = from, .to = to, .on = m, .bytes = scores.ideal_bytes(from, to), .tier_max = tier_max};
      w.worth = [&](std::uint64_t bytes) { return scores.gain(from, to, bytes); };
      if (const auto found = find(w)) {
        auto reason = named(from) + " has load " + decimal(scores.score(from)) + ", " + named(to) + " "
                      + decimal(scores.score(to));
        move(*found, balance_kind::backend_load, std::move(reason));
        scores.moved(from, to);
        return true;
      }
      hopeless_.insert({tier_max, from, to});
      ++pairs;
    }
  return false;
}

void search::even_load(medium m) {
  begin_goal();
  auto scores = scores_of(m);
  while (note_appetite(scores) && !full() && (step_load(scores, 1) || step_load(scores, 2)))
    ;
  const bool hungry = note_appetite(scores);
  stands(m, balance_kind::backend_load, scores.worst(), hungry ? scores.outside(options_.score_threshold) : 0);
}

// -- tables ------------------------------------------------------------------------------

/// One move of the greedy of spec/replica.md 5.5: from where the table has most replicas to
/// where it has fewest; among equals from the most loaded to the least loaded backend.
bool search::step_table(medium_scores& scores, slot group) {
  const auto order = with_free_path(scores.endpoints(), scores.on()); // Most loaded first.
  const auto& g = state_.group(group);
  std::vector<slot> from = order;
  std::vector<slot> to(order.rbegin(), order.rend());
  std::stable_sort(from.begin(), from.end(), [&](slot x, slot y) { return g.count(x) > g.count(y); });
  std::stable_sort(to.begin(), to.end(), [&](slot x, slot y) { return g.count(x) < g.count(y); });
  const auto least = g.replicas / state_.endpoints(g.on); // Of an even table.
  int pairs = 0;
  for (const auto source : from)
    for (const auto target : to) {
      const auto most = g.count(source);
      const auto fewest = g.count(target);
      if (most < fewest + 2 || most <= least || fewest > least || pairs == pairs_max)
        break;
      wish w{.from = source, .to = target, .on = scores.on(), .bytes = scores.ideal_bytes(source, target), .group = group};
      w.too_little = balance_block::unbalances_load;
      w.worth = [&](std::uint64_t bytes) {
        return scores.keeps_load(source, target, bytes) ? static_cast<double>(most - fewest) / 2 : 0;
      };
      if (const auto found = find(w)) {
        auto reason = "table " + std::to_string(raw(g.table)) + " has " + std::to_string(most) + " replicas on "
                      + named(source) + ", " + std::to_string(fewest) + " on " + named(target);
        move(*found, balance_kind::table_skew, std::move(reason));
        scores.moved(source, target);
        return true;
      }
      ++pairs;
    }
  return false;
}

void search::even_tables(medium m) {
  auto scores = scores_of(m);
  begin_goal();
  auto& tried = hungry_.tables; // In vain, by this round and those before it.
  const auto first = [&](slot group) { return std::pair{m, state_.group(group).first}; };
  while (!full() && tables_left_ > 0) {
    const auto& skewed = state_.skewed(m);
    const auto next = std::find_if(skewed.rbegin(), skewed.rend(),
                                   [&](const auto& entry) { return !tried.contains(first(entry.second)); });
    if (next == skewed.rend()) { // All had their turn.
      std::erase_if(tried, [&](const auto& key) { return key.first == m; });
      break;
    }
    if (const auto group = next->second; !step_table(scores, group)) {
      tried.insert(first(group));
      --tables_left_;
    }
  }
  const auto& left = state_.skewed(m);
  stands(m, balance_kind::table_skew, left.empty() ? 1 : left.rbegin()->first, left.size());
}

// -- totals ------------------------------------------------------------------------------

bool search::step_totals(medium_scores& scores) {
  const auto m = scores.on();
  const auto replicas = [&](slot b) { return state_.backend(b).on(m).replicas; };
  const double tolerance = std::max(1.0, totals_spread / 2 * scores.mean_replicas());
  auto order = with_free_path(scores.endpoints(), m);
  std::stable_sort(order.begin(), order.end(), [&](slot x, slot y) { return replicas(x) > replicas(y); });
  int pairs = 0;
  for (const auto from : order)
    for (auto last = order.rbegin(); last != order.rend() && pairs < pairs_max; ++last) {
      const auto to = *last;
      if (replicas(from) - replicas(to) <= tolerance)
        break;
      if (scores.score(from) <= scores.score(to) || hopeless_.contains({1, from, to}) || !scores.any_gain(from, to))
        continue;
      wish w{.from = from, .to = to, .on = m, .bytes = scores.ideal_bytes(from, to)};
      w.worth = [&](std::uint64_t bytes) {
        return scores.keeps_load(from, to, bytes) ? scores.gain(from, to, bytes) : 0;
      };
      if (const auto found = find(w)) {
        auto reason = named(from) + " has " + std::to_string(std::llround(replicas(from))) + " replicas, " + named(to)
                      + " " + std::to_string(std::llround(replicas(to)));
        move(*found, balance_kind::backend_load, std::move(reason));
        scores.moved(from, to);
        return true;
      }
      hopeless_.insert({1, from, to});
      ++pairs;
    }
  return false;
}

void search::even_totals(medium m) {
  auto scores = scores_of(m);
  hopeless_.clear();
  const bool hungry = hungry_.totals.contains(m);
  const double tolerance = std::max(1.0, totals_spread * (hungry ? 0.5 : 1) * scores.mean_replicas());
  hungry_.totals.erase(m);
  if (scores.totals_spread() <= tolerance)
    return;
  while (!full() && step_totals(scores))
    ;
  hungry_.totals.insert(m); // Whether more is wanted the next round will see.
}

// -- the outcome -------------------------------------------------------------------------

void search::move(const candidate& c, balance_kind kind, std::string reason) {
  const auto& t = state_.tablet(c.tablet);
  const auto source = state_.path(c.from).at;
  balance_move chosen{.tablet = t.id,
                      .replica = view_.cat.tablets.find(t.id)->on(source.backend)->id,
                      .source = source,
                      .target = state_.path(c.to).at,
                      .bytes = t.bytes,
                      .kind = kind,
                      .gain = c.gain,
                      .reason = std::move(reason)};
  state_.begin(view_.cat, chosen);
  round_.moves.push_back(std::move(chosen));
}

balance_block search::main_block() const {
  if (full())
    return balance_block::out_of_turns;
  const auto most = std::max_element(blocks_.begin(), blocks_.end());
  return *most == 0 ? balance_block::not_more_balanced : static_cast<balance_block>(most - blocks_.begin());
}

void search::stands(medium m, balance_kind goal, double worst, std::uint64_t left) {
  round_.standing.push_back({m, goal, left == 0, worst, left, left == 0 ? balance_block::none : main_block()});
}

balance_round search::run() {
  // Neither medium waits for the other for ever: the die says who comes first.
  auto first = media;
  if (dice_(2) == 1)
    std::reverse(first.begin(), first.end());
  for (const auto m : first)
    even_paths(m, true);
  for (const auto m : first)
    seek_medium(m);
  for (const auto m : first) {
    if (state_.endpoints(m) == 0)
      continue;
    hopeless_.clear();
    even_load(m);
    even_tables(m);
    even_totals(m);
    even_paths(m, false);
  }
  return std::move(round_);
}

} // namespace tabletd::model::balancing
