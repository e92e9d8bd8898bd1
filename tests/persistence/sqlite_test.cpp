// The one way to open a database: what it promises and what it refuses.
#include "persistence/sqlite.h"

#include "tests/persistence/crash_vfs.h"
#include "tests/persistence/temporary_directory.h"

#include <fstream>

namespace tabletd {
namespace {

using sqlite::open_database;

TEST(Sqlite, OpensDurably) {
  test::temporary_directory dir;
  auto db = open_database(dir.path() / "a.db");
  EXPECT_EQ(db.number("PRAGMA synchronous"), 3);
  sqlite::statement mode(db, "PRAGMA journal_mode");
  ASSERT_TRUE(mode.step());
  EXPECT_EQ(mode.text(0), "wal");
  EXPECT_EQ(db.number("PRAGMA wal_autocheckpoint"), 500);
  EXPECT_EQ(db.number("PRAGMA journal_size_limit"), 64 << 20);
}

storage_error refusal(const std::filesystem::path& path, const std::string& vfs = {}) {
  try {
    open_database(path, vfs);
  } catch (const storage_error& error) {
    return error;
  }
  ADD_FAILURE() << path << " was opened";
  return {storage_fault::io, "", ""};
}

TEST(Sqlite, RefusesWhatIsNotADatabase) {
  test::temporary_directory dir;
  std::ofstream(dir.path() / "a.db") << std::string(8'192, 'x');
  const auto error = refusal(dir.path() / "a.db");
  EXPECT_EQ(error.fault(), storage_fault::corrupt) << error.what();
  EXPECT_EQ(error.path(), (dir.path() / "a.db").string());
  EXPECT_NE(std::string(error.what()).find(error.path()), std::string::npos) << error.what();
}

TEST(Sqlite, RefusesAMissingDirectory) {
  test::temporary_directory dir;
  const auto error = refusal(dir.path() / "missing" / "a.db");
  EXPECT_EQ(error.fault(), storage_fault::unusable) << error.what();
}

// Without shared memory SQLite cannot do WAL, and would silently stay in DELETE mode.
TEST(Sqlite, RefusesAFileSystemWithoutWal) {
  test::crash_disk disk(1);
  disk.without_shared_memory();
  const auto error = refusal("a.db", disk.vfs());
  EXPECT_EQ(error.fault(), storage_fault::unusable) << error.what();
  EXPECT_NE(std::string(error.what()).find("journal_mode=WAL (it is delete)"), std::string::npos) << error.what();
}

TEST(Sqlite, TransactionsRollBackUnlessCommitted) {
  test::temporary_directory dir;
  auto db = open_database(dir.path() / "a.db");
  db.execute("CREATE TABLE t(i INTEGER PRIMARY KEY, b BLOB NOT NULL, s TEXT)");
  {
    sqlite::transaction lost(db);
    db.execute("INSERT INTO t VALUES(1, x'00', 'a')");
  }
  EXPECT_EQ(db.number("SELECT count(*) FROM t"), 0);
  {
    sqlite::transaction kept(db);
    db.execute("INSERT INTO t VALUES(1, x'00', 'a')");
    kept.commit();
  }
  EXPECT_EQ(db.number("SELECT count(*) FROM t"), 1);
}

TEST(Sqlite, BindsAndReadsEmptyAndFullValues) {
  test::temporary_directory dir;
  auto db = open_database(dir.path() / "a.db");
  db.execute("CREATE TABLE t(i INTEGER PRIMARY KEY, b BLOB NOT NULL, s TEXT NOT NULL)");
  sqlite::statement insert(db, "INSERT INTO t VALUES(?1, ?2, ?3)");
  const std::string text("a\0b", 3);
  insert.bind(1, ~std::uint64_t{0}).bind(2, std::span<const std::byte>{}).bind(3, text).run();
  insert.bind(1, std::int64_t{2}).bind(2, std::as_bytes(std::span(text))).bind(3, "").run();
  sqlite::statement rows(db, "SELECT i, b, s FROM t ORDER BY i");
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.unsigned_number(0), ~std::uint64_t{0});
  EXPECT_TRUE(rows.bytes(1).empty());
  EXPECT_EQ(rows.text(2), text);
  ASSERT_TRUE(rows.step());
  EXPECT_EQ(rows.bytes(1).size(), 3u);
  EXPECT_EQ(rows.text(2), "");
  EXPECT_FALSE(rows.step());
}

TEST(Sqlite, AnErrorNamesFileReasonAndNextStep) {
  test::temporary_directory dir;
  auto db = open_database(dir.path() / "a.db");
  try {
    db.execute("INSERT INTO nowhere VALUES(1)");
    FAIL();
  } catch (const storage_error& error) {
    const std::string what = error.what();
    EXPECT_NE(what.find("a.db"), std::string::npos) << what;
    EXPECT_NE(what.find("no such table: nowhere"), std::string::npos) << what;
    EXPECT_NE(what.find("restart"), std::string::npos) << what;
  }
}

}  // namespace
}  // namespace tabletd
