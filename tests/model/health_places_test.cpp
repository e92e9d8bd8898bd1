// Where replicas belong: clusters, colocation groups, undecided balance moves, hints, and the wait
// for loads that count on a replica.  Vectors E8 and E9 of spec/replica.md 10 in the profile of its
// appendix B.
#include "actors/model/assessment.h"
#include "tests/model/repair_world.h"

namespace tabletd::test {
namespace {

using health = tablet_health;
using priority = repair_priority;

/// The partition's table, for what a statement would have set.
struct places_world : repair_world {
  using repair_world::repair_world;

  table& owner(tablet_id id) { return *cat.tables.edit(at(id).table); }
  void belongs_to(tablet_id id, const std::string& name) { owner(id).cluster = name; }
  void move_to_cluster(std::size_t n, const std::string& name) { cat.backends.edit(ids[n])->cluster = name; }
  void colocate(tablet_id id, const std::vector<std::size_t>& home) {
    colocate_group group{colocate_group_id{cat.next_id++}, db, "g", 3, {{}}, {at(id).table}};
    for (const auto n : home)
      group.sequence.front().push_back(ids[n]);
    owner(id).colocate_group = group.id;
    cat.colocate_groups.put(group.id, group);
  }
  void moving(tablet_id id, std::size_t from, std::size_t to) {
    cat.moves.put(id, {at(id).on(ids[from])->id, at(id).on(ids[to])->id, 0});
  }
  void expect(tablet_id id, health h, priority p, const std::string& remedy) {
    const auto seen = diagnose(cat, at(id));
    EXPECT_EQ(name(seen.health), name(h));
    EXPECT_EQ(name(seen.priority), name(p));
    EXPECT_EQ(remedy_of(id), remedy);
  }
};

// -- balance moves -----------------------------------------------------------------------

TEST(HealthMoves, E8AMovedReplicaThatFellBehindIsFilledNotDropped) {
  places_world world{"abcde"};
  const auto id = world.make("1+ 2+ 3+ 4-");
  world.expect(id, health::redundant, priority::very_high, "drop 4 incomplete"); // Without a move.
  world.moving(id, 2, 4);
  world.expect(id, health::need_further_repair, priority::high, "fill 4 from 1");
}

TEST(HealthMoves, TheReplacedReplicaGoesHoweverLittleLoadedItsBackendIs) {
  places_world world{"abcde"};
  const auto id = world.make("1+ 2+ 3+ 4+");
  for (auto& path : world.cluster.backends[world.ids[4]].paths)
    path.available_bytes = 50 * repair_world::gigabyte;
  world.expect(id, health::redundant, priority::very_high, "drop 4 highest_load");
  world.moving(id, 2, 4);
  world.expect(id, health::redundant, priority::very_high, "drop 2 moved");
}

TEST(HealthMoves, ADeadReplicaGoesBeforeTheReplacedOne) {
  places_world world{"abcdef"};
  const auto id = world.make("1+ 2+ 3+ 4+ 5+");
  world.die(3);
  world.moving(id, 2, 4);
  world.expect(id, health::redundant, priority::very_high, "drop 3 unavailable");
}

TEST(HealthMoves, AMovedReplicaOnADeadBackendIsNotWaitedFor) {
  places_world world{"abcde"};
  const auto id = world.make("1+ 2+ 3+ 4-");
  world.moving(id, 2, 4);
  world.die(4);
  world.expect(id, health::redundant, priority::very_high, "drop 4 unavailable");
}

// -- clusters ----------------------------------------------------------------------------

TEST(HealthClusters, AReplicaOfAnotherClusterIsReplacedInItsOwn) {
  places_world world{"abcdef"};
  const auto id = world.make("1+ 2+ 3+");
  world.belongs_to(id, std::string{cluster_default});
  world.expect(id, health::healthy, priority::normal, "nothing");
  world.move_to_cluster(3, "west");
  world.move_to_cluster(4, "west"); // Free, but not ours.
  world.expect(id, health::replica_missing_in_cluster, priority::low, "new 5 from 1");
  world.fill(id, "1+ 2+ 3+ 5+");
  world.expect(id, health::redundant, priority::very_high, "drop 3 wrong_cluster");
}

TEST(HealthClusters, ATableOfNoClusterTakesAnyBackend) {
  places_world world{"abcd"};
  const auto id = world.make("1+ 2+ 3+");
  world.move_to_cluster(3, "west");
  world.expect(id, health::healthy, priority::normal, "nothing");
}

TEST(HealthClusters, AMissingReplicaIsNotPutIntoAnotherCluster) {
  places_world world{"abcd"};
  const auto id = world.make("1+ 2+");
  world.belongs_to(id, std::string{cluster_default});
  world.move_to_cluster(3, "west");
  world.move_to_cluster(4, "west");
  world.expect(id, health::replica_missing, priority::normal, "wait no_backend");
  const auto why = world.decide(id).paths;
  EXPECT_EQ(std::count_if(why.begin(), why.end(), [](const path_verdict& v) { return v.code == path_code::other_cluster; }), 4);
}

TEST(HealthClusters, OnlyHostsOfTheClusterSayWhetherHostsStayApart) {
  places_world world{"aaabc"};
  const auto id = world.make("1+ 2+ 3+"); // On one host: with a, b and c there would be three.
  world.expect(id, health::replica_missing, priority::high, "new 4 from 1");
  world.belongs_to(id, std::string{cluster_default});
  for (const auto n : {4U, 5U})
    world.move_to_cluster(n, "west");
  world.expect(id, health::healthy, priority::normal, "nothing");
  EXPECT_TRUE(host_anti_affinity(world.cat, 3));
  EXPECT_FALSE(host_anti_affinity(world.cat, 3, cluster_default));
}

TEST(HealthClusters, WhatIsInTheWayInsideTheClusterGoesFirst) {
  places_world world{"abcd"};
  const auto id = world.make("1+ 2+ 3! 4+");
  world.belongs_to(id, std::string{cluster_default});
  world.move_to_cluster(4, "west");
  world.expect(id, health::force_redundant, priority::low, "drop! 3 bad");
}

// -- colocation groups, E9 ---------------------------------------------------------------

TEST(HealthColocated, E9aAMissingHomeIsFilledThenTheStrangerGoes) {
  places_world world{"abcdef"};
  const auto id = world.make("1+ 2+ 5+");
  world.colocate(id, {1, 2, 3});
  world.expect(id, health::colocate_mismatch, priority::high, "new 3 from 1");
  world.fill(id, "1+ 2+ 3+ 5+");
  world.expect(id, health::colocate_redundant, priority::high, "drop 5 not_in_group");
  world.fill(id, "1+ 2+ 3+");
  world.expect(id, health::healthy, priority::normal, "nothing");
}

TEST(HealthColocated, E9bASurplusReplicaAwayFromHomeGoesEvenIfOneAtHomeIsMoreLoaded) {
  places_world world{"abcdef"};
  const auto id = world.make("1+ 2+ 3+ 5+");
  world.colocate(id, {1, 2, 3});
  for (auto& path : world.cluster.backends[world.ids[1]].paths)
    path.available_bytes = 50 * repair_world::gigabyte;
  world.expect(id, health::colocate_redundant, priority::high, "drop 5 not_in_group");
}

// [FIX] The seed calls this healthy.
TEST(HealthColocated, E9cADamagedReplicaAtHomeIsDroppedAndCopiedAnew) {
  places_world world{"abcdef"};
  const auto id = world.make("1+ 2! 3+");
  world.colocate(id, {1, 2, 3});
  world.expect(id, health::colocate_redundant, priority::high, "drop 2 bad");
  world.fill(id, "1+ 3+");
  world.expect(id, health::colocate_mismatch, priority::high, "new 2 from 1");
}

TEST(HealthColocated, E9dAHoleIsFilledInPlace) {
  places_world world{"abcdef"};
  const auto id = world.make("1+ 2+ 3-");
  world.colocate(id, {1, 2, 3});
  world.expect(id, health::version_incomplete, priority::high, "fill 3 from 1");
}

TEST(HealthColocated, ADeadHomeIsTheGroupsBalancersBusiness) {
  places_world world{"abcdef"};
  const auto id = world.make("1+ 2+ 3+");
  world.colocate(id, {1, 2, 3});
  world.die(3);
  world.expect(id, health::healthy, priority::normal, "nothing");
  // A stranger beside a dead home: the copy on the dead one stays until the group has moved.
  world.fill(id, "1+ 2+ 3+ 5+");
  world.expect(id, health::colocate_redundant, priority::high, "wait nothing_to_drop");
}

TEST(HealthColocated, WithoutACompleteCopyItIsUnrecoverable) {
  places_world world{"abcdef"};
  const auto id = world.make("1! 2! 3!");
  world.colocate(id, {1, 2, 3});
  world.expect(id, health::unrecoverable, priority::normal, "wait unrecoverable");
}

TEST(HealthColocated, ACopyGoesNowhereButHome) {
  places_world world{"abcdef"};
  const auto id = world.make("1+ 2+ 5+");
  world.colocate(id, {1, 2, 3});
  world.die(3);
  world.expect(id, health::colocate_mismatch, priority::high, "wait no_backend");
}

// -- hints, operators' word, locations ---------------------------------------------------

TEST(HealthHints, AHintedPartitionsSickTabletsAreUrgentAndOnlyThose) {
  places_world world{"abcde"};
  const auto sick = world.make("1+ 2+ 3+");
  world.leave(3);
  EXPECT_EQ(diagnose(world.cat, world.at(sick)).priority, priority::low);
  world.cat.hints.put(world.at(sick).partition, time_ms{1});
  EXPECT_EQ(diagnose(world.cat, world.at(sick)).priority, priority::very_high);
  world.cat.backends.edit(world.ids[3])->decommissioned = false;
  EXPECT_EQ(diagnose(world.cat, world.at(sick)), diagnosis{});
}

TEST(HealthHints, AnOperatorsBadCountsWhateverTheBackendSays) {
  places_world world{"abcde"};
  const auto id = world.make("1+ 2+ 3+");
  const auto r = world.at(id).on(world.ids[3])->id;
  ASSERT_TRUE(world.fold(replica_status_set{id, r, true}).ok());
  world.expect(id, health::replica_missing, priority::normal, "new 4 from 1");
  // Its backend reports it whole: that changes nothing (9.2, C24b).
  ASSERT_TRUE(world.fold(replica_observed{id, r, 10, false}).ok());
  world.expect(id, health::replica_missing, priority::normal, "new 4 from 1");
  ASSERT_TRUE(world.fold(replica_status_set{id, r, false}).ok());
  world.expect(id, health::healthy, priority::normal, "nothing");
}

TEST(HealthLocations, ALocationOfItsOwnIsPreferredToALessLoadedBackend) {
  places_world world{"abcde"};
  const auto id = world.make("1+ 2+");
  for (const auto n : {1U, 2U, 4U})
    world.cat.backends.edit(world.ids[n])->location = n == 2 ? "rack:b" : "rack:a";
  world.cat.backends.edit(world.ids[5])->location = "rack:c";
  world.cat.backends.edit(world.ids[3])->location = "rack:b";
  for (auto& path : world.cluster.backends[world.ids[5]].paths)
    path.available_bytes = 300 * repair_world::gigabyte;
  EXPECT_EQ(world.remedy_of(id), "new 5 from 1");
}

TEST(HealthMedia, APartitionsMediumIsPreferredAndNotInsistedOn) {
  places_world world{"abcd"};
  const auto id = world.make("1+ 2+");
  world.owner(id).partitions.front().medium = medium::ssd;
  EXPECT_EQ(std::get<clone_move>(world.decide(id).move).target, world.path(3, 1));
  for (const auto n : {3U, 4U})
    world.seen(n, 1).online = false;
  EXPECT_EQ(std::get<clone_move>(world.decide(id).move).target, world.path(3, 0));
}

// -- loads -------------------------------------------------------------------------------

struct loads_world : catalog_world {
  backend_id b1 = live_backend(1), b2 = live_backend(2), b3 = live_backend(3), b4 = live_backend(4);
  table_id orders = make_table(make_database(), {b1, b2, b3});
  tablet_id id = bucket(orders).id;

