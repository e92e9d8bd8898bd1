#pragma once
// Tries a remote store before a resource may name it: where the console's port meets persistence/remote.
#include "actors/console/console_jobs.h"

namespace tabletd {

/// How long CREATE RESOURCE waits for a store.
inline constexpr std::chrono::seconds store_patience{20};

/// See resource_probe.
[[nodiscard]] std::string ask_store(const store_to_try& store, const std::atomic<bool>& over);
[[nodiscard]] std::string leftovers_in(const store_to_try& store, const std::atomic<bool>& over);

}  // namespace tabletd
