// What the scheduler tells about itself: history, counters, the published view.
#include "actors/model/repair_scheduler.h"
#include <algorithm>

namespace tabletd::model {

std::string_view name(ctx_state_name state) {
  switch (state) {
    case ctx_state_name::pending: return "PENDING";
    case ctx_state_name::running: return "RUNNING";
    case ctx_state_name::finished: return "FINISHED";
    case ctx_state_name::cancelled: return "CANCELLED";
    case ctx_state_name::unexpected: return "UNEXPECTED";
  }
  return "UNKNOWN";
}

namespace {

ctx_state_name state_of(ctx_result result) {
  switch (result) {
    case ctx_result::finished: return ctx_state_name::finished;
    case ctx_result::cancelled:
    case ctx_result::failed:
    case ctx_result::timed_out: return ctx_state_name::cancelled;
    case ctx_result::unexpected: return ctx_state_name::unexpected;
  }
  return ctx_state_name::unexpected;
}

medium medium_at(const catalog& cat, const place& at) {
  if (const auto* b = cat.backends.find(at.backend))
    for (const auto& path : b->paths)
      if (path.hash == at.path)
        return path.medium;
  return medium::hdd;
}

/// From the scheduler's own clock to the wall's.
void date(ctx_row& line, time_ms ahead) {
  for (auto* time : {&line.created, &line.last_scheduled, &line.last_visited, &line.finished, &line.last_adjusted})
    if (time->count() != 0)
      *time += ahead;
}

} // namespace

void sick_register::give_up(tablet_id tablet) {
  if (hopeless_.insert(tablet).second)
    enter(tablet_health::unrecoverable);
}

void sick_register::hope_again(tablet_id tablet) {
  if (!hopeless_.empty() && hopeless_.erase(tablet) > 0)
    leave(tablet_health::unrecoverable);
}

void repair_scheduler::count_clone(const running_ctx& ctx, const ctx_report& e) {
  const auto* clone = std::get_if<clone_move>(&ctx.move);
  if (!clone)
    return;
  switch (e.result) {
    case ctx_result::finished:
      ++counters_.clones_ok;
      counters_.copied_bytes[is_balance(ctx.move) ? 1 : 0][clone->source.backend == clone->target.backend ? 1 : 0]
        += e.copied_bytes;
      for (const auto& end : {clone->source, clone->target}) {
        auto& rate = rates_[end];
        rate.bytes += e.copied_bytes;
        rate.ms += e.elapsed_ms;
      }
      break;
    case ctx_result::timed_out: ++counters_.clones_timeout; [[fallthrough]];
    default: ++counters_.clones_failed;
  }
}

void repair_scheduler::close(running_ctx& ctx, const ctx_report& e, const catalog& cat, time_ms now) {
  count_clone(ctx, e);
  auto done = std::exchange(ctx.entry.message, {});
  auto line = row(ctx, cat);
  line.state = state_of(e.result);
  line.finished = now;
  line.copied_bytes = e.copied_bytes;
  line.copy_ms = e.elapsed_ms;
  line.message = e.message.empty() ? std::move(done) : e.message;
  const bool balance = is_balance(ctx.move);
  switch (line.state) {
    case ctx_state_name::finished: ++counters_.finished, counters_.balance_finished += balance; break;
    case ctx_state_name::unexpected: ++counters_.unexpected, counters_.balance_unexpected += balance; break;
    default: ++counters_.cancelled, counters_.balance_cancelled += balance;
  }
  if (history_.size() < view_rows_max)
    history_.emplace_front();
  else
    history_.splice(history_.begin(), history_, std::prev(history_.end()));
  history_.front() = std::move(line);
  unpublished_ = true;
}

ctx_row repair_scheduler::row(const queue_entry& e, const catalog& cat) const {
  ctx_row line;
  line.tablet = e.tablet;
  line.status = e.what.health;
  line.state = ctx_state_name::pending;
  line.orig_priority = e.what.priority;
  line.dynamic_priority = e.dynamic;
  line.created = e.created;
  line.last_scheduled = e.last_scheduled;
  line.last_visited = e.last_visited;
  line.failed_scheduling = e.failed_scheduling;
  line.failed_running = e.failed_running;
  line.last_adjusted = e.last_adjusted;
  line.message = e.message;
  line.avoid = e.avoid;
  if (const auto* t = cat.tablets.find(e.tablet)) {
    line.visible = line.committed = cat.visible_version(*t);
    if (!t->replicas.empty())
      line.medium = medium_at(cat, {t->replicas.front().backend, t->replicas.front().path});
  }
  return line;
}

ctx_row repair_scheduler::row(const running_ctx& c, const catalog& cat) const {
  auto line = row(c.entry, cat);
  line.state = ctx_state_name::running;
  line.timeout = c.timeout;
  std::visit(overloaded{
               [&](const clone_move& m) {
                 line.source = m.source;
                 line.target = m.target;
                 line.purpose = m.purpose;
               },
               [&](const drop_move& m) { line.source = m.at; },
               [](const leave_alone&) {},
             },
             c.move);
  return line;
}

scheduler_view repair_scheduler::view(const sched_world& world, time_ms now) const {
  scheduler_view v;
  v.pending_total = queue_.size();
  v.running_total = running_.size();
  v.balance_running = balance_.running();
  v.balance_slots_per_path = balance_slots_.total();
  v.tablets_by_health = sick_.by_health();
  v.counters = counters_;
  v.pause = balance_.pause();
  v.standing = balance_.standing();
  for (const auto m : media)
    v.load[static_cast<std::size_t>(m)] = balance_.statistic(m);
  queue_.for_each([&](const queue_entry& e) {
    v.pending.push_back(row(e, world.cat));
    return v.pending.size() < view_rows_max;
  });
  v.slots_per_path = slots_.total();
  std::vector<tablet_id> running;
  for (const auto& [tablet, ctx] : running_)
    running.push_back(tablet);
  std::sort(running.begin(), running.end());
  for (const auto tablet : running)
    if (const auto& ctx = running_.at(tablet); ctx.slots && !is_balance(ctx.move))
      v.claims.push_back(ctx.slots->claim());
  running.resize(std::min(running.size(), view_rows_max));
  for (const auto tablet : running)
    v.running.push_back(row(running_.at(tablet), world.cat));
  v.history.assign(history_.begin(), history_.end());
  for (auto* rows : {&v.pending, &v.running, &v.history})
    for (auto& line : *rows)
      date(line, world.wall - now);
  world.cat.backends.for_each([&](backend_id id, const backend& b) {
    for (const auto& path : b.paths) {
      const place at{id, path.hash};
      const auto rate = rates_.find(at);
      const bool known = rate != rates_.end() && rate->second.ms > 0;
      v.slots.push_back({id, path.hash, slots_.available(at), slots_.total(at), balance_slots_.available(at),
                         known ? static_cast<double>(rate->second.bytes) * 1'000.0
                                   / static_cast<double>(rate->second.ms)
                               : 0.0});
    }
  });
  return v;
}

void repair_scheduler::publish_if_due(round& r, bool tick) {
  if (!unpublished_ && !tick)
    return;
  const bool due = tick || r.now - published_at_ >= view_spacing;
  if (!due)
    return; // The next tick will.
  unpublished_ = false;
  published_at_ = r.now;
  r.effects.emplace_back(publish_view{});
}

std::string repair_scheduler::broken_invariant() const {
  std::vector<slot_claim> claims;
  std::vector<slot_claim> balance_claims;
  std::size_t drops = 0;
  for (const auto& [tablet, ctx] : running_) {
    if (queue_.contains(tablet))
      return "tablet " + std::to_string(raw(tablet)) + " is queued and running at once";
    const auto* clone = std::get_if<clone_move>(&ctx.move);
    if ((clone != nullptr) != ctx.slots.has_value())
      return "tablet " + std::to_string(raw(tablet)) + " runs without its slots";
    if (clone)
      (is_balance(ctx.move) ? balance_claims : claims).push_back({clone->source, clone->target, clone->bytes});
    else
      ++drops;
  }
  if (slot_ledger::derived(pace_.usual_total(), claims, pace_.own_totals()) != slots_)
    return "the slot ledger differs from what the running contexts hold";
  if (slot_ledger::derived(balance_slots_.total(), balance_claims) != balance_slots_)
    return "the slot ledger of balance differs from what the running contexts hold";
  if (balance_.running() != balance_claims.size())
    return "the number of running balance moves is wrong";
  if (drops != drops_running_)
    return "the number of running drops is wrong";
  sick_register sick;
  queue_.for_each([&](const queue_entry& e) {
    sick.enter(e.what.health);
    return true;
  });
  for (const auto& [tablet, ctx] : running_)
    sick.enter(ctx.entry.what.health);
  auto expected = sick.by_health();
  expected[static_cast<std::size_t>(tablet_health::unrecoverable)] += sick_.hopeless();
  if (sick_.by_health() != expected)
    return "the register of the sick differs from who is";
  return queue_.broken_invariant();
}

} // namespace tabletd::model
