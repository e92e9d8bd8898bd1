#pragma once
// What a path's cache knew when it was last written down: one small SQLite database, which may lag behind the files
// and is believed only where a file agrees with it.
#include "persistence/cache/cache_policy.h"
#include "persistence/sqlite.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace tabletd {

struct stored_block {
  std::uint64_t object = 0;  ///< Id.
  known_block is;
};

/// The newest truth of one block.
struct index_change {
  std::uint64_t object = 0;  ///< Id.
  std::uint32_t number = 0;
  std::optional<known_block> is;  ///< Nothing: it is gone.
};

struct index_batch {
  std::vector<index_change> changes;
  std::unordered_map<std::uint64_t, remote_object> objects;  ///< Those of the blocks that are there, by id.
};

/// One thread at a time.  Calls throw storage_error.
class cache_index {
public:
  /// Opens or creates; one of another format or block size, or a damaged one, is emptied: then no file of the path is
  /// known, and all are swept.
  cache_index(const std::filesystem::path& file, std::uint32_t block_bytes, const std::string& vfs);

  [[nodiscard]] std::unordered_map<std::uint64_t, remote_object> objects();
  [[nodiscard]] std::vector<stored_block> blocks();
  /// In one transaction.
  void apply(const index_batch& batch);

private:
  sqlite::database db_;
};

}  // namespace tabletd
