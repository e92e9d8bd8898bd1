#pragma once
// The moves of an applied PLAN REBALANCE as balance makes them: in the plan's order, each judged
// again when it is its turn, and skipped when it no longer holds.  Pure; what it remembers may be
// lost with the leader, because what is over is in the catalog.
#include "actors/model/balance_planner.h"
#include "actors/model/placement.h"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::model {

/// What only a dead backend, a missing link or a repair stands in the way of is waited for so long:
/// longer than a restart takes.  Balance makes no moves of its own meanwhile.  A pause does not count:
/// after it the whole of this begins anew.
inline constexpr time_ms plan_patience = std::chrono::minutes(10);
/// A place in whose way something is, and a copy that failed, are tried again after this.
inline constexpr time_ms plan_retry_after{30'000};
inline constexpr std::uint32_t plan_tries_max = 3; ///< Of one copy.

class plan_follower {
public:
  struct bounds {
    std::size_t moves{};       ///< At most so many now.
    std::uint32_t per_path{};  ///< Moves under way per path; 0: any number.
    bool paths = true;         ///< See balance_options; where false, moves inside one backend are paused.
  };
  /// Moves to begin now; begun() or declined() follows for each.  Work: what is left of the plan.
  [[nodiscard]] std::vector<balance_move> due(const balance_view& view, const bounds& at_most, time_ms now);
  /// Instead of due() while all of balance is paused: nothing is offered and nothing skipped.
  void hold();
  /// By the last due(): some of the plan is still to begin.  Until it has, balance finds no moves of
  /// its own, or it would do with others what the plan is about to do.
  [[nodiscard]] bool holds_back() const { return holds_back_; }
  void begun(tablet_id tablet);
  void declined(tablet_id tablet, const decision& why, time_ms now);
  void ended(tablet_id tablet, bool succeeded, time_ms now);
  /// Moves that will not be made any more; said again until the catalog has it.
  [[nodiscard]] std::optional<plan_moves_skipped> take_skipped();

private:
  struct attempt {
    std::optional<time_ms> sick_since; ///< The tablet: when last found so without a break or a pause.
    std::uint32_t failures = 0;
    time_ms not_before{};
  };
  /// Something is in the way at a place.  One move looks again from time to time; when patience has
  /// run out, all of its moves do.
  struct obstacle {
    time_ms since{};
    time_ms seen{};  ///< Last; if that is long ago it was gone meanwhile.
    time_ms again{};
  };
  struct step {
    std::uint32_t number{};
    place source;
    place target;
  };
  /// What one due() carries along.
  struct round {
    const balance_view& view;
    const bounds& at_most;
    time_ms now{};
    std::map<place, std::uint32_t, place_less> busy{};
    std::vector<balance_move> moves{};
    [[nodiscard]] bool has_room(const saved_move& move) const;
  };
  /// True if there is a plan of balance to follow; another one than before is begun from scratch.
  bool follow(const catalog& cat);
  /// False: not now, or never, which it then says.
  bool may_try(const round& r, std::uint32_t number, const saved_move& move);
  void forget_patience(std::uint32_t number);
  bool is_obstructed(const saved_move& move, time_ms now, bool& out_of_patience);
  void offer(round& r, std::uint32_t number, const saved_move& move);
  void skip(std::uint32_t number, std::string why) { skipped_.push_back({number, std::move(why)}); }

  std::string plan_;
  log_index applied_{};
  std::map<std::uint32_t, attempt> attempts_;
  std::map<place, obstacle, place_less> obstacles_;
  std::map<tablet_id, step> offered_;
  std::map<tablet_id, step> under_way_; ///< Copies.
  std::vector<skipped_move> skipped_;
  bool holds_back_ = false;
};

} // namespace tabletd::model
