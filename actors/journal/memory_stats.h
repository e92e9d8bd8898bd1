#pragma once
// What the log of this node holds in memory, by category (design/journal.md 9.4), for the metrics
// and for those who must hold back.  Each number has one writer; any thread reads.
#include "actors/model/memory_governor.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace tabletd {

class memory_stats {
public:
  void set(model::memory_category of, std::uint64_t bytes) {
    auto& at = categories_[static_cast<std::size_t>(of)];
    at.bytes = bytes;
    if (bytes > at.peak)
      at.peak = bytes;
  }
  [[nodiscard]] std::uint64_t bytes(model::memory_category of) const { return categories_[static_cast<std::size_t>(of)].bytes; }
  /// The most since the process began.
  [[nodiscard]] std::uint64_t peak_bytes(model::memory_category of) const {
    return categories_[static_cast<std::size_t>(of)].peak;
  }

  std::atomic<std::uint64_t> backlog_bytes{};     ///< Unapplied, on the disk only.
  std::atomic<std::uint64_t> not_applied_bytes{}; ///< Backlog, uncommitted and unapplied together.
  std::atomic<bool> is_behind{false};             ///< Something that is committed is not applied.
  std::atomic<bool> is_refusing{false};           ///< This follower takes no entries: apply is too far behind.
  std::atomic<std::uint64_t> refused_appends{};   ///< Messages whose entries it did not take.
  std::atomic<std::uint64_t> waiting{};           ///< Proposals at the door.
  /// Proposals that had to wait or were refused, by what there was too much of: uncommitted, unapplied, memory.
  std::array<std::atomic<std::uint64_t>, 3> stalls{};

private:
  struct category {
    std::atomic<std::uint64_t> bytes{};
    std::atomic<std::uint64_t> peak{};
  };
  std::array<category, model::memory_category_count> categories_;
};
using memory_stats_ptr = std::shared_ptr<memory_stats>;

}  // namespace tabletd
