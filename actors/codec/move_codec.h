#pragma once
// What is said about a move between two paths: actors/model/move_life.h <-> wire::MoveEvent.
#include "actors/model/move_life.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"

namespace tabletd::codec {

/// Throws kj::Exception if `from` says nothing.
[[nodiscard]] model::move_event decode(wire::MoveEvent::Reader from);
/// A cancel is the worker's own and throws kj::Exception.
[[nodiscard]] sealed<wire::MoveEvent> seal_event(const model::move_event& event);

} // namespace tabletd::codec
