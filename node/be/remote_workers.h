#pragma once
// The threads that talk to remote stores, where blocking is what they are for.  Not a disk's thread: a store that is slow
// must not hold up the disks.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tabletd {

class remote_workers {
public:
  explicit remote_workers(std::size_t threads);
  /// Stops.
  ~remote_workers();
  remote_workers(const remote_workers&) = delete;
  remote_workers& operator=(const remote_workers&) = delete;

  /// Runs `work` in one of the threads, in no order; any thread.  False, and not run, once stopped.  Must not throw.
  bool post(std::function<void()> work);
  /// The same, before all that waits.
  bool post_first(std::function<void()> work);
  /// What runs is to end early (is_stopping), what waits is dropped.  Idempotent; not from one of the threads.
  void stop();
  [[nodiscard]] bool is_stopping() const { return stopping_; }

private:
  void run();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace tabletd
