#include "actors/model/warmup_heat.h"

#include <algorithm>

namespace tabletd::model {

std::set<partition_id> heat_book::note(const std::string& cluster, backend_id backend,
                                       std::vector<partition_heat> heat) {
  std::erase_if(heat, [](const partition_heat& h) { return h.bytes == 0; });
  if (heat.empty())
    return {};
  std::set<partition_id> fresh;
  for (const auto& h : heat)
    if (!is_hot(cluster, h.partition))
      fresh.insert(h.partition);
  clusters_[cluster].insert_or_assign(backend, std::move(heat));
  return fresh;
}

std::vector<partition_heat> heat_book::hottest(std::string_view cluster) const {
  const auto at = clusters_.find(cluster);
  if (at == clusters_.end())
    return {};
  std::map<partition_id, std::uint64_t> sums;
  for (const auto& [backend, heat] : at->second)
    for (const auto& h : heat) {
      auto& sum = sums[h.partition];
      sum += std::min(h.bytes, ~std::uint64_t{0} - sum);
    }
  std::vector<partition_heat> all;
  for (const auto& [partition, bytes] : sums)
    all.push_back({partition, bytes});
  std::ranges::stable_sort(all, std::ranges::greater{}, &partition_heat::bytes);
  return all;
}

std::vector<partition_id> heat_book::hottest_partitions(std::string_view cluster) const {
  std::vector<partition_id> ids;
  for (const auto& h : hottest(cluster))
    ids.push_back(h.partition);
  return ids;
}

std::vector<std::string> heat_book::clusters() const {
  std::vector<std::string> names;
  for (const auto& [name, heat] : clusters_)
    names.push_back(name);
  return names;
}

bool heat_book::is_hot(std::string_view cluster, partition_id partition) const {
  const auto at = clusters_.find(cluster);
  return at != clusters_.end() && std::ranges::any_of(at->second, [&](const auto& said) {
           return std::ranges::find(said.second, partition, &partition_heat::partition) != said.second.end();
         });
}

}  // namespace tabletd::model
