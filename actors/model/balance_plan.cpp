// PLAN REBALANCE: rounds of balance on copies of the two snapshots until nothing is left.
#include "actors/model/balance_planner.h"
#include <algorithm>
#include <limits>
#include <map>

namespace tabletd::model {

namespace {

/// A world in which moves are done as soon as they are chosen.
struct what_if {
  catalog cat;
  cluster_view cluster;
  std::map<tablet_id, std::vector<balance_move>> moves; ///< Of each tablet, in order.

  void carry_out(const balance_move& move) {
    auto& t = *cat.tablets.edit(move.tablet);
    for (auto& r : t.replicas)
      if (r.id == move.replica) {
        r.backend = move.target.backend;
        r.path = move.target.path;
        cat.backends.edit(move.source.backend)->tablets.erase(move.tablet);
        cat.backends.edit(move.target.backend)->tablets.put(move.tablet, r.id);
      }
    if (auto* from = path(move.source))
      from->available_bytes = std::min(from->capacity_bytes, from->available_bytes + t.bytes);
    if (auto* to = path(move.target))
      to->available_bytes -= std::min(to->available_bytes, t.bytes);
    moves[move.tablet].push_back(move);
  }
  path_view* path(const place& at) {
    for (auto& p : cluster.backends.at(at.backend).paths)
      if (p.hash == at.path)
        return &p;
    return nullptr;
  }
};

/// What the chosen moves of one tablet come to.  Its replicas are all alike, so only the places
/// matter that it has left and the places it has come to: whatever happened in between is not
/// copied, and neither is what went and came back.
class tablet_change {
public:
  tablet_change(const catalog& before, const tablet& after, const std::vector<balance_move>& chosen)
      : before_(before), chosen_(chosen) {
    const auto& t = *before.tablets.find(after.id);
    for (const auto& r : t.replicas)
      if (!holds(after, {r.backend, r.path}))
        left_.push_back(r);
    for (const auto& r : after.replicas)
      if (!holds(t, {r.backend, r.path}))
        taken_.push_back({r.backend, r.path});
  }
  /// Within one backend first, then within one host, so that hosts stay apart on the way.
  [[nodiscard]] std::vector<balance_move> moves() {
    std::vector<balance_move> all;
    pair_up(all, [](const replica& r, const place& to) { return r.backend == to.backend; });
    pair_up(all, [&](const replica& r, const place& to) { return host(r.backend) == host(to.backend); });
    pair_up(all, [](const replica&, const place&) { return true; });
    return all;
  }

private:
  static bool holds(const tablet& t, const place& at) {
    return std::any_of(t.replicas.begin(), t.replicas.end(),
                       [&](const replica& r) { return place{r.backend, r.path} == at; });
  }
  const std::string& host(backend_id id) const { return before_.backends.find(id)->host; }

  template <class Alike>
  void pair_up(std::vector<balance_move>& into, Alike&& alike) {
    for (auto to = taken_.begin(); to != taken_.end();) {
      const auto from = std::find_if(left_.begin(), left_.end(), [&](const replica& r) { return alike(r, *to); });
      if (from == left_.end()) {
        ++to;
        continue;
      }
      // The move that brought it there knows why.
      auto move = *std::find_if(chosen_.rbegin(), chosen_.rend(), [&](const balance_move& m) { return m.target == *to; });
      move.replica = from->id;
      move.source = {from->backend, from->path};
      into.push_back(std::move(move));
      left_.erase(from);
      to = taken_.erase(to);
    }
  }

  const catalog& before_;
  const std::vector<balance_move>& chosen_;
  std::vector<replica> left_;
  std::vector<place> taken_;
};

/// The n-th move of a tablet goes into the n-th wave.
void put_into_waves(const catalog& before, const what_if& world, rebalance_plan& plan) {
  for (const auto& [id, chosen] : world.moves) {
    auto moves = tablet_change{before, *world.cat.tablets.find(id), chosen}.moves();
    plan.waves.resize(std::max(plan.waves.size(), moves.size()));
    for (std::size_t n = 0; n < moves.size(); ++n) {
      ++plan.moves;
      plan.bytes += moves[n].bytes;
      plan.waves[n].push_back(std::move(moves[n]));
    }
  }
}

} // namespace

rebalance_plan plan_rebalance(const balance_view& view, balance_options options, std::uint64_t seed, time_ms now,
                              std::size_t rounds_max) {
  options.moves_per_path = 0; // As if each were done at once.
  what_if world{view.cat, view.cluster, {}};
  const balance_view seen{world.cat, world.cluster, view.memory, view.paused_tables, view.paused_backends,
                          view.level_disks_of, view.paused_by};
  rebalance_plan plan;
  plan.pause = why_paused(seen, options);
  if (plan.pause.cause != pause_cause::none)
    return plan;
  balance_planner planner{options};
  const auto measure_all = [&](std::array<load_statistic, media.size()>& into) {
    for (const auto m : media)
      into[static_cast<std::size_t>(m)] = planner.statistic(m);
  };
  planner.observe(seen);
  measure_all(plan.before);
  for (std::size_t n = 0; n < rounds_max; ++n) {
    auto round = planner.next_moves(seen, std::numeric_limits<std::size_t>::max(), seed + n, now);
    plan.standing = std::move(round.standing);
    plan.finished = round.moves.empty();
    if (plan.finished)
      break;
    for (const auto& move : round.moves) {
      world.carry_out(move);
      planner.ended(world.cat, move.tablet);
    }
    planner.observe(seen);
  }
  measure_all(plan.after);
  put_into_waves(view.cat, world, plan);
  return plan;
}

} // namespace tabletd::model
