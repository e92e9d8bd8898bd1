// Options in, console or one of the small commands out; see tabletctl.h.
#include "node/tabletctl/tabletctl.h"
#include "node/tabletctl/address.h"
#include "node/tabletctl/console.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/interactive.h"
#include "node/tabletctl/offline.h"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>

namespace tabletd::ctl {

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto health_poll = 200ms;

struct command_line {
  std::string addresses;
  std::string server; ///< The same, as an option.
  std::vector<std::string> statements;
  std::vector<std::string> files;
  std::string database;
  std::string format;
  std::string null_text;
  std::string limit;
  std::string health_limit = "60s";
  bool no_header = false;
  bool keep_going = false;
  bool yes = false;
  bool health = false;
  bool health_wait = false;
  bool status = false;
  std::optional<offline_command> offline;
};

void declare_image(CLI::App& offline, command_line& to) {
  auto* image = offline.add_subcommand("image", "Look at a checkpoint image");
  image->require_subcommand(1);
  auto* verify = image->add_subcommand("verify", "Read all of it and say whether it is sound");
  const auto verified = std::make_shared<offline_image_verify>();
  verify->add_option("FILE", verified->path, "An image.<journal id>")->required();
  verify->add_flag("--load", verified->load, "Make the catalog too, and look at its invariants");
  verify->callback([&to, verified] { to.offline = *verified; });
  auto* dump = image->add_subcommand("dump", "Print what is in it, one value a line");
  const auto dumped = std::make_shared<offline_image_dump>();
  dump->add_option("FILE", dumped->path, "An image.<journal id>")->required();
  dump->add_option("--section", dumped->section, "Only this one, as `image verify` calls it")->type_name("NAME");
  const auto format = std::make_shared<std::string>("text");
  dump->add_option("--format", *format, "text or json")->check(CLI::IsMember({"text", "json"}))->type_name("FORMAT");
  dump->callback([&to, dumped, format] {
    dumped->json = *format == "json";
    to.offline = *dumped;
  });
}

void declare_journal(CLI::App& offline, command_line& to) {
  auto* journal = offline.add_subcommand("journal", "Look at an edit log");
  journal->require_subcommand(1);
  auto* dump = journal->add_subcommand("dump", "Print its entries, one a line");
  const auto dumped = std::make_shared<offline_journal_dump>();
  dump->add_option("DIR", dumped->directory, "The data directory of a stopped front end, or a copy of it")->required();
  dump->add_option("--from", dumped->from, "First entry")->type_name("N");
  dump->add_option("--to", dumped->to, "Last entry")->type_name("N");
  const auto format = std::make_shared<std::string>("text");
  dump->add_option("--format", *format, "text or jsonl")->check(CLI::IsMember({"text", "jsonl"}))->type_name("FORMAT");
  dump->callback([&to, dumped, format] {
    dumped->jsonl = *format == "jsonl";
    to.offline = *dumped;
  });
}

/// What needs no cluster.
void declare_offline(CLI::App& app, command_line& to) {
  auto* offline = app.add_subcommand("offline", "Ask the repair model, or look at the files of a node that is not running");
  offline->require_subcommand(1);
  auto* diagnose
    = offline->add_subcommand("diagnose", "Say what is wrong with every tablet and what is done about it, as JSON");
  const auto said = std::make_shared<offline_diagnose>();
  diagnose->add_option("--json", said->json_path, "The cluster's description, docs/offline.md (- is standard input)")
    ->type_name("FILE")
    ->required();
  diagnose->add_flag("--why", said->why, "With the verdict on every path that was looked at");
  diagnose->callback([&to, said] { to.offline = *said; });
  auto* simulate = offline->add_subcommand("simulate", "Play a scenario through the repair model in virtual time");
  const auto played = std::make_shared<offline_simulate>();
  simulate
    ->add_option("SCENARIO", played->scenario_path, "One command a line, docs/offline.md (- is standard input)")
    ->required();
  simulate->add_option("--plot", played->plot_path, "Draw its course into FILE, an SVG")->type_name("FILE");
  simulate->callback([&to, played] { to.offline = *played; });
  declare_image(*offline, to);
  declare_journal(*offline, to);
}

void declare(CLI::App& app, command_line& to) {
  app.set_version_flag("--version", "tabletctl " TABLETD_VERSION);
  app.add_option("ADDRESS", to.addresses,
                 "HOST:PORT or unix:/PATH, several separated by commas.  Default: "
                 "$TABLETCTL_ADDRESS, $TABLETCTL_SERVER, /run/tabletd/fe.sock, 127.0.0.1:9020");
  app.add_option("--server", to.server, "ADDRESS, for those who look for an option")->type_name("ADDRESS");
  app.add_option("-e,--execute", to.statements, "Run STATEMENT and leave; repeatable")
    ->take_all()
    ->type_name("STATEMENT")
    ->expected(1);
  app
    .add_option("-f,--file", to.files,
                "Run the statements of FILE (- is standard input); repeatable")
    ->take_all()
    ->type_name("FILE")
    ->expected(1);
  app
    .add_option("-D,--database", to.database, "The database that table names without one belong to")
    ->type_name("NAME");
  app
    .add_option(
      "--format", to.format,
      "table, vertical, tsv, csv, json, jsonl or markdown; default: table on a terminal, else tsv")
    ->check([](const std::string& name) {
      return parse_row_format(name)
               ? std::string{}
               : "no such format; choose table, vertical, tsv, csv, json, jsonl or markdown";
    });
  app.add_flag("--no-header", to.no_header, "Rows only");
  app.add_option("--null", to.null_text, "Print TEXT where there is no value")->type_name("TEXT");
  app
    .add_option("--timeout", to.limit,
                "Give a statement up after SPAN (500ms, 60s, 5m): exit code 4")
    ->type_name("SPAN");
  app.add_flag("--keep-going", to.keep_going,
               "Run on after a failed statement; the exit code is that of the first");
  app.add_flag("--yes", to.yes, "Do not ask before dangerous statements");
  auto* health = app.add_subcommand(
    "health", "Ask how the cluster is: exit code 0 green, 10 not, 4 timed out");
  health->add_flag("--wait", to.health_wait, "Wait until it is green");
  health->add_option("--timeout", to.health_limit, "How long --wait waits")
    ->type_name("SPAN")
    ->capture_default_str();
  health->callback([&to] { to.health = true; });
  app.add_subcommand("status", "Say who answers and how the cluster is")->callback([&to] {
    to.status = true;
  });
  declare_offline(app, to);
  app.require_subcommand(0, 1);
  app.footer(
    "Exit codes: 0 ok, 1 statement failed, 2 usage, 3 no connection, 4 timed out, 10 unhealthy, "
    "130 interrupted.");
}

exit_code fail(exit_code code, const std::string& sentence) {
  std::fprintf(stderr, "tabletctl: %s\n", sentence.c_str());
  return code;
}

exit_code code_of(const client_failure& failure) {
  return failure.why() == trouble::interrupted ? exit_interrupted
         : failure.why() == trouble::timed_out ? exit_timed_out
                                               : exit_unreachable;
}

// -- health and status -------------------------------------------------------------------

std::string_view name(api::HealthState state) {
  switch (state) {
    case api::HealthState::GREEN: return "green";
    case api::HealthState::YELLOW: return "yellow";
    case api::HealthState::RED: return "red";
    case api::HealthState::UNKNOWN: break;
  }
  return "unknown";
}

void print_health(file_sink& out, const health_report& health) {
  out.write(fmt::format("{}: {} of {} backends alive, {} tablets, {} unhealthy, {} unrecoverable\n",
                        name(health.state), health.backends_alive, health.backends, health.tablets,
                        health.unhealthy, health.unrecoverable));
  for (const auto& reason : health.reasons)
    out.write(fmt::format("  {}\n", printable(reason)));
}

exit_code run_health(client& server, const command_line& given) {
  const auto limit = parse_duration(given.health_limit);
  if (!limit)
    return fail(exit_usage,
                fmt::format("--timeout {} is not a span of time; write 500ms, 60s or 5m",
                            given.health_limit));
  const auto give_up = steady::now() + *limit;
  file_sink out{STDOUT_FILENO};
  std::optional<health_report> last;
  std::string unreachable;
  while (true) {
    try {
      last = server.health();
      unreachable.clear();
    } catch (const client_failure& failure) {
      // While a cluster starts, nobody listens yet.
      if (!given.health_wait || failure.why() == trouble::interrupted
          || failure.why() == trouble::login_refused)
        throw;
      unreachable = failure.what();
    }
    const bool green = unreachable.empty() && last && last->state == api::HealthState::GREEN;
    if (green || !given.health_wait || steady::now() >= give_up) {
      if (unreachable.empty() && last)
        print_health(out, *last);
      else
        out.write(unreachable + "\n");
      return green ? exit_ok : given.health_wait ? exit_timed_out : exit_unhealthy;
    }
    if (!server.sleep(health_poll))
      return exit_interrupted;
  }
}

exit_code run_status(client& server) {
  const auto who = server.connect();
  const auto health = server.health();
  file_sink out{STDOUT_FILENO};
  out.write(
    fmt::format("cluster   {}\nserver    {}, tabletd {}, node {}\nleader    {}\nuser      "
                "{}\nrevision  {}\n",
                printable(who.cluster), who.address, printable(who.version), who.node,
                health.leader.empty() ? "none known" : printable(health.leader),
                printable(who.user), health.revision));
  if (!who.group.empty())
    out.write(fmt::format("group     {}\n", printable(fmt::format("{}", fmt::join(who.group, ", ")))));
  out.write("health    ");
  print_health(out, health);
  return health.state == api::HealthState::GREEN ? exit_ok : exit_unhealthy;
}

// -- statements --------------------------------------------------------------------------

exit_code run_file(console& to, const std::string& name) {
  if (name == "-")
    return to.run_stream(STDIN_FILENO, {});
  const int fd = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(exit_usage, fmt::format("{} could not be opened: {}", name, std::strerror(errno)));
  const auto code = to.run_stream(fd, name);
  ::close(fd);
  return code;
}

/// -e first, then -f, in the order given; else standard input.
exit_code run_scripts(console& to, const command_line& given) {
  exit_code worst = exit_ok;
  const auto stop = [&](exit_code code) {
    if (worst == exit_ok || code == exit_unreachable || code == exit_interrupted)
      worst = code;
    return code != exit_ok
           && (!given.keep_going || code == exit_unreachable || code == exit_interrupted);
  };
  for (const auto& statement : given.statements)
    if (stop(to.run_text(statement)) || to.quitting())
      return worst;
  for (const auto& file : given.files)
    if (stop(run_file(to, file)) || to.quitting())
      return worst;
  if (given.statements.empty() && given.files.empty())
    stop(to.run_stream(STDIN_FILENO, {}));
  return worst;
}

console_options options_for(const command_line& given, bool interactive) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  console_options options;
  options.interactive = interactive;
  options.timing = interactive;
  options.keep_going = given.keep_going;
  options.vertical = interactive ? expanded::automatic : expanded::off;
  options.style.format
    = parse_row_format(given.format).value_or(terminal ? row_format::table : row_format::tsv);
  options.style.header = !given.no_header;
  options.style.color = terminal && !(no_color && *no_color);
  return options;
}

