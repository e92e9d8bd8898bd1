// See log_cache.h.
#include "actors/model/log_cache.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace tabletd::model {

using enum memory_category;

log_facts::log_facts(memory_governor& governor, const cache_limits& limits) : governor_(governor), limits_(limits) {}

std::uint64_t log_facts::size_bytes(std::uint64_t index) const { return at(index).size_bytes; }

bool log_facts::in_memory(std::uint64_t index) const { return at(index).resident || at(index).leaving; }

std::uint64_t log_facts::unapplied_bytes() const { return governor_.bytes(unapplied) + backlog_bytes_; }

// -- what happened ---------------------------------------------------------------------------

void log_facts::note_append(std::uint64_t entry_bytes, std::uint64_t charge_bytes) {
  assert(charge_bytes >= entry_bytes + entry_cost_bytes && charge_bytes <= std::numeric_limits<std::uint32_t>::max());
  const auto before = facts_.empty() ? trimmed_end_bytes_ : facts_.back().end_bytes;
  facts_.push_back({.end_bytes = before + entry_bytes,
                    .charge_bytes = static_cast<std::uint32_t>(charge_bytes),
                    .size_bytes = static_cast<std::uint32_t>(entry_bytes),
                    .resident = true});
}

void log_facts::note_durable(std::uint64_t entry_bytes) {
  assert(durable_ == last_index());
  const auto before = facts_.empty() ? trimmed_end_bytes_ : facts_.back().end_bytes;
  facts_.push_back({.end_bytes = before + entry_bytes,
                    .charge_bytes = static_cast<std::uint32_t>(governor_.charge_of(entry_bytes)),
                    .size_bytes = static_cast<std::uint32_t>(entry_bytes)});
  ++durable_;
}

void log_facts::durable_upto(std::uint64_t index) {
  assert(index <= last_index());
  durable_ = std::max(durable_, index);
}

void log_facts::committed_upto(std::uint64_t index) {
  assert(index <= last_index());
  for (; committed_ < index; ++committed_) {
    const auto& entry = at(committed_ + 1);
    if (entry.resident)
      governor_.move(uncommitted, unapplied, entry.charge_bytes);
    else
      backlog_bytes_ += entry.charge_bytes;
  }
}

void log_facts::applied_upto(std::uint64_t index) {
  assert(index <= committed_);
  for (; applied_ < index; ++applied_) {
    const auto& entry = at(applied_ + 1);
    assert(entry.resident && "the applier asks missing_for_apply() first");
    applied_end_bytes_ = entry.end_bytes;
    const auto kept = cached_charge(entry);
    governor_.move(unapplied, cached, kept);
    governor_.release(unapplied, entry.charge_bytes - kept);
  }
}

void log_facts::truncate_from(std::uint64_t index) {
  assert(index > committed_);
  while (last_index() >= index) {
    assert(facts_.back().pins == 0);
    if (facts_.back().resident)
      governor_.release(uncommitted, facts_.back().charge_bytes);
    facts_.pop_back();
    forget_back();
  }
  durable_ = std::min(durable_, index - 1);
  shed_ = std::min(shed_, index - 1);
}

void log_facts::snapshot_taken(std::uint64_t index) {
  assert(index <= applied_);
  if (index <= snapshot_)
    return;
  snapshot_ = index;
  snapshot_end_bytes_ = at(index).end_bytes;
}

void log_facts::trimmed(std::uint64_t upto) {
  assert(upto <= std::min({applied_, durable_, snapshot_}));
  for (; first_ <= upto; ++first_) {
    auto& oldest = facts_.front();
    assert(oldest.pins == 0);
    if (oldest.resident)
      governor_.release(cached, cached_charge(oldest));
    trimmed_end_bytes_ = oldest.end_bytes;
    facts_.pop_front();
    forget_front();
  }
  cleaned_ = std::max(cleaned_, first_ - 1);
  shed_ = std::max(shed_, first_ - 1);
}

void log_facts::installed(std::uint64_t index) {
  assert(index >= applied_);
  for (auto i = last_index(); !facts_.empty(); --i) {
    const auto& entry = facts_.back();
    assert(entry.pins == 0);
    if (entry.resident)
      governor_.release(i > committed_ ? uncommitted
                        : i > applied_ ? unapplied
                                       : cached,
                        i > applied_ ? entry.charge_bytes : cached_charge(entry));
    facts_.pop_back();
    forget_back();
  }
  first_ = index + 1;
  durable_ = committed_ = applied_ = snapshot_ = cleaned_ = shed_ = index;
  snapshot_end_bytes_ = trimmed_end_bytes_ = applied_end_bytes_ = backlog_bytes_ = 0;
}

// -- sending from the cache --------------------------------------------------------------------

void log_facts::pin(entry_range range) {
  for (auto i = range.first; i <= range.last; ++i) {
    assert(in_memory(i));
    ++at(i).pins;
  }
}

void log_facts::unpin(entry_range range) {
  for (auto i = range.first; i <= range.last; ++i) {
    auto& entry = at(i);
    assert(entry.pins > 0);
    if (--entry.pins > 0 || !entry.leaving)
      continue;
    entry.leaving = false;
    governor_.release(sending, cached_charge(entry));
    forget(i);
  }
}

// -- making room ---------------------------------------------------------------------------------

void log_facts::drop(std::uint64_t index, memory_category from, std::uint64_t charge_bytes) {
  at(index).resident = false;
  governor_.release(from, charge_bytes);
  forget(index);
}

