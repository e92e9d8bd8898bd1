#pragma once
// What the programs that write in a closed loop (console_load, etcd_load) have in common: their
// options, the list of what was acknowledged, and one line of JSON in the end.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

namespace tabletd {

using steady = std::chrono::steady_clock;

struct writer_options {
  std::vector<std::string> servers;  ///< host:port; asked in order, whoever leads first if he is known.
  std::size_t writers = 64;
  std::size_t connections = 8;  ///< Shared by the writers, as evenly as it goes.
  std::size_t value_bytes = 200;
  double warm_up_s = 0.5;
  double seconds = 3;      ///< Of the measured part; 0: until SIGTERM.
  std::string prefix = "w";  ///< Of every name: a second run must have another one.
  bool drops = false;        ///< Each writer drops what it has created before it creates the next: the catalog does not grow.
  std::string log;         ///< File of what was acknowledged: monotonic ns and name per line; empty: none.
};

inline writer_options parse_writer_options(int argc, char** argv) {
  writer_options options;
  const auto number = [](std::string_view text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0)
      throw std::invalid_argument(fmt::format("'{}' is not a number", text));
    return value;
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (!name.starts_with("--")) {
      options.servers.emplace_back(name);
      continue;
    }
    if (++i == argc)
      throw std::invalid_argument(fmt::format("{} needs a value", name));
    const std::string_view value = argv[i];
    if (name == "--writers")
      options.writers = static_cast<std::size_t>(number(value));
    else if (name == "--connections")
      options.connections = static_cast<std::size_t>(number(value));
    else if (name == "--bytes")
      options.value_bytes = static_cast<std::size_t>(number(value));
    else if (name == "--warm-up")
      options.warm_up_s = number(value);
    else if (name == "--seconds")
      options.seconds = number(value);
    else if (name == "--prefix")
      options.prefix = value;
    else if (name == "--drop")
      options.drops = number(value) != 0;
    else if (name == "--log")
      options.log = value;
    else
      throw std::invalid_argument(fmt::format("unknown option {}", name));
  }
  if (options.servers.empty() || options.writers == 0)
    throw std::invalid_argument("usage: HOST:PORT... [--writers N] [--connections N] [--bytes N] [--warm-up S] "
                                "[--seconds S, 0: until SIGTERM] [--prefix TEXT] [--drop 0|1] [--log FILE]");
  options.connections = std::clamp<std::size_t>(options.connections, 1, options.writers);
  return options;
}

/// How long a writer that was turned away waits.  Spread, so that many writers do not ask in step
/// and the end of an outage is seen when it comes; the mean is tabletctl's.
class pauses {
public:
  std::chrono::milliseconds next() { return std::chrono::milliseconds(spread_(dice_)); }

private:
  std::mt19937 dice_{std::random_device{}()};
  std::uniform_int_distribution<int> spread_{50, 150};
};

class writer_report {
public:
  explicit writer_report(const writer_options& options) : measured_from_(steady::now() + since(options.warm_up_s)) {
    if (options.log.empty())
      return;
    log_.reset(std::fopen(options.log.c_str(), "we"));
    if (!log_)
      throw std::runtime_error(options.log + " could not be opened");
    std::setvbuf(log_.get(), nullptr, _IOLBF, 1 << 16);  // A reader follows it, and a kill must lose no line.
  }

  void acknowledged(std::string_view name, steady::time_point sent) {
    const auto now = steady::now();
    if (log_)
      fmt::print(log_.get(), "{} {}\n", now.time_since_epoch().count(), name);
    if (sent < measured_from_)
      return;
    last_ = now;
    latencies_us_.push_back(static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now - sent).count()));
  }
  void refused(std::string why) { ++refusals_[std::move(why)]; }

  void print() {
    std::ranges::sort(latencies_us_);
    const auto at = [&](double share) {
      return latencies_us_.empty() ? 0. : latencies_us_[static_cast<std::size_t>(share * static_cast<double>(latencies_us_.size() - 1))] / 1'000.;
    };
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto cpu_s = static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
                       + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    const auto span = std::chrono::duration<double>(last_ - measured_from_).count();
    std::string refusals;
    for (const auto& [why, count] : refusals_)
      refusals += fmt::format("{}\"{}\":{}", refusals.empty() ? "" : ",", why, count);
    fmt::print("{{\"acknowledged\":{},\"per_s\":{:.1f},\"p50_ms\":{:.3f},\"p99_ms\":{:.3f},\"max_ms\":{:.3f},"
               "\"client_cpu_s\":{:.2f},\"refused\":{{{}}}}}\n",
               latencies_us_.size(), span > 0 ? static_cast<double>(latencies_us_.size()) / span : 0., at(0.5), at(0.99), at(1),
               cpu_s, refusals);
  }

private:
  static steady::duration since(double seconds) {
    return std::chrono::duration_cast<steady::duration>(std::chrono::duration<double>(seconds));
  }
  struct closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  steady::time_point measured_from_;
  steady::time_point last_ = measured_from_;
  std::vector<std::uint32_t> latencies_us_;
  std::map<std::string, std::uint64_t> refusals_;
  std::unique_ptr<std::FILE, closer> log_;
};

}  // namespace tabletd
