// See remote_purge.h.
#include "actors/model/remote_purge.h"

#include <algorithm>

namespace tabletd::model {

std::vector<tablet_id> remote_purge::next(const tombstone_map& tombstones, time_ms now) {
  std::vector<tablet_id> batch;
  if (!has_wave_ && !tombstones.empty()) {
    wave_ = tombstones;
    seen_at_ = now;
    from_ = {};
    has_wave_ = true;
  }
  if (!has_wave_ || is_busy_ || now < rests_until_ || now - seen_at_ < pace_.patience)
    return batch;
  batch_from_ = from_;
  wave_.for_each_from(from_, [&](tablet_id id, time_ms) {
    if (batch.size() == pace_.tablets_max)
      return false;
    from_ = tablet_id{raw(id) + 1};
    if (tombstones.contains(id))
      batch.push_back(id);
    return true;
  });
  is_busy_ = !batch.empty();
  if (batch.empty()) {
    has_wave_ = false;  // Those that came meanwhile are the next one.
    wave_ = {};
    if (!tombstones.empty())
      return next(tombstones, now);
  }
  return batch;
}

void remote_purge::ended(const std::string& why, time_ms now) {
  is_busy_ = false;
  why_ = why;
  if (why.empty()) {
    failures_ = 0;
    return;
  }
  from_ = batch_from_;
  rests_until_ = now + std::min(pace_.rest_max, pace_.rest_min * (1 << std::min<std::uint32_t>(failures_, 16)));
  ++failures_;
}

}  // namespace tabletd::model
