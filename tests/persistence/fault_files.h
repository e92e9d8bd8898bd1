#pragma once
// Real files under one directory, on a disk that can refuse a call or lose its power: the
// counterpart of crash_vfs.h for everything that is not SQLite.
//
// fsync does nothing but take note.  A power cut then damages what no fsync covered: bytes
// written since (cut short or overwritten with noise) and names changed since, each on its
// own, which is all that POSIX promises.
#include "persistence/durable_file.h"
#include "tests/persistence/crash_vfs.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace tabletd::test {

/// Takes over files() while it lives.  Paths outside `root` are not touched.
class fault_files {
public:
  /// `disk` (may be null) shares the power supply.
  fault_files(std::filesystem::path root, std::uint64_t seed, crash_disk* disk = nullptr)
      : rng(seed), root_(std::move(root)), grave_(root_.string() + ".grave"), disk_(disk) {
    std::filesystem::create_directories(grave_);
    current() = this;
    files() = calls();
  }
  fault_files(const fault_files&) = delete;
  fault_files& operator=(const fault_files&) = delete;
  ~fault_files() {
    files() = system_file_ops;
    current() = nullptr;
    std::error_code ignored;
    std::filesystem::remove_all(grave_, ignored);
  }

  // -- knobs, counted in calls --
  std::int64_t cut_at = -1;   ///< Power fails at this call; a write in flight may land.
  std::int64_t fail_at = -1;  ///< This call fails with fail_errno.
  int fail_errno = EIO;
  const char* fail_only = nullptr;  ///< Count and fail only calls of this name.

  std::mt19937_64 rng;
  [[nodiscard]] std::int64_t calls_made() const { return calls_; }
  [[nodiscard]] std::int64_t fsyncs() const { return fsyncs_; }
  [[nodiscard]] bool dead() const { return dead_ || (disk_ && disk_->dead()); }

  /// The process starts again, the kernel never stopped.
  void restart_process() { revive(); }
  /// The machine is back: each thing that no fsync covered survived with chance `keep`.
  void restore_power(double keep) {
    std::bernoulli_distribution kept(keep);
    for (auto& [inode, file] : written_)
      if (file->dirty_from && !kept(rng))
        lose_bytes(*file);
    written_.clear();
    for (auto last = pending_.rbegin(); last != pending_.rend(); ++last)
      if (!kept(rng))
        undo(*last);
    pending_.clear();
    by_fd_.clear();
    revive();
  }

private:
  struct file_state {
    int fd = -1;  ///< Our own, so that the inode number stays taken.
    std::optional<::off_t> dirty_from;
    ~file_state() {
      if (fd >= 0)
        ::close(fd);
    }
  };
  struct handle {
    std::filesystem::path directory;  ///< Set if it is one.
    std::shared_ptr<file_state> file;
  };
  enum class change_kind { created, renamed, unlinked, made, removed };
  struct change {
    change_kind kind;
    std::filesystem::path name;
    std::filesystem::path from;   ///< renamed: the old name.
    std::filesystem::path saved;  ///< In the grave: what `name` was before, if anything.
  };

  static fault_files*& current() {
    static fault_files* one = nullptr;
    return one;
  }
  bool is_ours(const std::filesystem::path& path) const {
    const auto& text = path.native();
    return text == root_.native() || text.starts_with(root_.native() + "/");
  }
  handle* find(int fd) {
    const auto at = by_fd_.find(fd);
    return at == by_fd_.end() ? nullptr : &at->second;
  }

  /// Counts a call; true: it must fail, errno is set.
  bool gate(const char* name) {
    if (dead())
      return errno = EIO, true;
    if (fail_only && std::string_view(name) != fail_only)
      return false;
    ++calls_;
    if (calls_ == cut_at) {
      dead_ = true;
      if (disk_)
        disk_->stop();
      return errno = EIO, true;
    }
    return calls_ == fail_at ? (errno = fail_errno, true) : false;
  }
  void revive() {
    dead_ = false;
    cut_at = fail_at = -1;
    calls_ = 0;
  }

