#pragma once
// The few conversions that more than one codec needs.
#include "actors/model/edit.h"
#include <capnp/blob.h>
#include <capnp/message.h> // KJ_REQUIRE comes with it.
#include <algorithm>

namespace tabletd::codec {

/// Cap'n Proto counts list elements in 29 bits.
template <class Container>
[[nodiscard]] unsigned size_of(const Container& from) {
  return static_cast<unsigned>(from.size());
}

/// 16 bytes, or kj::Exception.
[[nodiscard]] inline model::cluster_uuid read_cluster_id(capnp::Data::Reader from) {
  model::cluster_uuid id{};
  KJ_REQUIRE(from.size() == id.size(), "a cluster id is 16 bytes", from.size());
  std::copy(from.begin(), from.end(), id.begin());
  return id;
}

} // namespace tabletd::codec
