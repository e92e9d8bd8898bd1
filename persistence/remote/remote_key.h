#pragma once
// Which keys an object may have: those that mean the same as a file name, in a URL and in XML.  Pure.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tabletd {

/// A file name has at most 255 bytes, and the drivers keep some for themselves.
inline constexpr std::size_t key_segment_bytes_max = 200;
/// S3's limit is 1,024 with the store's own prefix.
inline constexpr std::size_t key_bytes_max = 900;

/// The reason, if `key` is not one: segments of A-Z a-z 0-9 . _ - = : + @ ~, none of them empty or with a dot
/// in front, joined by single slashes.  So no key leads out of a directory, and names with a dot in front are
/// free for the drivers.
[[nodiscard]] std::optional<std::string> key_fault(std::string_view key);
/// The same for the start of keys, which may be empty or end anywhere, after a slash for instance.
[[nodiscard]] std::optional<std::string> prefix_fault(std::string_view prefix);
/// Every byte but A-Z a-z 0-9 - . _ ~ (and slashes, if they are to be kept) as %XX (RFC 3986).
[[nodiscard]] std::string percent_encoded(std::string_view text, bool keep_slashes);
/// For error texts: what is not printable ASCII becomes '?', and a long text is cut.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace tabletd
