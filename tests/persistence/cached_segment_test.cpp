// A rowset in a remote store, read through the cache: the same rows as from the disk it came from, and damage on the
// way or on the cache's disk is no error.
#include "persistence/cache/cached_segment.h"

#include "persistence/remote/remote_segment.h"
#include "tests/persistence/cache_rig.h"
#include "tests/persistence/tablet_store_rig.h"

#include <fcntl.h>

namespace tabletd {
namespace {

using namespace test;

struct CachedSegment : TabletStore {
  std::shared_ptr<memory_store> remote = std::make_shared<memory_store>();
  std::shared_ptr<file_cache> cache;
  rowset_meta rowset;
  remote_rowset there;

  void SetUp() override {
    store->create_replica(1, 100);
    load(10, 2, 1, std::vector<std::string>(300, a));
    rowset = store->rowsets(1).back();
    const open_file file(segment_of(rowset), O_RDONLY);
    there = {.store = remote, .resource = 5, .tablet = 1, .object = "x.seg", .size_bytes = file.size()};
    remote->put(object_of(there).key, put_source(file, 0, file.size()), unhurried);
    open_cache();
  }
  void open_cache() {
    cache.reset();
    file_cache_options made;
    made.paths = {{.directory = scratch.path() / "cache", .capacity_bytes = 10'000'000}};
    made.rules.block_bytes = 1'000;
    made.reserve = {.high_watermark = 1, .min_left_bytes = 0, .margin_bytes = 0};
    cache = std::make_shared<file_cache>(std::move(made));
  }
  [[nodiscard]] auto open() { return open_cached_rowset(cache, there, {.partition = 3}); }
  void expect_every_block(const rowset_reader& reader) {
    ASSERT_EQ(reader.footer(), store->open_rowset(rowset)->footer());
    std::vector<std::byte> block;
    for (std::uint32_t i = 0; i < rowset.blocks; ++i) {
      reader.read(i, block);
      ASSERT_EQ(std::string(reinterpret_cast<const char*>(block.data()), block.size()), a);
    }
  }
};

TEST_F(CachedSegment, TheSameRowsAndTheStoreIsAskedOnce) {
  expect_every_block(*open());
  const auto gets = remote->gets();
  EXPECT_LE(remote->bytes_sent(), there.size_bytes);
  expect_every_block(*open());
  open_cache();
  expect_every_block(*open());
  EXPECT_EQ(remote->gets(), gets);
  EXPECT_EQ(cache->hottest(1)[0].partition, 3U);
}

TEST_F(CachedSegment, AFilledRowsetIsScannedWithoutTheStore) {
  EXPECT_EQ(cache->fill(*remote, object_of(there), {}).bytes_fetched, there.size_bytes);
  remote->remove(object_of(there).key, unhurried);
  const auto gets = remote->gets();
  expect_every_block(*open());
  EXPECT_EQ(remote->gets(), gets);
  EXPECT_EQ(cache->verify(object_of(there), unhurried).bytes_sound, there.size_bytes);
}

TEST_F(CachedSegment, DamageOnTheWayIsReadAgain) {
  remote->lie_next(4);  // The footer's blocks among them.
  expect_every_block(*open());
  const auto reader = open();
  cache->distrust(object_of(there), 0, there.size_bytes);
  remote->lie_next(1);
  expect_every_block(*reader);
  expect_every_block(*open());  // With the footer.
  EXPECT_EQ(cache->verify(object_of(there), unhurried).bytes_sound, there.size_bytes);
}

TEST_F(CachedSegment, DamageInTheStoreIsAnErrorEveryTime) {
  auto bytes = read_all(*remote, object_of(there).key);
  bytes[20] ^= 1;
  remote->put(object_of(there).key, source_of(bytes), unhurried);
  const auto reader = open();
  std::vector<std::byte> block;
  for (int i = 0; i < 2; ++i) {
    const auto said = refused(storage_fault::corrupt, [&] { reader->read(0, block); });
    EXPECT_NE(said.find("no other copy"), std::string::npos) << said;
  }
  reader->read(1, block);
  bytes[20] ^= 1;  // Somebody has restored it.
  remote->put(object_of(there).key, source_of(bytes), unhurried);
  reader->read(0, block);
}

TEST_F(CachedSegment, AnotherTabletsRowsAreNotServed) {
  remote->put(tablet_folder(2) + "x.seg", source_of(read_all(*remote, object_of(there).key)), unhurried);
  there.tablet = 2;
  refused(storage_fault::corrupt, [&] { std::ignore = open(); });
}

}  // namespace
}  // namespace tabletd
