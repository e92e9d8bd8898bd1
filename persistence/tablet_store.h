#pragma once
// One path (disk) of a backend: rowset files plus one SQLite database that says which of
// them count.  A file no row names is garbage; a row whose file is damaged makes its
// replica bad.  Not thread-safe: one thread owns a store (readers it hands out are free,
// and a writer may be fed by another thread while the store is used).
//
//   <root>/.tabletd-path   identity of this path: hash, cluster id, backend id
//   <root>/LOCK            held while the store is open
//   <root>/meta.db         tablets, rowsets
//   <root>/tablets/<shard>/<tablet>/<rowset>.seg
//   <root>/tmp/clone-<fence>/<source rowset>.part   partial clones
//
// A call that changes something either did it durably and returned, or threw.  After a
// throw nothing changed, with one exception: if the commit of the metadata itself failed,
// a power cut may still bring the change to light.  After storage_fault::io on a write the
// store takes no more writes until it is opened again (fsync is never retried); reads go on.
#include "persistence/rowset_file.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tabletd {

/// Names a replica's exact set of remote rowsets, and says where they lie, or lay (spec/jobs.md I1).
struct remote_set {
  std::uint64_t term{};  ///< 0: it has none and never had.
  std::uint64_t seq{};   ///< Grows with every change of the set within a term.
  std::uint64_t resource{};  ///< The remote store as the catalog numbers it.
  friend bool operator==(const remote_set&, const remote_set&) = default;
};
[[nodiscard]] inline bool is_newer(const remote_set& a, const remote_set& b) {
  return std::pair(a.term, a.seq) > std::pair(b.term, b.seq);
}

/// A publication that the leader was, or is about to be, asked for: remembered until it is known what came of it.
struct asked_publication {
  remote_set set{};
  std::string object;            ///< Of the list of the set's rowsets.
  std::uint32_t crc32c{};        ///< Of that object.
  std::uint64_t last_version{};  ///< Where the set ends.
  std::uint64_t bytes{};         ///< Of all its objects.
  friend bool operator==(const asked_publication&, const asked_publication&) = default;
};

/// A rowset covers versions first..last; a prepared one has none yet.
struct rowset_meta {
  std::uint64_t id{};  ///< Unique on this path.
  std::uint64_t tablet{};
  std::uint64_t txn{};
  std::uint64_t first_version{};  ///< 0: prepared, waiting for its verdict.
  std::uint64_t last_version{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::uint32_t blocks{};  ///< 0: empty, has no file.
  /// Set: it lies in the remote store, under this name in its tablet's folder; empty if it has no rows.
  std::optional<std::string> object{};
  std::int64_t written_ms{};  ///< When its rows were prepared, since the Unix epoch; copies keep it.  0: unknown.
  [[nodiscard]] bool is_remote() const { return object.has_value(); }
  friend bool operator==(const rowset_meta&, const rowset_meta&) = default;
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
  std::uint32_t prepared{};     ///< Rowsets that wait for their verdict; not counted above.
  std::uint32_t moves{};        ///< How often it moved between paths of its backend.
  remote_set remote{};
  std::uint64_t remote_version{1};  ///< 2..this lie in the remote store; 1: nothing does.
  std::uint64_t remote_bytes{};     ///< Of `bytes`, those there.
  friend bool operator==(const replica_status&, const replica_status&) = default;
};

/// A rowset a clone or a move brought: its sealed-but-not-renamed file (or none if empty or remote).
struct copied_rowset {
  std::uint64_t txn{};
  std::uint64_t first_version{};
  std::uint64_t last_version{};
  std::uint64_t rows{};
  std::uint64_t bytes{};
  std::unique_ptr<rowset_writer> file{};  ///< From continue_copy, complete; null: empty or remote rowset.
  std::optional<std::string> object{};    ///< As in rowset_meta.
  std::uint32_t blocks{};                 ///< Of a remote one; a file knows its own.
  std::int64_t written_ms{};
};

/// What an object of the remote store was copied into.
struct homecoming_rowset {
  std::string object;
  std::unique_ptr<rowset_writer> file;
};

struct path_usage {
  std::uint64_t capacity_bytes{};  ///< Of the file system.
  std::uint64_t available_bytes{};
  std::uint64_t data_bytes{};  ///< Ours.
  std::uint64_t tablets{};
};

/// What open() met, for the log.
struct path_findings {
  std::uint64_t garbage_files{};  ///< Left by a crash, deleted.
  std::uint64_t garbage_bytes{};
  std::uint64_t rowsets_damaged{};             ///< Visible, file missing or of another size: replica bad.
  std::uint64_t prepared_lost{};               ///< Prepared, the same: forgotten, publish will fail it.
  std::vector<std::filesystem::path> foreign;  ///< Not ours, left alone (the first 100).
};

/// Of the system, since the Unix epoch.
[[nodiscard]] std::int64_t wall_clock_ms();

struct tablet_store_options {
  std::string sqlite_vfs;         ///< Empty: the default; tests name the crash VFS.
  std::uint64_t quota_bytes = 0;  ///< > 0: behave as a disk of this size (tests, play).
  std::function<std::int64_t()> wall_ms = wall_clock_ms;
};

class tablet_store {
public:
  /// Creates or opens; sweeps garbage left by a crash.  Throws storage_error.
  static std::unique_ptr<tablet_store> open(const std::filesystem::path& root, const tablet_store_options& options);
  virtual ~tablet_store() = default;

