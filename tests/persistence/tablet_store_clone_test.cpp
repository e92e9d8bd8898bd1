// Clones coming in, damage being found, and garbage being swept.
#include "tests/persistence/tablet_store_rig.h"

namespace tabletd {
namespace {

using namespace test;

// -- clone --------------------------------------------------------------------------------

TEST_F(TabletStore, FullCloneCreatesTheReplica) {
  const source_rowset two(1, {a, b});
  const source_rowset four(1, {c});
  install(1, 100, true, copied(two, 10, 2, 3), copied_rowset{.txn = 11, .first_version = 4, .last_version = 4},
          copied(four, 12, 5, 5));
  store->forget_clone(77);
  EXPECT_EQ(store->partial_clones(), none);
  reopen();
  EXPECT_EQ(store->status(1)->version, 5u);
  EXPECT_EQ(store->status(1)->replica, 100u);
  EXPECT_EQ(content(1), a + b + c);
  EXPECT_EQ(text_of(segment_of(store->rowsets(1)[0])).size(), rowset_file_bytes(two.footer.bytes, 2));
  EXPECT_TRUE(store->verify(1));
}

TEST_F(TabletStore, CloneSurvivesARestart) {
  const source_rowset source(1, {a, b, c});
  {
    auto writer = store->continue_copy(77, 10, source.footer.encode());
    source.send(*writer, 2);
  }
  reopen();
  EXPECT_EQ(store->partial_clones(), std::vector<std::uint64_t>{77});
  EXPECT_EQ(store->findings().garbage_files, 0u);
  EXPECT_EQ(store->continue_copy(77, 10, source.footer.encode())->blocks(), 2u);
  install(1, 100, true, copied(source, 10, 2, 2));
  EXPECT_EQ(content(1), source.content());
  EXPECT_EQ(store->clone_directory(77), root / "tmp" / "clone-77");
  store->forget_clone(77);
  store->forget_clone(77);
  EXPECT_TRUE(files_under(root / "tmp").empty());
}

TEST_F(TabletStore, IncrementalCloneFillsTheHole) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a});
  load(12, 4, 1, {c});
  install(1, 100, false, copied(source_rowset(1, {block_of("not this", 1)}), 10, 2, 2),
          copied(source_rowset(1, {b}), 11, 3, 3));
  EXPECT_EQ(content(1), a + b + c) << "version 2 was there and stays";
  EXPECT_EQ(store->status(1)->version, 4u);
  refused(storage_fault::unusable, [&] { install(2, 200, false, copied(source_rowset(2, {b}), 11, 2, 2)); });
  refused(storage_fault::unusable, [&] { install(1, 101, true, copied(source_rowset(1, {b}), 11, 2, 2)); });
  refused(storage_fault::unusable, [&] { install(1, 100, true, copied(source_rowset(2, {b}), 13, 2, 2)); });
  EXPECT_EQ(content(1), a + b + c);
}

TEST_F(TabletStore, FullCloneKeepsWhatLoadsPublishedMeanwhile) {
  store->create_replica(1, 100);
  load(10, 2, 1, {block_of("old", 1)});
  load(12, 4, 1, {c});
  store->mark_bad(1, true);
  reopen();
  EXPECT_TRUE(store->status(1)->bad);
  install(1, 100, true, copied(source_rowset(1, {a}), 10, 2, 2), copied(source_rowset(1, {b}), 11, 3, 3));
  EXPECT_EQ(content(1), a + b + c);
  EXPECT_FALSE(store->status(1)->bad);
  EXPECT_EQ(segments(), 3u);
  reopen();
  EXPECT_FALSE(store->status(1)->bad);
  EXPECT_EQ(store->findings().garbage_files, 0u);
}

