#include "actors/model/repair_queue.h"
#include <algorithm>
#include <array>
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
  const auto rank = static_cast<turn_key>(repair_priority::very_high) - static_cast<turn_key>(s.entry.dynamic);
  return rank << visit_bits | std::get<turn>(s.where).visit;
}

std::optional<time_ms> repair_queue::rises_at(const queue_entry& e) {
  if (adjusted(e.dynamic, e.what.priority, true) == e.dynamic)
    return std::nullopt;
  const auto spaced = std::max(e.last_adjusted, e.created) + adjust_spacing;
  const auto waited = std::max(e.last_scheduled, e.created) + unscheduled_max + time_ms{1};
  return std::max(spaced, waited);
}

void repair_queue::enter(slot& s) {
  const auto tablet = s.entry.tablet;
  std::visit(overloaded{
               [&](const waiting&) { waiting_.emplace(s.entry.ready_at, tablet); },
               [&](const turn&) {
                 const auto key = key_of(s);
                 auto& of = s.entry.waits_for.empty() ? awake_ : asleep_;
                 s.at = of.emplace_hint(of.end(), key, &s); // Most have the lowest priority there is.
                 for (const auto& at : s.entry.waits_for) {
                   auto& here = sleepers_[at];
                   s.beds.push_back({&here, here.emplace_hint(here.end(), key, &s)});
                 }
                 if (!s.ages_at)
                   if ((s.ages_at = rises_at(s.entry)))
                     ageing_.emplace(*s.ages_at, tablet);
               },
               [&](const parked& p) { parked_.emplace(p.seen, tablet); },
             },
             s.where);
}

void repair_queue::leave(slot& s) {
  const auto tablet = s.entry.tablet;
  std::visit(overloaded{
               [&](const waiting&) { waiting_.erase({s.entry.ready_at, tablet}); },
               [&](const turn&) {
                 (s.entry.waits_for.empty() ? awake_ : asleep_).erase(s.at);
                 for (std::size_t i = 0; i < s.beds.size(); ++i) {
                   s.beds[i].of->erase(s.beds[i].at);
                   if (s.beds[i].of->empty())
                     sleepers_.erase(s.entry.waits_for[i]);
                 }
                 s.beds.clear();
               },
               [&](const parked& p) { parked_.erase({p.seen, tablet}); },
             },
             s.where);
}

// -- in and out --------------------------------------------------------------------------

const queue_entry* repair_queue::find(tablet_id tablet) const {
  const auto found = entries_.find(tablet);
  return found == entries_.end() ? nullptr : &found->second->entry;
}

void repair_queue::push(queue_entry entry, time_ms now) {
  assert(!entries_.contains(entry.tablet));
  const auto tablet = entry.tablet;
  auto& s = *entries_.emplace(tablet, std::make_unique<slot>()).first.value();
  s.entry = std::move(entry);
  if (s.entry.ready_at <= now)
    s.where = next_turn();
  enter(s);
}

void repair_queue::renew(const queue_entry& anew, time_ms ready_at, time_ms now) {
  const auto what = anew.what;
  auto& s = *entries_.at(anew.tablet);
  leave(s);
  auto& e = s.entry;
  if (e.what.priority != what.priority) {
    e.dynamic = what.priority;
    e.failed_scheduling = 0;
    e.last_adjusted = now;
  }
  if (e.what != what)
    e.waits_for.clear(); // Else the paths it waits for are as busy as before.
  e.what = what;
  e.backend_died = anew.backend_died;
  e.ready_at = ready_at;
  if (ready_at > now)
    s.where = waiting{}; // Also one that has its turn: what it is ill with now may have to wait.
  else if (!std::holds_alternative<turn>(s.where))
    s.where = next_turn();
  enter(s);
}

std::optional<queue_entry> repair_queue::take(tablet_id tablet) {
  const auto found = entries_.find(tablet);
  if (found == entries_.end())
    return std::nullopt;
  leave(*found->second);
  auto entry = std::move(found->second->entry);
  entries_.erase(found);
  return entry;
}

std::size_t repair_queue::advance(time_ms now) {
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    auto& s = *entries_.at(waiting_.begin()->second);
    leave(s);
    s.where = next_turn();
    enter(s);
  }
  std::size_t risen = 0;
  while (!ageing_.empty() && ageing_.top().first <= now) {
    const auto [when, tablet] = ageing_.top();
    ageing_.pop();
    const auto found = entries_.find(tablet);
    if (found == entries_.end() || found->second->ages_at != when)
      continue; // An entry that is gone.
    auto& s = *found->second;
    leave(s);
    s.ages_at.reset();
    if (const auto rises = rises_at(s.entry); rises && *rises <= now && std::holds_alternative<turn>(s.where)) {
      s.entry.dynamic = adjusted(s.entry.dynamic, s.entry.what.priority, true);
      s.entry.last_adjusted = now;
      ++risen;
    }
    enter(s);
  }
  return risen;
}

// -- taking turns ------------------------------------------------------------------------

