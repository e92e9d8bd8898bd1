// What a backend keeps of published metas: over restarts, within its bound, and never a wrong byte.
#include "persistence/cache/meta_cache.h"

#include "persistence/crc32c.h"
#include "tests/persistence/fault_files.h"
#include "tests/persistence/memory_directory.h"
#include "tests/persistence/remote_rig.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

namespace tabletd::test {
namespace {

std::vector<std::byte> bytes_of(int number, std::size_t size) {
  const auto text = pattern(size, static_cast<std::uint32_t>(number) + 1);
  const auto as_bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {as_bytes.begin(), as_bytes.end()};
}

struct MetaCache : testing::Test {
  memory_directory scratch;
  std::uint64_t now = 1'000'000;
  meta_cache_options options{
      .file = scratch.path() / "metas.db", .capacity_bytes = 10'000, .now = [this] { return now; }, .sqlite_vfs = {}};
  std::unique_ptr<meta_cache> cache;

  void SetUp() override { open(); }
  void damage_pages() {
    cache.reset();
    const auto size = std::filesystem::file_size(options.file);
    std::fstream file(options.file, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4'096);
    file << std::string(size - 4'096, '\x7f');
  }
  void open() {
    cache.reset();
    cache = std::make_unique<meta_cache>(options);
  }
  static meta_key key_of(int number, std::size_t size) {
    return {.resource = 5, .key = fmt::format("data/{}/x.meta", number), .crc32c = crc32c(bytes_of(number, size))};
  }
  bool keep(int number, std::size_t size = 1'000) { return cache->keep(key_of(number, size), bytes_of(number, size)); }
  bool has(int number, std::size_t size = 1'000) {
    const auto found = cache->find(key_of(number, size));
    if (found) {
      EXPECT_EQ(*found, bytes_of(number, size)) << number;
    }
    return found.has_value();
  }
  void run(const std::string& sql) {
    auto db = sqlite::open_database(options.file);
    db.execute(sql.c_str());
  }
};

TEST_F(MetaCache, WhatWasKeptIsThereAfterARestart) {
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(keep(1));
  EXPECT_TRUE(keep(2));
  EXPECT_TRUE(has(1));
  open();
  EXPECT_TRUE(has(1));
  EXPECT_TRUE(has(2));
  EXPECT_EQ(cache->bytes_held(), 2'000U);
  EXPECT_FALSE(has(3));
}

TEST_F(MetaCache, TheSameKeyInAnotherResourceIsAnother) {
  keep(1);
  auto other = key_of(1, 1'000);
  other.resource = 6;
  EXPECT_FALSE(cache->find(other));
  EXPECT_TRUE(has(1));
}

TEST_F(MetaCache, WhatWasReadLongestAgoGoesFirst) {
  for (int i = 0; i < 10; ++i) {
    now += 1'000;
    EXPECT_TRUE(keep(i));
  }
  now += 1'000;
  EXPECT_TRUE(has(0));
  now += 1'000;
  EXPECT_TRUE(keep(10));
  EXPECT_EQ(cache->bytes_held(), 10'000U);
  EXPECT_TRUE(has(0)) << "read after the others";
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(has(2));
}

TEST_F(MetaCache, OneThatIsLargerThanAllOfItIsNotKept) {
  keep(1);
  EXPECT_FALSE(keep(2, 10'001));
  EXPECT_TRUE(has(1));
  EXPECT_TRUE(keep(3, 10'000));
  EXPECT_FALSE(has(1));
  EXPECT_EQ(cache->bytes_held(), 10'000U);
}

TEST_F(MetaCache, KeptAgainItIsCountedOnce) {
  for (int i = 0; i < 30; ++i)
    EXPECT_TRUE(keep(1));
  EXPECT_EQ(cache->bytes_held(), 1'000U);
  keep(2, 9'000);
  EXPECT_TRUE(has(1));
}

/// The checksum is the log's: a row that says so itself is not believed.
TEST_F(MetaCache, ADamagedRowIsDropped) {
  keep(1);
  keep(2);
  cache.reset();
  run("UPDATE metas SET bytes = CAST(replace(hex(bytes), '0', '1') AS BLOB) WHERE key = 'data/1/x.meta'");
  open();
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(has(2));
  EXPECT_TRUE(keep(1));
  EXPECT_TRUE(has(1));
  EXPECT_EQ(cache->bytes_held(), 2'000U);
}

TEST_F(MetaCache, ADamagedDatabaseIsEmptiedAndUsed) {
  keep(1);
  cache.reset();
  std::ofstream(options.file, std::ios::binary) << "this is no database, and it is longer than a header of one";
  open();
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(keep(1));
  EXPECT_TRUE(has(1));
}

/// All but its first page.
TEST_F(MetaCache, ADatabaseWhosePagesAreDamagedIsEmptied) {
  for (int i = 0; i < 8; ++i)
    keep(i);
  damage_pages();
  open();
  bool any = false;
  for (int i = 0; i < 8; ++i)
    any |= has(i);
  EXPECT_FALSE(any);
  EXPECT_TRUE(keep(1));
  EXPECT_TRUE(has(1));
}

TEST_F(MetaCache, WhatCouldNotBeOpenedAgainIsTriedOnceASecond) {
  for (int i = 0; i < 8; ++i)
    keep(i);
  damage_pages();
  static sqlite3_vfs* real = nullptr;
  static int opens_left = 0, refused = 0;
  real = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs vfs;
  vfs = *real;
  vfs.zName = "refusing-disk";
  vfs.xOpen = [](sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    file->pMethods = nullptr;
    if ((flags & SQLITE_OPEN_MAIN_DB) != 0 && --opens_left < 0) {
      ++refused;
      return SQLITE_CANTOPEN;
    }
    return real->xOpen(real, name, file, flags, out);
  };
  sqlite3_vfs_register(&vfs, 0);
  opens_left = 1;  // Its damage is met by the count of what it holds.
  options.sqlite_vfs = "refusing-disk";
  open();
  for (int i = 0; i < 8; ++i)
    EXPECT_FALSE(has(i));
  const auto refused_first = refused;
  EXPECT_GT(refused_first, 0) << "the test tests nothing";
  EXPECT_FALSE(keep(1));
  EXPECT_NE(cache->fault(), "");
  EXPECT_EQ(refused, refused_first) << "not in the same second";
  ++now;
  EXPECT_FALSE(keep(1));
  EXPECT_GT(refused, refused_first);
  opens_left = 1'000;
  ++now;
  EXPECT_TRUE(keep(1));
  EXPECT_TRUE(has(1));
  EXPECT_EQ(cache->fault(), "");
  EXPECT_EQ(cache->bytes_held(), 1'000U);
  cache.reset();
  sqlite3_vfs_unregister(&vfs);
}

TEST_F(MetaCache, ATabletsFolderIsListedAndForgotten) {
  keep(1);
  keep(10);
  keep(11);
  auto second = key_of(1, 1'000);
  second.resource = 6;
  second.key = "data/1/newer.meta";
  EXPECT_TRUE(cache->keep(second, bytes_of(1, 1'000)));
  auto there = cache->in_folder("data/1/");
  ASSERT_EQ(there.size(), 2U);
  std::ranges::sort(there, {}, [](const auto& meta) { return meta.key.resource; });
  EXPECT_EQ(there[0].key.key, "data/1/x.meta");
  EXPECT_EQ(there[0].key.crc32c, key_of(1, 1'000).crc32c);
  EXPECT_EQ(there[0].bytes, bytes_of(1, 1'000));
  EXPECT_EQ(there[1].key.resource, 6U);
  cache->forget(there[0].key);
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(cache->find(second));
  EXPECT_EQ(cache->bytes_held(), 3'000U);
}

TEST_F(MetaCache, OneOfAnotherFormatIsEmptied) {
  keep(1);
  cache.reset();
  run("PRAGMA user_version = 2");
  open();
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(keep(1));
}

/// A WAL that refuses writes stands in for a disk without room.
TEST_F(MetaCache, OnAFullDiskItIsServedAndNotKept) {
  keep(1);
  options.sqlite_vfs = "full-disk";
  struct full_vfs : sqlite3_vfs {
    sqlite3_vfs* real;
  };
  static bool is_full = false;
  static sqlite3_io_methods methods;
  static int (*real_write)(sqlite3_file*, const void*, int, sqlite3_int64);
  static full_vfs vfs;
  static_cast<sqlite3_vfs&>(vfs) = *sqlite3_vfs_find(nullptr);
  vfs.real = sqlite3_vfs_find(nullptr);
  vfs.zName = "full-disk";
  vfs.xOpen = [](sqlite3_vfs* self, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* real = static_cast<full_vfs*>(self)->real;
    const int code = real->xOpen(real, name, file, flags, out);
    if (code == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
      methods = *file->pMethods;
      real_write = methods.xWrite;
      methods.xWrite = [](sqlite3_file* at, const void* from, int size, sqlite3_int64 offset) {
        return is_full ? SQLITE_FULL : real_write(at, from, size, offset);
      };
      file->pMethods = &methods;
    }
    return code;
  };
  sqlite3_vfs_register(&vfs, 0);
  is_full = false;
  open();
  is_full = true;
  EXPECT_FALSE(keep(2));
  EXPECT_NE(cache->fault(), "");
  EXPECT_TRUE(has(1));
  now += 10'000;
  EXPECT_TRUE(has(1)) << "that it was read cannot be written down";
  EXPECT_EQ(cache->bytes_held(), 1'000U);
  is_full = false;
  EXPECT_TRUE(keep(2));
  EXPECT_EQ(cache->fault(), "");
  EXPECT_TRUE(has(2));
  cache.reset();
  sqlite3_vfs_unregister(&vfs);
}

}  // namespace
}  // namespace tabletd::test