TEST_F(TabletStore, FullCloneOfABadReplicaKeepsNothingDamaged) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a});
  load(11, 3, 1, {b});
  const auto damaged = segment_of(store->rowsets(1)[1]);
  auto text = text_of(damaged);
  text[20] ^= 1;
  put_text(damaged, text);
  EXPECT_FALSE(store->verify(1));
  install(1, 100, true, copied(source_rowset(1, {a}), 10, 2, 2));
  EXPECT_EQ(content(1), a);
  EXPECT_FALSE(store->status(1)->bad);
  EXPECT_EQ(store->status(1)->max_version, 2u);
}

TEST_F(TabletStore, CloneThatOutrunsThePublishRetiresThePreparedRowset) {
  store->create_replica(1, 100);
  prepare(10, 1, {a});
  install(1, 100, false, copied(source_rowset(1, {a}), 10, 2, 2));
  EXPECT_EQ(store->prepared_txns(), none);
  EXPECT_EQ(segments(), 1u);
  EXPECT_EQ(store->publish(10, 2, {1}), none) << "it holds that version of that txn";

  prepare(11, 1, {b});
  install(1, 100, true, copied(source_rowset(1, {a, b}), 99, 2, 3));
  EXPECT_EQ(store->prepared_txns(), std::vector<std::uint64_t>{11});
  EXPECT_EQ(store->publish(11, 3, {1}), none) << "covered by a range";
  EXPECT_EQ(store->prepared_txns(), none);
  EXPECT_EQ(content(1), a + b);
}

TEST_F(TabletStore, ManifestsThatMakeNoSenseAreRefused) {
  const source_rowset source(1, {a});
  const auto refuses = [&](std::uint64_t first, std::uint64_t last, std::uint64_t rows) {
    auto one = copied(source, 10, first, last);
    one.rows = rows;
    refused(storage_fault::unusable, [&] { install(1, 100, true, std::move(one)); });
    EXPECT_EQ(store->status(1), std::nullopt);
  };
  refuses(1, 2, 3);
  refuses(3, 2, 3);
  refuses(2, 2, 4);
  refused(storage_fault::unusable, [&] { install(1, 100, true, copied(source, 10, 2, 4), copied(source, 11, 4, 5)); });
  auto footer = source.footer.encode();
  footer[9] ^= std::byte{1};
  refused(storage_fault::corrupt, [&] { (void)store->continue_copy(78, 10, footer); });
}

// -- damage -------------------------------------------------------------------------------

TEST_F(TabletStore, MissingOrCutFileIsFoundAtOpenWithoutReading) {
  store->create_replica(1, 100);
  store->create_replica(2, 200);
  store->create_replica(3, 300);
  load(10, 2, 1, {a});
  load(11, 2, 2, {a});
  load(12, 2, 3, {a});
  fs::remove(segment_of(store->rowsets(1)[0]));
  fs::resize_file(segment_of(store->rowsets(2)[0]), 50);
  reopen();
  EXPECT_EQ(store->findings().rowsets_damaged, 2u);
  EXPECT_TRUE(store->status(1)->bad);
  EXPECT_TRUE(store->status(2)->bad);
  EXPECT_FALSE(store->status(3)->bad);
  refused(storage_fault::corrupt, [&] { (void)store->open_rowset(store->rowsets(1)[0]); });
  refused(storage_fault::corrupt, [&] { (void)store->open_rowset(store->rowsets(2)[0]); });
  EXPECT_FALSE(store->verify(1));
  install(1, 100, true, copied(source_rowset(1, {a}), 10, 2, 2));
  EXPECT_TRUE(store->verify(1));
  EXPECT_FALSE(store->status(1)->bad);
}

TEST_F(TabletStore, PreparedRowsetWithoutItsFileIsForgotten) {
  store->create_replica(1, 100);
  prepare(10, 1, {a});
  fs::remove(root / "tablets" / files_under(root / "tablets").at(0));
  for (int i = 0; i < 2; ++i) {
    reopen();
    EXPECT_EQ(store->findings().prepared_lost, i == 0 ? 1u : 0u);
    EXPECT_FALSE(store->status(1)->bad);
    EXPECT_EQ(store->publish(10, 2, {1}), std::vector<std::uint64_t>{1});
  }
}

