// PLAN: what would be moved.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/cluster_config.h"
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

table_value shown(const what_if_plan& plan) {
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

} // namespace

table_value plan_of_balance(const sources& from) {
  const auto config = effective(from.cat, from.startup_config);
  balance_options options;
  options.enabled = !config.balance_disabled && !config.scheduler_disabled;
  options.paths = !config.disk_balance_disabled;
  options.score_threshold = config.load_score_threshold;
  options.moves_per_path = 0;
  options.fit = config.fit();
  return shown(plan_balance(from.cat, from.cluster, options, {}));
}

table_value plan_without(const sources& from, backend_id backend, fate what) {
  const auto limits = effective(from.cat, from.startup_config).fit();
  return shown(model::plan_without(from.cat, from.cluster, limits, backend, what));
}

} // namespace tabletd::views
