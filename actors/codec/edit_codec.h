#pragma once
// model::edit <-> wire::Edit.  Total both ways: what cannot be decoded throws
// kj::Exception naming the field, and golden files pin the bytes of every edit.
#include "actors/model/edit.h"
#include "schemas/edits.capnp.h"
#include "schemas/sealed.h"

namespace tabletd::codec {

[[nodiscard]] sealed<wire::Edit> encode(const model::edit& what);
[[nodiscard]] model::edit decode(wire::Edit::Reader from);

} // namespace tabletd::codec