  [[nodiscard]] virtual std::uint64_t path_hash() const = 0;
  [[nodiscard]] virtual const std::filesystem::path& root() const = 0;
  [[nodiscard]] virtual path_usage usage() const = 0;
  /// What else lies on this path counts against it too; null: the disk itself is the limit.
  [[nodiscard]] virtual std::shared_ptr<space_quota> quota() const = 0;
  [[nodiscard]] virtual const path_findings& findings() const = 0;
  /// Ties the path to a backend, durably, at its first attach; afterwards any other cluster
  /// (32 hex digits) or backend is storage_error(foreign).
  virtual void bind(const std::string& cluster, std::uint64_t backend) = 0;

  // -- replicas --
  /// Idempotent for the same replica id; another id of that tablet here is
  /// storage_error(unusable).
  virtual void create_replica(std::uint64_t tablet, std::uint64_t replica) = 0;
  /// Compare and drop: false if absent or another replica id (nothing is changed).
  virtual bool drop_replica(std::uint64_t tablet, std::uint64_t replica) = 0;
  [[nodiscard]] virtual std::optional<replica_status> status(std::uint64_t tablet) const = 0;
  [[nodiscard]] virtual std::vector<replica_status> list() const = 0;
  /// Bad holds in memory even if it could not be written; an unknown tablet is ignored.
  virtual void mark_bad(std::uint64_t tablet, bool bad) = 0;

  // -- load --
  /// A writer whose file goes to `tablet`; unknown tablet: storage_error(unusable).
  virtual std::unique_ptr<rowset_writer> begin_rowset(std::uint64_t tablet) = 0;
  /// For rows of a tablet that left for another path after their load had begun: its file goes
  /// nowhere, but copy_to() takes the rows along.
  virtual std::unique_ptr<rowset_writer> begin_stray(std::uint64_t tablet) = 0;
  struct to_prepare {
    std::uint64_t tablet{};
    std::unique_ptr<rowset_writer> file{};  ///< Null: no rows.
  };
  /// Makes the rowsets durable as prepared under `txn`: fsync files, rename, fsync
  /// directories, one metadata transaction.  All or nothing, and an unknown tablet is
  /// storage_error(unusable), so leave out what status() does not know.  Idempotent per
  /// (txn, tablet): what is prepared or visible stays, the newcomer is dropped.
  virtual void prepare(std::uint64_t txn, std::vector<to_prepare> rowsets) = 0;
  /// Prepared rowsets of `txn` (of `tablets`, empty: all) become version `version` (at least
  /// 2).  Returns the tablets that have nothing prepared and do not hold that version of that
  /// txn either.  Where a clone was faster, the prepared rowset is deleted.
  virtual std::vector<std::uint64_t> publish(std::uint64_t txn, std::uint64_t version,
                                             const std::vector<std::uint64_t>& tablets)
      = 0;
  /// Deletes the prepared rowsets of `txn` (of `tablets`, empty: all).
  virtual void abort(std::uint64_t txn, const std::vector<std::uint64_t>& tablets) = 0;
  [[nodiscard]] virtual std::vector<std::uint64_t> prepared_txns() const = 0;
  /// Prepared rowsets of a tablet, by txn.
  [[nodiscard]] virtual std::vector<rowset_meta> prepared_rowsets(std::uint64_t tablet) const = 0;
  /// The tablets that `txn` has prepared rowsets for.
  [[nodiscard]] virtual std::vector<std::uint64_t> prepared_tablets(std::uint64_t txn) const = 0;

