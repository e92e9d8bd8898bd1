#pragma once
// Which tablets the scheduler should look at.  The mechanism is events: what the fold touched
// is diagnosed, nothing else.  A slow sweep over everything is the safety net; it also says
// again what is still sick, so a report lost in a crash costs one round.  Pure.
#include "actors/model/health.h"
#include <deque>
#include <unordered_set>
#include <variant>
#include <vector>

namespace tabletd::model {

/// Tablets diagnosed in one step, whatever asked for them: about a millisecond.
inline constexpr std::size_t checks_per_step = 2'048;
/// A round of the sweep begins at most this often (spec/replica.md 3: checker period).
inline constexpr time_ms sweep_period{20'000};

// -- events ------------------------------------------------------------------------------
/// The fold went on.
struct catalog_moved {
  std::vector<tablet_id> touched;
  std::vector<backend_id> backends; ///< All tablets of these too.
};
struct check_tick {};
using check_event = std::variant<catalog_moved, check_tick>;

struct sick_tablet {
  tablet_id tablet{};
  diagnosis what;
  friend bool operator==(const sick_tablet&, const sick_tablet&) = default;
};
struct check_effects {
  std::vector<sick_tablet> sick;
  std::vector<tablet_id> healed; ///< Were reported sick and no longer are.
  bool again = false; ///< More is waiting: step again (an empty catalog_moved) after the mail that waits already.
};

struct tablet_checks {
  std::deque<tablet_id> touched;
  std::deque<backend_id> backends; ///< The first one is being walked ...
  tablet_id backend_next{};        ///< ... from this tablet on.
  tablet_id sweep_next{};          ///< 0: between two rounds.
  bool first_round = true;         ///< Of a new leader: at full speed.
  time_ms round_began{};
  std::unordered_set<tablet_id> reported; ///< Sick, as far as the scheduler has heard.
  // Counters since it began.
  std::uint64_t tablets{};
  std::uint64_t rounds{};
  std::uint64_t unhealthy{};
};

/// `cat` is a frozen snapshot, not older than the event.  `now`: of a clock that never steps.
[[nodiscard]] check_effects step(tablet_checks& checks, const check_event& event, const catalog& cat, time_ms now);

} // namespace tabletd::model
