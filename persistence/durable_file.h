#pragma once
// The few system calls by which this room changes a disk, every result looked at, and the
// one way to replace a small file (design/testing.md 4.3): name.tmp.<random>, fsync,
// rename, fsync the directory, and only then tell anyone.
#include "persistence/storage_error.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>
#include <vector>

namespace tabletd {

/// Every call that changes a disk goes through here, so that a test can fail the Nth one
/// or lose what was not synced.  Same contracts as the system calls of these names.
struct file_ops {
  int (*open)(const char* path, int flags, ::mode_t mode);
  ::ssize_t (*pread)(int fd, void* into, std::size_t size, ::off_t offset);
  ::ssize_t (*pwrite)(int fd, const void* from, std::size_t size, ::off_t offset);
  int (*ftruncate)(int fd, ::off_t size);
  int (*fsync)(int fd);
  int (*sync_file_range)(int fd, ::off_t offset, ::off_t size, unsigned flags);
  int (*fstat)(int fd, struct ::stat* into);
  int (*rename)(const char* from, const char* to);
  int (*unlink)(const char* path);
  int (*mkdir)(const char* path, ::mode_t mode);
  int (*rmdir)(const char* path);
};

/// The operating system's calls.
extern const file_ops system_file_ops;
/// What this process uses; replaced by tests only, before any file is open.
file_ops& files();

/// Throws the storage_error for `error` (an errno); `doing` completes "cannot ...".
/// ENOSPC, EDQUOT: disk_full.  No permission, no more descriptors: denied.  Missing or something
/// else in its place: unusable.  Anything else, a file system that became read-only included: io.
[[noreturn]] void throw_errno(int error, const std::filesystem::path& path, std::string_view doing);

/// An open file or directory; closes itself.  Calls throw storage_error.
class open_file {
public:
  open_file() = default;
  open_file(std::filesystem::path path, int flags, ::mode_t mode = 0600);
  /// The same for a caller who knows better what a failure means: 0, or the errno.
  [[nodiscard]] int try_open(std::filesystem::path path, int flags, ::mode_t mode = 0600);
  open_file(open_file&& other) noexcept;
  open_file& operator=(open_file&& other) noexcept;
  ~open_file();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] int fd() const { return fd_; }
  /// Of a regular file; anything else under this name is storage_error(corrupt).
  [[nodiscard]] std::uint64_t size() const;
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// A file that ends early is storage_error(corrupt).
  void read_at(std::uint64_t offset, std::span<std::byte> into) const;
  void truncate(std::uint64_t size);
  /// Starts writing dirty pages out without waiting, so that a later sync() is short.
  void start_writeback(std::uint64_t offset, std::uint64_t size);
  /// Any failure is storage_error(io), whatever its errno: the kernel may have dropped the
  /// pages, so nobody may try again and believe the second answer.
  void sync();

private:
  std::filesystem::path path_;
  int fd_ = -1;
};

/// Makes creations, renames and unlinks in `directory` durable.
void sync_directory(const std::filesystem::path& directory);
/// True: made now, and its parent needs a sync_directory.  False: was there.  Anything else under
/// that name, a link to a directory included, is storage_error(unusable): what a link leads to is
/// not this disk.
bool make_directory(const std::filesystem::path& directory);
/// Makes what is missing of `directory` and syncs every parent it changed.
void make_directories_durably(const std::filesystem::path& directory);
/// Makes the name of `directory` durable, at a first start: an earlier process may have been
/// killed after it made the directory and before it synced the parent.  A parent that this
/// user may not read is somebody else's care.
void sync_own_name(const std::filesystem::path& directory);
void rename_file(const std::filesystem::path& from, const std::filesystem::path& to);
/// Names in `directory`, in no order.
[[nodiscard]] std::vector<std::filesystem::path> list_directory(const std::filesystem::path& directory);
/// False if it could not be removed: what stays is garbage that a sweep finds later.
bool discard_file(const std::filesystem::path& file) noexcept;

/// Replaces `file` so that a power cut leaves the old or the new bytes, whole.
void write_file_durably(const std::filesystem::path& file, std::span<const std::byte> bytes);
/// Refuses more than `bytes_max`, which no file of ours reaches.
[[nodiscard]] std::vector<std::byte> read_file(const std::filesystem::path& file, std::uint64_t bytes_max);

/// 64 bits nobody can guess: never 0.
[[nodiscard]] std::uint64_t random_number();
/// 16 lower-case hex digits.
[[nodiscard]] std::string hex(std::uint64_t number);
/// <file>.tmp.<16 hex digits>
[[nodiscard]] std::filesystem::path temporary_name(const std::filesystem::path& file);
/// Whether `name` (no directory) was made by temporary_name.
[[nodiscard]] bool is_temporary_name(std::string_view name);

}  // namespace tabletd
