// Connection, login, statements; see client.h.  The pumps are in transfer.cpp.
#include "node/tabletctl/client.h"
#include "node/kj_text.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/splitter.h"
#include "node/tabletctl/transfer.h"
#include <capnp/rpc-twoparty.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <algorithm>
#include <array>
#include <utility>

namespace tabletd::ctl {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr int redirects_max = 5;
constexpr auto no_leader_pause = 100ms;
constexpr auto completion_limit = 300ms; // Longer and Tab feels broken.
constexpr auto server_grace = 250ms; // Lets the server's own, better-worded timeout arrive first.
constexpr std::string_view client_name = "tabletctl/" TABLETD_VERSION;

/// A listing is one message; 1 GiB stops a broken peer, and two walks over it are allowed.
capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = (1ULL << 30) / sizeof(capnp::word);
  return options;
}

void keep_alive(kj::AsyncIoStream& stream) {
  // A host that vanished must not hold a statement for ever: 10 s idle, then 3 probes 5 s apart.
  const auto set = [&stream](int level, int option, int value) {
    stream.setsockopt(level, option, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

/// kj's text names the system call first and may carry a stack: the first clause is enough.
std::string brief(const kj::Exception& why) {
  auto text = text_of(why);
  text = text.substr(0, text.find_first_of(";\n"));
  for (const std::string_view call :
       {"connect(): ", "read(fd, buffer, maxBytes): ", "::writev(): ", "writev(fd, iov, iovcnt): "})
    if (text.starts_with(call))
      text.erase(0, call.size());
  return text;
}

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

/// This front end answers and does not lead: ask its leader, or wait for one.
struct not_leading {
  std::string leader; ///< Empty: it knows none.
  std::string why;
};

std::array<kj::byte, 16> random_id() {
  std::array<kj::byte, 16> id{};
  if (::getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size()))
    id.fill(0); // The server treats it as unnamed.
  return id;
}

} // namespace

struct client::impl {
  explicit impl(client_options given)
    : options(std::move(given)),
      io(kj::setupAsyncIo()),
      wait(io) {}

  client_options options;
  kj::AsyncIoContext io;
  waiter wait;
  std::unique_ptr<connection> link;
  server_identity server;
  std::string last_good; ///< Tried before the list.

  void dial(const std::string& where);
  void log_in(const std::string& where);
  void open_session();
  void dial_any(std::string first);
  [[nodiscard]] std::vector<std::string> dial_order(const std::string& first) const;
  answer run(std::string_view text, const std::array<kj::byte, 16>& id,
             const transfer_fn& on_transfer);
  answer take(std::string_view text, capnp::Response<api::Execution::ResultResults> response,
              const transfer_fn& on_transfer);
  answer run_guarded(std::string_view text, const std::array<kj::byte, 16>& id,
                     const transfer_fn& on_transfer);
};

// -- connecting --------------------------------------------------------------------------

void client::impl::dial(const std::string& where) {
  try {
    auto stream = wait.wait(io.provider->getNetwork().parseAddress(where).then(
      [](kj::Own<kj::NetworkAddress>&& to) { return to->connect().attach(kj::mv(to)); }));
    if (!where.starts_with("unix:"))
      keep_alive(*stream);
    link = std::make_unique<connection>(kj::mv(stream), where);
  } catch (const kj::Exception& why) {
    throw client_failure(trouble::cannot_connect, fmt::format("{}: {}", where, brief(why)));
  }
  try {
    log_in(where);
  } catch (const kj::Exception& why) {
    link.reset();
    throw client_failure(
      trouble::cannot_connect,
      fmt::format("{}: does not speak the console protocol, or went away: {}", where, brief(why)));
  }
  open_session();
}

void client::impl::log_in(const std::string& where) {
  auto info_call = link->gateway.infoRequest().send();
  auto request = link->gateway.loginRequest();
  auto login = request.initRequest();
  login.setApiVersion(api::API_VERSION);
  login.setClient(capnp::Text::Reader{client_name.data(), client_name.size()});
  login.initMethod().setPeerCredentials();
  auto login_call = request.send();
  const auto info
    = wait.wait(kj::Promise<capnp::Response<api::Gateway::InfoResults>>(kj::mv(info_call)));
  const auto outcome
    = wait.wait(kj::Promise<capnp::Response<api::Gateway::LoginResults>>(kj::mv(login_call)));
  const auto facts = info.getInfo();
  if (facts.getMinApiVersion() > api::API_VERSION)
    throw client_failure(
      trouble::login_refused,
      fmt::format(
        "{} (tabletd {}) no longer talks to clients of API version {}; use its own tabletctl",
        where, facts.getVersion().cStr(), api::API_VERSION));
  const auto login_outcome = outcome.getOutcome();
  if (!login_outcome.isGranted()) {
    const auto error = read_error(login_outcome.getError());
    throw client_failure(trouble::login_refused,
                         fmt::format("{} refused the login: {}{}{}", where, error.message,
                                     error.hint.empty() ? "" : "; ", error.hint));
  }
  auto grant = login_outcome.getGranted();
  link->viewer = grant.hasAdmin()      ? api::Viewer::Client(grant.getAdmin())
                 : grant.hasOperator() ? api::Viewer::Client(grant.getOperator())
                                       : grant.getViewer();
  server = {where,
            facts.getVersion().cStr(),
            facts.getClusterName().cStr(),
            facts.getLeader().cStr(),
            facts.getNodeId(),
            grant.getUser().cStr()};
}

void client::impl::open_session() {
  auto request = KJ_ASSERT_NONNULL(link->viewer).openRequest();
  auto session = request.initOptions();
  session.setDatabase(options.database);
  if (options.statement_limit)
    session.setStatementTimeoutMs(static_cast<std::uint64_t>(options.statement_limit->count()));
  try {
    auto opened = wait.wait(kj::Promise<capnp::Response<api::Viewer::OpenResults>>(request.send()));
    link->session = opened.getSession();
  } catch (const kj::Exception& why) {
    link.reset();
    if (why.getType() == kj::Exception::Type::DISCONNECTED)
      throw client_failure(trouble::cannot_connect,
                           fmt::format("{}: {}", server.address, brief(why)));
    throw not_leading{server.leader, brief(why)};
  }
}

std::vector<std::string> client::impl::dial_order(const std::string& first) const {
  std::vector<std::string> order;
  const auto add = [&order](std::string text) {
    if (!text.empty() && std::find(order.begin(), order.end(), text) == order.end())
      order.push_back(std::move(text));
  };
  add(first);
  add(last_good);
  for (const auto& one : options.addresses)
    add(one.text());
  return order;
}

/// Goes through the addresses until one opens a session.  A cluster that is electing gets
/// connect_limit to finish; a port where nobody listens is not asked twice.
void client::impl::dial_any(std::string first) {
  const auto give_up = steady::now() + options.connect_limit;
  std::string failures;
  while (true) {
    bool electing = false;
    failures.clear();
    for (const auto& where : dial_order(std::exchange(first, {}))) {
      wait.limit(options.connect_limit);
      try {
        dial(where);
        last_good = where;
        return;
      } catch (const not_leading& other) {
        electing = true;
        failures += fmt::format("{}{}: {}", failures.empty() ? "" : "; ", where, other.why);
        if (!other.leader.empty() && other.leader != where)
          first = other.leader;
      } catch (const client_failure& why) {
        link.reset();
        if (why.why() == trouble::login_refused || why.why() == trouble::interrupted)
          throw;
        failures
          += fmt::format("{}{}", failures.empty() ? "" : "; ",
                         why.why() == trouble::timed_out ? where + ": no answer" : why.what());
      }
    }
    if (!electing || steady::now() >= give_up)
      break;
    if (!wait.sleep(no_leader_pause))
      throw client_failure(trouble::interrupted, "interrupted");
  }
  throw client_failure(
    trouble::cannot_connect,
    fmt::format("cannot connect: {}.  Is a front end running there?  Name one with "
                "`tabletctl HOST:PORT` or TABLETCTL_ADDRESS.",
                failures));
}

// -- statements --------------------------------------------------------------------------

answer client::impl::run(std::string_view text, const std::array<kj::byte, 16>& id,
                         const transfer_fn& on_transfer) {
  auto request = KJ_ASSERT_NONNULL(link->session).executeRequest();
  request.setText(kj::heapString(text.data(), text.size()));
  request.setRequestId(kj::arrayPtr(id.data(), id.size()));
  auto execution = request.send().getExecution(); // Dropping it gives the statement up.
  auto response = wait.wait(
    kj::Promise<capnp::Response<api::Execution::ResultResults>>(execution.resultRequest().send()));
  return take(text, kj::mv(response), on_transfer);
}

answer client::impl::take(std::string_view text,
                          capnp::Response<api::Execution::ResultResults> response,
                          const transfer_fn& on_transfer) {
  const auto result = response.getResult();
  answer out;
  if (result.isUpload() || result.isDownload()) {
    const std::string offered = result.isUpload() ? result.getUpload().getPath().cStr()
                                                  : result.getDownload().getPath().cStr();
    // A server must not choose which of our files it reads or replaces.
    if (path_in_statement(text) != offered)
      return local_error(
        api::ErrorCode::PERMISSION_DENIED,
        fmt::format("the server asked for the file '{}', which the statement does not name",
                    offered),
        "do not trust this server; no file was opened");
    out = result.isUpload() ? run_upload(wait, result.getUpload().getUpload(), offered, on_transfer)
                            : run_download(wait, result.getDownload(), offered, on_transfer);
  } else if (result.isError()) {
    out.what = answer::kind::error;
    out.error = read_error(result.getError());
  } else if (result.isDone()) {
    out.message = result.getDone().getMessage().cStr();
    out.affected = result.getDone().getAffected();
  } else if (result.isRows()) {
    out.what = answer::kind::rows;
  } else {
    return local_error(api::ErrorCode::UNSUPPORTED,
                       "the server answered with something this tabletctl does not know",
                       "use a tabletctl of the server's version");
  }
  out.statement = result.getStatement().cStr();
  for (const auto warning : result.getWarnings())
    out.warnings.push_back(read_error(warning));
  if (out.what == answer::kind::rows)
    out.response = kj::mv(response);
  return out;
}

/// run() with every way a call can fail put into its place.
answer client::impl::run_guarded(std::string_view text, const std::array<kj::byte, 16>& id,
                                 const transfer_fn& on_transfer) {
  try {
    auto out = run(text, id, on_transfer);
    wait.settle(); // What was dropped is told to the server now, not with the next statement.
    return out;
  } catch (const file_failure& why) {
    wait.settle();
    return local_error(why.code(), why.what());
  } catch (const client_failure& why) {
    wait.settle();
    if (why.why() == trouble::interrupted)
      throw client_failure(trouble::interrupted, "interrupted; the statement was given up and may still take effect: "
                                                 "look (SHOW ...) before you repeat it");
    link.reset(); // Who did not answer in time is dialled anew.
    throw client_failure(
      trouble::timed_out,
      fmt::format(
        "the statement did not end within {}; it was given up and may still take effect: "
        "look (SHOW ...) before you repeat it",
        duration_text(std::chrono::duration<double>(*options.statement_limit).count())));
  } catch (const kj::Exception& why) {
    const auto where = link->address;
    link.reset();
    if (why.getType() == kj::Exception::Type::DISCONNECTED)
      throw client_failure(
        trouble::connection_lost,
        fmt::format(
          "lost the connection to {} while the statement ran; it may or may not have taken "
          "effect: look (SHOW ...) before you repeat it",
          where));
    return local_error(api::ErrorCode::INTERNAL,
                       fmt::format("{} could not answer: {}", where, brief(why)),
                       "look into the front end's log");
  }
}

client::client(client_options options) : impl_(std::make_unique<impl>(std::move(options))) {}
client::~client() = default;

const server_identity& client::connect() {
  if (!connected())
    impl_->dial_any({});
  return impl_->server;
}

bool client::connected() {
  if (!impl_->link)
    return false;
  impl_->wait.settle();
  if (impl_->link->lost)
    impl_->link.reset();
  return impl_->link != nullptr;
}

void client::hang_up() { impl_->link.reset(); }

answer client::execute(std::string_view statement, const transfer_fn& on_transfer) {
  if (statement.size() > statement_bytes_max)
    return local_error(api::ErrorCode::INVALID_ARGUMENT,
                       fmt::format("the statement has {} bytes; at most {} are allowed",
                                   statement.size(), statement_bytes_max),
                       "is a quote or a comment left open?");
  const auto begun = steady::now();
  const auto id = random_id(); // The same over all redirects: a statement takes effect once.
  answer out;
  for (int hop = 0;; ++hop) {
    connect();
    const auto spent = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - begun);
    const auto& limit = impl_->options.statement_limit;
    impl_->wait.limit(limit ? std::optional{std::max(*limit - spent, 0ms) + server_grace}
                            : std::nullopt);
    out = impl_->run_guarded(statement, id, on_transfer);
    const bool elsewhere
      = !out.ok() && out.error.code == api::ErrorCode::NOT_LEADER && !out.error.leader.empty();
    if (!elsewhere || hop == redirects_max)
      break;
    const auto leader = parse_addresses(out.error.leader);
    if (leader.addresses.empty())
      break;
    if (hop > 0
        && !impl_->wait.sleep(
          std::max(no_leader_pause, std::chrono::milliseconds{out.error.retry_after_ms})))
      throw client_failure(trouble::interrupted, "interrupted");
    impl_->link.reset();
    impl_->dial_any(leader.addresses.front().text());
  }
  // The session's actor may be gone with its leader: the next statement gets a new one.
  if (!out.ok()
      && (out.error.code == api::ErrorCode::INTERNAL
          || out.error.code == api::ErrorCode::UNAVAILABLE))
    impl_->link.reset();
  out.elapsed_s = std::chrono::duration<double>(steady::now() - begun).count();
  return out;
}

