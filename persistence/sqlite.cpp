// See sqlite.h.
#include "persistence/sqlite.h"

#include "persistence/durable_file.h"

#include <fmt/format.h>
#include <sqlite3.h>

namespace tabletd::sqlite {

namespace {

/// An operator may look at a live database with the sqlite3 shell; waiting this long for it
/// is better than ending the process.
constexpr int busy_timeout_ms = 2'000;
constexpr std::int64_t synchronous_extra = 3;

storage_fault fault_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return storage_fault::disk_full;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return storage_fault::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return storage_fault::locked;
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return storage_fault::denied;
    case SQLITE_CANTOPEN:
      return storage_fault::unusable;
    default: // SQLITE_READONLY as well: the file system was remounted.
      return storage_fault::io;
  }
}

const char* next_step(storage_fault fault) {
  switch (fault) {
    case storage_fault::disk_full:
      return "free space on its file system, then restart";
    case storage_fault::corrupt:
      return "keep a copy of the directory, check the disk, and rebuild this node from its peers";
    case storage_fault::locked:
      return "stop the other process that has it open (fuser shows it)";
    case storage_fault::denied:
    case storage_fault::unusable:
    case storage_fault::foreign:
      return "check that the directory exists, belongs to this user and is writable";
    case storage_fault::io:
      break;
  }
  return "look at the kernel log and the disk's health, then restart; nothing unsynced is trusted";
}

[[noreturn]] void throw_fault(const std::string& path, int code, std::string_view message, std::string_view doing) {
  const auto fault = fault_of(code);
  throw storage_error(fault, path,
                      fmt::format("cannot {} {}: {} (SQLite {}); {}", doing, path, message, code, next_step(fault)));
}

void demand(bool obeyed, const database& db, std::string_view pragma, std::string_view became) {
  if (!obeyed)
    throw storage_error(storage_fault::unusable, db.path(),
                        fmt::format("{} refuses {} (it is {}), so a commit would not be durable; "
                                    "use a local file system that supports it",
                                    db.path(), pragma, became));
}

/// A process that died may have left a commit in the WAL that no fsync ever covered; SQLite
/// believes it on opening, and a later power cut takes it back.  Moving all of it into the
/// database makes true what readers are about to see.  The emptied WAL is synced as well: its
/// older half must not come back and be replayed over the newer database.
void settle_wal(database& db) {
  {
    statement checkpoint(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    if (checkpoint.step() && checkpoint.number(0) != 0)
      db.fail(SQLITE_BUSY, "checkpoint");
  }
  sqlite3_file* wal = nullptr;
  sqlite3_file_control(db.raw(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal);
  if (!wal || !wal->pMethods)
    return;
  if (const int code = wal->pMethods->xSync(wal, SQLITE_SYNC_FULL); code != SQLITE_OK)
    throw_fault(db.path(), code, sqlite3_errstr(code), "sync the WAL of");
}

}  // namespace

void detail::closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }
void detail::closer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

// -- database ---------------------------------------------------------------------------

void database::execute(const char* sql) {
  if (const int code = sqlite3_exec(raw(), sql, nullptr, nullptr, nullptr); code != SQLITE_OK)
    fail(code, fmt::format("run \"{:.40}\" on", sql));
}

std::int64_t database::number(const char* sql, std::int64_t missing) {
  statement query(*this, sql);
  return query.step() ? query.number(0) : missing;
}

std::int64_t database::changes() const { return sqlite3_changes64(raw()); }

void database::fail(int code, std::string_view doing) const { throw_fault(path_, code, sqlite3_errmsg(raw()), doing); }

database open_database(const std::filesystem::path& path, const std::string& vfs, int wal_autocheckpoint_pages) {
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, vfs.empty() ? nullptr : vfs.c_str());
  database db(path.string(), handle);
  if (code != SQLITE_OK)
    throw_fault(db.path(), code, handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code), "open");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_timeout_ms);

  db.execute("PRAGMA synchronous=EXTRA");
  {
    statement wal(db, "PRAGMA journal_mode=WAL");
    const std::string became{wal.step() ? wal.text(0) : std::string_view("unknown")};
    demand(became == "wal", db, "journal_mode=WAL", became);
  }
  db.execute("PRAGMA synchronous=EXTRA");
  db.execute(fmt::format("PRAGMA wal_autocheckpoint={}", wal_autocheckpoint_pages).c_str());
  db.execute(fmt::format("PRAGMA journal_size_limit={}", journal_size_limit_bytes).c_str());
  const auto obeys = [&db](const char* pragma, std::int64_t wanted) {
    const auto is = db.number(fmt::format("PRAGMA {}", pragma).c_str(), -2);
    demand(is == wanted, db, fmt::format("{}={}", pragma, wanted), std::to_string(is));
  };
  obeys("synchronous", synchronous_extra);
  obeys("wal_autocheckpoint", wal_autocheckpoint_pages);
  obeys("journal_size_limit", journal_size_limit_bytes);
  settle_wal(db);
  if (vfs.empty())  // Another VFS keeps its names elsewhere.
    sync_directory(path.has_parent_path() ? path.parent_path() : ".");
  return db;
}

