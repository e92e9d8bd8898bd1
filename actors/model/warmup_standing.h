#pragma once
// How far a lane is beside what the log says: for SHOW and metrics.
#include "actors/model/warmup_types.h"

#include <string>

namespace tabletd::model {

/// A lane of a running round, by what its backend said last.
struct warmup_lane_standing {
  std::uint64_t live_bytes{};    ///< Of the batch that is not in the log yet.
  std::uint32_t restarts{};      ///< How often the backend was seen anew.
  warmup_job_id waits_for{};     ///< Whose slot it waits for; 0: none.
  bool in_flight = false;        ///< A batch is in hand.
  std::string why;               ///< Why it does not get on; empty: it does.
  friend bool operator==(const warmup_lane_standing&, const warmup_lane_standing&) = default;
};

}  // namespace tabletd::model
