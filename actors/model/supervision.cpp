#include "actors/model/supervision.h"
#include <algorithm>

namespace tabletd::model {

namespace {

constexpr child_key no_child{};

bool is_live(const child_life& child) {
  return child.phase == child_phase::running || child.phase == child_phase::stopping;
}

bool wants_restart(restart when, exit_kind why) {
  switch (when) {
    case restart::permanent:
      return true;
    case restart::transient:
      return why == exit_kind::abnormal;
    case restart::temporary:
      return false;
  }
  return false;
}

/// Whether a sibling that a regroup stops is started again.
bool returns_with_group(const child_life& child) {
  return child.when != restart::temporary && child.phase != child_phase::ended && !child.is_unwanted;
}

time_ms delay_of(const backoff& how, std::uint32_t streak) {
  time_ms delay = how.first;
  for (std::uint32_t i = 1; i < streak && delay < how.max; ++i)
    delay *= 2;
  return std::min(delay, how.max);
}

child_key first_of_group(const supervisor_life& life, child_key crashed) {
  return life.spec.how == strategy::one_for_all ? life.children.begin()->first : crashed;
}

/// One event's work on one supervisor.
class turn {
public:
  turn(supervisor_life& life, time_ms now) : life_(life), now_(now) {}
  supervision_effects take() { return std::move(effects_); }

  void operator()(const supervisor_begun&) {
    life_.has_begun = true;
    for (auto& [key, child] : life_.children)
      enter(key, child, child_phase::waiting);
  }

  void operator()(const child_admitted& e) {
    if (auto* child = find(e.child))
      enter(e.child, *child, child_phase::waiting);
  }

  void operator()(const child_started& e) {
    auto* child = answered(e.child);
    if (!child)
      return;
    child->born = now_;
    enter(e.child, *child, child_phase::running);
    if (child->is_unwanted)
      stop(e.child, *child);
  }

  void operator()(const child_not_started& e) {
    auto* child = answered(e.child);
    if (!child)
      return;
    const bool is_first = child->starts == 1;
    if (child->is_unwanted || (child->is_dynamic && is_first))
      return forget(e.child);
    if (life_.is_ending)
      return end(e.child, *child, exit_kind::abnormal);
    crashed(e.child, *child, exit_kind::abnormal);
  }

  void operator()(const child_exited& e) {
    auto* child = find(e.child);
    if (!child || !is_live(*child))
      return; // A late word about an earlier incarnation.
    const bool was_asked = child->phase == child_phase::stopping;
    const bool is_collateral = life_.regroup_from && e.child >= *life_.regroup_from;
    if (child->is_unwanted)
      return forget(e.child);
    if (life_.is_ending)
      return end(e.child, *child, was_asked ? exit_kind::normal : e.how);
    if (!was_asked && !is_collateral)
      return crashed(e.child, *child, e.how);
    if (returns_with_group(*child))
      return enter(e.child, *child, child_phase::waiting);
    end(e.child, *child, exit_kind::normal);
  }

  void operator()(const child_unwanted& e) {
    auto* child = find(e.child);
    if (!child)
      return;
    child->is_unwanted = true;
    if (child->phase == child_phase::running)
      stop(e.child, *child);
    else if (child->phase != child_phase::stopping && life_.starting != e.child)
      forget(e.child);
  }

  void operator()(const supervisor_woke&) {
    if (life_.armed && now_ >= *life_.armed)
      life_.armed.reset();
    while (!life_.due.empty() && life_.due.begin()->first <= now_) {
      const auto key = life_.due.begin()->second;
      life_.due.erase(life_.due.begin());
      auto* child = find(key);
      if (!child)
        continue; // A regroup's delay; advance() sees that it is over.
      child->due = {};
      if (child->phase == child_phase::stopping)
        effects_.emplace_back(kill_child_effect{key});
      else
        enter(key, *child, child_phase::waiting);
    }
  }

  void operator()(const shutdown_asked&) { begin_ending(); }

  /// Whatever the event was: go on with what is under way.
  void advance() {
    if (life_.is_ending) {
      if (!stop_next(no_child) && !life_.starting) {
        life_.has_quit = true;
        effects_.emplace_back(quit_effect{life_.is_escalating});
        return;
      }
    } else if (life_.regroup_from && !stop_next(*life_.regroup_from) && now_ >= life_.regroup_not_before) {
      life_.regroup_from.reset();
    }
    start_next();
    arm();
  }

private:
  child_life* find(child_key key) {
    const auto at = life_.children.find(key);
    return at == life_.children.end() ? nullptr : &at->second;
  }

  child_life* answered(child_key key) {
    if (life_.starting != key)
      return nullptr;
    life_.starting.reset();
    return find(key);
  }

  /// Moves a child to a phase and keeps the indexes true.
  void enter(child_key key, child_life& child, child_phase phase, time_ms due = {}) {
    if (child.due != time_ms{})
      life_.due.erase({child.due, key});
    child.due = due;
    if (due != time_ms{})
      life_.due.insert({due, key});
    child.phase = phase;
    auto& live = child.is_dynamic ? life_.live_dynamic : life_.live;
    if (is_live(child))
      live.insert(key);
    else
      live.erase(key);
    if (phase == child_phase::waiting)
      life_.waiting.insert(key);
    else
      life_.waiting.erase(key);
  }

