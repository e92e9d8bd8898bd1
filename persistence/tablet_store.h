#pragma once
// One path (disk) of a backend: rowset files plus one SQLite database that says which of
// them count.  A file no row names is garbage; a row whose file is damaged makes its
// replica bad.  Not thread-safe: one thread owns a store (readers it hands out are free).
//
//   <root>/.tabletd-path   identity of this path: hash, cluster id, backend id
//   <root>/meta.db         tablets, rowsets
//   <root>/tablets/<shard>/<tablet>/<rowset>.seg
//   <root>/tmp/            partial clones
#include "persistence/rowset_file.h"
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tabletd {

/// A rowset covers versions first..last; a prepared one has none yet.
struct rowset_meta {
  std::uint64_t id{};           ///< Unique on this path.
  std::uint64_t tablet{};
  std::uint64_t txn{};
  std::uint64_t first_version{};///< 0: prepared, waiting for its verdict.
  std::uint64_t last_version{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::uint32_t blocks{};       ///< 0: empty, has no file.
};

struct replica_status {
  std::uint64_t tablet{};
  std::uint64_t replica{};
  std::uint64_t version{};      ///< Highest v with 1..v all present; at least 1.
  std::uint64_t max_version{};  ///< > version: there is a hole.
  bool bad = false;
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::uint32_t rowsets{};
};

/// A rowset a clone brought: its sealed-but-not-renamed file (or none if empty).
struct copied_rowset {
  std::uint64_t txn{};
  std::uint64_t first_version{};
  std::uint64_t last_version{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::unique_ptr<rowset_writer> file; ///< finish()ed; null: empty rowset.
};

struct path_usage {
  std::uint64_t capacity_bytes{};  ///< Of the file system.
  std::uint64_t available_bytes{};
  std::uint64_t data_bytes{};      ///< Ours.
  std::uint64_t tablets{};
};

struct tablet_store_options {
  std::string sqlite_vfs;                   ///< Empty: the default; tests name the crash VFS.
  std::uint64_t quota_bytes = 0;            ///< > 0: behave as a disk of this size (tests, play).
};

class tablet_store {
public:
  /// Creates or opens; sweeps garbage left by a crash.  Throws storage_error.
  static std::unique_ptr<tablet_store> open(const std::filesystem::path& root, const tablet_store_options& options);
  virtual ~tablet_store() = default;

  [[nodiscard]] virtual std::uint64_t path_hash() const = 0;
  [[nodiscard]] virtual const std::filesystem::path& root() const = 0;
  [[nodiscard]] virtual path_usage usage() const = 0;

  // -- replicas --
  /// Idempotent for the same replica id; another id of that tablet here is an error.
  virtual void create_replica(std::uint64_t tablet, std::uint64_t replica) = 0;
  /// Compare and drop: false if absent or another replica id (nothing is changed).
  virtual bool drop_replica(std::uint64_t tablet, std::uint64_t replica) = 0;
  [[nodiscard]] virtual std::optional<replica_status> status(std::uint64_t tablet) const = 0;
  [[nodiscard]] virtual std::vector<replica_status> list() const = 0;
  virtual void mark_bad(std::uint64_t tablet, bool bad) = 0;

  // -- load --
  /// A writer whose file goes to `tablet`; unknown tablet: storage_error(unusable).
  virtual std::unique_ptr<rowset_writer> begin_rowset(std::uint64_t tablet) = 0;
  struct to_prepare {
    std::uint64_t tablet{};
    std::unique_ptr<rowset_writer> file; ///< Null: no rows.
  };
  /// Makes the rowsets durable as prepared under `txn`: fsync files, rename, fsync
  /// directories, one metadata transaction.  All or nothing.  Idempotent per (txn, tablet).
  virtual void prepare(std::uint64_t txn, std::vector<to_prepare> rowsets) = 0;
  /// Prepared rowsets of `txn` (of `tablets`, empty: all) become version `version`.  Returns
  /// the tablets that have nothing prepared and do not hold that version either.
  virtual std::vector<std::uint64_t> publish(std::uint64_t txn, std::uint64_t version, const std::vector<std::uint64_t>& tablets) = 0;
  virtual void abort(std::uint64_t txn) = 0;
  [[nodiscard]] virtual std::vector<std::uint64_t> prepared_txns() const = 0;

  // -- read --
  /// Visible rowsets of a tablet in version order.
  [[nodiscard]] virtual std::vector<rowset_meta> rowsets(std::uint64_t tablet) const = 0;
  [[nodiscard]] virtual std::shared_ptr<rowset_reader> open_rowset(const rowset_meta& rowset) const = 0;

  // -- clone --
  /// Directory for a partial clone that survives restarts: <root>/tmp/clone-<fence>.
  virtual std::filesystem::path clone_directory(std::uint64_t fence) = 0;
  virtual void forget_clone(std::uint64_t fence) = 0;
  /// Installs a clone atomically.  full: replaces all visible rowsets (creating the replica
  /// with id `replica` if absent); else adds the missing versions.  A version that is already
  /// there is skipped.  Clears `bad` after a full install.
  virtual void install(std::uint64_t tablet, std::uint64_t replica, bool full, std::vector<copied_rowset> rowsets) = 0;

  // -- verify --
  /// Re-reads every checksum of the tablet; false and marked bad if one does not match.
  virtual bool verify(std::uint64_t tablet) = 0;
};

} // namespace tabletd
