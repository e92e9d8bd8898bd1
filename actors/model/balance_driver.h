#pragma once
// Balance as the scheduler runs it: keeps the planner's picture up to date with the catalog,
// asks it for moves when it is time, and follows each until it is over.  Pure.
#include "actors/model/balance_planner.h"
#include "actors/model/placement.h"
#include "actors/model/plan_follower.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tabletd::model {

/// How often moves are looked for.  The reference's 20 s (spec/replica.md 5.6) come from the cost
/// of its look at everything; ours costs what changed.
inline constexpr time_ms balance_spacing{2'000};
/// A move that is over is counted as under way a little longer: until the disks it touched have
/// been reported again (with every heartbeat), or its bytes would be missed or counted twice.
inline constexpr time_ms balance_settling{10'000};

struct balance_driver_options {
  balance_options rules{};
  std::size_t moves_max = 100;       ///< Seed: max_balancing_tablets.
  time_ms rest = std::chrono::minutes(10); ///< See move_memory.
};

class balance_driver {
public:
  explicit balance_driver(balance_driver_options options);

  /// From the next round on; what is under way goes on.
  void configure(const balance_options& rules, std::size_t moves_max);
  /// Moves to begin now, each to be judged by decide_move(); begun() or rejected() follows for
  /// every one.  Those of an applied plan come before what the planner finds.  `wall`: for pauses
  /// with an end.
  [[nodiscard]] std::vector<balance_move> due(const catalog& cat, const cluster_view& cluster, time_ms wall, time_ms now);
  void begun(tablet_id tablet, time_ms now);
  /// `why`: the decision that made nothing of it.
  void rejected(const catalog& cat, tablet_id tablet, const decision& why, time_ms now);
  /// What of the plan being applied will not be made, to be proposed.
  [[nodiscard]] std::optional<plan_moves_skipped> take_skipped() { return plan_.take_skipped(); }
  /// An order of an earlier leader that is being adopted.
  void adopted(const catalog& cat, const open_order& order);
  /// The copy has ended.  A good one is over when what it replaces has gone.
  void copy_ended(const catalog& cat, tablet_id tablet, bool succeeded, time_ms now);

  [[nodiscard]] std::size_t running() const { return running_; }
  [[nodiscard]] const balance_pause& pause() const { return pause_; }
  [[nodiscard]] const std::vector<balance_standing>& standing() const { return standing_; }
  [[nodiscard]] load_statistic statistic(medium m) const { return planner_.statistic(m); }
  [[nodiscard]] const balance_driver_options& options() const { return options_; }

private:
  void follow(const catalog& cat);
  void settle(const catalog& cat, time_ms now);

  balance_driver_options options_;
  balance_planner planner_;
  plan_follower plan_;
  move_memory memory_;
  catalog seen_;                          ///< What the planner knows.
  std::size_t running_ = 0;               ///< Copies.
  std::map<tablet_id, time_ms> settling_; ///< Copied; when last seen open.
  balance_pause pause_;
  std::vector<balance_standing> standing_;
  std::uint64_t rounds_ = 0;              ///< Also the seed: the same history gives the same moves.
  time_ms looked_at_{};
};

} // namespace tabletd::model
