// Cooldown on real disks and a real shared directory; the test is the leader and its log.
#include "actors/codec/agent_cooldown_codec.h"
#include "actors/codec/remote_meta_codec.h"
#include "persistence/crc32c.h"
#include "tests/node_be/cooled_tablet.h"
#include <algorithm>
#include <fstream>

namespace tabletd::test {
namespace {

TEST_F(BackendCooldown, TheUploaderPutsItsRowsetsThereAndFreesItsDisk) {
  ASSERT_EQ(segments(dir / "a").size(), 2u);
  cool();
  EXPECT_EQ(segments(dir / "a").size(), 0u);
  EXPECT_EQ(segments_there().size(), 2u) << "the one without rows needs no object";
  EXPECT_EQ(be->stats().cooldown_uploads_done, 2u);
  const auto all = fe->scan(1, 10, 4);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, content());
  EXPECT_EQ(be->stats().remote_read_bytes, content().size());
  fe->load(203, 5, 1, 10, {more});
  EXPECT_EQ(fe->scan(1, 10, 5).bytes, content() + more.rows);
}

/// U1: without an acknowledgement there is no lease, and without a lease no change of the store.
TEST_F(BackendCooldown, NothingIsUploadedWithoutALease) {
  fe->ears().acknowledge = [](const auto&) { return model::term{0}; };
  push(*fe, 10);
  const auto reports = fe->ears().cooldown_reports;
  fe->wait_until([&] { return fe->ears().cooldown_reports > reports + 10; });
  EXPECT_TRUE(objects().empty());
  fe->ears().acknowledge = [](const auto&) { return model::term{2}; };  // Of another term: not this tenure's.
  fe->wait_until([&] { return fe->ears().cooldown_reports > reports + 20; });
  EXPECT_TRUE(objects().empty());
  EXPECT_EQ(segments(dir / "a").size(), 2u);
}

/// B12.  The local copies are gone, so what is compared is what was merged.
TEST_F(BackendCooldown, RemoteRowsetsAreMergedAndReadTheSameInTheSameOrder) {
  fe->ears().confirm_deletion = [] { return true; };
  cool();
  EXPECT_EQ(be->stats().cooldown_compactions.done, 0u);
  auto wanted = content();
  for (std::uint64_t v = 5; v <= 6; ++v) {
    const auto block = make_rows(900, 50, v);
    fe->load(200 + v, v, 1, 10, {block});
    wanted += block.rows;
  }
  push(*fe, 10);
  // Four with rows, and together more than twice the largest, are merged; a later round deletes what they were.
  fe->wait_until([&] {
    return be->stats().cooldown_compactions.done == 1 && segments_there().size() == 1 && objects().size() == 2
           && has_followed(*fe, conf.published->id);
  });
  EXPECT_EQ(be->stats().cooldown_compactions.bytes, std::filesystem::file_size(segments_there()[0]));
  EXPECT_EQ(be->stats().cooldown_compactions.failed, 0u);
  const auto all = fe->scan(1, 10, 6);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, wanted);
  EXPECT_EQ(all.blocks, 5u) << "as they were";
  EXPECT_EQ(segments(dir / "a").size(), 0u);
}

/// More footers than are opened at once; what comes first is read first whatever is open first.
TEST_F(BackendCooldown, ManyRemoteRowsetsAreReadInTheirOrder) {
  auto how = paced("a");
  how.cooldown_rules.compaction.rowsets_min = 1'000;
  fe.reset();
  be.reset();
  be.emplace(sys, how);
  fe.emplace(io, be->port());
  the_log_accepts(*fe);
  ASSERT_EQ(fe->attach(5), "");
  auto wanted = content();
  for (std::uint64_t v = 5; v <= 20; ++v) {
    const auto block = make_rows(static_cast<std::uint32_t>(10 * v), 50, v);
    fe->load(200 + v, v, 1, 10, {block});
    wanted += block.rows;
  }
  push(*fe, 10);
  fe->wait_until([&] { return conf.published && conf.published->last_version == 20 && has_followed(*fe, conf.published->id); });
  const auto there = segments_there();
  EXPECT_EQ(there.size(), 18u);
  const auto all = fe->scan(1, 10, 20);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, wanted);
  std::filesystem::remove(there[9]);
  EXPECT_NE(fe->scan(1, 10, 20).failure.find(there[9].filename()), std::string::npos);
}

