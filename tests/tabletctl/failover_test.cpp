// The client among several front ends: whom it asks next, what it asks again, what it does not.
#include "node/tabletctl/client.h"
#include "node/tabletctl/repetition.h"
#include "tests/tabletctl/fake_server.h"
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <filesystem>
#include <fstream>

namespace tabletd::ctl {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using strings = std::vector<std::string>;

struct scratch_file {
  fs::path path;
  explicit scratch_file(const std::string& text)
    : path(fs::temp_directory_path() / fmt::format("tabletctl-failover-{}", ::getpid())) {
    std::ofstream(path, std::ios::binary) << text;
  }
  ~scratch_file() { fs::remove(path); }
  [[nodiscard]] std::string load(const std::string& label = {}) const {
    return fmt::format("LOAD FILE '{}' INTO demo.t{}", path.string(), label.empty() ? "" : " LABEL '" + label + "'");
  }
};

struct Failover : ::testing::Test {
  static void SetUpTestSuite() { capture_interrupts(); }
  strings notices;
  std::unique_ptr<client> to(const std::string& addresses, std::chrono::milliseconds patience = 3s) {
    client_options options;
    options.addresses = parse_addresses(addresses).addresses;
    options.connect_limit = patience;
    auto made = std::make_unique<client>(std::move(options));
    made->on_notice([this](const std::string& sentence) { notices.push_back(sentence); });
    return made;
  }
  static std::string row(client& from, const char* column) {
    const auto got = from.execute("SHOW DATABASES");
    return got.what == answer::kind::rows ? row_reader{got.rows()}.text(0, column) : got.error.message;
  }
  static std::string failure(client& from, const std::string& statement, trouble wanted) {
    try {
      const auto got = from.execute(statement);
      ADD_FAILURE() << statement << " gave an answer: " << got.message << got.error.message;
    } catch (const client_failure& why) {
      EXPECT_EQ(why.why(), wanted) << why.what();
      return why.what();
    }
    return {};
  }
};

// -- what may be asked again -------------------------------------------------------------

TEST_F(Failover, KnowsWhatMayBeAskedAgain) {
  EXPECT_EQ(nature_of("SHOW TABLES").again, repetition::harmless);
  EXPECT_EQ(nature_of("EXPLAIN TABLET 7").again, repetition::harmless);
  EXPECT_EQ(nature_of("USE shop").use, "shop");
  EXPECT_EQ(nature_of("CREATE TABLE a.b (KEY 1) BUCKETS 2").again, repetition::unknowable);
  EXPECT_EQ(nature_of("CREATE TABLE a.b (KEY 1) BUCKETS 2").look, "SHOW TABLES");
  EXPECT_EQ(nature_of("DROP PLAN 'x'").look, "SHOW PLANS");
  EXPECT_EQ(nature_of("FROM THE FUTURE").again, repetition::unknowable);
  const scratch_file file{"a\n"};
  EXPECT_EQ(nature_of(file.load("l")).again, repetition::by_label);
  EXPECT_EQ(nature_of(file.load("l")).label, "l");
  EXPECT_EQ(nature_of("LOAD FILE '/dev/stdin' INTO a.b").again, repetition::unknowable)
    << "what was read from a pipe is gone";
  EXPECT_EQ(nature_of("EXPORT TABLE a.b TO '/dev/null'").again, repetition::unknowable);
  EXPECT_EQ(nature_of("EXPORT TABLE a.b TO '/tmp/no/such'").again, repetition::harmless);
}

TEST_F(Failover, EveryWayAnAttemptEndsHasItsNextStep) {
  using enum repetition;
  using enum next_step;
  const auto next = [](repetition again, api::ErrorCode code, bool unknown, bool repeated, const char* leader = "",
                       std::uint32_t retry_ms = 0) {
    statement_nature what;
    what.again = again;
    what.is_load = again == by_label;
    statement_error error;
    error.code = code;
    error.outcome_unknown = unknown;
    error.leader = leader;
    error.retry_after_ms = retry_ms;
    return after_attempt(what, false, &error, repeated);
  };
  using code = api::ErrorCode;
  for (const bool repeated : {false, true}) {
    EXPECT_EQ(next(unknowable, code::NOT_LEADER, false, repeated, "b:1"), elsewhere) << "it was not carried out";
    EXPECT_EQ(next(unknowable, code::NOT_LEADER, false, repeated, "", 1'000), reconnect);
    EXPECT_EQ(next(unknowable, code::NOT_LEADER, false, repeated), finished);
    EXPECT_EQ(next(harmless, code::UNAVAILABLE, true, repeated), reconnect);
    EXPECT_EQ(next(by_label, code::UNAVAILABLE, true, repeated), reconnect);
    EXPECT_EQ(next(unknowable, code::UNAVAILABLE, true, repeated), give_up);
    EXPECT_EQ(next(unknowable, code::UNAVAILABLE, false, repeated, "", 1'000), reconnect) << "it did not begin";
    EXPECT_EQ(next(harmless, code::NOT_FOUND, false, repeated), finished);
    EXPECT_EQ(next(unknowable, code::UNAVAILABLE, false, repeated), finished);
    EXPECT_EQ(next(unknowable, code::CONFLICT, false, repeated), finished);
    EXPECT_EQ(next(harmless, code::CONFLICT, false, repeated), finished);
    EXPECT_EQ(next(by_label, code::DATA_LOSS, false, repeated), finished);
    EXPECT_EQ(after_attempt({.again = unknowable}, true, nullptr, repeated), give_up);
    EXPECT_EQ(after_attempt({.again = by_label}, true, nullptr, repeated), reconnect);
    EXPECT_EQ(after_attempt({.again = unknowable}, false, nullptr, repeated), finished);
  }
  EXPECT_EQ(next(by_label, code::CONFLICT, false, false), finished) << "somebody else's load";
  EXPECT_EQ(next(by_label, code::CONFLICT, false, true), wait_here) << "most likely our own, cut off";
  EXPECT_EQ(next(by_label, code::UNAVAILABLE, false, false, "", 1'000), finished) << "rolled back for a reason";
  EXPECT_EQ(next(by_label, code::UNAVAILABLE, false, true), reconnect);
  EXPECT_EQ(next(harmless, code::DATA_LOSS, false, false), finished);
  EXPECT_EQ(next(harmless, code::DATA_LOSS, false, true), wait_here);
}

// -- statements --------------------------------------------------------------------------

TEST_F(Failover, LearnsTheGroupFromWhoeverAnswers) {
  fake::server other{{.name = "other"}};
  auto first = std::make_unique<fake::server>(fake::script{.name = "first", .consoles = {other.address()}});
  const auto one = to(first->address());
  EXPECT_EQ(row(*one, "Server"), "first");
  EXPECT_EQ(one->connect().group, strings{other.address()});
  first.reset();
  EXPECT_EQ(row(*one, "Server"), "other");
}

TEST_F(Failover, AReadGoesOnWithTheNextFrontEnd) {
  fake::server dying{{.name = "dying", .crash_first = 1}};
  fake::server other{{.name = "other", .leader = "10.0.0.9:9020"}};
  dying.what.refuse_open = 0;
  const auto one = to(dying.address() + "," + other.address());
  one->connect();
  dying.what.refuse_open = 1'000; // Its connection breaks and it takes no sessions any more.
  EXPECT_EQ(row(*one, "Server"), "other");
  ASSERT_EQ(notices.size(), 2U);
  EXPECT_EQ(notices[0], fmt::format("lost the connection to {} while the statement ran; asking again", dying.address()));
  EXPECT_EQ(notices[1], fmt::format("connected to {}; 10.0.0.9:9020 leads", other.address()));
}

TEST_F(Failover, AFollowerThatLosesItsLeaderIsAskedAgain) {
  fake::server follower{{.name = "follower", .lose_leader = 2}};
  const auto one = to(follower.address());
  EXPECT_EQ(row(*one, "Server"), "follower");
  EXPECT_EQ(follower.executed.value(), 3U);
}

TEST_F(Failover, AChangeIsNotAskedForTwice) {
  fake::server dying{{.name = "dying", .crash_first = 1}};
  fake::server other{{.name = "other"}};
  const auto one = to(dying.address() + "," + other.address());
  const auto text = failure(*one, "CREATE DATABASE shop", trouble::connection_lost);
  EXPECT_NE(text.find("look (SHOW DATABASES) before you repeat it"), std::string::npos) << text;
  EXPECT_EQ(dying.executed.value() + other.executed.value(), 1U);
  dying.what.lose_leader = 1;
  const auto typed = failure(*one, "CREATE DATABASE shop", trouble::connection_lost);
  EXPECT_NE(typed.find("the leader was lost; it may or may not have taken effect"), std::string::npos) << typed;
  EXPECT_TRUE(one->execute("CREATE DATABASE shop").ok()) << "the next statement has a session again";
}

TEST_F(Failover, UseHoldsOverReconnections) {
  fake::server dying{{.name = "dying"}};
  fake::server other{{.name = "other"}};
  const auto one = to(dying.address() + "," + other.address());
  EXPECT_TRUE(one->execute("USE shop").ok());
  dying.what.crash_first = 1;
  dying.what.refuse_open = 1'000;
  EXPECT_EQ(row(*one, "Database"), "shop");
}

TEST_F(Failover, GivesUpWhenNobodyComesBack) {
  auto dying = std::make_unique<fake::server>(fake::script{.crash_first = 1});
  const auto one = to(dying->address(), 300ms);
  one->connect();
  dying->what.refuse_open = 1'000;
  const auto begun = std::chrono::steady_clock::now();
  failure(*one, "SHOW DATABASES", trouble::cannot_connect);
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 300ms) << "it waited for an election";
}

TEST_F(Failover, AStatementThatFellsEveryoneIsGivenUp) {
  fake::server dying{{.crash_first = 1'000}};
  const auto one = to(dying.address());
  failure(*one, "SHOW DATABASES", trouble::connection_lost);
  EXPECT_EQ(dying.executed.value(), 6U);
}

// -- loads -------------------------------------------------------------------------------

TEST_F(Failover, ALoadIsFinishedUnderTheSameRequestId) {
  const scratch_file file{std::string(3U << 20, 'x') + "\n"};
  fake::server dying{{.name = "dying", .crash_at_write = 2}};
  fake::server other{{.name = "other", .busy_loads = 2}};
  const auto one = to(dying.address() + "," + other.address());
  one->connect();
  dying.what.refuse_open = 1'000;
  const auto got = one->execute(file.load());
  EXPECT_TRUE(got.ok()) << got.error.message;
  EXPECT_EQ(got.message, fmt::format("loaded {} bytes", fs::file_size(file.path)));
  EXPECT_EQ(other.uploaded.value(), fs::file_size(file.path)) << "from its beginning";
  const auto ids = other.request_ids();
  ASSERT_EQ(ids.size(), 3U) << "twice the old load was still open there";
  EXPECT_EQ(ids, strings(3, dying.last_request_id()));
  ASSERT_FALSE(notices.empty());
  EXPECT_EQ(notices[0], fmt::format("lost the connection to {} while the statement ran; loading again under the same label", dying.address()));
}

TEST_F(Failover, ALoadThatWasCommittedSaysSo) {
  const scratch_file file{"x\n"};
  fake::server dying{{.crash_first = 1, .loaded_before = true}};
  const auto one = to(dying.address());
  EXPECT_EQ(one->execute(file.load("monday")).message,
            "it was committed before the connection broke: label 'monday' is already loaded: nothing to do");
  EXPECT_EQ(one->execute(file.load("monday")).message, "label 'monday' is already loaded: nothing to do");
  EXPECT_EQ(dying.uploaded.value(), 0U);
}

TEST_F(Failover, ALabelOfSomebodyElseIsNotWaitedFor) {
  const scratch_file file{"x\n"};
  fake::server server{{.busy_loads = 1}};
  const auto one = to(server.address());
  EXPECT_EQ(one->execute(file.load("mine")).error.code, api::ErrorCode::CONFLICT);
  EXPECT_EQ(server.executed.value(), 1U);
}

TEST_F(Failover, ALoadThatCannotBeReadAgainNamesItsLabel) {
  fake::server dying{{.crash_first = 2}};
  const auto one = to(dying.address());
  const auto text = failure(*one, "LOAD FILE '/dev/null' INTO demo.t LABEL 'monday'", trouble::connection_lost);
  EXPECT_NE(text.find("cannot be read a second time"), std::string::npos) << text;
  EXPECT_NE(text.find("LABEL 'monday'"), std::string::npos) << text;
  const auto unnamed = failure(*one, "LOAD FILE '/dev/null' INTO demo.t", trouble::connection_lost);
  const auto id = dying.last_request_id();
  std::string hex;
  for (const char c : id)
    hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  EXPECT_NE(unnamed.find("LABEL 'request-" + hex + "'"), std::string::npos) << unnamed;
}

TEST_F(Failover, ALoadThatFindsNobodySaysWhatIsNotKnown) {
  const scratch_file file{"x\n"};
  fake::server dying{{.crash_first = 1}};
  const auto one = to(dying.address(), 200ms);
  one->connect();
  dying.what.refuse_open = 1'000;
  const auto text = failure(*one, file.load("monday"), trouble::connection_lost);
  EXPECT_NE(text.find("whether it was loaded is not known: load again with LABEL 'monday'"), std::string::npos) << text;
  EXPECT_NE(text.find("no leader yet"), std::string::npos) << text;
}

} // namespace
} // namespace tabletd::ctl
