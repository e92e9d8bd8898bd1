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
                 if (s.itself.empty())
                   s.itself.push_back(&s);
                 s.at = s.itself.begin();
                 auto& here = of(s)[s.rank()];
                 here.splice(here.end(), s.itself);
                 for (const auto& at : s.entry.waits_for) {
                   auto& room = sleepers_[at];
                   auto& end = room[s.rank()];
                   s.beds.push_back({&room, end.insert(end.end(), &s)});
                 }
                 watch(s);
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
                 s.itself.splice(s.itself.end(), of(s)[s.rank()], s.at);
                 for (std::size_t i = 0; i < s.beds.size(); ++i) {
                   auto& room = *s.beds[i].of;
                   room[s.rank()].erase(s.beds[i].at);
                   if (std::all_of(room.begin(), room.end(), [](const line& l) { return l.empty(); }))
                     sleepers_.erase(s.entry.waits_for[i]);
                 }
                 s.beds.clear();
               },
               [&](const parked& p) { parked_.erase({p.seen, tablet}); },
             },
             s.where);
}

void repair_queue::watch(slot& s) {
  if (s.ages_at)
    return;
  s.ages_at = rises_at(s.entry);
  if (s.ages_at)
    ageing_.emplace(*s.ages_at, s.entry.tablet);
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
  auto& e = s.entry;
  if (e.what == what && ready_at <= now && std::holds_alternative<turn>(s.where)) {
    e.backend_died = anew.backend_died; // It keeps its turn, and the paths it waits for are as busy as before.
    e.ready_at = ready_at;
    return;
  }
  leave(s);
  if (e.what.priority != what.priority) {
    e.dynamic = what.priority;
    e.failed_scheduling = 0;
    e.last_adjusted = now;
  }
  if (e.what != what)
    e.waits_for.clear();
  e.what = what;
  e.backend_died = anew.backend_died;
  e.ready_at = ready_at;
  if (ready_at > now)
    s.where = waiting{}; // Also one that has its turn: what it is ill with now may have to wait.
  else
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
    s.ages_at.reset();
    if (!std::holds_alternative<turn>(s.where))
      continue; // Looked after again when it takes its turn.
    if (const auto rises = rises_at(s.entry); rises && *rises <= now) {
      leave(s);
      s.entry.dynamic = adjusted(s.entry.dynamic, s.entry.what.priority, true);
      s.entry.last_adjusted = now;
      s.where = next_turn();
      enter(s);
      ++risen;
    } else {
      watch(s);
    }
  }
  return risen;
}

// -- taking turns ------------------------------------------------------------------------

const queue_entry* repair_queue::first_of(std::span<const lines* const> sets, std::uint64_t round) {
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const slot* first = nullptr;
    for (const auto* set : sets) {
      const auto& here = (*set)[rank];
      // If the first one was visited in this round, all were.
      if (!here.empty() && here.front()->visit() <= round && (!first || here.front()->visit() < first->visit()))
        first = here.front();
    }
    if (first)
      return &first->entry;
  }
  return nullptr;
}

const queue_entry* repair_queue::next(std::uint64_t round) const {
  return first_of(std::array{&awake_, &asleep_}, round);
}

const queue_entry* repair_queue::next(std::uint64_t round, std::span<const place> freed, among whom) const {
  assert(freed.size() <= freed_max);
  std::array<const lines*, freed_max + 1> sets{&awake_};
  std::size_t used = whom == among::asleep ? 0 : 1;
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

bool repair_queue::visited(tablet_id tablet, std::string message, std::vector<place> waits_for, generation seen,
                           time_ms now) {
  auto& s = *entries_.at(tablet);
  leave(s);
  s.entry.message = std::move(message);
  s.entry.waits_for = std::move(waits_for);
  s.entry.waits_since = seen;
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

std::string repair_queue::broken(const lines& of, std::size_t& members) {
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    std::uint64_t last = 0;
    for (const auto* s : of[rank]) {
      if (!std::holds_alternative<turn>(s->where) || s->rank() != rank || s->visit() <= last)
        return "tablet " + std::to_string(raw(s->entry.tablet)) + " stands in the wrong line, or not at its end";
      last = s->visit();
    }
    members += of[rank].size();
  }
  return "";
}

std::string repair_queue::broken_invariant() const {
  std::size_t rising = 0;
  std::size_t beds = 0;
  for (const auto& [tablet, held] : entries_) {
    const auto& s = *held;
    const bool indexed = std::visit(
      overloaded{
        [&](const waiting&) { return waiting_.contains({s.entry.ready_at, tablet}); },
        [&](const turn&) {
          beds += s.beds.size();
          bool right = *s.at == &s && s.beds.size() == s.entry.waits_for.size();
          for (std::size_t i = 0; right && i < s.beds.size(); ++i) {
            const auto room = sleepers_.find(s.entry.waits_for[i]);
            right = room != sleepers_.end() && s.beds[i].of == &room->second && *s.beds[i].at == &s;
          }
          return right;
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
  std::size_t turns = 0;
  for (const auto* set : {&awake_, &asleep_})
    if (auto wrong = broken(*set, turns); !wrong.empty())
      return wrong;
  if (waiting_.size() + turns + parked_.size() != entries_.size())
    return "a tablet is in two places at once";
  std::size_t sleeping = 0;
  for (const auto& [at, room] : sleepers_)
    if (auto wrong = broken(room, sleeping); !wrong.empty())
      return wrong;
  if (sleeping != beds)
    return "somebody waits for a path without knowing it";
  return rising <= ageing_.size() ? "" : "a priority that may rise will not be looked at";
}

} // namespace tabletd::model
