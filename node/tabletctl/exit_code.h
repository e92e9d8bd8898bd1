#pragma once
// What tabletctl tells the shell (docs/tabletctl.md).  Scripts depend on these numbers.

namespace tabletd::ctl {

enum exit_code : int {
  exit_ok = 0,
  exit_failed = 1, ///< A statement failed, or a local file did.
  exit_usage = 2,
  exit_unreachable = 3, ///< No connection, a lost one, or login refused.
  exit_timed_out = 4,
  exit_unhealthy = 10, ///< `tabletctl health` asked and the answer was not green.
  exit_interrupted = 130,
};

} // namespace tabletd::ctl
