#pragma once
// The command line of tabletctl (docs/tabletctl.md).

namespace tabletd::ctl {

/// Returns what main() returns: see exit_code.h.
int run_tabletctl(int argc, char** argv);

} // namespace tabletd::ctl
