// Segment files: what was written comes back, and no damage goes unnoticed.
#include "persistence/rowset_file.h"

#include "tests/persistence/fault_files.h"
#include "tests/persistence/store_rig.h"

namespace tabletd {
namespace {

using namespace test;

struct RowsetFile : testing::Test {
  memory_directory scratch;
  fs::path file = scratch.path() / "1.seg";

  /// A sealed file of these blocks.
  void write(const std::vector<std::string>& blocks, std::uint64_t tablet = 7) {
    rowset_writer writer(file, tablet);
    for (const auto& block : blocks)
      append(writer, block);
    writer.seal();
  }
  /// Opens and reads everything; throws at the first sign of damage.
  void read_all() const {
    const auto reader = rowset_reader::open(file);
    std::vector<std::byte> block;
    for (std::uint32_t i = 0; i < reader->footer().blocks.size(); ++i)
      reader->read(i, block);
  }
};

TEST_F(RowsetFile, WhatWasWrittenComesBack) {
  const std::vector<std::string> blocks{block_of("a", 3), block_of("b", 500), "\n"};
  write(blocks);
  EXPECT_EQ(files_under(scratch.path()), std::vector<std::string>{"1.seg"});

  const auto reader = rowset_reader::open(file);
  EXPECT_EQ(reader->footer(), source_rowset(7, blocks).footer);
  EXPECT_EQ(reader->footer().rows, 504u);
  EXPECT_EQ(fs::file_size(file), rowset_file_bytes(reader->footer().bytes, 3));
  for (std::uint32_t i = 3; i-- > 0;) {
    std::vector<std::byte> block;
    reader->read(i, block);
    EXPECT_TRUE(std::ranges::equal(block, bytes_of(blocks[i])));
  }
}

TEST_F(RowsetFile, BytesAreAsDocumented) {
  write({"a\n"});
  const auto checksum = checksum_of(bytes_of("a\n"));
  std::string wanted("tabletd-seg 1\n\0\0a\n", 18);
  const auto number = [](std::uint64_t n, int size) {
    std::string bytes;
    for (int i = 0; i < size; ++i, n >>= 8)
      bytes += static_cast<char>(n);
    return bytes;
  };
  const auto footer = number(1, 4) + number(1, 4) + number(7, 8) + number(1, 8) + number(2, 8) + number(16, 8)
                      + number(2, 4) + number(1, 4) + number(checksum, 8) + number(56, 4);
  wanted += footer + number(checksum_of(bytes_of(footer)), 8) + "seg-end\n";
  EXPECT_EQ(text_of(file), wanted);
}

TEST_F(RowsetFile, EverySingleBitFlipIsDetected) {
  write({block_of("a", 3), block_of("b", 2)});
  const auto good = text_of(file);
  read_all();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto damaged = good;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    put_text(file, damaged);
    ASSERT_NO_FATAL_FAILURE(refused(storage_fault::corrupt, [this] { read_all(); })) << bit;
    ASSERT_FALSE(HasFailure()) << "bit " << bit;
  }
}

TEST_F(RowsetFile, EveryTruncationAndEveryExtraByteIsDetected) {
  write({block_of("a", 3), block_of("b", 2)});
  const auto good = text_of(file);
  for (std::size_t size = 0; size < good.size(); ++size) {
    put_text(file, good.substr(0, size));
    refused(storage_fault::corrupt, [this] { read_all(); });
    ASSERT_FALSE(HasFailure()) << "size " << size;
  }
  for (const auto& longer : {good + '\0', good + good, good + good.substr(good.size() - 20)}) {
    put_text(file, longer);
    refused(storage_fault::corrupt, [this] { read_all(); });
  }
}

TEST_F(RowsetFile, FooterThatCannotCountIsRefusedThoughItsChecksumIsRight) {
  const auto good = source_rowset(7, {block_of("a", 3), block_of("b", 2)}).footer;
  const auto refuses = [](const rowset_footer& footer) {
    refused(storage_fault::corrupt, [&] { (void)rowset_footer::decode(footer.encode(), "here"); });
  };
  EXPECT_EQ(rowset_footer::decode(good.encode(), "here"), good);
  for (const auto shift : {-1, 1}) {
    auto gap = good;
    gap.blocks[1].offset += static_cast<std::uint64_t>(shift);
    refuses(gap);
    auto rows = good;
    rows.rows += static_cast<std::uint64_t>(shift);
    refuses(rows);
    auto bytes = good;
    bytes.bytes += static_cast<std::uint64_t>(shift);
    refuses(bytes);
  }
  auto without_rows = good;
  without_rows.rows -= without_rows.blocks[1].rows;
  without_rows.blocks[1].rows = 0;
  refuses(without_rows);
  auto huge = good;
  huge.bytes += block_bytes_max;
  huge.blocks[1].length += block_bytes_max;
  refuses(huge);
}

TEST_F(RowsetFile, FooterOfANewerVersionAsksForAnUpgrade) {
  auto tail = rowset_footer{}.encode();
  tail[0] = std::byte{2};
  const auto checked = std::span(tail).first(tail.size() - 16);
  for (std::size_t i = 0; i < 8; ++i)
    tail[tail.size() - 16 + i] = static_cast<std::byte>(checksum_of(checked) >> (8 * i));
  const auto why = refused(storage_fault::unusable, [&] { (void)rowset_footer::decode(tail, "here"); });
  EXPECT_NE(why.find("upgrade"), std::string::npos);
}

TEST_F(RowsetFile, DamagedBlocksAreRefusedOnTheWayIn) {
  const std::string block = block_of("a", 3);
  const auto sum = checksum_of(bytes_of(block));
  const auto refuses = [&](const std::string& bytes, std::uint32_t rows, std::uint64_t checksum) {
    rowset_writer writer(file, 7);
    append(writer, block_of("before", 2));
    refused(storage_fault::corrupt, [&] { writer.append(bytes_of(bytes), rows, checksum); });
    EXPECT_TRUE(files_under(scratch.path()).empty()) << "its file must be gone at once";
    refused(storage_fault::unusable, [&] { append(writer, block); });
    refused(storage_fault::unusable, [&] { writer.seal(); });
  };
  refuses(block, 3, sum + 1);
  refuses(block, 2, sum);
  refuses(block + "no end", 3, checksum_of(bytes_of(block + "no end")));
  refuses("", 0, checksum_of({}));
  const std::string huge(block_bytes_max + 1, '\n');
  refuses(huge, block_bytes_max + 1, checksum_of(bytes_of(huge)));
}

TEST_F(RowsetFile, DroppedWriterLeavesNothing) {
  { rowset_writer unused(file, 7); }
  {
    rowset_writer finished(file, 7);
    append(finished, "a\n");
    (void)finished.finish();
    auto moved = std::move(finished);
    EXPECT_EQ(moved.rows(), 1u);
  }
  EXPECT_TRUE(files_under(scratch.path()).empty());
}

TEST_F(RowsetFile, UnlinkedFileStaysReadableWhileOpen) {
  write({block_of("a", 3)});
  const auto reader = rowset_reader::open(file);
  fs::remove(file);
  std::vector<std::byte> block;
  reader->read(0, block);
  EXPECT_TRUE(std::ranges::equal(block, bytes_of(block_of("a", 3))));
  refused(storage_fault::corrupt, [this] { read_all(); });  // Missing: metadata names it.
}

TEST_F(RowsetFile, LinksAndDirectoriesAreNotSegments) {
  write({"a\n"});
  fs::rename(file, scratch.path() / "elsewhere");
  fs::create_symlink(scratch.path() / "elsewhere", file);
  refused(storage_fault::corrupt, [this] { read_all(); });
  fs::remove(file);
  fs::create_directory(file);
  refused(storage_fault::corrupt, [this] { read_all(); });
}

// -- resuming a copy ----------------------------------------------------------------------

struct RowsetCopy : RowsetFile {
  fs::path partial = scratch.path() / "9.part";
  source_rowset source{7, {block_of("a", 3), block_of("b", 1), block_of("c", 4)}};
  std::string whole;  ///< The source's file, byte for byte.

