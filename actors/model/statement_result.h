#pragma once
// What a statement answers, as a value: an error, a message, or a table with typed cells.
// actors/codec/console_codec.h writes it into schemas/console.capnp; formatting is the client's.
#include "actors/model/ids.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tabletd::model {

/// Ordinals are those of api.ErrorCode (schemas/console.capnp); the codec asserts it.
enum class error_code : std::uint16_t {
  unspecified,
  syntax,
  not_found,
  already_exists,
  invalid_argument,
  failed_precondition,
  conflict,
  not_leader,
  unavailable,
  timeout,
  cancelled,
  unauthenticated,
  permission_denied,
  resource_exhausted,
  unsupported,
  internal,
  data_loss,
};

/// Where in the statement's text.  Line and column are 1-based and count characters, offset
/// and length count bytes; line 0: nowhere.
struct text_position {
  std::uint32_t line{};
  std::uint32_t column{};
  std::uint32_t offset{};
  std::uint32_t length{};
  friend bool operator==(const text_position&, const text_position&) = default;
};

struct statement_error {
  error_code code = error_code::unspecified;
  std::string message; ///< What and why.
  std::string hint;    ///< The next step; may be empty.
  text_position at;
  std::vector<std::string> expected; ///< Syntax errors: what could have stood there.
  std::string leader;                ///< not_leader: "host:port", if known.
  std::uint32_t retry_after_ms{};    ///< 0: no advice.
  bool outcome_unknown = false;      ///< It may have taken effect, or may still.
  friend bool operator==(const statement_error&, const statement_error&) = default;
};

/// It happened; `affected` counts objects or rows.
struct statement_done {
  std::string message;
  std::uint64_t affected{};
  friend bool operator==(const statement_done&, const statement_done&) = default;
};

/// Ordinals are those of api.ValueType.
enum class value_type : std::uint16_t { unknown, boolean, int64, uint64, float64, text, timestamp };

struct column {
  std::string_view name;
  value_type type = value_type::text;
  std::string_view hint; ///< "bytes", "duration" (of milliseconds), "state" or empty.
  friend bool operator==(const column&, const column&) = default;
};

/// A cell; monostate is null.
struct timestamp {
  time_ms at{};
  friend bool operator==(const timestamp&, const timestamp&) = default;
};
using cell
  = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, timestamp>;
using cell_row = std::vector<cell>; ///< As many values as there are columns.

struct table_value {
  std::vector<column> columns;
  std::vector<cell_row> rows;
  friend bool operator==(const table_value&, const table_value&) = default;
};

struct statement_result {
  std::string_view statement; ///< statement_row::kind, "" if it did not parse.
  double elapsed_ms{};
  std::vector<statement_error> warnings;
  std::variant<statement_error, statement_done, table_value> body;
};

} // namespace tabletd::model
