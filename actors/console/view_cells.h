#pragma once
// Cells of a view, by meaning: what "none" looks like is decided here and nowhere else.
#include "actors/model/statement_result.h"
#include <span>
#include <string>
#include <string_view>

namespace tabletd::views {

[[nodiscard]] inline model::table_value empty_table(std::span<const model::column> columns) {
  return {{columns.begin(), columns.end()}, {}};
}

template <class Id>
  requires std::is_enum_v<Id>
[[nodiscard]] model::cell id(Id of) {
  return model::raw(of);
}
[[nodiscard]] inline model::cell number(std::uint64_t n) { return n; }
[[nodiscard]] inline model::cell text(std::string_view t) { return std::string{t}; }
/// Null if it has not happened.
[[nodiscard]] inline model::cell time(model::time_ms at) {
  return at.count() == 0 ? model::cell{} : model::cell{model::timestamp{at}};
}
/// -1 for none, as the seed prints it.
[[nodiscard]] inline model::cell version_or_none(model::version v) {
  return v == 0 ? std::int64_t{-1} : static_cast<std::int64_t>(v);
}
/// The seed prints path hashes as signed numbers.
[[nodiscard]] inline model::cell path(model::path_hash hash) { return static_cast<std::int64_t>(model::raw(hash)); }
inline const model::cell none = std::int64_t{-1};    ///< An id or version there is none of.
inline const model::cell no_hash = std::uint64_t{0};  ///< Version hashes mean nothing here.
inline const model::cell never = std::monostate{};

} // namespace tabletd::views
