// The cache on a disk that fails a call, loses its power or dies with its process: readers always get the object's
// bytes and never an error, and the next start finds a usable cache.
#include "tests/persistence/cache_rig.h"
#include "tests/persistence/fault_files.h"

#include <random>

namespace tabletd {
namespace {

using namespace test;

constexpr int objects = 8;
constexpr std::size_t object_bytes = 3'700;

/// A cache on a faulty disk.  Files and database share the power supply; one thread.
struct faulty_cache {
  explicit faulty_cache(std::uint64_t seed) : database(seed), disk(root, seed, &database) {
    std::filesystem::create_directory(root);
    for (int n = 1; n <= objects; ++n)
      store.put(object_named(n, object_bytes).key, source_of(bytes_of_object(n, object_bytes)), unhurried);
  }
  void open() {
    file_cache_options options;
    options.paths = {{.directory = root / "cache", .capacity_bytes = 12'000}};
    options.rules = {.block_bytes = small_block, .warm_share = 0.5, .warm_ttl_s = 60, .touch_granularity_s = 1};
    options.now = [this] { return now; };
    options.index_batch = 8;
    options.sqlite_vfs = database.vfs();
    cache = std::make_unique<file_cache>(std::move(options));
  }
  void kill() {
    database.stop();
    cache.reset();
  }
  void restart_process() {
    database.restart_process();
    disk.restart_process();
  }
  void restore_power(double keep) {
    database.restore_power({.keep = keep});
    disk.restore_power(keep);
  }

  void read(int n, std::size_t begin, std::size_t length) {
    std::string into(length, '\0');
    try {
      cache->read(store, object_named(n, object_bytes), begin,
                  std::as_writable_bytes(std::span(into.data(), into.size())), {});
    } catch (const std::exception& why) {
      FAIL() << "an error because of the cache: " << why.what();
    }
    ASSERT_EQ(into, bytes_of_object(n, object_bytes).substr(begin, length)) << "wrong bytes of object " << n;
  }
  void random_step(std::mt19937_64& rng) {
    const auto n = 1 + static_cast<int>(rng() % objects);
    now += static_cast<epoch_seconds>(rng() % 3);
    switch (rng() % 12) {
      case 0:
        return cache->maintain();
      case 1:
      case 2: {
        const auto filled
            = cache->fill(store, object_named(n, object_bytes), {.forced = rng() % 4 == 0, .requests_max = 1});
        ASSERT_FALSE(filled.fault) << filled.why;
        ASSERT_EQ(filled.bytes_fetched + filled.bytes_present + filled.bytes_skipped, object_bytes);
        return;
      }
      case 3: {
        const auto said = cache->verify(object_named(n, object_bytes), unhurried);
        ASSERT_EQ(said.bytes_sound + said.bytes_damaged + said.bytes_missing, object_bytes);
        return;
      }
      default:
        const auto begin = rng() % object_bytes;
        read(n, begin, 1 + rng() % (object_bytes - begin));
    }
  }
  /// After a start with nothing failing.
  void expect_usable() {
    const auto status = cache->status()[0];
    ASSERT_EQ(status.fault, "");
    std::uint64_t blocks = 0;
    for (const auto& file : block_files(root / "cache")) {
      ASSERT_EQ(file.string().find(".tmp."), std::string::npos) << "garbage";
      ++blocks;
    }
    std::uint64_t present = 0, wanted_files = 0;
    for (int n = 1; n <= objects; ++n) {
      const auto here = cache->bytes_present(object_named(n, object_bytes));
      present += here;
      wanted_files += here / small_block + (here % small_block != 0);
    }
    ASSERT_EQ(blocks, wanted_files) << "files and rows do not agree";
    ASSERT_EQ(status.holdings.bytes_held(), present);
    ASSERT_LE(present, 12'000U);
  }

  memory_directory scratch;
  std::filesystem::path root = scratch.path() / "disk";
  crash_disk database;
  fault_files disk;
  memory_store store;
  epoch_seconds now = 1'000'000;
  std::unique_ptr<file_cache> cache;
};

TEST(FileCacheCrash, AnyAccidentLeavesAUsableCache) {
  std::uint64_t kept = 0, damaged = 0, boots = 0;
  for (std::uint64_t seed = 1; seed <= 150 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    faulty_cache one(seed);
    std::mt19937_64 rng(seed);
    for (int boot = 0; boot < 6; ++boot, ++boots) {
      one.open();
      one.expect_usable();
      kept += one.cache->status()[0].holdings.bytes_held();
      if (rng() % 2)
        one.disk.cut_at = 1 + static_cast<std::int64_t>(rng() % 300);
      else
        one.database.cut_at = 1 + static_cast<std::int64_t>(rng() % 300);
      for (int step = 0; step < 60 && !testing::Test::HasFatalFailure(); ++step)
        one.random_step(rng);
      if (testing::Test::HasFatalFailure())
        return;
      damaged += one.cache->counters().dropped_corrupt;
      one.kill();
      if (rng() % 3 == 0)
        one.restart_process();
      else
        one.restore_power(static_cast<double>(rng() % 3) / 2);
    }
  }
  fmt::print("{} boots, {} bytes found at starts, {} damaged blocks met\n", boots, kept, damaged);
  EXPECT_GT(kept, 300'000U) << "most of the cache should survive";
  EXPECT_GT(damaged, 100U) << "the disk did not lose anything: the test tests nothing";
}

// A backend says that a batch is warm, and is killed: what it said has to be true when it is back.
TEST(FileCacheCrash, WhatWasWrittenDownOutlivesTheProcess) {
  for (const bool is_written_down : {true, false}) {
    faulty_cache one(1);
    one.open();
    const auto filled = one.cache->fill(one.store, object_named(1, object_bytes), {.requests_max = 1});
    ASSERT_EQ(filled.bytes_fetched, object_bytes);
    if (is_written_down) {
      EXPECT_EQ(one.cache->write_down(), "");
    }
    one.kill();
    one.restart_process();
    one.open();
    if (is_written_down)
      EXPECT_EQ(one.cache->bytes_present(object_named(1, object_bytes)), object_bytes);
    else
      EXPECT_LT(one.cache->bytes_present(object_named(1, object_bytes)), object_bytes) << "the test tests nothing";
  }
}

TEST(FileCacheCrash, AnIndexThatCannotBeWrittenIsSaid) {
  const auto object = object_named(1, object_bytes);
  faulty_cache one(1);
  one.open();
  ASSERT_EQ(one.cache->fill(one.store, object, {.requests_max = 1}).bytes_fetched, object_bytes);
  one.database.quota_bytes = 0;
  EXPECT_NE(one.cache->write_down(), "");
  EXPECT_EQ(one.cache->bytes_present(object), object_bytes);
  EXPECT_EQ(one.cache->bytes_written_down(object), 0U);
  one.database.quota_bytes = -1;
  EXPECT_EQ(one.cache->write_down(), "") << "there is room again";
  EXPECT_EQ(one.cache->bytes_written_down(object), object_bytes);
}

// The power goes while the cache is opened.
TEST(FileCacheCrash, AStartThatDiesIsFollowedByOneThatWorks) {
  for (std::uint64_t seed = 1; seed <= 60 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    faulty_cache one(seed);
    std::mt19937_64 rng(seed);
    one.open();
    for (int step = 0; step < 40; ++step)
      one.random_step(rng);
    one.kill();
    one.restore_power(0.5);
    (rng() % 2 ? one.disk.cut_at : one.database.cut_at) = 1 + static_cast<std::int64_t>(rng() % 40);
    one.open();
    for (int n = 1; n <= objects; ++n)
      one.read(n, 0, object_bytes);
    one.kill();
    one.restore_power(0.5);
    one.open();
    one.expect_usable();
    for (int n = 1; n <= objects; ++n)
      one.read(n, 0, object_bytes);
  }
}

/// Every call fails once, each in its turn; returns how many there are.
void fail_each_call(const char* what, const std::function<void(faulty_cache&, std::int64_t)>& arm,
                    const std::function<std::int64_t(const faulty_cache&)>& calls) {
  std::int64_t at = 1;
  for (bool is_reached = true; is_reached && !testing::Test::HasFatalFailure(); at += 1 + at / 16) {
    SCOPED_TRACE(fmt::format("{} {}", what, at));
    faulty_cache one(1);
    one.open();
    std::mt19937_64 rng(7);
    for (int step = 0; step < 20; ++step)
      one.random_step(rng);
    const auto before = calls(one);
    arm(one, before + at);
    for (int step = 0; step < 60 && !testing::Test::HasFatalFailure(); ++step)
      one.random_step(rng);
    is_reached = calls(one) >= before + at;
    one.disk.fail_at = one.database.fail_at = -1;
    one.cache.reset();
    one.open();
    one.expect_usable();
  }
  EXPECT_GT(at, 60) << "few calls for so many steps";
}

TEST(FileCacheCrash, NoFailedFileCallReachesAReader) {
  for (const int error : {EIO, ENOSPC, EMFILE, EACCES})
    fail_each_call(
        std::strerror(error),
        [&](faulty_cache& one, std::int64_t at) {
          one.disk.fail_at = at;
          one.disk.fail_errno = error;
        },
        [](const faulty_cache& one) { return one.disk.calls_made(); });
}

TEST(FileCacheCrash, NoFailedDatabaseCallReachesAReader) {
  for (const int code : {SQLITE_IOERR, SQLITE_FULL})
    fail_each_call(
        code == SQLITE_FULL ? "full" : "io",
        [&](faulty_cache& one, std::int64_t at) {
          one.database.fail_at = at;
          one.database.fail_code = code;
        },
        [](const faulty_cache& one) { return one.database.operations(); });
}

// W-10: a disk that refuses every call from some moment on.
TEST(FileCacheCrash, ADeadDiskIsACacheThatMisses) {
  faulty_cache one(3);
  one.open();
  std::mt19937_64 rng(3);
  for (int step = 0; step < 30; ++step)
    one.random_step(rng);
  one.disk.cut_at = one.disk.calls_made() + 1;
  for (int round = 0; round < 2; ++round)
    for (int n = 1; n <= objects; ++n)
      one.read(n, 0, object_bytes);
  EXPECT_NE(one.cache->status()[0].fault, "");
  EXPECT_EQ(one.cache->status()[0].holdings.bytes_held(), 0U);
  const auto sent = one.store.bytes_sent();
  one.read(1, 0, 10);
  EXPECT_EQ(one.store.bytes_sent() - sent, 10U) << "nobody downloads blocks that cannot be kept";
}

}  // namespace
}  // namespace tabletd
