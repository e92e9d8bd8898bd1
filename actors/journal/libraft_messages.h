#pragma once
// Messages of the model as raft_shim has them, and back.
#include "actors/journal/raft_shim.h"
#include "actors/model/consensus_core.h"

namespace tabletd {

[[nodiscard]] raft_shim_entry to_shim(const model::entry_header& header);

/// `entries` backs the pointer in the result.  Snapshots do not go in: see libraft_core.h.
[[nodiscard]] raft_shim_message to_shim(const model::message& what, model::node_id from,
                                        std::vector<raft_shim_entry>& entries);

/// Of a snapshot, what the core knows; nothing: a kind this version does not know.
[[nodiscard]] std::optional<model::message> from_shim(const raft_shim_message& from);

}  // namespace tabletd
