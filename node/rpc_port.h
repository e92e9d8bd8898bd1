#pragma once
// One Cap'n Proto port: a connection per caller, each with its own limits and its own end.
// Whatever a caller sends, only its connection can break.
#include <capnp/capability.h>
#include <kj/async-io.h>
#include <kj/timer.h>
#include <cstdint>
#include <functional>

namespace tabletd {

struct rpc_limits {
  std::size_t connections_max = 1'024;
  std::size_t flow_words = (32U << 20) / 8;      ///< Of one caller, in calls that are not answered.
  std::uint64_t message_words = (16U << 20) / 8; ///< Of one message.
  int nesting = 16;
};

/// Loop thread only.  Dropping it closes every connection.
class rpc_port final : private kj::TaskSet::ErrorHandler {
public:
  struct ports {
    kj::Timer& timer;
    /// The bootstrap capability of a new connection.
    std::function<capnp::Capability::Client()> bootstrap;
    /// A connection ended badly; called after it was logged.
    std::function<void()> failed;
  };
  rpc_port(kj::Own<kj::ConnectionReceiver> receiver, ports where, rpc_limits limits);
  ~rpc_port() noexcept(false);
  [[nodiscard]] std::uint16_t number() const { return number_; }
  /// No new connections; those that exist go on.
  void close() { accepting_ = nullptr; }

private:
  struct connection;
  [[nodiscard]] kj::Promise<void> accept();
  void serve(kj::Own<kj::AsyncIoStream> stream);
  void taskFailed(kj::Exception&& why) override;

  kj::Own<kj::ConnectionReceiver> receiver_;
  ports where_;
  rpc_limits limits_;
  std::uint16_t number_;
  std::size_t connections_ = 0;
  kj::TaskSet served_{*this};
  kj::Promise<void> accepting_;
};

} // namespace tabletd
