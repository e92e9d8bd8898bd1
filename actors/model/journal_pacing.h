#pragma once
// When the journal begins its next transaction.  One fsync costs about as much as a
// thousand rows, so what matters is how many proposals share it.
#include <cstddef>

namespace tabletd::model {

/// Called when a transaction of `written` edits is durable and `waiting` others have queued up
/// behind it.  Usually they go at once.  But if they are no more than those just written, and
/// the answers to these are about to go out (`answers_due`), the proposers answered are likely
/// to propose again within microseconds: waiting for that turns two half-full transactions
/// that chase each other for ever into one.  A slow fold cannot hold the disk back: as soon as
/// more are waiting than were written, it is not waited for.
[[nodiscard]] constexpr bool begin_at_once(std::size_t waiting, std::size_t written, bool answers_due) {
  return waiting > written || !answers_due;
}

}  // namespace tabletd::model
