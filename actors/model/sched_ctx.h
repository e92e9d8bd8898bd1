#pragma once
// The life of one remedy of one tablet, from its order to its end.  Pure.
//
//   clone  ordering --committed--> cloning --task ended, or too late--> recording --> finished
//   (withdrawn while it copies: the backend is told to stop, the failure is recorded)
//   drop   ordering --committed--> dropping --task ended, or too late--> finished
//
// The order is in the log before any backend hears of it, and its index fences everything
// that follows; a clone whose end is not in the log yet is adopted by the next leader.
// Nothing here is retried with other ends: a failure ends the context at once and the
// scheduler decides anew (spec/replica.md 9.2, C10).
#include "actors/model/agent_task.h"
#include "actors/model/catalog.h"
#include "actors/model/edit_answer.h"
#include "actors/model/health.h"
#include "actors/model/placement.h"
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace tabletd::model {

/// How a context ended; wire::CtxEnded carries it.  Shown as FINISHED, CANCELLED (failed and
/// timed_out too) or UNEXPECTED.
enum class ctx_result : std::uint8_t {
  finished,
  cancelled,  ///< The log refused the order: the tablet had changed meanwhile.
  failed,     ///< The backend could not.
  timed_out,
  unexpected, ///< The context's actor died.
};
[[nodiscard]] std::string_view name(ctx_result result);

// -- events ------------------------------------------------------------------------------
// edit_answer: the journal's answer to the edit proposed last.
// task_end: how a task ended, by its fence.
/// The ask for that task will never be answered; nothing is known about the task itself.
struct task_ask_lost {
  log_index fence{};
};
struct ctx_tick {};
/// The scheduler has changed its mind: what the copy was for has come about by itself, or it
/// cannot succeed any more.  A drop is not called off.
struct ctx_withdrawn {
  std::string why;
};
using ctx_event = std::variant<edit_answer, task_end, task_ask_lost, ctx_tick, ctx_withdrawn>;

// -- effects, carried out in order -------------------------------------------------------
/// Its answer is the next edit_answer.
struct propose {
  edit_body body;
  friend bool operator==(const propose&, const propose&) = default;
};
/// Its answer is a task_end or a task_ask_lost.
struct ask_task {
  backend_id backend{};
  agent_task task;
  friend bool operator==(const ask_task&, const ask_task&) = default;
};
/// A task nobody waits for.
struct tell_task {
  backend_id backend{};
  agent_task task;
  friend bool operator==(const tell_task&, const tell_task&) = default;
};
/// Tell the scheduler, then end.
struct report_end {
  ctx_result result{};
  std::string message;
  std::uint64_t copied_bytes{};
  std::uint64_t elapsed_ms{};
  task_failure failure{}; ///< The backend's reason, if it gave one.
  friend bool operator==(const report_end&, const report_end&) = default;
};
using ctx_effect = std::variant<propose, ask_task, tell_task, report_end>;
using ctx_effects = std::vector<ctx_effect>;

// -- states: no field belongs to two ------------------------------------------------------
struct ordering {
  std::optional<std::string> withdrawn; ///< Why, once it is.
  friend bool operator==(const ordering&, const ordering&) = default;
};
struct cloning {
  agent_task task;     ///< Its fence is the order.
  time_ms deadline{};
  std::optional<time_ms> asked; ///< When, last; nothing: that ask is lost.
  friend bool operator==(const cloning&, const cloning&) = default;
};
struct recording {
  clone_ended end;
  report_end report;
  bool proposed = false; ///< An answer is on its way.
  bool tell_to_stop = false; ///< The backend may still be at it.
  friend bool operator==(const recording&, const recording&) = default;
};
struct dropping {
  agent_task task;
  time_ms deadline{};
  std::optional<time_ms> asked;
  friend bool operator==(const dropping&, const dropping&) = default;
};
struct ctx_finished {
  friend bool operator==(const ctx_finished&, const ctx_finished&) = default;
};
using ctx_state = std::variant<ordering, cloning, recording, dropping, ctx_finished>;

struct source_address {
  std::string host;
  std::uint16_t port{};
  friend bool operator==(const source_address&, const source_address&) = default;
};

struct sched_ctx {
  tablet_id tablet{};
  diagnosis what;               ///< What asked for it; recorded in the order.
  remedy move;                  ///< A clone_move or a drop_move.
  std::string why;              ///< The decision in a sentence; recorded in the order.
  source_address source;        ///< Clones only.
  ctx_state state = ordering{};
};

/// min / max_clone_task_timeout_sec, and the assumed speed, of spec/replica.md 4.7.
[[nodiscard]] time_ms clone_timeout(std::uint64_t bytes);
/// A drop deletes one directory.  After this the backend's next full report settles it.
inline constexpr time_ms drop_timeout{60'000};
/// A task is asked for again after this long without an answer (it joins the first by its
/// fence): whatever lost the first ask costs this much, never the whole timeout.
inline constexpr time_ms ask_again_after{60'000};

[[nodiscard]] sched_ctx new_ctx(const catalog& cat, tablet_id tablet, const decision& d, std::string why);
/// A context for an order that is in the log already: its task is asked for at once.
[[nodiscard]] sched_ctx adopted_ctx(const catalog& cat, const open_order& order);

[[nodiscard]] ctx_effects begin(sched_ctx& ctx, time_ms now);
[[nodiscard]] ctx_effects step(sched_ctx& ctx, const ctx_event& event, time_ms now);

} // namespace tabletd::model
