// Checkpoint images on disk (spec/jobs.md K1): what was written comes back, and no damage, no short file
// and no failing disk leaves an image that is believed.
#include "persistence/crc32c.h"
#include "persistence/image_file.h"

#include "tests/persistence/fault_files.h"
#include "tests/persistence/image_rig.h"

namespace tabletd {
namespace {

using namespace test;

// -- the checksum -----------------------------------------------------------------------

TEST(Crc32c, CheckValuesOfTheSpecification) {
  EXPECT_EQ(crc32c(bytes_of("123456789")), 3'808'858'755u);
  EXPECT_EQ(crc32c(bytes_of(R"({"numJson":2,"id":"1"}{"a":1}{"b":2})")), 920'361'111u);
  EXPECT_EQ(crc32c(bytes_of(R"({"numJson":2,"id":"1"}{"a":0}{"b":2})")), 3'269'807'839u);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32c, TableAndInstructionAgreeAtEveryLengthAndPiecesJoin) {
  std::mt19937_64 dice(1);
  std::string text(300, '\0');
  for (auto& c : text)
    c = static_cast<char>(dice());
  const auto all = bytes_of(text);
  for (std::size_t size = 0; size <= all.size(); ++size) {
    const auto whole = crc32c(all.first(size));
    ASSERT_EQ(detail::crc32c_by_table(all.first(size), 0), whole) << size;
    const auto cut = size == 0 ? 0 : dice() % size;
    const auto first = crc32c(all.first(cut)), second = crc32c(all.subspan(cut, size - cut));
    ASSERT_EQ(crc32c(all.subspan(cut, size - cut), first), whole) << cut << " of " << size;
    ASSERT_EQ(crc32c_joined(first, second, size - cut), whole) << cut << " of " << size;
  }
}

// -- the file ---------------------------------------------------------------------------

struct ImageFile : testing::Test {
  memory_directory scratch;
  fs::path file = scratch.path() / "image.100";

  image_summary write(const sections& what = some_sections()) { return write_image(file, 100, what); }
  std::string complaint() const {
    try {
      (void)verify_image(file);
    } catch (const storage_error& error) {
      EXPECT_EQ(error.path(), file.string());
      return error.what();
    }
    return "sound";
  }
};

TEST_F(ImageFile, WhatWasWrittenComesBack) {
  const auto made = write();
  EXPECT_EQ(files_under(scratch.path()), std::vector<std::string>{"image.100"});
  EXPECT_EQ(made.journal_id, 100u);
  EXPECT_EQ(made.bytes, fs::file_size(file));
  image_reader reader(file);
  EXPECT_EQ(reader.header(), (image_header{image_format, 100, 7, 1'700'000'000'000, 4}));
  EXPECT_EQ(read_sections(reader), some_sections());
  EXPECT_EQ(reader.summary(), made);
  EXPECT_EQ(claimed_summary(file), made);
}

TEST_F(ImageFile, BytesAreAsDocumented) {
  write({{5, 1, "abc"}});
  const auto number = [](std::uint64_t n, int size) {
    std::string bytes;
    for (int i = 0; i < size; ++i, n >>= 8)
      bytes += static_cast<char>(n);
    return bytes;
  };
  const auto crc = [&](const std::string& of) { return number(crc32c(bytes_of(of)), 4); };
  const auto lead = "tbdimage" + number(32, 4) + number(1, 4) + number(100, 8) + number(7, 8)
                + number(1'700'000'000'000, 8) + number(1, 4);
  const auto section = number(5, 4) + number(1, 4) + number(3, 8) + "abc";
  const auto end = number(1, 4) + number(44 + 4 + 19 + 4 + 24, 8);
  EXPECT_EQ(contents(file), lead + crc(lead) + section + crc(section) + end + crc(lead + section + end) + "tbdimage");
}

TEST_F(ImageFile, TheChecksumTellsImagesOfOneShapeApart) {
  // It would not if it covered the sections' own checksums.
  const auto one = write({{5, 1, "abc"}}), other = write({{5, 1, "abd"}});
  EXPECT_EQ(one.bytes, other.bytes);
  EXPECT_NE(one.crc32c, other.crc32c);
}

TEST_F(ImageFile, AnImageWithoutSectionsIsOne) {
  write({});
  image_reader reader(file);
  EXPECT_TRUE(read_sections(reader).empty());
}

TEST_F(ImageFile, EveryBitCounts) {
  write();
  const auto whole = contents(file);
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    auto flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    put_contents(file, flipped);
    ASSERT_THROW((void)verify_image(file), storage_error) << "bit " << bit % 8 << " of byte " << bit / 8;
  }
}

TEST_F(ImageFile, EveryByteCounts) {
  write();
  const auto whole = contents(file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put_contents(file, whole.substr(0, size));
    ASSERT_THROW((void)verify_image(file), storage_error) << size << " bytes";
  }
  put_contents(file, whole + '\0');
  EXPECT_NE(complaint(), "sound");
  put_contents(file, whole);
  EXPECT_EQ(complaint(), "sound");
}

TEST_F(ImageFile, SaysWhichSectionAndWhere) {
  write();
  auto damaged = contents(file);
  damaged[48 + 16 + 1] ^= 1; // The header has 48 bytes, a section's head 16.
  put_contents(file, damaged);
  const auto said = complaint();
  EXPECT_NE(said.find("section 1 at offset 48, of kind 1"), std::string::npos) << said;
  EXPECT_NE(said.find(file.string()), std::string::npos) << said;
}

TEST_F(ImageFile, SectionsThatAreGoneAreMissed) {
  // Whole sections cut out, and the length put right: only the counts and the checksum of everything tell.
  write();
  auto bytes = contents(file);
  const std::size_t second = 48 + 16 + some_sections()[0].bytes.size() + 4;
  bytes.erase(48, second - 48);
  const auto at = bytes.size() - 20;
  for (std::size_t i = 0; i < 8; ++i)
    bytes[at + i] = static_cast<char>(bytes.size() >> 8 * i);
  put_contents(file, bytes);
  EXPECT_NE(complaint().find("it has 3 sections, it says 4"), std::string::npos) << complaint();
}

TEST_F(ImageFile, AFormatOfTheFutureIsNotCalledDamage) {
  write();
  auto bytes = contents(file);
  bytes[12] = 2;
  const auto crc = crc32c(bytes_of(bytes.substr(0, 44)));
  for (std::size_t i = 0; i < 4; ++i)
    bytes[44 + i] = static_cast<char>(crc >> 8 * i);
  put_contents(file, bytes);
  try {
    (void)verify_image(file);
    FAIL();
  } catch (const storage_error& error) {
    EXPECT_EQ(error.fault(), storage_fault::unusable);
    EXPECT_NE(std::string{error.what()}.find("upgrade"), std::string::npos);
  }
}

TEST_F(ImageFile, ALargeImageIsWrittenBackOnTheWay) {
  const std::string big(section_bytes_wanted, 'x');
  const sections what{{1, 1, big}, {1, 1, big}, {1, 1, big}, {2, 0, "end"}};
  write(what);
  image_reader reader(file);
  EXPECT_EQ(read_sections(reader), what);
}

TEST_F(ImageFile, AWriterThatIsDroppedLeavesNothing) {
  {
    image_writer writer(file, {image_format, 100, 7, 0, 0});
    writer.append(1, 1, bytes_of("abc"));
    EXPECT_EQ(files_under(scratch.path()), std::vector<std::string>{"image.100.part"});
    EXPECT_THROW(image_writer(file, {}), storage_error) << "two writers of one file";
  }
  EXPECT_TRUE(files_under(scratch.path()).empty());
}

TEST_F(ImageFile, WhateverCallFailsNothingIsPlaced) {
  // spec/jobs.md D-C 9: a full disk, and every other way to fail.
  write_image(file, 99, {{1, 1, "old"}});
  const auto old = contents(file);
  fault_files disk(scratch.path(), 1);
  bool went_through = false;
  for (std::int64_t nth = 1; !went_through; ++nth) {
    ASSERT_LT(nth, 100);
    disk.fail_errno = nth % 2 ? ENOSPC : EIO;
    disk.fail_at = disk.calls_made() + nth;
    try {
      write();
      went_through = true;
    } catch (const storage_error&) {
      disk.fail_at = -1;
      if (contents(file) != old) { // Only the directory's fsync was left to do.
        EXPECT_EQ(verify_image(file).journal_id, 100u);
        put_contents(file, old);
      }
      ASSERT_EQ(files_under(scratch.path()), std::vector<std::string>{"image.100"}) << "call " << nth;
    }
  }
  disk.fail_at = -1;
  EXPECT_EQ(verify_image(file).journal_id, 100u);
}

TEST_F(ImageFile, APowerCutLeavesTheOldOrTheNewImage) {
  std::size_t old_ones = 0, new_ones = 0;
  for (std::int64_t run = 0; run < 200; ++run) {
    const auto nth = 1 + run % 60;
    for (const auto& name : files_under(scratch.path()))
      fs::remove(scratch.path() / name);
    write_image(file, 99, {{1, 1, "old"}});
    fault_files disk(scratch.path(), static_cast<std::uint64_t>(run));
    disk.cut_at = nth;
    bool told = false;
    try {
      write();
      told = true;
    } catch (const storage_error&) {
    }
    disk.restore_power(0.5);
    const auto kept = verify_image(file).journal_id;
    ASSERT_TRUE(kept == 100 || (kept == 99 && !told)) << "call " << nth;
    (kept == 100 ? new_ones : old_ones) += 1;
  }
  EXPECT_GT(old_ones, 5u);
  EXPECT_GT(new_ones, 5u);
}

}  // namespace
}  // namespace tabletd