TEST_F(BackendCooldown, AnObjectThatIsGoneStopsTheMergeAndSaysWhich) {
  cool();
  const auto lost = segments_there()[0];
  std::filesystem::rename(lost, shared / "kept");
  for (std::uint64_t v = 5; v <= 6; ++v)
    fe->load(200 + v, v, 1, 10, {make_rows(900, 50, v)});
  push(*fe, 10);
  fe->wait_until([&] { return fe->ears().cooldown[1].why.find("cannot be merged without it") != std::string::npos; });
  EXPECT_NE(fe->ears().cooldown[1].why.find(lost.filename()), std::string::npos);
  EXPECT_EQ(be->stats().cooldown_compactions.done, 0u);
  EXPECT_EQ(conf.published->last_version, 6u) << "uploads went on";
  std::filesystem::rename(shared / "kept", lost);
  fe->wait_until([&] { return be->stats().cooldown_compactions.done == 1; });
}

/// ALTER STORAGE POLICY: everything is taken to the other store, then the old place is cleaned up.
TEST_F(BackendCooldown, ATabletMovesToTheStoreThatThePolicyNames) {
  backend other(sys, paced("b"));
  leader fe2(io, other.port());
  ASSERT_EQ(fe2.attach(5), "");
  fe2.create(100, 1, 11, other.node().paths()[0].hash);
  fe2.load(200, 2, 1, 11, rows);
  fe2.load(201, 3, 1, 11, {});
  fe2.load(202, 4, 1, 11, {more});
  cool();
  push(fe2, 11);
  fe2.wait_until([&] { return has_followed(fe2, conf.published->id); });
  const auto before = conf.published->id;

  bool is_settled = false;
  fe->ears().confirm_deletion = [&] { return is_settled; };
  policys = 8;
  push(*fe, 10);
  fe->wait_until([&] { return conf.published->id > before && has_followed(*fe, conf.published->id); });
  EXPECT_EQ(model::raw(conf.published->resource), 8u);
  EXPECT_EQ(segments_there(elsewhere).size(), 1u) << "two small ones, merged on their way";
  EXPECT_EQ(be->stats().cooldown_moves.done, 1u);
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content());
  EXPECT_EQ(fe2.scan(1, 11, 4).bytes, content()) << "it still reads from the old place";
  push(fe2, 11);
  fe2.wait_until([&] { return has_followed(fe2, conf.published->id); });
  EXPECT_EQ(segments_there().size(), 2u) << "nobody has confirmed";
  is_settled = true;
  fe->wait_until([&] { return objects().empty(); });
  EXPECT_EQ(objects(elsewhere).size(), 2u);
  EXPECT_EQ(fe2.scan(1, 11, 4).bytes, content());
  fe->load(203, 5, 1, 10, {more});
  fe->wait_until([&] { return conf.published->last_version == 5 && has_followed(*fe, conf.published->id); });
  EXPECT_TRUE(segments_there().empty());
  EXPECT_EQ(fe->scan(1, 10, 5).bytes, content() + more.rows);
}

TEST_F(BackendCooldown, WhatTheLogRefusesStaysLocal) {
  std::size_t refused = 0;
  fe->ears().publish = [&](const model::published_meta&) {
    ++refused;
    return wire::PublicationVerdict::NOT_UPLOADER;
  };
  push(*fe, 10);
  fe->wait_until([&] { return refused > 0; });
  EXPECT_EQ(segments(dir / "a").size(), 2u);
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content());
  EXPECT_EQ(be->stats().remote_read_bytes, 0u);
}

TEST_F(BackendCooldown, AFollowerFreesItsDiskWithoutUploading) {
  backend other(sys, paced("b"));
  leader fe2(io, other.port());
  ASSERT_EQ(fe2.attach(5), "");
  fe2.create(100, 1, 11, other.node().paths()[0].hash);
  fe2.load(200, 2, 1, 11, rows);
  fe2.load(201, 3, 1, 11, {});
  fe2.load(202, 4, 1, 11, {more});
  fe2.load(203, 5, 1, 11, {more});
  cool();
  const auto before = objects();
  push(fe2, 11);
  fe2.wait_until([&] { return has_followed(fe2, conf.published->id); });
  EXPECT_EQ(segments(dir / "b").size(), 1u) << "version 5 is not there yet";
  EXPECT_EQ(objects(), before);
  EXPECT_EQ(other.stats().cooldown_uploads_done, 0u);
  EXPECT_EQ(fe2.scan(1, 11, 5).bytes, content() + more.rows);
}

/// Taking the policy away stops uploads, not following (#26091).
TEST_F(BackendCooldown, WithoutAPolicyItFollowsAndUploadsNothing) {
  cool();
  push(*fe, 10, false);  // Before there is anything to upload, which it would do at once.
  fe->load(203, 5, 1, 10, {more});
  const auto reports = fe->ears().cooldown_reports;
  fe->wait_until([&] { return fe->ears().cooldown_reports > reports + 10; });
  EXPECT_EQ(segments(dir / "a").size(), 1u);
  EXPECT_EQ(segments_there().size(), 2u);
}

