#pragma once
// PLAN: what repair and balance would do if something happened, asked of the same functions that
// do it, on a copy of the catalog.  Nothing is ordered.
#include "actors/model/balance_planner.h"
#include "actors/model/placement.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tabletd::model {

/// One copy of a plan, in the order it would be made.
struct planned_move {
  tablet_id tablet{};
  replica_id replica{}; ///< Who goes for it, or changes its path; 0: nobody, one is mended where it is.
  place source;
  place target;
  std::uint64_t bytes{};
  std::string why;
};
/// A tablet the plan cannot help, and what would lift that.
struct planned_wait {
  tablet_id tablet{};
  tablet_health health{};
  std::string why;
};
struct what_if_plan {
  std::vector<planned_move> moves;
  std::vector<planned_wait> stuck;
  std::uint64_t bytes{};
  /// The time the busiest path needs to read and write its part at assumed_bytes_per_second.
  time_ms duration{};
};

/// How fast one path copies: the assumed speed of spec/replica.md 4.7.
inline constexpr std::uint64_t assumed_bytes_per_second = 5U << 20;

/// What happens to a backend in the plan.
enum class fate : std::uint8_t { decommissioned, lost };

/// Every copy it takes until no tablet of `backend` depends on it any more.  Slots are not asked:
/// they decide when, not where.  Work: the backend's tablets.
[[nodiscard]] what_if_plan plan_without(const catalog& cat, const cluster_view& cluster, const fit_limits& fit,
                                        backend_id backend, fate what);
/// What SAVE AS keeps: the copies that put a replica elsewhere.  Those that mend one where it is are
/// repair's anyway and left out.
[[nodiscard]] plan_saved to_save(const what_if_plan& plan, std::string name, plan_kind kind, backend_id backend,
                                 log_index epoch);
/// What balance would move until it comes to rest.
[[nodiscard]] what_if_plan plan_balance(const catalog& cat, const cluster_view& cluster, const balance_options& options,
                                        time_ms now);

} // namespace tabletd::model
