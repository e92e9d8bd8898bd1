// See retry_pacing.h.
#include "persistence/remote/retry_pacing.h"

#include <algorithm>
#include <cassert>

namespace tabletd {

std::optional<std::chrono::milliseconds> pause_before_retry(const retry_policy& policy, int attempts,
                                                            std::optional<std::chrono::milliseconds> asked_for,
                                                            std::uint64_t dice, std::chrono::milliseconds time_left) {
  assert(attempts >= 1);
  if (attempts >= policy.attempts_max)
    return std::nullopt;
  auto doubled = policy.first_pause;
  for (int attempt = 1; attempt < attempts && doubled < policy.longest_pause; ++attempt)
    doubled *= 2;
  doubled = std::min(doubled, policy.longest_pause);
  const auto certain = doubled / 2;
  const auto by_chance = static_cast<std::uint64_t>((doubled - certain).count()) + 1;
  auto pause = certain + std::chrono::milliseconds(dice % by_chance);
  if (asked_for)
    pause = std::clamp(*asked_for, pause, std::max(pause, policy.longest_pause));
  if (pause >= time_left)
    return std::nullopt;
  return pause;
}

}  // namespace tabletd
