// Rows in, blocks out: nothing lost, nothing doubled, whatever the chunk boundaries.
#include "node/fe/row_splitter.h"
#include <gtest/gtest.h>
#include <xxhash.h>
#include <map>
#include <set>

namespace tabletd {
namespace {

struct collected {
  std::map<std::uint32_t, std::string> text;
  std::uint64_t rows = 0;
  std::size_t blocks = 0;

  row_splitter::emit_fn into() {
    return [this](std::uint32_t bucket, const row_block_ptr& block) {
      const auto data = block->data();
      EXPECT_EQ(XXH3_64bits(data.begin(), data.size()), block->checksum);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data.begin()) % 8, 0U) << "messages point at it";
      EXPECT_EQ(data[data.size() - 1], '\n') << "a block holds whole rows";
      text[bucket].append(reinterpret_cast<const char*>(data.begin()), data.size());
      rows += block->rows;
      ++blocks;
    };
  }
};

std::multiset<std::string> lines_of(const collected& from) {
  std::multiset<std::string> lines;
  for (const auto& [bucket, text] : from.text)
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      lines.insert(text.substr(at, end - at));
      at = end + 1;
    }
  return lines;
}

std::string sample_text() {
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += std::to_string(i % 97) + ";value " + std::string(static_cast<std::size_t>(i % 60), 'x') + "\n";
  return text;
}

TEST(RowSplitter, KeyIsTheNamedColumn) {
  EXPECT_EQ(key_of("a;b;c", 1, ';'), "a");
  EXPECT_EQ(key_of("a;b;c", 3, ';'), "c");
  EXPECT_EQ(key_of(";b", 1, ';'), "");
  EXPECT_EQ(key_of("no separator", 2, ';'), "no separator") << "too few columns: the whole row";
}

TEST(RowSplitter, TheHashIsPinned) {
  // Changing any of these loses rows of existing tables.
  EXPECT_EQ(bucket_of("", 16), 2U);
  EXPECT_EQ(bucket_of("0041", 16), 15U);
  EXPECT_EQ(bucket_of("tablet", 16), 3U);
}

TEST(RowSplitter, EveryChunkingGivesTheSameRows) {
  const auto text = sample_text();
  collected whole;
  {
    row_splitter splitter({.buckets = 8, .separator = ';'}, whole.into());
    ASSERT_FALSE(splitter.push(text));
    splitter.finish();
  }
  EXPECT_EQ(whole.rows, 500U);
  for (const std::size_t step : {1UL, 2UL, 7UL, 61UL, 4096UL}) {
    collected pieces;
    row_splitter splitter({.buckets = 8, .separator = ';'}, pieces.into());
    for (std::size_t at = 0; at < text.size(); at += step)
      ASSERT_FALSE(splitter.push(std::string_view(text).substr(at, step)));
    splitter.finish();
    EXPECT_EQ(pieces.text, whole.text) << "step " << step;
  }
}

TEST(RowSplitter, LastRowMayLackItsNewline) {
  collected out;
  row_splitter splitter({.buckets = 1}, out.into());
  ASSERT_FALSE(splitter.push("one\ntwo"));
  splitter.finish();
  EXPECT_EQ(out.text[0], "one\ntwo\n");
  EXPECT_EQ(splitter.rows(0), 2U);
  EXPECT_EQ(splitter.bytes(0), 8U);
}

TEST(RowSplitter, EmptyRowsAndDuplicatesAreRows) {
  collected out;
  row_splitter splitter({.buckets = 3}, out.into());
  ASSERT_FALSE(splitter.push("\n\nsame\nsame\n"));
  splitter.finish();
  EXPECT_EQ(lines_of(out), (std::multiset<std::string>{"", "", "same", "same"}));
}

TEST(RowSplitter, SameKeySameBucket) {
  collected out;
  row_splitter splitter({.buckets = 16, .separator = ';'}, out.into());
  ASSERT_FALSE(splitter.push("k;1\nk;2\nk;3\n"));
  splitter.finish();
  EXPECT_EQ(out.text.size(), 1U);
}

TEST(RowSplitter, ARowLongerThanTheLimitIsRefusedByLine) {
  collected out;
  row_splitter splitter({.buckets = 1}, out.into());
  ASSERT_FALSE(splitter.push("fine\n" + std::string(row_bytes_max, 'a') + "\n"));
  const auto why = splitter.push(std::string(row_bytes_max, 'b') + "c");
  ASSERT_TRUE(why);
  EXPECT_NE(why->find("line 3"), std::string::npos) << *why;
}

TEST(RowSplitter, ManyBucketsStayWithinTheMemoryBudget) {
  collected out;
  const std::size_t budget = 1U << 20;
  row_splitter splitter({.buckets = 64, .separator = ';', .memory_bytes = budget}, out.into());
  std::string text;
  for (int i = 0; i < 100'000; ++i)
    text += std::to_string(i) + ";0123456789012345678901234567890123456789\n";
  ASSERT_FALSE(splitter.push(text));
  std::size_t emitted = 0;
  for (const auto& [bucket, bytes] : out.text)
    emitted += bytes.size();
  EXPECT_LE(text.size() - emitted, budget);
  splitter.finish();
  EXPECT_EQ(out.rows, 100'000U);
}

} // namespace
} // namespace tabletd
