#pragma once
// Every front end's side of a checkpoint: steps model/checkpoint_worker with what the leader and the keeper say,
// and carries out what it decides.  Its image is of the catalog's frozen snapshot: nothing is replayed.
#include "actors/checkpoint/checkpoint_exchange.h"
#include "actors/checkpoint/image_shelf.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace tabletd {

struct checkpoint_worker_ports {
  std::shared_ptr<image_shelf> shelf;
  checkpoint_exchange_ptr exchange;
  catalog_cell_ptr cell;
  journal_stats_ptr stats;
  model::boot_id boot{};
  std::function<std::uint32_t()> memory_percent = [] { return 0; };
  std::function<void(std::uint64_t upto)> trim;  ///< To the journal: trim_wanted.
};

struct checkpoint_worker_state {
  static inline const char* name = "checkpoint_worker";
  checkpoint_worker_ports ports;
  model::checkpoint_worker worker;
  model::node_id leader{};                      ///< Who spoke last as one.
  catalog_snapshot frozen;                      ///< Of the running attempt.
  std::shared_ptr<std::atomic<bool>> abandoned; ///< The same.
  std::uint64_t trim_upto{};                    ///< Ordered; the journal does it little by little.
};

checkpoint_worker_actor::behavior_type checkpoint_worker(checkpoint_worker_actor::stateful_pointer<checkpoint_worker_state> self,
                                                         checkpoint_worker_ports ports);

} // namespace tabletd
