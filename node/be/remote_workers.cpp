#include "node/be/remote_workers.h"

#include <utility>

namespace tabletd {

remote_workers::remote_workers(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i)
    threads_.emplace_back([this] { run(); });
}

remote_workers::~remote_workers() { stop(); }

bool remote_workers::post(std::function<void()> work) {
  {
    const std::lock_guard guard{mutex_};
    if (stopping_)
      return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

bool remote_workers::post_first(std::function<void()> work) {
  {
    const std::lock_guard guard{mutex_};
    if (stopping_)
      return false;
    queue_.push_front(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void remote_workers::stop() {
  std::deque<std::function<void()>> dropped;  // Destroyed without the lock: it may hold anything.
  {
    const std::lock_guard guard{mutex_};
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  for (auto& thread : threads_)
    if (thread.joinable())
      thread.join();
}

void remote_workers::run() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock guard{mutex_};
      wake_.wait(guard, [this] { return stopping_ || !queue_.empty(); });
      if (stopping_)
        return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace tabletd
