// Warm-up through a session whose keeper follows a script: every statement, and every way it is refused.
#include "actors/codec/console_warmup_codec.h"
#include "actors/codec/edit_words.h"
#include "actors/model/warmup_serving.h"
#include "actors/model/warmup_report.h"
#include "tests/console/session_world.h"

#include <caf/typed_event_based_actor.hpp>

namespace tabletd {
namespace {

using model::raw;
using namespace std::chrono_literals;

constexpr std::uint64_t gib = 1ULL << 30;
const std::string jobs_head
    = "JobId|Src|Dst|Status|Type|SyncMode|CreateTime|StartTime|FinishBatch|AllBatch|FinishTime|Progress|Percent|Rate|ETA|"
      "FailedTablets|ErrMsg|Tables\n";
const std::string plan_head = "BackendId|Host|Tablets|Bytes|CacheBytes|ExcessBytes|Verdict\n";

/// A promise must be kept inside a turn of the actor that made it: tick_due says "now".
using held_desk_actor = warmup_desk_actor::extend<caf::reacts_to<tick_due>>;

struct ConsoleWarmUp : test::session_world {
  model::table_id orders{};
  std::vector<model::warmup_definition> planned; ///< What the keeper was asked.
  std::optional<model::warmup_not_planned> refuses;
  std::uint64_t cache_bytes = 10 * gib;          ///< Of each backend.
  std::vector<model::partition_id> hot;          ///< What any source has served.
  std::string verifies;                          ///< Why it does not; empty: it does.
  std::string silent;                            ///< Why the second backend does not verify; empty: it does.
  bool desk_holds = false;
  std::vector<caf::typed_response_promise<warmup_plan_answer>> held_plans;
  held_desk_actor planner;

