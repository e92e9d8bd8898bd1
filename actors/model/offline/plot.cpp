#include "actors/model/offline/plot.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

namespace tabletd::model::offline {

namespace {

// The drawing, in its own units.
constexpr double width = 960;
constexpr double left = 70;
constexpr double right = 20;
constexpr double top = 50;
constexpr double panel_height = 170;
constexpr double panel_gap = 45;
constexpr std::array backend_colors{"#4e79a7", "#f28e2b", "#59a14f", "#e15759",
                                    "#76b7b2", "#edc948", "#b07aa1", "#9c755f"};

/// One decimal, the same on every machine.
std::string number(double value) {
  const auto tenths = std::llround(value * 10);
  auto text = std::to_string(tenths / 10);
  if (const auto rest = std::abs(tenths % 10); rest != 0)
    text += '.' + std::to_string(rest);
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string label(double x, double y, std::string_view anchor, std::string_view text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + std::string{anchor} + "\">"
         + escaped(text) + "</text>\n";
}
std::string stroke(double x1, double y1, double x2, double y2, std::string_view color) {
  return "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2)
         + "\" stroke=\"" + std::string{color} + "\"/>\n";
}

struct time_unit {
  double ms;
  const char* name;
};
time_unit unit_for(time_ms span) {
  const auto ms = static_cast<double>(span.count());
  return ms > 3 * 86'400e3  ? time_unit{86'400e3, "d"}
         : ms > 3 * 3'600e3 ? time_unit{3'600e3, "h"}
         : ms > 3 * 60e3    ? time_unit{60e3, "min"}
                            : time_unit{1e3, "s"};
}

/// 1, 2 or 5 times a power of ten, so that about five fit.
double step_for(double span) {
  const double rough = std::max(span, 1e-9) / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double times : {1.0, 2.0, 5.0})
    if (rough <= times * power)
      return times * power;
  return 10 * power;
}

class picture {
public:
  picture(const std::vector<sim_sample>& samples, std::string_view title) : samples_(samples) {
    end_ms_ = samples.empty() ? 1 : std::max<double>(1, static_cast<double>(samples.back().at.count()));
    const auto height = top + 3 * (panel_height + panel_gap);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + number(width) + "\" height=\"" + number(height)
           + "\" viewBox=\"0 0 " + number(width) + ' ' + number(height)
           + "\" font-family=\"sans-serif\" font-size=\"12\">\n"
           + "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n" + label(left, 24, "start", title);
  }

  void panel(std::string_view name, double most, std::string_view unit) {
    base_ = top + panel_height + static_cast<double>(panels_++) * (panel_height + panel_gap);
    most_ = most;
    out_ += label(left, base_ - panel_height - 8, "start", name);
    const double step = step_for(most);
    for (double value = 0; value <= most * 1.0001; value += step) {
      out_ += stroke(left, y(value), width - right, y(value), value == 0 ? "#333333" : "#dddddd");
      out_ += label(left - 6, y(value) + 4, "end", number(value) + std::string{unit});
    }
    out_ += stroke(left, base_, left, base_ - panel_height, "#333333");
    const auto of = unit_for(time_ms{static_cast<std::int64_t>(end_ms_)});
    const double ticks = step_for(end_ms_ / of.ms);
    for (double at = 0; at * of.ms <= end_ms_; at += ticks)
      out_ += label(x(at * of.ms), base_ + 16, "middle", number(at) + ' ' + of.name);
  }

  void line(std::string_view color, const std::function<double(const sim_sample&)>& value, std::string_view name) {
    out_ += "<polyline fill=\"none\" stroke=\"" + std::string{color} + "\" stroke-width=\"1.5\" points=\"";
    for (const auto& s : samples_)
      out_ += number(x(static_cast<double>(s.at.count()))) + ',' + number(y(value(s))) + ' ';
    out_ += "\"><title>" + escaped(name) + "</title></polyline>\n";
  }

  std::string done() { return std::move(out_) + "</svg>\n"; }

private:
  [[nodiscard]] double x(double ms) const { return left + ms / end_ms_ * (width - left - right); }
  [[nodiscard]] double y(double value) const { return base_ - std::min(value / most_, 1.0) * panel_height; }

  const std::vector<sim_sample>& samples_;
  std::string out_;
  double end_ms_ = 1;
  double base_ = 0;
  double most_ = 1;
  int panels_ = 0;
};

} // namespace

std::string plot_svg(const std::vector<sim_sample>& samples, std::string_view title) {
  picture p{samples, title};
  p.panel("healthy tablets", 100, " %");
  p.line(
    "#2f7d32", [](const sim_sample& s) { return s.healthy * 100; }, "healthy tablets");
  std::size_t copying = 1;
  std::size_t backends = 0;
  double fullest = 0.01;
  for (const auto& s : samples) {
    copying = std::max(copying, s.copying);
    backends = std::max(backends, s.fill.size());
    for (const auto fill : s.fill)
      fullest = std::max(fullest, fill);
  }
  p.panel("copies running", static_cast<double>(copying), "");
  p.line(
    "#4e79a7", [](const sim_sample& s) { return static_cast<double>(s.copying); }, "copies running");
  p.panel("fill of each backend", fullest * 100, " %");
  for (std::size_t at = 0; at < backends; ++at)
    p.line(
      backend_colors[at % backend_colors.size()],
      [at](const sim_sample& s) { return at < s.fill.size() ? s.fill[at] * 100 : 0; },
      "backend " + std::to_string(at + 1));
  return p.done();
}

} // namespace tabletd::model::offline
