#pragma once
// Private to balance_*.cpp: one round of balance, and how it looks for the tablet to move.
#include "actors/model/balance_planner.h"
#include <functional>
#include <tuple>

namespace tabletd::model::balancing {

using slot = balance_state::slot;

/// Bounds of one round, so that it takes milliseconds in any cluster: replicas looked at one
/// by one, and tables for which nothing was found (the next round goes on with the others).
inline constexpr std::size_t replicas_scanned_max = 200'000;
inline constexpr std::size_t tables_in_vain_max = 64;
/// Partitions that want another medium and are looked at in a round.
inline constexpr std::size_t misplaced_looked_at_max = 1'024;
/// Tablets of theirs.  Apart from replicas_scanned_max: wishes that nobody can fulfil stay for ever, and
/// the load must not wait for them.  Fewer, because the catalog may be asked about each.
inline constexpr std::size_t tablets_looked_at_for_media_max = 20'000;

/// A seeded die: the same seed gives the same round on every node.
class dice {
public:
  explicit dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()(std::uint64_t sides) {
    state_ += 0x9e37'79b9'7f4a'7c15ULL; // A Weyl sequence, mixed: splitmix64.
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58'476d'1ce4'e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d0'49bb'1331'11ebULL;
    return (z ^ (z >> 31U)) % sides;
  }

private:
  std::uint64_t state_;
};

/// Scores of one medium, kept current while moves are chosen.
class medium_scores {
public:
  medium_scores(const balance_state& state, medium on, double threshold);

  [[nodiscard]] medium on() const { return on_; }
  /// Distance from the average score, relative; positive: more loaded.
  [[nodiscard]] double deviation(slot backend) const;
  [[nodiscard]] double score(slot backend) const { return scores_[backend]; }
  [[nodiscard]] double worst() const;           ///< Largest distance of a backend that counts.
  [[nodiscard]] std::uint64_t outside(double threshold) const;
  [[nodiscard]] bool noteworthy(bool hungry) const;
  [[nodiscard]] double mean_replicas() const { return average_.replicas; }
  [[nodiscard]] double totals_spread() const; ///< Most less fewest replicas, over endpoints.
  /// Endpoints, most loaded first.
  [[nodiscard]] std::vector<slot> endpoints() const;

  /// What moving `bytes` is worth; <= 0: not worth it (or below the floor).
  [[nodiscard]] double gain(slot from, slot to, std::uint64_t bytes) const;
  /// True if a replica of some size would be worth moving.
  [[nodiscard]] bool any_gain(slot from, slot to) const;
  /// True if neither end leaves the middle, or goes further from it, by such a move.
  [[nodiscard]] bool keeps_load(slot from, slot to, std::uint64_t bytes) const;
  /// The size that brings both ends nearest to the average together, if many more follow.
  [[nodiscard]] double ideal_bytes(slot from, slot to) const;
  void moved(slot from, slot to);

private:
  [[nodiscard]] medium_load load(slot backend) const;
  [[nodiscard]] bool keeps_fill(slot from, slot to, std::uint64_t bytes) const;
  void average_again();

  const balance_state& state_;
  medium on_;
  double threshold_;
  double fill_weight_ = 1; ///< 0: fills count as equal.
  load_average average_;
  std::vector<slot> counted_;
  std::vector<double> scores_; ///< By backend slot; 0 for one that does not count.
  double average_score_{};
};

/// What kind of tablet is wanted.  Tiers: 0 brings its table nearer to even, 1 leaves it as
/// even as it is, 2 makes it less even.
struct wish {
  slot from = balance_state::none;
  slot to = balance_state::none;
  medium on{};
  double bytes{}; ///< The nearer to it the better.
  int tier_max = 1;
  slot group = balance_state::none; ///< Only tablets of this one.
  balance_block too_little = balance_block::not_more_balanced; ///< What it means if `worth` is 0.
  std::function<double(std::uint64_t)> worth{}; ///< Gain of moving so many bytes.
};
struct candidate {
  slot tablet = balance_state::none;
  slot from = balance_state::none; ///< Paths.
  slot to = balance_state::none;
  double gain{};
};

class search {
public:
  search(balance_state& state, const balance_view& view, const balance_options& options,
         balance_planner::appetite& hungry, std::size_t limit, std::uint64_t seed, time_ms now)
      : state_(state), view_(view), options_(options), hungry_(hungry), limit_(limit), dice_(seed), now_(now) {}
  [[nodiscard]] balance_round run();

private:
  // Goals; each makes moves until its goal is reached, nothing helps or the round is full.
  void even_load(medium m);
  void even_tables(medium m);
  void even_totals(medium m);
  void even_paths(medium m, bool dangerous_only);
  void seek_medium(medium wanted);

