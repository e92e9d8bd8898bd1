// What a front end does with an ordered checkpoint, with an image offered, with an order to delete.
#include "actors/model/checkpoint_worker.h"
#include <gtest/gtest.h>

#include <algorithm>

namespace tabletd::model {
namespace {

/// Epoch 5, applied up to 100400, image 50000.
struct CheckpointWorker : testing::Test {
  checkpoint_worker w{
    .epoch = 5, .applied = 100'400, .logged = 0, .images = {{50'000, 10, 1}}, .running = {}, .last = {}, .greatest = {}};
  static constexpr attempt_id first{5, 1, 100'000};

  worker_effects feed(const worker_event& e) { return step(w, e); }
  /// The only thing said of an attempt, as this kind of answer; fails where it is another.
  template <class Answer>
  static Answer said(const worker_effects& effects) {
    std::vector<worker_answer> all;
    for (const auto& e : effects)
      if (const auto* s = std::get_if<say_of_attempt>(&e))
        all.push_back(s->answer);
    EXPECT_EQ(all.size(), 1u);
    if (all.empty() || !std::holds_alternative<Answer>(all.front())) {
      ADD_FAILURE() << "another answer";
      return {};
    }
    return std::get<Answer>(all.front());
  }
  template <class Effect>
  static std::size_t count(const worker_effects& effects) {
    return static_cast<std::size_t>(
      std::ranges::count_if(effects, [](const auto& e) { return std::holds_alternative<Effect>(e); }));
  }
  attempt_refusal refused(const attempt_id& a) { return said<attempt_refused>(feed(attempt_ordered{a})).why; }
};

TEST_F(CheckpointWorker, ReplaysSavesAndSaysWhatItMade) {
  const auto begun = feed(attempt_ordered{first});
  (void) said<attempt_accepted>(begun);
  EXPECT_EQ(count<begin_replay>(begun), 1u);
  feed(replay_progressed{first, 70'000});
  EXPECT_EQ(said<attempt_running>(feed(attempt_polled{first})).replayed, 70'000u);
  const auto replayed = feed(replay_ended{first, 100'000});
  ASSERT_EQ(count<save_image>(replayed), 1u);
  EXPECT_EQ(std::get<save_image>(replayed.front()).id, 100'000u);
  feed(save_progressed{first, 4'096});
  EXPECT_EQ(said<attempt_running>(feed(attempt_polled{first})).bytes_written, 4'096u);
  const image_mark made{100'000, 77, 9};
  EXPECT_EQ(said<attempt_done>(feed(image_saved{first, made})).image, made);
  EXPECT_EQ(said<attempt_done>(feed(attempt_polled{first})).image, made) << "a lost answer costs one poll";
  EXPECT_EQ(w.images, (std::vector<image_mark>{made, {50'000, 10, 1}}));
}

TEST_F(CheckpointWorker, RefusesByC2) {
  EXPECT_EQ(refused({4, 9, 100'000}), attempt_refusal::epoch);
  EXPECT_EQ(refused({6, 1, 100'000}), attempt_refusal::epoch) << "not heard of by consensus yet";
  EXPECT_EQ(refused({5, 1, 100'401}), attempt_refusal::ahead);
  EXPECT_EQ(refused({5, 1, 49'999}), attempt_refusal::too_small);
  EXPECT_FALSE(w.running);
}

struct EntriesOnTheirWay : CheckpointWorker {
  static constexpr attempt_id next{5, 1, 100'410};
  worker_effects ordered = [this] {
    feed(worker_logged{100'410});
    return feed(attempt_ordered{next});
  }();
};

TEST_F(EntriesOnTheirWay, WhatIsInTheLogIsWaitedForUntilItIsApplied) {
  (void) said<attempt_accepted>(ordered);
  EXPECT_EQ(count<await_entries>(ordered), 1u);
  EXPECT_EQ(count<begin_replay>(ordered), 0u);
  EXPECT_TRUE(feed(worker_applied{100'409}).empty());
  EXPECT_EQ(count<begin_replay>(feed(worker_applied{100'410})), 1u);
  EXPECT_TRUE(feed(worker_applied{100'411}).empty()) << "it begins once";
  EXPECT_TRUE(feed(entries_overdue{next}).empty()) << "it has begun";
}

TEST_F(EntriesOnTheirWay, WhoWaitsTooLongRefuses) {
  EXPECT_EQ(said<attempt_refused>(feed(entries_overdue{next})).why, attempt_refusal::ahead);
  EXPECT_EQ(said<attempt_refused>(feed(attempt_polled{next})).why, attempt_refusal::ahead);
  EXPECT_TRUE(feed(worker_applied{100'410}).empty()) << "another one makes it by now";
}

TEST_F(EntriesOnTheirWay, AnotherEpochEndsTheWaiting) {
  feed(worker_term_seen{6});
  EXPECT_EQ(said<attempt_failed>(feed(worker_applied{100'410})).kind, attempt_failure::epoch_outdated);
}

TEST_F(CheckpointWorker, AnImageThatIsHereIsDoneAtOnce) {
  const auto effects = feed(attempt_ordered{{5, 1, 50'000}});
  EXPECT_EQ(said<attempt_done>(effects).image, (image_mark{50'000, 10, 1}));
  EXPECT_EQ(count<begin_replay>(effects), 0u);
}

TEST_F(CheckpointWorker, ALaterAttemptTakesTheJobsPlaceAndAnEarlierOneDoesNot) {
  feed(attempt_ordered{first});
  const attempt_id second{5, 2, 100'200};
  const auto effects = feed(attempt_ordered{second});
  ASSERT_EQ(count<abandon_job>(effects), 1u);
  EXPECT_EQ(std::get<abandon_job>(effects.front()).attempt, first) << "before the new one begins";
  EXPECT_EQ(count<begin_replay>(effects), 1u);
  EXPECT_EQ(refused(first), attempt_refusal::overtaken);
  EXPECT_TRUE(feed(replay_ended{first, 100'000}).empty()) << "the abandoned job";
  (void) said<attempt_unknown>(feed(attempt_polled{first}));
}

TEST_F(CheckpointWorker, AnOrderThatComesTwiceBeginsOnce) {
  feed(attempt_ordered{first});
  const auto again = feed(attempt_ordered{first});
  (void) said<attempt_accepted>(again);
  EXPECT_EQ(count<begin_replay>(again), 0u);
  feed(replay_ended{first, 100'000});
  feed(image_saved{first, {100'000, 77, 9}});
  (void) said<attempt_done>(feed(attempt_ordered{first}));
}

TEST_F(CheckpointWorker, TheEpochIsCheckedBeforeAnythingIsWritten) {
  feed(attempt_ordered{first});
  feed(worker_term_seen{6});
  const auto effects = feed(replay_progressed{first, 60'000});
  EXPECT_EQ(said<attempt_failed>(effects).kind, attempt_failure::epoch_outdated);
  EXPECT_EQ(count<abandon_job>(effects), 1u);
  EXPECT_FALSE(w.running);
}

TEST_F(CheckpointWorker, TheEpochIsCheckedAfterTheReplay) {
  feed(attempt_ordered{first});
  feed(worker_term_seen{6});
  const auto effects = feed(replay_ended{first, 100'000});
  EXPECT_EQ(said<attempt_failed>(effects).kind, attempt_failure::epoch_outdated);
  EXPECT_EQ(count<save_image>(effects), 0u);
}

/// Vector 6, the other half: what was saved before the worker knew stays and serves the next leader.
TEST_F(CheckpointWorker, AnImageSavedAcrossAnElectionServesTheNextLeader) {
  feed(attempt_ordered{first});
  feed(replay_ended{first, 100'000});
  feed(worker_term_seen{6});
  EXPECT_TRUE(feed(image_saved{first, {100'000, 77, 9}}).empty()) << "there is nobody to tell";
  EXPECT_EQ(said<attempt_done>(feed(attempt_ordered{{6, 1, 100'000}})).image, (image_mark{100'000, 77, 9}));
}

TEST_F(CheckpointWorker, AFailureIsCleanedUpAndSaid) {
  feed(attempt_ordered{first});
  const auto effects = feed(job_failed{first, attempt_failure::disk_full, "no space left"});
  EXPECT_EQ(said<attempt_failed>(effects).kind, attempt_failure::disk_full);
  EXPECT_EQ(count<abandon_job>(effects), 1u);
  EXPECT_EQ(said<attempt_failed>(feed(attempt_polled{first})).why, "no space left");
  EXPECT_EQ(newest_id(w.images), 50'000u);
}

TEST_F(CheckpointWorker, AReplayThatEndsShortIsAFailure) {
  feed(attempt_ordered{first});
  (void) said<attempt_failed>(feed(replay_ended{first, 99'999}));
}

TEST_F(CheckpointWorker, ACancelledJobIsAbandonedOnce) {
  feed(attempt_ordered{first});
  EXPECT_EQ(count<abandon_job>(feed(attempt_cancelled{first})), 1u);
  EXPECT_TRUE(feed(attempt_cancelled{first}).empty());
}

TEST_F(CheckpointWorker, AnImageIsTakenByK9) {
  using enum image_verdict;
  const image_mark offered{100'000, 77, 9};
  EXPECT_EQ(judge_offer(w, {5, offered}), take);
  EXPECT_EQ(judge_offer(w, {4, offered}), old_epoch);
  EXPECT_EQ(judge_offer(w, {5, {49'000, 77, 9}}), lower);
  EXPECT_EQ(judge_offer(w, {5, {50'000, 10, 1}}), have);
  EXPECT_EQ(judge_offer(w, {5, {50'000, 10, 2}}), take) << "all members hold the same bytes";
  EXPECT_EQ(judge_offer(w, {5, {100'401, 77, 9}}), ahead);
  EXPECT_EQ(judge_offer(w, {5, {100'401, 77, 9}, true}), take) << "the journal between is gone";
}

/// Vector 8, with the check values of spec/jobs.md C9.
TEST_F(CheckpointWorker, WhatCameIsComparedBySizeAndChecksum) {
  const image_offer offer{5, {100'000, 36, 920'361'111}};
  using enum image_verdict;
  EXPECT_EQ(judge_received(w, offer, {100'000, 36, 920'361'111}), take);
  EXPECT_EQ(judge_received(w, offer, {100'000, 36, 3'269'807'839}), crc_differs);
  EXPECT_EQ(judge_received(w, offer, {100'000, 21, 920'361'111}), size_differs);
  feed(worker_term_seen{6});
  EXPECT_EQ(judge_received(w, offer, {100'000, 36, 920'361'111}), old_epoch) << "the transfer took its time";
}

TEST_F(CheckpointWorker, DeletesOnlyForThisEpochAndNeverWhatItNeedsItself) {
  EXPECT_EQ(judge_deletion(w, 5, 50'000, false), 0u) << "nothing to fall back to";
  feed(image_installed{{100'000, 77, 9}});
  EXPECT_EQ(judge_deletion(w, 5, 50'000, false), 50'000u);
  EXPECT_EQ(judge_deletion(w, 5, 99'000, false), 50'000u);
  EXPECT_EQ(judge_deletion(w, 5, 99'000, true), 99'000u);
  EXPECT_EQ(judge_deletion(w, 4, 50'000, false), 0u);
}

TEST_F(CheckpointWorker, AnImageThatReplacesTheStateIsTheOnlyOne) {
  feed(image_installed{{200'000, 1, 1}});
  EXPECT_EQ(w.images, (std::vector<image_mark>{{200'000, 1, 1}}));
  EXPECT_EQ(w.applied, 200'000u);
  EXPECT_EQ(judge_deletion(w, 5, 200'000, false), 0u);
}

} // namespace
} // namespace tabletd::model
