// See delivery.h.
#include "actors/journal/delivery.h"

#include <algorithm>

namespace tabletd {

bool batch_builder::take(const committed_entry& entry) {
  const auto size = entry.edit.words().asBytes().size();
  if (!batch_.edits.empty()
      && (entry.term != batch_.term || batch_.edits.size() >= limits_.batch_entries
          || bytes_ + size > limits_.batch_bytes))
    return false;
  batch_.term = entry.term;
  batch_.edits.push_back(entry.edit);
  bytes_ += size;
  return true;
}

void delivery::add(committed_entry entry) { recent_.push_back(std::move(entry)); }

void delivery::replace(std::uint64_t from) {
  while (!recent_.empty() && recent_.back().index >= from)
    recent_.pop_back();
}

void delivery::forget_before(std::uint64_t index) {
  while (!recent_.empty() && recent_.front().index < index)
    recent_.pop_front();
}

void delivery::restart(std::uint64_t index) {
  recent_.clear();
  committed_ = std::max(committed_, index - 1);
  detach();
}

void delivery::attach(std::uint64_t from) {
  next_ = std::max<std::uint64_t>(from, 1);
  attached_ = true;
  busy_ = false;
}

delivery::next_step delivery::next() {
  if (!attached_ || busy_ || next_ > committed_)
    return nothing{};
  busy_ = true;
  if (recent_.empty() || next_ < recent_.front().index)
    return read{next_, recent_.empty() ? committed_ : std::min(committed_, recent_.front().index - 1)};
  batch_builder batch(next_, limits_);
  for (auto at = next_ - recent_.front().index; at < recent_.size(); ++at)
    if (recent_[at].index > committed_ || !batch.take(recent_[at]))
      break;
  auto made = batch.finish();
  under_way(made.edits.size());
  return made;
}

void delivery::answered() {
  next_ += batch_size_;
  busy_ = false;
  forget_before(next_);
}

}  // namespace tabletd
