#include "node/be/path_set.h"
#include "actors/codec/agent_codec.h"
#include "node/be/two_copies.h"
#include "node/be/verify_walk.h"
#include <caf/send.hpp>
#include <fmt/format.h>
#include <chrono>

namespace tabletd {

using model::raw;

/// Runs there, then the keeper hears how it ended.
template <class Order>
struct disk_errand {
  model::log_index fence;
  Order order;
  task_keeper_actor keeper;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

  void end(std::variant<model::held_replica, model::task_failed> outcome) const {
    const auto elapsed = std::chrono::steady_clock::now() - started;
    caf::anon_send(keeper,
                   codec::seal_end({fence, order.tablet, order.replica, std::move(outcome), 0,
                                    static_cast<std::uint64_t>(
                                      std::chrono::duration_cast<model::time_ms>(elapsed).count()),
                                    0}));
  }
  void fail(model::task_failure kind, std::string message) const {
    end(model::task_failed{kind, std::move(message)});
  }
};

namespace {

/// What a disk's refusal means to whoever gave the order.
model::task_failure kind_of(const storage_error& why) {
  switch (why.fault()) {
    case storage_fault::disk_full: return model::task_failure::disk_full;
    case storage_fault::unusable: return model::task_failure::stale;
    default: return model::task_failure::io;
  }
}

template <class Order>
std::string other_replica(const Order& order, const replica_status& here) {
  return fmt::format("this backend holds replica {} of tablet {}, not {}", here.replica,
                     raw(order.tablet), raw(order.replica));
}

/// Runs `work(store)` in the disk's thread; a storage error ends the errand.
template <class Order, class Work>
void run_errand(disk_worker& disk, disk_errand<Order> what, Work work) {
  const bool posted = disk.post([what, work = std::move(work), &disk](tablet_store& store) mutable {
    try {
      work(store, what);
    } catch (const storage_error& why) {
      disk.note(why);
      what.fail(kind_of(why), why.what());
    }
  });
  if (!posted)
    what.fail(model::task_failure::cancelled, "this backend is shutting down");
}

} // namespace

path_set::path_set(std::vector<disk_options> paths, std::shared_ptr<be_stats> stats)
  : stats_(std::move(stats)) {
  two_copies copies;
  for (auto& path : paths) {
    auto& disk = *disks_.emplace_back(std::make_unique<disk_worker>(std::move(path)));
    if (!by_hash_.emplace(disk.hash(), &disk).second)
      throw storage_error(storage_fault::unusable, disk.root(),
                          fmt::format("path {} has the identity of another path of this backend; "
                                      "it is a copy, remove it or its .tabletd-path",
                                      disk.root()));
    disk.run_now([&](tablet_store& store) {
      for (const auto& here : store.list())
        copies.add(disk, here);
    });
  }
  for (const auto& [tablet, place] : copies.chosen())
    by_tablet_.emplace(tablet, place.disk);
  copies.remove_others();
}

path_set::~path_set() { stop(); }

void path_set::stop() {
  for (const auto& disk : disks_)
    disk->stop();
}

void path_set::report_to(reporter_actor reporter) {
  reporter_ = std::move(reporter);
  // Waits: a first full report that misses a disk would say that its replicas are gone.
  for (const auto& disk : disks_)
    disk->run_now([&](tablet_store& store) { all_changed(*disk, store); });
}

// -- any thread --------------------------------------------------------------------------

disk_worker* path_set::find(model::path_hash hash) const {
  const auto at = by_hash_.find(raw(hash));
  return at == by_hash_.end() ? nullptr : at->second;
}

disk_worker* path_set::disk_of(std::uint64_t tablet) const {
  const std::shared_lock lock{mutex_};
  const auto at = by_tablet_.find(tablet);
  return at == by_tablet_.end() ? nullptr : at->second;
}

disk_worker* path_set::left_for(std::uint64_t tablet, const disk_worker& disk) const {
  auto* now = disk_of(tablet);
  return now == &disk ? nullptr : now;
}

model::path_hash path_set::path_of(model::tablet_id tablet) const {
  const auto* disk = disk_of(raw(tablet));
  return static_cast<model::path_hash>(disk ? disk->hash() : 0);
}

disk_worker& path_set::claim(std::uint64_t tablet, disk_worker& wanted) {
  const std::unique_lock lock{mutex_};
  return *by_tablet_.emplace(tablet, &wanted).first->second;
}

std::vector<disk_status> path_set::status() const {
  std::vector<disk_status> all;
  for (const auto& disk : disks_)
    all.push_back(disk->status());
  return all;
}

void path_set::refresh() {
  for (const auto& disk : disks_)
    disk->post([&disk = *disk](tablet_store& store) {
      try {
        disk.refresh(store);
      } catch (const storage_error& why) {
        disk.note(why);
      }
    });
}

void path_set::carry_out(model::agent_task task, task_keeper_actor keeper) {
  std::visit(model::overloaded{
               [&](const model::create_order& order) { create({task.fence, order, keeper}); },
               [&](const model::drop_order& order) { drop({task.fence, order, keeper}); },
               [&](const model::verify_order& order) { verify({task.fence, order, keeper}); },
               [](const auto&) {}, // Clones and cancels never come here.
             },
             task.what);
}

void path_set::create(disk_errand<model::create_order> what) {
  auto* wanted = find(what.order.path);
  if (!wanted)
    return what.fail(model::task_failure::path_unknown,
                     fmt::format("this backend has no path {:016x}", raw(what.order.path)));
  if (const auto why = wanted->refusal(); !why.empty())
    return what.fail(model::task_failure::io, why);
  auto& disk = claim(raw(what.order.tablet), *wanted);
  run_errand(disk, what, [self = shared_from_this(), &disk](tablet_store& store, const auto& todo) {
    const auto tablet = raw(todo.order.tablet);
    const auto replica = raw(todo.order.replica);
    const model::held_ref ref{todo.order.tablet, todo.order.replica};
    if (self->left_for(tablet, disk))
      return self->create(todo); // It moved while this waited.
    if (const auto here = store.status(tablet); here && here->replica != replica)
      return todo.fail(model::task_failure::stale, other_replica(todo.order, *here));
    try {
      store.create_replica(tablet, replica);
    } catch (...) {
      self->changed(disk, store, {ref}); // Gives the claim back.
      throw;
    }
    self->changed(disk, store, {ref});
    todo.end(held(disk, *store.status(tablet)));
  });
}

void path_set::drop(disk_errand<model::drop_order> what) {
  const model::held_replica nothing{what.order.tablet, what.order.replica};
  auto* disk = disk_of(raw(what.order.tablet));
  if (!disk)
    return what.end(nothing); // Dropped before.
  run_errand(*disk, what, [self = shared_from_this(), disk, nothing](tablet_store& store, const auto& todo) {
    const auto here = store.status(raw(todo.order.tablet));
    if (!here)
      return todo.end(nothing);
    if (here->replica != raw(todo.order.replica))
      return todo.fail(model::task_failure::stale, other_replica(todo.order, *here));
    store.drop_replica(raw(todo.order.tablet), raw(todo.order.replica));
    self->changed(*disk, store, {{todo.order.tablet, todo.order.replica}}, prepared_set::changed);
    todo.end(nothing);
  });
}

void path_set::verify(disk_errand<model::verify_order> what) {
  auto* disk = disk_of(raw(what.order.tablet));
  const auto absent = [](const auto& todo) {
    todo.fail(model::task_failure::stale,
              fmt::format("this backend does not hold tablet {}", raw(todo.order.tablet)));
  };
  if (!disk)
    return absent(what);
  run_errand(*disk, what, [self = shared_from_this(), disk, absent](tablet_store& store, const auto& todo) {
    if (self->left_for(raw(todo.order.tablet), *disk))
      return self->verify(todo); // It moved while this waited.
    const auto here = store.status(raw(todo.order.tablet));
    if (!here)
      return absent(todo);
    if (here->replica != raw(todo.order.replica))
      return todo.fail(model::task_failure::stale, other_replica(todo.order, *here));
    verify_walk::start(self, *disk, store, raw(todo.order.tablet), [self, disk, todo](verify_walk::outcome how) {
      if (self->left_for(raw(todo.order.tablet), *disk) && !self->stopping())
        self->verify(todo); // What was read counts no longer: once more, where it is now.
      else
        todo.end(std::move(how));
    });
  });
}

// -- disk threads ------------------------------------------------------------------------

model::held_replica path_set::held(const disk_worker& disk, const replica_status& status) {
  return {static_cast<model::tablet_id>(status.tablet),
          static_cast<model::replica_id>(status.replica),
          static_cast<model::path_hash>(disk.hash()),
          status.version,
          status.max_version,
          status.bad,
          status.rows,
          status.bytes,
          status.rowsets};
}

namespace {

std::vector<model::txn_id> prepared_of(const tablet_store& store) {
  std::vector<model::txn_id> txns;
  for (const auto txn : store.prepared_txns())
    txns.push_back(static_cast<model::txn_id>(txn));
  return txns;
}

} // namespace

void path_set::changed(disk_worker& disk, tablet_store& store, const std::vector<model::held_ref>& tablets,
                       prepared_set prepared) {
  model::disk_changed changes;
  changes.path = static_cast<model::path_hash>(disk.hash());
  const std::lock_guard in_order{telling_};
  {
    const std::unique_lock lock{mutex_};
    for (const auto& ref : tablets) {
      const auto at = by_tablet_.find(raw(ref.tablet));
      if (at != by_tablet_.end() && at->second != &disk)
        continue;
      if (const auto status = store.status(raw(ref.tablet))) {
        changes.tablets.push_back(held(disk, *status));
        by_tablet_[status->tablet] = &disk;
      } else {
        changes.gone.push_back(ref);
        if (at != by_tablet_.end())
          by_tablet_.erase(at);
      }
    }
  }
  if (prepared == prepared_set::changed)
    changes.prepared = prepared_of(store);
  tell(changes);
}

void path_set::arrived(disk_worker& disk, tablet_store& store, model::held_ref replica) {
  const std::lock_guard in_order{telling_};
  {
    const std::unique_lock lock{mutex_};
    by_tablet_[raw(replica.tablet)] = &disk;
  }
  tell({static_cast<model::path_hash>(disk.hash()), {held(disk, *store.status(raw(replica.tablet)))}, {},
        prepared_of(store)});
}

void path_set::all_changed(disk_worker& disk, tablet_store& store) {
  model::disk_changed changes;
  changes.path = static_cast<model::path_hash>(disk.hash());
  const std::lock_guard in_order{telling_};
  for (const auto& status : store.list())
    if (disk_of(status.tablet) == &disk)
      changes.tablets.push_back(held(disk, status));
  changes.prepared = prepared_of(store);
  tell(changes);
}

void path_set::corrupt(disk_worker& disk, tablet_store& store, std::uint64_t tablet) {
  ++stats_->corrupt_blocks;
  const auto status = store.status(tablet);
  if (!status)
    return;
  try {
    store.mark_bad(tablet, true);
  } catch (const storage_error& why) {
    disk.note(why); // It is bad in memory all the same.
  }
  changed(disk, store, {{static_cast<model::tablet_id>(tablet), static_cast<model::replica_id>(status->replica)}});
}

void path_set::tell(const model::disk_changed& changes) {
  caf::anon_send(reporter_, codec::seal_changes(changes));
}

} // namespace tabletd
