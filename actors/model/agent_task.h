#pragma once
// The words of a backend: what it holds, what it is told to do, and how that ended.
// The wire twins are in schemas/backend.capnp; actors/codec/agent_codec.h maps between them.
#include "actors/model/ids.h"
#include <compare>
#include <string>
#include <variant>

namespace tabletd::model {

/// One replica as its disk sees it.
struct held_replica {
  tablet_id tablet{};
  replica_id replica{};
  path_hash path{};
  model::version version{};     ///< Highest v with 1..v all present.
  model::version max_version{}; ///< > version: there is a hole.
  bool bad = false;             ///< A checksum did not match or a file is missing.
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::uint32_t rowsets{};
  friend bool operator==(const held_replica&, const held_replica&) = default;
};

struct held_ref {
  tablet_id tablet{};
  replica_id replica{};
  friend auto operator<=>(const held_ref&, const held_ref&) = default;
};

/// Same order as wire::TaskFailure::Kind.
enum class task_failure : std::uint8_t {
  unknown,
  source_gone,    ///< The source does not hold that replica, or its link kept breaking.
  source_corrupt, ///< The source could not read a block that matches its checksum.
  disk_full,
  io,
  stale,          ///< The order no longer fits what is here: other replica id, older order.
  cancelled,
  unreachable,
  path_unknown,
};

struct task_failed {
  task_failure kind{};
  std::string message; ///< One sentence: what, why, what to do.
  friend bool operator==(const task_failed&, const task_failed&) = default;
};

struct create_order {
  tablet_id tablet{};
  replica_id replica{};
  path_hash path{};
  friend bool operator==(const create_order&, const create_order&) = default;
};
struct clone_order {
  log_index fence{};
  tablet_id tablet{};
  replica_id replica{};  ///< The id the copy must carry.
  path_hash path{};      ///< 0: where the replica already is.
  model::version version{}; ///< Reach at least this.
  std::string source_host;
  std::uint16_t source_port{};
  replica_id source_replica{};
  friend bool operator==(const clone_order&, const clone_order&) = default;
};
/// Compare and drop (spec/replica.md 9.2, C1).
struct drop_order {
  tablet_id tablet{};
  replica_id replica{};
  friend bool operator==(const drop_order&, const drop_order&) = default;
};
struct verify_order {
  tablet_id tablet{};
  replica_id replica{};
  friend bool operator==(const verify_order&, const verify_order&) = default;
};
/// Gives a clone or a move up.
struct cancel_order {
  log_index clone{}; ///< Its fence.
  friend bool operator==(const cancel_order&, const cancel_order&) = default;
};
/// Take a replica to another path of the same backend; it keeps its id (spec/replica.md 5.4).
struct move_order {
  tablet_id tablet{};
  replica_id replica{};
  path_hash path{}; ///< Where to.
  friend bool operator==(const move_order&, const move_order&) = default;
};

struct agent_task {
  log_index fence{};
  std::variant<create_order, clone_order, drop_order, verify_order, cancel_order, move_order> what;
  friend bool operator==(const agent_task&, const agent_task&) = default;
};

/// How a task ended.  `done` of a drop carries only tablet and replica.
struct task_end {
  log_index fence{};
  tablet_id tablet{};
  replica_id replica{};
  std::variant<held_replica, task_failed> outcome;
  std::uint64_t copied_bytes{};
  std::uint64_t elapsed_ms{};
  std::uint64_t stamp{}; ///< Of the report book, after everything the task changed.
  [[nodiscard]] bool done() const { return std::holds_alternative<held_replica>(outcome); }
  friend bool operator==(const task_end&, const task_end&) = default;
};

/// One task of one backend.  Many tasks can share a fence (the creates of one table); the end of a
/// cancel names no tablet.
struct task_key {
  log_index fence{};
  tablet_id tablet{};
  friend auto operator<=>(const task_key&, const task_key&) = default;
};
[[nodiscard]] inline task_key key_of(const agent_task& task) {
  return {task.fence, std::visit(overloaded{[](const cancel_order&) { return tablet_id{}; },
                                            [](const auto& order) { return order.tablet; }},
                                 task.what)};
}
[[nodiscard]] inline task_key key_of(const task_end& end) { return {end.fence, end.tablet}; }

[[nodiscard]] inline task_end failed_end(log_index fence, tablet_id tablet, replica_id replica,
                                         task_failure kind, std::string why) {
  return {fence, tablet, replica, task_failed{kind, std::move(why)}, 0, 0, 0};
}

} // namespace tabletd::model
