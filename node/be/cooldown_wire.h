#pragma once
// Cooldown's way to the leader, over the link that reports take.
#include "actors/agent/cooldown_ports.h"
#include "node/be/backend_room.h"

#include <memory>

namespace tabletd {

class leader_cooldown_wire final : public cooldown_wire, public std::enable_shared_from_this<leader_cooldown_wire> {
public:
  explicit leader_cooldown_wire(kj_loop_ptr loop) : loop_(std::move(loop)) {}
  /// Loop thread; before that, and after leave(), there is no leader.
  void enter(const backend_room_ptr& room) { room_ = room; }
  void leave() { room_.reset(); }
  void send(std::vector<report> reports, cooldown_keeper_actor keeper) override;
  void ask(const cooldown_life_id& who, model::ask_publication what, cooldown_keeper_actor keeper) override;
  void ask(const cooldown_life_id& who, model::ask_deletion what, cooldown_keeper_actor keeper) override;

private:
  /// Runs `call(sink)` in the loop and keeps its promise; `failed` is called when there is no leader or the call fails.
  template <class Call, class Failed>
  void with_leader(Call call, Failed failed);
  kj_loop_ptr loop_;
  std::weak_ptr<backend_room> room_;  ///< Loop thread only.
};

}  // namespace tabletd
