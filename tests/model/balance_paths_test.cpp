// Which moves balance makes between the disks of one backend.
#include "tests/model/balance_world.h"
#include <gtest/gtest.h>

namespace tabletd::test {
namespace {

/// Three backends as loaded as each other; on the first, one disk is fuller.
balance_world one_full_path(std::uint64_t full_gb, std::uint64_t other_gb) {
  balance_world w;
  w.add_backends(3, {{.capacity = 100 * giga}, {.capacity = 100 * giga}});
  put(w, w.on(0, 0), full_gb, giga);
  put(w, w.on(0, 1), other_gb, giga);
  for (const std::size_t b : {1U, 2U})
    for (const std::size_t p : {0U, 1U})
      put(w, w.on(b, p), (full_gb + other_gb) / 2, giga);
  return w;
}
std::vector<balance_move> path_moves(const balance_world& w) {
  std::vector<balance_move> all;
  for (const auto& wave : w.plan().waves)
    for (const auto& m : wave)
      if (m.kind == balance_kind::path_load)
        all.push_back(m);
  return all;
}

TEST(BalancePaths, AFullDiskIsRelievedByItsNeighbour) {
  const auto moves = path_moves(one_full_path(60, 20));
  EXPECT_GE(moves.size(), 18U);
  EXPECT_LE(moves.size(), 20U) << "twenty would make them equal";
  for (const auto& m : moves) {
    EXPECT_EQ(m.source.backend, m.target.backend);
    EXPECT_NE(m.source.path, m.target.path);
  }
  EXPECT_TRUE(path_moves(one_full_path(42, 40)).empty());
}

TEST(BalancePaths, AnOperatorsWishBeginsEarlierAndGoesFirst) {
  const auto w = one_full_path(43, 37); // 7.5 % from the average: within the threshold, outside half of it.
  balance_options options;
  const auto of = [&](const balance_view& view) {
    balance_planner planner{options};
    return planner.next_moves(view, 100, 1, w.now).moves;
  };
  EXPECT_TRUE(of(w.view()).empty());
  auto asked = w.view();
  asked.level_disks_of = {w.ids[0]};
  ASSERT_FALSE(of(asked).empty());
  EXPECT_EQ(of(asked).front().source, w.on(0, 0));
  options.paths = false; // disable_disk_balance: an order goes before a setting.
  EXPECT_FALSE(of(asked).empty());
  asked.level_disks_of = {w.ids[1]};
  EXPECT_TRUE(of(asked).empty());
}

TEST(BalancePaths, DisabledItLeavesEvenAFullDiskAlone) {
  const auto w = one_full_path(60, 20);
  balance_options options;
  options.paths = false;
  EXPECT_TRUE(w.plan(1, options).waves.empty());
}

TEST(BalancePaths, DangerComesFirst) {
  balance_world w;
  w.add_backends(3, {{.capacity = 100 * giga}, {.capacity = 100 * giga}});
  w.add_table(88, 1, [&](auto) { return std::vector{w.on(0, 0)}; }, [](auto) { return giga; });
  balance_planner planner;
  const auto round = planner.next_moves(w.view(), 1, 1, w.now);
  ASSERT_EQ(round.moves.size(), 1U);
  EXPECT_EQ(round.moves[0].kind, balance_kind::path_load) << "the backend's load is HIGH as well, that takes longer";
  EXPECT_EQ(round.moves[0].target, w.on(0, 1));
}

} // namespace
} // namespace tabletd::test
