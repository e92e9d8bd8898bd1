#pragma once
// A catalog as a large cluster has it, for what is measured: tables of one partition with 64 buckets, three replicas each
// on 100 backends with 12 paths, ids in the order in which the fold hands them out, and 100,000 loads whose labels
// are kept.
#include "actors/model/catalog.h"

namespace tabletd {

/// The same for the same arguments.  The backends are alive and nobody listens where they are said to be.
[[nodiscard]] model::catalog large_catalog(std::uint64_t tablets, model::time_ms loads_ended);

} // namespace tabletd
