#pragma once
// The node's log: one record a line on stderr, text for people on a terminal, JSON for
// machines otherwise (design/ecosystem.md 4.1).  No files, no rotation: that is the
// service manager's work.
#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>

namespace tabletd {

enum class log_level : std::uint8_t { debug, info, warn, error };
[[nodiscard]] std::string_view name(log_level level); ///< "warn"
[[nodiscard]] std::optional<log_level> parse_log_level(std::string_view text);

/// A typed value with its name; numbers stay numbers in JSON.
struct log_field {
  using value_type = std::variant<std::string, std::int64_t, std::uint64_t, double, bool>;
  log_field(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
  log_field(std::string_view k, const std::string& v) : key(k), value(v) {}
  log_field(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
  log_field(std::string_view k, bool v) : key(k), value(v) {}
  log_field(std::string_view k, double v) : key(k), value(v) {}
  log_field(std::string_view k, std::signed_integral auto v) : key(k), value(static_cast<std::int64_t>(v)) {}
  log_field(std::string_view k, std::unsigned_integral auto v) : key(k), value(static_cast<std::uint64_t>(v)) {}
  std::string_view key;
  value_type value;
};
using log_fields = std::initializer_list<log_field>;

enum class log_format : std::uint8_t {
  automatic, ///< Text if stderr is a terminal, else JSON.
  text,
  json,
};

struct log_options {
  log_level least = log_level::info;
  log_format format = log_format::automatic;
  std::string role{};          ///< "fe" or "be"; goes into every JSON record.
  std::string node{};
  std::ostream* to = nullptr;  ///< Null: stderr.  Tests only; must outlive the log.
  bool has_journal = false;    ///< Prefix "<6>" and the like, as journald reads it.
};

/// From the environment: has_journal if JOURNAL_STREAM is set.
[[nodiscard]] log_options log_options_of_process();
/// Replaces the log.  Before the first call records go to stderr as `automatic`.
void open_log(const log_options& options);
/// Changes the least level that is written.
void set_log_level(log_level least);

/// log(log_level::warn, "backend did not answer", {{"backend", id}, {"waited_ms", 300}})
/// Any thread.  The message is a constant; what varies goes into fields.
void log(log_level level, std::string_view message, log_fields fields = {});

inline void log_debug(std::string_view message, log_fields fields = {}) { log(log_level::debug, message, fields); }
inline void log_info(std::string_view message, log_fields fields = {}) { log(log_level::info, message, fields); }
inline void log_warn(std::string_view message, log_fields fields = {}) { log(log_level::warn, message, fields); }
inline void log_error(std::string_view message, log_fields fields = {}) { log(log_level::error, message, fields); }

/// For what may repeat thousands of times: at most one record a minute per `key`, which says
/// how many it stands for.
void log_once(std::string_view key, log_level level, std::string_view message, log_fields fields = {});

/// Records written so far; index: log_level.
[[nodiscard]] std::array<std::uint64_t, 4> log_counts();

/// Which repetition may speak.  Bounded: a key that is forgotten merely speaks again.
class repeat_filter {
public:
  static constexpr std::chrono::minutes quiet{1};
  static constexpr std::size_t keys_max = 1'024;
  /// How many records this one stands for (1: itself), or nothing if it must be silent.
  std::optional<std::uint64_t> admit(std::string_view key, std::chrono::steady_clock::time_point now);

private:
  struct entry {
    std::chrono::steady_clock::time_point spoke;
    std::uint64_t silenced = 0;
  };
  std::map<std::string, entry, std::less<>> entries_;
};

/// `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

} // namespace tabletd
