// The life of replicas: cloned, dropped, observed, taken back.
#include "tests/model/catalog_fixture.h"

namespace tabletd::test {
namespace {

struct CatalogReplicaTest : CatalogTest {};

// -- clones ------------------------------------------------------------------------------

TEST_F(CatalogReplicaTest, ANewReplicaIsUnconfirmedUntilItsCloneEnds) {
  const auto t = orders();
  w.load(t, {b1, b2});
  const auto next = cat.next_id;
  const auto ordered = w(clone_to(t, b1, b4));
  ASSERT_TRUE(ordered.ok());
  EXPECT_EQ(ordered.id, next) << "its id comes from next_id, like every other replica's";
  EXPECT_EQ(ordered.touched, (std::vector{w.bucket(t).id}));
  const log_index order{w.index};
  EXPECT_EQ(w.on(t, b4).state, replica_state::clone);
  EXPECT_FALSE(complete(w.on(t, b4), 2));
  EXPECT_EQ(cat.orders.find(w.bucket(t).id)->replica, replica_id{next});
  EXPECT_EQ(why(clone_to(t, b1, b3, w.on(t, b3).id)), refusal::tablet_busy);
  EXPECT_EQ(why(clone_ended{w.bucket(t).id, log_index{raw(order) - 1}, 2, ""}),
            refusal::order_unknown);
  EXPECT_TRUE(w(clone_ended{w.bucket(t).id, order, 2, ""}).ok());
  EXPECT_TRUE(complete(w.on(t, b4), 2));
  EXPECT_EQ(why(clone_ended{w.bucket(t).id, order, 2, ""}), refusal::order_unknown) << "late";
  EXPECT_EQ(why(clone_ended{tablet_id{1}, order, 2, ""}), refusal::tablet_unknown);
}

TEST_F(CatalogReplicaTest, AFailedCloneTakesItsNewReplicaBack) {
  const auto t = orders();
  w(clone_to(t, b1, b4));
  EXPECT_TRUE(w(clone_ended{w.bucket(t).id, log_index{w.index}, 0, "disk full"}).ok());
  EXPECT_EQ(w.bucket(t).on(b4), nullptr);
  EXPECT_EQ(cat.replicas, 3u);
  EXPECT_TRUE(cat.orders.empty());
}

TEST_F(CatalogReplicaTest, LoadsPassACloneByAndASecondCloneFollows) {
  const auto t = orders();
  w(clone_to(t, b1, b4));
  const log_index order{w.index};
  w.load(t, {b1, b2, b3});
  EXPECT_EQ(w.on(t, b4).last_failed, 0u) << "not yet a replica of the tablet";
  w(clone_ended{w.bucket(t).id, order, 1, ""});
  EXPECT_EQ(w.on(t, b4).state, replica_state::normal);
  EXPECT_EQ(w.on(t, b4).version, 1u);
  EXPECT_EQ(w.on(t, b4).last_failed, 2u);
  EXPECT_TRUE(w(clone_to(t, b1, b4, w.on(t, b4).id)).ok());
  w(clone_ended{w.bucket(t).id, log_index{w.index}, 2, ""});
  EXPECT_TRUE(complete(w.on(t, b4), 2));
}

TEST_F(CatalogReplicaTest, AnInPlaceCloneThatReachesTheHoleClosesTheWholeGap) {
  const auto t = orders();
  w.load(t, {b1, b2}); // b3 misses 2 ...
  w(clone_to(t, b1, b3, w.on(t, b3).id));
  const log_index order{w.index};
  w.load(t, {b1, b2, b3}); // ... and prepares 3 while it is filled.
  w(clone_ended{w.bucket(t).id, order, 2, ""});
  EXPECT_EQ(w.on(t, b3).version, 3u);
  EXPECT_TRUE(complete(w.on(t, b3), 3));
}

TEST_F(CatalogReplicaTest, AnInPlaceCloneThatFallsShortLeavesTheHole) {
  const auto t = orders();
  w.load(t, {b1, b2});
  w(clone_to(t, b1, b3, w.on(t, b3).id));
  const log_index order{w.index};
  w.load(t, {b1, b2}); // Missed again meanwhile.
  w(clone_ended{w.bucket(t).id, order, 2, ""});
  EXPECT_EQ(w.on(t, b3).version, 2u);
  EXPECT_EQ(w.on(t, b3).last_failed, 3u);
}

TEST_F(CatalogReplicaTest, ACloneThatEndsBelowWhatTheReplicaReachedMeanwhileTakesNothingAway) {
  const auto t = orders();
  w.load(t, {b1, b2});
  w(clone_to(t, b1, b3, w.on(t, b3).id));
  const log_index order{w.index};
  w(replica_observed{w.bucket(t).id, w.on(t, b3).id, 2, false}); // Its report came first ...
  w.load(t, {b1, b2, b3});                                       // ... and it goes on.
  w(clone_ended{w.bucket(t).id, order, 2, ""});
  EXPECT_TRUE(complete(w.on(t, b3), 3));
}

TEST_F(CatalogReplicaTest, AFailedInPlaceCloneChangesNothing) {
  const auto t = orders();
  w.load(t, {b1, b2});
  const auto before = w.on(t, b3);
  w(clone_to(t, b1, b3, before.id));
  w(clone_ended{w.bucket(t).id, log_index{w.index}, 0, "source gone"});
  EXPECT_EQ(w.on(t, b3), before);
}

TEST_F(CatalogReplicaTest, StaleCloneOrdersAreRefused) {
  const auto t = orders();
  w.load(t, {b1, b2});
  const auto r3 = w.on(t, b3).id;
  EXPECT_EQ(why(clone_to(t, b3, b4)), refusal::placement_stale) << "the source is behind";
  EXPECT_EQ(why(clone_to(t, b4, b3, r3)), refusal::placement_stale) << "the source holds nothing";
  EXPECT_EQ(why(clone_to(t, b1, b2)), refusal::placement_stale) << "there is a replica already";
  EXPECT_EQ(why(clone_to(t, b1, b4, r3)), refusal::placement_stale) << "not where that replica is";
  EXPECT_EQ(why(clone_to(t, b1, b3, replica_id{1})), refusal::replica_unknown);
  auto elsewhere = clone_to(t, b1, b3, r3);
  elsewhere.target.path = path_hash{31};
  EXPECT_EQ(why(elsewhere), refusal::placement_stale) << "another path";
  auto nowhere = clone_to(t, b1, b4);
  nowhere.target.path = path_hash{99};
  EXPECT_EQ(why(nowhere), refusal::placement_stale) << "unknown path";
  nowhere.tablet = tablet_id{1};
  EXPECT_EQ(why(nowhere), refusal::tablet_unknown);
  w(backend_decommission{b4, true});
  EXPECT_EQ(why(clone_to(t, b1, b4)), refusal::placement_stale) << "the target is being emptied";
  w(backend_decommission{b4, false});
  w(replica_observed{w.bucket(t).id, r3, 1, true});
  EXPECT_EQ(why(clone_to(t, b1, b3, r3)), refusal::placement_stale)
      << "damaged: replaced, not mended";
  w(backend_decommission{b1, true});
  EXPECT_EQ(why(clone_to(t, b1, b4)), refusal::none) << "a source may be decommissioned";
  w(clone_ended{w.bucket(t).id, log_index{w.index}, 0, ""});
  w(backend_died{b1});
  EXPECT_EQ(why(clone_to(t, b1, b4)), refusal::placement_stale) << "but not dead";
}

// -- drops -------------------------------------------------------------------------------

TEST_F(CatalogReplicaTest, TheLastCompleteReplicaStays) {
  const auto t = orders();
  const auto id = w.bucket(t).id;
  const auto drop = [&](backend_id b, drop_reason r = drop_reason::highest_load) {
    return why(replica_dropped{id, w.on(t, b).id, r});
  };
  w.load(t, {b1, b2}); // b3 is behind.
  EXPECT_EQ(drop(b1), refusal::none);
  EXPECT_EQ(drop(b2), refusal::last_complete_replica);
  EXPECT_EQ(drop(b3), refusal::none) << "b2 is complete and alive";
  EXPECT_EQ(cat.replicas, 1u);
}

TEST_F(CatalogReplicaTest, ACompleteReplicaOnADeadBackendIsNoReasonToDropALiveOne) {
  const auto t = orders();
  const auto id = w.bucket(t).id;
  w.load(t, {b1, b2});
  w(backend_died{b1});
  w(backend_died{b2});
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b3).id, drop_reason::version_incomplete}),
            refusal::last_complete_replica);
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b1).id, drop_reason::backend_unavailable}),
            refusal::last_complete_replica);
  w(w.returned(b2, 2));
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b1).id, drop_reason::backend_unavailable}),
            refusal::none);
}

