#pragma once
// The generic supervisor: carries out what actors/model/supervision decides.  Its behavior is
// dynamic, because its children have every type there is; only term_scope's is too.
#include "actors/supervision/ports.h"
#include <caf/behavior.hpp>
#include <caf/response_promise.hpp>
#include <caf/stateful_actor.hpp>
#include <deque>
#include <optional>
#include <unordered_map>

namespace tabletd {

struct supervisor_options {
  std::string name; ///< In listings, logs and metrics.
  model::supervisor_spec spec;
  std::vector<child_spec> children; ///< In start order.
  caf::actor observer{};            ///< Gets child_up; null: nobody.
};

/// A child of ours and who waits for it.
struct supervised_child {
  child_spec spec;
  caf::actor handle; ///< Null while it is down.
  std::string last_error;
  std::optional<caf::response_promise> asked_to_start;
  std::vector<caf::response_promise> asked_to_stop;
};

struct supervisor_state {
  static inline const char* name = "supervisor";
  supervisor_state() = default;
  supervisor_state(const supervisor_state&) = delete;
  ~supervisor_state();

  std::string label;
  caf::actor observer;
  model::supervisor_life life;
  std::map<model::child_key, supervised_child> children;
  std::unordered_map<std::string, model::child_key> by_id;
  std::unordered_map<caf::actor_id, model::child_key> by_actor;
  supervision_registry::section rows;
  std::deque<model::supervision_effect> todo;
  bool is_carrying_out = false;
  std::string last_crash;   ///< "child: error", for the sentence when it gives up.
  caf::error asked_to_exit; ///< Why it was told to stop.
};

/// Takes start_child, stop_child and exit signals.  Ends when all its children have: with the
/// reason it was told, or with an error whose text names the last crash when it gives up.
/// However it ends, `kill` included, no child survives it.
caf::behavior supervisor(caf::stateful_actor<supervisor_state>* self, supervisor_options options);

/// A supervisor as a child of another one.  `shutdown` covers the stop of its whole subtree.
[[nodiscard]] child_spec supervisor_child(supervisor_options options,
                                          std::chrono::milliseconds shutdown = std::chrono::seconds(60));

} // namespace tabletd
