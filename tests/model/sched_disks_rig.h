#pragma once
// A scheduler over backends whose disks are as full as their replicas make them.
#include "tests/model/sched_rig.h"

namespace tabletd::test {

struct SchedDisks : Sched {
  std::vector<tablet_id> tablets;

  /// Nothing rests after a move: what else holds moves back is easier to see.
  static scheduler_options restless() {
    auto options = prompt;
    options.balance.rest = 0s;
    return options;
  }
  SchedDisks() { restart(restless()); }
  void fill(std::size_t count, std::uint64_t bytes = 20 * repair_world::gigabyte) {
    for (std::size_t i = 0; i < count; ++i)
      tablets.push_back(world.make("1+ 2+ 3+", 3, bytes));
    show_disks();
  }
  /// What the backends would report.
  void show_disks() {
    for (auto& [id, seen] : world.cluster.backends)
      for (auto& path : seen.paths) {
        std::uint64_t used = 0;
        world.cat.backends.find(id)->tablets.for_each([&](tablet_id t, replica_id) {
          if (world.at(t).on(id)->path == path.hash)
            used += world.at(t).bytes;
        });
        path.data_bytes = used;
        path.available_bytes = path.capacity_bytes - used;
      }
  }
  /// Every context that runs does its work.
  std::size_t finish_running() {
    std::size_t moves = 0;
    std::vector<tablet_id> running;
    for (const auto& [id, ctx] : contexts)
      running.push_back(id);
    for (const auto id : running) {
      moves += std::holds_alternative<clone_move>(contexts.at(id).move) ? 1 : 0;
      succeed(id);
    }
    show_disks();
    return moves;
  }
  /// And so on until nothing happens any more.
  std::size_t settle(std::size_t rounds = 200) {
    std::size_t moves = 0;
    for (std::size_t i = 0; i < rounds; ++i) {
      pass(balance_spacing);
      moves += finish_running();
    }
    return moves;
  }
  [[nodiscard]] std::size_t replicas_on(std::size_t n) const {
    return world.cat.backends.find(world.ids[n])->tablets.size();
  }
  [[nodiscard]] const clone_move& move_of(tablet_id id) const { return std::get<clone_move>(contexts.at(id).move); }
};

/// Three backends hold everything, the fourth is new; hosts a to f, only four of them up.
struct SchedBalance : SchedDisks {
  SchedBalance() {
    for (std::size_t n = 5; n <= 6; ++n)
      world.leave(n);
    restart(restless());
  }
};

} // namespace tabletd::test
