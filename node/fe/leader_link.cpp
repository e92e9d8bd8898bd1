#include "node/fe/leader_link.h"
#include "node/kj_text.h"
#include "node/log.h"
#include "node/rpc_port.h"
#include <capnp/rpc-twoparty.h>
#include <fmt/format.h>
#include <kj/debug.h>
#include <utility>

namespace tabletd {

namespace {

// Within what tabletctl gives an address (5 s): it must hear why, not give up first.
constexpr auto login_limit = 3 * kj::SECONDS;
constexpr auto open_limit = 4 * kj::SECONDS;

/// A listing is one message; the client's own limit is the same.
capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = (1ULL << 30) / sizeof(capnp::word);
  return options;
}

kj::Exception try_again(const std::string& sentence) { return KJ_EXCEPTION(OVERLOADED, sentence.c_str()); }

std::string words_of(const kj::Exception& why) {
  constexpr std::string_view prefix = "remote exception: "; // Cap'n Proto's; the sentence says where it comes from.
  auto text = text_of(why);
  return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

/// What went wrong between here and the leader, for the client.
kj::Exception explained(const std::string& leader, const kj::Exception& why) {
  switch (why.getType()) {
    case kj::Exception::Type::OVERLOADED: // Too slow, or it does not lead (any more).
    case kj::Exception::Type::DISCONNECTED:
      return try_again(fmt::format("the leader, {}, could not be asked: {}; try again in a moment", leader, words_of(why)));
    default:
      return KJ_EXCEPTION(FAILED, fmt::format("the leader, {}, said no: {}", leader, words_of(why)).c_str());
  }
}

} // namespace

/// Members die in reverse order: capabilities, RPC system, stream.
struct leader_link::connection {
  explicit connection(std::string to) : address(std::move(to)) {}
  std::string address;
  std::shared_ptr<bool> over = std::make_shared<bool>(false); ///< Broken or superseded.
  kj::Own<kj::AsyncIoStream> stream;
  kj::Own<capnp::TwoPartyVatNetwork> network;
  kj::Maybe<capnp::RpcSystem<capnp::rpc::twoparty::VatId>> rpc;
  kj::Maybe<kj::ForkedPromise<void>> ready;
  kj::Maybe<api::Viewer::Client> reader;
  kj::Maybe<api::Viewer::Client> writer; ///< None: the leader lets this front end only look.
};

leader_link::leader_link() = default;
leader_link::~leader_link() noexcept(false) = default;

void leader_link::failures::taskFailed(kj::Exception&& why) {
  log_error("a connection to the leader failed outside its handler", {{"why", text_of(why)}});
}

void leader_link::start(kj::Network& network, kj::Timer& timer) {
  network_ = &network;
  timer_ = &timer;
  tasks_ = kj::heap<kj::TaskSet>(failures_);
}

void leader_link::stop() {
  if (link_)
    *link_->over = true;
  tasks_ = nullptr;
  link_ = nullptr;
}

void leader_link::follow(const std::optional<std::string>& leader) {
  if (link_ && link_->address != leader)
    close();
}

void leader_link::close() {
  auto last = std::exchange(link_, nullptr);
  *last->over = true;
  if (last->stream.get() != nullptr)
    kj::runCatchingExceptions([&] { last->stream->abortRead(); }); // Open calls end with it.
  // The connection may be on the stack of the callback that brought us here.
  tasks_->add(kj::evalLater([last = std::move(last)]() mutable { last.reset(); }));
}

kj::Promise<leader_link::connection_ptr> leader_link::connected(const std::string& leader) {
  if (tasks_.get() == nullptr)
    return try_again("this front end is being stopped");
  follow(leader);
  if (!link_) {
    link_ = std::make_shared<connection>(leader);
    dial(link_);
  }
  return KJ_ASSERT_NONNULL(link_->ready).addBranch().then([link = link_] { return link; });
}

void leader_link::dial(const connection_ptr& made) {
  auto* at = made.get(); // It owns this promise: a counted reference would keep both for ever.
  auto up = network_->parseAddress(made->address.c_str())
              .then([](kj::Own<kj::NetworkAddress>&& address) {
                auto promise = address->connect();
                return promise.attach(kj::mv(address));
              })
              .then([at](kj::Own<kj::AsyncIoStream>&& stream) -> kj::Promise<void> {
                if (*at->over)
                  return KJ_EXCEPTION(DISCONNECTED, "another front end leads now");
                notice_dead_peers(*stream);
                at->stream = kj::mv(stream);
                at->network = kj::heap<capnp::TwoPartyVatNetwork>(*at->stream, capnp::rpc::twoparty::Side::CLIENT,
                                                                  reader_options());
                at->rpc = capnp::makeRpcClient(*at->network);
                return log_in(*at);
              });
  made->ready = timer_->timeoutAfter(login_limit, kj::mv(up)).fork();
  // Whether it never came up or broke later: the next one who needs it dials anew.
  tasks_->add(KJ_ASSERT_NONNULL(made->ready)
                .addBranch()
                .then([made] { return made->network->onDisconnect(); })
                .then([] {}, [](kj::Exception&&) {})
                .then([this, made] {
                  if (link_ == made)
                    close();
                }));
}

kj::Promise<void> leader_link::log_in(connection& made) {
  capnp::MallocMessageBuilder message(8);
  auto peer = message.getRoot<capnp::rpc::twoparty::VatId>();
  peer.setSide(capnp::rpc::twoparty::Side::SERVER);
  auto gateway = KJ_ASSERT_NONNULL(made.rpc).bootstrap(peer).castAs<api::Gateway>();
  auto request = gateway.loginRequest();
  auto login = request.initRequest();
  login.setApiVersion(api::API_VERSION);
  login.setClient("tabletd fe");
  login.getMethod().setPeerCredentials();
  login.setForwarded(true);
  return request.send().then([&made](capnp::Response<api::Gateway::LoginResults>&& response) {
    const auto outcome = response.getOutcome();
    KJ_REQUIRE(outcome.isGranted(), outcome.isError() ? outcome.getError().getMessage() : "it did not say why");
    auto grant = outcome.getGranted();
    made.reader = grant.getViewer();
    if (grant.hasAdmin())
      made.writer = api::Viewer::Client(grant.getAdmin());
    else if (grant.hasOperator())
      made.writer = api::Viewer::Client(grant.getOperator());
  });
}

kj::Promise<leader_link::session> leader_link::open(const std::string& leader, api::SessionOptions::Reader options,
                                                    bool may_write) {
  // The caller's message may be gone when the connection is up.
  auto asked = kj::heap<capnp::MallocMessageBuilder>(static_cast<capnp::uint>(options.totalSize().wordCount + 8));
  asked->setRoot(options);
  return within(leader, connected(leader).then([asked = kj::mv(asked), may_write](connection_ptr&& link) mutable {
    auto* authority = &KJ_ASSERT_NONNULL(link->reader);
    KJ_IF_MAYBE(writer, link->writer) {
      if (may_write)
        authority = writer;
    }
    auto request = authority->openRequest();
    request.setOptions(asked->getRoot<api::SessionOptions>());
    return request.send().then(
      [over = link->over](auto&& response) { return session{response.getSession(), over}; });
  }));
}

kj::Promise<leader_link::health_response> leader_link::health(const std::string& leader) {
  return within(leader, connected(leader).then([](connection_ptr&& link) -> kj::Promise<health_response> {
    return KJ_ASSERT_NONNULL(link->reader).healthRequest().send();
  }));
}

template <class T>
kj::Promise<T> leader_link::within(const std::string& leader, kj::Promise<T> asked) {
  if (tasks_.get() == nullptr)
    return try_again("this front end is being stopped");
  return timer_->timeoutAfter(open_limit, kj::mv(asked)).catch_([leader](kj::Exception&& why) -> kj::Promise<T> {
    return explained(leader, why);
  });
}

} // namespace tabletd
