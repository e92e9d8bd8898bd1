// Blocks come from the store once and from the disk after that, or from the store again when the disk is no good.
#include "persistence/durable_file.h"
#include "tests/persistence/cache_rig.h"

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <random>
#include <sys/resource.h>
#include <thread>

namespace tabletd {
namespace {

using namespace test;

void overwrite(const std::filesystem::path& file, std::size_t offset, char letter) {
  std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
  out.seekp(static_cast<std::streamoff>(offset));
  out.put(letter);
}

TEST_F(FileCache, TheSecondReadAsksNobody) {
  open();
  put(1);
  expect_reads(1);
  EXPECT_EQ(store.gets(), 5);
  EXPECT_EQ(store.bytes_sent(), 5'000U);
  expect_reads(1);
  EXPECT_EQ(store.gets(), 5);
  EXPECT_EQ(cache->counters().hits, 5U);
  EXPECT_EQ(cache->counters().misses, 5U);
  EXPECT_EQ(cache->counters().bytes_from_cache, 5'000U);
  EXPECT_EQ(block_files(disk).size(), 5U);
}

TEST_F(FileCache, EveryRangeIsRight) {
  options.rules.block_bytes = 200'000;  // Three checked spans and a piece.
  options.paths[0].capacity_bytes = 10'000'000;
  open();
  const std::size_t size = 450'001;
  const auto object = put(1, size);
  const auto bytes = bytes_of_object(1, size);
  std::mt19937_64 rng(1);
  std::vector<std::uint64_t> edges{0,       1,       65'535,  65'536,  65'537,  131'072,
                                   199'999, 200'000, 200'001, 265'536, 400'000, size};
  for (int i = 0; i < 40; ++i)
    edges.push_back(rng() % size);
  for (const auto begin : edges)
    for (const auto end : edges)
      if (begin <= end) {
        ASSERT_EQ(read(object, begin, end - begin), bytes.substr(begin, end - begin)) << begin << " to " << end;
      }
  EXPECT_EQ(store.gets(), 3);
}

TEST_F(FileCache, ARestartFindsEverything) {
  open();
  put(1);
  put(2, 999);
  expect_reads(1);
  expect_reads(2, 999);
  open();
  EXPECT_EQ(held(), 5'999U);
  expect_reads(1);
  expect_reads(2, 999);
  EXPECT_EQ(store.gets(), 6);
}

TEST_F(FileCache, ARestartKeepsTheOrderOfReads) {
  open();
  for (int n = 1; n <= 4; ++n, now += 20)
    put(n), expect_reads(n);
  expect_reads(1);
  open();
  put(5), expect_reads(5);  // 25 blocks where 20 fit.
  EXPECT_EQ(cache->bytes_present(object_named(1, 5'000)), 5'000U);
  EXPECT_EQ(cache->bytes_present(object_named(2, 5'000)), 0U);
}

TEST_F(FileCache, FilesAndRowsThatDoNotAgreeAreDropped) {
  open();
  put(1);
  expect_reads(1);
  cache.reset();
  const auto files = block_files(disk);
  std::filesystem::remove(files[0]);
  std::filesystem::resize_file(files[1], 500);
  std::filesystem::copy_file(files[2], files[2].parent_path() / "00000000000000aa.7");
  std::ofstream(files[2].string() + ".tmp.0123456789abcdef") << "half";
  std::ofstream(files[2].parent_path() / "README") << "not ours";
  open();
  EXPECT_EQ(held(), 3'000U);
  EXPECT_EQ(block_files(disk).size(), 4U) << "three blocks, and what is not ours";
  expect_reads(1);
  EXPECT_EQ(store.gets(), 7);
}

TEST_F(FileCache, ADamagedIndexEmptiesTheCache) {
  open();
  put(1);
  expect_reads(1);
  cache.reset();
  std::ofstream(disk / "index.db") << std::string(5'000, 'x');
  open();
  EXPECT_EQ(cache->status()[0].fault, "");
  EXPECT_EQ(held(), 0U);
  EXPECT_TRUE(block_files(disk).empty());
  expect_reads(1);
  EXPECT_EQ(held(), 5'000U);
}

TEST_F(FileCache, AnotherBlockSizeBeginsAnew) {
  open();
  put(1);
  expect_reads(1);
  cache.reset();
  options.rules.block_bytes = 2'000;
  open();
  EXPECT_EQ(held(), 0U);
  expect_reads(1);
  EXPECT_EQ(block_files(disk).size(), 3U);
}

TEST_F(FileCache, EveryFlippedByteIsFoundAndReadFromTheStore) {
  open();
  const auto object = put(1, small_block);
  expect_reads(1, small_block);
  const auto size = std::filesystem::file_size(block_files(disk)[0]);
  ASSERT_EQ(size, small_block + 8U);
  for (std::size_t at = 0; at < size; ++at) {
    overwrite(block_files(disk)[0], at, static_cast<char>(at));
    overwrite(block_files(disk)[0], at, '\x01');
    ASSERT_EQ(read(object, 0, small_block), bytes_of_object(1, small_block)) << "byte " << at;
  }
  EXPECT_GT(cache->counters().dropped_corrupt, size - 20U);
  EXPECT_EQ(held(), 1'000U);
}

TEST_F(FileCache, AFileOfAnotherBlockIsDamage) {
  open();
  put(1, small_block);
  put(2, small_block);
  expect_reads(1, small_block);
  const auto first = block_files(disk)[0];
  expect_reads(2, small_block);
  for (const auto& file : block_files(disk))
    if (file != first)
      std::filesystem::copy_file(first, file, std::filesystem::copy_options::overwrite_existing);
  expect_reads(2, small_block);
  EXPECT_EQ(cache->counters().dropped_corrupt, 1U);
}

TEST_F(FileCache, AMissingFileIsReadFromTheStore) {
  open();
  put(1);
  expect_reads(1);
  std::filesystem::remove_all(disk / "blocks");
  expect_reads(1);
  EXPECT_EQ(cache->counters().dropped_corrupt, 5U);
}

TEST_F(FileCache, WithoutDescriptorsTheStoreServesAndNothingIsDropped) {
  open();
  put(1);
  expect_reads(1);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto got = read(object_named(1, 5'000), 0, 5'000);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(got, bytes_of_object(1, 5'000));
  EXPECT_EQ(held(), 5'000U);
  EXPECT_EQ(cache->counters().dropped_corrupt, 0U);
  EXPECT_EQ(store.gets(), 10);
}

TEST_F(FileCache, WhatAReaderDistrustsComesFromTheStoreAgain) {
  open();
  const auto object = put(1);
  store.lie_next(1);
  EXPECT_NE(read(object, 0, 5'000), bytes_of_object(1, 5'000)) << "the cache cannot know";
  cache->distrust(object, 10, 900);
  expect_reads(1);
  EXPECT_EQ(store.gets(), 6) << "only the one block";
}

TEST_F(FileCache, AFullCacheEvictsAndItsFilesFollow) {
  open();
  for (int n = 1; n <= 10; ++n)
    put(n), expect_reads(n), cache->maintain();
  EXPECT_EQ(held(), 20'000U);
  EXPECT_EQ(block_files(disk).size(), 20U);
  EXPECT_EQ(cache->counters().evicted_capacity, 30U);
  cache.reset();
  auto index = sqlite::open_to_read(disk / "index.db");
  EXPECT_EQ(index.number("SELECT count(*) FROM blocks"), 20);
  EXPECT_EQ(index.number("SELECT count(*) FROM objects"), 4);
}

TEST_F(FileCache, BlocksSpreadOverPathsAndADeadPathIsLeftOut) {
  options.paths.push_back({.directory = scratch.path() / "second", .capacity_bytes = 20'000});
  open();
  for (int n = 1; n <= 4; ++n)
    put(n), expect_reads(n);
  EXPECT_GT(block_files(disk).size(), 3U);
  EXPECT_GT(block_files(scratch.path() / "second").size(), 3U);
  cache.reset();
  std::filesystem::remove_all(scratch.path() / "second");
  std::ofstream(scratch.path() / "second") << "not a directory";
  open();
  EXPECT_NE(cache->status()[1].fault, "");
  EXPECT_EQ(cache->status()[0].fault, "");
  for (int n = 1; n <= 4; ++n)
    expect_reads(n);
  EXPECT_EQ(held(), 20'000U);
}

TEST_F(FileCache, WithoutAnyPathReadersGetWhatTheyAskForFromTheStore) {
  options.paths.clear();
  open();
  const auto object = put(1);
  EXPECT_EQ(read(object, 1'500, 10), bytes_of_object(1, 5'000).substr(1'500, 10));
  EXPECT_EQ(store.bytes_sent(), 10U);
  EXPECT_EQ(cache->counters().bypassed, 1U);
}

TEST_F(FileCache, TwoProcessesDoNotShareAFolder) {
  open();
  const file_cache other(options);
  EXPECT_NE(other.status()[0].fault, "");
  EXPECT_EQ(cache->status()[0].fault, "");
}

// -- one download for all ---------------------------------------------------------------

TEST_F(FileCache, ReadersOfOneBlockWaitForOneDownload) {
  open();
  const auto object = put(1, small_block);
  store.hold();
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 8; ++i)
      readers.emplace_back(
          [&] { right += read(object, 100, 500) == bytes_of_object(1, small_block).substr(100, 500); });
    store.wait_for_gets(1);
    store.release();
  }
  EXPECT_EQ(right, 8);
  EXPECT_EQ(store.gets(), 1);
  EXPECT_EQ(cache->counters().misses + cache->counters().hits, 8U);
}

TEST_F(FileCache, AFailedDownloadFailsAllWhoWaitAndTheNextTriesAgain) {
  open();
  const auto object = put(1, small_block);
  store.hold();
  store.fail_next(1);
  std::atomic<int> failed{0}, asked{0};
  {
    std::vector<std::jthread> readers;
    const auto try_read = [&] {
      failed += fault_of([&] { read(object, 0, 500, {.time_left = [&] { return ++asked, unhurried(); }}); })
                == remote_fault::network;
    };
    readers.emplace_back(try_read);
    store.wait_for_gets(1);
    for (int i = 0; i < 3; ++i)
      readers.emplace_back(try_read);
    while (asked < 3)  // Each waiting reader has asked how long it may wait.
      std::this_thread::yield();
    store.release();
  }
  EXPECT_EQ(failed, 4);
  EXPECT_EQ(store.gets(), 1);
  EXPECT_EQ(cache->counters().failed_downloads, 1U);
  expect_reads(1, small_block);
  EXPECT_EQ(store.gets(), 2);
}

TEST_F(FileCache, AReaderWhoseTimeIsOverStopsAloneAndAnotherTakesHisPlace) {
  open();
  const auto object = put(1, small_block);
  store.hold();
  std::atomic<bool> is_over{false};
  std::atomic<int> asked{0};
  std::optional<remote_fault> leader, waiter;
  std::string got;
  {
    std::jthread first([&] {
      leader = fault_of(
          [&] { read(object, 0, 500, {.time_left = [&] { return std::chrono::milliseconds(is_over ? 0 : 1'000); }}); });
    });
    store.wait_for_gets(1);
    std::jthread second([&] { got = read(object, 0, 500, {.time_left = [&] { return ++asked, unhurried(); }}); });
    std::jthread third([&] {
      waiter = fault_of([&] { read(object, 0, 500, {.time_left = [] { return std::chrono::milliseconds(0); }}); });
    });
    third.join();  // Although the download hangs.
    while (asked == 0)
      std::this_thread::yield();
    is_over = true;
    store.release();
  }
  EXPECT_EQ(leader, remote_fault::stopped);
  EXPECT_EQ(waiter, remote_fault::stopped);
  EXPECT_EQ(got, bytes_of_object(1, small_block).substr(0, 500));
  EXPECT_EQ(cache->counters().failed_downloads, 0U);
}

TEST_F(FileCache, ObjectsThatEndEarlyOrAreNotThereSaySo) {
  open();
  auto object = put(1);
  EXPECT_EQ(fault_of([&] { read(object_named(2, 10), 0, 10); }), remote_fault::not_found);
  object.size_bytes = 5'500;
  try {
    read(object, 5'000, 400);
    FAIL() << "there are no such bytes";
  } catch (const storage_error& why) {
    EXPECT_EQ(why.fault(), storage_fault::corrupt);
  }
  expect_reads(1);
}

TEST_F(FileCache, ManyReadersOfASmallCacheGetRightBytes) {
  options.paths.push_back({.directory = scratch.path() / "second", .capacity_bytes = 7'000});
  options.index_batch = 16;
  open();
  for (int n = 1; n <= 12; ++n)
    put(n);
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> readers;
    for (std::uint64_t seed = 1; seed <= 4; ++seed)
      readers.emplace_back([&, seed] {
        std::mt19937_64 rng(seed);
        for (int i = 0; i < 3'000; ++i) {
          const auto n = 1 + static_cast<int>(rng() % 12);
          const auto begin = rng() % 4'900, length = 1 + rng() % (5'000 - begin);
          if (rng() % 64 == 0)
            cache->maintain();
          else if (rng() % 64 == 0)
            static_cast<void>(cache->fill(store, object_named(n, 5'000), {.forced = rng() % 2 == 0}));
          else if (rng() % 64 == 0)
            cache->distrust(object_named(n, 5'000), begin, length);
          else
            wrong += read(object_named(n, 5'000), begin, length) != bytes_of_object(n, 5'000).substr(begin, length);
        }
      });
  }
  EXPECT_EQ(wrong, 0);
  std::uint64_t files = 0, bytes = 0;
  for (const auto& path : cache->status()) {
    EXPECT_LE(path.holdings.bytes_held(), path.holdings.capacity_bytes);
    EXPECT_EQ(path.fault, "");
    bytes += path.holdings.bytes_held();
    files += block_files(path.directory).size();
  }
  EXPECT_EQ(files * 1'000, bytes);
  EXPECT_GT(cache->counters().evicted_capacity, 1'000U);
  EXPECT_GT(cache->counters().hits, 1'000U);
}

// -- heat -------------------------------------------------------------------------------

TEST_F(FileCache, HeatCountsWhatWasReadFromEitherSide) {
  open();
  const auto object = put(1);
  for (int i = 0; i < 3; ++i)
    read(object, 0, 1'000, {.partition = 9});
  read(object, 0, 500, {.partition = 8});
  read(object, 0, 500);
  EXPECT_EQ(cache->hottest(5), (std::vector<heat_of_partition>{{9, 3'000}, {8, 500}}));
}

/// Whoever abandons may have read a size that is nonsense.
TEST_F(FileCache, AbandoningWhatIsNotHereCostsNothing) {
  open();
  const auto before = std::chrono::steady_clock::now();
  cache->abandon(object_named(1, std::size_t{small_block} * 0xffff'fff0U));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
}

}  // namespace
}  // namespace tabletd
