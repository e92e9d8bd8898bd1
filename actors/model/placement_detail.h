#pragma once
// Private to placement*.cpp: the steps decide() is made of.
#include "actors/model/assessment.h"
#include "actors/model/load_score.h"
#include "actors/model/placement.h"
#include <optional>

namespace tabletd::model::placing {

/// One tablet under decision.
struct patient {
  const placement_view& view;
  const tablet& t;
  const assessment& a;
  const load_scores& scores;
};

struct source_choice {
  const replica* from = nullptr;
  blocker blocked = blocker::none;
};
struct target_choice {
  place at;
  replica_id replica{}; ///< 0: a new one.
  blocker blocked = blocker::none;
};

[[nodiscard]] source_choice choose_source(const patient& p, std::vector<path_verdict>& why);
/// A replica that lacks versions; `where` says on which backends to look.
enum class fill_on : std::uint8_t { available_backends, leaving_backends, balance_target };
[[nodiscard]] target_choice choose_fill_target(const patient& p, fill_on where, std::vector<path_verdict>& why);
/// A path of a backend that holds no replica of the tablet yet.
[[nodiscard]] target_choice choose_new_target(const patient& p, tablet_health health,
                                              std::vector<path_verdict>& why);
struct drop_choice {
  std::optional<drop_move> move;
  blocker blocked = blocker::none;
};
[[nodiscard]] drop_choice choose_drop(const patient& p, bool force);
/// Nothing is lost if this replica goes: enough others are whole and confirmed, and no load counts on it.
[[nodiscard]] bool safe_to_drop(const patient& p, std::size_t replica);

/// Why this backend cannot be a target at all, looking at link and life only.
[[nodiscard]] std::optional<path_code> unfit_backend(const placement_view& view, const backend& b);

/// 0: no recent failure there; 1: on another path of that backend; 2: right there.
[[nodiscard]] int avoidance(const placement_view& view, const place& at);

} // namespace tabletd::model::placing
