// What the scheduler does that no single tablet asks for: it notices that the cluster has moved,
// calls off copies, ends hints, gives buckets of colocation groups new homes, and balances.
#include "actors/model/repair_hints.h"
#include "actors/model/repair_scheduler.h"

namespace tabletd::model {

namespace {

/// Changes whenever a placement may have become possible: a backend came, went, died,
/// returned, was (un)decommissioned, (un)linked or has reported, a path went on- or offline
/// or filled up by a percent.
std::uint64_t fingerprint(const sched_world& world) {
  std::uint64_t hash = 14'695'981'039'346'656'037ULL;
  const auto mix = [&hash](std::uint64_t value) { hash = (hash ^ value) * 1'099'511'628'211ULL; };
  world.cat.backends.for_each([&](backend_id id, const backend& b) {
    mix(raw(id));
    mix((b.alive ? 1U : 0U) + (b.decommissioned ? 2U : 0U));
    mix(std::hash<std::string>{}(b.cluster));
    mix(b.paths.size());
    const auto* seen = world.cluster.find(id);
    mix(!seen ? 0 : 4U + (seen->linked ? 1U : 0U) + (seen->reported ? 2U : 0U));
    if (seen)
      for (const auto& path : seen->paths)
        mix(path.online ? 1 + static_cast<std::uint64_t>(path.used_ratio() * 100) : 0);
  });
  return hash;
}

} // namespace

void repair_scheduler::relocate_groups(round& r) {
  if (groups_at_ != time_ms{} && r.now - groups_at_ < colocate_spacing)
    return;
  groups_at_ = r.now;
  if (r.world.cat.colocate_groups.empty())
    return;
  for (auto& moved : relocate_buckets(r.world.cat, r.world.cluster, scores_now(r), options_.colocate, r.world.wall))
    r.effects.emplace_back(propose_order{std::move(moved)});
}

void repair_scheduler::end_hints(round& r) {
  if (hints_at_ != time_ms{} && r.now - hints_at_ < hint_spacing)
    return;
  hints_at_ = r.now;
  for (auto& done : hints_to_end(r.world.cat, r.world.wall))
    r.effects.emplace_back(propose_order{std::move(done)});
}

void repair_scheduler::notice_cluster(round& r) {
  const auto mark = fingerprint(r.world);
  if (mark == std::exchange(cluster_mark_, mark))
    return;
  ++generation_;
  withdraw_hopeless(r);
}

/// A copy from or to a backend that has died would only be given up when its time is over (9.2, C10).
void repair_scheduler::withdraw_hopeless(round& r) {
  const auto dead = [&](backend_id id) {
    const auto* b = r.world.cat.backends.find(id);
    return !b || !b->alive;
  };
  for (auto& [tablet, ctx] : running_)
    if (const auto* clone = std::get_if<clone_move>(&ctx.move)) {
      if (dead(clone->target.backend))
        withdraw(ctx, tablet, "the backend it was copied to has died", r);
      else if (dead(clone->source.backend))
        withdraw(ctx, tablet, "the backend it was copied from has died", r);
    }
}

void repair_scheduler::withdraw(running_ctx& ctx, tablet_id tablet, std::string why, round& r) {
  if (!std::exchange(ctx.withdrawn, true))
    r.effects.emplace_back(withdraw_ctx{tablet, std::move(why)});
}

// -- settings ----------------------------------------------------------------------------

balance_driver_options driver_options(const scheduler_options& options) {
  auto balance = options.balance;
  balance.rules.fit = options.fit;
  balance.rules.moves_per_path = options.balance_slots_per_path;
  return balance;
}

pace_limits pace_options(const scheduler_options& options) {
  return {options.adaptive_slots, options.slots_per_path, options.slots_per_path_max};
}

cluster_config config_of(const scheduler_options& options) {
  cluster_config config;
  config.slots_per_path = options.slots_per_path;
  config.balance_slots_per_path = options.balance_slots_per_path;
  config.adaptive_slots = options.adaptive_slots;
  config.slots_per_path_max = options.slots_per_path_max;
  config.repair_delay_factor = options.repair_delay_factor;
  config.backend_down_tolerated = options.be_down_tolerance;
  config.balance_disabled = !options.balance.rules.enabled;
  config.colocate_balance_disabled = !options.colocate.enabled;
  config.load_score_threshold = options.balance.rules.score_threshold;
  config.balancing_tablets_max = options.balance.moves_max;
  config.set_fit(options.fit);
  config.colocate_relocate_delay = options.colocate.relocate_delay;
  return config;
}

void repair_scheduler::configure(const catalog& cat, time_ms at) {
  if (cat.config.is_same_as(config_seen_))
    return;
  config_seen_ = cat.config;
  const auto now = effective(cat, startup_);
  if (now == std::exchange(in_force_, now))
    return;
  ++generation_; // What was parked may be possible under other limits.
  options_.repair_delay_factor = now.repair_delay_factor;
  options_.be_down_tolerance = now.backend_down_tolerated;
  options_.fit = now.fit();
  options_.colocate = {!now.colocate_balance_disabled, now.colocate_relocate_delay};
  set_pace({now.adaptive_slots, static_cast<std::uint32_t>(now.slots_per_path),
            static_cast<std::uint32_t>(now.slots_per_path_max)}, at);
  balance_slots_.set_total(static_cast<std::uint32_t>(now.balance_slots_per_path));
  auto rules = options_.balance.rules;
  rules.enabled = !now.balance_disabled && !now.scheduler_disabled;
  rules.paths = !now.disk_balance_disabled;
  rules.score_threshold = now.load_score_threshold;
  rules.moves_per_path = static_cast<std::uint32_t>(now.balance_slots_per_path);
  rules.fit = now.fit();
  balance_.configure(rules, now.balancing_tablets_max);
}

// -- balance -----------------------------------------------------------------------------

void repair_scheduler::balance(round& r) {
  for (const auto& wanted : balance_.due(r.world.cat, r.world.cluster, r.world.wall, r.now)) {
    decision d;
    if (running_.contains(wanted.tablet) || queue_.contains(wanted.tablet))
      d.blocked = queue_.contains(wanted.tablet) ? blocker::unhealthy : blocker::order_open;
    else
      d = decide_move({.cat = r.world.cat,
                       .cluster = r.world.cluster,
                       .slots = balance_slots_,
                       .fit = options_.fit,
                       .other_slots = &slots_},
                      wanted.tablet, {wanted.replica, wanted.source, wanted.target});
    if (d.blocked != blocker::none) {
      balance_.rejected(r.world.cat, wanted.tablet, d, r.now);
      continue;
    }
    ++counters_.balance_scheduled;
    counters_.path_moves_scheduled += wanted.source.backend == wanted.target.backend ? 1 : 0;
    balance_.begun(wanted.tablet, r.now);
    start(d, wanted.tablet, r, wanted.reason);
  }
  if (auto skipped = balance_.take_skipped())
    r.effects.emplace_back(propose_order{std::move(*skipped)});
}

} // namespace tabletd::model
