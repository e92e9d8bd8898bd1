// PLAN: what would be moved; SHOW PLANS: what was kept of it, and how far it is.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/cluster_config.h"
#include "actors/model/plan_rules.h"
#include "actors/model/transfer_plan.h"
#include "actors/model/view_columns.h"
#include <fmt/format.h>
#include <algorithm>

namespace tabletd::views {

namespace {

using namespace model;

std::string duration(time_ms span) {
  const auto minutes = span.count() / 60'000;
  return minutes == 0 ? fmt::format("{} s", (span.count() + 999) / 1'000) : fmt::format("{} min", minutes);
}

cell backend(const place& at) { return static_cast<std::int64_t>(raw(at.backend)); }

std::string message_of(const sources& from, const std::string& plan_name, const saved_plan& plan) {
  if (plan.kind == plan_kind::loss)
    return "nothing to apply: repair does it by itself";
  if (plan.state == plan_state::saved) {
    const auto changed = why_stale(from.cat, plan);
    return changed.empty() ? "" : fmt::format("stale: {} since it was computed; plan again", changed);
  }
  if (plan.state == plan_state::applying && plan.kind == plan_kind::rebalance
      && from.scheduler.pause.cause != pause_cause::none)
    return sentence(from.scheduler.pause);
  return plan.skipped() == 0 ? "" : fmt::format("SHOW PLAN '{}' says why moves were skipped", plan_name);
}

what_if_plan plan_of_balance(const sources& from, const cluster_config& config) {
  balance_options options;
  options.enabled = !config.balance_disabled && !config.scheduler_disabled;
  options.paths = !config.disk_balance_disabled;
  options.score_threshold = config.load_score_threshold;
  options.moves_per_path = 0;
  options.fit = config.fit();
  return plan_balance(from.cat, from.cluster, options, {});
}

} // namespace

what_if_plan what_if(const sources& from, plan_kind kind, backend_id backend) {
  const auto config = effective(from.cat, from.startup_config);
  if (kind == plan_kind::rebalance)
    return plan_of_balance(from, config);
  return plan_without(from.cat, from.cluster, config.fit(), backend,
                      kind == plan_kind::loss ? fate::lost : fate::decommissioned);
}

table_value show_what_if(const what_if_plan& plan) {
  auto out = empty_table(columns::plan);
  out.rows.push_back({text("TOTAL"), never, none, none, none, none, number(plan.bytes),
                      text(fmt::format("{} moves, about {} for the busiest disk at 5 MiB/s{}", plan.moves.size(),
                                       duration(plan.duration),
                                       plan.stuck.empty() ? "" : fmt::format("; {} stuck", plan.stuck.size())))});
  for (std::size_t i = 0; i < std::min(plan.moves.size(), view_rows_max); ++i) {
    const auto& move = plan.moves[i];
    out.rows.push_back({text("MOVE"), id(move.tablet), backend(move.source), path(move.source.path),
                        backend(move.target), path(move.target.path), number(move.bytes), text(move.why)});
  }
  for (std::size_t i = 0; i < std::min(plan.stuck.size(), view_rows_max); ++i) {
    const auto& stuck = plan.stuck[i];
    const bool one = raw(stuck.tablet) != 0;
    out.rows.push_back({text("STUCK"), one ? id(stuck.tablet) : never, none, none, none, none, number(0),
                        text(one ? fmt::format("{}: {}", name(stuck.health), stuck.why) : stuck.why)});
  }
  return out;
}

table_value show_plans(const sources& from) {
  auto out = empty_table(columns::saved_plans);
  for (const auto& [plan_name, plan] : from.cat.plans.all())
    out.rows.push_back({text(plan_name), text(name(plan.kind)),
                        raw(plan.backend) == 0 ? none : cell{static_cast<std::int64_t>(raw(plan.backend))},
                        time(plan.created), id(plan.epoch), number(plan.moves().size()), number(plan.content->bytes),
                        number(plan.done), number(plan.skipped()), text(name(plan.state)),
                        text(message_of(from, plan_name, plan))});
  return out;
}

table_value show_plan(const catalog& cat, const saved_plan& plan) {
  auto out = empty_table(columns::saved_plan);
  for (std::uint32_t n = 0; n < plan.moves().size(); ++n) {
    const auto& move = plan.moves()[n];
    const auto* over = plan.outcomes.find(n);
    out.rows.push_back({number(n), id(move.tablet), id(move.replica), backend(move.source), path(move.source.path),
                        backend(move.target), path(move.target.path), number(move.bytes),
                        text(name(state_of(cat, plan, n))), text(over ? over->why : "")});
  }
  return out;
}

} // namespace tabletd::views