std::uint64_t log_facts::evict_cached(std::uint64_t bytes) {
  // An entry that is applied and not durable stops the cursor: stepping over it would leave it, and
  // what it costs, in memory for ever.
  const auto end = std::min(applied_, durable_);
  std::uint64_t freed = 0;
  while (cleaned_ < end && freed < bytes) {
    auto& entry = at(++cleaned_);
    if (!entry.resident)
      continue;
    if (entry.pins == 0) {
      freed += cached_charge(entry);
      drop(cleaned_, cached, cached_charge(entry));
      continue;
    }
    // A slow sender holds the payload whatever we do.  It must not hold the rest of the cache, too.
    entry.resident = false;
    entry.leaving = true;
    governor_.move(cached, sending, cached_charge(entry));
  }
  return freed;
}

std::uint64_t log_facts::prefetch_end() const {
  const auto last = std::min(committed_, applied_ + limits_.prefetch_entries);
  if (last <= applied_)
    return applied_;
  const auto begin = facts_.begin() + static_cast<std::ptrdiff_t>(applied_ + 1 - first_);
  const auto end = facts_.begin() + static_cast<std::ptrdiff_t>(last + 1 - first_);
  const auto beyond = std::partition_point(
      begin, end, [this](const fact& each) { return each.end_bytes - applied_end_bytes_ <= limits_.prefetch_bytes; });
  return applied_ + std::max<std::uint64_t>(1, static_cast<std::uint64_t>(beyond - begin));
}

std::uint64_t log_facts::shed(std::uint64_t bytes, std::uint64_t upto) {
  shed_ = std::max(shed_, prefetch_end());
  std::uint64_t freed = 0;
  while (shed_ < upto && freed < bytes) {
    const auto& entry = at(++shed_);
    if (!entry.resident || entry.pins > 0)
      continue;  // Pins are few: a window per follower.  They leave once applied.
    freed += entry.charge_bytes;
    if (shed_ <= committed_)
      backlog_bytes_ += entry.charge_bytes;
    drop(shed_, shed_ <= committed_ ? unapplied : uncommitted, entry.charge_bytes);
  }
  return freed;
}

std::uint64_t log_facts::shed_unapplied(std::uint64_t bytes) { return shed(bytes, std::min(committed_, durable_)); }

std::uint64_t log_facts::shed_uncommitted(std::uint64_t bytes) { return shed(bytes, durable_); }

std::uint64_t log_facts::relieve(std::uint64_t bytes) {
  const auto freed = evict_cached(bytes);
  return freed < bytes ? freed + shed_unapplied(bytes - freed) : freed;
}

cleaning log_facts::clean(std::uint64_t match_min) {
  cleaning done;
  if (!limits_.cleans)
    return done;
  const auto above = [this](memory_category category, std::uint64_t limit) {
    return std::max(governor_.bytes(category), limit) - limit;
  };
  const auto& most = governor_.limits();
  const bool tight = governor_.pressure() != memory_pressure::none;
  done.evicted_bytes = evict_cached(above(cached, tight ? 0 : most.cached_bytes));
  done.evicted_bytes += shed_unapplied(above(unapplied, most.unapplied_bytes));
  done.trim_upto = trim_due(match_min);
  done.snapshot = applied_ - snapshot_ >= limits_.snapshot_entries
                  || (applied_ > snapshot_ && applied_end_bytes_ - snapshot_end_bytes_ >= limits_.snapshot_bytes);
  return done;
}

std::uint64_t log_facts::trim_due(std::uint64_t match_min) const {
  if (snapshot_ <= limits_.trailing_entries || facts_.empty())
    return 0;
  const auto covered = std::min(snapshot_ - limits_.trailing_entries, durable_);
  auto upto = std::min(covered, match_min);
  // A voter far behind gets a snapshot instead of an ever longer log.
  const auto end_bytes = facts_.back().end_bytes;
  if (upto < covered && end_bytes > limits_.retain_bytes) {
    const auto too_old = std::partition_point(facts_.begin(), facts_.end(), [&](const fact& each) {
      return each.end_bytes <= end_bytes - limits_.retain_bytes;
    });
    upto = std::max(upto, std::min(covered, first_ - 1 + static_cast<std::uint64_t>(too_old - facts_.begin())));
  }
  upto = std::min(upto, first_ - 1 + trim_rows_max);
  for (auto i = first_; i <= upto; ++i)
    if (at(i).pins > 0)
      return i > first_ ? i - 1 : 0;  // Being sent right now.
  return upto >= first_ ? upto : 0;
}

std::optional<entry_range> log_facts::missing_for_apply() const {
  const auto end = prefetch_end();
  auto first = applied_ + 1;
  while (first <= end && at(first).resident)
    ++first;
  if (first > end)
    return std::nullopt;
  auto last = first;
  while (last < end && !at(last + 1).resident)
    ++last;
  return entry_range{first, last};
}

bool log_facts::note_load(std::uint64_t index) {
  auto& entry = at(index);
  assert(index > applied_ && index <= committed_ && !entry.resident && backlog_bytes_ >= entry.charge_bytes);
  // Only the very next entry may exceed the budget: applying it is what makes room.
  const bool charged = index == applied_ + 1 ? governor_.try_charge_one(unapplied, entry.charge_bytes)
                                             : governor_.try_charge(unapplied, entry.charge_bytes);
  if (!charged)
    return false;
  backlog_bytes_ -= entry.charge_bytes;
  entry.resident = true;
  return true;
}

}  // namespace tabletd::model
