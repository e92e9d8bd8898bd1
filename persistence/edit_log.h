#pragma once
// The durable log under the consensus core.  Knows bytes and terms, not meanings.
#include "persistence/storage_error.h"
#include <cstdint>
#include <functional>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tabletd {

/// What consensus keeps beside the entries; durable before anything that depends on it leaves.
struct hard_state {
  std::uint64_t term{};
  std::uint64_t vote{}; ///< 0: none.
};

struct log_entry {
  std::uint64_t term{};
  std::uint16_t type{};              ///< The consensus core's entry type.
  std::span<const std::byte> bytes;  ///< Valid during the call only.
};

/// What a checkpoint image of everything up to `index` stands for, in the consensus core's words.
struct image_point {
  std::uint64_t index{};
  std::uint64_t term{};              ///< Of the entry at `index`.
  std::uint64_t membership_index{};
  std::string membership;
  friend bool operator==(const image_point&, const image_point&) = default;
};

/// A call that returned has reached the disk; one that could not throws storage_error and the
/// process must not acknowledge anything any more (design/journal.md 9.3).
class edit_log {
public:
  virtual ~edit_log() = default;
  [[nodiscard]] virtual hard_state load_hard_state() const = 0;
  virtual void save_hard_state(hard_state state) = 0;
  /// Replaces everything from `first` on, in one transaction.
  /// first_index() <= `first` <= last_index() + 1.
  virtual void append(std::uint64_t first, std::span<const log_entry> entries) = 0;
  /// Visits from..last in order; false from `visit` stops.  Detects gaps and bad checksums
  /// (storage_error corrupt).  `visit` must not call the log.
  using visit_fn = std::function<bool(std::uint64_t index, const log_entry& entry)>;
  virtual void replay(std::uint64_t from, const visit_fn& visit) const = 0;
  /// Ascending by index.
  [[nodiscard]] virtual std::vector<image_point> image_points() const = 0;
  /// Forgets those before `oldest_kept` <= point.index.
  virtual void save_image_point(const image_point& point, std::uint64_t oldest_kept) = 0;
  /// Forgets all entries and points, in one transaction: `point` stands for everything up to its
  /// index, and the next entry is the one after it.
  virtual void restart(const image_point& point) = 0;
  /// Forgets everything before `first_kept` <= last_index() + 1, in short transactions.
  virtual void truncate_prefix(std::uint64_t first_kept) = 0;
  [[nodiscard]] virtual std::uint64_t first_index() const = 0; ///< 1 when nothing was truncated.
  [[nodiscard]] virtual std::uint64_t last_index() const = 0;  ///< first_index() - 1: empty.
  [[nodiscard]] virtual const std::string& path() const = 0; ///< For sentences about it.
  [[nodiscard]] virtual std::uint64_t file_bytes() const = 0;
  [[nodiscard]] virtual std::uint64_t wal_bytes() const = 0;
};

struct edit_log_options {
  std::string sqlite_vfs; ///< Empty: the default, and the directory is created; tests name the crash VFS.
  int wal_autocheckpoint_pages = 0; ///< 0: sqlite.h's default.
};

/// <directory>/log.db and <directory>/meta.db.  Refuses (storage_error corrupt) a log whose
/// entries do not follow what was trimmed, or whose terms are ahead of the hard state.
std::unique_ptr<edit_log> open_sqlite_edit_log(const std::filesystem::path& directory, const edit_log_options& options);

/// Visits the entries of a stopped node's log, or of a copy, from `from` on (or the first that is left), and
/// changes nothing.  A log that is in use is storage_error(locked).
void look_at_edit_log(const std::filesystem::path& directory, std::uint64_t from, const edit_log::visit_fn& visit);

} // namespace tabletd
