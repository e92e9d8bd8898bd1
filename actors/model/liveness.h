#pragma once
// When a backend counts as dead, and when as back.  The leader's rule; what it proposes
// becomes true through the log, so every node agrees.  Pure.
//
// spec/replica.md 1.4: dead after several missed heartbeats.  A flapping backend (design/testing.md
// R-21) must not make the log flap: it has to answer steadily before it is taken back.
#include "actors/model/backend_report.h"
#include "actors/model/catalog.h"
#include <map>
#include <variant>
#include <vector>

namespace tabletd::model {

struct liveness_options {
  time_ms interval{2'000};      ///< Between two heartbeats.
  std::uint32_t missed_max = 5; ///< Silent for longer than this many intervals: dead.
  std::uint32_t steady_beats
      = 3; ///< In a row, before a backend that has lived before is taken back.
};

// -- events ------------------------------------------------------------------------------
/// It answered a heartbeat.
struct heart_beat {
  backend_id backend{};
  std::vector<path_seen> paths; ///< paths_serving() of the answer.
};
struct proposal_ended {
  backend_id backend{};
};
/// At least every interval.
struct liveness_ticked {};
using liveness_event = std::variant<heart_beat, proposal_ended, liveness_ticked>;

// -- effects -----------------------------------------------------------------------------
struct propose_died {
  backend_id backend{};
  friend bool operator==(const propose_died&, const propose_died&) = default;
};
struct propose_returned {
  backend_id backend{};
  std::vector<path_seen> paths;
  friend bool operator==(const propose_returned&, const propose_returned&) = default;
};
using liveness_effect = std::variant<propose_died, propose_returned>;
using liveness_effects = std::vector<liveness_effect>;

struct liveness {
  struct heart {
    time_ms last{}; ///< Its last beat; before the first one: when we began to listen.
    std::uint32_t in_a_row = 0;
    std::vector<path_seen> paths;
    bool asked = false; ///< A proposal about it has not ended.
  };
  liveness_options options;
  std::map<backend_id, heart> hearts;
  time_ms ticked{}; ///< 0: never.
};

/// `now` is any clock that does not jump.  Each effect must be followed by its proposal_ended.
[[nodiscard]] liveness_effects step(liveness& l, const catalog& cat, const liveness_event& event,
                                    time_ms now);

} // namespace tabletd::model
