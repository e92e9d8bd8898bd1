#include "node/rpc_port.h"
#include "node/coalescing_stream.h"
#include "node/kj_text.h"
#include "node/log.h"
#include <capnp/rpc-twoparty.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace tabletd {

namespace {

// A caller that does not read has this long to take its last answers.
constexpr auto flush_limit = 1 * kj::SECONDS;
// A peer that lost power is noticed in about this time (design/testing.md N-01).
constexpr int silent_peer_ms = 30'000;

capnp::ReaderOptions reader_options(const rpc_limits& limits) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = limits.message_words;
  options.nestingLimit = limits.nesting;
  return options;
}

} // namespace

void notice_dead_peers(kj::AsyncIoStream& stream) {
  kj::runCatchingExceptions([&] { // Not every stream is TCP.
    const int on = 1;
    const int idle_s = 10;
    stream.setsockopt(SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    stream.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    stream.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof idle_s);
    stream.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_peer_ms, sizeof silent_peer_ms);
  });
}

struct rpc_port::connection {
  connection(kj::Own<kj::AsyncIoStream> socket, capnp::Capability::Client bootstrap, const rpc_limits& limits)
    : stream(kj::heap<coalescing_stream>(kj::mv(socket))),
      network(*stream, capnp::rpc::twoparty::Side::SERVER, reader_options(limits)),
      rpc(capnp::makeRpcServer(network, kj::mv(bootstrap))) {
    rpc.setFlowLimit(limits.flow_words);
  }
  kj::Own<coalescing_stream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
};

rpc_port::rpc_port(kj::Own<kj::ConnectionReceiver> receiver, ports where, rpc_limits limits)
  : receiver_(kj::mv(receiver)),
    where_(std::move(where)),
    limits_(limits),
    number_(static_cast<std::uint16_t>(receiver_->getPort())),
    accepting_(accept().eagerlyEvaluate([](kj::Exception&&) {})) {}

rpc_port::~rpc_port() noexcept(false) = default;

kj::Promise<void> rpc_port::accept() {
  return receiver_->accept().then(
    [this](kj::Own<kj::AsyncIoStream>&& stream) {
      if (connections_.size() < limits_.connections_max)
        serve(kj::mv(stream));
      else
        log_once("connections", log_level::warn, "a connection was refused: there are too many",
                 {{"connections", connections_.size()}});
      return accept();
    },
    [this](kj::Exception&& why) {
      // Out of descriptors, most likely: the connection waits until there are some again.
      log_once("accept", log_level::warn, "a connection could not be accepted", {{"why", text_of(why)}});
      return where_.timer.afterDelay(100 * kj::MILLISECONDS).then([this] { return accept(); });
    });
}

void rpc_port::serve(kj::Own<kj::AsyncIoStream> stream) {
  notice_dead_peers(*stream);
  auto served = kj::heap<connection>(kj::mv(stream), where_.bootstrap(), limits_);
  auto* key = served.get();
  connections_.insert(key);
  auto forget = kj::defer([this, key] { connections_.erase(key); });
  served_.add(served->network.onDisconnect().attach(kj::mv(forget), kj::mv(served)));
}

kj::Promise<void> rpc_port::flushed() {
  // The RPC system hands an answer to its stream in the turn after the call has ended.
  return kj::evalLast([this] {
    kj::Vector<kj::Promise<void>> all;
    for (auto* open : connections_)
      all.add(open->stream->flush().catch_([](kj::Exception&&) {}));
    auto late = where_.timer.afterDelay(flush_limit);
    return kj::joinPromises(all.releaseAsArray()).exclusiveJoin(kj::mv(late));
  });
}

void rpc_port::taskFailed(kj::Exception&& why) {
  log_once("connection", log_level::warn, "a connection ended badly", {{"why", text_of(why)}});
  where_.failed();
}

} // namespace tabletd
