#pragma once
// Cooldown as a backend says and hears it: actors/model/cooldown_*.h <-> schemas/backend.capnp, section cooldown.
#include "actors/model/cooldown_replica.h"
#include "schemas/backend.capnp.h"
#include "schemas/sealed.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tabletd::codec {

/// One replica's part of CooldownOrders.
struct cooldown_order {
  model::tablet_id tablet{};
  model::replica_id replica{};
  model::cooldown_conf conf;
  model::resource_id resource{};  ///< 0: no policy.
  std::optional<model::cooling_rule> rule;
  bool recall = false;  ///< What is remote comes back.
  friend bool operator==(const cooldown_order&, const cooldown_order&) = default;
};
[[nodiscard]] cooldown_order decode(wire::CooldownOrder::Reader from);

[[nodiscard]] model::published_meta decode(wire::PublishedMeta::Reader from);
void encode(const model::published_meta& meta, wire::PublishedMeta::Builder to);
void encode(const model::remote_meta_id& id, wire::RemoteMetaId::Builder to);
void encode(model::tablet_id tablet, const model::cooldown_reported& report, wire::CooldownReport::Builder to);
[[nodiscard]] model::publication_verdict decode(wire::PublicationVerdict from);

/// Where a remote store is, as the leader says it.
struct resource_definition {
  model::resource_id id{};
  bool is_s3 = false;
  std::vector<std::pair<std::string, std::string>> properties;
  std::uint64_t version{};  ///< Grows with every ALTER.
  friend bool operator==(const resource_definition&, const resource_definition&) = default;
};
[[nodiscard]] resource_definition decode(wire::RemoteResource::Reader from);

}  // namespace tabletd::codec
