// The vectors of spec/jobs.md D-B.  A publication is committed here where the specification reads it back, so a
// uploader's own set never runs ahead of the published one: vectors 6 and 11 say what becomes of that.
#include "tests/model/cooldown_world.h"

namespace tabletd::test {
namespace {

// 1. First grant.
TEST(CooldownVectors, FirstGrant) {
  auto view = three_replicas();
  view.replicas[2].alive = false;
  cooldown_handler handler(0s);
  auto effects = handler.step(view, report_of(B, 0), 1s);
  EXPECT_EQ(only<propose_conf>(effects), (propose_conf{A, 1}));
  EXPECT_FALSE(has<push_conf>(effects)) << "nothing before it is in the log";
  view.conf = {A, 1, std::nullopt};
  for (const auto replica : {A, B}) {
    effects = handler.step(view, report_of(replica, 0), 2s);
    EXPECT_EQ(only<push_conf>(effects), (push_conf{replica, view.conf}));
    EXPECT_EQ(has<acknowledge_report>(effects), replica == A);
  }
  // A crash behind the record: the next leader pushes what is in the log.
  cooldown_handler next(100s);
  EXPECT_EQ(only<push_conf>(next.step(view, report_of(A, 0), 101s)), (push_conf{A, view.conf}));

  backend_rig a{disk_of(A, {}, {}, {})}, b{disk_of(B, {}, {}, {})};
  for (auto* rig : {&a, &b}) {
    (void)rig->say(conf_pushed{view.conf});
    EXPECT_FALSE(rig->process->leads(0s)) << "no report has been acknowledged";
    (void)rig->say(report_acknowledged{0s, 1});
  }
  EXPECT_TRUE(a.process->leads(0s));
  EXPECT_FALSE(b.process->leads(0s));
}

// 2. Pick by TTL.
TEST(CooldownVectors, PickByTtl) {
  const std::vector rowsets{hot(2, 5, 1000s), hot(6, 8, 2000s), hot(9, 10, 9000s)};
  const cooling_rule rule{3600s, std::nullopt};
  EXPECT_EQ(cools_at(rowsets[0], rule), 4600s);
  EXPECT_EQ(cools_at(rowsets[1], rule), 5600s);
  EXPECT_EQ(cools_at(rowsets[2], rule), 12600s);
  EXPECT_TRUE(choose_next(rowsets, version_initial, rule, {}, 4600s).rowsets.empty());
  EXPECT_EQ(choose_next(rowsets, version_initial, rule, {}, 4600s + 1ms).rowsets, std::vector{rowsets[0]});
  EXPECT_EQ(choose_next(rowsets, version_initial, rule, {}, 6000s).rowsets, (std::vector{rowsets[0], rowsets[1]}));
  EXPECT_EQ(choose_next(rowsets, version_initial, rule, {1, 1'000}, 6000s).rowsets.size(), 1U);
  EXPECT_EQ(choose_next(rowsets, version_initial, rule, {9, 199}, 6000s).rowsets.size(), 1U);
  EXPECT_EQ(choose_next(rowsets, version_initial, rule, {9, 200}, 6000s).rowsets.size(), 2U);
  EXPECT_TRUE(choose_next({rowsets[1]}, version_initial, rule, {}, 6000s).gap);

  backend_rig a{disk_of(A, {}, {}, rowsets), {.limits = {1, 1}}};
  a.appoint(1);
  const auto m1 = carry_upload(a, a.work());
  EXPECT_EQ(m1.meta.id, (remote_meta_id{1, 1}));
  EXPECT_EQ(last_version_of(m1.meta.rowsets), 5U);
  EXPECT_EQ(a.disk.hot, rowsets) << "nothing goes before the publication is in the log";
  save(a, a.say(publication_answered{m1.asked.job, publication_verdict::accepted}));
  EXPECT_EQ(a.disk.hot, (std::vector{rowsets[1], rowsets[2]}));
  EXPECT_FALSE(a.disk.asked);
  const auto m2 = carry_upload(a, a.work());
  EXPECT_EQ(m2.meta.id, (remote_meta_id{1, 2}));
  EXPECT_EQ(m2.meta.rowsets.front(), m1.meta.rowsets.front());
  save(a, a.say(publication_answered{m2.asked.job, publication_verdict::accepted}));
  EXPECT_EQ(a.disk.hot, std::vector{rowsets[2]});
  EXPECT_FALSE(has<put_segment>(a.work())) << "[9-10] is not due";
}

// 3. Follow.
TEST(CooldownVectors, Follow) {
  const auto meta = meta_of({1, 2}, {cold(2, 5, "x"), cold(6, 8, "y")});
  backend_rig b{disk_of(B, {}, {}, {hot(2, 3), hot(4, 5), hot(6, 8), hot(9, 10)})};
  (void)b.say(conf_pushed{{A, 1, published(meta, "m2")}});
  follow(b, meta);
  EXPECT_EQ(b.disk.id, meta.id);
  EXPECT_EQ(b.disk.remote, meta.rowsets);
  EXPECT_EQ(b.disk.hot, std::vector{hot(9, 10)});
  EXPECT_TRUE(b.work().empty());
  EXPECT_EQ(std::get<set_refused>(plan_follow(b.disk, meta)).kind, set_refusal::nothing_new);
}

// 4. Misaligned.
TEST(CooldownVectors, Misaligned) {
  const auto meta = meta_of({1, 2}, {cold(2, 5, "x"), cold(6, 8, "y")});
  backend_rig b{disk_of(B, {}, {}, {hot(2, 5), hot(6, 10)})};
  const auto before = b.disk;
  (void)b.say(conf_pushed{{A, 1, published(meta, "m2")}});
  EXPECT_TRUE(b.say(meta_fetched{only<fetch_meta>(b.work()).job, meta}).empty());
  EXPECT_EQ(b.disk, before);
  EXPECT_NE(b.process->why_stuck().find("aligned with version 8"), std::string::npos);
  b.now += 10 * b.options.work_interval - 1ms;
  EXPECT_TRUE(b.work().empty()) << "ten intervals of rest";
  b.now += 1ms;
  const auto again = only<fetch_meta>(b.work());

  const auto longer = meta_of({1, 3}, {cold(2, 5, "x"), cold(6, 8, "y"), cold(9, 10, "z")});
  (void)b.say(conf_pushed{{A, 1, published(longer, "m3")}});
  (void)b.say(meta_fetched{again.job, meta});
  b.now += 10'000s;
  follow(b, longer);
  EXPECT_EQ(b.disk.remote, longer.rowsets);

  const auto ahead = disk_of(C, {1, 1}, {cold(2, 12, "w")}, {});
  const auto refused = std::get<set_refused>(plan_follow(ahead, longer));
  EXPECT_EQ(refused.kind, set_refusal::would_go_back);
  EXPECT_NE(refused.why.find("larger than that to follow"), std::string::npos);
}

// 5. Crash after the upload, and an upload that fails.
TEST(CooldownVectors, CrashAfterUpload) {
  backend_rig a{disk_of(A, {}, {}, {hot(2, 2), hot(3, 3)})};
  const auto before = a.disk;
  a.appoint(1);
  const auto first = only<put_segment>(a.work());
  const auto second = only<put_segment>(a.say(cooldown_done{first.job}));
  a.restart();
  EXPECT_EQ(a.disk, before);
  a.nonce = 0xa2;
  a.appoint(1);
  const auto again = carry_upload(a, a.work());
  EXPECT_EQ(again.segments.size(), 2U);
  EXPECT_NE(again.segments[0], first.object) << "no name is written twice";
  save(a, a.say(publication_answered{again.asked.job, publication_verdict::accepted}));
  // What the crash left is found by listing, and goes once the leader has confirmed.
  const auto listing = only<list_objects>(a.work());
  std::vector<std::string> there{first.object, second.object, again.segments[0], again.segments[1],
                                 again.asked.meta.object};
  const auto question = only<ask_deletion>(a.say(objects_listed{listing.job, there}));
  EXPECT_EQ(question.id, again.meta.id);
  auto doomed = only<delete_object>(a.say(deletion_answered{question.job, true, {}}));
  EXPECT_EQ(doomed.object, first.object);
  doomed = only<delete_object>(a.say(cooldown_done{doomed.job}));
  EXPECT_EQ(doomed.object, second.object);
  EXPECT_TRUE(a.say(cooldown_done{doomed.job}).empty());

  backend_rig failing{before};
  failing.appoint(1);
  const auto one = only<put_segment>(failing.work());
  const auto two = only<put_segment>(failing.say(cooldown_done{one.job}));
  const auto discard = only<discard_objects>(failing.say(cooldown_failed{two.job, "503"}));
  EXPECT_EQ(discard.objects.at(0), one.object);
  EXPECT_EQ(discard.objects.at(1), two.object) << "nobody knows whether it is there";
  EXPECT_EQ(failing.disk, before);
  EXPECT_TRUE(failing.work().empty());
  failing.now += 10 * failing.options.work_interval;
  EXPECT_TRUE(has<put_segment>(failing.work()));
}

// 6. The specification saves locally first and publishes after a crash.  Here what will be asked is saved first; after
// a crash the same is asked again, and needs no new grant.
TEST(CooldownVectors, CrashBeforePublication) {
  backend_rig a{disk_of(A, {}, {}, {hot(2, 2)})}, b{disk_of(B, {}, {}, {hot(2, 2)})};
  a.appoint(1);
  const auto upload = carry_upload(a, a.work());
  a.restart();
  EXPECT_TRUE(a.work().empty()) << "no conf is known";
  (void)a.say(conf_pushed{{A, 1, std::nullopt}});
  const auto again = only<ask_publication>(a.work());
  EXPECT_EQ(again.meta, upload.asked.meta);
  // The answer is lost; that nothing is published yet says nothing; then the leader's push settles it.
  (void)a.say(conf_pushed{{A, 1, std::nullopt}});
  EXPECT_TRUE(a.disk.asked);
  const cooldown_conf conf{A, 1, upload.asked.meta};
  for (auto* rig : {&a, &b}) {
    auto effects = rig->say(conf_pushed{conf});
    if (!has<fetch_meta>(effects))
      effects = rig->work();
    save(*rig, rig->say(meta_fetched{only<fetch_meta>(effects).job, upload.meta}));
    EXPECT_EQ(rig->disk.remote, upload.meta.rowsets);
    EXPECT_TRUE(rig->disk.hot.empty());
    EXPECT_FALSE(rig->disk.asked);
  }
}

// 7. Stale uploader.
TEST(CooldownVectors, StaleUploader) {
  backend_rig a{disk_of(A, {}, {}, {hot(2, 2)})};
  a.appoint(1);  // By a report sent at 0 s.
  const auto put = only<put_segment>(a.work());
  EXPECT_EQ(a.process->lease_left(1'799s), 1s);
  EXPECT_TRUE(a.process->leads(1'800s - 1ms));
  a.now = 1'800s;
  EXPECT_FALSE(a.process->leads(a.now));
  const auto discard = only<discard_objects>(a.say(cooldown_done{put.job}));
  EXPECT_EQ(discard.objects.at(0), put.object) << "it stops and deletes what nobody was asked to publish";

  auto view = three_replicas({A, 1, std::nullopt});
  cooldown_handler handler(0s);
  EXPECT_TRUE(has<acknowledge_report>(handler.step(view, report_of(A, 1), 2s)));
  view.replicas[0].alive = false;
  EXPECT_TRUE(handler.step(view, cooldown_ticked{}, 1'862s - 1ms).empty());
  EXPECT_EQ(only<propose_conf>(handler.step(view, cooldown_ticked{}, 1'862s)), (propose_conf{B, 2}));
  view.replicas[0].alive = true;
  EXPECT_FALSE(has<acknowledge_report>(handler.step(view, report_of(A, 1), 1'863s)))
      << "its end is on the way into the log";
  view.conf = {B, 2, std::nullopt};
  const auto effects = handler.step(view, report_of(A, 1), 2'000s);
  EXPECT_EQ(only<push_conf>(effects), (push_conf{A, view.conf}));
  EXPECT_FALSE(has<acknowledge_report>(effects));
  // It ignores its clock and asks at 1,900 s: the fold refuses, so nobody ever reads what it wrote.
  const auto meta = published(meta_of({1, 1}, {cold(2, 2, "x")}), "101.1.1.a.meta");
  EXPECT_EQ(judge_publication(view.conf, A, 1, meta, false), publication_verdict::not_uploader);
}

// 8. Reordered push.
TEST(CooldownVectors, ReorderedPush) {
  backend_rig a{disk_of(A, {}, {}, {hot(2, 2)})};
  (void)a.say(conf_pushed{{B, 2, std::nullopt}});
  (void)a.say(conf_pushed{{A, 1, std::nullopt}});
  EXPECT_EQ(a.process->known_term(), 2U);
  a.appoint(3);
  const auto put = only<put_segment>(a.work());
  EXPECT_EQ(only<refuse_conf>(a.say(conf_pushed{{B, 4, std::nullopt}})).term, 4U);
  EXPECT_EQ(a.process->known_term(), 3U);
  EXPECT_TRUE(has<discard_objects>(a.say(cooldown_done{put.job}))) << "the upload ends at its next step";
  (void)a.say(conf_pushed{{B, 4, std::nullopt}});
  EXPECT_EQ(a.process->known_term(), 4U);

  cooldown_handler handler(0s);
  EXPECT_TRUE(handler.step(three_replicas({A, 2, std::nullopt}), report_of(A, 3), 1s).empty());
}

// 9. Confirm.
class CooldownConfirm : public testing::Test {
protected:
  const remote_meta_id m1{1, 1}, m2{1, 2}, m3{1, 3};
  cooling_tablet view = three_replicas({A, 1, published(meta_of({1, 2}, {cold(2, 2, "x")}), "m2")});
  cooldown_handler handler{0s};
  void hear(replica_id replica, term in_term, remote_meta_id id) {
    (void)handler.step(view, report_of(replica, in_term, id), 1s);
  }
  bool confirmed(remote_meta_id id, replica_id by = A, term in_term = 1) {
    return has<confirm_deletion>(handler.step(view, deletion_asked{1, by, in_term, id}, 2s));
  }
};

TEST_F(CooldownConfirm, OnlyWhatEverybodyHasReported) {
  hear(A, 1, m2), hear(B, 1, m2), hear(C, 1, m1);
  EXPECT_FALSE(confirmed(m2));
  hear(C, 1, m2);
  EXPECT_TRUE(confirmed(m2));
  EXPECT_FALSE(confirmed(m1)) << "all the same, but not the published one";
  EXPECT_FALSE(confirmed(m2, B)) << "not the uploader";
  EXPECT_FALSE(confirmed(m2, A, 2));
  view.replicas[1].alive = false;
  EXPECT_FALSE(confirmed(m2));
  view.replicas[1].alive = true;
  view.clone_under_way = true;
  EXPECT_FALSE(confirmed(m2)) << "its source may have had an older set";
  view.clone_under_way = false;
  hear(B, 0, m2);
  EXPECT_FALSE(confirmed(m2)) << "not in this term";
  hear(B, 1, m2);
  view.replicas.pop_back();
  EXPECT_FALSE(confirmed(m2)) << "two replicas only";
}

TEST_F(CooldownConfirm, NotAfterTheUploaderChanged) {
  hear(A, 1, m2), hear(B, 1, m2), hear(C, 1, m2);
  view.conf.uploader = B;
  view.conf.term = 2;
  EXPECT_FALSE(confirmed(m2));
  cooldown_handler next(100s);
  EXPECT_FALSE(has<confirm_deletion>(next.step(view, deletion_asked{1, B, 2, m2}, 101s))) << "it has heard nobody yet";
}

/// A at m2, which is published; two objects of an older set are in the store, and it has asked whether they may go.
struct asked_rig : backend_rig {
  ask_deletion question;
};
asked_rig ask_to_delete(const remote_meta& meta) {
  asked_rig a{{disk_of(A, meta.id, meta.rowsets, {})}, {}};
  a.appoint(1, published(meta, "101.1.2.00000000000000aa.meta"));
  const auto listing = only<list_objects>(a.work());
  a.question = only<ask_deletion>(
      a.say(objects_listed{listing.job, {"101.1.1.00000000000000ab.meta", "101.1.00000000000000ab.2-2.seg"}}));
  return a;
}

TEST_F(CooldownConfirm, TheAnswerExpires) {
  const auto meta = meta_of(m2, {cold(2, 2, "101.1.00000000000000aa.2-2.seg")});
  auto late = ask_to_delete(meta);
  late.now += 60s;
  EXPECT_TRUE(late.say(deletion_answered{late.question.job, true, {}}).empty());
  auto slow = ask_to_delete(meta);
  slow.now += 60s - 1ms;
  const auto first = only<delete_object>(slow.say(deletion_answered{slow.question.job, true, {}}));
  slow.now += 1ms;  // It is looked at again before the second.
  EXPECT_TRUE(slow.say(cooldown_done{first.job}).empty());
}

// A leader that is none any more cannot write, so its answer is no or none.
TEST_F(CooldownConfirm, WithoutAYesOrWithAnotherSetNothingGoes) {
  const auto meta = meta_of(m2, {cold(2, 2, "101.1.00000000000000aa.2-2.seg")});
  auto refused = ask_to_delete(meta);
  EXPECT_TRUE(refused.say(deletion_answered{refused.question.job, false, "not the leader"}).empty());
  auto moved = ask_to_delete(meta);
  moved.disk.id = m3;
  EXPECT_TRUE(moved.say(deletion_answered{moved.question.job, true, {}}).empty());
  auto demoted = ask_to_delete(meta);
  (void)demoted.say(conf_pushed{{B, 2, published(meta, "101.1.2.00000000000000aa.meta")}});
  EXPECT_TRUE(demoted.say(deletion_answered{demoted.question.job, true, {}}).empty());
  auto cloned = ask_to_delete(meta);
  (void)cloned.say(clone_installed_here{false});
  EXPECT_TRUE(cloned.say(deletion_answered{cloned.question.job, true, {}}).empty());
}

// 10. The specification has the uploader publish what the clone brought, f1 alone.  Here the greater of the two sets
// stays, so neither the id nor the end goes back; the new id is published all the same, which refuses whatever the
// replica had asked before.
TEST(CooldownVectors, FullCloneIntoUploader) {
  const auto f1 = cold(2, 2, "101.1.00000000000000aa.2-2.seg"), f2 = cold(3, 3, "101.1.00000000000000ab.3-3.seg");
  const auto m2 = meta_of({1, 2}, {f1, f2});
  backend_rig a{disk_of(A, m2.id, m2.rowsets, {hot(4, 4)})};
  a.rule = cooling_rule{1000h, std::nullopt};
  a.appoint(1, published(m2, "m2"));
  const auto plan = plan_clone(a.disk, {{1, 1}, {f1}, {hot(3, 3), hot(4, 4)}}, true);
  apply(a.disk, std::get<set_change>(plan));
  EXPECT_EQ(a.disk.remote, m2.rowsets);
  EXPECT_EQ(a.disk.hot, std::vector{hot(4, 4)});
  (void)a.say(clone_installed_here{true});
  const auto m3 = carry_upload(a, a.work());
  EXPECT_TRUE(m3.segments.empty());
  EXPECT_GT(m3.meta.id, m2.id);
  EXPECT_EQ(m3.meta.rowsets, m2.rowsets);
  save(a, a.say(publication_answered{m3.asked.job, publication_verdict::accepted}));
  // C at m2 follows m3 and loses nothing; f2 is named all along.
  const auto c = disk_of(C, m2.id, m2.rowsets, {});
  EXPECT_TRUE(std::get<set_change>(plan_follow(c, m3.meta)).remote_dropped.empty());
  // The wrong way, keeping the older set's id: everybody at m1 is not the published id, so nothing is deletable.
  cooldown_handler handler(0s);
  const auto view = three_replicas({A, 1, published(m2, "m2")});
  for (const auto replica : {A, B, C})
    (void)handler.step(view, report_of(replica, 1, {1, 1}), 1s);
  EXPECT_NE(handler.why_not_deletable(view, {1, A, 1, {1, 1}}), "");
}

// 11. An id that is not published (U9).  A replica cannot have one here: what it asked for is not its set until it is
// published.  While it is unknown what came of that, it does not ask to delete; nobody follows a set below its own.
TEST(CooldownVectors, ConfirmWithUnpublishedId) {
  const auto a1 = cold(2, 2, "101.1.00000000000000aa.2-2.seg"), b4 = cold(3, 3, "102.3.00000000000000ab.3-3.seg");
  const auto old = meta_of({3, 5}, {a1, b4}, B);
  backend_rig b{disk_of(B, old.id, old.rowsets, {})};
  b.rule = cooling_rule{1000h, std::nullopt};
  b.appoint(3, published(old, "m5"));
  (void)b.say(clone_installed_here{true});
  const auto pending = carry_upload(b, b.work());
  EXPECT_EQ(pending.meta.id, (remote_meta_id{3, 6}));
  for (int i = 0; i < 5; ++i) {
    b.now += 100s;
    (void)b.say(report_acknowledged{b.now, 3});
    EXPECT_FALSE(has<list_objects>(b.work())) << "no cleanup while a request may be on its way";
  }
  cooldown_handler handler(0s);
  auto view = three_replicas({B, 3, published(old, "m5")});
  for (const auto replica : {A, B, C})
    (void)handler.step(view, report_of(replica, 3, {3, 6}), 1s);
  EXPECT_NE(handler.why_not_deletable(view, {1, B, 3, {3, 6}}), "");
  EXPECT_EQ(std::get<set_refused>(plan_follow(disk_of(A, {3, 6}, {a1}, {}), old)).kind, set_refusal::would_go_back);
  view.conf.published = pending.asked.meta;
  EXPECT_EQ(handler.why_not_deletable(view, {1, B, 3, {3, 6}}), "");
}

}  // namespace
}  // namespace tabletd::test
