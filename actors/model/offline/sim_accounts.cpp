#include "actors/model/offline/sim_accounts.h"
#include <algorithm>

namespace tabletd::model::offline {

const std::array<std::uint64_t, tablet_health_count>& health_counts::by_health(const catalog& cat) {
  if (stale_) {
    known_.clear();
    by_health_.fill(0);
    cat.tablets.for_each([&](tablet_id id, const tablet&) { note(id, cat); });
  } else {
    for (const auto id : dirty_)
      note(id, cat);
  }
  stale_ = false;
  dirty_.clear();
  return by_health_;
}

void health_counts::note(tablet_id tablet, const catalog& cat) {
  if (const auto known = known_.find(tablet); known != known_.end()) {
    --by_health_[static_cast<std::size_t>(known->second)];
    known_.erase(known);
  }
  const auto* t = cat.tablets.find(tablet);
  if (!t)
    return;
  const auto health = diagnose(cat, *t).health;
  known_.emplace(tablet, health);
  ++by_health_[static_cast<std::size_t>(health)];
}

void copy_ledger::finished(tablet_id tablet, replica_id replica, std::uint64_t bytes) {
  ++finished_;
  copied_bytes_ += bytes;
  kept_[{tablet, replica}] += bytes;
}

void copy_ledger::failed(std::uint64_t moved_bytes) {
  ++failed_;
  copied_bytes_ += moved_bytes;
  wasted_bytes_ += moved_bytes;
}

void copy_ledger::dropped(tablet_id tablet, replica_id replica, bool backend_stays) {
  const auto kept = kept_.extract({tablet, replica});
  if (kept.empty() || !backend_stays)
    return;
  ++reverted_;
  wasted_bytes_ += kept.mapped();
}

std::uint64_t copy_ledger::thrash_thousandths() const {
  constexpr std::uint64_t perfect = 1'000;
  constexpr std::uint64_t worst = 1'000'000;
  if (copied_bytes_ == 0)
    return perfect;
  const auto kib = [](std::uint64_t bytes) { return bytes >> 10U; }; // The product must fit.
  const auto needed = kib(needed_bytes());
  return needed == 0 ? worst : std::min(worst, kib(copied_bytes_) * perfect / needed);
}

void illness::see(bool healthy, time_ms now) {
  if (!healthy && !ill_)
    since_ = now;
  if (!healthy || ill_)
    longest_ = std::max(longest_, now - since_);
  ill_ = !healthy;
}

} // namespace tabletd::model::offline
