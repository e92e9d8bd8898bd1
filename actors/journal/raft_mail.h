#pragma once
// What members of the group tell each other, as the host of the core sees it: the core's message,
// and the edits the core never sees.
#include "actors/journal/ports.h"
#include "actors/model/consensus_core.h"

#include <functional>
#include <variant>
#include <vector>

namespace tabletd {

struct raft_mail {
  model::node_id peer{};  ///< Outgoing: who gets it.  Incoming: who sent it.
  model::message what;
  /// Of an append_request: as many as it has entries, empty for those that are no commands.
  std::vector<edit_message> edits;
};

/// The link to a peer is new: whatever was sent before may be lost.
struct link_renewed {
  model::node_id peer{};
};

/// Nobody listens at the peer's address: its process has ended.
struct link_refused {
  model::node_id peer{};
};

/// An image of everything up to `image.id` is in place here, verified; `older` is the one before it
/// that is kept, 0: none.  The catalog of this node is at least that far.
struct image_kept {
  model::image_descriptor image;
  std::uint64_t older{};
};
/// The image that log_turn::install asked for is in place here, verified; or it could not be had.
struct install_ended {
  model::snapshot_point upto;
  model::image_descriptor image;
  bool is_in_place = false;
};
/// No member needs entries up to and including this one any more (spec/jobs.md K5).
struct trim_wanted {
  std::uint64_t upto{};
};

/// What the keeper hears of others: the other members, who keeps the images, who keeps the group, and who reads.
using peer_word = std::variant<raft_mail, link_renewed, link_refused, image_kept, install_ended, trim_wanted,
                               change_members, hand_over, model::confirm_leader>;

/// Bytes of the edits, plus what the rest costs (design/journal.md 9.4).
[[nodiscard]] inline std::uint64_t bytes_of(const raft_mail& mail) {
  std::uint64_t bytes = 96;
  for (const auto& edit : mail.edits)
    bytes += edit.words().asBytes().size() + 96;
  return bytes;
}

/// To a peer, in order, at once and without waiting; what cannot leave is dropped, and a
/// link_renewed says so later.  Called in the thread of whoever steps the core.
using post_fn = std::function<void(raft_mail)>;

}  // namespace tabletd
