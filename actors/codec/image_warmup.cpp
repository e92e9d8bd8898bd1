// Warm-up jobs in an image; see image_parts.h.
#include "actors/codec/image_parts.h"
#include "actors/codec/wire_words.h"

#include <capnp/message.h>  // KJ_REQUIRE comes with it.

namespace tabletd::codec::image_parts {

using edit_words::fill;
using edit_words::read;
using edit_words::read_ids;
using edit_words::text;

void fill(wire::ImageWarmup::Builder to, warmup_job_id id, const warmup_job& from) {
  to.setId(raw(id));
  fill(to.initWhat(), from.what);
  to.setState(edit_words::state_of(from.state));
  to.setRun(from.run);
  to.setCreatedMs(from.created.count());
  to.setStartedMs(from.started.count());
  to.setFinishedMs(from.finished.count());
  to.setPaused(from.paused.has_value());
  to.setPausedMs(from.paused.value_or(time_ms{}).count());
  to.setPausedForMs(from.paused_for.count());
  to.setErr(text(from.err));
  fill(to.initPlan(size_of(*from.plan)), *from.plan);
  auto lanes = to.initLanes(size_of(from.lanes));
  for (unsigned i = 0; i < lanes.size(); ++i) {
    const auto& lane = from.lanes[i];
    lanes[i].setWarmed(lane.warmed);
    lanes[i].setBytesDone(lane.bytes_done);
    lanes[i].setFailedTablets(lane.failed_tablets);
    fill(lanes[i].initNamedTablets(size_of(lane.named_tablets)), lane.named_tablets);
  }
  fill(to.initSkipped(size_of(from.skipped)), from.skipped);
}

entry<warmup_job_id, warmup_job> read(wire::ImageWarmup::Reader from) {
  warmup_job to;
  to.id = warmup_job_id{from.getId()};
  to.what = read(from.getWhat());
  to.state = edit_words::state_of(from.getState());
  to.run = from.getRun();
  to.created = time_ms{from.getCreatedMs()};
  to.started = time_ms{from.getStartedMs()};
  to.finished = time_ms{from.getFinishedMs()};
  if (from.getPaused())
    to.paused = time_ms{from.getPausedMs()};
  to.paused_for = time_ms{from.getPausedForMs()};
  to.err = text(from.getErr());
  to.plan = std::make_shared<const std::vector<warmup_lane_plan>>(read(from.getPlan()));
  KJ_REQUIRE(from.getLanes().size() == to.plan->size(), "warmups.lanes are not those of the plan", raw(to.id));
  to.lanes.reserve(to.plan->size());
  for (std::size_t i = 0; i < to.plan->size(); ++i) {
    const auto lane = from.getLanes()[static_cast<unsigned>(i)];
    const auto& planned = (*to.plan)[i];
    KJ_REQUIRE(lane.getWarmed() <= planned.batches.size(), "warmups.lanes.warmed is more than are planned", raw(to.id));
    to.lanes.push_back({planned.backend, lane.getWarmed(), lane.getBytesDone(), lane.getFailedTablets(),
                        read_ids<tablet_id>(lane.getNamedTablets())});
  }
  to.skipped = read(from.getSkipped());
  return {to.id, std::move(to)};
}

std::size_t words_of(const warmup_job& from) {
  auto words = 40 + words_of(from.err) + words_of(from.what.src) + words_of(from.what.dst)
               + 3 * from.what.targets.size() + edit_words::words_of(*from.plan) + 5 * from.lanes.size();
  for (const auto& lane : from.lanes)
    words += lane.named_tablets.size();
  for (const auto& lane : from.skipped)
    words += 3 + words_of(lane.why);
  return words;
}

}  // namespace tabletd::codec::image_parts
