// See fake_server.h.
#include "tests/tabletctl/fake_server.h"
#include "actors/model/statement_lexer.h"
#include <capnp/rpc-twoparty.h>
#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/async-unix.h>
#include <kj/debug.h>
#include <sys/eventfd.h>
#include <signal.h>
#include <unistd.h>
#include <algorithm>
#include <future>

namespace tabletd::fake {

namespace {

constexpr std::size_t chunk_bytes = 1U << 20;

class upload final : public api::Upload::Server {
public:
  upload(server& owner, std::function<void()> crash) : owner_(owner), crash_(std::move(crash)) {}
  ~upload() noexcept { owner_.rolled_back.add(finished_ ? 0 : 1); }

  kj::Promise<void> write(WriteContext context) override {
    const auto chunk = context.getParams().getChunk();
    KJ_REQUIRE(context.getParams().getOffset() == bytes_, "chunks must come in order");
    auto outcome = context.getResults().initOutcome();
    ++writes_;
    if (writes_ == owner_.what.crash_at_write) {
      owner_.what.crash_at_write = 0;
      crash_();
      return kj::NEVER_DONE;
    }
    if (owner_.what.refuse_write && writes_ == 2) {
      auto error = outcome.initError();
      error.setCode(api::ErrorCode::INVALID_ARGUMENT);
      error.setMessage("line 7 is longer than 1 MiB");
      return kj::READY_NOW;
    }
    bytes_ += chunk.size();
    owner_.uploaded.add(chunk.size());
    owner_.append_uploaded({chunk.asChars().begin(), chunk.size()});
    outcome.setOk();
    return kj::READY_NOW;
  }
  kj::Promise<void> finish(FinishContext context) override {
    finished_ = true;
    auto result = context.getResults().initResult();
    result.setStatement("load");
    auto done = result.initDone();
    done.setMessage(fmt::format("loaded {} bytes", bytes_).c_str());
    done.setAffected(1);
    return kj::READY_NOW;
  }

private:
  server& owner_;
  std::function<void()> crash_;
  std::uint64_t bytes_ = 0;
  int writes_ = 0;
  bool finished_ = false;
};

class download final : public api::Download::Server {
public:
  explicit download(server& owner) : owner_(owner), lines_(lines_of(chunk_bytes)) {}
  kj::Promise<void> read(ReadContext context) override {
    auto results = context.getResults();
    if (++reads_ == owner_.what.fail_at_chunk) {
      results.initError().setCode(api::ErrorCode::DATA_LOSS);
      results.getError().setMessage("tablet 10005 cannot be read from any replica");
    } else if (reads_ > owner_.what.export_chunks) {
      results.setEnd(true);
    } else {
      results.setChunk(kj::arrayPtr(lines_.data(), lines_.size()).asBytes());
      results.setRows(static_cast<std::uint64_t>(std::count(lines_.begin(), lines_.end(), '\n')));
    }
    return kj::READY_NOW;
  }

private:
  server& owner_;
  std::string lines_;
  std::uint64_t reads_ = 0;
};

void fill_rows(api::RowSet::Builder rows, std::uint32_t count) {
  auto columns = rows.initColumns(2);
  columns[0].setName("Id");
  columns[0].setType(api::ValueType::UINT64);
  columns[1].setName("Name");
  columns[1].setType(api::ValueType::TEXT);
  auto list = rows.initRows(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    auto values = list[i].initValues(2);
    values[0].setUint64(i + 1);
    values[1].setText(fmt::format("name {}", i + 1).c_str());
  }
}

std::string path_of(const std::vector<model::token>& tokens) {
  for (const auto& one : tokens)
    if (one.kind == model::token_kind::string)
      return one.text;
  return {};
}

class execution final : public api::Execution::Server {
public:
  execution(server& owner, std::string database, std::string text, std::function<void()> crash)
    : owner_(owner),
      database_(std::move(database)),
      text_(std::move(text)),
      crash_(std::move(crash)) {}
  ~execution() noexcept { owner_.cancelled.add(answered_ ? 0 : 1); }

