// Warm-up on a real backend over the real wire: what was warmed is read without the store, and what could not be warmed
// is named.
#include "tests/node_be/warmed_tablet.h"

#include <fstream>

namespace tabletd::test {
namespace {

TEST_F(BackendWarmup, AWarmTabletIsReadWithoutItsStore) {
  const auto reply = warm(*fe, {cooled(), nothing(2)});
  EXPECT_EQ(reply.done, 0);
  EXPECT_EQ(reply.failed_tablets, 0U);
  EXPECT_EQ(reply.bytes_done, conf.published->bytes) << "all that the log says is there";
  const codec::cache_share whole{bytes_there(), 0, 0};
  EXPECT_EQ(verify(*fe, {cooled(), nothing(2)}), whole);
  EXPECT_EQ(be->stats().warmup.batches_whole, 1U);
  EXPECT_EQ(be->stats().warmup.bytes, conf.published->bytes);

  move_the_store_away();
  auto all = fe->scan(1, 10, 4);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, content());
  all = scan_remote(*fe, cooled());
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, content());

  // A restart takes nothing away, whether or not a leader has said where the store is, and though it is not there.
  restart();
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content());
  all = scan_remote(*fe, cooled());
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, content());
  EXPECT_EQ(verify(*fe, {cooled()}), whole);
  EXPECT_EQ(be->node().cache()->counters().bytes_from_store, 0U);
}

TEST_F(BackendWarmup, WithoutAWarmUpTheStoreIsNeeded) {
  EXPECT_EQ(verify(*fe, {cooled()}), (codec::cache_share{0, 0, conf.published->bytes}));
  move_the_store_away();
  restart();
  EXPECT_NE(scan_remote(*fe, cooled()).failure, "");
}

TEST_F(BackendWarmup, WhatScansReadIsWarmToo) {
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content());
  const auto share = verify(*fe, {cooled()});
  EXPECT_EQ(share.damaged_bytes, 0U);
  EXPECT_EQ(scan_remote(*fe, cooled()).bytes, content());
  EXPECT_EQ(verify(*fe, {cooled()}).missing_bytes, 0U) << "now the list of its rowsets is here as well";
}

TEST_F(BackendWarmup, ABackendWithoutTheReplicaReadsTheSame) {
  backend other(sys, paced("b"));
  leader fe2(io, other.port());
  ASSERT_EQ(fe2.attach(5), "");
  const auto replicas = fe->scan(1, 10, 4);
  auto all = scan_remote(fe2, cooled());
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, replicas.bytes);
  EXPECT_EQ(all.blocks, replicas.blocks);
  // It ends at a version and goes on at a block.
  EXPECT_EQ(scan_remote(fe2, cooled(), 3).bytes, rows[0].rows + rows[1].rows);
  EXPECT_EQ(scan_remote(fe2, cooled(), 4, 2, 1).bytes, rows[1].rows + more.rows);
  EXPECT_EQ(scan_remote(fe2, cooled(), 4, 4, 0).bytes, more.rows);
  EXPECT_EQ(scan_remote(fe2, cooled(), 1).bytes, "");
  EXPECT_NE(scan_remote(fe2, cooled(), 5).failure.find("ends at version 4, not 5"), std::string::npos);
  EXPECT_EQ(scan_remote(fe2, nothing(1), 1).bytes, "");
  EXPECT_NE(scan_remote(fe2, nothing(1), 2).failure.find("ends at version 1"), std::string::npos);
  EXPECT_NE(scan_remote(fe2, lost(1)).failure.find("lost.meta"), std::string::npos);
}

TEST_F(BackendWarmup, AMetaThatIsNotWhatWasPublishedIsRefused) {
  auto other = cooled();
  ++other.meta.crc32c;
  EXPECT_NE(scan_remote(*fe, other).failure.find("checksum"), std::string::npos);
  other = cooled();
  other.tablet = 2;  // Whose folder it is not in.
  EXPECT_NE(scan_remote(*fe, other).failure, "");
  std::filesystem::create_directories(shared / "data/2");
  std::filesystem::copy(shared / "data/1" / other.meta.object, shared / "data/2" / other.meta.object);
  EXPECT_NE(scan_remote(*fe, other).failure.find("is of tablet 1, not 2"), std::string::npos);
  other = cooled();
  other.meta.last_version = 5;
  EXPECT_NE(scan_remote(*fe, other, 5).failure.find("ends at version 4, published was 5"), std::string::npos);
}

