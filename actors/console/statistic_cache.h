#pragma once
// One model::statistics for all sessions.  Refreshing it costs what changed since the last
// look; the first look at a cluster of 10 million tablets takes seconds and is paid once.
#include "actors/model/statistics.h"
#include <memory>
#include <mutex>
#include <utility>

namespace tabletd {

class statistic_cache {
public:
  /// Calls `use` with counts that describe exactly `now`.
  template <class Use>
  decltype(auto) read(const model::catalog& now, Use&& use) {
    const std::lock_guard lock{mutex_};
    if (counts_.at() != now.applied)
      counts_.follow(now);
    return std::forward<Use>(use)(std::as_const(counts_));
  }

private:
  std::mutex mutex_;
  model::statistics counts_;
};
using statistic_cache_ptr = std::shared_ptr<statistic_cache>;

} // namespace tabletd
