// Which tablets the leader's cooldown looks at when the catalog changes, and why uploaders are replaced.
#include "actors/model/cooldown_upkeep.h"
#include "tests/model/catalog_fixture.h"

namespace tabletd {
namespace {

using namespace test;

struct CooldownUpkeep : CatalogTest {
  resource_id cold{w(resource_created{"cold", resource_type::file, {{"root", "/mnt/cold"}}}).id};
  storage_policy_id policy{w(storage_policy_created{"p", cold, cooldown_ttl{60}}).id};
  table_id t = w.make_table(db, {b1, b2, b3}, 2);
  table_id bystander = w.make_table(db, {b1, b2, b3}, 2, 3, "bystander");
  tablet_id first = w.bucket(t, 0).id, second = w.bucket(t, 1).id;
  catalog before = cat;

  using ids = std::vector<tablet_id>;
  ids changes(const ids& touched = {}) { return cooling_changes(std::exchange(before, cat), cat, touched); }
  void under_policy() { EXPECT_TRUE(w(storage_policy_set{t, {}, policy}).ok()); }
  replica_id on(backend_id b) const { return w.on(t, b).id; }
  void grant(replica_id to, term in) { EXPECT_TRUE(w(cooldown_granted{{{first, to, in}}}).ok()); }
};

TEST_F(CooldownUpkeep, TablesThatComeUnderAPolicyAndLeaveIt) {
  EXPECT_TRUE(changes().empty());
  under_policy();
  EXPECT_EQ(changes(), (ids{first, second}));
  EXPECT_TRUE(w(storage_policy_set{t, {}, {}}).ok());
  EXPECT_EQ(changes(), (ids{first, second}));
  const auto part = cat.tables.find(t)->partitions.front().id;
  EXPECT_TRUE(w(storage_policy_set{t, part, policy}).ok());
  EXPECT_EQ(changes(), (ids{first, second}));
  EXPECT_TRUE(w(storage_policy_set{t, {}, policy}).ok());
  EXPECT_TRUE(changes().empty()) << "the partition's own was in force";
  EXPECT_TRUE(w.load(t, {b1, b2, b3}).ok());
  EXPECT_TRUE(changes({first, second}).empty()) << "a load moves nobody";
  EXPECT_TRUE(w(table_dropped{t}).ok());
  EXPECT_EQ(changes({first, second}), (ids{first, second}));
}

TEST_F(CooldownUpkeep, WhatIsHurriedOrRecalledHearsOfIt) {
  under_policy();
  changes();
  const auto part = cat.tables.find(t)->partitions.front().id;
  EXPECT_TRUE(w(cooldown_hurried{t, {part}}).ok());
  EXPECT_EQ(changes(), (ids{first, second}));
  EXPECT_TRUE(w(cooldown_hurried{t, {part}}).ok());
  EXPECT_TRUE(changes().empty()) << "it was before";
  grant(on(b1), 1);
  EXPECT_TRUE(w(cooldown_published{first, on(b1), {{1, 1}, cold, "m", 7, 1, 10}}).ok());
  EXPECT_TRUE(w(storage_policy_set{t, {}, {}}).ok());
  changes();
  EXPECT_FALSE(cooling_view(cat, *cat.tablets.find(first)).recalled);
  EXPECT_TRUE(w(cooldown_recalled{t, {part}}).ok());
  EXPECT_EQ(changes(), (ids{first, second}));
  EXPECT_TRUE(cooling_view(cat, *cat.tablets.find(first)).recalled);
  EXPECT_TRUE(is_looked_after(cat, *cat.tablets.find(first)));
  EXPECT_TRUE(is_grant_wanted(cat, first)) << "who brings it home";
  EXPECT_TRUE(w(cooldown_published{first, on(b1), nothing_remote({1, 2})}).ok());
  EXPECT_EQ(changes(), ids{first});
  EXPECT_TRUE(w(resource_altered{cold, {{"root", "/mnt/other"}}}).ok());
  EXPECT_EQ(changes(), ids{first}) << "who is not home yet reads there";
}

TEST_F(CooldownUpkeep, PoliciesAndResourcesThatMeanSomethingElse) {
  under_policy();
  changes();
  EXPECT_TRUE(w(storage_policy_altered{policy, cold, cooldown_ttl{61}}).ok());
  EXPECT_EQ(changes(), (ids{first, second}));
  EXPECT_TRUE(w(resource_altered{cold, {{"root", "/mnt/other"}}}).ok());
  EXPECT_EQ(changes(), (ids{first, second}));
  EXPECT_TRUE(w(storage_policy_created{"q", cold, cooldown_ttl{1}}).ok());
  EXPECT_TRUE(w(resource_created{"warm", resource_type::file, {{"root", "/x"}}}).ok());
  EXPECT_TRUE(changes().empty()) << "nobody is under these";
}

TEST_F(CooldownUpkeep, WhatLiesInAFormerResourceHearsOfItsChange) {
  under_policy();
  grant(on(b1), 1);
  EXPECT_TRUE(w(cooldown_published{first, on(b1), {{1, 1}, cold, "m", 7, 1, 10}}).ok());
  const resource_id s3{w(resource_created{"s3", resource_type::s3, {{"bucket", "b"}, {"endpoint", "https://a"}, {"root_path", "r"}}}).id};
  EXPECT_TRUE(w(storage_policy_altered{policy, s3, cooldown_ttl{60}}).ok());
  EXPECT_TRUE(w(cooldown_published{first, on(b1), {{1, 2}, s3, "n", 7, 1, 10}}).ok());
  EXPECT_TRUE(w(storage_policy_altered{policy, cold, cooldown_ttl{60}}).ok());
  changes();
  EXPECT_TRUE(w(resource_altered{s3, {{"bucket", "b"}, {"endpoint", "https://moved"}, {"root_path", "r"}}}).ok());
  EXPECT_EQ(changes(), ids{first});
}

TEST_F(CooldownUpkeep, ConfsAndReplicasThatChange) {
  under_policy();
  changes();
  grant(on(b1), 1);
  EXPECT_EQ(changes(), ids{first});
  ASSERT_TRUE(w(clone_to(t, b2, b4)).ok());
  EXPECT_EQ(changes({first}), ids{first});
  EXPECT_TRUE(changes({first}).empty());
  ASSERT_TRUE(w(clone_ended{first, cat.orders.find(first)->order, 1, ""}).ok());
  EXPECT_EQ(changes({first}), ids{first}) << "it is complete now";
}

TEST_F(CooldownUpkeep, ARoundVisitsWhatIsUnderAPolicyOrHasAConf) {
  under_policy();
  grant(on(b1), 1);
  const auto more = w.make_table(db, {b1, b2, b3}, 1, 3, "more");
  EXPECT_TRUE(w(storage_policy_set{more, {}, policy}).ok());
  cooling_round round;
  EXPECT_EQ(next_of_round(cat, round, 1), (ids{first, second}));
  EXPECT_EQ(next_of_round(cat, round, 1), ids{w.bucket(more).id});
  EXPECT_EQ(next_of_round(cat, round, 1), ids{first}) << "by its conf";
  EXPECT_TRUE(next_of_round(cat, round, 1).empty());
  EXPECT_EQ(next_of_round(cat, round, 1), (ids{first, second})) << "the next round";
}

TEST_F(CooldownUpkeep, ReasonsOfGrants) {
  under_policy();
  EXPECT_EQ(reason_of_grant(cat, first), reassignment::initial);
  grant(on(b1), 1);
  EXPECT_EQ(reason_of_grant(cat, first), reassignment::report_timeout);
  EXPECT_TRUE(w(backend_decommission{b1, true}).ok());
  EXPECT_EQ(reason_of_grant(cat, first), reassignment::decommission);
  EXPECT_TRUE(w(backend_died{b1}).ok());
  EXPECT_EQ(reason_of_grant(cat, first), reassignment::uploader_dead);
  EXPECT_TRUE(w(cooldown_granted{{{first, {}, 2}}}).ok());
  EXPECT_EQ(reason_of_grant(cat, first), reassignment::uploader_dead);
}

TEST_F(CooldownUpkeep, GrantsAreWantedUnderAPolicyOrForWhatIsRemote) {
  EXPECT_FALSE(is_grant_wanted(cat, first));
  under_policy();
  EXPECT_TRUE(is_grant_wanted(cat, first));
  grant(on(b1), 1);
  EXPECT_TRUE(w(storage_policy_set{t, {}, {}}).ok());
  EXPECT_FALSE(is_grant_wanted(cat, first));
  EXPECT_TRUE(is_looked_after(cat, w.bucket(t, 0))) << "it may believe in its lease";
  EXPECT_FALSE(is_looked_after(cat, w.bucket(t, 1)));
  EXPECT_TRUE(w(cooldown_published{first, on(b1), {{1, 1}, cold, "m", 7, 1, 10}}).ok());
  EXPECT_TRUE(is_grant_wanted(cat, first));
}

TEST_F(CooldownUpkeep, AConflictIsAnUploadByAnotherThanTheLogsUploader) {
  const cooldown_conf conf{on(b1), 1, {}};
  const auto says = [&](backend_id b, cooldown_phase phase) {
    return cooldown_reported{on(b), 1, 1, {}, {}, 1, phase, {}};
  };
  EXPECT_TRUE(is_conflict(conf, says(b2, cooldown_phase::uploading)));
  EXPECT_FALSE(is_conflict(conf, says(b1, cooldown_phase::uploading)));
  EXPECT_FALSE(is_conflict(conf, says(b2, cooldown_phase::following)));
  EXPECT_FALSE(is_conflict({{}, 2, {}}, says(b2, cooldown_phase::uploading))) << "revoked, and has not heard of it";
}

TEST_F(CooldownUpkeep, PatienceIsLongerThanWhatTwoWrongClocksMakeOfTheLease) {
  for (const auto lease : {time_ms{1'000}, time_ms{20'000}, time_ms{1'800'000}, time_ms{86'400'000}})
    EXPECT_GT(patience_for(lease), patience_needed(lease, clock_error_percent)) << lease.count();
  EXPECT_GE(patience_for(uploader_lease), uploader_patience);
  EXPECT_EQ(patience_for(time_ms{20'000}).count(), 20'405 + 500);
}

} // namespace
} // namespace tabletd
