// See durable_file.h.
#include "persistence/durable_file.h"

#include <fmt/format.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>
#include <utility>

namespace tabletd {

const file_ops system_file_ops{
    .open = [](const char* path, int flags, ::mode_t mode) { return ::open(path, flags, mode); },
    .pread = ::pread,
    .pwrite = ::pwrite,
    .ftruncate = ::ftruncate,
    .fsync = ::fsync,
    .sync_file_range = ::sync_file_range,
    .fstat = ::fstat,
    .rename = ::rename,
    .unlink = ::unlink,
    .mkdir = ::mkdir,
    .rmdir = ::rmdir,
};

file_ops& files() {
  static file_ops in_use = system_file_ops;
  return in_use;
}

namespace {

struct verdict {
  storage_fault fault;
  const char* next_step;
};

verdict judge(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return {storage_fault::disk_full, "free space on its file system (or raise its quota)"};
    case EROFS:
      return {storage_fault::io,
              "the file system is read-only: see the kernel log for the reason, remount it, restart"};
    case EACCES:
    case EPERM:
      return {storage_fault::denied, "give the directory to the user that runs tabletd (chown)"};
    case EMFILE:
    case ENFILE:
      return {storage_fault::denied, "raise the limit of open files (LimitNOFILE=)"};
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case ELOOP:
    case ENAMETOOLONG:
      return {storage_fault::unusable, "check that the path is right and that nothing else changes it"};
    default:
      return {storage_fault::io, "look at the kernel log and the disk's health"};
  }
}

[[noreturn]] void throw_fsync_failure(int error, const std::filesystem::path& path) {
  throw storage_error(storage_fault::io, path.string(),
                      fmt::format("cannot fsync {}: {}; look at the kernel log and the disk's "
                                  "health, then restart: nothing unsynced is trusted",
                                  path.string(), std::strerror(error)));
}

std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

void throw_errno(int error, const std::filesystem::path& path, std::string_view doing) {
  const auto [fault, next_step] = judge(error);
  throw storage_error(fault, path.string(),
                      fmt::format("cannot {} {}: {}; {}", doing, path.string(), std::strerror(error), next_step));
}

// -- open_file --------------------------------------------------------------------------

open_file::open_file(std::filesystem::path path, int flags, ::mode_t mode) {
  if (const int error = try_open(std::move(path), flags, mode))
    throw_errno(error, path_, "open");
}

int open_file::try_open(std::filesystem::path path, int flags, ::mode_t mode) {
  assert(fd_ < 0);
  path_ = std::move(path);
  // A segment file that is a symbolic link is not ours; a data directory may well be one.
  const int link_rule = (flags & O_DIRECTORY) ? 0 : O_NOFOLLOW;
  do {
    fd_ = files().open(path_.c_str(), flags | link_rule | O_CLOEXEC, mode);
  } while (fd_ < 0 && errno == EINTR);
  return fd_ < 0 ? errno : 0;
}

open_file::open_file(open_file&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

open_file& open_file::operator=(open_file&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  return *this;
}

open_file::~open_file() {
  if (fd_ >= 0)
    ::close(fd_);
}

std::uint64_t open_file::size() const {
  struct ::stat found {};
  if (files().fstat(fd_, &found) != 0)
    throw_errno(errno, path_, "stat");
  if (!S_ISREG(found.st_mode))
    throw storage_error(storage_fault::corrupt, path_.string(),
                        fmt::format("{} is not a regular file; something else replaced it", path_.string()));
  return static_cast<std::uint64_t>(found.st_size);
}

void open_file::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto done = files().pwrite(fd_, bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      throw_errno(done < 0 ? errno : EIO, path_, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void open_file::read_at(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const auto got = files().pread(fd_, into.data(), into.size(), static_cast<::off_t>(offset));
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      throw_errno(errno, path_, "read");
    if (got == 0)
      throw storage_error(storage_fault::corrupt, path_.string(),
                          fmt::format("{} ends at offset {}, {} bytes early", path_.string(), offset, into.size()));
    into = into.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void open_file::truncate(std::uint64_t size) {
  if (files().ftruncate(fd_, static_cast<::off_t>(size)) != 0)
    throw_errno(errno, path_, "truncate");
}

void open_file::start_writeback(std::uint64_t offset, std::uint64_t size) {
  // ENOSYS: the kernel has no such call; then sync() does all the work.
  if (files().sync_file_range(fd_, static_cast<::off_t>(offset), static_cast<::off_t>(size), SYNC_FILE_RANGE_WRITE) != 0
      && errno != ENOSYS)
    throw_errno(errno, path_, "write back");
}

void open_file::sync() {
  if (files().fsync(fd_) != 0)
    throw_fsync_failure(errno, path_);
}

// -- directories ------------------------------------------------------------------------

void sync_directory(const std::filesystem::path& directory) {
  open_file opened(directory, O_RDONLY | O_DIRECTORY);
  opened.sync();
}

bool make_directory(const std::filesystem::path& directory) {
  if (files().mkdir(directory.c_str(), 0700) == 0)
    return true;
  if (errno != EEXIST)
    throw_errno(errno, directory, "create directory");
  struct ::stat found {};
  if (::lstat(directory.c_str(), &found) != 0 || !S_ISDIR(found.st_mode))
    throw storage_error(storage_fault::unusable, directory.string(),
                        fmt::format("{} is not a directory of its own; move it away", directory.string()));
  return false;
}

void make_directories_durably(const std::filesystem::path& directory) {
  std::error_code ignored;
  if (directory.empty() || std::filesystem::is_directory(directory, ignored))
    return;
  make_directories_durably(directory.parent_path());
  if (make_directory(directory))
    sync_directory(parent_of(directory));
}

void sync_own_name(const std::filesystem::path& directory) {
  open_file parent;
  const int error = parent.try_open(parent_of(directory), O_RDONLY | O_DIRECTORY);
  if (error == 0)
    parent.sync();
  else if (error != EACCES)
    throw_errno(error, parent.path(), "open");
}

void rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (files().rename(from.c_str(), to.c_str()) != 0)
    throw_errno(errno, to, "rename a finished file to");
}

std::vector<std::filesystem::path> list_directory(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> found;
  std::error_code failed;
  for (std::filesystem::directory_iterator at(directory, failed), end; !failed && at != end; at.increment(failed))
    found.push_back(at->path());
  if (failed)
    throw_errno(failed.value(), directory, "list directory");
  return found;
}

bool discard_file(const std::filesystem::path& file) noexcept {
  return files().unlink(file.c_str()) == 0 || errno == ENOENT;
}

// -- whole files ------------------------------------------------------------------------

void write_file_durably(const std::filesystem::path& file, std::span<const std::byte> bytes) {
  const auto temporary = temporary_name(file);
  try {
    open_file written(temporary, O_WRONLY | O_CREAT | O_EXCL);
    written.write_at(0, bytes);
    written.sync();
    rename_file(temporary, file);
  } catch (...) {
    discard_file(temporary);
    throw;
  }
  sync_directory(parent_of(file));
}

std::vector<std::byte> read_file(const std::filesystem::path& file, std::uint64_t bytes_max) {
  const open_file opened(file, O_RDONLY);
  const auto size = opened.size();
  if (size > bytes_max)
    throw storage_error(storage_fault::corrupt, file.string(),
                        fmt::format("{} has {} bytes where at most {} make sense; restore it from a "
                                    "copy",
                                    file.string(), size, bytes_max));
  std::vector<std::byte> bytes(size);
  opened.read_at(0, bytes);
  return bytes;
}

// -- names ------------------------------------------------------------------------------

std::uint64_t random_number() {
  std::uint64_t number = 0;
  while (number == 0)
    if (::getrandom(&number, sizeof number, 0) != static_cast<::ssize_t>(sizeof number))
      number = 0;  // Interrupted before the kernel had any to give.
  return number;
}

std::string hex(std::uint64_t number) { return fmt::format("{:016x}", number); }

namespace {
constexpr std::string_view temporary_mark = ".tmp.";
constexpr std::size_t suffix_digits = 16;
}  // namespace

std::filesystem::path temporary_name(const std::filesystem::path& file) {
  auto name = file;
  name += temporary_mark;
  name += hex(random_number());
  return name;
}

bool is_temporary_name(std::string_view name) {
  if (name.size() <= temporary_mark.size() + suffix_digits)
    return false;
  const auto suffix = name.substr(name.size() - suffix_digits);
  name.remove_suffix(suffix_digits);
  return name.ends_with(temporary_mark) && suffix.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace tabletd
