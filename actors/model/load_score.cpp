#include "actors/model/load_score.h"
#include <algorithm>

namespace tabletd::model {

namespace {

std::size_t at(medium which) { return static_cast<std::size_t>(which); }

/// What the paths of one backend say about each medium.
struct seen_paths {
  std::array<medium_load, media.size()> load;
  std::array<double, media.size()> tablets{};
};

seen_paths look_at(const cluster_view& cluster, const slot_ledger& slots, backend_id id) {
  seen_paths sum;
  const auto* seen = cluster.find(id);
  if (!seen)
    return sum;
  for (const auto& path : seen->paths) {
    if (!path.online)
      continue;
    auto& load = sum.load[at(path.medium)];
    load.total_bytes += static_cast<double>(path.capacity_bytes);
    load.used_bytes += static_cast<double>(path.capacity_bytes) - static_cast<double>(path.available_bytes)
                       + static_cast<double>(slots.incoming_bytes({id, path.hash}));
    sum.tablets[at(path.medium)] += static_cast<double>(path.tablets);
  }
  return sum;
}

/// Gives each medium its part of the replicas: as reported, else by size, else all to the first.
void split(double replicas, seen_paths& sum) {
  const auto share = [&](auto&& weight) {
    double all = 0;
    for (const auto m : media)
      all += weight(m);
    for (const auto m : media)
      sum.load[at(m)].replicas = all > 0 ? replicas * weight(m) / all : 0;
    return all > 0;
  };
  if (!share([&](medium m) { return sum.tablets[at(m)]; }) && !share([&](medium m) { return sum.load[at(m)].total_bytes; }))
    sum.load[at(media.front())].replicas = replicas;
}

} // namespace

std::string_view name(medium which) { return which == medium::ssd ? "SSD" : "HDD"; }

double capacity_coefficient(double used_ratio) {
  constexpr double high_water = 0.75; // capacity_used_percent_high_water
  if (used_ratio < 0.5)
    return 0.5;
  return used_ratio > high_water ? 1.0 : 2 * used_ratio - 0.5;
}

double load_score(const medium_load& load, const load_average& average) {
  const double fill = load.fill();
  const double weight = capacity_coefficient(fill);
  const double by_capacity = average.fill > 0 ? fill / average.fill : 0;
  const double by_replicas = average.replicas > 0 ? load.replicas / average.replicas : 0;
  return by_capacity * weight + by_replicas * (1 - weight);
}

load_average average_of(std::span<const load_line> lines) {
  medium_load sum;
  double backends = 0;
  for (const auto& line : lines)
    if (line.counts()) {
      sum.used_bytes += line.load.used_bytes;
      sum.total_bytes += line.load.total_bytes;
      sum.replicas += line.load.replicas;
      ++backends;
    }
  return {sum.fill(), backends > 0 ? sum.replicas / backends : 0};
}

load_scores::load_scores(const catalog& cat, const cluster_view& cluster, const slot_ledger& slots) {
  cat.backends.for_each([&](backend_id id, const backend& b) {
    auto seen = look_at(cluster, slots, id);
    split(static_cast<double>(b.tablets.size()), seen);
    for (const auto m : media)
      lines_[at(m)].push_back({id, b.available(), seen.load[at(m)]});
  });
  for (const auto m : media)
    average_[at(m)] = average_of(lines(m));
  for (std::size_t row = 0; row < lines_.front().size(); ++row) {
    mix_.push_back(mix(row));
    order_.emplace_back(mix_.back(), lines_.front()[row].backend);
  }
  std::sort(order_.begin(), order_.end());
}

std::size_t load_scores::find(backend_id backend) const {
  const auto& all = lines_.front();
  const auto found = std::lower_bound(all.begin(), all.end(), backend,
                                      [](const load_line& line, backend_id id) { return line.backend < id; });
  return found != all.end() && found->backend == backend ? static_cast<std::size_t>(found - all.begin()) : all.size();
}

double load_scores::mix(std::size_t row) const {
  double sum = 0;
  int has = 0;
  for (const auto m : media)
    if (lines_[at(m)][row].load.total_bytes > 0) {
      sum += load_score(lines_[at(m)][row].load, average_[at(m)]);
      ++has;
    }
  // A backend whose disks nobody has seen is judged by its replicas alone.
  return has > 0 ? sum / has : load_score(lines_.front()[row].load, average_.front());
}

double load_scores::of(backend_id backend) const {
  const auto row = find(backend);
  return row == mix_.size() ? 0 : mix_[row];
}

void load_scores::add(backend_id backend, std::uint64_t bytes, medium on) {
  const auto row = find(backend);
  if (row == mix_.size())
    return;
  if (lines_[at(on)][row].load.total_bytes == 0)
    for (const auto m : media)
      if (lines_[at(m)][row].load.total_bytes > 0)
        on = m;
  auto& load = lines_[at(on)][row].load;
  load.used_bytes += static_cast<double>(bytes);
  load.replicas += 1;
  order_.erase(std::lower_bound(order_.begin(), order_.end(), std::pair{mix_[row], backend}));
  mix_[row] = mix(row);
  const std::pair now{mix_[row], backend};
  order_.insert(std::lower_bound(order_.begin(), order_.end(), now), now);
}

} // namespace tabletd::model
