#include "actors/warmup/warmup_board.h"

namespace tabletd {

void warmup_board::show(model::warmup_job_id job, model::backend_id backend, model::warmup_lane_standing how) {
  const std::lock_guard held{mutex_};
  lanes_.insert_or_assign({job, backend}, std::move(how));
}

void warmup_board::take_down(model::warmup_job_id job) {
  const std::lock_guard held{mutex_};
  lanes_.erase(lanes_.lower_bound({job, model::backend_id{}}),
               lanes_.lower_bound({model::warmup_job_id{model::raw(job) + 1}, model::backend_id{}}));
}

void warmup_board::clear() {
  const std::lock_guard held{mutex_};
  lanes_.clear();
}

std::optional<model::warmup_lane_standing> warmup_board::find(model::warmup_job_id job, model::backend_id backend) const {
  const std::lock_guard held{mutex_};
  const auto at = lanes_.find({job, backend});
  return at == lanes_.end() ? std::nullopt : std::optional{at->second};
}

std::uint64_t warmup_board::live_bytes(model::warmup_job_id job) const {
  const std::lock_guard held{mutex_};
  std::uint64_t bytes = 0;
  for (auto at = lanes_.lower_bound({job, model::backend_id{}}); at != lanes_.end() && at->first.first == job; ++at)
    bytes += at->second.live_bytes;
  return bytes;
}

std::map<warmup_board::key, model::warmup_lane_standing> warmup_board::lanes() const {
  const std::lock_guard held{mutex_};
  return lanes_;
}

}  // namespace tabletd
