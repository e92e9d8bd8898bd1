#pragma once
// The backend's port: one RPC connection per caller, each with its own limits and its own
// end.  Whatever a caller sends, only its connection can break.
#include "node/be/backend_room.h"
#include <set>

namespace tabletd {

/// Loop thread only.  Dropping it closes every connection.
class rpc_listener final : private kj::TaskSet::ErrorHandler {
public:
  rpc_listener(backend_room_ptr room, kj::Own<kj::ConnectionReceiver> port);
  ~rpc_listener() noexcept(false);
  [[nodiscard]] std::uint16_t port() const { return port_number_; }
  /// No new connections; those that exist go on.
  void close_port() { accepting_ = nullptr; }
  /// Resolves when the answers given so far have left, or their readers do not take them.
  [[nodiscard]] kj::Promise<void> flushed();

private:
  struct connection;
  [[nodiscard]] kj::Promise<void> accept();
  void serve(kj::Own<kj::AsyncIoStream> stream);
  void taskFailed(kj::Exception&& why) override;

  backend_room_ptr room_;
  kj::Own<kj::ConnectionReceiver> port_;
  std::uint16_t port_number_;
  std::set<connection*> connections_;
  kj::TaskSet served_{*this};
  kj::Promise<void> accepting_;
};

} // namespace tabletd
