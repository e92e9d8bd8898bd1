// What only the shell of warm-up's leader can get wrong: what goes out when, what becomes of proposals, and what a new
// incarnation goes on with.  The rules themselves are tested in tests/model/warmup_*.
#include "tests/actors/warmup_world.h"

#include <stdexcept>

namespace tabletd::test {
namespace {

struct WarmupOverseer : warmup_overseer_world {};
using ends = std::vector<warmup_ended>;

warmup_ended ended(warmup_job_id job, warmup_state how, std::string err = "") { return {job, 0, how, std::move(err), {}}; }

// -- a round ---------------------------------------------------------------------------------

TEST_F(WarmupOverseer, ARoundRunsThrough) {
  start();
  const auto id = create_usual(about(t));
  EXPECT_EQ(take<warmup_begun>(), (std::vector<warmup_begun>{{id, 0, std::nullopt}}));
  EXPECT_EQ(fleet->take_said(w3), "GET; SET_JOB 0; SET_BATCH 0; GET") << "the last answer is kept until the batch ends";
  EXPECT_EQ(fleet->take_said(w4), "GET; SET_JOB 0; SET_BATCH 0; GET");
  fleet->end_batch(w3);
  settle();
  EXPECT_EQ(take<batch_warmed>(), (std::vector<batch_warmed>{{id, 0, w3, 0, 100, 0, {}}}));
  EXPECT_EQ(fleet->take_said(w3), "SET_BATCH 1; GET") << "without a tick";
  fleet->end_batch(w3);
  fleet->end_batch(w4);
  settle();
  EXPECT_TRUE(take<warmup_ended>().empty());
  EXPECT_EQ(fleet->take_said(w3), "") << "its part is done; the slot is kept until the round is over";
  fleet->end_batch(w4);
  settle();
  EXPECT_EQ(take<warmup_ended>(), ends{ended(id, warmup_state::finished)});
  EXPECT_EQ(state(id), "FINISHED");
  EXPECT_EQ(fleet->take_said(w3), "CLEAR");
  EXPECT_EQ(fleet->take_said(w4), "SET_BATCH 1; GET; CLEAR");
  EXPECT_EQ(raw(fleet->members[w3].slot->holder(fleet->now)), 0u);
  EXPECT_TRUE(board->lanes().empty()) << "nothing of it runs any more";
  EXPECT_EQ(board->batches_ok, 4u);
  EXPECT_EQ(board->finished_bytes, 400u);
  EXPECT_EQ(board->jobs_finished, 1u);
  seconds(10);
  EXPECT_EQ(fleet->take_said(w3) + fleet->take_said(w4), "");
}

TEST_F(WarmupOverseer, NoLaneWaitsForAnother) {
  start();
  const auto id = create_usual(about(t));
  fleet->take_said(w3);
  fleet->take_said(w4);
  fleet->end_batch(w3);
  settle();
  fleet->end_batch(w3);
  settle();
  EXPECT_EQ(job(id).lanes[0].warmed, 2u) << "while the other one has not ended its first batch";
  EXPECT_EQ(job(id).lanes[1].warmed, 0u);
  EXPECT_EQ(fleet->take_said(w4), "");
}

TEST_F(WarmupOverseer, TheNextBatchGoesOutWhenTheLogHasThisOne) {
  start();
  create_usual(about(t));
  fleet->take_said(w3);
  journal_holds_back = true;
  fleet->end_batch(w3);
  settle();
  seconds(3);
  EXPECT_EQ(fleet->take_said(w3), "");
  journal_holds_back = false;
  release();
  EXPECT_EQ(fleet->take_said(w3), "SET_BATCH 1; GET");
}

TEST_F(WarmupOverseer, ABatchThatRunsIsAskedForOnceASecond) {
  start();
  create_usual(about(t));
  fleet->take_said(w3);
  seconds(3);
  EXPECT_EQ(fleet->take_said(w3), "GET; GET; GET");
  EXPECT_TRUE(board->find(warmup_job_id{w.index - 1}, w3)->in_flight);
}

// -- who dies --------------------------------------------------------------------------------

TEST_F(WarmupOverseer, ANewLeaderGoesOnAtTheFirstBatchThatIsNotInTheLog) {
  start();
  const auto id = create_usual(about(t));
  fleet->end_batch(w3);
  settle();
  stop();  // With batch 1 in hand.
  fleet->kept.clear();
  fleet->end_batch(w3);
  fleet->take_said(w3);
  fleet->take_said(w4);
  take<batch_warmed>();
  start();
  EXPECT_EQ(fleet->take_said(w3), "GET") << "it is done already";
  EXPECT_EQ(take<batch_warmed>(), (std::vector<batch_warmed>{{id, 0, w3, 1, 100, 0, {}}}));
  EXPECT_EQ(fleet->take_said(w4), "GET") << "it is in hand";
  fleet->reboot(w4);
  settle();
  seconds(1);
  EXPECT_EQ(fleet->take_said(w4), "GET; SET_JOB 0; SET_BATCH 0; GET") << "its batch is done again";
  EXPECT_EQ(job(id).state, warmup_state::running);
}

TEST_F(WarmupOverseer, ABackendThatBeginsAnewIsToldWhatIsInTheLog) {
  start();
  const auto id = create_usual(about(t));
  fleet->end_batch(w3);
  settle();
  fleet->take_said(w3);
  fleet->reboot(w3);
  settle();
  EXPECT_EQ(board->find(id, w3)->why, "backend " + std::to_string(raw(w3)) + ": the link broke");
  seconds(1);
  EXPECT_EQ(fleet->take_said(w3), "GET; SET_JOB 1; SET_BATCH 1; GET");
  EXPECT_EQ(board->find(id, w3)->restarts, 1u);
  EXPECT_EQ(board->find(id, w3)->why, "");
}

TEST_F(WarmupOverseer, WhoIsDeposedSaysNothingMore) {
  start();
  create_usual(about(t));
  EXPECT_TRUE(change(term_began{w.cat.term + 1, 2}).ok());
  settle();
  fleet->take_said(w3);
  proposed.clear();
  fleet->end_batch(w3);
  settle();
  seconds(5);
  EXPECT_EQ(fleet->take_said(w3), "");
  EXPECT_TRUE(proposed.empty());
}

TEST_F(WarmupOverseer, AProposalNobodyKnowsTheFateOfIsSettledByTheCatalog) {
  start();
  const auto id = create_usual(about(t));
  fleet->take_said(w3);
  journal_fails = wire::EditOutcome::Failure::STORAGE_FAILED;
  journal_applies_and_fails = true;
  fleet->end_batch(w3);
  settle();
  EXPECT_EQ(take<batch_warmed>().size(), 1u) << "it is there";
  EXPECT_EQ(fleet->take_said(w3), "SET_BATCH 1; GET");
  journal_applies_and_fails = false;
  fleet->end_batch(w3);
  settle();
  EXPECT_EQ(job(id).lanes[0].warmed, 1u);
  journal_fails = wire::EditOutcome::Failure::NONE;
  seconds(1);
  EXPECT_EQ(job(id).lanes[0].warmed, 2u) << "it was not there, and is proposed again";
}

TEST_F(WarmupOverseer, WhoDoesNotKnowWhetherItLeadsProposesNothingAgain) {
  start();
  const auto id = create_usual(about(t));
  leads = false;
  journal_fails = wire::EditOutcome::Failure::LEADERSHIP_LOST;
  fleet->end_batch(w3);
  settle();
  EXPECT_EQ(take<batch_warmed>().size(), 1u);
  seconds(30);
  EXPECT_TRUE(take<batch_warmed>().empty());
  EXPECT_EQ(job(id).lanes[0].warmed, 0u);
}

TEST_F(WarmupOverseer, AFullJournalIsTriedAgain) {
  start();
  const auto id = create_usual(about(t));
  journal_fails = wire::EditOutcome::Failure::OVERLOADED;
  fleet->end_batch(w3);
  settle();
  journal_fails = wire::EditOutcome::Failure::NONE;
  seconds(1);
  EXPECT_EQ(job(id).lanes[0].warmed, 1u);
}

TEST_F(WarmupOverseer, BeginsAndEndsNobodyKnowsTheFateOfComeTrueOnce) {
  start();
  journal_fails = wire::EditOutcome::Failure::STORAGE_FAILED;
  const auto lost = create_usual(about(t));
  EXPECT_EQ(state(lost), "PENDING");
  journal_applies_and_fails = true;
  seconds(1);
  EXPECT_EQ(state(lost), "RUNNING");
  EXPECT_EQ(fleet->take_said(w3), "GET; SET_JOB 0; SET_BATCH 0; GET");
  for (int b = 0; b < 2; ++b) {
    fleet->end_batch(w3);
    fleet->end_batch(w4);
    settle();
  }
  EXPECT_EQ(state(lost), "FINISHED");
  proposed.clear();
  seconds(5);
  EXPECT_TRUE(proposed.empty());
  EXPECT_EQ(board->jobs_finished, 1u);
}

// -- what users want -------------------------------------------------------------------------

TEST_F(WarmupOverseer, ACancelledJobIsClearedOnceItIsInTheLog) {
  start();
  const auto id = create_usual(about(t));
  fleet->take_said(w3);
  happen(ended(id, warmup_state::cancelled, "user cancel"));
  EXPECT_EQ(fleet->take_said(w3), "CLEAR") << "at once, not with the next tick";
  EXPECT_EQ(board->jobs_cancelled, 1u);
  seconds(5);
  EXPECT_EQ(fleet->take_said(w3), "");
  EXPECT_TRUE(board->lanes().empty());
}

TEST_F(WarmupOverseer, APausedJobEndsTheBatchInHandAndBeginsNone) {
  start();
  const auto id = create_usual(about(t));
  happen(warmup_paused{id});
  fleet->take_said(w3);
  fleet->end_batch(w3);
  settle();
  EXPECT_EQ(job(id).lanes[0].warmed, 1u);
  seconds(5);
  EXPECT_EQ(fleet->take_said(w3), "") << "its lease may run out";
  happen(warmup_resumed{id});
  EXPECT_EQ(fleet->take_said(w3), "GET; SET_BATCH 1; GET") << "at once";
}

TEST_F(WarmupOverseer, OneJobAfterTheOtherOnEachDestination) {
  start();
  const auto first = create_usual(about(t));
  const auto second = create_usual(about(t));
  const auto elsewhere = create(about(t, "east"), {lane(e1, {bucket(0)})});
  EXPECT_EQ(state(first), "RUNNING");
  EXPECT_EQ(state(second), "PENDING");
  EXPECT_EQ(state(elsewhere), "RUNNING");
  happen(ended(first, warmup_state::cancelled, "user cancel"));
  EXPECT_EQ(state(second), "RUNNING");
}

TEST_F(WarmupOverseer, AJobThatIsOverIsForgottenAfterAWhile) {
  start();
  const auto id = create_usual(about(t));
  happen(ended(id, warmup_state::cancelled, "user cancel"));
  wall += settings.jobs.history_keep - 2s;
  seconds(1);
  EXPECT_EQ(state(id), "CANCELLED");
  seconds(1);
  EXPECT_EQ(state(id), "gone");
}

// -- failures --------------------------------------------------------------------------------

TEST_F(WarmupOverseer, ATabletThatCannotBeWarmedCancelsTheJob) {
  start();
  const auto id = create_usual(about(t));
  fleet->end_batch(w3, {bucket(0)});
  settle();
  EXPECT_EQ(state(id), "CANCELLED");
  EXPECT_EQ(job(id).err, "job fail: backend " + std::to_string(raw(w3)) + " could not warm 1 tablets: " + std::to_string(raw(bucket(0))));
  EXPECT_EQ(job(id).lanes[0].warmed, 0u);
  EXPECT_EQ(board->jobs_failed, 1u);
}

TEST_F(WarmupOverseer, ATabletThatIsMergedInTheMiddleOfABatchIsPushedAsItIsNow) {
  start();
  const auto id = create_usual(about(t));
  happen(published(bucket(0), 2));
  fleet->take_said(w3);
  fleet->pushes_wait = true;
  fleet->end_batch(w3, {bucket(0)});
  settle();
  EXPECT_EQ(fleet->pushed[w3], (std::vector<std::vector<tablet_id>>{{bucket(0)}}));
  EXPECT_TRUE(take<batch_warmed>().empty()) << "it is not warm yet";
  fleet->end_pushes();
  settle();
  EXPECT_EQ(take<batch_warmed>(), (std::vector<batch_warmed>{{id, 0, w3, 0, 100, 0, {}}}));
  EXPECT_EQ(fleet->take_said(w3), "SET_BATCH 1; GET");
  fleet->members[w3].failed_pushes = 1;
  fleet->pushes_wait = false;
  happen(published(bucket(1), 2));
  fleet->end_batch(w3, {bucket(1)});
  settle();
  EXPECT_EQ(state(id), "CANCELLED") << "it fails as it is published now";
}

TEST_F(WarmupOverseer, WhatAnEarlierLeaderSentMayHaveChanged) {
  start();
  const auto id = create_usual(about(t));
  stop();
  fleet->kept.clear();
  fleet->end_batch(w3, {bucket(0)});
  start();
  EXPECT_EQ(fleet->pushed[w3], (std::vector<std::vector<tablet_id>>{{bucket(0)}}));
  EXPECT_EQ(job(id).lanes[0].warmed, 1u);
  EXPECT_EQ(job(id).lanes[0].failed_tablets, 0u);
}

TEST_F(WarmupOverseer, ABackendThatIsGoneIsSkippedIfTheJobMay) {
  fleet->members[w3].is_linked = false;
  start();
  auto what = about(t);
  what.on_error = warmup_on_error::skip;
  const auto id = create_usual(what);
  for (int b = 0; b < 2; ++b) {
    fleet->end_batch(w4);
    settle();
  }
  EXPECT_EQ(state(id), "RUNNING");
  seconds(72);
  EXPECT_EQ(state(id), "RUNNING") << "it may only have begun anew";
  seconds(1);
  EXPECT_EQ(state(id), "FINISHED") << "11 s for each of three questions, and 20 s of rest between them";
  ASSERT_EQ(job(id).skipped.size(), 1u);
  EXPECT_EQ(job(id).skipped[0].backend, w3);
}

TEST_F(WarmupOverseer, ABackendThatIsMuteIsGivenUp) {
  fleet->members[w3].is_mute = true;
  start();
  const auto id = create_usual(about(t));
  seconds(33);
  EXPECT_EQ(state(id), "RUNNING");
  seconds(45);
  EXPECT_EQ(state(id), "CANCELLED") << "11 s for each of three questions, and 20 s of rest between them";
}

TEST_F(WarmupOverseer, ALinkThatIsNotMadeYetIsNoFailure) {
  fleet->members[w3].is_linked = false;
  settings.lanes.failures_max = 1;
  start();
  const auto id = create_usual(about(t));
  seconds(9);
  EXPECT_EQ(board->find(id, w3)->why, "backend " + std::to_string(raw(w3)) + ": it is not linked");
  fleet->members[w3].is_linked = true;
  seconds(1);
  EXPECT_EQ(fleet->take_said(w3), "GET; SET_JOB 0; SET_BATCH 0; GET");
  EXPECT_EQ(board->find(id, w3)->why, "");
}

TEST_F(WarmupOverseer, WhatDidNotArriveIsNotSentWhenItIsNotWantedAnyMore) {
  start();
  const auto id = create_usual(about(t));
  journal_holds_back = true;
  fleet->end_batch(w3);
  settle();
  fleet->members[w3].is_linked = false;
  journal_holds_back = false;
  release();
  fleet->take_said(w3);
  happen(warmup_paused{id});  // SET_BATCH 1 has not arrived.
  fleet->members[w3].is_linked = true;
  seconds(10);
  EXPECT_EQ(fleet->take_said(w3), "");
  EXPECT_FALSE(fleet->members[w3].in_hand);
}

TEST_F(WarmupOverseer, ABackendThatWasToldToForgetAJobThatLivesIsAnAlarm) {
  start();
  const auto id = create_usual(about(t));
  // Somebody who leads in this term too has cleared it.
  (void)fleet->members[w3].slot->step({{w.cat.term, id, 0}, clear_job{}}, fleet->now);
  fleet->members[w3].in_hand.reset();
  seconds(1);
  ASSERT_EQ(alarms.size(), 1u);
  EXPECT_NE(alarms[0].find("was told to forget a job that is not over"), std::string::npos) << alarms[0];
  EXPECT_EQ(state(id), "CANCELLED");
}

TEST_F(WarmupOverseer, ABackendThatObeysALaterLeaderIsAskedNothingMore) {
  start();
  const auto id = create_usual(about(t));
  (void)fleet->members[w3].slot->step({{w.cat.term + 1, id, 0}, get_slot{}}, fleet->now);
  fleet->take_said(w3);
  seconds(5);
  EXPECT_EQ(fleet->take_said(w3), "") << "the one question that was open has told it";
  EXPECT_EQ(state(id), "RUNNING") << "that leader goes on with it";
  EXPECT_TRUE(alarms.empty());
}

/// What is in the actor that this handle is of.
template <class State, class Handle>
State& inside(const Handle& handle) {
  auto* self = dynamic_cast<typename Handle::template stateful_pointer<State>>(caf::actor_cast<caf::abstract_actor*>(handle));
  if (self == nullptr)
    throw std::logic_error("another actor");
  return self->state;
}

TEST_F(WarmupOverseer, ALaneThatDiesBeginsAnew) {
  start();
  const auto id = create_usual(about(t));
  fleet->take_said(w3);
  fleet->take_said(w4);
  const auto& round = inside<warm_up_job_state>(inside<warmup_overseer_state>(subject).rounds.at({id, 0}));
  urgent_exit(round.lanes.at(w3), caf::exit_reason::kill);
  settle();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].starts_with("a lane of warm-up job " + std::to_string(raw(id)) + " to backend " + std::to_string(raw(w3)))) << told[0];
  seconds(1);
  EXPECT_EQ(fleet->take_said(w3), "GET") << "its batch is in hand, and goes on";
  EXPECT_EQ(fleet->take_said(w4), "GET") << "the other one goes on";
  fleet->end_batch(w3);
  settle();
  EXPECT_EQ(job(id).lanes[0].warmed, 1u);
}

TEST_F(WarmupOverseer, ARoundWhoseActorDiesGoesOn) {
  start();
  const auto id = create_usual(about(t));
  fleet->take_said(w3);
  urgent_exit(inside<warmup_overseer_state>(subject).rounds.at({id, 0}), caf::exit_reason::kill);
  settle();
  seconds(1);
  EXPECT_NE(fleet->take_said(w3).find("GET"), std::string::npos) << "another actor goes on with the round";
  fleet->end_batch(w3);
  settle();
  EXPECT_EQ(job(id).lanes[0].warmed, 1u);
}

}  // namespace
}  // namespace tabletd::test
