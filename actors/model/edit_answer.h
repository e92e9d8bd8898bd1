#pragma once
// What the journal said to a proposed edit, and what a client is told when it said no.
#include "actors/model/catalog.h"
#include "actors/model/statement_result.h"
#include <string>

namespace tabletd::model {

/// Ordinals are those of wire.EditOutcome.Failure.
enum class journal_failure : std::uint8_t {
  none,
  not_leader,
  overloaded,
  too_large,
  storage_failed,
  shutting_down,
  leadership_lost
};

struct edit_answer {
  log_index index{};
  refusal why = refusal::none;
  std::uint64_t id{}; ///< Of the object created, or of the one in the way.
  journal_failure failure = journal_failure::none;
  std::string message; ///< The journal's own words for a failure.
  std::uint32_t retry_after_ms{}; ///< Of overloaded: when there could be room.
  [[nodiscard]] bool ok() const { return failure == journal_failure::none && why == refusal::none; }
  /// Nobody knows whether the edit became true: it may have been appended before the failure.
  /// The other failures mean: certainly not (actors/journal/ports.h).
  [[nodiscard]] bool in_doubt() const {
    return failure == journal_failure::storage_failed || failure == journal_failure::shutting_down
           || failure == journal_failure::leadership_lost;
  }
};

/// The error for an answer that is not ok(): "<doing> failed: <why>" with the next step.
/// `leader` ("host:port", may be empty) is passed on when the answer is not_leader.
[[nodiscard]] statement_error error_of(const edit_answer& answer, std::string_view doing, std::string_view leader);

} // namespace tabletd::model
