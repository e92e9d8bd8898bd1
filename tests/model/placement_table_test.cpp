// Where the replicas of a new table go.
#include "tests/model/repair_world.h"
#include <map>
#include <set>

namespace tabletd::test {
namespace {

constexpr std::uint64_t gigabyte = repair_world::gigabyte;

placements places(repair_world& world, std::uint32_t buckets, std::uint32_t replication_num) {
  return std::get<std::vector<placements>>(
             place_table(world.view(), {.buckets = buckets, .replication_num = replication_num}))
      .front();
}

TEST(PlaceTable, SpreadsOverBackendsAndPaths) {
  repair_world world{"abcdef"};
  const auto placed = places(world, 100, 3);
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> on;
  for (const auto& tablet : placed) {
    std::set<backend_id> backends;
    for (const auto& at : tablet) {
      backends.insert(at.backend);
      ++on[{raw(at.backend), raw(at.path)}];
    }
    ASSERT_EQ(backends.size(), 3U);
  }
  ASSERT_EQ(on.size(), 12U);
  for (const auto& [at, replicas] : on)
    EXPECT_EQ(replicas, 25);
}

TEST(PlaceTable, KeepsHostsApartWhenThereAreEnough) {
  repair_world world{"aaabc"};
  const auto placed = places(world, 30, 3);
  for (const auto& tablet : placed) {
    std::set<std::string> hosts;
    for (const auto& at : tablet)
      hosts.insert(world.cat.backends.find(at.backend)->host);
    ASSERT_EQ(hosts.size(), 3U);
  }
}

TEST(PlaceTable, OneMachineIsEnoughForALocalCluster) {
  repair_world world{"aaa"};
  EXPECT_TRUE(
      std::holds_alternative<std::vector<placements>>(place_table(world.view(), {.buckets = 4, .replication_num = 3})));
}

TEST(PlaceTable, WhatItPlacesIsAcceptedAndHealthy) {
  for (const char* hosts : {"aaaa", "aabc", "abcd", "aabb"}) {
    repair_world world{hosts};
    table_created e;
    e.database = world.db;
    e.name = "placed";
    e.placements = places(world, 16, 3);
    const auto made = world(e);
    ASSERT_TRUE(made.ok());
    for (const auto id : made.touched)
      EXPECT_EQ(diagnose(world.cat, world.at(id)), diagnosis{});
  }
}

TEST(PlaceTable, SaysWhyNot) {
  repair_world world{"abcd"};
  world.die(2);
  world.leave(3);
  const auto why = std::get<std::string>(place_table(world.view(), {.buckets = 1, .replication_num = 3}));
  EXPECT_NE(why.find("3 replicas need 3 host(s) that can take them, there are 2"), std::string::npos) << why;
  EXPECT_NE(why.find("b:9002) is dead"), std::string::npos) << why;
  EXPECT_NE(why.find("c:9003) is being decommissioned"), std::string::npos) << why;
  for (auto& path : world.cluster.backends[world.ids[4]].paths)
    path.available_bytes = 100 * gigabyte;
  EXPECT_NE(std::get<std::string>(place_table(world.view(), {.buckets = 1, .replication_num = 2}))
                .find("has no path with room"),
            std::string::npos);
}

std::vector<placements> all_places(const repair_world& world, const table_wish& wish) {
  auto placed = place_table(world.view(), wish);
  if (const auto* why_not = std::get_if<std::string>(&placed)) {
    ADD_FAILURE() << *why_not;
    return {};
  }
  return std::get<std::vector<placements>>(std::move(placed));
}

placements only_places(const repair_world& world, const table_wish& wish) {
  const auto all = all_places(world, wish);
  return all.empty() ? placements{} : all.front();
}

TEST(PlaceTable, AClusterKeepsItsTables) {
  repair_world world{"abcdef"};
  for (std::size_t n = 4; n <= 6; ++n)
    world.cat.backends.edit(world.ids[n])->cluster = "blue";
  for (const auto& tablet : only_places(world, {.buckets = 8, .replication_num = 3, .cluster = "blue"}))
    for (const auto& at : tablet)
      EXPECT_GE(world.number(at.backend), 4U);
  world.leave(5);
  const auto why
      = std::get<std::string>(place_table(world.view(), {.buckets = 1, .replication_num = 3, .cluster = "blue"}));
  EXPECT_NE(why.find("3 replicas need 3 host(s) of cluster blue that can take them, there are 2; unusable: "),
            std::string::npos)
      << why;
  EXPECT_EQ(why.find("a:9001"), std::string::npos) << "those of other clusters are no news: " << why;
}

TEST(PlaceTable, TheWantedMediumComesFirstAndAnyOtherBeforeNone) {
  repair_world world{"abcd"}; // Each has a HDD, then an SSD.
  for (const auto& tablet : only_places(world, {.buckets = 8, .replication_num = 3, .medium = medium::ssd}))
    for (const auto& at : tablet)
      EXPECT_EQ(at, world.path(world.number(at.backend), 1));
  for (std::size_t n = 2; n <= 4; ++n)
    world.seen(n, 1).online = n == 2;
  for (const auto& tablet : only_places(world, {.buckets = 8, .replication_num = 3, .medium = medium::ssd})) {
    const auto on_ssd = std::count_if(tablet.begin(), tablet.end(),
                                      [&](const place& at) { return at == world.path(world.number(at.backend), 1); });
    EXPECT_EQ(on_ssd, 2) << "the two that have one; the third goes to a HDD rather than nowhere";
  }
}

TEST(PlaceTable, PartitionsTogetherAreSpread) {
  repair_world world{"abcdef"};
  const auto placed = all_places(world, {.buckets = 2, .replication_num = 3, .partitions = 6});
  ASSERT_EQ(placed.size(), 6U);
  std::map<std::size_t, int> on;
  for (const auto& part : placed)
    for (const auto& tablet : part)
      for (const auto& at : tablet)
        ++on[world.number(at.backend)];
  for (const auto& [backend, replicas] : on)
    EXPECT_EQ(replicas, 6) << "12 tablets of 3 replicas on 6 backends";
}

std::vector<std::vector<backend_id>> sequence_of(const placements& placed) {
  std::vector<std::vector<backend_id>> out;
  for (const auto& tablet : placed)
    for (out.emplace_back(); const auto& at : tablet)
      out.back().push_back(at.backend);
  return out;
}

TEST(PlaceTable, AGroupBeginsAlikeAndBinds) {
  repair_world world{"abcde"};
  const auto placed = all_places(world, {.buckets = 4, .replication_num = 3, .partitions = 3, .alike = true});
  EXPECT_EQ(sequence_of(placed[1]), sequence_of(placed[0]));
  EXPECT_EQ(sequence_of(placed[2]), sequence_of(placed[0]));

  colocate_group group;
  group.name = "g";
  group.replication_num = 2;
  group.sequence = {{world.ids[5], world.ids[1]}, {world.ids[5], world.ids[1]}};
  const table_wish wish{.buckets = 2, .replication_num = 2, .partitions = 2, .medium = medium::ssd, .group = &group};
  for (const auto& part : all_places(world, wish)) {
    EXPECT_EQ(sequence_of(part), group.sequence) << "however loaded they are";
    EXPECT_EQ(part[0][0], world.path(5, 1)) << "but the path is chosen";
  }
  world.leave(5);
  const auto why = std::get<std::string>(place_table(world.view(), wish));
  EXPECT_NE(why.find("group g has bucket 0 on the backends"), std::string::npos) << why;
  EXPECT_NE(why.find("e:9005) is being decommissioned"), std::string::npos) << why;
}

TEST(PlaceTable, LocationsAreKeptApartWherePossible) {
  repair_world world{"abcdef"};
  for (std::size_t n = 1; n <= 6; ++n)
    world.cat.backends.edit(world.ids[n])->location = n <= 3 ? "rack:a" : n <= 5 ? "rack:b" : "rack:c";
  for (const auto& tablet : only_places(world, {.buckets = 8, .replication_num = 3})) {
    std::set<std::string> racks;
    for (const auto& at : tablet)
      racks.insert(world.cat.backends.find(at.backend)->location);
    EXPECT_EQ(racks.size(), 3U);
  }
}

TEST(PlaceTable, TheLimitsAreTheCallers) {
  repair_world world{"abc"}; // Every disk is 40 % full.
  auto view = world.view();
  view.fit.high_watermark = 0.3;
  EXPECT_TRUE(std::holds_alternative<std::string>(place_table(view, {.buckets = 1, .replication_num = 3})));
}

} // namespace
} // namespace tabletd::test