  // -- read --
  /// Visible rowsets of a tablet in version order; none of an unknown one.
  [[nodiscard]] virtual std::vector<rowset_meta> rowsets(std::uint64_t tablet) const = 0;
  /// Opens and checks against the metadata.  storage_error(corrupt): the caller marks the
  /// replica bad.  A rowset without blocks opens as an empty reader.  Not for remote ones.
  [[nodiscard]] virtual std::shared_ptr<rowset_reader> open_rowset(const rowset_meta& rowset) const = 0;

  /// The file of a visible local rowset with rows, checked as open_rowset() does, to be sent as it is.
  [[nodiscard]] virtual open_file open_segment(const rowset_meta& rowset) const = 0;

  // -- clone and move --
  /// Directory for a partial clone or move that survives restarts: <root>/tmp/clone-<fence>.
  virtual std::filesystem::path clone_directory(std::uint64_t fence) = 0;
  /// Goes on with (or starts) the copy of the source's rowset `source_rowset`, whose footer
  /// the manifest carries: blocks() says at which block.  Re-reads what is there already.
  /// The writer then needs no store and may be fed by any one thread.
  virtual std::unique_ptr<rowset_writer> continue_copy(std::uint64_t fence, std::uint64_t source_rowset,
                                                       byte_span footer)
      = 0;
  virtual void forget_clone(std::uint64_t fence) = 0;
  /// Fences whose clone_directory exists.
  [[nodiscard]] virtual std::vector<std::uint64_t> partial_clones() const = 0;
  /// Installs a clone atomically.  full: replaces all visible rowsets up to the clone's last
  /// version (creating the replica with id `replica` if absent); later ones, which loads
  /// published meanwhile, stay, and if the replica was bad they are re-read first.  Else adds
  /// the missing versions.  A version that is already there is skipped.  Clears `bad` after a
  /// full install.  Prepared rowsets of a txn that came with the clone are deleted.  Remote
  /// rowsets come with a full clone only, and `remote` is the source's set of them.
  virtual void install(std::uint64_t tablet, std::uint64_t replica, bool full, std::vector<copied_rowset> rowsets,
                       const remote_set& remote)
      = 0;

  /// Takes in a replica from another path of its backend, atomically: `rowsets` are all it has
  /// there, those of version 0..0 prepared; `moves` counts this move too.  What is here of the
  /// same replica is left of an earlier move and replaced; another replica id is
  /// storage_error(unusable).
  virtual void adopt(std::uint64_t tablet, std::uint64_t replica, std::uint32_t moves,
                     std::vector<copied_rowset> rowsets, const remote_set& remote,
                     const std::optional<asked_publication>& asked)
      = 0;

  // -- remote --
  /// Of an unknown tablet: nothing.
  [[nodiscard]] virtual std::optional<asked_publication> asked(std::uint64_t tablet) const = 0;
  /// Clones leave it alone, a drop forgets it.  storage_error(unusable): another replica id.
  virtual void save_asked(std::uint64_t tablet, std::uint64_t replica, const std::optional<asked_publication>& what) = 0;
  /// Makes `rowsets`, remote ones that follow each other from version 2 on, the replica's remote
  /// rowsets, atomically: they take the place of every local one up to their last version, whose
  /// files go, and of the remote ones it had.  Later versions stay, and so do prepared rowsets but
  /// those whose txn came along.  storage_error(unusable), and nothing changes: another replica
  /// id, a set that is not newer, a remote rowset of ours beyond the set's end, a local one across it.
  virtual void follow(std::uint64_t tablet, std::uint64_t replica, const remote_set& set,
                      std::vector<rowset_meta> rowsets)
      = 0;
  /// Makes every remote rowset of the replica a local one, atomically, and `set`, in which there are none, its set.
  /// `files`: a complete copy of the object of each that has rows, from begin_rowset(tablet); a publication that was
  /// asked for and is not newer than `set` is forgotten.  storage_error(unusable), and nothing changes: another replica id,
  /// a set that is not newer, files of other objects than it has, or not the rows its metadata says.
  virtual void come_home(std::uint64_t tablet, std::uint64_t replica, const remote_set& set,
                         std::vector<homecoming_rowset> files)
      = 0;

  // -- verify --
  /// Re-reads every checksum of the tablet's visible local rowsets; false and marked bad if one
  /// does not match or cannot be read.
  virtual bool verify(std::uint64_t tablet) = 0;
};

}  // namespace tabletd
