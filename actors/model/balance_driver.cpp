#include "actors/model/balance_driver.h"
#include "actors/model/cluster_config.h"
#include <algorithm>
#include <charconv>
#include <optional>

namespace tabletd::model {

namespace {

/// "table:10005" -> 10005, if the scope begins so.
std::optional<std::uint64_t> id_in(std::string_view scope, std::string_view kind) {
  if (!scope.starts_with(kind))
    return std::nullopt;
  const auto digits = scope.substr(kind.size());
  std::uint64_t id = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  return failure == std::errc{} && end == digits.data() + digits.size() ? std::optional{id} : std::nullopt;
}

/// What operators have paused or asked for and is not over yet.
void read_orders(balance_view& view, time_ms wall) {
  if (const auto asked = disk_rebalance_of(view.cat, wall))
    view.cat.backends.for_each([&](backend_id id, const backend&) {
      if (asked->covers(id))
        view.level_disks_of.insert(id);
    });
  for (const auto& [scope, pause] : view.cat.pauses.all()) {
    if (pause.until <= wall)
      continue;
    if (const auto table = id_in(scope, "table:"))
      view.paused_tables.insert(table_id{*table});
    else if (const auto backend = id_in(scope, "backend:"))
      view.paused_backends.insert(backend_id{*backend});
    else
      view.paused_by = "by " + pause.owner + (pause.reason.empty() ? "" : " (" + pause.reason + ')');
  }
}

} // namespace

balance_driver::balance_driver(balance_driver_options options)
  : options_(options), planner_(options.rules), memory_(options.rest) {}

void balance_driver::configure(const balance_options& rules, std::size_t moves_max) {
  options_.rules = rules;
  options_.moves_max = moves_max;
  planner_.set_options(rules);
}

std::vector<balance_move> balance_driver::due(const catalog& cat, const cluster_view& cluster, time_ms wall,
                                              time_ms now) {
  if (now - looked_at_ < balance_spacing && looked_at_ != time_ms{})
    return {};
  looked_at_ = now;
  follow(cat);
  settle(cat, now);
  memory_.forget(now);
  balance_view view{.cat = cat, .cluster = cluster, .memory = memory_};
  read_orders(view, wall);
  pause_ = why_paused(view, options_.rules);
  if (pause_.cause != pause_cause::none) {
    plan_.hold();
    standing_.clear();
    return {};
  }
  const auto limit = options_.moves_max - std::min(options_.moves_max, running_ + settling_.size());
  const auto& rules = options_.rules;
  auto planned = plan_.due(view, {.moves = limit, .per_path = rules.moves_per_path, .paths = rules.paths}, now);
  auto round = planner_.next_moves(view, plan_.holds_back() ? 0 : limit, ++rounds_, now);
  standing_ = std::move(round.standing);
  if (!plan_.holds_back())
    return std::move(round.moves);
  for (const auto& move : planned)
    planner_.adopt(cat, move);
  return planned;
}

void balance_driver::begun(tablet_id tablet, time_ms now) {
  memory_.moved(tablet, now);
  plan_.begun(tablet);
  ++running_;
}

void balance_driver::rejected(const catalog& cat, tablet_id tablet, const decision& why, time_ms now) {
  plan_.declined(tablet, why, now);
  planner_.ended(cat, tablet);
}

void balance_driver::adopted(const catalog& cat, const open_order& order) {
  ++running_;
  const auto& what = order.what;
  const auto* t = cat.tablets.find(what.tablet);
  const bool inside = what.source.backend == what.target.backend;
  planner_.adopt(cat, {.tablet = what.tablet,
                       .replica = inside ? what.replica : what.replaces,
                       .source = what.source,
                       .target = what.target,
                       .bytes = t ? t->bytes : 0,
                       .kind = inside ? balance_kind::path_load : balance_kind::backend_load,
                       .gain = 0,
                       .reason = what.why});
}

void balance_driver::copy_ended(const catalog& cat, tablet_id tablet, bool succeeded, time_ms now) {
  --running_;
  plan_.ended(tablet, succeeded, now);
  if (succeeded)
    settling_[tablet] = now;
  else
    planner_.ended(cat, tablet);
}

/// Work: what has changed since the last look.
void balance_driver::follow(const catalog& cat) {
  if (planner_.state()) // Else the first round builds it from the catalog.
    cat.tablets.for_each_difference(seen_.tablets, [&](tablet_id id, const tablet*, const tablet*) {
      planner_.refresh(cat, id);
    });
  seen_ = cat;
}

void balance_driver::settle(const catalog& cat, time_ms now) {
  for (auto at = settling_.begin(); at != settling_.end();) {
    if (cat.moves.contains(at->first))
      at->second = now;
    if (now - at->second < balance_settling) {
      ++at;
      continue;
    }
    planner_.ended(cat, at->first);
    at = settling_.erase(at);
  }
}

} // namespace tabletd::model