TEST_F(TabletStore, VerifyFindsEveryFlippedByte) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a, b});
  const auto file = segment_of(store->rowsets(1)[0]);
  const auto good = text_of(file);
  EXPECT_TRUE(store->verify(1));
  for (std::size_t i = 0; i < good.size(); i += 7) {
    auto damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ 16);
    put_text(file, damaged);
    ASSERT_FALSE(store->verify(1)) << i;
    ASSERT_TRUE(store->status(1)->bad);
    store->mark_bad(1, false);
  }
  put_text(file, good);
  EXPECT_TRUE(store->verify(1));
  refused(storage_fault::unusable, [&] { (void)store->verify(2); });
}

TEST_F(TabletStore, WholeFileOfAnotherRowsetIsCorrupt) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a});
  load(11, 3, 1, {b});
  fs::copy_file(segment_of(store->rowsets(1)[1]), segment_of(store->rowsets(1)[0]),
                fs::copy_options::overwrite_existing);
  refused(storage_fault::corrupt, [&] { (void)store->open_rowset(store->rowsets(1)[0]); });
}

TEST_F(TabletStore, SweepTakesOursAndLeavesTheRest) {
  store->create_replica(1, 100);
  load(10, 2, 1, {a});
  const auto segment = segment_of(store->rowsets(1)[0]);
  store.reset();
  const auto beside = [&](const std::string& name) { return segment.parent_path() / name; };
  fs::copy_file(segment, beside("999.seg"));
  put_text(beside("12.seg.tmp.0123456789abcdef"), "half a load");
  put_text(root / ".tabletd-path.tmp.0123456789abcdef", "half an identity");
  fs::create_directories(segment.parent_path().parent_path() / "257");  // A drop cut short.
  for (const auto& theirs : {beside("notes.txt"), beside("007.seg"), root / "tmp" / "x"})
    put_text(theirs, "keep me");
  fs::create_symlink(segment, beside("1000.seg"));
  store = tablet_store::open(root, options);
  EXPECT_EQ(store->findings().garbage_files, 3u);
  EXPECT_EQ(store->findings().garbage_bytes, fs::file_size(segment) + 11 + 16);
  EXPECT_EQ(store->findings().foreign.size(), 4u);
  EXPECT_TRUE(fs::exists(beside("notes.txt")) && fs::exists(beside("007.seg")));
  EXPECT_FALSE(fs::exists(segment.parent_path().parent_path() / "257"));
  EXPECT_FALSE(fs::exists(beside("999.seg")));
  EXPECT_EQ(content(1), a);
}

// A link may lead to another disk, or to a file of somebody else.
TEST_F(TabletStore, LinksInPlaceOfItsOwnDirectoriesAreRefused) {
  const auto elsewhere = scratch.path() / "elsewhere";
  fs::create_directory(elsewhere);
  store->create_replica(1, 100);
  store->create_replica(2, 200);
  fs::create_directory(root / "tablets" / "01");
  fs::create_directory_symlink(elsewhere, root / "tablets" / "01" / "1");
  fs::create_directory_symlink(elsewhere, root / "tablets" / "02");
  fs::create_directory_symlink(elsewhere, root / "tmp" / "clone-7");
  for (const std::uint64_t tablet : {1, 2}) {
    const auto why = refused(storage_fault::unusable, [&] { (void)store->begin_rowset(tablet); });
    EXPECT_NE(why.find("not a directory of its own"), std::string::npos) << why;
  }
  refused(storage_fault::unusable, [&] { (void)store->clone_directory(7); });
  EXPECT_TRUE(fs::is_empty(elsewhere));
}

TEST_F(TabletStore, LinkInPlaceOfTheTabletsDirectoryIsRefused) {
  store.reset();
  fs::rename(root / "tablets", scratch.path() / "elsewhere");
  fs::create_directory_symlink(scratch.path() / "elsewhere", root / "tablets");
  refused(storage_fault::unusable, [&] { (void)tablet_store::open(root, options); });
}

}  // namespace
}  // namespace tabletd
