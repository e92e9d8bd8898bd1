#pragma once
// A limit of bytes per second that several fills share.  Pure: the time is an argument.
#include <chrono>
#include <cstdint>

namespace tabletd {

/// Whoever comes takes what he wants and waits until it is paid for; so a request larger than the burst passes too,
/// and two that wait are served in the order in which they asked.
class token_bucket {
public:
  using time = std::chrono::nanoseconds;  ///< Of any clock that does not go back.

  /// `bytes_per_s` 0: no limit.  `burst_bytes`: what may pass at once after a rest.
  explicit token_bucket(std::uint64_t bytes_per_s = 0, std::uint64_t burst_bytes = 4U << 20U)
      : bytes_per_s_(bytes_per_s), burst_bytes_(burst_bytes), tokens_(static_cast<double>(burst_bytes)) {}

  /// How long to wait before using `bytes`.
  [[nodiscard]] std::chrono::nanoseconds take(std::uint64_t bytes, time now);
  /// What was taken and not used.
  void give_back(std::uint64_t bytes) { tokens_ += static_cast<double>(bytes); }
  /// Debts stay, and are paid at the new rate.
  void set_rate(std::uint64_t bytes_per_s, time now);

private:
  void refill(time now);

  std::uint64_t bytes_per_s_;
  std::uint64_t burst_bytes_;
  double tokens_;  ///< Negative: a debt.
  time refilled_at_{0};
};

}  // namespace tabletd
