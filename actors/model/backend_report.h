#pragma once
// What a backend says of itself, as values.  The wire twins are in schemas/backend.capnp;
// actors/codec/backend_codec.h maps between them.
#include "actors/model/agent_task.h"
#include "actors/model/cluster_view.h"
#include <vector>

namespace tabletd::model {

struct backend_report {
  std::uint64_t boot{};
  std::uint64_t stamp{}; ///< Grows with every change of the tablet set of this boot.
  bool full = false;     ///< What is not listed is not there.
  std::vector<held_replica> tablets;
  std::vector<held_ref> gone;   ///< Incremental only.
  std::vector<txn_id> prepared; ///< Every transaction that waits for a verdict there.
  friend bool operator==(const backend_report&, const backend_report&) = default;
};

/// The answer to a heartbeat.
struct backend_status {
  std::uint64_t boot{};
  std::uint64_t stamp{};
  std::vector<path_view> paths;
  std::uint32_t tasks_running{};
};

/// Tells a backend how a load ended.
struct txn_verdict {
  txn_id txn{};
  model::version version{}; ///< 0: aborted.
  friend bool operator==(const txn_verdict&, const txn_verdict&) = default;
};

/// The paths that take replicas, as the log keeps them: those online, by ascending hash.
[[nodiscard]] std::vector<path_seen> paths_serving(const std::vector<path_view>& paths);

} // namespace tabletd::model
