#pragma once
// What the scheduler shows of itself: an immutable value it publishes after each change.
// SHOW PROC reads it; it never asks the scheduler.  Fields follow spec/replica.md 8.1.
#include "actors/model/balance_planner.h"
#include "actors/model/health.h"
#include "actors/model/slots.h"
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::model {

enum class ctx_state_name : std::uint8_t { pending, running, finished, cancelled, unexpected };
[[nodiscard]] std::string_view name(ctx_state_name state); ///< "PENDING"

/// One row of /cluster_balance/{pending,running,history}_tablets.  Times 0: not yet.
struct ctx_row {
  tablet_id tablet{};
  model::medium medium{};
  tablet_health status{};
  order_purpose purpose = order_purpose::repair;
  ctx_state_name state{};
  repair_priority orig_priority{};
  repair_priority dynamic_priority{};
  std::optional<place> source;
  std::optional<place> target;
  time_ms timeout{};
  time_ms created{};
  time_ms last_scheduled{};
  time_ms last_visited{};
  time_ms finished{};
  std::uint64_t copied_bytes{};
  std::uint64_t copy_ms{};
  std::uint32_t failed_scheduling{};
  std::uint32_t failed_running{};
  time_ms last_adjusted{};
  model::version visible{};
  model::version committed{};
  std::string message;
  std::vector<place> avoid; ///< Ends of attempts that have just failed: decide() takes them last.
};

/// One row of /cluster_balance/working_slots.
struct slot_row {
  backend_id backend{};
  path_hash path{};
  std::uint32_t available{};
  std::uint32_t total{};
  std::uint32_t balance_available{};
  double average_rate{}; ///< Bytes per second of finished copies.
};

/// Counters since this leader began; names as in spec/replica.md 8.1 sched_stat.
struct sched_counters {
  std::uint64_t check_rounds{}, tablets_checked{}, unhealthy_found{}, submitted{}, sched_rounds{};
  std::uint64_t scheduled{}, scheduled_ok{}, scheduled_failed{}, discarded{};
  std::uint64_t clones{}, clones_ok{}, clones_failed{}, clones_timeout{};
  std::uint64_t finished{}, cancelled{}, unexpected{};
  std::uint64_t balance_finished{}, balance_cancelled{}, balance_unexpected{}; ///< Of those, copies of balance.
  std::uint64_t upgraded{}, downgraded{}; ///< Dynamic priorities.
  std::uint64_t balance_scheduled{};
  std::uint64_t path_moves_scheduled{}; ///< Of those, between paths of one backend.
  /// Of finished copies: [repair, balance][between backends, between paths of one].
  std::array<std::array<std::uint64_t, 2>, 2> copied_bytes{};
  std::array<std::uint64_t, tablet_health_count> submitted_by_health{}; ///< Index: tablet_health.
};

/// Histories and listings are cut at 1,000 rows, as the seed's.
inline constexpr std::size_t view_rows_max = 1'000;

struct scheduler_view {
  std::vector<ctx_row> pending;
  std::vector<ctx_row> running;
  std::vector<ctx_row> history; ///< Newest first.
  std::vector<slot_row> slots;
  std::vector<slot_claim> claims; ///< Of every copy for repair that runs: EXPLAIN rebuilds the slots from them.
  std::uint32_t slots_per_path = 2; ///< Of paths that `slots` does not name; the scheduler names all there are.
  std::size_t pending_total{};
  std::size_t running_total{};
  std::size_t balance_running{}; ///< Of those, copies of balance.
  std::uint32_t balance_slots_per_path = 2;
  std::array<std::uint64_t, tablet_health_count> tablets_by_health{}; ///< Sick ones known now; healthy is derived.
  sched_counters counters;
  balance_pause pause;                          ///< Why balance rests, if it does.
  std::vector<balance_standing> standing;       ///< How even the cluster is.
  std::array<load_statistic, media.size()> load;
};

} // namespace tabletd::model
