// Cold data that comes back: who says so, who follows, and what must not be lost on the way.
#include "tests/model/cooldown_world.h"

namespace tabletd::test {
namespace {

const remote_meta both = meta_of({1, 2}, {cold(2, 5, "x"), cold(6, 8, "y")});
const std::vector came_home{hot(2, 5, 0s), hot(6, 8, 0s)};

/// A, the uploader, has what is published and is told to take it back.
struct CooldownRecall : testing::Test {
  backend_rig a{disk_of(A, both.id, both.rowsets, {hot(9, 9, 0s)})};
  void SetUp() override {
    a.appoint(1, published(both, "m"));
    a.rule.reset();
    a.recall = true;
  }
  /// Asked and granted.
  bring_home recalled() {
    const auto asked = only<ask_publication>(a.work());
    return only<bring_home>(a.say(publication_answered{asked.job, publication_verdict::accepted}));
  }
};

TEST_F(CooldownRecall, TheUploaderTakesBackWhatItPublishedAndThenComesHome) {
  const auto effects = a.work();
  const auto asked = only<ask_publication>(effects);
  EXPECT_EQ(asked.meta, nothing_remote({1, 3}));
  EXPECT_EQ(asked.term, 1U);
  EXPECT_EQ(effects.size(), 1U) << "there is nothing to put and nothing to remember";
  const auto home = only<bring_home>(a.say(publication_answered{asked.job, publication_verdict::accepted}));
  EXPECT_EQ(home.change.from, both.id);
  EXPECT_EQ(home.change.to, (remote_meta_id{1, 3}));
  EXPECT_EQ(home.change.remote_dropped, both.rowsets);
  EXPECT_EQ(a.process->phase(a.disk), cooldown_phase::recalling);
  apply(a.disk, home.change);
  EXPECT_EQ(a.disk, disk_of(A, {1, 3}, {}, {came_home[0], came_home[1], hot(9, 9, 0s)}));
  EXPECT_TRUE(has<list_objects>(a.say(cooldown_done{home.job})) || has<list_objects>(a.work())) << "the objects are unused";
  a.resource = {};
  a.restart();
  (void)a.say(conf_pushed{{A, 1, nothing_remote({1, 3}), {1, 3}}});
  (void)a.say(report_acknowledged{a.now, 1});
  EXPECT_TRUE(has<list_objects>(a.work())) << "no policy names a place; the stores that there are may all have something";
}

TEST_F(CooldownRecall, ItIsAskedOnceMoreUnderTheSameIdUntilItIsKnown) {
  const auto first = only<ask_publication>(a.work());
  EXPECT_TRUE(a.say(publication_answered{first.job, publication_verdict::term_unknown}).empty());
  EXPECT_TRUE(a.work().empty()) << "the leader may be behind";
  a.now += 60s;
  EXPECT_EQ(only<ask_publication>(a.work()).meta, first.meta);
  a.restart();
  a.appoint(1, published(both, "m"));
  const auto again = only<ask_publication>(a.work());
  EXPECT_EQ(again.meta, first.meta);
  // The answer was lost; the next conf brings it.
  const auto home = only<bring_home>(a.say(conf_pushed{{A, 1, first.meta, first.meta.id}}));
  EXPECT_EQ(home.change.to, first.meta.id);
}

TEST_F(CooldownRecall, OneThatWasTakenBackIsGivenUpAndCoolingGoesOn) {
  const auto asked = only<ask_publication>(a.work());
  a.recall = false;
  a.rule = cooling_rule{3600s, std::nullopt};
  EXPECT_TRUE(a.say(publication_answered{asked.job, publication_verdict::not_greater}).empty()) << "nothing to forget";
  a.now += a.options.work_interval;
  EXPECT_TRUE(has<put_segment>(a.work()));
}

TEST_F(CooldownRecall, NothingIsUploadedOrCompactedMeanwhile) {
  const auto home = recalled();
  apply(a.disk, home.change);
  (void)a.say(cooldown_done{home.job});
  a.options.compaction.rowsets_min = 1;
  for (int i = 0; i < 3; ++i) {
    const auto effects = a.work();
    EXPECT_FALSE(has<put_segment>(effects));
    EXPECT_FALSE(has<ask_publication>(effects)) << "it was said";
    a.now += 60s;
    a.appoint(1);
  }
}

/// It would let go of files that it then has to fetch.
TEST_F(CooldownRecall, NobodyFollowsWhatIsAboutToBeTakenBack) {
  const auto newer = meta_of({1, 3}, {cold(2, 5, "x"), cold(6, 9, "z")});
  backend_rig b{disk_of(B, both.id, both.rowsets, {hot(9, 9)})};
  (void)b.say(conf_pushed{{A, 1, published(newer, "m3")}});
  b.recall = true;
  EXPECT_TRUE(b.work().empty());
  // Nor does a new uploader, who may not even be able to: its rowsets can lie across the end.
  b.appoint(2, published(newer, "m3"));
  EXPECT_EQ(only<ask_publication>(b.work()).meta, nothing_remote({2, 4}));
  b.recall = false;
  b.restart();
  (void)b.say(conf_pushed{{A, 3, published(newer, "m3")}});
  follow(b, newer);
}

/// What is on its way into the log is settled before.
TEST_F(CooldownRecall, AnOpenQuestionComesFirst) {
  a.disk.asked = published(meta_of({1, 3}, {cold(2, 5, "x"), cold(6, 9, "z")}), "m3");
  EXPECT_EQ(only<ask_publication>(a.work()).meta, *a.disk.asked);
}

TEST_F(CooldownRecall, OnlyTheCurrentTermsRecallCanBeCleanedUpBehind) {
  const auto home = recalled();
  apply(a.disk, home.change);
  (void)a.say(cooldown_done{home.job});
  (void)a.say(conf_pushed{{A, 2, nothing_remote({1, 3}), {1, 3}}});
  a.restart();
  a.appoint(2, nothing_remote({1, 3}));
  const auto listed = only<list_objects>(a.work());
  EXPECT_EQ(only<ask_publication>(a.say(objects_listed{listed.job, {"101.1.00000000000000a1.2-5.seg"}})).meta, nothing_remote({2, 4}));
}

TEST_F(CooldownRecall, WhatCannotBeFetchedIsTriedAgainAfterARest) {
  const auto home = recalled();
  EXPECT_TRUE(a.say(cooldown_failed{home.job, "data/10/x is not there"}).empty());
  EXPECT_EQ(a.process->why_stuck(), "data/10/x is not there");
  EXPECT_EQ(a.process->phase(a.disk), cooldown_phase::stuck);
  EXPECT_TRUE(a.work().empty());
  a.now += a.options.work_interval * a.options.rest_intervals;
  EXPECT_EQ(only<bring_home>(a.work()).change, home.change);
}

/// Nobody waits for hours for a read that cannot be served now.
TEST_F(CooldownRecall, AReadThatMissesMeanwhileFails) {
  (void)recalled();
  EXPECT_TRUE(has<fail_reads>(a.say(read_missed{})));
}

TEST_F(CooldownRecall, ANewTermOrACloneDoesNotStopIt) {
  const auto home = recalled();
  EXPECT_FALSE(has<refuse_conf>(a.say(conf_pushed{{B, 2, nothing_remote({1, 3}), {1, 3}}})));
  EXPECT_TRUE(a.process->may_install_clone()) << "what is saved is compared with what is there then";
  (void)a.say(clone_installed_here{true});
  apply(a.disk, home.change);
  EXPECT_TRUE(a.say(cooldown_done{home.job}).empty());
  EXPECT_EQ(a.process->phase(a.disk), cooldown_phase::waiting);
}

// -- followers -----------------------------------------------------------------------------

TEST(CooldownRecallFollow, HomeComesBeforeWhatIsPublishedSince) {
  const auto since = meta_of({1, 4}, {cold(2, 5, "new")});
  backend_rig b{disk_of(B, both.id, both.rowsets, {})};
  (void)b.say(conf_pushed{{A, 1, published(since, "m4"), {1, 3}}});
  EXPECT_EQ(b.process->phase(b.disk), cooldown_phase::recalling);
  const auto home = only<bring_home>(b.work());
  EXPECT_EQ(home.change.to, (remote_meta_id{1, 3})) << "an id determines the set";
  apply(b.disk, home.change);
  (void)b.say(cooldown_done{home.job});
  EXPECT_EQ(b.process->phase(b.disk), cooldown_phase::following);
  follow(b, since);
  EXPECT_EQ(b.disk, disk_of(B, {1, 4}, since.rowsets, {came_home[1]}));
}

TEST(CooldownRecallFollow, WhoIsNewerThanTheRecallJustFollows) {
  const auto since = meta_of({1, 4}, {cold(2, 5, "new")}), later = meta_of({1, 5}, {cold(2, 5, "newer")});
  backend_rig b{disk_of(B, since.id, since.rowsets, {})};
  (void)b.say(conf_pushed{{A, 1, published(later, "m5"), {1, 3}}});
  follow(b, later);
  EXPECT_EQ(b.disk.remote, later.rowsets);
}

TEST(CooldownRecallFollow, ALatePushDoesNotHideARecall) {
  backend_rig b{disk_of(B, both.id, both.rowsets, {})};
  (void)b.say(conf_pushed{{A, 1, nothing_remote({1, 3}), {1, 3}}});
  (void)b.say(conf_pushed{{A, 1, published(both, "m"), {}}});
  EXPECT_EQ(only<bring_home>(b.work()).change.to, (remote_meta_id{1, 3}));
}

/// Two that came home from different sets have rowsets with different ends.  One of them publishes the first of its own; the
/// other one, should it have to go on, could wait for ever.
TEST(CooldownRecallFollow, AnUploaderWhoseRowsetsLieAcrossTheEndPublishesItsOwn) {
  const auto short_one = meta_of({1, 4}, {cold(2, 5, "x")});
  backend_rig b{disk_of(B, {1, 3}, {}, {hot(2, 3), hot(4, 8), hot(9, 9)})};
  b.appoint(2, published(short_one, "m4"));
  EXPECT_TRUE(b.say(meta_fetched{only<fetch_meta>(b.work()).job, short_one}).empty());
  EXPECT_EQ(b.process->phase(b.disk), cooldown_phase::stuck);
  b.now += b.options.work_interval * b.options.rest_intervals;
  b.appoint(2);
  b.wall = 4000s;
  EXPECT_TRUE(has<fetch_meta>(b.work())) << "nothing is due, so there is nothing to publish";
  b.restart();
  b.appoint(2, published(short_one, "m4"));
  (void)b.say(meta_fetched{only<fetch_meta>(b.work()).job, short_one});
  b.now += b.options.work_interval * b.options.rest_intervals;
  b.appoint(2);
  b.wall = 6000s;
  const auto upload = carry_upload(b, b.work());
  EXPECT_EQ(upload.meta.id, (remote_meta_id{2, 5}));
  EXPECT_EQ(last_version_of(upload.meta.rowsets), 8U) << "to the end of what is published, and no further";
  EXPECT_EQ(upload.segments.size(), 2U);
  save(b, b.say(publication_answered{upload.asked.job, publication_verdict::accepted}));
  EXPECT_EQ(b.disk.hot, std::vector{hot(9, 9)});
  // Its remote rowsets must lie where the new ones go: a meta has one resource.
  backend_rig c{disk_of(C, {1, 3}, {cold(2, 3, "w")}, {hot(4, 8), hot(9, 9)})};
  c.disk.resource = resource_id{99};
  c.appoint(2, published(short_one, "m4"));
  (void)c.say(meta_fetched{only<fetch_meta>(c.work()).job, short_one});
  c.now += c.options.work_interval * c.options.rest_intervals;
  c.appoint(2);
  EXPECT_TRUE(has<fetch_meta>(c.work()));
}

// -- rules -----------------------------------------------------------------------------------

TEST(CooldownRecallRules, OnlyARecalledTabletMayPublishNothing) {
  const cooldown_conf conf{A, 1, published(both, "m")};
  EXPECT_EQ(judge_publication(conf, A, 1, nothing_remote({1, 3}), true), publication_verdict::accepted);
  EXPECT_EQ(judge_publication(conf, A, 1, nothing_remote({1, 3}), false), publication_verdict::term_unknown);
  EXPECT_EQ(judge_publication(conf, A, 1, nothing_remote({1, 2}), true), publication_verdict::not_greater);
  EXPECT_EQ(judge_publication(conf, B, 1, nothing_remote({1, 3}), true), publication_verdict::not_uploader);
  const cooldown_conf then{A, 1, nothing_remote({1, 3}), {1, 3}};
  EXPECT_EQ(judge_publication(then, A, 1, nothing_remote({1, 3}), false), publication_verdict::accepted) << "it was before";
  EXPECT_EQ(judge_publication(then, A, 1, nothing_remote({1, 4}), true), publication_verdict::accepted);
}

TEST(CooldownRecallRules, WhatIsHurriedIsDueWhateverItsTime) {
  const cooling_rule never{1'000h, std::nullopt, 8};
  EXPECT_TRUE(is_due(hot(2, 8), never, 1s));
  EXPECT_FALSE(is_due(hot(9, 9), never, 1s));
  EXPECT_FALSE(is_due(hot(6, 9), never, 1s)) << "some of it came later";
  EXPECT_EQ(choose_next({hot(2, 5), hot(6, 8), hot(9, 9)}, version_initial, never, {}, 1s).rowsets.size(), 2U);
}

TEST(CooldownRecallRules, ClonesBetweenThoseThatAreHomeAndThoseThatAreNot) {
  const auto home = disk_of(C, {1, 3}, {}, {hot(2, 5), hot(6, 8), hot(9, 9)});
  const auto away = disk_of(C, both.id, both.rowsets, {hot(9, 9)});
  const cloned_set from_home{{1, 3}, {}, {hot(2, 5, 1s), hot(6, 8, 1s), hot(9, 9, 1s)}};
  const cloned_set from_away{both.id, both.rowsets, {hot(9, 9), hot(10, 10)}};
  // Whole, from home: what is remote is let go, because all of it comes along.
  auto own = away;
  apply(own, std::get<set_change>(plan_clone(own, from_home, true)));
  EXPECT_EQ(own, disk_of(C, {1, 3}, {}, from_home.hot));
  auto short_of = from_home;
  short_of.hot.erase(short_of.hot.begin() + 1);
  EXPECT_TRUE(std::holds_alternative<set_refused>(plan_clone(away, short_of, true))) << "versions 6 to 8 would be lost";
  // Whole, to home: nothing else has versions 2 to 8.
  const auto plan = plan_clone(home, from_away, true);
  ASSERT_TRUE(std::holds_alternative<set_refused>(plan));
  EXPECT_EQ(std::get<set_refused>(plan).why, "the source has not brought its rowsets home yet, as the destination has");
  // A few versions: each keeps its own set.
  own = home;
  apply(own, std::get<set_change>(plan_clone(own, from_away, false)));
  EXPECT_EQ(own, disk_of(C, {1, 3}, {}, {hot(2, 5), hot(6, 8), hot(9, 9), hot(10, 10)}));
  own = away;
  apply(own, std::get<set_change>(plan_clone(own, from_home, false)));
  EXPECT_EQ(own, away);
}

/// Settled is settled: what was asked for is published, and cannot be followed any more.
TEST(CooldownRecallFollow, WhatWasAskedForIsForgottenWhenItIsPublishedButCannotBeFollowed) {
  const auto mine = meta_of({1, 4}, {cold(2, 5, "x")});
  backend_rig a{disk_of(A, {1, 3}, {}, {hot(2, 8)})};  // A clone came in between.
  a.disk.asked = published(mine, "m4");
  a.appoint(1, published(mine, "m4"));
  (void)a.say(meta_fetched{only<fetch_meta>(a.work()).job, mine});
  const auto forgets = only<forget_asked>(a.work());
  a.disk.asked.reset();
  (void)a.say(cooldown_done{forgets.job});
  a.now += a.options.work_interval * a.options.rest_intervals;
  a.appoint(1);
  EXPECT_EQ(last_version_of(carry_upload(a, a.work()).meta.rowsets), 8U);
}

/// What the others have lies in one rowset with versions that are remote here: no clone can mend it.
TEST(CooldownRecallGrants, AnUploaderThatLacksVersionsForLongMakesRoom) {
  auto view = three_replicas({A, 1, published(both, "m")});
  view.replicas[0].complete = false;
  cooldown_handler handler(0s);
  const auto at = [&](replica_id who, time_ms now) { return handler.step(view, report_of(who, 1), now); };
  EXPECT_FALSE(has<propose_conf>(at(A, 1s)));
  EXPECT_FALSE(has<propose_conf>(at(A, 1s + uploader_patience - 1ms))) << "it is being mended, as a rule";
  view.replicas[0].complete = true;
  EXPECT_FALSE(has<propose_conf>(at(A, 1s + uploader_patience)));
  view.replicas[0].complete = false;
  for (time_ms now = 3000s; now < 3000s + uploader_patience; now += 60s)
    EXPECT_FALSE(has<propose_conf>(at(A, now)));
  view.replicas[1].complete = view.replicas[2].complete = false;
  EXPECT_FALSE(has<propose_conf>(at(A, 3000s + uploader_patience))) << "nobody is better";
  view.replicas[2].complete = true;
  EXPECT_EQ(only<propose_conf>(at(A, 3001s + uploader_patience)), (propose_conf{{}, 2})) << "it is alive, so it is told";
  view.conf = {{}, 2, published(both, "m")};
  EXPECT_EQ(only<propose_conf>(handler.step(view, report_of(A, 2), 3002s + uploader_patience)), (propose_conf{C, 3}))
      << "not the former one, nor the other one that lacks versions";
}

TEST(CooldownRecallStanding, SaysHowFarItIs) {
  cooldown_handler handler(0s);
  auto view = three_replicas({A, 1, published(both, "m")});
  view.recalled = true;
  for (const auto replica : {A, B, C})
    (void)handler.step(view, report_of(replica, 1, both.id, 8), 1s);
  EXPECT_EQ(handler.standing(view, 1s).phase, cooldown_phase::recalling) << "not taken back yet";
  view.conf.published = nothing_remote({1, 3});
  view.conf.recalled = {1, 3};
  for (const auto replica : {A, C})
    (void)handler.step(view, report_of(replica, 1, {1, 3}), 2s);
  auto standing = handler.standing(view, 2s);
  EXPECT_EQ(standing.phase, cooldown_phase::recalling);
  EXPECT_EQ(standing.why, "replica 102 has not brought its rowsets home yet");
  EXPECT_EQ(standing.lag, 7U);
  auto stuck = report_of(B, 1, both.id, 8);
  stuck.phase = cooldown_phase::stuck;
  stuck.why = "the disk is full";
  (void)handler.step(view, stuck, 3s);
  EXPECT_EQ(handler.standing(view, 3s).why, "replica 102: the disk is full");
  (void)handler.step(view, report_of(B, 1, {1, 3}), 4s);
  standing = handler.standing(view, 4s);
  EXPECT_EQ(standing.phase, cooldown_phase::waiting);
  EXPECT_EQ(standing.lag, 0U);
}

}  // namespace
}  // namespace tabletd::test
