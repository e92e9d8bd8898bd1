// See token_bucket.h.
#include "persistence/cache/token_bucket.h"

#include <algorithm>

namespace tabletd {

std::chrono::nanoseconds token_bucket::take(std::uint64_t bytes, time now) {
  refill(now);
  if (bytes_per_s_ == 0)
    return time{0};
  tokens_ -= static_cast<double>(bytes);
  if (tokens_ >= 0)
    return time{0};
  return time(static_cast<std::int64_t>(-tokens_ / static_cast<double>(bytes_per_s_) * 1e9));
}

void token_bucket::set_rate(std::uint64_t bytes_per_s, time now) {
  refill(now);
  bytes_per_s_ = bytes_per_s;
}

void token_bucket::refill(time now) {
  const auto passed_s = static_cast<double>(std::max(now - refilled_at_, time{0}).count()) / 1e9;
  tokens_ = std::min(tokens_ + passed_s * static_cast<double>(bytes_per_s_), static_cast<double>(burst_bytes_));
  refilled_at_ = std::max(now, refilled_at_);
}

}  // namespace tabletd
