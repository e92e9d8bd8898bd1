// Rows in, rows out: what a load prepared and the leader published is what a scan returns;
// what was not published leaves nothing behind.
#include "persistence/durable_file.h"
#include "tests/node_be/be_world.h"
#include <atomic>
#include <cerrno>
#include <fstream>
#include <unistd.h>

namespace tabletd::test {
namespace {

struct BackendLoad : be_world {
  std::optional<backend> be;
  std::optional<leader> fe;
  std::uint64_t path = 0;

  void start(be_options how) {
    be.emplace(sys, std::move(how));
    fe.emplace(io, be->port());
    ASSERT_EQ(fe->attach(5), "");
    path = be->node().paths()[0].hash;
    fe->create(100, 1, 10, path);
  }
  void SetUp() override { start(options("a")); }
  /// Returns when the disk has done everything it was given before.
  void disk_is_idle(std::uint64_t tablet = 1, std::uint64_t replica = 10) {
    std::ignore = fe->scan(tablet, replica, 1);
  }
};

TEST_F(BackendLoad, WhatWasPublishedIsWhatAScanReturns) {
  const std::vector<row_bytes> first{make_rows(1'000, 40, 1), make_rows(3, 1'000, 2)};
  const std::vector<row_bytes> second{make_rows(26'000, 40, 3)}; // 1 MiB.
  fe->load(200, 2, 1, 10, first);
  fe->load(201, 3, 1, 10, second);
  const auto all = fe->scan(1, 10, 3);
  EXPECT_EQ(all.failure, "");
  EXPECT_EQ(all.bytes, first[0].rows + first[1].rows + second[0].rows);
  EXPECT_EQ(fe->scan(1, 10, 2).bytes, first[0].rows + first[1].rows);
  EXPECT_EQ(fe->scan(1, 10, 1).bytes, "");
  fe->wait_until([&] { return fe->ears().tablets[1].version == 3; });
  EXPECT_EQ(fe->ears().tablets[1].rows, 27'003U);
}

TEST_F(BackendLoad, AScanGoesOnWhereItStopped) {
  const std::vector<row_bytes> blocks{make_rows(10, 100, 1), make_rows(10, 100, 2), make_rows(10, 100, 3)};
  fe->load(200, 2, 1, 10, blocks);
  fe->load(201, 3, 1, 10, {make_rows(5, 50, 4)});
  EXPECT_EQ(fe->scan(1, 10, 3, 2, 1).bytes, blocks[1].rows + blocks[2].rows + make_rows(5, 50, 4).rows);
  EXPECT_EQ(fe->scan(1, 10, 3, 2, 3).bytes, make_rows(5, 50, 4).rows);
  EXPECT_EQ(fe->scan(1, 10, 3, 3, 1).bytes, "");
}

TEST_F(BackendLoad, PreparedRowsAreInvisibleAndReportedUntilTheVerdict) {
  auto writer = fe->open_load(200, 1, 10);
  const auto block = make_rows(10, 100, 1);
  fe->write(writer, 1, block);
  ASSERT_EQ(fe->prepare(writer, 1, {block}), "");
  EXPECT_NE(fe->scan(1, 10, 2).failure.find("reaches version 1, not 2"), std::string::npos);
  auto request = fe->service().reportRequest();
  request.setTerm(5);
  request.send().ignoreResult().wait(io.waitScope);
  fe->wait_until([&] { return fe->ears().prepared == std::vector<std::uint64_t>{200}; });
  ASSERT_EQ(fe->publish(200, 2, {1}), "");
  ASSERT_EQ(fe->publish(200, 2, {1}), "") << "said twice, the same answer";
  EXPECT_EQ(fe->scan(1, 10, 2).bytes, block.rows);
}

TEST_F(BackendLoad, AVerdictWithoutTabletsMeansAllOfThem) {
  fe->create(101, 2, 20, path);
  for (const std::uint64_t tablet : {1, 2}) {
    auto writer = fe->open_load(200, tablet, tablet * 10);
    fe->write(writer, tablet, make_rows(10, 100, tablet));
    ASSERT_EQ(fe->prepare(writer, tablet, {make_rows(10, 100, tablet)}), "");
  }
  ASSERT_EQ(fe->publish(200, 2, {}), "");
  EXPECT_EQ(be->stats().rowsets_published, 2U);
  fe->wait_until([&] { return fe->ears().tablets[1].version == 2 && fe->ears().tablets[2].version == 2; });
  EXPECT_EQ(fe->scan(2, 20, 2).bytes, make_rows(10, 100, 2).rows);
}

TEST_F(BackendLoad, AnAbortDeletesOnlyTheTabletsItNames) {
  fe->create(101, 2, 20, path);
  for (const std::uint64_t tablet : {1, 2}) {
    auto writer = fe->open_load(200, tablet, tablet * 10);
    fe->write(writer, tablet, make_rows(10, 100, tablet));
    ASSERT_EQ(fe->prepare(writer, tablet, {make_rows(10, 100, tablet)}), "");
  }
  ASSERT_EQ(fe->publish(200, 0, {1, 99}), "") << "what is not here is deleted already";
  EXPECT_EQ(files_of(dir / "a"), 1U);
  EXPECT_EQ(fe->publish(200, 2, {2}), "");
}

/// Writes of this process fail with this errno while it is not 0.
std::atomic<int> writes_fail_with{0};

struct BackendReadOnly : BackendLoad {
  void SetUp() override {
    files().pwrite = [](int fd, const void* from, std::size_t size, ::off_t offset) {
      if (const int error = writes_fail_with) {
        errno = error;
        return ::ssize_t{-1};
      }
      return ::pwrite(fd, from, size, offset);
    };
    BackendLoad::SetUp();
  }
  void TearDown() override {
    fe.reset();
    be.reset();
    writes_fail_with = 0;
    files() = system_file_ops;
  }
};

TEST_F(BackendReadOnly, ADiskRemountedReadOnlyGoesOfflineAndFailsWhatItCannotPublish) {
  const auto block = make_rows(10, 100, 1);
  auto first = fe->open_load(200, 1, 10);
  fe->write(first, 1, block);
  ASSERT_EQ(fe->prepare(first, 1, {block}), "");
  auto second = fe->open_load(201, 1, 10);
  fe->write(second, 1, block);
  writes_fail_with = EROFS;
  EXPECT_NE(fe->prepare(second, 1, {block}), "");
  const auto status = fe->paths()[0];
  EXPECT_FALSE(status.online);
  EXPECT_NE(status.error.find("read-only"), std::string::npos) << status.error;
  for (const auto& tablets : {std::vector<std::uint64_t>{}, std::vector<std::uint64_t>{1}})
    EXPECT_EQ(fe->unpublished(200, 2, tablets), std::vector<std::uint64_t>{1});
}

TEST_F(BackendLoad, NoRowsIsAVersionToo) {
  fe->load(200, 2, 1, 10, {});
  fe->load(201, 3, 1, 10, {make_rows(1, 10, 1)});
  EXPECT_EQ(fe->scan(1, 10, 3).bytes, make_rows(1, 10, 1).rows);
}

TEST_F(BackendLoad, AnAbortedLoadLeavesNoFiles) {
  auto writer = fe->open_load(200, 1, 10);
  const auto block = make_rows(10, 100, 1);
  fe->write(writer, 1, block);
  ASSERT_EQ(fe->prepare(writer, 1, {block}), "");
  EXPECT_EQ(files_of(dir / "a"), 1U);
  ASSERT_EQ(fe->publish(200, 0, {1}), "");
  EXPECT_EQ(files_of(dir / "a"), 0U);
}

TEST_F(BackendLoad, ALoadThatWasDroppedLeavesNoFiles) {
  {
    auto writer = fe->open_load(200, 1, 10);
    fe->write(writer, 1, make_rows(10, 100, 1));
    EXPECT_EQ(files_of(dir / "a"), 1U);
  }
  disk_is_idle();
  EXPECT_EQ(files_of(dir / "a"), 0U);
}

TEST_F(BackendLoad, ALeaderThatVanishesLeavesNoFiles) {
  auto writer = fe->open_load(200, 1, 10);
  fe->write(writer, 1, make_rows(10, 100, 1));
  wire::LoadWriter::Client gone = nullptr;
  std::swap(writer, gone);
  fe.reset(); // With its connection; `gone` is a capability of nobody now.
  fe.emplace(io, be->port());
  ASSERT_EQ(fe->attach(5), "");
  // The new link may be up before the old one's end was noticed, but not before its own second answer.
  while (files_of(dir / "a") > 0)
    disk_is_idle();
}

TEST_F(BackendLoad, ABlockDamagedOnItsWayFailsItsTabletOnly) {
  fe->create(101, 2, 20, path);
  auto writer = fe->open_load(200, 1, 10);
  auto damaged = make_rows(10, 100, 1);
  auto request = writer.writeRequest();
  request.setTablet(1);
  request.setRows(damaged.count);
  request.setChecksum(damaged.checksum() + 1);
  request.setBlock(kj::arrayPtr(reinterpret_cast<const kj::byte*>(damaged.rows.data()), damaged.rows.size()));
  request.send().ignoreResult().wait(io.waitScope);
  fe->write(writer, 1, damaged); // Too late: the tablet has failed.
  EXPECT_NE(fe->prepare(writer, 1, {damaged}).find("checksum"), std::string::npos);
  EXPECT_EQ(files_of(dir / "a"), 0U);
  fe->load(201, 2, 2, 20, {make_rows(10, 100, 2)});
}

TEST_F(BackendLoad, UnknownTabletAndOtherReplicaFailByName) {
  auto unknown = fe->open_load(200, 99, 1);
  fe->write(unknown, 99, make_rows(1, 10, 1));
  EXPECT_NE(fe->prepare(unknown, 99, {make_rows(1, 10, 1)}).find("did not hold tablet 99"), std::string::npos);
  auto other = fe->open_load(201, 1, 11);
  fe->write(other, 1, make_rows(1, 10, 1));
  EXPECT_NE(fe->prepare(other, 1, {make_rows(1, 10, 1)}).find("holds replica 10 of tablet 1, not 11"),
            std::string::npos);
  EXPECT_NE(fe->publish(300, 2, {99}).find("does not hold tablet 99"), std::string::npos);
  EXPECT_NE(fe->publish(300, 2, {1}).find("nothing prepared by txn 300"), std::string::npos);
}

TEST_F(BackendLoad, RowsThatNeverArrivedAreMissed) {
  auto writer = fe->open_load(200, 1, 10);
  const auto one = make_rows(10, 100, 1);
  fe->write(writer, 1, one);
  EXPECT_NE(fe->prepare(writer, 1, {one, one}).find("10 rows and 1000 bytes of tablet 1 arrived where 20 and 2000"),
            std::string::npos);
  EXPECT_EQ(files_of(dir / "a"), 0U);
}

TEST_F(BackendLoad, AFullDiskFailsTheLoadAndNamesThePath) {
  fe.reset();
  be.reset();
  start(options("small", 3U << 20));
  const auto block = make_rows(1'000, 1'000, 1);
  auto writer = fe->open_load(200, 1, 10);
  for (int i = 0; i < 5; ++i)
    fe->write(writer, 1, block);
  const auto why = fe->prepare(writer, 1, std::vector(5, block));
  EXPECT_NE(why.find((dir / "small").string()), std::string::npos) << why;
  EXPECT_EQ(files_of(dir / "small"), 0U);
  const auto status = fe->paths()[0];
  EXPECT_TRUE(status.online) << "a full disk can still be read";
  EXPECT_NE(status.error, "");
  fe->load(201, 2, 1, 10, {block}); // There is room again.
  EXPECT_EQ(fe->scan(1, 10, 2).bytes, block.rows);
}

TEST_F(BackendLoad, ADamagedFileEndsTheScanAndIsReported) {
  const std::vector<row_bytes> blocks{make_rows(10, 100, 1), make_rows(10, 100, 2)};
  fe->load(200, 2, 1, 10, blocks);
  {
    std::fstream file(segments(dir / "a").at(0), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16 + 1'000 + 500); // In the second block.
    file.put('#');
  }
  const auto scanned = fe->scan(1, 10, 2);
  EXPECT_EQ(scanned.bytes, blocks[0].rows) << "the sound block, and nothing after it";
  EXPECT_NE(scanned.failure.find("checksum"), std::string::npos) << scanned.failure;
  fe->wait_until([&] { return fe->ears().tablets[1].bad; });
  EXPECT_NE(fe->scan(1, 10, 2).failure.find("damaged"), std::string::npos);
  EXPECT_EQ(be->stats().corrupt_blocks, 1U);
}

TEST_F(BackendLoad, FourScanCallsMayBeOpenAndKeepTheirOrder) {
  std::vector<row_bytes> blocks;
  for (std::uint64_t i = 0; i < 6; ++i)
    blocks.push_back(make_rows(10, 100, i));
  fe->load(200, 2, 1, 10, blocks);
  auto request = fe->service().openScanRequest();
  request.setTablet(1);
  request.setReplica(10);
  request.setVersion(2);
  auto opened = request.send().wait(io.waitScope);
  auto scan = opened.getOutcome().getScan();
  std::vector<capnp::RemotePromise<wire::Scan::NextResults>> calls;
  for (int i = 0; i < 4; ++i)
    calls.push_back(scan.nextRequest().send());
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto response = calls[i].wait(io.waitScope);
    EXPECT_EQ(response.getBlock().getBlock(), i);
    EXPECT_EQ(response.getBlock().getData().size(), 1'000U);
  }
}

TEST_F(BackendLoad, AStopInTheMiddleOfALoadAbortsIt) {
  auto writer = fe->open_load(200, 1, 10);
  const auto block = make_rows(1'000, 1'000, 1);
  std::vector<kj::Promise<void>> writes;
  for (int i = 0; i < 20; ++i) {
    auto request = writer.writeRequest();
    request.setTablet(1);
    request.setRows(block.count);
    request.setChecksum(block.checksum());
    request.setBlock(kj::arrayPtr(reinterpret_cast<const kj::byte*>(block.rows.data()), block.rows.size()));
    writes.push_back(request.send().ignoreResult());
  }
  writes.front().wait(io.waitScope); // Some have arrived, and some are on their way.
  be->stop();
  EXPECT_EQ(files_of(dir / "a"), 0U);
}

TEST_F(BackendLoad, AStopWaitsForThePrepareThatADiskIsBusyWith) {
  auto writer = fe->open_load(200, 1, 10);
  const auto block = make_rows(1'000, 1'000, 1);
  for (int i = 0; i < 8; ++i)
    fe->write(writer, 1, block);
  auto request = writer.prepareRequest();
  auto expected = request.initTablets(1)[0];
  expected.setTablet(1);
  expected.setRows(8'000);
  expected.setBytes(8'000'000);
  auto prepared = request.send();
  while (be->stats().loads_prepared == 0)
    std::ignore = fe->paths(); // The disk is past the point of no return.
  be->stop();
  EXPECT_EQ(prepared.wait(io.waitScope).getFailed().size(), 0U);
  EXPECT_EQ(files_of(dir / "a"), 1U);
}

TEST_F(BackendLoad, LoadsSurviveARestart) {
  const auto published = make_rows(10, 100, 1);
  fe->load(200, 2, 1, 10, {published});
  auto writer = fe->open_load(201, 1, 10);
  const auto waiting = make_rows(10, 100, 2);
  fe->write(writer, 1, waiting);
  ASSERT_EQ(fe->prepare(writer, 1, {waiting}), "");
  {
    const auto gone = std::move(writer);
  }
  fe.reset();
  be.reset();
  be.emplace(sys, options("a"));
  fe.emplace(io, be->port());
  ASSERT_EQ(fe->attach(6), "");
  fe->wait_until([&] { return fe->ears().reports_full > 0 && fe->ears().tablets.contains(1); });
  EXPECT_EQ(fe->ears().prepared, std::vector<std::uint64_t>{201});
  ASSERT_EQ(fe->publish(201, 3, {1}), "");
  EXPECT_EQ(fe->scan(1, 10, 3).bytes, published.rows + waiting.rows);
}

} // namespace
} // namespace tabletd::test
