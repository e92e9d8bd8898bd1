#pragma once
// When a child dies: who is stopped, who is started, when, and when to give up.  Pure;
// the rules are Erlang/OTP's (design/style.md 1.7 and 3.6).  The actor that carries the
// effects out is actors/supervision/supervisor.
#include "actors/model/ids.h"
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tabletd::model {

enum class strategy : std::uint8_t { one_for_one, rest_for_one, one_for_all };
/// permanent: always restarted; transient: only after a crash; temporary: never.
enum class restart : std::uint8_t { permanent, transient, temporary };
enum class exit_kind : std::uint8_t { normal, abnormal };

/// Delay before the n-th restart in a row: first * 2^(n-1), at most `max`; the row ends when
/// a child has lived `reset_after`.
struct backoff {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds max{30'000};
  std::chrono::milliseconds reset_after{60'000};
};

struct supervisor_spec {
  strategy how = strategy::one_for_one;
  /// More restarts than this within `window` and the supervisor fails itself.
  std::uint32_t restarts_max = 5;
  std::chrono::milliseconds window{60'000};
  model::backoff backoff;
};

/// A child's place in the start order; never reused, so a late event names nobody else.
enum class child_key : std::uint64_t {};

/// waiting: its turn to start has not come; ended: a static child that is not coming back.
enum class child_phase : std::uint8_t { waiting, running, stopping, backing_off, ended };

struct child_life {
  restart when = restart::permanent;
  std::chrono::milliseconds shutdown{};  ///< From the stop signal to the kill.
  bool is_dynamic = false;               ///< Added later; forgotten when it ends.
  bool is_unwanted = false;              ///< remove() was asked for.
  child_phase phase = child_phase::waiting;
  exit_kind ended_how = exit_kind::normal;
  std::uint32_t starts = 0;              ///< Tried so far.
  std::uint32_t streak = 0;              ///< Crashes in a row.
  time_ms born{};                        ///< Of its present incarnation.
  time_ms due{};                         ///< stopping: kill; backing_off: start.
};

// -- effects, to be carried out in this order --------------------------------------------
/// Answered at once with child_started or child_not_started.
struct start_child_effect {
  child_key child{};
  friend bool operator==(const start_child_effect&, const start_child_effect&) = default;
};
struct stop_child_effect {
  child_key child{};
  friend bool operator==(const stop_child_effect&, const stop_child_effect&) = default;
};
struct kill_child_effect {
  child_key child{};
  friend bool operator==(const kill_child_effect&, const kill_child_effect&) = default;
};
/// The child is out of the books.
struct forget_child_effect {
  child_key child{};
  friend bool operator==(const forget_child_effect&, const forget_child_effect&) = default;
};
/// Send woke at `at`; earlier wishes that are still open may be forgotten.
struct wake_effect {
  time_ms at{};
  friend bool operator==(const wake_effect&, const wake_effect&) = default;
};
/// All children are gone; escalated: there were too many restarts.
struct quit_effect {
  bool escalated = false;
  friend bool operator==(const quit_effect&, const quit_effect&) = default;
};
using supervision_effect = std::variant<start_child_effect, stop_child_effect, kill_child_effect,
                                        forget_child_effect, wake_effect, quit_effect>;
using supervision_effects = std::vector<supervision_effect>;

// -- events --------------------------------------------------------------------------------
struct supervisor_begun {}; ///< Starts the static children in order.
/// Starts a child that was added after supervisor_begun, as soon as no regroup is in the way.
struct child_admitted {
  child_key child{};
};
struct child_started {
  child_key child{};
};
/// A crash; but a dynamic child whose first start fails is forgotten: whoever asked for it
/// hears of it and decides.
struct child_not_started {
  child_key child{};
};
struct child_exited {
  child_key child{};
  exit_kind how = exit_kind::normal;
};
struct child_unwanted { ///< Stop it for good.
  child_key child{};
};
struct supervisor_woke {};
/// Stop everything: dynamic children together first, then the static ones, last to first.
struct shutdown_asked {};
using supervision_event = std::variant<supervisor_begun, child_admitted, child_started, child_not_started,
                                       child_exited, child_unwanted, supervisor_woke, shutdown_asked>;

/// Everything a supervisor knows.  Times are of any one clock that does not go back.
struct supervisor_life {
  supervisor_spec spec;
  std::map<child_key, child_life> children; ///< In start order.
  std::deque<time_ms> restarts;             ///< Instants within the window, oldest first.

  // Indexes: there may be thousands of children, and each event concerns one.
  std::set<child_key> waiting;                 ///< Phase waiting.
  std::set<child_key> live;                    ///< Phase running or stopping, static.
  std::set<child_key> live_dynamic;            ///< The same, dynamic.
  std::set<std::pair<time_ms, child_key>> due; ///< Kills and starts to come; key 0: a regroup.

  std::optional<child_key> starting;     ///< A start effect is out, unanswered.
  std::optional<child_key> regroup_from; ///< Stop, then start, everything from here on.
  time_ms regroup_not_before{};
  std::optional<time_ms> armed; ///< The wake we last asked for.
  bool has_begun = false;
  bool is_ending = false;
  bool is_escalating = false;
  bool has_quit = false;
  std::uint64_t next_key = 1;
};

/// What a crash leads to.  `stop` is in reverse start order; each is awaited, then `start`
/// begins, in order, `delay` after the crash.
struct restart_plan {
  std::vector<child_key> stop;
  std::vector<child_key> start;
  time_ms delay{};
  bool escalate = false;
  friend bool operator==(const restart_plan&, const restart_plan&) = default;
};

/// Counts the restart in the window and in the child's streak, and says what follows.  Empty
/// if the child is not to come back.
[[nodiscard]] restart_plan plan_restart(supervisor_life& life, child_key child, exit_kind why, time_ms now);

/// Books a child: before supervisor_begun a static one, after it a dynamic one.
child_key add_child(supervisor_life& life, restart when, time_ms shutdown);

[[nodiscard]] supervision_effects step(supervisor_life& life, const supervision_event& event, time_ms now);

} // namespace tabletd::model
