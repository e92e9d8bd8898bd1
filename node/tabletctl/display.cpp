// Units, times, escapes; see display.h.
#include "node/tabletctl/display.h"
#include <fmt/format.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <array>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstring>
#include <cwchar>
#include <ctime>

namespace tabletd::ctl {

namespace {

struct decoded {
  char32_t code = 0;
  std::size_t length = 0; ///< 0: not UTF-8.
};

/// The first character of `text`, which is not empty; refuses overlong forms and surrogates.
decoded decode_first(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0x80)
    return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
    return {};
  char32_t code = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80)
      return {};
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  static constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (code < least.at(length) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
    return {};
  return {code, length};
}

} // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto one = decode_first(text);
    const int columns = one.length ? ::wcwidth(static_cast<wchar_t>(one.code)) : 1;
    width += columns > 0 ? static_cast<std::size_t>(columns) : 0;
    text.remove_prefix(one.length ? one.length : 1);
  }
  return width;
}

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto one = decode_first(text);
    const bool control = one.code < 0x20 || (one.code >= 0x7f && one.code < 0xa0);
    if (one.length && !control) {
      out += text.substr(0, one.length);
    } else if (one.length && (one.code == '\n' || one.code == '\t' || one.code == '\r')) {
      out += one.code == '\n' ? "\\n" : one.code == '\t' ? "\\t" : "\\r";
    } else {
      for (const char c : text.substr(0, one.length ? one.length : 1))
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    text.remove_prefix(one.length ? one.length : 1);
  }
  return out;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto one = decode_first(text);
    if (!one.length)
      out += "\xef\xbf\xbd";
    else if (one.code == '"' || one.code == '\\')
      (out += '\\') += text[0];
    else if (one.code == '\n')
      out += "\\n";
    else if (one.code == '\t')
      out += "\\t";
    else if (one.code == '\r')
      out += "\\r";
    else if (one.code < 0x20 || one.code == 0x7f)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(one.code));
    else
      out += text.substr(0, one.length);
    text.remove_prefix(one.length ? one.length : 1);
  }
  return out += '"';
}

std::string bytes_text(double bytes) {
  static constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  // 1023.95 would print as 1024.0: step up where rounding would.
  while (unit + 1 < units.size() && std::abs(bytes) >= (unit == 0 ? 1024.0 : 1023.95)) {
    bytes /= 1024.0;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes)
                   : fmt::format("{:.1f} {}", bytes, units.at(unit));
}

std::string duration_text(double seconds) {
  if (seconds < 0)
    return "-" + duration_text(-seconds);
  if (seconds < 0.9995)
    return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 59.95)
    return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600)
    return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86'400)
    return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86'400, whole % 86'400 / 3600);
}

std::string timestamp_text(std::int64_t ms_since_epoch) {
  std::int64_t seconds = ms_since_epoch / 1000;
  std::int64_t ms = ms_since_epoch % 1000;
  if (ms < 0) {
    ms += 1000;
    --seconds;
  }
  const std::time_t when = seconds;
  std::tm parts{};
  if (!::gmtime_r(&when, &parts))
    return fmt::format("{}", ms_since_epoch);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     ms);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  double amount = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, amount);
  if (failed != std::errc{} || !(amount >= 0) || amount > 1e9)
    return std::nullopt;
  const std::string_view unit{stop, static_cast<std::size_t>(end - stop)};
  const double scale = unit == "ms"                  ? 1
                       : unit == "s" || unit.empty() ? 1e3
                       : unit == "m"                 ? 6e4
                       : unit == "h"                 ? 3.6e6
                                                     : 0;
  if (scale == 0)
    return std::nullopt;
  return std::chrono::milliseconds{std::llround(amount * scale)};
}

void use_utf8_locale() {
  const char* chosen = std::setlocale(LC_CTYPE, "");
  if (!chosen || std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0)
    std::setlocale(LC_CTYPE, "C.UTF-8");
}

std::optional<std::size_t> terminal_width(int fd) {
  winsize size{};
  if (!::isatty(fd))
    return std::nullopt;
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return 80;
  return size.ws_col;
}

} // namespace tabletd::ctl
