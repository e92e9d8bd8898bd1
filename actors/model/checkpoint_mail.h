#pragma once
// What members of the group tell each other about checkpoints.  Any of it may be lost: who waits asks
// again (spec/jobs.md C12).
#include "actors/model/checkpoint_controller.h"
#include "actors/model/checkpoint_worker.h"

#include <cstddef>
#include <vector>

namespace tabletd::model {

/// From the leader of `epoch`, to itself too.
struct facts_asked { model::term epoch{}; std::uint64_t beat{}; };
struct facts_told { model::term epoch{}; member_seen facts; };
/// From the leader to a member; see delete_journal.
struct deletion_ordered { model::term epoch{}; std::uint64_t upto{}; bool pressed = false; };
/// Of an image that the other side has said it holds.
struct chunk_asked { image_mark image; std::uint64_t offset{}; };
/// `bytes` empty: it has no such image (any more).
struct chunk_given { image_mark image; std::uint64_t offset{}; std::vector<std::byte> bytes; };

inline constexpr std::size_t chunk_bytes = 256U << 10;  ///< design/journal.md 9.6, rule 7 ...
inline constexpr std::size_t chunks_under_way_max = 4;  ///< ... so at most 1 MiB waits for a link.

/// Who sent a worker_said, push_* or facts_told is the link's to say, not the message's.
using checkpoint_word = std::variant<facts_asked, facts_told, attempt_ordered, attempt_polled, attempt_cancelled, worker_said,
                                     chunk_asked, chunk_given, image_offer, push_progressed, push_acked, push_refused,
                                     deletion_ordered>;

struct checkpoint_mail {
  node_id peer{};  ///< Outgoing: who gets it.  Incoming: who sent it.
  checkpoint_word what;
};

} // namespace tabletd::model
