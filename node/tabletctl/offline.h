#pragma once
// tabletctl offline: the model without a cluster (docs/offline.md).
#include "node/tabletctl/exit_code.h"
#include "node/tabletctl/text_sink.h"
#include <string>

namespace tabletd::ctl {

struct offline_diagnose {
  std::string json_path; ///< - is standard input.
  bool why = false;
};

struct offline_simulate {
  std::string scenario_path; ///< - is standard input.
  std::string plot_path;     ///< Empty: no picture.
};

/// Output to `out`; what is wrong with the input to standard error: exit_failed.
exit_code run_offline(const offline_diagnose& what, text_sink& out);
/// A failed assertion and a broken invariant are exit_failed as well, with the line on standard error.
exit_code run_offline(const offline_simulate& what, text_sink& out);

} // namespace tabletd::ctl
