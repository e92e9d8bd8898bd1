// K5 and the table of spec/jobs.md C5, whose databases are our deletions seen from afar.
#include "actors/model/journal_retention.h"
#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

using ids = std::vector<std::uint64_t>;

image_mark image(std::uint64_t id) { return {id, 1'000 + id, static_cast<std::uint32_t>(id * 7)}; }

std::vector<image_mark> images(const ids& newest_first) {
  std::vector<image_mark> all;
  for (const auto id : newest_first)
    all.push_back(image(id));
  return all;
}

/// The journal in databases named after their first entry; one goes when all of it may, the last never.
ids left_of(const ids& databases, std::uint64_t upto) {
  std::size_t gone = 0;
  while (gone + 1 < databases.size() && databases[gone + 1] <= upto + 1)
    ++gone;
  return {databases.begin() + static_cast<std::ptrdiff_t>(gone), databases.end()};
}

/// C5's row: L and F1 are far ahead, F2 has applied `replayed`.
retention_verdict with_f2_at(const ids& held, std::uint64_t replayed, bool pressed = false) {
  return deletable({{1, images(held), 200'000}, {2, images(held), 200'000}, {3, images(held), replayed}}, 1, pressed);
}

TEST(JournalRetention, TableC5WhereOursKeepsOneMoreImage) {
  const ids databases{1, 50'001, 100'001};
  struct row {
    ids held;
    std::uint64_t replayed;
    ids shipped, ours;
  };
  const row table[] = {
    {{100'000, 50'000}, 70'000, {50'001, 100'001}, {50'001, 100'001}},
    // The base for falling back to image 50000 stays.
    {{100'000, 50'000}, 100'500, {100'001}, {50'001, 100'001}},
    {{100'000, 50'000}, 0, databases, databases},
    // Nothing to fall back to but the journal from its beginning.
    {{50'000}, 50'000, {50'001, 100'001}, databases},
  };
  for (const auto& [held, replayed, shipped, ours] : table) {
    SCOPED_TRACE("newest " + std::to_string(held.front()) + ", replayed " + std::to_string(replayed));
    const auto shipped_upto = replayed == 0 ? 0 : std::min(held.front(), replayed);
    EXPECT_EQ(left_of(databases, shipped_upto), shipped) << "C5 itself, or this test is wrong";
    EXPECT_EQ(left_of(databases, with_f2_at(held, replayed).upto), ours);
  }
}

TEST(JournalRetention, NamesWhatBoundsIt) {
  using enum retention_limit;
  EXPECT_EQ(with_f2_at({100'000, 50'000}, 200'000), (retention_verdict{50'000, older_image, 1}));
  EXPECT_EQ(with_f2_at({100'000, 50'000}, 49'000), (retention_verdict{49'000, applied, 3}));
  EXPECT_EQ(with_f2_at({100'000}, 200'000), (retention_verdict{0, no_older, 1}));
  EXPECT_EQ(with_f2_at({}, 200'000), (retention_verdict{0, no_image, 1}));
}

TEST(JournalRetention, NothingGoesWhileOneMemberLacksTheNewestImage) {
  const auto both = images({100'000, 50'000});
  const retention_verdict lacks{0, retention_limit::not_acked, 3};
  EXPECT_EQ(deletable({{1, both, 200'000}, {2, both, 200'000}, {3, images({50'000}), 200'000}}, 1, false), lacks);
  EXPECT_EQ(deletable({{1, both, 200'000}, {2, both, 200'000}, {3, {}, 200'000}}, 1, false), lacks);
  auto flipped = both;
  flipped.front().crc32c ^= 1;
  EXPECT_EQ(deletable({{1, both, 200'000}, {2, both, 200'000}, {3, flipped, 200'000}}, 1, false), lacks);
  auto cut = both;
  --cut.front().bytes;
  EXPECT_EQ(deletable({{1, both, 200'000}, {2, both, 200'000}, {3, cut, 200'000}}, 1, true), lacks);
}

/// It missed image 100000: what it falls back to is older than what the others do.
TEST(JournalRetention, AMembersOwnOlderImageCounts) {
  const auto both = images({150'000, 100'000});
  EXPECT_EQ(deletable({{1, both, 200'000}, {2, both, 200'000}, {3, images({150'000, 50'000}), 200'000}}, 1, false),
            (retention_verdict{50'000, retention_limit::older_image, 3}));
}

TEST(JournalRetention, AnExcusedMemberDoesNotCountButTheLeaderAlwaysDoes) {
  const auto both = images({100'000, 50'000});
  EXPECT_EQ(deletable({{1, both, 200'000}, {2, both, 200'000}, {3, {}, 0, true}}, 1, false).upto, 50'000u);
  EXPECT_EQ(deletable({{1, images({100'000}), 200'000, true}, {2, both, 200'000}}, 1, false).upto, 0u);
}

TEST(JournalRetention, UnderPressureTheNewestImageCounts) {
  EXPECT_EQ(with_f2_at({100'000, 50'000}, 200'000, true).upto, 100'000u);
  EXPECT_EQ(with_f2_at({100'000}, 200'000, true).upto, 100'000u);
  EXPECT_EQ(with_f2_at({100'000, 50'000}, 70'000, true).upto, 70'000u);
}

TEST(JournalRetention, TwoImagesAreKeptNewestFirst) {
  auto held = with_image({}, image(5));
  held = with_image(held, image(9));
  held = with_image(held, image(7));
  EXPECT_EQ(held, images({9, 7}));
  EXPECT_EQ(older_id(held), 7u);
  const image_mark other{9, 1, 1};
  held = with_image(held, other);
  EXPECT_EQ(held, (std::vector{other, image(7)})) << "one of the same id takes its place";
}

} // namespace
} // namespace tabletd::model