const queue_entry* repair_queue::first_of(std::span<const turns* const> sets, std::uint64_t round) {
  constexpr turn_key visits = (turn_key{1} << visit_bits) - 1;
  const turns::value_type* first = nullptr;
  for (const auto* set : sets) {
    auto at = set->begin();
    // Of a priority whose first one was visited in this round, all were.
    while (at != set->end() && (at->first & visits) > round)
      at = set->upper_bound(at->first | visits);
    if (at != set->end() && (!first || at->first < first->first))
      first = &*at;
  }
  return first ? &first->second->entry : nullptr;
}

const queue_entry* repair_queue::next(std::uint64_t round) const {
  return first_of(std::array{&awake_, &asleep_}, round);
}

const queue_entry* repair_queue::next(std::uint64_t round, std::span<const place> freed) const {
  assert(freed.size() <= freed_max);
  std::array<const turns*, freed_max + 1> sets{&awake_};
  std::size_t used = 1;
  for (const auto& at : freed)
    if (const auto here = sleepers_.find(at); here != sleepers_.end())
      sets[used++] = &here->second;
  return first_of(std::span{sets}.first(used), round);
}

const queue_entry* repair_queue::next_parked(generation now_at) const {
  if (parked_.empty() || parked_.begin()->first >= now_at)
    return nullptr;
  return &entries_.at(parked_.begin()->second)->entry;
}

bool repair_queue::end_turn(slot& s, time_ms now) {
  auto& e = s.entry;
  e.last_scheduled = e.last_visited = now;
  s.where = next_turn();
  if (++e.failed_scheduling <= failures_tolerated || now - std::max(e.last_adjusted, e.created) < adjust_spacing)
    return false;
  const auto before = std::exchange(e.dynamic, adjusted(e.dynamic, e.what.priority, false));
  e.failed_scheduling = 0;
  e.last_adjusted = now;
  return e.dynamic != before;
}

bool repair_queue::visited(tablet_id tablet, std::string message, std::vector<place> waits_for, time_ms now) {
  auto& s = *entries_.at(tablet);
  leave(s);
  s.entry.message = std::move(message);
  s.entry.waits_for = std::move(waits_for);
  const bool fell = end_turn(s, now);
  enter(s);
  return fell;
}

bool repair_queue::visited_in_vain(tablet_id tablet, time_ms now) {
  auto& s = *entries_.at(tablet);
  leave(s);
  const bool fell = end_turn(s, now);
  enter(s);
  return fell;
}

void repair_queue::rest(tablet_id tablet, std::string message, time_ms until, time_ms now) {
  auto& s = *entries_.at(tablet);
  leave(s);
  s.entry.last_scheduled = s.entry.last_visited = now;
  s.entry.message = std::move(message);
  s.entry.waits_for.clear();
  s.entry.ready_at = until;
  s.where = waiting{};
  enter(s);
}

void repair_queue::park(tablet_id tablet, std::string message, generation seen, time_ms now) {
  auto& s = *entries_.at(tablet);
  leave(s);
  s.entry.last_scheduled = s.entry.last_visited = now;
  s.entry.message = std::move(message);
  s.entry.waits_for.clear();
  s.where = parked{seen};
  enter(s);
}

std::string repair_queue::broken_invariant() const {
  std::size_t rising = 0;
  std::size_t sleeping = 0;
  for (const auto& [tablet, held] : entries_) {
    const auto& s = *held;
    const bool indexed = std::visit(
      overloaded{
        [&](const waiting&) { return waiting_.contains({s.entry.ready_at, tablet}); },
        [&](const turn&) {
          const auto key = key_of(s);
          sleeping += s.entry.waits_for.size();
          return (s.entry.waits_for.empty() ? awake_ : asleep_).contains(key)
                 && std::all_of(s.entry.waits_for.begin(), s.entry.waits_for.end(), [&](const place& at) {
                      const auto here = sleepers_.find(at);
                      return here != sleepers_.end() && here->second.contains(key);
                    });
        },
        [&](const parked& p) { return parked_.contains({p.seen, tablet}); },
      },
      s.where);
    if (!indexed || s.entry.tablet != tablet)
      return "tablet " + std::to_string(raw(tablet)) + " is not where it says";
    const auto rises = std::holds_alternative<turn>(s.where) ? rises_at(s.entry) : std::nullopt;
    if (rises && (!s.ages_at || *s.ages_at > *rises))
      return "tablet " + std::to_string(raw(tablet)) + " will not rise in time";
    rising += s.ages_at ? 1 : 0;
  }
  if (waiting_.size() + awake_.size() + asleep_.size() + parked_.size() != entries_.size())
    return "a tablet is in two places at once";
  for (const auto& [at, keys] : sleepers_)
    sleeping -= keys.size();
  if (sleeping != 0)
    return "somebody waits for a path without knowing it";
  return rising <= ageing_.size() ? "" : "a priority that may rise will not be looked at";
}

} // namespace tabletd::model
