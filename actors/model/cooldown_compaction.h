#pragma once
// Which remote rowsets an uploader merges into one object, and in which pieces it takes all of them to another store
// (spec/jobs.md B12).  Pure.
//
// The specification merges all rowsets every time; a tablet of 100 GB and four small ones would be written anew with
// every four loads.  Here a run of neighbours is merged, the newest possible, and only if what comes of it is at least
// twice its largest member: so every merge that a row takes part in doubles the rowset it lies in, and a row is written
// at most log2(bytes_max / bytes of its load) times after its upload.  Followers compare sets by objects, so any run will
// do.
#include "actors/model/cooldown_types.h"

#include <cstddef>
#include <span>

namespace tabletd::model {

struct compaction_limits {
  std::size_t rowsets_min = 4;           ///< B12.  Of remote rowsets that have rows.
  std::size_t rowsets_max = 1'000;       ///< Of one run: each costs two requests at least.
  std::size_t empty_min = 64;            ///< Neighbours without rows, which cost nothing to join.
  std::uint64_t bytes_max = 1U << 30;    ///< Of one object: a put has to fit into the lease.
  std::uint64_t blocks_max = 1U << 18;   ///< The same: their list, the footer, is in memory (24 bytes each).
  std::uint32_t growth_percent = 200;    ///< Of the largest member, for what comes of it.
};

/// Neighbours in a list of rowsets.
struct rowset_run {
  std::size_t first{};
  std::size_t count{};
  friend bool operator==(const rowset_run&, const rowset_run&) = default;
};

/// Nothing: no run is worth it.
[[nodiscard]] std::optional<rowset_run> choose_compaction(const std::vector<remote_rowset>& rowsets,
                                                          const compaction_limits& limits);
/// All of them, as few objects as the limits allow; one that is larger than they are is a run of its own.
[[nodiscard]] std::vector<rowset_run> copy_runs(const std::vector<remote_rowset>& rowsets,
                                                const compaction_limits& limits);
/// What comes of a run, under that name; without rows it has none.  A run of one keeps its load.
[[nodiscard]] remote_rowset merged(std::span<const remote_rowset> run, std::string object);

}  // namespace tabletd::model
