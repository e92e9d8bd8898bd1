#pragma once
// Reads one tablet at one version, block by block, for an export.  Every block is checked
// before it leaves; one that does not match ends the scan and makes the replica bad.
#include "actors/model/snapshot_plan.h"
#include "node/be/backend_room.h"

namespace tabletd {

struct scan_request {
  std::uint64_t tablet{};
  std::uint64_t replica{};
  std::uint64_t version{};
  model::scan_position at;
};

/// Fills `outcome`, which must stay until the promise is done.
[[nodiscard]] kj::Promise<void> open_scan(backend_room_ptr room, std::uint64_t link, const scan_request& wanted,
                                          wire::ScanOutcome::Builder outcome);

} // namespace tabletd
