#include "node/be/clone_mover.h"
#include "actors/codec/agent_codec.h"
#include "node/be/source_link.h"
#include <caf/send.hpp>
#include <fmt/format.h>

namespace tabletd {

/// One clone, from look() to end().
struct clone_mover::session {
  model::clone_order order;
  clone_worker_actor worker;
  disk_worker* disk = nullptr;
  std::shared_ptr<partial_copy> part; ///< Used in the disk's thread only.
  std::uint32_t attempt = 0;
  kj::Own<source_link> link;

  void tell(const model::clone_event& event) const { caf::anon_send(worker, codec::seal_event(event)); }
  void fail(model::task_failure kind, std::string why) const {
    tell(model::clone_step_failed{attempt, {kind, std::move(why)}});
  }
};

clone_mover::clone_mover(kj_loop_ptr loop, mover_limits limits, std::shared_ptr<leftover_sweep> leftovers)
  : loop_(std::move(loop)), limits_(limits), leftovers_(std::move(leftovers)) {}
clone_mover::~clone_mover() = default;

void clone_mover::enter(backend_room_ptr room) {
  room_ = std::move(room);
  tasks_ = std::make_unique<kj::TaskSet>(failures_);
}

void clone_mover::leave() {
  tasks_.reset();
  sessions_.clear();
  room_.reset();
}

void clone_mover::in_loop(std::function<void(clone_mover&)> todo) {
  loop_->post([self = shared_from_this(), todo = std::move(todo)] {
    if (self->room_)
      todo(*self);
  });
}

void clone_mover::with(model::log_index fence, std::function<void(clone_mover&, const session_ptr&)> todo) {
  in_loop([fence, todo = std::move(todo)](clone_mover& self) {
    if (const auto at = self.sessions_.find(fence); at != self.sessions_.end())
      todo(self, session_ptr{at->second});
  });
}

// -- looking -----------------------------------------------------------------------------

namespace {

struct local_look {
  std::optional<model::held_replica> here;
  model::version_ranges have;
};

local_look look_on(const disk_worker& disk, const tablet_store& store, std::uint64_t tablet) {
  const auto status = store.status(tablet);
  if (!status)
    return {};
  local_look look{path_set::held(disk, *status), {}};
  for (const auto& rowset : store.rowsets(tablet))
    look.have.push_back({rowset.first_version, rowset.last_version});
  return look;
}

} // namespace

void clone_mover::look(model::clone_order order, clone_worker_actor worker) {
  in_loop([order = std::move(order), worker = std::move(worker)](clone_mover& self) {
    self.leftovers_->claim(order.fence);
    auto& at = self.sessions_[order.fence];
    if (!at)
      at = std::make_shared<session>();
    at->order = order;
    at->worker = worker;
    auto* disk = self.room_->paths().disk_of(model::raw(order.tablet));
    if (!disk)
      return self.looked(at, std::nullopt, {});
    self.tasks_->add(on_disk(self.room_->loop(), *disk, [disk, order](tablet_store& store) {
                       return look_on(*disk, store, model::raw(order.tablet));
                     }).then([&self, at = at, disk](disk_result<local_look>&& result) {
      if (const auto* why = result.error())
        return at->fail(model::task_failure::io, why->what());
      auto& look = result.value();
      if (look.here)
        at->disk = disk;
      self.looked(at, look.here, std::move(look.have));
    }));
  });
}

/// Knows whether the replica is here; chooses and reserves the disk if it is not.
void clone_mover::looked(const session_ptr& at, const std::optional<model::held_replica>& here,
                         model::version_ranges have) {
  const auto& order = at->order;
  if (const auto known = sessions_.find(order.fence); known == sessions_.end() || known->second != at)
    return; // It ended meanwhile; nobody would give a claim back.
  if (!here && model::raw(order.path) != 0) {
    auto* wanted = room_->paths().find(order.path);
    if (!wanted)
      return at->fail(model::task_failure::path_unknown,
                      fmt::format("this backend has no path {:016x}", model::raw(order.path)));
    auto& owner = room_->paths().claim(model::raw(order.tablet), *wanted);
    if (&owner != wanted)
      return at->fail(model::task_failure::stale,
                      fmt::format("tablet {} is being made on path {}, not on {}",
                                  model::raw(order.tablet), owner.root(), wanted->root()));
    at->disk = &owner;
  }
  if (at->disk)
    if (const auto why = at->disk->refusal(); !why.empty())
      return at->fail(model::task_failure::io, why);
  at->tell(model::clone_looked{here, std::move(have)});
}

// -- moving ------------------------------------------------------------------------------

void clone_mover::ask(model::log_index fence, std::uint32_t attempt, model::version_ranges have) {
  with(fence, [attempt, have = std::move(have)](clone_mover& self, const session_ptr& at) {
    at->attempt = attempt;
    if (!at->part)
      at->part = std::make_shared<partial_copy>(model::raw(at->order.fence));
    // What is left of an earlier attempt dies here, before the next one writes.
    at->link = nullptr;
    at->link = kj::heap<source_link>(
      *self.room_, self.limits_, at->order, *at->disk, at->part, attempt,
      [worker = at->worker](const model::clone_event& event) { caf::anon_send(worker, codec::seal_event(event)); });
    at->link->ask(have);
  });
}

void clone_mover::copy(model::log_index fence) {
  with(fence, [](clone_mover&, const session_ptr& at) { at->link->copy(); });
}

namespace {

model::held_replica install_on(path_set& paths, disk_worker& disk, tablet_store& store,
                               const model::clone_order& order, bool full, partial_copy& part) {
  const auto tablet = model::raw(order.tablet);
  store.install(tablet, model::raw(order.replica), full, part.take(), part.remote());
  // A prepared rowset may have been retired by its copy.
  paths.changed(disk, store, {{order.tablet, order.replica}}, path_set::prepared_set::changed);
  return path_set::held(disk, *store.status(tablet));
}

model::task_failure install_failure(const storage_error& why) {
  switch (why.fault()) {
    case storage_fault::disk_full: return model::task_failure::disk_full;
    case storage_fault::unusable: return model::task_failure::stale; // What is here changed meanwhile.
    default: return model::task_failure::io;
  }
}

} // namespace

void clone_mover::install(model::log_index fence, bool full) {
  with(fence, [full](clone_mover& self, const session_ptr& at) {
    at->link = nullptr; // The source may let its files go.
    self.tasks_->add(
      on_disk(self.room_->loop(), *at->disk,
              [paths = self.room_->shared_paths(), disk = at->disk, order = at->order, full,
               part = at->part](tablet_store& store) {
                return install_on(*paths, *disk, store, order, full, *part);
              })
        .then([&self, at, full](disk_result<model::held_replica>&& result) {
          if (const auto* why = result.error())
            return at->fail(install_failure(*why), why->what());
          caf::anon_send(self.room_->cooldown(), cooldown_cloned{at->order.tablet, full});
          at->tell(model::clone_installed{std::move(result.value())});
        }));
  });
}

void clone_mover::let_go(model::log_index fence, bool keep_partial) {
  with(fence, [keep_partial](clone_mover&, const session_ptr& at) {
    at->link = nullptr;
    if (!at->disk)
      return;
    at->disk->post([part = std::exchange(at->part, nullptr), disk = at->disk, fence = model::raw(at->order.fence),
                    keep_partial](tablet_store& store) {
      if (part)
        part->close();
      try {
        if (!keep_partial)
          store.forget_clone(fence);
      } catch (const storage_error& why) {
        disk->note(why); // Garbage, which the next start sweeps.
      }
    });
  });
}

void clone_mover::end(model::log_index fence) {
  with(fence, [](clone_mover& self, const session_ptr& at) {
    self.sessions_.erase(at->order.fence);
    at->link = nullptr;
    if (!at->disk)
      return;
    at->disk->post([part = at->part, paths = self.room_->shared_paths(), disk = at->disk,
                    order = at->order](tablet_store& store) {
      if (part)
        part->close();
      if (!store.status(model::raw(order.tablet)))
        paths->changed(*disk, store, {{order.tablet, order.replica}}); // Gives the claim back.
    });
  });
}

} // namespace tabletd
