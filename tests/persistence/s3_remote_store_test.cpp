// What only S3 has: parts, retries, lost answers, clocks, credentials.  The server is s3_server.h.
#include "persistence/remote/s3_remote_store.h"

#include "persistence/remote/remote_probe.h"
#include "remote_rig.h"
#include "s3_server.h"
#include "temporary_directory.h"

#include <algorithm>
#include <fcntl.h>
#include <fstream>
#include <numeric>
#include <sys/stat.h>

using namespace std::chrono_literals;
using namespace tabletd;
using namespace tabletd::test;

namespace {

using kind = s3_trouble::kind;
constexpr std::uint64_t part_bytes = 64 * 1024;

/// Pauses are noted and not made.
struct S3RemoteStore : ::testing::Test {
  s3_server server;
  s3_config config{.endpoint = server.endpoint(), .bucket = std::string(s3_server::bucket), .part_bytes = part_bytes};
  s3_surroundings surroundings = real_surroundings(s3_server::credentials);
  std::vector<std::chrono::milliseconds> pauses;
  std::unique_ptr<s3_remote_store> store;

  void SetUp() override {
    surroundings.pause = [this](std::chrono::milliseconds span) { pauses.push_back(span); };
    connect();
  }
  void connect() { store = std::make_unique<s3_remote_store>(config, surroundings); }
  std::ptrdiff_t requests_with(const std::string& text) const {
    return std::ranges::count_if(server.requests(),
                                 [&](const auto& line) { return line.find(text) != std::string::npos; });
  }
  std::chrono::milliseconds paused() const { return std::accumulate(pauses.begin(), pauses.end(), 0ms); }
};

// -- retries ----------------------------------------------------------------------------

TEST_F(S3RemoteStore, AnOverloadedStoreIsAskedAgainLaterEachTime) {
  server.trouble_ahead("PUT", {}, 3);
  store->put("a", source_of("bytes"), unhurried);
  EXPECT_EQ(read_all(*store, "a"), "bytes");
  EXPECT_EQ(requests_with("PUT"), 4);
  EXPECT_GE(paused(), 50ms + 100ms + 200ms);
  EXPECT_LE(paused(), 100ms + 200ms + 400ms);
}

TEST_F(S3RemoteStore, RetriesEnd) {
  server.trouble_ahead("GET", {}, 100);
  const auto end = ending_of([&] { (void)read_range(*store, "a", 0, 5); });
  EXPECT_EQ(end.fault, remote_fault::throttled);
  EXPECT_EQ(requests_with("GET"), config.retries.attempts_max);
  EXPECT_NE(end.sentence.find("503 SlowDown"), std::string::npos) << end.sentence;
  EXPECT_NE(end.sentence.find("(attempt 6)"), std::string::npos) << end.sentence;
}

TEST_F(S3RemoteStore, RetryAfterIsHonoured) {
  server.trouble_ahead("HEAD", {.status = 429, .headers = "Retry-After: 3\r\n"});
  store->put("a", source_of("x"), unhurried);
  (void)store->head("a", unhurried);
  EXPECT_EQ(paused(), 3000ms);
}

TEST_F(S3RemoteStore, WhatIsDeniedIsNotAskedAgain) {
  server.trouble_ahead("PUT", {.status = 403, .code = "AccessDenied", .message = "Access Denied"});
  EXPECT_EQ(fault_of([&] { store->put("a", source_of("x"), unhurried); }), remote_fault::denied);
  EXPECT_EQ(requests_with("PUT"), 1);
  EXPECT_TRUE(pauses.empty());
}

TEST_F(S3RemoteStore, ACutConnectionIsTriedAgain) {
  store->put("a", source_of("0123456789"), unhurried);
  server.trouble_ahead("GET", {kind::hang_up}, 2);
  server.trouble_ahead("GET", {kind::half_answer}, 2);
  EXPECT_EQ(read_all(*store, "a"), "0123456789");
  server.trouble_ahead("GET", {kind::half_answer}, 100);
  EXPECT_EQ(fault_of([&] { (void)read_range(*store, "a", 0, 10); }), remote_fault::network);
}

TEST_F(S3RemoteStore, NobodyListeningIsANetworkFault) {
  config.endpoint = "http://127.0.0.1:1";
  connect();
  const auto end = ending_of([&] { (void)store->head("a", unhurried); });
  EXPECT_EQ(end.fault, remote_fault::network);
  EXPECT_NE(end.sentence.find("127.0.0.1"), std::string::npos) << end.sentence;
}

TEST_F(S3RemoteStore, NoRetryBeginsAfterTheCallersTime) {
  server.trouble_ahead("PUT", {}, 100);
  surroundings.dice = [] { return 0; };
  auto left = 160ms;  // Pauses of 50 and 100 ms fit, the next one does not.
  surroundings.pause = [&](std::chrono::milliseconds span) { left -= span; };
  connect();
  EXPECT_EQ(fault_of([&] { store->put("a", source_of("x"), [&] { return left; }); }), remote_fault::throttled);
  EXPECT_EQ(requests_with("PUT"), 3);
}

TEST_F(S3RemoteStore, ASilentStoreIsLeftWhenTheCallersTimeIsOver) {
  server.trouble_ahead("PUT", {kind::no_answer});
  const auto end = std::chrono::steady_clock::now() + 300ms;
  const auto left
      = [&] { return std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()); };
  EXPECT_EQ(fault_of([&] { store->put("a", source_of("x"), left); }), remote_fault::stopped);
  EXPECT_LT(std::chrono::steady_clock::now() - end, 10s) << "request_timeout is a minute";
}

