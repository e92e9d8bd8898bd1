#pragma once
// What a simulation has shown so far: who is sick, what was copied, what of it was for nothing.
#include "actors/model/health.h"
#include <array>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tabletd::model::offline {

/// Tablets by status, diagnosed again only where the fold has touched them.
class health_counts {
public:
  void touch(const std::vector<tablet_id>& tablets) { dirty_.insert(dirty_.end(), tablets.begin(), tablets.end()); }
  /// The cluster changed: any tablet may be concerned.
  void touch_all() { stale_ = true; }
  [[nodiscard]] const std::array<std::uint64_t, tablet_health_count>& by_health(const catalog& cat);

private:
  void note(tablet_id tablet, const catalog& cat);
  std::unordered_map<tablet_id, tablet_health> known_;
  std::array<std::uint64_t, tablet_health_count> by_health_{};
  std::vector<tablet_id> dirty_;
  bool stale_ = false;
};

/// Bytes that were moved, and those that need not have been: of copies that did not succeed, and
/// of ones whose replica was dropped again although its backend was there to stay.
class copy_ledger {
public:
  void ordered() { ++ordered_; }
  void finished(tablet_id tablet, replica_id replica, std::uint64_t bytes);
  void failed(std::uint64_t moved_bytes);
  void dropped(tablet_id tablet, replica_id replica, bool backend_stays);

  [[nodiscard]] std::uint64_t orders() const { return ordered_; }
  [[nodiscard]] std::uint64_t copies() const { return finished_; }
  [[nodiscard]] std::uint64_t failures() const { return failed_; }
  [[nodiscard]] std::uint64_t reverted() const { return reverted_; }
  [[nodiscard]] std::uint64_t copied_bytes() const { return copied_bytes_; }
  [[nodiscard]] std::uint64_t needed_bytes() const { return copied_bytes_ - wasted_bytes_; }
  /// Copied over needed in thousandths: 1,000 is perfect.  All for nothing: 1,000,000.
  [[nodiscard]] std::uint64_t thrash_thousandths() const;

private:
  std::map<std::pair<tablet_id, replica_id>, std::uint64_t> kept_; ///< Bytes in replicas that still count.
  std::uint64_t ordered_ = 0;
  std::uint64_t finished_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t reverted_ = 0;
  std::uint64_t copied_bytes_ = 0;
  std::uint64_t wasted_bytes_ = 0;
};

/// How long some tablet was not healthy, to the tick.
class illness {
public:
  void see(bool healthy, time_ms now);
  [[nodiscard]] time_ms longest() const { return longest_; } ///< The one that lasts included.
  [[nodiscard]] bool healthy() const { return !ill_; }

private:
  bool ill_ = false;
  time_ms since_{};
  time_ms longest_{};
};

/// Lets a check of some cost run as often as it is affordable: every time while it is cheap, and
/// always once after so many steps.
class check_budget {
public:
  [[nodiscard]] bool due(std::uint64_t cost) {
    saved_ += per_step;
    if (saved_ < cost)
      return false;
    saved_ = 0;
    return true;
  }

private:
  static constexpr std::uint64_t per_step = 512; ///< Replicas, or entries of a queue.
  std::uint64_t saved_ = 0;
};

} // namespace tabletd::model::offline