TEST_F(CatalogReplicaTest, WithoutACompleteReplicaTheHighestVersionsStay) {
  const auto t = orders();
  const auto id = w.bucket(t).id;
  w.load(t, {b1, b2, b3});
  w.load(t, {b1, b2, b3});
  w(replica_observed{id, w.on(t, b1).id, 2, false});
  w(replica_observed{id, w.on(t, b2).id, 2, false});
  w(replica_observed{id, w.on(t, b3).id, 1, false});
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b1).id, drop_reason::version_incomplete}),
            refusal::last_complete_replica);
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b2).id, drop_reason::version_incomplete}),
            refusal::last_complete_replica);
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b3).id, drop_reason::version_incomplete}),
            refusal::none);
}

TEST_F(CatalogReplicaTest, ALostLastReplicaIsMarkedBadNotForgotten) {
  const auto t = w.make_table(db, {b1}, 1, 1);
  const auto id = w.bucket(t).id;
  const replica_dropped lost{id, w.on(t, b1).id, drop_reason::lost};
  EXPECT_EQ(w(lost).touched, (std::vector{id}));
  EXPECT_TRUE(w.on(t, b1).bad);
  EXPECT_TRUE(w(lost).touched.empty()) << "known";
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b1).id, drop_reason::bad}),
            refusal::last_complete_replica);
}

