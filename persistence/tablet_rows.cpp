// See tablet_rows.h.
#include "persistence/tablet_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tabletd {

namespace {

constexpr std::int64_t schema_version = 3;

// `first` and `last` are 0 while a rowset waits for its verdict (state 0).  `object` is the name of
// a remote one; empty if that has no rows.
constexpr const char* schema = R"(
  CREATE TABLE tablets(
    tablet INTEGER PRIMARY KEY, replica INTEGER NOT NULL, bad INTEGER NOT NULL,
    moves INTEGER NOT NULL DEFAULT 0, remote_term INTEGER NOT NULL DEFAULT 0,
    remote_seq INTEGER NOT NULL DEFAULT 0, resource INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE rowsets(
    id INTEGER PRIMARY KEY, tablet INTEGER NOT NULL, txn INTEGER NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL, blocks INTEGER NOT NULL, state INTEGER NOT NULL,
    remote INTEGER NOT NULL DEFAULT 0, object TEXT NOT NULL DEFAULT '',
    written_ms INTEGER NOT NULL DEFAULT 0) STRICT;
)";

// Version 1 did not know moves between paths, version 2 no remote rowsets.
constexpr const char* from_version_1 = "ALTER TABLE tablets ADD COLUMN moves INTEGER NOT NULL DEFAULT 0;";
constexpr const char* from_version_2 = R"(
  ALTER TABLE tablets ADD COLUMN remote_term INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tablets ADD COLUMN remote_seq INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE tablets ADD COLUMN resource INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rowsets ADD COLUMN remote INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE rowsets ADD COLUMN object TEXT NOT NULL DEFAULT '';
  ALTER TABLE rowsets ADD COLUMN written_ms INTEGER NOT NULL DEFAULT 0;
)";

constexpr const char* new_in_version_3 = R"(
  CREATE TABLE asked(
    tablet INTEGER PRIMARY KEY, term INTEGER NOT NULL, seq INTEGER NOT NULL, resource INTEGER NOT NULL,
    object TEXT NOT NULL, crc32c INTEGER NOT NULL, last INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
  PRAGMA user_version = 3;
)";

enum class rowset_state : std::int64_t { prepared = 0, visible = 1 };

[[noreturn]] void inconsistent(const sqlite::database& db, std::uint64_t id, std::uint64_t tablet) {
  throw storage_error(storage_fault::corrupt, db.path(),
                      fmt::format("{} contradicts itself at rowset {} of tablet {}; move the path "
                                  "away and let its replicas be cloned again",
                                  db.path(), id, tablet));
}

}  // namespace

tablet_rows::tablet_rows(const std::filesystem::path& file, const std::string& vfs)
    : db_(sqlite::open_database(file, vfs)),
      created_(make_schema(db_)),
      insert_replica_(db_, "INSERT INTO tablets VALUES(?1, ?2, 0, 0, 0, 0, 0)"),
      set_bad_(db_, "UPDATE tablets SET bad = ?2 WHERE tablet = ?1"),
      set_moves_(db_, "UPDATE tablets SET moves = ?2 WHERE tablet = ?1"),
      set_remote_(db_, "UPDATE tablets SET remote_term = ?2, remote_seq = ?3, resource = ?4 WHERE tablet = ?1"),
      insert_asked_(db_, "INSERT OR REPLACE INTO asked VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"),
      delete_asked_(db_, "DELETE FROM asked WHERE tablet = ?1"),
      delete_replica_(db_, "DELETE FROM tablets WHERE tablet = ?1"),
      insert_rowset_(db_, "INSERT INTO rowsets VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"),
      publish_rowset_(db_, "UPDATE rowsets SET first = ?2, last = ?2, state = 1 WHERE id = ?1"),
      delete_rowset_(db_, "DELETE FROM rowsets WHERE id = ?1") {}

bool tablet_rows::make_schema(sqlite::database& db) {
  const auto version = db.number("PRAGMA user_version");
  if (version == schema_version)
    return false;
  if (version < 0 || version > schema_version)
    throw storage_error(
        storage_fault::unusable, db.path(),
        fmt::format("{} has schema {}, this tabletd knows {}; upgrade it", db.path(), version, schema_version));
  sqlite::transaction making(db);
  if (version == 0)
    db.execute(schema);
  if (version == 1)
    db.execute(from_version_1);
  if (version == 1 || version == 2)
    db.execute(from_version_2);
  db.execute(new_in_version_3);
  making.commit();
  return version == 0;
}

