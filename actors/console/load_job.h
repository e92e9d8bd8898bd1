#pragma once
// One LOAD: carries out actors/model/load_life.  Monitors its session while the client can
// still change its mind.
#include "actors/console/console_jobs.h"
#include "actors/model/load_life.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <optional>
#include <variant>

namespace tabletd {

struct load_from_session {
  model::load_request request;
  caf::actor_addr session;
};
/// A load that lost its actor.
struct load_taken_over {
  model::txn_id txn{};
};
using load_origin = std::variant<load_from_session, load_taken_over>;

struct load_job_state {
  load_job_state() = default;
  load_job_state(const load_job_state&) = delete;
  /// However this job ends, nobody who asked it is left waiting.
  ~load_job_state();

  console_job_ports ports;
  model::load_life life;
  caf::actor_addr session;
  model::time_ms begun{}; ///< Actor clock.
  std::optional<caf::typed_response_promise<statement_outcome>> statement;
  std::optional<caf::typed_response_promise<api_result>> client;
  static inline const char* name = "load_job";
};

load_job_actor::behavior_type load_job(load_job_actor::stateful_pointer<load_job_state> self, load_origin origin,
                                       console_job_ports ports);

} // namespace tabletd
