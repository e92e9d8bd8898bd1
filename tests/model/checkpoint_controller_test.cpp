// The vectors of spec/jobs.md D-C, by number; the eleventh is group commit and stands with
// tests/journal/next_transaction_test.cpp.
#include "tests/model/checkpoint_rig.h"

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;
using deleted = std::map<node_id, std::uint64_t>;

struct CheckpointVectors : checkpoint_rig {
  CheckpointVectors() { lead(5); }
};

TEST_F(CheckpointVectors, V01Trigger) {
  scene();
  EXPECT_TRUE(all<start_attempt>(pass(options.settle - 1ms)).empty()) << "members are still being heard of";
  const auto begun = pass(1ms);
  EXPECT_EQ(only<start_attempt>(begun).attempt, (attempt_id{5, 1, 100'000}));
  EXPECT_EQ(only<record_attempt>(begun).attempt, (attempt_id{5, 1, 100'000}));
}

TEST_F(CheckpointVectors, V01NothingFinalizedIsAMatterOfTime) {
  const auto see_l = [&](std::uint64_t applied) { see(L, 10, applied, {}); };
  see_l(40'000);
  EXPECT_TRUE(all<start_attempt>(pass(59min)).empty());
  EXPECT_EQ(only<start_attempt>(pass(1min)).attempt, (attempt_id{5, 1, 40'000})) << "K7";
}

TEST_F(CheckpointVectors, V02Choice) {
  scene();
  EXPECT_EQ(c->candidates(), (std::vector{F1, F2, L}));
  next_round();
  // F1 answers "epoch": F2 in the same round.
  const auto next = say(F1, attempt_on(F1), attempt_refused{attempt_refusal::epoch});
  EXPECT_EQ(only<start_attempt>(next).member, F2);
  EXPECT_EQ(c->candidates(), (std::vector{F1, F2, L})) << "a refusal is no failure";
  say(F2, attempt_on(F2), attempt_failed{});
  EXPECT_EQ(c->candidates(), (std::vector{F1, L, F2}));
  next_round();
  say(F1, attempt_on(F1), attempt_failed{});
  EXPECT_EQ(c->candidates(), (std::vector{L, F2, F1}));
}

TEST_F(CheckpointVectors, V02TheLongestForgottenFailureFirst) {
  scene();
  const auto fail_on = [&](node_id member) {
    feed(checkpoint_asked{1, member});
    say(member, attempt_on(member), attempt_failed{});
  };
  fail_on(F1);
  now += 10s;
  fail_on(F2);
  EXPECT_EQ(c->candidates(), (std::vector{L, F1, F2}));
}

TEST_F(CheckpointVectors, V02OnlyOnLeader) {
  options.only_on_leader = true;
  lead(5);
  scene();
  EXPECT_EQ(only<start_attempt>(next_round()).member, L);
  const auto ended = say(L, attempt_on(L), attempt_refused{attempt_refusal::busy});
  EXPECT_TRUE(all<start_attempt>(ended).empty()) << "nobody else is asked";
}

TEST_F(CheckpointVectors, V03Normal) {
  scene();
  next_round();
  const auto a = attempt_on(F1);
  say(F1, a, attempt_accepted{});
  EXPECT_EQ(only<fetch_image>(say(F1, a, attempt_done{i100})).image, i100);
  const auto received = feed(image_received{a, i100});
  EXPECT_EQ(only<keep_images>(received).newest, 100'000u);
  EXPECT_EQ(only<keep_images>(received).older, 50'000u);
  EXPECT_EQ(only<push_image>(received).member, F2) << "neither L nor F1, who have it";
  EXPECT_TRUE(all<prove_leadership>(received).empty()) << "F2 has not acknowledged";
  see(F1, 20, 100'400, {i100, i50});
  see(F2, 30, 99'000, {i50});
  const auto acked = ack(F2, i100);
  EXPECT_EQ(proved(acked), (deleted{{L, 50'000}, {F1, 50'000}, {F2, 50'000}}));
  // F2 later at 100500: nothing more until the next image.
  see(L, 10, 100'500, {i100, i50}, 50'000);
  see(F1, 20, 100'500, {i100, i50}, 50'000);
  see(F2, 30, 100'500, {i100, i50}, 50'000);
  EXPECT_TRUE(next_round().empty());
}

TEST_F(CheckpointVectors, V04F2Down) {
  scene();
  feed(member_lost{F2});
  EXPECT_TRUE(all<push_image>(make_on_f1()).empty());
  see(L, 10, 100'400, {i100, i50});
  see(F1, 20, 100'400, {i100, i50});
  EXPECT_TRUE(next_round().empty());
  EXPECT_TRUE(next_round().empty());
  EXPECT_EQ(only<push_image>(see(F2, 30, 100'400, {i50})).image, i100);
  EXPECT_EQ(proved(ack(F2, i100)), (deleted{{L, 50'000}, {F1, 50'000}, {F2, 50'000}}));
}

TEST_F(CheckpointVectors, V04ARefusedPushIsTriedAgainNextRound) {
  scene();
  EXPECT_EQ(only<push_image>(make_on_f1()).member, F2);
  EXPECT_TRUE(all<push_image>(feed(push_refused{F2, 100'000})).empty());
  EXPECT_EQ(only<push_image>(next_round()).member, F2);
}

TEST_F(CheckpointVectors, V04DownBeyondRetainMax) {
  scene();
  feed(member_lost{F2});
  make_on_f1();
  // Too few entries for an image by age.
  see(L, 10, 100'050, {i100, i50});
  see(F1, 20, 100'400, {i100, i50});
  EXPECT_TRUE(all<log_decision>(pass(options.retain_time_max - 2min)).empty());
  const auto late = pass(3min);
  const auto decision = only<log_decision>(late).decision;
  EXPECT_EQ(decision.what, checkpoint_decision::excuse_member);
  EXPECT_EQ(decision.member, F2);
  EXPECT_TRUE(all<prove_leadership>(late).empty()) << "not before it is in the log";
  EXPECT_EQ(proved(feed(decision_logged{checkpoint_decision::excuse_member, F2})),
            (deleted{{L, 50'000}, {F1, 50'000}}));
  // F2 returns: an image first.
  const auto back = see(F2, 30, 60'000, {i50});
  EXPECT_TRUE(only<push_image>(back).resync);
  EXPECT_EQ(c->candidates(), (std::vector{F1, L})) << "it may not make images yet";
  ack(F2, i100);
  const auto caught_up = see(F2, 30, 100'400, {i100});
  EXPECT_EQ(only<log_decision>(caught_up).decision.what, checkpoint_decision::readmit_member);
  EXPECT_EQ(c->retention().limit, retention_limit::no_older) << "it counts from here on";
  feed(decision_logged{checkpoint_decision::readmit_member, F2});
  EXPECT_EQ(c->candidates(), (std::vector{F1, F2, L}));
}

TEST_F(CheckpointVectors, V04DownForTooMuchJournal) {
  scene();
  feed(member_lost{F2});
  make_on_f1();
  feed(journal_seen{0, 0, options.retain_bytes_max});
  EXPECT_TRUE(all<log_decision>(pass(1s)).empty());
  EXPECT_EQ(only<log_decision>(feed(journal_seen{0, 0, options.retain_bytes_max + 1})).decision.member, F2);
}

TEST_F(CheckpointVectors, V05WorkerCrashMidReplay) {
  scene();
  next_round();
  const auto a = attempt_on(F1);
  say(F1, a, attempt_accepted{});
  boots[F1] = 99;
  const auto ended = see(F1, 1, 100'400, {i50});
  EXPECT_EQ(only<record_ending>(ended).text, "worker restarted");
  EXPECT_TRUE(all<start_attempt>(ended).empty()) << "the round is over";
  EXPECT_EQ(c->members().at(F1).last_failed, now);
  EXPECT_EQ(newest_id(c->members().at(L).images), 50'000u);
  EXPECT_EQ(only<start_attempt>(next_round()).member, F2);
}

/// The same, when its answer is faster than the heartbeat; also one that claims success.
TEST_F(CheckpointVectors, V05AnAnswerOfAnotherProcessIsNotOfThisAttempt) {
  scene();
  next_round();
  const auto a = attempt_on(F1);
  boots[F1] = 99;
  EXPECT_EQ(only<record_ending>(say(F1, a, attempt_done{i100})).text, "worker restarted");
}

TEST_F(CheckpointVectors, V06LeaderChange) {
  scene();
  next_round();
  const auto old = attempt_on(F1);
  EXPECT_TRUE(feed(epoch_ended{}).empty());
  EXPECT_TRUE(say(F1, old, attempt_done{i100}).empty()) << "an old epoch does nothing any more";
  EXPECT_TRUE(next_round().empty());
  lead(6);
  scene();
  EXPECT_EQ(only<tell_stale>(say(F1, old, attempt_done{i100})).attempt, old);
  next_round();
  const auto a = attempt_on(F1);
  EXPECT_EQ(a, (attempt_id{6, 1, 100'000}));
  EXPECT_EQ(only<tell_stale>(say(F1, old, attempt_done{i100})).attempt, old);
  // It was saved all the same: DONE at once, without ACCEPTED before it.
  EXPECT_EQ(only<fetch_image>(say(F1, a, attempt_done{i100})).image, i100);
}

TEST_F(CheckpointVectors, V07PartialImage) {
  scene();
  next_round();
  const auto a = attempt_on(F1);
  say(F1, a, attempt_done{i100});
  const auto cut = feed(image_refused{a, false, "600 of 1000 bytes"});
  EXPECT_EQ(only<stop_fetch>(cut).image_id, 100'000u);
  EXPECT_TRUE(all<push_image>(cut).empty());
  EXPECT_TRUE(all<prove_leadership>(cut).empty());
  EXPECT_EQ(newest_id(c->members().at(L).images), 50'000u);
  // The log has grown, F1 still has what it made: nothing is made again.
  see(L, 10, 100'800, {i50});
  see(F1, 20, 100'800, {i100, i50});
  feed(journal_seen{100'800, 0, 0});
  EXPECT_EQ(only<start_attempt>(next_round()).attempt, (attempt_id{5, 2, 100'000}));
  say(F1, attempt_on(F1), attempt_done{i100});
  EXPECT_EQ(only<push_image>(feed(image_received{attempt_on(F1), i100})).member, F2);
}

TEST_F(CheckpointVectors, V07ALinkThatBreaksTwiceIsTheWorkersFault) {
  scene();
  for (const auto expected : {F1, F1, F2}) {
    next_round();
    const auto a = attempt_on(expected);
    say(expected, a, attempt_done{i100});
    feed(image_refused{a, false, "cut"});
  }
}

TEST_F(CheckpointVectors, V08BitFlipOfTheSameSize) {
  const image_mark announced{100'000, 36, 920'361'111}, computed{100'000, 36, 3'269'807'839};
  scene();
  next_round();
  const auto a = attempt_on(F1);
  say(F1, a, attempt_done{announced});
  const auto effects = feed(image_received{a, computed});
  EXPECT_FALSE(only<record_ending>(effects).done);
  EXPECT_EQ(only<stop_fetch>(effects).image_id, 100'000u);
  EXPECT_TRUE(all<prove_leadership>(effects).empty());
  EXPECT_EQ(newest_id(c->members().at(L).images), 50'000u);
  EXPECT_EQ(only<start_attempt>(next_round()).member, F2) << "F1's file may be what is wrong";
}

TEST_F(CheckpointVectors, V08AnAckOfOtherBytesDeletesNothing) {
  scene();
  make_on_f1();
  EXPECT_TRUE(all<prove_leadership>(ack(F2, {100'000, 1'000, 11})).empty());
  EXPECT_EQ(c->retention(), (retention_verdict{0, retention_limit::not_acked, F2}));
  EXPECT_EQ(only<push_image>(next_round()).member, F2) << "again";
}

TEST_F(CheckpointVectors, V09DiskFull) {
  scene();
  next_round();
  const auto next = say(F1, attempt_on(F1), attempt_failed{attempt_failure::disk_full, "no space left"});
  EXPECT_EQ(only<start_attempt>(next).member, F2) << "in the same round";
  EXPECT_EQ(only<start_attempt>(next).attempt, (attempt_id{5, 2, 100'000}));
  // The receiver: no ack, no deletion.
  const auto a = attempt_on(F2);
  say(F2, a, attempt_done{i100});
  EXPECT_EQ(only<push_image>(feed(image_received{a, i100})).member, F1);
  EXPECT_TRUE(all<prove_leadership>(feed(push_refused{F1, 100'000})).empty());
}

/// The power cut: L finds its image 100000 damaged and starts from 50000; entries 50001 on are there.
TEST_F(CheckpointVectors, V09PowerCutAfterTheRename) {
  scene();
  make_on_f1();
  EXPECT_EQ(proved(ack(F2, i100)).at(L), 50'000u);
  now += 1min;
  lead(6);
  see(L, 10, 100'400, {i50}, 50'000);
  see(F1, 20, 100'400, {i100, i50}, 50'000);
  see(F2, 30, 100'400, {i100, i50}, 50'000);
  EXPECT_EQ(c->retention().upto, 0u);
  EXPECT_EQ(only<start_attempt>(next_round()).attempt.journal_id, 100'400u)
    << "who has a newer image takes no older one";
}

TEST_F(CheckpointVectors, V10LostFinish) {
  scene();
  next_round();
  const auto a = attempt_on(F1);
  say(F1, a, attempt_accepted{});
  EXPECT_TRUE(all<poll_attempt>(pass(10s - 1ms)).empty());
  EXPECT_EQ(only<poll_attempt>(pass(1ms)).attempt, a);
  say(F1, a, attempt_running{70'000, 0});
  EXPECT_EQ(only<poll_attempt>(pass(10s)).member, F1);
  EXPECT_EQ(only<fetch_image>(say(F1, a, attempt_done{i100})).from, F1);
  EXPECT_TRUE(all<fetch_image>(say(F1, a, attempt_done{i100})).empty()) << "said twice, fetched once";
}

TEST_F(CheckpointVectors, V10EarlyFinish) {
  scene();
  const auto begun = next_round();
  EXPECT_EQ(only<fetch_image>(say(F1, only<start_attempt>(begun).attempt, attempt_done{i100})).from, F1);
}

TEST_F(CheckpointVectors, V10ALostOrderIsSentAgain) {
  scene();
  next_round();
  const auto a = attempt_on(F1);
  pass(10s);
  EXPECT_EQ(only<start_attempt>(say(F1, a, attempt_unknown{})).attempt, a);
  const auto given_up = pass(20s);
  EXPECT_EQ(only<cancel_attempt>(given_up).attempt, a);
  EXPECT_EQ(only<start_attempt>(given_up).member, F2) << "not accepted within 30 s";
}

TEST_F(CheckpointVectors, NoProgressForTenMinutesIsAFailure) {
  scene();
  next_round();
  const auto a = attempt_on(F1);
  say(F1, a, attempt_accepted{});
  for (int minutes = 0; minutes < 9; ++minutes) {
    pass(1min);
    say(F1, a, attempt_running{60'000, 0});
  }
  say(F1, a, attempt_running{60'000, 1});
  pass(10min - 1ms);
  EXPECT_TRUE(c->attempt()) << "a byte written is progress";
  const auto ended = pass(1ms);
  EXPECT_EQ(only<cancel_attempt>(ended).attempt, a);
  EXPECT_EQ(c->members().at(F1).last_failed, now);
}

TEST_F(CheckpointVectors, AForgottenAttemptIsAFailure) {
  scene();
  next_round();
  const auto a = attempt_on(F1);
  say(F1, a, attempt_accepted{});
  EXPECT_FALSE(only<record_ending>(say(F1, a, attempt_unknown{})).done);
}

TEST_F(CheckpointVectors, K8NothingIsDeletedWithoutAProof) {
  scene();
  make_on_f1();
  const auto acked = ack(F2, i100);
  const auto proof = only<prove_leadership>(acked).proof;
  EXPECT_TRUE(all<delete_journal>(acked).empty());
  EXPECT_TRUE(feed(leadership_proved{proof + 1}).empty());
  EXPECT_TRUE(feed(leadership_unproved{proof}).empty()) << "tried again, but not at once";
  EXPECT_TRUE(feed(leadership_proved{proof}).empty()) << "too late";
  EXPECT_EQ(proved(next_round()).size(), 3u);
}

TEST_F(CheckpointVectors, K8WhatIsDeletedIsJudgedWhenTheProofIsThere) {
  scene();
  make_on_f1();
  const auto proof = only<prove_leadership>(ack(F2, i100)).proof;
  see(F2, 30, 40'000, {i100, i50}); // An answer of this process that should not be possible: believed all the same.
  const auto orders = all<delete_journal>(feed(leadership_proved{proof}));
  ASSERT_EQ(orders.size(), 3u);
  EXPECT_EQ(orders.front().upto, 40'000u);
}

TEST_F(CheckpointVectors, AnOrderToDeleteThatGotLostIsRepeatedWithANewProof) {
  scene();
  make_on_f1();
  EXPECT_EQ(proved(ack(F2, i100)).size(), 3u);
  see(L, 10, 100'400, {i100, i50}, 50'000);
  see(F1, 20, 100'400, {i100, i50}, 50'000);
  see(F2, 30, 100'400, {i100, i50}, 0);
  EXPECT_EQ(proved(next_round()), (deleted{{F2, 50'000}}));
}

} // namespace
} // namespace tabletd::model
