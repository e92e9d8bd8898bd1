#pragma once
// The clock by which actors measure deadlines and pauses: it never steps, and a test moves it by
// hand.  What goes into the log or before a person's eyes is stamped by a wall clock instead.
#include "actors/model/ids.h"
#include <chrono>

namespace tabletd {

template <class Self>
[[nodiscard]] model::time_ms now(Self* self) {
  return std::chrono::duration_cast<model::time_ms>(self->clock().now().time_since_epoch());
}

} // namespace tabletd
