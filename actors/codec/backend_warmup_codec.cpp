#include "actors/codec/backend_warmup_codec.h"
#include "actors/codec/agent_cooldown_codec.h"
#include "actors/codec/backend_cooldown_codec.h"
#include "actors/codec/edit_words.h"
#include "actors/codec/wire_words.h"
#include "actors/model/warmup_serving.h"

#include <set>

namespace tabletd::codec {

using namespace model;
using edit_words::read_ids;
using edit_words::text;

// -- to a backend ------------------------------------------------------------------------

void fill_sources(wire::WarmupSources::Builder to, const catalog& cat, std::span<const tablet_id> tablets) {
  std::set<resource_id> named;
  auto list = to.initTablets(size_of(tablets));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setTablet(raw(tablets[i]));
    if (const auto* t = cat.tablets.find(tablets[i]))
      list[i].setPartition(raw(t->partition));
    const auto* meta = remote_of(cat, tablets[i]);
    encode(meta ? *meta : nothing_remote({}), list[i].initMeta());
    if (meta)
      named.insert(meta->resource);
  }
  auto resources = to.initResources(size_of(named));
  unsigned at = 0;
  for (const auto id : named)
    fill_resource(resources[at++], *cat.resources.find(id));
}

std::size_t words_of_sources(const catalog& cat, std::size_t tablets) {
  return 16 + cat.resources.size() * 64 + tablets * 20;
}

namespace {

void fill(wire::WarmupRequest::Builder to, const catalog& cat, const slot_request& from, bool forced, time_ms wait) {
  to.setEpoch(from.fence.epoch);
  to.setJob(raw(from.fence.job));
  to.setRun(from.fence.run);
  auto what = to.getWhat();
  std::visit(overloaded{[&](const get_slot&) {
                          what.setGet();
                          to.setWaitMs(static_cast<std::uint32_t>(wait.count()));
                        },
                        [&](const set_job& e) { what.setSetJob(e.resume_from); },
                        [&](const set_batch& e) {
                          auto set = what.initSetBatch();
                          set.setBatch(e.batch);
                          set.setForced(forced);
                          fill_sources(set.initSources(), cat, e.tablets);
                        },
                        [&](const clear_job&) { what.setClear(); }},
             from.what);
}

std::size_t words_of(const catalog& cat, const slot_request& from) {
  const auto* set = std::get_if<set_batch>(&from.what);
  return set ? 32 + words_of_sources(cat, set->tablets.size()) : 32;
}

}  // namespace

sealed<wire::WarmupCall> seal_slot_request(const catalog& cat, const slot_request& what, bool forced, time_ms wait) {
  return seal<wire::WarmupCall>([&](auto to) { fill(to.initRequest(), cat, what, forced, wait); }, words_of(cat, what));
}
sealed<wire::WarmupCall> seal_state_call(std::uint32_t partitions) {
  return seal<wire::WarmupCall>([&](auto to) { to.setState(partitions); }, 8);
}
sealed<wire::WarmupCall> seal_push(const catalog& cat, std::span<const tablet_id> tablets) {
  return seal<wire::WarmupCall>([&](auto to) { fill_sources(to.initPush(), cat, tablets); },
                                words_of_sources(cat, tablets.size()));
}
sealed<wire::WarmupCall> seal_verify(const catalog& cat, std::span<const tablet_id> tablets) {
  return seal<wire::WarmupCall>([&](auto to) { fill_sources(to.initVerify(), cat, tablets); },
                                words_of_sources(cat, tablets.size()));
}

// -- from a backend ----------------------------------------------------------------------

slot_reply decode_slot_reply(wire::WarmupReply::Reader from) {
  KJ_REQUIRE(from.getVerdict() <= static_cast<std::uint8_t>(slot_verdict::not_finished),
             "a backend answers a warm-up request in a way this version does not know", from.getVerdict());
  return {static_cast<slot_verdict>(from.getVerdict()),
          from.getBoot(),
          from.getEpochSeen(),
          warmup_job_id{from.getJob()},
          from.getRun(),
          from.getCur(),
          from.getDone(),
          from.getRunning(),
          from.getBytesDone(),
          from.getFailedTablets(),
          read_ids<tablet_id>(from.getNamedTablets())};
}

cache_state decode(wire::CacheState::Reader from) {
  cache_state to{from.getBoot(), from.getCapacityBytes(), from.getUsedBytes(), {}};
  for (auto heat : from.getHottest())
    to.hottest.push_back({partition_id{heat.getPartition()}, heat.getBytes()});
  return to;
}

push_result decode(wire::WarmupDone::Reader from) {
  return {from.getBytesDone(), from.getFailedTablets(), read_ids<tablet_id>(from.getNamedTablets()),
          text(from.getWhy())};
}

cache_share decode(wire::CacheShare::Reader from) {
  return {from.getSoundBytes(), from.getDamagedBytes(), from.getMissingBytes()};
}
void encode(const cache_share& from, wire::CacheShare::Builder to) {
  to.setSoundBytes(from.sound_bytes);
  to.setDamagedBytes(from.damaged_bytes);
  to.setMissingBytes(from.missing_bytes);
}

// -- plans -------------------------------------------------------------------------------

namespace {

void fill(capnp::List<wire::WarmupPlannedLane>::Builder to, const std::vector<planned_lane>& from) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setBackend(raw(from[i].backend));
    auto tablets = to[i].initTablets(size_of(from[i].tablets));
    auto bytes = to[i].initTabletBytes(tablets.size());
    for (unsigned j = 0; j < tablets.size(); ++j) {
      tablets.set(j, raw(from[i].tablets[j].tablet));
      bytes.set(j, from[i].tablets[j].bytes);
    }
    to[i].setBytes(from[i].bytes);
    to[i].setCacheBytes(from[i].cache_bytes);
    to[i].setExcessBytes(from[i].excess_bytes);
  }
}

}  // namespace

sealed<wire::WarmupPlanned> seal_planned(const warmup_plan_result& plan) {
  std::size_t words = 32;
  if (const auto* made = std::get_if<warmup_plan>(&plan))
    for (const auto& lane : made->lanes)
      words += 10 + 2 * lane.tablets.size();
  return seal<wire::WarmupPlanned>(
      [&](auto to) {
        std::visit(overloaded{[&](const warmup_plan& made) { fill(to.initLanes(size_of(made.lanes)), made.lanes); },
                              [&](const warmup_not_planned& refused) {
                                auto why = to.initRefused();
                                why.setWhy(static_cast<std::uint8_t>(refused.why));
                                why.setText(text(refused.text));
                              }},
                   plan);
      },
      words);
}

warmup_plan_result decode_planned(wire::WarmupPlanned::Reader from) {
  if (from.isRefused())
    return warmup_not_planned{static_cast<warmup_plan_refusal>(from.getRefused().getWhy()),
                              text(from.getRefused().getText())};
  warmup_plan plan;
  for (auto lane : from.getLanes()) {
    auto& to = plan.lanes.emplace_back(
        planned_lane{backend_id{lane.getBackend()}, {}, lane.getBytes(), lane.getCacheBytes(), lane.getExcessBytes()});
    for (unsigned i = 0; i < lane.getTablets().size(); ++i)
      to.tablets.push_back({tablet_id{lane.getTablets()[i]}, lane.getTabletBytes()[i], to.backend});
    plan.bytes += to.bytes;
    plan.cache_bytes += to.cache_bytes;
  }
  return plan;
}

}  // namespace tabletd::codec
