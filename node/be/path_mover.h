#pragma once
// Moves replicas between the paths of this backend.  Decides nothing: what happens goes to the
// move's actor, and what that orders is done.
#include "actors/agent/ports.h"
#include "node/be/backend_room.h"
#include "node/be/leftover_sweep.h"
#include "node/be/path_copy.h"
#include <map>

namespace tabletd {

class path_mover final : public path_transport, public std::enable_shared_from_this<path_mover> {
public:
  path_mover(kj_loop_ptr loop, move_limits limits, std::shared_ptr<leftover_sweep> leftovers);
  ~path_mover() override;
  /// Loop thread; before enter(), and after leave(), calls do nothing.
  void enter(backend_room_ptr room);
  void leave();

  // -- any thread --
  void look(model::log_index fence, model::move_order order, move_worker_actor worker) override;
  void list(model::log_index fence) override;
  void copy(model::log_index fence) override;
  void shut_gate(model::log_index fence) override;
  void open_gate(model::log_index fence) override;
  void switch_paths(model::log_index fence) override;
  void let_go(model::log_index fence, bool keep_partial) override;
  void end(model::log_index fence) override;

private:
  struct session;
  using session_ptr = std::shared_ptr<session>;
  void in_loop(std::function<void(path_mover&)> todo);
  void with(model::log_index fence, std::function<void(path_mover&, const session_ptr&)> todo);
  void looked(const session_ptr& at, disk_worker* from, const std::optional<model::held_replica>& here);
  [[nodiscard]] kj::Promise<void> remove_source(const session_ptr& at, model::held_replica now);

  kj_loop_ptr loop_;
  const move_limits limits_;
  std::shared_ptr<leftover_sweep> leftovers_;
  // Loop thread only.
  backend_room_ptr room_;
  std::map<model::log_index, session_ptr> sessions_;
  class failures final : public kj::TaskSet::ErrorHandler {
    void taskFailed(kj::Exception&&) override {} // A gate given up, or shutting down.
  };
  failures failures_;
  std::unique_ptr<kj::TaskSet> tasks_;
};

} // namespace tabletd