TEST_F(BackendWarmup, ADamagedBlockComesFromTheStore) {
  warm(*fe, {cooled()});
  const auto file = block_files().front();
  {
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(10);
    damage.put('#');
  }
  const auto from_store = be->node().cache()->counters().bytes_from_store.load();
  const auto all = fe->scan(1, 10, 4);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, content());
  EXPECT_GT(be->node().cache()->counters().bytes_from_store, from_store);
  EXPECT_EQ(verify(*fe, {cooled()}).sound_bytes, bytes_there()) << "it is here again";
  {
    std::fstream damage(block_files().back(), std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(10);
    damage.put('#');
  }
  const auto share = verify(*fe, {cooled()});
  EXPECT_GT(share.damaged_bytes, 0U);
  EXPECT_EQ(share.sound_bytes + share.damaged_bytes, bytes_there());
}

TEST_F(BackendWarmup, WhatCouldNotBeWarmedIsNamed) {
  const auto reply = warm(*fe, {lost(5), cooled(), nothing(6), lost(4)});
  EXPECT_EQ(reply.failed_tablets, 2U);
  EXPECT_EQ(reply.named_tablets, (std::vector{model::tablet_id{5}, model::tablet_id{4}}));
  EXPECT_EQ(reply.bytes_done, conf.published->bytes);
  EXPECT_EQ(be->stats().warmup.batches_lacking, 1U);
  EXPECT_EQ(be->stats().warmup.tablets_failed, 2U);
  // What is warm does not miss an object that is gone.
  std::filesystem::remove(segments_there()[0]);
  restart();
  const auto pushed = push_warm(*fe, {cooled()});
  EXPECT_EQ(pushed.failed_tablets, 0U) << "it is warm already, and stays so: " << pushed.why;
}

TEST_F(BackendWarmup, AnObjectThatIsGoneIsItsTabletsFailure) {
  const auto gone = segments_there()[0];
  std::filesystem::remove(gone);
  const auto pushed = push_warm(*fe, {nothing(2), cooled()});
  EXPECT_EQ(pushed.failed_tablets, 1U);
  EXPECT_EQ(pushed.named_tablets, std::vector{model::tablet_id{1}});
  EXPECT_NE(pushed.why.find(gone.filename().string()), std::string::npos) << pushed.why;
  EXPECT_GT(pushed.bytes_done, more.rows.size() / 2) << "the rest is there";
}

TEST_F(BackendWarmup, ACacheThatIsTooSmallEndsPartial) {
  cold.capacity_bytes = 10 * small_block;
  restart();
  const auto reply = warm(*fe, {cooled(), nothing(2)});
  EXPECT_EQ(reply.named_tablets, std::vector{model::tablet_id{1}});
  EXPECT_LE(reply.bytes_done, cold.capacity_bytes + 1'000);
  EXPECT_GT(reply.bytes_done, cold.capacity_bytes / 2);
  EXPECT_NE(push_warm(*fe, {cooled()}).why.find("no room in the file cache"), std::string::npos);
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content()) << "what is not here is read where it lies";
}

TEST_F(BackendWarmup, TheSlotSpeaksOverTheWire) {
  EXPECT_EQ(set_job(*fe, 2).done, 1);
  EXPECT_EQ(set_batch(*fe, 2, {cooled()}).verdict, slot_verdict::ok);
  EXPECT_EQ(ended(*fe).done, 2);
  EXPECT_EQ(set_batch(*fe, 2, {cooled()}).verdict, slot_verdict::stale_batch);
  EXPECT_EQ(set_batch(*fe, 3, {cooled()}).verdict, slot_verdict::ok);
  const auto again = ended(*fe);
  EXPECT_EQ(again.done, 3);
  EXPECT_EQ(again.bytes_done, conf.published->bytes) << "what is there already counts";
  EXPECT_EQ(clear(*fe).job, model::warmup_job_id{0});
  EXPECT_EQ(set_batch(*fe, 4, {cooled()}).verdict, slot_verdict::cleared);
  const auto free = ask(*fe, [](auto to) { to.getWhat().setGet(); });
  EXPECT_EQ(free.job, model::warmup_job_id{0});
  EXPECT_EQ(free.boot, 99U);
  EXPECT_EQ(free.epoch_seen, 5U);
}

