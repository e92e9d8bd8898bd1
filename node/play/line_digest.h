#pragma once
// SHA-256 over the sorted lines of a file: what LC_ALL=C sort FILE | sha256sum prints.  A
// table has no row order, so this is how "what went in" and "what came out" are compared.
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tabletd::play {

/// Sorting happens in memory; larger files are refused with an exception that says so.
inline constexpr std::uint64_t digest_bytes_max = 64U << 20;

struct line_digest {
  std::string sha256; ///< 64 hex digits.
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const line_digest&, const line_digest&) = default;
};
/// A last line without a newline gets one, as a LOAD gives it one.
[[nodiscard]] line_digest digest_of_lines(std::string_view text);
/// Throws std::runtime_error.
[[nodiscard]] line_digest digest_of_file(const std::filesystem::path& path);

} // namespace tabletd::play
