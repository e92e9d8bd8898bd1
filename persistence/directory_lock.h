#pragma once
// One process per directory: an flock that the kernel releases however the holder ends.
#include "persistence/durable_file.h"

#include <filesystem>

namespace tabletd {

/// Held from birth to death.  The second one throws storage_error(locked) naming the pid
/// that holds it.  <directory>/LOCK stays behind; only the lock on it counts.
class directory_lock {
public:
  explicit directory_lock(const std::filesystem::path& directory);

private:
  open_file file_;
};

/// Refuses, as storage_error(unusable) with the command that helps, what is not a directory,
/// what belongs to neither this user nor root, what everybody may write to, and what this
/// user cannot write to (design/testing.md 5.4 D-09).
void demand_private_directory(const std::filesystem::path& directory);

}  // namespace tabletd
