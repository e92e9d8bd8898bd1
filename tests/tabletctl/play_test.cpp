// What play is made of: digests, conditions, configuration, processes.
#include "node/config.h"
#include "node/play/free_ports.h"
#include "node/play/line_digest.h"
#include "node/play/node_process.h"
#include "node/play/placement_check.h"
#include <capnp/message.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <toml++/toml.h>
#include <unistd.h>
#include <algorithm>
#include <fstream>
#include <random>

namespace tabletd::play {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

struct Play : ::testing::Test {
  fs::path dir = fs::temp_directory_path() / fmt::format("tabletd-play-test-{}", ::getpid());
  void SetUp() override { fs::create_directories(dir); }
  void TearDown() override { fs::remove_all(dir); }
  fs::path write(const std::string& name, const std::string& text) const {
    fs::create_directories((dir / name).parent_path());
    std::ofstream(dir / name, std::ios::binary) << text;
    return dir / name;
  }
};

// -- digests -----------------------------------------------------------------------------

std::string output_of(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe{::popen(command.c_str(), "r"), &::pclose};
  std::string out(64, '\0');
  out.resize(std::fread(out.data(), 1, out.size(), pipe.get()));
  return out;
}

TEST_F(Play, TheDigestIsThatOfSortAndSha256sum) {
  std::string text = "b\nA\n\xff\n\nab\nb\na\0b\n";
  text += std::string("a\0c\n", 4);
  for (const auto& sample : {text, std::string{}, std::string{"\n"}, std::string{"no newline"}}) {
    const auto file = write("lines", sample);
    EXPECT_EQ(digest_of_file(file).sha256,
              output_of(fmt::format("LC_ALL=C sort {} | sha256sum", file.string())))
      << sample;
  }
}

TEST_F(Play, TheDigestForgetsOrderAndNothingElse) {
  std::vector<std::string> lines;
  for (int i = 0; i < 1000; ++i)
    lines.push_back(fmt::format("{};line\n", i % 900));
  const auto joined = [&] { return fmt::format("{}", fmt::join(lines, "")); };
  const auto first = digest_of_lines(joined());
  EXPECT_EQ(first.lines, 1000U);
  std::shuffle(lines.begin(), lines.end(), std::minstd_rand{7});
  EXPECT_EQ(digest_of_lines(joined()), first);
  lines.pop_back();
  EXPECT_NE(digest_of_lines(joined()), first);
  lines.push_back(lines.front()); // As many lines, one of them twice.
  EXPECT_NE(digest_of_lines(joined()), first);
  EXPECT_EQ(digest_of_lines("a\nb"), digest_of_lines("b\na\n"));
}

TEST_F(Play, TheDigestRefusesWhatItCannotHold) {
  const auto big = write("big", "");
  fs::resize_file(big, digest_bytes_max + 1);
  EXPECT_THROW(digest_of_file(big), std::runtime_error);
  EXPECT_THROW(digest_of_file(dir / "absent"), std::runtime_error);
}

// -- conditions --------------------------------------------------------------------------

TEST_F(Play, PlacementFaultsAreNamed) {
  const auto at = [](std::uint64_t tablet, std::uint64_t replica, std::uint64_t backend,
                     std::int64_t version = 2) {
    return replica_row{tablet, replica, backend, version, -1, "NORMAL"};
  };
  const std::vector<replica_row> good{at(1, 11, 101), at(1, 12, 102), at(2, 21, 102),
                                      at(2, 22, 103)};
  const wanted_placement wanted{2, 2, 2, {}};
  const auto with = [&](auto change) {
    auto rows = good;
    change(rows);
    return placement_fault(rows, wanted);
  };
  EXPECT_EQ(placement_fault(good, wanted), "");
  EXPECT_EQ(placement_fault({}, wanted), "0 tablets have replicas, 2 should");
  EXPECT_EQ(placement_fault(good, {2, 2, 2, {103}}), "tablet 2 still has a replica on backend 103");
  EXPECT_EQ(with([&](auto& rows) { rows.pop_back(); }), "tablet 2 has 1 replicas, not 2");
  EXPECT_EQ(with([&](auto& rows) { rows.push_back(at(1, 13, 103)); }),
            "tablet 1 has 3 replicas, not 2");
  EXPECT_EQ(with([&](auto& rows) { rows[1].backend = 101; }),
            "tablet 1 has two replicas on one backend");
  EXPECT_EQ(with([&](auto& rows) { rows[3].version = 1; }),
            "replica 22 of tablet 2 on backend 103 is at version 1, not 2");
  EXPECT_EQ(with([&](auto& rows) { rows[3].last_failed = 3; }),
            "replica 22 of tablet 2 on backend 103 is at version 2, not 2");
}

TEST_F(Play, ReadsRowsOfTheConsole) {
  capnp::MallocMessageBuilder message;
  auto rows = message.initRoot<api::RowSet>();
  auto columns = rows.initColumns(5);
  const char* names[] = {"BackendId", "BePort", "Alive", "TabletNum", "UnhealthyTabletNum"};
  for (std::uint32_t c = 0; c < 5; ++c)
    columns[c].setName(names[c]);
  auto list = rows.initRows(2);
  for (std::uint32_t r = 0; r < 2; ++r) {
    auto values = list[r].initValues(5);
    values[0].setUint64(10001 + r);
    values[1].setUint64(9060 + r);
    values[2].setBool(r == 0);
    values[3].setUint64(12);
    values[4].setUint64(r * 3);
  }
  const auto backends = read_backends(ctl::row_reader{rows.asReader()});
  ASSERT_EQ(backends.size(), 2U);
  EXPECT_EQ(backends[1].id, 10002U);
  EXPECT_EQ(backends[1].port, 9061);
  EXPECT_FALSE(backends[1].alive);
  EXPECT_TRUE(backends[0].alive);
  EXPECT_EQ(unhealthy_tablets(ctl::row_reader{rows.asReader()}), 3U) << "the last row is the total";
  rows.initRows(0);
  EXPECT_EQ(unhealthy_tablets(ctl::row_reader{rows.asReader()}), std::nullopt);
}

TEST_F(Play, FindsSegmentsByTablet) {
  write("disk1/tablets/0/10005/1.seg", "x");
  write("disk1/tablets/0/10005/2.seg.tmp.1", "x");
  write("disk1/tablets/1/10006/7.seg", "x");
  write("disk2/tablets/1/10007/8.seg", "x");
  EXPECT_EQ(segments_on(dir / "disk1", 10005),
            (std::vector<fs::path>{dir / "disk1/tablets/0/10005/1.seg"}));
  EXPECT_EQ(tablets_on({dir / "disk1", dir / "disk2", dir / "absent"}),
            (std::set<std::uint64_t>{10005, 10006, 10007}));
}

TEST_F(Play, DamagesOneByteAndSeesItMended) {
  const std::string text = "0123456789";
  const auto file = write("a.seg", text);
  const auto byte = damage(file);
  EXPECT_EQ(byte.offset, 5U);
  EXPECT_TRUE(still_damaged(byte));
  std::string now(10, '\0');
  std::ifstream(file, std::ios::binary).read(now.data(), 10);
  EXPECT_EQ(std::inner_product(text.begin(), text.end(), now.begin(), 0, std::plus<>{},
                               std::not_equal_to<>{}),
            1);
  write("a.seg", text);
  EXPECT_FALSE(still_damaged(byte));
  fs::remove(file);
  EXPECT_FALSE(still_damaged(byte));
  EXPECT_THROW(damage(file), std::runtime_error);
}

// -- configuration -----------------------------------------------------------------------

TEST_F(Play, NodesUnderstandTheirConfiguration) {
  node_place place;
  place.role = node_role::fe;
  place.name = "fe1";
  place.home = dir / "with \"quotes\"" / "fe1";
  place.rpc_listen = "127.0.0.1:9123";
  const auto front = parse_fe_config(node_config(place), "fe.toml");
  EXPECT_EQ(front.name, "fe1");
  EXPECT_EQ(front.rpc_listen, "127.0.0.1:9123");
  EXPECT_EQ(front.http_listen, "127.0.0.1:0");
  EXPECT_EQ(front.data_dir, place.data_dir());
  EXPECT_EQ(front.repair_delay_factor_ms, 0U);
  EXPECT_EQ(front.be_down_tolerate_ms, 0U);
  EXPECT_EQ(front.heartbeat_interval_ms, 200U);
  EXPECT_EQ(place.config_file().filename(), "fe.toml");
  place.role = node_role::be;
  place.disks = 2;
  const auto back = parse_be_config(node_config(place), "be.toml");
  EXPECT_EQ(back.paths, (std::vector<std::string>{place.home / "disk1", place.home / "disk2"}));
  EXPECT_GT(back.quota_mib, front.min_left_mib * 2) << "or nothing could be placed";
  EXPECT_EQ(place.config_file().filename(), "be.toml");
}

TEST_F(Play, AGroupOfFrontEndsIsTheSameOnAll) {
  node_place place;
  place.name = "fe2";
  place.home = dir / "fe2";
  place.id = 2;
  place.edit_log_listen = "127.0.0.1:9011";
  place.frontends = {"1@127.0.0.1:9010", "2@127.0.0.1:9011", "3@127.0.0.1:9012"};
  const auto config = parse_fe_config(node_config(place), "fe.toml");
  EXPECT_EQ(config.id, 2U);
  EXPECT_EQ(config.edit_log_listen, "127.0.0.1:9011");
  EXPECT_EQ(config.frontends, place.frontends);
  place.frontends.clear();
  EXPECT_TRUE(parse_fe_config(node_config(place), "fe.toml").frontends.empty()) << "one alone is no group";
}

TEST_F(Play, PortsAreFreeAndDifferent) {
  const auto ports = free_ports(20);
  EXPECT_EQ(std::set<std::uint16_t>(ports.begin(), ports.end()).size(), 20U);
  for (const auto port : ports) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(port);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at), 0) << port;
    ::close(fd);
  }
}

