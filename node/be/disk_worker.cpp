#include "node/be/disk_worker.h"
#include "node/log.h"
#include <fmt/format.h>
#include <pthread.h>

namespace tabletd {

namespace {

/// What a crash, or somebody, left on the path, for whoever wonders where it went.
void tell_findings(const std::string& root, const path_findings& met) {
  if (met.garbage_files + met.rowsets_damaged + met.prepared_lost + met.foreign.size() == 0)
    return;
  log_warn("a path was not as it should be",
           {{"path", root},
            {"garbage_files_deleted", met.garbage_files},
            {"garbage_bytes", met.garbage_bytes},
            {"rowsets_damaged", met.rowsets_damaged},
            {"prepared_lost", met.prepared_lost},
            {"foreign_files", met.foreign.size()},
            {"foreign_first", met.foreign.empty() ? std::string{} : met.foreign.front().string()}});
}

} // namespace

disk_worker::disk_worker(disk_options options) : root_(options.root.string()) {
  status_.root = root_;
  status_.ssd = options.ssd;
  std::promise<void> opened;
  auto outcome = opened.get_future();
  thread_ = std::thread([this, options = std::move(options), opened = std::move(opened)]() mutable {
    pthread_setname_np(pthread_self(), "disk");
    try {
      store_ = tablet_store::open(options.root, options.store);
      root_ = status_.root = store_->root().string(); // Canonical, as errors name it.
      hash_ = status_.hash = store_->path_hash();
      quota_ = store_->quota();
      status_.usage = store_->usage();
      tell_findings(root_, store_->findings());
    } catch (...) {
      opened.set_exception(std::current_exception());
      return;
    }
    opened.set_value();
    run(*store_);
    store_.reset(); // Here, so that every file and database is closed by who opened it.
  });
  try {
    outcome.get();
  } catch (...) {
    thread_.join();
    throw;
  }
}

disk_worker::~disk_worker() { stop(); }

bool disk_worker::enqueue(std::unique_ptr<job> next) {
  {
    const std::lock_guard lock{mutex_};
    if (!open_)
      return false;
    queue_.push_back(std::move(next));
    if (queue_.size() > 1)
      return true; // It is awake, or about to be.
  }
  wake_.notify_one();
  return true;
}

void disk_worker::run(tablet_store& store) {
  for (;;) {
    jobs taken;
    {
      std::unique_lock lock{mutex_};
      wake_.wait(lock, [this] { return !queue_.empty() || !open_; });
      if (queue_.empty())
        return;
      taken.swap(queue_);
    }
    for (auto& next : taken) {
      next->run(store);
      next.reset();
    }
  }
}

void disk_worker::stop() {
  {
    const std::lock_guard lock{mutex_};
    open_ = false;
  }
  wake_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

disk_status disk_worker::status() const {
  const std::lock_guard lock{mutex_};
  return status_;
}

std::string disk_worker::refusal() const {
  const std::lock_guard lock{mutex_};
  return status_.online ? std::string{} : status_.error;
}

void disk_worker::note(const storage_error& why) {
  if (!why.path().empty() && !why.path().starts_with(root_))
    return; // Another file system's trouble, met in this thread.
  const std::lock_guard lock{mutex_};
  if (why.fault() == storage_fault::io && status_.online) {
    status_.online = false;
    status_.error = fmt::format("path {} is offline: {}; mend or replace the disk and restart",
                                root_, why.what());
  } else if (why.fault() == storage_fault::disk_full && status_.online) {
    status_.error = why.what();
  }
}

void disk_worker::refresh(const tablet_store& store) {
  const auto usage = store.usage();
  const std::lock_guard lock{mutex_};
  status_.usage = usage;
  // A disk that has room again is full no longer.
  if (status_.online && usage.available_bytes > block_bytes_max)
    status_.error.clear();
}

} // namespace tabletd
