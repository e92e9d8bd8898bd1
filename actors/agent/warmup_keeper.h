#pragma once
// The slot of this backend for warm-up jobs: a shell around model/warmup_slot.
#include "actors/agent/warmup_ports.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <optional>

namespace tabletd {

struct warmup_keeper_ports {
  warmup_transport_ptr transport;
  std::function<model::time_ms()> clock;  ///< Does not jump, and goes on while the process is stopped.
  std::uint64_t boot{};                   ///< Of this process.
  model::slot_options options;
};

struct warmup_keeper_state {
  /// A GET that waits for the batch in hand.
  struct waiting_get {
    model::slot_request request;
    caf::typed_response_promise<sealed<wire::WarmupReply>> promise;
  };
  warmup_keeper_ports ports;
  std::optional<model::warmup_slot> slot;
  std::uint64_t generation{};  ///< Of the batch in hand, or the last one.
  std::shared_ptr<std::atomic<std::uint64_t>> bytes_done;  ///< The same; null: there was none.
  std::map<std::uint64_t, waiting_get> waiting;
  std::uint64_t gets_kept = 0;
  static inline const char* name = "warmup_keeper";
};

warmup_keeper_actor::behavior_type warmup_keeper(warmup_keeper_actor::stateful_pointer<warmup_keeper_state> self,
                                                 warmup_keeper_ports ports);

}  // namespace tabletd
