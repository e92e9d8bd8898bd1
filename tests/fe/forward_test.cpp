// Any front end answers: sessions that a follower passes on to the leader.
#include "node/tabletctl/client.h"
#include "tests/fe/fe_world.h"
#include "tests/fe/follower.h"
#include "tests/tabletctl/fake_server.h"
#include <fmt/format.h>
#include <filesystem>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string at(std::uint16_t port) { return fmt::format("127.0.0.1:{}", port); }

// -- a real leader -----------------------------------------------------------------------

struct Forward : fe_world {
  /// Why no session could be opened.
  static kj::Exception refusal(console& by) {
    try {
      by.login();
    } catch (const kj::Exception& why) {
      return kj::cp(why);
    }
    ADD_FAILURE() << "a session was opened";
    return KJ_EXCEPTION(FAILED, "none");
  }
};

TEST_F(Forward, StatementsAndFilesPassThrough) {
  front_end fe{sys, front_end_options()};
  backend be{sys, backend_options("a")};
  follower second{sys, {.leader = at(fe.port()), .consoles = {at(fe.port()), "127.0.0.1:9"}}};
  console me{io, "127.0.0.1", second.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {be.port()}));
  ASSERT_TRUE(me.run("CREATE DATABASE d").ok());
  ASSERT_TRUE(me.run("CREATE TABLE d.t (KEY 1) BUCKETS 2 PROPERTIES(\"replication_num\"=\"1\")").ok());
  const auto sent = make_rows(1'000, 100, 1).rows;
  auto upload = me.begin_load("d.t");
  ASSERT_TRUE(me.wait(console::write(upload, 0, sent)).ok());
  const auto done = me.wait(console::finish(upload));
  ASSERT_TRUE(done.ok()) << done;
  auto download = me.begin_export("d.t");
  std::string got;
  for (std::size_t before = 1; before != got.size();) {
    before = got.size();
    ASSERT_TRUE(me.wait(console::read(download, got)).ok());
  }
  EXPECT_EQ(got.size(), sent.size());
  EXPECT_EQ(std::count(got.begin(), got.end(), '\n'), 1'000);
  EXPECT_EQ(me.leader(), at(fe.port())) << "the follower knows who leads";
  EXPECT_EQ(me.group(), (std::vector<std::string>{at(fe.port()), "127.0.0.1:9"}));
  EXPECT_EQ(me.run("SHOW TABLES").code, api::ErrorCode::FAILED_PRECONDITION) << "errors are the leader's own";
}

TEST_F(Forward, AnUploadThatIsDroppedHereIsRolledBackThere) {
  front_end fe{sys, front_end_options()};
  backend be{sys, backend_options("a")};
  follower second{sys, {.leader = at(fe.port())}};
  console me{io, "127.0.0.1", second.port()};
  ASSERT_TRUE(me.login().ok());
  ASSERT_NO_FATAL_FAILURE(add_backends(fe, me, {be.port()}));
  ASSERT_TRUE(me.run("CREATE DATABASE d").ok());
  ASSERT_TRUE(me.run("CREATE TABLE d.t (KEY 1) BUCKETS 2 PROPERTIES(\"replication_num\"=\"1\")").ok());
  {
    console leaving{io, "127.0.0.1", second.port()};
    ASSERT_TRUE(leaving.login().ok());
    auto upload = leaving.begin_load("d.t LABEL 'again'");
    ASSERT_TRUE(leaving.wait(console::write(upload, 0, "1\t2\n")).ok());
  }
  // Until the leader has ended it, its label is taken.
  told again;
  do {
    again = me.run("LOAD FILE '/of/the/client' INTO d.t LABEL 'again'");
  } while (again.code == api::ErrorCode::CONFLICT);
  EXPECT_TRUE(again.ok()) << again;
}

TEST_F(Forward, WhoMayOnlyLookHereMayOnlyLookThere) {
  front_end fe{sys, front_end_options()};
  follower second{sys, {.leader = at(fe.port())}};
  console viewer{io, "127.0.0.1", second.port()};
  ASSERT_TRUE(viewer.login(authority::viewer).ok());
  EXPECT_EQ(viewer.run("CREATE DATABASE d").code, api::ErrorCode::PERMISSION_DENIED);
  EXPECT_TRUE(viewer.run("SHOW DATABASES").ok());
  console writer{io, "127.0.0.1", second.port()};
  ASSERT_TRUE(writer.login().ok());
  EXPECT_TRUE(writer.run("CREATE DATABASE d").ok());
}

TEST_F(Forward, AStrangerIsRefusedByTheFollowerItself) {
  front_end fe{sys, front_end_options()};
  follower second{sys, {.leader = at(fe.port()), .trusted = false}};
  console stranger{io, "127.0.0.1", second.port()};
  EXPECT_EQ(stranger.login().code, api::ErrorCode::UNAUTHENTICATED);
}

TEST_F(Forward, ALeaderThatDoesNotTrustTheFollowerIsNotTalkedRound) {
  follower wary{sys, {.name = "fe1", .trusted = false}};
  follower second{sys, {.leader = at(wary.port())}};
  console me{io, "127.0.0.1", second.port()};
  const auto why = refusal(me);
  EXPECT_EQ(why.getType(), kj::Exception::Type::FAILED);
  EXPECT_NE(std::string(why.getDescription().cStr()).find("does not prove who you are"), std::string::npos)
    << why.getDescription().cStr();
}

TEST_F(Forward, TwoThatTakeEachOtherForTheLeaderStopAtTheFirst) {
  follower first{sys, {.name = "fe1"}};
  follower second{sys, {.name = "fe2", .leader = at(first.port())}};
  first.leader_is(at(second.port()));
  console me{io, "127.0.0.1", second.port()};
  const auto why = refusal(me);
  EXPECT_EQ(why.getType(), kj::Exception::Type::OVERLOADED) << "tabletctl tries again";
  const std::string text = why.getDescription().cStr();
  EXPECT_NE(text.find("fe1 does not lead"), std::string::npos) << text;
  EXPECT_NE(text.find("passed on once only"), std::string::npos) << text;
}

TEST_F(Forward, WithoutALeaderTheFollowerSaysSo) {
  follower second{sys, {.name = "fe2"}};
  console me{io, "127.0.0.1", second.port()};
  const auto why = refusal(me);
  EXPECT_EQ(why.getType(), kj::Exception::Type::OVERLOADED);
  const std::string text = why.getDescription().cStr();
  EXPECT_NE(text.find("fe2 knows no leader"), std::string::npos) << text;
  EXPECT_NE(text.find("try again"), std::string::npos) << text;
}

TEST_F(Forward, ALeaderNobodyReachesIsATryAgain) {
  std::string gone;
  {
    follower once{sys, {}};
    gone = once.address();
  }
  follower second{sys, {.leader = gone}};
  console me{io, "127.0.0.1", second.port()};
  const auto why = refusal(me);
  EXPECT_EQ(why.getType(), kj::Exception::Type::OVERLOADED);
  EXPECT_NE(std::string(why.getDescription().cStr()).find(gone), std::string::npos) << why.getDescription().cStr();
}

// -- a leader that follows a script --------------------------------------------------------

struct ForwardToFake : ::testing::Test {
  static void SetUpTestSuite() { ctl::capture_interrupts(); } // Before the actor system has threads.
  quiet_config config;
  caf::actor_system sys{config};
  std::vector<std::string> notices;

  std::unique_ptr<ctl::client> client_of(const follower& to) {
    ctl::client_options options;
    options.addresses = ctl::parse_addresses(to.address()).addresses;
    auto made = std::make_unique<ctl::client>(std::move(options));
    made->on_notice([this](const std::string& sentence) { notices.push_back(sentence); });
    return made;
  }
  static std::uint64_t memory_peak_kib() {
    std::ifstream status{"/proc/self/status"};
    std::string word;
    std::uint64_t kib = 0;
    while (status >> word)
      if (word == "VmHWM:")
        status >> kib;
    return kib;
  }
};

TEST_F(ForwardToFake, OneConnectionServesEverySession) {
  fake::server leader{{.name = "leader"}};
  follower second{sys, {.leader = leader.address()}};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(client_of(second)->execute("WHO").message, "leader");
  EXPECT_EQ(leader.connections.value(), 1U);
}

TEST_F(ForwardToFake, HealthIsTheLeaders) {
  fake::server leader{{.health = api::HealthState::GREEN}};
  follower second{sys, {.leader = leader.address()}};
  const auto one = client_of(second);
  EXPECT_EQ(one->health().state, api::HealthState::GREEN);
  EXPECT_EQ(one->complete("SHOW B", 6).candidates.size(), 2U);
}

TEST_F(ForwardToFake, AStatementWhoseLeaderIsLostHasAnUnknownOutcome) {
  fake::server leader{{.name = "leader"}};
  follower second{sys, {.leader = leader.address()}};
  const auto one = client_of(second);
  try {
    one->execute("CRASH");
    FAIL() << "it was answered";
  } catch (const ctl::client_failure& why) {
    EXPECT_EQ(why.why(), ctl::trouble::connection_lost);
    const std::string text = why.what();
    EXPECT_NE(text.find(fmt::format("the leader, {}, was lost", leader.address())), std::string::npos) << text;
    EXPECT_NE(text.find("may or may not"), std::string::npos) << text;
  }
  EXPECT_EQ(one->execute("WHO").message, "leader") << "the link is dialled anew";
  EXPECT_EQ(leader.connections.value(), 2U);
}

TEST_F(ForwardToFake, AReadAndALoadOutliveTheLeader) {
  const auto file = fs::temp_directory_path() / fmt::format("tabletd-forward-{}", ::getpid());
  std::ofstream(file) << std::string(3U << 20, 'x') << '\n';
  fake::server leader{{.crash_first = 1, .crash_at_write = 2}};
  follower second{sys, {.leader = leader.address()}};
  const auto one = client_of(second);
  EXPECT_TRUE(one->execute("SHOW DATABASES").ok());
  const auto loaded = one->execute(fmt::format("LOAD FILE '{}' INTO demo.t", file.string()));
  EXPECT_EQ(loaded.message, fmt::format("loaded {} bytes", fs::file_size(file)));
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_NE(notices[0].find("was lost while the statement ran; asking again"), std::string::npos) << notices[0];
  EXPECT_EQ(notices[1], fmt::format("{} lost its leader {} while the statement ran; loading again under the same label",
                                    second.address(), leader.address()));
  fs::remove(file);
}

TEST_F(ForwardToFake, SessionsEndWhenAnotherFrontEndLeads) {
  fake::server old{{.name = "old"}};
  fake::server young{{.name = "young"}};
  follower second{sys, {.leader = old.address()}};
  const auto one = client_of(second);
  EXPECT_EQ(one->execute("WHO").message, "old");
  second.leader_is(young.address());
  EXPECT_TRUE(one->execute("CREATE DATABASE d").ok()) << "it had not been sent to anybody: no doubt about it";
  EXPECT_EQ(ctl::row_reader{one->execute("SHOW DATABASES").rows()}.text(0, "Server"), "young");
  second.leader_becomes(old.address()); // Nobody says so: a new session finds out, and ends the others.
  std::thread{[&] { EXPECT_EQ(client_of(second)->execute("WHO").message, "old"); }}.join(); // One client a thread.
  const auto again = one->execute("SHOW DATABASES");
  EXPECT_EQ(ctl::row_reader{again.rows()}.text(0, "Server"), "old");
}

TEST_F(ForwardToFake, FilesOfAnySizePassInConstantMemory) {
  const auto in = fs::temp_directory_path() / fmt::format("tabletd-forward-in-{}", ::getpid());
  const auto out = fs::temp_directory_path() / fmt::format("tabletd-forward-out-{}", ::getpid());
  constexpr std::uint64_t size = 256U << 20;
  std::ofstream{in};
  fs::resize_file(in, size);
  fake::server leader{{.export_chunks = 256}};
  follower second{sys, {.leader = leader.address()}};
  const auto one = client_of(second);
  one->connect();
  const auto before = memory_peak_kib();
  const auto loaded = one->execute(fmt::format("LOAD FILE '{}' INTO demo.t", in.string()));
  EXPECT_EQ(loaded.message, fmt::format("loaded {} bytes", size));
  const auto after_load = memory_peak_kib();
  const auto exported = one->execute(fmt::format("EXPORT TABLE demo.t TO '{}'", out.string()));
  EXPECT_TRUE(exported.ok()) << exported.error.message;
  EXPECT_EQ(fs::file_size(out), size);
  // Client, follower and leader live in this process: 3 x 8 calls of 1 MiB, their queues, and change.
  EXPECT_LT(memory_peak_kib() - before, 64U << 10);
  RecordProperty("load_kib", static_cast<int>(after_load - before));
  RecordProperty("both_kib", static_cast<int>(memory_peak_kib() - before));
  fs::remove(in);
  fs::remove(out);
}

} // namespace
} // namespace tabletd::test
