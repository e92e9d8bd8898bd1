// Which replicas a LOAD writes to and an EXPORT reads from.
#include "actors/model/transfer_plan.h"
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

TEST_F(TransferPlan, AnEmptyTableExportsAsNothing) {
  const auto plan = std::get<export_plan>(plan_export(world.cat, world.view, owner(), {}, "/out"));
  EXPECT_EQ(plan.tablets.front().version, version_initial);
  EXPECT_EQ(plan.rows, 0u);
  EXPECT_EQ(plan.tablets.size(), 8u);
}

} // namespace
} // namespace tabletd::model