TEST_F(BackendCooldown, ARestartedBackendServesWhatLiesThereOnceItIsToldWhere) {
  cool();
  be.emplace(sys, paced("a"));
  fe.emplace(io, be->port());
  the_log_accepts(*fe);
  ASSERT_EQ(fe->attach(6), "");
  EXPECT_NE(fe->scan(1, 10, 4).failure.find("not been told where resource 7 is"), std::string::npos);
  auto request = fe->service().cooldownRequest();
  request.setTerm(6);
  auto resource = request.initOrders().initResources(1)[0];
  resource.setId(7);
  auto root = resource.initProperties(1)[0];
  root.setKey("root");
  root.setValue(shared.c_str());
  request.send().ignoreResult().wait(io.waitScope);
  const auto all = fe->scan(1, 10, 4);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, content());
}

/// The seed: a read that misses an object follows what is published, once, and goes on.
TEST_F(BackendCooldown, AReadThatMissesAnObjectFollowsOnceAndGoesOn) {
  cool();
  be.emplace(sys, [&] {
    auto how = paced("a");
    how.cooldown.tick = std::chrono::hours(1);  // It follows for the read or not at all.
    return how;
  }());
  fe.emplace(io, be->port());
  ASSERT_EQ(fe->attach(5), "");
  // Another uploader has put everything under other names, and the old ones are gone.
  model::remote_meta meta{model::tablet_id{1}, model::replica_id{11}, {2, 2}, model::resource_id{7}, {}};
  const auto old = segments_there();
  meta.rowsets.push_back({"first.seg", {}, 2, 2, 1'030, rows[0].rows.size() + rows[1].rows.size(), 2});
  meta.rowsets.push_back({"", {}, 3, 3, 0, 0, 0});
  meta.rowsets.push_back({"second.seg", {}, 4, 4, 500, more.rows.size(), 1});
  std::filesystem::rename(old[0], shared / "data/1/first.seg");
  std::filesystem::rename(old[1], shared / "data/1/second.seg");
  const auto object = codec::encode_object(meta);
  std::ofstream(shared / "data/1/other.meta", std::ios::binary).write(reinterpret_cast<const char*>(object.data()),
                                                                      static_cast<std::streamsize>(object.size()));
  push(*fe, 10);
  EXPECT_NE(fe->scan(1, 10, 4).failure.find("lacks an object of the newest set"), std::string::npos);
  conf = {model::replica_id{11}, 2, model::published_meta{{2, 2}, model::resource_id{7}, "other.meta", crc32c(object), 4, 0}};
  push(*fe, 10);
  const auto all = fe->scan(1, 10, 4);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, content());
  std::filesystem::remove(shared / "data/1/first.seg");
  EXPECT_NE(fe->scan(1, 10, 4).failure.find("first.seg"), std::string::npos);
}

TEST_F(BackendCooldown, ADamagedRowsetIsReportedAndNotPublished) {
  const auto file = segments(dir / "a").front();
  {
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(100);
    damage.put('#');
  }
  push(*fe, 10);
  fe->wait_until([&] { return fe->ears().tablets[1].bad; });
  EXPECT_FALSE(conf.published);
  EXPECT_TRUE(segments_there().empty());
}

TEST_F(BackendCooldown, AFullCloneBringsRemoteRowsetsByName) {
  cool();
  push(*fe, 10, false);
  fe->load(203, 5, 1, 10, {more});
  backend other(sys, paced("b"));
  leader fe2(io, other.port());
  ASSERT_EQ(fe2.attach(5), "");
  push(fe2, 11, true, 99);  // Where the resource is.
  const auto end = fe2.carry_out(clone_task(300, 1, 11, other.node().paths()[0].hash, 5, be->port(), 10));
  ASSERT_TRUE(end.done()) << std::get<model::task_failed>(end.outcome).message;
  EXPECT_EQ(segments(dir / "b").size(), 1u);
  EXPECT_LT(other.stats().copy_bytes_in, content().size());
  EXPECT_EQ(fe2.scan(1, 11, 5).bytes, content() + more.rows);
}

// -- a recall ---------------------------------------------------------------------------

struct BackendRecall : BackendCooldown {
  void SetUp() override {
    BackendCooldown::SetUp();
    cool();
  }
  void recall(leader& to, std::uint64_t replica = 10) { push(to, replica, false, 1, true); }
  static bool is_home(leader& from) {
    const auto& said = from.ears().cooldown[1];
    return said.id.seq > 0 && said.remote_last == 1;
  }
};

TEST_F(BackendRecall, WhatHasCooledComesBackAndStays) {
  recall(*fe);
  fe->wait_until([&] { return is_home(*fe); });
  EXPECT_EQ(conf.published, model::nothing_remote({1, 2}));
  EXPECT_EQ(fe->ears().cooldown[1].id, (remote_meta_id{1, 2}));
  EXPECT_EQ(segments(dir / "a").size(), 2u);
  const auto before = be->stats().remote_read_bytes.load();
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content());
  EXPECT_EQ(be->stats().remote_read_bytes, before) << "nothing is read from the store any more";
  fe->load(203, 5, 1, 10, {more});
  fe->ears().confirm_deletion = [] { return true; };  // The test says that nobody else has it.
  fe->wait_until([&] { return objects().empty(); });
  EXPECT_EQ(fe->scan(1, 10, 5).bytes, content() + more.rows);
  EXPECT_EQ(segments(dir / "a").size(), 3u);
  // Under a policy again it cools anew.
  push(*fe, 10);
  fe->wait_until([&] { return conf.published->last_version == 5 && has_followed(*fe, conf.published->id); });
  EXPECT_EQ(fe->scan(1, 10, 5).bytes, content() + more.rows);
  EXPECT_EQ(segments(dir / "a").size(), 0u);
}

