#pragma once
// The clock of leases: it never steps, and it goes on while the machine sleeps or the process is stopped (U1).
#include "actors/model/ids.h"

#include <ctime>

namespace tabletd {

/// Since the machine was started.
[[nodiscard]] inline model::time_ms boot_clock_now() {
  ::timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return model::time_ms(now.tv_sec * 1'000 + now.tv_nsec / 1'000'000);
}

}  // namespace tabletd
