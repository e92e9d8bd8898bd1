// The backend's side, row by row (spec/jobs.md A7.3), and vector D-A 7.
#include "actors/model/warmup_slot.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;
using enum slot_verdict;

constexpr warmup_job_id no_job{}, seven{7}, eight{8};

struct slot_rig {
  warmup_slot slot;
  time_ms now{1'000'000};
  term epoch = 5;
  warmup_run run = 0;
  slot_answer last;
  std::uint64_t generation = 0;  ///< Of the batch begun last.

  explicit slot_rig(slot_options options = {}) : slot(77, options) {}

  slot_verdict say(warmup_job_id job, const decltype(slot_request::what)& what) {
    last = slot.step({{epoch, job, run}, what}, now);
    for (const auto& e : last.effects)
      if (const auto* begun = std::get_if<begin_batch>(&e))
        generation = begun->generation;
    return last.reply.verdict;
  }
  slot_verdict get(warmup_job_id job) { return say(job, get_slot{}); }
  slot_verdict set(warmup_job_id job, std::uint32_t from = 0) { return say(job, set_job{from}); }
  slot_verdict batch(warmup_job_id job, std::uint32_t b) { return say(job, set_batch{b, {tablet_id{b}}}); }
  slot_verdict clear(warmup_job_id job) { return say(job, clear_job{}); }
  bool end(std::uint32_t b) { return slot.end_batch({generation, b, 10, 0, {}}); }
  [[nodiscard]] bool did(slot_rule rule) const { return last.rules.test(static_cast<std::size_t>(rule)); }
  /// "7.0 cur 1 done 0": what the last reply said; "-" for a free slot.
  [[nodiscard]] std::string state() const {
    const auto& r = last.reply;
    if (raw(r.job) == 0)
      return "-";
    return std::to_string(raw(r.job)) + "." + std::to_string(r.run) + " cur " + std::to_string(r.cur) + " done "
           + std::to_string(r.done);
  }
};

TEST(WarmupSlot, Row0AnOlderEpochChangesNothing) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven), ok);
  rig.now += 119s;
  rig.epoch = 4;
  for (const auto& what : {decltype(slot_request::what)(get_slot{}), decltype(slot_request::what)(set_job{3}),
                           decltype(slot_request::what)(set_batch{0, {}}), decltype(slot_request::what)(clear_job{})}) {
    EXPECT_EQ(rig.say(seven, what), stale_epoch);
    EXPECT_EQ(rig.state(), "7.0 cur -1 done -1");
    EXPECT_EQ(rig.last.reply.epoch_seen, 5U);
    EXPECT_TRUE(rig.last.effects.empty());
    EXPECT_EQ(rig.last.rules.count(), 1U);
    EXPECT_TRUE(rig.did(slot_rule::stale_epoch));
  }
  EXPECT_EQ(rig.slot.holder(rig.now + 1s), no_job) << "it renews nothing";
}

TEST(WarmupSlot, Row0aANewerEpochIsNotedAndServed) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven), ok);
  rig.epoch = 9;
  EXPECT_EQ(rig.get(seven), ok);
  EXPECT_TRUE(rig.did(slot_rule::newer_epoch));
  EXPECT_TRUE(rig.did(slot_rule::get_own));
  EXPECT_EQ(rig.last.reply.epoch_seen, 9U);
}

TEST(WarmupSlot, Row0bASlotIsFreeWhenItsLeaseIsOverAndNothingRuns) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven), ok);
  rig.now += 120s - 1ms;
  EXPECT_EQ(rig.set(eight), busy);
  rig.now += 1ms;
  EXPECT_EQ(rig.slot.holder(rig.now), no_job);
  EXPECT_EQ(rig.set(eight), ok);
  EXPECT_TRUE(rig.did(slot_rule::lease_over));
  ASSERT_EQ(rig.batch(eight, 0), ok);
  rig.now += 1h;
  EXPECT_EQ(rig.set(seven), busy) << "a batch may end, whatever the lease says";
  EXPECT_EQ(rig.slot.holder(rig.now), eight);
  ASSERT_TRUE(rig.end(0));
  EXPECT_EQ(rig.set(seven), ok);
}