TEST_F(CatalogReplicaTest, AReplicaOfAnOpenOrderIsNotDropped) {
  const auto t = orders();
  const auto id = w.bucket(t).id;
  const auto fresh = w(clone_to(t, b1, b4)).id;
  EXPECT_EQ(why(replica_dropped{id, replica_id{fresh}, drop_reason::highest_load}),
            refusal::tablet_busy);
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b1).id, drop_reason::highest_load}),
            refusal::tablet_busy)
      << "the source";
  EXPECT_EQ(why(replica_dropped{id, w.on(t, b2).id, drop_reason::highest_load}), refusal::none);
  EXPECT_EQ(why(replica_dropped{id, replica_id{1}, drop_reason::lost}), refusal::replica_unknown);
  EXPECT_EQ(why(replica_dropped{tablet_id{1}, replica_id{1}, drop_reason::lost}),
            refusal::tablet_unknown);
}

// -- observed, readopted -----------------------------------------------------------------

TEST_F(CatalogReplicaTest, AnObservationWinsOverTheCatalog) {
  const auto t = orders();
  const auto id = w.bucket(t).id;
  w.load(t, {b1, b2, b3});
  const auto r = w.on(t, b1).id;
  EXPECT_EQ(w(replica_observed{id, r, 1, false}).touched, (std::vector{id}));
  EXPECT_EQ(w.on(t, b1).last_failed, 2u);
  EXPECT_TRUE(w(replica_observed{id, r, 1, false}).touched.empty()) << "said twice";
  EXPECT_TRUE(w(replica_observed{id, r, 2, true}).ok());
  EXPECT_TRUE(w.on(t, b1).bad);
  EXPECT_TRUE(w(replica_observed{id, r, 7, false}).ok());
  EXPECT_EQ(w.on(t, b1).version, 2u) << "nobody is ahead of the visible version";
  EXPECT_TRUE(complete(w.on(t, b1), 2));
  EXPECT_EQ(why(replica_observed{id, replica_id{1}, 1, false}), refusal::replica_unknown);
  EXPECT_EQ(why(replica_observed{tablet_id{1}, r, 1, false}), refusal::tablet_unknown);
  const auto fresh = w(clone_to(t, b1, b4)).id;
  EXPECT_EQ(why(replica_observed{id, replica_id{fresh}, 1, false}), refusal::tablet_busy);
}

