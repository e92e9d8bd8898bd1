// The edits of warm-up jobs; see edit_codec.cpp.
#include "actors/codec/edit_words.h"
#include "actors/codec/wire_words.h"

#include <capnp/message.h>  // KJ_REQUIRE comes with it.

namespace tabletd::codec::edit_words {

// -- what the image says too -------------------------------------------------------------

namespace {

constexpr std::uint16_t state_count = 4;
constexpr std::uint16_t event_count = 2;

void fill_sync(wire::WarmupDefinition::Sync::Builder to, const warmup_sync& from) {
  std::visit(overloaded{[&](const sync_once&) { to.setOnce(); },
                        [&](const sync_periodic& p) {
                          to.setIntervalMs(static_cast<std::uint64_t>(p.interval.count()));
                        },
                        [&](const sync_on_event& e) { to.setOnEvent(static_cast<wire::WarmupEvent>(e.event)); }},
             from);
}
warmup_sync read_sync(wire::WarmupDefinition::Sync::Reader from) {
  switch (from.which()) {
    case wire::WarmupDefinition::Sync::ONCE:
      return sync_once{};
    case wire::WarmupDefinition::Sync::INTERVAL_MS:
      return sync_periodic{time_ms{static_cast<std::int64_t>(from.getIntervalMs())}};
    case wire::WarmupDefinition::Sync::ON_EVENT:
      KJ_REQUIRE(static_cast<std::uint16_t>(from.getOnEvent()) < event_count,
                 "a warm-up job follows an event this version does not know",
                 static_cast<unsigned>(from.getOnEvent()));
      return sync_on_event{static_cast<warmup_event>(from.getOnEvent())};
  }
  KJ_FAIL_REQUIRE("when a warm-up job runs is a case this version does not know",
                  static_cast<unsigned>(from.which()));
}

}  // namespace

void fill(wire::WarmupDefinition::Builder to, const warmup_definition& from) {
  to.setIsTable(from.type == warmup_type::table);
  to.setSrc(text(from.src));
  to.setDst(text(from.dst));
  auto targets = to.initTargets(size_of(from.targets));
  for (unsigned i = 0; i < targets.size(); ++i) {
    targets[i].setTable(raw(from.targets[i].table));
    targets[i].setPartition(raw(from.targets[i].partition));
  }
  to.setForce(from.force);
  fill_sync(to.initSync(), from.sync);
  to.setSkips(from.on_error == warmup_on_error::skip);
  to.setRejects(from.when_busy == warmup_when_busy::reject);
}
warmup_definition read(wire::WarmupDefinition::Reader from) {
  warmup_definition to;
  to.type = from.getIsTable() ? warmup_type::table : warmup_type::cluster;
  to.src = text(from.getSrc());
  to.dst = text(from.getDst());
  for (auto t : from.getTargets())
    to.targets.push_back({table_id{t.getTable()}, partition_id{t.getPartition()}});
  to.force = from.getForce();
  to.sync = read_sync(from.getSync());
  to.on_error = from.getSkips() ? warmup_on_error::skip : warmup_on_error::cancel;
  to.when_busy = from.getRejects() ? warmup_when_busy::reject : warmup_when_busy::queue;
  return to;
}

wire::WarmupState state_of(warmup_state from) { return static_cast<wire::WarmupState>(from); }
warmup_state state_of(wire::WarmupState from) {
  KJ_REQUIRE(static_cast<std::uint16_t>(from) < state_count, "a warm-up job is in a state this version does not know",
             static_cast<unsigned>(from));
  return static_cast<warmup_state>(from);
}

void fill(capnp::List<wire::WarmupLanePlan>::Builder to, const std::vector<warmup_lane_plan>& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setBackend(raw(from[i].backend));
    auto batches = to[i].initBatches(size_of(from[i].batches));
    for (unsigned j = 0; j < batches.size(); ++j) {
      const auto& batch = from[i].batches[j];
      fill(batches[j].initTablets(size_of(batch.tablets)), batch.tablets);
      batches[j].setBytes(batch.bytes);
    }
  }
}
std::vector<warmup_lane_plan> read(capnp::List<wire::WarmupLanePlan>::Reader from) {
  std::vector<warmup_lane_plan> to;
  to.reserve(from.size());
  for (auto lane : from) {
    auto& into = to.emplace_back(warmup_lane_plan{backend_id{lane.getBackend()}, {}});
    into.batches.reserve(lane.getBatches().size());
    for (auto batch : lane.getBatches())
      into.batches.push_back({read_ids<tablet_id>(batch.getTablets()), batch.getBytes()});
  }
  return to;
}

