// A partition that wants another medium: its replicas go to such disks of their own backends.
#include "tests/model/balance_world.h"
#include "tests/model/sched_rig.h"
#include <gtest/gtest.h>
#include <set>

namespace tabletd::test {
namespace {

/// Three backends with two disks and an SSD each, a fourth with disks only.  On the disks of the first,
/// the second and the fourth a table of 12 tablets.
struct BalanceMedia : testing::Test {
  balance_world w;
  balance_planner planner;
  table_id t{};

  BalanceMedia() {
    for (int i = 0; i < 3; ++i)
      w.add_backend({{.capacity = 100 * giga}, {.capacity = 100 * giga}, {.capacity = 100 * giga, .on = medium::ssd}});
    w.add_backend({{.capacity = 100 * giga}, {.capacity = 100 * giga}});
    t = w.add_table(
      12, 3, [&](std::uint32_t b) { return std::vector{w.on(0, b % 2), w.on(1, b % 2), w.on(3, b % 2)}; },
      [](auto) { return giga; });
  }
  void want(std::optional<medium> wanted, table_id table = {}) {
    table = raw(table) == 0 ? t : table;
    w.fold(partition_modified{table, w.cat.tables.find(table)->partitions.front().id, wanted});
  }
  balance_round next(std::size_t limit = 1'000) { return planner.next_moves(w.view(), limit, 1, w.now); }
  /// As next(); none of the moves is begun.
  balance_round peek() {
    auto round = next();
    for (const auto& m : round.moves)
      planner.ended(w.cat, m.tablet);
    return round;
  }
  static std::vector<balance_move> of_medium(const balance_round& round) {
    std::vector<balance_move> found;
    for (const auto& m : round.moves)
      if (m.kind == balance_kind::wanted_medium)
        found.push_back(m);
    return found;
  }
  static std::optional<balance_standing> standing(const balance_round& round) {
    for (const auto& s : round.standing)
      if (s.goal == balance_kind::wanted_medium)
        return s;
    return std::nullopt;
  }
  /// Until no such move is left; how many there were.  What else balance wants does not come about.
  std::size_t settle() {
    std::size_t all = 0;
    for (int round = 0; round < 100; ++round)
      for (const auto& m : next().moves) {
        if (m.kind == balance_kind::wanted_medium) {
          ++all;
          w.carry_out(m);
        }
        planner.ended(w.cat, m.tablet);
      }
    return all;
  }
  std::size_t replicas_on(medium m, table_id table = {}) {
    std::size_t found = 0;
    w.cat.tablets.for_each([&](tablet_id, const tablet& x) {
      for (const auto& r : x.replicas)
        for (const auto& p : w.cat.backends.find(r.backend)->paths)
          found += p.hash == r.path && p.medium == m && (raw(table) == 0 || x.table == table) ? 1 : 0;
    });
    return found;
  }
};

TEST_F(BalanceMedia, ReplicasGoToTheRightDiskOfTheirBackend) {
  EXPECT_TRUE(of_medium(peek()).empty());
  EXPECT_FALSE(standing(peek()));
  want(medium::ssd);
  const auto moves = of_medium(next());
  EXPECT_EQ(moves.size(), 4U) << "two at a time for each SSD";
  for (const auto& m : moves) {
    EXPECT_EQ(m.source.backend, m.target.backend);
    EXPECT_EQ(m.target.path, w.on(m.source.backend == w.ids[0] ? 0 : 1, 2).path);
    EXPECT_EQ(m.reason, "its partition wants SSD");
    EXPECT_EQ(name(m.kind), "WANTED_MEDIUM");
  }
}

TEST_F(BalanceMedia, WhereABackendHasNoSuchDiskTheyStayAndItIsSaid) {
  want(medium::ssd);
  EXPECT_EQ(settle(), 24U);
  EXPECT_EQ(replicas_on(medium::hdd), 12U);
  const auto left = standing(peek());
  ASSERT_TRUE(left);
  EXPECT_FALSE(left->balanced);
  EXPECT_EQ(left->left, 12U);
  EXPECT_EQ(sentence(*left), "SSD: 12 replicas lie elsewhere than their partitions want; "
                             "their backends have no disk of that medium");
  EXPECT_TRUE(w.plan().finished) << "what cannot move does not keep a plan going";
}

TEST_F(BalanceMedia, AnyMediumIsContentAndTheWayBackIsTheSame) {
  want(medium::ssd);
  settle();
  want(std::nullopt);
  EXPECT_FALSE(standing(peek()));
  EXPECT_TRUE(of_medium(peek()).empty());
  want(medium::hdd);
  EXPECT_EQ(settle(), 24U);
  EXPECT_EQ(replicas_on(medium::ssd), 0U);
  EXPECT_FALSE(standing(peek()));
}

TEST_F(BalanceMedia, ItComesBeforeEvenness) {
  want(medium::ssd);
  for (std::size_t i = 0; i < 4; ++i) // The third backend is empty: there is much to even out.
    EXPECT_EQ(next(1).moves.at(0).kind, balance_kind::wanted_medium);
  EXPECT_EQ(next(1).moves.at(0).kind, balance_kind::backend_load) << "while the SSDs are busy";
}

TEST_F(BalanceMedia, APlanDoesItInOneWaveAndAgainNothing) {
  want(medium::ssd);
  const auto plan = w.plan();
  std::size_t inside = 0;
  for (const auto& m : plan.waves.at(0))
    if (m.kind == balance_kind::wanted_medium) {
      EXPECT_EQ(m.source.backend, m.target.backend);
      ++inside;
    }
  EXPECT_GT(inside, 0U);
  for (const auto& wave : plan.waves)
    for (const auto& m : wave)
      w.carry_out(m);
  EXPECT_EQ(w.plan().moves, 0U);
}

TEST_F(BalanceMedia, ADiskThatIsTooFullTakesNone) {
  want(medium::ssd);
  w.seen(w.on(0, 2)).available_bytes = 10 * giga;
  w.seen(w.on(1, 2)).available_bytes = 10 * giga;
  const auto round = next();
  EXPECT_TRUE(of_medium(round).empty());
  EXPECT_EQ(standing(round)->why, balance_block::too_full);
}

TEST_F(BalanceMedia, PausesRestAndTheSwitchHold) {
  want(medium::ssd);
  auto paused = w.view();
  paused.paused_tables.insert(t);
  EXPECT_TRUE(of_medium(planner.next_moves(paused, 100, 1, w.now)).empty());
  auto half_paused = w.view();
  half_paused.paused_backends = {w.ids[0]};
  const auto half = of_medium(balance_planner{}.next_moves(half_paused, 100, 1, w.now));
  EXPECT_EQ(half.size(), 2U);
  for (const auto& m : half)
    EXPECT_EQ(m.source.backend, w.ids[1]);
  balance_planner off{{.paths = false}};
  EXPECT_TRUE(of_medium(off.next_moves(w.view(), 100, 1, w.now)).empty());
  EXPECT_EQ(standing(off.next_moves(w.view(), 100, 1, w.now))->why, balance_block::disks_disabled);
  auto asking = w.view();
  asking.level_disks_of = {w.ids[1]};
  const auto asked = of_medium(off.next_moves(asking, 100, 1, w.now));
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].source.backend, w.ids[1]) << "an operator has asked";
  for (std::uint32_t b = 0; b < 12; ++b)
    w.memory.moved(w.bucket(t, b), w.now);
  balance_planner rested;
  EXPECT_TRUE(of_medium(rested.next_moves(w.view(), 100, 1, w.now)).empty());
  w.now += 11min;
  EXPECT_EQ(of_medium(rested.next_moves(w.view(), 100, 1, w.now)).size(), 4U);
}

TEST_F(BalanceMedia, OnlyWhatIsWellMoves) {
  want(medium::ssd);
  w.cat.tablets.for_each([&](tablet_id id, const tablet&) {
    auto& first = w.cat.tablets.edit(id)->replicas[0];
    first.set_bad = true;
  });
  EXPECT_TRUE(of_medium(next()).empty());
  EXPECT_EQ(standing(next())->why, balance_block::unhealthy);
}

TEST_F(BalanceMedia, ColocatedTabletsKeepTheirBackendsSoTheyMayMove) {
  table_created e;
  e.database = w.db;
  e.name = "together";
  e.replication_num = 1;
  e.colocate_with = "g";
  e.placements = {{w.on(2, 0)}};
  const table_id together{w.fold(std::move(e)).id};
  w.resize(w.bucket(together, 0), giga);
  want(medium::ssd, together);
  const auto moves = of_medium(next());
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].target, w.on(2, 2));
}

