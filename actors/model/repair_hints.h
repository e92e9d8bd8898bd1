#pragma once
// When a hint of ADMIN REPAIR TABLE has done its work (spec/replica.md 3.1, without its [FIX]es).
#include "actors/model/catalog.h"
#include <vector>

namespace tabletd::model {

/// Of the hinted partitions those whose time is over or all of whose tablets are well or beyond
/// repair, by table.  Work: the tablets of the hinted partitions.
[[nodiscard]] std::vector<repair_unhinted> hints_to_end(const catalog& cat, time_ms wall);

} // namespace tabletd::model