void fill(capnp::List<wire::SkippedLane>::Builder to, const std::vector<skipped_lane>& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setBackend(raw(from[i].backend));
    to[i].setWhy(text(from[i].why));
  }
}
std::vector<skipped_lane> read(capnp::List<wire::SkippedLane>::Reader from) {
  std::vector<skipped_lane> to;
  to.reserve(from.size());
  for (auto lane : from)
    to.push_back({backend_id{lane.getBackend()}, text(lane.getWhy())});
  return to;
}

std::size_t words_of(const std::vector<warmup_lane_plan>& from) {
  std::size_t words = 2;
  for (const auto& lane : from) {
    words += 4;
    for (const auto& batch : lane.batches)
      words += 4 + batch.tablets.size();
  }
  return words;
}

// -- the edits ---------------------------------------------------------------------------

void fill(wire::Edit::Builder to, const warmup_created& e) {
  auto created = to.initWarmupCreated();
  fill(created.initWhat(), e.what);
  fill(created.initLanes(size_of(e.lanes)), e.lanes);
}
warmup_created read(wire::WarmupCreated::Reader from) { return {read(from.getWhat()), read(from.getLanes())}; }

void fill(wire::Edit::Builder to, const warmup_begun& e) {
  auto begun = to.initWarmupBegun();
  begun.setJob(raw(e.job));
  begun.setRun(e.run);
  if (e.lanes)
    fill(begun.initPlan().initLanes(size_of(*e.lanes)), *e.lanes);
  else
    begun.initPlan().setAsCreated();
}
warmup_begun read(wire::WarmupBegun::Reader from) {
  warmup_begun e{warmup_job_id{from.getJob()}, from.getRun(), std::nullopt};
  if (from.getPlan().isLanes())
    e.lanes = read(from.getPlan().getLanes());
  return e;
}

void fill(wire::Edit::Builder to, const batch_warmed& e) {
  auto warmed = to.initBatchWarmed();
  warmed.setJob(raw(e.job));
  warmed.setRun(e.run);
  warmed.setBackend(raw(e.backend));
  warmed.setBatch(e.batch);
  warmed.setBytes(e.bytes);
  warmed.setFailedTablets(e.failed_tablets);
  fill(warmed.initNamedTablets(size_of(e.named_tablets)), e.named_tablets);
}
batch_warmed read(wire::BatchWarmed::Reader from) {
  return {warmup_job_id{from.getJob()}, from.getRun(),   backend_id{from.getBackend()},
          from.getBatch(),              from.getBytes(), from.getFailedTablets(),
          read_ids<tablet_id>(from.getNamedTablets())};
}

void fill(wire::Edit::Builder to, const warmup_ended& e) {
  auto ended = to.initWarmupEnded();
  ended.setJob(raw(e.job));
  ended.setRun(e.run);
  ended.setHow(state_of(e.how));
  ended.setErr(text(e.err));
  fill(ended.initSkipped(size_of(e.skipped)), e.skipped);
}
warmup_ended read(wire::WarmupEnded::Reader from) {
  return {warmup_job_id{from.getJob()}, from.getRun(), state_of(from.getHow()), text(from.getErr()),
          read(from.getSkipped())};
}

void fill(wire::Edit::Builder to, const warmup_paused& e) { to.setWarmupPaused(raw(e.job)); }
void fill(wire::Edit::Builder to, const warmup_resumed& e) { to.setWarmupResumed(raw(e.job)); }
void fill(wire::Edit::Builder to, const warmup_forgotten& e) { to.setWarmupForgotten(raw(e.job)); }

}  // namespace tabletd::codec::edit_words
