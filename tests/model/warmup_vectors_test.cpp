// The vectors of spec/jobs.md D-A; 7 is in warmup_slot_test.cpp, the planning of 10 in warmup_plan_test.cpp.  Batches
// are warmed at 1 GiB a second.
#include "tests/model/warmup_world.h"

#include <algorithm>

namespace tabletd::test {
namespace {

using words = std::vector<std::string>;

bool has(const words& all, const std::string& one) { return std::ranges::find(all, one) != all.end(); }

std::vector<warmup_lane_plan> seed_plan() { return {lane_of(1, {4, 6, 9}), lane_of(2, {4, 8, 6})}; }

// 1. Split.
TEST(WarmupVectors, Split) {
  warmup_world world;
  const auto id = world.create(tables_to("d"), seed_plan());
  EXPECT_EQ(id, warmup_job_id{7});
  const auto& job = world.job(id);
  std::vector<std::vector<std::size_t>> shape;
  for (const auto& lane : *job.plan) {
    auto& batches = shape.emplace_back();
    for (const auto& b : lane.batches)
      batches.push_back(b.tablets.size());
  }
  EXPECT_EQ(shape, (std::vector<std::vector<std::size_t>>{{2, 1}, {1, 1, 1}}));
  EXPECT_EQ(job.state, warmup_state::pending);
  EXPECT_EQ(text_of(progress_of(job)), "Finished 0.00 GB / Total 37.00 GB");
}

// 2. Split edges: a job without batches.
TEST(WarmupVectors, NothingToWarm) {
  for (const auto& plan : {std::vector<warmup_lane_plan>{}, std::vector{lane_of(1, {})}}) {
    warmup_world world;
    const auto id = world.create(tables_to("d"), plan);
    world.look();
    EXPECT_EQ(world.job(id).state, warmup_state::finished);
    EXPECT_EQ(world.log, words{"W!(FINISHED)@0"});
    EXPECT_TRUE(world.sent.empty());
    EXPECT_EQ(text_of(progress_of(world.job(id))), "Finished 0.00 GB / Total 0.00 GB");
  }
}

// 3. Pipeline: 19 s, where a barrier between batches would take 25.
TEST(WarmupVectors, Pipeline) {
  warmup_world world;
  const auto id = world.create(tables_to("d"), seed_plan());
  world.look();
  std::map<std::int64_t, std::uint64_t> done_at;
  for (std::int64_t t = 1; t <= 20; ++t) {
    world.second();
    done_at[t] = progress_of(world.job(id)).bytes_done / gib;
  }
  EXPECT_EQ(world.log,
            (words{"Wb(2,0,4)@4", "Wb(1,0,10)@10", "Wb(2,1,8)@12", "Wb(2,2,6)@18", "Wb(1,1,9)@19", "W!(FINISHED)@19"}));
  EXPECT_EQ(done_at[11], 14U);
  EXPECT_EQ(done_at[12], 22U);
  EXPECT_EQ(done_at[18], 28U);
  EXPECT_EQ(done_at[19], 37U);
  EXPECT_TRUE(has(world.sent, "SET_BATCH(2,1)@4"));
  EXPECT_TRUE(has(world.sent, "SET_BATCH(1,1)@10"));
  EXPECT_EQ(text_of(progress_of(world.job(id))), "Finished 37.00 GB / Total 37.00 GB");
  for (const auto& [what, times] : world.begun)
    EXPECT_EQ(times, 1) << what;
  for (const auto b : {1U, 2U})
    EXPECT_EQ(raw(world.at(b).slot.holder(world.now)), 0U) << "cleared";
}

// 4. The leader dies between Wb(1,0) and SET_BATCH(1,1).
TEST(WarmupVectors, CrashBehindTheRecord) {
  warmup_world world;
  const auto id = world.create(tables_to("d"), seed_plan());
  world.look();
  world.run(9s);
  world.drops_set_batch = true;
  world.second();
  ASSERT_TRUE(has(world.log, "Wb(1,0,10)@10"));
  world.drops_set_batch = false;
  world.fail_over();
  world.run(40s);
  EXPECT_EQ(world.job(id).state, warmup_state::finished);
  EXPECT_TRUE(has(world.sent, "SET_BATCH(1,1)@11"));
  EXPECT_EQ(world.begun.size(), 5U);
  for (const auto& [what, times] : world.begun)
    EXPECT_EQ(times, 1) << what;
  EXPECT_EQ(std::ranges::count_if(world.log, [](const auto& l) { return l.starts_with("Wb"); }), 5);
}

// 5. The leader dies after the backend finished batch 0 and before the record.
TEST(WarmupVectors, CrashBeforeTheRecord) {
  warmup_world world;
  const auto id = world.create(tables_to("d"), seed_plan());
  world.look();
  world.loses_record = [](const batch_warmed& e) { return raw(e.backend) == 1; };
  world.run(10s);
  ASSERT_FALSE(has(world.log, "Wb(1,0,10)@10"));
  world.loses_record = nullptr;
  world.fail_over();
  world.run(11s);
  EXPECT_TRUE(has(world.log, "Wb(1,0,10)@11"));
  EXPECT_TRUE(has(world.sent, "SET_BATCH(1,1)@11"));
  world.run(30s);
  EXPECT_EQ(world.job(id).state, warmup_state::finished);
  EXPECT_EQ(world.begun["7:1,0"], 1);
}

// 6. BE2 restarts in batch 1.
TEST(WarmupVectors, ABackendRestarts) {
  warmup_world world;
  const auto id = world.create(tables_to("d"), seed_plan());
  world.look();
  world.run(8s);
  world.reboot(2);
  world.run(9s);
  EXPECT_TRUE(has(world.sent, "SET_JOB(2,1)@9"));
  EXPECT_TRUE(has(world.sent, "SET_BATCH(2,1)@9"));
  EXPECT_EQ(world.lanes.at({id, backend_id{2}}).model.restarts(), 1U);
  world.run(60s);
  EXPECT_EQ(world.job(id).state, warmup_state::finished);
  EXPECT_EQ(world.begun["7:2,1"], 2);
  EXPECT_EQ(std::ranges::count_if(world.log, [](const auto& l) { return l.starts_with("Wb(2,1"); }), 1);
}

// 8. Cancel, and CLEAR is lost on BE2, in the middle of a batch that is longer than the lease.
TEST(WarmupVectors, CancelWithLostClear) {
  warmup_world world;
  const auto seven = world.create(tables_to("d"), {lane_of(1, {4, 4}), lane_of(2, {150, 4})});
  world.look();
  const auto eight = world.create(tables_to("d"), {lane_of(1, {2}), lane_of(2, {3})});
  world.run(2s);
  EXPECT_EQ(world.job(eight).state, warmup_state::pending);
  world.at(2).loses_clear = true;
  world.cancel(seven);
  EXPECT_EQ(world.job(seven).err, "user cancel");
  EXPECT_EQ(raw(world.at(1).slot.holder(world.now)), 0U);
  EXPECT_EQ(world.at(2).slot.holder(world.now), seven);
  world.at(2).loses_clear = false;
  // Job 8 waits for BE2 without asking for its end, and nobody is cancelled for it.
  world.lanes.erase({seven, backend_id{2}});
  world.run(149s);
  EXPECT_EQ(world.job(eight).state, warmup_state::running);
  EXPECT_EQ(world.job(eight).lanes[0].warmed, 1U);
  EXPECT_EQ(world.lanes.at({eight, backend_id{2}}).model.waits_for(), seven);
  world.run(153s);
  EXPECT_EQ(world.job(eight).state, warmup_state::finished);
  EXPECT_EQ(world.log.back(), "W!(FINISHED)@153") << "150 for the batch of job 7, then 3";
  EXPECT_FALSE(has(world.log, "Wb(2,0,150)@150"));
}

TEST(WarmupVectors, CancelWithLostClearAndNothingRunning) {
  warmup_world world;
  const auto seven = world.create(tables_to("d"), {lane_of(2, {4, 4})});
  world.look();
  world.drops_set_batch = true;  // The leader hears of batch 0 at 4 and says no more.
  world.run(4s);
  world.drops_set_batch = false;
  world.at(2).loses_clear = true;
  world.cancel(seven);
  world.fail_over();
  const auto eight = world.create(tables_to("d"), {lane_of(2, {3})});
  world.run(123s);
  EXPECT_EQ(world.job(eight).lanes[0].warmed, 0U);
  EXPECT_EQ(world.begun.count("8:2,0"), 0U) << "its lease, renewed at 4, is not over";
  world.run(127s);
  EXPECT_EQ(world.log.back(), "W!(FINISHED)@127");
}

// 9. Limits.
TEST(WarmupVectors, Limits) {
  for (const auto when_busy : {warmup_when_busy::queue, warmup_when_busy::reject}) {
    warmup_ledger ledger;
    const auto run = [&](std::uint64_t id, const std::string& dst) {
      auto what = tables_to(dst);
      what.when_busy = when_busy;
      return apply(ledger, warmup_created{what, {lane_of(1, {4})}}, {log_index{id}, 1s});
    };
    ASSERT_TRUE(run(1, "d1").accepted());
    const auto begin = [&] {
      for (const auto& b : schedule(ledger, {}, 2s).begin)
        EXPECT_TRUE(apply(ledger, b, {log_index{100}, 2s}).accepted());
    };
    begin();
    if (when_busy == warmup_when_busy::reject)
      EXPECT_EQ(run(2, "d1"), (warmup_verdict{warmup_refusal::destination_busy, 1}));
    else
      EXPECT_TRUE(run(2, "d1").accepted());
    for (std::uint64_t id = 3; id <= 12; ++id)
      ASSERT_TRUE(run(id, "d" + std::to_string(id - 1)).accepted());
    begin();
    std::vector<std::uint64_t> running, pending;
    ledger.jobs.for_each([&](warmup_job_id id, const warmup_job& j) {
      (j.state == warmup_state::running ? running : pending).push_back(raw(id));
    });
    EXPECT_EQ(running, (std::vector<std::uint64_t>{1, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
    if (when_busy == warmup_when_busy::reject) {
      EXPECT_EQ(pending, std::vector<std::uint64_t>{12});
      continue;
    }
    EXPECT_EQ(schedule(ledger, {}, 3s).waiting,
              (std::vector<waiting_job>{{warmup_job_id{2}, "job 1 warms d1"}, {warmup_job_id{12}, "10 jobs run"}}));
    // After a restart the ledger is all there is, and it says who holds d1.
    const auto restarted = ledger;
    EXPECT_EQ(holder_of(restarted, "d1"), warmup_job_id{1});
    EXPECT_TRUE(schedule(restarted, {}, 4s).begin.empty());
    EXPECT_EQ(apply(ledger, warmup_begun{warmup_job_id{2}, 0, {}}, {log_index{101}, 4s}),
              (warmup_verdict{warmup_refusal::destination_busy, 1}));
    ASSERT_TRUE(
        apply(ledger, std::get<warmup_ended>(cancel_of(ledger, warmup_job_id{1})), {log_index{102}, 5s}).accepted());
    EXPECT_EQ(schedule(ledger, {}, 5s).begin, (std::vector<warmup_begun>{{warmup_job_id{2}, 0, std::nullopt}}));
    EXPECT_EQ(schedule(ledger, {}, 5s).waiting, (std::vector<waiting_job>{{warmup_job_id{12}, "10 jobs run"}}));
  }
}

// 10. The cache's disk is full during the download.
TEST(WarmupVectors, TabletsThatFail) {
  for (const auto on_error : {warmup_on_error::cancel, warmup_on_error::skip}) {
    warmup_world world;
    const auto id = world.create(tables_to("d", on_error), seed_plan());
    world.look();
    world.at(1).failed = 1;
    world.run(60s);
    const auto& job = world.job(id);
    if (on_error == warmup_on_error::cancel) {
      EXPECT_EQ(job.state, warmup_state::cancelled);
      EXPECT_EQ(job.err, "job fail: backend 1 could not warm 1 tablets: 1000");
      EXPECT_EQ(world.log.back(), "W!(CANCELLED)@10");
      EXPECT_EQ(job.lanes[0].warmed, 0U);
    } else {
      EXPECT_EQ(job.state, warmup_state::finished);
      EXPECT_EQ(job.err, "backend 1 could not warm 2 tablets: 1000 1002");
      EXPECT_EQ(progress_of(job).bytes_done, (1 + 1 + 18) * gib) << "what BE1 says is there, not what was planned";
    }
  }
}

}  // namespace
}  // namespace tabletd::test
