#pragma once
// How values look: units, times, escapes and the width of text on a terminal.
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tabletd::ctl {

/// Columns a UTF-8 text takes on a terminal; needs use_utf8_locale() once per process.
[[nodiscard]] std::size_t display_width(std::string_view text);
/// Control characters and bytes that are not UTF-8 become \n, \t or \xNN: a cell can neither
/// break a table nor talk to the terminal.
[[nodiscard]] std::string printable(std::string_view text);
/// With quotes; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);
/// 1536 -> "1.5 KiB"
[[nodiscard]] std::string bytes_text(double bytes);
/// "350 ms", "4.2 s", "3 min 7 s", "2 h 5 min", "4 d 1 h"
[[nodiscard]] std::string duration_text(double seconds);
/// RFC 3339 in UTC with milliseconds.
[[nodiscard]] std::string timestamp_text(std::int64_t ms_since_epoch);
/// "500ms", "60s", "5m", "1h", or a bare number of seconds.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// Character widths are a property of the locale; falls back to C.UTF-8.
void use_utf8_locale();
/// The terminal's width, or nothing if `fd` is not one.
[[nodiscard]] std::optional<std::size_t> terminal_width(int fd);

} // namespace tabletd::ctl
