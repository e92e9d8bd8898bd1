#pragma once
// One CREATE TABLE or ADD PARTITION: carries out actors/model/table_birth.
#include "actors/console/console_jobs.h"
#include "actors/model/table_birth.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <optional>

namespace tabletd {

struct table_birth_state {
  table_birth_state() = default;
  table_birth_state(const table_birth_state&) = delete;
  ~table_birth_state();

  console_job_ports ports;
  model::table_birth life;
  caf::actor_addr session; ///< Monitored until begun.
  model::time_ms begun{};  ///< Actor clock.
  std::optional<caf::typed_response_promise<statement_outcome>> statement;
  static inline const char* name = "table_birth";
};

/// `session`: if it ends before begin_job has come, so does this job.
table_birth_actor::behavior_type table_birth(table_birth_actor::stateful_pointer<table_birth_state> self,
                                             model::table_birth life, caf::actor_addr session, console_job_ports ports);

} // namespace tabletd
