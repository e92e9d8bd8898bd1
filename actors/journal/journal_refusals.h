#pragma once
// What a proposer hears whose edit was not taken: what, why, and when to try again.
#include "actors/journal/ports.h"
#include "actors/model/log_admission.h"

#include <cstdint>
#include <string>

namespace tabletd {

[[nodiscard]] edit_outcome refusal(wire::EditOutcome::Failure why, const std::string& message);
/// `leader`: 0: nobody is known.  `transferring`: this node leads, and is handing that over.
[[nodiscard]] edit_outcome not_leader(std::uint64_t leader, bool transferring = false);
/// With what the log holds: bytes that are not committed, and that are not applied.
[[nodiscard]] edit_outcome overloaded(const model::admission_answer& answer, std::uint64_t uncommitted_bytes,
                                      std::uint64_t unapplied_bytes);
[[nodiscard]] edit_outcome too_large(std::uint64_t bytes, std::uint64_t bytes_max);

}  // namespace tabletd
