#pragma once
// Tells the leader what this backend holds: a shell around model/report_book.
#include "actors/agent/be_stats.h"
#include "actors/agent/ports.h"
#include "actors/model/report_book.h"
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace tabletd {

struct reporter_ports {
  report_wire_ptr wire;
  std::shared_ptr<be_stats> stats;
  model::report_pace pace;
  std::uint64_t boot{}; ///< This process's, for every report.
};

struct reporter_state {
  reporter_ports ports;
  model::report_book book;
  static inline const char* name = "reporter";
};

reporter_actor::behavior_type reporter(reporter_actor::stateful_pointer<reporter_state> self,
                                       reporter_ports ports);

} // namespace tabletd
