#include "actors/model/colocate_balance.h"
#include "actors/model/load_score.h"
#include "tests/model/repair_world.h"

namespace tabletd::test {
namespace {

/// A group of one table with six buckets, each on the backends its row names.
struct ColocateBalance : testing::Test {
  repair_world world{"abcdef"};
  table_id table{};
  colocate_group_id group{};
  colocate_options options;

  void found(const std::vector<std::vector<std::size_t>>& buckets) {
    table_created e;
    e.database = world.db;
    e.name = "t";
    e.colocate_with = "g";
    for (const auto& bucket : buckets) {
      auto& places = e.placements.emplace_back();
      for (const auto n : bucket)
        places.push_back(world.path(n));
    }
    const auto made = world(e);
    ASSERT_TRUE(made.ok()) << name(made.why);
    table = table_id{made.id};
    group = world.cat.find_colocate_group(world.db, "g")->id;
  }
  std::vector<colocate_relocated> look() {
    const load_scores scores{world.cat, world.cluster, world.slots};
    return relocate_buckets(world.cat, world.cluster, scores, options, world.now);
  }
  std::string text(const colocate_relocated& e) {
    std::string out = std::to_string(e.bucket) + ":";
    for (const auto id : e.backends)
      out += ' ' + std::to_string(world.number(id));
    return out;
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (const auto& e : look())
      out.push_back(text(e));
    return out;
  }
  /// Repairs every tablet of the group until nothing is to be done.
  void repair() {
    for (const auto& part : world.cat.tables.find(table)->partitions)
      for_each_tablet(part, [&](tablet_id id) {
        for (int i = 0; i < 10; ++i)
          if (const auto d = world.decide(id); !std::holds_alternative<leave_alone>(d.move))
            world.carry_out(id, d);
      });
  }
  [[nodiscard]] std::string unstable() { return unstable_because(world.cat, *world.cat.colocate_groups.find(group)); }
};

TEST_F(ColocateBalance, AnEvenGroupStaysWhereItIs) {
  found({{1, 2, 3}, {4, 5, 6}, {1, 2, 3}, {4, 5, 6}});
  EXPECT_TRUE(look().empty());
  EXPECT_EQ(unstable(), "");
}

TEST_F(ColocateBalance, ADeadBackendKeepsItsBucketsForHalfAnHour) {
  found({{1, 2, 3}, {1, 2, 4}});
  world.die(3);
  EXPECT_TRUE(look().empty());
  world.now += options.relocate_delay + 1ms;
  EXPECT_EQ(texts(), (std::vector<std::string>{"0: 1 2 5"})); // 4 has a bucket, 5 has none.
}

TEST_F(ColocateBalance, ALeavingBackendsBucketsGoAtOnceAndTabletsFollow) {
  found({{1, 2, 3}, {1, 2, 3}});
  world.leave(3);
  const auto moved = look();
  ASSERT_EQ(moved.size(), 2U);
  EXPECT_EQ(text(moved[0]), "0: 1 2 4");
  EXPECT_EQ(text(moved[1]), "1: 1 2 5"); // The next bucket goes elsewhere.
  for (const auto& e : moved)
    ASSERT_TRUE(world.fold(e).ok());
  EXPECT_NE(unstable(), "");
  repair();
  EXPECT_EQ(unstable(), "");
  EXPECT_TRUE(world.cat.backends.find(world.ids[3])->tablets.empty());
}

TEST_F(ColocateBalance, HostsOfABucketStayApart) {
  world.cat.backends.edit(world.ids[4])->host = "a"; // As backend 1.
  found({{1, 2, 3}});
  world.leave(3);
  EXPECT_EQ(texts(), (std::vector<std::string>{"0: 1 2 5"}));
}

TEST_F(ColocateBalance, ABucketCanMoveBetweenTwoBackendsOfOneHost) {
  world.cat.backends.edit(world.ids[4])->host = "c"; // As backend 3.
  for (const auto n : {5U, 6U})
    world.leave(n);
  found({{1, 2, 3}, {1, 2, 3}});
  const auto moved = look();
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_EQ(text(moved.front()), "0: 1 2 4");
  ASSERT_TRUE(world.fold(moved.front()).ok());
  repair();
  EXPECT_EQ(unstable(), "");
  EXPECT_EQ(world.cat.backends.find(world.ids[4])->tablets.size(), 1U);
}

TEST_F(ColocateBalance, WithoutAnHeirTheBucketStays) {
  found({{1, 2, 3}});
  world.leave(3);
  for (const auto n : {4U, 5U, 6U})
    world.die(n);
  EXPECT_TRUE(look().empty());
}

TEST_F(ColocateBalance, OnlyBackendsOfTheTablesClusterInherit) {
  found({{1, 2, 3}});
  world.cat.tables.edit(table)->cluster = std::string{cluster_default};
  for (const auto n : {4U, 5U})
    world.cat.backends.edit(world.ids[n])->cluster = "west";
  world.leave(3);
  EXPECT_EQ(texts(), (std::vector<std::string>{"0: 1 2 6"}));
}

TEST_F(ColocateBalance, AGroupSpreadsOneBucketAtATimeUntilNobodyHasTwoMore) {
  found({{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}});
  std::size_t moves = 0;
  for (auto next = look(); !next.empty(); next = look()) {
    ASSERT_EQ(next.size(), 1U);
    ASSERT_TRUE(world.fold(next.front()).ok());
    EXPECT_TRUE(look().empty()) << "it waits until the tablets have followed";
    repair();
    ASSERT_LT(++moves, 20U);
  }
  std::map<backend_id, std::size_t> count;
  for (const auto& bucket : world.cat.colocate_groups.find(group)->sequence)
    for (const auto id : bucket)
      ++count[id];
  EXPECT_EQ(count.size(), 6U);
  for (const auto& [id, n] : count)
    EXPECT_EQ(n, 2U);
  EXPECT_EQ(moves, 6U) << "the least there can be";
}

TEST_F(ColocateBalance, AnUnhealthyGroupIsNotSpread) {
  found({{1, 2, 3}, {1, 2, 3}, {1, 2, 3}});
  ASSERT_EQ(look().size(), 1U);
  const auto tablet = world.cat.tables.find(table)->partitions.front().first_tablet;
  world.cat.tablets.edit(tablet)->replicas.front().bad = true;
  EXPECT_TRUE(look().empty());
}

TEST_F(ColocateBalance, ItCanBeTurnedOff) {
  found({{1, 2, 3}});
  world.leave(3);
  options.enabled = false;
  EXPECT_TRUE(look().empty());
}

} // namespace
} // namespace tabletd::test
