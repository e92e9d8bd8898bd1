// What each edit does, and what each refusal protects: clusters, tables, loads.
#include "tests/model/catalog_fixture.h"

namespace tabletd::test {
namespace {

// -- the cluster -------------------------------------------------------------------------

TEST_F(CatalogTest, AClusterIsFoundedOnce) {
  EXPECT_FALSE(cat.founded());
  EXPECT_TRUE(w(cluster_founded{{1, 2}, "blue"}).ok());
  EXPECT_EQ(why(cluster_founded{{9}, "red"}), refusal::cluster_already_founded);
  EXPECT_EQ(cat.cluster_name, "blue");
  EXPECT_EQ(cat.cluster[1], 2);
}

TEST_F(CatalogTest, ATermRemembersWhereItBegan) {
  w(term_began{7, 2});
  EXPECT_EQ(cat.term, 7u);
  EXPECT_EQ(cat.leader, 2u);
  EXPECT_EQ(cat.term_since, log_index{w.index});
}

TEST_F(CatalogTest, ABackendIsAddedOncePerAddress) {
  const auto again = w(backend_added{"h1", 9000});
  EXPECT_EQ(again.why, refusal::backend_already_added);
  EXPECT_EQ(again.id, raw(b1));
  EXPECT_TRUE(w(backend_added{"h1", 9001}).ok());
  EXPECT_EQ(cat.find_backend("h2", 9000)->id, b2);
  EXPECT_EQ(cat.find_backend("h2", 9001), nullptr);
}

TEST_F(CatalogTest, ANewBackendIsNotAliveUntilItReturned) {
  const auto added = w(backend_added{"h9", 9000});
  EXPECT_FALSE(cat.backends.find(backend_id{added.id})->alive);
  EXPECT_EQ(added.touched_backend, backend_id{added.id});
}

TEST_F(CatalogTest, DyingAndReturningTouchesTheBackendOnceEach) {
  w.now += 5s;
  EXPECT_EQ(w(backend_died{b1}).touched_backend, b1);
  EXPECT_EQ(cat.backends.find(b1)->changed, w.now);
  EXPECT_EQ(w(backend_died{b1}).touched_backend, backend_id{}); // Known already.
  w.now += 5s;
  EXPECT_EQ(w(w.returned(b1, 1)).touched_backend, b1);
  EXPECT_EQ(w(w.returned(b1, 1)).touched_backend, backend_id{});
  EXPECT_EQ(w(w.returned(b1, 8)).touched_backend, b1) << "the paths changed";
  EXPECT_TRUE(cat.backends.find(b1)->has_path(path_hash{80}));
  EXPECT_EQ(why(backend_died{backend_id{1}}), refusal::backend_unknown);
  EXPECT_EQ(why(w.returned(backend_id{1}, 1)), refusal::backend_unknown);
  EXPECT_EQ(why(backend_decommission{backend_id{1}, true}), refusal::backend_unknown);
}

TEST_F(CatalogTest, ABackendWithReplicasIsNotDropped) {
  orders();
  EXPECT_EQ(why(backend_dropped{b1}), refusal::backend_in_use);
  EXPECT_TRUE(w(backend_dropped{b4}).ok());
  EXPECT_EQ(why(backend_dropped{b4}), refusal::backend_unknown);
}

// -- databases and tables ----------------------------------------------------------------

TEST_F(CatalogTest, NamesAreUniqueWithinTheirScope) {
  const auto t = orders();
  EXPECT_EQ(w(database_created{"shop"}).id, raw(db));
  EXPECT_EQ(why(database_created{"shop"}), refusal::database_already_exists);
  table_created again{db, "orders", 1, '\t', 1, {{w.first_path(b1)}}};
  const auto judged = w(again);
  EXPECT_EQ(judged.why, refusal::table_already_exists);
  EXPECT_EQ(judged.id, raw(t));
  again.database = w.make_database("other");
  EXPECT_TRUE(w(again).ok());
  EXPECT_EQ(cat.find_table(db, "orders")->id, t);
  EXPECT_EQ(cat.find_table(db, "order"), nullptr);
  EXPECT_EQ(cat.find_database("nowhere"), nullptr);
}

TEST_F(CatalogTest, ADatabaseWithTablesIsNotDropped) {
  const auto t = orders();
  EXPECT_EQ(why(database_dropped{db}), refusal::database_not_empty);
  EXPECT_TRUE(w(table_dropped{t}).ok());
  EXPECT_TRUE(w(database_dropped{db}).ok());
  EXPECT_EQ(why(database_dropped{db}), refusal::database_unknown);
  EXPECT_EQ(cat.find_database("shop"), nullptr);
}

TEST_F(CatalogTest, ATableTakesItsIdsInLogOrder) {
  const auto first = cat.next_id;
  const auto made = w(table_created{
      db, "t", 2, ',', 2, {{w.first_path(b1), w.first_path(b2)}, {w.first_path(b3)}}});
  const auto& t = *cat.tables.find(table_id{made.id});
  EXPECT_EQ(raw(t.id), first);
  EXPECT_EQ(raw(t.partitions[0].id), first + 1);
  EXPECT_EQ(t.partitions[0].index_id, first + 2);
  EXPECT_EQ(raw(t.partitions[0].first_tablet), first + 3);
  EXPECT_EQ(raw(w.bucket(t.id, 1).id), first + 4);
  EXPECT_EQ(raw(w.on(t.id, b1).id), first + 5);
  EXPECT_EQ(raw(w.on(t.id, b2).id), first + 6);
  EXPECT_EQ(raw(w.on(t.id, b3, 1).id), first + 7);
  EXPECT_EQ(cat.next_id, first + 8);
  EXPECT_EQ(made.touched, (std::vector{tablet_id{first + 3}, tablet_id{first + 4}}));
  EXPECT_EQ(w.on(t.id, b1).version, version_initial);
  EXPECT_TRUE(complete(w.on(t.id, b1), w.visible(t.id)));
  EXPECT_EQ(cat.replicas, 3u);
}

TEST_F(CatalogTest, StalePlacementsAreRefused) {
  const auto attempt = [&](std::vector<place> places, std::uint32_t replication = 3) {
    return why(
        table_created{db, "t", 1, '\t', replication, {{w.first_path(b2)}, std::move(places)}});
  };
  w(backend_died{b1});
  w(backend_decommission{b3, true});
  EXPECT_EQ(attempt({w.first_path(b1)}), refusal::placement_stale) << "dead";
  EXPECT_EQ(attempt({w.first_path(b3)}), refusal::placement_stale) << "decommissioned";
  EXPECT_EQ(attempt({{backend_id{5}, path_hash{10}}}), refusal::placement_stale)
      << "unknown backend";
  EXPECT_EQ(attempt({{b2, path_hash{99}}}), refusal::placement_stale) << "unknown path";
  EXPECT_EQ(attempt({w.first_path(b2), {b2, path_hash{21}}}), refusal::placement_stale)
      << "two on one backend";
  EXPECT_EQ(attempt({w.first_path(b2), w.first_path(b4)}, 1), refusal::placement_stale)
      << "more than wanted";
  EXPECT_EQ(attempt({}), refusal::placement_stale) << "none";
  EXPECT_EQ(why(table_created{db, "t", 1, '\t', 1, {}}), refusal::placement_stale) << "no bucket";
  EXPECT_EQ(why(table_created{database_id{1}, "t", 1, '\t', 1, {{w.first_path(b2)}}}),
            refusal::database_unknown);
  EXPECT_EQ(attempt({w.first_path(b2), w.first_path(b4)}), refusal::none);
}

TEST_F(CatalogTest, ADroppedTableTakesEverythingWithIt) {
  const auto t = w.make_table(db, {b1, b2, b3}, 4);
  const auto begun = w.begin_load(t, "begun");
  w.load(t, {b1, b2, b3});
  const auto committed = cat.find_label(t, "auto-" + std::to_string(w.index - 2))->txn;
  w(clone_to(t, b1, b4));
  const auto dropped = w(table_dropped{t});
  EXPECT_EQ(dropped.touched.size(), 4u);
  EXPECT_TRUE(cat.tablets.empty());
  EXPECT_TRUE(cat.orders.empty());
  EXPECT_EQ(cat.replicas, 0u);
  EXPECT_EQ(cat.loads.find(begun)->state, load_state::aborted);
  EXPECT_EQ(cat.loads.find(committed)->state, load_state::published)
      << "nobody can publish it any more";
  EXPECT_EQ(why(table_dropped{t}), refusal::table_unknown);
  EXPECT_EQ(cat.find_table(db, "orders"), nullptr);
}

// -- loads -------------------------------------------------------------------------------

TEST_F(CatalogTest, ALoadsTxnIsItsLogIndex) {
  const auto t = orders();
  const auto txn = w.begin_load(t, "monday");
  EXPECT_EQ(raw(txn), w.index);
  EXPECT_EQ(cat.find_label(t, "monday")->txn, txn);
  EXPECT_EQ(why(load_begun{table_id{1}, "x"}), refusal::table_unknown);
}

TEST_F(CatalogTest, ALabelIsUsedOnceUnlessItsLoadWasAborted) {
  const auto t = orders();
  const auto first = w.begin_load(t, "monday");
  auto second = w(load_begun{t, "monday"});
  EXPECT_EQ(second.why, refusal::label_in_progress);
  EXPECT_EQ(second.id, raw(first));
  w(load_aborted{first, "client left"});
  const auto retried = w.begin_load(t, "monday");
  EXPECT_EQ(cat.find_label(t, "monday")->txn, retried);
  EXPECT_TRUE(w(w.commit_of(t, retried, {b1, b2, b3})).ok());
  second = w(load_begun{t, "monday"});
  EXPECT_EQ(second.why, refusal::label_committed);
  EXPECT_EQ(second.id, raw(retried));
  EXPECT_TRUE(w(load_begun{w.make_table(db, {b1}, 1, 1, "other"), "monday"}).ok())
      << "labels belong to a table";
}

TEST_F(CatalogTest, EndedLoadsAreForgottenAfterLabelKeepAndNoSooner) {
  const auto t = orders();
  const auto published = w.begin_load(t, "a");
  w(w.commit_of(t, published, {b1, b2, b3}));
  w(load_published{published});
  const auto aborted = w.begin_load(t, "b");
  w(load_aborted{aborted, ""});
  const auto committed = w.begin_load(t, "c");
  w(w.commit_of(t, committed, {b1, b2, b3}));
  const auto still_begun = w.begin_load(t, "d");
  w.now += label_keep;
  EXPECT_EQ(why(load_begun{t, "a"}), refusal::label_committed) << "exactly label_keep old";
  w.now += 1ms;
  EXPECT_EQ(why(load_begun{t, "c"}), refusal::label_committed) << "not published: it is not over";
  EXPECT_NE(cat.loads.find(published), nullptr) << "a refused edit forgets nothing";
  EXPECT_EQ(why(load_begun{t, "a"}), refusal::none);
  EXPECT_EQ(cat.loads.find(published), nullptr);
  EXPECT_EQ(cat.loads.find(aborted), nullptr);
  EXPECT_NE(cat.loads.find(committed), nullptr);
  EXPECT_NE(cat.loads.find(still_begun), nullptr);
}

TEST_F(CatalogTest, ACommitMakesTheNextVersionAndCountsRows) {
  const auto t = w.make_table(db, {b1, b2, b3}, 2);
  const auto txn = w.begin_load(t, "x");
  const auto judged = w(w.commit_of(t, txn, {b1, b2, b3}));
  EXPECT_TRUE(judged.ok());
  EXPECT_TRUE(judged.touched.empty()) << "every replica prepared";
  EXPECT_EQ(w.visible(t), 2u);
  EXPECT_EQ(cat.loads.find(txn)->version, 2u);
  EXPECT_EQ(cat.loads.find(txn)->rows, 20u);
  EXPECT_EQ(w.bucket(t, 1).rows, 10u);
  EXPECT_EQ(w.bucket(t, 1).bytes, 100u);
  EXPECT_EQ(w.on(t, b3, 1).version, 2u);
}

TEST_F(CatalogTest, WhoDidNotPrepareHasAHole) {
  const auto t = orders();
  const auto judged = w.load(t, {b1, b2});
  EXPECT_EQ(judged.touched, (std::vector{w.bucket(t).id}));
  const auto missed = w.on(t, b3);
  EXPECT_EQ(missed.version, 1u);
  EXPECT_EQ(missed.last_failed, 2u);
  EXPECT_FALSE(complete(missed, 2));
  w.load(t, {b1, b2, b3}); // Prepared, but above the hole.
  EXPECT_EQ(w.on(t, b3).version, 1u);
  EXPECT_EQ(w.on(t, b3).last_failed, 2u);
  EXPECT_EQ(w.on(t, b3).last_success, 3u);
}

TEST_F(CatalogTest, AMajorityOfCompleteReplicasMustHavePrepared) {
  const auto t = w.make_table(db, {b1, b2, b3}, 2);
  w.load(t, {b1, b2}); // b3 has a hole now.
  const auto txn = w.begin_load(t, "x");
  EXPECT_EQ(why(w.commit_of(t, txn, {b1, b3})), refusal::quorum_missing) << "b3 is not complete";
  auto one_short = w.commit_of(t, txn, {b1, b2});
  one_short.tablets[1].prepared.pop_back();
  EXPECT_EQ(why(one_short), refusal::quorum_missing) << "one tablet lacks it";
  auto missing = w.commit_of(t, txn, {b1, b2});
  missing.tablets.pop_back();
  EXPECT_EQ(why(missing), refusal::quorum_missing) << "a tablet is not listed";
  auto swapped = w.commit_of(t, txn, {b1, b2});
  std::swap(swapped.tablets[0], swapped.tablets[1]);
  EXPECT_EQ(why(swapped), refusal::quorum_missing) << "not in bucket order";
  EXPECT_EQ(w.visible(t), 2u);
  EXPECT_EQ(why(w.commit_of(t, txn, {b1, b2})), refusal::none);
}

TEST_F(CatalogTest, ABadReplicaDoesNotCountForTheMajority) {
  const auto t = orders();
  w(replica_observed{w.bucket(t).id, w.on(t, b2).id, 1, true});
  const auto txn = w.begin_load(t, "x");
  EXPECT_EQ(why(w.commit_of(t, txn, {b1, b2})), refusal::quorum_missing);
  EXPECT_EQ(why(w.commit_of(t, txn, {b1, b2, b3})), refusal::none);
}

TEST_F(CatalogTest, ALoadEndsOnce) {
  const auto t = orders();
  const auto txn = w.begin_load(t, "x");
  EXPECT_EQ(why(load_published{txn}), refusal::txn_ended) << "not committed";
  EXPECT_TRUE(w(w.commit_of(t, txn, {b1, b2, b3})).ok());
  EXPECT_EQ(why(w.commit_of(t, txn, {b1, b2, b3})), refusal::txn_ended);
  EXPECT_EQ(why(load_aborted{txn, ""}), refusal::txn_ended);
  EXPECT_EQ(why(load_published{txn}), refusal::none);
  EXPECT_EQ(why(load_published{txn}), refusal::none) << "said twice is said";
  EXPECT_EQ(why(load_aborted{txn_id{1}, ""}), refusal::txn_unknown);
  EXPECT_EQ(why(load_published{txn_id{1}}), refusal::txn_unknown);
  EXPECT_EQ(why(load_committed{txn_id{1}, {}}), refusal::txn_unknown);
}

TEST_F(CatalogTest, EveryRefusalHasAName) {
  for (int i = 0; i <= static_cast<int>(refusal::replica_not_wanted); ++i)
    EXPECT_NE(name(static_cast<refusal>(i)), "unknown") << i;
  EXPECT_EQ(name(refusal::last_complete_replica), "last_complete_replica");
}

TEST_F(CatalogTest, BrokenInvariantsAreSeen) {
  const auto t = orders();
  const auto break_with = [&](auto&& damage) {
    catalog copy = cat;
    damage(copy);
    return broken_invariant(copy);
  };
  const auto id = w.bucket(t).id;
  EXPECT_EQ(break_with([](catalog&) {}), "");
  EXPECT_NE(break_with([](catalog& c) { ++c.replicas; }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.backends.edit(b1)->tablets.erase(id); }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.backends.edit(b4)->tablets.put(id, replica_id{1}); }),
            "");
  EXPECT_NE(break_with([&](catalog& c) { c.backends.erase(b1); }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.tablets.edit(id)->replicas[0].version = 2; }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.tablets.edit(id)->replicas[0].last_failed = 1; }), "");
  EXPECT_NE(
      break_with([&](catalog& c) { c.tablets.edit(id)->replicas[0].state = replica_state::clone; }),
      "");
  EXPECT_NE(break_with([&](catalog& c) {
              c.tablets.edit(id)->replicas[1].id = c.tablets.find(id)->replicas[0].id;
            }),
            "");
  EXPECT_NE(break_with([&](catalog& c) { c.tablets.erase(id); }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.tables.edit(t)->name = "renamed"; }), "");
  EXPECT_NE(break_with([&](catalog& c) { ++c.databases.edit(db)->tables; }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.next_id = raw(id); }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.orders.put(id, open_order{}); }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.loads.put(txn_id{5}, load{txn_id{5}, t, {}, "x"}); }), "");
  EXPECT_NE(break_with([&](catalog& c) { c.ended_loads.put(log_index{5}, {txn_id{5}}); }), "");
}

} // namespace
} // namespace tabletd::test
