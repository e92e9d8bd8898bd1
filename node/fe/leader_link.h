#pragma once
// The way of a front end that does not lead to the one that does: one connection to the
// leader's console, as any client has it, over which sessions are passed on.  What a session
// may do here it may do there and no more.
//
// Cap'n Proto carries the calls: uploads and downloads are the leader's own capabilities, so a
// chunk is copied once on its way and nothing is kept (schemas/console.capnp bounds the calls
// that are open at one time).
#include "schemas/console.capnp.h"
#include <capnp/capability.h>
#include <kj/async-io.h>
#include <kj/timer.h>
#include <memory>
#include <optional>
#include <string>

namespace tabletd {

/// Loop thread only, but for the constructor and, after stop(), the destructor.
class leader_link {
public:
  leader_link();
  ~leader_link() noexcept(false);
  leader_link(const leader_link&) = delete;
  void start(kj::Network& network, kj::Timer& timer);
  /// Ends the connection; what is asked afterwards is refused.
  void stop();

  /// Who leads now ("host:port" of its console); nothing: nobody, or this front end itself.
  /// Closes the connection to anybody else, and with it the sessions that were passed on.
  void follow(const std::optional<std::string>& leader);

  struct session {
    api::Session::Client there;
    std::shared_ptr<const bool> over; ///< True once the connection it came over is gone.
  };
  /// A session at the leader, dialled if need be.  Without `may_write` it is a viewer's.
  /// Rejected as OVERLOADED when the same may go well in a moment (no connection, the leader
  /// stepped down), as FAILED when the leader does not let this front end in.
  [[nodiscard]] kj::Promise<session> open(const std::string& leader, api::SessionOptions::Reader options,
                                          bool may_write);
  using health_response = capnp::Response<api::Viewer::HealthResults>;
  /// Rejected like open().
  [[nodiscard]] kj::Promise<health_response> health(const std::string& leader);

private:
  struct connection;
  using connection_ptr = std::shared_ptr<connection>;
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&& why) override;
  };
  [[nodiscard]] kj::Promise<connection_ptr> connected(const std::string& leader);
  void dial(const connection_ptr& made);
  [[nodiscard]] static kj::Promise<void> log_in(connection& made);
  void close();
  template <class T>
  [[nodiscard]] kj::Promise<T> within(const std::string& leader, kj::Promise<T> asked);

  kj::Network* network_ = nullptr;
  kj::Timer* timer_ = nullptr;
  connection_ptr link_; ///< Null: nobody needed one yet, or the last one broke.
  failures failures_;
  kj::Own<kj::TaskSet> tasks_;
};

} // namespace tabletd
