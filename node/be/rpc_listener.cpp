#include "node/be/rpc_listener.h"
#include "node/be/backend_service.h"
#include "node/coalescing_stream.h"
#include "node/kj_text.h"
#include "node/log.h"
#include <capnp/rpc-twoparty.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace tabletd {

namespace {

// A leader and a few peers per clone slot; more is a loop somewhere.
constexpr std::size_t connections_max = 1'024;
// What one caller may have in calls that are not answered.  Far beyond what a leader's loads
// keep open, because whoever reaches it is not heard at all, heartbeats included.
constexpr std::size_t flow_limit_words = (256U << 20) / sizeof(capnp::word);
// A message is at most a block of 2 MiB or a list of orders.
constexpr std::uint64_t message_limit_words = (16U << 20) / sizeof(capnp::word);
// A caller that does not read has this long to take its last answers.
constexpr auto flush_limit = 1 * kj::SECONDS;
// A peer that lost power is noticed in about this time (design/testing.md N-01).
constexpr int silent_peer_ms = 30'000;

void notice_dead_peers(kj::AsyncIoStream& stream) {
  const int on = 1;
  const int idle_s = 10;
  stream.setsockopt(SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  stream.setsockopt(IPPROTO_TCP, TCP_KEEPINTVL, &idle_s, sizeof idle_s);
  stream.setsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT, &silent_peer_ms, sizeof silent_peer_ms);
}

capnp::ReaderOptions reader_limits() {
  capnp::ReaderOptions limits;
  limits.traversalLimitInWords = message_limit_words;
  limits.nestingLimit = 16;
  return limits;
}

} // namespace

struct rpc_listener::connection {
  connection(kj::Own<kj::AsyncIoStream> socket, wire::BackendGateway::Client gateway)
    : stream(kj::heap<coalescing_stream>(kj::mv(socket))),
      network(*stream, capnp::rpc::twoparty::Side::SERVER, reader_limits()),
      rpc(capnp::makeRpcServer(network, kj::mv(gateway))) {
    rpc.setFlowLimit(flow_limit_words);
  }
  kj::Own<coalescing_stream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
};

rpc_listener::rpc_listener(backend_room_ptr room, kj::Own<kj::ConnectionReceiver> port)
  : room_(std::move(room)),
    port_(kj::mv(port)),
    port_number_(static_cast<std::uint16_t>(port_->getPort())),
    accepting_(accept().eagerlyEvaluate([](kj::Exception&&) {})) {}

rpc_listener::~rpc_listener() noexcept(false) = default;

kj::Promise<void> rpc_listener::accept() {
  return port_->accept().then(
    [this](kj::Own<kj::AsyncIoStream>&& stream) {
      if (connections_.size() < connections_max)
        serve(kj::mv(stream));
      return accept();
    },
    [this](kj::Exception&& why) {
      // Out of descriptors, most likely: the connection waits until there are some again.
      log_warn("a connection could not be accepted", {{"why", text_of(why)}});
      return room_->timer().afterDelay(100 * kj::MILLISECONDS).then([this] { return accept(); });
    });
}

void rpc_listener::serve(kj::Own<kj::AsyncIoStream> stream) {
  kj::runCatchingExceptions([&] { notice_dead_peers(*stream); }); // Not every stream is TCP.
  auto served = kj::heap<connection>(kj::mv(stream), kj::heap<backend_gateway>(room_));
  auto* key = served.get();
  connections_.insert(key);
  auto forget = kj::defer([this, key] { connections_.erase(key); });
  served_.add(served->network.onDisconnect().attach(kj::mv(forget), kj::mv(served)));
}

kj::Promise<void> rpc_listener::flushed() {
  // The RPC system hands an answer to its stream in the turn after the call has ended.
  return kj::evalLast([this] {
    kj::Vector<kj::Promise<void>> all;
    for (auto* open : connections_)
      all.add(open->stream->flush().catch_([](kj::Exception&&) {}));
    auto late = room_->timer().afterDelay(flush_limit);
    return kj::joinPromises(all.releaseAsArray()).exclusiveJoin(kj::mv(late));
  });
}

void rpc_listener::taskFailed(kj::Exception&& why) {
  ++room_->stats().connections_failed;
  log_warn("a connection ended badly", {{"why", text_of(why)}});
}

} // namespace tabletd
