// Address lists; see address.h.
#include "node/tabletctl/address.h"
#include <fmt/format.h>
#include <sys/stat.h>
#include <charconv>
#include <cstdlib>

namespace tabletd::ctl {

namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string parse_port(std::string_view digits, std::uint16_t& port) {
  const auto* end = digits.data() + digits.size();
  const auto [stop, failed] = std::from_chars(digits.data(), end, port);
  if (failed != std::errc{} || stop != end || port == 0)
    return fmt::format("'{}' is not a port; a port is a number from 1 to 65535", digits);
  return {};
}

std::string parse_one(std::string_view text, address& made) {
  if (text.starts_with("unix:")) {
    made.socket_path = text.substr(5);
    return made.socket_path.empty() ? "'unix:' needs a path, as in unix:/run/tabletd/fe.sock" : "";
  }
  if (text.starts_with('/')) {
    made.socket_path = text;
    return {};
  }
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos)
      return fmt::format("'{}' opens a bracket and does not close it, as in [::1]:9020", text);
    made.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    if (!rest.empty() && rest[0] != ':')
      return fmt::format("'{}' has '{}' after the bracket where ':PORT' belongs", text, rest);
  } else if (const auto colon = text.find(':'); colon != text.rfind(':')) {
    return fmt::format(
      "'{}' has several colons; write an IPv6 address in brackets, as in [::1]:9020", text);
  } else {
    made.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (made.host.empty())
    return fmt::format("'{}' names no host, as in 127.0.0.1:9020", text);
  made.port = console_port_default;
  return rest.empty() ? std::string{} : parse_port(rest.substr(1), made.port);
}

} // namespace

std::string address::text() const {
  if (host.empty())
    return "unix:" + socket_path;
  const bool bracketed = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", bracketed ? "[" : "", host, bracketed ? "]" : "", port);
}

parsed_addresses parse_addresses(std::string_view list) {
  parsed_addresses out;
  while (true) {
    const auto comma = list.find(',');
    const auto one = trimmed(list.substr(0, comma));
    address made;
    if (one.empty())
      out.error = "an address is empty; write HOST:PORT or unix:/PATH, separated by commas";
    else
      out.error = parse_one(one, made);
    if (!out.error.empty())
      return out;
    out.addresses.push_back(std::move(made));
    if (comma == std::string_view::npos)
      return out;
    list.remove_prefix(comma + 1);
  }
}

std::string default_addresses() {
  for (const char* name : {"TABLETCTL_ADDRESS", "TABLETCTL_SERVER"})
    if (const char* given = std::getenv(name); given && *given)
      return given;
  struct stat found {};
  if (::stat(std::string{socket_path_default}.c_str(), &found) == 0 && S_ISSOCK(found.st_mode))
    return "unix:" + std::string{socket_path_default};
  return fmt::format("127.0.0.1:{}", console_port_default);
}

} // namespace tabletd::ctl