/// Every replica fetches for itself, whether or not it may upload.
TEST_F(BackendRecall, AFollowerComesHomeWithoutALease) {
  const auto published = conf;
  backend other(sys, paced("b"));
  leader fe2(io, other.port());
  ASSERT_EQ(fe2.attach(5), "");
  fe2.create(100, 1, 11, other.node().paths()[0].hash);
  fe2.load(200, 2, 1, 11, rows);
  fe2.load(201, 3, 1, 11, {});
  fe2.load(202, 4, 1, 11, {more});
  push(fe2, 11);
  fe2.wait_until([&] { return has_followed(fe2, published.published->id); });
  ASSERT_EQ(segments(dir / "b").size(), 0u);
  recall(*fe);
  fe->wait_until([&] { return is_home(*fe); });
  recall(fe2, 11);
  fe2.wait_until([&] { return is_home(fe2); });
  EXPECT_EQ(fe2.ears().cooldown[1].id, conf.recalled);
  EXPECT_EQ(fe2.scan(1, 11, 4).bytes, content());
  EXPECT_EQ(segments(dir / "b").size(), 2u);
  EXPECT_EQ(objects().size(), 3u) << "it has deleted nothing";
}

/// The leader has logged the recall, and the backend has fetched a part, when it dies.
TEST_F(BackendRecall, ARestartInTheMiddleBeginsAnew) {
  const auto away = shared / "data/1/away";
  const auto second = segments_there().back();
  std::filesystem::rename(second, away);
  recall(*fe);
  fe->wait_until([&] { return fe->ears().cooldown[1].phase == model::cooldown_phase::stuck; });
  EXPECT_NE(fe->ears().cooldown[1].why.find(second.filename().string()), std::string::npos)
      << fe->ears().cooldown[1].why;
  EXPECT_EQ(fe->ears().cooldown[1].id, (remote_meta_id{1, 1})) << "not before all of it is here";
  EXPECT_EQ(segments(dir / "a").size(), 0u) << "what was fetched does not stay";
  be.emplace(sys, paced("a"));
  fe.emplace(io, be->port());
  the_log_accepts(*fe);
  ASSERT_EQ(fe->attach(5), "");
  std::filesystem::rename(away, second);
  recall(*fe);
  fe->wait_until([&] { return is_home(*fe); });
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content());
}

TEST_F(BackendRecall, AFullDiskIsSaidAndTriedAgain) {
  be.emplace(sys, paced("a", content().size() / 2));
  fe.emplace(io, be->port());
  the_log_accepts(*fe);
  ASSERT_EQ(fe->attach(5), "");
  recall(*fe);
  fe->wait_until([&] { return fe->ears().cooldown[1].phase == model::cooldown_phase::stuck; });
  EXPECT_NE(fe->ears().cooldown[1].why.find("bytes left, the remote rowsets that come home need"), std::string::npos)
      << fe->ears().cooldown[1].why;
  EXPECT_EQ(fe->scan(1, 10, 4).bytes, content()) << "it is read where it lies";
  be.emplace(sys, paced("a"));
  fe.emplace(io, be->port());
  the_log_accepts(*fe);
  ASSERT_EQ(fe->attach(5), "");
  recall(*fe);
  fe->wait_until([&] { return is_home(*fe); });
}

TEST_F(BackendRecall, ADamagedObjectIsNotBroughtHome) {
  const auto object = segments_there().front();
  {
    std::fstream damage(object, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(100);
    damage.put('#');
  }
  recall(*fe);
  fe->wait_until([&] { return fe->ears().cooldown[1].phase == model::cooldown_phase::stuck; });
  EXPECT_NE(fe->ears().cooldown[1].why.find("checksum"), std::string::npos) << fe->ears().cooldown[1].why;
  EXPECT_FALSE(fe->ears().tablets[1].bad) << "its disk is not to blame";
  EXPECT_EQ(segments(dir / "a").size(), 0u);
}

}  // namespace
}  // namespace tabletd::test
