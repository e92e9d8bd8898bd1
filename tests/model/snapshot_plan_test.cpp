// Version arithmetic of clones and scans: tables, and every small pair of source and copy.
#include "actors/model/snapshot_plan.h"
#include <gtest/gtest.h>
#include <set>

namespace tabletd::model {
namespace {

using indexes = std::vector<std::size_t>;

TEST(SnapshotPlan, RangesJoin) {
  EXPECT_EQ(joined({{5, 6}, {1, 2}, {3, 4}, {9, 9}, {2, 3}}), (version_ranges{{1, 6}, {9, 9}}));
  EXPECT_EQ(joined({{4, 3}}), version_ranges{}) << "a range that ends before it begins is none";
}

TEST(SnapshotPlan, ReachStopsAtTheFirstHole) {
  EXPECT_EQ(reach({}), 1U);
  EXPECT_EQ(reach({{2, 2}, {3, 3}, {5, 5}}), 3U);
  EXPECT_EQ(reach({{3, 9}}), 1U);
  EXPECT_EQ(reach({{1, 4}}), 4U);
}

TEST(SnapshotPlan, MissingSingleVersionsTravelAlone) {
  const version_ranges source{{2, 2}, {3, 3}, {4, 4}};
  EXPECT_EQ(choose_rowsets(source, {{1, 1}, {2, 2}, {4, 4}}, 4), (snapshot_choice{false, {1}}));
  EXPECT_EQ(choose_rowsets(source, {{1, 4}}, 4), (snapshot_choice{false, {}}));
}

TEST(SnapshotPlan, NothingThereMeansFull) {
  EXPECT_EQ(choose_rowsets({{2, 2}, {3, 3}}, {}, 3), (snapshot_choice{true, {0, 1}}));
}

TEST(SnapshotPlan, RowsetAcrossTheGapMeansFull) {
  EXPECT_EQ(choose_rowsets({{2, 4}, {5, 5}}, {{1, 3}}, 5), (snapshot_choice{true, {0, 1}}));
}

TEST(SnapshotPlan, NothingBehindTheSourcesHoleIsSent) {
  EXPECT_EQ(choose_rowsets({{2, 2}, {4, 4}}, {{1, 1}}, 2), (snapshot_choice{false, {0}}));
  EXPECT_EQ(choose_rowsets({{2, 2}, {4, 4}}, {}, 2), (snapshot_choice{true, {0}}));
}

std::set<version> versions_of(const version_ranges& ranges) {
  std::set<version> all;
  for (const auto& r : ranges)
    for (auto v = r.first; v <= r.last; ++v)
      all.insert(v);
  return all;
}

/// Every way to cut 2..last into consecutive rowsets.
void every_cut(version last, version from, version_ranges so_far, std::vector<version_ranges>& out) {
  if (from > last) {
    out.push_back(so_far);
    return;
  }
  for (auto to = from; to <= last; ++to) {
    auto next = so_far;
    next.push_back({from, to});
    every_cut(last, to + 1, next, out);
  }
}

TEST(SnapshotPlan, EveryCopyEndsWithTheSourcesVersionsAndNoOverlap) {
  std::vector<version_ranges> sources;
  every_cut(6, 2, {}, sources);
  std::size_t full = 0;
  std::size_t incremental = 0;
  for (const auto& source : sources)
    for (unsigned mask = 0; mask < 64; ++mask) { // Any set of single versions 1..6.
      version_ranges have;
      for (version v = 1; v <= 6; ++v)
        if (mask & (1U << (v - 1)))
          have.push_back({v, v});
      const auto choice = choose_rowsets(source, have, 6);
      auto after = choice.full ? std::set<version>{1} : versions_of(have);
      for (const auto index : choice.rowsets)
        for (auto v = source[index].first; v <= source[index].last; ++v)
          ASSERT_TRUE(after.insert(v).second) << "version " << v << " would be there twice";
      after.insert(1);
      ASSERT_EQ(after, (std::set<version>{1, 2, 3, 4, 5, 6}));
      ++(choice.full ? full : incremental);
    }
  EXPECT_GT(full, 100U);
  EXPECT_GT(incremental, 100U);
}

TEST(SnapshotPlan, ScanGoesOnWhereItStopped) {
  const version_ranges rowsets{{2, 2}, {3, 3}, {4, 4}};
  EXPECT_EQ(scan_pieces(rowsets, 4, {}), (std::vector<scan_piece>{{0, 0}, {1, 0}, {2, 0}}));
  EXPECT_EQ(scan_pieces(rowsets, 3, {}), (std::vector<scan_piece>{{0, 0}, {1, 0}}));
  EXPECT_EQ(scan_pieces(rowsets, 4, {3, 2}), (std::vector<scan_piece>{{1, 2}, {2, 0}}));
}

// A reader has versions to 4 from elsewhere, and what came after has been merged with them meanwhile.
TEST(SnapshotPlan, ScanFromAVersionDoesNotGoBackIntoAMergedRowset) {
  EXPECT_EQ(scan_pieces({{2, 5}}, 5, {5, 0}), std::nullopt);
  EXPECT_EQ(scan_pieces({{2, 4}, {5, 5}}, 5, {5, 0}), (std::vector<scan_piece>{{1, 0}}));
}

// Blocks are counted within one rowset: another one that ends at the same version has others.
TEST(SnapshotPlan, ScanGoesOnInTheVeryRowsetOnly) {
  EXPECT_EQ(scan_pieces({{2, 5}}, 5, {5, 1, 5}), std::nullopt);
  EXPECT_EQ(scan_pieces({{2, 2}, {3, 3}, {4, 4}, {5, 5}}, 5, {5, 1, 2}), std::nullopt);
  EXPECT_EQ(scan_pieces({{2, 4}, {5, 5}, {6, 6}}, 6, {5, 1, 5}), (std::vector<scan_piece>{{1, 1}, {2, 0}}));
}

TEST(SnapshotPlan, ScanRefusesToCutARowset) {
  EXPECT_EQ(scan_pieces({{2, 5}}, 4, {}), std::nullopt);
  EXPECT_EQ(scan_pieces({{2, 5}, {6, 6}}, 6, {3, 1}), std::nullopt);
  EXPECT_EQ(scan_pieces({{2, 5}, {6, 6}}, 6, {5, 1}), (std::vector<scan_piece>{{0, 1}, {1, 0}}));
  EXPECT_EQ(scan_pieces({{2, 5}, {6, 6}}, 6, {5, 1, 2}), (std::vector<scan_piece>{{0, 1}, {1, 0}}));
}

} // namespace
} // namespace tabletd::model
