#include "actors/codec/agent_warmup_codec.h"
#include "actors/codec/edit_words.h"
#include "actors/codec/wire_words.h"

#include <kj/debug.h>

namespace tabletd::codec {

using namespace model;

warm_sources decode(wire::WarmupSources::Reader from) {
  warm_sources to;
  to.resources.reserve(from.getResources().size());
  for (auto r : from.getResources())
    to.resources.push_back(decode(r));
  to.tablets.reserve(from.getTablets().size());
  for (auto t : from.getTablets())
    to.tablets.push_back({tablet_id{t.getTablet()}, partition_id{t.getPartition()}, decode(t.getMeta())});
  return to;
}

warmup_request decode(wire::WarmupRequest::Reader from) {
  warmup_request to;
  to.what.fence = {from.getEpoch(), warmup_job_id{from.getJob()}, from.getRun()};
  to.wait = time_ms{from.getWaitMs()};
  const auto what = from.getWhat();
  switch (what.which()) {
    case wire::WarmupRequest::What::GET:
      to.what.what = get_slot{};
      return to;
    case wire::WarmupRequest::What::SET_JOB:
      to.what.what = set_job{what.getSetJob()};
      return to;
    case wire::WarmupRequest::What::SET_BATCH: {
      const auto set = what.getSetBatch();
      to.sources = decode(set.getSources());
      to.forced = set.getForced();
      set_batch batch{set.getBatch(), {}};
      for (const auto& t : to.sources.tablets)
        batch.tablets.push_back(t.tablet);
      to.what.what = std::move(batch);
      return to;
    }
    case wire::WarmupRequest::What::CLEAR:
      to.what.what = clear_job{};
      return to;
  }
  KJ_FAIL_REQUIRE("a warm-up request is of a kind this build does not know", static_cast<unsigned>(what.which()));
}

void encode(const slot_reply& from, wire::WarmupReply::Builder to) {
  to.setVerdict(static_cast<std::uint8_t>(from.verdict));
  to.setBoot(from.boot);
  to.setEpochSeen(from.epoch_seen);
  to.setJob(raw(from.job));
  to.setRun(from.run);
  to.setCur(from.cur);
  to.setDone(from.done);
  to.setRunning(from.running);
  to.setBytesDone(from.bytes_done);
  to.setFailedTablets(from.failed_tablets);
  edit_words::fill(to.initNamedTablets(size_of(from.named_tablets)), from.named_tablets);
}

}  // namespace tabletd::codec
