// The fold of warm-up's records (spec/jobs.md W5): what contradicts is refused with a reason and changes nothing; and
// which jobs run, wait and end (W6, W8, W9, A10, A11, A13).
#include "tests/model/warmup_world.h"

#include <algorithm>

namespace tabletd::test {
namespace {

using enum warmup_refusal;

constexpr warmup_job_id seven{7};

struct ledger_rig {
  warmup_ledger ledger;
  time_ms now{1'000s};
  std::uint64_t next = 7;

  /// A refused record must change nothing.
  warmup_verdict say(const warmup_record& record) {
    const auto before = ledger;
    const auto verdict = apply(ledger, record, {log_index{next}, now});
    if (verdict.accepted())
      ++next;
    else
      EXPECT_TRUE(same(before, ledger));
    return verdict;
  }
  static bool same(const warmup_ledger& a, const warmup_ledger& b) {
    bool equal = a.jobs.size() == b.jobs.size();
    a.jobs.for_each([&](warmup_job_id id, const warmup_job& j) {
      const auto* other = b.jobs.find(id);
      equal = equal && other && *other == j;
    });
    return equal;
  }
  warmup_job_id create(const warmup_definition& what) {
    const bool planned = !is_planned_at_begin(what) && !is_event_driven(what.sync);
    const auto verdict = say(warmup_created{what, planned ? plan() : std::vector<warmup_lane_plan>{}});
    EXPECT_TRUE(verdict.accepted());
    return warmup_job_id{verdict.id};
  }
  static std::vector<warmup_lane_plan> plan() { return {lane_of(1, {4, 6, 9}), lane_of(2, {8})}; }
  void begin(warmup_job_id id = seven) {
    auto lanes = is_planned_at_begin(job(id).what) ? std::optional(plan()) : std::nullopt;
    ASSERT_TRUE(say(warmup_begun{id, job(id).run, std::move(lanes)}).accepted());
  }
  [[nodiscard]] const warmup_job& job(warmup_job_id id = seven) const { return *ledger.jobs.find(id); }
  warmup_verdict warmed(std::uint64_t backend, std::uint32_t batch, std::uint64_t bytes = 1, std::uint64_t failed = 0) {
    return say(batch_warmed{seven, job().run, backend_id{backend}, batch, bytes, failed, {}});
  }
  warmup_verdict ended(warmup_state how, std::vector<skipped_lane> skipped = {}, std::string err = {}) {
    return say(warmup_ended{seven, job().run, how, std::move(err), std::move(skipped)});
  }
};

warmup_definition cluster_to(const std::string& dst, warmup_sync sync = sync_once{}) {
  warmup_definition what;
  what.type = warmup_type::cluster;
  what.src = "s";
  what.dst = dst;
  what.sync = sync;
  return what;
}

TEST(WarmupRecords, ALife) {
  ledger_rig rig;
  ASSERT_EQ(rig.create(tables_to("d")), seven);
  EXPECT_EQ(rig.job().state, warmup_state::pending);
  rig.now += 5s;
  ASSERT_TRUE(rig.say(warmup_begun{seven, 0, std::nullopt}).accepted());
  EXPECT_EQ(rig.job().started, 1'005s);
  EXPECT_EQ(rig.warmed(1, 0, 10 * gib), (warmup_verdict{none, 7}));
  EXPECT_EQ(rig.warmed(2, 0, 3 * gib, 1), (warmup_verdict{none, 7}));
  EXPECT_EQ(rig.warmed(1, 1, 9 * gib), (warmup_verdict{none, 7}));
  EXPECT_EQ(progress_of(rig.job()), (warmup_progress{22 * gib, 27 * gib}));
  EXPECT_EQ(rig.job().lanes[1].failed_tablets, 1U);
  rig.now += 5s;
  EXPECT_TRUE(rig.ended(warmup_state::finished).accepted());
  EXPECT_EQ(rig.job().state, warmup_state::finished);
  EXPECT_EQ(rig.job().finished, 1'010s);
  EXPECT_TRUE(rig.say(warmup_forgotten{seven}).accepted());
  EXPECT_TRUE(rig.ledger.jobs.empty());
}

TEST(WarmupRecords, CreatedRefused) {
  ledger_rig rig;
  const auto created = [&](const warmup_definition& what, std::vector<warmup_lane_plan> plan = {}) {
    return rig.say(warmup_created{what, std::move(plan)}).why;
  };
  auto what = tables_to("d");
  what.targets.clear();
  EXPECT_EQ(created(what), definition_unsound);
  EXPECT_EQ(created(tables_to("")), definition_unsound);
  EXPECT_EQ(created(cluster_to("s")), definition_unsound) << "onto itself";
  EXPECT_EQ(created(cluster_to("d", sync_periodic{0s})), definition_unsound);
  EXPECT_EQ(created(tables_to("d"), {lane_of(2, {1}), lane_of(1, {1})}), plan_unsound);
  EXPECT_EQ(created(tables_to("d"), {lane_of(1, {1}), lane_of(1, {1})}), plan_unsound);
  EXPECT_EQ(created(tables_to("d"), {{backend_id{1}, {{{}, 0}}}}), plan_unsound);
  const warmup_batch most{{tablet_id{1}}, ~std::uint64_t(0)};
  EXPECT_EQ(created(tables_to("d"), {{backend_id{1}, {most, most}}}), plan_unsound);
  EXPECT_EQ(created(cluster_to("d"), {lane_of(1, {1})}), plan_misplaced);
  EXPECT_EQ(created(cluster_to("d", sync_on_event{}), {lane_of(1, {1})}), plan_misplaced);
  EXPECT_EQ(created(cluster_to("d", sync_periodic{60s})), none);
  EXPECT_EQ(created(cluster_to("d", sync_periodic{90s})), twin_exists);
  EXPECT_EQ(created(cluster_to("e", sync_periodic{90s})), none);
  EXPECT_EQ(created(cluster_to("d", sync_on_event{})), none);
  EXPECT_EQ(created(cluster_to("d")), none) << "jobs that run once may be many";
  EXPECT_EQ(created(cluster_to("d")), none);
}

TEST(WarmupRecords, BegunRefused) {
  ledger_rig rig;
  EXPECT_EQ(rig.say(warmup_begun{seven, 0, {}}).why, job_unknown);
  rig.create(cluster_to("d"));
  EXPECT_EQ(rig.say(warmup_begun{seven, 1, rig.plan()}), (warmup_verdict{run_differs, 0}));
  EXPECT_EQ(rig.say(warmup_begun{seven, 0, {}}).why, plan_misplaced) << "of a cluster, as it is now";
  EXPECT_EQ(rig.say(warmup_begun{seven, 0, std::vector{lane_of(2, {1}), lane_of(1, {1})}}).why, plan_unsound);
  ASSERT_TRUE(rig.say(warmup_paused{seven}).accepted());
  EXPECT_EQ(rig.say(warmup_begun{seven, 0, rig.plan()}).why, is_paused);
  ASSERT_TRUE(rig.say(warmup_resumed{seven}).accepted());
  rig.begin();
  EXPECT_EQ(rig.say(warmup_begun{seven, 0, rig.plan()}).why, not_pending);
  const auto second = rig.create(tables_to("d"));
  EXPECT_EQ(rig.say(warmup_begun{second, 0, {}}), (warmup_verdict{destination_busy, 7}));
  const auto elsewhere = rig.create(tables_to("e"));
  EXPECT_EQ(rig.say(warmup_begun{elsewhere, 0, rig.plan()}).why, plan_misplaced) << "the user has seen another";
}

TEST(WarmupRecords, EventDrivenJobsHoldNoDestination) {
  ledger_rig rig;
  rig.create(cluster_to("d", sync_on_event{}));
  ASSERT_TRUE(rig.say(warmup_begun{seven, 0, {}}).accepted());
  EXPECT_EQ(holder_of(rig.ledger, "d"), warmup_job_id{});
  const auto second = rig.create(tables_to("d"));
  rig.begin(second);
  EXPECT_EQ(holder_of(rig.ledger, "d"), second);
  EXPECT_EQ(rig.ended(warmup_state::finished).why, state_unsound) << "only a user ends it";
  EXPECT_TRUE(rig.ended(warmup_state::cancelled, {}, "user cancel").accepted());
}

TEST(WarmupRecords, BatchWarmedRefused) {
  ledger_rig rig;
  EXPECT_EQ(rig.say(batch_warmed{seven, 0, backend_id{1}, 0, 1, 0, {}}).why, job_unknown);
  rig.create(tables_to("d"));
  EXPECT_EQ(rig.warmed(1, 0).why, not_running);
  rig.begin();
  EXPECT_EQ(rig.say(batch_warmed{seven, 1, backend_id{1}, 0, 1, 0, {}}), (warmup_verdict{run_differs, 0}));
  EXPECT_EQ(rig.warmed(3, 0), (warmup_verdict{lane_unknown, 3}));
  EXPECT_EQ(rig.warmed(1, 2), (warmup_verdict{batch_unknown, 2}));
  EXPECT_EQ(rig.warmed(1, 1), (warmup_verdict{batch_out_of_order, 0}));
  EXPECT_EQ(rig.warmed(1, 0, 10 * gib + 1), (warmup_verdict{bytes_exceed_plan, 10 * gib}));
  EXPECT_EQ(rig.warmed(1, 0, 1, 3).why, failures_unsound);
  EXPECT_EQ(rig.say(batch_warmed{seven, 0, backend_id{1}, 0, 1, 0, {tablet_id{1}}}).why, failures_unsound);
  ASSERT_TRUE(rig.warmed(1, 0).accepted());
  EXPECT_EQ(rig.warmed(1, 0), (warmup_verdict{batch_out_of_order, 1})) << "never twice";
  ASSERT_TRUE(rig.ended(warmup_state::cancelled).accepted());
  EXPECT_EQ(rig.warmed(1, 1).why, job_over);
}

TEST(WarmupRecords, EndedRefused) {
  ledger_rig rig;
  rig.create(tables_to("d", warmup_on_error::cancel));
  EXPECT_EQ(rig.ended(warmup_state::finished).why, not_running);
  rig.begin();
  EXPECT_EQ(rig.ended(warmup_state::running).why, state_unsound);
  EXPECT_EQ(rig.ended(warmup_state::pending).why, state_unsound) << "it is not periodic";
  EXPECT_EQ(rig.ended(warmup_state::finished), (warmup_verdict{lane_unfinished, 1}));
  ASSERT_TRUE(rig.warmed(2, 0).accepted());
  EXPECT_EQ(rig.ended(warmup_state::finished, {{backend_id{1}, "dead"}}), (warmup_verdict{lane_unfinished, 1}))
      << "this job skips nobody";
  EXPECT_EQ(rig.say(warmup_ended{seven, 1, warmup_state::cancelled, {}, {}}).why, run_differs);
  EXPECT_EQ(rig.say(warmup_forgotten{seven}).why, job_not_over);
  ASSERT_TRUE(rig.ended(warmup_state::cancelled).accepted());
  EXPECT_EQ(rig.ended(warmup_state::cancelled).why, job_over);
}

TEST(WarmupRecords, WhoIsSkippedIsNamed) {
  ledger_rig rig;
  rig.create(tables_to("d", warmup_on_error::skip));
  rig.begin();
  ASSERT_TRUE(rig.warmed(2, 0).accepted());
  EXPECT_EQ(rig.ended(warmup_state::finished), (warmup_verdict{lane_unfinished, 1}));
  EXPECT_EQ(rig.ended(warmup_state::finished, {{backend_id{9}, "dead"}}), (warmup_verdict{lane_unknown, 9}));
  EXPECT_TRUE(rig.ended(warmup_state::finished, {{backend_id{1}, "dead"}}).accepted());
  EXPECT_EQ(rig.job().skipped, (std::vector<skipped_lane>{{backend_id{1}, "dead"}}));
}

TEST(WarmupRecords, RoundsOfAPeriodicJob) {
  ledger_rig rig;
  rig.create(cluster_to("d", sync_periodic{600s}));
  rig.begin();
  ASSERT_TRUE(rig.warmed(1, 0).accepted());
  EXPECT_EQ(rig.ended(warmup_state::finished).why, state_unsound);
  EXPECT_EQ(rig.ended(warmup_state::pending).why, lane_unfinished);
  EXPECT_TRUE(rig.ended(warmup_state::pending, {}, "job fail").accepted()) << "it failed";
  EXPECT_EQ(rig.job().run, 1U);
  EXPECT_EQ(rig.say(batch_warmed{seven, 0, backend_id{1}, 1, 1, 0, {}}).why, run_differs) << "of the round before";
  EXPECT_EQ(rig.say(warmup_begun{seven, 1, {}}).why, plan_misplaced) << "W9";
  rig.begin();
  EXPECT_EQ(progress_of(rig.job()).bytes_done, 0U) << "a new round";
}

TEST(WarmupRecords, PausesDoNotCount) {
  ledger_rig rig;
  EXPECT_EQ(rig.say(warmup_paused{seven}).why, job_unknown);
  rig.create(tables_to("d"));
  EXPECT_EQ(rig.say(warmup_resumed{seven}).why, not_paused);
  rig.begin();
  ASSERT_TRUE(rig.say(warmup_paused{seven}).accepted());
  EXPECT_EQ(rig.say(warmup_paused{seven}).why, is_paused);
  rig.now += 50s;
  ASSERT_TRUE(rig.say(warmup_resumed{seven}).accepted());
  EXPECT_EQ(rig.job().paused_for, 50s);
  ASSERT_TRUE(rig.say(warmup_paused{seven}).accepted());
  rig.now -= 10s;
  ASSERT_TRUE(rig.say(warmup_resumed{seven}).accepted());
  EXPECT_EQ(rig.job().paused_for, 50s) << "another leader's clock is behind";
  ASSERT_TRUE(rig.say(warmup_paused{seven}).accepted());
  ASSERT_TRUE(rig.ended(warmup_state::cancelled).accepted());
  EXPECT_FALSE(rig.job().paused) << "what is over is not paused";
  EXPECT_EQ(rig.say(warmup_paused{seven}).why, job_over);
  EXPECT_EQ(rig.say(warmup_resumed{seven}).why, job_over);
}

TEST(WarmupRecords, APauseOfTheLastRoundDoesNotCountInTheNext) {
  ledger_rig rig;
  rig.create(cluster_to("d", sync_periodic{600s}));
  rig.begin();
  ASSERT_TRUE(rig.say(warmup_paused{seven}).accepted());
  rig.now += 50s;
  ASSERT_TRUE(rig.say(warmup_resumed{seven}).accepted());
  ASSERT_TRUE(rig.ended(warmup_state::pending, {}, "job fail").accepted());
  rig.now += 600s;
  rig.begin();
  EXPECT_EQ(rig.job().paused_for, 0s);
  EXPECT_EQ(rig.job().finished, 0s) << "it runs again";
}

TEST(WarmupRecords, ManyFailuresAreCountedAndFewNamed) {
  ledger_rig rig;
  const warmup_batch batch{std::vector<tablet_id>(50, tablet_id{1}), 50};
  ASSERT_TRUE(rig.say(warmup_created{tables_to("d"), {{backend_id{1}, {batch, batch}}}}).accepted());
  ASSERT_TRUE(rig.say(warmup_begun{seven, 0, {}}).accepted());
  for (const std::uint32_t b : {0U, 1U})
    ASSERT_TRUE(rig.say(batch_warmed{seven, 0, backend_id{1}, b, 1, 15, std::vector(15, tablet_id{b})}).accepted());
  EXPECT_EQ(rig.job().lanes[0].failed_tablets, 30U);
  EXPECT_EQ(rig.job().lanes[0].named_tablets.size(), failed_tablets_named_max);
}

// -- jobs ----------------------------------------------------------------------------------

TEST(WarmupJobs, FirstComeFirstServedAndNobodyBlocksBehindABusyDestination) {
  ledger_rig rig;
  rig.create(tables_to("a"));
  rig.begin();
  const auto second = rig.create(tables_to("a")), third = rig.create(tables_to("b")),
             fourth = rig.create(tables_to("a"));
  EXPECT_EQ(schedule(rig.ledger, {}, rig.now).begin, (std::vector<warmup_begun>{{third, 0, {}}}));
  rig.begin(third);
  ASSERT_TRUE(rig.ended(warmup_state::cancelled).accepted());
  EXPECT_EQ(schedule(rig.ledger, {}, rig.now).begin, (std::vector<warmup_begun>{{second, 0, {}}}));
  ASSERT_TRUE(rig.say(warmup_paused{second}).accepted());
  const auto plan = schedule(rig.ledger, {}, rig.now);
  EXPECT_EQ(plan.begin, (std::vector<warmup_begun>{{fourth, 0, {}}})) << "a paused one lets others pass";
  EXPECT_EQ(plan.waiting, (std::vector<waiting_job>{{second, "paused"}}));
}

// Found by the simulation: two jobs may run, one does, a younger one's beginning is on its way.
TEST(WarmupJobs, WhatIsBeginningCountsAsIfItRan) {
  ledger_rig rig;
  rig.create(tables_to("a"));
  rig.begin();
  const auto older = rig.create(tables_to("b")), younger = rig.create(tables_to("c"));
  const auto plan = schedule(rig.ledger, {younger}, rig.now, {.running_max = 2});
  EXPECT_TRUE(plan.begin.empty());
  EXPECT_EQ(plan.waiting, (std::vector<waiting_job>{{older, "2 jobs run"}}));
  const auto same = rig.create(tables_to("c"));
  EXPECT_EQ(schedule(rig.ledger, {younger}, rig.now).begin, (std::vector<warmup_begun>{{older, 0, {}}}))
      << raw(same) << " waits for the destination";
}

TEST(WarmupJobs, AJobWhosePlanRestsHoldsUpNoYoungerOne) {
  ledger_rig rig;
  const auto older = rig.create(tables_to("a")), younger = rig.create(tables_to("a"));
  const auto plan = schedule(rig.ledger, {}, rig.now, {}, {older});
  EXPECT_EQ(plan.begin, (std::vector<warmup_begun>{{younger, 0, {}}}));
  EXPECT_EQ(plan.waiting, (std::vector<waiting_job>{{older, "its plan is made again soon"}}));
}

TEST(WarmupJobs, APausedJobThatRunsKeepsItsDestination) {
  ledger_rig rig;
  rig.create(tables_to("a"));
  rig.begin();
  ASSERT_TRUE(rig.say(warmup_paused{seven}).accepted());
  rig.create(tables_to("a"));
  EXPECT_TRUE(schedule(rig.ledger, {}, rig.now).begin.empty());
}

TEST(WarmupJobs, AtMostSoManyAndEventDrivenOnesDoNotCount) {
  ledger_rig rig;
  rig.create(cluster_to("a", sync_on_event{}));
  rig.create(tables_to("a")), rig.create(tables_to("b")), rig.create(tables_to("c"));
  const auto plan = schedule(rig.ledger, {}, rig.now, {.running_max = 2});
  EXPECT_EQ(plan.begin.size(), 3U);
  EXPECT_EQ(plan.waiting, (std::vector<waiting_job>{{warmup_job_id{10}, "2 jobs run"}}));
}

// A13: the interval counts from the start; a longer round is followed at once.
TEST(WarmupJobs, TheNextRoundIsDueAfterTheLastOnesStart) {
  ledger_rig rig;
  rig.create(cluster_to("d", sync_periodic{600s}));
  EXPECT_EQ(schedule(rig.ledger, {}, rig.now).begin.size(), 1U) << "the first at once";
  rig.begin();
  rig.now += 100s;
  ASSERT_TRUE(rig.ended(warmup_state::pending, {}, "job fail").accepted());
  EXPECT_EQ(schedule(rig.ledger, {}, 1'600s - 1ms).waiting,
            (std::vector<waiting_job>{{seven, "the next round is not due"}}));
  EXPECT_EQ(schedule(rig.ledger, {}, 1'600s).begin, (std::vector<warmup_begun>{{seven, 1, {}}}));
}

TEST(WarmupJobs, HistoryExpires) {
  ledger_rig rig;
  rig.create(tables_to("d"));
  rig.begin();
  EXPECT_TRUE(schedule(rig.ledger, {}, rig.now + std::chrono::days(99)).forget.empty());
  ASSERT_TRUE(rig.ended(warmup_state::cancelled).accepted());
  EXPECT_TRUE(schedule(rig.ledger, {}, rig.now + std::chrono::days(7) - 1ms).forget.empty());
  EXPECT_EQ(schedule(rig.ledger, {}, rig.now + std::chrono::days(7)).forget, (std::vector<warmup_forgotten>{{seven}}));
}

TEST(WarmupJobs, HowARoundEnds) {
  for (const bool periodic : {false, true}) {
    for (const auto on_error : {warmup_on_error::cancel, warmup_on_error::skip}) {
      ledger_rig rig;
      auto what = periodic ? cluster_to("d", sync_periodic{600s}) : tables_to("d");
      what.on_error = on_error;
      rig.create(what);
      rig.begin();
      EXPECT_EQ(ending_of(rig.job(), {}, rig.now), std::nullopt);
      ASSERT_TRUE(rig.warmed(2, 0).accepted());
      EXPECT_EQ(ending_of(rig.job(), {{backend_id{2}, "late"}}, rig.now), std::nullopt) << "that lane is warm";
      const auto end = ending_of(rig.job(), {{backend_id{1}, "backend 1 is dead"}}, rig.now);
      ASSERT_TRUE(end);
      const bool skips = on_error == warmup_on_error::skip;
      EXPECT_EQ(end->how, periodic ? warmup_state::pending : skips ? warmup_state::finished : warmup_state::cancelled);
      EXPECT_EQ(end->err, skips ? "backend 1 is dead" : "job fail: backend 1 is dead");
      EXPECT_EQ(end->skipped.size(), skips ? 1U : 0U);
      EXPECT_TRUE(rig.say(*end).accepted());
    }
  }
}

TEST(WarmupJobs, APeriodicRoundWithoutLanesWasNotPlanned) {
  ledger_rig rig;
  rig.create(cluster_to("d", sync_periodic{600s}));
  ASSERT_TRUE(rig.say(warmup_begun{seven, 0, std::vector<warmup_lane_plan>{}}).accepted());
  const auto end = ending_of(rig.job(), {}, rig.now);
  ASSERT_TRUE(end);
  EXPECT_EQ(*end, (warmup_ended{seven, 0, warmup_state::pending, "job fail: the round could not be planned", {}}));
  EXPECT_TRUE(rig.say(*end).accepted());
}

TEST(WarmupJobs, ASkippedLaneWaitsForTheOthers) {
  ledger_rig rig;
  rig.create(tables_to("d", warmup_on_error::skip));
  rig.begin();
  EXPECT_EQ(ending_of(rig.job(), {{backend_id{1}, "dead"}}, rig.now), std::nullopt);
}

TEST(WarmupJobs, Timeouts) {
  ledger_rig rig;
  rig.create(tables_to("d"));
  const warmup_options options{.timeout = 100s};
  EXPECT_EQ(ending_of(rig.job(), {}, rig.now + 1h, options), std::nullopt) << "it has not begun";
  rig.now += 1h;
  rig.begin();
  EXPECT_EQ(ending_of(rig.job(), {}, rig.now + 99s, options), std::nullopt);
  ASSERT_TRUE(rig.say(warmup_paused{seven}).accepted());
  EXPECT_EQ(ending_of(rig.job(), {}, rig.now + 1h, options), std::nullopt);
  rig.now += 50s;
  ASSERT_TRUE(rig.say(warmup_resumed{seven}).accepted());
  EXPECT_EQ(ending_of(rig.job(), {}, rig.now + 99s, options), std::nullopt);
  const auto end = ending_of(rig.job(), {}, rig.now + 100s, options);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->how, warmup_state::cancelled);
  EXPECT_EQ(end->err, "Timeout");
}

TEST(WarmupJobs, CancelByAUser) {
  ledger_rig rig;
  EXPECT_EQ(std::get<std::string>(cancel_of(rig.ledger, seven)), "job id: 7 does not exist.");
  rig.create(cluster_to("d", sync_periodic{600s}));
  const auto end = std::get<warmup_ended>(cancel_of(rig.ledger, seven));
  EXPECT_EQ(end, (warmup_ended{seven, 0, warmup_state::cancelled, "user cancel", {}}));
  ASSERT_TRUE(rig.say(end).accepted());
  EXPECT_EQ(std::get<std::string>(cancel_of(rig.ledger, seven)), "job can not be cancelled. State: CANCELLED");
}

}  // namespace
}  // namespace tabletd::test
