// Which moves balance makes and which it leaves, each rule with its counter-example.
#include "tests/model/balance_world.h"
#include <gtest/gtest.h>
#include <cmath>

namespace tabletd::test {
namespace {

/// Five backends of two disks; on the first two of them everything: 40 tablets of 1 GB, 2 replicas.
struct Balance : testing::Test {
  balance_world w;
  balance_planner planner;
  table_id t{};

  Balance() {
    w.add_backends(5, {{.capacity = 100 * giga}, {.capacity = 100 * giga}});
    t = w.add_table(
      40, 2, [&](std::uint32_t b) { return std::vector{w.on(0, b % 2), w.on(1, b % 2)}; }, [](auto) { return giga; });
  }
  balance_round next(std::size_t limit = 1'000, std::uint64_t seed = 1) {
    return planner.next_moves(w.view(), limit, seed, w.now);
  }
  /// What a planner without history would do, however many slots there are.
  std::vector<balance_move> moves() const {
    std::vector<balance_move> all;
    for (const auto& wave : w.plan().waves)
      all.insert(all.end(), wave.begin(), wave.end());
    return all;
  }
  std::size_t number(backend_id id) const {
    return static_cast<std::size_t>(std::find(w.ids.begin(), w.ids.end(), id) - w.ids.begin());
  }
  std::vector<std::uint64_t> replicas() const {
    std::vector<std::uint64_t> all;
    for (const auto id : w.ids)
      all.push_back(w.cat.backends.find(id)->tablets.size());
    return all;
  }
  balance_standing standing(const balance_round& round, balance_kind goal) const {
    return *std::find_if(round.standing.begin(), round.standing.end(), [&](const auto& s) { return s.goal == goal; });
  }
};

// -- when nothing moves at all -----------------------------------------------------------

TEST_F(Balance, DisabledOrPausedMeansNoMoveAndAReason) {
  balance_planner off{{.enabled = false}};
  auto round = off.next_moves(w.view(), 10, 1, w.now);
  EXPECT_TRUE(round.moves.empty());
  EXPECT_EQ(round.pause.cause, pause_cause::disabled);
  auto view = w.view();
  view.paused_by = "night shift";
  round = planner.next_moves(view, 10, 1, w.now);
  EXPECT_TRUE(round.moves.empty());
  EXPECT_EQ(sentence(round.pause), "balance is paused: night shift");
  EXPECT_FALSE(next().moves.empty());
}

TEST_F(Balance, TheCircuitBreakerNeedsTwoMissingAndATenthOfAll) {
  w.cluster.backends[w.ids[4]].linked = false;
  EXPECT_EQ(next().pause.cause, pause_cause::none) << "one in five: a restart";
  w.cat.backends.edit(w.ids[3])->alive = false;
  const auto round = next();
  EXPECT_TRUE(round.moves.empty());
  EXPECT_EQ(round.pause, (balance_pause{pause_cause::backends_missing, 2, 5, {}, ""}));
  w.cat.backends.edit(w.ids[3])->decommissioned = true; // It will not come back, and nobody waits for it.
  EXPECT_EQ(next().pause.cause, pause_cause::none);
}

TEST_F(Balance, TwoOfTwentyAreNotMoreThanATenth) {
  w.add_backends(15, {{}});
  for (const std::size_t n : {18U, 19U})
    w.cluster.backends[w.ids[n]].linked = false;
  EXPECT_EQ(next().pause.cause, pause_cause::none);
  w.cluster.backends[w.ids[17]].linked = false;
  EXPECT_EQ(next().pause.cause, pause_cause::backends_missing);
}

TEST_F(Balance, ABackendThatHasNotReportedIsWaitedFor) {
  w.cluster.backends[w.ids[2]].reported = false;
  const auto round = next();
  EXPECT_TRUE(round.moves.empty());
  EXPECT_EQ(round.pause.cause, pause_cause::awaiting_report);
  EXPECT_EQ(round.pause.backend, w.ids[2]);
  EXPECT_TRUE(w.plan().waves.empty());
  EXPECT_EQ(w.plan().pause.cause, pause_cause::awaiting_report);
}

// -- backend load ------------------------------------------------------------------------

TEST_F(Balance, MovesGoFromTheLoadedToTheEmptyAndEndEven) {
  const auto plan = w.plan();
  EXPECT_TRUE(plan.finished);
  for (const auto& wave : plan.waves)
    for (const auto& m : wave) {
      EXPECT_LT(number(m.source.backend), 2U);
      EXPECT_GE(number(m.target.backend), 2U);
      EXPECT_EQ(m.replica, w.cat.tablets.find(m.tablet)->on(m.source.backend)->id);
    }
  EXPECT_EQ(plan.bytes, 48 * giga) << "the least there is: 24 from each";
  for (const auto& row : plan.after[0].rows)
    EXPECT_EQ(row.replicas, 16U);
  EXPECT_EQ(plan.before[0].rows[0].class_of_load, load_class::high);
  EXPECT_EQ(plan.after[0].rows[0].class_of_load, load_class::mid);
}

TEST_F(Balance, EveryLoadMoveIsMoreBalancedThanBefore) {
  balance_state state{w.cat, w.cluster};
  for (const auto& m : next().moves) {
    if (m.kind != balance_kind::backend_load)
      continue;
    const auto lines = state.lines(medium::hdd);
    const auto stat = measure(medium::hdd, lines);
    EXPECT_TRUE(is_more_balanced(lines[number(m.source.backend)].load, lines[number(m.target.backend)].load,
                                 static_cast<double>(m.bytes), stat.average, stat.average_score));
    EXPECT_GT(m.gain, 0);
    state.begin(w.cat, m);
  }
  EXPECT_GT(state.under_way(), 0U);
}

/// Equal backends of one disk with `counts` single replicas of `bytes`, each in a table of its own.
balance_world counted(const std::vector<std::uint32_t>& counts, std::uint64_t bytes, std::uint64_t capacity = 100 * giga) {
  balance_world w;
  w.add_backends(counts.size(), {{.capacity = capacity}});
  for (std::size_t b = 0; b < counts.size(); ++b)
    put(w, w.on(b), counts[b], bytes);
  return w;
}

TEST(BalanceLoad, BeginsAboveTheThresholdAndEndsWithinHalfOfIt) {
  EXPECT_EQ(counted({54, 50, 50, 46}, giga).plan().moves, 0U) << "8 % is no reason to begin";
  const auto plan = counted({57, 50, 50, 43}, giga).plan();
  EXPECT_GE(plan.moves, 5U);
  for (const auto& row : plan.after[0].rows)
    EXPECT_NEAR(row.score, 1, 0.05);
}

double worst_deviation(const balance_world& w) {
  const load_scores scores{w.cat, w.cluster, slot_ledger{}};
  const auto stat = measure(medium::hdd, scores.lines(medium::hdd));
  double worst = 0;
  for (const auto& row : stat.rows)
    worst = std::max(worst, std::abs(row.score - stat.average_score) / stat.average_score);
  return worst;
}

TEST(BalanceLoad, WhatHasBegunGoesOnBelowTheThreshold) {
  auto w = counted({50, 50, 50, 50}, giga); // As many everywhere, but not as large.
  for (const auto& [n, bytes] : {std::pair{0U, 1'400 * mega}, std::pair{3U, 600 * mega}})
    w.cat.backends.find(w.ids[n])->tablets.for_each([&, size = bytes](tablet_id id, replica_id) { w.resize(id, size); });
  balance_planner planner{{.moves_per_path = 100}};
  while (worst_deviation(w) > 0.09) {
    const auto round = planner.next_moves(w.view(), 1, 1, w.now);
    ASSERT_EQ(round.moves.size(), 1U);
    w.carry_out(round.moves.front());
    planner.ended(w.cat, round.moves.front().tablet);
  }
  ASSERT_GT(worst_deviation(w), 0.06);
  EXPECT_FALSE(planner.next_moves(w.view(), 1, 1, w.now).moves.empty());
  EXPECT_TRUE(balance_planner{}.next_moves(w.view(), 1, 1, w.now).moves.empty()) << "who had not begun would not begin";
}

TEST(BalanceLoad, TinyDataOnHugeDisksIsLeftAlone) {
  // Three times the bytes, hardly more replicas: HIGH by its score, but by 0.04 % of its disk.
  auto w = counted({20, 20, 20, 20}, 10 * mega, 2'000 * giga);
  w.cat.backends.find(w.ids[0])->tablets.for_each([&](tablet_id id, replica_id) { w.resize(id, 30 * mega); });
  const load_scores scores{w.cat, w.cluster, slot_ledger{}};
  ASSERT_EQ(measure(medium::hdd, scores.lines(medium::hdd)).rows[0].class_of_load, load_class::high);
  EXPECT_EQ(w.plan().moves, 0U);
  w = counted({20, 20, 20, 20}, giga, 100 * giga); // The same where it matters.
  w.cat.backends.find(w.ids[0])->tablets.for_each([&](tablet_id id, replica_id) { w.resize(id, 3 * giga); });
  EXPECT_GT(w.plan().moves, 0U);
}

TEST(BalanceLoad, OnNearlyEmptyDisksOnlyReplicasCount) {
  auto w = counted({30, 20, 20, 10}, 10 * mega, 2'000 * giga);
  w.cat.backends.find(w.ids[3])->tablets.for_each([&](tablet_id id, replica_id) { w.resize(id, giga); });
  const auto plan = w.plan();
  ASSERT_EQ(plan.waves.size(), 1U);
  for (const auto& m : plan.waves[0]) {
    EXPECT_EQ(m.source.backend, w.ids[0]);
    EXPECT_EQ(m.target.backend, w.ids[3]) << "whose disk is ten times as full, that is 0.5 %";
  }
}

TEST(BalanceLoad, AMoveThatMostlyOvershootsIsNotWorthItsBytes) {
  const auto world = [](std::uint64_t bytes) {
    balance_world w;
    w.add_backend({{.capacity = 100 * giga, .other = 90 * giga - bytes}});
    w.add_backend({{.capacity = 100 * giga, .other = 70 * giga}});
    put(w, w.on(0), 1, bytes);
    return w;
  };
  balance_options roomy;
  roomy.fit.high_watermark = 1;
  EXPECT_EQ(world(19 * giga).plan(1, roomy).moves, 0U) << "90 and 70 % would become 71 and 89 %";
  EXPECT_EQ(world(12 * giga).plan(1, roomy).moves, 1U);
}

TEST(BalanceLoad, ATabletTooBigToHelpStays) {
  auto w = counted({1, 0, 0, 0}, 40 * giga);
  balance_planner planner;
  const auto round = planner.next_moves(w.view(), 10, 1, w.now);
  EXPECT_TRUE(round.moves.empty()) << "it would only change places";
  EXPECT_EQ(round.standing.front().why, balance_block::not_more_balanced);
  EXPECT_GT(counted({4, 0, 0, 0}, 10 * giga).plan().moves, 0U);
}

TEST(BalanceLoad, BackendsThatLeaveAreNeitherSourceNorTarget) {
  auto w = counted({40, 40, 0, 0}, giga);
  w.cat.backends.edit(w.ids[3])->decommissioned = true;
  const auto plan = w.plan();
  EXPECT_GT(plan.moves, 0U);
  for (const auto& m : plan.waves[0])
    EXPECT_EQ(m.target.backend, w.ids[2]);
}

TEST(BalanceLoad, MediaAreBalancedEachByItself) {
  balance_world w;
  w.add_backends(3, {{.capacity = 100 * giga}, {.capacity = 50 * giga, .on = medium::ssd}});
  put(w, w.on(0, 1), 30, giga);
  for (const std::size_t b : {0U, 1U, 2U})
    put(w, w.on(b, 0), 10, giga);
  const auto plan = w.plan();
  EXPECT_GE(plan.moves, 18U);
  for (const auto& m : plan.waves[0]) {
    EXPECT_EQ(m.source, w.on(0, 1));
    EXPECT_EQ(w.seen(m.target).medium, medium::ssd);
  }
}

// -- which tablets may move --------------------------------------------------------------

TEST_F(Balance, OnlyTabletsThatAreWellMove) {
  for (std::uint32_t b = 0; b < 39; ++b) // One copy of each is damaged.
    w.cat.tablets.edit(w.bucket(t, b))->replicas[b % 2].bad = true;
  for (const auto& m : moves())
    EXPECT_EQ(m.tablet, w.bucket(t, 39));
  EXPECT_EQ(moves().size(), 2U);
  w.cat.tablets.edit(w.bucket(t, 39))->replicas[0].bad = true;
  const auto round = next();
  EXPECT_TRUE(round.moves.empty());
  EXPECT_EQ(standing(round, balance_kind::backend_load).why, balance_block::unhealthy);
}

TEST_F(Balance, AnOpenOrderKeepsItsTablet) {
  for (std::uint32_t b = 0; b < 40; ++b)
    w.fold(clone_ordered{w.bucket(t, b), 0, 0, w.on(0, b % 2), w.on(2), {}, 1});
  EXPECT_TRUE(moves().empty());
}

TEST_F(Balance, WhatWasMovedRestsForTenMinutes) {
  for (std::uint32_t b = 0; b < 40; ++b)
    w.memory.moved(w.bucket(t, b), w.now);
  const auto round = next();
  EXPECT_TRUE(round.moves.empty());
  EXPECT_EQ(standing(round, balance_kind::backend_load).why, balance_block::resting);
  w.now += std::chrono::minutes(10);
  EXPECT_FALSE(next().moves.empty());
  w.memory.forget(w.now);
  EXPECT_EQ(w.memory.size(), 0U);
}

TEST_F(Balance, APausedTableKeepsItsPlaces) {
  auto view = w.view();
  view.paused_tables = {t};
  const auto round = planner.next_moves(view, 10, 1, w.now);
  EXPECT_TRUE(round.moves.empty());
  EXPECT_EQ(standing(round, balance_kind::table_skew).why, balance_block::table_paused);
  EXPECT_FALSE(next().moves.empty());
}

// -- which backends may take them --------------------------------------------------------

TEST_F(Balance, AnUnlinkedBackendGetsNothing) {
  w.cluster.backends[w.ids[4]].linked = false;
  const auto all = moves();
  EXPECT_FALSE(all.empty());
  for (const auto& m : all)
    EXPECT_NE(m.target.backend, w.ids[4]);
}

TEST_F(Balance, NoDiskIsFilledBeyondItsWatermark) {
  const auto fullest = [](const rebalance_plan& plan) { return plan.after[0].rows.back().used_ratio; };
  EXPECT_GT(fullest(w.plan()), 0.07);
  balance_options strict;
  strict.fit.high_watermark = 0.05;
  const auto plan = w.plan(1, strict);
  EXPECT_LE(fullest(plan), 0.05);
  EXPECT_EQ(plan.standing.front().why, balance_block::too_full);
}

TEST_F(Balance, AHostOfAnotherReplicaMayNotTakeIt) {
  w.add_backend({{}}, "h2"); // Beside the second backend.
  const auto& tablet = *w.cat.tablets.find(w.bucket(t, 0));
  EXPECT_EQ(may_take(w.view(), tablet, w.ids[0], w.ids[5]), balance_block::same_host);
  EXPECT_EQ(may_take(w.view(), tablet, w.ids[1], w.ids[5]), balance_block::none) << "that one leaves the host";
  EXPECT_EQ(may_take(w.view(), tablet, w.ids[0], w.ids[1]), balance_block::holds_replica);
  EXPECT_EQ(may_take(w.view(), tablet, w.ids[0], w.ids[2]), balance_block::none);
}

TEST(BalanceTargets, HostsStayApart) {
  balance_world hosts;
  for (const auto* host : {"a", "b", "c"})
    hosts.add_backend({{.capacity = 100 * giga}}, host);
  hosts.add_table(30, 2, [&](auto) { return std::vector{hosts.on(0), hosts.on(1)}; }, [](auto) { return giga; });
  hosts.add_backend({{.capacity = 100 * giga}}, "a");
  const auto plan = hosts.plan();
  EXPECT_GT(plan.moves, 0U);
  for (const auto& wave : plan.waves)
    for (const auto& m : wave)
      hosts.carry_out(m);
  hosts.cat.tablets.for_each([&](tablet_id, const tablet& each) {
    const auto host = [&](const replica& r) { return hosts.cat.backends.find(r.backend)->host; };
    EXPECT_NE(host(each.replicas[0]), host(each.replicas[1]));
  });
  EXPECT_GT(hosts.cat.backends.find(hosts.ids[3])->tablets.size(), 0U) << "from a to a, the host is not in the way";
}

TEST_F(Balance, APathTakesPartInTwoMovesAtATime) {
  std::map<std::uint64_t, int> ends;
  for (const auto& m : next().moves) {
    ++ends[raw(m.source.path)];
    ++ends[raw(m.target.path)];
  }
  ASSERT_FALSE(ends.empty());
  for (const auto& [path, n] : ends)
    EXPECT_LE(n, 2);
  EXPECT_EQ(standing(next(), balance_kind::backend_load).why, balance_block::path_busy);
}

// -- moves under way ---------------------------------------------------------------------

TEST_F(Balance, MovesUnderWayCountAndAreNotRepeated) {
  planner = balance_planner{{.moves_per_path = 0}};
  std::size_t all = 0;
  std::set<tablet_id> once;
  for (int n = 0; n < 20; ++n) // Nothing ends meanwhile.
    for (const auto& m : next(5, static_cast<std::uint64_t>(n)).moves) {
      ++all;
      EXPECT_TRUE(once.insert(m.tablet).second);
    }
  EXPECT_EQ(planner.under_way().size(), all);
  EXPECT_LE(all, 40U);
  EXPECT_GT(all, 30U);
  const auto stat = planner.statistic(medium::hdd);
  EXPECT_LT(stat.rows[0].replicas, 24U) << "they count as gone";
}

TEST_F(Balance, AMoveThatNeverBeganIsForgotten) {
  const auto round = next(4);
  ASSERT_EQ(round.moves.size(), 4U);
  for (const auto& m : round.moves)
    planner.ended(w.cat, m.tablet);
  EXPECT_TRUE(planner.under_way().empty());
  EXPECT_EQ(planner.statistic(medium::hdd).rows[0].replicas, 40U);
}

TEST_F(Balance, ANewLeaderCountsWhatItAdopts) {
  const auto round = next(8);
  balance_planner heir;
  for (const auto& m : round.moves)
    heir.adopt(w.cat, m);
  (void)heir.next_moves(w.view(), 0, 1, w.now);
  EXPECT_EQ(heir.statistic(medium::hdd).rows[0].replicas, planner.statistic(medium::hdd).rows[0].replicas);
  for (const auto& m : heir.next_moves(w.view(), 100, 1, w.now).moves)
    for (const auto& old : round.moves)
      EXPECT_NE(m.tablet, old.tablet);
}

// -- tables ------------------------------------------------------------------------------

/// N5 of the specification: tables P1 A4 B1 C1, P2 A2 B2 C1 and a third that makes the totals 10, 6, 5.
struct Greedy : testing::Test {
  balance_world w;
  table_id p1{}, p2{};
  Greedy() {
    w.add_backends(3, {{}});
    p1 = table({4, 1, 1});
    p2 = table({2, 2, 1});
    table({4, 3, 3});
  }
  table_id table(const std::vector<std::uint32_t>& counts) {
    std::vector<std::size_t> homes;
    for (std::size_t b = 0; b < counts.size(); ++b)
      homes.insert(homes.end(), counts[b], b);
    return w.add_table(
      static_cast<std::uint32_t>(homes.size()), 1, [&](std::uint32_t b) { return std::vector{w.on(homes[b])}; },
      [](auto) { return mega; });
  }
};

TEST_F(Greedy, N5TwoMovesAndThenTheTotals) {
  const auto plan = w.plan(1, {.score_threshold = 10}); // The load goal sleeps.
  ASSERT_EQ(plan.waves.size(), 1U);
  const auto& moves = plan.waves[0];
  std::vector<std::pair<backend_id, std::uint64_t>> p1_moves; // (target, skew it was made for)
  for (const auto& m : moves)
    if (m.kind == balance_kind::table_skew) {
      EXPECT_EQ(w.cat.tablets.find(m.tablet)->table, p1);
      EXPECT_EQ(m.source.backend, w.ids[0]);
      p1_moves.emplace_back(m.target.backend, std::llround(2 * m.gain));
    }
  EXPECT_EQ(p1_moves.size(), 2U) << "skew 1 is left alone";
  ASSERT_EQ(moves.size(), 3U);
  std::array<int, 3> total{10, 6, 5};
  for (const auto& m : moves)
    for (std::size_t b = 0; b < 3; ++b)
      total[b] += (m.target.backend == w.ids[b]) - (m.source.backend == w.ids[b]);
  EXPECT_EQ(total, (std::array{7, 7, 7})) << "8, 7, 6 after the greedy, then one more";
}

TEST_F(Greedy, N5TheFirstMoveGoesWhereTheTotalIsLeast) {
  balance_planner planner{{.score_threshold = 10, .moves_per_path = 0}};
  const auto first = planner.next_moves(w.view(), 1, 1, w.now).moves;
  const auto second = planner.next_moves(w.view(), 1, 2, w.now).moves;
  ASSERT_EQ(first.size() + second.size(), 2U);
  EXPECT_EQ(first[0].target.backend, w.ids[2]);
  EXPECT_EQ(second[0].target.backend, w.ids[1]);
  EXPECT_EQ(first[0].kind, balance_kind::table_skew);
  EXPECT_EQ(first[0].gain, 1.5);
}

TEST(BalanceTables, EvenOneMayNotPushABackendOutOfTheMiddle) {
  // The table's many replicas are all the first backend has; the others are as loaded by a big one.
  balance_world w;
  w.add_backends(2, {{.capacity = 1'000 * giga}});
  w.add_table(10, 1, [&](auto) { return std::vector{w.on(0)}; }, [](auto) { return 50 * giga; });
  w.add_table(1, 1, [&](auto) { return std::vector{w.on(1)}; }, [](auto) { return 500 * giga; });
  for (int n = 0; n < 9; ++n)
    w.add_table(1, 1, [&](auto) { return std::vector{w.on(1)}; }, [](auto) { return mega; });
  balance_planner planner;
  const auto round = planner.next_moves(w.view(), 100, 1, w.now);
  EXPECT_TRUE(round.moves.empty());
  const auto skew = *std::find_if(round.standing.begin(), round.standing.end(),
                                  [](const auto& s) { return s.goal == balance_kind::table_skew; });
  EXPECT_EQ(skew.why, balance_block::unbalances_load);
  EXPECT_EQ(skew.worst, 10);
  EXPECT_EQ(sentence(skew), "HDD: replicas of a partition differ by at most 10 between backends; "
                            "the move would unbalance the load of a backend");
}

} // namespace
} // namespace tabletd::test
