#pragma once
// The language of `tabletctl offline simulate`: one command a line, # begins a comment
// (docs/offline.md).  Text in, values out.
#include "actors/model/edit.h"
#include "actors/model/health.h"
#include "actors/model/offline/sim_options.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tabletd::model::offline {

/// Backends in a scenario are numbered 1, 2, ... as they are added; so are the paths of each.
using backend_number = std::uint32_t;

struct gen_cluster {
  std::uint32_t backends{};
  std::uint32_t hosts{};              ///< 0: one per backend.
  std::uint32_t paths = 1;            ///< Per backend.
  std::uint64_t capacity_gib = 1'000; ///< Per path.
  model::medium medium{};
  std::string cluster; ///< Empty: cluster_default.
};
struct gen_tablets {
  std::uint32_t count{};
  std::uint32_t replicas = 3;
  std::uint64_t mib_min = 100;
  std::uint64_t mib_max = 100;
  std::string table; ///< Never empty.
  std::string colocate;
  std::string cluster;
};
enum class backend_fate : std::uint8_t { kill, revive, wipe, decommission, recommission };
struct treat_backends {
  backend_fate how{};
  std::vector<backend_number> backends;
};
struct fill_disk {
  backend_number backend{};
  std::uint32_t path{};
  std::uint32_t percent{};
};
struct corrupt {
  backend_number backend{};
  std::uint32_t count{};
};
struct load_table {
  std::string table;
  std::uint64_t mib{};
  std::uint32_t times = 1;
  time_ms every{}; ///< Between two of them.
};
struct set_option {
  std::string name;
  std::uint64_t value{};
};
/// The front end dies; another one takes over with what is in the log.
struct change_leader {};
struct run_for {
  time_ms span{};
};
struct run_until_healthy {
  time_ms within = std::chrono::hours(24);
};
struct print_row {
  bool backends = false; ///< One line for each of them too.
};

/// The reference calls a backend loaded or idle beyond 10 % of the average score (spec/replica.md 5.2,
/// balance_load_score_threshold).
inline constexpr std::uint64_t balanced_score_thousandths = 100;

/// What an assertion looks at.
enum class measure : std::uint8_t {
  healthy,
  status,
  replicas_on,
  max_skew,
  moves,
  reverted,
  thrash,
  time_to_healthy,
  balanced
};
enum class relation : std::uint8_t { equal, at_most, at_least };
struct assertion {
  measure what{};
  tablet_health status{};   ///< measure::status
  backend_number backend{}; ///< measure::replicas_on
  relation how{};
  /// A count; thrash and balanced: thousandths; time_to_healthy: milliseconds.
  std::uint64_t wanted{};
};

using command_body = std::variant<gen_cluster, gen_tablets, treat_backends, fill_disk, corrupt, load_table, set_option,
                                  change_leader, run_for, run_until_healthy, print_row, assertion>;
struct command {
  std::uint32_t line{}; ///< 1-based.
  std::string text;     ///< As written, without the comment.
  command_body body;
};
using scenario = std::vector<command>;

struct scenario_error {
  std::uint32_t line{};
  std::string message;
  std::string hint; ///< What to write instead; may be empty.
};

/// Options must be set before anything else: the front end of a scenario starts with them.
[[nodiscard]] std::variant<scenario, scenario_error> parse_scenario(std::string_view text);

} // namespace tabletd::model::offline
