// See cache_index.h.
#include "persistence/cache/cache_index.h"

#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <unordered_set>

namespace tabletd {

namespace {

constexpr std::int64_t format = 1;

constexpr const char* schema = R"(
CREATE TABLE IF NOT EXISTS cache(id INTEGER PRIMARY KEY CHECK(id = 1), format INTEGER, block_bytes INTEGER);
CREATE TABLE IF NOT EXISTS objects(id INTEGER PRIMARY KEY, resource INTEGER, key TEXT, bytes INTEGER);
CREATE TABLE IF NOT EXISTS blocks(object INTEGER, number INTEGER, bytes INTEGER, checksum INTEGER, read_at INTEGER,
  warm_until INTEGER, PRIMARY KEY(object, number)) WITHOUT ROWID)";

sqlite::database open_fit(const std::filesystem::path& file, std::uint32_t block_bytes, const std::string& vfs) {
  auto db = sqlite::open_database(file, vfs);
  db.execute(schema);
  const auto is = fmt::format("SELECT count(*) FROM cache WHERE format = {} AND block_bytes = {}", format, block_bytes);
  if (db.number(is.c_str()) == 1)
    return db;
  sqlite::transaction emptied(db);
  db.execute("DELETE FROM blocks; DELETE FROM objects; DELETE FROM cache");
  db.execute(fmt::format("INSERT INTO cache VALUES(1, {}, {})", format, block_bytes).c_str());
  emptied.commit();
  return db;
}

/// A cache's index is worth no repair.
sqlite::database open_index(const std::filesystem::path& file, std::uint32_t block_bytes, const std::string& vfs) {
  try {
    return open_fit(file, block_bytes, vfs);
  } catch (const storage_error& why) {
    if (why.fault() != storage_fault::corrupt)
      throw;
  }
  for (const auto* part : {"", "-wal", "-shm"})
    discard_file(file.string() + part);
  return open_fit(file, block_bytes, vfs);
}

template <class Number>
Number narrowed(const sqlite::statement& row, int column) {
  return static_cast<Number>(row.unsigned_number(column));
}

}  // namespace

cache_index::cache_index(const std::filesystem::path& file, std::uint32_t block_bytes, const std::string& vfs)
    : db_(open_index(file, block_bytes, vfs)) {}

std::unordered_map<std::uint64_t, remote_object> cache_index::objects() {
  std::unordered_map<std::uint64_t, remote_object> found;
  sqlite::statement row(db_, "SELECT id, resource, key, bytes FROM objects");
  while (row.step())
    found[row.unsigned_number(0)] = {row.unsigned_number(1), std::string(row.text(2)), row.unsigned_number(3)};
  return found;
}

std::vector<stored_block> cache_index::blocks() {
  std::vector<stored_block> found;
  found.reserve(static_cast<std::size_t>(db_.number("SELECT count(*) FROM blocks")));
  sqlite::statement row(db_, "SELECT object, number, bytes, checksum, read_at, warm_until FROM blocks");
  while (row.step())
    found.push_back({row.unsigned_number(0),
                     {.number = narrowed<std::uint32_t>(row, 1),
                      .bytes = narrowed<std::uint32_t>(row, 2),
                      .checksum = row.unsigned_number(3),
                      .read_at = narrowed<epoch_seconds>(row, 4),
                      .warm_until = narrowed<epoch_seconds>(row, 5)}});
  return found;
}

void cache_index::apply(const index_batch& batch) {
  sqlite::transaction all(db_);
  sqlite::statement put_object(db_, "INSERT OR REPLACE INTO objects VALUES(?, ?, ?, ?)");
  for (const auto& [id, object] : batch.objects)
    put_object.bind(1, id)
        .bind(2, object.resource)
        .bind(3, std::string_view(object.key))
        .bind(4, object.size_bytes)
        .run();
  sqlite::statement put(db_, "INSERT OR REPLACE INTO blocks VALUES(?, ?, ?, ?, ?, ?)");
  sqlite::statement remove(db_, "DELETE FROM blocks WHERE object = ? AND number = ?");
  std::unordered_set<std::uint64_t> fewer;
  for (const auto& [object, number, is] : batch.changes) {
    if (!is) {
      remove.bind(1, object).bind(2, std::uint64_t{number}).run();
      fewer.insert(object);
      continue;
    }
    put.bind(1, object).bind(2, std::uint64_t{number}).bind(3, std::uint64_t{is->bytes}).bind(4, is->checksum);
    put.bind(5, std::uint64_t{is->read_at}).bind(6, std::uint64_t{is->warm_until}).run();
  }
  sqlite::statement remove_object(
      db_, "DELETE FROM objects WHERE id = ?1 AND NOT EXISTS(SELECT 1 FROM blocks WHERE object = ?1)");
  for (const auto object : fewer)
    remove_object.bind(1, object).run();
  all.commit();
}

}  // namespace tabletd
