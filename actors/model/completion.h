#pragma once
// What could be typed next, from the same grammar that parses: keywords, and the names and
// pages that exist now.
#include "actors/model/catalog.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::model {

struct candidate {
  std::string text; ///< Replaces the bytes [replace_from, cursor).
  std::string kind; ///< "keyword", "database", "table", "partition", "resource", "policy", "backend", "page" or "value".
  std::string help;
  friend bool operator==(const candidate&, const candidate&) = default;
};
struct completion {
  std::uint32_t replace_from{};
  std::vector<candidate> candidates; ///< Sorted by kind of slot, then name; at most candidates_max.
};
inline constexpr std::size_t candidates_max = 200;

/// `cursor` counts bytes; `database` is the session's, or empty.  Total: any text, any cursor.
[[nodiscard]] completion complete(std::string_view text, std::size_t cursor, const catalog& cat,
                                  std::string_view database = {});

} // namespace tabletd::model