completion client::complete(std::string_view text, std::uint32_t cursor) {
  completion out;
  if (!connected())
    return out;
  try {
    auto request = KJ_ASSERT_NONNULL(impl_->link->session).completeRequest();
    request.setText(kj::heapString(text.data(), text.size()));
    request.setCursor(cursor);
    impl_->wait.limit(completion_limit);
    const auto response = impl_->wait.wait(
      kj::Promise<capnp::Response<api::Session::CompleteResults>>(request.send()));
    out.replace_from = std::min(response.getReplaceFrom(), cursor);
    for (const auto one : response.getCandidates())
      out.candidates.push_back({one.getText().cStr(), one.getKind().cStr(), one.getHelp().cStr()});
  } catch (const client_failure&) {
    // Slow or interrupted: no completion this time.
  } catch (const kj::Exception&) {
    impl_->link.reset();
  }
  return out;
}

health_report client::health() {
  const auto where = connect().address;
  impl_->wait.limit(impl_->options.connect_limit);
  try {
    auto call = KJ_ASSERT_NONNULL(impl_->link->viewer).healthRequest().send();
    const auto response
      = impl_->wait.wait(kj::Promise<capnp::Response<api::Viewer::HealthResults>>(kj::mv(call)));
    const auto from = response.getHealth();
    health_report out;
    out.state = from.getState();
    for (const auto reason : from.getReasons())
      out.reasons.emplace_back(reason.cStr());
    out.tablets = from.getTablets();
    out.unhealthy = from.getUnhealthy();
    out.unrecoverable = from.getUnrecoverable();
    out.backends = from.getBackends();
    out.backends_alive = from.getBackendsAlive();
    out.leader = from.getLeader().cStr();
    out.revision = from.getRevision();
    return out;
  } catch (const kj::Exception& why) {
    impl_->link.reset();
    throw client_failure(trouble::connection_lost,
                         fmt::format("{} did not tell its health: {}", where, brief(why)));
  }
}

bool client::sleep(std::chrono::milliseconds span) { return impl_->wait.sleep(span); }

void client::statement_limit(std::optional<std::chrono::milliseconds> limit) {
  if (limit != impl_->options.statement_limit)
    impl_->link.reset(); // The session was opened with the old one.
  impl_->options.statement_limit = limit;
}

} // namespace tabletd::ctl
