#pragma once
// What the cache leaves free on a disk that it shares with replicas.  Pure.
#include <algorithm>
#include <cstdint>

namespace tabletd {

struct disk_space {
  std::uint64_t capacity_bytes = 0;
  std::uint64_t available_bytes = 0;
};

/// A path that is fuller than this takes no new replicas (storage.high_watermark, storage.min_left_mib); the cache
/// stays `margin_bytes` away from either, so that it has given way before the first replica is refused.
struct space_reserve {
  double high_watermark = 0.85;  ///< Used share of the disk.
  std::uint64_t min_left_bytes = 2ULL << 30U;
  std::uint64_t margin_bytes = 256ULL << 20U;

  [[nodiscard]] std::uint64_t wanted_bytes(std::uint64_t capacity_bytes) const {
    const auto above = static_cast<std::uint64_t>(static_cast<double>(capacity_bytes) * (1 - high_watermark));
    return std::max(above, min_left_bytes) + margin_bytes;
  }
  /// How much a cache may hold that holds `held_bytes` now.
  [[nodiscard]] std::uint64_t allowed_bytes(const disk_space& disk, std::uint64_t held_bytes) const {
    const auto free_without_cache = disk.available_bytes + held_bytes;
    return free_without_cache - std::min(free_without_cache, wanted_bytes(disk.capacity_bytes));
  }
};

}  // namespace tabletd
