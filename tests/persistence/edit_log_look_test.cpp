// Looking at the log of a node that is not running, without changing it.
#include "persistence/edit_log.h"

#include "persistence/sqlite.h"
#include "tests/persistence/edit_log_model.h"
#include "tests/persistence/temporary_directory.h"

namespace tabletd {
namespace {

using namespace test;
namespace fs = std::filesystem;

struct EditLogLook : testing::Test {
  temporary_directory dir;
  fs::path home = dir.path() / "what#100%?";
  std::unique_ptr<edit_log> log = open_sqlite_edit_log(home, {});

  void fill(std::uint64_t upto) {
    log->save_hard_state({2, 1});
    std::vector<remembered_entry> entries;
    for (std::uint64_t i = 1; i <= upto; ++i)
      entries.push_back({2, 1, "entry " + std::to_string(i)});
    append(*log, 1, entries);
  }
  static std::vector<std::string> seen(const fs::path& at, std::uint64_t from = 1) {
    std::vector<std::string> found;
    look_at_edit_log(at, from, [&](std::uint64_t index, const log_entry& entry) {
      found.push_back(std::to_string(index) + ": "
                      + std::string(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()));
      return true;
    });
    return found;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(home))
      found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }
};

TEST_F(EditLogLook, AStoppedNodesLogIsReadAndLeftAsItIs) {
  fill(5);
  log->truncate_prefix(3);
  log.reset();
  const auto before = names();
  EXPECT_EQ(seen(home), (std::vector<std::string>{"3: entry 3", "4: entry 4", "5: entry 5"}));
  EXPECT_EQ(seen(home, 5), (std::vector<std::string>{"5: entry 5"}));
  EXPECT_TRUE(seen(home, 6).empty());
  EXPECT_EQ(names(), before);
}

TEST_F(EditLogLook, WhatACrashLeftInTheWalIsReadToo) {
  fill(5);
  const auto copy = dir.path() / "copy";
  fs::copy(home, copy);
  ASSERT_GT(fs::file_size(copy / "log.db-wal"), 0u) << "or this tests nothing";
  EXPECT_EQ(seen(copy).size(), 5u);
  EXPECT_EQ(open_sqlite_edit_log(copy, {})->last_index(), 5u) << "it can still be started";
}

TEST_F(EditLogLook, ALogInUseIsNotTouched) {
  fill(5);
  try {
    (void)seen(home);
    FAIL();
  } catch (const storage_error& error) {
    EXPECT_EQ(error.fault(), storage_fault::locked) << error.what();
    EXPECT_NE(std::string{error.what()}.find("stop the other process"), std::string::npos) << error.what();
  }
  append(*log, 6, {{2, 1, "entry 6"}});
}

TEST_F(EditLogLook, DamageIsNamed) {
  fill(5);
  log.reset();
  sqlite::open_database(home / "log.db").execute("UPDATE raft_log SET data = x'00' WHERE idx = 4");
  try {
    (void)seen(home);
    FAIL();
  } catch (const storage_error& error) {
    EXPECT_EQ(error.fault(), storage_fault::corrupt);
    EXPECT_NE(std::string{error.what()}.find("entry 4"), std::string::npos) << error.what();
  }
  EXPECT_THROW((void)seen(dir.path()), storage_error) << "there is no log";
}

}  // namespace
}  // namespace tabletd