  void forget(child_key key) {
    if (auto* child = find(key)) {
      enter(key, *child, child_phase::ended);
      life_.children.erase(key);
      effects_.emplace_back(forget_child_effect{key});
    }
  }

  void end(child_key key, child_life& child, exit_kind how) {
    if (child.is_dynamic)
      return forget(key);
    child.ended_how = how;
    enter(key, child, child_phase::ended);
  }

  void stop(child_key key, child_life& child) {
    if (child.shutdown == time_ms{}) {
      enter(key, child, child_phase::stopping);
      effects_.emplace_back(kill_child_effect{key});
      return;
    }
    enter(key, child, child_phase::stopping, now_ + child.shutdown);
    effects_.emplace_back(stop_child_effect{key});
  }

  void crashed(child_key key, child_life& child, exit_kind how) {
    const auto plan = plan_restart(life_, key, how, now_);
    if (plan.escalate) {
      end(key, child, exit_kind::abnormal);
      life_.is_escalating = true;
      return begin_ending();
    }
    if (plan.start.empty())
      return end(key, child, how);
    if (life_.spec.how == strategy::one_for_one) {
      if (plan.delay == time_ms{})
        return enter(key, child, child_phase::waiting);
      return enter(key, child, child_phase::backing_off, now_ + plan.delay);
    }
    enter(key, child, child_phase::waiting);
    const auto from = first_of_group(life_, key);
    life_.regroup_from = life_.regroup_from ? std::min(*life_.regroup_from, from) : from;
    life_.regroup_not_before = std::max(life_.regroup_not_before, now_ + plan.delay);
    if (life_.regroup_not_before > now_)
      life_.due.insert({life_.regroup_not_before, no_child});
  }

  void begin_ending() {
    life_.is_ending = true;
    life_.regroup_from.reset();
    std::vector<child_key> idle;
    for (auto& [key, child] : life_.children)
      if (!is_live(child) && child.phase != child_phase::ended && life_.starting != key)
        idle.push_back(key);
    for (const auto key : idle)
      end(key, *find(key), exit_kind::normal);
  }

  /// Stops the dynamic children from `from` on together, then the static ones last to first,
  /// each awaited.  False once none of them lives.
  bool stop_next(child_key from) {
    const auto first = life_.live_dynamic.lower_bound(from);
    if (first != life_.live_dynamic.end()) {
      const std::vector<child_key> together(first, life_.live_dynamic.end());
      for (const auto key : together)
        if (auto& child = *find(key); child.phase == child_phase::running)
          stop(key, child);
      return true;
    }
    if (life_.live.empty() || *life_.live.rbegin() < from)
      return false;
    const auto last = *life_.live.rbegin();
    if (auto& child = *find(last); child.phase == child_phase::running)
      stop(last, child);
    return true;
  }

  /// One at a time: if it fails, its successors must not have been started.
  void start_next() {
    if (life_.is_ending || life_.regroup_from || life_.starting || life_.waiting.empty())
      return;
    const auto key = *life_.waiting.begin();
    life_.starting = key;
    ++find(key)->starts;
    effects_.emplace_back(start_child_effect{key});
  }

  void arm() {
    if (life_.due.empty())
      return;
    const auto at = life_.due.begin()->first;
    if (life_.armed && *life_.armed <= at)
      return;
    life_.armed = at;
    effects_.emplace_back(wake_effect{at});
  }

  supervisor_life& life_;
  time_ms now_;
  supervision_effects effects_;
};

} // namespace

restart_plan plan_restart(supervisor_life& life, child_key child, exit_kind why, time_ms now) {
  auto& crashed = life.children.at(child);
  if (!wants_restart(crashed.when, why))
    return {};
  while (!life.restarts.empty() && life.restarts.front() + life.spec.window < now)
    life.restarts.pop_front();
  life.restarts.push_back(now);
  restart_plan plan;
  if (life.restarts.size() > life.spec.restarts_max) {
    plan.escalate = true;
    for (auto at = life.children.rbegin(); at != life.children.rend(); ++at)
      if (at->first != child && is_live(at->second))
        plan.stop.push_back(at->first);
    return plan;
  }
  const bool has_lived_long = crashed.phase == child_phase::running && now - crashed.born >= life.spec.backoff.reset_after;
  crashed.streak = has_lived_long ? 1 : crashed.streak + 1;
  plan.delay = delay_of(life.spec.backoff, crashed.streak);
  if (life.spec.how == strategy::one_for_one) {
    plan.start.push_back(child);
    return plan;
  }
  for (auto at = life.children.lower_bound(first_of_group(life, child)); at != life.children.end(); ++at) {
    if (at->first == child || returns_with_group(at->second))
      plan.start.push_back(at->first);
    if (at->first != child && is_live(at->second))
      plan.stop.push_back(at->first);
  }
  std::reverse(plan.stop.begin(), plan.stop.end());
  return plan;
}

child_key add_child(supervisor_life& life, restart when, time_ms shutdown) {
  const auto key = child_key{life.next_key++};
  child_life child;
  child.when = when;
  child.shutdown = shutdown;
  child.is_dynamic = life.has_begun;
  // Not in the index yet: it starts with supervisor_begun or child_admitted.
  life.children.emplace(key, child);
  return key;
}

supervision_effects step(supervisor_life& life, const supervision_event& event, time_ms now) {
  if (life.has_quit)
    return {};
  turn at{life, now};
  std::visit(at, event);
  at.advance();
  return at.take();
}

} // namespace tabletd::model
