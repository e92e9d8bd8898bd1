#include "actors/model/repair_scheduler.h"
#include <algorithm>
#include <cassert>

namespace tabletd::model {

namespace {

/// A date of the log on the scheduler's own clock; never in its future.
time_ms by_own_clock(time_ms date, const sched_world& world, time_ms now) {
  return now - std::max(world.wall - date, time_ms{});
}

/// When the last of the tablet's dead backends died, if any is dead.  That is in the log, so a new
/// leader does not start the wait again (C24).
std::optional<time_ms> last_death(const tablet& t, const sched_world& world, time_ms now) {
  std::optional<time_ms> died;
  for (const auto& r : t.replicas)
    if (const auto* b = world.cat.backends.find(r.backend); b && !b->alive)
      died = std::max(died.value_or(b->changed), b->changed);
  if (died)
    died = by_own_clock(*died, world, now);
  return died;
}

/// A copy is missing because a backend is dead, and the tablet can wait for it.
bool may_return(const queue_entry& entry) {
  return entry.backend_died && entry.what.health == tablet_health::replica_missing
         && entry.what.priority <= repair_priority::normal;
}

bool takes_no_slot(const diagnosis& what) {
  return what.health == tablet_health::redundant || what.health == tablet_health::force_redundant
         || what.health == tablet_health::colocate_redundant;
}

/// The paths of this role whose slots are all in use, if no other path would do.
std::vector<place> busy_paths(const decision& d, path_role role) {
  std::vector<place> busy;
  for (const auto& verdict : d.paths) {
    if (verdict.role != role)
      continue;
    if (verdict.code == path_code::usable)
      return {};
    if (verdict.code == path_code::no_slot)
      busy.push_back(verdict.at);
  }
  return busy;
}

/// Where a slot must come free before there can be a copy, after a decision that found none.
std::vector<place> waits_for(const decision& d) {
  // A tablet has few sources, so if they are busy as well they are the better thing to wait for.
  if (auto sources = busy_paths(d, path_role::source); !sources.empty())
    return sources;
  auto targets = busy_paths(d, path_role::target);
  return targets.size() <= busy_targets_told ? targets : std::vector{any_path};
}

/// Calls take(place) for each path a copy of the tablet can be read from, whether it has a free slot
/// or not.
template <class Take>
void for_each_source(const catalog& cat, tablet_id tablet, Take&& take) {
  const auto* t = cat.tablets.find(tablet);
  if (!t || cat.orders.contains(tablet))
    return; // Nothing to copy; there is something to adopt.
  const auto visible = cat.visible_version(*t);
  for (const auto& r : t->replicas)
    if (const auto* b = cat.backends.find(r.backend); b && b->alive && complete(r, visible))
      take(place{r.backend, r.path});
}

void remember(std::vector<place>& avoid, const remedy& move) {
  const auto* clone = std::get_if<clone_move>(&move);
  if (!clone)
    return;
  avoid.push_back(clone->source);
  avoid.push_back(clone->target);
  if (avoid.size() > avoid_max)
    avoid.erase(avoid.begin(), avoid.end() - static_cast<std::ptrdiff_t>(avoid_max));
}

std::optional<place> disk_to_blame(const remedy& move, task_failure why) {
  const auto* clone = std::get_if<clone_move>(&move);
  if (clone && (why == task_failure::disk_full || why == task_failure::io))
    return clone->target;
  return std::nullopt;
}

} // namespace

time_ms retry_delay(std::uint32_t failures) {
  constexpr time_ms longest{5 * 60'000};
  if (failures == 0)
    return time_ms{0};
  return failures > 9 ? longest : std::min(longest, time_ms{1'000LL << (failures - 1)});
}

repair_scheduler::~repair_scheduler() {
  for (auto& [tablet, ctx] : running_)
    if (ctx.slots)
      slots_of(ctx.move).give_back(*std::exchange(ctx.slots, std::nullopt));
}

// -- events ------------------------------------------------------------------------------

sched_effects repair_scheduler::step(const sched_event& event, const sched_world& world, time_ms now) {
  round r{.world = world, .now = now, .effects = {}};
  const bool tick = std::holds_alternative<sched_tick>(event);
  configure(world.cat, now);
  std::visit([&](const auto& e) { on(e, r); }, event);
  counters_.upgraded += queue_.advance(now);
  if (!in_force_.scheduler_disabled)
    treat_next(r);
  publish_if_due(r, tick);
  return std::move(r.effects);
}

void repair_scheduler::on(const sched_started&, round& r) {
  r.world.cat.orders.for_each([&](tablet_id tablet, const open_order&) {
    if (!running_.contains(tablet))
      adopt(tablet, r);
  });
}

void repair_scheduler::on(const tablets_checked& e, round& r) {
  counters_.tablets_checked = e.tablets;
  counters_.check_rounds = e.rounds;
  counters_.unhealthy_found = e.unhealthy;
  for (const auto tablet : e.sick)
    examine(tablet, news::sick, r);
  for (const auto tablet : e.healed)
    examine(tablet, news::healed, r);
}

void repair_scheduler::on(const ctx_report& e, round& r) {
  const auto found = running_.find(e.tablet);
  if (found == running_.end())
    return; // Late or repeated: it has been accounted for.
  r.visits_left = visits_per_end;
  auto ctx = std::move(found->second);
  running_.erase(found);
  sick_.leave(ctx.entry.what.health);
  if (ctx.slots) {
    vacate(ctx, e, r);
  } else {
    r.freed = {drop_gate};
    --drops_running_;
  }
  if (is_balance(ctx.move))
    balance_.copy_ended(r.world.cat, e.tablet, e.result == ctx_result::finished, r.now);
  close(ctx, e, r.world.cat, r.now);

  auto entry = std::move(ctx.entry);
  if (e.result == ctx_result::finished) {
    entry.failed_running = 0;
    entry.avoid.clear();
    entry.disk_to_blame.reset();
  } else {
    ++entry.failed_running;
    if (e.result != ctx_result::cancelled)
      remember(entry.avoid, ctx.move);
    entry.disk_to_blame = disk_to_blame(ctx.move, e.failure);
  }
  entry.retry_at = r.now + retry_delay(entry.failed_running);
  const auto* t = r.world.cat.tablets.find(e.tablet);
  const auto what = t ? diagnose(r.world.cat, *t) : diagnosis{};
  queue_again(std::move(entry), what, r);
}

void repair_scheduler::on(const sched_tick&, round& r) {
  ++counters_.sched_rounds;
  r.everybody = true;
  notice_cluster(r);
  forget_idle_paths(r.now);
  end_hints(r);
  relocate_groups(r);
  balance(r);
}

// -- what is known about a tablet --------------------------------------------------------

void repair_scheduler::examine(tablet_id tablet, news said, round& r) {
  const auto& cat = r.world.cat;
  const auto found = running_.find(tablet);
  if (found != running_.end() && !may_be_pointless(found->second, said))
    return; // It is looked at again when its context ends.
  const auto* t = cat.tablets.find(tablet);
  const auto what = t ? diagnose(cat, *t) : diagnosis{};
  if (found != running_.end())
    return call_off_if_pointless(found->second, tablet, what, r);
  if (what.health == tablet_health::healthy && !cat.orders.contains(tablet))
    return forget(tablet);
  if (const auto* known = queue_.find(tablet); known && what.health != tablet_health::unrecoverable) {
    auto renewed = *known;
    renewed.what = what;
    renewed.backend_died = last_death(*t, r.world, r.now);
    return renew(renewed, known->what.health, ready_at(renewed), r.now);
  }
  auto entry = dequeue(tablet);
  queue_again(entry ? std::move(*entry) : new_entry(*t, what, r), what, r);
}

/// Told before a diagnosis, which would cost as much as the decision did: most news of a tablet
/// under treatment is of the treatment.
bool repair_scheduler::may_be_pointless(const running_ctx& ctx, news said) {
  const auto* clone = std::get_if<clone_move>(&ctx.move);
  if (!clone)
    return false;
  return clone->purpose == order_purpose::balance ? said == news::sick : said == news::healed && raw(clone->replica) == 0;
}

/// A copy that nobody needs any more, as when a backend has come back, need not be finished (9.2, C21).
void repair_scheduler::call_off_if_pointless(running_ctx& ctx, tablet_id tablet, const diagnosis& what, round& r) {
  const bool healthy = what.health == tablet_health::healthy;
  if (is_balance(ctx.move) && !healthy)
    withdraw(ctx, tablet, "the tablet has to be repaired first", r);
  else if (!is_balance(ctx.move) && healthy)
    withdraw(ctx, tablet, "the tablet is well again without it", r);
}

void repair_scheduler::queue_again(queue_entry entry, const diagnosis& what, round& r) {
  const auto tablet = entry.tablet;
  const bool adoptable = r.world.cat.orders.contains(tablet);
  unpublished_ = true;
  if (what.health == tablet_health::healthy && !adoptable)
    return forget(tablet);
  if (what.health == tablet_health::unrecoverable && !adoptable)
    return sick_.give_up(tablet); // A report, never a queue entry: nothing here can help (C6).
  sick_.hope_again(tablet);
  entry.what = what;
  if (const auto* t = r.world.cat.tablets.find(tablet))
    entry.backend_died = last_death(*t, r.world, r.now);
  entry.dynamic = what.priority;
  entry.created = r.now;
  entry.last_scheduled = entry.last_visited = entry.last_adjusted = {};
  entry.failed_scheduling = 0;
  entry.waits_for.clear();
  if (takes_no_slot(what) && !adoptable && full(drop_gate))
    entry.waits_for.push_back(drop_gate);
  entry.message.clear();
  entry.ready_at = adoptable ? entry.retry_at : ready_at(entry);
  ++counters_.submitted;
  ++counters_.submitted_by_health[static_cast<std::size_t>(what.health)];
  sick_.enter(what.health);
  queue_.push(std::move(entry), r.now);
}

void repair_scheduler::forget(tablet_id tablet) {
  unpublished_ = true;
  sick_.hope_again(tablet);
  (void) dequeue(tablet);
}

std::optional<queue_entry> repair_scheduler::dequeue(tablet_id tablet) {
  auto entry = queue_.take(tablet);
  if (entry)
    sick_.leave(entry->what.health);
  return entry;
}

void repair_scheduler::renew(const queue_entry& anew, tablet_health before, time_ms ready_at, time_ms now) {
  sick_.leave(before);
  sick_.enter(anew.what.health);
  queue_.renew(anew, ready_at, now);
}

void repair_scheduler::run(tablet_id tablet, running_ctx ctx) {
  sick_.enter(ctx.entry.what.health);
  running_.emplace(tablet, std::move(ctx));
}

time_ms repair_scheduler::ready_at(const queue_entry& entry) const {
  auto ready = std::max(entry.sick_since + options_.repair_delay_factor * delay_factor(entry.what), entry.retry_at);
  if (may_return(entry))
    ready = std::max(ready, *entry.backend_died + options_.be_down_tolerance);
  return ready;
}

queue_entry repair_scheduler::new_entry(const tablet& t, const diagnosis& what, const round& r) const {
  queue_entry entry;
  entry.tablet = t.id;
  entry.what = what;
  entry.backend_died = last_death(t, r.world, r.now);
  entry.sick_since = entry.backend_died.value_or(r.now);
  return entry;
}

// -- taking turns ------------------------------------------------------------------------

void repair_scheduler::treat_next(round& r) {
  const auto began = queue_.begin_round();
  for (; r.visits_left > 0 && r.decisions_left > 0; --r.visits_left) {
    const auto* entry = next_turn(began, r);
    if (!entry)
      entry = queue_.next_parked(generation_);
    if (!entry)
      return;
    visit(*entry, r);
  }
  // What was only found busy, or is parked, is left for the next event.  But while decisions
  // bear fruit the work goes on.
  if (r.decisions_left == 0 && r.spawned > 0)
    r.effects.emplace_back(step_again{});
}

const queue_entry* repair_scheduler::next_turn(std::uint64_t began, round& r) const {
  if (r.everybody)
    return queue_.next(began);
  // Whoever would take a target anywhere will find what the last ones found; the one that was freed
  // is for those who wait for just that.
  const bool in_vain = r.vain_left == 0;
  std::erase_if(r.freed, [&](const place& at) { return full(at) || (in_vain && at != r.freed_target); });
  if (r.freed.size() == 1 && r.freed.front() == any_path)
    r.freed.clear(); // Both its slots are taken again.
  return queue_.next(began, r.freed, in_vain ? repair_queue::among::asleep : repair_queue::among::awake_and_asleep);
}

void repair_scheduler::visit(const queue_entry& entry, round& r) {
  const auto tablet = entry.tablet;
  ++counters_.scheduled;
  note_waiting(entry, r);
  if (entry.waits_since == generation_ && all_full(entry.waits_for)) {
    ++counters_.scheduled_failed;
    counters_.downgraded += queue_.visited_in_vain(tablet, r.now) ? 1 : 0;
    return;
  }
  // Most of a large backlog can be told by its sources to have to wait, without a decision.
  if (auto busy = what_holds_up(entry, r); !busy.empty()) {
    ++counters_.scheduled_failed;
    auto message = takes_no_slot(entry.what) ? entry.message : std::string{sentence(blocker::source_slot)};
    counters_.downgraded += queue_.visited(tablet, std::move(message), std::move(busy), generation_, r.now) ? 1 : 0;
    return;
  }
  --r.decisions_left;
  carry_out(decide_now(entry, r), entry, r);
}

/// The sources, if each of them is full; of a drop the gate.
std::vector<place> repair_scheduler::what_holds_up(const queue_entry& entry, const round& r) const {
  std::vector<place> busy;
  if (takes_no_slot(entry.what)) {
    if (full(drop_gate))
      busy.push_back(drop_gate);
    return busy;
  }
  bool some_free = false; // Asked first: a list is only made for those that wait.
  for_each_source(r.world.cat, entry.tablet, [&](const place& at) { some_free |= !full(at); });
  if (!some_free)
    for_each_source(r.world.cat, entry.tablet, [&](const place& at) { busy.push_back(at); });
  return busy;
}

bool repair_scheduler::full(const place& at) const {
  if (at == drop_gate)
    return drops_running_ >= drops_running_max;
  return at != any_path && slots_.available(at) == 0;
}

bool repair_scheduler::all_full(const std::vector<place>& places) const {
  return !places.empty() && std::all_of(places.begin(), places.end(), [this](const place& at) { return full(at); });
}

const load_scores& repair_scheduler::scores_now(const round& r) {
  if (!scores_ || r.now - scores_at_ >= scores_max_age) {
    scores_.emplace(r.world.cat, r.world.cluster, slots_, &balance_slots_);
    scores_at_ = r.now;
  }
  return *scores_;
}

decision repair_scheduler::decide_now(const queue_entry& entry, round& r) {
  return decide({.cat = r.world.cat,
                 .cluster = r.world.cluster,
                 .slots = slots_,
                 .fit = options_.fit,
                 .avoid = entry.avoid,
                 .failures = entry.failed_running,
                 .disk_to_blame = entry.disk_to_blame,
                 .every_path = false,
                 .scores = &scores_now(r),
                 .other_slots = &balance_slots_},
                entry.tablet);
}

/// The tablet has fallen ill with something else since it was looked at, and for that it is not
/// its time yet: a scheduler that is faster than its checker must not forget the tolerance.
bool repair_scheduler::must_wait(const decision& d, const queue_entry& entry, round& r) {
  const auto* t = r.world.cat.tablets.find(entry.tablet);
  if (!t || entry.what == d.what)
    return false;
  auto anew = entry;
  anew.what = d.what;
  anew.backend_died = last_death(*t, r.world, r.now);
  const auto ready = ready_at(anew);
  if (ready <= r.now)
    return false;
  renew(anew, entry.what.health, ready, r.now);
  return true;
}

void repair_scheduler::carry_out(const decision& d, const queue_entry& entry, round& r) {
  unpublished_ = true;
  const auto tablet = entry.tablet;
  if (d.blocked == blocker::order_open)
    return adopt(tablet, r);
  if (std::holds_alternative<clone_move>(d.move) && must_wait(d, entry, r))
    return;
  if (std::holds_alternative<drop_move>(d.move) && full(drop_gate)) {
    ++counters_.scheduled_failed; // One that nobody could foresee: what_holds_up() knows the others.
    counters_.downgraded += queue_.visited(tablet, sentence(d), {drop_gate}, generation_, r.now) ? 1 : 0;
    return;
  }
  if (!std::holds_alternative<leave_alone>(d.move))
    return start(d, tablet, r);
  if (d.blocked == blocker::none || d.blocked == blocker::tablet_unknown) {
    ++counters_.discarded;
    return forget(tablet); // It got well, or it is gone.
  }
  if (d.blocked == blocker::unrecoverable) {
    ++counters_.discarded;
    (void) dequeue(tablet);
    return sick_.give_up(tablet);
  }
  give_up_for_now(d, tablet, r);
}

void repair_scheduler::give_up_for_now(const decision& d, tablet_id tablet, round& r) {
  ++counters_.scheduled_failed;
  if (d.blocked == blocker::target_slot && !r.everybody && r.vain_left > 0 && --r.vain_left == 0)
    r.visits_left = std::min(r.visits_left, visits_after_vain + 1); // And this one.
  if (waits_for_slot(d.blocked))
    counters_.downgraded += queue_.visited(tablet, sentence(d), waits_for(d), generation_, r.now) ? 1 : 0;
  else if (waits_for_time(d.blocked))
    queue_.rest(tablet, sentence(d), r.now + look_again_after, r.now);
  else
    queue_.park(tablet, sentence(d), generation_, r.now);
}

void repair_scheduler::start(const decision& d, tablet_id tablet, round& r, std::string_view because) {
  auto queued = dequeue(tablet);
  running_ctx ctx{.entry = queued ? std::move(*queued) : new_entry(*r.world.cat.tablets.find(tablet), d.what, r),
                  .move = d.move,
                  .slots = {},
                  .timeout = drop_timeout,
                  .started = r.now};
  ctx.entry.what = d.what;
  ctx.entry.last_scheduled = ctx.entry.last_visited = r.now;
  ctx.entry.message = because.empty() ? sentence(d) : sentence(d) + ": " + std::string{because};
  if (const auto* clone = std::get_if<clone_move>(&d.move)) {
    occupy(ctx, r.now);
    ctx.timeout = clone_timeout(clone->bytes);
    if (scores_)
      scores_->add(clone->target.backend, clone->bytes);
    ++counters_.clones;
  } else {
    ++drops_running_;
  }
  ++counters_.scheduled_ok;
  ++r.spawned;
  auto life = new_ctx(r.world.cat, tablet, d, ctx.entry.message);
  run(tablet, std::move(ctx));
  r.effects.emplace_back(spawn_ctx{std::move(life)});
}

bool repair_scheduler::is_balance(const remedy& move) {
  const auto* clone = std::get_if<clone_move>(&move);
  return clone && clone->purpose == order_purpose::balance;
}

void repair_scheduler::adopt(tablet_id tablet, round& r) {
  const auto& order = *r.world.cat.orders.find(tablet);
  auto life = adopted_ctx(r.world.cat, order);
  const auto& move = std::get<clone_move>(life.move);
  auto entry = dequeue(tablet);
  running_ctx ctx{.entry = entry ? std::move(*entry)
                                 : new_entry(*r.world.cat.tablets.find(tablet), life.what, r),
                  .move = life.move,
                  .slots = {},
                  .timeout = clone_timeout(move.bytes),
                  .started = r.now,
                  .adopted = true};
  occupy(ctx, r.now);
  ctx.entry.what = life.what;
  ctx.entry.created = by_own_clock(order.at, r.world, r.now);
  ctx.entry.last_scheduled = ctx.entry.last_visited = r.now;
  if (is_balance(life.move))
    balance_.adopted(r.world.cat, order);
  ++counters_.clones;
  ++counters_.scheduled_ok;
  ++r.spawned;
  unpublished_ = true;
  run(tablet, std::move(ctx));
  r.effects.emplace_back(spawn_ctx{std::move(life)});
}

} // namespace tabletd::model
