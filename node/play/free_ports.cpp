// See free_ports.h.
#include "node/play/free_ports.h"
#include "node/play/node_process.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <random>

namespace tabletd::play {

namespace {

// ip(7): local ports of connections come from 32768 up, unless the host says otherwise.
constexpr std::uint16_t lowest = 10'240;
constexpr std::uint16_t highest = 32'000;
constexpr int tries_max = 1'000;

bool is_free(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); // As the node will.
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0 && ::listen(fd, 1) == 0;
  ::close(fd);
  return bound;
}

} // namespace

std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<std::uint16_t> out;
  std::uniform_int_distribution<std::uint16_t> any{lowest, highest};
  std::random_device dice;
  for (int tries = 0; out.size() < count; ++tries) {
    if (tries == tries_max)
      throw play_failure("no free ports on 127.0.0.1 between 10240 and 32000");
    const auto port = any(dice);
    if (std::find(out.begin(), out.end(), port) == out.end() && is_free(port))
      out.push_back(port);
  }
  return out;
}

} // namespace tabletd::play
