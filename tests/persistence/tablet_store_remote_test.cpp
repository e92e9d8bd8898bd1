// Rowsets that lie in the remote store: taken over whole or not at all, never back, never across (spec/jobs.md B8).
#include "tests/persistence/tablet_store_rig.h"

#include <fmt/format.h>

namespace tabletd {
namespace {

using namespace test;

rowset_meta remote_one(std::uint64_t first, std::uint64_t last, std::string object, std::uint64_t txn = 0) {
  return {.txn = txn,
          .first_version = first,
          .last_version = last,
          .rows = object.empty() ? 0U : 3U,
          .bytes = object.empty() ? 0U : 24U,
          .blocks = object.empty() ? 0U : 1U,
          .object = std::move(object)};
}

struct TabletStoreRemote : TabletStore {
  const remote_set m1{1, 1, 7}, m2{1, 2, 7};

  void SetUp() override {
    store->create_replica(1, 100);
    load(10, 2, 1, {a, b});
    load(11, 3, 1, {c});
    load(12, 4, 1, {});
    load(13, 5, 1, {b});
  }
  /// "2-3 @x, 4-4 local": what is visible.
  std::string visible() {
    std::string all;
    for (const auto& is : store->rowsets(1))
      all += fmt::format("{}{}-{} {}", all.empty() ? "" : ", ", is.first_version, is.last_version,
                         is.object ? "@" + *is.object : "local");
    return all;
  }
  void refused_unchanged(const remote_set& set, std::vector<rowset_meta> rowsets, std::uint64_t replica = 100) {
    const auto before = *store->status(1);
    const auto rows = store->rowsets(1);
    refused(storage_fault::unusable, [&] { store->follow(1, replica, set, std::move(rowsets)); });
    EXPECT_EQ(*store->status(1), before);
    EXPECT_EQ(store->rowsets(1), rows);
  }
};

/// D-B 3.
TEST_F(TabletStoreRemote, TheyTakeThePlaceOfLocalOnesWhoseFilesGo) {
  ASSERT_EQ(segments(), 3u);
  store->follow(1, 100, m1, {remote_one(2, 3, "x")});
  EXPECT_EQ(visible(), "2-3 @x, 4-4 local, 5-5 local");
  EXPECT_EQ(segments(), 1u);
  const auto now = *store->status(1);
  EXPECT_EQ(now.remote, m1);
  EXPECT_EQ(now.remote_version, 3u);
  EXPECT_EQ(now.remote_bytes, 24u);
  EXPECT_EQ(now.version, 5u);
  EXPECT_FALSE(now.bad);
  reopen();
  EXPECT_EQ(*store->status(1), now);
  EXPECT_EQ(visible(), "2-3 @x, 4-4 local, 5-5 local");
  EXPECT_EQ(store->findings().garbage_files, 0u);
  EXPECT_TRUE(store->verify(1));
}

TEST_F(TabletStoreRemote, ANewerSetTakesThePlaceOfTheOlderOne) {
  store->follow(1, 100, m1, {remote_one(2, 2, "x"), remote_one(3, 3, "y")});
  const auto kept = store->rowsets(1).front();
  store->follow(1, 100, m2, {remote_one(2, 2, "x"), remote_one(3, 4, "z"), remote_one(5, 5, "")});
  EXPECT_EQ(visible(), "2-2 @x, 3-4 @z, 5-5 @");
  EXPECT_EQ(store->rowsets(1).front(), kept) << "the common beginning stays as it is";
  EXPECT_EQ(segments(), 0u);
  store->follow(1, 100, {2, 1, 7}, {remote_one(2, 5, "all")});
  EXPECT_EQ(visible(), "2-5 @all");
  reopen();
  EXPECT_EQ(visible(), "2-5 @all");
}

/// By name: the same versions under another one are other rowsets (#32798).
TEST_F(TabletStoreRemote, TheSameVersionsUnderAnotherNameAreOthers) {
  store->follow(1, 100, m1, {remote_one(2, 3, "x")});
  store->follow(1, 100, m2, {remote_one(2, 3, "compacted")});
  EXPECT_EQ(visible(), "2-3 @compacted, 4-4 local, 5-5 local");
}

/// D-B 4 and U9.
TEST_F(TabletStoreRemote, WhatDoesNotFitChangesNothing) {
  store->follow(1, 100, m1, {remote_one(2, 3, "x"), remote_one(4, 4, "")});
  refused_unchanged(m1, {remote_one(2, 5, "y")});
  refused_unchanged({1, 0, 7}, {remote_one(2, 5, "y")});
  refused_unchanged(m2, {remote_one(2, 3, "x")});           // Ends before what is remote here.
  refused_unchanged(m2, {remote_one(3, 5, "y")});           // Does not begin at 2.
  refused_unchanged(m2, {remote_one(2, 3, "x"), remote_one(5, 5, "y")});
  refused_unchanged(m2, {rowset_meta{.first_version = 2, .last_version = 5}});
  refused_unchanged(m2, {remote_one(2, 5, "y")}, 101);
}

TEST_F(TabletStoreRemote, ALocalRowsetAcrossTheEndIsNotCut) {
  store->create_replica(2, 200);
  const source_rowset wide(2, {a});
  install(2, 200, true, copied(wide, 20, 2, 5));
  refused(storage_fault::unusable, [&] { store->follow(2, 200, m1, {remote_one(2, 3, "x")}); });
  EXPECT_EQ(store->status(2)->version, 5u);
  store->follow(2, 200, m1, {remote_one(2, 3, "x"), remote_one(4, 5, "y")});
  EXPECT_EQ(store->status(2)->remote_version, 5u);
}

TEST_F(TabletStoreRemote, WhatWaitedForItsVerdictGoesWhenItsLoadIsRemote) {
  prepare(14, 1, {a});
  prepare(15, 1, {a});
  store->follow(1, 100, m1, {remote_one(2, 5, "x"), remote_one(6, 6, "y", 14)});
  EXPECT_EQ(store->prepared_txns(), (std::vector<std::uint64_t>{15}));
  EXPECT_EQ(store->publish(14, 6, {1}), none);
  EXPECT_EQ(visible(), "2-5 @x, 6-6 @y");
  EXPECT_EQ(segments(), 1u);
}

TEST_F(TabletStoreRemote, AFullCloneBringsTheSourcesSet) {
  const source_rowset five(2, {b});
  std::vector<copied_rowset> copies;
  copies.push_back({.first_version = 2, .last_version = 4, .rows = 3, .bytes = 24, .object = "x", .blocks = 1});
  copies.push_back(copied(five, 13, 5, 5));
  store->install(2, 200, true, std::move(copies), m2);
  const auto now = *store->status(2);
  EXPECT_EQ(now.version, 5u);
  EXPECT_EQ(now.remote, m2);
  EXPECT_EQ(now.remote_version, 4u);
  reopen();
  EXPECT_EQ(*store->status(2), now);
  ASSERT_EQ(store->rowsets(2).size(), 2u);
  EXPECT_EQ(store->rowsets(2)[0].object, "x");
}

/// The source may not have followed yet; what is remote here is no worse.
TEST_F(TabletStoreRemote, AFullCloneFromAnOlderSetKeepsTheNewerOne) {
  store->follow(1, 100, m2, {remote_one(2, 4, "new")});
  const source_rowset five(1, {b});
  std::vector<copied_rowset> copies;
  copies.push_back({.first_version = 2, .last_version = 3, .rows = 3, .bytes = 24, .object = "old", .blocks = 1});
  copies.push_back({.txn = 12, .first_version = 4, .last_version = 4});
  copies.push_back(copied(five, 13, 5, 5));
  store->install(1, 100, true, std::move(copies), m1);
  EXPECT_EQ(visible(), "2-4 @new, 5-5 local");
  EXPECT_EQ(store->status(1)->remote, m2);
}

TEST_F(TabletStoreRemote, AnIncrementalCloneBringsNoRemoteRowset) {
  std::vector<copied_rowset> copies;
  copies.push_back({.first_version = 6, .last_version = 6, .rows = 3, .bytes = 24, .object = "x", .blocks = 1});
  refused(storage_fault::unusable, [&] { store->install(1, 100, false, std::move(copies), {}); });
  EXPECT_EQ(store->status(1)->version, 5u);
}

/// A cleanup must know that a publication may still be committed, whatever happened meanwhile.
TEST_F(TabletStoreRemote, WhatWasAskedForIsKeptUntilItIsForgottenOrTheReplicaGoes) {
  const asked_publication what{m1, "100.1.7.meta", 0xfeedbeef, 4, 1'234};
  store->save_asked(1, 100, what);
  EXPECT_EQ(store->asked(1), what);
  const source_rowset two(1, {a});
  install(1, 100, true, copied(two, 10, 2, 2));
  store->follow(1, 100, m2, {remote_one(2, 2, "x")});
  reopen();
  EXPECT_EQ(store->asked(1), what);
  refused(storage_fault::unusable, [&] { store->save_asked(1, 101, std::nullopt); });
  store->save_asked(1, 100, std::nullopt);
  reopen();
  EXPECT_EQ(store->asked(1), std::nullopt);
  store->save_asked(1, 100, what);
  store->drop_replica(1, 100);
  store->create_replica(1, 101);
  EXPECT_EQ(store->asked(1), std::nullopt);
}

TEST_F(TabletStoreRemote, ARowsetRemembersWhenItWasLoaded) {
  options.wall_ms = [] { return std::int64_t{1'700'000'000'123}; };
  reopen();
  load(14, 6, 1, {a});
  EXPECT_EQ(store->rowsets(1).back().written_ms, 1'700'000'000'123);
  const source_rowset seven(1, {b});
  auto copy = copied(seven, 15, 7, 7);
  copy.written_ms = 42;
  install(1, 100, false, std::move(copy));
  reopen();
  EXPECT_EQ(store->rowsets(1)[4].written_ms, 1'700'000'000'123);
  EXPECT_EQ(store->rowsets(1)[5].written_ms, 42);
}

TEST_F(TabletStoreRemote, AReplicaThatIsDroppedLeavesTheRemoteStoreAlone) {
  store->follow(1, 100, m1, {remote_one(2, 5, "x")});
  EXPECT_TRUE(store->drop_replica(1, 100));
  store->create_replica(1, 101);
  EXPECT_EQ(store->status(1)->remote, remote_set{}) << "a new replica starts without any";
}

// -- a recall ---------------------------------------------------------------------------

struct TabletStoreRecall : TabletStoreRemote {
  const std::string wide = "wide-1.\nwide-2.\nwide-3.\n";  // What remote_one() says: 3 rows, 24 bytes.
  const remote_set home{1, 3, 7};

  void SetUp() override {
    TabletStoreRemote::SetUp();
    store->follow(1, 100, m1, {remote_one(2, 3, "x"), remote_one(4, 4, "")});
  }
  std::vector<homecoming_rowset> fetched(const std::vector<std::pair<std::string, std::string>>& objects) {
    std::vector<homecoming_rowset> files;
    for (const auto& [object, rows] : objects)
      files.push_back({object, written(1, {rows})});
    return files;
  }
  void refused_unchanged(const remote_set& set, std::vector<homecoming_rowset> files, std::uint64_t replica = 100) {
    const auto before = *store->status(1);
    const auto rows = store->rowsets(1);
    refused(storage_fault::unusable, [&] { store->come_home(1, replica, set, std::move(files)); });
    EXPECT_EQ(*store->status(1), before);
    EXPECT_EQ(store->rowsets(1), rows);
  }
};

TEST_F(TabletStoreRecall, WhatWasRemoteIsLocalAgain) {
  store->come_home(1, 100, home, fetched({{"x", wide}}));
  EXPECT_EQ(visible(), "2-3 local, 4-4 local, 5-5 local");
  EXPECT_EQ(content(1), wide + b);
  EXPECT_EQ(segments(), 2u);
  const auto now = *store->status(1);
  EXPECT_EQ(now.remote, home);
  EXPECT_EQ(now.remote_version, 1u);
  EXPECT_EQ(now.remote_bytes, 0u);
  EXPECT_EQ(now.version, 5u);
  reopen();
  EXPECT_EQ(*store->status(1), now);
  EXPECT_EQ(content(1), wide + b);
  EXPECT_EQ(store->findings().garbage_files, 0u);
  EXPECT_TRUE(store->verify(1));
}

TEST_F(TabletStoreRecall, WhatDoesNotFitChangesNothing) {
  refused_unchanged(home, {});
  refused_unchanged(home, fetched({{"y", wide}}));
  refused_unchanged(home, fetched({{"x", wide}, {"y", wide}}));
  refused_unchanged(home, fetched({{"x", a + a}}));
  refused_unchanged(m1, fetched({{"x", wide}}));
  refused_unchanged(home, fetched({{"x", wide}}), 101);
  EXPECT_EQ(segments(), 1u) << "what was fetched goes";
  reopen();
  EXPECT_EQ(visible(), "2-3 @x, 4-4 @, 5-5 local");
}

/// A rowset that was compacted in the remote store has several versions; nothing may mind.
TEST_F(TabletStoreRecall, ALocalRowsetOfSeveralVersionsIsOneLikeOthers) {
  store->come_home(1, 100, home, fetched({{"x", wide}}));
  prepare(10, 1, {a});  // The first load of all, told once more.
  EXPECT_EQ(store->publish(10, 2, {1}), none);
  EXPECT_EQ(visible(), "2-3 local, 4-4 local, 5-5 local");
  load(14, 6, 1, {c});
  EXPECT_EQ(content(1), wide + b + c);
  EXPECT_TRUE(store->verify(1));
  // It cools again, alone or with what follows it, and comes home once more.
  store->follow(1, 100, {1, 4, 7}, {remote_one(2, 3, "again")});
  EXPECT_EQ(visible(), "2-3 @again, 4-4 local, 5-5 local, 6-6 local");
  store->come_home(1, 100, {1, 5, 7}, fetched({{"again", wide}}));
  EXPECT_EQ(content(1), wide + b + c);
  refused(storage_fault::unusable, [&] { store->follow(1, 100, {1, 6, 7}, {remote_one(2, 2, "half")}); });
  // A clone of it, whole and as a part.
  const source_rowset both(1, {wide});
  const source_rowset five(1, {b});
  install(1, 100, true, copied(both, 0, 2, 4), copied(five, 13, 5, 5));
  EXPECT_EQ(visible(), "2-4 local, 5-5 local, 6-6 local");
  EXPECT_EQ(store->status(1)->remote, (remote_set{1, 5, 7}));
}

TEST_F(TabletStoreRecall, ItKeepsWhenItsRowsWereWritten) {
  const auto written = store->rowsets(1).front().written_ms;
  EXPECT_GT(written, 0) << "lists of remote rowsets do not say it";
  store->come_home(1, 100, home, fetched({{"x", wide}}));
  reopen();
  EXPECT_EQ(store->rowsets(1).front().written_ms, written);
}

TEST_F(TabletStoreRecall, ItSettlesWhatWasAskedForBefore) {
  for (const std::uint64_t seq : {2, 3, 4}) {
    store->save_asked(1, 100, asked_publication{{1, seq, 7}, "m", 1, 4, 10});
    if (seq == 2)
      store->come_home(1, 100, home, fetched({{"x", wide}}));
    else
      store->come_home(1, 100, {1, 3 + seq, 7}, {});  // Nothing is remote any more.
    EXPECT_EQ(store->asked(1), std::nullopt) << seq;
  }
  store->save_asked(1, 100, asked_publication{{2, 1, 7}, "m", 1, 4, 10});
  store->come_home(1, 100, {1, 9, 7}, {});
  reopen();
  EXPECT_TRUE(store->asked(1)) << "it may still be committed";
}

TEST_F(TabletStoreRecall, FullClonesBetweenThoseThatAreHomeAndThoseThatAreNot) {
  const source_rowset early(1, {wide});
  const source_rowset five(1, {b});
  // From home: the remote ones are let go, because all of it came along.
  install(2, 200, true, copied(source_rowset(2, {wide}), 0, 2, 3));
  std::vector<copied_rowset> copies;
  copies.push_back(copied(early, 0, 2, 3, 80));
  refused(storage_fault::unusable, [&] { store->install(1, 100, true, std::move(copies), home); });
  EXPECT_EQ(visible(), "2-3 @x, 4-4 @, 5-5 local") << "version 4 would be lost";
  copies.clear();
  copies.push_back(copied(early, 0, 2, 3, 81));
  copies.push_back({.txn = 12, .first_version = 4, .last_version = 4});
  copies.push_back(copied(five, 13, 5, 5, 81));
  store->install(1, 100, true, std::move(copies), home);
  EXPECT_EQ(visible(), "2-3 local, 4-4 local, 5-5 local");
  EXPECT_EQ(store->status(1)->remote, home);
  // To home, from one that is not: nobody has versions 2 to 4 here but itself.
  copies.clear();
  copies.push_back({.first_version = 2, .last_version = 3, .rows = 3, .bytes = 24, .object = "x", .blocks = 1});
  copies.push_back({.txn = 12, .first_version = 4, .last_version = 4});
  copies.push_back(copied(five, 13, 5, 5, 82));
  refused(storage_fault::unusable, [&] { store->install(1, 100, true, std::move(copies), m2); });
  EXPECT_EQ(visible(), "2-3 local, 4-4 local, 5-5 local");
}

}  // namespace
}  // namespace tabletd
