#pragma once
// Brings what is remote of tablets into this backend's cache, and proves that it is there (docs/warmup_backend.md).
#include "actors/codec/agent_warmup_codec.h"
#include "actors/codec/backend_warmup_codec.h"
#include "node/be/cold_reader.h"
#include "persistence/cache/byte_rate.h"

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace tabletd {

struct warming_options {
  bool forced = false;  ///< May take room from what reads brought.
  std::uint32_t requests_max = 8;
  byte_rate* rate = nullptr;  ///< Null: no limit.
  /// Without a byte for so long a store counts as away: what it refuses for want of time, or a connection that breaks, is
  /// asked for again until then.
  std::chrono::milliseconds patience{60'000};
  std::function<bool()> is_stopped = [] { return false; };       ///< Asked by several threads at once.
  std::function<void(std::uint64_t bytes)> progress = nullptr;   ///< So much more is in the cache; the same.
};

/// A tablet has failed if its meta or an object cannot be had, not all of it found room, or something of it has left again
/// or would not outlive this process when all are done.
struct warmed {
  /// In the cache now, as the catalog counts them (published_meta::bytes, which knows no heads and footers of files):
  /// without a failure the sum of theirs.
  std::uint64_t bytes_done = 0;
  std::uint64_t failed_tablets = 0;
  std::vector<model::tablet_id> named_tablets;  ///< The first of them, at most failed_tablets_named_max.
  std::string why;                              ///< Of the first one; empty: none.
};

/// Returns when all of it is done, or soon after it was stopped: what was not reached has failed then.
[[nodiscard]] warmed warm_tablets(const cold_reader& cold, std::span<const codec::warm_tablet> tablets,
                                  const warming_options& options);

/// Re-reads every cached byte of these; asks no store.  Of a tablet whose meta is not here all is missing.
[[nodiscard]] codec::cache_share verify_tablets(const cold_reader& cold, std::span<const codec::warm_tablet> tablets,
                                                const time_left_fn& time_left);

}  // namespace tabletd
