#pragma once
// Where a front end listens, as people write it: host:port, [v6]:port, unix:/path, or a
// comma-separated list of these that is tried in order.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::ctl {

/// The console's port (design/ecosystem.md 4.1).
inline constexpr std::uint16_t console_port_default = 9020;
inline constexpr std::string_view socket_path_default = "/run/tabletd/fe.sock";

struct address {
  std::string host; ///< Empty: a Unix socket.
  std::uint16_t port = 0;
  std::string socket_path;
  /// As parse_addresses() would take it, and as kj::Network::parseAddress() does.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const address&, const address&) = default;
};

struct parsed_addresses {
  std::vector<address> addresses;
  std::string error; ///< One sentence; empty if all were understood.
};
[[nodiscard]] parsed_addresses parse_addresses(std::string_view list);

/// What to dial when the command line names nothing: $TABLETCTL_ADDRESS, else
/// $TABLETCTL_SERVER, else the local socket if it exists, else 127.0.0.1:9020.
[[nodiscard]] std::string default_addresses();

} // namespace tabletd::ctl
