// Why a tablet is as it is: EXPLAIN says what decide() says, DIAGNOSE goes level by level, and a
// decommission that cannot end names what stands in its way.
#include "actors/model/explain.h"
#include "actors/model/decommission.h"
#include "actors/model/tablet_checkup.h"
#include "tests/model/console_world.h"
#include "tests/model/repair_world.h"
#include <gtest/gtest.h>

namespace tabletd::test {
namespace {

struct Explain : testing::Test {
  repair_world world{"abcde"};
  scheduler_view seen;
  tablet_explanation of(tablet_id id) { return explain(world.cat, world.cluster, seen, {}, id); }
};

TEST_F(Explain, SaysWhatDecideSaysWithEveryPath) {
  const auto id = world.make("1+ 2+ 3!");
  const auto why = of(id);
  const auto decided = world.decide(id);
  EXPECT_EQ(why.what.what, decided.what);
  EXPECT_EQ(why.what.move, decided.move);
  EXPECT_EQ(why.what.paths, decided.paths);
  EXPECT_EQ(why.what.paths.size(), 3U + 10U) << "three sources, and two paths of each of five backends";
  EXPECT_EQ(why.queue.is, queue_place::kind::nowhere);
  for (const auto& verdict : why.what.paths)
    EXPECT_NE(name(verdict.code), "UNKNOWN");
}

TEST_F(Explain, SlotsAreThoseOfWhatRuns) {
  const auto id = world.make("1+ 2+");
  seen.slots_per_path = 1;
  seen.claims = {{world.path(1), world.path(3), 7}, {world.path(2), world.path(4), 7}};
  const auto why = of(id);
  EXPECT_EQ(why.what.blocked, blocker::source_slot);
  EXPECT_EQ(name(why.what.blocked), "SOURCE_SLOT");
  EXPECT_EQ(slots_of(seen).incoming_bytes(world.path(4)), 7U);
  seen.slots = {{world.ids[1], world.path(1).path, 1, 2, 2, 0}};
  EXPECT_EQ(std::get<clone_move>(of(id).what.move).source, world.path(1)) << "the scheduler has given it a second one";
}

TEST_F(Explain, WhatHasJustFailedIsAvoidedAsTheSchedulerDoes) {
  const auto id = world.make("1+ 2+");
  const auto first = std::get<clone_move>(of(id).what.move);
  ctx_row row;
  row.tablet = id;
  row.avoid = {first.target};
  row.failed_running = 1;
  row.message = "disk full";
  seen.pending = {ctx_row{}, row};
  seen.pending_total = 2;
  const auto why = of(id);
  EXPECT_NE(std::get<clone_move>(why.what.move).target.backend, first.target.backend);
  EXPECT_EQ(why.queue.position, 2U);
  EXPECT_EQ(sentence(why.queue),
            "place 2 of 2, priority LOW, 0 times not scheduled and 1 times failed in a row, last: disk full");
}

TEST_F(Explain, AQueueLongerThanTheViewIsAdmitted) {
  const auto id = world.make("1+ 2+");
  seen.pending_total = 5'000;
  EXPECT_EQ(of(id).queue.is, queue_place::kind::maybe_beyond);
  EXPECT_EQ(sentence(of(id).queue), "not among the tablets the scheduler lists; 5000 wait");
}

TEST_F(Explain, AnOrderUnderWayIsTheAnswer) {
  const auto id = world.make("1+ 2+");
  const auto& t = world.at(id);
  ASSERT_TRUE(world(clone_ordered{id, 1, 1, world.path(1), world.path(3), {}, world.cat.visible_version(t),
                                  order_purpose::repair, {}, "because"}).ok());
  const auto why = of(id);
  EXPECT_EQ(why.what.blocked, blocker::order_open);
  ASSERT_TRUE(why.order);
  EXPECT_EQ(why.order->what.target, world.path(3));
  EXPECT_EQ(why.order_why, "because");
}

TEST(TabletCheckup, StopsAtWhatDoesNotExist) {
  repair_world world{"abc"};
  const auto items = check_up(world.cat, tablet_id{77});
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items[0].item, "TabletExist");
  EXPECT_EQ(items[0].info, "No");
}

TEST(TabletCheckup, NamesWhatIsWrong) {
  repair_world world{"abcd"};
  const auto id = world.make("1+ 2- 3!");
  world.die(1);
  const auto items = check_up(world.cat, id);
  ASSERT_EQ(items.size(), 12U);
  const char* names[] = {"TabletExist",
                         "TabletId",
                         "Database",
                         "Table",
                         "Partition",
                         "MaterializedIndex",
                         "Replicas(ReplicaId -> BackendId)",
                         "ReplicasNum",
                         "ReplicaBackendStatus",
                         "ReplicaVersionStatus",
                         "ReplicaStatus",
                         "ReplicaCompactionStatus"};
  for (std::size_t i = 0; i < items.size(); ++i)
    EXPECT_EQ(items[i].item, names[i]);
  EXPECT_EQ(items[7].info, "OK");
  EXPECT_NE(items[8].info.find("is down"), std::string::npos) << items[8].info;
  EXPECT_NE(items[9].info.find("is at 9 and missed 10"), std::string::npos) << items[9].info;
  EXPECT_NE(items[10].info.find("is damaged"), std::string::npos) << items[10].info;
  EXPECT_FALSE(items[10].suggestion.empty());
  const auto& t = world.at(id);
  EXPECT_EQ(status_of(world.cat, t, t.replicas[0]), replica_status::dead) << "its backend is down";
  EXPECT_EQ(status_of(world.cat, t, t.replicas[1]), replica_status::version_error);
  EXPECT_EQ(status_of(world.cat, t, t.replicas[2]), replica_status::dead) << "damaged";
}

// -- decommission ------------------------------------------------------------------------

struct Decommission : testing::Test {
  console_world world;
  std::string refusal(std::size_t i) {
    const auto why = decommission_refusal(world.cat, *world.cat.backends.find(world.order[i]));
    return why ? why->message : "";
  }
};

TEST_F(Decommission, CountsOnlyTheClusterOfATable) {
  world.database("shop");
  world.add_backends(6);
  for (std::size_t i = 3; i < 6; ++i)
    world.fold(backend_modified{world.order[i], "blue", ""});
  table_created e{world.cat.find_database("shop")->id, "t", 1, ';', 3, {{}}};
  for (std::size_t i = 3; i < 6; ++i)
    e.placements[0].push_back({world.order[i], world.cat.backends.find(world.order[i])->paths.front().hash});
  e.cluster = "blue";
  world.fold(e);
  EXPECT_NE(refusal(3).find(
                "shop.t wants 3 replicas on different hosts, and only 2 other hosts of cluster blue could hold them"),
            std::string::npos)
      << refusal(3);
  EXPECT_EQ(refusal(0), "") << "no table needs it";
}

TEST_F(Decommission, CountsHostsWhereReplicasAreKeptApart) {
  world.database("shop");
  world.add_backends(3);
  const backend_id beside{world.fold(backend_added{"h1", 9061})};
  world.fold(backend_returned{beside, {{path_hash{900}, "/data/9", medium::ssd}}});
  world.table("shop", "t", 1, 3);
  EXPECT_EQ(refusal(0), "") << "h1 has another backend";
  EXPECT_NE(refusal(1).find("only 2 other hosts"), std::string::npos) << refusal(1);
}

} // namespace
} // namespace tabletd::test
