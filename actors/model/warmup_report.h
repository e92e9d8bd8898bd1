#pragma once
// What SHOW WARM UP JOB says of a job beyond its record: how far, how fast, how long still (spec/jobs.md A2, A12).  Pure.
#include "actors/model/catalog.h"

#include <optional>
#include <string>
#include <string_view>

namespace tabletd::model {

/// As word_of(state), and "PAUSED".
[[nodiscard]] std::string_view status_word(const warmup_job& job);

/// Over all lanes of the round that runs or ran last.
struct warmup_batches {
  std::uint64_t finished{};
  std::uint64_t all{};
  std::uint64_t failed_tablets{};
};
[[nodiscard]] warmup_batches batches_of(const warmup_job& job);
/// Of one lane, in bytes.
[[nodiscard]] std::uint64_t planned_bytes(const warmup_lane_plan& lane);

/// progress_of(), and what is in the caches of batches that are not in the log yet (A12), counted up to the total.
[[nodiscard]] warmup_progress progress_of(const warmup_job& job, std::uint64_t live_bytes);

struct warmup_pace {
  double percent{};                   ///< Of the bytes planned.  Of nothing at all: 100 once the round is over, else 0.
  std::optional<double> bytes_per_s;  ///< Since the round's start, without pauses; nothing: it has not begun.
  std::optional<time_ms> left;        ///< At that pace; nothing: it does not go on, or has nothing to show yet.
};
[[nodiscard]] warmup_pace pace_of(const warmup_job& job, const warmup_progress& progress, time_ms now);

/// "shop.orders, shop.items.y2024"; what was dropped goes by its id.
[[nodiscard]] std::string targets_text(const catalog& cat, const warmup_definition& what);

/// Why a pending job does not run yet, as far as the log knows; empty: it may begin any moment, or is not pending.
[[nodiscard]] std::string waits_text(const warmup_ledger& ledger, const warmup_job& job, time_ms now);

}  // namespace tabletd::model
