#pragma once
// Splits what a backend is to warm into batches (spec/jobs.md A4, W2).  A batch is what is logged when it is done, and
// what is done again after a crash.
#include "actors/model/warmup_types.h"

#include <span>

namespace tabletd::model {

inline constexpr std::uint64_t warmup_batch_bytes = 10ULL << 30;  ///< Seed 002.
/// A batch goes to its backend in one message, with the meta of each tablet; a link carries 16 MiB.  Ours: without it
/// many small tablets, which 10 GiB never end, could not be sent at all.
inline constexpr std::size_t warmup_batch_tablets_max = 8'192;

/// Tablets stay in their order and whole: one that is larger than a batch may be is a batch of its own.  No batch is
/// empty (W2), or has more than warmup_batch_tablets_max.
[[nodiscard]] std::vector<warmup_batch> split_batches(std::span<const warmup_tablet> tablets,
                                                      std::uint64_t batch_bytes_max = warmup_batch_bytes);

}  // namespace tabletd::model
