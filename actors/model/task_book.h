#pragma once
// Which tasks run, wait and have ended on this backend.  A task (fence and tablet) is done
// once: seen again it joins the running task or is answered from memory.  Clones and moves are copies: at
// most one per tablet and a few per path; a drop waits until the copy it undoes has let go.  Pure.
#include "actors/model/agent_task.h"
#include <deque>
#include <map>
#include <set>
#include <variant>
#include <vector>

namespace tabletd::model {

struct task_limits {
  std::uint32_t clones_per_path_max = 4; ///< And moves.  Seed 004: slots per path; the leader has its own.
  std::size_t remembered_max = 10'000;   ///< Ended tasks that are answered from memory.
};

// -- events ------------------------------------------------------------------------------
struct task_submitted {
  agent_task task;
  path_hash place{}; ///< Where `task`'s tablet is or will be; 0: nobody knows.
};
/// A task that ran has ended, but the leader must not hear it before its changes have a stamp.
struct task_finished { task_end end; };
/// The report book gave it a stamp.
struct task_stamped { task_end end; };
/// No new work; running copies are given up with their partial files kept.
struct drain_asked {};
using book_event = std::variant<task_submitted, task_finished, task_stamped, drain_asked>;

// -- effects -----------------------------------------------------------------------------
struct run_on_disk { agent_task task; friend bool operator==(const run_on_disk&, const run_on_disk&) = default; };
struct start_clone { clone_order order; friend bool operator==(const start_clone&, const start_clone&) = default; };
struct start_move {
  log_index fence{};
  move_order order;
  friend bool operator==(const start_move&, const start_move&) = default;
};
/// Asks a clone or a move that was started to let go.
struct stop_copy {
  log_index fence{};
  bool keep_partial = false;
  friend bool operator==(const stop_copy&, const stop_copy&) = default;
};
/// Feed task_stamped when the report book has stamped it; that also tells the leader.
struct stamp_end { task_end end; friend bool operator==(const stamp_end&, const stamp_end&) = default; };
/// Tell the leader once more.
struct answer_again { task_end end; friend bool operator==(const answer_again&, const answer_again&) = default; };
/// After drain_asked, once: nothing is open any more.
struct all_quiet { friend bool operator==(const all_quiet&, const all_quiet&) = default; };
using book_effect = std::variant<run_on_disk, start_clone, start_move, stop_copy, stamp_end, answer_again, all_quiet>;
using book_effects = std::vector<book_effect>;

struct task_book {
  enum class phase : std::uint8_t { waiting, running, stopping, ending };
  struct open_task {
    agent_task task{};
    path_hash place{};
    phase at{};
    bool asked_again = false; ///< While its end was on the way: that may have missed the asker.
  };
  task_limits limits;
  bool draining = false;
  bool quiet_told = false;
  std::map<task_key, open_task> open;
  std::set<task_key> waiting;                       ///< Of `open`: a slot or an older copy is in the way.
  std::map<tablet_id, std::set<log_index>> copies;  ///< Of `open`, not yet ended; newest last.
  std::map<path_hash, std::uint32_t> copying;       ///< Copies that run, per path they write to.
  std::map<task_key, task_end> ended;               ///< At most limits.remembered_max.
  std::deque<task_key> ended_order;
};

[[nodiscard]] book_effects step(task_book& book, const book_event& event);
/// Tasks that were accepted and have not ended, waiting ones included.
[[nodiscard]] inline std::size_t tasks_open(const task_book& book) { return book.open.size(); }

} // namespace tabletd::model
