#pragma once
// The one thread that touches a path: it owns the path's store and runs closures in the
// order they were given.  Whoever gives work bounds it (windows, one call at a time); the
// queue itself has no limit.  Blocking here blocks only this disk.
#include "persistence/tablet_store.h"
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace tabletd {

struct disk_options {
  std::filesystem::path root;
  bool ssd = false;
  tablet_store_options store;
};

/// What the rest of the process may know of a path at any time.
struct disk_status {
  std::uint64_t hash{};
  std::string root;
  bool ssd = false;
  path_usage usage;     ///< As of the last refresh.
  bool online = true;   ///< False after an IO error, until the process is restarted.
  std::string error;    ///< Why not online, or that it is full.
};

class disk_worker {
public:
  /// Opens the store in the new thread; throws the storage_error it threw.
  explicit disk_worker(disk_options options);
  /// Stops.
  ~disk_worker();
  disk_worker(const disk_worker&) = delete;
  disk_worker& operator=(const disk_worker&) = delete;

  /// Runs `work(store)` in the disk's thread, after everything posted before; any thread.
  /// False (and not run) once stopped.  `work` may be move-only, is destroyed in the disk's
  /// thread, and must not throw.
  template <class Work>
  bool post(Work work) {
    return enqueue(std::make_unique<job_of<Work>>(std::move(work)));
  }
  /// The same, and waits until it is done; throws what `work` threw.  Not from a disk's thread.
  template <class Work>
  void run_now(Work work) {
    std::promise<void> done;
    auto outcome = done.get_future();
    post([&](tablet_store& store) {
      try {
        work(store);
        done.set_value();
      } catch (...) {
        done.set_exception(std::current_exception());
      }
    });
    outcome.get();
  }
  /// Runs what was posted, closes the store, joins.  Idempotent; not from the disk's thread.
  void stop();

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] const std::string& root() const { return root_; }
  /// As tablet_store::quota.
  [[nodiscard]] const std::shared_ptr<space_quota>& quota() const { return quota_; }
  [[nodiscard]] disk_status status() const;
  /// Why nothing new may be put here; empty: it may.
  [[nodiscard]] std::string refusal() const;

  // -- disk thread --
  /// An IO error under this root takes the path offline, a full disk is noted; others say
  /// nothing of the path.
  void note(const storage_error& why);
  void refresh(const tablet_store& store);

private:
  struct job {
    virtual ~job() = default;
    virtual void run(tablet_store& store) = 0;
  };
  template <class Work>
  struct job_of final : job {
    explicit job_of(Work&& w) : work(std::move(w)) {}
    void run(tablet_store& store) override { work(store); }
    Work work;
  };
  using jobs = std::deque<std::unique_ptr<job>>;

  bool enqueue(std::unique_ptr<job> next);
  void run(tablet_store& store);

  std::string root_;
  std::uint64_t hash_{};
  std::shared_ptr<space_quota> quota_;
  std::unique_ptr<tablet_store> store_; ///< Disk thread only.
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  jobs queue_;
  bool open_ = true;
  disk_status status_;
  std::thread thread_;
};

} // namespace tabletd
