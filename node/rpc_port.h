#pragma once
// One Cap'n Proto port: a connection per caller, each with its own limits and its own end.
// Whatever a caller sends, only its connection can break.
#include <capnp/capability.h>
#include <kj/async-io.h>
#include <kj/timer.h>
#include <cstdint>
#include <functional>
#include <set>

namespace tabletd {

struct rpc_limits {
  /// A leader and a few peers per clone slot, or a room full of consoles; more is a loop somewhere.
  std::size_t connections_max = 1'024;
  /// Of one caller, in calls that are not answered.  Far beyond what a leader's loads keep open,
  /// because whoever reaches it is not heard at all, heartbeats included.
  std::size_t flow_words = (256U << 20) / 8;
  /// Of one message: at most a block of 2 MiB or a list of orders.
  std::uint64_t message_words = (16U << 20) / 8;
  int nesting = 16;
};

/// A TCP peer that lost power is noticed in about half a minute; other streams are left alone.
void notice_dead_peers(kj::AsyncIoStream& stream);

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
  rpc_port(kj::Own<kj::ConnectionReceiver> receiver, ports where, rpc_limits limits = {});
  ~rpc_port() noexcept(false);
  [[nodiscard]] std::uint16_t number() const { return number_; }
  /// No new connections; those that exist go on.
  void close() { accepting_ = nullptr; }
  /// Resolves when the answers given so far have left, or their readers do not take them.
  [[nodiscard]] kj::Promise<void> flushed();

private:
  struct connection;
  [[nodiscard]] kj::Promise<void> accept();
  void serve(kj::Own<kj::AsyncIoStream> stream);
  void taskFailed(kj::Exception&& why) override;

  kj::Own<kj::ConnectionReceiver> receiver_;
  ports where_;
  rpc_limits limits_;
  std::uint16_t number_;
  std::set<connection*> connections_;
  kj::TaskSet served_{*this};
  kj::Promise<void> accepting_;
};

} // namespace tabletd
