#pragma once
// The life of one clone at its destination: look here, ask the source, copy, install.  A
// broken link means waiting and asking again; what has been copied stays.  Pure.
// Steps: spec/replica.md 6.2; resumable and driven by progress instead of a size guess: 9.2, C10.
#include "actors/model/agent_task.h"
#include "actors/model/snapshot_plan.h"
#include <optional>
#include <variant>
#include <vector>

namespace tabletd::model {

struct clone_pace {
  time_ms retry_first_ms{200};
  time_ms retry_max_ms{5'000};
  /// Attempts in a row that brought not one block; then another source must be tried.
  std::uint32_t fruitless_max = 6;
};

// -- states: no field belongs to two -----------------------------------------------------
struct clone_looking {};
struct clone_asking {};
struct clone_copying { bool full = false; };
struct clone_installing { bool full = false; };
struct clone_waiting {};
struct clone_over {};
using clone_state = std::variant<clone_looking, clone_asking, clone_copying, clone_installing,
                                 clone_waiting, clone_over>;

// -- events ------------------------------------------------------------------------------
// `attempt` names the ask_source they belong to: what an earlier one still says is ignored.
struct clone_looked {
  std::optional<held_replica> here; ///< This tablet's replica on this backend, any path.
  version_ranges have;              ///< Its visible rowsets.
};
struct clone_snapshot {
  std::uint32_t attempt{};
  bool full = false;
  version_ranges rowsets;
};
struct clone_progressed { std::uint32_t attempt{}; std::uint64_t bytes{}; }; ///< Since the last one.
struct clone_copied { std::uint32_t attempt{}; };
struct clone_link_broke { std::uint32_t attempt{}; std::string why; };
struct clone_step_failed { std::uint32_t attempt{}; task_failed why; };
struct clone_installed { held_replica here; };
struct clone_retry_due {};
struct clone_cancelled { bool keep_partial = false; std::string why; };
using clone_event = std::variant<clone_looked, clone_snapshot, clone_progressed, clone_copied, clone_link_broke,
                                 clone_step_failed, clone_installed, clone_retry_due, clone_cancelled>;

// -- effects, carried out in this order --------------------------------------------------
struct look_here { friend bool operator==(const look_here&, const look_here&) = default; };
/// Dial, open a snapshot of what `have` lacks.  Empty: everything.
struct ask_source {
  std::uint32_t attempt{};
  version_ranges have;
  friend bool operator==(const ask_source&, const ask_source&) = default;
};
struct copy_blocks {
  std::uint32_t attempt{};
  friend bool operator==(const copy_blocks&, const copy_blocks&) = default;
};
struct install_copy { bool full = false; friend bool operator==(const install_copy&, const install_copy&) = default; };
struct retry_in { time_ms span{}; friend bool operator==(const retry_in&, const retry_in&) = default; };
/// Close the link; unless `keep_partial`, delete what was copied.
struct let_go { bool keep_partial = false; friend bool operator==(const let_go&, const let_go&) = default; };
struct end_clone { task_end end; friend bool operator==(const end_clone&, const end_clone&) = default; };
using clone_effect = std::variant<look_here, ask_source, copy_blocks, install_copy, retry_in, let_go, end_clone>;
using clone_effects = std::vector<clone_effect>;

struct clone_life {
  clone_order order;
  clone_pace pace;
  clone_state state;
  time_ms started{};
  version_ranges have;         ///< As looked; empty once a full copy is wanted.
  bool full_wanted = false;    ///< An incremental copy did not fit: take everything.
  std::uint32_t attempt = 0;
  std::uint32_t fruitless = 0; ///< Broken links in a row without a block.
  std::uint64_t copied_bytes = 0;
};

[[nodiscard]] clone_effects begin(clone_life& life, time_ms now);
[[nodiscard]] clone_effects step(clone_life& life, const clone_event& event, time_ms now);

} // namespace tabletd::model