std::uint64_t tablet_rows::load(tablet_index& index) {
  sqlite::statement replicas(db_, "SELECT tablet, replica, bad, moves, remote_term, remote_seq, resource FROM tablets");
  while (replicas.step()) {
    auto& entry = index.add_replica(replicas.unsigned_number(0), replicas.unsigned_number(1));
    entry.bad = replicas.number(2) != 0;
    entry.moves = static_cast<std::uint32_t>(replicas.number(3));
    entry.remote = {replicas.unsigned_number(4), replicas.unsigned_number(5), replicas.unsigned_number(6)};
  }

  sqlite::statement asked(db_, "SELECT tablet, term, seq, resource, object, crc32c, last, bytes FROM asked");
  while (asked.step())
    if (auto* entry = index.find(asked.unsigned_number(0)))
      entry->asked = {{asked.unsigned_number(1), asked.unsigned_number(2), asked.unsigned_number(3)},
                      std::string{asked.text(4)},
                      static_cast<std::uint32_t>(asked.number(5)),
                      asked.unsigned_number(6),
                      asked.unsigned_number(7)};

  std::uint64_t id_max = 0;
  std::unordered_map<std::uint64_t, std::vector<rowset_meta>> visible;
  sqlite::statement rowsets(db_, "SELECT id, tablet, txn, first, last, rows, bytes, blocks, state, remote, object, written_ms FROM rowsets");
  while (rowsets.step()) {
    rowset_meta rowset{.id = rowsets.unsigned_number(0),
                             .tablet = rowsets.unsigned_number(1),
                             .txn = rowsets.unsigned_number(2),
                             .first_version = rowsets.unsigned_number(3),
                             .last_version = rowsets.unsigned_number(4),
                             .rows = rowsets.unsigned_number(5),
                             .bytes = rowsets.unsigned_number(6),
                             .blocks = static_cast<std::uint32_t>(rowsets.number(7))};
    if (rowsets.number(9) != 0)
      rowset.object = rowsets.text(10);
    rowset.written_ms = rowsets.number(11);
    const bool is_visible = rowsets.number(8) == static_cast<std::int64_t>(rowset_state::visible);
    if (is_visible != (rowset.first_version != 0) || !index.find(rowset.tablet) || (!is_visible && rowset.is_remote()))
      inconsistent(db_, rowset.id, rowset.tablet);
    id_max = std::max(id_max, rowset.id);
    if (is_visible)
      visible[rowset.tablet].push_back(rowset);
    else
      index.add_prepared(rowset);
  }
  for (auto& [tablet, of_tablet] : visible)
    index.find(tablet)->set_visible(std::move(of_tablet));
  return id_max;
}

void tablet_rows::insert_replica(std::uint64_t tablet, std::uint64_t replica) {
  insert_replica_.bind(1, tablet).bind(2, replica).run();
}

void tablet_rows::set_bad(std::uint64_t tablet, bool bad) { set_bad_.bind(1, tablet).bind(2, std::int64_t{bad}).run(); }

void tablet_rows::set_moves(std::uint64_t tablet, std::uint32_t moves) {
  set_moves_.bind(1, tablet).bind(2, std::uint64_t{moves}).run();
}

void tablet_rows::set_remote(std::uint64_t tablet, const remote_set& remote) {
  set_remote_.bind(1, tablet).bind(2, remote.term).bind(3, remote.seq).bind(4, remote.resource).run();
}

void tablet_rows::set_asked(std::uint64_t tablet, const std::optional<asked_publication>& asked) {
  if (!asked)
    return delete_asked_.bind(1, tablet).run();
  insert_asked_.bind(1, tablet)
      .bind(2, asked->set.term)
      .bind(3, asked->set.seq)
      .bind(4, asked->set.resource)
      .bind(5, std::string_view{asked->object})
      .bind(6, std::uint64_t{asked->crc32c})
      .bind(7, asked->last_version)
      .bind(8, asked->bytes)
      .run();
}

void tablet_rows::delete_replica(std::uint64_t tablet) {
  delete_asked_.bind(1, tablet).run();
  delete_replica_.bind(1, tablet).run();
}

void tablet_rows::insert_rowset(const rowset_meta& rowset) {
  const auto state = rowset.first_version ? rowset_state::visible : rowset_state::prepared;
  insert_rowset_.bind(1, rowset.id)
      .bind(2, rowset.tablet)
      .bind(3, rowset.txn)
      .bind(4, rowset.first_version)
      .bind(5, rowset.last_version)
      .bind(6, rowset.rows)
      .bind(7, rowset.bytes)
      .bind(8, std::uint64_t{rowset.blocks})
      .bind(9, static_cast<std::int64_t>(state))
      .bind(10, std::int64_t{rowset.is_remote()})
      .bind(11, rowset.object ? std::string_view{*rowset.object} : std::string_view{})
      .bind(12, rowset.written_ms)
      .run();
}

void tablet_rows::publish_rowset(std::uint64_t id, std::uint64_t version) {
  publish_rowset_.bind(1, id).bind(2, version).run();
}

void tablet_rows::touch() { db_.execute(fmt::format("PRAGMA user_version = {}", schema_version).c_str()); }

void tablet_rows::delete_rowset(std::uint64_t id) { delete_rowset_.bind(1, id).run(); }

}  // namespace tabletd
