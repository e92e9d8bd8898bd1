// for_each_difference() against the obvious comparison of two whole maps.
#include "actors/model/cow_map.h"
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace tabletd::model {
namespace {

enum class key : std::uint64_t {};
using plain = std::map<std::uint64_t, int>;

/// Ids of both maps whose value differs, as the walk reports them; counts what it looked at.
std::map<std::uint64_t, std::pair<int, int>> differences(const cow_map<key, int>& was, const cow_map<key, int>& is,
                                                         std::size_t* visited = nullptr) {
  std::map<std::uint64_t, std::pair<int, int>> out;
  is.for_each_difference(was, [&](key id, const int* before, const int* after) {
    if (visited)
      ++*visited;
    const auto value = [](const int* v) { return v ? *v : -1; };
    if (value(before) != value(after)) {
      EXPECT_TRUE(out.emplace(static_cast<std::uint64_t>(id), std::pair{value(before), value(after)}).second) << "twice";
    }
  });
  return out;
}

TEST(CowMapDifference, FindsExactlyWhatDiffers) {
  std::mt19937_64 dice{11};
  for (int round = 0; round < 300; ++round) {
    // Small, large and mixed ids: trees of different heights.
    const std::uint64_t span = std::uint64_t{1} << (dice() % 40 + 1);
    cow_map<key, int> map;
    plain model;
    const auto change = [&](std::size_t times) {
      for (std::size_t i = 0; i < times; ++i) {
        const std::uint64_t id = dice() % span;
        if (dice() % 3 == 0) {
          map.erase(key{id});
          model.erase(id);
        } else {
          const int value = static_cast<int>(dice() % 5);
          map.put(key{id}, value);
          model[id] = value;
        }
      }
    };
    change(dice() % 200);
    const auto was = map;
    const auto was_model = model;
    change(dice() % 200);
    std::map<std::uint64_t, std::pair<int, int>> expected;
    for (const auto& [id, value] : was_model)
      if (!model.contains(id) || model[id] != value)
        expected[id] = {value, model.contains(id) ? model[id] : -1};
    for (const auto& [id, value] : model)
      if (!was_model.contains(id))
        expected[id] = {-1, value};
    ASSERT_EQ(differences(was, map), expected) << round;
    ASSERT_EQ(differences(map, was).size(), expected.size());
  }
}

TEST(CowMapDifference, TopIdsAndEmptyMaps) {
  cow_map<key, int> map;
  EXPECT_TRUE(differences({}, map).empty());
  map.put(key{UINT64_MAX}, 1);
  map.put(key{0}, 2);
  EXPECT_EQ(differences({}, map).size(), 2u);
  EXPECT_EQ(differences(map, {}).size(), 2u);
}

TEST(CowMapDifference, SharedSubtreesAreSkipped) {
  cow_map<key, int> map;
  for (std::uint64_t id = 0; id < 100'000; ++id)
    map.put(key{id}, 1);
  const auto was = map;
  std::size_t visited = 0;
  EXPECT_TRUE(differences(was, map, &visited).empty());
  EXPECT_EQ(visited, 0u);
  map.put(key{77'777}, 2);
  EXPECT_EQ(differences(was, map, &visited).size(), 1u);
  EXPECT_LE(visited, 32u) << "one leaf";
}

} // namespace
} // namespace tabletd::model