  RowsetCopy() {
    write(source.blocks);
    whole = text_of(file);
    fs::remove(file);
  }
  /// The blocks the writer need not fetch, having finished the copy.
  std::uint32_t resume_and_finish() {
    auto writer = rowset_writer::resume(partial, source.footer);
    const auto kept = writer.blocks();
    source.send(writer);
    EXPECT_EQ(writer.finish(), source.footer);
    writer.seal_as(file);
    EXPECT_EQ(text_of(file), whole);
    EXPECT_FALSE(fs::exists(partial));
    return kept;
  }
};

TEST_F(RowsetCopy, GoesOnAtEveryBlock) {
  for (std::size_t sent = 0; sent <= source.blocks.size(); ++sent) {
    {
      auto writer = rowset_writer::resume(partial, source.footer);
      source.send(writer, sent);
    }
    EXPECT_EQ(resume_and_finish(), sent);
  }
}

TEST_F(RowsetCopy, KeepsWholeBlocksOfEveryLength) {
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    put_text(partial, whole.substr(0, size));
    const auto kept = std::ranges::count_if(
        source.footer.blocks, [&](const block_entry& block) { return block.offset + block.length <= size; });
    ASSERT_EQ(resume_and_finish(), kept) << "size " << size;
  }
}

TEST_F(RowsetCopy, FetchesAgainFromTheFirstDamagedBlockOn) {
  for (std::size_t byte = 0; byte < whole.size(); ++byte) {
    auto damaged = whole;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 4);
    put_text(partial, damaged);
    const auto kept = byte < 16 ? 0 : std::ranges::count_if(source.footer.blocks, [&](const auto& b) {
      return b.offset + b.length <= byte;
    });
    ASSERT_EQ(resume_and_finish(), kept) << "byte " << byte;
  }
}

