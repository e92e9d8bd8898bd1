#pragma once
// The load of every backend on one medium, in the words of SHOW PROC
// '/cluster_balance/cluster_load_stat/<medium>', and which of them are worth balancing.
// Classes and the rule of a good move: spec/replica.md 5.2 and 5.3 (S21).
#include "actors/model/load_score.h"
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::model {

/// balance_load_score_threshold: how far from the average score MID reaches.
inline constexpr double load_score_threshold = 0.1;

enum class load_class : std::uint8_t {
  init, ///< Not judged: the backend is dead, leaving, or has not said how big its disks are.
  low,
  mid,
  high,
};
[[nodiscard]] std::string_view name(load_class which); ///< "HIGH"

/// One row of the view; its columns in order.
struct load_row {
  backend_id backend{};
  std::string cluster; ///< Empty until backends belong to clusters.
  bool available = false;
  std::uint64_t used_bytes{};
  std::uint64_t capacity_bytes{};
  double used_ratio{}; ///< Shown in percent.
  std::uint64_t replicas{};
  double capacity_coefficient{};
  double replica_coefficient{};
  double score{};
  load_class class_of_load = load_class::init;
};

struct load_statistic {
  model::medium medium{};
  load_average average;
  double average_score{};     ///< Over the backends that count.
  std::vector<load_row> rows; ///< As the lines; only backends that have the medium.
};
[[nodiscard]] load_statistic measure(model::medium medium, std::span<const load_line> lines,
                                     double threshold = load_score_threshold);

/// HIGH and LOW are more than `threshold` (relative) away from the average.
[[nodiscard]] load_class classify(double value, double average, double threshold);

/// What a replica of `bytes` going from one backend to another is worth: by how much the two
/// come nearer to the average score together.  The averages stay; at most 0: not worth it.
[[nodiscard]] double move_gain(const medium_load& from, const medium_load& to, double bytes,
                               const load_average& average, double average_score);
[[nodiscard]] inline bool is_more_balanced(const medium_load& from, const medium_load& to, double bytes,
                                           const load_average& average, double average_score) {
  return move_gain(from, to, bytes, average, average_score) > 0;
}

/// Classes of the paths of one backend and medium by their used ratio.  A path is MID as long
/// as it is within `threshold` of the average fill, or within `path_spread_min` (absolute): a
/// nearly empty disk that is twice as full as another is nobody's trouble (D24, doris#7368).
inline constexpr double path_spread_min = 0.025;
[[nodiscard]] load_class classify_path(double used_ratio, double average_fill, double threshold);

} // namespace tabletd::model
