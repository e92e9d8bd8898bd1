#pragma once
// Where the buckets of colocation groups belong: a bucket leaves a backend that is gone for good,
// and groups spread over new backends.  Repair then makes the tablets follow (spec/replica.md 5.7
// and 2.4).  Pure: the scheduler proposes what comes out.
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include <vector>

namespace tabletd::model {

class load_scores;

struct colocate_options {
  bool enabled = true;               ///< disable_colocate_balance of spec/replica.md 7, turned round.
  /// So long a dead backend may take to return before its buckets get a new home (D24's
  /// colocate_group_relocate_delay_second): moving them back would cost as much again (9.2, C21).
  time_ms relocate_delay{1'800'000};
};

/// How often groups are looked at (S21).
inline constexpr time_ms colocate_spacing{20'000};
/// Two backends may differ by this many buckets of a group: less cannot be evened out by a move.
inline constexpr std::size_t colocate_skew_max = 1;

/// The relocations to propose now, in the order of groups and buckets.  Every bucket with a
/// member that is dropped, leaving or dead for longer than the delay gets another one at once.
/// For balance a group gives up one bucket at a time, and only while all its tablets are
/// healthy: a move never adds to a repair.  Work: groups and buckets; tablets only of a group
/// that is uneven.
[[nodiscard]] std::vector<colocate_relocated> relocate_buckets(const catalog& cat, const cluster_view& cluster,
                                                               const load_scores& scores,
                                                               const colocate_options& options, time_ms wall);

/// Empty: every tablet of the group is where it belongs and healthy.  Else what is not, in a
/// sentence that names the first such tablet.
[[nodiscard]] std::string unstable_because(const catalog& cat, const colocate_group& group);

} // namespace tabletd::model
