#include "actors/model/load_score.h"
#include <algorithm>

namespace tabletd::model {

double capacity_coefficient(double used_ratio) {
  constexpr double high_water = 0.75; // capacity_used_percent_high_water
  if (used_ratio < 0.5)
    return 0.5;
  return used_ratio > high_water ? 1.0 : 2 * used_ratio - 0.5;
}

load_scores::load_scores(const catalog& cat, const cluster_view& cluster, const slot_ledger& slots) {
  double used = 0;
  double total = 0;
  double replicas = 0;
  cat.backends.for_each([&](backend_id id, const backend& b) {
    row r{.backend = id, .replicas = static_cast<double>(b.tablets.size())};
    if (const auto* seen = cluster.find(id))
      for (const auto& path : seen->paths) {
        if (!path.online)
          continue;
        r.total += static_cast<double>(path.capacity_bytes);
        r.used += static_cast<double>(path.capacity_bytes) - static_cast<double>(path.available_bytes)
                  + static_cast<double>(slots.incoming_bytes({id, path.hash}));
      }
    used += r.used;
    total += r.total;
    replicas += r.replicas;
    rows_.push_back(r);
  });
  average_fill_ = total > 0 ? used / total : 0;
  average_replicas_ = rows_.empty() ? 0 : replicas / static_cast<double>(rows_.size());
  for (auto& r : rows_) {
    r.score = score(r);
    order_.emplace_back(r.score, r.backend);
  }
  std::sort(order_.begin(), order_.end());
}

double load_scores::score(const row& r) const {
  const double fill = r.total > 0 ? r.used / r.total : 0;
  const double weight = capacity_coefficient(fill);
  const double by_capacity = average_fill_ > 0 ? fill / average_fill_ : 0;
  const double by_replicas = average_replicas_ > 0 ? r.replicas / average_replicas_ : 0;
  return by_capacity * weight + by_replicas * (1 - weight);
}

const load_scores::row* load_scores::find(backend_id backend) const {
  const auto found = std::lower_bound(rows_.begin(), rows_.end(), backend,
                                      [](const row& r, backend_id id) { return r.backend < id; });
  return found != rows_.end() && found->backend == backend ? &*found : nullptr;
}

double load_scores::of(backend_id backend) const {
  const auto* r = find(backend);
  return r ? r->score : 0;
}

void load_scores::add(backend_id backend, std::uint64_t bytes) {
  const auto* found = find(backend);
  if (!found)
    return;
  auto* r = rows_.data() + (found - rows_.data());
  r->used += static_cast<double>(bytes);
  r->replicas += 1;
  order_.erase(std::lower_bound(order_.begin(), order_.end(), std::pair{r->score, backend}));
  r->score = score(*r);
  const std::pair now{r->score, backend};
  order_.insert(std::lower_bound(order_.begin(), order_.end(), now), now);
}

} // namespace tabletd::model