TEST_F(S3RemoteStore, ARequestThatHadAllTheCallersTimeIsNotCalledANetworkFault) {
  server.trouble_ahead("PUT", {kind::no_answer});
  // A caller's clock that is a little slower than libcurl's: something is left when the request has ended.
  EXPECT_EQ(fault_of([&] { store->put("a", source_of("x"), [] { return 100ms; }); }), remote_fault::stopped);
  EXPECT_EQ(requests_with("PUT"), 1);
}

TEST_F(S3RemoteStore, ASilentStoreIsLeftAfterTheRequestsTime) {
  config.request_timeout = 100ms;
  config.retries.attempts_max = 2;
  connect();
  server.trouble_ahead("PUT", {kind::no_answer}, 2);
  EXPECT_EQ(fault_of([&] { store->put("a", source_of("x"), unhurried); }), remote_fault::network);
  EXPECT_EQ(requests_with("PUT"), 2);
}

// -- lost answers -----------------------------------------------------------------------

TEST_F(S3RemoteStore, AConditionalPutWhoseAnswerWasLostHasSucceeded) {
  server.trouble_ahead("PUT", {kind::forget});
  store->put_if_absent("a", source_of("mine"), unhurried);
  EXPECT_EQ(read_all(*store, "a"), "mine");
  EXPECT_EQ(fault_of([&] { store->put_if_absent("a", source_of("mine"), unhurried); }), remote_fault::exists_already)
      << "the same bytes, and yet another put";
}

