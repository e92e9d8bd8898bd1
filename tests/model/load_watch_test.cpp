// Which loads have lost their job.
#include "actors/model/load_watch.h"
#include "tests/model/console_world.h"
#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

struct LoadWatch : testing::Test {
  test::console_world world;
  table_id orders{};
  load_watch watch;
  LoadWatch() {
    world.database("shop");
    world.add_backends(3);
    orders = world.table("shop", "orders", 2, 3);
  }
  std::vector<txn_id> looked(const std::set<load_name>& carried = {}) { return look(watch, world.cat, carried); }
};

TEST_F(LoadWatch, BegunAndCommittedLoadsWithoutAJobAreTakenOver) {
  const auto committed = world.load(orders, "committed");
  const txn_id begun{world.fold(load_begun{orders, "begun"})};
  EXPECT_TRUE(looked().empty()) << "their jobs may have said so meanwhile";
  EXPECT_EQ(looked(), (std::vector{committed, begun}));
  EXPECT_EQ(looked(), (std::vector{committed, begun})) << "and again, until somebody does";
}

TEST_F(LoadWatch, AJobThatSpeaksUpKeepsItsLoad) {
  const txn_id mine{world.fold(load_begun{orders, "mine"})};
  EXPECT_TRUE(looked().empty());
  EXPECT_TRUE(looked({{orders, "mine"}}).empty());
  EXPECT_TRUE(looked().empty()) << "it ended only just now";
  EXPECT_EQ(looked(), std::vector{mine});
}

TEST_F(LoadWatch, WhatEndedIsNobodysBusiness) {
  const txn_id begun{world.fold(load_begun{orders, "l"})};
  EXPECT_TRUE(looked().empty());
  world.fold(load_aborted{begun, ""});
  EXPECT_TRUE(looked().empty());
  EXPECT_TRUE(watch.suspects.empty());
}

/// The client that lost its leader tries the label again, and again.
TEST_F(LoadWatch, ALoadOfAnEarlierTermIsTakenOverWhoeverUsesItsLabelNow) {
  const txn_id begun{world.fold(load_begun{orders, "l"})};
  world.fold(term_began{9, 2});
  const std::set<load_name> tries{{orders, "l"}};
  EXPECT_EQ(looked(tries), std::vector{begun});
  for (unsigned i = 1; i < looks_before_again; ++i)
    EXPECT_TRUE(looked(tries).empty()) << "it is being taken over";
  EXPECT_EQ(looked(tries), std::vector{begun}) << "or it did not start";
  world.fold(load_aborted{begun, ""});
  EXPECT_TRUE(looked(tries).empty());
  EXPECT_TRUE(watch.inherited.empty());
}

} // namespace
} // namespace tabletd::model
