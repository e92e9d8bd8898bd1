#include "node/be/leftover_sweep.h"

namespace tabletd {

void leftover_sweep::enter(backend_room_ptr room) {
  room_ = std::move(room);
  tasks_ = std::make_unique<kj::TaskSet>(failures_);
  tasks_->add(list()
                .then([this] { return room_->first_attach(); })
                .then([this] { return room_->timer().afterDelay(kept_); })
                .then([this] { sweep(); }));
}

void leftover_sweep::leave() {
  tasks_.reset();
  room_.reset();
}

void leftover_sweep::claim(model::log_index fence) {
  found_.erase(fence);
  if (!swept_)
    claimed_.insert(fence);
}

kj::Promise<void> leftover_sweep::list() {
  kj::Vector<kj::Promise<void>> lists;
  for (const auto& disk : room_->paths().disks())
    lists.add(on_disk(room_->loop(), *disk, [](tablet_store& store) {
                  return store.partial_clones();
                }).then([this, disk = disk.get()](disk_result<std::vector<std::uint64_t>>&& found) {
      if (found.error())
        return;
      for (const auto number : found.value())
        if (const auto fence = model::log_index{number}; !claimed_.contains(fence))
          found_.emplace(fence, disk);
    }));
  return kj::joinPromises(lists.releaseAsArray());
}

void leftover_sweep::sweep() {
  swept_ = true;
  claimed_.clear();
  for (const auto& [fence, disk] : std::exchange(found_, {}))
    disk->post([disk = disk, fence = model::raw(fence)](tablet_store& store) {
      try {
        store.forget_clone(fence);
      } catch (const storage_error& why) {
        disk->note(why);
      }
    });
}

} // namespace tabletd
