#pragma once
// The directory of one node: created, locked for as long as the node runs, and labelled
// with whose it is, so that no node ever starts on another one's state.
#include "persistence/directory_lock.h"
#include "persistence/identity_file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace tabletd {

enum class node_role { fe, be };

/// <directory>/LOCK and <directory>/node.identity.
class node_dir {
public:
  /// Creates what is missing.  Throws storage_error: unusable, locked or corrupt.
  explicit node_dir(const std::filesystem::path& directory);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Labels a new directory, durably; a directory of the other role is
  /// storage_error(foreign).
  void claim(node_role role);
  /// Ties the directory to a node of a cluster (32 hex digits), durably, the first time;
  /// any other pair later is storage_error(foreign).  After claim().
  void bind(const std::string& cluster, std::uint64_t node);

  [[nodiscard]] std::optional<node_role> role() const;
  [[nodiscard]] std::optional<std::string> cluster() const;  ///< None: not bound yet.
  [[nodiscard]] std::optional<std::uint64_t> node() const;   ///< None: not bound yet.

private:
  [[nodiscard]] std::filesystem::path identity_path() const { return path_ / "node.identity"; }
  std::filesystem::path path_;
  std::optional<directory_lock> lock_;
  identity identity_;
};

}  // namespace tabletd
