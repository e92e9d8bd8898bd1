#include "actors/model/warmup_split.h"

namespace tabletd::model {

std::vector<warmup_batch> split_batches(std::span<const warmup_tablet> tablets, std::uint64_t batch_bytes_max) {
  std::vector<warmup_batch> batches;
  for (const auto& t : tablets) {
    // Written so that no sum overflows: a batch that is a single huge tablet takes nothing more, not even an empty one.
    const bool fits = !batches.empty() && batches.back().tablets.size() < warmup_batch_tablets_max
                      && batches.back().bytes <= batch_bytes_max
                      && t.bytes <= batch_bytes_max - batches.back().bytes;
    if (!fits)
      batches.emplace_back();
    batches.back().tablets.push_back(t.tablet);
    batches.back().bytes += t.bytes;
  }
  return batches;
}

}  // namespace tabletd::model
