// Plain POSIX files; see local_file.h.
#include "node/tabletctl/local_file.h"
#include <fmt/format.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace tabletd::ctl {

namespace {

api::ErrorCode code_of(int why) {
  switch (why) {
    case ENOENT:
    case ENOTDIR: return api::ErrorCode::NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return api::ErrorCode::PERMISSION_DENIED;
    case ENOSPC:
    case EDQUOT: return api::ErrorCode::RESOURCE_EXHAUSTED;
    default: return api::ErrorCode::FAILED_PRECONDITION;
  }
}

file_failure failure(std::string_view doing, const std::string& path, int why) {
  return {code_of(why),
          fmt::format("the local file {} could not be {}: {}", path, doing, std::strerror(why))};
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number)
    number = static_cast<std::uint64_t>(::getpid()); // O_EXCL still keeps two exports apart.
  return number;
}

void sync_directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  const auto directory = slash == std::string::npos ? "."
                         : slash == 0               ? "/"
                                                    : path.substr(0, slash);
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int why = errno;
  if (fd >= 0)
    ::close(fd);
  if (!synced)
    throw failure("made durable in its directory", path, why);
}

} // namespace

source_file::source_file(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0)
    throw failure("opened", path_, errno);
  struct stat found {};
  if (::fstat(fd_, &found) == 0 && S_ISDIR(found.st_mode)) {
    ::close(fd_);
    throw failure("loaded", path_, EISDIR);
  }
  if (S_ISREG(found.st_mode)) {
    bytes_total_ = static_cast<std::uint64_t>(found.st_size);
    ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  }
}

source_file::~source_file() { ::close(fd_); }

std::size_t source_file::read(std::span<std::byte> into) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto n = ::read(fd_, into.data() + done, into.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      throw failure("read", path_, errno);
    if (n == 0)
      break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

export_file::export_file(std::string path) : path_(std::move(path)) {
  struct stat found {};
  const bool exists = ::stat(path_.c_str(), &found) == 0;
  if (!exists && errno != ENOENT)
    throw failure("replaced", path_, errno);
  if (exists && S_ISDIR(found.st_mode))
    throw failure("replaced", path_, EISDIR);
  if (exists && !S_ISREG(found.st_mode)) {
    // Renaming onto /dev/null would replace the device for everybody.
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd_ < 0)
      throw failure("opened for writing", path_, errno);
    return;
  }
  if (exists) {
    mode_ = found.st_mode & 07777U;
    if (char* resolved = ::realpath(path_.c_str(), nullptr)) {
      path_ = resolved;
      std::free(resolved);
    }
  }
  open_temporary();
}

void export_file::open_temporary() {
  temporary_ = fmt::format("{}.tmp.{:016x}", path_, random_number());
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0)
    throw failure("created", temporary_, errno);
  if (mode_ != 0 && ::fchmod(fd_, mode_) != 0) {
    const int why = errno;
    ::close(fd_);
    ::unlink(temporary_.c_str());
    throw failure("given the mode of the file it replaces", temporary_, why);
  }
}

export_file::~export_file() {
  if (fd_ < 0)
    return;
  ::close(fd_);
  if (!temporary_.empty())
    ::unlink(temporary_.c_str());
}

void export_file::fail(std::string_view doing, int why) const {
  throw failure(doing, temporary_.empty() ? path_ : temporary_, why);
}

void export_file::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      fail("written", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void export_file::commit() {
  if (!temporary_.empty()) {
    if (::fsync(fd_) != 0)
      fail("made durable", errno);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
      fail("renamed to " + path_, errno);
    temporary_.clear();
    sync_directory_of(path_);
  }
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0)
    fail("closed", errno);
}

} // namespace tabletd::ctl
