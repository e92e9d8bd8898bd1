#pragma once
// model::remote_meta <-> the bytes of its object: 16 bytes that say what it is and in which format, then
// schemas/remote.capnp.  Its checksum is in the log (published_meta::crc32c).
#include "actors/model/cooldown_types.h"

#include <cstddef>
#include <span>
#include <vector>

namespace tabletd::codec {

[[nodiscard]] std::vector<std::byte> encode_object(const model::remote_meta& meta);
/// Throws kj::Exception if the bytes are no such object, or of a format this build does not know.
[[nodiscard]] model::remote_meta decode_remote_meta(std::span<const std::byte> object);

}  // namespace tabletd::codec
