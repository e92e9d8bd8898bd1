#pragma once
// wire.CheckpointMail <-> model.  Decoding throws kj::Exception if what a peer sent makes no sense.
#include "actors/model/checkpoint_mail.h"
#include "schemas/peer.capnp.h"

namespace tabletd::codec {

void fill(wire::CheckpointMail::Builder to, const model::checkpoint_word& what);
/// `from`: who sent it.
[[nodiscard]] model::checkpoint_word decode(wire::CheckpointMail::Reader what, model::node_id from);
/// Words that fill() needs for it, about.
[[nodiscard]] std::size_t words_of(const model::checkpoint_word& what);

} // namespace tabletd::codec