  // -- the calls --
  int open(const char* path, int flags, ::mode_t mode) {
    if (gate("open"))
      return -1;
    const bool was_there = ::access(path, F_OK) == 0;
    const int fd = ::open(path, flags, mode);
    if (fd < 0)
      return fd;
    handle opened;
    if (flags & O_DIRECTORY) {
      opened.directory = path;
    } else if ((flags & O_ACCMODE) != O_RDONLY) {
      struct ::stat found {};
      ::fstat(fd, &found);
      auto& file = written_[found.st_ino];
      if (!file) {
        file = std::make_shared<file_state>();
        file->fd = ::open(path, O_RDWR | O_CLOEXEC);  // Not a dup, which would share locks.
      }
      opened.file = file;
      if (!was_there)
        pending_.push_back({change_kind::created, path, {}, {}});
    }
    by_fd_[fd] = std::move(opened);
    return fd;
  }
  ::ssize_t pwrite(int fd, const void* from, std::size_t size, ::off_t offset) {
    auto* opened = find(fd);
    if (!opened)
      return ::pwrite(fd, from, size, offset);
    const bool alive = !dead();
    const bool fails = gate("pwrite");
    const int error = errno;
    auto& dirty = opened->file->dirty_from;
    if (!fails || (alive && dead()))  // In flight when the power went: it may land.
      dirty = std::min(dirty.value_or(offset), offset);
    if (!fails)
      return ::pwrite(fd, from, size, offset);
    if (alive && rng() % 2)
      static_cast<void>(::pwrite(fd, from, rng() % (size + 1), offset));
    return errno = error, -1;
  }
  int ftruncate(int fd, ::off_t size) {
    auto* opened = find(fd);
    if (!opened)
      return ::ftruncate(fd, size);
    if (gate("ftruncate"))
      return -1;
    opened->file->dirty_from = std::min(opened->file->dirty_from.value_or(size), size);
    return ::ftruncate(fd, size);
  }
  int fsync(int fd) {
    auto* opened = find(fd);
    if (!opened)
      return ::fsync(fd);
    if (gate("fsync"))
      return -1;
    ++fsyncs_;
    if (opened->file)
      opened->file->dirty_from.reset();
    else
      settle(opened->directory);
    return 0;
  }
  int rename(const char* from, const char* to) {
    if (!is_ours(to))
      return ::rename(from, to);
    if (gate("rename"))
      return -1;
    change made{change_kind::renamed, to, from, bury(to)};
    if (::rename(from, to) != 0)
      return -1;
    pending_.push_back(std::move(made));
    return 0;
  }
  int unlink(const char* path) {
    if (!is_ours(path))
      return ::unlink(path);
    if (gate("unlink"))
      return -1;
    change made{change_kind::unlinked, path, {}, bury(path)};
    if (::unlink(path) != 0)
      return -1;
    pending_.push_back(std::move(made));
    return 0;
  }
  int mkdir(const char* path, ::mode_t mode) {
    if (!is_ours(path))
      return ::mkdir(path, mode);
    if (gate("mkdir") || ::mkdir(path, mode) != 0)
      return -1;
    pending_.push_back({change_kind::made, path, {}, {}});
    return 0;
  }
  int rmdir(const char* path) {
    if (!is_ours(path))
      return ::rmdir(path);
    if (gate("rmdir") || ::rmdir(path) != 0)
      return -1;
    pending_.push_back({change_kind::removed, path, {}, {}});
    return 0;
  }