exit_code run_console(client& server, const command_line& given, bool null_given) {
  const bool interactive
    = given.statements.empty() && given.files.empty() && ::isatty(STDIN_FILENO) == 1;
  auto options = options_for(given, interactive);
  if (null_given)
    options.style.null_text = given.null_text;
  file_sink out{STDOUT_FILENO};
  file_sink err{STDERR_FILENO};
  console to{server, options, out, err};
  try {
    if (!interactive)
      return run_scripts(to, given);
    const auto& who = server.connect();
    err.write(fmt::format(
      "tabletd {}, cluster {}, {}.  HELP; lists statements, \\? client commands, Ctrl-D leaves.\n",
      printable(who.version), printable(who.cluster), who.address));
    err.flush();
    return run_interactive(to);
  } catch (const output_failure& failure) {
    if (!failure.reader_gone())
      fail(exit_failed, failure.what());
    return exit_failed;
  }
}

exit_code run(const command_line& given, bool null_given) {
  if (!given.addresses.empty() && !given.server.empty())
    return fail(exit_usage, "the address is given twice; leave --server or the other one out");
  const auto& named = given.addresses.empty() ? given.server : given.addresses;
  const auto addresses = parse_addresses(named.empty() ? default_addresses() : named);
  if (!addresses.error.empty())
    return fail(exit_usage, addresses.error);
  client_options options;
  options.addresses = addresses.addresses;
  options.database = given.database;
  if (!given.limit.empty()) {
    options.statement_limit = parse_duration(given.limit);
    if (!options.statement_limit || *options.statement_limit == 0ms)
      return fail(
        exit_usage,
        fmt::format("--timeout {} is not a span of time; write 500ms, 60s or 5m", given.limit));
  }
  capture_interrupts();
  client server{std::move(options)};
  try {
    if (given.health)
      return run_health(server, given);
    if (given.status)
      return run_status(server);
    return run_console(server, given, null_given);
  } catch (const client_failure& failure) {
    return fail(code_of(failure), failure.what());
  }
}

exit_code run_offline(const command_line& given) {
  file_sink out{STDOUT_FILENO};
  try {
    const auto code = std::visit([&out](const auto& what) { return run_offline(what, out); }, *given.offline);
    out.flush();
    return code;
  } catch (const output_failure& failure) {
    if (!failure.reader_gone())
      fail(exit_failed, failure.what());
    return exit_failed;
  }
}

} // namespace

int run_tabletctl(int argc, char** argv) {
  use_utf8_locale();
  command_line given;
  CLI::App app{"Runs statements on a tabletd cluster.", "tabletctl"};
  declare(app, given);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& why) {
    return app.exit(why) == 0 ? exit_ok : exit_usage;
  }
  if (given.offline)
    return run_offline(given);
  return run(given, app.count("--null") > 0);
}

} // namespace tabletd::ctl
