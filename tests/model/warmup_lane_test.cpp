// The leader's side of one backend (spec/jobs.md A7.3, W6, W7): each event in each state that matters.
#include "actors/model/warmup_lane.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;
using effects = lane_effects;

constexpr warmup_fence fence{5, warmup_job_id{7}, 1};

struct lane_rig {
  warmup_lane lane{fence, backend_id{3}};
  lane_facts facts{3, 0, 10, false, false, warmup_on_error::cancel};
  time_ms now{1'000s};
  std::uint64_t boot = 77;

  lane_effects say(const lane_event& event) { return lane.step(facts, event, now); }
  lane_effects tick() { return say(lane_ticked{}); }
  lane_effects reply(std::uint64_t request, slot_reply what) {
    what.boot = boot;
    return say(slot_replied{request, std::move(what)});
  }
  [[nodiscard]] static slot_reply own(std::int64_t cur, std::int64_t done, slot_verdict verdict = slot_verdict::ok) {
    slot_reply r;
    r.verdict = verdict;
    r.job = fence.job;
    r.run = fence.run;
    r.cur = cur;
    r.done = done;
    r.running = cur != done;
    return r;
  }
  [[nodiscard]] static slot_reply other(std::uint64_t job, slot_verdict verdict = slot_verdict::ok,
                                        warmup_run run = 0) {
    slot_reply r;
    r.verdict = verdict;
    r.job = warmup_job_id{job};
    r.run = run;
    return r;
  }
  [[nodiscard]] static slot_reply empty() { return {}; }
  /// Batch 0 runs; the last request was number 3.
  void begin() {
    ASSERT_EQ(tick(), effects{send_get{1}});
    ASSERT_EQ(reply(1, empty()), (effects{send_set_job{2, facts.warmed}}));
    ASSERT_EQ(reply(2, own(-1, -1)), (effects{send_set_batch{3, facts.warmed}}));
    ASSERT_EQ(reply(3, own(0, -1)), effects{});
  }
};

template <class Effect>
const Effect* first(const lane_effects& all) {
  for (const auto& e : all)
    if (const auto* found = std::get_if<Effect>(&e))
      return found;
  return nullptr;
}

TEST(WarmupLane, AWholeLife) {
  lane_rig rig;
  rig.begin();
  ASSERT_EQ(rig.tick(), effects{send_get{4}});
  EXPECT_EQ(rig.tick(), effects{}) << "one question at a time";
  EXPECT_EQ(rig.reply(4, rig.own(0, -1)), effects{}) << "it runs";
  ASSERT_EQ(rig.tick(), effects{send_get{5}});
  EXPECT_EQ(rig.reply(5, rig.own(0, 0)), (effects{propose_batch{{fence.job, fence.run, backend_id{3}, 0, 10, 0, {}}}}));
  EXPECT_EQ(rig.tick(), effects{}) << "nothing goes out before the record is in the log";
  rig.facts.warmed = 1;
  EXPECT_EQ(rig.say(batch_logged{0}), (effects{send_set_batch{6, 1}})) << "at once, without a tick";
  EXPECT_EQ(rig.reply(6, rig.own(1, 0)), effects{});
  rig.facts.warmed = 3;
  EXPECT_EQ(rig.tick(), effects{}) << "all is warm";
  rig.facts.over = true;
  EXPECT_EQ(rig.tick(), effects{send_clear{7}});
  EXPECT_FALSE(rig.lane.is_over());
  EXPECT_EQ(rig.reply(7, rig.empty()), effects{});
  EXPECT_TRUE(rig.lane.is_over());
  EXPECT_EQ(rig.tick(), effects{});
}

TEST(WarmupLane, AFoldHeardOfBeforeTheProposalsAnswer) {
  lane_rig rig;
  rig.begin();
  (void)rig.tick();
  ASSERT_NE(first<propose_batch>(rig.reply(4, rig.own(0, 0))), nullptr);
  EXPECT_EQ(rig.say(batch_logged{0}), effects{}) << "the catalog does not show it";
  rig.facts.warmed = 1;
  EXPECT_EQ(rig.tick(), (effects{send_set_batch{5, 1}}));
}

TEST(WarmupLane, WhatIsNotLoggedIsProposedAgain) {
  lane_rig rig;
  rig.begin();
  (void)rig.tick();
  ASSERT_NE(first<propose_batch>(rig.reply(4, rig.own(0, 0))), nullptr);
  EXPECT_EQ(rig.say(batch_not_logged{0}), effects{});
  EXPECT_EQ(rig.tick(), effects{send_get{5}});
  EXPECT_NE(first<propose_batch>(rig.reply(5, rig.own(0, 0))), nullptr);
}

// A15-1: idle is not finished.
TEST(WarmupLane, ARestartedBackendResumes) {
  lane_rig rig;
  rig.facts.warmed = 1;
  rig.begin();
  (void)rig.tick();
  rig.boot = 78;
  EXPECT_EQ(rig.reply(4, rig.empty()), (effects{send_set_job{5, 1}}));
  EXPECT_EQ(rig.lane.restarts(), 1U);
  EXPECT_EQ(rig.reply(5, rig.own(0, 0)), (effects{send_set_batch{6, 1}}));
}

TEST(WarmupLane, AnAnswerThatCameTooLateIsDropped) {
  lane_rig rig;
  rig.begin();
  (void)rig.tick();
  (void)rig.say(slot_silent{4});
  EXPECT_EQ(rig.reply(4, rig.own(0, 0)), effects{});
  rig.now += 20s;
  ASSERT_EQ(rig.tick(), effects{send_get{5}});
  EXPECT_EQ(rig.reply(3, rig.own(0, 0)), effects{});
  EXPECT_NE(first<propose_batch>(rig.reply(5, rig.own(0, 0))), nullptr);
}

TEST(WarmupLane, AnotherJobsSlotIsWaitedFor) {
  lane_rig rig;
  for (int i = 0; i < 50; ++i) {
    const auto asked = rig.tick();
    ASSERT_NE(first<send_get>(asked), nullptr);
    const auto request = first<send_get>(asked)->request;
    ASSERT_EQ(rig.reply(request, rig.other(6)), (effects{send_set_job{request + 1, 0}}));
    EXPECT_EQ(rig.reply(request + 1, rig.other(6, slot_verdict::busy)), effects{});
    EXPECT_EQ(rig.lane.waits_for(), warmup_job_id{6});
  }
  const auto request = first<send_get>(rig.tick())->request;
  (void)rig.reply(request, rig.empty());
  EXPECT_EQ(rig.reply(request + 1, rig.own(-1, -1)), (effects{send_set_batch{request + 2, 0}}));
  EXPECT_EQ(rig.lane.waits_for(), warmup_job_id{});
}

TEST(WarmupLane, AnEarlierRoundOfTheSameJobIsReplaced) {
  lane_rig rig;
  (void)rig.tick();
  EXPECT_EQ(rig.reply(1, rig.other(7, slot_verdict::ok, 0)), (effects{send_set_job{2, 0}}));
}

TEST(WarmupLane, AnotherBatchThatRunsIsWaitedFor) {
  lane_rig rig;
  rig.facts.warmed = 1;
  (void)rig.tick();
  EXPECT_EQ(rig.reply(1, rig.own(0, -1)), (effects{send_set_batch{2, 1}}));
  EXPECT_EQ(rig.reply(2, rig.own(0, -1, slot_verdict::not_finished)), effects{});
  EXPECT_EQ(rig.tick(), effects{send_get{3}});
}

TEST(WarmupLane, AStaleBatchTellsThatItIsDone) {
  lane_rig rig;
  (void)rig.tick();
  (void)rig.reply(1, rig.own(-1, -1));
  EXPECT_NE(first<propose_batch>(rig.reply(2, rig.own(0, 0, slot_verdict::stale_batch))), nullptr);
}

// W6.
TEST(WarmupLane, ThreeFailuresInARow) {
  lane_rig rig;
  std::uint64_t request = 0;
  const auto fail = [&] {
    rig.now += 20s;
    request = first<send_get>(rig.tick())->request;
    return rig.say(slot_silent{request});
  };
  EXPECT_EQ(fail(), effects{});
  EXPECT_EQ(rig.tick(), effects{}) << "it rests";
  EXPECT_EQ(fail(), effects{});
  rig.now += 20s;
  request = first<send_get>(rig.tick())->request;
  (void)rig.reply(request, rig.own(0, -1));
  EXPECT_EQ(fail(), effects{}) << "they were not in a row";
  EXPECT_EQ(fail(), effects{});
  const auto last = fail();
  ASSERT_NE(first<lane_failed>(last), nullptr);
  EXPECT_EQ(first<lane_failed>(last)->why, "backend 3 did not answer 3 times in a row");
  rig.now += 1h;
  EXPECT_EQ(rig.tick(), effects{});
  rig.facts.over = true;
  EXPECT_NE(first<send_clear>(rig.tick()), nullptr) << "it may still be there";
}

// W7.
TEST(WarmupLane, TabletsThatFailEndTheLaneOrAreLogged) {
  for (const auto on_error : {warmup_on_error::cancel, warmup_on_error::skip}) {
    lane_rig rig;
    rig.facts.on_error = on_error;
    rig.begin();
    (void)rig.tick();
    auto reply = rig.own(0, 0);
    reply.bytes_done = 6;
    reply.failed_tablets = 2;
    reply.named_tablets = {tablet_id{40}, tablet_id{41}};
    const auto came = rig.reply(4, reply);
    ASSERT_EQ(came.size(), 1U);
    if (on_error == warmup_on_error::cancel)
      EXPECT_EQ(first<lane_failed>(came)->why, "backend 3 could not warm 2 tablets: 40 41");
    else
      EXPECT_EQ(first<propose_batch>(came)->what,
                (batch_warmed{fence.job, fence.run, backend_id{3}, 0, 6, 2, reply.named_tablets}));
  }
}

/// Batch 0 is done but for one tablet, of which something else is published now.
lane_effects lose_one(lane_rig& rig, bool has_changed) {
  rig.begin();
  (void)rig.tick();
  auto reply = rig.own(0, 0);
  reply.boot = rig.boot;
  reply.bytes_done = 6;
  reply.failed_tablets = 1;
  reply.named_tablets = {tablet_id{40}};
  return rig.say(slot_replied{4, reply, has_changed});
}

TEST(WarmupLane, WhatChangedInTheMiddleOfABatchIsPushedBeforeItIsLogged) {
  lane_rig rig;
  EXPECT_EQ(lose_one(rig, true), (effects{send_push{5, {tablet_id{40}}}}));
  EXPECT_EQ(rig.tick(), effects{});
  EXPECT_EQ(rig.say(push_replied{4, 0, {}, false}), effects{}) << "another question's";
  EXPECT_EQ(rig.say(push_replied{5, 0, {}, false}), (effects{propose_batch{{fence.job, fence.run, backend_id{3}, 0, 10, 0, {}}}}));
}

TEST(WarmupLane, WhatFailsAsItIsPublishedIsAFailure) {
  lane_rig rig;
  EXPECT_NE(first<lane_failed>(lose_one(rig, false)), nullptr);

  lane_rig later;
  (void)lose_one(later, true);
  const auto came = later.say(push_replied{5, 1, {tablet_id{40}}, false});
  ASSERT_NE(first<lane_failed>(came), nullptr);
  EXPECT_EQ(first<lane_failed>(came)->why, "backend 3 could not warm 1 tablets: 40");

  lane_rig skips;
  skips.facts.on_error = warmup_on_error::skip;
  (void)lose_one(skips, true);
  EXPECT_EQ(skips.say(push_replied{5, 1, {tablet_id{40}}, false}),
            (effects{propose_batch{{fence.job, fence.run, backend_id{3}, 0, 6, 1, {tablet_id{40}}}}}));
}

TEST(WarmupLane, WhatChangesAgainAndAgainIsNotPushedForEver) {
  lane_rig rig;
  (void)lose_one(rig, true);
  for (std::uint64_t request = 5; request < 7; ++request)
    ASSERT_EQ(rig.say(push_replied{request, 1, {tablet_id{40}}, true}), (effects{send_push{request + 1, {tablet_id{40}}}}));
  EXPECT_NE(first<lane_failed>(rig.say(push_replied{7, 1, {tablet_id{40}}, true})), nullptr);
}

TEST(WarmupLane, APushThatIsNotAnsweredIsAFailedQuestion) {
  lane_rig rig;
  (void)lose_one(rig, true);
  EXPECT_EQ(rig.say(slot_silent{5}), effects{});
  EXPECT_EQ(rig.tick(), effects{}) << "it rests";
  rig.now += 20s;
  EXPECT_EQ(rig.tick(), effects{send_get{6}});
}

TEST(WarmupLane, LiveBytesAreOfTheNextBatchAndNoMoreThanItHas) {
  lane_rig rig;
  rig.begin();
  (void)rig.tick();
  auto reply = rig.own(0, -1);
  reply.bytes_done = 6;
  (void)rig.reply(4, reply);
  EXPECT_EQ(rig.lane.live_bytes(rig.facts), 6U);
  (void)rig.tick();
  reply.bytes_done = 60;
  (void)rig.reply(5, reply);
  EXPECT_EQ(rig.lane.live_bytes(rig.facts), 10U);
  rig.facts.warmed = 1;
  EXPECT_EQ(rig.lane.live_bytes(rig.facts), 0U) << "it is in the log";
}

TEST(WarmupLane, ALaterLeaderEndsIt) {
  lane_rig rig;
  (void)rig.tick();
  slot_reply stale;
  stale.verdict = slot_verdict::stale_epoch;
  stale.epoch_seen = 6;
  EXPECT_EQ(rig.reply(1, stale), effects{lane_deposed{6}});
  EXPECT_TRUE(rig.lane.is_over());
  EXPECT_EQ(rig.tick(), effects{});

  lane_rig clears;
  clears.facts.over = true;
  ASSERT_EQ(clears.tick(), effects{send_clear{1}});
  EXPECT_EQ(clears.reply(1, stale), effects{lane_deposed{6}});
  EXPECT_TRUE(clears.lane.is_over());
}

TEST(WarmupLane, ClearedThoughItLivesIsAnAlarm) {
  lane_rig rig;
  rig.begin();
  (void)rig.tick();
  (void)rig.reply(4, rig.empty());
  slot_reply cleared;
  cleared.verdict = slot_verdict::cleared;
  const auto came = rig.reply(5, cleared);
  EXPECT_NE(first<raise_alarm>(came), nullptr);
  EXPECT_NE(first<lane_failed>(came), nullptr) << "so that the job ends";
}

TEST(WarmupLane, AnEndInTheMiddleOfAQuestion) {
  lane_rig rig;
  rig.begin();
  ASSERT_EQ(rig.tick(), effects{send_get{4}});
  rig.facts.over = true;
  EXPECT_EQ(rig.tick(), effects{send_clear{5}});
  EXPECT_EQ(rig.reply(4, rig.own(0, 0)), effects{}) << "no record of a round that is over";
  EXPECT_FALSE(rig.lane.is_over());
}

TEST(WarmupLane, ClearIsSaidThreeTimes) {
  lane_rig rig;
  rig.facts.over = true;
  for (std::uint64_t request = 1; request <= 3; ++request) {
    ASSERT_EQ(rig.tick(), effects{send_clear{request}});
    EXPECT_EQ(rig.tick(), effects{});
    EXPECT_FALSE(rig.lane.is_over());
    (void)rig.say(slot_silent{request});
    EXPECT_EQ(rig.tick(), effects{}) << "it rests";
    rig.now += 20s;
  }
  EXPECT_TRUE(rig.lane.is_over()) << "the lease frees the slot";
}

TEST(WarmupLane, APauseLetsTheBatchInHandEnd) {
  lane_rig rig;
  rig.begin();
  rig.facts.paused = true;
  ASSERT_EQ(rig.tick(), effects{send_get{4}});
  EXPECT_EQ(rig.reply(4, rig.own(0, -1)), effects{});
  ASSERT_EQ(rig.tick(), effects{send_get{5}}) << "its end is not missed";
  ASSERT_NE(first<propose_batch>(rig.reply(5, rig.own(0, 0))), nullptr);
  rig.facts.warmed = 1;
  EXPECT_EQ(rig.say(batch_logged{0}), effects{}) << "and nothing new begins";
  rig.now += 1h;
  EXPECT_EQ(rig.tick(), effects{}) << "the backend's slot is let go";
  rig.facts.paused = false;
  EXPECT_EQ(rig.tick(), effects{send_get{6}});
  EXPECT_EQ(rig.reply(6, rig.empty()), (effects{send_set_job{7, 1}}));
}

TEST(WarmupLane, APausedLaneTakesNoFreeSlot) {
  lane_rig rig;
  rig.facts.paused = true;
  (void)rig.tick();
  EXPECT_EQ(rig.reply(1, rig.empty()), effects{});
  EXPECT_EQ(rig.tick(), effects{});
}

TEST(WarmupLane, FactsAreOfTheRound) {
  EXPECT_TRUE(facts_of(nullptr, 0, backend_id{1}).over);
  warmup_job job;
  job.state = warmup_state::running;
  job.run = 1;
  job.plan = std::make_shared<const std::vector<warmup_lane_plan>>(
      std::vector{warmup_lane_plan{backend_id{3}, {{{tablet_id{1}}, 10}, {{tablet_id{2}}, 20}}}});
  job.lanes = {{backend_id{3}, 1, 10, 0, {}}};
  const auto facts = facts_of(&job, 1, backend_id{3});
  EXPECT_FALSE(facts.over);
  EXPECT_EQ(facts.batches, 2U);
  EXPECT_EQ(facts.warmed, 1U);
  EXPECT_EQ(facts.next_bytes, 20U);
  EXPECT_TRUE(facts_of(&job, 0, backend_id{3}).over) << "an earlier round";
  EXPECT_TRUE(facts_of(&job, 1, backend_id{4}).over) << "a backend that has no part in it";
  job.state = warmup_state::cancelled;
  EXPECT_TRUE(facts_of(&job, 1, backend_id{3}).over);
}

}  // namespace
}  // namespace tabletd::model
