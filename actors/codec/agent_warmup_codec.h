#pragma once
// Warm-up as a backend says and hears it: actors/model/warmup_orders.h <-> schemas/backend.capnp, section warm-up.
#include "actors/codec/agent_cooldown_codec.h"
#include "actors/model/warmup_orders.h"
#include "schemas/backend.capnp.h"

#include <vector>

namespace tabletd::codec {

/// A tablet whose remote rowsets are to be had here.
struct warm_tablet {
  model::tablet_id tablet{};
  model::partition_id partition{};
  model::published_meta meta;  ///< is_recall(): nothing of it is remote.
  friend bool operator==(const warm_tablet&, const warm_tablet&) = default;
};
struct warm_sources {
  std::vector<resource_definition> resources;  ///< Those that the metas name.
  std::vector<warm_tablet> tablets;
};
[[nodiscard]] warm_sources decode(wire::WarmupSources::Reader from);

struct warmup_request {
  model::slot_request what;
  warm_sources sources;  ///< Of SET_BATCH: those of its tablets.
  bool forced = false;   ///< Of SET_BATCH.
  model::time_ms wait{}; ///< Of GET: how long the answer may wait for the batch in hand to end.
};
[[nodiscard]] warmup_request decode(wire::WarmupRequest::Reader from);
void encode(const model::slot_reply& from, wire::WarmupReply::Builder to);

}  // namespace tabletd::codec
