#pragma once
// The life of one move of a replica between two paths of its backend: look where it is, copy
// what it holds while loads go on, shut its tablet's gate, copy the rest, switch.  Until the
// switch nothing but partial files has changed; the switch is atomic and not given up.  Pure.
// What it is for: spec/replica.md 5.4; a move that needs no second backend: 9.2, C17.
#include "actors/model/agent_task.h"
#include <optional>
#include <variant>
#include <vector>

namespace tabletd::model {

struct move_pace {
  /// The gate is shut once no more than this is left to copy: loads of the tablet wait that long.
  std::uint64_t rest_bytes_max = 8U << 20;
  /// Each round copies what loads brought during the one before; after so many the gate is shut
  /// whatever is left.
  std::uint32_t rounds_max = 8;
};

// -- states: no field belongs to two; `alone`: the gate is shut --------------------------
struct move_looking {};
struct move_listing { bool alone = false; };
struct move_copying { bool alone = false; };
struct move_shutting {};
struct move_switching {};
struct move_over {};
using move_state = std::variant<move_looking, move_listing, move_copying, move_shutting, move_switching, move_over>;

// -- events: the answer to the effect carried out last, progress, or a cancel ------------
struct move_looked { std::optional<held_replica> here; }; ///< This tablet's replica, on any path.
/// What the replica holds, visible or prepared, and the target does not.
struct move_listed {
  std::uint64_t rowsets{};
  std::uint64_t bytes{};
};
struct move_progressed { std::uint64_t bytes{}; }; ///< Since the last one.
struct move_copied {};
struct move_alone {};                              ///< Nothing changes the tablet any more.
struct move_switched { held_replica here; };
struct move_failed { task_failed why; };
struct move_cancelled { bool keep_partial = false; std::string why; };
using move_event = std::variant<move_looked, move_listed, move_progressed, move_copied, move_alone, move_switched,
                                move_failed, move_cancelled>;

// -- effects, carried out in this order --------------------------------------------------
struct look_for_replica { friend bool operator==(const look_for_replica&, const look_for_replica&) = default; };
struct list_rest { friend bool operator==(const list_rest&, const list_rest&) = default; };
/// What was listed last.
struct copy_rest { friend bool operator==(const copy_rest&, const copy_rest&) = default; };
/// Whatever publishes, prepares or aborts on this tablet waits; answered when all that was
/// under way has ended.
struct shut_gate { friend bool operator==(const shut_gate&, const shut_gate&) = default; };
struct open_gate { friend bool operator==(const open_gate&, const open_gate&) = default; };
/// Install at the target, tell, remove from the source.
struct switch_paths { friend bool operator==(const switch_paths&, const switch_paths&) = default; };
/// Opens the gate; unless `keep_partial`, deletes what was copied and not installed.
struct leave_move {
  bool keep_partial = false;
  friend bool operator==(const leave_move&, const leave_move&) = default;
};
struct end_move { task_end end; friend bool operator==(const end_move&, const end_move&) = default; };
using move_effect = std::variant<look_for_replica, list_rest, copy_rest, shut_gate, open_gate, switch_paths,
                                 leave_move, end_move>;
using move_effects = std::vector<move_effect>;

struct move_life {
  log_index fence{};
  move_order order;
  move_pace pace;
  move_state state;
  time_ms started{};
  std::uint32_t rounds = 0; ///< Copied so far.
  std::uint64_t copied_bytes = 0;
};

[[nodiscard]] move_effects begin(move_life& life, time_ms now);
[[nodiscard]] move_effects step(move_life& life, const move_event& event, time_ms now);

} // namespace tabletd::model
