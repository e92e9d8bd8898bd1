// The fold of partitions, colocation groups, hints, configuration, pauses, moves and history.
#include "tests/model/catalog_fixture.h"

namespace tabletd::test {
namespace {

struct CatalogPartition : CatalogTest {
  bucket_places two_buckets(const std::vector<backend_id>& on) const {
    std::vector<place> places;
    for (const auto id : on)
      places.push_back(w.first_path(id));
    return {places, places};
  }
  table_created parted(const std::string& name = "orders") {
    table_created e;
    e.database = db;
    e.name = name;
    e.partitions = {{"p1", medium::ssd, two_buckets({b1, b2, b3})}, {"p2", std::nullopt, two_buckets({b2, b3, b4})}};
    return e;
  }
  table_created colocated(const std::string& name, const std::vector<backend_id>& on) {
    table_created e;
    e.database = db;
    e.name = name;
    e.placements = two_buckets(on);
    e.colocate_with = "g";
    return e;
  }
  const table& t(table_id id) { return *cat.tables.find(id); }
  partition_id part(table_id id, const std::string& name) { return t(id).find(name)->id; }
};

TEST_F(CatalogPartition, EachHasItsOwnTabletsAndVersion) {
  const table_id id{w(parted()).id};
  ASSERT_EQ(t(id).partitions.size(), 2U);
  EXPECT_EQ(t(id).find("p1")->medium, medium::ssd);
  EXPECT_EQ(cat.tablets.size(), 4U);

  const txn_id txn{w(load_begun{id, "l", part(id, "p2")}).id};
  load_committed e{txn, {}};
  for_each_tablet(*t(id).find("p2"), [&](tablet_id tablet) {
    tablet_loaded loaded{tablet, 1, 10, {}};
    for (const auto& r : cat.tablets.find(tablet)->replicas)
      loaded.prepared.push_back(r.id);
    e.tablets.push_back(loaded);
  });
  ASSERT_TRUE(w(e).ok());
  EXPECT_EQ(t(id).find("p1")->visible, 1U);
  EXPECT_EQ(t(id).find("p2")->visible, 2U);
  EXPECT_EQ(cat.visible_version(*cat.tablets.find(t(id).find("p1")->first_tablet)), 1U);
  EXPECT_EQ(cat.visible_version(*cat.tablets.find(t(id).find("p2")->first_tablet)), 2U);
}

TEST_F(CatalogPartition, ALoadNamesOneUnlessThereIsOnlyOne) {
  const table_id several{w(parted()).id};
  EXPECT_EQ(why(load_begun{several, "l"}), refusal::partition_not_named);
  EXPECT_EQ(why(load_begun{several, "l", partition_id{4}}), refusal::partition_unknown);
  const auto single = w.make_table(db, {b1, b2, b3}, 1, 3, "single");
  EXPECT_EQ(why(load_begun{single, "l"}), refusal::none);
}

TEST_F(CatalogPartition, TheyComeAndGo) {
  const table_id id{w(parted()).id};
  EXPECT_EQ(why(partition_added{id, {"p1", {}, two_buckets({b1, b2, b3})}}), refusal::partition_already_exists);
  EXPECT_EQ(why(partition_added{id, {"p3", {}, {two_buckets({b1})[0]}}}), refusal::placement_stale); // One bucket too few.
  ASSERT_TRUE(w(partition_added{id, {"p3", {}, two_buckets({b1, b2, b4})}}).ok());
  EXPECT_EQ(cat.tablets.size(), 6U);
  ASSERT_TRUE(w(partition_modified{id, part(id, "p3"), medium::hdd}).ok());
  EXPECT_EQ(t(id).find("p3")->medium, medium::hdd);

  const txn_id open{w(load_begun{id, "l", part(id, "p3")}).id};
  const auto gone = w(partition_dropped{id, part(id, "p3")});
  EXPECT_EQ(gone.touched.size(), 2U);
  EXPECT_EQ(cat.loads.find(open)->state, load_state::aborted);
  EXPECT_EQ(why(load_committed{open, {}}), refusal::txn_ended);
  ASSERT_TRUE(w(partition_dropped{id, part(id, "p2")}).ok());
  EXPECT_EQ(why(partition_dropped{id, part(id, "p1")}), refusal::last_partition);
}

TEST_F(CatalogPartition, TwoOfOneNameAreRefused) {
  auto e = parted();
  e.partitions[1].name = "p1";
  EXPECT_EQ(why(e), refusal::partition_already_exists);
  e = parted();
  e.partitions[1].placements.pop_back();
  EXPECT_EQ(why(e), refusal::placement_stale);
}

TEST_F(CatalogPartition, ATableOfAClusterStaysInIt) {
  ASSERT_TRUE(w(backend_modified{b3, "west", "rack:a"}).ok());
  auto e = parted();
  e.cluster = std::string{cluster_default};
  EXPECT_EQ(why(e), refusal::placement_stale);
  ASSERT_TRUE(w(backend_modified{b3, std::string{cluster_default}, ""}).ok());
  EXPECT_EQ(why(e), refusal::none);
}

// -- colocation --------------------------------------------------------------------------

TEST_F(CatalogPartition, AGroupIsItsFirstTablesPlacesAndEndsWithItsLast) {
  const table_id first{w(colocated("a", {b1, b2, b3})).id};
  EXPECT_EQ(why(colocated("b", {b1, b2, b4})), refusal::colocate_mismatch);
  const table_id second{w(colocated("b", {b3, b2, b1})).id}; // The order does not matter.
  ASSERT_TRUE(raw(second) != 0);
  const auto* group = cat.find_colocate_group(db, "g");
  ASSERT_NE(group, nullptr);
  EXPECT_EQ(group->tables, (std::vector<table_id>{first, second}));
  EXPECT_EQ(group->sequence[1], (std::vector<backend_id>{b1, b2, b3}));

  ASSERT_TRUE(w(table_dropped{first}).ok());
  EXPECT_NE(cat.find_colocate_group(db, "g"), nullptr);
  ASSERT_TRUE(w(table_dropped{second}).ok());
  EXPECT_EQ(cat.find_colocate_group(db, "g"), nullptr);
}

TEST_F(CatalogPartition, AGroupHasOneReplicationNumAndFullBuckets) {
  auto few = colocated("a", {b1, b2});
  EXPECT_EQ(why(few), refusal::colocate_mismatch); // Two places for three replicas.
  few.replication_num = 2;
  EXPECT_EQ(why(few), refusal::none);
  EXPECT_EQ(why(colocated("b", {b1, b2, b3})), refusal::colocate_mismatch);
}

TEST_F(CatalogPartition, MovingABucketTouchesThatBucketOfEveryTable) {
  const table_id a{w(colocated("a", {b1, b2, b3})).id};
  const table_id b{w(colocated("b", {b1, b2, b3})).id};
  const auto id = cat.find_colocate_group(db, "g")->id;
  const auto moved = w(colocate_relocated{id, 1, {b1, b2, b4}, "b3 is dead"});
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(moved.touched, (std::vector<tablet_id>{w.bucket(a, 1).id, w.bucket(b, 1).id}));
  EXPECT_EQ(why(colocate_relocated{id, 2, {b1, b2, b4}, ""}), refusal::colocate_mismatch);
  EXPECT_EQ(why(colocate_relocated{id, 1, {b1, b2}, ""}), refusal::colocate_mismatch);
  EXPECT_EQ(why(colocate_relocated{id, 1, {b1, b1, b2}, ""}), refusal::colocate_mismatch);
  EXPECT_EQ(why(colocate_relocated{colocate_group_id{1}, 1, {b1, b2, b4}, ""}), refusal::colocate_group_unknown);
}

// -- what operators set ------------------------------------------------------------------

TEST_F(CatalogPartition, HintsGoWithTheirPartition) {
  const table_id id{w(parted()).id};
  const auto p1 = part(id, "p1"), p2 = part(id, "p2");
  EXPECT_EQ(w(repair_hinted{id, {p1, p2}, time_ms{99}}).touched.size(), 4U);
  EXPECT_EQ(*cat.hints.find(p1), time_ms{99});
  EXPECT_EQ(why(repair_hinted{id, {partition_id{3}}, time_ms{99}}), refusal::partition_unknown);
  EXPECT_EQ(w(repair_unhinted{id, {p1}}).touched.size(), 2U);
  EXPECT_TRUE(w(repair_unhinted{id, {p1}}).touched.empty());
  ASSERT_TRUE(w(partition_dropped{id, p2}).ok());
  EXPECT_TRUE(cat.hints.empty());
}

TEST_F(CatalogPartition, SettingsAndPausesStayUntilTheyAreTakenBack) {
  ASSERT_TRUE(w(config_set{"disable_balance", "true"}).ok());
  const auto snapshot = cat;
  ASSERT_TRUE(w(config_set{"disable_balance", ""}).ok());
  EXPECT_EQ(cat.config.find("disable_balance"), nullptr);
  EXPECT_EQ(*snapshot.config.find("disable_balance"), "true");

  ASSERT_TRUE(w(balance_paused{"all", "ann", "migration", time_ms{5}}).ok());
  EXPECT_EQ(cat.pauses.find("all")->owner, "ann");
  EXPECT_EQ(why(balance_resumed{"table:1"}), refusal::pause_unknown);
  EXPECT_EQ(why(balance_resumed{"all"}), refusal::none);
  EXPECT_TRUE(cat.pauses.all().empty());
}

TEST_F(CatalogPartition, WhatDeletionNeedNotWaitForStandsUntilItIsTakenBack) {
  using what = checkpoint_decision;
  ASSERT_TRUE(w(checkpoint_decided{what::excuse_member, frontend_id{3}, "down for a day"}).ok());
  ASSERT_TRUE(w(checkpoint_decided{what::use_newest, {}, "the disk is filling up"}).ok());
  const auto since = cat.retention.find(frontend_id{3})->since;
  w.now += std::chrono::seconds(1);
  ASSERT_TRUE(w(checkpoint_decided{what::excuse_member, frontend_id{3}, "said again"}).ok());
  EXPECT_EQ(*cat.retention.find(frontend_id{3}), (retention_mark{"down for a day", since})) << "since it was first said";
  EXPECT_EQ(cat.retention.find(frontend_id{})->why, "the disk is filling up");
  ASSERT_TRUE(w(checkpoint_decided{what::readmit_member, frontend_id{3}, "it has image 100"}).ok());
  EXPECT_FALSE(cat.retention.contains(frontend_id{3}));
  ASSERT_TRUE(w(checkpoint_decided{what::use_older, {}, "there is room"}).ok());
  EXPECT_TRUE(cat.retention.empty());
}

// -- moves and history -------------------------------------------------------------------

struct CatalogMove : CatalogPartition {
  table_id t1 = orders();
  tablet_id id = w.bucket(t1).id;
  clone_ordered move() {
    auto e = clone_to(t1, b1, b4);
    e.purpose = order_purpose::balance;
    e.replaces = w.on(t1, b2).id;
    e.why = "b2 is the most loaded";
    return e;
  }
  log_index order(const clone_ordered& e) {
    EXPECT_TRUE(w(e).ok());
    return log_index{w.index};
  }
};

TEST_F(CatalogMove, IsOpenFromItsCopyToTheDropOfWhatItReplaces) {
  const auto at = order(move());
  EXPECT_TRUE(cat.moves.empty());
  ASSERT_TRUE(w(clone_ended{id, at, 1, ""}).ok());
  ASSERT_NE(cat.moves.find(id), nullptr);
  EXPECT_EQ(cat.moves.find(id)->replica, w.on(t1, b4).id);
  ASSERT_TRUE(w(replica_dropped{id, w.on(t1, b2).id, drop_reason::moved, 4, 3, "moved"}).ok());
  EXPECT_TRUE(cat.moves.empty());
  ASSERT_EQ(cat.decisions.size(), 2U);
  EXPECT_EQ(cat.decisions.find(at)->why, "b2 is the most loaded");
  EXPECT_EQ(cat.decisions.find(at)->purpose, order_purpose::balance);
  EXPECT_EQ(cat.decisions.find(at)->reached, 1U);
  EXPECT_EQ(cat.decisions.find(log_index{w.index})->dropped, drop_reason::moved);
}

TEST_F(CatalogMove, IsOverWhenItsCopyFailsOrIsLost) {
  ASSERT_TRUE(w(clone_ended{id, order(move()), 0, "disk full"}).ok());
  EXPECT_TRUE(cat.moves.empty());
  EXPECT_EQ(cat.decisions.find(log_index{w.index - 1})->failure, "disk full");
  ASSERT_TRUE(w(clone_ended{id, order(move()), 1, ""}).ok());
  ASSERT_TRUE(w(replica_dropped{id, w.on(t1, b4).id, drop_reason::lost}).ok());
  EXPECT_TRUE(cat.moves.empty());
  EXPECT_EQ(cat.decisions.size(), 2U); // Nobody decided that it was lost.
}

TEST_F(CatalogMove, IsGivenUpWhenItDoesNotCatchUp) {
  const auto first = order(move());
  ASSERT_TRUE(w.load(t1, {b1, b2, b3}).ok()); // Outruns the copy.
  ASSERT_TRUE(w(clone_ended{id, first, 1, ""}).ok());
  for (std::uint32_t i = 0; i < further_repairs_max; ++i) {
    ASSERT_NE(cat.moves.find(id), nullptr) << i;
    const auto fill = order(clone_to(t1, b1, b4, w.on(t1, b4).id));
    ASSERT_TRUE(w(clone_ended{id, fill, 1, ""}).ok());
  }
  EXPECT_TRUE(cat.moves.empty());
}

TEST_F(CatalogMove, BetweenPathsOfABackendKeepsTheReplicaAndChangesItsPath) {
  clone_ordered e;
  e.tablet = id;
  e.source = w.first_path(b1);
  e.target = {b1, cat.backends.find(b1)->paths[1].hash};
  e.replica = w.on(t1, b1).id;
  e.version = 1;
  e.purpose = order_purpose::balance;
  auto wrong = e;
  wrong.target.path = e.source.path;
  EXPECT_EQ(why(wrong), refusal::placement_stale);
  wrong = e;
  wrong.target.path = path_hash{1};
  EXPECT_EQ(why(wrong), refusal::placement_stale);
  const auto at = order(e);
  EXPECT_EQ(w.on(t1, b1).path, e.source.path);
  ASSERT_TRUE(w(clone_ended{id, at, 1, ""}).ok());
  EXPECT_EQ(w.on(t1, b1).path, e.target.path);
  EXPECT_EQ(w.on(t1, b1).id, e.replica);
  // A report can say so too: the end of a move may have got lost.
  ASSERT_TRUE(w(replica_observed{id, e.replica, 1, false, e.source.path}).ok());
  EXPECT_EQ(w.on(t1, b1).path, e.source.path);
}

TEST_F(CatalogMove, HostsStayApartWhenAnOrderIsFoldedToo) {
  const auto twin = w(backend_added{"h3", 9001}); // Beside b3.
  const backend_id beside{twin.id};
  ASSERT_TRUE(w(catalog_world::returned(beside, 9)).ok());
  EXPECT_EQ(why(clone_to(t1, b1, beside)), refusal::placement_stale);
  EXPECT_EQ(why(clone_to(t1, b1, b4)), refusal::none);
}

TEST_F(CatalogMove, OnlyTheNewestDecisionsAreKept) {
  for (std::size_t i = 0; i < decisions_kept + 5; ++i) {
    const auto index = log_index{++w.index};
    (void) apply(cat, {w.now, move()}, index);
    (void) apply(cat, {w.now, clone_ended{id, index, 0, "again"}}, log_index{++w.index});
  }
  EXPECT_EQ(cat.decisions.size(), decisions_kept);
  EXPECT_EQ(broken_invariant(cat), "");
}

} // namespace
} // namespace tabletd::test
