// Warm-ups: whole objects, as many as fit, counted to the byte; and the proof that they are there.
#include "tests/persistence/cache_rig.h"

#include <atomic>
#include <fstream>
#include <thread>

namespace tabletd {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct FileCacheFill : FileCache {
  std::uint64_t held_on_disk() { return block_files(disk).size() * small_block; }
};

TEST_F(FileCacheFill, AFilledObjectIsReadWithoutTheStore) {
  open();
  const auto object = put(1, 4'321);
  std::atomic<std::uint64_t> told{0};
  const auto filled = cache->fill(store, object, {.progress = [&](std::uint64_t bytes) { told += bytes; }});
  EXPECT_FALSE(filled.fault) << filled.why;
  EXPECT_EQ(filled.bytes_fetched, 4'321U);
  EXPECT_EQ(told, 4'321U);
  EXPECT_EQ(store.gets(), 5);
  store.remove(object.key, unhurried);
  expect_reads(1, 4'321);
  const auto again = cache->fill(store, object, {});
  EXPECT_EQ(again.bytes_present, 4'321U);
  EXPECT_EQ(again.bytes_fetched, 0U);
}

// W-09: a destination that is smaller than the batch.
TEST_F(FileCacheFill, WhatDoesNotFitIsCountedAndNotDownloaded) {
  open();
  std::uint64_t fetched = 0, skipped = 0;
  std::uint32_t blocks = 0;
  for (int n = 1; n <= 10; ++n) {
    const auto filled = cache->fill(store, put(n), {});
    EXPECT_FALSE(filled.fault);
    EXPECT_EQ(filled.bytes_fetched + filled.bytes_present + filled.bytes_skipped, 5'000U);
    fetched += filled.bytes_fetched;
    skipped += filled.bytes_skipped;
    blocks += filled.blocks_skipped;
  }
  EXPECT_EQ(fetched, 10'000U) << "half of the cache";
  EXPECT_EQ(skipped, 40'000U);
  EXPECT_EQ(blocks, 40U);
  EXPECT_EQ(store.gets(), 10);
  EXPECT_EQ(cache->counters().evicted_capacity, 0U);
  for (int n = 1; n <= 10; ++n)
    fetched += cache->fill(store, object_named(n, 5'000), {.forced = true}).bytes_fetched;
  EXPECT_EQ(fetched, 20'000U) << "forced: all of it, and still no warm block for another";
  EXPECT_EQ(cache->counters().evicted_capacity, 0U);
}

TEST_F(FileCacheFill, ReadsPassByAFullCacheOfWarmBlocks) {
  open();
  for (int n = 1; n <= 4; ++n)
    EXPECT_EQ(cache->fill(store, put(n), {.forced = true}).bytes_fetched, 5'000U);
  const auto object = put(5);
  const auto before = store.bytes_sent();
  EXPECT_EQ(read(object, 10, 20), bytes_of_object(5, 5'000).substr(10, 20));
  EXPECT_EQ(store.bytes_sent() - before, 20U) << "no whole block for a reader who may not keep it";
  now += 61;
  expect_reads(5);
  EXPECT_EQ(cache->counters().evicted_unused, 5U);
}

TEST_F(FileCacheFill, ManyRequestsAtOnceButNoMoreThanAsked) {
  open();
  const auto object = put(1, 10'000);
  store.hold();
  std::jthread filling([&] { static_cast<void>(cache->fill(store, object, {.requests_max = 3})); });
  store.wait_for_gets(3);
  store.release();
  filling.join();
  EXPECT_EQ(store.most_at_once(), 3);
  EXPECT_EQ(cache->bytes_present(object), 10'000U);
}

TEST_F(FileCacheFill, AFillAndAReaderShareADownload) {
  open();
  const auto object = put(1, small_block);
  store.hold();
  std::string got;
  fill_result filled;
  {
    std::jthread reading([&] { got = read(object, 0, 10); });
    store.wait_for_gets(1);
    std::atomic<bool> is_waiting{false};
    std::jthread filling([&] {
      filled = cache->fill(store, object, {.time_left = [&] {
                             is_waiting = true;
                             return unhurried();
                           }});
    });
    while (!is_waiting)
      std::this_thread::yield();
    store.release();
  }
  EXPECT_EQ(got, bytes_of_object(1, small_block).substr(0, 10));
  EXPECT_EQ(store.gets(), 1);
  EXPECT_EQ(filled.bytes_present, 1'000U);
  EXPECT_EQ(cache->status()[0].holdings.bytes_in(block_queue::warm), 1'000U) << "it is a warm-up's now";
}

TEST_F(FileCacheFill, AStoreThatFailsEndsItWithTheReason) {
  open();
  const auto object = put(1);
  store.fail_next(1);
  const auto filled = cache->fill(store, object, {.requests_max = 1});
  EXPECT_EQ(filled.fault, remote_fault::network);
  EXPECT_NE(filled.why.find("data/1/x.seg"), std::string::npos) << filled.why;
  EXPECT_EQ(store.gets(), 1) << "nobody goes on against a store that fails";
  EXPECT_EQ(cache->fill(store, object_named(9, 10), {}).fault, remote_fault::not_found);
  EXPECT_EQ(cache->fill(store, object, {}).bytes_fetched, 5'000U);
}

TEST_F(FileCacheFill, AFailureStopsTheOtherRequestsToo) {
  options.paths[0].capacity_bytes = 10'000 * small_block;
  open();
  const auto object = put(1, 4'000 * small_block);
  store.fail_next(1);
  EXPECT_EQ(cache->fill(store, object, {.requests_max = 2}).fault, remote_fault::network);
  EXPECT_LT(store.gets(), 2'000);
}

TEST_F(FileCacheFill, TheCallerStopsIt) {
  open();
  const auto object = put(1);
  std::atomic<int> brought{0};
  fill_options wanted;
  wanted.requests_max = 1;
  wanted.progress = [&](std::uint64_t) { ++brought; };
  wanted.time_left = [&] { return std::chrono::milliseconds(brought < 2 ? 1'000 : 0); };
  const auto filled = cache->fill(store, object, wanted);
  EXPECT_EQ(filled.fault, remote_fault::stopped);
  EXPECT_EQ(filled.bytes_fetched, 2'000U);
  EXPECT_EQ(cache->bytes_present(object), 2'000U);
}

TEST_F(FileCacheFill, TheRateIsSharedAndAStoppedFillDoesNotWaitForIt) {
  open();
  put(1), put(2);
  byte_rate rate(50'000);
  ASSERT_TRUE(rate.pass(4U << 20U, unhurried));  // The burst is gone.
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> fills;
    for (int n = 1; n <= 2; ++n)
      fills.emplace_back([&, n] { EXPECT_FALSE(cache->fill(store, object_named(n, 5'000), {.rate = &rate}).fault); });
  }
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 150ms) << "10,000 bytes at 50,000 a second";
  byte_rate slow(1);
  ASSERT_TRUE(slow.pass(4U << 20U, unhurried));
  std::atomic<int> asked{0};
  fill_options wanted;
  wanted.rate = &slow;
  wanted.forced = true;
  wanted.time_left = [&] { return std::chrono::milliseconds(++asked < 4 ? 1'000 : 0); };
  EXPECT_EQ(cache->fill(store, put(3), wanted).fault, remote_fault::stopped);
}

TEST_F(FileCacheFill, WarmBlocksOutlastARestart) {
  open();
  EXPECT_EQ(cache->fill(store, put(1), {}).bytes_fetched, 5'000U);
  now += 30;
  open();
  EXPECT_EQ(cache->status()[0].holdings.bytes_in(block_queue::warm), 5'000U);
  for (int n = 2; n <= 9; ++n)
    put(n), expect_reads(n);
  EXPECT_EQ(cache->bytes_present(object_named(1, 5'000)), 5'000U);
  now += 31;
  open();
  EXPECT_EQ(cache->status()[0].holdings.bytes_in(block_queue::warm), 0U);
  put(10), expect_reads(10);
  EXPECT_EQ(cache->bytes_present(object_named(1, 5'000)), 0U) << "never read: first to go";
}

TEST_F(FileCacheFill, VerifySaysWhatIsReallyThere) {
  open();
  const auto object = put(1, 4'500);
  EXPECT_EQ(cache->verify(object, unhurried).bytes_missing, 4'500U);
  EXPECT_EQ(cache->fill(store, object, {}).bytes_fetched, 4'500U);
  EXPECT_EQ(cache->verify(object, unhurried).bytes_sound, 4'500U);
  const auto files = block_files(disk);
  std::filesystem::remove(files[4]);  // The short one: names end in the block's number.
  std::fstream(files[2], std::ios::in | std::ios::out) << "!";
  EXPECT_EQ(cache->bytes_present(object), 4'500U) << "the index does not know";
  const auto verdict = cache->verify(object, unhurried);
  EXPECT_EQ(verdict.bytes_sound, 3'000U);
  EXPECT_EQ(verdict.bytes_damaged + verdict.bytes_missing, 1'500U);
  EXPECT_EQ(cache->bytes_present(object), 3'000U);
  EXPECT_EQ(cache->fill(store, object, {}).bytes_fetched, 1'500U);
  EXPECT_EQ(cache->verify(object, unhurried).bytes_sound, 4'500U);
}

// -- disks that fill --------------------------------------------------------------------

TEST_F(FileCacheFill, TheCacheGivesWayBeforeReplicasSuffer) {
  std::uint64_t replicas = 0;
  options.reserve = {.high_watermark = 0.8, .min_left_bytes = 0, .margin_bytes = 1'000};
  options.paths[0].space = [&] {
    const auto held = cache ? held_on_disk() : 0;
    return disk_space{100'000, 100'000 - replicas - held};
  };
  open();
  for (int n = 1; n <= 4; ++n)
    put(n), expect_reads(n);
  EXPECT_EQ(held(), 20'000U);
  replicas = 70'000;
  cache->maintain();
  EXPECT_EQ(held(), 9'000U) << "100,000 * 0.8 - 70,000, less the margin";
  EXPECT_EQ(cache->counters().evicted_pressure, 11U);
  for (int n = 1; n <= 4; ++n)
    expect_reads(n);
  EXPECT_EQ(held(), 9'000U) << "reads go on in what is left";
  replicas = 85'000;
  cache->maintain();
  EXPECT_EQ(held(), 0U);
  expect_reads(1);
  EXPECT_EQ(held(), 0U);
  replicas = 0;
  cache->maintain();
  for (int n = 1; n <= 4; ++n)
    expect_reads(n);
  EXPECT_EQ(held(), 20'000U);
}

TEST_F(FileCacheFill, AFullDiskServesFromMemory) {
  const auto quota = std::make_shared<space_quota>(3 * (small_block + 8));
  options.paths[0].quota = quota;
  open();
  const auto filled = cache->fill(store, put(1), {.requests_max = 1});
  EXPECT_FALSE(filled.fault);
  EXPECT_EQ(filled.bytes_fetched, 3'000U);
  EXPECT_EQ(filled.bytes_skipped, 2'000U);
  EXPECT_NE(cache->status()[0].fault, "");
  put(2);
  expect_reads(2);
  expect_reads(1);
  EXPECT_EQ(cache->bytes_present(object_named(1, 5'000)), 3'000U);
  now += 61;  // Now others may come in place of them.
  expect_reads(2);
  EXPECT_EQ(cache->bytes_present(object_named(2, 5'000)), 3'000U);
  EXPECT_EQ(quota->used_bytes(), 3U * (small_block + 8));
  open();
  EXPECT_EQ(quota->used_bytes(), 6U * (small_block + 8)) << "adopted once more; a restart has a new quota";
}

}  // namespace
}  // namespace tabletd
