// Judging a move that balance wants (spec/replica.md 5.3 and 5.4) by the rules of every copy.
#include "actors/model/placement_detail.h"

namespace tabletd::model {

namespace {

/// One wanted move under judgement.
struct patient {
  const placement_view& view;
  const tablet& t;
  const assessment& a;
};

/// The replica that shall go must be the copy's source: it is pinned (9.2, C16).
path_code judge_source(const patient& p, const wanted_move& wanted) {
  for (std::size_t i = 0; i < p.t.replicas.size(); ++i) {
    const auto& r = p.t.replicas[i];
    if (r.id != wanted.replica || place{r.backend, r.path} != wanted.source)
      continue;
    if (!p.a.replicas[i].complete)
      return p.a.replicas[i].live ? path_code::replica_incomplete : path_code::backend_dead;
    const auto* seen = p.view.cluster.find(r.backend);
    if (!seen || !seen->linked)
      return path_code::backend_unlinked;
    return p.view.slots.available(wanted.source) > 0 ? path_code::usable : path_code::no_slot;
  }
  return path_code::replica_incomplete; // It is not there any more.
}

std::optional<path_code> unfit_backend_for(const patient& p, const wanted_move& wanted, const backend& to) {
  if (const auto code = placing::unfit_backend(p.view, to))
    return code;
  if (wanted.target.backend == wanted.source.backend)
    return std::nullopt;
  if (p.t.on(to.id))
    return path_code::holds_replica;
  if (!belongs(p.a, to))
    return p.a.home ? path_code::not_in_group : path_code::other_cluster;
  for (std::size_t i = 0; i < p.t.replicas.size(); ++i) // The one that goes does not count.
    if (p.t.replicas[i].id != wanted.replica && takes(p.a, i, to))
      return path_code::same_host;
  return std::nullopt;
}

path_verdict judge_target(const patient& p, const wanted_move& wanted) {
  path_verdict verdict{path_role::target, wanted.target, path_code::path_unseen, 0, 0};
  const auto* to = p.view.cat.backends.find(wanted.target.backend);
  if (!to) {
    verdict.code = path_code::backend_dead;
    return verdict;
  }
  if (const auto code = unfit_backend_for(p, wanted, *to)) {
    verdict.code = *code;
    return verdict;
  }
  const auto* seen = p.view.cluster.find(to->id)->path(wanted.target.path);
  if (!seen || !to->has_path(wanted.target.path))
    return verdict;
  const auto room = fit(*seen, p.view.incoming_bytes(wanted.target), p.t.bytes, false, p.view.fit);
  verdict.used_ratio = room.used_ratio;
  verdict.left_bytes = room.left_bytes;
  verdict.code = !seen->online                                  ? path_code::path_offline
                 : !room.fits                                   ? path_code::too_full
                 : p.view.slots.available(wanted.target) == 0 ? path_code::no_slot
                                                                : path_code::usable;
  return verdict;
}

blocker blocked_by(path_code source, path_code target) {
  if (source == path_code::no_slot)
    return blocker::source_slot;
  if (source != path_code::usable)
    return blocker::no_source;
  switch (target) {
    case path_code::usable: return blocker::none;
    case path_code::no_slot: return blocker::target_slot;
    case path_code::backend_unlinked:
    case path_code::backend_unreported: return blocker::target_unlinked;
    case path_code::path_unseen:
    case path_code::path_offline:
    case path_code::too_full: return blocker::no_path;
    default: return blocker::no_backend;
  }
}

} // namespace

decision decide_move(const placement_view& view, tablet_id tablet, const wanted_move& wanted) {
  decision d;
  const auto* t = view.cat.tablets.find(tablet);
  if (!t) {
    d.blocked = blocker::tablet_unknown;
    return d;
  }
  const auto a = assess(view.cat, *t);
  d.what = diagnose(view.cat, *t, a);
  d.what.priority = repair_priority::low; // Whatever it is, it is not urgent (5.3).
  if (view.cat.orders.contains(tablet) || view.cat.moves.contains(tablet))
    d.blocked = blocker::order_open;
  else if (d.what.health != tablet_health::healthy)
    d.blocked = blocker::unhealthy;
  if (d.blocked != blocker::none)
    return d;
  const patient p{view, *t, a};
  d.paths.push_back({path_role::source, wanted.source, judge_source(p, wanted), 0, 0});
  d.paths.push_back(judge_target(p, wanted));
  d.blocked = blocked_by(d.paths[0].code, d.paths[1].code);
  if (d.blocked != blocker::none)
    return d;
  d.paths[0].code = d.paths[1].code = path_code::chosen;
  const bool inside = wanted.source.backend == wanted.target.backend;
  d.move = clone_move{.source_replica = wanted.replica,
                      .source = wanted.source,
                      .target = wanted.target,
                      .replica = inside ? wanted.replica : replica_id{},
                      .version = a.visible,
                      .bytes = t->bytes,
                      .purpose = order_purpose::balance,
                      .replaces = inside ? replica_id{} : wanted.replica};
  return d;
}

} // namespace tabletd::model
