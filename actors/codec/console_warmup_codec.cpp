#include "actors/codec/console_warmup_codec.h"
#include "actors/codec/edit_words.h"

namespace tabletd::codec {

sealed<wire::WarmupPlanAsked> seal_plan_question(const model::warmup_definition& what) {
  return seal<wire::WarmupPlanAsked>([&](auto to) { edit_words::fill(to.initWhat(), what); },
                                     64 + 4 * what.targets.size());
}

sealed<wire::WarmupVerifyAsked> seal_verify_question(model::warmup_job_id job) {
  return seal<wire::WarmupVerifyAsked>([&](auto to) { to.setJob(model::raw(job)); });
}

std::variant<std::vector<verified_lane>, std::string> decode_verified(wire::WarmupVerified::Reader from) {
  if (from.isRefused())
    return edit_words::text(from.getRefused());
  std::vector<verified_lane> lanes;
  for (auto lane : from.getLanes())
    lanes.push_back({model::backend_id{lane.getBackend()}, lane.getTablets(), decode(lane.getShare()),
                     edit_words::text(lane.getSilent())});
  return lanes;
}

}  // namespace tabletd::codec
