#include "actors/model/load_statistic.h"
#include <algorithm>
#include <cmath>

namespace tabletd::model {

std::string_view name(load_class which) {
  switch (which) {
    case load_class::init: return "INIT";
    case load_class::low: return "LOW";
    case load_class::mid: return "MID";
    case load_class::high: return "HIGH";
  }
  return "UNKNOWN";
}

load_class classify(double value, double average, double threshold) {
  if (average <= 0 || std::abs(value - average) / average <= threshold)
    return load_class::mid;
  return value > average ? load_class::high : load_class::low;
}

load_class classify_path(double used_ratio, double average_fill, double threshold) {
  // The floor shrinks with the threshold, so that half the threshold is half the floor too.
  const double spread = std::max(average_fill * threshold, path_spread_min * threshold / load_score_threshold);
  if (std::abs(used_ratio - average_fill) <= spread)
    return load_class::mid;
  return used_ratio > average_fill ? load_class::high : load_class::low;
}

load_statistic measure(model::medium medium, std::span<const load_line> lines, double threshold) {
  load_statistic all{.medium = medium, .average = average_of(lines), .average_score = 0, .rows = {}};
  double counted = 0;
  for (const auto& line : lines) {
    if (line.load.total_bytes <= 0)
      continue;
    const double weight = capacity_coefficient(line.load.fill());
    all.rows.push_back({.backend = line.backend,
                        .cluster = {},
                        .available = line.available,
                        .used_bytes = static_cast<std::uint64_t>(std::max(0.0, line.load.used_bytes)),
                        .capacity_bytes = static_cast<std::uint64_t>(line.load.total_bytes),
                        .used_ratio = line.load.fill(),
                        .replicas = static_cast<std::uint64_t>(std::llround(line.load.replicas)),
                        .capacity_coefficient = weight,
                        .replica_coefficient = 1 - weight,
                        .score = load_score(line.load, all.average)});
    if (line.counts()) {
      all.average_score += all.rows.back().score;
      ++counted;
    }
  }
  all.average_score = counted > 0 ? all.average_score / counted : 0;
  for (auto& row : all.rows)
    if (row.available)
      row.class_of_load = classify(row.score, all.average_score, threshold);
  return all;
}

double move_gain(const medium_load& from, const medium_load& to, double bytes, const load_average& average,
                 double average_score) {
  const auto distance = [&](medium_load load, double sign) {
    load.used_bytes += sign * bytes;
    load.replicas += sign;
    return std::abs(load_score(load, average) - average_score);
  };
  return distance(from, 0) + distance(to, 0) - distance(from, -1) - distance(to, 1);
}

} // namespace tabletd::model
