#pragma once
// A front end that never leads: the console's port as fe_node opens it, over a leader that
// the test names.
#include "node/fe/console_server.h"
#include "node/rpc_port.h"
#include <caf/actor_system.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::test {

class follower {
public:
  struct options {
    std::string name = "fe2";
    std::optional<std::string> leader{}; ///< host:port of its console.
    bool trusted = true;                 ///< Whoever reaches the port is one of us.
    std::vector<std::string> consoles{};
  };
  follower(caf::actor_system& sys, options how);
  ~follower();
  /// As the wiring does it: a new answer of leader_address, then follow().
  void leader_is(std::optional<std::string> leader);
  /// As above, but nobody tells the link: it notices when it is used.
  void leader_becomes(std::optional<std::string> leader);
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string address() const;

private:
  options how_; ///< Loop thread.
  kj::Network* network_ = nullptr;
  kj_loop_ptr loop_;
  std::shared_ptr<leader_link> link_ = std::make_shared<leader_link>();
  kj::Own<rpc_port> rpc_; ///< Loop thread.
  std::uint16_t port_ = 0;
};

} // namespace tabletd::test