  /// Copies a fourth replica; returns the order's index.
  void copy_to_b4() {
    ASSERT_TRUE((*this)(clone_ordered{id, 1, 1, first_path(b1), first_path(b4), {}, visible(orders)}).ok());
    ASSERT_TRUE((*this)(clone_ended{id, log_index{index}, visible(orders), ""}).ok());
  }
  refusal drop(backend_id at, drop_reason why = drop_reason::highest_load) {
    return (*this)(replica_dropped{id, on(orders, at).id, why}).why;
  }
};

TEST(DropAndLoads, ALoadThatBeganBeforeTheCopyKeepsWhatItCountsOn) {
  loads_world w;
  const auto txn = w.begin_load(w.orders, "l");
  w.copy_to_b4();
  EXPECT_EQ(w.drop(w.b3), refusal::loads_open);
  // The load needs two of the three it knows, and got them from the ones that would have gone.
  ASSERT_TRUE(w(w.commit_of(w.orders, txn, {w.b2, w.b3})).ok());
  EXPECT_EQ(w.drop(w.b1), refusal::none); // It missed the load: nobody counts on it.
}

TEST(DropAndLoads, ALoadThatBeganLaterKnowsTheNewCopy) {
  loads_world w;
  w.copy_to_b4();
  (void) w.begin_load(w.orders, "l");
  EXPECT_EQ(w.drop(w.b3), refusal::none);
}

TEST(DropAndLoads, WhatABackendLostIsForgottenAllTheSame) {
  loads_world w;
  (void) w.begin_load(w.orders, "l");
  w.copy_to_b4();
  EXPECT_EQ(w.drop(w.b3, drop_reason::lost), refusal::none);
}

TEST(DropAndLoads, PlacementWaitsAndSaysSo) {
  places_world world{"abcde"};
  const auto id = world.make("1+ 2+ 3+ 4+");
  world.cat.tablets.edit(id)->settled = log_index{1'000};
  world.expect(id, health::redundant, priority::very_high, "drop 4 highest_load");
  ASSERT_TRUE(world.fold(load_begun{world.at(id).table, "l"}).ok());
  world.expect(id, health::redundant, priority::very_high, "wait loads_open");
}

} // namespace
} // namespace tabletd::test
