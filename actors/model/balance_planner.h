#pragma once
// Which replicas move where so that backends, tables and disks are evenly loaded.  Pure; the
// next moves come from the state balance keeps, never from a walk over the catalog.
//
// Goals in order, each medium by itself (spec/replica.md 5):
//   0  a path above the high watermark is relieved by its neighbours; then replicas on another
//      medium than their partition wants go to such a path of their backend, if it has one,
//   1  backend load: from the highest score to the lowest,
//   2  table skew: no endpoint holds two replicas of a partition more than another,
//   3  replica totals, as long as no table gets worse,
//   4  path load inside each backend.
// Whatever moves for 1 is chosen so that it serves 2 as well, which is what keeps the bytes few.
#include "actors/model/balance_state.h"
#include <optional>
#include <set>

namespace tabletd::model {

/// How one goal stands on one medium after a round.
struct balance_standing {
  medium on{};
  balance_kind goal{};
  bool balanced = false;
  double worst{};     ///< backend_load: distance from the average score; table_skew: replicas; path_load: used ratio.
  std::uint64_t left{}; ///< Backends, partitions or paths outside; wanted_medium: replicas.
  balance_block why{}; ///< What stood in the way most often; none if balanced.
  friend bool operator==(const balance_standing&, const balance_standing&) = default;
};
[[nodiscard]] std::string sentence(const balance_standing& standing);

struct balance_round {
  std::vector<balance_move> moves;      ///< In the order of their goals; independent of one another.
  balance_pause pause;
  std::vector<balance_standing> standing; ///< Empty while paused.
  std::size_t looked_at_for_media = 0;    ///< Tablets, one by one: the work of wanted_medium.
};

class balance_planner {
public:
  explicit balance_planner(balance_options options = {}) : options_(options) {}

  /// At most `limit` moves.  They count as under way from now on, until ended() is called for
  /// their tablet: also when the move was refused or never begun.  Keep a finished one for as
  /// long as its backends have not reported their disks again; its bytes are counted by then.
  /// The same state, view and seed give the same moves.
  [[nodiscard]] balance_round next_moves(const balance_view& view, std::size_t limit, std::uint64_t seed, time_ms now);
  void ended(const catalog& cat, tablet_id tablet);
  /// Looks at backends and disks; next_moves() does so by itself.
  void observe(const balance_view& view);
  /// A move that an earlier leader began.
  void adopt(const catalog& cat, const balance_move& move);
  /// The catalog has changed this tablet, made it or dropped it.
  void refresh(const catalog& cat, tablet_id tablet);

  [[nodiscard]] const std::vector<balance_move>& under_way() const { return under_way_; }
  /// For the view; empty before the first round or observe().
  [[nodiscard]] load_statistic statistic(medium m) const;
  [[nodiscard]] const balance_state* state() const { return state_ ? &*state_ : nullptr; }
  [[nodiscard]] const balance_options& options() const { return options_; }
  /// From the next round on.
  void set_options(const balance_options& options) { options_ = options; }

  /// Hysteresis: a backend (or the paths of one) that was outside the threshold is worked on
  /// until it is within half of it.  And where the rounds are in their walk over the tables.
  struct appetite {
    std::set<std::pair<medium, backend_id>> load;
    std::set<std::pair<medium, backend_id>> paths;
    std::set<medium> totals;
    std::set<std::pair<medium, tablet_id>> tables; ///< First tablets of those tried in vain of late.
  };

private:
  balance_options options_;
  std::optional<balance_state> state_; ///< Built by the first round.
  std::vector<balance_move> under_way_;
  appetite hungry_;
};

/// Every move until nothing is left, as if each were done at once: PLAN REBALANCE.
struct rebalance_plan {
  /// In waves: within one no tablet moves twice, so all its moves may run side by side; the
  /// next begins when it is done.  Over the whole plan no replica moves twice, and no backend
  /// gets a tablet back that it has given away.
  std::vector<std::vector<balance_move>> waves;
  std::uint64_t moves{};
  std::uint64_t bytes{};
  bool finished = false; ///< Nothing is left to do, or nothing that can be done.
  balance_pause pause;
  std::vector<balance_standing> standing; ///< At the end.
  std::array<load_statistic, media.size()> before;
  std::array<load_statistic, media.size()> after;
};
/// Looks `rounds_max` rounds ahead; a cluster that can be balanced needs a few.
[[nodiscard]] rebalance_plan plan_rebalance(const balance_view& view, balance_options options, std::uint64_t seed,
                                            time_ms now, std::size_t rounds_max = 32);

} // namespace tabletd::model
