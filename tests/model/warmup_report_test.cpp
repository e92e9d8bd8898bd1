// What SHOW WARM UP JOB says of a job: figures a person can check by hand.
#include "actors/model/warmup_report.h"
#include "tests/model/console_world.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t gib = 1ULL << 30;

warmup_lane_plan lane(std::uint64_t backend, const std::vector<std::uint64_t>& batches_gib) {
  warmup_lane_plan out{backend_id{backend}, {}};
  for (const auto size : batches_gib)
    out.batches.push_back({{tablet_id{backend * 100 + out.batches.size()}}, size * gib});
  return out;
}

struct WarmupReport : ::testing::Test {
  warmup_ledger ledger;
  std::uint64_t index = 100;
  time_ms now{1'000'000'000};

  void does(const warmup_record& record) {
    const auto verdict = apply(ledger, record, {log_index{++index}, now});
    ASSERT_TRUE(verdict.accepted()) << static_cast<int>(verdict.why);
  }
  /// Two lanes of 10 + 9 and 4 + 8 + 6 GiB: the seed's example.
  warmup_job_id make(warmup_sync sync = sync_once{}) {
    warmup_definition what;
    what.type = warmup_type::table;
    what.dst = "blue";
    what.targets = {{table_id{1}, {}}};
    what.sync = sync;
    const std::vector<warmup_lane_plan> lanes{lane(1, {10, 9}), lane(2, {4, 8, 6})};
    does(warmup_created{what, is_planned_at_begin(what) ? std::vector<warmup_lane_plan>{} : lanes});
    return warmup_job_id{index};
  }
  const warmup_job& job(warmup_job_id id) { return *ledger.jobs.find(id); }
  warmup_pace pace(warmup_job_id id, std::uint64_t live = 0) { return pace_of(job(id), progress_of(job(id), live), now); }
};

TEST_F(WarmupReport, RateAndTimeLeftAreOfTheRoundWithoutItsPauses) {
  const auto id = make();
  EXPECT_EQ(status_word(job(id)), "PENDING");
  EXPECT_FALSE(pace(id).bytes_per_s) << "it has not begun";
  now += 1h;
  does(warmup_begun{id, 0, {}});
  EXPECT_EQ(pace(id).percent, 0);
  EXPECT_FALSE(pace(id).left) << "nobody knows yet how fast it is";
  now += 100s;
  does(batch_warmed{id, 0, backend_id{1}, 0, 10 * gib, 0, {}});
  EXPECT_DOUBLE_EQ(pace(id).percent, 1'000.0 / 37);
  EXPECT_DOUBLE_EQ(*pace(id).bytes_per_s, static_cast<double>(gib) / 10);
  EXPECT_EQ(*pace(id).left, 270s) << "27 GiB at 0.1 GiB/s";

  does(warmup_paused{id});
  now += 1h;
  EXPECT_EQ(status_word(job(id)), "PAUSED");
  EXPECT_DOUBLE_EQ(*pace(id).bytes_per_s, static_cast<double>(gib) / 10) << "a pause makes it no slower";
  EXPECT_FALSE(pace(id).left) << "nobody knows when it goes on";
  does(warmup_resumed{id});
  EXPECT_EQ(*pace(id).left, 270s);
}

TEST_F(WarmupReport, WhatIsInHandCountsButNeverBeyondTheTotal) {
  const auto id = make();
  does(warmup_begun{id, 0, {}});
  now += 100s;
  does(batch_warmed{id, 0, backend_id{1}, 0, 10 * gib, 0, {}});
  EXPECT_EQ(progress_of(job(id), 4 * gib), (warmup_progress{14 * gib, 37 * gib}));
  EXPECT_EQ(progress_of(job(id), 400 * gib), (warmup_progress{37 * gib, 37 * gib}));
  EXPECT_EQ(*pace(id, 10 * gib).left, 85s) << "17 GiB at 0.2 GiB/s";
}

TEST_F(WarmupReport, CountsOverAllLanes) {
  const auto id = make();
  does(warmup_begun{id, 0, {}});
  does(batch_warmed{id, 0, backend_id{1}, 0, 0, 1, {tablet_id{100}}});
  does(batch_warmed{id, 0, backend_id{2}, 0, 4 * gib, 0, {}});
  const auto sum = batches_of(job(id));
  EXPECT_EQ(sum.finished, 2u);
  EXPECT_EQ(sum.all, 5u);
  EXPECT_EQ(sum.failed_tablets, 1u);
  EXPECT_EQ(planned_bytes((*job(id).plan)[1]), 18 * gib);
}

TEST_F(WarmupReport, NothingToDoIsDoneWhenTheRoundIsOver) {
  warmup_definition what;
  what.type = warmup_type::table;
  what.dst = "blue";
  what.targets = {{table_id{1}, {}}};
  does(warmup_created{what, {}});
  const warmup_job_id id{index};
  EXPECT_EQ(pace(id).percent, 0);
  does(warmup_begun{id, 0, {}});
  EXPECT_EQ(pace(id).percent, 0);
  now += 1s;
  does(warmup_ended{id, 0, warmup_state::finished, {}, {}});
  EXPECT_EQ(pace(id).percent, 100);
  now += 1h;
  EXPECT_EQ(*pace(id).bytes_per_s, 0) << "the round's own time counts, not what came after";
}

TEST_F(WarmupReport, AWaitingJobSaysWhatFor) {
  const auto first = make();
  const auto second = make();
  EXPECT_EQ(waits_text(ledger, job(first), now), "");
  does(warmup_begun{first, 0, {}});
  EXPECT_EQ(waits_text(ledger, job(second), now), "waits for job 101, which warms blue");
  EXPECT_EQ(waits_text(ledger, job(first), now), "") << "it runs";

  warmup_definition often;
  often.type = warmup_type::cluster;
  often.src = "green";
  often.dst = "red";
  often.sync = sync_periodic{600s};
  does(warmup_created{often, {}});
  const warmup_job_id periodic{index};
  does(warmup_begun{periodic, 0, std::vector<warmup_lane_plan>{}});
  now += 30s;
  does(warmup_ended{periodic, 0, warmup_state::pending, {}, {}});
  EXPECT_EQ(waits_text(ledger, job(periodic), now), "the next round is due in 570 s") << "from start to start";
  EXPECT_EQ(waits_text(ledger, job(periodic), now + 570s), "");
}

TEST(WarmupTargets, AreNamedAsUsersDo) {
  test::console_world world;
  world.database("shop");
  world.add_backends(1);
  const auto orders = world.table("shop", "orders", 1, 1);
  const auto p2 = world.add_partition(orders, "y2024", 1, 1);
  warmup_definition what;
  what.targets = {{orders, {}}, {orders, p2}, {table_id{77}, {}}, {orders, partition_id{78}}};
  EXPECT_EQ(targets_text(world.cat, what),
            "shop.orders, shop.orders.y2024, dropped table 77, shop.orders.dropped partition 78");
}

}  // namespace
}  // namespace tabletd::model