  void SetUp() override {
    world.database("shop");
    world.add_backends(4);
    world.make_cluster("blue", {2, 3});
    world.make_cluster("green", {0, 1});
    orders = world.table("shop", "orders", 4, 2);
    world.load(orders, "a", 100);
    world.add_partition(orders, "p2", 4, 2);
    world.table("shop", "items", 1, 1);
    planner = sys.spawn([this](held_desk_actor::pointer self, int) { return desk(self); }, 0);
    warmup_desk = planner;
    session_world::SetUp();
  }
  void TearDown() override {
    held_plans.clear();
    urgent_exit(planner, caf::exit_reason::user_shutdown);
    warmup_desk = nullptr;
    planner = nullptr;
    session_world::TearDown();
  }
  held_desk_actor::behavior_type desk(held_desk_actor::pointer self) {
    return {[this, self](const warmup_plan_question& asked) {
              auto answer = self->make_response_promise<warmup_plan_answer>();
              planned.push_back(codec::edit_words::read(asked.get().getWhat()));
              if (desk_holds)
                held_plans.push_back(answer);
              else
                answer.deliver(codec::seal_planned(plan_of_job(planned.back())));
              return answer;
            },
            [this](const warmup_verify_question& asked) { return verified(model::warmup_job_id{asked.get().getJob()}); },
            [this](tick_due) {
              for (auto& answer : std::exchange(held_plans, {}))
                answer.deliver(codec::seal_planned(plan_of_job(planned.back())));
            }};
  }
  model::warmup_plan_result plan_of_job(const model::warmup_definition& what) {
    if (refuses)
      return *refuses;
    const auto serving = model::serving_backends(world.cat, what.dst);
    std::vector<model::warming_backend> backends;
    for (const auto b : serving)
      backends.push_back({b, cache_bytes});
    if (what.type == model::warmup_type::table)
      return model::plan_tables(what.dst, model::warming_tables(world.cat, what.targets, serving), backends, what.force);
    return model::plan_cluster(what.dst, model::warming_partitions(world.cat, hot, serving), backends);
  }
  warmup_verify_answer verified(model::warmup_job_id job) {
    return seal<wire::WarmupVerified>([&](auto to) {
      if (!verifies.empty())
        return to.setRefused(verifies);
      const auto& lanes = world.cat.warmup.jobs.find(job)->lanes;
      auto list = to.initLanes(static_cast<unsigned>(lanes.size()));
      for (unsigned i = 0; i < list.size(); ++i) {
        list[i].setBackend(raw(lanes[i].backend));
        list[i].setTablets(i + 1);
        if (i == 1 && !silent.empty())
          list[i].setSilent(silent);
        else
          codec::encode(codec::cache_share{600, 100, 300}, list[i].initShare());
      }
    });
  }
  /// Every tablet of the first partition has `bytes_each` in the store.
  void cool(std::uint64_t bytes_each) {
    for (std::uint32_t b = 0; b < 4; ++b)
      world.cool(orders, b, 2, bytes_each);
    publish_world();
  }
  std::uint64_t backend(std::size_t i) const { return raw(world.order[i]); }
  /// Id 0: there is none.
  const model::warmup_job& newest() {
    static const auto nothing = [] {
      model::warmup_job job;
      job.plan = std::make_shared<const std::vector<model::warmup_lane_plan>>();
      return job;
    }();
    const auto* found = &nothing;
    world.cat.warmup.jobs.for_each([&](model::warmup_job_id, const model::warmup_job& job) { found = &job; });
    return *found;
  }
  /// The answer is the id of the newest job, and then what else is said.
  void expect_created(const std::string& answer, const std::string& and_then = {}) {
    ASSERT_GT(world.cat.warmup.jobs.size(), 0U) << answer;
    EXPECT_EQ(answer, fmt::format("JobId\n{}\n", raw(newest().id)) + and_then);
  }
};

// -- creating ----------------------------------------------------------------------------

TEST_F(ConsoleWarmUp, TablesBecomeAJobWithItsLanes) {
  cool(gib);
  expect_created(run("WARM UP CLUSTER blue WITH TABLE shop.orders"));
  const auto& job = newest();
  EXPECT_EQ(raw(job.id), world.index) << "its id is the log index";
  EXPECT_EQ(job.what.targets, (std::vector<model::warmup_target>{{orders, {}}}));
  EXPECT_EQ(job.what.dst, "blue");
  ASSERT_EQ(job.plan->size(), 2u);
  EXPECT_EQ(model::progress_of(job).bytes_total, 4 * gib);
  EXPECT_EQ(planned.size(), 1u);
  EXPECT_FALSE(planned[0].force);
}

TEST_F(ConsoleWarmUp, BatchesAreAsLargeAsTheFrontEndSays) {
  cool(gib);
  cache_bytes = 100 * gib;
  auto small = ports();
  small.warmup_batch_bytes = gib;
  close();
  session = caf::actor_cast<console_session_actor>(sys.spawn(console_session, std::string{}, std::move(small)));
  expect_created(run("WARM UP CLUSTER blue WITH TABLE shop.orders"));
  std::size_t batches = 0;
  for (const auto& lane : *newest().plan)
    batches += lane.batches.size();
  EXPECT_EQ(batches, 4u);
}

TEST_F(ConsoleWarmUp, EveryWordReachesTheJob) {
  cool(gib);
  EXPECT_EQ(run("USE shop"), "done using database shop (0)\n");
  expect_created(run("WARM UP CLUSTER blue WITH TABLE orders PARTITION orders AND TABLE items FORCE "
                R"(PROPERTIES("sync_mode"="periodic", "sync_interval_sec"="60", "on_error"="skip", "when_busy"="reject"))"));
  const auto& what = newest().what;
  ASSERT_EQ(what.targets.size(), 2u);
  EXPECT_EQ(what.targets[0].partition, world.cat.tables.find(orders)->partitions[0].id);
  EXPECT_TRUE(what.force);
  EXPECT_EQ(what.sync, model::warmup_sync{model::sync_periodic{60s}});
  EXPECT_EQ(what.on_error, model::warmup_on_error::skip);
  EXPECT_EQ(what.when_busy, model::warmup_when_busy::reject);
  EXPECT_TRUE(newest().plan->empty()) << "each round is planned when it begins";
}

TEST_F(ConsoleWarmUp, AClusterFollowsAnother) {
  cool(gib);
  hot = {world.cat.tables.find(orders)->partitions[0].id};
  expect_created(run("WARM UP COMPUTE GROUP blue WITH COMPUTE GROUP green"));
  EXPECT_EQ(newest().what.src, "green");
  EXPECT_TRUE(newest().plan->empty());
  // The source is gone, but its heat is known.
  expect_created(run("WARM UP CLUSTER blue WITH CLUSTER gone"));
  refuses = model::warmup_not_planned{model::warmup_plan_refusal::source_unknown, "The srcClusterName gone doesn't exist, and ..."};
  EXPECT_EQ(run("WARM UP CLUSTER blue WITH CLUSTER gone"),
            "error [2] The srcClusterName gone doesn't exist, and ... | SHOW BACKENDS shows which clusters there are\n");
  refuses.reset();
  hot.clear();
  expect_created(run("WARM UP CLUSTER blue WITH CLUSTER green"),
                 "warning [5] 0 bytes: cluster green has served nothing yet that has cooled, so there is nothing to warm | WARM UP "
                 "CLUSTER ... WITH TABLE names what to warm\n");
}

TEST_F(ConsoleWarmUp, JobsOnEventsNeedNoPlan) {
  expect_created(run(R"(WARM UP CLUSTER blue WITH CLUSTER green PROPERTIES("sync_mode"="event_driven", "sync_event"="load"))"));
  EXPECT_TRUE(planned.empty());
  const auto first = raw(newest().id);
  EXPECT_EQ(run(R"(WARM UP CLUSTER blue WITH CLUSTER green PROPERTIES("sync_mode"="event_driven", "sync_event"="load"))"),
            fmt::format("error [3] WarmUpJob src='green', dst='blue', syncMode=EVENT_DRIVEN (LOAD) already has a runnable job: {0} | "
                        "CANCEL WARM UP JOB WHERE ID = {0} first, to replace it\n",
                        first));
  EXPECT_EQ(run(R"(WARM UP CLUSTER blue WITH CLUSTER gone PROPERTIES("sync_mode"="event_driven", "sync_event"="load"))"),
            "error [2] there is no cluster gone: no backend belongs to it | SHOW BACKENDS shows which there are\n");
}

TEST_F(ConsoleWarmUp, WhatIsMissingIsNamedInOrder) {
  EXPECT_EQ(run("WARM UP CLUSTER bleu WITH TABLE shop.nothing"),
            "error [2] there is no cluster bleu: no backend belongs to it | did you mean blue?\n");
  EXPECT_EQ(run("WARM UP CLUSTER blue WITH CLUSTER blue"),
            "error [4] The dstClusterName blue is same with srcClusterName | what a cluster serves is in its caches already; "
            "name another one to follow\n");
  EXPECT_EQ(run("WARM UP CLUSTER blue WITH TABLE shop.order"), "error [2] there is no table shop.order | did you mean orders?\n");
  EXPECT_NE(run("WARM UP CLUSTER blue WITH TABLE shop.orders PARTITION p3").find("p3"), std::string::npos);
  EXPECT_EQ(run("WARM UP CLUSTER blue WITH TABLE shop.orders AND TABLE shop.orders PARTITION p2"),
            "error [4] table shop.orders is named as a whole and by a partition | the whole has its partitions: leave them out\n");
  EXPECT_TRUE(planned.empty() && proposed.empty());
}

TEST_F(ConsoleWarmUp, OnlyWhoMayWriteMayWarm) {
  EXPECT_NE(run("WARM UP CLUSTER blue WITH TABLE shop.orders DRY RUN", false).find("may only read"), std::string::npos);
}

TEST_F(ConsoleWarmUp, NothingCooledIsSaidAndIsNoError) {
  expect_created(run("WARM UP CLUSTER blue WITH TABLE shop.items"),
                 "warning [5] 0 bytes: nothing of this has cooled, so there is nothing to warm | SHOW PROC '/cooldown' "
                        "shows what has\n");
}

TEST_F(ConsoleWarmUp, WhatDoesNotFitIsRefusedUnlessForced) {
  cool(gib);
  cache_bytes = gib / 2;
  const auto text = run("WARM UP CLUSTER blue WITH TABLE shop.orders");
  EXPECT_TRUE(text.starts_with("error [13] The cluster blue cache size is not enough: backend ")) << text;
  EXPECT_TRUE(text.ends_with(" more than its cache holds | FORCE warms as much as fits; DRY RUN shows what each backend would get; or "
                             "name fewer partitions\n")) << text;
  EXPECT_EQ(proposals<model::warmup_created>(), 0u);
  expect_created(run("WARM UP CLUSTER blue WITH TABLE shop.orders FORCE"));
  refuses = model::warmup_not_planned{model::warmup_plan_refusal::backend_too_small, "The cache size is not enough: backend 3 ..."};
  EXPECT_TRUE(run("WARM UP CLUSTER blue WITH TABLE shop.orders").starts_with("error [13] The cache size is not enough: backend 3 ... | FORCE"));
  refuses = model::warmup_not_planned{model::warmup_plan_refusal::capacity_unknown, "Backend 3 did not say how large its cache is"};
  EXPECT_EQ(run("WARM UP CLUSTER blue WITH TABLE shop.orders"),
            "error [8] Backend 3 did not say how large its cache is | see SHOW BACKENDS; every backend that is alive has to answer\n");
  refuses = model::warmup_not_planned{model::warmup_plan_refusal::no_cache, "No backend of blue has a file cache (cache.capacity_bytes)"};
  EXPECT_EQ(run("WARM UP CLUSTER blue WITH TABLE shop.orders FORCE"),
            "error [5] No backend of blue has a file cache (cache.capacity_bytes) | set cache.capacity_bytes on its backends, or "
            "free their disks\n");
}

TEST_F(ConsoleWarmUp, ADryRunShowsThePlanAndStartsNothing) {
  cool(gib);
  const auto text = run("WARM UP CLUSTER blue WITH TABLE shop.orders DRY RUN");
  const auto lanes = std::get<model::warmup_plan>(plan_of_job(planned.back())).lanes;
  ASSERT_EQ(lanes.size(), 2u);
  std::string rows;
  for (std::size_t i = 0; i < 2; ++i)
    rows += fmt::format("{}|h{}:9060|{}|{}|{}|0|fits\n", backend(i + 2), i + 3, lanes[i].tablets.size(), lanes[i].bytes, 10 * gib);
  EXPECT_EQ(text, plan_head + rows + fmt::format("-1|total|4|{}|{}|0|would be warmed\n", 4 * gib, 20 * gib));
  EXPECT_TRUE(proposed.empty());
}

TEST_F(ConsoleWarmUp, ADryRunSaysWhatWouldBeRefused) {
  cool(gib);
  cache_bytes = gib / 2;
  const auto text = run("WARM UP CLUSTER blue WITH TABLE shop.orders DRY RUN");
  EXPECT_NE(text.find("|refused without FORCE\n"), std::string::npos) << text;
  EXPECT_NE(text.find("|would be refused; FORCE warms as much as fits\n"), std::string::npos) << text;
  const auto forced = run("WARM UP CLUSTER blue WITH TABLE shop.orders FORCE DRY RUN");
  EXPECT_NE(forced.find("|does not fit: what finds no room fails\n"), std::string::npos) << forced;
  EXPECT_NE(forced.find("|would be warmed\n"), std::string::npos);
  EXPECT_TRUE(proposed.empty());
}

TEST_F(ConsoleWarmUp, WithoutAKeeperTheClientIsTold) {
  urgent_exit(planner, caf::exit_reason::kill);
  settle();
  const auto text = run("WARM UP CLUSTER blue WITH TABLE shop.orders");
  EXPECT_TRUE(text.starts_with("error [8] nobody looks after warm-up here: ")) << text;
  EXPECT_TRUE(text.ends_with(" | this front end may have stopped leading; connect again\n")) << text;
}

// -- one per destination -----------------------------------------------------------------

TEST_F(ConsoleWarmUp, ABusyClusterQueuesOrRejects) {
  cool(gib);
  run("WARM UP CLUSTER blue WITH TABLE shop.orders");
  const auto first = newest().id;
  world.fold(model::warmup_begun{first, 0, {}});
  publish_world();
  expect_created(run("WARM UP CLUSTER blue WITH TABLE shop.orders"));
  const auto taken = fmt::format("error [5] cluster blue is being warmed by job {0}, and this one shall not wait | SHOW WARM UP JOB "
                                 "WHERE ID = {0} shows how far it is; \"when_busy\"=\"queue\" waits for its turn\n",
                                 raw(first));
  const auto asked = planned.size();
  EXPECT_EQ(run(R"(WARM UP CLUSTER blue WITH TABLE shop.orders PROPERTIES("when_busy"="reject"))"), taken);
  EXPECT_EQ(planned.size(), asked) << "no backend was asked for that";
}

TEST_F(ConsoleWarmUp, WhatBecomesBusyWhileThePlanIsMadeIsRefusedByTheFold) {
  cool(gib);
  run("WARM UP CLUSTER blue WITH TABLE shop.orders");
  const auto first = newest().id;
  desk_holds = true;
  const auto slot = send(R"(WARM UP CLUSTER blue WITH TABLE shop.orders PROPERTIES("when_busy"="reject"))");
  ASSERT_FALSE(*slot);
  world.fold(model::warmup_begun{first, 0, {}});
  publish_world();
  ASSERT_EQ(held_plans.size(), 1u);
  caf::anon_send(planner, tick_due{});
  settle();
  ASSERT_TRUE(*slot);
  EXPECT_NE(test::shown((*slot)->get().getResult()).find(fmt::format("is being warmed by job {}", raw(first))), std::string::npos);
}

// -- what is said to jobs ----------------------------------------------------------------

TEST_F(ConsoleWarmUp, AJobIsPausedResumedAndCanceled) {
  cool(gib);
  run("WARM UP CLUSTER blue WITH TABLE shop.orders");
  const auto id = raw(newest().id);
  const auto say = [&](const std::string& word) { return run(fmt::format("{} WARM UP JOB WHERE ID = {}", word, id)); };
  EXPECT_EQ(say("RESUME"), fmt::format("done warm-up job {} is not paused: nothing to do (0)\n", id));
  EXPECT_EQ(say("PAUSE"), fmt::format("done paused warm-up job {}; batches under way end (1)\n", id));
  EXPECT_EQ(say("PAUSE"), fmt::format("done warm-up job {} is paused already: nothing to do (0)\n", id));
  EXPECT_NE(run("SHOW WARM UP JOB").find("|blue|PAUSED|"), std::string::npos);
  EXPECT_EQ(say("RESUME"), fmt::format("done resumed warm-up job {} (1)\n", id));
  EXPECT_EQ(say("CANCEL"), fmt::format("done canceled warm-up job {}; what is warm stays so (1)\n", id));
  EXPECT_EQ(newest().state, model::warmup_state::cancelled);
  EXPECT_EQ(newest().err, "user cancel");
  EXPECT_EQ(say("CANCEL"), "error [5] job can not be cancelled. State: CANCELLED | SHOW WARM UP JOB shows how it ended\n");
  EXPECT_EQ(say("PAUSE"), "error [5] job can not be paused. State: CANCELLED | SHOW WARM UP JOB shows how it ended\n");
  for (const char* word : {"CANCEL", "PAUSE", "RESUME", "VERIFY", "SHOW"})
    EXPECT_EQ(run(std::string{word} + " WARM UP JOB WHERE ID = 7"),
              "error [2] job id: 7 does not exist. | SHOW WARM UP JOB lists them; one that is over is forgotten after warmup.history_keep_s\n");
}

TEST_F(ConsoleWarmUp, CancelMeetsARoundThatHasJustBegun) {
  run(R"(WARM UP CLUSTER blue WITH TABLE shop.items PROPERTIES("sync_mode"="periodic", "sync_interval_sec"="60"))");
  const auto id = newest().id;
  world.fold(model::warmup_begun{id, 0, std::vector<model::warmup_lane_plan>{}});
  publish_world();
  // The session still sees round 0 when the log is in round 1.
  world.fold(model::warmup_ended{id, 0, model::warmup_state::pending, {}, {}});
  world.now += 61s;
  world.fold(model::warmup_begun{id, 1, std::vector<model::warmup_lane_plan>{}});
  EXPECT_EQ(run(fmt::format("CANCEL WARM UP JOB WHERE ID = {}", raw(id))).substr(0, 23), "done canceled warm-up j");
  EXPECT_EQ(proposals<model::warmup_ended>(), 2u) << "the first one was about a round that is over";
}

// -- what is shown -----------------------------------------------------------------------

TEST_F(ConsoleWarmUp, JobsAreShownNewestFirstWithTheBatchInHand) {
  cool(gib);
  run("WARM UP CLUSTER blue WITH TABLE shop.orders PARTITION orders");
  const auto first = newest().id;
  const auto created_at = world.now;
  run("WARM UP CLUSTER blue WITH TABLE shop.orders");
  const auto second = newest().id;
  world.fold(model::warmup_begun{first, 0, {}});
  const auto& lane = world.cat.warmup.jobs.find(first)->plan->at(0);
  ASSERT_FALSE(lane.batches.empty());
  publish_world();
  world.now += 10s;
  warming[{first, lane.backend}] = {gib, 2, {}, true, {}};
  const auto rows = run("SHOW WARM UP JOB");
  EXPECT_EQ(rows, jobs_head
                    + fmt::format("{}||blue|PENDING|TABLE|ONCE|@{}|-|0|{}|-|Finished 0.00 GB / Total 4.00 GB|0.0|-|-|0|waits for job {}, "
                                  "which warms blue|shop.orders\n",
                                  raw(second), created_at.count(), model::batches_of(*world.cat.warmup.jobs.find(second)).all, raw(first))
                    + fmt::format("{}||blue|RUNNING|TABLE|ONCE|@{}|@{}|0|{}|-|Finished 1.00 GB / Total 4.00 GB|25.0|{:.1f}|30000|0||"
                                  "shop.orders.orders\n",
                                  raw(first), created_at.count(), created_at.count(),
                                  model::batches_of(*world.cat.warmup.jobs.find(first)).all, static_cast<double>(gib) / 10));
  EXPECT_EQ(run(fmt::format("SHOW WARM UP JOB WHERE ID = {}", raw(first))), jobs_head + rows.substr(rows.find(fmt::format("{}||", raw(first)))));
  EXPECT_EQ(run("SHOW PROC '/warm_up'"), rows);
}

TEST_F(ConsoleWarmUp, AJobIsShownBackendByBackend) {
  cool(gib);
  run("WARM UP CLUSTER blue WITH TABLE shop.orders");
  const auto id = newest().id;
  world.fold(model::warmup_begun{id, 0, {}});
  const auto plan = newest().plan;
  std::vector<std::uint64_t> bytes;
  for (const auto& lane : *plan)
    bytes.push_back(lane.batches.empty() ? 0 : lane.batches[0].bytes);
  ASSERT_TRUE(bytes[0] > 0 && bytes[1] > 0) << "both get something";
  world.fold(model::batch_warmed{id, 0, plan->at(0).backend, 0, bytes[0], 0, {}});
  warming[{id, plan->at(1).backend}] = {512, 3, model::warmup_job_id{99}, false, "its slot is taken"};
  publish_world();
  EXPECT_EQ(run(fmt::format("SHOW PROC '/warm_up/{}'", raw(id))),
            "BackendId|Host|Status|FinishBatch|AllBatch|FinishedBytes|TotalBytes|LiveBytes|FailedTablets|Restarts|WaitsFor|Err\n"
              + fmt::format("{}|h3:9060|FINISHED|1|1|{}|{}|0|0|0||\n", backend(2), bytes[0], bytes[0])
              + fmt::format("{}|h4:9060|WAITING|0|1|0|{}|512|0|3|job 99|its slot is taken\n", backend(3), bytes[1]));
  EXPECT_NE(run("SHOW WARM UP JOB").find(fmt::format("|backend {}: its slot is taken|", backend(3))), std::string::npos);
  EXPECT_EQ(run("SHOW PROC '/warm_up/7'"), fmt::format("error [2] 7 is not below '/warm_up' | there are: {}\n", raw(id)));
}

TEST_F(ConsoleWarmUp, WhoWasSkippedInTheLastRoundIsNotSkippedInThisOne) {
  run(R"(WARM UP CLUSTER blue WITH TABLE shop.items PROPERTIES("sync_mode"="periodic", "sync_interval_sec"="60", "on_error"="skip"))");
  const auto id = newest().id;
  const model::backend_id who{backend(2)};
  const std::vector<model::warmup_lane_plan> lanes{{who, {{{model::tablet_id{1}}, 10}}}};
  world.fold(model::warmup_begun{id, 0, lanes});
  world.fold(model::warmup_ended{id, 0, model::warmup_state::pending, "it was mute", {{who, "it was mute"}}});
  publish_world();
  const auto row = [&] { return run(fmt::format("SHOW PROC '/warm_up/{}'", raw(id))); };
  EXPECT_NE(row().find("|SKIPPED|"), std::string::npos) << row();
  world.now += 61s;
  world.fold(model::warmup_begun{id, 1, lanes});
  publish_world();
  EXPECT_NE(row().find("|RUNNING|"), std::string::npos) << row();
  EXPECT_EQ(row().find("it was mute"), std::string::npos) << row();
}

TEST_F(ConsoleWarmUp, VerifyShowsWhatIsProven) {
  cool(gib);
  run("WARM UP CLUSTER blue WITH TABLE shop.orders");
  const auto id = raw(newest().id);
  const std::string head = "BackendId|Host|Tablets|Bytes|Warm|Damaged|Missing|Share|Err\n";
  EXPECT_EQ(run(fmt::format("VERIFY WARM UP JOB {}", id), false),
            head + fmt::format("{}|h3:9060|1|1000|600|100|300|60.0|\n{}|h4:9060|2|1000|600|100|300|60.0|\n", backend(2), backend(3))
              + "-1|total|3|2000|1200|200|600|60.0|\n");
  silent = "not linked";
  EXPECT_EQ(run(fmt::format("VERIFY WARM UP JOB WHERE ID = {}", id)),
            head + fmt::format("{}|h3:9060|1|1000|600|100|300|60.0|\n{}|h4:9060|2|-|-|-|-|-|not linked\n", backend(2), backend(3))
              + "-1|total|3|1000|600|100|300|60.0|1 of 2 backends did not answer: not counted\n");
  verifies = "no round of it has begun yet";
  EXPECT_EQ(run(fmt::format("VERIFY WARM UP JOB {}", id)),
            "error [5] no round of it has begun yet | SHOW WARM UP JOB shows how far it is\n");
}

// -- EXPORT ... USING CLUSTER ------------------------------------------------------------

TEST_F(ConsoleWarmUp, AnExportCarriesWhatTheClusterReads) {
  cool(gib);
  const auto slot = send("EXPORT TABLE shop.orders PARTITION (orders) TO '/f' USING CLUSTER blue", false);
  ASSERT_TRUE(*slot && (*slot)->get().isExportPlan());
  const auto plan = (*slot)->get().getExportPlan();
  ASSERT_EQ(plan.getTablets().size(), 4u);
  ASSERT_EQ(plan.getResources().size(), 1u);
  EXPECT_EQ(plan.getResources()[0].getProperties()[0].getValue(), "/mnt/cold");
  EXPECT_EQ(plan.getNote(), "");
  const auto first = plan.getTablets()[0];
  EXPECT_EQ(first.getPartition(), raw(world.cat.tables.find(orders)->partitions[0].id));
  ASSERT_TRUE(first.hasRemote());
  EXPECT_EQ(first.getRemote().getThrough(), 2u);
  EXPECT_EQ(first.getRemote().getMeta().getObject(), std::to_string(first.getTablet()) + ".meta");
  EXPECT_EQ(first.getRemote().getMeta().getResource(), plan.getResources()[0].getId());
  EXPECT_EQ(first.getRemote().getBackends().size(), 2u);

  const auto plain = send("EXPORT TABLE shop.orders TO '/f'", false);
  EXPECT_FALSE((*plain)->get().getExportPlan().getTablets()[0].hasRemote());
  EXPECT_EQ(run("EXPORT TABLE shop.orders TO '/f' USING CLUSTER bleu"),
            "error [2] there is no cluster bleu: no backend belongs to it | did you mean blue?\n");
}

}  // namespace
}  // namespace tabletd
