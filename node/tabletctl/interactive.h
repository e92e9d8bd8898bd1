#pragma once
// The prompt: reads lines, runs what they complete, until Ctrl-D or \q.
#include "node/tabletctl/console.h"

namespace tabletd::ctl {

/// Lost connections and failed statements are reported and the prompt returns.
exit_code run_interactive(console& console);

/// "tabletd:play> " and, below it, what an open statement shows.
[[nodiscard]] std::string prompt_text(const std::string& cluster, splitter::open state);

} // namespace tabletd::ctl
