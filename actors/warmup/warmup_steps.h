#pragma once
// Inside the overseer: what its parts call of each other.
#include "actors/actor_clock.h"
#include "actors/warmup/warmup_overseer.h"

namespace tabletd::warmup_steps {

using self_ptr = warmup_overseer_actor::stateful_pointer<warmup_overseer_state>;

// -- warmup_overseer.cpp -------------------------------------------------------------------
/// `then` gets exactly one answer, which says silent if the backend does not answer in time or cannot.  No limit: a link
/// that breaks answers.
void call(self_ptr self, model::backend_id backend, warmup_call what, std::optional<model::time_ms> limit,
          std::function<void(const warmup_answer&)> then);
/// Begins, forgets and looks after what the catalog says is to be.
void look(self_ptr self);

// -- warmup_plans.cpp ----------------------------------------------------------------------
/// As the catalog is when the last of the backends has said what it has room for.
void plan(self_ptr self, model::warmup_definition what, std::function<void(const model::warmup_plan_result&)> then);
[[nodiscard]] caf::typed_response_promise<warmup_plan_answer> on_plan(self_ptr self, const warmup_plan_question& asked);
[[nodiscard]] caf::typed_response_promise<warmup_verify_answer> on_verify(self_ptr self,
                                                                         const warmup_verify_question& asked);

// -- warmup_heat.cpp -----------------------------------------------------------------------
/// What a backend says of its cache, whyever it was asked.
void note_state(self_ptr self, model::backend_id backend, const codec::cache_state& state);
/// Asks a few at once; the next ones as answers come.
void ask_heat(self_ptr self);
/// The catalog may have advanced.
void look_for_pushes(self_ptr self);

}  // namespace tabletd::warmup_steps
