#pragma once
// Which backend of a cluster caches which tablet: who warms a tablet and who serves it must agree, at any time and
// without asking anybody.  Rendezvous hashing: every backend draws a number for the tablet, the highest wins.  So when
// a backend goes only its own tablets move, and when one comes only those that it gets.
//
// Load is not bounded on purpose: a bound would make the place of one tablet depend on all others.
#include "actors/model/ids.h"

#include <span>

namespace tabletd::model {

/// Of backends in any order; 0 if there are none.
[[nodiscard]] backend_id caching_backend(tablet_id tablet, std::span<const backend_id> backends);

}  // namespace tabletd::model
