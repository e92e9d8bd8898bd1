#pragma once
// The client's end of LOAD and EXPORT: a file read in slices, and a file that either is
// complete or does not exist.
#include "node/tabletctl/error_text.h"
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace tabletd::ctl {

/// A local file said no; reported like an error of the statement.
class file_failure : public std::runtime_error {
public:
  file_failure(api::ErrorCode code, const std::string& sentence)
    : std::runtime_error(sentence),
      code_(code) {}
  [[nodiscard]] api::ErrorCode code() const { return code_; }

private:
  api::ErrorCode code_;
};

/// Anything that can be read: a regular file, a pipe, /dev/stdin.
class source_file {
public:
  explicit source_file(std::string path);
  source_file(const source_file&) = delete;
  ~source_file();
  /// Fills `into` unless the end comes first; returns the bytes read.
  std::size_t read(std::span<std::byte> into);
  [[nodiscard]] std::uint64_t bytes_total() const { return bytes_total_; } ///< 0: not known.

private:
  std::string path_;
  int fd_ = -1;
  std::uint64_t bytes_total_ = 0;
};

/// Writes to <path>.tmp.<random> and renames at commit(); dropping it before deletes the
/// temporary file.  A device or pipe that exists under the name is written to directly.
class export_file {
public:
  explicit export_file(std::string path);
  export_file(const export_file&) = delete;
  ~export_file();
  void append(std::span<const std::byte> bytes);
  /// fsync, rename, fsync of the directory.
  void commit();

private:
  [[noreturn]] void fail(std::string_view doing, int why) const;
  void open_temporary();

  std::string path_;      ///< Symbolic links resolved: the link stays one.
  std::string temporary_; ///< Empty: written in place.
  unsigned mode_ = 0;     ///< Of the file it replaces; 0: there is none.
  int fd_ = -1;
};

} // namespace tabletd::ctl
