#pragma once
// The peer of scheduler_bench: arithmetic, not a program.
#include <algorithm>
#include <cstdint>

namespace tabletd {

/// The originals' constants: a scan every 20 s fills a queue of 2,000, a round every second
/// decides 50, and the surplus replica is only found by a later scan.
struct reference_model {
  std::uint64_t lost;          ///< Tablets that no scan has queued yet.
  std::uint64_t surplus = 0;   ///< Copied; the dead replica is to be found by a scan.
  std::uint64_t copies = 0;    ///< Queued.
  std::uint64_t drops = 0;     ///< Queued.
  std::uint64_t decisions = 0;
  std::uint64_t seconds = 0;
  std::uint64_t queued_after_s = 0; ///< When the last lost tablet was queued.

  static constexpr std::uint64_t scan_period_s = 20;
  static constexpr std::uint64_t queue_max = 2'000;
  static constexpr std::uint64_t batch = 50;

  static void move_up_to(std::uint64_t& from, std::uint64_t& to, std::uint64_t& room) {
    const auto n = std::min(from, room);
    from -= n;
    to += n;
    room -= n;
  }
  void run() {
    for (; lost + surplus + copies + drops > 0; ++seconds) {
      if (seconds % scan_period_s == 0) {
        auto room = queue_max - std::min(queue_max, copies + drops);
        const bool some_lost = lost > 0;
        move_up_to(surplus, drops, room);
        move_up_to(lost, copies, room);
        if (some_lost && lost == 0)
          queued_after_s = seconds;
      }
      auto budget = batch;
      std::uint64_t healed = 0;
      move_up_to(drops, healed, budget);
      move_up_to(copies, surplus, budget);
      decisions += batch - budget;
    }
  }
};

} // namespace tabletd
