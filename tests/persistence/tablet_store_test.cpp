// The life of a path on a healthy disk: identity, replicas, loads, reading, quota.
#include "tests/persistence/tablet_store_rig.h"
#include "tests/persistence/temporary_directory.h"

#include <unistd.h>

namespace tabletd {
namespace {

using namespace test;

// -- identity -----------------------------------------------------------------------------

TEST_F(TabletStore, HashIsRandomAndStays) {
  const auto hash = store->path_hash();
  EXPECT_NE(hash, 0u);
  reopen();
  EXPECT_EQ(store->path_hash(), hash);
  EXPECT_NE(tablet_store::open(scratch.path() / "disk1", {})->path_hash(), hash);
}

TEST_F(TabletStore, IsOpenOnlyOnce) {
  const auto why = refused(storage_fault::locked, [&] { (void)tablet_store::open(root, options); });
  EXPECT_NE(why.find(std::to_string(::getpid())), std::string::npos) << why;
  reopen();
}

TEST_F(TabletStore, BelongsToOneBackendOfOneCluster) {
  const std::string ours(32, '1');
  store->bind(ours, 5);
  reopen();
  store->bind(ours, 5);
  refused(storage_fault::foreign, [&] { store->bind(ours, 6); });
  const auto why = refused(storage_fault::foreign, [&] { store->bind(std::string(32, '2'), 5); });
  EXPECT_NE(why.find("belongs to backend 5 of cluster 1111"), std::string::npos) << why;
}

TEST_F(TabletStore, LostIdentityOrDatabaseIsNotPaperedOver) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a});
  store.reset();
  fs::rename(root / ".tabletd-path", scratch.path() / "kept");
  refused(storage_fault::corrupt, [&] { (void)tablet_store::open(root, options); });
  fs::rename(scratch.path() / "kept", root / ".tabletd-path");

  fs::rename(root / "meta.db", scratch.path() / "kept.db");
  const auto why = refused(storage_fault::corrupt, [&] { (void)tablet_store::open(root, options); });
  EXPECT_NE(why.find("meta.db was lost"), std::string::npos) << why;
  EXPECT_EQ(segments(), 1u) << "nothing may be swept";
}

// -- replicas -----------------------------------------------------------------------------

TEST_F(TabletStore, NewReplicaIsAtTheInitialVersion) {
  store->create_replica(1, 100);
  store->create_replica(1, 100);
  refused(storage_fault::unusable, [&] { store->create_replica(1, 101); });
  const replica_status fresh{.tablet = 1, .replica = 100, .version = 1, .max_version = 1};
  EXPECT_EQ(store->status(1), fresh);
  EXPECT_EQ(store->status(2), std::nullopt);
  reopen();
  EXPECT_EQ(store->list(), std::vector<replica_status>{fresh});
}

TEST_F(TabletStore, DropComparesTheReplicaId) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a, b});
  prepare(11, 1, {c});
  EXPECT_FALSE(store->drop_replica(1, 99));
  EXPECT_FALSE(store->drop_replica(2, 100));
  EXPECT_EQ(content(1), a + b);
  const auto reader = store->open_rowset(store->rowsets(1)[0]);

  EXPECT_TRUE(store->drop_replica(1, 100));
  EXPECT_FALSE(store->drop_replica(1, 100));
  EXPECT_EQ(store->status(1), std::nullopt);
  EXPECT_EQ(store->prepared_txns(), none);
  EXPECT_EQ(store->publish(11, 3, {1}), std::vector<std::uint64_t>{1});
  EXPECT_EQ(segments(), 0u);
  std::vector<std::byte> block;
  reader->read(1, block);  // Pinned by the open reader.

  store->create_replica(1, 101);
  EXPECT_EQ(store->status(1)->version, 1u);
  load(12, 2, 1, {c});
  reopen();
  EXPECT_EQ(content(1), c);
}

// -- load ---------------------------------------------------------------------------------

