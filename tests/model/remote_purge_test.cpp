// When objects of dropped tablets may be deleted, and in which batches.
#include "actors/model/remote_purge.h"

#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;

struct RemotePurge : ::testing::Test {
  tombstone_map tombstones;
  remote_purge purge{{.patience = 100s, .tablets_max = 3, .rest_min = 10s, .rest_max = 30s}};
  using ids = std::vector<tablet_id>;

  void drop(std::uint64_t first, std::uint64_t last) {
    for (auto id = first; id <= last; ++id)
      tombstones.put(tablet_id{id}, time_ms{1});
  }
  /// A batch that went through, and its edit.
  ids carry(time_ms now) {
    auto batch = purge.next(tombstones, now);
    purge.ended("", now);
    for (const auto id : batch)
      tombstones.erase(id);
    return batch;
  }
};

TEST_F(RemotePurge, NothingBeforeTheFormerUploadersLeaseMustBeOver) {
  EXPECT_TRUE(purge.next(tombstones, 0s).empty());
  drop(5, 6);
  EXPECT_TRUE(purge.next(tombstones, 1000s).empty());
  EXPECT_TRUE(purge.next(tombstones, 1100s - 1ms).empty());
  EXPECT_EQ(purge.next(tombstones, 1100s), (ids{tablet_id{5}, tablet_id{6}}));
}

TEST_F(RemotePurge, WhatIsDroppedMeanwhileWaitsItsOwnTime) {
  drop(5, 5);
  EXPECT_TRUE(purge.next(tombstones, 0s).empty());
  drop(3, 3);
  EXPECT_EQ(carry(100s), ids{tablet_id{5}});
  EXPECT_TRUE(carry(101s).empty()) << "seen then";
  EXPECT_TRUE(carry(200s).empty());
  EXPECT_EQ(carry(201s), ids{tablet_id{3}});
  EXPECT_TRUE(carry(900s).empty());
}

TEST_F(RemotePurge, BatchesOneAfterTheOtherInOrderAndEachOnce) {
  drop(1, 7);
  EXPECT_TRUE(purge.next(tombstones, 0s).empty());
  EXPECT_EQ(purge.next(tombstones, 100s), (ids{tablet_id{1}, tablet_id{2}, tablet_id{3}}));
  EXPECT_TRUE(purge.next(tombstones, 101s).empty()) << "one is under way";
  purge.ended("", 101s);
  tombstones.erase(tablet_id{5});  // By an earlier leader's edit.
  EXPECT_EQ(carry(102s), (ids{tablet_id{4}, tablet_id{6}, tablet_id{7}}));
  EXPECT_TRUE(carry(103s).empty());
}

/// The edit did not become true: its tombstones are there still.
TEST_F(RemotePurge, ATombstoneThatStaysHasItsTurnAgain) {
  drop(1, 1);
  EXPECT_TRUE(purge.next(tombstones, 0s).empty());
  EXPECT_EQ(purge.next(tombstones, 100s), ids{tablet_id{1}});
  purge.ended("", 100s);
  EXPECT_TRUE(purge.next(tombstones, 101s).empty());
  EXPECT_EQ(purge.next(tombstones, 201s), ids{tablet_id{1}});
}

TEST_F(RemotePurge, AFailureRestsLongerEachTimeUpToABoundAndTheSameIsDoneAgain) {
  drop(1, 5);
  EXPECT_TRUE(purge.next(tombstones, 0s).empty());
  auto now = 100s;
  for (const auto rest : {10s, 20s, 30s, 30s}) {
    EXPECT_EQ(purge.next(tombstones, now).front(), tablet_id{1});
    purge.ended("no route; mount it", now);
    EXPECT_EQ(purge.why(), "no route; mount it");
    EXPECT_TRUE(purge.next(tombstones, now + rest - 1ms).empty());
    now += rest;
  }
  EXPECT_EQ(carry(now).front(), tablet_id{1});
  EXPECT_EQ(purge.why(), "");
  EXPECT_EQ(carry(now).front(), tablet_id{4}) << "and on without a rest";
}

}  // namespace
}  // namespace tabletd::model
