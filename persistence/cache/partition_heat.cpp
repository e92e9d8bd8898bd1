// See partition_heat.h.
#include "persistence/cache/partition_heat.h"

#include <algorithm>
#include <cmath>

namespace tabletd {

double partition_heat::bytes_at(const entry& heat, time now) const {
  const auto passed = std::max(now - heat.at, time{0});
  return heat.bytes * std::exp2(-static_cast<double>(passed.count()) / static_cast<double>(half_life_.count()));
}

void partition_heat::add(std::uint64_t partition, std::uint64_t bytes, time now) {
  if (heats_.size() >= partitions_max_ && !heats_.contains(partition))
    make_room(now);
  auto& heat = heats_[partition];
  heat.bytes = bytes_at(heat, now) + static_cast<double>(bytes);
  heat.at = std::max(now, heat.at);
}

std::vector<heat_of_partition> partition_heat::hottest(std::size_t count, time now) const {
  std::vector<heat_of_partition> all;
  for (const auto& [partition, heat] : heats_)
    if (const auto bytes = static_cast<std::uint64_t>(bytes_at(heat, now)); bytes > 0)
      all.push_back({partition, bytes});
  count = std::min(count, all.size());
  std::partial_sort(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count), all.end(),
      [](const auto& a, const auto& b) { return a.bytes != b.bytes ? a.bytes > b.bytes : a.partition < b.partition; });
  all.resize(count);
  return all;
}

void partition_heat::make_room(time now) {
  const auto kept = hottest(partitions_max_ / 2, now);
  std::unordered_map<std::uint64_t, entry> left;
  for (const auto& each : kept)
    left.emplace(each.partition, entry{static_cast<double>(each.bytes), now});
  heats_ = std::move(left);
}

}  // namespace tabletd
