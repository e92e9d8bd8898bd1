#pragma once
// When to ask an overloaded store again.  Pure: the dice and the time left are arguments.
#include <chrono>
#include <cstdint>
#include <optional>

namespace tabletd {

struct retry_policy {
  int attempts_max = 6;
  std::chrono::milliseconds first_pause{100};  ///< Doubles with every attempt.
  std::chrono::milliseconds longest_pause{10'000};
};

/// The pause after `attempts` that failed, or nothing if it is time to give up: no attempt is left, or none
/// that could begin before `time_left` is over.  Half of the doubled pause is certain, the other half is
/// `dice` (any number): writers that failed together do not come back together.  A longer pause the store
/// asked for is kept, up to the longest.
[[nodiscard]] std::optional<std::chrono::milliseconds> pause_before_retry(
    const retry_policy& policy, int attempts, std::optional<std::chrono::milliseconds> asked_for, std::uint64_t dice,
    std::chrono::milliseconds time_left);

}  // namespace tabletd
