// packed_map against std::map, with snapshots held across writes.
#include "actors/model/packed_map.h"
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <vector>

namespace tabletd::model {
namespace {

enum class id : std::uint64_t {};
using subject = packed_map<id, std::uint64_t>;
using reference = std::map<std::uint64_t, std::uint64_t>;

reference contents(const subject& map) {
  reference all;
  std::uint64_t last = 0;
  map.for_each([&](id key, std::uint64_t value) {
    const auto k = static_cast<std::uint64_t>(key);
    EXPECT_TRUE(all.empty() || k > last) << "not in order";
    all[last = k] = value;
  });
  return all;
}

TEST(PackedMap, AgreesWithStdMapAndSnapshotsStayFrozen) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    std::mt19937_64 dice{seed};
    // Few keys: dense and often hit; many: a tree of three levels.
    const std::uint64_t range = seed % 3 == 0 ? 300 : seed % 3 == 1 ? 40'000 : ~0ULL;
    subject map;
    reference wanted;
    std::vector<std::pair<subject, reference>> snapshots;
    for (int step = 0; step < 25'000; ++step) {
      // Waves: first it grows, then it shrinks to almost nothing, then it grows again.
      const bool growing = step / 5'000 % 2 == 0;
      auto key = dice() % range;
      if (!growing && dice() % 4 != 0 && !wanted.empty())
        key = std::next(wanted.begin(), static_cast<std::ptrdiff_t>(
                                            dice() % std::min<std::size_t>(wanted.size(), 50)))
                  ->first;
      if (dice() % 10 < (growing ? 8U : 1U)) {
        wanted[key] = static_cast<std::uint64_t>(step);
        map.put(id{key}, static_cast<std::uint64_t>(step));
      } else {
        ASSERT_EQ(map.erase(id{key}), wanted.erase(key) == 1);
      }
      ASSERT_EQ(map.size(), wanted.size());
      const auto probe = dice() % range;
      const auto* found = map.find(id{probe});
      const auto at = wanted.find(probe);
      ASSERT_EQ(found != nullptr, at != wanted.end());
      if (found) {
        ASSERT_EQ(*found, at->second);
      }
      if (dice() % 1'500 == 0)
        snapshots.emplace_back(map, wanted);
    }
    EXPECT_EQ(contents(map), wanted) << "seed " << seed;
    for (const auto& [frozen, then] : snapshots)
      ASSERT_EQ(contents(frozen), then) << "seed " << seed;
  }
}

TEST(PackedMap, FilledInAnyOrderAndEmptiedInAnyOrder) {
  const int n = 20'000;
  for (const int filling : {1, -1})
    for (const int emptying : {1, -1}) {
      subject map;
      for (int i = 0; i < n; ++i)
        map.put(id{static_cast<std::uint64_t>(filling > 0 ? i : n - 1 - i)}, 1);
      EXPECT_EQ(contents(map).size(), static_cast<std::size_t>(n));
      for (int i = 0; i < n; ++i)
        ASSERT_TRUE(map.erase(id{static_cast<std::uint64_t>(emptying > 0 ? i : n - 1 - i)}));
      EXPECT_TRUE(map.empty());
      map.put(id{7}, 7);
      EXPECT_EQ(contents(map), (reference{{7, 7}}));
    }
}

TEST(PackedMap, VisitsFromAnyKeyAndStopsWhenTold) {
  subject map;
  for (std::uint64_t key = 0; key < 10'000; ++key)
    map.put(id{key * 10}, key);
  for (const std::uint64_t first : {0ULL, 5ULL, 10ULL, 12'345ULL, 99'990ULL, 99'991ULL}) {
    std::vector<std::uint64_t> seen;
    map.for_each_from(id{first}, [&](id key, std::uint64_t) {
      seen.push_back(static_cast<std::uint64_t>(key));
      return seen.size() < 3;
    });
    std::vector<std::uint64_t> expected;
    for (std::uint64_t key = (first + 9) / 10 * 10; key < 100'000 && expected.size() < 3; key += 10)
      expected.push_back(key);
    EXPECT_EQ(seen, expected) << first;
  }
}

TEST(PackedMap, BuiltOfAscendingValuesItIsLikeAnyOther) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 dice{seed};
    reference wanted;
    for (std::uint64_t n = seed < 3 ? seed : dice() % 20'000; n > 0; --n) {
      const auto key = dice() % (seed % 2 ? 30'000 : ~0ULL);
      wanted[key] = key;
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
        const auto key = dice() % (seed % 2 ? 30'000 : ~0ULL);
        ASSERT_EQ(map.find(id{key}) != nullptr, changed.contains(key));
        if (dice() % 2)
          map.put(id{key}, changed[key] = 7);
        else
          ASSERT_EQ(map.erase(id{key}), changed.erase(key) == 1);
      }
      ASSERT_EQ(contents(map), changed) << "seed " << seed;
      ASSERT_EQ(contents(frozen), wanted) << "seed " << seed;
    }
  }
}

} // namespace
} // namespace tabletd::model
