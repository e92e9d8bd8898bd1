#pragma once
// Proposing an edit from a console actor: encode, send, decode; a journal that is gone is an
// answer like any other.
#include "actors/codec/console_codec.h"
#include "actors/codec/edit_codec.h"
#include "actors/error_text.h"
#include "actors/journal/ports.h"
#include <utility>

namespace tabletd {

/// `then(model::edit_answer)` runs in the actor.  The journal answers everything it accepts
/// (actors/journal/ports.h), hence no time limit.
template <class Self, class Then>
void propose(Self* self, const journal_actor& journal, model::time_ms at, model::edit_body body, Then then) {
  self->request(journal, caf::infinite, codec::encode(model::edit{at, std::move(body)}))
    .then([then](const edit_outcome& outcome) mutable { then(codec::decode(outcome.get())); },
          [self, then](const caf::error& why) mutable {
            then(model::edit_answer{{}, {}, 0, model::journal_failure::shutting_down, text_of(self->system(), why)});
          });
}

} // namespace tabletd