namespace {

/// As a URI, for its immutable flag.
std::string immutable(const std::filesystem::path& path) {
  std::string uri = "file:";
  for (const char c : path.string())
    uri += c == '%' || c == '?' || c == '#' ? fmt::format("%{:02x}", static_cast<unsigned char>(c)) : std::string(1, c);
  return uri + "?immutable=1";
}

}  // namespace

database open_to_read(const std::filesystem::path& path) {
  constexpr int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
  // Whoever has it open keeps a WAL beside it.  Without one, nothing needs to be locked or made.
  auto wal = path;
  wal += "-wal";
  std::error_code ignored;
  const auto name = std::filesystem::exists(wal, ignored) ? path.string() : immutable(path);
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &handle, flags, nullptr);
  database db(path.string(), handle);
  if (code != SQLITE_OK)
    throw_fault(db.path(), code, handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code), "open");
  sqlite3_extended_result_codes(handle, 1);
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  return db;
}

// -- statement --------------------------------------------------------------------------

statement::statement(const database& owner, std::string_view sql) : db_(owner.raw()), path_(owner.path()) {
  sqlite3_stmt* made = nullptr;
  const int code
      = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  handle_.reset(made);
  if (code != SQLITE_OK)
    owner.fail(code, fmt::format("prepare \"{}\" on", sql.substr(0, 40)));
}

statement& statement::bind(int parameter, std::int64_t value) {
  if (const int code = sqlite3_bind_int64(handle_.get(), parameter, value); code != SQLITE_OK)
    throw_fault(path_, code, sqlite3_errmsg(db_), "bind a number for");
  return *this;
}

statement& statement::bind(int parameter, std::span<const std::byte> value) {
  // A null pointer would bind NULL, not an empty blob.
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  if (const int code = sqlite3_bind_blob64(handle_.get(), parameter, data, value.size(), SQLITE_STATIC);
      code != SQLITE_OK)
    throw_fault(path_, code, sqlite3_errmsg(db_), "bind bytes for");
  return *this;
}

statement& statement::bind(int parameter, std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  if (const int code = sqlite3_bind_text64(handle_.get(), parameter, data, value.size(), SQLITE_STATIC, SQLITE_UTF8);
      code != SQLITE_OK)
    throw_fault(path_, code, sqlite3_errmsg(db_), "bind text for");
  return *this;
}

bool statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW)
    return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(handle_.get());
    return false;
  }
  const std::string message = sqlite3_errmsg(db_);  // reset() may replace it.
  sqlite3_reset(handle_.get());
  const char* sql = sqlite3_sql(handle_.get());
  throw_fault(path_, code, message, fmt::format("run \"{:.40}\" on", sql ? sql : "?"));
}

void statement::run() {
  while (step()) {
  }
}

void statement::reset() { sqlite3_reset(handle_.get()); }

std::int64_t statement::number(int column) const { return sqlite3_column_int64(handle_.get(), column); }

std::span<const std::byte> statement::bytes(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_.get(), column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::string_view statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  return {data ? data : "", static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

// -- transaction ------------------------------------------------------------------------

transaction::transaction(database& db) : db_(db) { db_.execute("BEGIN IMMEDIATE"); }

transaction::transaction(database& db, transaction_words& words) : db_(db), words_(&words) { words.begin.run(); }

transaction::~transaction() {
  if (open_)  // Its own failure changes nothing: the connection is closed or the process ends.
    sqlite3_exec(db_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void transaction::commit() {
  if (words_)
    words_->commit.run();
  else
    db_.execute("COMMIT");
  open_ = false;
}

}  // namespace tabletd::sqlite
