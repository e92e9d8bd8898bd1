#pragma once
// What the cache of a backend has done since it was opened, for metrics.
#include "persistence/cache/cache_policy.h"

#include <atomic>
#include <cstdint>

namespace tabletd {

struct cache_counters {
  using count = std::atomic<std::uint64_t>;

  count hits{0};              ///< Blocks looked for and served from a disk of the cache.
  count misses{0};            ///< Blocks looked for and not there, or damaged.
  count joined{0};            ///< Of the misses: waited for a download that was under way.
  count bypassed{0};          ///< Of the misses: read from the store as asked, for the cache had no room.
  count bytes_from_cache{0};  ///< Served to readers.
  count bytes_from_store{0};  ///< Downloaded, by readers and by fills.
  count evicted_capacity{0};  ///< Blocks; see eviction_reason.
  count evicted_unused{0};
  count evicted_pressure{0};
  count dropped_corrupt{0};
  count failed_downloads{0};
  count failed_writes{0};        ///< Blocks that were served and could not be kept.
  count failed_index_writes{0};  ///< Batches; see file_cache::status.

  [[nodiscard]] count& evicted(eviction_reason reason) {
    switch (reason) {
      case eviction_reason::capacity:
        return evicted_capacity;
      case eviction_reason::unused:
        return evicted_unused;
      case eviction_reason::pressure:
        return evicted_pressure;
      case eviction_reason::corrupt:
        break;
    }
    return dropped_corrupt;
  }
};

}  // namespace tabletd
