#pragma once
// What a simulated cluster is like: how long things take in it, and the scheduler's options.
// Each can be set by name in a scenario.
#include "actors/model/liveness.h"
#include "actors/model/repair_scheduler.h"
#include <functional>
#include <span>
#include <string_view>

namespace tabletd::model::offline {

/// Balance only where a scenario asks for it: most are about repair, and count its copies.
[[nodiscard]] inline scheduler_options repair_only() {
  scheduler_options options;
  options.balance.rules.enabled = false;
  return options;
}

struct sim_options {
  std::uint64_t seed = 1;
  scheduler_options scheduler = repair_only();
  /// What a path reads or writes, shared by the copies that touch it.
  std::uint64_t path_rate_bytes_per_s = 100ULL << 20U;
  time_ms tick{1'000}; ///< Of checker and scheduler, as in the front end.
  /// How often the leader learns how full paths are.
  time_ms heartbeat = liveness_options{}.interval;
  time_ms dead_after = liveness_options{}.interval * liveness_options{}.missed_max;
  /// Of a dead backend that answers again.
  time_ms back_after = liveness_options{}.interval * liveness_options{}.steady_beats;
  time_ms link_after{1'000};    ///< From its start until a backend is linked.
  time_ms report_after{1'000};  ///< Of a backend that links or finds damage.
  time_ms report_every{60'000}; ///< Full reports (spec/replica.md 1.5).
  time_ms edit_takes{5};        ///< From a proposal to its answer.
  time_ms task_takes{20};       ///< A task that moves no bytes, and the overhead of one that does.
  time_ms load_takes{1'000};    ///< From the label to the commit.
  time_ms sample_every{1'000};  ///< Points of the picture; of a long course fewer are kept.
};

enum class option_unit : std::uint8_t { number, span, mib_per_s, percent };

struct option_row {
  std::string_view name;
  option_unit unit{};
  std::string_view meaning;                          ///< One line.
  void (*set)(sim_options& of, std::uint64_t value); ///< Spans in ms.
  std::uint64_t least = 0;
};
[[nodiscard]] std::span<const option_row> option_table();
[[nodiscard]] const option_row* find_option(std::string_view name);

} // namespace tabletd::model::offline
