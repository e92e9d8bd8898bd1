// Rules of cooldown beside the specification's vectors (cooldown_vectors_test.cpp).
#include "tests/model/cooldown_world.h"

namespace tabletd::test {
namespace {

// -- U1 ------------------------------------------------------------------------------------

TEST(CooldownLease, PatienceCoversClocksThatGoWrong) {
  EXPECT_EQ(patience_needed(1'800s, 1), time_ms(1'836'364));
  EXPECT_EQ(patience_needed(1'800s, 0), 1'800s);
  EXPECT_LT(patience_needed(uploader_lease, clock_error_percent), uploader_patience);
}

TEST(CooldownLease, CountsFromTheReportSentLastInTheTerm) {
  backend_rig a{disk_of(A, {}, {}, {})};
  a.appoint(1);
  (void)a.say(report_acknowledged{100s, 1});
  (void)a.say(report_acknowledged{50s, 1});  // Late.
  EXPECT_EQ(a.process->lease_left(100s), 1'800s);
  (void)a.say(report_acknowledged{200s, 2});
  EXPECT_FALSE(a.process->leads(200s)) << "the leader knows a later term";
  (void)a.say(report_acknowledged{300s, 1});
  EXPECT_FALSE(a.process->leads(300s));
  (void)a.say(conf_pushed{{A, 2, std::nullopt}});
  EXPECT_EQ(a.process->lease_left(300s), 1'700s);
}

// -- grants --------------------------------------------------------------------------------

TEST(CooldownGrants, PreferTheHighestRemoteVersionThenTheLowestId) {
  auto view = three_replicas({A, 1, std::nullopt});
  cooldown_handler handler(0s);
  (void)handler.step(view, report_of(B, 1, {1, 1}, 5), 1s);
  (void)handler.step(view, report_of(C, 1, {1, 2}, 8), 1s);
  view.replicas[0].alive = false;
  EXPECT_EQ(only<propose_conf>(handler.step(view, cooldown_ticked{}, 1'860s)), (propose_conf{C, 2}));
  EXPECT_TRUE(handler.step(view, cooldown_ticked{}, 1'861s).empty()) << "one proposal at a time";
  view.replicas[2].bad = true;
  (void)handler.step(view, conf_not_logged{2}, 1'862s);
  EXPECT_EQ(only<propose_conf>(handler.step(view, cooldown_ticked{}, 1'863s)), (propose_conf{B, 2}));
}

TEST(CooldownGrants, NeitherDeadNorBadNorIncomplete) {
  auto view = three_replicas();
  view.replicas[0].alive = false;
  view.replicas[1].bad = true;
  view.replicas[2].clone = true;
  cooldown_handler handler(0s);
  EXPECT_TRUE(handler.step(view, cooldown_ticked{}, 1s).empty());
  EXPECT_EQ(handler.standing(view, 1s).phase, cooldown_phase::stuck);
}

TEST(CooldownGrants, AnUploaderThatCannotGoOnIsRevokedFirst) {
  auto view = three_replicas({A, 1, std::nullopt});
  cooldown_handler handler(0s);
  (void)handler.step(view, report_of(A, 1), 10s);
  view.replicas[0].bad = true;
  EXPECT_EQ(only<propose_conf>(handler.step(view, cooldown_ticked{}, 20s)), (propose_conf{replica_id{}, 2}));
  view.conf = {replica_id{}, 2, std::nullopt};
  EXPECT_TRUE(handler.step(view, cooldown_ticked{}, 30s).empty()) << "it may not know yet";
  const auto late = handler.step(view, report_of(A, 1), 40s);
  EXPECT_TRUE(has<push_conf>(late));
  EXPECT_FALSE(has<acknowledge_report>(late) || has<propose_conf>(late));
  EXPECT_EQ(only<propose_conf>(handler.step(view, report_of(A, 2), 50s)), (propose_conf{B, 3}))
      << "its report says it knows";
}

TEST(CooldownGrants, ARevokedOneThatSaysNothingIsWaitedForFromItsLastReport) {
  auto view = three_replicas({A, 1, std::nullopt});
  cooldown_handler handler(0s);
  (void)handler.step(view, report_of(A, 1), 10s);
  view.replicas[0].bad = true;
  (void)handler.step(view, cooldown_ticked{}, 20s);
  view.conf = {replica_id{}, 2, std::nullopt};
  EXPECT_TRUE(handler.step(view, cooldown_ticked{}, 1'870s - 1ms).empty());
  EXPECT_EQ(only<propose_conf>(handler.step(view, cooldown_ticked{}, 1'870s)), (propose_conf{B, 3}));
  // The next leader knows neither whom nor when.
  cooldown_handler next(1'000s);
  (void)next.step(view, report_of(A, 2), 1'100s);
  EXPECT_TRUE(next.step(view, cooldown_ticked{}, 2'860s - 1ms).empty());
  EXPECT_EQ(only<propose_conf>(next.step(view, cooldown_ticked{}, 2'860s)), (propose_conf{B, 3}));
}

TEST(CooldownGrants, ANewLeaderCountsFromItsOwnBeginning) {
  auto view = three_replicas({A, 1, std::nullopt});
  view.replicas.erase(view.replicas.begin());
  cooldown_handler handler(500s);
  EXPECT_TRUE(handler.step(view, cooldown_ticked{}, 2'360s - 1ms).empty());
  EXPECT_EQ(only<propose_conf>(handler.step(view, cooldown_ticked{}, 2'360s)), (propose_conf{B, 2}));
}

TEST(CooldownGrants, AnUploaderThatLivesButSaysNothingIsReplaced) {
  const auto view = three_replicas({A, 1, std::nullopt});
  cooldown_handler handler(0s);
  EXPECT_EQ(only<propose_conf>(handler.step(view, cooldown_ticked{}, 1'860s)), (propose_conf{B, 2}));
}

TEST(CooldownGrants, ALeaderThatIsBehindRefusesNothingForGood) {
  const cooldown_conf behind{A, 1, std::nullopt};
  const auto meta = published(meta_of({2, 1}, {cold(2, 2, "x")}, B), "m");
  EXPECT_EQ(judge_publication(behind, B, 2, meta, false), publication_verdict::term_unknown);
  cooldown_handler handler(0s);
  EXPECT_TRUE(handler.step(three_replicas(behind), publication_asked{1, B, 2, meta}, 1s).empty());
  const cooldown_conf now{B, 2, meta};
  EXPECT_EQ(judge_publication(now, B, 2, meta, false), publication_verdict::accepted) << "it was before";
  auto other = meta;
  other.object = "n";
  EXPECT_EQ(judge_publication(now, B, 2, other, false), publication_verdict::not_greater);
}

TEST(CooldownGrants, Standing) {
  const auto meta = published(meta_of({1, 1}, {cold(2, 10, "x")}), "m");
  const auto view = three_replicas({A, 1, meta});
  cooldown_handler handler(0s);
  EXPECT_EQ(handler.standing(view, 1s).phase, cooldown_phase::following) << "nobody has reported";
  for (const auto replica : {A, B, C})
    (void)handler.step(view, report_of(replica, 1, {1, 1}, 10), 1s);
  EXPECT_EQ(handler.standing(view, 2s).phase, cooldown_phase::cooled);
  EXPECT_EQ(handler.standing(view, 2s).lag, 0U);
  auto stuck = report_of(C, 1, {}, version_initial);
  stuck.phase = cooldown_phase::stuck;
  stuck.why = "not aligned";
  (void)handler.step(view, stuck, 3s);
  EXPECT_EQ(handler.standing(view, 3s).phase, cooldown_phase::stuck);
  EXPECT_EQ(handler.standing(view, 3s).why, "replica 103: not aligned");
  EXPECT_EQ(handler.standing(view, 3s).lag, 9U);
}

// -- sets ----------------------------------------------------------------------------------

TEST(CooldownSets, NamesTellTheTerm) {
  EXPECT_EQ(segment_object({A, 7, 0xab}, 2, 5), "101.7.00000000000000ab.2-5.seg");
  EXPECT_EQ(meta_object({A, 7, 0xab}, 9), "101.7.9.00000000000000ab.meta");
  for (const auto& name : {segment_object({A, 7, 0xab}, 2, 5), meta_object({A, 7, 0xab}, 9)})
    EXPECT_EQ(term_in_name(name), 7U) << name;
  for (const auto* foreign : {"", "101.7.ab.2-5.seg", "101.7.00000000000000ab.5.seg", "101.7.00000000000000ab.2-5.tmp",
                              "101.x.00000000000000ab.2-5.seg", "101.7.00000000000000ab.2-5.seg.1", "note.txt",
                              "101.7.9.00000000000000AB.meta"})
    EXPECT_EQ(term_in_name(foreign), std::nullopt) << foreign;
}

TEST(CooldownSets, CleanupKeepsWhatItDoesNotKnow) {
  const auto name = [](term in_term, std::uint64_t nonce) { return segment_object({A, in_term, nonce}, 2, 2); };
  const auto meta = meta_of({2, 1}, {cold(2, 2, name(1, 1)), cold(3, 3, "")});
  EXPECT_EQ(plan_cleanup(
                {name(1, 1), name(1, 2), name(2, 3), name(3, 4), "m", "m.old", "note.txt", meta_object({B, 1, 5}, 1)},
                published(meta, "m"), meta.rowsets, {name(2, 3)}, 2),
            (std::vector{name(1, 2), meta_object({B, 1, 5}, 1)}));
}

TEST(CooldownSets, DefectsOfAMeta) {
  const auto good = meta_of({1, 1}, {cold(2, 5, "x"), cold(6, 6, "")});
  const auto says = published(good, "m");
  EXPECT_EQ(defect_of(good, tablet, says), "");
  const auto broken = [&](auto change) {
    auto meta = good;
    change(meta);
    return !defect_of(meta, tablet, says).empty();
  };
  EXPECT_TRUE(broken([](remote_meta& m) { m.tablet = tablet_id{11}; }));
  EXPECT_TRUE(broken([](remote_meta& m) { m.id.seq = 2; }));
  EXPECT_TRUE(broken([](remote_meta& m) { m.resource = resource_id{2}; }));
  EXPECT_TRUE(broken([](remote_meta& m) { m.rowsets[0].first_version = 3; }));
  EXPECT_TRUE(broken([](remote_meta& m) { m.rowsets[1].first_version = 5; }));
  EXPECT_TRUE(broken([](remote_meta& m) { m.rowsets.pop_back(); }));
  EXPECT_TRUE(broken([](remote_meta& m) { m.rowsets[1].blocks = 1; }));
  EXPECT_TRUE(broken([](remote_meta& m) { m.rowsets[0].object.clear(); }));
}

TEST(CooldownSets, FollowComparesObjectsNotVersions) {
  const auto own = disk_of(B, {1, 1}, {cold(2, 5, "x"), cold(6, 8, "y")}, {hot(9, 9)});
  const auto change
      = std::get<set_change>(plan_follow(own, meta_of({1, 2}, {cold(2, 5, "x"), cold(6, 8, "z"), cold(9, 9, "")})));
  EXPECT_EQ(change.kept, 1U);
  EXPECT_EQ(change.remote_dropped, std::vector{cold(6, 8, "y")});
  EXPECT_EQ(change.hot_dropped, std::vector{hot(9, 9)}) << "an empty rowset is followed too";
}

TEST(CooldownSets, ClonesTakeTheGreaterSetAndWhatIsMissing) {
  const auto old_set = cold(2, 3, "old");
  const std::vector new_set{cold(2, 3, "new"), cold(4, 5, "four")};
  // The source is ahead.
  auto own = disk_of(C, {1, 1}, {old_set}, {hot(4, 4), hot(6, 6), hot(9, 9)});
  auto change = std::get<set_change>(plan_clone(own, {{1, 2}, new_set, {hot(6, 6), hot(7, 7), hot(8, 8)}}, false));
  apply(own, change);
  EXPECT_EQ(own, disk_of(C, {1, 2}, new_set, {hot(6, 6), hot(7, 7), hot(8, 8), hot(9, 9)}));
  // The source is behind; a full clone renews local rowsets but takes no id back.
  own = disk_of(C, {1, 2}, new_set, {hot(6, 6, 1s), hot(7, 7)});
  change = std::get<set_change>(plan_clone(own, {{1, 1}, {old_set}, {hot(4, 4), hot(5, 5), hot(6, 6, 2s)}}, true));
  apply(own, change);
  EXPECT_EQ(own, disk_of(C, {1, 2}, new_set, {hot(6, 6, 2s), hot(7, 7)}));
  EXPECT_TRUE(std::holds_alternative<set_refused>(plan_clone(own, {{1, 1}, {}, {hot(2, 6)}}, true))) << "not aligned";
}

TEST(CooldownSets, WhatWasAskedIsForgottenOnlyWhenItIsSettled) {
  auto own = disk_of(A, {1, 1}, {cold(2, 2, "x")}, {});
  own.asked = published(meta_of({1, 3}, {}), "m3");
  for (const std::uint64_t seq : {2, 3}) {
    apply(own, std::get<set_change>(plan_follow(own, meta_of({1, seq}, {cold(2, 2, "y")}))));
    EXPECT_EQ(own.asked.has_value(), seq < 3);
  }
}

// -- a backend's jobs ----------------------------------------------------------------------

TEST(CooldownReplica, WithoutPolicyOrResourceNothingIsUploadedButFollowed) {
  const auto meta = meta_of({1, 1}, {cold(2, 2, "x")}, B);
  for (const bool policy : {true, false}) {
    backend_rig a{disk_of(A, {}, {}, {hot(2, 2), hot(3, 3)})};
    a.appoint(1, published(meta, "m"));
    if (policy)
      a.resource = {};
    else
      a.rule.reset();
    follow(a, meta);
    EXPECT_EQ(a.disk.remote, meta.rowsets);
    const auto effects = a.work();
    EXPECT_FALSE(has<put_segment>(effects) || has<put_meta>(effects));
    EXPECT_TRUE(has<list_objects>(effects)) << "what nobody needs is deleted all the same";
  }
}

TEST(CooldownReplica, RestsLongerAfterEachFailureUpToABound) {
  backend_rig a{disk_of(A, {}, {}, {hot(2, 2)})};
  for (const int intervals : {10, 20, 40, 80, 160, 160}) {
    a.appoint(1);
    (void)a.say(cooldown_failed{only<put_segment>(a.work()).job, "503"});
    a.now += intervals * a.options.work_interval - 1ms;
    a.appoint(1);
    EXPECT_TRUE(a.work().empty()) << intervals;
    a.now += 1ms;
  }
  EXPECT_TRUE(has<put_segment>(a.work()));
}

TEST(CooldownReplica, AnUnansweredQuestionIsAskedAgainNotGuessed) {
  backend_rig a{disk_of(A, {}, {}, {hot(2, 2)})};
  a.appoint(1);
  const auto upload = carry_upload(a, a.work());
  EXPECT_TRUE(a.work().empty()) << "the answer is not overdue";
  a.now += 60s;
  EXPECT_EQ(only<ask_publication>(a.work()).meta, upload.asked.meta);
  // Another term is over for certain; then it is forgotten, and what was put is left to a cleanup.
  (void)a.say(conf_pushed{{B, 2, std::nullopt}});
  const auto effects = a.work();
  EXPECT_TRUE(has<forget_asked>(effects));
  EXPECT_FALSE(has<discard_objects>(effects)) << "it may have been published and replaced since";
}

/// Without a leader every question fails at once, and work is looked for as soon as a job has ended.
TEST(CooldownReplica, AQuestionThatFailsIsNotAskedAgainAtOnce) {
  backend_rig a{disk_of(A, {}, {}, {hot(2, 2)})};
  a.appoint(1);
  const auto upload = carry_upload(a, a.work());
  EXPECT_TRUE(a.say(cooldown_failed{upload.asked.job, "no leader is attached"}).empty());
  EXPECT_TRUE(a.process->is_idle());
  EXPECT_TRUE(a.work().empty());
  a.now += a.options.work_interval;
  EXPECT_EQ(only<ask_publication>(a.work()).meta, upload.asked.meta);
}

TEST(CooldownReplica, ADemotedOneFollowsItsOwnPublication) {
  backend_rig a{disk_of(A, {}, {}, {hot(2, 2)})};
  a.appoint(1);
  const auto upload = carry_upload(a, a.work());
  (void)a.say(conf_pushed{{B, 2, upload.asked.meta}});
  follow(a, upload.meta);
  EXPECT_EQ(a.disk.remote, upload.meta.rowsets);
  EXPECT_FALSE(a.disk.asked);
}

TEST(CooldownReplica, ACloneDropsAHalfDoneFollow) {
  const auto meta = meta_of({1, 1}, {cold(2, 2, "x")});
  backend_rig b{disk_of(B, {}, {}, {hot(2, 2)})};
  (void)b.say(conf_pushed{{A, 1, published(meta, "m")}});
  const auto fetch = only<fetch_meta>(b.work());
  (void)b.say(clone_installed_here{false});
  EXPECT_TRUE(b.say(meta_fetched{fetch.job, meta}).empty());
  const auto saving = b.say(meta_fetched{only<fetch_meta>(b.work()).job, meta});
  EXPECT_TRUE(has<save_set>(saving));
  EXPECT_FALSE(b.process->may_install_clone()) << "the plan was made for what is there now";
}

TEST(CooldownReplica, AReadThatMissesMergesOnce) {
  const auto meta = meta_of({1, 2}, {cold(2, 2, "new")});
  backend_rig b{disk_of(B, {1, 1}, {cold(2, 2, "old")}, {})};
  (void)b.say(conf_pushed{{A, 1, published(meta, "m")}});
  const auto fetched = b.say(meta_fetched{only<fetch_meta>(b.say(read_missed{})).job, meta});
  const auto e = only<save_set>(fetched);
  apply(b.disk, e.change);
  EXPECT_TRUE(has<retry_reads>(b.say(cooldown_done{e.job})));
  EXPECT_TRUE(has<fail_reads>(b.say(read_missed{}))) << "nothing newer is known";
}

TEST(CooldownReplica, CompactsRemoteRowsetsIntoOne) {
  const auto meta
      = meta_of({1, 4}, {cold(2, 2, "a"), cold(3, 3, "b"), cold(4, 4, ""), cold(5, 5, "c"), cold(6, 6, "d")});
  backend_rig a{disk_of(A, meta.id, meta.rowsets, {hot(7, 7, 6000s)})};
  a.appoint(1, published(meta, "m"));
  // What is unused goes first: a merge that cannot succeed must not keep it there.
  EXPECT_TRUE(a.say(objects_listed{only<list_objects>(a.work()).job, {}}).empty());
  auto effects = a.work();
  EXPECT_EQ(only<put_segment>(effects).inputs, meta.rowsets);
  const auto upload = carry_upload(a, effects);
  ASSERT_EQ(upload.meta.rowsets.size(), 1U);
  EXPECT_EQ(upload.meta.rowsets[0].rows, 4U);
  EXPECT_EQ(upload.meta.rowsets[0].object, upload.segments[0]);
  save(a, a.say(publication_answered{upload.asked.job, publication_verdict::accepted}));
  EXPECT_EQ(a.disk.remote, upload.meta.rowsets);
}

TEST(CooldownReplica, APushThatLeftBeforeHidesNothing) {
  const auto m1 = published(meta_of({1, 1}, {cold(2, 2, "x")}), "m1"),
             m2 = published(meta_of({1, 2}, {cold(2, 3, "y")}), "m2");
  backend_rig b{disk_of(B, {}, {}, {})};
  (void)b.say(conf_pushed{{A, 1, m2}});
  (void)b.say(conf_pushed{{A, 1, m1}});
  EXPECT_EQ(b.process->published_id(), m2.id);
  // After a restart it hears the older one only; its report says so, whatever its own set is, and the leader pushes.
  cooldown_handler handler(0s);
  auto said = report_of(B, 1, m2.id, 3);
  said.published = m1.id;
  EXPECT_TRUE(has<push_conf>(handler.step(three_replicas({A, 1, m2}), said, 1s)));
  said.published = m2.id;
  EXPECT_FALSE(has<push_conf>(handler.step(three_replicas({A, 1, m2}), said, 2s)));
}

}  // namespace
}  // namespace tabletd::test
