#pragma once
// What is to be seen of the leader's warm-up beside the log: how far the lanes are with the batch in hand, and numbers for
// the metrics.  Written by the actors of the present term, read from any thread.
#include "actors/metered.h"
#include "actors/model/ids.h"
#include "actors/model/warmup_standing.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace tabletd {

inline constexpr std::array<double, 10> batch_seconds_bounds{.1, .5, 1, 5, 10, 30, 60, 300, 1'800, 7'200};

class warmup_board {
public:
  using key = std::pair<model::warmup_job_id, model::backend_id>;

  void show(model::warmup_job_id job, model::backend_id backend, model::warmup_lane_standing how);
  void take_down(model::warmup_job_id job);
  /// A term has ended: nobody knows any more.
  void clear();

  [[nodiscard]] std::optional<model::warmup_lane_standing> find(model::warmup_job_id job, model::backend_id backend) const;
  /// Over all lanes of the job.
  [[nodiscard]] std::uint64_t live_bytes(model::warmup_job_id job) const;
  [[nodiscard]] std::map<key, model::warmup_lane_standing> lanes() const;

  // Since the process began, as leader.
  std::atomic<std::uint64_t> jobs_finished{0}, jobs_cancelled{0}, jobs_failed{0};
  std::atomic<std::uint64_t> batches_ok{0}, batches_failed{0};  ///< failed: with tablets that could not be warmed.
  std::atomic<std::uint64_t> finished_bytes{0};
  atomic_histogram<batch_seconds_bounds.size()> batch_seconds{batch_seconds_bounds};  ///< From SET_BATCH to its end.
  std::atomic<std::uint64_t> pushes{0}, pushed_bytes{0};

private:
  mutable std::mutex mutex_;
  std::map<key, model::warmup_lane_standing> lanes_;
};
using warmup_board_ptr = std::shared_ptr<warmup_board>;

}  // namespace tabletd
