#pragma once
// Runs what the splitter cuts: statements through the client, client commands itself.
// Rows go to `out`, everything else to `err`, so that a pipe sees data only.
#include "node/tabletctl/client.h"
#include "node/tabletctl/exit_code.h"
#include "node/tabletctl/printer.h"
#include "node/tabletctl/splitter.h"
#include "node/tabletctl/text_sink.h"
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tabletd::ctl {

enum class expanded { off, on, automatic };

struct console_options {
  print_style style; ///< width_max is set per statement.
  expanded vertical = expanded::off;
  bool timing = false;     ///< "3 rows (0.004 s)" after every statement.
  bool keep_going = false; ///< Run on after a failed statement; the first failure is the exit code.
  bool interactive = false;
};

class console {
public:
  console(client& server, console_options options, file_sink& out, file_sink& err);
  ~console();
  console(const console&) = delete;

  /// A client command `\name ...`; `arguments` has no outer blanks.
  using command_fn = std::function<exit_code(std::string_view arguments)>;
  void add_command(std::string name, std::string usage, std::string help, command_fn run);

  /// Everything in `text` (-e).  A last statement needs no semicolon.
  exit_code run_text(std::string_view text);
  /// A file or standard input, as it arrives; `name` is what errors cite, empty for none.
  exit_code run_stream(int fd, const std::string& name);
  /// One piece; `file` as in statement_source.
  exit_code run(const piece& what, std::string_view file = {});

  [[nodiscard]] bool quitting() const { return quitting_; }
  [[nodiscard]] client& server() { return server_; }
  [[nodiscard]] file_sink& err() { return err_; }
  [[nodiscard]] std::vector<std::string> command_names() const;

private:
  struct command {
    std::string usage, help;
    command_fn run;
  };
  void add_builtin_commands();
  exit_code run_ready(splitter& from, std::string_view file, exit_code so_far);
  exit_code run_statement(const piece& what, std::string_view file);
  exit_code run_command(std::string_view line);
  exit_code show(const answer& got, const piece& what, std::string_view file);
  exit_code report(const client_failure& failure);
  exit_code usage_error(const std::string& sentence);
  [[nodiscard]] print_style style_for(const piece& what) const;
  [[nodiscard]] bool must_stop(exit_code code) const;

  exit_code watch(std::string_view arguments);
  exit_code set_output(std::string_view arguments);
  exit_code set_expanded(std::string_view arguments);
  exit_code set_timing(std::string_view arguments);
  exit_code set_format(std::string_view arguments);
  exit_code list_commands();

  client& server_;
  console_options options_;
  file_sink& out_;
  file_sink& err_;
  std::map<std::string, command, std::less<>> commands_;
  piece last_statement_;
  int output_fd_ = -1; ///< Of \o.
  bool quitting_ = false;
  std::optional<progress_meter> meter_; ///< Of the last statement.
};

} // namespace tabletd::ctl