TEST_F(RowsetCopy, RefusesWhatIsNotTheSourcesNextBlockButKeepsTheRest) {
  for (const auto& wrong : {block_of("b", 2), source.blocks[2]}) {
    auto writer = rowset_writer::resume(partial, source.footer);
    if (writer.blocks() == 0)
      source.send(writer, 1);
    refused(storage_fault::corrupt, [&] { append(writer, wrong); });
    refused(storage_fault::unusable, [&] { source.send(writer); });
  }
  EXPECT_EQ(resume_and_finish(), 1u);
}

TEST_F(RowsetCopy, CannotBeFinishedShort) {
  auto writer = rowset_writer::resume(partial, source.footer);
  source.send(writer, 2);
  const auto why = refused(storage_fault::corrupt, [&] { (void)writer.finish(); });
  EXPECT_NE(why.find("2 of the source's 3 blocks"), std::string::npos) << why;
  EXPECT_EQ(resume_and_finish(), 2u);
}

TEST_F(RowsetCopy, FinishedButNotInstalledIsAllKept) {
  {
    auto writer = rowset_writer::resume(partial, source.footer);
    source.send(writer);
    (void)writer.finish();
  }
  EXPECT_EQ(resume_and_finish(), 3u);
}

// -- disks that say no --------------------------------------------------------------------

struct RowsetFaults : RowsetFile {
  fault_files disk{scratch.path(), 1};
};

