// Which replicas a LOAD writes to and an EXPORT reads from.
#include "actors/model/transfer_plan.h"
#include "actors/model/warmup_serving.h"
#include "tests/model/console_world.h"
#include <gtest/gtest.h>
#include <map>

namespace tabletd::model {
namespace {

using test::console_world;

struct TransferPlan : ::testing::Test {
  console_world world;
  table_id orders{};
  TransferPlan() {
    world.database("shop");
    world.add_backends(4);
    orders = world.table("shop", "orders", 8, 3);
  }
  const table& owner() { return *world.cat.tables.find(orders); }
  replica_id replica_on(std::uint32_t bucket, backend_id backend) { return world.tablet(orders, bucket).on(backend)->id; }
};

TEST_F(TransferPlan, ALoadGoesToEveryNormalReplicaOnALiveBackend) {
  world.fold(backend_died{world.order[3]});
  world.fold(replica_observed{world.tablet(orders, 0).id, replica_on(0, world.order[0]), 1, false});
  const auto plan = std::get<load_plan>(plan_load(world.cat, owner(), owner().partitions.front(), "/f"));
  EXPECT_EQ(plan.path, "/f");
  EXPECT_EQ(plan.key_column, 1u);
  EXPECT_EQ(plan.separator, ';');
  ASSERT_EQ(plan.tablets.size(), 8u);
  for (std::uint32_t b = 0; b < 8; ++b) {
    EXPECT_EQ(plan.tablets[b].tablet, world.tablet(orders, b).id);
    std::size_t live = 0;
    for (const auto& r : world.tablet(orders, b).replicas)
      live += r.backend == world.order[3] ? 0 : 1;
    EXPECT_EQ(plan.tablets[b].replicas.size(), live);
  }
}

TEST_F(TransferPlan, ALoadThatCannotCommitIsRefusedBeforeAByteTravels) {
  world.fold(backend_died{world.order[0]});
  world.fold(replica_observed{world.tablet(orders, 0).id, replica_on(0, world.order[1]), 1, true});
  const auto refused = std::get<statement_error>(plan_load(world.cat, owner(), owner().partitions.front(), "/f"));
  EXPECT_EQ(refused.code, error_code::unavailable);
  EXPECT_EQ(refused.message,
            "tablet " + std::to_string(raw(world.tablet(orders, 0).id))
              + " of orders can be written to on 1 of 3 replicas, 2 are needed: backend "
              + described(world.cat, world.order[0]) + " is down, the replica on backend "
              + described(world.cat, world.order[1]) + " is damaged");
}

TEST_F(TransferPlan, AnExportIsSpreadOverBackends) {
  world.load(orders, "a", 100);
  const auto plan = std::get<export_plan>(plan_export(world.cat, world.view, owner(), {}, "/out"));
  EXPECT_EQ(plan.tablets.front().version, 2u);
  EXPECT_EQ(plan.rows, 800u);
  EXPECT_EQ(plan.bytes, 8'000u);
  std::map<backend_id, std::size_t> first;
  for (const auto& at : plan.tablets) {
    EXPECT_EQ(at.replicas.size(), 3u);
    ++first[at.replicas.front().backend];
  }
  ASSERT_EQ(first.size(), 4u) << "every backend serves something";
  for (const auto& [backend, tablets] : first)
    EXPECT_EQ(tablets, 2u);
}

TEST_F(TransferPlan, AnExportReadsOnlyCompleteReplicasThatCanBeReached) {
  world.load(orders, "a", 1, {world.order[0]});
  world.view.backends[world.order[1]].linked = false;
  const auto plan = std::get<export_plan>(plan_export(world.cat, world.view, owner(), {}, "/out"));
  for (const auto& at : plan.tablets)
    for (const auto& r : at.replicas) {
      EXPECT_NE(r.backend, world.order[0]) << "has a hole";
      EXPECT_NE(r.backend, world.order[1]) << "not linked";
    }
}

TEST_F(TransferPlan, ATabletNobodyCanServeIsNamed) {
  world.load(orders, "a", 1, {world.order[0]});
  world.view.backends[world.order[1]].linked = false;
  world.fold(backend_died{world.order[2]});
  const auto refused = std::get<statement_error>(plan_export(world.cat, world.view, owner(), {}, "/out"));
  EXPECT_EQ(refused.code, error_code::data_loss);
  EXPECT_EQ(refused.message,
            "tablet " + std::to_string(raw(world.tablet(orders, 0).id)) + " of orders cannot be read at version 2: backend "
              + described(world.cat, world.order[1]) + " has one but is not linked, backend "
              + described(world.cat, world.order[2]) + " has one but is not linked");
  EXPECT_EQ(refused.hint, "bring that backend back and export again; nothing is lost");
}

// -- with a cluster for what has cooled ---------------------------------------------------

struct ClusterExport : TransferPlan {
  ClusterExport() {
    world.add_backends(3);
    world.make_cluster("blue", {4, 5, 6});
    world.load(orders, "a", 100);
    world.load(orders, "b", 100);
    world.cool(orders, 0, 2, 7); // One of three versions.
    world.cool(orders, 1, 3, 7); // All.
  }
  std::variant<export_plan, statement_error> plan(const std::string& cluster) {
    return plan_export(world.cat, world.view, owner(), {}, "/out", cluster);
  }
  bool holds_none(const planned_remote& remote) {
    return std::ranges::all_of(remote.backends, [&](backend_id b) { return world.cat.backends.find(b)->cluster == "blue"; });
  }
};

TEST_F(ClusterExport, WhatHasCooledIsReadByTheClusterAndTheRestFromReplicas) {
  const auto made = std::get<export_plan>(plan("blue"));
  EXPECT_EQ(made.note, "");
  ASSERT_EQ(made.resources.size(), 1u);
  EXPECT_EQ(made.resources[0].name, "cold");
  const auto& first = made.tablets[0];
  ASSERT_TRUE(first.remote);
  EXPECT_EQ(first.remote->through, 2u);
  EXPECT_EQ(first.version, 3u);
  EXPECT_EQ(first.partition, owner().partitions[0].id);
  EXPECT_EQ(first.remote->meta, world.cat.cooldowns.find(first.tablet)->published);
  EXPECT_EQ(first.replicas.size(), 3u);
  ASSERT_EQ(first.remote->backends.size(), 3u);
  EXPECT_TRUE(holds_none(*first.remote));
  const auto serving = serving_backends(world.cat, "blue");
  EXPECT_EQ(first.remote->backends[0], serving_backend(world.cat, world.tablet(orders, 0), serving));
  EXPECT_EQ(made.tablets[1].remote->through, 3u);
  EXPECT_FALSE(made.tablets[2].remote);

  const auto plain = std::get<export_plan>(plan(""));
  EXPECT_TRUE(plain.resources.empty());
  EXPECT_FALSE(plain.tablets[0].remote);
}

TEST_F(ClusterExport, ABackendThatIsNotLinkedIsNotAsked) {
  const auto first = std::get<export_plan>(plan("blue")).tablets[0].remote->backends[0];
  world.view.backends[first].linked = false;
  const auto made = std::get<export_plan>(plan("blue"));
  EXPECT_EQ(made.tablets[0].remote->backends.size(), 2u);
  EXPECT_EQ(std::ranges::count(made.tablets[0].remote->backends, first), 0);
  for (const std::size_t i : {4, 5, 6})
    world.view.backends[world.order[i]].linked = false;
  const auto refused = std::get<statement_error>(plan("blue"));
  EXPECT_EQ(refused.code, error_code::unavailable);
  EXPECT_EQ(refused.message, "no backend of cluster blue is alive and linked");
}

TEST_F(ClusterExport, OfWhatIsRemoteToTheLastVersionNoReplicaIsNeeded) {
  for (const std::size_t i : {1, 2, 3})
    world.view.backends[world.order[i]].linked = false;
  // Bucket 1 lies on the backends 1, 2, 3; bucket 5 too, and nothing of it has cooled.
  const auto refused = std::get<statement_error>(plan("blue"));
  EXPECT_EQ(refused.code, error_code::data_loss);
  EXPECT_NE(refused.message.find(std::to_string(raw(world.tablet(orders, 5).id))), std::string::npos) << refused.message;
  world.cool(orders, 5, 3);
  const auto made = std::get<export_plan>(plan("blue"));
  EXPECT_TRUE(made.tablets[5].replicas.empty());
  EXPECT_EQ(made.tablets[5].remote->through, 3u);
  // Of bucket 0 one version is still with its replicas alone.
  world.view.backends[world.order[0]].linked = false;
  for (const std::uint32_t b : {2, 3, 4, 6, 7})
    world.cool(orders, b, 3);
  const auto half = std::get<statement_error>(plan("blue"));
  EXPECT_NE(half.message.find(std::to_string(raw(world.tablet(orders, 0).id))), std::string::npos) << half.message;
  world.view.backends[world.order[0]].linked = true;
  EXPECT_EQ(std::get<export_plan>(plan("blue")).tablets.size(), 8u);
}

TEST_F(ClusterExport, AClusterThatIsNotThereIsNamed) {
  const auto refused = std::get<statement_error>(plan("bleu"));
  EXPECT_EQ(refused.code, error_code::not_found);
  EXPECT_EQ(refused.message, "there is no cluster bleu: no backend belongs to it");
}

TEST_F(ClusterExport, WhoGetsNothingOfTheClusterIsTold) {
  const auto items = world.table("shop", "items", 2, 2);
  const auto made = std::get<export_plan>(plan_export(world.cat, world.view, *world.cat.tables.find(items), {}, "/out", "blue"));
  EXPECT_EQ(made.note, "nothing of this has cooled: it is read from the replicas, and cluster blue has no part in it");
}

TEST_F(TransferPlan, AnEmptyTableExportsAsNothing) {
  const auto plan = std::get<export_plan>(plan_export(world.cat, world.view, owner(), {}, "/out"));
  EXPECT_EQ(plan.tablets.front().version, version_initial);
  EXPECT_EQ(plan.rows, 0u);
  EXPECT_EQ(plan.tablets.size(), 8u);
}

} // namespace
} // namespace tabletd::model
