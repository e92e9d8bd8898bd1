#pragma once
// Prints a result's rows.  Nothing is collected: every format walks the message that came
// from the server, the table twice (once for widths).
#include "node/tabletctl/text_sink.h"
#include "schemas/console.capnp.h"
#include <optional>
#include <string>
#include <string_view>

namespace tabletd::ctl {

enum class row_format { table, vertical, tsv, csv, json, jsonl, markdown };
[[nodiscard]] std::optional<row_format> parse_row_format(std::string_view name);
[[nodiscard]] std::string_view name(row_format format);

struct print_style {
  row_format format = row_format::table;
  bool header = true;
  /// Unset: NULL in table, vertical and markdown, \N in tsv, empty in csv.  JSON has its own null.
  std::optional<std::string> null_text{};
  bool color = false;        ///< State words in table and vertical.
  std::size_t width_max = 0; ///< > 0: a wider table is printed vertically.
};

/// table, vertical and markdown are for people: byte counts and durations get units.  The
/// others are for programs: durations are seconds, times RFC 3339, integers plain numbers.
void print_rows(text_sink& out, api::RowSet::Reader rows, const print_style& style);

/// The text of one value in the machine form; null is "".
[[nodiscard]] std::string value_text(api::Value::Reader value, api::Column::Reader column);

} // namespace tabletd::ctl