TEST_F(RowsetFaults, FailedFsyncIsIoWhateverItsErrnoAndIsNeverRetried) {
  for (const int error : {EIO, ENOSPC, EDQUOT}) {
    rowset_writer writer(file, 7);
    append(writer, "a\n");
    disk.restart_process();
    disk.fail_only = "fsync";
    disk.fail_at = 1;
    disk.fail_errno = error;
    refused(storage_fault::io, [&] { (void)writer.finish(); });
    refused(storage_fault::unusable, [&] { (void)writer.finish(); });
    refused(storage_fault::unusable, [&] { writer.seal(); });
    EXPECT_EQ(disk.calls_made(), 1) << "one fsync, and no second one";
    EXPECT_TRUE(files_under(scratch.path()).empty());
  }
}

TEST_F(RowsetFaults, CopyWhoseFsyncFailedIsNotKept) {
  const source_rowset source(7, {block_of("a", 3)});
  const auto partial = scratch.path() / "9.part";
  auto writer = rowset_writer::resume(partial, source.footer);
  source.send(writer);
  disk.restart_process();
  disk.fail_only = "fsync";
  disk.fail_at = 1;
  refused(storage_fault::io, [&] { (void)writer.finish(); });
  EXPECT_FALSE(fs::exists(partial)) << "the page cache may hold what the disk does not";
}

TEST_F(RowsetFaults, CopyThatCouldNotBeOpenedIsKept) {
  const source_rowset source(7, {block_of("a", 3)});
  const auto partial = scratch.path() / "9.part";
  {
    auto writer = rowset_writer::resume(partial, source.footer);
    source.send(writer);
  }
  disk.restart_process();
  disk.fail_only = "open";
  disk.fail_at = 1;
  disk.fail_errno = EMFILE;
  refused(storage_fault::denied, [&] { (void)rowset_writer::resume(partial, source.footer); });
  ASSERT_TRUE(fs::exists(partial)) << "it takes a descriptor, not a new copy, to go on";
  EXPECT_EQ(rowset_writer::resume(partial, source.footer).blocks(), 1u);
}

TEST_F(RowsetFaults, FullDiskNamesTheFileAndFreesItsSpace) {
  auto quota = std::make_shared<space_quota>(5000);
  quota->adopt(1000);
  {
    rowset_writer writer(file, 7, quota);
    append(writer, block_of("a", 100));
    const auto used = quota->used_bytes();
    EXPECT_EQ(used, 1000 + 16 + block_of("a", 100).size());
    const auto why = refused(storage_fault::disk_full, [&] { append(writer, block_of("b", 300)); });
    EXPECT_NE(why.find("1.seg"), std::string::npos) << why;
  }
  EXPECT_EQ(quota->used_bytes(), 1000u);

  rowset_writer writer(file, 7, quota);
  disk.restart_process();
  disk.fail_only = "pwrite";
  disk.fail_at = 1;
  disk.fail_errno = ENOSPC;
  const auto why = refused(storage_fault::disk_full, [&] { append(writer, "a\n"); });
  EXPECT_NE(why.find("1.seg"), std::string::npos) << why;
  EXPECT_EQ(quota->used_bytes(), 1000u);
  EXPECT_TRUE(files_under(scratch.path()).empty());
}

TEST_F(RowsetFaults, WritebackStartsWhileTheLoadStillRuns) {
  rowset_writer writer(file, 7);
  disk.restart_process();
  disk.fail_only = "sync_file_range";  // Counted only.
  const std::string block(1 << 20, '\n');
  for (int i = 0; i < 9; ++i)
    append(writer, block);
  EXPECT_EQ(disk.calls_made(), 2) << "one per 4 MiB";
}

TEST_F(RowsetFaults, ReadErrorIsIo) {
  write({block_of("a", 3)});
  const auto reader = rowset_reader::open(file);
  disk.restart_process();
  disk.fail_only = "pread";
  disk.fail_at = 1;
  std::vector<std::byte> block;
  refused(storage_fault::io, [&] { reader->read(0, block); });
  reader->read(0, block);
}

}  // namespace
}  // namespace tabletd
