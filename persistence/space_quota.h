#pragma once
// Makes a directory behave as a disk of a given size, so that tests and play can fill one.
#include "persistence/storage_error.h"

#include <atomic>
#include <cstdint>
#include <filesystem>

namespace tabletd {

/// Bytes that the files of one path hold, against a limit.  Any thread.
class space_quota {
public:
  explicit space_quota(std::uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  /// Throws storage_error(disk_full) naming `file`, as a write on a full disk would.
  void take(std::uint64_t bytes, const std::filesystem::path& file);
  /// For what is there already: may exceed the limit.
  void adopt(std::uint64_t bytes) { used_bytes_ += bytes; }
  void give(std::uint64_t bytes) { used_bytes_ -= bytes; }
  [[nodiscard]] std::uint64_t limit_bytes() const { return limit_bytes_; }
  [[nodiscard]] std::uint64_t used_bytes() const { return used_bytes_; }

private:
  const std::uint64_t limit_bytes_;
  std::atomic<std::uint64_t> used_bytes_{0};
};

}  // namespace tabletd
