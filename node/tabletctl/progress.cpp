// The bar; see progress.h.
#include "node/tabletctl/progress.h"
#include "node/tabletctl/display.h"
#include <fmt/format.h>
#include <algorithm>

namespace tabletd::ctl {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t bar_width = 20;
constexpr auto redraw_every = 100ms; // Faster than an eye follows.
constexpr auto line_every = 10s;     // Logs of a build server (design/ecosystem.md 2.1).
constexpr auto quiet_for = 1s;

std::string rate_and_rest(const transfer_state& state, double seconds) {
  if (seconds < 0.05 || state.bytes == 0)
    return {};
  const double rate = static_cast<double>(state.bytes) / seconds;
  auto text = fmt::format("  {}/s", bytes_text(rate));
  if (state.bytes_total > state.bytes)
    text += fmt::format("  {} left",
                        duration_text(static_cast<double>(state.bytes_total - state.bytes) / rate));
  return text;
}

} // namespace

std::string progress_text(const transfer_state& state, std::chrono::duration<double> elapsed) {
  const auto slash = state.path.rfind('/');
  const auto file
    = printable(slash == std::string::npos ? state.path : state.path.substr(slash + 1));
  const auto verb = state.direction == transfer_state::way::load ? "load" : "export";
  const auto moved = static_cast<double>(state.bytes);
  if (state.bytes_total == 0)
    return fmt::format("{} {}  {}{}", verb, file, bytes_text(moved),
                       rate_and_rest(state, elapsed.count()));
  // A file that grows while it is read must not show 104 %.
  const double part = std::min(1.0, moved / static_cast<double>(state.bytes_total));
  const auto filled = static_cast<std::size_t>(part * bar_width);
  return fmt::format("{} {}  [{}{}]  {:3.0f} %  {}/{}{}", verb, file, std::string(filled, '#'),
                     std::string(bar_width - filled, '-'), part * 100, bytes_text(moved),
                     bytes_text(static_cast<double>(state.bytes_total)),
                     rate_and_rest(state, elapsed.count()));
}

void progress_meter::update(const transfer_state& state, progress_clock::time_point now) {
  if (!begun_) {
    begun_ = now;
    drawn_ = now;
    return;
  }
  const auto elapsed = now - *begun_;
  if (elapsed < quiet_for
      || now - drawn_ < (terminal_ ? redraw_every : progress_clock::duration{line_every}))
    return;
  drawn_ = now;
  const auto text = progress_text(state, elapsed);
  out_.write(terminal_ ? "\r" + text + "\x1b[K" : text + "\n");
  out_.flush();
  on_screen_ = terminal_;
}

void progress_meter::finish() {
  if (on_screen_) {
    out_.write("\r\x1b[K");
    out_.flush();
  }
  on_screen_ = false;
}

} // namespace tabletd::ctl
