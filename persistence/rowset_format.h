#pragma once
// The fixed bytes of a segment file, for rowset_file.cpp, rowset_footer.cpp and rowset_merge.cpp only.
#include "persistence/rowset_file.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace tabletd::format {

/// Text as bytes, filled up with zeros.
template <std::size_t Size>
constexpr std::array<std::byte, Size> mark(std::string_view text) {
  std::array<std::byte, Size> bytes{};
  std::transform(text.begin(), text.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

/// Opens every file.  Another layout of blocks gets another number.
inline constexpr auto head = mark<16>("tabletd-seg 1\n");
/// Closes every file.
inline constexpr auto end_mark = mark<8>("seg-end\n");

/// Footer length u32, xxh3-64 of footer and length, end mark.
inline constexpr std::size_t trailer_bytes = 4 + 8 + end_mark.size();
/// Version u32, block count u32, tablet u64, rows u64, bytes u64.
inline constexpr std::size_t fixed_bytes = 32;
/// Offset u64, length u32, rows u32, checksum u64.
inline constexpr std::size_t entry_bytes = 24;

/// Footer and trailer of a file of `blocks` blocks.
constexpr std::uint64_t tail_bytes(std::uint64_t blocks) { return fixed_bytes + entry_bytes * blocks + trailer_bytes; }
/// As the trailer (the last trailer_bytes of a file) claims it, unchecked.
std::uint64_t footer_length(byte_span trailer);

}  // namespace tabletd::format
