#include "node/log.h"
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <unistd.h>

namespace tabletd {

namespace {

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 4> journal_prefixes{"<7>", "<6>", "<4>", "<3>"};
constexpr std::array spdlog_levels{spdlog::level::debug, spdlog::level::info, spdlog::level::warn, spdlog::level::err};

std::size_t index_of(spdlog::level::level_enum level) {
  const auto at = std::find(spdlog_levels.begin(), spdlog_levels.end(), level);
  return at == spdlog_levels.end() ? 3 : static_cast<std::size_t>(at - spdlog_levels.begin());
}

/// Puts time, level and the node's names around the payload, which write() has encoded already.
class record_formatter final : public spdlog::formatter {
public:
  record_formatter(bool as_json, bool has_journal, std::string names)
    : as_json_(as_json), has_journal_(has_journal), names_(std::move(names)) {}

  void format(const spdlog::details::log_msg& record, spdlog::memory_buf_t& to) override {
    const auto level = index_of(record.level);
    const auto at = fmt::gmtime(std::chrono::system_clock::to_time_t(record.time));
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(record.time.time_since_epoch()).count() % 1'000;
    const std::string_view payload{record.payload.data(), record.payload.size()};
    auto out = fmt::appender(to);
    if (has_journal_)
      out = fmt::format_to(out, "{}", journal_prefixes[level]);
    if (as_json_)
      fmt::format_to(out, R"({{"ts":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}",{}{}}})"
                          "\n",
                     at, ms, level_names[level], names_, payload);
    else
      fmt::format_to(out, "{:%H:%M:%S}.{:03} {:<5} {}\n", at, ms, level_names[level], payload);
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<record_formatter>(as_json_, has_journal_, names_);
  }

private:
  bool as_json_;
  bool has_journal_;
  std::string names_;
};

struct open_logger {
  std::shared_ptr<spdlog::logger> logger;
  bool as_json = false;
};

std::shared_ptr<const open_logger> make_logger(const log_options& options) {
  spdlog::sink_ptr sink;
  if (options.to)
    sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(*options.to, true);
  else
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  const bool as_json = options.format == log_format::json
                       || (options.format == log_format::automatic && (options.to || ::isatty(STDERR_FILENO) == 0));
  const auto names = fmt::format(R"("node":{},"role":{},)", json_string(options.node), json_string(options.role));
  auto made = std::make_shared<open_logger>();
  made->as_json = as_json;
  made->logger = std::make_shared<spdlog::logger>("tabletd", std::move(sink));
  made->logger->set_formatter(std::make_unique<record_formatter>(as_json, options.has_journal, names));
  made->logger->set_level(spdlog_levels[static_cast<std::size_t>(options.least)]);
  made->logger->flush_on(spdlog::level::debug);
  return made;
}

/// Swapped whole, so that a record in flight keeps the logger it began with.
std::atomic<std::shared_ptr<const open_logger>>& the_logger() {
  static std::atomic<std::shared_ptr<const open_logger>> logger{make_logger(log_options_of_process())};
  return logger;
}

std::array<std::atomic<std::uint64_t>, 4>& counters() {
  static std::array<std::atomic<std::uint64_t>, 4> counts{};
  return counts;
}

std::string json_number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

void append_json(std::string& line, const log_field& field) {
  line += "," + json_string(field.key) + ":";
  line += std::visit(
    [](const auto& value) -> std::string {
      using type = std::decay_t<decltype(value)>;
      if constexpr (std::is_same_v<type, std::string>)
        return json_string(value);
      else if constexpr (std::is_same_v<type, double>)
        return json_number(value);
      else
        return fmt::format("{}", value);
    },
    field.value);
}

void append_text(std::string& line, const log_field& field) {
  line += fmt::format("{}{}=", line.empty() ? "" : "  ", field.key);
  std::visit(
    [&](const auto& value) {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>) {
        const bool is_plain = !value.empty() && value.find_first_of(" \t\r\n\"=") == std::string::npos;
        line += is_plain ? value : json_string(value);
      } else {
        line += fmt::format("{}", value);
      }
    },
    field.value);
}

void write(log_level level, std::string_view message, log_fields fields, std::uint64_t stands_for) {
  const auto at = the_logger().load();
  const auto spdlog_level = spdlog_levels[static_cast<std::size_t>(level)];
  if (!at->logger->should_log(spdlog_level))
    return;
  std::string line = at->as_json ? "\"msg\":" + json_string(message) : std::string(message);
  const auto append = at->as_json ? append_json : append_text;
  for (const auto& field : fields)
    append(line, field);
  if (stands_for > 1)
    append(line, {"stands_for", stands_for});
  counters()[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  at->logger->log(spdlog_level, spdlog::string_view_t{line.data(), line.size()});
}

/// Length of the UTF-8 sequence that begins at `at`, 0 if there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(at);
  if (lead < 0x80)
    return 1;
  const std::size_t length = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  if (length == 0 || at + length > text.size())
    return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80)
      return 0;
  const bool is_overlong = (lead == 0xE0 && byte(at + 1) < 0xA0) || (lead == 0xF0 && byte(at + 1) < 0x90);
  const bool is_outside = (lead == 0xED && byte(at + 1) >= 0xA0) || (lead == 0xF4 && byte(at + 1) >= 0x90);
  return is_overlong || is_outside ? 0 : length;
}

} // namespace

std::string_view name(log_level level) { return level_names[static_cast<std::size_t>(level)]; }

std::optional<log_level> parse_log_level(std::string_view text) {
  const auto at = std::find(level_names.begin(), level_names.end(), text);
  if (at == level_names.end())
    return std::nullopt;
  return static_cast<log_level>(at - level_names.begin());
}

log_options log_options_of_process() {
  log_options options;
  options.has_journal = std::getenv("JOURNAL_STREAM") != nullptr;
  return options;
}

void open_log(const log_options& options) { the_logger().store(make_logger(options)); }

void set_log_level(log_level least) {
  the_logger().load()->logger->set_level(spdlog_levels[static_cast<std::size_t>(least)]);
}

void log(log_level level, std::string_view message, log_fields fields) { write(level, message, fields, 1); }

void log_once(std::string_view key, log_level level, std::string_view message, log_fields fields) {
  static std::mutex mutex;
  static repeat_filter filter;
  std::optional<std::uint64_t> stands_for;
  {
    const std::lock_guard guard{mutex};
    stands_for = filter.admit(key, std::chrono::steady_clock::now());
  }
  if (stands_for)
    write(level, message, fields, *stands_for);
}

std::array<std::uint64_t, 4> log_counts() {
  std::array<std::uint64_t, 4> counts{};
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] = counters()[i].load(std::memory_order_relaxed);
  return counts;
}

std::optional<std::uint64_t> repeat_filter::admit(std::string_view key, std::chrono::steady_clock::time_point now) {
  auto at = entries_.find(key);
  if (at != entries_.end() && now - at->second.spoke < quiet) {
    ++at->second.silenced;
    return std::nullopt;
  }
  if (at == entries_.end()) {
    if (entries_.size() >= keys_max)
      entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
        return a.second.spoke < b.second.spoke;
      }));
    at = entries_.emplace(key, entry{}).first;
  }
  at->second.spoke = now;
  return std::exchange(at->second.silenced, 0) + 1;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const auto length = utf8_length(text, at);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (length == 0)
      out += "\xEF\xBF\xBD"; // U+FFFD
    else if (length == 1 && (static_cast<unsigned char>(c) < 0x20 || c == 0x7F))
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    else
      out += text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return out + '"';
}

} // namespace tabletd