  // Steps of them.
  bool step_load(medium_scores& scores, int tier_max);
  bool note_appetite(const medium_scores& scores);
  bool step_table(medium_scores& scores, slot group);
  bool step_totals(medium_scores& scores);
  bool step_paths(const std::vector<slot>& paths, double average, double band);
  bool even_paths_of(slot backend, medium m, bool dangerous_only);
  void seek_medium_of(slot group, medium wanted);
  slot seek_medium_for(slot tablet, medium wanted, const std::vector<slot>& backends);
  [[nodiscard]] balance_block blocked_from(slot backend, medium wanted) const;

  // Looking for a tablet.
  struct ranked {
    int tier{};
    int size{};     ///< Octaves away from the wished size.
    double use{};   ///< How far both ends are from the table's mean, the nearer one.
    double fullness{};
    slot tablet = balance_state::none;
    slot path = balance_state::none;
  };
  [[nodiscard]] std::optional<candidate> find(const wish& w);
  [[nodiscard]] std::optional<candidate> find_among(const wish& w, std::vector<ranked>& all, std::size_t judged_max);
  void consider(const wish& w, slot tablet, slot path, std::vector<ranked>& into);
  void sample(const wish& w, std::vector<ranked>& into);
  void scan(const wish& w, std::vector<ranked>& into);
  void scan_group(const wish& w, std::vector<ranked>& into);
  [[nodiscard]] bool free(const balance_state::path_row& path) const;
  /// Those that have a path which may take part in another move.
  [[nodiscard]] std::vector<slot> with_free_path(const std::vector<slot>& backends, medium m);
  [[nodiscard]] balance_block taken(const wish& w, slot tablet) const;
  [[nodiscard]] balance_block judge(slot tablet, slot from_backend, slot to_backend) const;
  /// By an operator, to have its disks levelled.
  [[nodiscard]] bool is_asked(slot backend) const { return view_.level_disks_of.contains(state_.backend(backend).id); }
  [[nodiscard]] bool hungry(slot backend, medium m) const { return hungry_.load.contains({m, state_.backend(backend).id}); }
  [[nodiscard]] medium_scores scores_of(medium m) const { return {state_, m, options_.score_threshold}; }
  [[nodiscard]] slot target_path(slot backend, medium m, std::uint64_t bytes);
  [[nodiscard]] bool fits(const balance_state::path_row& path, std::uint64_t bytes) const;
  [[nodiscard]] double fullness(const balance_state::path_row& path) const;

  // The same between two paths of one backend.
  struct path_pair {
    slot from = balance_state::none;
    slot to = balance_state::none;
    double over{};  ///< Bytes that `from` has above the average fill.
    double under{}; ///< Bytes that `to` has below it.
    double capacity_from{};
    double capacity_to{};
    [[nodiscard]] double gain(double bytes) const;
  };
  [[nodiscard]] std::optional<candidate> find_on_path(slot from, slot to, double average);
  void consider_on_path(const path_pair& pair, slot tablet, std::vector<std::pair<double, slot>>& into);
  [[nodiscard]] std::optional<candidate> choose_on_path(const path_pair& pair, std::vector<std::pair<double, slot>>& near);

  // The outcome.
  [[nodiscard]] bool full() const { return round_.moves.size() >= limit_; }
  void move(const candidate& c, balance_kind kind, std::string reason);
  void note(balance_block why, std::uint32_t times = 1) { blocks_[static_cast<std::size_t>(why)] += times; }
  void begin_goal() { blocks_ = {}; }
  [[nodiscard]] balance_block main_block() const;
  void stands(medium m, balance_kind goal, double worst, std::uint64_t left);
  [[nodiscard]] std::string named(slot backend) const;

  balance_state& state_;
  const balance_view& view_;
  const balance_options& options_;
  balance_planner::appetite& hungry_;
  std::size_t limit_;
  dice dice_;
  time_ms now_;
  balance_round round_;
  std::array<std::uint32_t, balance_block_count> blocks_{}; ///< By balance_block.
  /// What a round may look at beyond the samples; a plan looks at everything.
  std::size_t scans_left_ = options_.moves_per_path == 0 ? ~std::size_t{0} : replicas_scanned_max;
  std::size_t looked_at_for_media_max_ =
    options_.moves_per_path == 0 ? ~std::size_t{0} : tablets_looked_at_for_media_max;
  std::size_t tables_left_ = options_.moves_per_path == 0 ? ~std::size_t{0} : tables_in_vain_max;
  std::set<std::tuple<int, slot, slot>> hopeless_; ///< Tier, and the backends between which none was found.
};

} // namespace tabletd::model::balancing
