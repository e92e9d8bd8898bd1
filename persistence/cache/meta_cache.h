#pragma once
// Published metas on a backend's own disk, so that a scan of a tablet that is warm asks the store for nothing: the file
// cache keeps what a meta names, this keeps the meta itself (docs/file_cache.md).
//
// An object never changes and its key is never used twice, so a row is right forever or damaged, and the checksum that
// the log has of it says which.  What goes wrong here costs a request to the store, never a wrong answer.
//
// Any thread may call anything.
#include "persistence/sqlite.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tabletd {

/// What the log says of a meta object.
struct meta_key {
  std::uint64_t resource = 0;  ///< Id in the catalog.
  std::string key;             ///< Whole, in the store.
  std::uint32_t crc32c = 0;    ///< Of its bytes.
};

struct meta_cache_options {
  std::filesystem::path file;
  std::uint64_t capacity_bytes = 64ULL << 20U;  ///< Of the objects; the database is a little larger.
  std::function<std::uint64_t()> now;           ///< Seconds since 1970; null: the system's clock.
  std::string sqlite_vfs;                       ///< Empty: the operating system's.
};

class meta_cache {
public:
  /// Opens or creates; a database that is damaged or of another format is emptied.  storage_error if that cannot be.
  explicit meta_cache(meta_cache_options options);

  /// Nothing: it is not here, or no good and dropped.
  [[nodiscard]] std::optional<std::vector<std::byte>> find(const meta_key& key);
  /// Makes room by what was read longest ago.  False: it is not kept, fault() may say why.
  bool keep(const meta_key& key, std::span<const std::byte> bytes);
  struct kept_meta {
    meta_key key;
    std::vector<std::byte> bytes;
  };
  /// What is kept of a tablet's folder, "data/<tablet>/", in any resource; unchecked.
  [[nodiscard]] std::vector<kept_meta> in_folder(const std::string& folder);
  void forget(const meta_key& key);
  [[nodiscard]] std::uint64_t bytes_held() const;
  /// Of what went wrong last; empty: all is well.
  [[nodiscard]] std::string fault() const;

private:
  [[nodiscard]] std::uint64_t held_by_rows();
  [[nodiscard]] std::optional<std::vector<std::byte>> read_row(const meta_key& key);
  template <class Work>
  void attempt(const Work& work);
  void touch_row(const meta_key& key, std::uint64_t now);
  /// Returns by how much less is held; 0: there was none.
  std::uint64_t remove_row(const meta_key& key);
  void write_row(const meta_key& key, std::span<const std::byte> bytes);
  /// Removes what was read longest ago until `bytes` fit beside the rest.
  void make_room(std::uint64_t bytes);
  void note(const storage_error& why);
  void start_over();
  /// Tries to open a database that could not be opened again, at most once a second.
  [[nodiscard]] bool is_open();

  const meta_cache_options options_;
  mutable std::mutex lock_;  ///< Of all below; held while the disk is asked, for a database is one thread's at a time.
  std::optional<sqlite::database> db_;  ///< Nothing: it could not be opened again after it was damaged.
  std::uint64_t tried_at_ = 0;          ///< To open it.
  std::uint64_t held_ = 0;
  std::string fault_;
};

}  // namespace tabletd
