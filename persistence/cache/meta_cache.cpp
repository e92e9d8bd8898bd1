// See meta_cache.h.
#include "persistence/cache/meta_cache.h"

#include "persistence/crc32c.h"
#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tabletd {

namespace {

constexpr std::int64_t format = 1;
/// A read younger than this is not worth a write: which meta goes first is as exact as this.
constexpr std::uint64_t touch_granularity_s = 600;

constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS metas(resource INTEGER, key TEXT, crc32c INTEGER, bytes BLOB, read_at INTEGER,
  PRIMARY KEY(key, resource));
CREATE INDEX IF NOT EXISTS metas_by_read ON metas(read_at))";

std::uint64_t system_seconds() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

meta_cache_options completed(meta_cache_options options) {
  if (!options.now)
    options.now = system_seconds;
  return options;
}

sqlite::database open_fit(const meta_cache_options& options) {
  auto db = sqlite::open_database(options.file, options.sqlite_vfs);
  // A commit that a power cut takes back costs a request; an fsync for each would cost every warm-up.
  db.execute("PRAGMA synchronous=NORMAL");
  if (db.number("PRAGMA user_version") != format) {
    db.execute("DROP TABLE IF EXISTS metas");
    db.execute(fmt::format("PRAGMA user_version={}", format).c_str());
  }
  db.execute(schema);
  return db;
}

void discard_database(const std::filesystem::path& file) {
  for (const auto* part : {"", "-wal", "-shm"})
    discard_file(file.string() + part);
}

sqlite::database open_or_empty(const meta_cache_options& options) {
  try {
    return open_fit(options);
  } catch (const storage_error& why) {
    if (why.fault() != storage_fault::corrupt)
      throw;
  }
  discard_database(options.file);
  return open_fit(options);
}

}  // namespace

meta_cache::meta_cache(meta_cache_options options) : options_(completed(std::move(options))), db_(open_or_empty(options_)) {
  try {
    held_ = held_by_rows();
  } catch (const storage_error& why) {
    note(why);
  }
}

std::uint64_t meta_cache::held_by_rows() {
  return static_cast<std::uint64_t>(db_->number("SELECT total(length(bytes)) FROM metas"));
}

std::optional<std::vector<std::byte>> meta_cache::find(const meta_key& key) {
  const std::lock_guard guard(lock_);
  if (!is_open())
    return std::nullopt;
  try {
    return read_row(key);
  } catch (const storage_error& why) {
    note(why);
    return std::nullopt;
  }
}

std::optional<std::vector<std::byte>> meta_cache::read_row(const meta_key& key) {
  std::vector<std::byte> bytes;
  std::uint64_t read_at = 0;
  {
    sqlite::statement row(*db_, "SELECT bytes, read_at FROM metas WHERE resource = ? AND key = ?");
    row.bind(1, key.resource).bind(2, std::string_view(key.key));
    if (!row.step())
      return std::nullopt;
    const auto there = row.bytes(0);
    bytes.assign(there.begin(), there.end());
    read_at = row.unsigned_number(1);
  }
  if (crc32c(bytes) != key.crc32c) {
    held_ -= remove_row(key);
    return std::nullopt;
  }
  if (const auto now = options_.now(); now >= read_at + touch_granularity_s)
    touch_row(key, now);
  return bytes;
}

void meta_cache::touch_row(const meta_key& key, std::uint64_t now) {
  try {
    sqlite::statement touch(*db_, "UPDATE metas SET read_at = ? WHERE resource = ? AND key = ?");
    touch.bind(1, now).bind(2, key.resource).bind(3, std::string_view(key.key)).run();
  } catch (const storage_error& why) {
    note(why);  // A disk that takes nothing more can still be read.
  }
}

std::uint64_t meta_cache::remove_row(const meta_key& key) {
  std::uint64_t frees = 0;
  {
    sqlite::statement there(*db_, "SELECT length(bytes) FROM metas WHERE resource = ? AND key = ?");
    there.bind(1, key.resource).bind(2, std::string_view(key.key));
    if (!there.step())
      return 0;
    frees = there.unsigned_number(0);
  }
  sqlite::statement remove(*db_, "DELETE FROM metas WHERE resource = ? AND key = ?");
  remove.bind(1, key.resource).bind(2, std::string_view(key.key)).run();
  return std::min(frees, held_);
}

