// What only the shell of cooldown's leader can get wrong: when answers leave, what becomes of proposals, who is told what
// and when.  The rules themselves are tested in tests/model/cooldown_*.
#include "tests/actors/cooldown_world.h"

namespace tabletd::test {
namespace {

using edits = std::vector<edit_body>;
struct CooldownOverseer : cooldown_world {};

// -- who may upload --------------------------------------------------------------------------

TEST_F(CooldownOverseer, DB1TheFirstReportMakesAnUploaderAndEverybodyIsToldOnceItIsLogged) {
  under_policy();
  w(backend_died{b3});
  start();
  link(b1);
  link(b2);
  EXPECT_EQ(take_told(), "A:-@0 ttl 3600000, B:-@0 ttl 3600000") << "so that they begin to report";
  journal_holds_back = true;
  report({{B, 0}});
  EXPECT_EQ(take_told(), "") << "nothing is pushed before it is committed (U8)";
  journal_holds_back = false;
  release();
  EXPECT_EQ(take_proposed(), edits{grant(A, 1)}) << "alive, lowest id (U2)";
  EXPECT_EQ(take_told(), "A:A@1 ttl 3600000, B:A@1 ttl 3600000");
  EXPECT_EQ(take_acks(), "") << "only an uploader is acknowledged";
  EXPECT_EQ(board->assignments[static_cast<std::size_t>(reassignment::initial)], 1u);
  // Crash after the record, before the push: what the report says is older than the log.
  stop();
  start();
  take_told();
  report({{A, 0}});
  EXPECT_EQ(take_told(), "A:A@1 ttl 3600000");
  EXPECT_EQ(take_acks(), "A#1@1");
  EXPECT_TRUE(take_proposed().empty());
}

TEST_F(CooldownOverseer, DB7AnotherIsChosenOnlyWhenTheLeaseMustBeOver) {
  appoint_A();
  report({{A, 1}});
  EXPECT_EQ(take_acks(), "A#1@1");
  for (int i = 0; i < 186; ++i) {
    pass(10s);
    take_acks();
    report({{B, 1}});
    EXPECT_TRUE(take_proposed().empty()) << "after " << (i + 1) * 10 << " s";
  }
  take_acks();
  pass(1s);
  report({{B, 1}});
  EXPECT_EQ(take_proposed(), edits{grant(B, 2)}) << "T_be of the last report is over by any clock";
  EXPECT_EQ(board->assignments[static_cast<std::size_t>(reassignment::report_timeout)], 1u);
  take_told();
  take_acks();
  report({{A, 1, 9}});
  EXPECT_EQ(take_told(), "A:B@2 ttl 3600000");
  EXPECT_EQ(take_acks(), "");
  publish(A, 1, meta(1, 1));
  EXPECT_EQ(take_verdict(), "notUploader");
  EXPECT_TRUE(take_proposed().empty()) << "refused before it reached the log";
}

TEST_F(CooldownOverseer, AnUploaderWithoutReportsIsReplacedByTheRoundAlone) {
  appoint_A();
  pass_seconds(1'930);
  EXPECT_EQ(take_proposed(), edits{grant(B, 2)});
}

TEST_F(CooldownOverseer, AnUploaderThatIsNoReplicaAnyMoreIsWaitedFor) {
  appoint_A();
  report({{A, 1}});
  happen(clone_ordered{tablet, 1, 1, w.first_path(b2), w.first_path(b4), {}, w.visible(t)});
  happen(clone_ended{tablet, w.cat.orders.find(tablet)->order, 1, ""});
  happen(replica_dropped{tablet, A, drop_reason::same_host});
  take_proposed();
  pass_seconds(1'800);
  EXPECT_TRUE(take_proposed().empty()) << "its backend may not know, and believe in its lease";
  pass_seconds(130);
  EXPECT_EQ(take_proposed(), edits{grant(B, 2)});
}

TEST_F(CooldownOverseer, ADamagedUploaderIsRevokedAndTheNextOneComesWhenItKnows) {
  appoint_A();
  happen(replica_status_set{tablet, A, true});
  report({{B, 1}});
  EXPECT_EQ(take_proposed(), edits{grant({}, 2)});
  EXPECT_EQ(w.cat.cooldowns.find(tablet)->term, 2u);
  report({{B, 2}});
  EXPECT_TRUE(take_proposed().empty());
  report({{A, 1}});
  EXPECT_TRUE(take_proposed().empty()) << "it has not heard of the end of its term";
  report({{A, 2}});
  EXPECT_EQ(take_proposed(), edits{grant(B, 3)});
}

// -- acknowledgements ------------------------------------------------------------------------

TEST_F(CooldownOverseer, AnAcknowledgementWaitsForAConfirmationThatWasAskedAfterTheReport) {
  appoint_A();
  reads_wait = true;
  confirmations = 0;
  report({{A, 1, 7}});
  EXPECT_EQ(take_acks(), "nothing yet");
  EXPECT_EQ(confirmations, 1);
  report({{A, 1, 8}}); // The question under way says nothing about these.
  report({{A, 1, 9}});
  report({{A, 1, 10}});
  EXPECT_EQ(confirmations, 1);
  release();
  EXPECT_EQ(acks.answers.size(), 1u) << "of the first one only";
  EXPECT_EQ(confirmations, 2) << "one question for the three that came meanwhile";
  release();
  EXPECT_EQ(acks.answers.size(), 4u);
  EXPECT_EQ(confirmations, 2);
}

TEST_F(CooldownOverseer, WhoDoesNotLeadAnyMoreAcknowledgesNothing) {
  appoint_A();
  leads = false;
  report({{A, 1}});
  EXPECT_EQ(take_acks(), "error: this front end does not lead any more, or not yet");
}

TEST_F(CooldownOverseer, AConfirmationThatBringsNewsOfAnotherUploaderAcknowledgesNobody) {
  appoint_A();
  // This node was deposed and elected again: what another leader granted is folded with the confirmation.
  bool is_known = false;
  before_confirming = [this, &is_known] {
    if (!std::exchange(is_known, true)) {
      EXPECT_TRUE(change(grant(B, 2)).ok());
    }
  };
  report({{A, 1}});
  EXPECT_EQ(take_acks(), "");
}

TEST_F(CooldownOverseer, WhoDoesNotLeadAnyMoreGrantsNothing) {
  under_policy();
  start();
  link_all();
  leads = false;
  report({{B, 0}});
  pass_seconds(100);
  EXPECT_TRUE(take_proposed().empty());
}

TEST_F(CooldownOverseer, AConfirmationThatBringsNewsOfAnotherTermEndsTheGrant) {
  under_policy();
  start();
  link_all();
  bool is_known = false;
  before_confirming = [this, &is_known] {
    if (!std::exchange(is_known, true)) {
      EXPECT_TRUE(change(term_began{1, 2}).ok());
    }
  };
  report({{B, 0}});
  EXPECT_TRUE(is_known);
  pass_seconds(100);
  EXPECT_TRUE(take_proposed().empty()) << "elected again, it does not know what the leader between has acknowledged";
}

TEST_F(CooldownOverseer, InTheNextTermNothingIsDoneAnyMore) {
  appoint_A();
  happen(term_began{1, 2});
  report({{A, 1}});
  EXPECT_EQ(take_acks(), "error: this front end does not lead any more, or not yet");
  publish(A, 1, meta(1, 1));
  EXPECT_EQ(take_verdict(), "error: this front end does not lead any more, or not yet");
  pass_seconds(2'000);
  EXPECT_TRUE(take_proposed().empty());
}

// -- proposals -------------------------------------------------------------------------------

TEST_F(CooldownOverseer, AGrantThatWasNotTakenIsTriedAgain) {
  under_policy();
  start();
  link_all();
  journal_fails = wire::EditOutcome::Failure::OVERLOADED;
  report({{B, 0}});
  EXPECT_EQ(take_proposed(), edits{grant(A, 1)});
  journal_fails = wire::EditOutcome::Failure::NONE;
  report({{B, 0}});
  EXPECT_EQ(take_proposed(), edits{grant(A, 1)});
}

TEST_F(CooldownOverseer, AGrantOfUnknownFateIsNeverHeardOfAgain) {
  appoint_A();
  pass_seconds(1'000);
  happen(replica_status_set{tablet, A, true});
  journal_fails = wire::EditOutcome::Failure::LEADERSHIP_LOST;
  report({{B, 1}});
  EXPECT_EQ(take_proposed(), edits{grant({}, 2)});
  journal_fails = wire::EditOutcome::Failure::NONE;
  happen(replica_status_set{tablet, A, false});
  take_acks();
  report({{A, 1}});
  EXPECT_EQ(take_acks(), "") << "its end may be in the log: its lease must not grow";
  pass_seconds(4'000);
  report({{B, 1}});
  EXPECT_TRUE(take_proposed().empty()) << "neither again nor another";
}

TEST_F(CooldownOverseer, WhileAChangeIsOnItsWayADeadHandlerHasNoSuccessor) {
  appoint_A();
  happen(replica_status_set{tablet, A, true});
  journal_holds_back = true;
  report({{B, 1}});
  ASSERT_EQ(held_back.size(), 1u) << "A's revocation";
  kill_handler();
  happen(replica_status_set{tablet, A, false});
  take_acks();
  pass_seconds(60);
  report({{A, 1}});
  EXPECT_EQ(take_acks(), "") << "another handler would not know that A's time may be over any moment";
  journal_holds_back = false;
  release();
  take_acks();
  pass_seconds(1'930);
  report({{A, 2}});
  EXPECT_EQ(take_proposed().back(), grant(A, 3)) << "once the log has said so there is one again";
}

TEST_F(CooldownOverseer, WhatAnEarlierIncarnationProposedIsInTheCatalogBeforeAnythingIsServed) {
  appoint_A();
  journal_holds_back = true;
  pass_seconds(1'930);
  ASSERT_EQ(held_back.size(), 1u) << "a grant to another is on its way";
  stop();
  start();
  EXPECT_EQ(links->overseer, nullptr) << "nobody is served: the new one would prolong A's lease, and then that grant commits";
  journal_holds_back = false;
  release();
  ASSERT_NE(links->overseer, nullptr);
  EXPECT_EQ(w.cat.cooldowns.find(tablet)->uploader, B);
  report({{A, 1}});
  EXPECT_EQ(take_acks(), "") << "it is not in office any more";
}

TEST_F(CooldownOverseer, OneThatFollowsAnotherServesWhenTheLogHasRoom) {
  under_policy();
  start();
  EXPECT_NE(links->overseer, nullptr) << "the first one of a term has nobody's proposals to wait for";
  EXPECT_TRUE(proposed.empty());
  stop();
  journal_fails = wire::EditOutcome::Failure::OVERLOADED;
  start();
  EXPECT_EQ(links->overseer, nullptr);
  EXPECT_EQ(proposed.size(), 1u);
  journal_fails = wire::EditOutcome::Failure::NONE;
  pass_seconds(1);
  EXPECT_NE(links->overseer, nullptr);
}

TEST_F(CooldownOverseer, GrantsOfManyTabletsShareAnEditAndOneInTheWayIsLeftOut) {
  const auto other = w.make_table(db, {b1, b2, b3}, 1, 3, "other");
  const auto second = w.bucket(other).id;
  const auto second_A = w.on(other, b1).id;
  EXPECT_TRUE(w(storage_policy_set{other, {}, policy}).ok());
  under_policy();
  start();
  link_all();
  journal_holds_back = true;
  ask(seal<wire::CooldownReports>([&](auto to) {
        to.setBackend(raw(b1));
        auto list = to.initReports(2);
        list[0].setTablet(raw(tablet));
        list[0].setReplica(raw(A));
        list[0].setRemoteLast(version_initial);
        list[1].setTablet(raw(second));
        list[1].setReplica(raw(second_A));
        list[1].setRemoteLast(version_initial);
      }),
      acks);
  EXPECT_EQ(held_back.size(), 1u);
  EXPECT_TRUE(change(replica_status_set{tablet, A, true}).ok());
  journal_holds_back = false;
  release();
  EXPECT_EQ(take_proposed(), (edits{cooldown_granted{{{tablet, A, 1}, {second, second_A, 1}}}, cooldown_granted{{{second, second_A, 1}}}}));
  EXPECT_FALSE(w.cat.cooldowns.contains(tablet));
  EXPECT_TRUE(w.cat.cooldowns.contains(second));
  pass_seconds(60);
  EXPECT_EQ(take_proposed(), edits{grant(B, 1)}) << "it is free to try again, with one that can";
}

// -- questions -------------------------------------------------------------------------------

TEST_F(CooldownOverseer, APublicationIsAnsweredByTheLog) {
  appoint_A();
  journal_holds_back = true;
  publish(A, 1, meta(1, 1));
  EXPECT_EQ(take_verdict(), "nothing yet");
  verdicts = {};
  journal_holds_back = false;
  release();
  EXPECT_EQ(take_verdict(), "accepted");
  EXPECT_EQ(take_proposed(), (edits{cooldown_published{tablet, A, meta(1, 1)}}));
  EXPECT_EQ(take_told(), "A:A@1/1 ttl 3600000, B:A@1/1 ttl 3600000, C:A@1/1 ttl 3600000") << "followers begin at once";
  publish(A, 1, meta(1, 1));
  EXPECT_EQ(take_verdict(), "accepted") << "the answer was lost";
  publish(B, 1, meta(1, 2));
  EXPECT_EQ(take_verdict(), "notUploader");
  auto lower = meta(1, 1);
  lower.object = "another";
  publish(A, 1, lower);
  EXPECT_EQ(take_verdict(), "notGreater");
  publish(A, 5, meta(5, 9));
  EXPECT_EQ(take_verdict(), "termUnknown");
}

TEST_F(CooldownOverseer, APublicationWhoseFateIsUnknownHasNoVerdict) {
  appoint_A();
  journal_fails = wire::EditOutcome::Failure::LEADERSHIP_LOST;
  publish(A, 1, meta(1, 1));
  EXPECT_EQ(take_verdict(), "error: the edit log did not take it: it is said so");
  journal_fails = wire::EditOutcome::Failure::OVERLOADED;
  publish(A, 1, meta(1, 1));
  EXPECT_EQ(take_verdict(), "error: the edit log did not take it: it is said so");
}

TEST_F(CooldownOverseer, ARefusalThatIsNotForGoodIsNoVerdict) {
  appoint_A();
  auto ahead = meta(1, 1);
  ahead.last_version = 7; // The catalog may hear of it a little later.
  publish(A, 1, ahead);
  EXPECT_EQ(take_verdict(), "error: the publication was refused: remote_meta_unsound");
}

TEST_F(CooldownOverseer, DB9ADeletionIsConfirmedWhenEverybodyReportsThePublishedSetAndTheLogSaysSo) {
  appoint_A();
  publish(A, 1, meta(1, 2));
  take_proposed();
  const remote_meta_id m1{1, 1}, m2{1, 2};
  report({{A, 1, 1, m2, m2}});
  report({{B, 1, 1, m2, m2}});
  confirm(A, 1, m2);
  EXPECT_EQ(take_deletion(), "no: replica " + std::to_string(raw(C)) + " has not reported in term 1");
  report({{C, 1, 1, m2, m1}});
  confirm(A, 1, m2);
  EXPECT_EQ(take_deletion(), "no: replica " + std::to_string(raw(C)) + " has not reported the published set");
  report({{C, 1, 1, m2, m2}});
  EXPECT_TRUE(take_proposed().empty()) << "a no needs no log";
  confirm(A, 1, m2);
  EXPECT_EQ(take_deletion(), "yes");
  EXPECT_EQ(take_proposed(), (edits{cooldown_deletion_confirmed{tablet, A, m2}}));
  confirm(B, 1, m2);
  EXPECT_EQ(take_deletion().substr(0, 3), "no:");
  report({{C, 0, 1, {}, m2}});
  confirm(A, 1, m2);
  EXPECT_EQ(take_deletion().substr(0, 3), "no:") << "one at term 0";
  report({{C, 1, 1, m2, m2}});
  happen(backend_died{b3});
  confirm(A, 1, m2);
  EXPECT_EQ(take_deletion(), "no: replica " + std::to_string(raw(C)) + " is not alive");
  happen(catalog_world::returned(b3, 3));
  take_proposed();
  // The leader is deposed in the middle of the question.
  journal_holds_back = true;
  confirm(A, 1, m2);
  EXPECT_EQ(take_deletion(), "nothing yet");
  journal_fails = wire::EditOutcome::Failure::LEADERSHIP_LOST;
  journal_applies_and_fails = true;
  release();
  EXPECT_EQ(take_deletion(), "error: the edit log did not take it: it is said so") << "nobody may delete on that";
}

TEST_F(CooldownOverseer, ADeletionTheLogRefusesIsRefused) {
  appoint_A();
  publish(A, 1, meta(1, 2));
  const remote_meta_id m2{1, 2};
  for (const auto r : {A, B, C})
    report({{r, 1, 1, m2, m2}});
  journal_holds_back = true;
  confirm(A, 1, m2);
  happen(backend_died{b3});
  journal_holds_back = false;
  release();
  EXPECT_EQ(take_deletion(), "no: cooldown_unsettled");
}

TEST_F(CooldownOverseer, QuestionsThatAreOpenWhenItEndsAreNotAnswered) {
  appoint_A();
  journal_holds_back = true;
  publish(A, 1, meta(1, 1));
  reads_wait = true;
  report({{A, 1}});
  stop();
  journal_holds_back = false;
  release();
  EXPECT_TRUE(verdicts.answers.empty());
  EXPECT_TRUE(acks.answers.empty());
  EXPECT_EQ(links->overseer, nullptr);
  EXPECT_TRUE(board->rows(10).empty());
}

} // namespace
} // namespace tabletd::test