TEST(WarmupSlot, Row1GetOfTheOwnerRenews) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven), ok);
  rig.now += 100s;
  EXPECT_EQ(rig.get(seven), ok);
  EXPECT_TRUE(rig.did(slot_rule::get_own));
  rig.now += 119s;
  EXPECT_EQ(rig.slot.holder(rig.now), seven);
}

TEST(WarmupSlot, Row2GetOfAnotherRenewsNothing) {
  slot_rig rig;
  EXPECT_EQ(rig.get(seven), ok);
  EXPECT_EQ(rig.state(), "-");
  EXPECT_EQ(rig.last.reply.boot, 77U);
  ASSERT_EQ(rig.set(seven), ok);
  rig.now += 100s;
  EXPECT_EQ(rig.get(eight), ok);
  EXPECT_EQ(rig.state(), "7.0 cur -1 done -1");
  rig.run = 1;
  EXPECT_EQ(rig.get(seven), ok) << "another round is another's";
  EXPECT_TRUE(rig.did(slot_rule::get_other));
  EXPECT_EQ(rig.slot.holder(rig.now + 20s), no_job);
}

TEST(WarmupSlot, Row3AClearedRoundIsNotSetAgainInItsEpoch) {
  slot_rig rig;
  ASSERT_EQ(rig.clear(seven), ok);
  EXPECT_EQ(rig.set(seven), cleared);
  EXPECT_TRUE(rig.did(slot_rule::set_cleared));
  EXPECT_EQ(rig.state(), "-");
  rig.epoch = 6;
  EXPECT_EQ(rig.set(seven), ok) << "a later leader knows better";
}

TEST(WarmupSlot, Row4SetAgainRenewsOnly) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven, 2), ok);
  ASSERT_EQ(rig.batch(seven, 2), ok);
  rig.now += 100s;
  EXPECT_EQ(rig.set(seven, 9), ok);
  EXPECT_TRUE(rig.did(slot_rule::set_again));
  EXPECT_EQ(rig.state(), "7.0 cur 2 done 1");
  ASSERT_TRUE(rig.end(2));
  EXPECT_EQ(rig.slot.holder(rig.now + 119s), seven);
}

TEST(WarmupSlot, Row5ALaterRunOfTheSameJobTakesTheSlot) {
  slot_rig rig;
  ASSERT_EQ(rig.batch(seven, 0), ok);
  const auto generation = rig.generation;
  rig.run = 1;
  EXPECT_EQ(rig.set(seven, 3), ok);
  EXPECT_TRUE(rig.did(slot_rule::set_next_run));
  EXPECT_EQ(rig.state(), "7.1 cur 2 done 2");
  EXPECT_EQ(rig.last.effects, (std::vector<slot_effect>{stop_batch{generation}}));
  EXPECT_FALSE(rig.end(0)) << "what the old round's batch comes to";
  rig.run = 0;
  EXPECT_EQ(rig.set(seven), busy) << "an earlier run takes nothing";
  EXPECT_TRUE(rig.did(slot_rule::set_busy));
}

TEST(WarmupSlot, Row6AnotherJobWaits) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven), ok);
  EXPECT_EQ(rig.set(eight), busy);
  EXPECT_TRUE(rig.did(slot_rule::set_busy));
  EXPECT_EQ(rig.state(), "7.0 cur -1 done -1");
}

TEST(WarmupSlot, Row7AFreeSlotIsTaken) {
  slot_rig rig;
  EXPECT_EQ(rig.set(seven, 4), ok);
  EXPECT_TRUE(rig.did(slot_rule::set_free));
  EXPECT_EQ(rig.state(), "7.0 cur 3 done 3");
}

TEST(WarmupSlot, Row8AClearedRoundGetsNoBatchInItsEpoch) {
  slot_rig rig;
  ASSERT_EQ(rig.clear(seven), ok);
  EXPECT_EQ(rig.batch(seven, 1), cleared);
  EXPECT_TRUE(rig.did(slot_rule::batch_cleared));
  EXPECT_TRUE(rig.last.effects.empty());
  EXPECT_EQ(rig.slot.holder(rig.now), no_job);
}