TEST_F(CatalogReplicaTest, AnObservationOfAFilledHoleClosesTheGap) {
  const auto t = orders();
  w.load(t, {b1, b2});     // b3 misses 2,
  w.load(t, {b1, b2, b3}); // prepares 3, and later turns out to hold 2.
  w(replica_observed{w.bucket(t).id, w.on(t, b3).id, 2, false});
  EXPECT_TRUE(complete(w.on(t, b3), 3));
}

TEST_F(CatalogReplicaTest, AForgottenReplicaComesBackOnlyWhereItIsNeeded) {
  const auto t = orders();
  const auto id = w.bucket(t).id;
  w.load(t, {b1, b2, b3});
  const auto old = w.on(t, b3).id;
  w(replica_dropped{id, old, drop_reason::lost});
  const replica_readopted back{id, old, w.first_path(b3), 2};
  auto behind = back;
  behind.version = 1;
  EXPECT_EQ(why(behind), refusal::replica_not_wanted) << "not complete";
  auto invented = back;
  invented.replica = replica_id{cat.next_id};
  EXPECT_EQ(why(invented), refusal::replica_not_wanted) << "no such id was given out";
  auto misplaced = back;
  misplaced.place.path = path_hash{99};
  EXPECT_EQ(why(misplaced), refusal::placement_stale);
  auto taken = back;
  taken.place = w.first_path(b1);
  EXPECT_EQ(why(taken), refusal::replica_not_wanted) << "that backend has one";
  EXPECT_EQ(why(back), refusal::none);
  EXPECT_TRUE(complete(w.on(t, b3), 2));
  EXPECT_EQ(why(back), refusal::replica_not_wanted) << "it is here";
  EXPECT_EQ(why(replica_readopted{tablet_id{1}, old, w.first_path(b3), 2}),
            refusal::tablet_unknown);
}

TEST_F(CatalogReplicaTest, AHealthyTabletTakesNoReplicaBack) {
  const auto t = orders();
  const auto id = w.bucket(t).id;
  const auto fresh = replica_id{w(clone_to(t, b1, b4)).id};
  w(clone_ended{id, log_index{w.index}, 1, ""});
  w(replica_dropped{id, fresh, drop_reason::highest_load});
  EXPECT_EQ(why(replica_readopted{id, fresh, w.first_path(b4), 1}), refusal::replica_not_wanted);
  w(backend_died{b1});
  EXPECT_EQ(why(replica_readopted{id, fresh, w.first_path(b4), 1}), refusal::none)
      << "one is missing now";
}

TEST_F(CatalogReplicaTest, ATabletWithNothingCompleteTakesAnythingWholeEvenOverABadOne) {
  const auto t = w.make_table(db, {b1}, 1, 1);
  const auto id = w.bucket(t).id;
  const auto first = w.on(t, b1).id;
  const auto second = replica_id{w(clone_to(t, b1, b2)).id};
  w(clone_ended{id, log_index{w.index}, 1, ""});
  w(replica_dropped{id, first, drop_reason::highest_load});
  w(replica_dropped{id, second, drop_reason::lost}); // Marked bad: the last.
  EXPECT_EQ(why(replica_readopted{id, first, w.first_path(b1), 1}), refusal::none);
  EXPECT_EQ(complete_alive(cat, w.bucket(t)), 1u);
  EXPECT_EQ(why(replica_readopted{id, second, w.first_path(b2), 1}), refusal::replica_not_wanted);
}

} // namespace
} // namespace tabletd::test
