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
  std::uint64_t partition = 0; ///< For the heat of remote rowsets; 0: not known.
};

/// A scan of what has cooled of a tablet, whether or not a replica is here.
struct remote_scan_request {
  model::tablet_id tablet{};
  std::uint64_t partition = 0;
  model::published_meta meta;
  std::uint64_t version{}; ///< At most the meta's last one.
  model::scan_position at;
};

/// Fills `outcome`, which must stay until the promise is done.
[[nodiscard]] kj::Promise<void> open_scan(backend_room_ptr room, std::uint64_t link, const scan_request& wanted,
                                          wire::ScanOutcome::Builder outcome);

/// The same from the published meta alone.
[[nodiscard]] kj::Promise<void> open_remote_scan(backend_room_ptr room, std::uint64_t link,
                                                 const remote_scan_request& wanted,
                                                 wire::ScanOutcome::Builder outcome);

} // namespace tabletd