  kj::Promise<void> result(ResultContext context) override {
    const auto tokens = model::tokenize(text_);
    const auto verb = tokens.front().text;
    if (verb == "HANG") {
      context.allowCancellation(); // Without it capnp runs a call to its end, whoever has left.
      return kj::NEVER_DONE;
    }
    answered_ = true;
    if (verb == "CRASH" || owner_.what.crash_first > 0) {
      owner_.what.crash_first -= verb == "CRASH" ? 0 : 1;
      crash_();
      return kj::NEVER_DONE;
    }
    auto result = context.getResults().initResult();
    if (owner_.what.lose_leader > 0)
      lose_leader(result.initError());
    else if (verb == "SHOW")
      show(result.initRows());
    else if (verb == "LOAD" && owner_.what.busy_loads > 0)
      refuse_label(result.initError());
    else if (verb == "LOAD" && owner_.what.loaded_before)
      result.initDone().setMessage("label 'monday' is already loaded: nothing to do");
    else if (verb == "ROWS")
      fill_rows(result.initRows(), static_cast<std::uint32_t>(std::stoul(tokens.at(1).text)));
    else if (verb == "LOAD" || verb == "EXPORT")
      offer(result, verb == "LOAD", path_of(tokens));
    else if (verb == "DONE" || verb == "WHO" || verb == "USE" || verb == "CREATE")
      result.initDone().setMessage(verb == "WHO" ? owner_.what.name.c_str() : "database shop created");
    else
      fail(result.initError(), verb);
    return kj::READY_NOW;
  }
  kj::Promise<void> cancel(CancelContext) override { return kj::READY_NOW; }

private:
  void offer(api::Result::Builder result, bool load, const std::string& path) {
    const auto& offered = owner_.what.other_path.empty() ? path : owner_.what.other_path;
    if (load) {
      auto up = result.initUpload();
      up.setPath(offered);
      up.setUpload(kj::heap<upload>(owner_, crash_));
      return;
    }
    auto down = result.initDownload();
    const auto lines = lines_of(chunk_bytes);
    const auto rows = std::count(lines.begin(), lines.end(), '\n')
                      * static_cast<std::int64_t>(owner_.what.export_chunks);
    down.setPath(offered);
    down.setRows(static_cast<std::uint64_t>(rows + owner_.what.rows_off));
    down.setBytes(owner_.what.export_chunks * chunk_bytes);
    down.setDownload(kj::heap<download>(owner_));
  }
  void show(api::RowSet::Builder rows) {
    auto columns = rows.initColumns(2);
    columns[0].setName("Server");
    columns[1].setName("Database");
    auto values = rows.initRows(1)[0].initValues(2);
    values[0].setText(owner_.what.name.c_str());
    values[1].setText(database_.c_str());
  }
  void lose_leader(api::Error::Builder error) {
    --owner_.what.lose_leader;
    error.setCode(api::ErrorCode::UNAVAILABLE);
    error.setMessage("the leader was lost");
    error.setOutcomeUnknown(true);
  }
  void refuse_label(api::Error::Builder error) {
    --owner_.what.busy_loads;
    error.setCode(api::ErrorCode::CONFLICT);
    error.setMessage("a load with this label is under way");
  }
  void fail(api::Error::Builder error, const std::string& verb) {
    if (verb == "SLOW") {
      error.setCode(api::ErrorCode::TIMEOUT);
      error.setMessage("the statement took longer than 5 s");
    } else if (verb == "MOVED") {
      error.setCode(api::ErrorCode::NOT_LEADER);
      error.setMessage("another front end leads");
      error.setLeader(owner_.what.leader);
    } else {
      error.setCode(api::ErrorCode::SYNTAX);
      error.setMessage("found " + verb);
      auto position = error.initPosition();
      position.setLine(1);
      position.setColumn(1);
      position.setLength(static_cast<std::uint32_t>(verb.size()));
      auto expected = error.initExpected(2);
      expected.set(0, "SHOW");
      expected.set(1, "HELP");
    }
  }

