// A segment file in a remote store reads like the one on the disk it came from, and damage does not pass for rows.
#include "persistence/remote/file_remote_store.h"
#include "persistence/remote/remote_segment.h"
#include "tests/persistence/tablet_store_rig.h"
#include "tests/persistence/temporary_directory.h"

#include <fcntl.h>

namespace tabletd {
namespace {

using namespace test;

struct RemoteSegment : TabletStore {
  temporary_directory shared;
  std::shared_ptr<remote_store> remote = std::make_shared<file_remote_store>(shared.path());
  std::uint64_t size_bytes = 0;

  void SetUp() override { store->create_replica(1, 100); }
  /// Loads, and puts the file under `object`.
  rowset_meta cool(const std::vector<std::string>& blocks, const std::string& object) {
    load(10, 2, 1, blocks);
    const auto rowset = store->rowsets(1).back();
    const open_file file(segment_of(rowset), O_RDONLY);
    size_bytes = file.size();
    EXPECT_EQ(size_bytes, rowset_file_bytes(rowset.bytes, rowset.blocks));
    remote->put_if_absent(tablet_folder(1) + object, put_source(file, 0, size_bytes), unhurried);
    return rowset;
  }
  [[nodiscard]] auto open(std::uint64_t tablet = 1, const time_left_fn& time_left = unhurried) {
    return open_remote_rowset(remote, tablet, "x.seg", size_bytes, time_left);
  }
};

TEST_F(RemoteSegment, EveryBlockIsTheSame) {
  const std::vector<std::string> blocks(300, a);  // A footer longer than the first guess.
  const auto rowset = cool(blocks, "x.seg");
  const auto here = store->open_rowset(rowset);
  const auto there = open();
  ASSERT_EQ(there->footer(), here->footer());
  std::vector<std::byte> block;
  for (std::uint32_t i = 0; i < rowset.blocks; ++i) {
    there->read(i, block);
    ASSERT_EQ(std::string(reinterpret_cast<const char*>(block.data()), block.size()), a);
  }
}

TEST_F(RemoteSegment, DamageIsFoundByTheChecksums) {
  cool({a, b}, "x.seg");
  const auto object = shared.path() / "data/1/x.seg";
  auto bytes = text_of(object);
  bytes[20] ^= 1;
  put_text(object, bytes);
  std::vector<std::byte> block;
  const auto reader = open();
  const auto said = refused(storage_fault::corrupt, [&] { reader->read(0, block); });
  EXPECT_NE(said.find("no other copy"), std::string::npos) << said;
  reader->read(1, block);
  bytes[bytes.size() - 30] ^= 1;
  put_text(object, bytes);
  refused(storage_fault::corrupt, [&] { std::ignore = open(); });
  put_text(object, bytes.substr(0, bytes.size() - 5));
  refused(storage_fault::corrupt, [&] { std::ignore = open(); });
}

TEST_F(RemoteSegment, AnotherTabletsRowsAreNotServed) {
  cool({a}, "x.seg");
  std::filesystem::create_directories(shared.path() / "data/2");
  std::filesystem::copy(shared.path() / "data/1/x.seg", shared.path() / "data/2/x.seg");
  refused(storage_fault::corrupt, [&] { std::ignore = open(2); });
}

TEST_F(RemoteSegment, WhatIsMissingOrOutOfTimeSaysSo) {
  cool({a}, "x.seg");
  const auto fault_of = [](auto&& what) {
    try {
      what();
    } catch (const remote_error& why) {
      return std::optional{why.fault()};
    }
    return std::optional<remote_fault>{};
  };
  bool is_over = false;
  const auto reader = open(1, [&] { return std::chrono::milliseconds(is_over ? 0 : 1'000); });
  std::vector<std::byte> block;
  is_over = true;
  EXPECT_EQ(fault_of([&] { reader->read(0, block); }), remote_fault::stopped);
  is_over = false;
  remote->remove(tablet_folder(1) + "x.seg", unhurried);
  EXPECT_EQ(fault_of([&] { reader->read(0, block); }), remote_fault::not_found);
  EXPECT_EQ(fault_of([&] { std::ignore = open(); }), remote_fault::not_found);
}

}  // namespace
}  // namespace tabletd
