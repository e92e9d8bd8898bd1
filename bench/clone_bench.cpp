// How fast one tablet is cloned between two backends over loopback, against the plainest
// program that moves the same bytes: read, send, recv, write, one fsync at the end.  The
// clone checks every block three times and survives a cut; the peer does neither.
//   clone_bench [MiB]        default 512; files go to $TMPDIR
#include "actors/codec/agent_codec.h"
#include "actors/scheduling.h"
#include "node/be/be_node.h"
#include "node/log.h"
#include "persistence/rowset_file.h"
#include <arpa/inet.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <capnp/orphan.h>
#include <capnp/rpc-twoparty.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <random>
#include <system_error>
#include <thread>

namespace tabletd {
namespace {

constexpr model::cluster_uuid cluster{1};
constexpr std::uint64_t tablet = 1;
constexpr std::uint64_t source_replica = 10;
constexpr std::size_t chunk_bytes = 1U << 20;
constexpr int rounds = 5;

struct bench_config : caf::actor_system_config {
  bench_config() { set_scheduling(*this); }
};

void check(bool good, const char* what) {
  if (!good)
    throw std::system_error(errno, std::generic_category(), what);
}

/// A backend in its own loop.
struct bench_backend {
  bench_backend(caf::actor_system& sys, const std::filesystem::path& root) {
    std::filesystem::create_directories(root);
    kj_place place;
    place.loop = loop = kj_loop::start([&place](kj::AsyncIoContext& io, kj_loop&) -> std::shared_ptr<void> {
      place.network = &io.provider->getNetwork();
      place.timer = &io.provider->getTimer();
      return nullptr;
    });
    be_options options;
    options.paths.push_back({root, false, {}});
    options.binding = model::backend_binding{cluster, model::backend_id{1}};
    node = be_node::start(std::move(options), sys, place);
  }
  ~bench_backend() {
    node->stop();
    loop->stop();
  }
  kj_loop_ptr loop;
  std::unique_ptr<be_node> node;
};

class bench_leader {
public:
  bench_leader(kj::AsyncIoContext& io, std::uint16_t port) : io_(io) {
    auto address = io.provider->getNetwork().parseAddress("127.0.0.1", port).wait(io.waitScope);
    stream_ = address->connect().wait(io.waitScope);
    client_ = kj::heap<capnp::TwoPartyClient>(*stream_);
    auto request = client_->bootstrap().castAs<wire::BackendGateway>().attachRequest();
    auto hello = request.initHello();
    hello.setClusterId(kj::arrayPtr(cluster.data(), cluster.size()));
    hello.setBackend(1);
    hello.setTerm(1);
    request.setSink(kj::heap<sink>(*this));
    service_ = request.send().wait(io.waitScope).getOutcome().getAccepted().getService();
  }

  void carry_out(const model::agent_task& task) {
    auto paf = kj::newPromiseAndFulfiller<void>();
    ended_ = kj::mv(paf.fulfiller);
    auto request = service_.submitRequest();
    request.setTerm(1);
    codec::encode(task, request.initTasks(1)[0]);
    request.send().ignoreResult().wait(io_.waitScope);
    paf.promise.wait(io_.waitScope);
  }

