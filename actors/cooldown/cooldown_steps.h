#pragma once
// Inside the overseer: what its two halves call of each other.
#include "actors/cooldown/cooldown_overseer.h"

#include "actors/codec/edit_codec.h"
#include "actors/codec/repair_codec.h"
#include "actors/error_text.h"

#include <caf/error.hpp>

#include <utility>

namespace tabletd::cooldown_steps {

using self_ptr = cooldown_overseer_life_actor::stateful_pointer<cooldown_overseer_state>;

/// Another leader has begun, though nobody has ended this actor yet.
[[nodiscard]] inline bool is_over(const cooldown_overseer_state& st) { return st.ports.catalog->load()->term != st.term; }

/// `then(model::edit_answer)`: the fold's verdict, or why there is none.
template <class Then>
void propose(self_ptr self, model::edit_body body, Then then) {
  auto& ports = self->state.ports;
  self->request(ports.journal, caf::infinite, codec::encode(model::edit{ports.wall_clock(), std::move(body)}))
    .then([then](const edit_outcome& outcome) { then(codec::decode_answer(outcome.get())); },
          [self, then](const caf::error& why) {
            then(model::edit_answer{{}, {}, 0, model::journal_failure::shutting_down, text_of(self->system(), why), 0});
          });
}

/// Together with what else the mail that waits brings.
void make_batch_due(self_ptr self);
/// Shows how the tablet stands; has grants and pushes join the batch.  Acknowledgements and answers are the caller's.
void carry_out(self_ptr self, model::tablet_id tablet, const cooldown_turned& turned);

/// Steps the tablet's handler.  `then(cooldown_turned)`; `fail(caf::error)` if it is gone.
template <class Then, class Fail>
void turn(self_ptr self, model::tablet_id tablet, const cooldown_handler_actor& handler,
          std::optional<model::cooldown_event> event, Then then, Fail fail) {
  self->request(handler, caf::infinite, cooldown_turn{std::move(event)})
    .then(
      [self, tablet, then](const cooldown_turned& turned) {
        carry_out(self, tablet, turned);
        then(turned);
      },
      fail);
}
/// For events whose effects concern nobody else.
void turn(self_ptr self, model::tablet_id tablet, std::optional<model::cooldown_event> event);

void want_push(self_ptr self, model::backend_id backend, model::tablet_id tablet, model::replica_id replica);
void want_grant(self_ptr self, model::tablet_id tablet, const model::propose_conf& wanted);

// -- cooldown_answers.cpp ------------------------------------------------------------------
/// Once a confirmation says that this node still leads, in the term this actor lives in.
void propose_grants(self_ptr self, std::vector<model::cooldown_grant> grants);
/// One question to the journal for all reports that wait.
void confirm_reports(self_ptr self);
[[nodiscard]] caf::typed_response_promise<cooldown_acks> on_reports(self_ptr self, const cooldown_reports& reports);
[[nodiscard]] caf::typed_response_promise<publication_answer> on_publication(self_ptr self, const publication_question& asked);
[[nodiscard]] caf::typed_response_promise<deletion_answer> on_deletion(self_ptr self, const deletion_question& asked);

}  // namespace tabletd::cooldown_steps