TEST_F(BalanceMedia, ATableThatIsDroppedWantsNothing) {
  want(medium::ssd);
  EXPECT_TRUE(standing(next()));
  std::vector<tablet_id> gone;
  for (std::uint32_t b = 0; b < 12; ++b)
    gone.push_back(w.bucket(t, b));
  w.fold(table_dropped{t});
  for (const auto id : gone) {
    planner.ended(w.cat, id);
    planner.refresh(w.cat, id);
  }
  EXPECT_FALSE(standing(next()));
}

// What looking for such moves costs the round and the other goals.

/// Two backends with a disk each, the first with an SSD too; on its disk a table that wants the SSD.
struct BalanceMediaWork : testing::Test {
  balance_world w;
  table_id wanting{};

  BalanceMediaWork() {
    w.add_backend({{.capacity = 100 * giga}, {.capacity = 100 * giga, .on = medium::ssd}});
    w.add_backend({{.capacity = 100 * giga}});
  }
  void add_wanting(std::uint32_t buckets, std::uint64_t bytes) {
    wanting = w.add_table(buckets, 1, [&](auto) { return std::vector{w.on(0)}; }, [&](auto) { return bytes; });
    w.fold(partition_modified{wanting, w.cat.tables.find(wanting)->partitions.front().id, medium::ssd});
  }
  static std::size_t count(const balance_round& round, balance_kind kind) {
    std::size_t found = 0;
    for (const auto& m : round.moves)
      found += m.kind == kind ? 1 : 0;
    return found;
  }
  [[nodiscard]] balance_round next(std::uint64_t seed = 1) const {
    return balance_planner{}.next_moves(w.view(), 1'000, seed, w.now);
  }
};

TEST_F(BalanceMediaWork, WishesInVainLeaveTheLoadItsLooks) {
  add_wanting(190'000, 0); // Nearly as many as a round may look at one by one.
  w.add_table(40, 1, [&](auto) { return std::vector{w.on(0)}; }, [](auto) { return 2 * giga; });
  auto view = w.view();
  view.paused_tables = {wanting}; // So only the 40 may move, and a few dozen drawn are none of them.
  const auto round = balance_planner{}.next_moves(view, 1'000, 1, w.now);
  EXPECT_EQ(count(round, balance_kind::wanted_medium), 0U);
  EXPECT_EQ(round.looked_at_for_media, 20'000U);
  EXPECT_GT(count(round, balance_kind::backend_load), 0U);
}

TEST_F(BalanceMediaWork, NobodyIsLookedAtForADiskThatIsFull) {
  w.seen(w.on(0, 1)).available_bytes = 10 * giga;
  add_wanting(100, giga);
  const auto round = next();
  EXPECT_EQ(round.looked_at_for_media, 0U);
  EXPECT_EQ(round.standing.front().why, balance_block::too_full);
}

TEST_F(BalanceMediaWork, OnceTheDiskIsBusyTheOthersAreNotLookedAt) {
  add_wanting(100, giga / 10);
  const auto round = next();
  EXPECT_EQ(count(round, balance_kind::wanted_medium), 2U);
  EXPECT_EQ(round.looked_at_for_media, 2U);
}

TEST_F(BalanceMediaWork, WhereNoneOfManyFitsTheRoundEndsWithItsBudget) {
  w.seen(w.on(0, 1)).available_bytes = 16 * giga; // Room for one gigabyte below the watermark.
  w.seen(w.on(0)).capacity_bytes *= 10'000;
  w.seen(w.on(0)).available_bytes *= 10'000;
  add_wanting(30'000, 2 * giga);
  const auto round = next();
  EXPECT_EQ(count(round, balance_kind::wanted_medium), 0U);
  EXPECT_EQ(round.looked_at_for_media, 20'000U);
}

TEST_F(BalanceMediaWork, APartitionLargerThanTheBudgetHasItsTurnToo) {
  add_wanting(250'000, 0);
  EXPECT_EQ(count(next(), balance_kind::wanted_medium), 2U);
}

TEST(BalanceDisks, APausedBackendKeepsItsDisksAsTheyAre) {
  balance_world w;
  w.add_backends(2, {{.capacity = 100 * giga}, {.capacity = 100 * giga}});
  for (const std::size_t b : {0U, 1U})
    w.add_table(40, 1, [&](auto) { return std::vector{w.on(b, 0)}; }, [](auto) { return giga; });
  auto view = w.view();
  view.paused_backends = {w.ids[0]};
  std::set<backend_id> levelled;
  for (const auto& m : balance_planner{}.next_moves(view, 100, 1, w.now).moves)
    levelled.insert({m.source.backend, m.target.backend});
  EXPECT_EQ(levelled, std::set{w.ids[1]});
}

// The whole way: the setting is folded, the scheduler moves the replica inside its backend.
TEST_F(Sched, AChangedMediumMovesReplicasInsideTheirBackends) {
  const auto id = world.make("1+ 2+ 3+", 3);
  const auto table = world.at(id).table;
  ASSERT_TRUE(world.fold(partition_modified{table, world.cat.tables.find(table)->partitions.front().id, medium::ssd}).ok());
  std::set<backend_id> moved;
  for (int i = 0; i < 300 && moved.size() < 3; ++i) {
    pass(10s);
    if (!runs(id))
      continue;
    const auto move = std::get<clone_move>(contexts.at(id).move);
    EXPECT_EQ(move.source.backend, move.target.backend);
    EXPECT_EQ(move.target.path, world.path(world.number(move.target.backend), 1).path);
    moved.insert(move.target.backend);
    succeed(id);
  }
  EXPECT_EQ(moved.size(), 3U);
  for (const auto& r : world.at(id).replicas)
    EXPECT_EQ(r.path, world.path(world.number(r.backend), 1).path);
  EXPECT_EQ(diagnose(world.cat, world.at(id)).health, tablet_health::healthy);
  const auto counters = view().counters;
  EXPECT_EQ(counters.path_moves_scheduled, 3U);
  EXPECT_EQ(counters.balance_scheduled, 3U);
  EXPECT_EQ(counters.balance_finished, 3U);
  EXPECT_EQ(counters.finished, 3U);
  EXPECT_EQ(counters.copied_bytes[1][1], 1'500U) << "the rig's copies are of 500 bytes";
  EXPECT_EQ(counters.copied_bytes[0][0] + counters.copied_bytes[0][1] + counters.copied_bytes[1][0], 0U);
}

} // namespace
} // namespace tabletd::test
