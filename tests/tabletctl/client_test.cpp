// The client against a front end on loopback: redirects, limits, losses, trust.
#include "node/tabletctl/client.h"
#include "tests/tabletctl/fake_server.h"
#include <fmt/format.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>

namespace tabletd::ctl {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

client_options to(const std::string& addresses) {
  client_options options;
  options.addresses = parse_addresses(addresses).addresses;
  options.connect_limit = 3s;
  return options;
}

std::string scratch_path(const std::string& name) {
  return (fs::temp_directory_path() / fmt::format("tabletctl-client-{}-{}", ::getpid(), name))
    .string();
}

/// A port of loopback where nobody listens.
std::string dead_address() {
  std::string address;
  {
    fake::server gone{{}};
    address = gone.address();
  }
  return address;
}

trouble trouble_of(client& from, const std::string& statement) {
  try {
    from.execute(statement);
  } catch (const client_failure& why) {
    return why.why();
  }
  ADD_FAILURE() << statement << " gave an answer";
  return {};
}

std::uint64_t memory_peak_kib() {
  std::ifstream status{"/proc/self/status"};
  std::string word;
  std::uint64_t kib = 0;
  while (status >> word)
    if (word == "VmHWM:")
      status >> kib;
  return kib;
}

struct Client : ::testing::Test {
  static void SetUpTestSuite() { capture_interrupts(); }
};

TEST_F(Client, ReadsTypedRows) {
  fake::server server{{}};
  client one{to(server.address())};
  EXPECT_EQ(one.connect().cluster, "play");
  EXPECT_EQ(one.connect().user, "tester");
  const auto got = one.execute("ROWS 3");
  ASSERT_EQ(got.what, answer::kind::rows);
  const row_reader rows{got.rows()};
  EXPECT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows.number(2, "Id"), 3);
  EXPECT_EQ(rows.text(1, "Name"), "name 2");
  EXPECT_EQ(rows.number(1, "Name"), std::nullopt);
  EXPECT_EQ(rows.text(0, "Absent"), "");
  EXPECT_FALSE(rows.has("Absent"));
  EXPECT_EQ(server.connections.value(), 1U);
}

TEST_F(Client, ErrorsAreDataAndTheConnectionStays) {
  fake::server server{{}};
  client one{to(server.address())};
  const auto got = one.execute("FOO BAR");
  EXPECT_EQ(got.error.code, api::ErrorCode::SYNTAX);
  EXPECT_EQ(got.error.length, 3U);
  EXPECT_EQ(got.error.expected, (std::vector<std::string>{"SHOW", "HELP"}));
  EXPECT_TRUE(one.execute("DONE").ok());
  EXPECT_EQ(server.connections.value(), 1U);
}

TEST_F(Client, TriesAddressesInOrder) {
  fake::server server{{}};
  client one{to(dead_address() + "," + server.address())};
  EXPECT_EQ(one.connect().address, server.address());
}

TEST_F(Client, SaysWhyItCannotConnect) {
  const auto dead = dead_address();
  client one{to(dead)};
  try {
    one.connect();
    FAIL() << "somebody listens";
  } catch (const client_failure& why) {
    EXPECT_EQ(why.why(), trouble::cannot_connect);
    const std::string text = why.what();
    EXPECT_NE(text.find(dead + ": Connection refused"), std::string::npos) << text;
    EXPECT_NE(text.find("TABLETCTL_ADDRESS"), std::string::npos) << text;
  }
}

TEST_F(Client, ARefusedLoginIsNotTriedElsewhere) {
  fake::server refusing{{.refuse_login = true}};
  fake::server other{{}};
  client one{to(refusing.address() + "," + other.address())};
  EXPECT_EQ(trouble_of(one, "DONE"), trouble::login_refused);
  EXPECT_EQ(other.connections.value(), 0U);
}

TEST_F(Client, FollowsTheLeaderWithTheSameRequestId) {
  fake::server leader{{.name = "leader"}};
  fake::server follower{{.name = "follower", .leader = leader.address()}};
  client one{to(follower.address())};
  // The leader does not redirect: its MOVED has no leader to point to and is an error.
  const auto got = one.execute("MOVED");
  EXPECT_EQ(got.error.code, api::ErrorCode::NOT_LEADER);
  EXPECT_EQ(leader.executed.value(), 1U);
  EXPECT_EQ(follower.executed.value(), 1U);
  EXPECT_EQ(leader.last_request_id().size(), 16U);
  EXPECT_EQ(leader.last_request_id(), follower.last_request_id());
  EXPECT_EQ(one.execute("WHO").message, "leader") << "it stays with the leader";
}

TEST_F(Client, TwoThatPointAtEachOtherDoNotHoldItForEver) {
  fake::server a{{}};
  fake::server b{{.leader = a.address()}};
  a.what.leader = b.address();
  client one{to(a.address())};
  EXPECT_EQ(one.execute("MOVED").error.code, api::ErrorCode::NOT_LEADER);
  EXPECT_EQ(a.executed.value() + b.executed.value(), 6U);
}

TEST_F(Client, WaitsForAnElectionToEnd) {
  fake::server server{{.refuse_open = 3}};
  client one{to(server.address())};
  EXPECT_TRUE(one.execute("DONE").ok());
  EXPECT_EQ(server.connections.value(), 4U);
}

TEST_F(Client, ALostConnectionIsReportedAndReplaced) {
  fake::server server{{}};
  client one{to(server.address())};
  EXPECT_EQ(trouble_of(one, "CRASH"), trouble::connection_lost);
  EXPECT_TRUE(one.execute("DONE").ok());
  EXPECT_EQ(server.connections.value(), 2U);
}

