// `tabletd play`, and the story its tour tells.
//
// The tour runs with four backends and three replicas, so one backend may be away at any
// time and every tablet still has a place to be repaired to.  Two that are away at once
// would leave only two places for three replicas; hence the order:
//
//   1  fe1 and be1..be4 start
//   2  the file is loaded; the SHA-256 of its sorted lines is kept
//   3  be1 dies: every tablet is repaired onto be2..be4
//   4  be1 returns with stale replicas: they are fenced off and deleted; be1 is empty now
//   5  be2 dies; as soon as a tablet counts as unhealthy fe1 is killed too, so repairs are
//      queued, ordered or half copied; fe1 starts again and must finish them - onto be1,
//      the only backend with room for them
//   6  be2 returns, as be1 did in 4
//   7  one byte of a segment file changes under a live backend: the export that meets it
//      reads another replica, and the damaged one is made anew
//   8  the table is exported; its sorted lines have the digest of step 2
//
// With a group of front ends there is one step more, after 2: the leader dies in the middle
// of a load, which must be finished without anybody's help; and in 5 it is the leader that is
// killed, whichever that is, and another one that finishes the repairs.
#include "node/play/play.h"
#include "node/play/cluster.h"
#include "node/play/tour.h"
#include "node/tabletctl/console.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/interactive.h"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace tabletd::play {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::string_view marker = "tabletd-play"; ///< Says that play made a directory.
constexpr auto demo_table = "demo.lines";
constexpr std::uint32_t demo_tablets = 16;
constexpr std::uint32_t replicas_max = 3;

/// The directory everything lives in.  A temporary one is removed at the end, a named one stays.
class play_directory {
public:
  explicit play_directory(const std::string& named) {
    if (named.empty()) {
      auto pattern = (fs::temp_directory_path() / "tabletd-play-XXXXXX").string();
      if (!::mkdtemp(pattern.data()))
        throw play_failure(fmt::format("no temporary directory: {}", std::strerror(errno)));
      path_ = pattern;
      temporary_ = true;
      return;
    }
    path_ = fs::absolute(named);
    fs::create_directories(path_);
    if (fs::is_empty(path_)) {
      std::ofstream(path_ / marker)
        << "made by tabletd play; everything in here may be deleted by it\n";
      return;
    }
    if (!fs::exists(path_ / marker))
      throw play_failure(fmt::format(
        "{} is not empty and not from an earlier play; name another directory", path_.string()));
    for (const auto& one : fs::directory_iterator(path_))
      if (one.path().filename() != marker)
        fs::remove_all(one.path());
  }
  play_directory(const play_directory&) = delete;
  ~play_directory() {
    std::error_code ignored;
    if (temporary_)
      fs::remove_all(path_, ignored);
  }
  void keep() { temporary_ = false; }
  [[nodiscard]] const fs::path& path() const { return path_; }

private:
  fs::path path_;
  bool temporary_ = false;
};

std::string own_binary() { return fs::read_symlink("/proc/self/exe").string(); }

std::string usage_fault(const play_options& options) {
  if (options.fe != 1 && options.fe != 3 && options.fe != 5)
    return "--frontends takes 1, 3 or 5: of an even number no more may be lost than of one less";
  if (options.be < 1 || options.be > 64)
    return "--be takes 1 to 64 backends";
  if (options.paths < 1 || options.paths > 12)
    return "--paths takes 1 to 12 disks a backend";
  if (options.tour && options.be != 4)
    return "the tour is written for four backends; use --be 4";
  if (options.data.find('\0') != std::string::npos || !fs::exists(options.data))
    return fmt::format(
      "there is no file {}; Debian's package unicode-data has the default one, --data names "
      "another",
      options.data);
  return {};
}

