#pragma once
// The thinnest layer over raw SQLite that cannot forget: handles close themselves, every
// result code is looked at, and there is one way to open a database, the durable one.
//
// Nothing here locks: a database belongs to one thread at a time.
#include "persistence/storage_error.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace tabletd::sqlite {

namespace detail {
struct closer {
  void operator()(sqlite3* db) const;
  void operator()(sqlite3_stmt* statement) const;
};
}  // namespace detail

/// Small checkpoints often: larger intervals did not raise throughput but do raise the p999
/// (design/journal.md 5).
inline constexpr int wal_autocheckpoint_pages_default = 500;
/// A WAL that once grew is cut back to this after a checkpoint (design/journal.md 9.3).
inline constexpr std::int64_t journal_size_limit_bytes = 64LL << 20;

/// An open connection.  Every call that fails throws storage_error naming the file.
class database {
public:
  /// Runs statements that return nothing of interest, e.g. a schema.
  void execute(const char* sql);
  /// First column of the first row as an integer; `missing` if there is no row.
  [[nodiscard]] std::int64_t number(const char* sql, std::int64_t missing = 0);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] sqlite3* raw() const { return handle_.get(); }
  /// Rows the last statement changed.
  [[nodiscard]] std::int64_t changes() const;

  /// Throws the storage_error for SQLite's result `code`; `doing` completes "cannot ...".
  [[noreturn]] void fail(int code, std::string_view doing) const;

private:
  friend database open_database(const std::filesystem::path&, const std::string&, int);
  friend database open_to_read(const std::filesystem::path&);
  database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  std::string path_;
  std::unique_ptr<sqlite3, detail::closer> handle_;
};

/// Opens (and creates) a database in which a returned COMMIT has reached the disk:
/// synchronous=EXTRA before journal_mode=WAL and again after it, because anything less lost
/// acknowledged edits under the crash VFS (design/testing.md 4.2); what the pragmas really
/// became is read back, and a database that does not obey is refused as unusable.  The
/// directory is fsynced once, so that the file's own name survives a power cut, and what an
/// earlier process left in the WAL is checkpointed, so that everything read is durable too.
/// `vfs` empty: the operating system's.
database open_database(const std::filesystem::path& path, const std::string& vfs = {},
                       int wal_autocheckpoint_pages = wal_autocheckpoint_pages_default);

/// Opens a database that nobody else has open, and leaves its contents as they are: for looking at what a
/// stopped node has.  A WAL that was left behind is read too; only then SQLite may add its -shm file.
/// In use: storage_error(locked), here or at the first statement.
database open_to_read(const std::filesystem::path& path);

/// A prepared statement that lives as long as its database (which must outlive it, but may
/// be moved).  Parameters and columns count as in SQLite: from 1 and from 0.
class statement {
public:
  statement(const database& owner, std::string_view sql);

  statement& bind(int parameter, std::int64_t value);
  statement& bind(int parameter, std::uint64_t value) { return bind(parameter, static_cast<std::int64_t>(value)); }
  /// Not copied: `value` must live until reset() or run() returns.
  statement& bind(int parameter, std::span<const std::byte> value);
  statement& bind(int parameter, std::string_view value);

  /// True: there is a row.  False: done, and the statement is reset.
  bool step();
  /// step() to the end; ready for the next bind.
  void run();
  void reset();

  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::uint64_t unsigned_number(int column) const { return static_cast<std::uint64_t>(number(column)); }
  /// Valid until the next step() or reset().
  [[nodiscard]] std::span<const std::byte> bytes(int column) const;
  [[nodiscard]] std::string_view text(int column) const;

private:
  sqlite3* db_;
  std::string path_;
  std::unique_ptr<sqlite3_stmt, detail::closer> handle_;
};

/// The two statements of every transaction, parsed once: for whoever commits all day.
struct transaction_words {
  explicit transaction_words(const database& db) : begin(db, "BEGIN IMMEDIATE"), commit(db, "COMMIT") {}
  statement begin;
  statement commit;
};

/// BEGIN IMMEDIATE ... COMMIT; rolls back when it is left any other way.
class transaction {
public:
  explicit transaction(database& db);
  transaction(database& db, transaction_words& words);
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;
  ~transaction();
  /// Returned: durable.  Thrown: unknown, as after any failed fsync.
  void commit();

private:
  database& db_;
  transaction_words* words_ = nullptr;
  bool open_ = true;
};

}  // namespace tabletd::sqlite
