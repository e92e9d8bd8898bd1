#pragma once
// When a rowset's time on the local disk is over, and which rowsets an uploader takes next (spec/jobs.md B7, D-B2).
#include "actors/model/cooldown_types.h"

#include <cstddef>

namespace tabletd::model {

/// A rowset on the backend's own disk: one load's version.
struct hot_rowset {
  txn_id txn{};
  version first_version{};
  version last_version{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::uint32_t blocks{};  ///< 0: without rows; it is published without an object (B8, #28561).
  time_ms newest_write{};
  friend bool operator==(const hot_rowset&, const hot_rowset&) = default;
};

/// One of the first two is set; with both, the earlier moment counts (B7).
struct cooling_rule {
  std::optional<time_ms> ttl;  ///< From the newest write of the rowset on.
  std::optional<time_ms> datetime;
  /// ADMIN COOLDOWN TABLE: whatever ends at this version or before is due.  By version, because the clocks of those who
  /// wrote a rowset and of who typed the statement need not agree.  0: nothing.
  version through{};
  friend bool operator==(const cooling_rule&, const cooling_rule&) = default;
};

/// Of one publication.  The first rowset is taken whatever its size.
struct publication_limits {
  std::size_t rowsets_max = 64;
  std::uint64_t bytes_max = 1U << 30;
};

/// By time.  Nothing: never.
[[nodiscard]] std::optional<time_ms> cools_at(const hot_rowset& rowset, const cooling_rule& rule);
/// Strictly after that moment (D-B2), or hurried.
[[nodiscard]] bool is_due(const hot_rowset& rowset, const cooling_rule& rule, time_ms wall);

struct next_to_cool {
  std::vector<hot_rowset> rowsets;  ///< Follow the remote ones and each other without a gap.
  bool gap = false;  ///< The lowest local rowset does not follow the remote ones: a clone has to mend that.
};
/// `hot` ascends.  Rowsets that end at `remote_last` or before wait to be replaced and are passed over.
[[nodiscard]] next_to_cool choose_next(const std::vector<hot_rowset>& hot, version remote_last,
                                       const cooling_rule& rule, const publication_limits& limits, time_ms wall);

}  // namespace tabletd::model