// -- the console's \play -----------------------------------------------------------------

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    const auto begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos)
      return out;
    text.remove_prefix(begin);
    const auto end = std::min(text.find(' '), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

void carry_out(cluster& on, const std::vector<std::string>& words) {
  const auto& verb = words[0];
  auto& node = on.node(words[1]);
  if (verb == "kill")
    node.kill();
  else if (verb == "start")
    on.start_node(words[1]);
  else if (verb == "pause")
    node.pause();
  else if (verb == "resume")
    node.resume();
  else
    throw play_failure(
      fmt::format("\\play has no '{}'; it knows ls, kill, start, pause and resume", verb));
}

void add_play_console_command(ctl::console& to, cluster& on) {
  to.add_command(
    "play", "ls | kill|start|pause|resume NODE", "do it to a node of this cluster",
    [&to, &on](std::string_view arguments) {
      const auto words = words_of(arguments);
      try {
        if (words.size() == 2)
          carry_out(on, words);
        else if (words.size() != 1 || words[0] != "ls")
          throw play_failure("as in \\play kill be3, or \\play ls");
        to.err().write(words.size() == 1
                         ? on.overview()
                         : fmt::format("{} is {}\n", words[1], name(on.node(words[1]).state())));
        return ctl::exit_ok;
      } catch (const play_failure& why) {
        to.err().write(fmt::format("error [play]: {}\n", why.what()));
        return ctl::exit_failed;
      }
    });
}

// -- what play does ----------------------------------------------------------------------

void introduce(cluster& on, const play_options& options, const fs::path& dir, double seconds,
               const std::string& loaded) {
  std::printf("tabletd play: a cluster of %zu processes in %s, ready after %.1f s\n%s",
              on.nodes().size(), dir.c_str(), seconds, on.overview().c_str());
  std::printf("demo: %s from %s, %u tablets, %u replicas each\n      %s\n", demo_table,
              options.data.c_str(), demo_tablets, std::min(replicas_max, options.be),
              loaded.c_str());
  std::printf("%s", fast_settings_text().c_str());
  std::printf(
    "\ntry:  SHOW PROC '/statistic';\n"
    "      \\play kill be%u    -- then watch:  \\watch 1 SHOW PROC "
    "'/cluster_balance/running_tablets';\n"
    "      EXPORT TABLE %s TO '/tmp/lines.out';\n"
    "from another terminal:  tabletctl %s\n\n",
    options.be, demo_table, on.consoles().c_str());
  std::fflush(stdout);
}

ctl::console_options console_options_for(bool interactive) {
  ctl::console_options options;
  options.interactive = options.timing = interactive;
  options.vertical = interactive ? ctl::expanded::automatic : ctl::expanded::off;
  options.style.format
    = ::isatty(STDOUT_FILENO) == 1 ? ctl::row_format::table : ctl::row_format::tsv;
  return options;
}

int run_statements(cluster& on, const play_options& options) {
  ctl::file_sink out{STDOUT_FILENO};
  ctl::file_sink err{STDERR_FILENO};
  const bool interactive
    = options.statements.empty() && !options.no_console && ::isatty(STDIN_FILENO) == 1;
  ctl::console to{on.server(), console_options_for(interactive), out, err};
  add_play_console_command(to, on);
  if (interactive)
    return ctl::run_interactive(to);
  for (const auto& statement : options.statements)
    if (const auto code = to.run_text(statement); code != ctl::exit_ok)
      return code;
  if (!options.statements.empty())
    return ctl::exit_ok;
  if (!options.no_console)
    return to.run_stream(STDIN_FILENO, {});
  std::printf("running until Ctrl-C\n");
  std::fflush(stdout);
  while (on.server().sleep(1h)) {
  }
  return ctl::exit_ok;
}

int play_on(cluster& on, const play_options& options, const fs::path& dir) {
  const auto begun = steady::now();
  if (options.tour) {
    run_tour(on, {options.data, dir, demo_table, demo_tablets, replicas_max});
    std::printf("the tour took %.1f s; every step held\n",
                std::chrono::duration<double>(steady::now() - begun).count());
    return ctl::exit_ok;
  }
  on.start();
  const auto loaded
    = load_demo(on, options.data, demo_table, demo_tablets, std::min(replicas_max, options.be));
  introduce(on, options, dir, std::chrono::duration<double>(steady::now() - begun).count(), loaded);
  return run_statements(on, options);
}

void leave_running(cluster& on, const fs::path& dir) {
  std::string pids;
  for (const auto& one : on.nodes())
    if (one->pid() > 0)
      pids += fmt::format(" {}", one->pid());
  std::printf("the nodes go on in %s\n  connect:  tabletctl %s\n  stop:     kill%s\n", dir.c_str(),
              on.consoles().c_str(), pids.c_str());
}

} // namespace

CLI::App* add_play_command(CLI::App& app, play_options& to) {
  auto* play
    = app.add_subcommand("play", "Run a cluster on this machine with demo rows and a console");
  play->add_option("--frontends,--fe", to.fe, "Front ends: 1, or a group of 3 or 5")->capture_default_str();
  play->add_option("--be", to.be, "Backends")->capture_default_str();
  play->add_option("--paths", to.paths, "Disks of each backend")->capture_default_str();
  play->add_option("--data", to.data, "The file to load")->type_name("FILE")->capture_default_str();
  play
    ->add_option("--dir", to.dir,
                 "Where everything lives; default: a temporary directory that goes away")
    ->type_name("DIR");
  play->add_flag("--keep", to.keep, "Leave the nodes running at the end");
  play->add_flag("--no-console", to.no_console, "Run until Ctrl-C");
  play->add_flag("--tour", to.tour,
                 "Kill, corrupt and compare without questions; exit code 0 if every step held");
  play->add_option("-e,--execute", to.statements, "Run STATEMENT and end; repeatable")
    ->take_all()
    ->type_name("STATEMENT")
    ->expected(1);
  return play;
}

int run_play(const play_options& options) {
  ctl::use_utf8_locale();
  if (const auto fault = usage_fault(options); !fault.empty()) {
    std::fprintf(stderr, "tabletd play: %s\n", fault.c_str());
    return ctl::exit_usage;
  }
  ctl::capture_interrupts();
  try {
    play_directory dir{options.dir};
    cluster on{{dir.path(), own_binary(), options.fe, options.be, options.paths, options.keep}};
    try {
      const int code = play_on(on, options, dir.path());
      if (options.keep) {
        dir.keep();
        leave_running(on, dir.path());
      } else {
        on.stop();
      }
      return code;
    } catch (const ctl::client_failure& why) {
      if (why.why() != ctl::trouble::interrupted)
        dir.keep();
      throw;
    } catch (const std::exception&) {
      dir.keep(); // The logs say what the message does not.
      std::fprintf(stderr, "tabletd play: logs and data are kept in %s\n", dir.path().c_str());
      throw;
    }
  } catch (const ctl::client_failure& why) {
    std::fprintf(stderr, "tabletd play: %s\n", why.what());
    return why.why() == ctl::trouble::interrupted ? ctl::exit_interrupted : ctl::exit_failed;
  } catch (const std::exception& why) {
    std::fprintf(stderr, "tabletd play: %s\n", why.what());
    return ctl::exit_failed;
  }
}

} // namespace tabletd::play