  // -- power --
  /// A second name in the grave for what `path` is now; empty if it is nothing.
  std::filesystem::path bury(const std::filesystem::path& path) {
    auto saved = grave_ / std::to_string(buried_++);
    return ::link(path.c_str(), saved.c_str()) == 0 ? saved : std::filesystem::path{};
  }
  /// `directory` was synced: its own names are durable.  Of a rename out of it or into it,
  /// only that side is.
  void settle(const std::filesystem::path& directory) {
    std::vector<change> left;
    for (auto& one : pending_) {
      const bool name_settled = one.name.parent_path() == directory;
      if (one.kind != change_kind::renamed) {
        if (!name_settled)
          left.push_back(std::move(one));
        continue;
      }
      const bool from_settled = one.from.parent_path() == directory;
      if (name_settled && !from_settled) {
        left.push_back({change_kind::unlinked, one.from, {}, bury(one.name)});
      } else if (!name_settled) {
        left.push_back(std::move(one));
      }
    }
    pending_ = std::move(left);
  }
  void lose_bytes(file_state& file) {
    struct ::stat found {};
    ::fstat(file.fd, &found);
    const auto from = *file.dirty_from;
    const auto doubtful = found.st_size - from;
    if (doubtful <= 0)
      return;
    const auto at = from + static_cast<::off_t>(rng() % static_cast<std::uint64_t>(doubtful));
    if (rng() % 2) {
      static_cast<void>(::ftruncate(file.fd, at));
      return;
    }
    const std::string noise(static_cast<std::size_t>(found.st_size - at), '\0');
    static_cast<void>(::pwrite(file.fd, noise.data(), noise.size(), at));
  }
  static void undo(const change& what) {
    std::error_code ignored;
    switch (what.kind) {
      case change_kind::created:
        ::unlink(what.name.c_str());
        break;
      case change_kind::made:
        std::filesystem::remove_all(what.name, ignored);
        break;
      case change_kind::renamed:
        if (std::filesystem::exists(what.from, ignored))
          break;
        ::rename(what.name.c_str(), what.from.c_str());
        [[fallthrough]];
      case change_kind::unlinked:
        if (!what.saved.empty())
          static_cast<void>(::link(what.saved.c_str(), what.name.c_str()));
        break;
      case change_kind::removed:
        ::mkdir(what.name.c_str(), 0700);
        break;
    }
  }

  static file_ops calls() {
    return {
        .open =
            [](const char* path, int flags, ::mode_t mode) {
              return current()->is_ours(path) ? current()->open(path, flags, mode)
                                              : current()->open_elsewhere(path, flags, mode);
            },
        .pread =
            [](int fd, void* into, std::size_t size, ::off_t offset) {
              return current()->find(fd) && current()->gate("pread") ? ::ssize_t{-1} : ::pread(fd, into, size, offset);
            },
        .pwrite = [](int fd, const void* from, std::size_t size,
                     ::off_t offset) { return current()->pwrite(fd, from, size, offset); },
        .ftruncate = [](int fd, ::off_t size) { return current()->ftruncate(fd, size); },
        .fsync = [](int fd) { return current()->fsync(fd); },
        .sync_file_range = [](int fd, ::off_t, ::off_t,
                              unsigned) { return current()->find(fd) && current()->gate("sync_file_range") ? -1 : 0; },
        .fstat
        = [](int fd,
             struct ::stat* into) { return current()->find(fd) && current()->gate("fstat") ? -1 : ::fstat(fd, into); },
        .rename = [](const char* from, const char* to) { return current()->rename(from, to); },
        .unlink = [](const char* path) { return current()->unlink(path); },
        .mkdir = [](const char* path, ::mode_t mode) { return current()->mkdir(path, mode); },
        .rmdir = [](const char* path) { return current()->rmdir(path); },
    };
  }
  int open_elsewhere(const char* path, int flags, ::mode_t mode) {
    const int fd = ::open(path, flags, mode);
    by_fd_.erase(fd);  // The number may have been one of ours.
    return fd;
  }

  std::filesystem::path root_, grave_;
  crash_disk* disk_;
  std::map<int, handle> by_fd_;
  std::map<::ino_t, std::shared_ptr<file_state>> written_;
  std::vector<change> pending_;
  std::int64_t calls_ = 0;
  std::int64_t fsyncs_ = 0;
  int buried_ = 0;
  bool dead_ = false;
};

}  // namespace tabletd::test
