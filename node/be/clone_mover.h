#pragma once
// Moves the bytes of clones, at the destination: dials the source, opens a snapshot, keeps a
// bounded window of blocks on their way, and hands each to the disk it belongs to.  Decides
// nothing: what happens goes to the clone's actor, and what that orders is done.
#include "actors/agent/ports.h"
#include "node/be/backend_room.h"
#include "node/be/leftover_sweep.h"
#include <map>

namespace tabletd {

struct mover_limits {
  std::size_t window_bytes = 8U << 20; ///< Asked for and not yet written, per clone.
  std::size_t calls_max = 64;          ///< The same in blocks; small rowsets need many.
  kj::Duration connect_limit = 5 * kj::SECONDS;
  kj::Duration snapshot_limit = 60 * kj::SECONDS; ///< The source may open thousands of files.
  kj::Duration stall_limit = 30 * kj::SECONDS;    ///< Blocks are awaited and none arrives.
  /// Partial files of an earlier process, also of moves, wait this long, from the first attach
  /// on, for their order to come again.
  kj::Duration leftovers_kept = 10 * kj::MINUTES;
};

class clone_mover final : public clone_transport, public std::enable_shared_from_this<clone_mover> {
public:
  clone_mover(kj_loop_ptr loop, mover_limits limits, std::shared_ptr<leftover_sweep> leftovers);
  ~clone_mover() override;
  /// Loop thread; before enter(), and after leave(), calls do nothing.
  void enter(backend_room_ptr room);
  void leave();

  // -- any thread --
  void look(model::clone_order order, clone_worker_actor worker) override;
  void ask(model::log_index fence, std::uint32_t attempt, model::version_ranges have) override;
  void copy(model::log_index fence) override;
  void install(model::log_index fence, bool full) override;
  void let_go(model::log_index fence, bool keep_partial) override;
  void end(model::log_index fence) override;

private:
  struct session;
  using session_ptr = std::shared_ptr<session>;
  void in_loop(std::function<void(clone_mover&)> todo);
  void with(model::log_index fence, std::function<void(clone_mover&, const session_ptr&)> todo);
  void looked(const session_ptr& at, const std::optional<model::held_replica>& here, model::version_ranges have);

  kj_loop_ptr loop_;
  const mover_limits limits_;
  std::shared_ptr<leftover_sweep> leftovers_;
  // Loop thread only.
  backend_room_ptr room_;
  std::map<model::log_index, session_ptr> sessions_;
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {} // Only while shutting down.
  };
  failures failures_;
  std::unique_ptr<kj::TaskSet> tasks_;
};

} // namespace tabletd
