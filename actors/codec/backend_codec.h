#pragma once
// What a backend sends the leader: wire::TabletReport, PathStatus, BackendStatus -> model
// values (TabletState and TaskEnded are in agent_codec.h).  Total: an id or a number is taken as
// it comes, because the catalog judges it; nothing here throws on a well-formed message.
#include "actors/codec/agent_codec.h"
#include "actors/model/backend_report.h"
#include "schemas/backend.capnp.h"
#include "schemas/mail.capnp.h"

namespace tabletd::codec {

[[nodiscard]] model::backend_report decode(wire::TabletReport::Reader from);
[[nodiscard]] model::path_view decode(wire::PathStatus::Reader from);
[[nodiscard]] std::vector<model::path_view> decode(capnp::List<wire::PathStatus>::Reader from);
[[nodiscard]] model::backend_status decode(wire::BackendStatus::Reader from);

/// Everything attached() says of a backend, over what was known before.
void decode_into(model::backend_view& view, wire::AttachedFacts::Reader from);

[[nodiscard]] sealed<wire::TaskBatch> seal_tasks(const std::vector<model::agent_task>& tasks);
[[nodiscard]] sealed<wire::PublishOrder> seal_verdicts(
    model::backend_id backend, const std::vector<model::txn_verdict>& verdicts);

} // namespace tabletd::codec