TEST_F(Play, AFrontEndIsBackWhenItIsAliveAndHasReplayed) {
  const std::vector<frontend_row> rows{{"fe1", 9020, false, true, 70}, {"fe2", 9021, true, true, 90}, {"fe3", 9022, false, false, 90}};
  EXPECT_EQ(catch_up_fault(rows, 9020, 70), "");
  EXPECT_EQ(catch_up_fault(rows, 9020, 71), "fe1 has replayed 70 of 71 entries");
  EXPECT_EQ(catch_up_fault(rows, 9022, 1), "fe3 is not alive");
  EXPECT_EQ(catch_up_fault(rows, 9023, 1), "SHOW FRONTENDS lists none with the port 9023");
}

TEST_F(Play, EndpointsAreReadOrRefused) {
  const auto good
    = parse_endpoints("rpc = \"127.0.0.1:9020\"\nhttp = \"127.0.0.1:8030\"\npid = 77\n");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->rpc, "127.0.0.1:9020");
  EXPECT_EQ(good->pid, 77);
  EXPECT_EQ(port_of(good->http), 8030);
  for (const auto* wrong :
       {"", "rpc = ", "rpc = 5", "rpc = \"127.0.0.1\"", "http = \"127.0.0.1:1\""})
    EXPECT_FALSE(parse_endpoints(wrong)) << wrong;
}