bool meta_cache::keep(const meta_key& key, std::span<const std::byte> bytes) {
  const std::lock_guard guard(lock_);
  if (!is_open() || bytes.size() > options_.capacity_bytes)
    return false;
  try {
    write_row(key, bytes);
    fault_.clear();
    return true;
  } catch (const storage_error& why) {
    note(why);
    return false;
  }
}

void meta_cache::write_row(const meta_key& key, std::span<const std::byte> bytes) {
  const auto before = held_;
  try {
    sqlite::transaction all(*db_);
    held_ -= remove_row(key);
    make_room(bytes.size());
    sqlite::statement put(*db_, "INSERT INTO metas VALUES(?, ?, ?, ?, ?)");
    put.bind(1, key.resource).bind(2, std::string_view(key.key)).bind(3, std::uint64_t{key.crc32c});
    put.bind(4, bytes).bind(5, options_.now()).run();
    held_ += bytes.size();
    all.commit();
  } catch (...) {
    held_ = before;
    throw;
  }
}

void meta_cache::make_room(std::uint64_t bytes) {
  while (held_ > 0 && held_ + bytes > options_.capacity_bytes) {
    std::int64_t row = 0;
    std::uint64_t frees = 0;
    {
      sqlite::statement oldest(*db_, "SELECT rowid, length(bytes) FROM metas ORDER BY read_at LIMIT 1");
      if (!oldest.step()) {
        held_ = 0;
        return;
      }
      row = oldest.number(0);
      frees = oldest.unsigned_number(1);
    }
    sqlite::statement remove(*db_, "DELETE FROM metas WHERE rowid = ?");
    remove.bind(1, row).run();
    held_ -= std::min(held_, frees);
  }
}

template <class Work>
void meta_cache::attempt(const Work& work) {
  const std::lock_guard guard(lock_);
  if (!is_open())
    return;
  try {
    work();
  } catch (const storage_error& why) {
    note(why);
  }
}

std::vector<meta_cache::kept_meta> meta_cache::in_folder(const std::string& folder) {
  std::vector<kept_meta> found;
  attempt([&] {
    // Of all that begins with the folder none is as great as the folder with its last letter, the slash, one greater.
    auto end = folder;
    ++end.back();
    sqlite::statement row(*db_, "SELECT resource, key, crc32c, bytes FROM metas WHERE key >= ? AND key < ?");
    row.bind(1, std::string_view(folder)).bind(2, std::string_view(end));
    while (row.step()) {
      const auto bytes = row.bytes(3);
      found.push_back({{row.unsigned_number(0), std::string(row.text(1)),
                        static_cast<std::uint32_t>(row.unsigned_number(2))},
                       {bytes.begin(), bytes.end()}});
    }
  });
  return found;
}

void meta_cache::forget(const meta_key& key) {
  attempt([&] { held_ -= remove_row(key); });
}

std::uint64_t meta_cache::bytes_held() const {
  const std::lock_guard guard(lock_);
  return held_;
}

std::string meta_cache::fault() const {
  const std::lock_guard guard(lock_);
  return fault_;
}

void meta_cache::note(const storage_error& why) {
  fault_ = why.what();
  if (why.fault() == storage_fault::corrupt)
    start_over();
}

/// What is lost comes from the store again.
void meta_cache::start_over() {
  db_.reset();
  held_ = 0;
  tried_at_ = options_.now();
  try {
    discard_database(options_.file);
    db_.emplace(open_fit(options_));
  } catch (const storage_error& why) {
    fault_ = why.what();
  }
}

bool meta_cache::is_open() {
  if (!db_ && options_.now() != tried_at_) {
    tried_at_ = options_.now();
    try {
      db_.emplace(open_or_empty(options_));
      held_ = held_by_rows();
      fault_.clear();
    } catch (const storage_error& why) {
      fault_ = why.what();
    }
  }
  return db_.has_value();
}

}  // namespace tabletd