TEST(WarmupSlot, Row9ABatchAloneBringsItsJob) {
  slot_rig rig;
  EXPECT_EQ(rig.batch(seven, 3), ok);
  EXPECT_TRUE(rig.did(slot_rule::batch_adopts));
  EXPECT_TRUE(rig.did(slot_rule::batch_begins));
  EXPECT_EQ(rig.state(), "7.0 cur 3 done 2");
  EXPECT_EQ(rig.last.effects, (std::vector<slot_effect>{begin_batch{rig.generation, seven, 0, 3, {tablet_id{3}}}}));
}

TEST(WarmupSlot, Row10ABatchOfAnotherJobIsRefused) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven), ok);
  rig.now += 100s;
  EXPECT_EQ(rig.batch(eight, 0), wrong_job);
  EXPECT_TRUE(rig.did(slot_rule::batch_wrong));
  EXPECT_EQ(rig.last.reply.job, seven);
  EXPECT_EQ(rig.slot.holder(rig.now + 20s), no_job) << "it renews nothing";
}

TEST(WarmupSlot, Row11ABatchThatIsDoneIsStale) {
  slot_rig rig;
  ASSERT_EQ(rig.batch(seven, 0), ok);
  ASSERT_TRUE(rig.end(0));
  rig.now += 100s;
  EXPECT_EQ(rig.batch(seven, 0), stale_batch);
  EXPECT_TRUE(rig.did(slot_rule::batch_stale));
  EXPECT_EQ(rig.last.reply.done, 0);
  EXPECT_TRUE(rig.last.effects.empty());
  EXPECT_EQ(rig.slot.holder(rig.now + 119s), seven);
}

TEST(WarmupSlot, Row12ABatchThatRunsIsNotBegunTwice) {
  slot_rig rig;
  ASSERT_EQ(rig.batch(seven, 0), ok);
  rig.now += 100s;
  EXPECT_EQ(rig.batch(seven, 0), dup);
  EXPECT_TRUE(rig.did(slot_rule::batch_dup));
  EXPECT_TRUE(rig.last.effects.empty());
  ASSERT_TRUE(rig.end(0));
  EXPECT_EQ(rig.slot.holder(rig.now + 119s), seven);
}

TEST(WarmupSlot, Row13ABatchWaitsForTheOneThatRuns) {
  slot_rig rig;
  ASSERT_EQ(rig.batch(seven, 0), ok);
  EXPECT_EQ(rig.batch(seven, 1), not_finished);
  EXPECT_TRUE(rig.did(slot_rule::batch_early));
  EXPECT_EQ(rig.last.reply.cur, 0);
  EXPECT_TRUE(rig.last.effects.empty());
}

TEST(WarmupSlot, Row14GapsAreLegal) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven), ok);
  EXPECT_EQ(rig.batch(seven, 5), ok);
  EXPECT_TRUE(rig.did(slot_rule::batch_begins));
  EXPECT_EQ(rig.state(), "7.0 cur 5 done -1");
  EXPECT_TRUE(rig.last.reply.running);
  ASSERT_TRUE(rig.end(5));
  EXPECT_EQ(rig.get(seven), ok);
  EXPECT_EQ(rig.state(), "7.0 cur 5 done 5");
}

// A15-3: the consumer that works on the old front takes the new job's batch for done.
TEST(WarmupSlot, Row15ClearFreesAndTheResultOfWhatRanIsNobodys) {
  slot_rig rig;
  ASSERT_EQ(rig.batch(seven, 0), ok);
  const auto generation = rig.generation;
  EXPECT_EQ(rig.clear(seven), ok);
  EXPECT_TRUE(rig.did(slot_rule::clear_own));
  EXPECT_EQ(rig.state(), "-");
  EXPECT_EQ(rig.last.effects, (std::vector<slot_effect>{stop_batch{generation}}));
  ASSERT_EQ(rig.batch(eight, 0), ok);
  EXPECT_NE(rig.generation, generation);
  EXPECT_FALSE(rig.slot.end_batch({generation, 0, 10, 0, {}}));
  ASSERT_EQ(rig.get(eight), ok);
  EXPECT_EQ(rig.state(), "8.0 cur 0 done -1");
}