TEST_F(TabletStore, LoadIsInvisibleUntilPublished) {
  store->create_replica(1, 100);
  store->create_replica(2, 200);
  std::vector<tablet_store::to_prepare> rowsets;
  rowsets.push_back({1, written(1, {a, b})});
  rowsets.push_back({2, store->begin_rowset(2)});  // Nothing came: as good as no file.
  store->prepare(10, std::move(rowsets));
  EXPECT_EQ(store->prepared_txns(), std::vector<std::uint64_t>{10});
  EXPECT_TRUE(store->rowsets(1).empty());
  EXPECT_EQ(segments(), 1u);
  reopen();
  EXPECT_EQ(store->prepared_txns(), std::vector<std::uint64_t>{10});

  EXPECT_EQ(store->publish(10, 2, {}), none);
  EXPECT_EQ(store->prepared_txns(), none);
  const replica_status full{.tablet = 1,
                            .replica = 100,
                            .version = 2,
                            .max_version = 2,
                            .bad = false,
                            .rows = 5,
                            .bytes = a.size() + b.size(),
                            .rowsets = 1};
  EXPECT_EQ(store->status(1), full);
  EXPECT_EQ(store->status(2)->version, 2u);
  EXPECT_EQ(store->open_rowset(store->rowsets(2)[0])->footer().blocks.size(), 0u);
  reopen();
  EXPECT_EQ(store->status(1), full);
  EXPECT_EQ(content(1), a + b);
  EXPECT_EQ(store->usage().data_bytes, rowset_file_bytes(a.size() + b.size(), 2));
  EXPECT_EQ(store->usage().tablets, 2u);
  EXPECT_GT(store->usage().capacity_bytes, store->usage().available_bytes);
}

TEST_F(TabletStore, RepeatedPrepareKeepsTheFirstRowset) {
  store->create_replica(1, 100);
  prepare(10, 1, {a});
  prepare(10, 1, {a});
  EXPECT_EQ(segments(), 1u);
  EXPECT_EQ(store->publish(10, 2, {1}), none);
  prepare(10, 1, {a});
  EXPECT_EQ(store->prepared_txns(), none);
  EXPECT_EQ(store->publish(10, 2, {1}), none) << "publish again is no failure";
  EXPECT_EQ(content(1), a);
}

TEST_F(TabletStore, PrepareIsAllOrNothing) {
  store->create_replica(1, 100);
  store->create_replica(2, 200);
  std::vector<tablet_store::to_prepare> rowsets;
  rowsets.push_back({1, written(1, {a})});
  rowsets.push_back({2, written(2, {a})});
  store->drop_replica(2, 200);
  refused(storage_fault::unusable, [&] { store->prepare(10, std::move(rowsets)); });
  rowsets.clear();
  EXPECT_EQ(store->prepared_txns(), none);
  EXPECT_EQ(segments(), 0u);
  refused(storage_fault::unusable, [&] { (void)store->begin_rowset(2); });

  std::vector<tablet_store::to_prepare> twice;
  twice.push_back({1, written(1, {a})});
  twice.push_back({1, written(1, {b})});
  refused(storage_fault::unusable, [&] { store->prepare(10, std::move(twice)); });
  EXPECT_EQ(store->prepared_txns(), none);
}

TEST_F(TabletStore, PublishNamesTheTabletsThatMissed) {
  store->create_replica(1, 100);
  store->create_replica(2, 200);
  prepare(10, 1, {a});
  EXPECT_EQ(store->publish(10, 2, {1, 1, 2, 3}), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(content(1), a);
  EXPECT_EQ(store->publish(11, 2, {1}), std::vector<std::uint64_t>{1}) << "version 2 is txn 10's";
  prepare(12, 1, {b});
  EXPECT_EQ(store->publish(12, 0, {1}), std::vector<std::uint64_t>{1});
  EXPECT_EQ(store->publish(12, 2, {1}), std::vector<std::uint64_t>{1});
  EXPECT_EQ(store->prepared_txns(), std::vector<std::uint64_t>{12});
}

TEST_F(TabletStore, AbortDeletes) {
  store->create_replica(1, 100);
  prepare(10, 1, {a});
  store->abort(10, {});
  store->abort(10, {});
  EXPECT_EQ(segments(), 0u);
  EXPECT_EQ(store->publish(10, 2, {1}), std::vector<std::uint64_t>{1});
}

TEST_F(TabletStore, AbortDeletesOnlyWhatItNames) {
  for (const std::uint64_t tablet : {1, 2, 3}) {
    store->create_replica(tablet, tablet * 100);
    prepare(10, tablet, {a});
  }
  store->abort(10, {1, 3});
  EXPECT_EQ(store->prepared_tablets(10), std::vector<std::uint64_t>{2});
  EXPECT_TRUE(store->publish(10, 2, {2}).empty());
  EXPECT_TRUE(store->prepared_tablets(10).empty());
}

TEST_F(TabletStore, VersionStopsAtTheFirstHole) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a});
  load(12, 4, 1, {});
  load(13, 5, 1, {b});
  EXPECT_EQ(store->status(1)->version, 2u);
  EXPECT_EQ(store->status(1)->max_version, 5u);
  reopen();
  EXPECT_EQ(store->status(1)->version, 2u);
  EXPECT_EQ(store->status(1)->max_version, 5u);
  load(11, 3, 1, {c});
  EXPECT_EQ(store->status(1)->version, 5u);
  EXPECT_EQ(content(1), a + c + b) << "in version order";
}

