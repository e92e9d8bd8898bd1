#include "node/network_name.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <optional>

namespace tabletd {

namespace {

/// 16 bytes, IPv4 as IPv6 writes it; none if `host` is a name.
std::optional<::in6_addr> number_of(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  const std::string text{host};
  ::in6_addr six{};
  if (::inet_pton(AF_INET6, text.c_str(), &six) == 1 || ::inet_pton(AF_INET6, ("::ffff:" + text).c_str(), &six) == 1)
    return six;
  return std::nullopt;
}

} // namespace

bool is_loopback(std::string_view address) {
  const auto host = host_of(address);
  const auto number = number_of(host);
  if (!number)
    return host == "localhost";
  return IN6_IS_ADDR_V4MAPPED(&*number) ? number->s6_addr[12] == 127 : IN6_IS_ADDR_LOOPBACK(&*number) != 0;
}

bool is_wildcard(std::string_view host) {
  const auto number = number_of(host);
  if (!number)
    return host.empty() || host == "*";
  constexpr std::size_t four = 12; // Where the IPv4 bytes begin.
  return IN6_IS_ADDR_UNSPECIFIED(&*number)
         || (IN6_IS_ADDR_V4MAPPED(&*number) && number->s6_addr[four] == 0 && number->s6_addr[four + 1] == 0
             && number->s6_addr[four + 2] == 0 && number->s6_addr[four + 3] == 0);
}

} // namespace tabletd
