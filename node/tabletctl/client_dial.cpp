// Connections: dialling, login, who leads; see client_impl.h.
#include "node/tabletctl/client_impl.h"
#include "node/kj_text.h"
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <algorithm>
#include <utility>

namespace tabletd::ctl {

namespace {

using namespace std::chrono_literals;

constexpr auto dial_limit_min = 100ms; // A last look also when the time is just over.
constexpr std::string_view client_name = "tabletctl/" TABLETD_VERSION;

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

/// This front end answers and does not lead: ask its leader, or wait for one.
struct not_leading {
  std::string leader; ///< Empty: it knows none.
  std::string why;
};

} // namespace

capnp::ReaderOptions reader_options() {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = (1ULL << 30) / sizeof(capnp::word);
  return options;
}

std::string brief(const kj::Exception& why) {
  auto text = text_of(why);
  text = text.substr(0, text.find_first_of(";\n"));
  for (const std::string_view call :
       {"connect(): ", "read(fd, buffer, maxBytes): ", "::writev(): ", "writev(fd, iov, iovcnt): "})
    if (text.starts_with(call))
      text.erase(0, call.size());
  return text;
}

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
            grant.getUser().cStr(),
            {}};
  for (const auto console : facts.getConsoles())
    server.group.emplace_back(console.cStr());
  if (!server.group.empty())
    learned = server.group;
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
  for (const auto& one : learned)
    add(one);
  return order;
}

/// A cluster that is electing gets connect_limit to finish.
void client::impl::dial_any(std::string first, std::optional<steady::time_point> until) {
  const auto before = server;
  const auto give_up = until.value_or(steady::now() + options.connect_limit);
  std::string failures;
  while (true) {
    bool electing = until.has_value();
    failures.clear();
    for (const auto& where : dial_order(std::exchange(first, {}))) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - steady::now());
      wait.limit(until ? std::clamp(left, dial_limit_min, std::max(options.connect_limit, dial_limit_min))
                       : options.connect_limit);
      try {
        dial(where);
        last_good = where;
        tell_of_move(before);
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

void client::impl::tell_of_move(const server_identity& before) const {
  if (!notice || before.address.empty() || (before.address == server.address && before.leader == server.leader))
    return;
  notice(server.leader.empty() ? fmt::format("connected to {}", server.address)
                               : fmt::format("connected to {}; {} leads", server.address, server.leader));
}

} // namespace tabletd::ctl
