// What a warm-up does about a store that fails: it waits for one that is overloaded, and not for ever.
#include "node/be/store_patience.h"
#include "tests/node_be/warmed_tablet.h"
#include "tests/persistence/s3_server.h"

#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>

namespace tabletd::test {
namespace {

constexpr std::int64_t patience_ms = 60'000;

TEST(StorePatience, AStoreThatFailsRestsLongerAndLonger) {
  store_patience store(patience_ms);
  EXPECT_FALSE(store.is_resting(0));
  store.failed(1'000, 0, "busy");
  EXPECT_TRUE(store.is_resting(1'249));
  EXPECT_FALSE(store.is_resting(1'250));
  store.failed(1'100, 0, "busy");
  EXPECT_FALSE(store.is_resting(1'250)) << "calls that fail together are one reason";
  store.failed(2'000, 1'250, "busy");
  EXPECT_TRUE(store.is_resting(2'499));
  EXPECT_FALSE(store.is_resting(2'500));
  for (std::int64_t now = 3'000; now < 30'000; now += 5'000)
    store.failed(now, now - 500, "busy");
  EXPECT_TRUE(store.is_resting(31'999));
  EXPECT_FALSE(store.is_resting(32'000)) << "some seconds, not more";
  store.heard(32'000);
  store.failed(33'000, 32'500, "busy");
  EXPECT_FALSE(store.is_resting(33'250)) << "from the beginning";
}

TEST(StorePatience, ItIsAwayWhenItWasSilentForAllOfThePatience) {
  store_patience store(patience_ms);
  store.failed(3'000, 1'000, "busy");
  store.failed(60'999, 59'000, "busy");
  EXPECT_FALSE(store.is_away(60'999));
  EXPECT_FALSE(store.is_resting(61'000)) << "asked once more at the end";
  store.failed(61'000, 60'999, "gone");
  EXPECT_TRUE(store.is_away(61'000));
  EXPECT_EQ(store.why(), "gone");
  EXPECT_FALSE(store.is_away(71'000));
  store.failed(71'500, 71'000, "gone");
  EXPECT_FALSE(store.is_away(71'500)) << "patience begins anew";
}

TEST(StorePatience, AByteBeginsItAnew) {
  store_patience store(patience_ms);
  store.failed(3'000, 1'000, "busy");
  store.heard(50'000);
  store.failed(62'000, 2'000, "busy");
  EXPECT_FALSE(store.is_away(62'000)) << "somebody else has got something meanwhile";
  store.failed(110'000, 109'000, "busy");
  EXPECT_TRUE(store.is_away(110'000));
}

TEST_F(BackendWarmup, WhatWasRecalledHoldsNoRoom) {
  const auto held_by_warmups = [&] { return be->node().cache()->status()[0].holdings.bytes_in(block_queue::warm); };
  ASSERT_EQ(push_warm(*fe, {cooled()}).failed_tablets, 0U);
  ASSERT_GT(held_by_warmups(), 0U);
  auto recalled = conf.published->id;
  ++recalled.seq;
  EXPECT_EQ(push_warm(*fe, {{1, model::nothing_remote(recalled)}}).failed_tablets, 0U);
  EXPECT_EQ(held_by_warmups(), 0U);
}

/// Under a limit of bytes that makes a push of the tablet take a minute and a half.
struct BackendWarmupEnds : BackendWarmup {
  void SetUp() override {
    BackendWarmup::SetUp();
    limits.bytes_per_s = 1'000;
    restart();
  }
  auto begin_push(leader& of) {
    auto call = of.service().pushWarmRequest();
    call.setTerm(of.term());
    fill(call.initSources(), {cooled()});
    return std::make_optional(call.send());
  }
  template <class Work>
  static bool is_quick(const Work& work) {
    const auto before = std::chrono::steady_clock::now();
    work();
    return std::chrono::steady_clock::now() - before < std::chrono::seconds(20);
  }
};

TEST_F(BackendWarmupEnds, APushThatNobodyWaitsForEnds) {
  auto pushed = begin_push(*fe);
  EXPECT_EQ(state(*fe).boot, 99U) << "it has come";
  pushed.reset();
  EXPECT_TRUE(is_quick([&] { EXPECT_EQ(push_warm(*fe, {nothing(2)}).failed_tablets, 0U); }));
}

TEST_F(BackendWarmupEnds, APushOfAnEarlierLeaderEnds) {
  auto pushed = begin_push(*fe), waits = begin_push(*fe);
  EXPECT_EQ(state(*fe).boot, 99U);
  leader next(io, be->port());
  ASSERT_EQ(next.attach(7), "");
  EXPECT_TRUE(is_quick([&] { EXPECT_EQ(push_warm(next, {nothing(2)}).failed_tablets, 0U); }));
}

TEST_F(BackendWarmupEnds, ABatchGoesBeforePushesThatWait) {
  auto pushed = begin_push(*fe), waits = begin_push(*fe);
  EXPECT_EQ(set_job(*fe).verdict, slot_verdict::ok);
  EXPECT_EQ(set_batch(*fe, 0, {nothing(2)}).verdict, slot_verdict::ok);
  pushed.reset();
  EXPECT_TRUE(is_quick([&] { EXPECT_EQ(ended(*fe).done, 0); }));
}

/// Else what it had not reached would be missing, or said to be sound.
TEST_F(BackendWarmupEnds, AVerificationThatIsCutShortByAStopSaysNothing) {
  limits.bytes_per_s = 0;
  restart();
  ASSERT_EQ(push_warm(*fe, {cooled()}).failed_tablets, 0U);
  auto call = fe->service().verifyWarmRequest();
  fill(call.initSources(), std::vector<wanted>(20'000, cooled()));
  auto verdict = call.send();
  EXPECT_EQ(state(*fe).boot, 99U);
  be->stop();
  EXPECT_THROW(static_cast<void>(fe->wait(kj::mv(verdict))), kj::Exception);
}

struct BackendWarmupStore : BackendWarmup {
  s3_server server;
  /// What is in `shared` is in the server from now on, for a backend that has nothing in its cache.
  void move_into_s3() {
    for (const auto& object : objects()) {
      std::ifstream file(object, std::ios::binary);
      server.put_behind_the_back("root/" + std::filesystem::relative(object, shared).string(),
                                 {std::istreambuf_iterator<char>(file), {}});
    }
    const auto [id, secret, token] = s3_server::credentials();
    std::ofstream(dir / "credentials") << "aws_access_key_id = " << id << "\naws_secret_access_key = " << secret
                                       << "\naws_session_token = " << token << "\n";
    std::filesystem::permissions(dir / "credentials", std::filesystem::perms::owner_read);
    s3 = {{"endpoint", server.endpoint()},
          {"bucket", std::string(s3_server::bucket)},
          {"root_path", "root"},
          {"credentials_file", (dir / "credentials").string()}};
    limits.requests_max = 2;
    restart();
  }
};

/// The newer list of a tablet sends the older one away: what it named is not warm any more when the batch ends.
TEST_F(BackendWarmup, WhatLeftWhileTheRestCameIsNamed) {
  const auto older = cooled();
  fe->load(205, 5, 1, 10, {make_rows(900, 50, 5)});
  push(*fe, 10);
  fe->wait_until([&] { return conf.published->last_version == 5 && has_followed(*fe, conf.published->id); });
  limits.requests_max = 1;
  restart();
  const auto pushed = push_warm(*fe, {older, cooled(), nothing(2)});
  EXPECT_EQ(pushed.failed_tablets, 1U);
  EXPECT_NE(pushed.why.find("left the cache again"), std::string::npos) << pushed.why;
  EXPECT_EQ(push_warm(*fe, {cooled()}).failed_tablets, 0U);
}

TEST_F(BackendWarmupStore, AStoreThatIsOverloadedForSomeSecondsLosesNoTablet) {
  move_into_s3();
  server.trouble_ahead(".meta", {}, 7);  // A client gives up after six.
  server.trouble_ahead(".seg", {}, 20);
  const auto reply = warm(*fe, {cooled(), nothing(2)});
  EXPECT_EQ(reply.failed_tablets, 0U);
  EXPECT_EQ(reply.bytes_done, conf.published->bytes);
  EXPECT_EQ(verify(*fe, {cooled()}), (codec::cache_share{bytes_there(), 0, 0}));
}

TEST_F(BackendWarmupStore, AStoreThatStaysAwayFailsAllSoonAfterThePatience) {
  limits.patience = std::chrono::milliseconds(4'000);
  move_into_s3();
  server.trouble_ahead("", {}, 1'000'000);
  std::vector<wanted> many(50, cooled());
  for (std::uint64_t i = 0; i < many.size(); ++i)
    many[i].tablet = 1 + i;
  const auto before = std::chrono::steady_clock::now();
  const auto pushed = push_warm(*fe, many);
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_EQ(pushed.failed_tablets, many.size());
  EXPECT_GE(took, limits.patience);
  EXPECT_LT(took, limits.patience + std::chrono::seconds(5));
  EXPECT_NE(pushed.why.find("answered 503"), std::string::npos) << pushed.why;
}

}  // namespace
}  // namespace tabletd::test
