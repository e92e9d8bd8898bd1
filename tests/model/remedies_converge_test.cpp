// Every small tablet in every small cluster, treated until nothing is left to do.
#include "tests/model/remedies_walk.h"

namespace tabletd::test {
namespace {

constexpr auto as_it_is = [](repair_world&) { return true; };

TEST(Remedies, EverySmallTabletConverges) {
  walk_count count;
  for (const std::string hosts : {"abcd", "aabc", "aabb", "aaaa"})
    for (std::uint32_t wanted = 1; wanted <= 3; ++wanted) {
      SCOPED_TRACE("hosts " + hosts);
      repair_world ready{hosts};
      const auto id = ready.make("1+", wanted);
      walk(ready, id, hosts.size(), wanted, count, as_it_is);
      ASSERT_FALSE(HasFatalFailure());
    }
  EXPECT_GT(count.tablets, 240'000U);
  EXPECT_GT(count.cured, 50'000U);
  EXPECT_GT(count.stuck, 60'000U);
}

TEST(Remedies, EveryTabletOfFiveReplicasConverges) {
  walk_count count;
  for (const std::string hosts : {"abcde", "aabbc"}) {
    SCOPED_TRACE("hosts " + hosts);
    repair_world ready{hosts};
    const auto id = ready.make("1+", 3);
    walk(ready, id, hosts.size(), 3, count, as_it_is);
    ASSERT_FALSE(HasFatalFailure());
  }
  EXPECT_GT(count.tablets, 490'000U);
  EXPECT_GT(count.cured, 50'000U);
}

/// The table belongs to a cluster, some of the backends to another.
TEST(Remedies, EveryTabletOfATableOfOneClusterConverges) {
  walk_count count;
  for (const std::string hosts : {"abcd", "aabb"})
    for (std::size_t ours = 1; ours <= 3; ++ours)
      for (std::uint32_t wanted = 1; wanted <= 3; ++wanted) {
        SCOPED_TRACE("hosts " + hosts + ", " + std::to_string(ours) + " of the cluster");
        repair_world ready{hosts};
        const auto id = ready.make("1+", wanted);
        for (std::size_t n = 1; n <= hosts.size(); ++n)
          ready.cat.backends.edit(ready.ids[n])->cluster = n <= ours ? "fast" : "slow";
        ready.cat.tables.edit(ready.at(id).table)->cluster = "fast";
        walk(ready, id, hosts.size(), wanted, count, as_it_is);
        ASSERT_FALSE(HasFatalFailure());
      }
  EXPECT_GT(count.cured, 20'000U);
  EXPECT_GT(count.stuck, 20'000U);
}

/// The table is of a colocation group, which has the bucket on these backends, in this state or not.
TEST(Remedies, EveryTabletOfAColocationGroupConverges) {
  walk_count count;
  struct home {
    std::string hosts;
    std::vector<std::size_t> backends;
  };
  for (const home& h : {home{"abcd", {1}}, home{"abcd", {1, 2}}, home{"abcd", {1, 2, 3}}, home{"aabb", {1, 3}}, home{"aabc", {2, 3, 4}}}) {
    const auto wanted = static_cast<std::uint32_t>(h.backends.size());
    SCOPED_TRACE("hosts " + h.hosts + ", at home on " + std::to_string(wanted));
    repair_world ready{h.hosts};
    const auto id = ready.make("1+", wanted);
    colocate_group group{colocate_group_id{ready.cat.next_id++}, ready.db, "g", wanted, {{}}, {ready.at(id).table}};
    for (const auto n : h.backends)
      group.sequence.front().push_back(ready.ids[n]);
    ready.cat.tables.edit(ready.at(id).table)->colocate_group = group.id;
    ready.cat.colocate_groups.put(group.id, group);
    walk(ready, id, h.hosts.size(), wanted, count, as_it_is);
    ASSERT_FALSE(HasFatalFailure());
  }
  EXPECT_GT(count.cured, 7'000U);
  EXPECT_GT(count.stuck, 20'000U);
}

/// A balance move is not decided yet: the new replica, whatever has become of it since, and the one it replaces.
TEST(Remedies, EveryTabletWithAnOpenMoveConverges) {
  walk_count count;
  for (const std::string hosts : {"abcd", "aabc"})
    for (std::size_t from = 1; from <= hosts.size(); ++from)
      for (std::size_t to = 1; to <= hosts.size(); ++to) {
        if (from == to)
          continue;
        SCOPED_TRACE("hosts " + hosts + ", moving from " + std::to_string(from) + " to " + std::to_string(to));
        repair_world ready{hosts};
        const auto id = ready.make("1+", 2);
        walk(ready, id, hosts.size(), 2, count, [&](repair_world& world) {
          const auto* old = world.at(id).on(world.ids[from]);
          const auto* fresh = world.at(id).on(world.ids[to]);
          if (!old || !fresh)
            return false;
          world.cat.moves.put(id, open_move{old->id, fresh->id, 0});
          return true;
        });
        ASSERT_FALSE(HasFatalFailure());
      }
  EXPECT_GT(count.cured, 60'000U);
}

TEST(Remedies, RandomTabletsOfABiggerClusterConverge) {
  walk_count count;
  std::uint64_t seed = 1;
  const auto dice = [&seed](std::uint64_t sides) {
    seed = seed * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (seed >> 33U) % sides;
  };
  for (const std::string hosts : {"abcdefg", "aabbccd", "aaabbbc"}) {
    repair_world ready{hosts};
    const auto id = ready.make("1+", 3);
    for (int i = 0; i < 10'000; ++i) {
      auto world = ready;
      world.checked = false;
      const auto code = dice(codes(hosts.size()));
      const auto notation = set_up(world, hosts.size(), code);
      if (notation.empty())
        continue;
      world.fill(id, notation);
      treat(world, id, 3, count);
      ASSERT_FALSE(HasFatalFailure()) << "hosts " << hosts << " code " << code << ": " << notation;
    }
  }
  EXPECT_GT(count.cured, 5'000U);
}

} // namespace
} // namespace tabletd::test
