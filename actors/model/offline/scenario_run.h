#pragma once
// A scenario from its first command to its last, and what it showed.
#include "actors/model/offline/simulation.h"
#include <functional>
#include <string>
#include <vector>

namespace tabletd::model::offline {

/// At the end of a run.
struct run_summary {
  sim_facts end;
  std::uint64_t orders{};
  std::uint64_t copies{};
  std::uint64_t failures{};
  std::uint64_t reverted{};
  std::uint64_t needed_bytes{};
  std::uint64_t thrash_thousandths{};
  std::uint64_t loads_refused{};
  time_ms longest_illness{};
  bool healthy = false;
  std::uint64_t assertions{};
  std::vector<sim_sample> samples;
  /// Empty: all went well.  Else the command that failed, and why; nothing was carried out after it.
  std::string failure;
  std::uint32_t failed_line{};
};

/// One `print`.
struct printed {
  sim_facts facts;
  std::vector<backend_facts> backends; ///< Of `print backends`.
};

/// `print` sees a row as soon as it is due.
[[nodiscard]] run_summary run_scenario(const scenario& what, const std::function<void(const printed&)>& print);

} // namespace tabletd::model::offline