/// Under a limit of bytes that would keep it busy for a minute and a half.
TEST_F(BackendWarmup, ABatchThatIsClearedEndsAtItsNextBlock) {
  limits.bytes_per_s = 1'000;
  restart();
  EXPECT_EQ(set_job(*fe).verdict, slot_verdict::ok);
  EXPECT_EQ(set_batch(*fe, 0, {cooled()}).verdict, slot_verdict::ok);
  EXPECT_EQ(set_batch(*fe, 0, {cooled()}).verdict, slot_verdict::dup);
  EXPECT_EQ(clear(*fe).job, model::warmup_job_id{0});
  job = 41;
  EXPECT_EQ(set_job(*fe).verdict, slot_verdict::ok);
  EXPECT_EQ(set_batch(*fe, 0, {nothing(2)}).verdict, slot_verdict::ok);
  const auto reply = ended(*fe);
  EXPECT_EQ(reply.done, 0);
  EXPECT_EQ(reply.bytes_done, 0U) << "of its own batch";
  EXPECT_LT(state(*fe).used_bytes, content().size());
  EXPECT_EQ(be->stats().warmup.batches_whole, 1U);
  EXPECT_EQ(be->stats().warmup.batches_lacking, 0U);
  // So does one that is in hand when the backend stops.
  EXPECT_EQ(set_batch(*fe, 1, {cooled()}).verdict, slot_verdict::ok);
  be->stop();
}

