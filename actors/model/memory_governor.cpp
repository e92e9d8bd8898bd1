// See memory_governor.h.
#include "actors/model/memory_governor.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tabletd::model {

namespace {

/// Above seven eighths of the budget what can be read again is dropped, until three quarters.
constexpr std::uint64_t evict_above(std::uint64_t budget) { return budget - budget / 8; }
constexpr std::uint64_t evict_until(std::uint64_t budget) { return budget - budget / 4; }

/// An applied batch moves mu by a sixteenth: a few large entries do not yet make a rule.
constexpr double factor_weight = 1.0 / 16;
/// A state machine that says it keeps less than it was sent still had to hold what it was sent.
constexpr double factor_min = 1, factor_max = 64;

constexpr std::uint64_t window_bytes_max = 8U << 20;

std::uint64_t share(double of, std::uint64_t bytes) {
  return static_cast<std::uint64_t>(of * static_cast<double>(bytes));
}

}  // namespace

const char* name(memory_category category) {
  switch (category) {
    case memory_category::state_machine:
      return "state_machine";
    case memory_category::uncommitted:
      return "uncommitted";
    case memory_category::unapplied:
      return "unapplied";
    case memory_category::cached:
      return "cached";
    case memory_category::sending:
      return "sending";
    case memory_category::receiving:
      return "receiving";
    case memory_category::proposed:
      return "proposed";
  }
  return "?";
}

memory_limits limits_of(std::uint64_t budget_bytes, std::size_t followers, const memory_shares& shares) {
  const auto log = share(shares.log, budget_bytes);
  memory_limits limits;
  limits.budget_bytes = budget_bytes;
  limits.state_machine_bytes = budget_bytes - log;
  limits.uncommitted_bytes = share(shares.uncommitted, log);
  limits.unapplied_bytes = share(shares.unapplied, log);
  limits.cached_bytes = share(shares.cached, log);
  limits.receiving_bytes = share(shares.receiving, log);
  limits.proposed_bytes = share(shares.proposed, log);
  limits.window_bytes = std::min(window_bytes_max, share(shares.windows, log) / std::max<std::size_t>(followers, 1));
  return limits;
}

std::uint64_t budget_of(std::uint64_t configured_bytes, std::uint64_t allowed_bytes) {
  return configured_bytes != 0 ? configured_bytes : allowed_bytes / 2;
}

memory_governor::memory_governor(const memory_limits& limits)
    : limits_(limits), decoded_factor_(std::clamp(limits.decoded_factor, factor_min, factor_max)) {
  assert(limits.state_machine_bytes <= limits.budget_bytes);
}

bool memory_governor::try_charge(memory_category to, std::uint64_t bytes) {
  const bool fits = bytes <= room_bytes();
  if (fits)
    add(to, bytes);
  look_at_pressure(!fits);
  return fits;
}

bool memory_governor::try_charge_one(memory_category to, std::uint64_t bytes) {
  if (total_ > limits_.budget_bytes)
    return try_charge(to, bytes);
  add(to, bytes);
  look_at_pressure(false);
  return true;
}

void memory_governor::move(memory_category from, memory_category to, std::uint64_t bytes) {
  assert(this->bytes(from) >= bytes);
  bytes_[at(from)] -= bytes;
  total_ -= bytes;
  add(to, bytes);
  look_at_pressure(false);
}

void memory_governor::release(memory_category from, std::uint64_t bytes) {
  assert(this->bytes(from) >= bytes);
  bytes_[at(from)] -= bytes;
  total_ -= bytes;
  grant();
  look_at_pressure(false);
}

void memory_governor::want_state_machine(std::uint64_t bytes) {
  wanted_ = std::min(bytes, limits_.state_machine_bytes);
  const auto held = this->bytes(memory_category::state_machine);
  if (wanted_ < held)
    return release(memory_category::state_machine, held - wanted_);
  grant();
  look_at_pressure(false);
}

std::uint64_t memory_governor::missing_bytes(std::uint64_t need_bytes) const {
  const auto need = outstanding() + need_bytes;
  const auto after = total_ + need;
  return after > limits_.budget_bytes ? std::min(after - limits_.budget_bytes, total_) : 0;
}

void memory_governor::forget_peaks() {
  peaks_ = bytes_;
  peak_total_ = total_;
}

void memory_governor::applied(std::uint64_t serialised_bytes, std::uint64_t decoded_bytes) {
  if (serialised_bytes == 0)
    return;  // Empty entries, such as barriers, say nothing.
  const auto seen = static_cast<double>(decoded_bytes) / static_cast<double>(serialised_bytes);
  decoded_factor_ += (std::clamp(seen, factor_min, factor_max) - decoded_factor_) * factor_weight;
}

std::uint64_t memory_governor::charge_of(std::uint64_t entry_bytes) const {
  return static_cast<std::uint64_t>(std::ceil(decoded_factor_ * static_cast<double>(entry_bytes))) + entry_cost_bytes;
}

std::uint64_t memory_governor::payload_within(std::uint64_t charge_bytes) const {
  if (charge_bytes <= entry_cost_bytes)
    return 0;
  return static_cast<std::uint64_t>(static_cast<double>(charge_bytes - entry_cost_bytes) / decoded_factor_);
}

bool memory_governor::adds_up() const {
  std::uint64_t sum = 0;
  for (const auto each : bytes_)
    sum += each;
  return sum == total_ && wanted_ >= bytes(memory_category::state_machine);
}

void memory_governor::add(memory_category to, std::uint64_t bytes) {
  auto& held = bytes_[at(to)];
  held += bytes;
  total_ += bytes;
  peaks_[at(to)] = std::max(peaks_[at(to)], held);
  peak_total_ = std::max(peak_total_, total_);
}

void memory_governor::grant() {
  if (const auto given = std::min(outstanding(), room_bytes()); given > 0)
    add(memory_category::state_machine, given);
}

void memory_governor::look_at_pressure(bool something_did_not_fit) {
  const auto budget = limits_.budget_bytes;
  const auto state_machine = bytes(memory_category::state_machine);
  if (something_did_not_fit || outstanding() > 0 || total_ > budget) {
    refusals_ += pressure_ != memory_pressure::refuse;
    pressure_ = memory_pressure::refuse;
    return;
  }
  const auto log = total_ - state_machine;
  if (pressure_ == memory_pressure::refuse && log > (budget - state_machine) / 2)
    return;
  const auto limit = pressure_ == memory_pressure::none ? evict_above(budget) : evict_until(budget);
  pressure_ = total_ > limit ? memory_pressure::evict : memory_pressure::none;
}

}  // namespace tabletd::model
