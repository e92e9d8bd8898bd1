#pragma once
// What the journal counts and where it stands.  Written by the journal alone, read by the
// metrics exporter and SHOW PROC '/journal' from any thread.
#include "actors/metered.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace tabletd {

inline constexpr std::array<double, 7> batch_entries_bounds{1, 4, 16, 64, 256, 1'024, 4'096};

struct journal_stats {
  using number = std::atomic<std::uint64_t>;
  // -- where it stands --
  number first_index{1};
  number last_index{};
  number commit_index{};
  number applied_index{};  ///< The catalog has answered for everything up to here.
  number term{};
  number leader{};  ///< 0: not known.
  std::atomic<bool> leads{false};
  std::atomic<bool> failed{false};
  number pending{};        ///< Proposals that have no answer yet.
  number pending_bytes{};  ///< What they are charged (model/journal_admission.h).
  number file_bytes{};
  number wal_bytes{};
  // -- since the start --
  number entries{};     ///< Appended by proposals.
  number bytes{};       ///< Their payload.
  number received_bytes{};  ///< Payload of entries that came from the leader.
  number commits{};     ///< Transactions of entries.
  number overloaded{};  ///< Proposals refused because too much was pending.
  number too_large{};
  atomic_histogram<fast_bounds.size()> commit_seconds{fast_bounds};
  atomic_histogram<fast_bounds.size()> apply_seconds{fast_bounds};  ///< From handing a batch to the catalog to its answer.
  atomic_histogram<batch_entries_bounds.size()> entries_per_commit{batch_entries_bounds};
};
using journal_stats_ptr = std::shared_ptr<journal_stats>;

}  // namespace tabletd