/// Metas come with SET_BATCH alone, a thousand tablets too.
TEST_F(BackendWarmup, ABatchOfManyTabletsEnds) {
  std::vector<wanted> many;
  for (std::uint64_t i = 0; i < 2'000; ++i)
    many.push_back(nothing(100 + i));
  many.push_back(cooled());
  for (std::uint64_t i = 0; i < 50; ++i)
    many.push_back(lost(3'000 + i));
  const auto reply = warm(*fe, many);
  EXPECT_EQ(reply.bytes_done, conf.published->bytes);
  EXPECT_EQ(reply.failed_tablets, 50U);
  EXPECT_EQ(reply.named_tablets.size(), 20U);
}

TEST_F(BackendWarmup, APushIsOutsideOfTheSlot) {
  const auto pushed = push_warm(*fe, {cooled(), nothing(2)});
  EXPECT_EQ(pushed.failed_tablets, 0U) << pushed.why;
  EXPECT_EQ(pushed.bytes_done, conf.published->bytes);
  EXPECT_EQ(pushed.why, "");
  EXPECT_EQ(verify(*fe, {cooled()}).sound_bytes, bytes_there());
  EXPECT_EQ(ask(*fe, [](auto to) { to.getWhat().setGet(); }).job, model::warmup_job_id{0});
  const auto before = be->node().cache()->counters().bytes_from_store.load();
  EXPECT_EQ(push_warm(*fe, {cooled()}).bytes_done, conf.published->bytes);
  EXPECT_EQ(be->node().cache()->counters().bytes_from_store, before) << "it was there";
}

/// Else a day of merges would fill the share with what nobody reads any more.
TEST_F(BackendWarmup, WhatAMergeReplacedHoldsNoRoom) {
  warm(*fe, {cooled()});
  const auto held_by_warmups = [&] { return be->node().cache()->status()[0].holdings.bytes_in(block_queue::warm); };
  const auto before = held_by_warmups();
  fe->ears().confirm_deletion = [] { return true; };
  for (std::uint64_t v = 5; v <= 6; ++v)
    fe->load(200 + v, v, 1, 10, {make_rows(900, 50, v)});
  push(*fe, 10);
  fe->wait_until([&] {
    return be->stats().cooldown_compactions.done == 1 && segments_there().size() == 1 && objects().size() == 2
           && has_followed(*fe, conf.published->id);
  });
  EXPECT_EQ(held_by_warmups(), before);
  const auto pushed = push_warm(*fe, {cooled()});
  EXPECT_EQ(pushed.failed_tablets, 0U) << pushed.why;
  EXPECT_EQ(pushed.bytes_done, conf.published->bytes);
  EXPECT_EQ(held_by_warmups(), std::filesystem::file_size(segments_there()[0])) << "the new set's object alone";
  EXPECT_EQ(verify(*fe, {cooled()}).sound_bytes, bytes_there());
}

TEST_F(BackendWarmup, ItSaysWhatItHasRoomForAndWhatWasReadMost) {
  auto said = state(*fe);
  EXPECT_EQ(said.boot, 99U);
  EXPECT_EQ(said.capacity_bytes, cold.capacity_bytes);
  EXPECT_EQ(said.used_bytes, 0U);
  EXPECT_TRUE(said.hottest.empty());
  warm(*fe, {cooled()});
  said = state(*fe);
  EXPECT_GT(said.used_bytes, content().size());
  EXPECT_TRUE(said.hottest.empty()) << "a warm-up is no reading";
  static_cast<void>(scan_remote(*fe, cooled()));
  said = state(*fe);
  ASSERT_EQ(said.hottest.size(), 1U);
  EXPECT_EQ(said.hottest[0].partition, model::partition_id{partition});
  EXPECT_GE(said.hottest[0].bytes, content().size());
}

TEST_F(BackendWarmup, WithoutACacheEverythingIsReadWhereItLies) {
  warm(*fe, {cooled()});
  ASSERT_FALSE(block_files().empty());
  cold.capacity_bytes = 0;
  restart();
  EXPECT_FALSE(std::filesystem::exists(dir / "a" / "cache")) << "its space is wanted back";
  EXPECT_EQ(state(*fe).capacity_bytes, 0U);
  EXPECT_EQ(scan_remote(*fe, cooled()).bytes, content());
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content());
  const auto pushed = push_warm(*fe, {cooled(), nothing(2)});
  EXPECT_EQ(pushed.named_tablets, std::vector{model::tablet_id{1}});
  EXPECT_NE(pushed.why.find("cache.capacity_bytes"), std::string::npos) << pushed.why;
  EXPECT_EQ(verify(*fe, {cooled()}).sound_bytes, 0U);
}

/// Something else lies where the cache should.
TEST_F(BackendWarmup, ACacheThatCannotBeOpenedDoesNotStopTheBackend) {
  fe.reset();
  be.reset();
  std::filesystem::remove_all(dir / "a" / "cache");
  std::ofstream(dir / "a" / "cache") << "no directory";
  be.emplace(sys, paced("a"));
  fe.emplace(io, be->port());
  the_log_accepts(*fe);
  ASSERT_EQ(fe->attach(6), "");
  EXPECT_EQ(scan_remote(*fe, cooled()).bytes, content());
  EXPECT_EQ(state(*fe).capacity_bytes, 0U);
  EXPECT_EQ(push_warm(*fe, {cooled()}).failed_tablets, 1U);
}

TEST_F(BackendWarmup, ATabletWhoseListCannotBeKeptIsNotWarm) {
  cold.meta_bytes = 10;
  restart();
  const auto pushed = push_warm(*fe, {nothing(2), cooled()});
  EXPECT_EQ(pushed.named_tablets, std::vector{model::tablet_id{1}});
  EXPECT_NE(pushed.why.find("could not be kept"), std::string::npos) << pushed.why;
  EXPECT_GT(verify(*fe, {cooled()}).missing_bytes, 0U);
  EXPECT_EQ(scan_remote(*fe, cooled()).bytes, content());
}

TEST_F(BackendWarmup, OneOfTwoPathsIsEnough) {
  auto how = paced("b");
  std::filesystem::create_directories(dir / "c");
  how.paths.push_back({dir / "c", false, {}});
  std::ofstream(dir / "b" / "cache") << "no directory";
  backend other(sys, how);
  leader fe2(io, other.port());
  ASSERT_EQ(fe2.attach(5), "");
  const auto pushed = push_warm(fe2, {cooled()});
  EXPECT_EQ(pushed.failed_tablets, 0U) << pushed.why;
  EXPECT_EQ(verify(fe2, {cooled()}).sound_bytes, bytes_there());
  EXPECT_LT(state(fe2).capacity_bytes, cold.capacity_bytes) << "the share of one path";
  const auto paths = other.node().cache()->status();
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_NE(paths[0].fault, "");
  EXPECT_EQ(paths[1].fault, "");
}

/// A path's quota is one for replicas and cache, and what replicas may want is left free.
TEST_F(BackendWarmup, TheCacheCountsAgainstItsPath) {
  cold.reserve.min_left_bytes = (1 << 20) - 10 * small_block;
  backend other(sys, paced("b", 1 << 20));
  leader fe2(io, other.port());
  ASSERT_EQ(fe2.attach(5), "");
  EXPECT_EQ(state(fe2).capacity_bytes, 10 * small_block);
  const auto pushed = push_warm(fe2, {cooled()});
  EXPECT_NE(pushed.why.find("no room"), std::string::npos) << pushed.why;
  EXPECT_LE(other.node().cache()->status()[0].holdings.bytes_held(), 10 * small_block);
  EXPECT_EQ(scan_remote(fe2, cooled()).bytes, content());
}

}  // namespace
}  // namespace tabletd::test
