#include "actors/model/slot_pace.h"
#include <algorithm>
#include <cassert>
#include <cmath>

namespace tabletd::model {

namespace {

bool pays(double more, double less, double gain = pace_gain_least) { return more > less * (1 + gain); }

} // namespace

void slot_pace::configure(pace_limits limits, time_ms now) {
  const auto before = std::exchange(limits_, limits);
  if (limits == before)
    return;
  const bool restart = limits.enabled != before.enabled || limits.start != before.start;
  for (auto path = paths_.begin(); path != paths_.end();) {
    auto& p = path->second;
    if (restart) {
      p.levels.clear();
      p.measured = 0;
    }
    set_total(p, restart ? usual_total() : p.total, now);
    path = p.running == 0 && p.levels.empty() ? paths_.erase(path) : std::next(path);
  }
}

std::uint32_t slot_pace::within_limits(std::uint32_t total) const {
  return std::clamp<std::uint32_t>(total, 1, std::max<std::uint32_t>(limits_.most, 1));
}

std::uint32_t slot_pace::usual_total() const { return limits_.enabled ? within_limits(limits_.start) : limits_.start; }

std::optional<std::uint32_t> slot_pace::own_total(const place& at) const {
  const auto found = paths_.find(at);
  if (found == paths_.end() || found->second.total == usual_total())
    return std::nullopt;
  return found->second.total;
}

std::vector<slot_total> slot_pace::own_totals() const {
  std::vector<slot_total> all;
  for (const auto& [at, path] : paths_)
    if (path.total != usual_total())
      all.push_back({at, path.total});
  return all;
}

std::optional<double> slot_pace::rate(const place& at, std::uint32_t copies) const {
  const auto found = paths_.find(at);
  if (found == paths_.end() || copies == 0 || copies > found->second.levels.size()
      || !found->second.levels[copies - 1].known)
    return std::nullopt;
  return found->second.levels[copies - 1].rate * 1'000;
}

// -- counting ----------------------------------------------------------------------------

void slot_pace::count_company(path_pace& path, time_ms now) {
  path.company_ms += path.running * static_cast<double>((now - path.counted_until).count());
  path.counted_until = now;
}

pace_mark slot_pace::begin(const place& at, time_ms now) {
  const auto [found, fresh] = paths_.try_emplace(at);
  auto& path = found->second;
  if (fresh) {
    path.total = usual_total();
    path.counted_until = path.total_since = now;
  }
  count_company(path, now);
  ++path.running;
  return {now, path.company_ms};
}

void slot_pace::end(const place& at, const paced_end& copy, time_ms now) {
  const auto found = paths_.find(at);
  assert(found != paths_.end() && found->second.running > 0);
  auto& path = found->second;
  count_company(path, now);
  --path.running;
  // One that began under another total has seen both.
  if (limits_.enabled && copy.result != paced_end::how::untold && copy.began.at < now
      && copy.began.at >= path.total_since)
    learn(path, copy, now);
  if (path.running == 0 && path.levels.empty())
    paths_.erase(found);
}

void slot_pace::note_waiting(const place& at) {
  if (const auto found = paths_.find(at); found != paths_.end())
    found->second.waited_for = true;
}

std::vector<place> slot_pace::forget_idle(time_ms now) {
  std::vector<place> changed;
  for (auto found = paths_.begin(); found != paths_.end();) {
    auto& path = found->second;
    const auto remembered = path.total < usual_total() ? pace_forgiven : pace_remembered;
    if (path.levels.empty() || now - path.measured_at < remembered) {
      ++found;
      continue;
    }
    if (path.total != usual_total())
      changed.push_back(found->first);
    path.levels.clear();
    path.measured = 0;
    set_total(path, usual_total(), now);
    found = path.running == 0 ? paths_.erase(found) : std::next(found);
  }
  return changed;
}

// -- learning ----------------------------------------------------------------------------

void slot_pace::learn(path_pace& path, const paced_end& copy, time_ms now) const {
  const auto elapsed_ms = static_cast<double>((now - copy.began.at).count());
  const double company = (path.company_ms - copy.began.company_ms) / elapsed_ms;
  const auto copies = static_cast<std::uint32_t>(std::lround(company));
  if (copy.result == paced_end::how::timed_out) {
    if (copies > 1) // Alone it did not suffer from its company.
      fail(path, copies, now);
    return;
  }
  if (copy.bytes < pace_bytes_least || std::abs(company - copies) > pace_company_blur
      || !measure(path, copies, elapsed_ms / company, copy.bytes, now))
    return;
  if (copy.path_full && copies >= path.total)
    take_step(path, copies, now);
  path.waited_for = false;
}

const slot_pace::level* slot_pace::trusted(const path_pace& path, std::uint32_t copies, time_ms now) {
  if (copies == 0 || copies > path.levels.size())
    return nullptr;
  const auto& l = path.levels[copies - 1];
  const bool old = now - l.known_at > pace_trusted_for && path.measured - l.known_by > pace_trusted_copies;
  return l.known && !old ? &l : nullptr;
}

bool slot_pace::measure(path_pace& path, std::uint32_t copies, double path_ms, std::uint64_t bytes, time_ms now) {
  if (path.levels.size() < copies)
    path.levels.resize(copies);
  ++path.measured;
  path.measured_at = now;
  auto& l = path.levels[copies - 1];
  ++l.copies;
  l.bytes += bytes;
  l.path_ms += path_ms;
  if (l.copies < std::max(pace_batch_least, copies * pace_batch_per_slot))
    return false;
  conclude(path, copies, now);
  return true;
}

void slot_pace::conclude(path_pace& path, std::uint32_t copies, time_ms now) {
  auto& l = path.levels[copies - 1];
  const double rate = static_cast<double>(l.bytes) / l.path_ms;
  const bool comparable = trusted(path, copies, now) != nullptr;
  if (l.known && std::abs(rate - l.rate) > l.rate * pace_changed) {
    for (auto& other : path.levels)
      other.known = false;
    l.rate = rate;
  } else {
    l.rate = comparable ? (l.rate + rate) / 2 : rate;
  }
  l.known = true;
  l.known_at = now;
  l.known_by = path.measured;
  l.bytes = 0;
  l.path_ms = 0;
  l.copies = 0;
}

void slot_pace::take_step(path_pace& path, std::uint32_t copies, time_ms now) const {
  const double here = path.levels[copies - 1].rate;
  const auto* below = trusted(path, copies - 1, now);
  const auto* above = trusted(path, copies + 1, now);
  const bool tried = std::exchange(path.on_trial, false);
  if (below && !pays(here, below->rate, tried ? pace_gain_least : pace_gain_kept))
    return set_total(path, path.total - 1, now);
  if (path.total < limits_.most && (!above || pays(above->rate, here))) {
    if (path.waited_for) {
      set_total(path, path.total + 1, now);
      path.on_trial = !above;
    }
    return;
  }
  // No more are needed.  Whether fewer would do is not known yet, or not any more.
  if (!below)
    set_total(path, path.total - 1, now);
}

/// The level is worth nothing until it is asked again.
void slot_pace::fail(path_pace& path, std::uint32_t copies, time_ms now) const {
  if (path.levels.size() < copies)
    path.levels.resize(copies);
  auto& l = path.levels[copies - 1];
  l.rate = 0;
  l.known = true;
  l.known_at = path.measured_at = now;
  l.known_by = path.measured;
  set_total(path, path.total / 2, now);
}

void slot_pace::set_total(path_pace& path, std::uint32_t total, time_ms now) const {
  total = within_limits(total);
  if (total == path.total)
    return;
  path.total = total;
  path.total_since = now;
  path.on_trial = false;
  for (auto& l : path.levels) {
    l.bytes = 0;
    l.path_ms = 0;
    l.copies = 0;
  }
}

} // namespace tabletd::model
