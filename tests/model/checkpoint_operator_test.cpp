// ADMIN CHECKPOINT, a disk that fills up, members that come, go and restart.
#include "tests/model/checkpoint_rig.h"

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;

struct CheckpointOperator : checkpoint_rig {
  CheckpointOperator() {
    lead(5);
    scene(0);
  }
};

TEST_F(CheckpointOperator, AskedForOnAMemberItIsMadeThereAndNowhereElse) {
  EXPECT_EQ(only<start_attempt>(feed(checkpoint_asked{7, F2})).attempt, (attempt_id{5, 1, 100'400}));
  const auto a = attempt_on(F2);
  const image_mark made{100'400, 1, 1};
  say(F2, a, attempt_done{made});
  const auto answer = only<answer_operator>(feed(image_received{a, made}));
  EXPECT_EQ(answer.request, 7u);
  EXPECT_TRUE(answer.done);
  EXPECT_EQ(answer.text, "image 100400 made by fe 3");

  see(L, 10, 100'500, {made, i50});
  feed(checkpoint_asked{8, F2});
  const auto refused = say(F2, attempt_on(F2), attempt_refused{attempt_refusal::ahead});
  EXPECT_TRUE(all<start_attempt>(refused).empty());
  EXPECT_FALSE(only<answer_operator>(refused).done);
  EXPECT_EQ(only<answer_operator>(refused).text, "fe 3 refused: it has not applied that much");
}

TEST_F(CheckpointOperator, EveryRequestIsAnswered) {
  feed(checkpoint_asked{1, {}});
  EXPECT_FALSE(only<answer_operator>(feed(checkpoint_asked{2, {}})).done) << "one at a time";
  EXPECT_FALSE(only<answer_operator>(feed(epoch_ended{})).done);
  EXPECT_EQ(only<answer_operator>(feed(checkpoint_asked{3, {}})).request, 3u);
}

TEST_F(CheckpointOperator, AnOrderWaitsForWhatTheMembersSayNow) {
  EXPECT_TRUE(feed(checkpoint_asked{1, {}, beat + 1}).empty());
  const auto asked = ++beat;
  const auto tell = [&](node_id member, std::uint64_t applied) {
    return feed(member_seen{member, asked, boots[member], 10, applied, 0, {i50}});
  };
  EXPECT_TRUE(tell(L, 100'500).empty());
  EXPECT_TRUE(tell(F1, 100'500).empty());
  EXPECT_EQ(only<start_attempt>(tell(F2, 100'500)).attempt.journal_id, 100'500u) << "not what was known before";
}

TEST_F(CheckpointOperator, AnOrderDoesNotWaitForTheSilent) {
  feed(member_lost{F1});
  feed(checkpoint_asked{1, {}, beat + 1});
  const auto asked = ++beat;
  feed(member_seen{L, asked, boots[L], 10, 100'500, 0, {i50}});
  EXPECT_FALSE(c->attempt()) << "F2 was alive when last heard of";
  EXPECT_TRUE(all<start_attempt>(pass(options.order_patience - 1ms)).empty());
  EXPECT_EQ(only<start_attempt>(pass(1ms)).member, F2);
}

TEST_F(CheckpointOperator, AnOrderThatWaitsIsAnsweredWhenTheEpochEnds) {
  feed(checkpoint_asked{4, {}, beat + 1});
  EXPECT_EQ(only<answer_operator>(feed(epoch_ended{})).request, 4u);
}

TEST_F(CheckpointOperator, NothingNewIsDoneAtOnce) {
  see(L, 10, 50'000, {i50});
  const auto effects = feed(checkpoint_asked{1, {}});
  EXPECT_TRUE(only<answer_operator>(effects).done);
  EXPECT_TRUE(all<start_attempt>(effects).empty());
}

TEST_F(CheckpointOperator, AStrangerOrTheDeadCannotBeAsked) {
  EXPECT_FALSE(only<answer_operator>(feed(checkpoint_asked{1, 9})).done);
  feed(member_lost{F1});
  EXPECT_FALSE(only<answer_operator>(feed(checkpoint_asked{2, F1})).done);
}

TEST_F(CheckpointOperator, AFullDiskDeletesUpToTheNewestImageOnceThatIsLogged) {
  EXPECT_EQ(only<log_decision>(feed(disk_pressure_seen{true})).decision.what, checkpoint_decision::use_newest);
  feed(journal_seen{100'000, 0, 0});
  make_on_f1();
  EXPECT_EQ(only<prove_leadership>(ack(F2, i100)).proof, 1u);
  EXPECT_EQ(c->retention().upto, 50'000u);
  feed(decision_logged{checkpoint_decision::use_newest, 0});
  const auto orders = all<delete_journal>(feed(leadership_proved{1}));
  ASSERT_EQ(orders.size(), 3u);
  EXPECT_EQ(orders.front().upto, 100'000u);
  EXPECT_TRUE(orders.front().pressed);
  const auto over = feed(disk_pressure_seen{false});
  EXPECT_EQ(c->retention().upto, 50'000u);
  EXPECT_EQ(only<log_decision>(over).decision.what, checkpoint_decision::use_older);
  EXPECT_TRUE(feed(disk_pressure_seen{true}).empty()) << "what is on its way into the log comes first";
  EXPECT_EQ(only<log_decision>(feed(decision_logged{checkpoint_decision::use_older, 0})).decision.what,
            checkpoint_decision::use_newest);
}

TEST_F(CheckpointOperator, TheNextLeaderLooksAtItsDiskBeforeItUsesWhatAnEarlierOneLogged) {
  lead(6, {}, true);
  for (const auto member : {L, F1, F2})
    EXPECT_TRUE(all<log_decision>(see(member, 10, 100'400, {i100, i50})).empty());
  EXPECT_EQ(c->retention().upto, 50'000u);
  feed(disk_pressure_seen{true});
  EXPECT_EQ(c->retention().upto, 100'000u);
  EXPECT_EQ(only<log_decision>(feed(disk_pressure_seen{false})).decision.what, checkpoint_decision::use_older);
}

TEST_F(CheckpointOperator, ALeaderThatCannotReadItsDiskTakesBackWhatAnEarlierOneLogged) {
  lead(6, {}, true);
  EXPECT_TRUE(all<log_decision>(pass(options.disk_patience - 1ms)).empty());
  EXPECT_EQ(only<log_decision>(pass(1ms)).decision.what, checkpoint_decision::use_older);
}

TEST_F(CheckpointOperator, PressureThatIsNotSeenAnyMoreEnds) {
  feed(disk_pressure_seen{true});
  feed(decision_logged{checkpoint_decision::use_newest, 0});
  pass(options.disk_patience - 1ms);
  feed(disk_pressure_seen{true});
  EXPECT_TRUE(all<log_decision>(pass(options.disk_patience - 1ms)).empty());
  EXPECT_TRUE(c->feels_pressure());
  EXPECT_EQ(only<log_decision>(pass(1ms)).decision.what, checkpoint_decision::use_older);
  EXPECT_FALSE(c->feels_pressure());
}

TEST_F(CheckpointOperator, ADecisionThatWasNotLoggedIsMadeAgain) {
  feed(disk_pressure_seen{true});
  EXPECT_EQ(only<log_decision>(feed(decision_failed{checkpoint_decision::use_newest, 0})).decision.what,
            checkpoint_decision::use_newest);
}

TEST(DiskPressure, EndsLaterThanItBegins) {
  const disk_room at{.free_bytes = 400, .interval_bytes = 64, .retain_bytes = 1'000, .image_bytes = 36};
  EXPECT_FALSE(disk_presses(at, false));
  EXPECT_TRUE(disk_presses({399, 64, 1'000, 36}, false));
  EXPECT_TRUE(disk_presses({799, 64, 1'000, 36}, true));
  EXPECT_FALSE(disk_presses({800, 64, 1'000, 36}, true));
}

TEST(DiskPressure, AnIntervalBeyondWhatIsRetainedCountsForNoMore) {
  constexpr std::uint64_t interval_bytes = std::uint64_t{100'000} << 20, retain_bytes = 64;
  EXPECT_FALSE(disk_presses({400, interval_bytes, retain_bytes, 36}, false));
  EXPECT_TRUE(disk_presses({399, interval_bytes, retain_bytes, 36}, false));
  EXPECT_FALSE(disk_presses({800, UINT64_MAX, retain_bytes, 36}, true));
}

TEST(CheckpointMarks, AreWhatTheLogSays) {
  catalog cat;
  EXPECT_TRUE(marks_of(cat).excused.empty());
  EXPECT_FALSE(marks_of(cat).use_newest);
  cat.retention.put(frontend_id{2}, {"down", {}});
  cat.retention.put(frontend_id{}, {"full", {}});
  EXPECT_EQ(marks_of(cat).excused, std::set<node_id>{2});
  EXPECT_TRUE(marks_of(cat).use_newest);
}

TEST_F(CheckpointOperator, RollsByEntriesAndByBytes) {
  EXPECT_TRUE(all<start_attempt>(next_round()).empty()) << "50,400 entries and no bytes are not due";
  feed(journal_seen{0, options.bytes_max - 1, 0});
  EXPECT_TRUE(all<start_attempt>(next_round()).empty());
  feed(journal_seen{0, options.bytes_max, 0});
  EXPECT_EQ(only<start_attempt>(next_round()).attempt.journal_id, 100'400u);
  lead(6);
  scene(0);
  see(L, 10, 150'000, {i50});
  EXPECT_EQ(only<start_attempt>(next_round()).attempt.journal_id, 150'000u);
}

/// The proof of leadership is an entry too; an idle cluster must not make an image an hour of those.
TEST_F(CheckpointOperator, AgeAloneDoesNotCallForAnImageOfAFewEntries) {
  see(L, 10, 50'099, {i50});
  EXPECT_TRUE(all<start_attempt>(pass(2h)).empty());
  see(L, 10, 50'100, {i50});
  EXPECT_EQ(only<start_attempt>(next_round()).attempt.journal_id, 50'100u);
}

TEST_F(CheckpointOperator, FactsThatWereOvertakenAreDropped) {
  feed(member_seen{F1, beat + 2, boots[F1], 20, 100'400, 0, {i50}});
  feed(member_seen{F1, beat + 1, boots[F1], 20, 90'000, 0, {}});
  EXPECT_EQ(c->members().at(F1).applied, 100'400u);
}

/// What the earlier process had acknowledged may have been found damaged since.
TEST_F(CheckpointOperator, AnAckOfAnEarlierProcessDoesNotCount) {
  feed(journal_seen{100'000, 0, 0});
  make_on_f1();
  const auto earlier = boots[F2];
  boots[F2] = 99;
  see(F2, 30, 100'400, {i50});
  EXPECT_TRUE(all<prove_leadership>(feed(push_acked{F2, earlier, i100})).empty());
  EXPECT_EQ(c->retention().limit, retention_limit::not_acked);
}

TEST_F(CheckpointOperator, OneTransferAtATime) {
  c.emplace(options, term{5}, L, std::vector<node_id>{L, F1, F2, 4, 5}, checkpoint_marks{}, now);
  scene();
  see(4, 40, 100'400, {i50});
  see(5, 50, 100'400, {i50});
  EXPECT_EQ(only<push_image>(make_on_f1()).member, F2);
  EXPECT_TRUE(next_round().empty()) << "F2 is not done";
  EXPECT_EQ(only<push_image>(ack(F2, i100)).member, 4u);
  EXPECT_EQ(only<push_image>(pass(options.progress_patience)).member, 5u) << "4 hangs";
  EXPECT_EQ(only<push_image>(ack(5, i100)).member, 4u) << "its turn again";
}

TEST_F(CheckpointOperator, AMemberThatLeavesTakesItsAttemptWithIt) {
  feed(checkpoint_asked{1, F1});
  const auto effects = feed(group_changed{{L, F2}});
  EXPECT_FALSE(only<answer_operator>(effects).done);
  EXPECT_FALSE(c->members().contains(F1));
  EXPECT_TRUE(all<start_attempt>(feed(member_seen{F1, ++beat, 12, 20, 1, 0, {}})).empty());
}

/// spec/jobs.md C11, #7754: who joins after the journal was cut cannot begin with its first entry.
TEST_F(CheckpointOperator, WhoJoinsLateGetsAnImageThatReplacesItsState) {
  see(L, 10, 100'400, {i100, i50}, 50'000);
  see(F1, 20, 100'400, {i100, i50}, 50'000);
  see(F2, 30, 100'400, {i100, i50}, 50'000);
  feed(group_changed{{L, F1, F2, 4}});
  const auto push = only<push_image>(feed(member_seen{4, ++beat, 14, 1, 0, 0, {}}));
  EXPECT_EQ(push.member, 4u);
  EXPECT_TRUE(push.resync);
}

TEST_F(CheckpointOperator, AnExcusedMemberStaysExcusedUnderTheNextLeader) {
  lead(6, {F2});
  see(L, 10, 100'400, {i100, i50});
  EXPECT_EQ(proved(see(F1, 20, 100'400, {i100, i50})), (std::map<node_id, std::uint64_t>{{L, 50'000}, {F1, 50'000}}));
}

} // namespace
} // namespace tabletd::model
