// The edit log on real files: order, replacement, trimming, and what it refuses to open.
#include "persistence/edit_log.h"

#include "persistence/sqlite.h"
#include "tests/persistence/edit_log_model.h"
#include "tests/persistence/temporary_directory.h"

namespace tabletd {
namespace {

using namespace test;

struct EditLogTest : testing::Test {
  temporary_directory dir;
  std::unique_ptr<edit_log> log = open();

  std::unique_ptr<edit_log> open() { return open_sqlite_edit_log(dir.path() / "journal", {}); }
  void reopen() {
    log.reset();
    log = open();
  }
  /// Changes a file behind the log's back.
  void tamper(const char* file, const char* sql) {
    log.reset();
    sqlite::open_database(dir.path() / "journal" / file).execute(sql);
  }
  std::string refusal() {
    try {
      read_back(*open());
    } catch (const storage_error& error) {
      EXPECT_EQ(error.fault(), storage_fault::corrupt) << error.what();
      return error.what();
    }
    return "it was accepted";
  }
  void fill(std::uint64_t upto) {
    log->save_hard_state({2, 1});
    std::vector<remembered_entry> entries;
    for (std::uint64_t i = 1; i <= upto; ++i)
      entries.push_back({i > upto / 2 ? 2U : 1U, 1, "entry " + std::to_string(i)});
    append(*log, 1, entries);
  }
};

TEST_F(EditLogTest, StartsEmpty) {
  EXPECT_EQ(log->first_index(), 1u);
  EXPECT_EQ(log->last_index(), 0u);
  EXPECT_EQ(log->load_hard_state().term, 0u);
  EXPECT_EQ(read_back(*log), remembered_log{});
}

TEST_F(EditLogTest, ReadsBackWhatItWasGivenEvenEmptyEntries) {
  remembered_log expected;
  log->save_hard_state({3, 2});
  expected.term = 3, expected.vote = 2;
  for (std::uint16_t i = 0; i < 20; ++i) {
    const remembered_entry entry{3, i, std::string(i * 100u, 'x')};
    append(*log, expected.last() + 1, {entry, entry});
    expected.append(expected.last() + 1, {entry, entry});
  }
  EXPECT_EQ(read_back(*log), expected);
  reopen();
  EXPECT_EQ(read_back(*log), expected);
  EXPECT_GT(log->file_bytes(), 0u);
}

TEST_F(EditLogTest, ANewLeaderReplacesTheTail) {
  fill(6);
  append(*log, 4, {{2, 1, "other 4"}});
  EXPECT_EQ(log->last_index(), 4u);
  reopen();
  const auto read = read_back(*log);
  ASSERT_EQ(read.entries.size(), 4u);
  EXPECT_EQ(read.entries[2].bytes, "entry 3");
  EXPECT_EQ(read.entries[3].bytes, "other 4");
}

TEST_F(EditLogTest, RefusesAGapAndWhatWasTrimmed) {
  fill(6);
  EXPECT_THROW(append(*log, 8, {{2, 1, "x"}}), std::logic_error);
  log->truncate_prefix(4);
  EXPECT_THROW(append(*log, 3, {{2, 1, "x"}}), std::logic_error);
  EXPECT_THROW(log->truncate_prefix(8), std::logic_error);
}

TEST_F(EditLogTest, ReplayStartsAndStopsWhereItIsTold) {
  fill(10);
  std::vector<std::uint64_t> seen;
  log->replay(4, [&](std::uint64_t index, const log_entry&) {
    seen.push_back(index);
    return index < 6;
  });
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{4, 5, 6}));
  log->replay(11, [&](std::uint64_t, const log_entry&) { return ADD_FAILURE(), true; });
}

TEST_F(EditLogTest, TrimsInSmallStepsAndRemembersThatItDid) {
  fill(5'000);
  log->truncate_prefix(4'500);
  EXPECT_EQ(log->first_index(), 4'500u);
  EXPECT_EQ(log->last_index(), 5'000u);
  EXPECT_EQ(read_back(*log).entries.size(), 501u);
  log->truncate_prefix(5'001);  // Everything: the index must go on, not begin again at 1.
  reopen();
  EXPECT_EQ(log->first_index(), 5'001u);
  EXPECT_EQ(log->last_index(), 5'000u);
  append(*log, 5'001, {{2, 1, "next"}});
  reopen();
  EXPECT_EQ(read_back(*log).entries.front().bytes, "next");
}

TEST_F(EditLogTest, TermAndVoteSurvive) {
  log->save_hard_state({7, 3});
  log->save_hard_state({8, 0});
  reopen();
  EXPECT_EQ(log->load_hard_state().term, 8u);
  EXPECT_EQ(log->load_hard_state().vote, 0u);
}

TEST_F(EditLogTest, NoticesAChangedByte) {
  fill(6);
  tamper("log.db", "UPDATE raft_log SET data = x'656e747279203578' WHERE idx = 5");
  EXPECT_NE(refusal().find("entry 5 does not match its checksum"), std::string::npos) << refusal();
}
TEST_F(EditLogTest, NoticesExchangedEntries) {
  fill(6);
  tamper("log.db",
         "UPDATE raft_log SET idx = 100 WHERE idx = 2; UPDATE raft_log SET idx = 2 WHERE idx = 3;"
         "UPDATE raft_log SET idx = 3 WHERE idx = 100");
  EXPECT_NE(refusal().find("entry 2 does not match its checksum"), std::string::npos) << refusal();
}
TEST_F(EditLogTest, NoticesAGap) {
  fill(6);
  tamper("log.db", "DELETE FROM raft_log WHERE idx = 3");
  EXPECT_NE(refusal().find("entry 3 is missing"), std::string::npos) << refusal();
}
TEST_F(EditLogTest, NoticesAMissingBeginning) {
  fill(6);
  tamper("log.db", "DELETE FROM raft_log WHERE idx < 3");
  EXPECT_NE(refusal().find("begins at 3"), std::string::npos) << refusal();
}
TEST_F(EditLogTest, NoticesALostVoteFile) {
  fill(6);
  log.reset();
  for (const char* name : {"meta.db", "meta.db-wal", "meta.db-shm"})
    std::filesystem::remove(dir.path() / "journal" / name);
  EXPECT_NE(refusal().find("its term is 0 but"), std::string::npos) << refusal();
}
TEST_F(EditLogTest, RefusesALogWhoseTableIsGone) {
  fill(6);
  tamper("log.db", "DROP TABLE raft_log");
  EXPECT_THROW(open(), storage_error);
}
TEST_F(EditLogTest, RefusesANewerFormat) {
  fill(1);
  tamper("meta.db", "PRAGMA user_version = 2");
  try {
    open();
    FAIL();
  } catch (const storage_error& error) {
    EXPECT_EQ(error.fault(), storage_fault::unusable) << error.what();
  }
}

}  // namespace
}  // namespace tabletd
