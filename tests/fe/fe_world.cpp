#include "tests/fe/fe_world.h"
#include <fmt/format.h>

namespace tabletd::test {

namespace {

template <class Error>
told told_of(Error from) {
  return {from.getCode(), from.getMessage().cStr(), {}, from.getOutcomeUnknown()};
}

told told_of_result(api::Result::Reader result) {
  told out;
  if (result.isError())
    out = told_of(result.getError());
  else if (result.isDone())
    out.message = result.getDone().getMessage().cStr();
  for (const auto warning : result.getWarnings())
    out.warnings.emplace_back(warning.getMessage().cStr());
  return out;
}

} // namespace

std::ostream& operator<<(std::ostream& out, const told& what) {
  out << "code " << static_cast<unsigned>(what.code) << ": " << what.message;
  for (const auto& warning : what.warnings)
    out << "\n  warning: " << warning;
  return out;
}

// -- front_end ---------------------------------------------------------------------------

front_end::front_end(caf::actor_system& sys, fe_options options) {
  loop_ = kj_loop::start([this](kj::AsyncIoContext& io, kj_loop&) -> std::shared_ptr<void> {
    network_ = &io.provider->getNetwork();
    return nullptr;
  });
  try {
    auto leads = std::make_shared<std::promise<void>>();
    options.leading = [leads, told = false](bool now) mutable {
      if (now && !std::exchange(told, true))
        leads->set_value();
    };
    node_ = fe_node::start(std::move(options), sys, loop_, *network_);
    leads->get_future().get();
  } catch (...) {
    node_ = nullptr;
    loop_->stop();
    throw;
  }
  port_ = node_->port();
}

void front_end::stop() {
  node_ = nullptr;
  loop_->stop();
}

// -- console -----------------------------------------------------------------------------

console::console(kj::AsyncIoContext& io, const std::string& host, std::uint16_t port) : io_(io) {
  stream_ = wait(io.provider->getNetwork().parseAddress(host.c_str(), port).then([](kj::Own<kj::NetworkAddress>&& at) {
    auto promise = at->connect();
    return promise.attach(kj::mv(at));
  }));
  client_ = kj::heap<capnp::TwoPartyClient>(*stream_);
  gateway_ = kj::heap<api::Gateway::Client>(client_->bootstrap().castAs<api::Gateway>());
}

told console::login(authority as) {
  auto request = gateway_->loginRequest();
  request.initRequest().setApiVersion(api::API_VERSION);
  request.getRequest().getMethod().setPeerCredentials();
  const auto response = request.send().wait(io_.waitScope);
  if (response.getOutcome().isError())
    return told_of(response.getOutcome().getError());
  auto grant = response.getOutcome().getGranted();
  viewer_ = kj::heap<api::Viewer::Client>(grant.getViewer());
  auto opens = as == authority::viewer ? grant.getViewer() : api::Viewer::Client(grant.getAdmin());
  session_ = kj::heap<api::Session::Client>(opens.openRequest().send().wait(io_.waitScope).getSession());
  return {};
}

capnp::Response<api::Execution::ResultResults> console::execute(const std::string& statement) {
  auto request = session_->executeRequest();
  request.setText(statement.c_str());
  return request.send().getExecution().resultRequest().send().wait(io_.waitScope);
}

told console::run(const std::string& statement) {
  auto request = session_->runRequest();
  request.setText(statement.c_str());
  const auto response = request.send().wait(io_.waitScope);
  return told_of_result(response.getResult());
}

api::Upload::Client console::begin_load(const std::string& table) {
  const auto response = execute("LOAD FILE '/of/the/client' INTO " + table);
  const auto result = response.getResult();
  EXPECT_TRUE(result.isUpload()) << told_of_result(result);
  return result.getUpload().getUpload();
}

api::Download::Client console::begin_export(const std::string& table) {
  const auto response = execute("EXPORT TABLE " + table + " TO '/of/the/client'");
  const auto result = response.getResult();
  EXPECT_TRUE(result.isDownload()) << told_of_result(result);
  return result.getDownload().getDownload();
}

std::uint32_t console::backends_alive() {
  return viewer_->healthRequest().send().wait(io_.waitScope).getHealth().getBackendsAlive();
}

std::string console::leader() {
  return gateway_->infoRequest().send().wait(io_.waitScope).getInfo().getLeader().cStr();
}

std::vector<std::string> console::group() {
  std::vector<std::string> out;
  for (const auto one : gateway_->infoRequest().send().wait(io_.waitScope).getInfo().getConsoles())
    out.emplace_back(one.cStr());
  return out;
}

kj::Promise<told> console::write(api::Upload::Client& to, std::uint64_t offset, const std::string& chunk) {
  auto request = to.writeRequest();
  request.setOffset(offset);
  request.setChunk(kj::arrayPtr(reinterpret_cast<const kj::byte*>(chunk.data()), chunk.size()));
  return request.send().then([](auto&& response) {
    return response.getOutcome().isError() ? told_of(response.getOutcome().getError()) : told{};
  });
}

kj::Promise<told> console::finish(api::Upload::Client& to) {
  return to.finishRequest().send().then([](auto&& response) { return told_of_result(response.getResult()); });
}

kj::Promise<told> console::read(api::Download::Client& from, std::string& into) {
  return from.readRequest().send().then([&into](auto&& response) {
    const auto chunk = response.getChunk();
    into.append(reinterpret_cast<const char*>(chunk.begin()), chunk.size());
    return told_of(response.getError());
  });
}

// -- world -------------------------------------------------------------------------------

fe_options fe_world::front_end_options() {
  fe_options options;
  options.log_directory = dir / "journal";
  options.version = "test";
  options.membership.tick = model::time_ms{20};
  options.membership.liveness = {model::time_ms{50}, 6, 1};
  options.membership.agent.tick = model::time_ms{20};
  options.membership.agent.link.silence_max = model::time_ms{300};
  options.scheduler.fit = {1, 0, 1, 0};
  options.on_fatal = [](const std::string& why) { ADD_FAILURE() << "the front end gave up: " << why; };
  return options;
}

be_options fe_world::backend_options(const std::string& name) {
  auto made = options(name, std::uint64_t{8} << 30);
  made.binding.reset();
  return made;
}

void fe_world::add_backends(front_end& fe, console& by, const std::vector<std::uint16_t>& ports) {
  for (const auto port : ports) {
    const auto added = by.run(fmt::format("ALTER SYSTEM ADD BACKEND '127.0.0.1:{}'", port));
    ASSERT_TRUE(added.ok()) << added;
  }
  const auto reported = [&] {
    std::size_t count = 0;
    for (const auto& [id, view] : fe.node().cluster()->load()->backends)
      count += view.linked && view.reported ? 1 : 0;
    return count;
  };
  // Each look costs an answer of the front end, in whose time a cable of this loop can work.
  while (by.backends_alive() < ports.size() || reported() < ports.size()) {
  }
}

} // namespace tabletd::test
