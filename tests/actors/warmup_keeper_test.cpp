// The backend's warmup_keeper in a frozen world: what it hands on, what it answers, whom it keeps waiting.  What the slot
// then says is tested in tests/model.
#include "actors/agent/warmup_keeper.h"
#include "actors/codec/backend_warmup_codec.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"

#include <optional>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;
using model::slot_verdict;

struct scripted_mover final : warmup_transport {
  void begin(warm_batch what, warmup_keeper_actor) override { begun.push_back(std::move(what)); }
  void stop(std::uint64_t generation) override { stopped.push_back(generation); }
  std::vector<warm_batch> begun;
  std::vector<std::uint64_t> stopped;
};

struct WarmupKeeper : actor_world {
  std::shared_ptr<scripted_mover> mover = std::make_shared<scripted_mover>();
  model::time_ms now{1'000'000};
  warmup_keeper_actor keeper;
  caf::scoped_actor self{sys};
  /// What the leader asks in its name.
  std::uint64_t epoch = 5, job = 40;

  void SetUp() override {
    keeper = spawn_child(&sys, warmup_keeper,
                         warmup_keeper_ports{mover, [this] { return now; }, 99, {.lease = 120s, .tombstones_max = 8}});
    settle();
  }
  void TearDown() override {
    urgent_exit(keeper, caf::exit_reason::user_shutdown);
    settle();
  }
  template <class Fill>
  sealed<wire::WarmupRequest> request(Fill fill) {
    return seal<wire::WarmupRequest>([&](auto to) {
      to.setEpoch(epoch);
      to.setJob(job);
      fill(to);
    });
  }
  using answer = std::optional<model::slot_reply>;
  /// The answer, if there is one yet.
  template <class Fill>
  answer ask(Fill fill) {
    send(fill);
    return heard();
  }
  template <class Fill>
  void send(Fill fill) {
    self->send(caf::actor_cast<caf::actor>(keeper), request(fill));
    settle();
  }
  answer heard() {
    answer got;
    self->receive([&](const sealed<wire::WarmupReply>& reply) { got = codec::decode_slot_reply(reply.get()); },
                  caf::after(0s) >> [] {});
    return got;
  }
  static void get(wire::WarmupRequest::Builder to) { to.getWhat().setGet(); }
  static auto get_within(std::uint32_t ms) {
    return [ms](wire::WarmupRequest::Builder to) {
      to.getWhat().setGet();
      to.setWaitMs(ms);
    };
  }
  static void clear(wire::WarmupRequest::Builder to) { to.getWhat().setClear(); }
  static auto set_job(std::uint32_t from) {
    return [from](wire::WarmupRequest::Builder to) { to.getWhat().setSetJob(from); };
  }
  /// Of tablets 1 and 2, whose metas are m1 and m2.
  static auto set_batch(std::uint32_t batch, bool forced = false) {
    return [batch, forced](wire::WarmupRequest::Builder to) {
      auto set = to.getWhat().initSetBatch();
      set.setBatch(batch);
      set.setForced(forced);
      auto tablets = set.initSources().initTablets(2);
      for (unsigned i = 0; i < 2; ++i) {
        tablets[i].setTablet(i + 1);
        tablets[i].setPartition(30);
        tablets[i].initMeta().setObject(i == 0 ? "m1" : "m2");
      }
    };
  }
  void begin(std::uint32_t batch = 0) {
    ASSERT_EQ(ask(set_job(batch))->verdict, slot_verdict::ok);
    ASSERT_EQ(ask(set_batch(batch))->verdict, slot_verdict::ok);
  }
  void end(std::uint64_t bytes, std::uint64_t failed = 0) {
    const auto& batch = mover->begun.back();
    caf::anon_send(keeper, warmup_batch_ended{{batch.generation, batch.batch, bytes, failed,
                                               failed > 0 ? std::vector{model::tablet_id{2}} : std::vector<model::tablet_id>{}}});
    settle();
  }
};

TEST_F(WarmupKeeper, ABatchIsHandedOnWithItsMetas) {
  EXPECT_EQ(ask(set_job(3))->done, 2);
  const auto reply = ask(set_batch(3, true));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->verdict, slot_verdict::ok);
  EXPECT_TRUE(reply->running);
  EXPECT_EQ(reply->boot, 99U);
  EXPECT_EQ(reply->epoch_seen, 5U);
  ASSERT_EQ(mover->begun.size(), 1U);
  const auto& batch = mover->begun[0];
  EXPECT_EQ(batch.batch, 3U);
  EXPECT_TRUE(batch.forced);
  ASSERT_EQ(batch.tablets.size(), 2U);
  EXPECT_EQ(batch.tablets[1].tablet, model::tablet_id{2});
  EXPECT_EQ(batch.tablets[1].partition, model::partition_id{30});
  EXPECT_EQ(batch.tablets[1].meta.object, "m2");
  EXPECT_EQ(ask(set_batch(3))->verdict, slot_verdict::dup);
  EXPECT_EQ(mover->begun.size(), 1U) << "it runs already";
}