// -- processes ---------------------------------------------------------------------------

struct Process : Play {
  node_place place() const {
    node_place at;
    at.role = node_role::be;
    at.name = "be1";
    at.home = dir / "be1";
    at.disks = 2;
    return at;
  }
  std::string failure_of(node_process& node, std::chrono::milliseconds limit) {
    try {
      node.start(FAKE_NODE);
      node.wait_ready(limit);
    } catch (const play_failure& why) {
      return why.what();
    }
    return "";
  }
};

TEST_F(Process, StartsIsKilledAndStartsAgainAtTheSamePort) {
  node_process node{place(), false};
  EXPECT_EQ(node.state(), process_state::stopped);
  node.start(FAKE_NODE);
  node.wait_ready(10s);
  EXPECT_EQ(node.state(), process_state::running);
  EXPECT_EQ(node.where().pid, node.pid());
  EXPECT_TRUE(fs::is_directory(dir / "be1/disk2"));
  EXPECT_THROW(node.start(FAKE_NODE), play_failure) << "it runs";
  const auto first = node.where().rpc;
  node.kill();
  EXPECT_EQ(node.state(), process_state::dead);
  EXPECT_THROW(node.kill(), play_failure);
  node.start(FAKE_NODE);
  std::ifstream config(dir / "be1/be.toml");
  const std::string text{std::istreambuf_iterator<char>(config), {}};
  EXPECT_NE(text.find(first), std::string::npos) << text;
  node.wait_ready(10s);
  node.stop(10s);
  EXPECT_EQ(node.state(), process_state::stopped);
}

