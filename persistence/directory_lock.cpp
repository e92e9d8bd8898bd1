// See directory_lock.h.
#include "persistence/directory_lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <span>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace tabletd {

namespace {

constexpr std::size_t pid_bytes_max = 32;

std::string holder_of(const open_file& file) {
  std::string pid(pid_bytes_max, '\0');
  const auto got = files().pread(file.fd(), pid.data(), pid.size(), 0);
  pid.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  pid.resize(std::min(pid.find('\n'), pid.size()));
  return pid.empty() ? "another process" : "process " + pid;
}

}  // namespace

directory_lock::directory_lock(const std::filesystem::path& directory) : file_(directory / "LOCK", O_RDWR | O_CREAT) {
  int result = 0;
  do {
    result = ::flock(file_.fd(), LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno == EWOULDBLOCK)
    throw storage_error(storage_fault::locked, directory.string(),
                        fmt::format("{} is in use by {}; stop it, or give this node a directory "
                                    "of its own",
                                    directory.string(), holder_of(file_)));
  if (result != 0)
    throw_errno(errno, file_.path(), "lock");
  const auto pid = fmt::format("{}\n", ::getpid());
  file_.truncate(0);
  file_.write_at(0, std::as_bytes(std::span(pid)));
}

void demand_private_directory(const std::filesystem::path& directory) {
  const auto refuse = [&](const std::string& why, const std::string& next_step) {
    throw storage_error(storage_fault::unusable, directory.string(),
                        fmt::format("cannot use {}: {}; {}", directory.string(), why, next_step));
  };
  struct ::stat found {};
  if (::stat(directory.c_str(), &found) != 0)
    throw_errno(errno, directory, "use directory");
  if (!S_ISDIR(found.st_mode))
    refuse("it is not a directory", "name another one");
  const auto me = ::geteuid();
  if (found.st_uid != me && found.st_uid != 0 && me != 0)
    refuse(fmt::format("it belongs to user {}, this is user {}", found.st_uid, me),
           fmt::format("chown -R {} {}", me, directory.string()));
  if (found.st_mode & S_IWOTH)
    refuse("everybody may write to it", fmt::format("chmod o-w {}", directory.string()));
  if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0)
    throw_errno(errno, directory, "write to directory");
}

}  // namespace tabletd
