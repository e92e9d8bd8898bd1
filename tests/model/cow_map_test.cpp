// cow_map against std::map, with snapshots held across writes.
#include "actors/model/cow_map.h"
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace tabletd::model {
namespace {

enum class id : std::uint64_t {};
using subject = cow_map<id, std::string>;
using reference = std::map<std::uint64_t, std::string>;

reference contents(const subject& map) {
  reference all;
  map.for_each(
      [&](id key, const std::string& value) { all[static_cast<std::uint64_t>(key)] = value; });
  return all;
}

/// Small, clustered and huge keys: every height of the tree.
std::uint64_t draw_key(std::mt19937_64& dice) {
  switch (dice() % 4) {
    case 0: return dice() % 40;
    case 1: return 10'000 + dice() % 200;
    case 2: return dice() % (1ULL << 33);
    default: return ~0ULL - dice() % 3;
  }
}

TEST(CowMap, AgreesWithStdMapAndSnapshotsStayFrozen) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 dice{seed};
    subject map;
    reference wanted;
    std::vector<std::pair<subject, reference>> snapshots;
    for (int step = 0; step < 3'000; ++step) {
      const auto key = draw_key(dice);
      switch (dice() % 8) {
        case 0:
        case 1:
        case 2: map.put(id{key}, wanted[key] = std::to_string(step)); break;
        case 3:
        case 4: EXPECT_EQ(map.erase(id{key}), wanted.erase(key) == 1); break;
        case 5:
          if (auto* value = map.edit(id{key}))
            *value = wanted.at(key) = "edited " + std::to_string(step);
          else
            EXPECT_FALSE(wanted.contains(key));
          break;
        default: {
          const auto* value = map.find(id{key});
          const auto at = wanted.find(key);
          ASSERT_EQ(value != nullptr, at != wanted.end());
          if (value) {
            ASSERT_EQ(*value, at->second);
          }
        }
      }
      ASSERT_EQ(map.size(), wanted.size());
      if (dice() % 100 == 0)
        snapshots.emplace_back(map, wanted);
      if (dice() % 150 == 0 && !snapshots.empty())
        snapshots.erase(snapshots.begin() + static_cast<std::ptrdiff_t>(dice() % snapshots.size()));
    }
    EXPECT_EQ(contents(map), wanted);
    for (const auto& [frozen, then] : snapshots)
      ASSERT_EQ(contents(frozen), then) << "seed " << seed;
  }
}

TEST(CowMap, VisitsFromAnyKeyInOrderAndStopsWhenTold) {
  std::mt19937_64 dice{7};
  subject map;
  reference wanted;
  for (int i = 0; i < 500; ++i) {
    const auto key = draw_key(dice);
    map.put(id{key}, wanted[key] = "x");
  }
  for (int i = 0; i < 300; ++i) {
    const auto first = draw_key(dice);
    std::vector<std::uint64_t> seen;
    map.for_each_from(id{first}, [&](id key, const std::string&) {
      seen.push_back(static_cast<std::uint64_t>(key));
      return seen.size() < 5;
    });
    std::vector<std::uint64_t> expected;
    for (auto at = wanted.lower_bound(first); at != wanted.end() && expected.size() < 5; ++at)
      expected.push_back(at->first);
    ASSERT_EQ(seen, expected);
  }
}

TEST(CowMap, AWriteCopiesOnlyTheLeafThatASnapshotShares) {
  cow_map<id, std::shared_ptr<int>> map;
  for (std::uint64_t key = 0; key < 1'000; ++key)
    map.put(id{key}, std::make_shared<int>(0));
  const auto snapshot = map;
  map.put(id{500}, std::make_shared<int>(1));
  std::size_t shared_twice = 0;
  snapshot.for_each([&](id, const std::shared_ptr<int>& value) {
    shared_twice += value.use_count() > 1 ? 1 : 0;
  });
  EXPECT_EQ(shared_twice, 31u); // The other values of that leaf; 968 more were not copied.
}

TEST(CowMap, EmptiedMapIsUsableAgain) {
  subject map;
  map.put(id{~0ULL}, "high");
  EXPECT_TRUE(map.erase(id{~0ULL}));
  EXPECT_TRUE(map.empty());
  EXPECT_EQ(map.find(id{~0ULL}), nullptr);
  map.put(id{3}, "low");
  EXPECT_EQ(contents(map), (reference{{3, "low"}}));
}

TEST(CowMap, BuiltOfAscendingValuesItIsLikeAnyOther) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 dice{seed};
    reference wanted;
    for (std::uint64_t n = seed < 3 ? seed : dice() % 20'000; n > 0; --n) {
      const auto key = draw_key(dice);
      wanted[key] = std::to_string(key);
    }
    subject::builder builder;
    for (int round = 0; round < 2; ++round) { // It can be used again.
      for (const auto& [key, value] : wanted) {
        ASSERT_TRUE(builder.follows(id{key}));
        builder.append(id{key}, value);
        ASSERT_FALSE(builder.follows(id{key}));
      }
      auto map = builder.finish();
      ASSERT_EQ(map.size(), wanted.size());
      ASSERT_EQ(contents(map), wanted) << "seed " << seed;
      const auto frozen = map;
      auto changed = wanted;
      for (int step = 0; step < 2'000; ++step) {
        const auto key = draw_key(dice);
        ASSERT_EQ(map.find(id{key}) != nullptr, changed.contains(key));
        if (dice() % 2)
          map.put(id{key}, changed[key] = "x");
        else
          ASSERT_EQ(map.erase(id{key}), changed.erase(key) == 1);
      }
      ASSERT_EQ(contents(map), changed) << "seed " << seed;
      ASSERT_EQ(contents(frozen), wanted) << "seed " << seed;
    }
  }
}

TEST(CowMap, ABuilderThatIsDroppedLeavesNothing) {
  const auto value = std::make_shared<int>(1);
  {
    cow_map<id, std::shared_ptr<int>>::builder builder;
    for (std::uint64_t key = 0; key < 5'000; ++key)
      builder.append(id{key * 7}, value);
  }
  EXPECT_EQ(value.use_count(), 1);
}

} // namespace
} // namespace tabletd::model
