// A replica that comes from another path of its backend: whole, with its id, its holes and
// what waits for a verdict.
#include "persistence/sqlite.h"
#include "tests/persistence/tablet_store_rig.h"

namespace tabletd {
namespace {

using namespace test;

struct TabletStoreMove : TabletStore {
  fs::path other_root = scratch.path() / "disk1";
  std::unique_ptr<tablet_store> other = tablet_store::open(other_root, options);

  void SetUp() override {
    store->create_replica(1, 100);
    load(10, 2, 1, {a, b});
    load(11, 3, 1, {});
    load(12, 5, 1, {c}); // Version 4 was missed.
    prepare(13, 1, {b});
    prepare(14, 1, {});
  }
  copied_rowset copy_of(const rowset_meta& rowset) {
    copied_rowset copy{rowset.txn, rowset.first_version, rowset.last_version, rowset.rows, rowset.bytes};
    if (rowset.blocks == 0)
      return copy;
    const auto from = store->open_rowset(rowset);
    copy.file = other->continue_copy(77, rowset.id, from->footer().encode());
    std::vector<std::byte> block;
    for (auto i = copy.file->blocks(); i < rowset.blocks; ++i) {
      from->read(i, block);
      copy.file->append(block, from->footer().blocks[i].rows, from->footer().blocks[i].checksum);
    }
    return copy;
  }
  std::vector<copied_rowset> copies() {
    std::vector<copied_rowset> all;
    for (const auto& rowset : store->rowsets(1))
      all.push_back(copy_of(rowset));
    for (const auto& rowset : store->prepared_rowsets(1))
      all.push_back(copy_of(rowset));
    return all;
  }
  void adopt(std::uint32_t moves = 1) {
    other->adopt(1, 100, moves, copies(), {}, {});
    other->forget_clone(77);
  }
  /// The other path is from here on the one under test.
  void look_at_other() {
    store.reset();
    store = std::move(other);
    root = other_root;
  }
};

TEST_F(TabletStoreMove, EverythingComesAlong) {
  auto expected = *store->status(1);
  expected.moves = 1;
  EXPECT_EQ(expected.prepared, 2u);
  adopt();
  look_at_other();
  for (const bool reopened : {false, true}) {
    if (reopened)
      reopen();
    EXPECT_EQ(*store->status(1), expected);
    EXPECT_EQ(content(1), a + b + c);
    EXPECT_EQ(store->prepared_txns(), (std::vector<std::uint64_t>{13, 14}));
    EXPECT_EQ(files_under(root / "tmp").size(), 0u);
    EXPECT_EQ(segments(), 3u);
  }
  EXPECT_EQ(store->publish(13, 6, {}), none);
  EXPECT_EQ(store->publish(14, 7, {1}), none);
  EXPECT_EQ(store->status(1)->prepared, 0u);
  EXPECT_EQ(content(1), a + b + c + b);
  EXPECT_TRUE(store->verify(1));
}

TEST_F(TabletStoreMove, WhatAnEarlierMoveLeftIsReplaced) {
  adopt();
  EXPECT_EQ(other->publish(13, 6, {}), none);
  load(20, 4, 1, {a}); // The original went on: the copy there is garbage.
  other->mark_bad(1, true);
  auto expected = *store->status(1);
  expected.moves = 3;
  adopt(3);
  look_at_other();
  reopen();
  EXPECT_EQ(*store->status(1), expected);
  EXPECT_EQ(content(1), a + b + a + c);
  EXPECT_EQ(store->prepared_txns(), (std::vector<std::uint64_t>{13, 14}));
  EXPECT_EQ(segments(), 4u);
}

TEST_F(TabletStoreMove, RefusesAnotherReplicaAndWhatContradictsItself) {
  other->create_replica(1, 99);
  refused(storage_fault::unusable, [&] { adopt(); });
  ASSERT_TRUE(other->drop_replica(1, 99));
  refused(storage_fault::unusable, [&] {
    auto twice = copies();
    twice.push_back({.txn = 13});
    other->adopt(1, 100, 1, std::move(twice), {}, {});
  });
  refused(storage_fault::unusable, [&] {
    auto overlapping = copies();
    overlapping.push_back({.txn = 40, .first_version = 3, .last_version = 3});
    other->adopt(1, 100, 1, std::move(overlapping), {}, {});
  });
  refused(storage_fault::corrupt, [&] {
    auto incomplete = copies();
    const auto& rowset = store->rowsets(1)[0];
    incomplete[0].file = other->continue_copy(78, 1, store->open_rowset(rowset)->footer().encode());
    incomplete[0].rows = incomplete[0].bytes = 0;
    other->adopt(1, 100, 1, std::move(incomplete), {}, {});
  });
  EXPECT_FALSE(other->status(1));
  adopt();
  EXPECT_TRUE(other->status(1));
}

TEST_F(TabletStoreMove, RowsOfALoadAreTakenAlong) {
  auto begun = written(1, {a, b});
  store->drop_replica(1, 100);
  refused(storage_fault::unusable, [&] { (void)store->begin_rowset(1); });
  auto late = store->begin_stray(1);
  append(*late, c);
  other->create_replica(1, 100);
  auto there = other->begin_rowset(1);
  begun->copy_to(*there);
  late->copy_to(*there);
  begun.reset();
  late.reset();
  EXPECT_EQ(segments(), 0u) << "nothing stays where they were";
  std::vector<tablet_store::to_prepare> rowsets;
  rowsets.push_back({1, std::move(there)});
  other->prepare(30, std::move(rowsets));
  EXPECT_EQ(other->publish(30, 2, {}), none);
  look_at_other();
  EXPECT_EQ(content(1), a + b + c);
}

TEST_F(TabletStoreMove, ADatabaseThatKnewNoMovesOrNoRemoteRowsetsIsBroughtUpToDate) {
  const char* no_remote = "ALTER TABLE tablets DROP COLUMN remote_term; ALTER TABLE tablets DROP COLUMN remote_seq;"
                          "ALTER TABLE tablets DROP COLUMN resource; ALTER TABLE rowsets DROP COLUMN remote;"
                          "ALTER TABLE rowsets DROP COLUMN object; ALTER TABLE rowsets DROP COLUMN written_ms;"
                          "DROP TABLE asked; PRAGMA user_version = 2;";
  const char* no_moves = "ALTER TABLE tablets DROP COLUMN moves; PRAGMA user_version = 1;";
  for (const bool is_oldest : {false, true}) {
    store.reset();
    {
      auto db = sqlite::open_database(root / "meta.db", {});
      db.execute(no_remote);
      if (is_oldest)
        db.execute(no_moves);
    }
    store = tablet_store::open(root, options);
    EXPECT_EQ(store->status(1)->moves, 0u);
    EXPECT_EQ(store->status(1)->remote, remote_set{});
    EXPECT_EQ(content(1), a + b + c);
    EXPECT_EQ(store->prepared_txns(), (std::vector<std::uint64_t>{13, 14}));
    store->create_replica(2, 200);
    store->follow(2, 200, {1, 1, 7}, {});
    reopen();
    EXPECT_EQ(store->list().size(), 2u);
    EXPECT_EQ(store->status(2)->remote, (remote_set{1, 1, 7}));
    store->drop_replica(2, 200);
  }
}

}  // namespace
}  // namespace tabletd