TEST_F(Process, SaysHowAChildDiedWithTheEndOfItsLog) {
  write("be1/behave", "die");
  node_process node{place(), false};
  const auto why = failure_of(node, 10s);
  EXPECT_NE(why.find("be1 ended while it started (exit code 7)"), std::string::npos) << why;
  EXPECT_NE(why.find("says die"), std::string::npos) << why;
  EXPECT_EQ(node.state(), process_state::dead);
}

TEST_F(Process, KeepsNoDescriptorOfAStartThatFailed) {
  node_process node{place(), false};
  fs::create_directories(place().log_file()); // Where the file should be.
  const auto descriptors = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator{});
  };
  const auto before = descriptors();
  EXPECT_NE(failure_of(node, 10s).find("could not be opened"), std::string::npos);
  EXPECT_EQ(descriptors(), before);
}

TEST_F(Process, DoesNotWaitForEverForASilentOne) {
  write("be1/behave", "silent");
  node_process node{place(), false};
  EXPECT_NE(failure_of(node, 100ms).find("was not ready"), std::string::npos);
}

TEST_F(Process, SaysSoIfTheBinaryCannotBeExecuted) {
  node_process node{place(), false};
  node.start("/no/such/binary");
  EXPECT_THROW(node.wait_ready(10s), play_failure);
}

TEST_F(Process, AStaleEndpointsFileIsNotBelieved) {
  write("be1/data/endpoints", "rpc = \"127.0.0.1:1\"\n");
  write("be1/behave", "silent");
  node_process node{place(), false};
  EXPECT_NE(failure_of(node, 100ms).find("was not ready"), std::string::npos);
  EXPECT_FALSE(fs::exists(dir / "be1/data/endpoints"));
}

TEST_F(Process, PausesResumesAndStopsTheStubborn) {
  write("be1/behave", "stubborn");
  node_process node{place(), false};
  node.start(FAKE_NODE);
  node.wait_ready(10s);
  EXPECT_THROW(node.resume(), play_failure);
  node.pause();
  EXPECT_EQ(node.state(), process_state::paused);
  node.resume();
  EXPECT_EQ(node.state(), process_state::running);
  node.pause();
  node.stop(50ms);
  EXPECT_EQ(node.state(), process_state::stopped);
  EXPECT_EQ(node.pid(), -1);
}

// Also those that are paused.
TEST_F(Process, NodesDieWithPlay) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const auto parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    node_process node{place(), false};
    node.start(FAKE_NODE);
    node.wait_ready(10s);
    node.pause();
    const auto pid = node.pid();
    [[maybe_unused]] const auto sent = ::write(ends[1], &pid, sizeof pid);
    ::pause(); // Until it is killed: no destructor runs.
    ::_exit(0);
  }
  pid_t child = 0;
  ASSERT_EQ(::read(ends[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  const int watch = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  ASSERT_GE(watch, 0);
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  pollfd one{watch, POLLIN, 0};
  EXPECT_EQ(::poll(&one, 1, 20'000), 1) << "the node outlived play";
  ::close(watch);
  ::close(ends[0]);
  ::close(ends[1]);
}

} // namespace
} // namespace tabletd::play
