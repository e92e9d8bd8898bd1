#include "actors/model/journal_retention.h"

#include <algorithm>
#include <limits>

namespace tabletd::model {

std::vector<image_mark> with_image(std::vector<image_mark> held, const image_mark& mark) {
  std::erase_if(held, [&](const image_mark& h) { return h.id == mark.id; });
  held.push_back(mark);
  std::ranges::sort(held, std::ranges::greater{}, &image_mark::id);
  if (held.size() > images_kept)
    held.resize(images_kept);
  return held;
}

retention_verdict deletable(const std::vector<retention_member>& members, node_id leader, bool pressed) {
  const auto first = std::ranges::find(members, leader, &retention_member::id);
  if (first == members.end() || first->images.empty())
    return {0, retention_limit::no_image, leader};
  const auto newest = first->images.front();
  retention_verdict verdict{std::numeric_limits<std::uint64_t>::max()};
  const auto bound = [&](std::uint64_t upto, retention_limit limit, node_id member) {
    if (upto < verdict.upto)
      verdict = {upto, limit, member};
  };
  for (const auto& m : members) {
    if (m.excused && m.id != leader)
      continue;
    if (m.images.empty() || m.images.front() != newest)
      return {0, retention_limit::not_acked, m.id};
    const auto base = pressed ? newest.id : older_id(m.images);
    bound(base, base == 0 ? retention_limit::no_older : retention_limit::older_image, m.id);
    bound(m.applied, retention_limit::applied, m.id);
  }
  return verdict;
}

bool disk_presses(const disk_room& room, bool did_before) {
  const auto checkpoint = std::min(room.interval_bytes, room.retain_bytes) + room.image_bytes;
  return room.free_bytes < (did_before ? 8 : 4) * checkpoint;
}

} // namespace tabletd::model
