// Statements and their exit codes; see console.h.  Client commands are in
// console_commands.cpp.
#include "node/tabletctl/console.h"
#include "node/tabletctl/display.h"
#include <fmt/format.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>

namespace tabletd::ctl {

namespace {

constexpr std::size_t read_bytes = 64U << 10;

std::string_view name_of(trouble why) {
  switch (why) {
    case trouble::cannot_connect:
    case trouble::connection_lost: return "connection";
    case trouble::login_refused: return "login";
    case trouble::timed_out: return "timeout";
    case trouble::interrupted: return "interrupted";
  }
  return "connection";
}

exit_code code_of(trouble why) {
  switch (why) {
    case trouble::timed_out: return exit_timed_out;
    case trouble::interrupted: return exit_interrupted;
    default: return exit_unreachable;
  }
}

/// Waits until `fd` has something; false if Ctrl-C came first.  SIGINT is blocked outside
/// (capture_interrupts), so it is let in for exactly this wait.
bool wait_readable(int fd) {
  sigset_t open_mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &open_mask);
  sigdelset(&open_mask, SIGINT);
  pollfd one{fd, POLLIN, 0};
  while (true) {
    const bool again = ::ppoll(&one, 1, nullptr, &open_mask) < 0 && errno == EINTR;
    // The handler may also run when input is ready, so what it noted is asked, not errno.
    if (interrupt_pending(true))
      return false;
    if (!again)
      return true; // Input, its end, or an error that read() will name.
  }
}

std::string rows_text(std::uint32_t rows) {
  return rows == 1 ? "1 row" : fmt::format("{} rows", rows);
}

} // namespace

console::console(client& server, console_options options, file_sink& out, file_sink& err)
  : server_(server),
    options_(std::move(options)),
    out_(out),
    err_(err) {
  // A listing of millions of rows must stop at Ctrl-C although nothing waits for the server.
  out_.before_write([] {
    if (interrupt_pending(true))
      throw client_failure(trouble::interrupted, "interrupted; the listing is not complete");
  });
  server_.on_notice([this](const std::string& sentence) {
    if (meter_)
      meter_->finish(); // The line must not be written into the bar.
    out_.flush();
    err_.write(fmt::format("note: {}\n", printable(sentence)));
    err_.flush();
  });
  add_builtin_commands();
}

console::~console() {
  server_.on_notice({});
  out_.before_write({});
  if (output_fd_ >= 0) {
    try {
      out_.redirect(STDOUT_FILENO);
    } catch (const std::exception&) {
      // The failed write was reported when it happened.
    }
    ::close(output_fd_);
  }
}

bool console::must_stop(exit_code code) const {
  if (code == exit_ok)
    return false;
  return !options_.keep_going || code == exit_unreachable || code == exit_interrupted;
}

exit_code console::run_text(std::string_view text) {
  splitter pieces;
  pieces.feed(text);
  pieces.finish();
  return run_ready(pieces, {}, exit_ok);
}

exit_code console::run_stream(int fd, const std::string& name) {
  splitter pieces;
  std::array<char, read_bytes> buffer{};
  exit_code worst = exit_ok;
  while (!quitting_) {
    if (!wait_readable(fd))
      return exit_interrupted;
    const auto n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return usage_error(fmt::format("{} could not be read: {}",
                                     name.empty() ? "standard input" : name, std::strerror(errno)));
    if (n == 0)
      pieces.finish();
    else
      pieces.feed({buffer.data(), static_cast<std::size_t>(n)});
    worst = run_ready(pieces, name, worst);
    if (must_stop(worst) || n == 0)
      break;
    if (pieces.pending_bytes() > statement_bytes_max)
      return usage_error(
        fmt::format("{}: a statement is longer than {} bytes; is a quote or a comment left open?",
                    name.empty() ? "standard input" : name, statement_bytes_max));
  }
  return worst;
}

/// Runs what is complete.  The first failure is what counts, also when more follow.
exit_code console::run_ready(splitter& from, std::string_view file, exit_code so_far) {
  while (auto next = from.next()) {
    const auto code = run(*next, file);
    if (must_stop(code))
      return so_far == exit_ok || code == exit_unreachable || code == exit_interrupted ? code
                                                                                       : so_far;
    if (so_far == exit_ok)
      so_far = code;
    if (quitting_)
      break;
  }
  return so_far;
}

exit_code console::run(const piece& what, std::string_view file) {
  exit_code code = exit_ok;
  try {
    code = what.what == piece::kind::command ? run_command(what.text) : run_statement(what, file);
    out_.flush();
  } catch (const output_failure& failure) {
    if (failure.reader_gone())
      throw; // Whoever read has seen enough.
    err_.write(fmt::format("error [output]: {}\n", failure.what()));
    code = exit_failed;
  }
  err_.flush();
  return code;
}

exit_code console::run_statement(const piece& what, std::string_view file) {
  last_statement_ = what;
  auto& meter = meter_.emplace(err_, ::isatty(STDERR_FILENO) == 1);
  try {
    const auto got = server_.execute(what.text, [&meter](const transfer_state& state) {
      meter.update(state, progress_clock::now());
    });
    meter.finish();
    return show(got, what, file);
  } catch (const client_failure& failure) {
    meter.finish();
    return report(failure);
  }
}

print_style console::style_for(const piece& what) const {
  auto style = options_.style;
  if (style.format != row_format::table)
    return style;
  if (what.vertical || options_.vertical == expanded::on)
    style.format = row_format::vertical;
  else if (options_.vertical == expanded::automatic)
    style.width_max = terminal_width(STDOUT_FILENO).value_or(0);
  return style;
}

exit_code console::show(const answer& got, const piece& what, std::string_view file) {
  const auto took = options_.timing ? fmt::format(" ({:.3f} s)", got.elapsed_s) : std::string{};
  for (const auto& warning : got.warnings)
    err_.write(warning_text(warning));
  switch (got.what) {
    case answer::kind::rows:
      print_rows(out_, got.rows(), style_for(what));
      out_.flush();
      if (options_.timing)
        err_.write(rows_text(got.rows().getRows().size()) + took + "\n");
      return exit_ok;
    case answer::kind::done:
      err_.write((got.message.empty() ? "ok" : got.message) + took + "\n");
      return exit_ok;
    case answer::kind::error:
      out_.flush(); // Rows of earlier statements come before this error also on one terminal.
      err_.write(error_text(
        got.error, {what.text, what.vertical ? "\\G" : ";", file, what.line, what.column}));
      return got.error.code == api::ErrorCode::TIMEOUT ? exit_timed_out : exit_failed;
  }
  return exit_failed;
}

exit_code console::report(const client_failure& failure) {
  out_.flush();
  err_.write(fmt::format("error [{}]: {}\n", name_of(failure.why()), failure.what()));
  return code_of(failure.why());
}

exit_code console::usage_error(const std::string& sentence) {
  out_.flush();
  err_.write(fmt::format("error [usage]: {}\n", sentence));
  err_.flush();
  return exit_usage;
}

} // namespace tabletd::ctl
