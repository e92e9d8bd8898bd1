#pragma once
// host:port words for KJ.
#include <string>
#include <string_view>

namespace tabletd {

/// "127.0.0.1:9020" -> "127.0.0.1"; without a port the whole text.
[[nodiscard]] inline std::string_view host_of(std::string_view address) { return address.substr(0, address.rfind(':')); }

/// host:port that only processes of this machine can reach.  A name says nothing about where it
/// leads, so only numbers count, and localhost.
[[nodiscard]] bool is_loopback(std::string_view address);

/// "0.0.0.0", "[::]" or "*": a host to listen on, but none that anybody can connect to.
[[nodiscard]] bool is_wildcard(std::string_view host);

} // namespace tabletd
