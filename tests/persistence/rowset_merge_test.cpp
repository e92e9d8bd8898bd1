// A merged segment is, byte for byte, the file a writer makes of the same blocks; each of them is read once and compared.
#include "persistence/rowset_merge.h"

#include "tests/persistence/store_rig.h"

#include <random>

namespace tabletd {
namespace {

using namespace test;

/// What reads of an input cost, and a byte of it that has gone wrong.
struct input_watch {
  std::size_t reads = 0;
  std::uint64_t bytes = 0;
  std::size_t largest = 0;
  std::optional<std::uint64_t> damaged_at;
};

class watched_bytes final : public segment_bytes {
public:
  watched_bytes(std::string content, std::shared_ptr<input_watch> watch)
      : content_(std::move(content)), watch_(std::move(watch)) {}
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::uint64_t size() const override { return content_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    ++watch_->reads;
    watch_->bytes += into.size();
    watch_->largest = std::max(watch_->largest, into.size());
    std::ranges::copy(std::as_bytes(std::span(content_)).subspan(offset, into.size()), into.begin());
    if (watch_->damaged_at && *watch_->damaged_at >= offset && *watch_->damaged_at < offset + into.size())
      into[*watch_->damaged_at - offset] ^= std::byte{1};
  }
  [[nodiscard]] std::string_view remedy() const override { return "look at it"; }

private:
  std::string name_ = "input";
  std::string content_;
  std::shared_ptr<input_watch> watch_;
};

struct RowsetMerge : testing::Test {
  memory_directory scratch;
  std::shared_ptr<input_watch> watch = std::make_shared<input_watch>();

  /// A sealed file's bytes.
  std::string file_of(const std::vector<std::string>& blocks, std::uint64_t tablet = 7) {
    const auto place = scratch.path() / "x.seg";
    rowset_writer writer(place, tablet);
    for (const auto& block : blocks)
      append(writer, block);
    writer.seal();
    auto bytes = text_of(place);
    fs::remove(place);
    return bytes;
  }
  std::shared_ptr<rowset_reader> input(const std::vector<std::string>& blocks, std::uint64_t tablet = 7) {
    return rowset_reader::open(std::make_unique<watched_bytes>(file_of(blocks, tablet), watch));
  }
  static std::string read(const merged_segment& from, const std::function<std::size_t()>& piece) {
    std::string all(from.size(), '\0');
    for (std::size_t done = 0; done < all.size();) {
      const auto some = std::min(piece(), all.size() - done);
      from.read_at(done, std::as_writable_bytes(std::span(all).subspan(done, some)));
      done += some;
    }
    return all;
  }
};

TEST_F(RowsetMerge, IsTheFileThatAWriterWouldMakeOfItsBlocks) {
  const auto a = block_of("a", 3), b = block_of("b", 500), c = block_of("c", 20);
  std::mt19937_64 dice(1);
  for (const std::size_t most : {1, 7, 100, 4'000, 1 << 20}) {
    const merged_segment merged("m", {input({a, b}), rowset_reader::empty(7), input({c}), input({a, c, b})});
    const auto bytes = read(merged, [&] { return 1 + dice() % most; });
    ASSERT_EQ(bytes, file_of({a, b, c, a, c, b})) << most;
    EXPECT_EQ(merged.footer().rows, 2 * (3 + 500 + 20) + 0U);
    EXPECT_EQ(merged.size(), rowset_file_bytes(merged.footer().bytes, 6));
  }
}

/// A copy to another store goes the same way.
TEST_F(RowsetMerge, OfOneIsThatOne) {
  const std::vector blocks{block_of("a", 3), block_of("b", 500)};
  EXPECT_EQ(read(merged_segment("m", {input(blocks)}), [] { return 1'000; }), file_of(blocks));
}

TEST_F(RowsetMerge, ReadInOrderItReadsNothingTwiceAndLittleAtOnce) {
  const auto mib = block_of(std::string(1'023, 'x'), 1'024);
  const std::vector<std::string> ten(10, mib);
  const merged_segment merged("m", {input(ten), input(ten)});
  *watch = {};
  EXPECT_EQ(read(merged, [] { return std::size_t(8) << 20; }).size(), merged.size());
  EXPECT_EQ(watch->bytes, merged.footer().bytes);
  EXPECT_LE(watch->largest, merge_window_bytes);
  EXPECT_LE(watch->reads, 2 * 4U) << "neighbours come together";
  *watch = {};
  std::ignore = read(merged, [] { return 4'096; });
  EXPECT_EQ(watch->bytes, merged.footer().bytes);
}

TEST_F(RowsetMerge, ABlockThatDoesNotMatchEndsIt) {
  const auto a = block_of("a", 300);
  const merged_segment merged("m", {input({a}), input({a, a})});
  watch->damaged_at = 16 + a.size() + 5;  // In the second input's second block.
  const auto said = refused(storage_fault::corrupt, [&] { std::ignore = read(merged, [] { return 100; }); });
  EXPECT_NE(said.find("input"), std::string::npos) << said;
  watch->damaged_at.reset();
  std::string block(a.size(), '\0');
  merged.read_at(16 + a.size(), std::as_writable_bytes(std::span(block)));
  EXPECT_EQ(block, a) << "nothing of what failed was kept";
  EXPECT_EQ(read(merged, [] { return 100; }), file_of({a, a, a}));
}

TEST_F(RowsetMerge, OnlyOneTabletsRowsAndNotNone) {
  EXPECT_THROW(merged_segment("m", {input({"a\n"}), input({"a\n"}, 8)}), std::logic_error);
  EXPECT_THROW(merged_segment("m", {rowset_reader::empty(7)}), std::logic_error);
}

}  // namespace
}  // namespace tabletd
