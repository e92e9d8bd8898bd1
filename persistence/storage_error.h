#pragma once
// The one exception of this room: a disk said no.
#include <stdexcept>
#include <string>

namespace tabletd {

enum class storage_fault {
  io,        ///< The device or the kernel failed, or mounted it read-only; fsync is never retried.
  disk_full,
  corrupt,   ///< A checksum, magic or length is wrong.
  locked,    ///< Another process holds the directory.
  foreign,   ///< The directory belongs to another cluster or node.
  denied,    ///< No permission or no descriptor left: says nothing of the disk or of what is on it.
  unusable,  ///< Missing, not a directory, or what is there is not what the call is about.
};

/// what() is one sentence: what failed, on which file, why, and what to do where that helps.
class storage_error : public std::runtime_error {
public:
  storage_error(storage_fault fault, std::string path, const std::string& sentence)
    : std::runtime_error(sentence), fault_(fault), path_(std::move(path)) {}
  [[nodiscard]] storage_fault fault() const { return fault_; }
  [[nodiscard]] const std::string& path() const { return path_; }

private:
  storage_fault fault_;
  std::string path_;
};

} // namespace tabletd
