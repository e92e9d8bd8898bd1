// Which remote rowsets are merged and how often a byte is written, moves to another store, and stores that are cleaned up.
#include "actors/model/cooldown_compaction.h"
#include "tests/model/cooldown_world.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace tabletd::test {
namespace {

constexpr std::uint64_t mib = 1U << 20, gib = 1U << 30;

/// A list as uploads and merges leave it, and what they have written.
struct remote_list {
  compaction_limits limits;
  std::vector<remote_rowset> rowsets;
  std::uint64_t loaded = 0;
  std::uint64_t rewritten = 0;
  std::size_t longest = 0;

  void load(std::uint64_t bytes, std::uint64_t blocks = 1) {
    const auto v = rowsets.empty() ? version_initial + 1 : rowsets.back().last_version + 1;
    rowsets.push_back({bytes == 0 ? "" : "o", txn_id{v}, v, v, bytes, bytes, bytes == 0 ? 0 : static_cast<std::uint32_t>(blocks)});
    loaded += bytes;
    while (const auto run = choose_compaction(rowsets, limits))
      merge(*run);
    longest = std::max(longest, rowsets.size());
  }
  void merge(const rowset_run& run) {
    const auto first = rowsets.begin() + static_cast<std::ptrdiff_t>(run.first);
    const auto end = first + static_cast<std::ptrdiff_t>(run.count);
    const auto all = merged({first, end}, "m");
    EXPECT_LE(all.bytes, limits.bytes_max);
    rewritten += all.bytes;
    rowsets.insert(rowsets.erase(first, end), all);
  }
};

TEST(CooldownCompaction, FourRowsetsWithRowsAreMerged) {
  const std::vector three{cold(2, 2, "a"), cold(3, 3, ""), cold(4, 4, "b"), cold(5, 5, "c")};
  EXPECT_EQ(choose_compaction(three, {}), std::nullopt);
  auto four = three;
  four.push_back(cold(6, 6, "d"));
  EXPECT_EQ(choose_compaction(four, {}), (rowset_run{0, 5}));
  const auto all = merged(four, "m");
  EXPECT_EQ(all, (remote_rowset{"m", txn_id{}, 2, 6, 4, 400, 4}));
  EXPECT_EQ(merged(std::span(four).first(1), "m").txn, four[0].txn) << "one alone is still its load's";
}

/// What the specification would do: 100 GB written anew with every four loads.
TEST(CooldownCompaction, ALargeOldRowsetIsLeftAlone) {
  remote_list list;
  list.limits.bytes_max = std::uint64_t(1) << 40;  // The limit of one object is not what protects it.
  list.load(100 * gib, 1'000);
  for (int i = 0; i < 4'000; ++i)
    list.load(mib);
  EXPECT_EQ(list.rowsets.front().bytes, 100 * gib);
  EXPECT_LT(list.rewritten, 13 * 4'000 * mib);
  EXPECT_LT(list.longest, 20U);
}

TEST(CooldownCompaction, AByteIsWrittenAboutAsOftenAsTheNumberOfLoadsHasBits) {
  remote_list equal;
  for (int i = 0; i < 1'024; ++i)
    equal.load(64 * 1024);
  EXPECT_LE(equal.rewritten, 10 * equal.loaded);  // log2(1024).
  EXPECT_LT(equal.longest, 16U);

  std::mt19937_64 dice(7);
  for (int history = 0; history < 20; ++history) {
    remote_list uneven;
    for (int i = 0; i < 1'000; ++i)
      uneven.load(std::uint64_t(1) << dice() % 24);
    EXPECT_LE(uneven.rewritten, 12 * uneven.loaded) << history;
    EXPECT_LT(uneven.longest, 64U) << history;
  }
}

TEST(CooldownCompaction, NoObjectOutgrowsOnePut) {
  remote_list list;
  for (int i = 0; i < 3'000; ++i)
    list.load(10 * mib, 10);
  EXPECT_LT(list.rowsets.size(), 30'000 / 512 + 16U);
  for (const auto& rowset : list.rowsets)
    EXPECT_LE(rowset.bytes, gib);
  remote_list blocks;
  blocks.limits.blocks_max = 8;
  for (int i = 0; i < 64; ++i)
    blocks.load(1);
  for (const auto& rowset : blocks.rowsets)
    EXPECT_LE(rowset.blocks, 8U);
}

/// A load into one bucket leaves a rowset without rows in each of the others.
TEST(CooldownCompaction, ManyWithoutRowsAreJoinedWithoutAnObject) {
  remote_list list;
  list.load(100);
  for (int i = 0; i < 1'000; ++i)
    list.load(0);
  EXPECT_EQ(list.rewritten, 0U);
  EXPECT_LT(list.longest, 70U);
  list.load(100);
  EXPECT_EQ(list.rowsets.back().last_version, 1'003U);
}

TEST(CooldownCompaction, CopiesTakeEverythingInOrderAsFewAsTheLimitsAllow) {
  const std::vector rowsets{cold(2, 2, ""), cold(3, 3, "a"), cold(4, 4, "b"), cold(5, 5, "c"), cold(6, 6, "")};
  compaction_limits limits;
  EXPECT_EQ(copy_runs(rowsets, limits), (std::vector<rowset_run>{{0, 5}}));
  limits.bytes_max = 200;
  EXPECT_EQ(copy_runs(rowsets, limits), (std::vector<rowset_run>{{0, 3}, {3, 2}}));
  limits.bytes_max = 1;
  EXPECT_EQ(copy_runs(rowsets, limits), (std::vector<rowset_run>{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}}));
  EXPECT_TRUE(copy_runs({}, limits).empty());
}

// -- another store -------------------------------------------------------------------------

constexpr resource_id elsewhere{2};

/// A has everything in `store`, in two objects that do not fit into one; the policy names `elsewhere` now.
struct CooldownMove : ::testing::Test {
  remote_meta meta = meta_of({1, 4}, {cold(2, 2, "a"), cold(3, 3, ""), cold(4, 4, "b")});
  backend_rig a{disk_of(A, meta.id, meta.rowsets, {hot(5, 5)}), {.compaction = {.bytes_max = 100}}};
  CooldownMove() {
    a.stores = {store, elsewhere};
    a.resource = elsewhere;
    a.appoint(1, published(meta, "m"));
  }
  /// The log takes it, and the set is saved.
  void accept(const upload_trace& upload) {
    save(a, a.say(publication_answered{upload.asked.job, publication_verdict::accepted}));
  }
};

TEST_F(CooldownMove, TakesEverythingInOnePublicationBeforeAnythingNewIsPut) {
  auto effects = a.work();
  auto put = only<put_segment>(effects);
  EXPECT_EQ(put.from, store);
  EXPECT_EQ(put.to, elsewhere);
  EXPECT_EQ(put.inputs, (std::vector{cold(2, 2, "a"), cold(3, 3, "")})) << "the empty one goes with its neighbour";
  const auto upload = carry_upload(a, effects);
  EXPECT_EQ(upload.segments.size(), 2U);
  EXPECT_EQ(upload.meta.resource, elsewhere);
  EXPECT_EQ(upload.asked.meta.resource, elsewhere);
  EXPECT_EQ(last_version_of(upload.meta.rowsets), 4U);
  for (const auto& rowset : upload.meta.rowsets)
    EXPECT_TRUE(std::ranges::count(upload.segments, rowset.object)) << rowset.object;
  accept(upload);
  EXPECT_EQ(a.disk.hot, std::vector{hot(5, 5)});
  // And then the policy goes on there.
  put = only<put_segment>(a.work());
  EXPECT_TRUE(put.inputs.empty());
  EXPECT_EQ(put.to, elsewhere);
}

TEST_F(CooldownMove, APieceThatFailsIsPutAgainUnderAnotherNameAndTheRestIsKept) {
  const auto first = only<put_segment>(a.work());
  const auto second = only<put_segment>(a.say(cooldown_done{first.job}));
  const auto discard = only<discard_objects>(a.say(cooldown_failed{second.job, "503"}));
  EXPECT_EQ(discard.objects, std::vector{second.object});
  EXPECT_EQ(discard.resource, elsewhere);
  EXPECT_EQ(a.process->why_stuck(), "503");
  EXPECT_TRUE(a.say(cooldown_done{second.job}).empty()) << "too late to count";
  EXPECT_TRUE(a.work().empty()) << "it rests";
  a.now += 10 * a.options.work_interval;
  a.appoint(1, published(meta, "m"));
  a.nonce = 0xa2;
  const auto effects = a.work();
  EXPECT_NE(only<put_segment>(effects).object, second.object);
  const auto upload = carry_upload(a, effects);
  EXPECT_EQ(upload.meta.rowsets.at(0).object, first.object);
  EXPECT_EQ(upload.meta.rowsets.at(1).object, upload.segments.at(0));
}

TEST_F(CooldownMove, IsGivenUpWhenItsLeaseEndsOrThePolicyNamesAnotherStoreOrItFailsTooOften) {
  const auto first = only<put_segment>(a.work());
  a.now += a.options.lease;
  EXPECT_EQ(only<discard_objects>(a.say(cooldown_done{first.job})).objects.size(), 3U);
  a.appoint(1, published(meta, "m"));
  const auto again = only<put_segment>(a.work());
  a.resource = store;
  EXPECT_TRUE(has<discard_objects>(a.say(cooldown_done{again.job})));
  a.resource = elsewhere;
  auto piece = only<put_segment>(a.work());
  piece = only<put_segment>(a.say(cooldown_done{piece.job}));
  for (int i = 1; i < 5; ++i) {
    (void)a.say(cooldown_failed{piece.job, "503"});
    a.now += (10 << (i - 1)) * a.options.work_interval;
    a.appoint(1, published(meta, "m"));
    piece = only<put_segment>(a.work());
  }
  EXPECT_EQ(only<discard_objects>(a.say(cooldown_failed{piece.job, "503"})).objects.size(), 3U);
}

TEST_F(CooldownMove, ANewTermEndsOneThatRestsAtOnce) {
  const auto first = only<put_segment>(a.work());
  const auto second = only<put_segment>(a.say(cooldown_done{first.job}));
  (void)a.say(cooldown_failed{second.job, "503"});
  const auto effects = a.say(conf_pushed{{B, 2, published(meta, "m")}});
  EXPECT_EQ(only<discard_objects>(effects).objects.size(), 3U);
  EXPECT_FALSE(has<refuse_conf>(effects));
  EXPECT_EQ(a.process->known_term(), 2U);
}

/// After a restart it may hear first what the log said long ago: then it does not know where its own set lies.
TEST_F(CooldownMove, APushThatIsOlderThanTheDiskBeginsNothing) {
  auto older = meta;
  older.id.seq = 3;
  older.resource = elsewhere;
  a.restart();
  a.appoint(1, published(older, "m3"));
  EXPECT_TRUE(a.work().empty()) << "it would put what is new into one store and name what is old in the other";
  EXPECT_NE(a.process->published_id(), meta.id) << "the report says so";
  (void)a.say(conf_pushed{{A, 1, published(meta, "m")}});
  EXPECT_EQ(only<put_segment>(a.work()).from, store);
}

// -- stores that are cleaned up ------------------------------------------------------------

/// A has published in `store`; nothing is hot.
struct CooldownCleanup : ::testing::Test {
  const std::string kept = segment_object({A, 1, 1}, 2, 2), old = segment_object({B, 1, 2}, 2, 2),
                    meta_name = meta_object({A, 1, 3}, 4);
  remote_meta meta = meta_of({1, 4}, {cold(2, 2, kept)});
  backend_rig a{disk_of(A, meta.id, meta.rowsets, {})};
  CooldownCleanup() {
    a.stores = {store, elsewhere, resource_id{3}};
    a.appoint(1, published(meta, meta_name));
  }
  replica_effects list(const list_objects& e, std::vector<std::string> there) {
    return a.say(objects_listed{e.job, std::move(there)});
  }
  /// The leader confirms, the store deletes; what was deleted, and the effects of the end.
  std::pair<std::vector<delete_object>, replica_effects> carry(replica_effects effects) {
    std::vector<delete_object> doomed;
    effects = a.say(deletion_answered{only<ask_deletion>(effects).job, true, {}});
    while (has<delete_object>(effects)) {
      doomed.push_back(only<delete_object>(effects));
      effects = a.say(cooldown_done{doomed.back().job});
    }
    return {doomed, effects};
  }
};

TEST_F(CooldownCleanup, GoesThroughEveryStoreOfTheCatalog) {
  auto listing = only<list_objects>(a.work());
  EXPECT_EQ(listing.resource, store);
  listing = only<list_objects>(list(listing, {kept, meta_name}));
  EXPECT_EQ(listing.resource, elsewhere);
  auto [doomed, effects] = carry(list(listing, {old, meta_object({B, 1, 7}, 3), segment_object({C, 2, 9}, 2, 2), "note.txt"}));
  ASSERT_EQ(doomed.size(), 2U) << "nothing of a later term or of a foreign shape";
  EXPECT_EQ(doomed[0].object, old);
  EXPECT_EQ(doomed[0].resource, elsewhere);
  listing = only<list_objects>(effects);
  EXPECT_EQ(listing.resource, resource_id{3});
  EXPECT_TRUE(list(listing, {}).empty());
  EXPECT_TRUE(a.work().empty()) << "the round is over";
  a.now += a.options.cleanup_interval;
  a.appoint(1, published(meta, meta_name));
  EXPECT_EQ(only<list_objects>(a.work()).resource, store);
}

/// The list that a publication took the place of, and what a merge freed: not six hours of it, and not with every load.
TEST_F(CooldownCleanup, LooksForWhatAPublicationLeavesSoonAndForWhatAMergeFreesSooner) {
  const auto end_round = [&](replica_effects effects) {
    while (has<list_objects>(effects))
      effects = list(only<list_objects>(effects), {});
  };
  const auto publish = [&] {
    const auto upload = carry_upload(a, a.work());
    save(a, a.say(publication_answered{upload.asked.job, publication_verdict::accepted}));
  };
  end_round(a.work());
  a.disk.hot = {hot(3, 3)};
  publish();
  a.now += a.options.tidy_intervals * a.options.work_interval - 1ms;
  (void)a.say(report_acknowledged{a.now, 1});
  EXPECT_TRUE(a.work().empty());
  a.disk.hot = {hot(4, 4)};
  publish();  // Another one puts nothing off.
  a.now += 1ms;
  end_round(a.work());
  a.disk.hot = {hot(5, 5)};
  publish();
  publish();  // The merge of four.
  ASSERT_EQ(a.disk.remote.size(), 1U);
  a.now += a.options.sweep_intervals * a.options.work_interval - 1ms;
  EXPECT_TRUE(a.work().empty());
  a.now += 1ms;
  EXPECT_EQ(only<list_objects>(a.work()).resource, store);
}

/// Nobody keeps an operator from naming a directory twice.
TEST_F(CooldownCleanup, KeepsWhatIsPublishedWhereverItIsListed) {
  const auto listing = only<list_objects>(list(only<list_objects>(a.work()), {kept, meta_name}));
  EXPECT_EQ(listing.resource, elsewhere);
  const auto [doomed, effects] = carry(list(listing, {kept, meta_name, old}));
  ASSERT_EQ(doomed.size(), 1U);
  EXPECT_EQ(doomed[0].object, old);
}

TEST_F(CooldownCleanup, LeavesOutAFormerStoreThatDoesNotAnswerButNotItsOwn) {
  auto listing = only<list_objects>(list(only<list_objects>(a.work()), {}));
  EXPECT_TRUE(a.say(cooldown_failed{listing.job, "no route"}).empty());
  EXPECT_EQ(a.process->why_stuck(), "no route");
  listing = only<list_objects>(a.work());
  EXPECT_EQ(listing.resource, resource_id{3}) << "it does not rest";
  EXPECT_TRUE(list(listing, {}).empty());
  EXPECT_EQ(a.process->why_stuck(), "no route") << "until a round leaves nothing out";
  EXPECT_TRUE(a.work().empty());
  a.now += a.options.rest_intervals_max * a.options.work_interval;
  ASSERT_LT(a.now, a.options.cleanup_interval);
  a.appoint(1, published(meta, meta_name));
  listing = only<list_objects>(a.work());
  EXPECT_EQ(listing.resource, store);
  EXPECT_TRUE(a.say(cooldown_failed{listing.job, "503"}).empty());
  EXPECT_TRUE(a.work().empty()) << "its own store: everything rests";
}

/// The confirmation is of an id of the uploader's own term.
TEST_F(CooldownCleanup, ANewUploaderPublishesTheSameAgainIfThereIsSomethingToDelete) {
  a.appoint(2, published(meta, meta_name));
  auto listing = only<list_objects>(a.work());
  EXPECT_FALSE(has<put_meta>(list(listing, {kept, meta_name}))) << "for nothing it writes nothing";
  a.restart();
  a.appoint(2, published(meta, meta_name));
  listing = only<list_objects>(a.work());
  const auto upload = carry_upload(a, list(listing, {kept, meta_name, old}));
  EXPECT_TRUE(upload.segments.empty());
  EXPECT_EQ(upload.meta.rowsets, meta.rowsets);
  EXPECT_EQ(upload.meta.id, (remote_meta_id{2, 5}));
  save(a, a.say(publication_answered{upload.asked.job, publication_verdict::accepted}));
  const auto effects = list(only<list_objects>(a.work()), {kept, meta_name, old, upload.asked.meta.object});
  EXPECT_EQ(only<ask_deletion>(effects).id, upload.meta.id);
  EXPECT_EQ(carry(effects).first.size(), 2U);
}

}  // namespace
}  // namespace tabletd::test
