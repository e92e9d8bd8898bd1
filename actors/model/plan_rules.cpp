#include "actors/model/plan_rules.h"

namespace tabletd::model {

std::string_view name(plan_kind kind) {
  switch (kind) {
    case plan_kind::rebalance: return "REBALANCE";
    case plan_kind::decommission: return "DECOMMISSION";
    case plan_kind::loss: return "LOSE";
  }
  return "UNKNOWN";
}

std::string_view name(plan_state state) {
  switch (state) {
    case plan_state::saved: return "SAVED";
    case plan_state::applying: return "APPLYING";
    case plan_state::done: return "DONE";
  }
  return "UNKNOWN";
}

std::string_view name(move_state state) {
  switch (state) {
    case move_state::planned: return "PLANNED";
    case move_state::running: return "RUNNING";
    case move_state::done: return "DONE";
    case move_state::skipped: return "SKIPPED";
  }
  return "UNKNOWN";
}

std::string why_stale(const catalog& cat, const saved_plan& plan) {
  if (cat.layout.at > plan.epoch)
    return cat.layout.what;
  for (const auto id : plan.content->tables) {
    const auto* t = cat.tables.find(id);
    if (!t)
      return "table " + std::to_string(raw(id)) + " was dropped";
    if (t->changed > plan.epoch)
      return "a partition of table " + cat.databases.find(t->database)->name + '.' + t->name
             + " was added, changed or dropped";
  }
  return {};
}

named_plan plan_under_way(const catalog& cat) {
  if (!cat.planned.empty())
    for (const auto& [name, plan] : cat.plans.all())
      if (plan.state == plan_state::applying)
        return {name, &plan};
  return {};
}

std::optional<place> planned_target(const catalog& cat, const tablet& t) {
  const auto* steps = cat.planned.empty() ? nullptr : cat.planned.find(t.id);
  if (!steps)
    return std::nullopt;
  for (const auto& step : *steps) {
    const auto* leaving = t.find(step.replica);
    const auto* home = leaving ? cat.backends.find(leaving->backend) : nullptr;
    if (home && home->decommissioned && !t.on(step.target.backend))
      return step.target;
  }
  return std::nullopt;
}

move_state state_of(const catalog& cat, const saved_plan& plan, std::uint32_t number) {
  if (const auto* over = plan.outcomes.find(number))
    return over->done ? move_state::done : move_state::skipped;
  const auto& move = plan.moves()[number];
  const auto* t = cat.tablets.find(move.tablet);
  if (plan.state != plan_state::applying || !t)
    return move_state::planned;
  // A move is under way from its order until the replica it is about has gone.
  const auto* order = cat.orders.find(move.tablet);
  const bool ordered = order && order->what.target == move.target;
  const auto* copy = t->on(move.target.backend);
  const bool copied = copy && copy->id != move.replica && copy->path == move.target.path;
  return ordered || copied ? move_state::running : move_state::planned;
}

} // namespace tabletd::model