TEST_F(WarmupKeeper, AReplySaysHowFarTheBatchIs) {
  begin();
  *mover->begun[0].bytes_done = 700;
  auto reply = ask(get);
  EXPECT_EQ(reply->bytes_done, 700U);
  EXPECT_TRUE(reply->running);
  end(900, 1);
  reply = ask(get);
  EXPECT_EQ(reply->bytes_done, 900U);
  EXPECT_EQ(reply->done, 0);
  EXPECT_FALSE(reply->running);
  EXPECT_EQ(reply->failed_tablets, 1U);
  EXPECT_EQ(reply->named_tablets, std::vector{model::tablet_id{2}});
  // The next one begins at nothing, whatever the last one had counted.
  ask(set_batch(1));
  EXPECT_EQ(ask(get)->bytes_done, 0U);
}

TEST_F(WarmupKeeper, AGetMayWaitForTheEnd) {
  EXPECT_TRUE(ask(get_within(10'000))) << "there is nothing to wait for";
  begin();
  EXPECT_FALSE(ask(get_within(10'000)));
  pass(5s);
  EXPECT_FALSE(heard());
  end(900);
  const auto reply = heard();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->done, 0);
  EXPECT_EQ(reply->bytes_done, 900U);
  pass(10s);
  EXPECT_FALSE(heard()) << "answered once";
}

TEST_F(WarmupKeeper, AGetWaitsNoLongerThanItSays) {
  begin();
  EXPECT_FALSE(ask(get_within(10'000)));
  *mover->begun[0].bytes_done = 300;
  pass(9'999ms);
  EXPECT_FALSE(heard());
  pass(1ms);
  const auto reply = heard();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->running);
  EXPECT_EQ(reply->bytes_done, 300U);
  EXPECT_FALSE(ask(get_within(4'000'000)));
  pass(60s);
  EXPECT_TRUE(heard()) << "a lease would be over";
}

/// The lease begins anew with the answer: its owner has been there all the time.
TEST_F(WarmupKeeper, AGetThatWaitedHasRenewedTheLease) {
  begin();
  EXPECT_FALSE(ask(get_within(50'000)));
  now += 50s;
  pass(50s);
  ASSERT_TRUE(heard());
  end(1);
  now += 100s;
  job = 41;
  EXPECT_EQ(ask(set_job(0))->verdict, slot_verdict::busy);
  now += 21s;
  EXPECT_EQ(ask(set_job(0))->verdict, slot_verdict::ok);
}

TEST_F(WarmupKeeper, ClearStopsTheBatchAndAnswersWhoWaits) {
  begin();
  EXPECT_FALSE(ask(get_within(10'000)));
  send(clear);
  EXPECT_EQ(mover->stopped, std::vector{mover->begun[0].generation});
  auto first = heard(), second = heard();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->job, model::warmup_job_id{0});
  EXPECT_EQ(second->job, model::warmup_job_id{0});
  end(900);  // Too late, and nobody's.
  const auto reply = ask(get);
  EXPECT_EQ(reply->job, model::warmup_job_id{0});
  EXPECT_EQ(reply->done, -1);
  EXPECT_EQ(ask(set_batch(1))->verdict, slot_verdict::cleared);
  EXPECT_EQ(mover->begun.size(), 1U);
}

TEST_F(WarmupKeeper, AnotherJobsEndIsNotThisOnes) {
  begin();
  const auto old = mover->begun[0];
  send(clear);
  ASSERT_TRUE(heard());
  job = 41;
  begin();
  caf::anon_send(keeper, warmup_batch_ended{{old.generation, old.batch, 5, 0, {}}});
  settle();
  EXPECT_TRUE(ask(get)->running);
  *old.bytes_done = 5'000;
  EXPECT_EQ(ask(get)->bytes_done, 0U);
}

TEST_F(WarmupKeeper, ADeposedLeaderIsTold) {
  begin();
  epoch = 4;
  EXPECT_EQ(ask(clear)->verdict, slot_verdict::stale_epoch);
  EXPECT_TRUE(mover->stopped.empty());
  EXPECT_TRUE(ask(get_within(10'000))) << "it is not kept waiting";
}

}  // namespace
}  // namespace tabletd::test
