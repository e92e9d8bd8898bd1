// Incremental counts against counting everything, over random histories.
#include "actors/model/statistics.h"
#include "actors/model/health.h"
#include "tests/model/console_world.h"
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>

namespace tabletd::model {
namespace {

using test::console_world;

struct counted {
  std::uint64_t tables{}, partitions{}, indexes{}, tablets{}, replicas{};
  std::set<std::uint64_t> unhealthy;
  friend bool operator==(const counted&, const counted&) = default;
};

std::map<std::uint64_t, counted> count_all(const catalog& cat) {
  std::map<std::uint64_t, counted> out;
  cat.databases.for_each([&](database_id id, const database&) { out[raw(id)]; });
  cat.tables.for_each([&](table_id, const table& t) {
    auto& of = out[raw(t.database)];
    ++of.tables;
    of.partitions += t.partitions.size();
    of.indexes += t.partitions.size();
  });
  cat.tablets.for_each([&](tablet_id id, const tablet& t) {
    auto& of = out[raw(cat.table_of(t)->database)];
    ++of.tablets;
    of.replicas += t.replicas.size();
    if (diagnose(cat, t).health != tablet_health::healthy)
      of.unhealthy.insert(raw(id));
  });
  return out;
}

std::map<std::uint64_t, counted> told(const statistics& by) {
  std::map<std::uint64_t, counted> out;
  by.databases().for_each([&](database_id id, const database_statistic& s) {
    auto& of = out[raw(id)];
    of = {s.tables, s.partitions, s.indexes, s.tablets, s.replicas, {}};
    s.unhealthy.for_each([&](tablet_id sick, std::uint8_t) { of.unhealthy.insert(raw(sick)); });
  });
  return out;
}

/// One random thing that can happen to a cluster; many are refused, as in life.
void happen(console_world& world, std::mt19937_64& dice) {
  const auto pick = [&](std::size_t n) { return static_cast<std::size_t>(dice() % n); };
  const auto name = [&](const char* prefix) { return prefix + std::to_string(pick(4)); };
  const auto backend = world.order[pick(world.order.size())];
  const auto* db = world.cat.find_database(name("d"));
  const auto* t = db ? world.cat.find_table(db->id, name("t")) : nullptr;
  switch (pick(13)) {
    case 0: world.try_fold(database_created{name("d")}); break;
    case 1:
      if (db)
        world.try_fold(database_dropped{db->id});
      break;
    case 2:
    case 3:
      if (db && !t) {
        table_created e{db->id, name("t"), 1, ';', 3, {}};
        const auto buckets = 1 + pick(5);
        for (std::size_t b = 0; b < buckets; ++b) {
          auto& places = e.placements.emplace_back();
          for (std::size_t r = 0; r < 3; ++r) {
            const auto on = world.order[(b + r) % 5];
            places.push_back({on, world.cat.backends.find(on)->paths[0].hash});
          }
        }
        world.try_fold(std::move(e));
      }
      break;
    case 4:
      if (t)
        world.try_fold(table_dropped{t->id});
      break;
    case 5: world.try_fold(backend_died{backend}); break;
    case 6: world.try_fold(backend_returned{backend, world.cat.backends.find(backend)->paths}); break;
    case 7: world.try_fold(backend_decommission{backend, pick(2) == 0}); break;
    case 8:
      if (t) {
        const auto& sick = world.tablet(t->id, static_cast<std::uint32_t>(pick(t->partitions.front().buckets)));
        const auto& r = sick.replicas[pick(sick.replicas.size())];
        world.try_fold(replica_observed{sick.id, r.id, r.version, pick(2) == 0});
      }
      break;
    default:
      if (t) {
        const auto txn = world.try_fold(load_begun{t->id, "l" + std::to_string(world.index)}).id;
        load_committed e{txn_id{txn}, {}};
        for (std::uint32_t b = 0; b < t->partitions.front().buckets; ++b) {
          tablet_loaded one{world.tablet(t->id, b).id, 1, 10, {}};
          for (const auto& r : world.tablet(t->id, b).replicas)
            if (pick(6) != 0)
              one.prepared.push_back(r.id);
          e.tablets.push_back(one);
        }
        world.try_fold(std::move(e));
      }
  }
}

TEST(Statistics, FollowingIsCounting) {
  std::size_t sick_seen = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 dice{seed};
    console_world world;
    world.add_backends(5);
    for (int d = 0; d < 4; ++d)
      world.database("d" + std::to_string(d));
    statistics kept;
    for (int i = 0; i < 600; ++i) {
      happen(world, dice);
      if (dice() % 3 != 0)
        continue; // Several edits between two looks.
      kept.follow(world.cat);
      const auto expected = count_all(world.cat);
      ASSERT_EQ(told(kept), expected) << "seed " << seed << " step " << i;
      for (const auto& [id, c] : expected)
        sick_seen += c.unhealthy.size();
      world.cat.tables.for_each([&](table_id id, const table& t) {
        std::uint64_t replicas = 0;
        for (std::uint32_t b = 0; b < t.partitions.front().buckets; ++b)
          replicas += world.tablet(id, b).replicas.size();
        ASSERT_EQ(kept.replicas_of(id), replicas);
      });
    }
  }
  EXPECT_GT(sick_seen, 1'000u) << "the histories must make tablets sick";
}

TEST(Statistics, AQuietClusterCostsNothingAndALoadCostsItsTable) {
  console_world world;
  world.add_backends(3);
  world.database("d");
  for (int i = 0; i < 50; ++i)
    world.table("d", "t" + std::to_string(i), 20, 3);
  statistics kept;
  EXPECT_EQ(kept.follow(world.cat), 1'000u);
  EXPECT_EQ(kept.follow(world.cat), 0u);
  world.load(world.cat.find_table(world.cat.find_database("d")->id, "t7")->id, "l");
  EXPECT_EQ(kept.follow(world.cat), 20u);
}

} // namespace
} // namespace tabletd::model
