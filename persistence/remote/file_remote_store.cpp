// See file_remote_store.h.  Every step of a key's path is opened relative to the one before and never
// through a link, so nothing between the check and the use can lead elsewhere.
#include "persistence/remote/file_remote_store.h"

#include "persistence/remote/remote_key.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace tabletd {

namespace {

constexpr const char* temporaries_name = ".tabletd-tmp";
constexpr std::size_t chunk_bytes = 256U << 10;  // Stays in a core's cache between its read and its write.
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

/// Owns a descriptor.
class descriptor {
public:
  descriptor() = default;
  explicit descriptor(int fd) : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }

private:
  int fd_ = -1;
};

struct verdict {
  remote_fault fault;
  const char* next_step;
};

verdict judge(int error) {
  switch (error) {
    case ENOENT:
      return {remote_fault::not_found, "check the key, and that the share is the right one"};
    case EEXIST:
      return {remote_fault::exists_already, "another writer was first: read what it wrote"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {remote_fault::denied, "let the user that runs tabletd write to the share"};
    case ENOSPC:
    case EDQUOT:
      return {remote_fault::full, "free space on the share, or raise its quota"};
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EINVAL:
      return {remote_fault::unusable, "look at what stands in its place: a link, or a directory where a file is meant"};
    default:
      return {remote_fault::network, "check that the share is mounted and its server answers"};
  }
}

}  // namespace

/// Where a key's file is or will be.
struct file_remote_store::placed {
  std::vector<descriptor> parents;  ///< From below the root down.
  int directory = -1;               ///< The last of them, or the root.
  std::string leaf;
};

struct file_remote_store::listing {
  std::string_view prefix;
  std::string_view after;
  std::size_t keys_max;
  object_page page{};
  [[nodiscard]] bool done() const { return !page.next.empty(); }
};

// -- opening ----------------------------------------------------------------------------

file_remote_store::file_remote_store(std::filesystem::path root) : name_("file://" + root.string()) {
  descriptor opened(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 && (errno == ENOENT || errno == ENOTDIR))
    fail_remote(remote_fault::unusable, name_, "open", "the root", std::strerror(errno),
                "mount the share, or make the directory, before tabletd starts");
  if (opened.get() < 0)
    fail(errno, "open", "the root");
  if (::mkdirat(opened.get(), temporaries_name, 0700) != 0 && errno != EEXIST)
    fail(errno, "make the directory of unfinished files", "");
  descriptor temporaries(::openat(opened.get(), temporaries_name, directory_flags));
  if (temporaries.get() < 0)
    fail(errno, "open the directory of unfinished files", "");
  root_ = opened.release();
  temporaries_ = temporaries.release();
}

file_remote_store::~file_remote_store() {
  ::close(temporaries_);
  ::close(root_);
}

void file_remote_store::fail(int error, std::string_view doing, std::string_view key) const {
  const auto [fault, next_step] = judge(error);
  fail_remote(fault, name_, doing, key, std::strerror(error), next_step);
}

file_remote_store::placed file_remote_store::open_parents(std::string_view key, bool make, std::string_view doing) {
  placed at;
  at.directory = root_;
  for (auto slash = key.find('/'), from = std::size_t{0}; slash != std::string_view::npos;
       from = slash + 1, slash = key.find('/', from)) {
    const std::string segment(key.substr(from, slash - from));
    if (make && ::mkdirat(at.directory, segment.c_str(), 0700) != 0 && errno != EEXIST)
      fail(errno, doing, key);
    descriptor opened(::openat(at.directory, segment.c_str(), directory_flags));
    if (opened.get() < 0)
      fail(errno, doing, key);
    at.directory = opened.get();
    at.parents.push_back(std::move(opened));
  }
  at.leaf = key.substr(key.rfind('/') + 1);  // npos + 1 is 0: a key without a slash is its own leaf.
  return at;
}

// -- writing ----------------------------------------------------------------------------

void file_remote_store::put(std::string_view key, const put_source& source, const time_left_fn& time_left) {
  write(key, source, if_there::replace, time_left);
}

void file_remote_store::put_if_absent(std::string_view key, const put_source& source, const time_left_fn& time_left) {
  write(key, source, if_there::refuse, time_left);
}

