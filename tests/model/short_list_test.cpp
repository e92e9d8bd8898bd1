// short_list against std::vector.
#include "actors/model/short_list.h"
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace tabletd::model {
namespace {

struct element {
  std::uint64_t value = 7;
  friend bool operator==(const element&, const element&) = default;
};
using subject = short_list<element, 3>;

std::vector<element> contents(const subject& list) { return {list.begin(), list.end()}; }

TEST(ShortList, AgreesWithVectorWhateverItsLength) {
  std::mt19937_64 dice{1};
  subject list;
  std::vector<element> wanted;
  std::size_t longest = 0;
  for (int step = 0; step < 50'000; ++step) {
    const auto i = wanted.empty() ? 0 : dice() % wanted.size();
    switch (dice() % 6) {
      case 0:
      case 1:
        if (wanted.size() < 9) {
          list.push_back({dice()});
          wanted.push_back(list.back());
        }
        break;
      case 2:
        if (!wanted.empty()) {
          const auto next = list.erase(list.begin() + static_cast<std::ptrdiff_t>(i));
          wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(i));
          ASSERT_EQ(next - list.begin(), static_cast<std::ptrdiff_t>(i));
        }
        break;
      case 3:
        if (!wanted.empty())
          wanted[i].value = list[i].value = dice();
        break;
      case 4: {
        auto moved = std::move(list);
        ASSERT_TRUE(list.empty());
        list = std::move(moved);
        break;
      }
      default:
        if (dice() % 20 == 0) {
          list.clear();
          wanted.clear();
        }
    }
    longest = std::max(longest, wanted.size());
    ASSERT_EQ(contents(list), wanted);
    ASSERT_EQ(list.size(), wanted.size());
    ASSERT_EQ(list.empty(), wanted.empty());
  }
  EXPECT_EQ(longest, 9U);
}

TEST(ShortList, ACopyIsIndependent) {
  for (std::size_t size = 0; size < 6; ++size) {
    subject list;
    for (std::size_t i = 0; i < size; ++i)
      list.push_back({i});
    subject copy = list;
    EXPECT_EQ(copy, list);
    copy.push_back({99});
    EXPECT_EQ(list.size(), size);
    EXPECT_FALSE(copy == list);
    for (std::size_t other = 0; other < 6; ++other) {
      subject target;
      for (std::size_t i = 0; i < other; ++i)
        target.push_back({i + 50});
      target = list;
      EXPECT_EQ(contents(target), contents(list)) << size << " over " << other;
    }
  }
}

TEST(ShortList, ThreeCostNothingBesidesThemselves) {
  EXPECT_EQ(sizeof(subject), 3 * sizeof(element) + 8);
}

} // namespace
} // namespace tabletd::model
