#pragma once
// What is wrong with one tablet, and how urgent it is.  Pure.
// Rules: spec/replica.md 2.1 and 2.2 in the profile of its appendix B.
#include "actors/model/catalog.h"
#include <string_view>

namespace tabletd::model {

enum class tablet_health : std::uint8_t {
  healthy,
  replica_missing,
  version_incomplete,
  replica_relocating,
  redundant,
  force_redundant,
  unrecoverable, ///< No complete replica on a live backend: a report, never a queue entry.
  replica_missing_in_cluster,
  need_further_repair,
  colocate_mismatch,
  colocate_redundant,
};
inline constexpr std::size_t tablet_health_count = 11;
[[nodiscard]] std::string_view name(tablet_health health); ///< "REPLICA_MISSING"

enum class repair_priority : std::uint8_t { low, normal, high, very_high };
[[nodiscard]] std::string_view name(repair_priority priority); ///< "VERY_HIGH"

struct diagnosis {
  tablet_health health = tablet_health::healthy;
  repair_priority priority = repair_priority::normal;
  friend bool operator==(const diagnosis&, const diagnosis&) = default;
};

/// Looks at the catalog only (liveness is in it): every node diagnoses alike.
[[nodiscard]] diagnosis diagnose(const catalog& cat, const tablet& t);

} // namespace tabletd::model
