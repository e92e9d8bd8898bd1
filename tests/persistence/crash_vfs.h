#pragma once
// A SQLite VFS whose disk can lose power: only xSync makes bytes durable.
//
// A file is {volatile image, durable image, writes since the last sync}; the directory is
// {volatile names, durable names}.  Everything random comes from the seed.  One connection
// per file and one thread: locks always succeed.
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace tabletd::test {

/// What one fsync does to names that changed before it.
enum class directory_model {
  ordered,  ///< All earlier name changes become durable (ext4, xfs, btrfs).
  strict,   ///< Only the synced file's own entry does (what POSIX promises).
};

/// What a power cut does to bytes and names that were not synced.
struct power_cut {
  double keep = 0.5;     ///< Chance of each unsynced sector, truncation or name change to survive.
  bool torn = true;      ///< A surviving sector may end early.
  bool garbage = false;  ///< A surviving sector may hold noise.
};

/// One disk, registered with SQLite under vfs() as long as it lives.
class crash_disk {
public:
  explicit crash_disk(std::uint64_t seed) : rng(seed), name_("crash-" + std::to_string(next_name())) {
    vfs_.iVersion = 1;
    vfs_.szOsFile = sizeof(open_file);
    vfs_.mxPathname = 255;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = x_open;
    vfs_.xDelete = x_delete;
    vfs_.xAccess = x_access;
    vfs_.xFullPathname = x_full_pathname;
    vfs_.xRandomness = x_randomness;
    vfs_.xSleep = [](sqlite3_vfs*, int us) { return us; };
    vfs_.xCurrentTime = [](sqlite3_vfs*, double* day) { return *day = 2460000.5, SQLITE_OK; };
    sqlite3_vfs_register(&vfs_, 0);
  }
  crash_disk(const crash_disk&) = delete;
  crash_disk& operator=(const crash_disk&) = delete;
  /// Every connection must be closed by now.
  ~crash_disk() { sqlite3_vfs_unregister(&vfs_); }

  [[nodiscard]] const std::string& vfs() const { return name_; }

  // -- knobs, all of them counted in operations (open, delete, read, write, truncate, sync) --
  directory_model directories = directory_model::ordered;
  std::int64_t cut_at = -1;   ///< Power fails at this operation; a write in flight may land.
  std::int64_t fail_at = -1;  ///< This one operation fails with fail_code.
  int fail_code = SQLITE_IOERR;
  bool failed_sync_forgets = false;  ///< After a failed fsync the kernel calls its pages clean.
  bool sync_lies = false;
  std::int64_t quota_bytes = -1;  ///< No file may grow beyond it: SQLITE_FULL.

  [[nodiscard]] std::int64_t operations() const { return operations_; }
  [[nodiscard]] std::int64_t syncs() const { return syncs_; }
  [[nodiscard]] bool dead() const { return dead_; }
  [[nodiscard]] bool exists(const std::string& name) const { return names_.contains(name); }
  std::mt19937_64 rng;

  /// From here on every operation fails: the process is gone, or the power is.
  void stop() { dead_ = true; }
  /// The process is started again on a kernel that never stopped: all writes are still there.
  void restart_process() {
    for (auto& [name, file] : names_)
      file->shared.clear();
    revive();
  }
  /// The machine lost its power and is back.
  void restore_power(const power_cut& cut) {
    std::bernoulli_distribution keep(cut.keep);
    std::map<std::string, file_ptr> after = durable_names_;
    for (const auto& name : changed_names())
      if (keep(rng)) {
        if (auto now = names_.find(name); now != names_.end())
          after[name] = now->second;
        else
          after.erase(name);
      }
    for (auto& [name, file] : after)
      lose_unsynced(*file, cut, keep);
    names_ = durable_names_ = std::move(after);
    revive();
  }
  /// Files opened from here on have no WAL index.
  void without_shared_memory() { shared_memory_ = false; }
  /// Flips one byte of a file, durably: what a bad disk does.
  void damage(const std::string& name, std::size_t offset) {
    auto& file = *names_.at(name);
    file.seen.at(offset) ^= 0x5a;
    file.durable = file.seen;
  }

private:
  using bytes = std::vector<std::uint8_t>;
  struct write {
    std::size_t offset{};
    bytes data;
    bool truncates = false;
  };
  struct file_image {
    bytes seen;     ///< What a reader gets now.
    bytes durable;  ///< What a power cut leaves at the very least.
    std::vector<write> unsynced;
    std::vector<bytes> shared;  ///< The WAL index.
  };
  using file_ptr = std::shared_ptr<file_image>;
  struct open_file {  // SQLite allocates it: `base` first, and no constructor runs.
    sqlite3_file base;
    crash_disk* disk;
    file_ptr* file;
    bool delete_on_close;
    char name[256];
  };
  static constexpr std::size_t sector = 512;

  static int next_name() {
    static int count = 0;
    return count++;
  }
  static open_file& handle(sqlite3_file* file) { return *reinterpret_cast<open_file*>(file); }
  static file_image& image(sqlite3_file* file) { return **handle(file).file; }
  static crash_disk& disk_of(sqlite3_file* file) { return *handle(file).disk; }
  static crash_disk& disk_of(sqlite3_vfs* vfs) { return *static_cast<crash_disk*>(vfs->pAppData); }

  static void apply(bytes& to, const write& what) {
    if (what.truncates) {
      to.resize(what.offset);
      return;
    }
    to.resize(std::max(to.size(), what.offset + what.data.size()));
    std::copy(what.data.begin(), what.data.end(), to.begin() + static_cast<std::ptrdiff_t>(what.offset));
  }

  /// Counts an operation; not SQLITE_OK if it must fail.
  int gate() {
    ++operations_;
    if (dead_)
      return SQLITE_IOERR;
    if (cut_at >= 0 && operations_ >= cut_at) {
      dead_ = true;
      return SQLITE_IOERR;
    }
    return operations_ == fail_at ? fail_code : SQLITE_OK;
  }
  /// A plain I/O error gets the operation's own extended code.
  static int as(int code, int extended) { return code == SQLITE_IOERR ? extended : code; }

  void revive() {
    dead_ = false;
    cut_at = fail_at = -1;
    operations_ = 0;
  }
  std::vector<std::string> changed_names() const {
    std::vector<std::string> changed;
    for (const auto& [name, file] : names_)
      if (auto was = durable_names_.find(name); was == durable_names_.end() || was->second != file)
        changed.push_back(name);
    for (const auto& [name, file] : durable_names_)
      if (!names_.contains(name))
        changed.push_back(name);
    return changed;
  }
  void lose_unsynced(file_image& file, const power_cut& cut, std::bernoulli_distribution& keep) {
    for (const auto& pending : file.unsynced) {
      if (pending.truncates) {
        if (keep(rng))
          apply(file.durable, pending);
        continue;
      }
      for (std::size_t at = 0; at < pending.data.size();) {
        const auto length = std::min(sector - (pending.offset + at) % sector, pending.data.size() - at);
        if (keep(rng))
          apply(file.durable, surviving_sector(pending, at, length, cut));
        at += length;
      }
    }
    file.unsynced.clear();
    file.shared.clear();
    file.seen = file.durable;
  }
  write surviving_sector(const write& from, std::size_t at, std::size_t length, const power_cut& cut) {
    const auto begin = from.data.begin() + static_cast<std::ptrdiff_t>(at);
    write piece{from.offset + at, {begin, begin + static_cast<std::ptrdiff_t>(length)}};
    if (cut.torn && rng() % 8 == 0)
      piece.data.resize(1 + rng() % length);
    if (cut.garbage && rng() % 64 == 0)
      for (auto& byte : piece.data)
        byte = static_cast<std::uint8_t>(rng());
    return piece;
  }

  // -- file methods --
  static int x_close(sqlite3_file* file) {
    auto& open = handle(file);
    if (open.delete_on_close && !open.disk->dead_)
      open.disk->names_.erase(open.name);
    delete open.file;
    return SQLITE_OK;
  }
  static int x_read(sqlite3_file* file, void* into, int amount, sqlite3_int64 from) {
    if (const int code = disk_of(file).gate())
      return as(code, SQLITE_IOERR_READ);
    const auto& seen = image(file).seen;
    const auto wanted = static_cast<std::size_t>(amount);
    const auto offset = std::min(static_cast<std::size_t>(from), seen.size());
    const auto there = std::min(wanted, seen.size() - offset);
    std::copy_n(seen.begin() + static_cast<std::ptrdiff_t>(offset), there, static_cast<std::uint8_t*>(into));
    std::memset(static_cast<std::uint8_t*>(into) + there, 0, wanted - there);
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }
  static int x_write(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
    auto& disk = disk_of(file);
    const bool alive = !disk.dead_;
    const int code = disk.gate();
    const auto* data = static_cast<const std::uint8_t*>(from);
    write what{static_cast<std::size_t>(offset), {data, data + amount}};
    if (code) {
      if (alive && disk.dead_)  // In flight when the power went: it may land.
        image(file).unsynced.push_back(std::move(what));
      return as(code, SQLITE_IOERR_WRITE);
    }
    if (disk.quota_bytes >= 0 && offset + amount > disk.quota_bytes)
      return SQLITE_FULL;
    apply(image(file).seen, what);
    image(file).unsynced.push_back(std::move(what));
    return SQLITE_OK;
  }
  static int x_truncate(sqlite3_file* file, sqlite3_int64 size) {
    if (const int code = disk_of(file).gate())
      return as(code, SQLITE_IOERR_TRUNCATE);
    write what{static_cast<std::size_t>(size), {}, true};
    apply(image(file).seen, what);
    image(file).unsynced.push_back(std::move(what));
    return SQLITE_OK;
  }
  static int x_sync(sqlite3_file* file, int) {
    auto& disk = disk_of(file);
    auto& synced = image(file);
    if (const int code = disk.gate()) {
      if (disk.failed_sync_forgets && !disk.dead_)
        synced.unsynced.clear();  // Still seen, no longer dirty, never written.
      return as(code, SQLITE_IOERR_FSYNC);
    }
    ++disk.syncs_;
    if (disk.sync_lies)
      return SQLITE_OK;
    if (!disk.failed_sync_forgets) {
      synced.durable = synced.seen;
    } else {
      for (const auto& dirty : synced.unsynced)
        apply(synced.durable, dirty);
    }
    synced.unsynced.clear();
    if (disk.directories == directory_model::ordered)
      disk.durable_names_ = disk.names_;
    else
      disk.durable_names_[handle(file).name] = *handle(file).file;
    return SQLITE_OK;
  }
  static int x_file_size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(image(file).seen.size());
    return SQLITE_OK;
  }
  static int x_shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
    auto& shared = image(file).shared;
    const auto index = static_cast<std::size_t>(region);
    if (shared.size() <= index) {
      if (!extend)
        return *out = nullptr, SQLITE_OK;
      shared.resize(index + 1);
    }
    shared[index].resize(std::max(shared[index].size(), static_cast<std::size_t>(size)));
    *out = shared[index].data();
    return SQLITE_OK;
  }
  static int x_shm_unmap(sqlite3_file* file, int) { return image(file).shared.clear(), SQLITE_OK; }

  template <int Version>  // 2: with shared memory, which WAL needs.
  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods table = [] {
      sqlite3_io_methods m{};
      m.iVersion = Version;
      m.xClose = x_close;
      m.xRead = x_read;
      m.xWrite = x_write;
      m.xTruncate = x_truncate;
      m.xSync = x_sync;
      m.xFileSize = x_file_size;
      m.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
      m.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
      m.xCheckReservedLock = [](sqlite3_file*, int* held) { return *held = 0, SQLITE_OK; };
      m.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
      m.xSectorSize = [](sqlite3_file*) { return static_cast<int>(sector); };
      m.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };  // Promises nothing.
      m.xShmMap = x_shm_map;
      m.xShmLock = [](sqlite3_file*, int, int, int) { return SQLITE_OK; };
      m.xShmBarrier = [](sqlite3_file*) {};
      m.xShmUnmap = x_shm_unmap;
      return m;
    }();
    return &table;
  }

  // -- VFS methods --
  static int x_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    auto& disk = disk_of(vfs);
    auto& open = handle(file);
    open.base.pMethods = nullptr;
    const std::string name = path ? path : "temporary-" + std::to_string(disk.temporaries_++);
    if (const int code = disk.gate())
      return as(code, SQLITE_CANTOPEN);
    auto found = disk.names_.find(name);
    if (found == disk.names_.end()) {
      if (!(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
      found = disk.names_.emplace(name, std::make_shared<file_image>()).first;
    }
    open.disk = &disk;
    open.file = new file_ptr(found->second);
    open.delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    std::snprintf(open.name, sizeof open.name, "%s", name.c_str());
    open.base.pMethods = disk.shared_memory_ ? methods<2>() : methods<1>();
    if (out_flags)
      *out_flags = flags;
    return SQLITE_OK;
  }
  static int x_delete(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    auto& disk = disk_of(vfs);
    if (const int code = disk.gate())
      return as(code, SQLITE_IOERR_DELETE);
    if (disk.names_.erase(path) == 0)
      return SQLITE_IOERR_DELETE_NOENT;
    if (sync_directory)
      disk.durable_names_.erase(path);
    return SQLITE_OK;
  }
  static int x_access(sqlite3_vfs* vfs, const char* path, int, int* there) {
    return *there = disk_of(vfs).names_.contains(path), SQLITE_OK;
  }
  static int x_full_pathname(sqlite3_vfs*, const char* path, int size, char* out) {
    return std::snprintf(out, static_cast<std::size_t>(size), "%s", path), SQLITE_OK;
  }
  static int x_randomness(sqlite3_vfs* vfs, int size, char* out) {
    for (int i = 0; i < size; ++i)
      out[i] = static_cast<char>(disk_of(vfs).rng());
    return size;
  }

  std::map<std::string, file_ptr> names_, durable_names_;
  std::int64_t operations_ = 0;
  std::int64_t syncs_ = 0;
  int temporaries_ = 0;
  bool dead_ = false;
  bool shared_memory_ = true;
  std::string name_;
  sqlite3_vfs vfs_{};
};

}  // namespace tabletd::test
