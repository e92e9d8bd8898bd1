// The client commands of the console: lines that begin with a backslash and never reach a
// server.
#include "node/tabletctl/console.h"
#include "node/tabletctl/display.h"
#include <fmt/format.h>
#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace tabletd::ctl {

namespace {

using namespace std::chrono_literals;

constexpr auto watch_every_default = 2s;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t;") - first + 1);
}

/// Cuts the first word off.
std::string_view first_word(std::string_view& text) {
  const auto end = std::min(text.find_first_of(" \t"), text.size());
  const auto word = text.substr(0, end);
  text = trimmed(text.substr(end));
  return word;
}

} // namespace

void console::add_command(std::string name, std::string usage, std::string help, command_fn run) {
  commands_.insert_or_assign(std::move(name),
                             command{std::move(usage), std::move(help), std::move(run)});
}

std::vector<std::string> console::command_names() const {
  std::vector<std::string> names;
  for (const auto& [name, one] : commands_)
    names.push_back("\\" + name);
  return names;
}

void console::add_builtin_commands() {
  add_command("?", "", "this list; HELP; lists the statements",
              [this](auto) { return list_commands(); });
  add_command("q", "", "leave (Ctrl-D does too)", [this](auto) {
    quitting_ = true;
    return exit_ok;
  });
  add_command("x", "[on|off|auto]",
              "one column a line; auto: when a row is wider than the terminal",
              [this](auto arguments) { return set_expanded(arguments); });
  add_command("timing", "[on|off]", "rows and time after every statement",
              [this](auto arguments) { return set_timing(arguments); });
  add_command("format", "NAME", "table, vertical, tsv, csv, json, jsonl or markdown",
              [this](auto arguments) { return set_format(arguments); });
  add_command("watch", "[SECONDS] [STATEMENT]",
              "repeat a statement, else the last one, until Ctrl-C",
              [this](auto arguments) { return watch(arguments); });
  add_command("o", "[FILE]", "write rows to FILE; without FILE: to standard output again",
              [this](auto arguments) { return set_output(arguments); });
}

exit_code console::run_command(std::string_view line) {
  line.remove_prefix(1);
  auto rest = trimmed(line);
  const auto name = first_word(rest);
  const auto found = commands_.find(name);
  if (found == commands_.end())
    return usage_error(fmt::format("there is no client command \\{}; \\? lists them", name));
  try {
    return found->second.run(rest);
  } catch (const client_failure& failure) {
    return report(failure);
  }
}

exit_code console::list_commands() {
  std::size_t width = 0;
  for (const auto& [name, one] : commands_)
    width = std::max(width, name.size() + one.usage.size() + 2);
  for (const auto& [name, one] : commands_)
    err_.write(
      fmt::format("  {:<{}}  {}\n", fmt::format("\\{} {}", name, one.usage), width, one.help));
  err_.write("A statement ends with ; or, to show one column a line, with \\G.\n");
  return exit_ok;
}

exit_code console::set_expanded(std::string_view arguments) {
  if (arguments.empty())
    options_.vertical = options_.vertical == expanded::on ? expanded::off : expanded::on;
  else if (arguments == "on")
    options_.vertical = expanded::on;
  else if (arguments == "off")
    options_.vertical = expanded::off;
  else if (arguments == "auto")
    options_.vertical = expanded::automatic;
  else
    return usage_error("\\x takes on, off or auto");
  return exit_ok;
}

exit_code console::set_timing(std::string_view arguments) {
  if (!arguments.empty() && arguments != "on" && arguments != "off")
    return usage_error("\\timing takes on or off");
  options_.timing = arguments.empty() ? !options_.timing : arguments == "on";
  return exit_ok;
}

exit_code console::set_format(std::string_view arguments) {
  const auto format = parse_row_format(arguments);
  if (!format)
    return usage_error("\\format takes table, vertical, tsv, csv, json, jsonl or markdown");
  options_.style.format = *format;
  return exit_ok;
}

exit_code console::set_output(std::string_view arguments) {
  const std::string path{arguments};
  int fd = STDOUT_FILENO;
  if (!path.empty()) {
    fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
      return usage_error(
        fmt::format("{} could not be opened for writing: {}", path, std::strerror(errno)));
  }
  out_.redirect(fd);
  if (output_fd_ >= 0)
    ::close(output_fd_);
  output_fd_ = path.empty() ? -1 : fd;
  return exit_ok;
}

exit_code console::watch(std::string_view arguments) {
  std::chrono::milliseconds every = watch_every_default;
  auto rest = arguments;
  if (!rest.empty() && (rest[0] == '.' || (rest[0] >= '0' && rest[0] <= '9'))) {
    const auto given = parse_duration(first_word(rest));
    if (!given || *given < 100ms)
      return usage_error(
        "\\watch repeats every 0.1 seconds or slower, as in \\watch 1 SHOW BACKENDS;");
    every = *given;
  }
  auto what = last_statement_;
  if (!rest.empty())
    what = {piece::kind::statement, std::string{rest}, 1, 1, false, true};
  if (what.text.empty())
    return usage_error("\\watch has no statement to repeat, as in \\watch 1 SHOW BACKENDS;");
  const bool terminal = ::isatty(STDOUT_FILENO) == 1 && output_fd_ < 0;
  while (true) {
    if (terminal) {
      out_.write("\x1b[H\x1b[2J");
      out_.write(fmt::format("every {}, Ctrl-C ends: {}\n\n",
                             duration_text(std::chrono::duration<double>(every).count()),
                             printable(what.text)));
    }
    const auto code = run_statement(what, {});
    out_.flush();
    err_.flush();
    if (code == exit_interrupted)
      return options_.interactive ? exit_ok : code;
    if (code != exit_ok)
      return code;
    if (!server_.sleep(every))
      return options_.interactive ? exit_ok : exit_interrupted;
  }
}

} // namespace tabletd::ctl
