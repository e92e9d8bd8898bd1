// Resources, storage policies, and what the fold makes of cooldown: who may upload, what of it counts
// (spec/jobs.md section B, D-B; design/testing.md U1 to U4).
#include "tests/model/catalog_fixture.h"

namespace tabletd {
namespace {

using namespace test;

struct CatalogCooldown : CatalogTest {
  resource_id cold{w(resource_created{"cold", resource_type::file, {{"root", "/mnt/cold"}}}).id};
  storage_policy_id policy{w(storage_policy_created{"p", cold, cooldown_ttl{86'400}}).id};
  table_id t = under_policy(orders());

  table_id under_policy(table_id of) {
    EXPECT_TRUE(w(storage_policy_set{of, {}, policy}).ok());
    return of;
  }
  tablet_id tablet() const { return w.bucket(t).id; }
  replica_id on(backend_id b) const { return w.on(t, b).id; }
  const cooldown_conf& conf() const { return *cat.cooldowns.find(tablet()); }
  const storage_policy* policy_here() const { return policy_of(cat, w.bucket(t)); }

  verdict grant(backend_id to, term term) { return w(cooldown_granted{{{tablet(), on(to), term}}}); }
  published_meta meta(term term, std::uint64_t seq, version last) const {
    return {{term, seq}, cold, "101.1.meta", 7, last, 1'000};
  }
  refusal publish(backend_id by, const published_meta& what) { return why(cooldown_published{tablet(), on(by), what}); }
  refusal confirm(backend_id by, term term, std::uint64_t seq) {
    return why(cooldown_deletion_confirmed{tablet(), on(by), {term, seq}});
  }
  void load() { EXPECT_TRUE(w.load(t, {b1, b2, b3}).ok()); }
};

// -- resources and policies --------------------------------------------------------------

TEST_F(CatalogCooldown, NamesAreTakenOnce) {
  EXPECT_EQ(why(resource_created{"cold", resource_type::s3, {}}), refusal::resource_already_exists);
  EXPECT_EQ(why(storage_policy_created{"p", cold, cooldown_ttl{1}}), refusal::storage_policy_already_exists);
  EXPECT_EQ(why(storage_policy_created{"q", resource_id{5}, cooldown_ttl{1}}), refusal::resource_unknown);
  EXPECT_EQ(cat.find_resource("cold")->id, cold);
  EXPECT_EQ(cat.find_resource("warm"), nullptr);
  EXPECT_EQ(cat.find_storage_policy("p")->id, policy);
}

TEST_F(CatalogCooldown, WhatIsUsedStays) {
  EXPECT_EQ(why(resource_dropped{cold}), refusal::resource_in_use);
  EXPECT_EQ(why(storage_policy_dropped{policy}), refusal::storage_policy_in_use);
  ASSERT_TRUE(w(storage_policy_set{t, {}, {}}).ok());
  const auto part = cat.tables.find(t)->partitions.front().id;
  ASSERT_TRUE(w(storage_policy_set{t, part, policy}).ok());
  EXPECT_EQ(why(storage_policy_dropped{policy}), refusal::storage_policy_in_use) << "a partition's own counts too";
  ASSERT_TRUE(w(storage_policy_set{t, part, {}}).ok());
  EXPECT_EQ(why(storage_policy_dropped{policy}), refusal::none);
  EXPECT_EQ(why(storage_policy_dropped{policy}), refusal::storage_policy_unknown);
  EXPECT_EQ(why(resource_dropped{cold}), refusal::none);
  EXPECT_EQ(why(resource_dropped{cold}), refusal::resource_unknown);
}

TEST_F(CatalogCooldown, AlteringCountsVersionsAndSaysTwiceIsOnce) {
  ASSERT_TRUE(w(resource_altered{cold, {{"root", "/mnt/other"}}}).ok());
  ASSERT_TRUE(w(resource_altered{cold, {{"root", "/mnt/other"}}}).ok());
  EXPECT_EQ(cat.find_resource("cold")->version, 2u);
  ASSERT_TRUE(w(storage_policy_altered{policy, cold, cooldown_datetime{time_ms{5}}}).ok());
  ASSERT_TRUE(w(storage_policy_altered{policy, cold, cooldown_datetime{time_ms{5}}}).ok());
  EXPECT_EQ(cat.find_storage_policy("p")->version, 2u);
  EXPECT_EQ(cat.find_storage_policy("p")->due, (cooldown_due{cooldown_datetime{time_ms{5}}}));
  EXPECT_EQ(why(resource_altered{resource_id{5}, {}}), refusal::resource_unknown);
  EXPECT_EQ(why(storage_policy_altered{policy, resource_id{5}, cooldown_ttl{1}}), refusal::resource_unknown);
  EXPECT_EQ(why(storage_policy_altered{storage_policy_id{5}, cold, cooldown_ttl{1}}), refusal::storage_policy_unknown);
}

TEST_F(CatalogCooldown, APartitionsOwnPolicyWins) {
  const storage_policy_id own{w(storage_policy_created{"own", cold, cooldown_ttl{1}}).id};
  const auto part = cat.tables.find(t)->partitions.front().id;
  EXPECT_EQ(policy_here()->name, "p");
  ASSERT_TRUE(w(storage_policy_set{t, part, own}).ok());
  EXPECT_EQ(policy_here()->name, "own");
  ASSERT_TRUE(w(storage_policy_set{t, {}, {}}).ok());
  EXPECT_EQ(policy_here()->name, "own");
  ASSERT_TRUE(w(storage_policy_set{t, part, {}}).ok());
  EXPECT_EQ(policy_here(), nullptr);
  EXPECT_EQ(why(storage_policy_set{t, part, storage_policy_id{5}}), refusal::storage_policy_unknown);
  EXPECT_EQ(why(storage_policy_set{t, partition_id{5}, own}), refusal::partition_unknown);
  EXPECT_EQ(why(storage_policy_set{table_id{5}, {}, own}), refusal::table_unknown);
}

TEST_F(CatalogCooldown, TablesAndPartitionsAreBornUnderAPolicyThatIsThere) {
  table_created e{
      db, "born", 1, '\t', 1, {}, {{"a", {}, {{w.first_path(b1)}}, {}}, {"b", {}, {{w.first_path(b1)}}, policy}}};
  e.storage_policy = storage_policy_id{5};
  EXPECT_EQ(why(e), refusal::storage_policy_unknown);
  e.storage_policy = {};
  e.partitions[0].storage_policy = storage_policy_id{5};
  EXPECT_EQ(why(e), refusal::storage_policy_unknown);
  e.partitions[0].storage_policy = {};
  const auto made = w(e);
  ASSERT_TRUE(made.ok());
  const auto* born = cat.tables.find(table_id{made.id});
  EXPECT_EQ(policy_of(cat, *born, born->partitions[0]), nullptr);
  EXPECT_EQ(policy_of(cat, *born, born->partitions[1])->id, policy);
  partition_added more{born->id, {"c", {}, {{w.first_path(b1)}}, storage_policy_id{5}}};
  EXPECT_EQ(why(more), refusal::storage_policy_unknown);
  more.what.storage_policy = policy;
  EXPECT_TRUE(w(more).ok());
}

// -- who may upload ----------------------------------------------------------------------

TEST_F(CatalogCooldown, GrantsFollowEachOtherOneByOne) {
  EXPECT_EQ(grant(b1, 2).why, refusal::cooldown_term_stale) << "the first is term 1";
  ASSERT_TRUE(grant(b1, 1).ok());
  EXPECT_EQ(conf(), (cooldown_conf{on(b1), 1, {}}));
  EXPECT_EQ(grant(b2, 1).why, refusal::cooldown_term_stale) << "two leaders cannot both be right";
  EXPECT_EQ(grant(b2, 3).why, refusal::cooldown_term_stale);
  ASSERT_TRUE(grant(b2, 2).ok());
  ASSERT_TRUE(grant(b2, 3).ok()) << "the same one again, after its data was replaced (U4)";
  EXPECT_EQ(conf(), (cooldown_conf{on(b2), 3, {}}));
}

TEST_F(CatalogCooldown, ARevocationIsATermOfItsOwn) {
  EXPECT_EQ(why(cooldown_granted{{{tablet(), {}, 1}}}), refusal::cooldown_not_wanted) << "there is none to take back";
  ASSERT_TRUE(grant(b1, 1).ok());
  EXPECT_EQ(why(cooldown_granted{{{tablet(), {}, 1}}}), refusal::cooldown_term_stale)
    << "a report of term 1 must not pass for one that knows";
  EXPECT_EQ(why(cooldown_granted{{{tablet(), {}, 3}}}), refusal::cooldown_term_stale);
  ASSERT_TRUE(w(cooldown_granted{{{tablet(), {}, 2}}}).ok());
  EXPECT_EQ(conf(), (cooldown_conf{{}, 2, {}}));
  EXPECT_EQ(publish(b1, meta(1, 1, 1)), refusal::not_uploader);
  EXPECT_EQ(publish(b1, meta(2, 1, 1)), refusal::not_uploader);
  ASSERT_TRUE(grant(b2, 3).ok());
}

TEST_F(CatalogCooldown, OnlyAWholeConfirmedReplicaMayUpload) {
  EXPECT_EQ(why(cooldown_granted{{{tablet(), replica_id{5}, 1}}}), refusal::uploader_unfit);
  EXPECT_EQ(why(cooldown_granted{{{tablet_id{5}, on(b1), 1}}}), refusal::tablet_unknown);
  ASSERT_TRUE(w(replica_status_set{tablet(), on(b1), true}).ok());
  EXPECT_EQ(grant(b1, 1).why, refusal::uploader_unfit);
  ASSERT_TRUE(w(clone_to(t, b2, b4)).ok());
  EXPECT_EQ(grant(b4, 1).why, refusal::uploader_unfit) << "not confirmed yet";
  EXPECT_TRUE(cat.cooldowns.empty());
  ASSERT_TRUE(grant(b2, 1).ok());
}

TEST_F(CatalogCooldown, AListOfGrantsComesTrueWholeOrNotAtAll) {
  const auto other = under_policy(w.make_table(db, {b1, b2, b3}, 1, 3, "other"));
  const cooldown_grant good{w.bucket(other).id, w.on(other, b1).id, 1};
  const auto judged = w(cooldown_granted{{good, {tablet(), on(b1), 9}}});
  EXPECT_EQ(judged.why, refusal::cooldown_term_stale);
  EXPECT_EQ(judged.id, raw(tablet())) << "which one";
  EXPECT_TRUE(cat.cooldowns.empty());
  EXPECT_EQ(why(cooldown_granted{{good, good}}), refusal::cooldown_term_stale) << "twice in one list";
  EXPECT_TRUE(cat.cooldowns.empty());
  EXPECT_TRUE(w(cooldown_granted{{good, {tablet(), on(b1), 1}}}).ok());
  EXPECT_EQ(cat.cooldowns.size(), 2u);
}

TEST_F(CatalogCooldown, WithoutAPolicyNobodyBeginsButWhatIsRemoteIsLookedAfter) {
  ASSERT_TRUE(w(storage_policy_set{t, {}, {}}).ok());
  EXPECT_EQ(grant(b1, 1).why, refusal::cooldown_not_wanted);
  under_policy(t);
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_EQ(publish(b1, meta(1, 1, 1)), refusal::none);
  ASSERT_TRUE(w(storage_policy_set{t, {}, {}}).ok());
  EXPECT_TRUE(grant(b2, 2).ok());
}

TEST_F(CatalogCooldown, AnUploaderThatGoesIsNamedUntilAnotherIsGrantedButPublishesNothing) {
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_TRUE(w(replica_dropped{tablet(), on(b2), drop_reason::same_host}).ok());
  EXPECT_EQ(conf().uploader, on(b1)) << "another's end changes nothing";
  const auto gone = on(b1);
  ASSERT_TRUE(w(replica_dropped{tablet(), gone, drop_reason::same_host}).ok());
  EXPECT_EQ(conf(), (cooldown_conf{gone, 1, {}})) << "it may believe in its lease; who waits for its end must know of it";
  EXPECT_EQ(why(cooldown_published{tablet(), gone, meta(1, 1, 1)}), refusal::uploader_unfit);
  EXPECT_EQ(why(cooldown_published{tablet(), {}, meta(1, 1, 1)}), refusal::not_uploader) << "nobody is nobody";
  EXPECT_EQ(broken_invariant(cat), "");
}

TEST_F(CatalogCooldown, WhatTheLogSaysOfCooldownGoesWithTheTablet) {
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_EQ(publish(b1, meta(1, 1, 1)), refusal::none);
  EXPECT_EQ(cat.find_resource("cold")->tablets, 1u);
  const auto gone = tablet();
  ASSERT_TRUE(w(table_dropped{t}).ok());
  EXPECT_TRUE(cat.cooldowns.empty());
  EXPECT_EQ(cat.find_resource("cold")->tablets, 0u);
  ASSERT_TRUE(w(storage_policy_dropped{policy}).ok());
  ASSERT_TRUE(w(remote_purged{{gone}}).ok());
  EXPECT_TRUE(w(resource_dropped{cold}).ok());
}

// -- what counts -------------------------------------------------------------------------

TEST_F(CatalogCooldown, OnlyTheUploaderOfTheTermPublishes) {
  EXPECT_EQ(publish(b1, meta(0, 1, 1)), refusal::not_uploader) << "before any grant";
  ASSERT_TRUE(grant(b1, 1).ok());
  EXPECT_EQ(publish(b2, meta(1, 1, 1)), refusal::not_uploader);
  EXPECT_EQ(publish(b1, meta(2, 1, 1)), refusal::not_uploader);
  EXPECT_EQ(publish(b1, meta(1, 1, 1)), refusal::none);
  EXPECT_EQ(conf().published, meta(1, 1, 1));
  // D-B 7: frozen past its lease, it wakes and goes on as if nothing had happened.
  ASSERT_TRUE(grant(b2, 2).ok());
  EXPECT_EQ(publish(b1, meta(1, 2, 1)), refusal::not_uploader);
  EXPECT_EQ(publish(b1, meta(2, 2, 1)), refusal::not_uploader);
  EXPECT_EQ(conf().published, meta(1, 1, 1));
  EXPECT_EQ(publish(b2, meta(2, 1, 1)), refusal::none) << "a lower seq of a later term is greater";
}

TEST_F(CatalogCooldown, APublicationNeverGoesBack) {
  load();
  load();
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_EQ(publish(b1, meta(1, 5, 2)), refusal::none);
  EXPECT_EQ(publish(b1, meta(1, 5, 2)), refusal::none) << "said again: the answer was lost";
  EXPECT_EQ(publish(b1, meta(1, 5, 3)), refusal::remote_meta_stale) << "the same id means the same set (I1)";
  EXPECT_EQ(publish(b1, meta(1, 4, 3)), refusal::remote_meta_stale);
  EXPECT_EQ(publish(b1, meta(1, 6, 1)), refusal::remote_meta_unsound) << "followers have let go of version 2";
  EXPECT_EQ(publish(b1, meta(1, 6, 2)), refusal::none) << "compacted";
  EXPECT_EQ(publish(b1, meta(1, 7, 3)), refusal::none);
}

TEST_F(CatalogCooldown, APublicationNamesOnlyWhatItsUploaderHas) {
  load();
  ASSERT_TRUE(w.load(t, {b2, b3}).ok());
  ASSERT_EQ(w.visible(t), 3u);
  ASSERT_TRUE(grant(b1, 1).ok());
  EXPECT_EQ(publish(b1, meta(1, 1, 3)), refusal::remote_meta_unsound) << "it missed version 3";
  EXPECT_EQ(publish(b1, meta(1, 1, 2)), refusal::none);
  ASSERT_TRUE(grant(b2, 2).ok());
  EXPECT_EQ(publish(b2, meta(2, 1, 4)), refusal::remote_meta_unsound) << "nobody has it";
  EXPECT_EQ(publish(b2, meta(2, 0, 3)), refusal::remote_meta_stale) << "no set has that number";
  auto nameless = meta(2, 1, 3);
  nameless.object.clear();
  EXPECT_EQ(publish(b2, nameless), refusal::remote_meta_unsound);
  auto nowhere = meta(2, 1, 3);
  nowhere.resource = resource_id{5};
  EXPECT_EQ(publish(b2, nowhere), refusal::resource_unknown);
  ASSERT_TRUE(w(replica_status_set{tablet(), on(b2), true}).ok());
  EXPECT_EQ(publish(b2, meta(2, 1, 3)), refusal::uploader_unfit) << "its data is not to be trusted";
  EXPECT_EQ(conf().published, meta(1, 1, 2));
}

TEST_F(CatalogCooldown, WherePublishedDataLiesNothingMoves) {
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_EQ(publish(b1, meta(1, 1, 1)), refusal::none);
  EXPECT_EQ(why(resource_altered{cold, {{"root", "/mnt/other"}}}), refusal::resource_holds_data);
  const resource_id other{
      w(resource_created{"s3", resource_type::s3, {{"bucket", "b"}, {"endpoint", "https://a"}, {"root_path", "r"}}})
          .id};
  ASSERT_TRUE(w(storage_policy_altered{policy, other, cooldown_ttl{1}}).ok());
  EXPECT_EQ(why(resource_dropped{cold}), refusal::resource_holds_data)
      << "no policy names it any more, the data is there still";
  auto there = meta(1, 2, 1);
  there.resource = other;
  ASSERT_EQ(publish(b1, there), refusal::none);
  EXPECT_TRUE(w(resource_altered{other, {{"bucket", "b"}, {"endpoint", "https://moved"}, {"root_path", "r"}}}).ok());
  EXPECT_EQ(why(resource_altered{other, {{"bucket", "c"}, {"endpoint", "https://moved"}, {"root_path", "r"}}}),
            refusal::resource_holds_data);
  EXPECT_TRUE(w(resource_dropped{cold}).ok());
}

/// U6: who knows which stores a former uploader still writes to.
TEST_F(CatalogCooldown, ADroppedTabletThatHadAnUploaderKeepsTheResourcesUntilItIsPurged) {
  const auto spare = w.make_table(db, {b1, b2, b3}, 1, 3, "spare");
  const auto gone = tablet();
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_EQ(publish(b1, meta(1, 1, 1)), refusal::none);
  ASSERT_TRUE(w(table_dropped{spare}).ok());
  EXPECT_TRUE(cat.tombstones.empty()) << "it never had one";
  const resource_id other{w(resource_created{"other", resource_type::file, {{"root", "/mnt/b"}}}).id};
  ASSERT_TRUE(w(table_dropped{t}).ok());
  ASSERT_TRUE(w(storage_policy_dropped{policy}).ok());
  ASSERT_NE(cat.tombstones.find(gone), nullptr);
  EXPECT_EQ(*cat.tombstones.find(gone), w.now);
  EXPECT_EQ(cat.resources.find(cold)->tablets, 0U);
  for (const auto resource : {cold, other}) {
    EXPECT_EQ(why(resource_dropped{resource}), refusal::resource_to_be_purged);
    EXPECT_EQ(why(resource_altered{resource, {{"root", "/mnt/c"}}}), refusal::resource_to_be_purged);
  }
  EXPECT_EQ(why(remote_purged{{gone, tablet_id{5}}}), refusal::none);
  EXPECT_TRUE(cat.tombstones.empty());
  EXPECT_EQ(why(remote_purged{{gone}}), refusal::none) << "said twice";
  EXPECT_EQ(why(resource_dropped{cold}), refusal::none);
}

TEST_F(CatalogCooldown, ADroppedPartitionLeavesTombstonesToo) {
  ASSERT_TRUE(grant(b1, 1).ok());
  const auto gone = tablet();
  const auto part = cat.tables.find(t)->partitions.front().id;
  partition_added more{t, {"more", medium::hdd, {{w.first_path(b1), w.first_path(b2), w.first_path(b3)}}, {}}};
  ASSERT_TRUE(w(more).ok());
  ASSERT_TRUE(w(partition_dropped{t, part}).ok());
  EXPECT_TRUE(cat.tombstones.contains(gone));
  EXPECT_EQ(cat.tombstones.size(), 1U);
}

TEST_F(CatalogCooldown, ADeletionIsConfirmedForThePublishedSetAndWithEverybodyThere) {
  EXPECT_EQ(confirm(b1, 0, 0), refusal::not_uploader);
  ASSERT_TRUE(grant(b1, 1).ok());
  EXPECT_EQ(confirm(b1, 1, 1), refusal::remote_meta_stale) << "nothing is published";
  ASSERT_EQ(publish(b1, meta(1, 5, 1)), refusal::none);
  EXPECT_EQ(confirm(b1, 1, 6), refusal::remote_meta_stale) << "D-B 11: what it has is not published yet";
  EXPECT_EQ(confirm(b2, 1, 5), refusal::not_uploader);
  EXPECT_EQ(confirm(b1, 2, 5), refusal::not_uploader);
  const auto before = conf();
  EXPECT_EQ(confirm(b1, 1, 5), refusal::none);
  EXPECT_EQ(conf(), before);
  ASSERT_TRUE(w(backend_died{b3}).ok());
  EXPECT_EQ(confirm(b1, 1, 5), refusal::cooldown_unsettled) << "one is away";
  ASSERT_TRUE(w(catalog_world::returned(b3, 3)).ok());
  EXPECT_EQ(confirm(b1, 1, 5), refusal::none);
  ASSERT_TRUE(w(clone_to(t, b2, b4)).ok());
  EXPECT_EQ(confirm(b1, 1, 5), refusal::cooldown_unsettled) << "one is on its way";
  ASSERT_TRUE(w(clone_ended{tablet(), cat.orders.find(tablet())->order, 0, "full"}).ok());
  ASSERT_TRUE(w(replica_dropped{tablet(), on(b3), drop_reason::same_host}).ok());
  EXPECT_EQ(confirm(b1, 1, 5), refusal::cooldown_unsettled) << "one is missing";
}

TEST_F(CatalogCooldown, AnUploaderThatIsNoReplicaAnyMoreDeletesNothing) {
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_EQ(publish(b1, meta(1, 5, 1)), refusal::none);
  ASSERT_TRUE(w(clone_to(t, b2, b4)).ok());
  ASSERT_TRUE(w(clone_ended{tablet(), cat.orders.find(tablet())->order, 1, ""}).ok());
  const auto gone = on(b1);
  EXPECT_EQ(why(cooldown_deletion_confirmed{tablet(), gone, {1, 5}}), refusal::none);
  ASSERT_TRUE(w(replica_dropped{tablet(), gone, drop_reason::same_host}).ok());
  EXPECT_EQ(why(cooldown_deletion_confirmed{tablet(), gone, {1, 5}}), refusal::uploader_unfit);
}

TEST_F(CatalogCooldown, AFormerTermsSetIsNotConfirmedUntilTheNewUploaderPublished) {
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_EQ(publish(b1, meta(1, 5, 1)), refusal::none);
  ASSERT_TRUE(grant(b2, 2).ok());
  EXPECT_EQ(confirm(b2, 1, 5), refusal::not_uploader);
  EXPECT_EQ(confirm(b2, 2, 5), refusal::remote_meta_stale);
  ASSERT_EQ(publish(b2, meta(2, 6, 1)), refusal::none);
  EXPECT_EQ(confirm(b2, 2, 6), refusal::none);
}

// -- what operators ask for --------------------------------------------------------------

struct CatalogRecall : CatalogCooldown {
  partition_id part() const { return cat.tables.find(t)->partitions.front().id; }
  const partition& here() const { return cat.tables.find(t)->partitions.front(); }
  void no_policy() { EXPECT_TRUE(w(storage_policy_set{t, {}, {}}).ok()); }
  refusal recall() { return why(cooldown_recalled{t, {part()}}); }
  refusal hurry() { return why(cooldown_hurried{t, {part()}}); }
};

TEST_F(CatalogRecall, WhatIsThereNowIsHurriedAndNoMore) {
  load();
  EXPECT_EQ(hurry(), refusal::none);
  EXPECT_EQ(here().cool_through, 2u);
  load();
  EXPECT_EQ(here().cool_through, 2u) << "what comes later waits for its time";
  EXPECT_EQ(hurry(), refusal::none);
  EXPECT_EQ(here().cool_through, 3u);
  EXPECT_EQ(why(cooldown_hurried{t, {part(), partition_id{5}}}), refusal::partition_unknown);
  EXPECT_EQ(why(cooldown_hurried{table_id{5}, {}}), refusal::table_unknown);
  no_policy();
  EXPECT_EQ(here().cool_through, 0u) << "the next policy is not meant";
  EXPECT_EQ(hurry(), refusal::partition_stays_hot);
  EXPECT_EQ(broken_invariant(cat), "");
}

TEST_F(CatalogRecall, ARecallHoldsUntilAPolicyIsSet) {
  EXPECT_EQ(recall(), refusal::partition_would_cool);
  EXPECT_FALSE(here().recalled);
  no_policy();
  EXPECT_EQ(recall(), refusal::none);
  EXPECT_EQ(recall(), refusal::none);
  EXPECT_TRUE(here().recalled);
  ASSERT_TRUE(w(storage_policy_set{t, part(), policy}).ok());
  EXPECT_FALSE(here().recalled);
  EXPECT_EQ(recall(), refusal::partition_would_cool);
  ASSERT_TRUE(w(storage_policy_set{t, part(), {}}).ok());
  EXPECT_EQ(recall(), refusal::none);
  ASSERT_TRUE(w(storage_policy_set{t, {}, policy}).ok());
  EXPECT_FALSE(here().recalled) << "the table's policy holds for it too";
  EXPECT_EQ(why(cooldown_recalled{t, {partition_id{5}}}), refusal::partition_unknown);
  EXPECT_EQ(broken_invariant(cat), "");
}

TEST_F(CatalogRecall, OnlyARecalledSetMayShrinkAndOnlyToNothing) {
  load();
  load();
  ASSERT_TRUE(grant(b1, 1).ok());
  ASSERT_EQ(publish(b1, meta(1, 1, 3)), refusal::none);
  EXPECT_EQ(cat.resources.find(cold)->tablets, 1u);
  EXPECT_EQ(publish(b1, nothing_remote({1, 2})), refusal::remote_meta_unsound) << "nobody has recalled it";
  no_policy();
  EXPECT_EQ(publish(b1, nothing_remote({1, 2})), refusal::remote_meta_unsound) << "nor has he who took the policy away";
  ASSERT_EQ(recall(), refusal::none);
  EXPECT_EQ(publish(b1, meta(1, 2, 2)), refusal::remote_meta_unsound) << "smaller, but not nothing";
  auto half = nothing_remote({1, 2});
  half.last_version = 2;
  EXPECT_EQ(publish(b1, half), refusal::remote_meta_unsound);
  half = nothing_remote({1, 2});
  half.object = "x";
  EXPECT_EQ(publish(b1, half), refusal::remote_meta_unsound);
  EXPECT_EQ(publish(b1, nothing_remote({1, 1})), refusal::remote_meta_stale);
  EXPECT_EQ(publish(b2, nothing_remote({1, 2})), refusal::not_uploader);
  EXPECT_EQ(conf().recalled, (remote_meta_id{}));
  EXPECT_EQ(publish(b1, nothing_remote({1, 2})), refusal::none);
  EXPECT_EQ(publish(b1, nothing_remote({1, 2})), refusal::none) << "asked once more";
  EXPECT_EQ(conf(), (cooldown_conf{on(b1), 1, nothing_remote({1, 2}), {1, 2}}));
  EXPECT_EQ(cat.resources.find(cold)->tablets, 0u);
  EXPECT_EQ(confirm(b1, 1, 2), refusal::none) << "its objects are cleaned up as ever";
  EXPECT_EQ(broken_invariant(cat), "");
  // Under a policy again it begins anew, and who has not come home yet still learns where to.
  ASSERT_TRUE(w(storage_policy_set{t, {}, policy}).ok());
  EXPECT_EQ(publish(b1, nothing_remote({1, 3})), refusal::remote_meta_unsound);
  EXPECT_EQ(publish(b1, meta(1, 3, 2)), refusal::none);
  EXPECT_EQ(conf().recalled, (remote_meta_id{1, 2}));
  EXPECT_EQ(cat.resources.find(cold)->tablets, 1u);
  EXPECT_EQ(broken_invariant(cat), "");
  EXPECT_TRUE(w(table_dropped{t}).ok());
  EXPECT_EQ(cat.resources.find(cold)->tablets, 0u);
}

}  // namespace
}  // namespace tabletd
