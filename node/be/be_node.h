#pragma once
// A backend in one object: disks, actors and port, started in order and stopped in the
// opposite one.  main adds configuration, HTTP and metrics.
#include "actors/agent/be_stats.h"
#include "actors/agent/cooldown_keeper.h"
#include "actors/agent/warmup_keeper.h"
#include "actors/model/attach_fence.h"
#include "actors/model/clone_life.h"
#include "actors/model/move_life.h"
#include "actors/model/report_book.h"
#include "actors/model/task_book.h"
#include "node/be/clone_mover.h"
#include "node/be/backend_room.h"
#include "node/be/cooldown_wire.h"
#include "node/be/disk_worker.h"
#include "node/be/path_mover.h"
#include "node/be/warmup_mover.h"
#include "node/kj_loop.h"
#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <functional>
#include <optional>

namespace tabletd {

struct be_options {
  std::vector<disk_options> paths;
  std::string listen = "127.0.0.1:0"; ///< host:port; port 0: any free one.
  /// Whose backend this is, if the data directory knows; each path must agree.
  std::optional<model::backend_binding> binding;
  /// Makes the first attach's binding durable; runs in a disk's thread, may throw.
  std::function<void(const model::backend_binding&)> bind;
  backend_facts facts;
  model::report_pace report;
  model::task_limits tasks;
  model::clone_pace clone;
  mover_limits mover;
  model::move_pace move;
  move_limits move_bytes;
  cooldown_pace cooldown;
  model::cooldown_options cooldown_rules; ///< But for the lease and the work interval.
  cold_cache_options cold;
  warming_limits warming;
  model::slot_options slot; ///< Of warm-up jobs.
  std::size_t remote_threads = 4; ///< Calls to remote stores at once, and as many for scans, which wait for no upload.
  kj::Duration usage_every = 10 * kj::SECONDS; ///< How often disk fill is looked at.
  /// Takes start_child; null: the node starts one of its own, and stops it.
  caf::actor supervisor;
  /// The reporter or the keeper died: this process cannot be trusted to tell the leader the
  /// truth any more and should exit (design/testing.md N-17).
  std::function<void(const std::string& why)> on_fatal;
};

/// Where KJ objects may be made: from inside kj_loop::start's setup.
struct kj_place {
  kj_loop_ptr loop;
  kj::Network* network = nullptr;
  kj::Timer* timer = nullptr;
};

class be_node {
public:
  /// Opens the paths and the port.  Throws storage_error or kj::Exception.  From neither the
  /// loop's thread nor an actor.
  static std::unique_ptr<be_node> start(be_options options, caf::actor_system& sys, kj_place place);
  /// Stops.  Must happen before the loop stops.
  ~be_node();

  /// No new tasks or loads; calls a disk is busy with are answered; clones keep their partial
  /// files; then everything is closed.  Idempotent; threads as start().
  void stop();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::shared_ptr<be_stats>& stats() const { return stats_; }
  [[nodiscard]] std::vector<disk_status> paths() const;
  /// Null: this backend has none.
  [[nodiscard]] const file_cache* cache() const { return cold_->cache().get(); }

private:
  be_node(caf::actor_system& sys, kj_place place) : sys_(sys), place_(std::move(place)) {}
  void open_paths(be_options& options);
  void spawn_actors(const be_options& options);
  void spawn_cooldown(const be_options& options);
  void spawn_warmups(const be_options& options);
  void open_port(const be_options& options);
  template <class Fun, class Ports>
  [[nodiscard]] caf::actor start_actor(const std::string& id, Fun* function, const Ports& ports);
  void watch(const caf::actor& core, const std::function<void(const std::string&)>& on_fatal);
  void stop_actors();

  struct loop_side; ///< What lives in the loop's thread.
  caf::actor_system& sys_;
  kj_place place_;
  std::shared_ptr<be_stats> stats_ = std::make_shared<be_stats>();
  std::shared_ptr<path_set> paths_;
  std::shared_ptr<leader_wire> wire_;
  std::shared_ptr<leftover_sweep> leftovers_;
  std::shared_ptr<clone_mover> mover_;
  std::shared_ptr<path_mover> path_mover_;
  std::shared_ptr<remote_workers> workers_;
  std::shared_ptr<remote_workers> readers_;
  std::shared_ptr<remote_shelf> shelf_ = std::make_shared<remote_shelf>();
  std::shared_ptr<cold_reader> cold_;
  std::shared_ptr<warmup_mover> warming_;
  std::shared_ptr<leader_cooldown_wire> cooldown_wire_;
  caf::actor supervisor_;
  caf::actor own_supervisor_; ///< Null: supervisor_ is somebody else's.
  reporter_actor reporter_;
  task_keeper_actor keeper_;
  cooldown_keeper_actor cooldown_;
  warmup_keeper_actor warmups_;
  std::shared_ptr<loop_side> loop_side_;
  std::shared_ptr<std::atomic<bool>> stopping_ = std::make_shared<std::atomic<bool>>(false);
  std::uint16_t port_ = 0;
};

} // namespace tabletd
