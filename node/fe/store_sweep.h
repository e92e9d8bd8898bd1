#pragma once
// Deletes what dropped tablets left in remote stores: where the purger's port meets persistence/remote.
#include "actors/cooldown/remote_purger.h"

#include <chrono>

namespace tabletd {

/// Of one batch; what is left then is the next one's.
inline constexpr std::chrono::minutes sweep_patience{5};

/// See remote_sweep.
[[nodiscard]] remote_sweep_result sweep_stores(const remote_sweep_task& task, const std::atomic<bool>& over);

}  // namespace tabletd
