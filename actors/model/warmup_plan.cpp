#include "actors/model/warmup_plan.h"

#include "actors/model/warmup_placement.h"

#include <algorithm>

namespace tabletd::model {

namespace {

constexpr std::uint64_t uncountable = ~std::uint64_t(0);

/// Stays at uncountable once it is there.
constexpr std::uint64_t sum(std::uint64_t a, std::uint64_t b) { return a > uncountable - b ? uncountable : a + b; }

std::uint64_t bytes_of(const warming_partition& p) {
  std::uint64_t bytes = 0;
  for (const auto& t : p.tablets)
    bytes = sum(bytes, t.bytes);
  return bytes;
}

std::optional<warmup_not_planned> why_not(const std::string& dst, std::span<const warming_backend> backends) {
  if (backends.empty())
    return warmup_not_planned{warmup_plan_refusal::no_backend, "The cluster " + dst + " has no alive backend"};
  for (const auto& b : backends)
    if (!b.cache_bytes)
      return warmup_not_planned{warmup_plan_refusal::capacity_unknown,
                                "Backend " + std::to_string(raw(b.backend)) + " did not say how large its cache is"};
  if (std::ranges::all_of(backends, [](const warming_backend& b) { return *b.cache_bytes == 0; }))
    return warmup_not_planned{warmup_plan_refusal::no_cache, "No backend of " + dst + " has a file cache (cache.capacity_bytes)"};
  return std::nullopt;
}

warmup_plan empty_plan(std::span<const warming_backend> backends) {
  warmup_plan plan;
  for (const auto& b : backends) {
    plan.lanes.push_back({b.backend, {}, 0, b.cache_bytes.value_or(0), 0});
    plan.cache_bytes = sum(plan.cache_bytes, plan.lanes.back().cache_bytes);
  }
  std::ranges::sort(plan.lanes, {}, &planned_lane::backend);
  return plan;
}

std::vector<backend_id> backends_of(const warmup_plan& plan) {
  std::vector<backend_id> backends;
  for (const auto& lane : plan.lanes)
    backends.push_back(lane.backend);
  return backends;
}

/// The lane that warms the tablet; `backends` are the plan's.
planned_lane& home_of(warmup_plan& plan, std::span<const backend_id> backends, const warmup_tablet& t) {
  const bool is_known = std::ranges::binary_search(backends, t.served_by);
  const auto home = is_known ? t.served_by : caching_backend(t.tablet, backends);
  return *std::ranges::lower_bound(plan.lanes, home, {}, &planned_lane::backend);
}

void take(planned_lane& lane, const warmup_tablet& t) {
  lane.tablets.push_back(t);
  lane.bytes = sum(lane.bytes, t.bytes);
}

/// Whether its backend's cache holds it beside what the lane has already.  A hundredth is left free: a cache counts its
/// blocks as they lie on the disk, and a tablet that finds no room fails.
bool has_room(const planned_lane& lane, const warmup_tablet& t) {
  const auto room = lane.cache_bytes - lane.cache_bytes / 100;
  return lane.bytes <= room && t.bytes <= room - lane.bytes;
}

void place(warmup_plan& plan, std::span<const warmup_tablet> tablets) {
  const auto backends = backends_of(plan);
  for (const auto& t : tablets)
    take(home_of(plan, backends, t), t);
  for (auto& lane : plan.lanes)
    lane.excess_bytes = lane.bytes - std::min(lane.bytes, lane.cache_bytes);
}

/// "backend 3 would have 1.00 GB (1073741824 bytes) more than its cache holds, ..."; empty: none has.
std::string excesses_of(const warmup_plan& plan) {
  std::string text;
  for (const auto& lane : plan.lanes)
    if (lane.excess_bytes > 0)
      text += (text.empty() ? "" : ", ") + ("backend " + std::to_string(raw(lane.backend))) + " would have "
              + gib_text(lane.excess_bytes) + " (" + std::to_string(lane.excess_bytes)
              + " bytes) more than its cache holds";
  return text;
}

/// In all, or on one of them (W1).
std::optional<warmup_not_planned> too_small(const std::string& dst, const warmup_plan& plan) {
  const auto excesses = excesses_of(plan);
  if (plan.bytes > plan.cache_bytes)
    return warmup_not_planned{warmup_plan_refusal::cluster_too_small,
                              "The cluster " + dst + " cache size is not enough: " + excesses};
  if (excesses.empty())
    return std::nullopt;
  return warmup_not_planned{warmup_plan_refusal::backend_too_small, "The cache size is not enough: " + excesses};
}

warmup_not_planned too_many() {
  return {warmup_plan_refusal::too_many_bytes, "The tablets have more bytes than can be counted"};
}

}  // namespace

warmup_plan_result plan_tables(const std::string& dst, std::span<const warming_table> tables,
                               std::span<const warming_backend> backends, bool force) {
  if (auto refused = why_not(dst, backends))
    return *std::move(refused);
  auto plan = empty_plan(backends);
  std::vector<warmup_tablet> chosen;
  for (const auto& table : tables) {
    for (const auto& p : table.partitions) {
      if (plan.bytes > plan.cache_bytes)
        break;
      plan.bytes = sum(plan.bytes, bytes_of(p));
      chosen.insert(chosen.end(), p.tablets.begin(), p.tablets.end());
    }
  }
  if (plan.bytes == uncountable)
    return too_many();
  place(plan, chosen);
  if (!force)
    if (auto refused = too_small(dst, plan))
      return *std::move(refused);
  return plan;
}

warmup_plan_result plan_cluster(const std::string& dst, std::span<const warming_partition> hottest_first,
                                std::span<const warming_backend> backends) {
  if (auto refused = why_not(dst, backends))
    return *std::move(refused);
  auto plan = empty_plan(backends);
  const auto homes = backends_of(plan);
  for (const auto& p : hottest_first) {
    for (const auto& t : p.tablets) {
      if (plan.bytes >= plan.cache_bytes)
        break;
      auto& home = home_of(plan, homes, t);
      if (!has_room(home, t))
        continue;
      take(home, t);
      plan.bytes = sum(plan.bytes, t.bytes);
    }
  }
  if (plan.bytes == uncountable)
    return too_many();
  for (auto& lane : plan.lanes)
    std::ranges::reverse(lane.tablets);
  return plan;
}

std::vector<warmup_lane_plan> lanes_of(const warmup_plan& plan, std::uint64_t batch_bytes_max) {
  std::vector<warmup_lane_plan> lanes;
  lanes.reserve(plan.lanes.size());
  for (const auto& lane : plan.lanes)
    lanes.push_back({lane.backend, split_batches(lane.tablets, batch_bytes_max)});
  return lanes;
}

}  // namespace tabletd::model
