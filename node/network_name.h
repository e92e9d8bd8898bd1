#pragma once
// host:port words for KJ.
#include <kj/async-io.h>
#include <string>
#include <string_view>

namespace tabletd {

/// "127.0.0.1:9020" -> "127.0.0.1"; without a port the whole text.
[[nodiscard]] inline std::string_view host_of(std::string_view address) { return address.substr(0, address.rfind(':')); }

/// Addresses that only processes of this machine can reach.
[[nodiscard]] inline bool is_loopback(std::string_view address) {
  const auto host = host_of(address);
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

} // namespace tabletd
