#pragma once
// How far a LOAD or EXPORT is: a bar on a terminal, a line each ten seconds elsewhere.
// Time is an argument, so the text is testable.
#include "node/tabletctl/text_sink.h"
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace tabletd::ctl {

struct transfer_state {
  enum class way { load, unload };
  way direction = way::load;
  std::string path;
  std::uint64_t bytes = 0;
  std::uint64_t bytes_total = 0; ///< 0: not known (a pipe).
};

using progress_clock = std::chrono::steady_clock;

/// "load UnicodeData.txt  [#####-----]  46 %  4.6 GiB/10.0 GiB  312.0 MiB/s  18 s left"
[[nodiscard]] std::string progress_text(const transfer_state& state,
                                        std::chrono::duration<double> elapsed);

/// Draws on `out` (standard error).  A transfer that ends within a second leaves no trace.
class progress_meter {
public:
  progress_meter(text_sink& out, bool terminal) : out_(out), terminal_(terminal) {}
  void update(const transfer_state& state, progress_clock::time_point now);
  /// Takes the bar off the terminal.
  void finish();

private:
  text_sink& out_;
  bool terminal_;
  std::optional<progress_clock::time_point> begun_;
  progress_clock::time_point drawn_{};
  bool on_screen_ = false;
};

} // namespace tabletd::ctl
