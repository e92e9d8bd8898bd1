#pragma once
// A plan that an operator has kept to have it carried out as it was shown.  Part of the catalog;
// what can be asked about one is in plan_rules.h.
#include "actors/model/cow_map.h"
#include "actors/model/edit.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tabletd::model {

/// So many are kept, each with so many moves: an operator looks at a plan, and it is one log entry.
inline constexpr std::size_t plans_max = 16;
inline constexpr std::size_t plan_moves_max = 10'000;

enum class plan_state : std::uint8_t {
  saved,
  applying,
  done, ///< Every move is done or skipped; kept until DROP PLAN.
};

/// What became of a move.
struct move_outcome {
  bool done = false; ///< Else skipped.
  std::string why;   ///< Of a skipped one.
};

/// What never changes of a plan; snapshots share it.
struct plan_content {
  std::vector<saved_move> moves;
  std::vector<table_id> tables; ///< Whose tablets move; ascending, each once.
  std::uint64_t bytes{};
};

struct saved_plan {
  plan_kind kind{};
  backend_id backend{}; ///< Who leaves or is lost; 0: nobody.
  log_index epoch{};    ///< Of the catalog it was computed from.
  time_ms created{};
  std::shared_ptr<const plan_content> content = std::make_shared<const plan_content>();
  plan_state state = plan_state::saved;
  log_index applied{};  ///< 0: it has not been.
  cow_map<std::uint32_t, move_outcome> outcomes; ///< By number; absent: not over.
  std::uint32_t done = 0;                        ///< Of the outcomes.
  [[nodiscard]] const std::vector<saved_move>& moves() const { return content->moves; }
  [[nodiscard]] std::size_t skipped() const { return outcomes.size() - done; }
};

/// A move of the plan being applied that is not over, as its tablet's decisions need it.
struct planned_step {
  std::uint32_t move{};
  replica_id replica{};
  place target;
  friend bool operator==(const planned_step&, const planned_step&) = default;
};

} // namespace tabletd::model
