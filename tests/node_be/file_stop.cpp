#include "tests/node_be/file_stop.h"
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace tabletd::test {

namespace {

file_stop* current = nullptr;

std::string name_of(int fd) {
  char name[4096] = {};
  const auto length = ::readlink(("/proc/self/fd/" + std::to_string(fd)).c_str(), name, sizeof name - 1);
  return length > 0 ? std::string(name, static_cast<std::size_t>(length)) : std::string{};
}

} // namespace

struct file_stop::hooks {
  /// Whether the call may be made; else errno is set.
  static bool may(const char* call, const std::string& path) {
    const int error = current->meet(call, path);
    if (error)
      errno = error;
    return error == 0;
  }
  static file_ops table() {
    auto ops = system_file_ops;
    ops.open = [](const char* path, int flags, ::mode_t mode) {
      return (flags & O_CREAT) && !may("open", path) ? -1 : system_file_ops.open(path, flags, mode);
    };
    ops.pread = [](int fd, void* into, std::size_t size, ::off_t at) {
      return may("pread", name_of(fd)) ? system_file_ops.pread(fd, into, size, at) : ::ssize_t{-1};
    };
    ops.pwrite = [](int fd, const void* from, std::size_t size, ::off_t at) {
      return may("pwrite", name_of(fd)) ? system_file_ops.pwrite(fd, from, size, at) : ::ssize_t{-1};
    };
    ops.fsync = [](int fd) { return may("fsync", name_of(fd)) ? system_file_ops.fsync(fd) : -1; };
    ops.rename = [](const char* from, const char* to) {
      return may("rename", to) ? system_file_ops.rename(from, to) : -1;
    };
    ops.unlink = [](const char* path) { return may("unlink", path) ? system_file_ops.unlink(path) : -1; };
    ops.mkdir = [](const char* path, ::mode_t mode) {
      return may("mkdir", path) ? system_file_ops.mkdir(path, mode) : -1;
    };
    ops.rmdir = [](const char* path) { return may("rmdir", path) ? system_file_ops.rmdir(path) : -1; };
    return ops;
  }
};

file_stop::file_stop() {
  current = this;
  files() = hooks::table();
}

file_stop::~file_stop() {
  clear();
  files() = system_file_ops;
  current = nullptr;
}

file_stop::point_ptr file_stop::stop_at(std::string call, std::string where, int nth) {
  return fail_at(std::move(call), std::move(where), nth, 0);
}

file_stop::point_ptr file_stop::fail_at(std::string call, std::string where, int nth, int error) {
  auto made = std::make_shared<point>();
  made->call = std::move(call);
  made->where = std::move(where);
  made->left = nth;
  made->error = error;
  const std::lock_guard lock{mutex_};
  points_.push_back(made);
  return made;
}

std::string file_stop::wait_until_stopped(const point_ptr& at) {
  std::unique_lock lock{mutex_};
  changed_.wait(lock, [&] { return at->stopped; });
  return at->before;
}

void file_stop::release(const point_ptr& at, bool again) {
  {
    const std::lock_guard lock{mutex_};
    at->stopped = false;
    at->armed = again;
    at->left = 1;
  }
  changed_.notify_all();
}

void file_stop::clear() {
  {
    const std::lock_guard lock{mutex_};
    for (const auto& at : points_)
      at->stopped = at->armed = false;
    points_.clear();
  }
  changed_.notify_all();
}

int file_stop::meet(const char* call, const std::string& path) {
  const bool is_read = std::string_view{call} == "pread";
  std::unique_lock lock{mutex_};
  for (const auto& at : std::vector{points_}) {
    if (!at->armed || path.find(at->where) == std::string::npos || (at->call.empty() ? is_read : at->call != call))
      continue;
    if (at->left > 1) {
      --at->left;
      continue;
    }
    if (at->error)
      return at->error;
    at->armed = false;
    at->stopped = true;
    at->before = std::string{call} + " " + path;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !at->stopped; });
  }
  return 0;
}

} // namespace tabletd::test