TEST(TabletStoreOnDisk, LoadSurvivesOnARealFileSystem) {
  const temporary_directory scratch;  // All other tests keep theirs in memory.
  for (std::uint64_t txn = 10; txn < 12; ++txn) {
    const auto store = tablet_store::open(scratch.path() / "disk", {});
    store->create_replica(1, 100);
    std::vector<tablet_store::to_prepare> rowsets;
    rowsets.push_back({1, store->begin_rowset(1)});
    append(*rowsets[0].file, block_of("a", 3));
    store->prepare(txn, std::move(rowsets));
    EXPECT_TRUE(store->publish(txn, txn - 8, {}).empty());
  }
  const auto store = tablet_store::open(scratch.path() / "disk", {});
  EXPECT_EQ(store->status(1)->version, 3u);
  for (const auto& rowset : store->rowsets(1))
    EXPECT_EQ(content_of(*store, rowset), block_of("a", 3));
  EXPECT_TRUE(store->findings().foreign.empty());
}

// -- quota --------------------------------------------------------------------------------

struct SmallDisk : TabletStore {
  static constexpr std::uint64_t quota = 20'000;
  SmallDisk() {
    options.quota_bytes = quota;
    reopen();
  }
  std::uint64_t available() { return store->usage().available_bytes; }
};

TEST_F(SmallDisk, FillsUpAndIsEmptiedAgain) {
  store->create_replica(1, 100);
  EXPECT_EQ(store->usage().capacity_bytes, quota);
  const auto big = block_of("big", 300);
  load(10, 2, 1, {big});
  EXPECT_EQ(available(), quota - store->usage().data_bytes);
  std::string why;
  {
    auto writer = store->begin_rowset(1);
    why = refused(storage_fault::disk_full, [&] {
      for (;;)
        append(*writer, big);
    });
  }
  EXPECT_NE(why.find("quota"), std::string::npos) << why;
  EXPECT_EQ(available(), quota - store->usage().data_bytes) << "what did not fit was given back";
  EXPECT_EQ(content(1), big);

  reopen();
  EXPECT_EQ(available(), quota - store->usage().data_bytes);
  store->drop_replica(1, 100);
  EXPECT_EQ(available(), quota);
}

TEST_F(SmallDisk, PartialClonesCountToo) {
  const source_rowset source(1, {block_of("big", 300), block_of("more", 100)});
  {
    auto writer = store->continue_copy(77, 10, source.footer.encode());
    source.send(*writer, 1);
  }
  const auto left = available();
  EXPECT_EQ(left, quota - 16 - source.blocks[0].size());
  reopen();
  EXPECT_EQ(available(), left);
  fs::resize_file(root / "tmp/clone-77/10.part", 50);
  reopen();
  (void)store->continue_copy(77, 10, source.footer.encode());
  EXPECT_EQ(available(), quota - 16);
  install(1, 100, true, copied(source, 10, 2, 2));
  EXPECT_EQ(available(), quota - store->usage().data_bytes);
  {
    const source_rowset huge(2, {block_of("x", 500), block_of("y", 500), block_of("z", 500)});
    auto writer = store->continue_copy(78, 10, huge.footer.encode());
    refused(storage_fault::disk_full, [&] { huge.send(*writer); });
  }
  EXPECT_EQ(available(), quota - store->usage().data_bytes) << "a copy that cannot fit is not kept";
  (void)store->continue_copy(78, 10, source.footer.encode());
  store->forget_clone(78);
  EXPECT_EQ(available(), quota - store->usage().data_bytes);
}

TEST_F(SmallDisk, DamagedFilesDoNotUpsetTheSum) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a});
  fs::resize_file(segment_of(store->rowsets(1)[0]), 5);
  reopen();
  install(1, 100, true, copied(source_rowset(1, {a, b}), 10, 2, 2));
  EXPECT_EQ(available(), quota - store->usage().data_bytes);
}

}  // namespace
}  // namespace tabletd