TEST_F(S3RemoteStore, ACompletionWhoseAnswerWasLostHasSucceeded) {
  const auto text = pattern(200'000);
  server.trouble_ahead("POST /cold/large?uploadId", {kind::forget});
  store->put_if_absent("large", source_of(text), unhurried);
  EXPECT_TRUE(read_all(*store, "large") == text);
  server.trouble_ahead("POST /cold/large2?uploadId", {kind::forget});
  store->put("large2", source_of(text), unhurried);
  EXPECT_TRUE(read_all(*store, "large2") == text);
}

TEST_F(S3RemoteStore, AnotherWritersObjectIsNotTakenForOurs) {
  server.trouble_ahead("PUT", {kind::hang_up});
  server.put_behind_the_back("a", "theirs");
  EXPECT_EQ(fault_of([&] { store->put_if_absent("a", source_of("mine"), unhurried); }), remote_fault::exists_already);
  EXPECT_EQ(read_all(*store, "a"), "theirs");
}

// -- parts ------------------------------------------------------------------------------

TEST_F(S3RemoteStore, OnePartAtATimeIsInMemory) {
  const auto text = pattern(10 * part_bytes + 1);
  store->put("large", source_of(text), unhurried);
  EXPECT_TRUE(read_all(*store, "large") == text);
  EXPECT_EQ(requests_with("partNumber="), 11);
  EXPECT_EQ(server.largest_body_bytes(), part_bytes);
}

TEST_F(S3RemoteStore, WhatFitsInOnePartGoesInOneRequest) {
  store->put("a", source_of(pattern(part_bytes)), unhurried);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(S3RemoteStore, AFailedPartIsSentAgainAndTheOthersAreNot) {
  const auto text = pattern(4 * part_bytes);
  server.trouble_ahead("partNumber=2", {.status = 500, .code = "InternalError"});
  server.trouble_ahead("partNumber=3", {kind::hang_up});
  store->put("large", source_of(text), unhurried);
  EXPECT_TRUE(read_all(*store, "large") == text);
  EXPECT_EQ(requests_with("partNumber=1"), 1);
  EXPECT_EQ(requests_with("partNumber=2"), 2);
  EXPECT_GE(requests_with("partNumber=3"), 2);
}

TEST_F(S3RemoteStore, AnUploadThatFailsIsAborted) {
  server.trouble_ahead("partNumber=3", {.status = 403, .code = "AccessDenied"});
  EXPECT_EQ(fault_of([&] { store->put("large", source_of(pattern(5 * part_bytes)), unhurried); }),
            remote_fault::denied);
  EXPECT_EQ(server.unfinished_uploads(), 0U);
  EXPECT_EQ(fault_of([&] { (void)store->head("large", unhurried); }), remote_fault::not_found);
}

TEST_F(S3RemoteStore, AnUploadThatIsCalledOffIsAborted) {
  bool over = false;
  surroundings.credentials = [&] {
    over = over || requests_with("partNumber=3") > 0;
    return s3_server::credentials();
  };
  connect();
  const auto left = [&] { return over ? 0ms : 1h; };
  EXPECT_EQ(fault_of([&] { store->put("large", source_of(pattern(9 * part_bytes)), left); }), remote_fault::stopped);
  EXPECT_EQ(requests_with("partNumber=6"), 0);
  EXPECT_EQ(server.unfinished_uploads(), 0U);
}

TEST_F(S3RemoteStore, ACompletionMayFailBehindItsStatus) {
  server.trouble_ahead("POST /cold/large?uploadId", {kind::late_error});
  const auto text = pattern(2 * part_bytes);
  store->put("large", source_of(text), unhurried);
  EXPECT_TRUE(read_all(*store, "large") == text);
}

TEST_F(S3RemoteStore, AnObjectThatCameMeanwhileWinsOverParts) {
  bool came = false;
  surroundings.credentials = [&] {
    if (!came && requests_with("partNumber=2") > 0) {
      came = true;
      server.put_behind_the_back("large", "theirs");
    }
    return s3_server::credentials();
  };
  connect();
  EXPECT_EQ(fault_of([&] { store->put_if_absent("large", source_of(pattern(2 * part_bytes)), unhurried); }),
            remote_fault::exists_already);
  EXPECT_EQ(read_all(*store, "large"), "theirs");
  EXPECT_EQ(server.unfinished_uploads(), 0U);
}

TEST(S3Parts, NeverMoreThanTheStoreTakes) {
  constexpr std::uint64_t mib = 1U << 20;
  EXPECT_EQ(part_bytes_for(0, 8 * mib), 8 * mib);
  EXPECT_EQ(part_bytes_for(80'000 * mib, 8 * mib), 8 * mib);
  EXPECT_EQ(part_bytes_for(80'000 * mib + 1, 8 * mib), 8 * mib + 1);
  EXPECT_EQ(part_bytes_for(640'000 * mib, 8 * mib), 64 * mib);
  EXPECT_EQ(part_bytes_for(640'000 * mib + 1, 8 * mib), std::nullopt);
}

// -- clocks and credentials -------------------------------------------------------------

TEST_F(S3RemoteStore, AClockThatIsWrongIsNamed) {
  store->put("a", source_of("x"), unhurried);
  const auto right = surroundings.unix_s;
  surroundings.unix_s = [right] { return right() - 3600; };
  connect();
  // An answer to HEAD has no body: only the Date header tells.
  for (const auto& end : {ending_of([&] { store->put("a", source_of("x"), unhurried); }),
                          ending_of([&] { (void)store->head("a", unhurried); })}) {
    EXPECT_EQ(end.fault, remote_fault::clock_skew);
    EXPECT_NE(end.sentence.find("s behind the store's; set both clocks by NTP"), std::string::npos) << end.sentence;
  }
}

TEST_F(S3RemoteStore, AWrongSecretIsDenied) {
  surroundings.credentials = [] {
    auto wrong = s3_server::credentials();
    wrong.secret_access_key += "x";
    return wrong;
  };
  connect();
  const auto end = ending_of([&] { store->put("a", source_of("x"), unhurried); });
  EXPECT_EQ(end.fault, remote_fault::denied);
  EXPECT_NE(end.sentence.find("SignatureDoesNotMatch"), std::string::npos) << end.sentence;
}

TEST_F(S3RemoteStore, RenewedCredentialsAreUsedWithoutARestart) {
  std::string token = "an old one";
  surroundings.credentials = [&] {
    auto given = s3_server::credentials();
    given.session_token = token;
    return given;
  };
  connect();
  const auto end = ending_of([&] { store->put("a", source_of("x"), unhurried); });
  EXPECT_EQ(end.fault, remote_fault::denied);
  EXPECT_NE(end.sentence.find("renew the session token"), std::string::npos) << end.sentence;
  token = s3_server::credentials().session_token;
  store->put("a", source_of("x"), unhurried);
}

TEST_F(S3RemoteStore, CredentialsAreInNoErrorText) {
  const auto [id, secret, token] = s3_server::credentials();
  server.trouble_ahead(
      "PUT", {.status = 400, .code = "Bad" + secret, .message = "You sent " + id + " " + token + " " + secret});
  const auto end = ending_of([&] { store->put("a", source_of("x"), unhurried); });
  EXPECT_NE(end.sentence.find("You sent (hidden) (hidden) (hidden)"), std::string::npos) << end.sentence;
  for (const auto& hidden : {id, secret, token})
    EXPECT_EQ(end.sentence.find(hidden), std::string::npos) << end.sentence;
}

struct S3Credentials : ::testing::Test {
  temporary_directory directory;
  std::filesystem::path file = directory.path() / "credentials";
  void write(const std::string& text, ::mode_t mode = 0600) {
    std::ofstream(file) << text;
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
  }
  ending read() {
    return ending_of([&] { (void)read_credentials(file); });
  }
};

TEST_F(S3Credentials, AreReadFromAFile) {
  write("# of the cold bucket\n[default]\naws_access_key_id = AKID\r\n aws_secret_access_key=a/b+c=\n");
  const auto found = read_credentials(file);
  EXPECT_EQ(found.access_key_id, "AKID");
  EXPECT_EQ(found.secret_access_key, "a/b+c=");
  EXPECT_EQ(found.session_token, "");
  write("aws_access_key_id = AKID\naws_secret_access_key = s\naws_session_token = t");
  EXPECT_EQ(read_credentials(file).session_token, "t");
}

TEST_F(S3Credentials, AFileOfTheirsThatIsWrongIsNamedAndNotQuoted) {
  EXPECT_EQ(read().fault, remote_fault::denied);
  write("aws_access_key_id = AKIDHIDDEN\n");
  EXPECT_NE(read().sentence.find("aws_secret_access_key is missing"), std::string::npos) << read().sentence;
  write("aws_access_key_id = AKIDHIDDEN\naws_secret_access_key = two words\n");
  EXPECT_NE(read().sentence.find(file.string()), std::string::npos);
  EXPECT_EQ(read().sentence.find("words"), std::string::npos) << read().sentence;
  EXPECT_EQ(read().sentence.find("HIDDEN"), std::string::npos) << read().sentence;
  write("aws_access_key_id = AKID\naws_secret_access_key = s\n", 0640);
  EXPECT_NE(read().sentence.find("others may read it"), std::string::npos) << read().sentence;
}

TEST_F(S3Credentials, AreFoundInTheEnvironment) {
  std::map<std::string, std::string> variables{{"AWS_ACCESS_KEY_ID", "AKID"}};
  const auto look_up = [&](const char* name) { return variables.contains(name) ? variables[name].c_str() : nullptr; };
  const auto end = ending_of([&] { (void)credentials_of_environment(look_up); });
  EXPECT_NE(end.sentence.find("AWS_SECRET_ACCESS_KEY is missing"), std::string::npos) << end.sentence;
  variables["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(credentials_of_environment(look_up).secret_access_key, "s");
}

// -- stores that are none ---------------------------------------------------------------

TEST_F(S3RemoteStore, TheProbeFindsAStoreWithoutConditionalCreate) {
  server.ignore_conditions();
  const auto outcome = probe_conditional_create(*store, 1, unhurried);
  EXPECT_FALSE(outcome.conditional_create);
  EXPECT_NE(outcome.sentence.find("let a second object replace one"), std::string::npos) << outcome.sentence;
}

TEST_F(S3RemoteStore, TheProbeFindsAStoreThatRefusesConditions) {
  server.trouble_ahead(
      "PUT", {.status = 501, .code = "NotImplemented", .message = "A header you provided implies functionality"});
  const auto outcome = probe_conditional_create(*store, 1, unhurried);
  EXPECT_FALSE(outcome.conditional_create);
  EXPECT_NE(outcome.sentence.find("refuses conditional writes"), std::string::npos) << outcome.sentence;
}

TEST_F(S3RemoteStore, ABucketThatIsNotThereIsNotAnObjectThatIsNotThere) {
  config.bucket = "elsewhere";
  connect();
  EXPECT_EQ(fault_of([&] { store->put("a", source_of("x"), unhurried); }), remote_fault::unusable);
  EXPECT_EQ(fault_of([&] { store->remove("a", unhurried); }), remote_fault::unusable);
  EXPECT_EQ(fault_of([&] { (void)store->list("", "", 1, unhurried); }), remote_fault::unusable);
}

TEST_F(S3RemoteStore, StrangersKeysAreLeftOutAndDoNotStopAListing) {
  for (const auto* key : {"b c", "b&d", "b/", "b//e", ".b"})
    server.put_behind_the_back(key, "theirs");
  store->put("a", source_of("x"), unhurried);
  store->put("z", source_of("x"), unhurried);
  std::vector<std::string> found;
  std::string after;
  int pages = 0;
  do {
    const auto page = store->list("", after, 1, unhurried);
    for (const auto& entry : page.entries)
      found.push_back(entry.key);
    after = page.next;
  } while (!after.empty() && ++pages < 20);
  EXPECT_EQ(found, (std::vector<std::string>{"a", "z"}));
}

TEST_F(S3RemoteStore, AnswersThatMakeNoSenseAreCorrupt) {
  server.trouble_ahead("GET", {.status = 200, .code = "x"});
  config.retries.attempts_max = 1;
  connect();
  store->put("a", source_of("0123456789"), unhurried);
  server.trouble_ahead("GET /cold/a", {.status = 200});
  EXPECT_EQ(fault_of([&] { (void)store->list("", "", 10, unhurried); }), remote_fault::throttled)
      << "an error inside 200";
  EXPECT_EQ(fault_of([&] { (void)read_range(*store, "a", 0, 5); }), remote_fault::corrupt) << "more than asked for";
  server.trouble_ahead("GET /cold/a", {.status = 200});
  EXPECT_EQ(fault_of([&] { (void)read_range(*store, "a", 5, 1000); }), remote_fault::corrupt) << "not from there on";
}

TEST(S3Config, WhatCannotBeRightIsRefused) {
  const auto fault = [](s3_config config) {
    return ending_of([&] { s3_remote_store(config, real_surroundings(s3_server::credentials)); });
  };
  const s3_config good{.endpoint = "https://s3.example:9000", .bucket = "cold"};
  EXPECT_EQ(fault(good).fault, std::nullopt);
  for (const auto* endpoint :
       {"", "s3.example", "ftp://s3.example", "https://", "https://s3.example/path", "https://a b"}) {
    auto bad = good;
    bad.endpoint = endpoint;
    EXPECT_EQ(fault(bad).fault, remote_fault::unusable) << endpoint;
  }
  auto bad = good;
  bad.endpoint = "https://me:hidden@s3.example";
  EXPECT_EQ(fault(bad).fault, remote_fault::unusable);
  EXPECT_EQ(fault(bad).sentence.find("hidden"), std::string::npos);
  bad = good;
  bad.bucket = "a/b";
  EXPECT_EQ(fault(bad).fault, remote_fault::unusable);
  bad = good;
  bad.prefix = "../a";
  EXPECT_EQ(fault(bad).fault, remote_fault::unusable);
}

}  // namespace
