#pragma once
// A cluster id as 32 lower-case hex digits and back.
#include "actors/model/edit.h"
#include <fmt/format.h>
#include <charconv>
#include <string>

namespace tabletd {

[[nodiscard]] inline std::string to_hex(const model::cluster_uuid& id) {
  std::string out;
  for (const auto byte : id)
    out += fmt::format("{:02x}", byte);
  return out;
}

/// `hex` is 32 hex digits (persistence/identity_file checks that).
[[nodiscard]] inline model::cluster_uuid cluster_from_hex(const std::string& hex) {
  model::cluster_uuid id{};
  for (std::size_t i = 0; i < id.size() && 2 * i + 2 <= hex.size(); ++i)
    std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, id[i], 16);
  return id;
}

} // namespace tabletd
