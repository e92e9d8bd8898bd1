#include "actors/model/repair_queue.h"
#include <algorithm>
#include <cassert>

namespace tabletd::model {

repair_priority adjusted(repair_priority now, repair_priority origin, bool up) {
  using priority = repair_priority;
  switch (now) {
    case priority::very_high: return up ? priority::very_high : priority::high;
    case priority::high:
      if (!up)
        return priority::normal;
      return origin == priority::low ? priority::high : priority::very_high;
    case priority::normal:
      if (up)
        return priority::high;
      return origin == priority::very_high ? priority::normal : priority::low;
    case priority::low: return up ? priority::normal : priority::low;
  }
  return now;
}

std::uint32_t delay_factor(const diagnosis& what) {
  if (what.health == tablet_health::version_incomplete)
    return 0;
  switch (what.priority) {
    case repair_priority::very_high: return 0;
    case repair_priority::high: return 1;
    case repair_priority::normal: return 2;
    case repair_priority::low: return 3;
  }
  return 0;
}

// -- the indexes -------------------------------------------------------------------------

repair_queue::turn_key repair_queue::key_of(const slot& s) {
  return {-static_cast<int>(s.entry.dynamic), std::get<turn>(s.where).visit, s.entry.tablet};
}

std::optional<time_ms> repair_queue::rises_at(const queue_entry& e) {
  if (adjusted(e.dynamic, e.what.priority, true) == e.dynamic)
    return std::nullopt;
  const auto spaced = std::max(e.last_adjusted, e.created) + adjust_spacing;
  const auto waited = std::max(e.last_scheduled, e.created) + unscheduled_max + time_ms{1};
  return std::max(spaced, waited);
}

void repair_queue::enter(const slot& s) {
  const auto tablet = s.entry.tablet;
  std::visit(overloaded{
               [&](const waiting&) { waiting_.emplace(s.entry.ready_at, tablet); },
               [&](const turn&) {
                 turns_.insert(key_of(s));
                 if (const auto rises = rises_at(s.entry))
                   ageing_.emplace(*rises, tablet);
               },
               [&](const parked& p) { parked_.emplace(p.seen, tablet); },
             },
             s.where);
}

void repair_queue::leave(const slot& s) {
  const auto tablet = s.entry.tablet;
  std::visit(overloaded{
               [&](const waiting&) { waiting_.erase({s.entry.ready_at, tablet}); },
               [&](const turn&) {
                 turns_.erase(key_of(s));
                 if (const auto rises = rises_at(s.entry))
                   ageing_.erase({*rises, tablet});
               },
               [&](const parked& p) { parked_.erase({p.seen, tablet}); },
             },
             s.where);
}

// -- in and out --------------------------------------------------------------------------

const queue_entry* repair_queue::find(tablet_id tablet) const {
  const auto found = entries_.find(tablet);
  return found == entries_.end() ? nullptr : &found->second.entry;
}

void repair_queue::push(queue_entry entry, time_ms now) {
  assert(!entries_.contains(entry.tablet));
  const auto tablet = entry.tablet;
  auto& s = entries_[tablet];
  s.entry = std::move(entry);
  if (s.entry.ready_at <= now)
    s.where = next_turn();
  enter(s);
}

void repair_queue::renew(const queue_entry& anew, time_ms ready_at, time_ms now) {
  const auto what = anew.what;
  auto& s = entries_.at(anew.tablet);
  leave(s);
  auto& e = s.entry;
  if (e.what.priority != what.priority) {
    e.dynamic = what.priority;
    e.failed_scheduling = 0;
    e.last_adjusted = now;
  }
  e.what = what;
  e.backend_died = anew.backend_died;
  e.ready_at = ready_at;
  e.waits_for.clear();
  if (!std::holds_alternative<turn>(s.where)) {
    if (ready_at <= now)
      s.where = next_turn();
    else
      s.where = waiting{};
  }
  enter(s);
}

std::optional<queue_entry> repair_queue::take(tablet_id tablet) {
  const auto found = entries_.find(tablet);
  if (found == entries_.end())
    return std::nullopt;
  leave(found->second);
  auto entry = std::move(found->second.entry);
  entries_.erase(found);
  return entry;
}

std::size_t repair_queue::advance(time_ms now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    auto& s = entries_.at(waiting_.begin()->second);
    leave(s);
    s.where = next_turn();
    enter(s);
  }
  std::size_t risen = 0;
  while (!ageing_.empty() && ageing_.begin()->first <= now) {
    auto& s = entries_.at(ageing_.begin()->second);
    leave(s);
    s.entry.dynamic = adjusted(s.entry.dynamic, s.entry.what.priority, true);
    s.entry.last_adjusted = now;
    ++risen;
    enter(s);
  }
  return risen;
}

