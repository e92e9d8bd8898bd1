#pragma once
// The leader's verdicts on prepared rowsets, carried to every disk they concern: one piece
// of work per disk and call, so that what arrives together is looked at together.
#include "node/be/backend_room.h"

namespace tabletd {

struct txn_verdict {
  std::uint64_t txn{};
  std::uint64_t version{};           ///< 0: aborted.
  std::vector<std::uint64_t> tablets;///< Empty: every one this txn has prepared here.
};
struct publish_failure {
  std::uint64_t tablet{};
  std::uint64_t txn{};
  std::string message;
};

/// Idempotent.  Promises the tablets that could not obey; nothing else is rolled back.  Waits
/// while one of the tablets switches paths; refused if `link` was superseded by then.
[[nodiscard]] kj::Promise<std::vector<publish_failure>> publish_verdicts(backend_room_ptr room, std::uint64_t link,
                                                                         std::vector<txn_verdict> verdicts);

} // namespace tabletd