  server& owner_;
  std::string database_;
  std::string text_;
  std::function<void()> crash_;
  bool answered_ = false;
};

class session final : public api::Session::Server {
public:
  session(server& owner, std::string database, std::function<void()> crash)
    : owner_(owner), database_(std::move(database)), crash_(std::move(crash)) {}
  kj::Promise<void> execute(ExecuteContext context) override {
    owner_.executed.add(1);
    const auto id = context.getParams().getRequestId();
    owner_.remember_request_id({id.asChars().begin(), id.size()});
    context.getResults().setExecution(kj::heap<execution>(
      owner_, database_, context.getParams().getText().cStr(), crash_));
    return kj::READY_NOW;
  }
  kj::Promise<void> complete(CompleteContext context) override {
    const std::string text = context.getParams().getText().cStr();
    const auto word = text.rfind(' ') == std::string::npos ? 0 : text.rfind(' ') + 1;
    context.getResults().setReplaceFrom(static_cast<std::uint32_t>(word));
    const std::string begun = text.substr(word);
    std::vector<std::string> fit;
    for (const auto* known : {"BACKENDS", "BUCKETS", "TABLETS"})
      if (std::string_view{known}.starts_with(begun))
        fit.emplace_back(known);
    auto list = context.getResults().initCandidates(static_cast<capnp::uint>(fit.size()));
    for (std::uint32_t i = 0; i < fit.size(); ++i)
      list[i].setText(fit[i]);
    return kj::READY_NOW;
  }

private:
  server& owner_;
  std::string database_;
  std::function<void()> crash_;
};

class admin final : public api::Admin::Server {
public:
  admin(server& owner, std::function<void()> crash) : owner_(owner), crash_(std::move(crash)) {}
  kj::Promise<void> open(OpenContext context) override {
    if (owner_.what.refuse_open > 0) {
      --owner_.what.refuse_open;
      return KJ_EXCEPTION(FAILED, "no leader yet");
    }
    context.getResults().setSession(
      kj::heap<session>(owner_, context.getParams().getOptions().getDatabase().cStr(), crash_));
    return kj::READY_NOW;
  }
  kj::Promise<void> health(HealthContext context) override {
    auto health = context.getResults().initHealth();
    health.setState(owner_.what.health);
    health.setTablets(16);
    health.setBackends(3);
    health.setBackendsAlive(owner_.what.health == api::HealthState::GREEN ? 3 : 2);
    if (owner_.what.health != api::HealthState::GREEN)
      health.initReasons(1).set(0, "backend 10002 is dead");
    return kj::READY_NOW;
  }

private:
  server& owner_;
  std::function<void()> crash_;
};

class gateway final : public api::Gateway::Server {
public:
  gateway(server& owner, std::function<void()> crash) : owner_(owner), crash_(std::move(crash)) {}
  kj::Promise<void> info(InfoContext context) override {
    auto info = context.getResults().initInfo();
    info.setApiVersion(1);
    info.setVersion("9.9.9");
    info.setClusterName("play");
    info.setLeader(owner_.what.leader);
    auto consoles = info.initConsoles(static_cast<capnp::uint>(owner_.what.consoles.size()));
    for (std::uint32_t i = 0; i < consoles.size(); ++i)
      consoles.set(i, owner_.what.consoles[i]);
    return kj::READY_NOW;
  }
  kj::Promise<void> login(LoginContext context) override {
    auto outcome = context.getResults().initOutcome();
    if (owner_.what.refuse_login) {
      outcome.initError().setCode(api::ErrorCode::UNAUTHENTICATED);
      outcome.getError().setMessage("this connection does not prove who you are");
      return kj::READY_NOW;
    }
    auto grant = outcome.initGranted();
    grant.setUser("tester");
    api::Admin::Client all = kj::heap<admin>(owner_, crash_);
    grant.setViewer(all);
    grant.setOperator(all);
    grant.setAdmin(all);
    return kj::READY_NOW;
  }

private:
  server& owner_;
  std::function<void()> crash_;
};

/// Serves one connection; keeping the promise keeps the connection.
struct peer {
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyVatNetwork network;
  capnp::RpcSystem<capnp::rpc::twoparty::VatId> rpc;
  peer(kj::Own<kj::AsyncIoStream> s, server& owner)
    : stream(kj::mv(s)),
      network(*stream, capnp::rpc::twoparty::Side::SERVER),
      rpc(capnp::makeRpcServer(network, kj::heap<gateway>(owner, [this] {
                                 stream->abortRead();
                                 stream->shutdownWrite();
                               }))) {}
};

kj::Promise<void> serve(kj::ConnectionReceiver& listener, server& owner, kj::TaskSet& tasks) {
  return listener.accept().then([&listener, &owner, &tasks](kj::Own<kj::AsyncIoStream>&& stream) {
    owner.connections.add(1);
    auto one = kj::heap<peer>(kj::mv(stream), owner);
    auto gone = one->network.onDisconnect();
    tasks.add(gone.attach(kj::mv(one)));
    return serve(listener, owner, tasks);
  });
}

struct ignore_errors final : kj::TaskSet::ErrorHandler {
  void taskFailed(kj::Exception&&) override {}
};

} // namespace

std::string lines_of(std::size_t bytes) {
  std::string lines;
  lines.reserve(bytes);
  for (std::size_t i = 0; lines.size() + 64 <= bytes; ++i)
    lines += fmt::format("{:031}\n", i);
  lines += std::string(bytes - lines.size() - 1, '.') + "\n";
  return lines;
}

server::server(script given) : what(std::move(given)) {
  wake_fd_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  std::promise<void> listening;
  thread_ = std::thread([this, &listening] {
    // Signals belong to the test's own thread.
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGUSR1); // KJ wakes its loops with it.
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    auto io = kj::setupAsyncIo();
    auto listener
      = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
    port_ = static_cast<std::uint16_t>(listener->getPort());
    ignore_errors ignore;
    kj::TaskSet tasks{ignore};
    tasks.add(serve(*listener, *this, tasks));
    kj::UnixEventPort::FdObserver stop{io.unixEventPort, wake_fd_,
                                       kj::UnixEventPort::FdObserver::OBSERVE_READ};
    listening.set_value();
    stop.whenBecomesReadable().wait(io.waitScope);
  });
  listening.get_future().wait();
}

server::~server() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
  thread_.join();
  ::close(wake_fd_);
}

std::string server::address() const { return fmt::format("127.0.0.1:{}", port_.load()); }

std::string server::last_request_id() {
  const std::lock_guard lock{mutex_};
  return request_ids_.empty() ? "" : request_ids_.back();
}
std::vector<std::string> server::request_ids() {
  const std::lock_guard lock{mutex_};
  return request_ids_;
}
void server::remember_request_id(std::string id) {
  const std::lock_guard lock{mutex_};
  request_ids_.push_back(std::move(id));
}
std::string server::uploaded_text() {
  const std::lock_guard lock{mutex_};
  return text_;
}
void server::append_uploaded(std::string_view text) {
  const std::lock_guard lock{mutex_};
  text_ += text.substr(0, (64U << 10) - std::min<std::size_t>(text_.size(), 64U << 10));
}

} // namespace tabletd::fake