TEST_F(Client, AConnectionThatBrokeWhileIdleIsReplacedSilently) {
  auto server = std::make_unique<fake::server>(fake::script{});
  fake::server other{{}};
  client one{to(server->address() + "," + other.address())};
  EXPECT_TRUE(one.execute("DONE").ok());
  server.reset();
  EXPECT_TRUE(one.execute("DONE").ok());
  EXPECT_EQ(other.executed.value(), 1U);
}

TEST_F(Client, GivesAStatementUpAfterItsLimit) {
  fake::server server{{}};
  auto options = to(server.address());
  options.statement_limit = 50ms;
  client one{options};
  EXPECT_EQ(trouble_of(one, "HANG"), trouble::timed_out);
  ASSERT_TRUE(server.cancelled.reaches(1));
  EXPECT_TRUE(one.execute("DONE").ok());
}

TEST_F(Client, CtrlCDropsTheExecution) {
  fake::server server{{}};
  client one{to(server.address())};
  one.connect();
  ::raise(SIGINT); // Pending: delivered to the next wait.
  EXPECT_TRUE(interrupt_pending());
  EXPECT_EQ(trouble_of(one, "HANG"), trouble::interrupted);
  ASSERT_TRUE(server.cancelled.reaches(1));
  EXPECT_FALSE(interrupt_pending(true));
  EXPECT_TRUE(one.execute("DONE").ok());
  EXPECT_EQ(server.connections.value(), 1U);
}

TEST_F(Client, OpensNoFileTheStatementDoesNotName) {
  const auto secret = scratch_path("secret");
  std::ofstream(secret) << "secret\n";
  fake::server server{{.other_path = secret}};
  client one{to(server.address())};
  const auto load = one.execute("LOAD FILE '/tmp/mine' INTO demo.t");
  EXPECT_EQ(load.error.code, api::ErrorCode::PERMISSION_DENIED);
  const auto unload = one.execute("EXPORT TABLE demo.t TO '/tmp/mine'");
  EXPECT_EQ(unload.error.code, api::ErrorCode::PERMISSION_DENIED);
  EXPECT_EQ(one.execute("LOAD 'x'").error.code, api::ErrorCode::PERMISSION_DENIED);
  ASSERT_TRUE(server.rolled_back.reaches(2));
  EXPECT_EQ(server.uploaded.value(), 0U);
  std::string line;
  std::getline(std::ifstream{secret}, line);
  EXPECT_EQ(line, "secret");
  fs::remove(secret);
}

TEST_F(Client, ALoadThatFailsLocallyIsRolledBack) {
  fake::server server{{}};
  client one{to(server.address())};
  const auto got = one.execute("LOAD FILE '/no/such/file' INTO demo.t");
  EXPECT_EQ(got.error.code, api::ErrorCode::NOT_FOUND);
  ASSERT_TRUE(server.rolled_back.reaches(1));
}

TEST_F(Client, MovesAFileThereAndBackInConstantMemory) {
  const auto in = scratch_path("in");
  const auto out = scratch_path("out");
  constexpr std::uint64_t size = 256U << 20;
  ASSERT_EQ(::close(::creat(in.c_str(), 0600)), 0);
  ASSERT_EQ(::truncate(in.c_str(), size), 0);
  fake::server server{{.export_chunks = 256}};
  client one{to(server.address())};
  one.connect();
  const auto before = memory_peak_kib();
  const auto loaded = one.execute(fmt::format("LOAD FILE '{}' INTO demo.t", in));
  EXPECT_EQ(loaded.message, fmt::format("loaded {} bytes", size));
  const auto exported = one.execute(fmt::format("EXPORT TABLE demo.t TO '{}'", out));
  EXPECT_TRUE(exported.ok()) << exported.error.message;
  EXPECT_EQ(fs::file_size(out), size);
  // Both ends live in this process: 2 x 8 calls of 1 MiB, their queues, and change.
  EXPECT_LT(memory_peak_kib() - before, 64U << 10);
  fs::remove(in);
  fs::remove(out);
}

TEST_F(Client, AnExportThatLosesRowsLeavesNothing) {
  fake::server server{{.rows_off = 1}};
  client one{to(server.address())};
  const auto out = scratch_path("short");
  EXPECT_EQ(one.execute(fmt::format("EXPORT TABLE t TO '{}'", out)).error.code,
            api::ErrorCode::DATA_LOSS);
  EXPECT_FALSE(fs::exists(out));
}

TEST_F(Client, CompletesAndTellsHealth) {
  fake::server server{{.health = api::HealthState::YELLOW}};
  client one{to(server.address())};
  EXPECT_TRUE(one.complete("SHOW B", 6).candidates.empty())
    << "not connected: no dialling for a Tab";
  one.connect();
  const auto got = one.complete("SHOW B", 6);
  ASSERT_EQ(got.candidates.size(), 2U);
  EXPECT_EQ(got.candidates[0].text, "BACKENDS");
  EXPECT_EQ(got.replace_from, 5U);
  const auto health = one.health();
  EXPECT_EQ(health.state, api::HealthState::YELLOW);
  EXPECT_EQ(health.reasons, std::vector<std::string>{"backend 10002 is dead"});
}

TEST_F(Client, RefusesAStatementNoServerTakes) {
  fake::server server{{}};
  client one{to(server.address())};
  EXPECT_EQ(one.execute(std::string(statement_bytes_max + 1, 'x')).error.code,
            api::ErrorCode::INVALID_ARGUMENT);
  EXPECT_EQ(server.connections.value(), 0U);
}

} // namespace
} // namespace tabletd::ctl
