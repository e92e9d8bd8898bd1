#pragma once
// The two things this binary can be.
#include "node/config.h"

namespace tabletd {

/// Runs until SIGTERM; returns what main() returns.  `ready_fd`: gets one line when the node
/// serves; -1: nobody asked.  Throws storage_error, kj::Exception or config_error.
int run_fe(const fe_config& config, int ready_fd);
int run_be(const be_config& config, int ready_fd);

} // namespace tabletd
