#pragma once
// What is to be seen of checkpoints: counters for the metrics, and the rows of SHOW PROC '/checkpoint'.
#include "actors/checkpoint/ports.h"
#include "actors/metered.h"

namespace tabletd {

inline constexpr std::array<double, 9> attempt_seconds_bounds{.1, .5, 1, 5, 10, 30, 60, 300, 1'800};

/// Written by the controller (attempts: of the terms this node led), read by anybody.
struct checkpoint_progress {
  using number = std::atomic<std::uint64_t>;
  number done{};
  number failed{};
  number pushed{};
  number push_refused{};
  std::atomic<std::int64_t> last_done_ms{};  ///< Wall clock; 0: never.
  atomic_histogram<attempt_seconds_bounds.size()> attempt_seconds{attempt_seconds_bounds};  ///< From order to image on the leader.
  std::atomic<bool> is_running{false};
  checkpoint_view_cell view;
};
using checkpoint_progress_ptr = std::shared_ptr<checkpoint_progress>;

struct checkpoint_sight {
  const model::checkpoint_controller& controller;
  std::uint64_t bytes_since_image{};
  std::string last_ending;
};
[[nodiscard]] std::vector<std::pair<std::string, std::string>> rows_of(const checkpoint_sight& from);

/// "100400 (1234 bytes), 100000 (1200 bytes)", or "none".
[[nodiscard]] std::string listed(const std::vector<model::image_mark>& images);

} // namespace tabletd
