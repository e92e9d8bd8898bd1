#pragma once
// May a backend leave?  Asked before ALTER SYSTEM DECOMMISSION BACKEND: a decommission that can
// never finish is refused with the table that stands in its way (spec/replica.md 9.2, C13).
#include "actors/model/catalog.h"
#include "actors/model/statement_result.h"
#include <optional>

namespace tabletd::model {

/// Names the first table of the backend's cluster whose replicas would find too few other
/// available backends - hosts, where they are kept on different ones - of that cluster.
[[nodiscard]] std::optional<statement_error> decommission_refusal(const catalog& cat, const backend& leaving);

} // namespace tabletd::model
