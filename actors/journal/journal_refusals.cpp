// See journal_refusals.h.
#include "actors/journal/journal_refusals.h"

#include <fmt/format.h>

namespace tabletd {

namespace {

using reason = wire::EditOutcome::Failure;

/// To a node that does not lead: about the time in which somebody else does.
constexpr int retry_after_ms = 100;

}  // namespace

edit_outcome refusal(reason why, const std::string& message) {
  return seal<wire::EditOutcome>([&](auto outcome) {
    outcome.setFailure(why);
    outcome.setMessage(message);
  });
}

edit_outcome not_leader(std::uint64_t leader, bool transferring) {
  if (transferring)
    return refusal(reason::NOT_LEADER,
                   fmt::format("leadership is being handed over; retry after {} ms", retry_after_ms));
  return refusal(reason::NOT_LEADER, leader ? fmt::format("node {} leads; send the edit there", leader)
                                             : fmt::format("no node leads; retry after {} ms", retry_after_ms));
}

edit_outcome overloaded(const model::admission_answer& answer, std::uint64_t uncommitted_bytes,
                        std::uint64_t unapplied_bytes) {
  constexpr const char* of[] = {"", "the disks or the followers are behind", "the catalog is behind",
                                "the memory of the log is full"};
  return seal<wire::EditOutcome>([&](auto outcome) {
    outcome.setFailure(reason::OVERLOADED);
    outcome.setRetryAfterMs(static_cast<std::uint32_t>(answer.retry_after.count()));
    outcome.setMessage(fmt::format("{}: {} bytes of edits are not committed and {} not applied; retry after {} ms",
                                   of[static_cast<std::size_t>(answer.why)], uncommitted_bytes, unapplied_bytes,
                                   answer.retry_after.count()));
  });
}

edit_outcome too_large(std::uint64_t bytes, std::uint64_t bytes_max) {
  return refusal(reason::TOO_LARGE, fmt::format("the edit has {} bytes and one edit may have {}; make several of it",
                                                 bytes, bytes_max));
}

}  // namespace tabletd
