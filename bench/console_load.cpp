// Writers in a closed loop over the console protocol: each creates databases with names nobody
// else uses, one after the other, follows the leader as tabletctl does, and notes what was
// acknowledged.  A statement whose answer was lost is not repeated: its name may exist or not.
//
//   console_load HOST:PORT... [options of writer_report.h]
//
// tabletctl's own client blocks its thread for one statement; many writers in one process need
// one loop, so this one speaks the schema itself.
#include "bench/writer_report.h"
#include "node/coalescing_stream.h"
#include "node/kj_text.h"
#include "schemas/console.capnp.h"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <csignal>
#include <utility>

namespace tabletd {
namespace {

constexpr std::size_t name_bytes_max = 64;  // Of the server.

/// One connection; members die in reverse order, capabilities first.
struct connection final : kj::TaskSet::ErrorHandler {
  explicit connection(kj::Own<kj::AsyncIoStream> dialled)
    : stream(kj::mv(dialled)),
      network(stream, capnp::rpc::twoparty::Side::CLIENT),
      rpc(capnp::makeRpcClient(network)),
      broken(kj::newPromiseAndFulfiller<void>()),
      writers(*this) {}

  api::Gateway::Client gateway() {
    capnp::MallocMessageBuilder message(8);
    auto peer = message.getRoot<capnp::rpc::twoparty::VatId>();
    peer.setSide(capnp::rpc::twoparty::Side::SERVER);
    return rpc.bootstrap(peer).castAs<api::Gateway>();
  }
  void taskFailed(kj::Exception&& why) override { broken.fulfiller->reject(kj::mv(why)); }

  coalescing_stream stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
  kj::PromiseFulfillerPair<void> broken;
  kj::TaskSet writers;
};

/// Writers that share a connection, and get a new one together.
class crowd final : kj::TaskSet::ErrorHandler {
public:
  crowd(const writer_options& options, writer_report& report, kj::AsyncIoContext& io, std::size_t number, std::size_t writers)
    : options_(options), report_(report), io_(io), number_(number), writers_(writers), tasks_(*this) {
    tasks_.add(go_on());
  }

private:
  kj::Promise<void> go_on() {
    return serve().catch_([this](kj::Exception&& why) { report_.refused(kj::str(why.getType()).cStr()); })
        .then([this] {
          connection_ = nullptr;
          return io_.provider->getTimer().afterDelay(pauses_.next().count() * kj::MILLISECONDS);
        })
        .then([this] { return go_on(); });
  }

  std::string next_server() {
    if (!leader_.empty())
      return std::exchange(leader_, {});
    return options_.servers[asked_++ % options_.servers.size()];
  }

  /// Ends when the connection does, or its leader.
  kj::Promise<void> serve() {
    const auto where = next_server();
    return io_.provider->getNetwork().parseAddress(where.c_str())
        .then([](kj::Own<kj::NetworkAddress>&& to) { return to->connect().attach(kj::mv(to)); })
        .then([this, where](kj::Own<kj::AsyncIoStream>&& stream) {
          connection_ = kj::heap<connection>(kj::mv(stream));
          return log_in(where);
        });
  }

  kj::Promise<void> log_in(const std::string& where) {
    auto gateway = connection_->gateway();
    return gateway.infoRequest().send().then([this, gateway, where](auto&& info) mutable -> kj::Promise<void> {
      const std::string leader = info.getInfo().getLeader().cStr();
      if (!leader.empty() && leader != where && where != directed_by_) {
        leader_ = directed_by_ = leader;
        return serve();
      }
      directed_by_.clear();
      auto request = gateway.loginRequest();
      auto login = request.initRequest();
      login.setApiVersion(api::API_VERSION);
      login.setClient("console_load");
      login.initMethod().setPeerCredentials();
      return request.send().then([this](auto&& outcome) -> kj::Promise<void> {
        auto admin = outcome.getOutcome().getGranted().getAdmin();
        for (std::size_t i = 0; i < writers_; ++i)
          connection_->writers.add(admin.openRequest().send().then([this](auto&& opened) {
            return write(opened.getSession());
          }));
        return kj::mv(connection_->broken.promise).exclusiveJoin(connection_->network.onDisconnect());
      });
    });
  }

  std::string next_name() {
    auto name = fmt::format("{}_{}_{}_", options_.prefix, number_, ++named_);
    name.resize(std::max(std::min(options_.value_bytes, name_bytes_max), name.size()), 'x');
    return name;
  }

  /// Creates a database, or drops `created`.
  kj::Promise<void> write(api::Session::Client session, std::string created = {}) {
    const bool drops = !created.empty();
    auto name = drops ? std::move(created) : next_name();
    auto request = session.runRequest(capnp::MessageSize{name.size() / 8 + 16, 0});
    request.setText(fmt::format("{} DATABASE {}", drops ? "DROP" : "CREATE", name).c_str());
    const auto sent = steady::now();
    return request.send().then(
        [this, session = kj::mv(session), name = std::move(name), sent, drops](auto&& response) mutable -> kj::Promise<void> {
          const auto result = response.getResult();
          if (result.isDone()) {
            report_.acknowledged(name, sent);
            return write(kj::mv(session), options_.drops && !drops ? std::move(name) : std::string());
          }
          const auto error = result.getError();
          report_.refused(fmt::format("error {}", static_cast<unsigned>(error.getCode())));
          if (error.getCode() != api::ErrorCode::RESOURCE_EXHAUSTED)
            return KJ_EXCEPTION(DISCONNECTED, "it no longer leads");
          return io_.provider->getTimer().afterDelay(error.getRetryAfterMs() * kj::MILLISECONDS)
              .then([this, session = kj::mv(session), again = drops ? std::move(name) : std::string()]() mutable {
                return write(kj::mv(session), std::move(again));
              });
        });
  }

  void taskFailed(kj::Exception&& why) override { kj::throwFatalException(kj::mv(why)); }

  const writer_options& options_;
  writer_report& report_;
  kj::AsyncIoContext& io_;
  std::size_t number_, writers_;
  std::size_t named_ = 0;
  std::size_t asked_ = 0;
  std::string leader_;       ///< To be asked next.
  std::string directed_by_;  ///< Whom somebody took for the leader: not sent on from there.
  pauses pauses_;
  kj::Own<connection> connection_;
  kj::TaskSet tasks_;
};

void run(const writer_options& options) {
  kj::UnixEventPort::captureSignal(SIGTERM);
  auto io = kj::setupAsyncIo();
  writer_report report(options);
  std::vector<std::unique_ptr<crowd>> crowds;
  for (std::size_t i = 0; i < options.connections; ++i) {
    const auto writers = (options.writers + i) / options.connections;
    crowds.push_back(std::make_unique<crowd>(options, report, io, i, writers));
  }
  auto ended = io.unixEventPort.onSignal(SIGTERM).ignoreResult();
  if (options.seconds > 0) {
    const auto span = static_cast<std::int64_t>((options.warm_up_s + options.seconds) * 1e6) * kj::MICROSECONDS;
    ended = ended.exclusiveJoin(io.provider->getTimer().afterDelay(span));
  }
  ended.wait(io.waitScope);
  report.print();
}

}  // namespace
}  // namespace tabletd

int main(int argc, char** argv) {
  try {
    tabletd::run(tabletd::parse_writer_options(argc, argv));
    return 0;
  } catch (const kj::Exception& why) {
    fmt::print(stderr, "console_load: {}\n", tabletd::text_of(why));
  } catch (const std::exception& why) {
    fmt::print(stderr, "console_load: {}\n", why.what());
  }
  return 1;
}