void file_remote_store::write(std::string_view key, const put_source& source, if_there rule,
                              const time_left_fn& time_left) {
  require_key(key, name_, "put");
  require_time(time_left, name_, "put", key);
  const auto at = open_parents(key, true, "put");
  struct ::stat found {};
  if (rule == if_there::refuse && ::fstatat(at.directory, at.leaf.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0)
    fail(EEXIST, "put", key);  // Before its bytes are copied; give_name is what decides.
  const std::string temporary = hex(random_number()) + hex(random_number());
  const descriptor file(
      ::openat(temporaries_, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.get() < 0)
    fail(errno, "put", key);
  try {
    fill(file.get(), key, source, time_left);
    require_time(time_left, name_, "put", key);
    give_name(temporary, file.get(), at, key, rule);
  } catch (...) {
    ::unlinkat(temporaries_, temporary.c_str(), 0);
    throw;
  }
}

void file_remote_store::fill(int file, std::string_view key, const put_source& source, const time_left_fn& time_left) {
  const auto buffer
      = std::make_unique_for_overwrite<std::byte[]>(std::min<std::uint64_t>(chunk_bytes, source.size_bytes()));
  for (std::uint64_t done = 0; done < source.size_bytes();) {
    require_time(time_left, name_, "put", key);
    const std::span part(buffer.get(), std::min<std::uint64_t>(chunk_bytes, source.size_bytes() - done));
    source.read_at(done, part);
    for (std::size_t written = 0; written < part.size();) {
      const auto some
          = files().pwrite(file, part.data() + written, part.size() - written, static_cast<::off_t>(done + written));
      if (some < 0 && errno == EINTR)
        continue;
      if (some <= 0)
        fail(some < 0 ? errno : EIO, "put", key);
      written += static_cast<std::size_t>(some);
    }
    done += part.size();
  }
  if (files().fsync(file) != 0)
    fail(errno, "put", key);
}

void file_remote_store::give_name(const std::string& temporary, int file, const placed& at, std::string_view key,
                                  if_there rule) {
  if (rule == if_there::replace) {
    if (::renameat(temporaries_, temporary.c_str(), at.directory, at.leaf.c_str()) != 0)
      fail(errno, "put", key);
  } else if (::linkat(temporaries_, temporary.c_str(), at.directory, at.leaf.c_str(), 0) != 0) {
    // A network file system may repeat a link whose answer was lost, and report its own success as EEXIST.
    const int error = errno;
    struct ::stat found {};
    if (error == EPERM || error == EOPNOTSUPP)
      fail_remote(remote_fault::unusable, name_, "put", key, "the file system has no hard links",
                  "use a share that has them, or an S3 store: without them two uploaders could both win");
    if (error != EEXIST || ::fstat(file, &found) != 0 || found.st_nlink != 2)
      fail(error, "put", key);
  }
  // All of them, whoever made them: another writer may have made a directory and not synced it yet.
  for (auto parent = at.parents.rbegin(); parent != at.parents.rend(); ++parent)
    if (files().fsync(parent->get()) != 0)
      fail(errno, "put", key);
  if (files().fsync(root_) != 0)
    fail(errno, "put", key);
  if (rule == if_there::refuse)
    ::unlinkat(temporaries_, temporary.c_str(), 0);
}

void file_remote_store::remove(std::string_view key, const time_left_fn& time_left) {
  require_key(key, name_, "remove");
  require_time(time_left, name_, "remove", key);
  try {
    const auto at = open_parents(key, false, "remove");
    if (::unlinkat(at.directory, at.leaf.c_str(), 0) != 0)
      fail(errno, "remove", key);
    if (files().fsync(at.directory) != 0)
      fail(errno, "remove", key);
  } catch (const remote_error& error) {
    if (error.fault() != remote_fault::not_found)
      throw;
  }
}

// -- reading ----------------------------------------------------------------------------

std::size_t file_remote_store::get(std::string_view key, std::uint64_t offset, std::span<std::byte> into,
                                   const time_left_fn& time_left) {
  require_key(key, name_, "get");
  const auto at = open_parents(key, false, "get");
  // Without waiting, should somebody have put a pipe there.
  const descriptor file(::openat(at.directory, at.leaf.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct ::stat found {};
  if (file.get() < 0 || ::fstat(file.get(), &found) != 0)
    fail(errno, "get", key);
  if (!S_ISREG(found.st_mode))
    fail(S_ISDIR(found.st_mode) ? ENOENT : EINVAL, "get", key);
  std::size_t got = 0;
  while (got < into.size()) {
    require_time(time_left, name_, "get", key);
    const auto some = files().pread(file.get(), into.data() + got, std::min(chunk_bytes, into.size() - got),
                                    static_cast<::off_t>(offset + got));
    if (some < 0 && errno == EINTR)
      continue;
    if (some < 0)
      fail(errno, "get", key);
    if (some == 0)
      break;
    got += static_cast<std::size_t>(some);
  }
  return got;
}

object_entry file_remote_store::head(std::string_view key, const time_left_fn& time_left) {
  require_key(key, name_, "look at");
  require_time(time_left, name_, "look at", key);
  const auto at = open_parents(key, false, "look at");
  struct ::stat found {};
  if (::fstatat(at.directory, at.leaf.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0)
    fail(errno, "look at", key);
  if (!S_ISREG(found.st_mode))
    fail(S_ISDIR(found.st_mode) ? ENOENT : ELOOP, "look at", key);
  return {std::string(key), static_cast<std::uint64_t>(found.st_size)};
}

// -- listing ----------------------------------------------------------------------------

object_page file_remote_store::list(std::string_view prefix, std::string_view after, std::size_t keys_max,
                                    const time_left_fn& time_left) {
  require_listing(prefix, keys_max, name_);
  require_time(time_left, name_, "list", prefix);
  listing so_far{prefix, after, keys_max};
  walk(root_, "", so_far, time_left);
  return std::move(so_far.page);
}

namespace {

/// What is in a directory, a slash behind each directory, sorted: so that the files below come in key order.
/// 0, or the errno: half a directory must not pass for a whole one.
int sorted_names(int directory, std::vector<std::string>& names) {
  descriptor fresh(::openat(directory, ".", directory_flags));
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(fresh.get() < 0 ? nullptr : ::fdopendir(fresh.get()), ::closedir);
  if (!opened)
    return errno;
  fresh.release();  // closedir closes it.
  errno = 0;
  while (const dirent* entry = ::readdir(opened.get())) {
    struct ::stat found {};
    // Vanished meanwhile, a link, or none of ours: it has no key.
    const bool ours
        = !key_fault(entry->d_name) && ::fstatat(directory, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0;
    if (ours && S_ISDIR(found.st_mode))
      names.push_back(std::string(entry->d_name) + "/");
    else if (ours && S_ISREG(found.st_mode))
      names.emplace_back(entry->d_name);
    errno = 0;
  }
  std::ranges::sort(names);
  return errno;
}

/// Whether a key below the directory `path` can belong on the page.
bool worth_a_visit(std::string_view path, std::string_view prefix, std::string_view after) {
  const bool has_prefix = path.starts_with(prefix) || prefix.starts_with(path);
  return has_prefix && (path > after || after.starts_with(path));
}

/// The directory that all keys of the prefix are below, if it is known by name: a tablet's listing must not look at every
/// other tablet's.  Empty: any that is there.
std::string only_directory(std::string_view base, std::string_view prefix) {
  if (!prefix.starts_with(base))
    return {};
  const auto rest = prefix.substr(base.size());
  const auto slash = rest.find('/');
  return slash == std::string_view::npos ? std::string{} : std::string(rest.substr(0, slash + 1));
}

}  // namespace

void file_remote_store::walk(int directory, const std::string& base, listing& so_far, const time_left_fn& time_left) {
  std::vector<std::string> names;
  if (auto only = only_directory(base, so_far.prefix); !only.empty())
    names.push_back(std::move(only));
  else if (const int error = sorted_names(directory, names))
    fail(error, "list", base);
  for (const auto& name : names) {
    if (so_far.done())
      return;
    const std::string path = base + name;
    if (name.ends_with('/')) {
      if (!worth_a_visit(path, so_far.prefix, so_far.after))
        continue;
      require_time(time_left, name_, "list", so_far.prefix);
      const descriptor below(::openat(directory, name.substr(0, name.size() - 1).c_str(), directory_flags));
      // A file or a link in its place has no keys below it.
      if (below.get() < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
        fail(errno, "list", path);
      if (below.get() >= 0)
        walk(below.get(), path, so_far, time_left);
      continue;
    }
    if (!path.starts_with(so_far.prefix) || path <= so_far.after)
      continue;
    if (so_far.page.entries.size() == so_far.keys_max) {
      so_far.page.next = so_far.page.entries.back().key;
      return;
    }
    struct ::stat found {};
    if (::fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0)
      so_far.page.entries.push_back({path, static_cast<std::uint64_t>(found.st_size)});
  }
}

}  // namespace tabletd
