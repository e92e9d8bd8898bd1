#include "node/be/path_mover.h"
#include "actors/codec/move_codec.h"
#include "node/log.h"
#include <caf/send.hpp>
#include <fmt/format.h>

namespace tabletd {

/// One move, from look() to end().
struct path_mover::session {
  model::log_index fence{};
  model::move_order order;
  move_worker_actor worker;
  disk_worker* from = nullptr;
  disk_worker* to = nullptr;
  std::shared_ptr<partial_copy> part; ///< Used in the target's thread only.
  kj::Own<path_copy> copy;
  tablet_gate::closure_ptr closure;   ///< As long as the tablet's gate is shut.

  void tell(const model::move_event& event) const { caf::anon_send(worker, codec::seal_event(event)); }
  void fail(model::task_failure kind, std::string why) const { tell(model::move_failed{{kind, std::move(why)}}); }
};

path_mover::path_mover(kj_loop_ptr loop, move_limits limits, std::shared_ptr<leftover_sweep> leftovers)
  : loop_(std::move(loop)), limits_(limits), leftovers_(std::move(leftovers)) {}
path_mover::~path_mover() = default;

void path_mover::enter(backend_room_ptr room) {
  room_ = std::move(room);
  tasks_ = std::make_unique<kj::TaskSet>(failures_);
}

void path_mover::leave() {
  tasks_.reset();
  sessions_.clear();
  room_.reset();
}

void path_mover::in_loop(std::function<void(path_mover&)> todo) {
  loop_->post([self = shared_from_this(), todo = std::move(todo)] {
    if (self->room_)
      todo(*self);
  });
}

void path_mover::with(model::log_index fence, std::function<void(path_mover&, const session_ptr&)> todo) {
  in_loop([fence, todo = std::move(todo)](path_mover& self) {
    if (const auto at = self.sessions_.find(fence); at != self.sessions_.end())
      todo(self, session_ptr{at->second});
  });
}

// -- looking -----------------------------------------------------------------------------

void path_mover::look(model::log_index fence, model::move_order order, move_worker_actor worker) {
  in_loop([fence, order, worker = std::move(worker)](path_mover& self) {
    self.leftovers_->claim(fence);
    auto& at = self.sessions_[fence];
    at = std::make_shared<session>(session{fence, order, worker, {}, {}, {}, {}, {}});
    auto* from = self.room_->paths().disk_of(model::raw(order.tablet));
    if (!from)
      return at->tell(model::move_looked{});
    self.tasks_->add(on_disk(self.room_->loop(), *from, [from, order](tablet_store& store) {
                       const auto here = store.status(model::raw(order.tablet));
                       return here ? std::optional{path_set::held(*from, *here)} : std::nullopt;
                     }).then([&self, at = at, from](disk_result<std::optional<model::held_replica>>&& result) {
      if (const auto* why = result.error())
        return at->fail(model::task_failure::io, why->what());
      self.looked(at, from, result.value());
    }));
  });
}

/// Knows where the replica is; finds the disk it shall go to.
void path_mover::looked(const session_ptr& at, disk_worker* from, const std::optional<model::held_replica>& here) {
  const auto& order = at->order;
  if (const auto known = sessions_.find(at->fence); known == sessions_.end() || known->second != at)
    return; // It ended meanwhile.
  auto* to = room_->paths().find(order.path);
  if (!to)
    return at->fail(model::task_failure::path_unknown,
                    fmt::format("this backend has no path {:016x}", model::raw(order.path)));
  if (here && here->replica == order.replica && to != from) {
    if (const auto why = to->refusal(); !why.empty())
      return at->fail(model::task_failure::io, why);
    at->from = from;
    at->to = to;
    at->part = std::make_shared<partial_copy>(model::raw(at->fence));
    at->copy = kj::heap<path_copy>(
      *room_, limits_, order, *from, *to, at->part,
      [worker = at->worker](const model::move_event& event) { caf::anon_send(worker, codec::seal_event(event)); });
  }
  at->tell(model::move_looked{here});
}

// -- copying -----------------------------------------------------------------------------

void path_mover::list(model::log_index fence) {
  with(fence, [](path_mover&, const session_ptr& at) { at->copy->list(); });
}

void path_mover::copy(model::log_index fence) {
  with(fence, [](path_mover&, const session_ptr& at) { at->copy->copy(); });
}

void path_mover::shut_gate(model::log_index fence) {
  with(fence, [](path_mover& self, const session_ptr& at) {
    at->closure = self.room_->gate().shut(model::raw(at->order.tablet));
    self.tasks_->add(at->closure->alone().then([at] { at->tell(model::move_alone{}); }));
  });
}

void path_mover::open_gate(model::log_index fence) {
  with(fence, [](path_mover&, const session_ptr& at) { at->closure = nullptr; });
}

// -- switching ---------------------------------------------------------------------------

namespace {

model::task_failure kind_of(const storage_error& why) {
  switch (why.fault()) {
    case storage_fault::disk_full: return model::task_failure::disk_full;
    case storage_fault::unusable: return model::task_failure::stale; // Another replica is there.
    default: return model::task_failure::io;
  }
}

model::held_replica adopt_on(path_set& paths, disk_worker& disk, tablet_store& store, const model::move_order& order,
                             std::uint32_t moves, partial_copy& part, const source_snapshot& snapshot) {
  const auto tablet = model::raw(order.tablet);
  std::ignore = part.open(store, snapshot); // Under the versions they have now.
  store.adopt(tablet, model::raw(order.replica), moves, part.take(), part.remote(), part.asked());
  paths.arrived(disk, store, {order.tablet, order.replica});
  return path_set::held(disk, *store.status(tablet));
}

} // namespace

void path_mover::switch_paths(model::log_index fence) {
  with(fence, [](path_mover& self, const session_ptr& at) {
    auto switched
      = on_disk(self.room_->loop(), *at->to,
                [paths = self.room_->shared_paths(), disk = at->to, order = at->order,
                 moves = at->copy->moves() + 1, part = at->part, snapshot = at->copy->snapshot()](tablet_store& store) {
                  return adopt_on(*paths, *disk, store, order, moves, *part, snapshot);
                })
          .then([&self, at](disk_result<model::held_replica>&& result) -> kj::Promise<void> {
            if (const auto* why = result.error()) {
              at->fail(kind_of(*why), fmt::format("path {}: {}", at->to->root(), why->what()));
              return kj::READY_NOW;
            }
            return self.remove_source(at, std::move(result.value()));
          });
    // However the worker ends: loads wait until the source is out of the way.
    self.tasks_->add(switched.attach(tablet_gate::closure_ptr{at->closure}));
  });
}

/// Nothing refers to the source any more; if it cannot be removed now, the next start does.
kj::Promise<void> path_mover::remove_source(const session_ptr& at, model::held_replica now) {
  return on_disk(room_->loop(), *at->from,
                 [paths = room_->shared_paths(), disk = at->from, order = at->order](tablet_store& store) {
                   store.drop_replica(model::raw(order.tablet), model::raw(order.replica));
                   paths->changed(*disk, store, {}, path_set::prepared_set::changed);
                   return disk_done{};
                 })
    .then([at, now = std::move(now)](disk_result<disk_done>&& result) {
      if (const auto* why = result.error())
        log_warn("a replica that moved to another path is left on its old one until the next start",
                 {{"tablet", model::raw(at->order.tablet)}, {"path", at->from->root()}, {"why", why->what()}});
      at->tell(model::move_switched{now});
    });
}

// -- ending ------------------------------------------------------------------------------

void path_mover::let_go(model::log_index fence, bool keep_partial) {
  with(fence, [keep_partial](path_mover&, const session_ptr& at) {
    at->copy = nullptr;
    at->closure = nullptr;
    if (!at->to)
      return;
    at->to->post([part = std::exchange(at->part, nullptr), disk = at->to, fence = model::raw(at->fence),
                  keep_partial](tablet_store& store) {
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

void path_mover::end(model::log_index fence) {
  with(fence, [](path_mover& self, const session_ptr& at) {
    self.sessions_.erase(at->fence);
    at->copy = nullptr;
    at->closure = nullptr;
    if (at->to && at->part)
      at->to->post([part = at->part](tablet_store&) { part->close(); });
  });
}

} // namespace tabletd
