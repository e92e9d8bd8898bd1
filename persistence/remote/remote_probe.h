#pragma once
// Finds out whether a store keeps the promise that fences uploaders: put_if_absent refuses a second object.  A
// store that ignores the condition must be refused at the start and not be discovered by lost data.
#include "persistence/remote/remote_store.h"

namespace tabletd {

struct probe_outcome {
  bool conditional_create = false;
  std::string sentence;  ///< What was seen, and what to do if the store cannot be used.
};

/// Puts a small object `tabletd-probe/<64 random bits>` twice, looks which stayed, and removes it.  `random` must
/// be new each time.  Throws what the store throws when it cannot be asked.
[[nodiscard]] probe_outcome probe_conditional_create(remote_store& store, std::uint64_t random,
                                                     const time_left_fn& time_left);

}  // namespace tabletd
