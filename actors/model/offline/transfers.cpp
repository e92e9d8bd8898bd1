#include "actors/model/offline/transfers.h"
#include <algorithm>

namespace tabletd::model::offline {

void transfers::start(log_index fence, const place& source, const place& target, std::uint64_t bytes, time_ms now) {
  auto& c = copies_[fence];
  c = {source, target, bytes, bytes, 0, now, now};
  ends_.insert({c.ends, fence});
  on_path_[source].insert(fence);
  on_path_[target].insert(fence);
  touch(source, now);
  touch(target, now);
}

std::uint64_t transfers::stop(log_index fence, time_ms now) {
  const auto found = copies_.find(fence);
  if (found == copies_.end())
    return 0;
  settle(fence, found->second, now);
  const auto gone = found->second;
  leave(fence, gone);
  touch(gone.source, now);
  touch(gone.target, now);
  return gone.bytes - gone.left_bytes;
}

std::optional<time_ms> transfers::next_end() const {
  return ends_.empty() ? std::nullopt : std::optional{ends_.begin()->first};
}

std::vector<log_index> transfers::take_ended(time_ms now) {
  std::vector<log_index> ended;
  while (!ends_.empty() && ends_.begin()->first <= now) {
    ended.push_back(ends_.begin()->second);
    stop(ended.back(), now);
  }
  return ended;
}

void transfers::leave(log_index fence, const copy& c) {
  for (const auto& at : {c.source, c.target}) {
    const auto found = on_path_.find(at);
    found->second.erase(fence);
    if (found->second.empty())
      on_path_.erase(found);
  }
  ends_.erase({c.ends, fence});
  copies_.erase(fence);
}

void transfers::touch(const place& at, time_ms now) {
  const auto found = on_path_.find(at);
  if (found == on_path_.end())
    return;
  for (const auto fence : found->second)
    settle(fence, copies_.at(fence), now);
}

/// What it has moved so far counts at the old rate; from now on it has what its busier end leaves it.
void transfers::settle(log_index fence, copy& c, time_ms now) {
  const auto passed_ms = static_cast<std::uint64_t>((now - c.since).count());
  c.left_bytes = now >= c.ends && passed_ms > 0
                   ? 0
                   : c.left_bytes - std::min(c.left_bytes, c.rate_bytes_per_s * passed_ms / 1'000);
  c.since = now;
  const auto sharers = std::max(on_path_.at(c.source).size(), on_path_.at(c.target).size());
  c.rate_bytes_per_s = std::max<std::uint64_t>(1, rate_bytes_per_s_ / sharers);
  ends_.erase({c.ends, fence});
  c.ends
    = now + time_ms{static_cast<std::int64_t>((c.left_bytes * 1'000 + c.rate_bytes_per_s - 1) / c.rate_bytes_per_s)};
  ends_.insert({c.ends, fence});
}

} // namespace tabletd::model::offline
