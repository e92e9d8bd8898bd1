#pragma once
// wire.Greeting and wire.Mail <-> model.  Decoding throws kj::Exception if what a peer sent makes
// no sense.
#include "actors/model/peer_greeting.h"
#include "schemas/edits.capnp.h"
#include "schemas/peer.capnp.h"
#include "schemas/sealed.h"

#include <span>
#include <vector>

namespace tabletd::codec {

/// Without face and refusal, which are the transport's.
void fill(wire::Greeting::Builder to, const model::greeting& from);
[[nodiscard]] model::greeting decode(wire::Greeting::Reader from);

/// `edits[i]` belongs to entry i of an append_request and is empty if that is no command.
void fill(wire::Mail::Builder to, const model::message& what, std::span<const sealed<wire::Edit>> edits);
/// Words that fill() needs for it, about.
[[nodiscard]] std::size_t words_of(std::span<const sealed<wire::Edit>> edits);

struct peer_mail {
  model::message what;
  std::vector<sealed<wire::Edit>> edits;
};
[[nodiscard]] peer_mail decode(wire::Mail::Reader from);

}  // namespace tabletd::codec
