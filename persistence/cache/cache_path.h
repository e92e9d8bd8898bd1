#pragma once
// One path's folder of the cache: its lock, its index, its block files.
//
//   <directory>/LOCK
//   <directory>/index.db
//   <directory>/blocks/<first byte of the object's id>/<object's id>.<number>      both in hex
#include "persistence/cache/block_file.h"
#include "persistence/cache/cache_index.h"
#include "persistence/cache/space_reserve.h"
#include "persistence/directory_lock.h"
#include "persistence/space_quota.h"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace tabletd {

/// How much the file system of `directory` has, or the quota that stands for it.  storage_error.
[[nodiscard]] disk_space space_of(const std::filesystem::path& directory, const space_quota* quota);

class cache_path {
public:
  /// What is there: rows and files that agree.  Files without a row are deleted, rows without their file dropped.
  struct contents {
    std::unordered_map<std::uint64_t, remote_object> objects;
    std::vector<stored_block> blocks;  ///< In the order in which cache_policy::restore wants them.
  };

  /// storage_error(locked): another process uses it.
  cache_path(std::filesystem::path directory, std::uint32_t block_bytes, std::shared_ptr<space_quota> quota,
             const std::string& sqlite_vfs);

  /// Once, before anything is written.
  [[nodiscard]] contents load(epoch_seconds now);
  [[nodiscard]] std::filesystem::path file_of(std::uint64_t object, std::uint32_t number) const;
  /// Returns the checksum.  Any thread, as the rest below.
  std::uint64_t write(const remote_object& object, std::uint32_t number, std::span<const std::byte> bytes);
  /// Best effort: what stays is swept at the next start.
  void discard(std::uint64_t object, std::uint32_t number, std::uint32_t bytes);

  /// Of the index; take it before asking what has changed, so that batches are applied in that order.
  [[nodiscard]] std::mutex& index_lock() { return index_lock_; }
  void apply(const index_batch& batch) { index_.apply(batch); }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

private:
  struct sweep_state;
  void sweep_folder(const std::filesystem::path& folder, sweep_state& state) const;

  std::filesystem::path directory_;
  directory_lock lock_;
  std::shared_ptr<space_quota> quota_;
  std::mutex index_lock_;
  cache_index index_;
};

}  // namespace tabletd