// -- taking turns ------------------------------------------------------------------------

const queue_entry* repair_queue::next(std::uint64_t round) const {
  for (int rank = -static_cast<int>(repair_priority::very_high); rank <= 0; ++rank) {
    const auto first = turns_.lower_bound({rank, 0, tablet_id{}});
    if (first == turns_.end())
      return nullptr;
    if (std::get<int>(*first) == rank && std::get<std::uint64_t>(*first) <= round)
      return &entries_.at(std::get<tablet_id>(*first)).entry;
  }
  return nullptr;
}

const queue_entry* repair_queue::next_parked(generation now_at) const {
  if (parked_.empty() || parked_.begin()->first >= now_at)
    return nullptr;
  return &entries_.at(parked_.begin()->second).entry;
}

bool repair_queue::visited(tablet_id tablet, std::string message, std::vector<place> waits_for, time_ms now) {
  auto& s = entries_.at(tablet);
  leave(s);
  auto& e = s.entry;
  e.last_scheduled = e.last_visited = now;
  e.message = std::move(message);
  e.waits_for = std::move(waits_for);
  bool fell = false;
  if (++e.failed_scheduling > failures_tolerated && now - std::max(e.last_adjusted, e.created) >= adjust_spacing) {
    const auto lower = adjusted(e.dynamic, e.what.priority, false);
    fell = lower != e.dynamic;
    e.dynamic = lower;
    e.failed_scheduling = 0;
    e.last_adjusted = now;
  }
  s.where = next_turn();
  enter(s);
  return fell;
}

void repair_queue::rest(tablet_id tablet, std::string message, time_ms until, time_ms now) {
  auto& s = entries_.at(tablet);
  leave(s);
  s.entry.last_scheduled = s.entry.last_visited = now;
  s.entry.message = std::move(message);
  s.entry.waits_for.clear();
  s.entry.ready_at = until;
  s.where = waiting{};
  enter(s);
}

void repair_queue::park(tablet_id tablet, std::string message, generation seen, time_ms now) {
  auto& s = entries_.at(tablet);
  leave(s);
  s.entry.last_scheduled = s.entry.last_visited = now;
  s.entry.message = std::move(message);
  s.entry.waits_for.clear();
  s.where = parked{seen};
  enter(s);
}

std::string repair_queue::broken_invariant() const {
  std::size_t rising = 0;
  for (const auto& [tablet, s] : entries_) {
    const bool indexed = std::visit(
      overloaded{
        [&](const waiting&) { return waiting_.contains({s.entry.ready_at, tablet}); },
        [&](const turn&) { return turns_.contains(key_of(s)); },
        [&](const parked& p) { return parked_.contains({p.seen, tablet}); },
      },
      s.where);
    if (!indexed || s.entry.tablet != tablet)
      return "tablet " + std::to_string(raw(tablet)) + " is not where it says";
    rising += std::holds_alternative<turn>(s.where) && rises_at(s.entry) ? 1 : 0;
  }
  if (waiting_.size() + turns_.size() + parked_.size() != entries_.size())
    return "a tablet is in two places at once";
  return rising == ageing_.size() ? "" : "the ageing index has strangers";
}

} // namespace tabletd::model
