#pragma once
// What client.cpp (statements) and client_dial.cpp (connections) share; nobody else's business.
#include "node/tabletctl/client.h"
#include "node/tabletctl/repetition.h"
#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace tabletd::ctl {

using steady = std::chrono::steady_clock;

/// Between two rounds over the addresses.
inline constexpr auto no_leader_pause = std::chrono::milliseconds(100);

/// A listing is one message; 1 GiB stops a broken peer, and two walks over it are allowed.
[[nodiscard]] capnp::ReaderOptions reader_options();
/// kj's text names the system call first and may carry a stack: the first clause is enough.
[[nodiscard]] std::string brief(const kj::Exception& why);

/// One connection; members die in reverse order, capabilities first.
struct connection {
  connection(kj::Own<kj::AsyncIoStream> dialled, std::string where)
    : address(std::move(where)),
      stream(kj::mv(dialled)),
      network(*stream, capnp::rpc::twoparty::Side::CLIENT, reader_options()),
      rpc(capnp::makeRpcClient(network)),
      gateway(bootstrap()),
      watch(network.onDisconnect().then([this] { lost = true; }).eagerlyEvaluate(nullptr)) {}

  api::Gateway::Client bootstrap() {
    capnp::MallocMessageBuilder message(8);
    auto peer = message.getRoot<capnp::rpc::twoparty::VatId>();
    peer.setSide(capnp::rpc::twoparty::Side::SERVER);
    return rpc.bootstrap(peer).castAs<api::Gateway>();
  }

  std::string address;
  bool lost = false;
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
  api::Gateway::Client gateway;
  kj::Maybe<api::Viewer::Client> viewer; ///< The most that was granted.
  kj::Maybe<api::Session::Client> session;
  kj::Promise<void> watch;
};

/// What one attempt at a statement came to.
struct attempt {
  answer out;
  std::string lost; ///< Not empty: nobody answered, and who went away; `out` says nothing.
};

struct client::impl {
  explicit impl(client_options given)
    : options(std::move(given)),
      io(kj::setupAsyncIo()),
      wait(io) {}

  client_options options;
  kj::AsyncIoContext io;
  waiter wait;
  std::unique_ptr<connection> link;
  server_identity server;           ///< The last that answered.
  std::string last_good;            ///< Tried before the list.
  std::vector<std::string> learned; ///< The other front ends, as the last one told.
  std::function<void(const std::string&)> notice;

  // client_dial.cpp
  /// Until one address opens a session.  `until`: the group was there a moment ago, so everybody
  /// is asked again until then; without it a port where nobody listens is not asked twice.
  void dial_any(std::string first, std::optional<steady::time_point> until = {});
  void dial(const std::string& where);
  void log_in(const std::string& where);
  void open_session();
  [[nodiscard]] std::vector<std::string> dial_order(const std::string& first) const;
  void tell_of_move(const server_identity& before) const;

  // client.cpp
  class perseverance;
  using request_id = std::array<kj::byte, 16>;
  answer run(std::string_view text, const request_id& id, const transfer_fn& on_transfer);
  answer take(std::string_view text, capnp::Response<api::Execution::ResultResults> response,
              const transfer_fn& on_transfer);
  attempt run_guarded(std::string_view text, const request_id& id, const transfer_fn& on_transfer);
  [[nodiscard]] std::string who_is_lost();
};

} // namespace tabletd::ctl
