#include "actors/model/what_if.h"
#include "actors/model/load_score.h"
#include <algorithm>

namespace tabletd::model {

namespace {

/// The log index of an edit that is only imagined.
constexpr log_index imagined{~std::uint64_t{0} >> 1};

/// So many copies of one tablet a plan may take; more would be a mistake of ours.
constexpr int copies_per_tablet_max = 8;

/// Reading and writing are counted alike: a disk does one or the other.
time_ms time_for(const std::vector<planned_move>& moves) {
  std::map<place, std::uint64_t, place_less> busy;
  for (const auto& move : moves) {
    busy[move.source] += move.bytes;
    busy[move.target] += move.bytes;
  }
  std::uint64_t most = 0;
  for (const auto& [at, bytes] : busy)
    most = std::max(most, bytes);
  return time_ms{static_cast<std::int64_t>(most * 1'000 / assumed_bytes_per_second)};
}

what_if_plan finished(what_if_plan plan) {
  for (const auto& move : plan.moves)
    plan.bytes += move.bytes;
  plan.duration = time_for(plan.moves);
  return plan;
}

/// A cluster in which orders succeed the moment they are made.
class imagined_cluster {
public:
  imagined_cluster(const catalog& cat, const cluster_view& cluster, const fit_limits& fit, backend_id without)
    : cat_(cat), cluster_(cluster), fit_(fit), without_(without), scores_(cat, cluster, slots_) {}

  catalog& cat() { return cat_; }

  /// What helps the tablet until it is well or nothing does.
  void treat(tablet_id tablet, what_if_plan& plan) {
    for (int step = 0; step < copies_per_tablet_max; ++step) {
      const auto d = decide({.cat = cat_, .cluster = cluster_, .slots = slots_, .fit = fit_, .every_path = false,
                             .scores = &scores_},
                            tablet);
      if (std::holds_alternative<leave_alone>(d.move)) {
        if (d.blocked != blocker::none && d.blocked != blocker::order_open)
          plan.stuck.push_back({tablet, d.what.health, sentence(d)});
        return;
      }
      if (!carry_out(tablet, d, plan))
        return;
    }
  }

private:
  bool carry_out(tablet_id tablet, const decision& d, what_if_plan& plan) {
    if (const auto* drop = std::get_if<drop_move>(&d.move))
      return apply(cat_, {{}, replica_dropped{tablet, drop->replica, drop->reason}}, imagined).ok();
    const auto& copy = std::get<clone_move>(d.move);
    const auto* goes = raw(copy.replica) == 0 ? cat_.tablets.find(tablet)->on(without_) : nullptr;
    plan.moves.push_back({tablet, goes ? goes->id : replica_id{}, copy.source, copy.target, copy.bytes, sentence(d)});
    scores_.add(copy.target.backend, copy.bytes);
    arrive(copy.target, copy.bytes);
    return apply(cat_, {{}, clone_ordered{tablet, 0, 0, copy.source, copy.target, copy.replica, copy.version}}, imagined).ok()
           && apply(cat_, {{}, clone_ended{tablet, imagined, copy.version, ""}}, imagined).ok();
  }
  void arrive(const place& at, std::uint64_t bytes) {
    const auto seen = cluster_.backends.find(at.backend);
    if (seen == cluster_.backends.end())
      return;
    for (auto& path : seen->second.paths)
      if (path.hash == at.path)
        path.available_bytes -= std::min(path.available_bytes, bytes);
  }

  catalog cat_;
  cluster_view cluster_;
  fit_limits fit_;
  backend_id without_;
  slot_ledger slots_{~std::uint32_t{0}};
  load_scores scores_;
};

} // namespace

what_if_plan plan_without(const catalog& cat, const cluster_view& cluster, const fit_limits& fit, backend_id backend,
                          fate what) {
  what_if_plan plan;
  imagined_cluster imagine{cat, cluster, fit, backend};
  auto* gone = imagine.cat().backends.edit(backend);
  if (!gone)
    return plan;
  if (what == fate::lost)
    gone->alive = false;
  else
    gone->decommissioned = true;
  std::vector<tablet_id> tablets;
  gone->tablets.for_each([&](tablet_id id, replica_id) { tablets.push_back(id); });
  for (const auto id : tablets)
    imagine.treat(id, plan);
  return finished(std::move(plan));
}

plan_saved to_save(const what_if_plan& plan, std::string name, plan_kind kind, backend_id backend, log_index epoch) {
  plan_saved out{std::move(name), kind, backend, epoch, {}};
  for (const auto& move : plan.moves)
    if (raw(move.replica) != 0)
      out.moves.push_back({move.tablet, move.replica, move.source, move.target, move.bytes});
  return out;
}

what_if_plan plan_balance(const catalog& cat, const cluster_view& cluster, const balance_options& options, time_ms now) {
  what_if_plan plan;
  const move_memory nothing;
  const auto moves = plan_rebalance({.cat = cat, .cluster = cluster, .memory = nothing}, options, 1, now);
  for (const auto& wave : moves.waves)
    for (const auto& move : wave)
      plan.moves.push_back({move.tablet, move.replica, move.source, move.target, move.bytes, move.reason});
  if (moves.pause.cause != pause_cause::none)
    plan.stuck.push_back({{}, tablet_health::healthy, sentence(moves.pause)});
  for (const auto& standing : moves.standing)
    if (!standing.balanced)
      plan.stuck.push_back({{}, tablet_health::healthy, sentence(standing)});
  return finished(std::move(plan));
}

} // namespace tabletd::model