TEST(WarmupSlot, Row16ClearOfAnotherLeavesATombstoneOnly) {
  slot_rig rig;
  ASSERT_EQ(rig.set(eight), ok);
  EXPECT_EQ(rig.clear(seven), ok);
  EXPECT_TRUE(rig.did(slot_rule::clear_other));
  EXPECT_EQ(rig.state(), "8.0 cur -1 done -1");
  ASSERT_EQ(rig.clear(eight), ok);
  EXPECT_EQ(rig.clear(eight), ok) << "said twice";
  EXPECT_EQ(rig.set(seven), cleared);
}

// D-A 7.
TEST(WarmupSlot, Duplicates) {
  slot_rig rig;
  ASSERT_EQ(rig.set(seven), ok);
  ASSERT_EQ(rig.batch(seven, 0), ok);
  ASSERT_TRUE(rig.end(0));
  ASSERT_EQ(rig.batch(seven, 1), ok);
  const auto same = "7.0 cur 1 done 0";
  EXPECT_EQ(rig.batch(seven, 1), dup);
  EXPECT_EQ(rig.state(), same);
  EXPECT_EQ(rig.batch(seven, 0), stale_batch);
  EXPECT_EQ(rig.state(), same);
  EXPECT_EQ(rig.batch(seven, 2), not_finished);
  EXPECT_EQ(rig.state(), same);
  EXPECT_EQ(rig.batch(eight, 0), wrong_job);
  EXPECT_EQ(rig.state(), same);
  EXPECT_EQ(rig.set(eight), busy);
  EXPECT_EQ(rig.set(seven, 0), ok);
  EXPECT_EQ(rig.state(), same);
  EXPECT_EQ(rig.clear(eight), ok);
  EXPECT_EQ(rig.state(), same);
  rig.epoch = 4;
  EXPECT_EQ(rig.clear(seven), stale_epoch);
  EXPECT_EQ(rig.state(), same);
  rig.epoch = 5;
  EXPECT_EQ(rig.clear(seven), ok);
  EXPECT_EQ(rig.batch(seven, 1), cleared);
  EXPECT_EQ(rig.state(), "-");
}

TEST(WarmupSlot, ATombstoneKeepsTheLatestEpochAndTheOldestGoes) {
  slot_rig rig({.lease = 120s, .tombstones_max = 2});
  ASSERT_EQ(rig.clear(seven), ok);
  rig.epoch = 6;
  ASSERT_EQ(rig.clear(seven), ok);
  EXPECT_EQ(rig.set(seven), cleared);
  ASSERT_EQ(rig.clear(eight), ok);
  EXPECT_EQ(rig.set(seven), cleared) << "it is there once";
  ASSERT_EQ(rig.clear(warmup_job_id{9}), ok);
  EXPECT_EQ(rig.set(eight), cleared);
  EXPECT_EQ(rig.set(seven), ok);
}

TEST(WarmupSlot, ATombstoneIsOfOneRun) {
  slot_rig rig;
  ASSERT_EQ(rig.clear(seven), ok);
  rig.run = 1;
  EXPECT_EQ(rig.set(seven), ok);
}

// W7.
TEST(WarmupSlot, RepliesSayHowFarItIsAndWhatFailed) {
  slot_rig rig;
  ASSERT_EQ(rig.batch(seven, 0), ok);
  rig.slot.note_progress(rig.generation, 6);
  rig.slot.note_progress(rig.generation, 4);
  ASSERT_EQ(rig.get(seven), ok);
  EXPECT_EQ(rig.last.reply.bytes_done, 6U);
  ASSERT_TRUE(rig.slot.end_batch({rig.generation, 0, 8, 2, {tablet_id{3}, tablet_id{4}}}));
  EXPECT_FALSE(rig.slot.end_batch({rig.generation, 0, 9, 0, {}})) << "it has ended";
  ASSERT_EQ(rig.get(seven), ok);
  EXPECT_EQ(rig.last.reply.bytes_done, 8U);
  EXPECT_EQ(rig.last.reply.failed_tablets, 2U);
  EXPECT_EQ(rig.last.reply.named_tablets.size(), 2U);
  ASSERT_EQ(rig.batch(seven, 1), ok);
  EXPECT_EQ(rig.last.reply.bytes_done, 0U);
  EXPECT_EQ(rig.last.reply.failed_tablets, 0U);
  EXPECT_TRUE(rig.last.reply.named_tablets.empty());
}

}  // namespace
}  // namespace tabletd::model
