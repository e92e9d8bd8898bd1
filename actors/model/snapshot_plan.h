#pragma once
// Version arithmetic of clones and scans: what a source should send to a replica that has
// some versions already, how far the result will reach, where a scan goes on.  Pure.
#include "actors/model/ids.h"
#include <optional>
#include <string>
#include <vector>

namespace tabletd::model {

/// first..last, both included.
struct version_range {
  version first{};
  version last{};
  friend bool operator==(const version_range&, const version_range&) = default;
};
using version_ranges = std::vector<version_range>;

/// Sorted, overlapping and adjacent ranges joined.
[[nodiscard]] version_ranges joined(version_ranges ranges);
/// Highest v such that 1..v are all in `ranges`; version 1 is always there (an empty
/// partition, spec/replica.md 1.2).
[[nodiscard]] version reach(const version_ranges& ranges);

/// What a source sends: indexes into its list of rowsets.
struct snapshot_choice {
  bool full = false;
  std::vector<std::size_t> rowsets;
  friend bool operator==(const snapshot_choice&, const snapshot_choice&) = default;
};
/// Incremental if every rowset of the source is either wholly absent from `have` or wholly
/// in it, else everything (spec/replica.md 6.2 step 3).  A rowset beyond `upto` - behind a
/// hole of the source - is never sent.
[[nodiscard]] snapshot_choice choose_rowsets(const version_ranges& source, const version_ranges& have,
                                             version upto);

/// Where a scan goes on: at this block of the rowset first..from; block 0: at version `from`, whatever rowset it begins.
/// Replicas, and the lists in a store, may have merged differently: only the same rowset has the same blocks.
struct scan_position {
  version from{};
  std::uint32_t block{};
  version first{}; ///< 0: not known, which other builds say; then the last version alone has to be the same.
};
struct scan_piece {
  std::size_t rowset{};
  std::uint32_t first_block{};
  friend bool operator==(const scan_piece&, const scan_piece&) = default;
};
/// The rowsets of 1..upto from `at` on, in version order.  Nothing if the cut at `upto` or at
/// `at` would go through a rowset, or `at` is in another rowset: only another replica can serve that.
[[nodiscard]] std::optional<std::vector<scan_piece>> scan_pieces(const version_ranges& rowsets,
                                                                 version upto, scan_position at);

} // namespace tabletd::model
