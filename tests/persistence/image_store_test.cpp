// The images a front end keeps: the two newest sound ones, and nothing that was not announced so
// (spec/jobs.md K4, K5, K9 and vectors D-C 7 and 8).
#include "persistence/image_store.h"

#include "tests/persistence/image_rig.h"

namespace tabletd {
namespace {

using namespace test;

constexpr std::uint64_t no_limit = ~std::uint64_t{};

struct ImageStore : testing::Test {
  memory_directory scratch;
  fs::path home = scratch.path() / "images";
  image_store store{home};

  image_summary make(std::uint64_t journal_id, const std::string& what = "catalog") {
    auto writer = store.begin({image_format, journal_id, 7, 0, 0});
    writer.append(1, section_required, bytes_of(what));
    return store.keep(std::move(writer));
  }
  /// Made elsewhere.
  std::string foreign(std::uint64_t journal_id, image_summary& summary, const std::string& what = "catalog") {
    const auto file = scratch.path() / "foreign";
    summary = write_image(file, journal_id, {{1, 1, what}});
    return contents(file);
  }
  image_summary receive(const image_summary& announced, const std::string& bytes) {
    auto receiver = store.receive(announced);
    for (std::size_t at = 0; at < bytes.size(); at += 10)
      receiver.append(bytes_of(bytes).subspan(at, std::min<std::size_t>(10, bytes.size() - at)));
    return store.keep(std::move(receiver));
  }
  void damage(std::uint64_t journal_id) {
    auto bytes = contents(store.path_of(journal_id));
    bytes[bytes.size() / 2] ^= 1;
    put_contents(store.path_of(journal_id), bytes);
  }
  using ids = std::vector<std::uint64_t>;
  ids kept() const {
    ids found;
    for (const auto& one : store.list())
      found.push_back(one.journal_id);
    return found;
  }
};

TEST_F(ImageStore, KeepsTheTwoNewest) {
  EXPECT_TRUE(store.list().empty());
  EXPECT_FALSE(store.newest_valid().newest);
  for (const std::uint64_t id : {9, 10, 100})
    make(id);
  EXPECT_EQ(kept(), (ids{100, 10})) << "by number, not by name";
  EXPECT_EQ(files_under(home), (std::vector<std::string>{"image.10", "image.100"}));
  const auto found = store.newest_valid();
  EXPECT_EQ(found.newest->summary, store.list().front());
  EXPECT_TRUE(found.passed_over.empty());
}

TEST_F(ImageStore, RemovesWhatAnEarlierProcessLeft) {
  make(50);
  put_contents(home / "image.60.part", "half");
  put_contents(home / "image.60.tmp.0123456789abcdef", "half");
  put_contents(home / "notes", "an operator's");
  image_store again(home);
  EXPECT_EQ(files_under(home), (std::vector<std::string>{"image.50", "notes"}));
  EXPECT_EQ(again.list().size(), 1u);
}

TEST_F(ImageStore, FallsBackToTheOlderOneAndSaysSo) {
  make(50);
  make(100);
  damage(100);
  const auto found = store.newest_valid();
  ASSERT_TRUE(found.newest);
  EXPECT_EQ(found.newest->summary.journal_id, 50u);
  ASSERT_EQ(found.passed_over.size(), 1u);
  EXPECT_NE(found.passed_over.front().find("image.100 is damaged"), std::string::npos) << found.passed_over.front();
  damage(50);
  const auto none = store.newest_valid();
  EXPECT_FALSE(none.newest);
  EXPECT_EQ(none.passed_over.size(), 2u);
}

TEST_F(ImageStore, ADamagedOneIsNotOneOfTheTwo) {
  make(50);
  make(100);
  damage(100);
  EXPECT_EQ(store.newest_valid().newest->summary.journal_id, 50u);
  make(200);
  EXPECT_EQ(kept(), (ids{200, 50})) << "the sound older one is the fall-back";
}

TEST_F(ImageStore, SaysWhichOnesAreSound) {
  make(50);
  const auto newest = make(100);
  damage(50);
  EXPECT_EQ(store.sound(), std::vector{newest});
  make(200);
  EXPECT_EQ(kept(), (ids{200, 100})) << "the damaged one was remembered";
}

TEST_F(ImageStore, ForgetsWhatIsOlderThanAReplacedState) {
  make(50);
  make(100);
  store.forget_before(100);
  EXPECT_EQ(kept(), (ids{100}));
}

TEST_F(ImageStore, AnImageUnderAnotherNameIsNotBelieved) {
  make(50);
  fs::copy_file(store.path_of(50), store.path_of(70));
  EXPECT_EQ(kept(), (ids{50}));
  EXPECT_EQ(store.newest_valid().newest->summary.journal_id, 50u);
}

TEST_F(ImageStore, TakesWhatWasAnnounced) {
  make(50);
  image_summary announced;
  const auto bytes = foreign(100, announced);
  EXPECT_EQ(receive(announced, bytes), announced);
  EXPECT_EQ(kept(), (ids{100, 50}));
  EXPECT_EQ(contents(store.path_of(100)), bytes);
}

// D-C 7.
TEST_F(ImageStore, APartialImageLeavesNothingAndTheDownloadRepeats) {
  make(50'000);
  image_summary announced;
  const auto bytes = foreign(100'000, announced);
  EXPECT_THROW((void)receive(announced, bytes.substr(0, bytes.size() * 6 / 10)), storage_error);
  EXPECT_EQ(files_under(home), std::vector<std::string>{"image.50000"});
  { auto cut = store.receive(announced); cut.append(bytes_of(bytes).first(20)); }
  EXPECT_EQ(files_under(home), std::vector<std::string>{"image.50000"});
  EXPECT_THROW((void)receive(announced, bytes + "x"), storage_error);
  EXPECT_EQ(receive(announced, bytes), announced);
}

// D-C 8: the same size, so only the checksum tells.
TEST_F(ImageStore, AFlippedBitOfTheSameSizeIsRefused) {
  make(50'000);
  image_summary announced;
  const auto bytes = foreign(100'000, announced, R"({"numJson":2,"id":"1"}{"a":1}{"b":2})");
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    ASSERT_THROW((void)receive(announced, flipped), storage_error) << bit;
  }
  // Sound in itself, as long and of the same edits, but not what was announced.
  image_summary other;
  const auto altered = foreign(100'000, other, R"({"numJson":2,"id":"1"}{"a":0}{"b":2})");
  ASSERT_EQ(other.bytes, announced.bytes);
  try {
    (void)receive(announced, altered);
    FAIL();
  } catch (const storage_error& error) {
    EXPECT_EQ(error.fault(), storage_fault::corrupt);
    EXPECT_NE(std::string{error.what()}.find("announced was " + std::to_string(announced.crc32c)), std::string::npos);
  }
  EXPECT_EQ(files_under(home), std::vector<std::string>{"image.50000"});
}

TEST_F(ImageStore, AnnouncedWithAnotherNumberIsRefused) {
  image_summary announced;
  const auto bytes = foreign(100, announced);
  announced.journal_id = 101;
  EXPECT_THROW((void)receive(announced, bytes), storage_error);
  EXPECT_TRUE(files_under(home).empty());
}

}  // namespace
}  // namespace tabletd
