#pragma once
// Statements that outlive one message run as jobs: how a session starts one and passes its answer on.
#include "actors/console/session_steps.h"
#include "actors/spawn_child.h"
#include "actors/supervision/ports.h"

#include <caf/actor_cast.hpp>
#include <fmt/format.h>

namespace tabletd::session {

[[nodiscard]] inline model::statement_error no_job(session_ptr self, const caf::error& why) {
  return {model::error_code::unavailable,
          "the statement could not be started: " + text_of(self->system(), why),
          "this front end may have stopped leading; connect again",
          {},
          {},
          {},
          1'000};
}

/// Unique among the jobs of the term.
[[nodiscard]] inline std::string job_id(session_ptr self, std::string_view kind) {
  return fmt::format("{}/{}/{}", kind, self->id(), ++self->state.jobs_started);
}

/// Starts a job under the supervisor, lets it begin and passes its answer on.  `begun(job, outcome)`
/// sees the answer first.
template <class Job, class Begun>
void run_job(session_ptr self, std::string id, std::function<caf::actor(caf::event_based_actor*)> start,
             session_reply reply, Begun begun) {
  child_spec spec;
  spec.id = std::move(id);
  spec.start = std::move(start);
  spec.when = model::restart::temporary;
  self->request(self->state.ports.jobs, caf::infinite, start_child{std::move(spec)})
      .then(
          [self, reply, begun](const caf::actor& started) mutable {
            const auto job = caf::actor_cast<Job>(started);
            self->request(job, caf::infinite, begin_job{})
                .then(
                    [job, reply, begun](const statement_outcome& outcome) mutable {
                      begun(job, outcome);
                      reply.pass(outcome);
                    },
                    [self, reply](const caf::error& why) mutable { reply.fail(no_job(self, why)); });
          },
          [self, reply](const caf::error& why) mutable { reply.fail(no_job(self, why)); });
}
/// The same for a job of which nothing more is to come.
template <class Job>
void run_job(session_ptr self, std::string id, std::function<caf::actor(caf::event_based_actor*)> start,
             session_reply reply) {
  run_job<Job>(self, std::move(id), std::move(start), std::move(reply), [](const Job&, const statement_outcome&) {});
}

}  // namespace tabletd::session
