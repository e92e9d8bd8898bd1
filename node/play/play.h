#pragma once
// `tabletd play`: a cluster of real processes on this machine, demo rows in it, a console on
// top (docs/play.md).
#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tabletd::play {

struct play_options {
  std::uint32_t fe = 3;
  std::uint32_t be = 4;
  std::uint32_t paths = 2; ///< Disks of each backend.
  std::string data
    = "/usr/share/unicode/UnicodeData.txt"; ///< Debian's unicode-data; lines with ';'.
  std::string dir;                          ///< Empty: a temporary one that goes away at the end.
  bool keep = false;                        ///< Leave the nodes running.
  bool no_console = false;
  bool tour = false;
  std::vector<std::string> statements;
};

/// Declares the subcommand `play`; parsing fills `to`.  The caller runs it.
CLI::App* add_play_command(CLI::App& app, play_options& to);

/// Returns what main() returns: 0 ok, 1 something failed, 2 usage, 130 interrupted.  Must be
/// called before the process has threads: it forks.
int run_play(const play_options& options);

} // namespace tabletd::play
