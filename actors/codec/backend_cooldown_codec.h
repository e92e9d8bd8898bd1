#pragma once
// Cooldown between the leader and its backends, as the leader speaks and hears it (schemas/backend.capnp, section cooldown).
// Total: ids and numbers are taken as they come, the model and the fold judge them.
#include "actors/model/catalog.h"
#include "actors/model/cooldown_handler.h"
#include "schemas/backend.capnp.h"
#include "schemas/mail.capnp.h"
#include "schemas/sealed.h"

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tabletd::codec {

/// A phase this version does not know counts as `stuck`, and says so.
[[nodiscard]] model::cooldown_reported decode_cooldown_report(wire::CooldownReport::Reader from);
/// `request` is 0: the answer goes back the way the question came.
[[nodiscard]] model::publication_asked decode_publication(wire::PublicationAsked::Reader from);
[[nodiscard]] model::deletion_asked decode_deletion(wire::DeletionAsked::Reader from);

void fill_resource(wire::RemoteResource::Builder to, const model::resource& from);

struct cooldown_ack {
  model::tablet_id tablet{};
  model::acknowledge_report what;
};
[[nodiscard]] sealed<wire::CooldownAcks> seal_cooldown_acks(const std::vector<cooldown_ack>& acks);
[[nodiscard]] sealed<wire::PublicationJudged> seal_publication_verdict(model::publication_verdict verdict);
[[nodiscard]] sealed<wire::DeletionJudged> seal_deletion_verdict(bool confirmed, const std::string& why);

/// What these replicas shall know, by the catalog alone: what it does not hold was not committed (U8).  A tablet that
/// is not under a policy is told resource 0 and `never`.  All resources of the catalog are told with them.  Replicas that are gone are left out.
[[nodiscard]] sealed<wire::CooldownOrders> seal_cooldown_orders(
  const model::catalog& cat, std::span<const std::pair<model::tablet_id, model::replica_id>> replicas, model::time_ms lease);

}  // namespace tabletd::codec
