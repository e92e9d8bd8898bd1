#pragma once
// The questions about saved plans, one function each: does it still hold, which one is being
// applied, where does it want a tablet, how far is it.
#include "actors/model/catalog.h"
#include <optional>
#include <string>
#include <string_view>

namespace tabletd::model {

[[nodiscard]] std::string_view name(plan_kind kind);   ///< "REBALANCE"
[[nodiscard]] std::string_view name(plan_state state); ///< "APPLYING"

/// What has changed since the plan was computed that makes it another question: backends that came,
/// went, began or ceased to leave, or were given another cluster or location, and its own tables'
/// partitions.  Empty: nothing.  Who lives and who does not is asked move by move, when it is its turn.
[[nodiscard]] std::string why_stale(const catalog& cat, const saved_plan& plan);

/// At most one plan is applied at a time.
struct named_plan {
  std::string_view name;
  const saved_plan* plan = nullptr; ///< Null: none is.
};
[[nodiscard]] named_plan plan_under_way(const catalog& cat);

/// Where the plan being applied wants the tablet's next copy, if one of its replicas has to leave a
/// backend that is being decommissioned.  Costs nothing while no plan is applied.
[[nodiscard]] std::optional<place> planned_target(const catalog& cat, const tablet& t);

enum class move_state : std::uint8_t { planned, running, done, skipped };
[[nodiscard]] std::string_view name(move_state state); ///< "RUNNING"
/// `number` < plan.moves().size().
[[nodiscard]] move_state state_of(const catalog& cat, const saved_plan& plan, std::uint32_t number);

} // namespace tabletd::model