  /// One version of `bytes` random rows in blocks of 1 MiB.
  void load(std::uint64_t bytes) {
    auto open = service_.openLoadRequest();
    open.setTerm(1);
    open.setTxn(100);
    open.initTablets(1)[0].setTablet(tablet);
    open.getTablets()[0].setReplica(source_replica);
    auto writer = open.send().wait(io_.waitScope).getWriter();
    auto words = kj::heapArray<capnp::word>(chunk_bytes / sizeof(capnp::word));
    auto block = words.asBytes();
    std::mt19937_64 random{7};
    std::uint64_t rows = 0;
    for (std::uint64_t written = 0; written < bytes; written += block.size()) {
      for (std::size_t at = 0; at < block.size(); at += 8) {
        const auto number = (random() & 0x3f3f3f3f3f3f3f3fULL) | 0x4040404040404040ULL;
        std::memcpy(block.begin() + at, &number, 8);
      }
      for (std::size_t at = 127; at < block.size(); at += 128)
        block[at] = '\n';
      auto request = writer.writeRequest();
      request.setTablet(tablet);
      request.setRows(static_cast<std::uint32_t>(block.size() / 128));
      request.setChecksum(checksum_of({reinterpret_cast<const std::byte*>(block.begin()), block.size()}));
      request.setBlock(block);
      request.send().ignoreResult().wait(io_.waitScope);
      rows += block.size() / 128;
    }
    auto prepare = writer.prepareRequest();
    auto expected = prepare.initTablets(1)[0];
    expected.setTablet(tablet);
    expected.setRows(rows);
    expected.setBytes(bytes);
    prepare.send().ignoreResult().wait(io_.waitScope);
    auto publish = service_.publishRequest();
    publish.setTerm(1);
    auto verdict = publish.initTxns(1)[0];
    verdict.setTxn(100);
    verdict.setVersion(2);
    verdict.initTablets(1).set(0, tablet);
    publish.send().ignoreResult().wait(io_.waitScope);
  }

private:
  struct sink final : wire::ReportSink::Server {
    explicit sink(bench_leader& l) : owner(l) {}
    kj::Promise<void> tablets(TabletsContext) override { return kj::READY_NOW; }
    kj::Promise<void> tasks(TasksContext context) override {
      for (const auto ended : context.getParams().getEnded())
        if (ended.isFailed())
          throw std::runtime_error(ended.getFailed().getMessage().cStr());
      owner.ended_->fulfill();
      return kj::READY_NOW;
    }
    bench_leader& owner;
  };
  kj::AsyncIoContext& io_;
  kj::Own<kj::AsyncIoStream> stream_;
  kj::Own<capnp::TwoPartyClient> client_;
  wire::BackendService::Client service_ = nullptr;
  kj::Own<kj::PromiseFulfiller<void>> ended_;
};

// -- the peer ----------------------------------------------------------------------------

void send_file(const std::filesystem::path& from, std::uint16_t port) {
  const int file = ::open(from.c_str(), O_RDONLY | O_CLOEXEC);
  check(file >= 0, "open source");
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  check(::connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0, "connect");
  std::vector<char> buffer(chunk_bytes);
  for (;;) {
    const auto got = ::read(file, buffer.data(), buffer.size());
    check(got >= 0, "read");
    if (got == 0)
      break;
    for (ssize_t sent = 0; sent < got;) {
      const auto n = ::send(socket, buffer.data() + sent, static_cast<std::size_t>(got - sent), MSG_NOSIGNAL);
      check(n > 0, "send");
      sent += n;
    }
  }
  ::close(socket);
  ::close(file);
}

void plain_copy(const std::filesystem::path& from, const std::filesystem::path& into) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  check(::bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0, "bind");
  check(::listen(listener, 1) == 0, "listen");
  check(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &length) == 0, "getsockname");
  std::thread sender([&] { send_file(from, ntohs(at.sin_port)); });
  const int socket = ::accept(listener, nullptr, nullptr);
  check(socket >= 0, "accept");
  const int file = ::open(into.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  check(file >= 0, "open target");
  std::vector<char> buffer(chunk_bytes);
  for (;;) {
    const auto got = ::recv(socket, buffer.data(), buffer.size(), 0);
    check(got >= 0, "recv");
    if (got == 0)
      break;
    check(::write(file, buffer.data(), static_cast<std::size_t>(got)) == got, "write");
  }
  check(::fsync(file) == 0, "fsync");
  ::close(file);
  ::close(socket);
  ::close(listener);
  sender.join();
}

// -- the comparison ----------------------------------------------------------------------

template <class Work>
double seconds_of(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

std::filesystem::path only_segment(const std::filesystem::path& root) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "tablets"))
    if (entry.is_regular_file())
      return entry.path();
  throw std::runtime_error("the source has no segment file");
}

void compare(const std::filesystem::path& dir, std::uint64_t bytes) {
  bench_config config;
  caf::actor_system sys{config};
  auto io = kj::setupAsyncIo();
  bench_backend source{sys, dir / "source"};
  bench_backend target{sys, dir / "target"};
  bench_leader at_source{io, source.node->port()};
  bench_leader at_target{io, target.node->port()};
  const model::path_hash source_path{source.node->paths()[0].hash};
  const model::path_hash target_path{target.node->paths()[0].hash};
  const auto id = [](std::uint64_t n) { return model::tablet_id{n}; };
  const model::replica_id from{source_replica};
  at_source.carry_out({model::log_index{1}, model::create_order{id(tablet), from, source_path}});
  at_source.load(bytes);
  const auto segment = only_segment(dir / "source");

  std::vector<double> ours;
  std::vector<double> peer;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const model::replica_id copy{20 + round};
    ::sync(); // What the last one left behind is nobody's load.
    ours.push_back(seconds_of([&] {
      at_target.carry_out({model::log_index{100 + round},
                           model::clone_order{model::log_index{100 + round}, id(tablet), copy, target_path, 2,
                                              "127.0.0.1", source.node->port(), from}});
    }));
    at_target.carry_out({model::log_index{200 + round}, model::drop_order{id(tablet), copy}});
    ::sync();
    peer.push_back(seconds_of([&] { plain_copy(segment, dir / "plain"); }));
    std::filesystem::remove(dir / "plain");
  }
  const auto rate = [bytes](const std::vector<double>& seconds) {
    return static_cast<double>(bytes) / 1e6 / median(seconds);
  };
  fmt::print("{{\"bench\":\"clone\",\"case\":\"{} MiB tablet over loopback\",\"ours\":{:.1f},\"peer\":{:.1f},"
             "\"peer_name\":\"read+send+recv+write+fsync\",\"unit\":\"MB/s\",\"ratio\":{:.2f}}}\n",
             bytes >> 20, rate(ours), rate(peer), rate(ours) / rate(peer));
}

} // namespace
} // namespace tabletd

int main(int argc, char** argv) {
  tabletd::set_log_level(tabletd::log_level::error);
  const auto mib = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 512;
  auto pattern = (std::filesystem::temp_directory_path() / "tabletd-clone-bench-XXXXXX").string();
  if (mib == 0 || !::mkdtemp(pattern.data())) {
    std::cerr << "clone_bench: no temporary directory, or a size of 0; usage: clone_bench [MiB]\n";
    return 2;
  }
  int code = 0;
  try {
    tabletd::compare(pattern, mib << 20);
  } catch (const std::exception& why) {
    std::cerr << "clone_bench: " << why.what() << '\n';
    code = 1;
  }
  std::filesystem::remove_all(pattern);
  return code;
}
