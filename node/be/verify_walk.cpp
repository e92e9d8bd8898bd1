#include "node/be/verify_walk.h"

namespace tabletd {

namespace {

// A few milliseconds of disk time between two looks at the queue.
constexpr std::size_t step_bytes = 8U << 20;

} // namespace

void verify_walk::start(std::shared_ptr<path_set> paths, disk_worker& disk, tablet_store& store,
                        std::uint64_t tablet, done_fn done) {
  const std::shared_ptr<verify_walk> walk{
    new verify_walk(std::move(paths), disk, tablet, std::move(done))};
  try {
    walk->open(store);
  } catch (const storage_error& why) {
    if (why.fault() != storage_fault::corrupt)
      throw;
    walk->paths_->corrupt(disk, store, tablet);
    return walk->finish(store);
  }
  go_on(walk, store);
}

void verify_walk::open(tablet_store& store) {
  for (const auto& rowset : store.rowsets(tablet_))
    readers_.push_back(store.open_rowset(rowset));
}

void verify_walk::go_on(std::shared_ptr<verify_walk> walk, tablet_store& store) {
  try {
    if (walk->read_some())
      return walk->finish(store);
  } catch (const storage_error& why) {
    walk->disk_.note(why);
    walk->paths_->corrupt(walk->disk_, store, walk->tablet_);
    return walk->finish(store);
  }
  const bool going_on = !walk->paths_->stopping()
                        && walk->disk_.post([walk](tablet_store& later) { go_on(walk, later); });
  if (!going_on)
    walk->done_(model::task_failed{model::task_failure::cancelled, "this backend is shutting down"});
}

bool verify_walk::read_some() {
  for (std::size_t read = 0; read < step_bytes; read += bytes_.size()) {
    while (rowset_ < readers_.size() && block_ == readers_[rowset_]->footer().blocks.size()) {
      readers_[rowset_++].reset();
      block_ = 0;
    }
    if (rowset_ == readers_.size())
      return true;
    readers_[rowset_]->read(block_++, bytes_);
  }
  return false;
}

void verify_walk::finish(tablet_store& store) const {
  const auto status = store.status(tablet_);
  done_(status ? path_set::held(disk_, *status)
               : model::held_replica{static_cast<model::tablet_id>(tablet_)}); // Dropped meanwhile.
}

} // namespace tabletd
