#pragma once
// Warm-up between the leader and its backends, as the leader speaks and hears it (schemas/backend.capnp, section warm-up).
#include "actors/model/catalog.h"
#include "actors/model/warmup_orders.h"
#include "actors/model/warmup_plan.h"
#include "schemas/backend.capnp.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"

#include <span>
#include <string>
#include <vector>

namespace tabletd::codec {

/// What is remote of these tablets by the catalog, and where; one that is gone, or has nothing remote, comes with a
/// meta that names nothing.
void fill_sources(wire::WarmupSources::Builder to, const model::catalog& cat, std::span<const model::tablet_id> tablets);
/// Words of it, roughly.
[[nodiscard]] std::size_t words_of_sources(const model::catalog& cat, std::size_t tablets);

/// `wait`: how long a backend may keep its answer to a get until its batch in hand ends.
[[nodiscard]] sealed<wire::WarmupCall> seal_slot_request(const model::catalog& cat, const model::slot_request& what,
                                                         bool forced, model::time_ms wait);
[[nodiscard]] sealed<wire::WarmupCall> seal_state_call(std::uint32_t partitions);
[[nodiscard]] sealed<wire::WarmupCall> seal_push(const model::catalog& cat, std::span<const model::tablet_id> tablets);
[[nodiscard]] sealed<wire::WarmupCall> seal_verify(const model::catalog& cat, std::span<const model::tablet_id> tablets);

/// kj::Exception if the verdict is none this version knows.
[[nodiscard]] model::slot_reply decode_slot_reply(wire::WarmupReply::Reader from);

struct partition_warmth {
  model::partition_id partition{};
  std::uint64_t bytes{};
  friend bool operator==(const partition_warmth&, const partition_warmth&) = default;
};
struct cache_state {
  std::uint64_t boot{};
  std::uint64_t capacity_bytes{};  ///< 0: it has no cache.
  std::uint64_t used_bytes{};
  std::vector<partition_warmth> hottest;  ///< Hottest first.
  friend bool operator==(const cache_state&, const cache_state&) = default;
};
[[nodiscard]] cache_state decode(wire::CacheState::Reader from);

struct push_result {
  std::uint64_t bytes_done{};
  std::uint64_t failed_tablets{};
  std::vector<model::tablet_id> named_tablets;
  std::string why;
};
[[nodiscard]] push_result decode(wire::WarmupDone::Reader from);

struct cache_share {
  std::uint64_t sound_bytes{};
  std::uint64_t damaged_bytes{};
  std::uint64_t missing_bytes{};
  friend bool operator==(const cache_share&, const cache_share&) = default;
};
[[nodiscard]] cache_share decode(wire::CacheShare::Reader from);
void encode(const cache_share& from, wire::CacheShare::Builder to);

/// A plan on its way from who makes it to who asked for it.
[[nodiscard]] sealed<wire::WarmupPlanned> seal_planned(const model::warmup_plan_result& plan);
[[nodiscard]] model::warmup_plan_result decode_planned(wire::WarmupPlanned::Reader from);

}  // namespace tabletd::codec
