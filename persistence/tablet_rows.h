#pragma once
// The metadata database of a path: one row per replica, one per rowset.  Written inside the
// store's transactions, read once, at open.
#include "persistence/sqlite.h"
#include "persistence/tablet_index.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace tabletd {

class tablet_rows {
public:
  tablet_rows(const std::filesystem::path& file, const std::string& vfs);

  [[nodiscard]] sqlite::database& db() { return db_; }
  /// Whether the database had to be made: the path should then hold no segment files.
  [[nodiscard]] bool created() const { return created_; }
  /// Fills `index`; returns the largest rowset id (0: none).
  std::uint64_t load(tablet_index& index);

  void insert_replica(std::uint64_t tablet, std::uint64_t replica);
  void set_bad(std::uint64_t tablet, bool bad);
  void set_moves(std::uint64_t tablet, std::uint32_t moves);
  void set_remote(std::uint64_t tablet, const remote_set& remote);
  void set_asked(std::uint64_t tablet, const std::optional<asked_publication>& asked);
  /// Its rowsets are the caller's to delete.
  void delete_replica(std::uint64_t tablet);
  void insert_rowset(const rowset_meta& rowset);
  void publish_rowset(std::uint64_t id, std::uint64_t version);
  void delete_rowset(std::uint64_t id);
  /// Changes nothing, but makes the transaction write.
  void touch();

private:
  static bool make_schema(sqlite::database& db);

  sqlite::database db_;
  bool created_;
  sqlite::statement insert_replica_, set_bad_, set_moves_, set_remote_, insert_asked_, delete_asked_, delete_replica_;
  sqlite::statement insert_rowset_, publish_rowset_, delete_rowset_;
};

}  // namespace tabletd
