// The seven formats; see printer.h.
#include "node/tabletctl/printer.h"
#include "node/tabletctl/display.h"
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <vector>

namespace tabletd::ctl {

namespace {

std::string_view view(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

constexpr std::array<std::pair<row_format, std::string_view>, 7> format_names{{
  {row_format::table, "table"},
  {row_format::vertical, "vertical"},
  {row_format::tsv, "tsv"},
  {row_format::csv, "csv"},
  {row_format::json, "json"},
  {row_format::jsonl, "jsonl"},
  {row_format::markdown, "markdown"},
}};

std::string number_text(double number) {
  return std::isfinite(number) ? fmt::format("{}", number) : "";
}

/// The value as a number, for units.  A whole number with hint "duration" counts milliseconds.
std::optional<double> as_number(api::Value::Reader value) {
  switch (value.which()) {
    case api::Value::INT64: return static_cast<double>(value.getInt64());
    case api::Value::UINT64: return static_cast<double>(value.getUint64());
    case api::Value::FLOAT64: return value.getFloat64();
    default: return std::nullopt;
  }
}

std::optional<double> duration_seconds(api::Value::Reader value, api::Column::Reader column) {
  if (view(column.getHint()) != "duration")
    return std::nullopt;
  const auto number = as_number(value);
  if (number && !value.isFloat64())
    return *number / 1000;
  return number;
}

/// What a person reads in a cell; the value is not null.
std::string human_text(api::Value::Reader value, api::Column::Reader column) {
  if (const auto seconds = duration_seconds(value, column))
    return duration_text(*seconds);
  const auto number = as_number(value);
  if (number && view(column.getHint()) == "bytes")
    return bytes_text(*number);
  if (number && view(column.getHint()) == "percent")
    return fmt::format("{:.2f} %", *number);
  return printable(value_text(value, column));
}

/// A row may be shorter than the columns if the server is newer or broken: the rest is null.
api::Value::Reader cell(api::Row::Reader row, std::uint32_t column) {
  const auto values = row.getValues();
  return column < values.size() ? values[column] : api::Value::Reader{};
}

bool right_aligned(api::Column::Reader column) {
  switch (column.getType()) {
    case api::ValueType::INT64:
    case api::ValueType::UINT64:
    case api::ValueType::FLOAT64: return true;
    default: return false;
  }
}

std::string null_text(const print_style& style) {
  if (style.null_text)
    return *style.null_text;
  return style.format == row_format::tsv ? "\\N" : style.format == row_format::csv ? "" : "NULL";
}

/// Green, red or yellow for the words a state column holds.
std::string_view color_of(std::string_view word) {
  std::string lower{word};
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  for (const auto* good :
       {"true", "ok", "healthy", "normal", "online", "green", "finished", "published"})
    if (lower == good)
      return "\x1b[32m";
  for (const auto* bad :
       {"false", "bad", "dead", "offline", "red", "unrecoverable", "failed", "aborted"})
    if (lower == bad)
      return "\x1b[31m";
  return "\x1b[33m";
}

std::string colored(std::string text, api::Column::Reader column, const print_style& style) {
  if (!style.color || text.empty() || view(column.getHint()) != "state")
    return text;
  return fmt::format("{}{}\x1b[0m", color_of(text), text);
}

std::string human_cell(api::Value::Reader value, api::Column::Reader column,
                       const print_style& style) {
  return value.isNull() ? null_text(style) : human_text(value, column);
}

// -- table -------------------------------------------------------------------------------

std::vector<std::size_t> column_widths(api::RowSet::Reader rows, const print_style& style) {
  const auto columns = rows.getColumns();
  std::vector<std::size_t> widths(columns.size(), 0);
  for (std::uint32_t c = 0; style.header && c < columns.size(); ++c)
    widths[c] = display_width(printable(view(columns[c].getName())));
  for (const auto row : rows.getRows())
    for (std::uint32_t c = 0; c < columns.size(); ++c)
      widths[c] = std::max(widths[c], display_width(human_cell(cell(row, c), columns[c], style)));
  return widths;
}

void append_padded(std::string& line, const std::string& text, std::string painted,
                   std::size_t width, bool right) {
  const std::string blanks(width - std::min(width, display_width(text)), ' ');
  line += right ? blanks + painted : painted + blanks;
}

void print_table(text_sink& out, api::RowSet::Reader rows, const print_style& style,
                 const std::vector<std::size_t>& widths) {
  const auto columns = rows.getColumns();
  std::string rule = "+";
  for (const auto width : widths)
    rule += std::string(width + 2, '-') + "+";
  rule += "\n";
  out.write(rule);
  if (style.header) {
    std::string line = "|";
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      const auto title = printable(view(columns[c].getName()));
      line += ' ';
      append_padded(line, title, title, widths[c], false);
      line += " |";
    }
    out.write(line + "\n" + rule);
  }
  for (const auto row : rows.getRows()) {
    std::string line = "|";
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      const auto text = human_cell(cell(row, c), columns[c], style);
      line += ' ';
      append_padded(line, text, colored(text, columns[c], style), widths[c],
                    right_aligned(columns[c]));
      line += " |";
    }
    out.write(line += "\n");
  }
  out.write(rule);
}

void print_vertical(text_sink& out, api::RowSet::Reader rows, const print_style& style) {
  const auto columns = rows.getColumns();
  std::size_t width = 0;
  for (const auto column : columns)
    width = std::max(width, display_width(printable(view(column.getName()))));
  std::uint64_t number = 0;
  for (const auto row : rows.getRows()) {
    std::string lines = fmt::format("{:*^64}\n", fmt::format(" row {} ", ++number));
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      const auto title = printable(view(columns[c].getName()));
      append_padded(lines, title, title, width, true);
      lines
        += ": " + colored(human_cell(cell(row, c), columns[c], style), columns[c], style) + "\n";
    }
    out.write(lines);
  }
}

void print_markdown(text_sink& out, api::RowSet::Reader rows, const print_style& style) {
  const auto columns = rows.getColumns();
  const auto escaped = [](const std::string& text) {
    std::string safe;
    for (const char c : text)
      (safe += c == '|' ? "\\" : "") += c;
    return safe;
  };
  std::string head = "|";
  std::string rule = "|";
  for (const auto column : columns) {
    head += " " + escaped(printable(view(column.getName()))) + " |";
    rule += right_aligned(column) ? "---:|" : "---|";
  }
  if (style.header)
    out.write(head + "\n" + rule + "\n");
  for (const auto row : rows.getRows()) {
    std::string line = "|";
    for (std::uint32_t c = 0; c < columns.size(); ++c)
      line += " " + escaped(human_cell(cell(row, c), columns[c], style)) + " |";
    out.write(line += "\n");
  }
}

// -- for programs ------------------------------------------------------------------------

std::string tsv_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '\t': out += "\\t"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\\': out += "\\\\"; break;
      default: out += c;
    }
  }
  return out;
}

std::string csv_escaped(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos)
    return std::string{text};
  std::string out = "\"";
  for (const char c : text)
    (out += c == '"' ? "\"" : "") += c;
  return out += '"';
}

void print_separated(text_sink& out, api::RowSet::Reader rows, const print_style& style) {
  const bool tabs = style.format == row_format::tsv;
  const auto columns = rows.getColumns();
  const auto escaped
    = [tabs](std::string_view text) { return tabs ? tsv_escaped(text) : csv_escaped(text); };
  const auto separator = [tabs](std::uint32_t c) { return c == 0 ? "" : tabs ? "\t" : ","; };
  if (style.header) {
    std::string line;
    for (std::uint32_t c = 0; c < columns.size(); ++c)
      (line += separator(c)) += escaped(view(columns[c].getName()));
    out.write(line += "\n");
  }
  for (const auto row : rows.getRows()) {
    std::string line;
    for (std::uint32_t c = 0; c < columns.size(); ++c) {
      const auto value = cell(row, c);
      (line += separator(c))
        += value.isNull() ? null_text(style) : escaped(value_text(value, columns[c]));
    }
    out.write(line += "\n");
  }
}

std::string json_value(api::Value::Reader value, api::Column::Reader column) {
  switch (value.which()) {
    case api::Value::NULL_: return "null";
    case api::Value::TEXT:
    case api::Value::TIMESTAMP_MS: return json_string(value_text(value, column));
    default: break;
  }
  const auto text = value_text(value, column);
  return text.empty() ? "null" : text; // Not a number, infinity, or a type newer than this program.
}

void print_json(text_sink& out, api::RowSet::Reader rows, bool array) {
  const auto columns = rows.getColumns();
  std::vector<std::string> keys;
  for (const auto column : columns)
    keys.push_back(json_string(view(column.getName())));
  if (array)
    out.write("[");
  bool first = true;
  for (const auto row : rows.getRows()) {
    std::string object = !array ? "{" : first ? "\n  {" : ",\n  {";
    first = false;
    for (std::uint32_t c = 0; c < columns.size(); ++c)
      object += fmt::format("{}{}: {}", c == 0 ? "" : ", ", keys[c],
                            json_value(cell(row, c), columns[c]));
    out.write(object += array ? "}" : "}\n");
  }
  if (array)
    out.write(first ? "]\n" : "\n]\n");
}

} // namespace

std::optional<row_format> parse_row_format(std::string_view name) {
  for (const auto& [format, known] : format_names)
    if (name == known)
      return format;
  return std::nullopt;
}

std::string_view name(row_format format) {
  for (const auto& [known, text] : format_names)
    if (format == known)
      return text;
  return "table";
}

std::string value_text(api::Value::Reader value, api::Column::Reader column) {
  if (const auto seconds = duration_seconds(value, column))
    return number_text(*seconds);
  switch (value.which()) {
    case api::Value::NULL_: return {};
    case api::Value::BOOL: return value.getBool() ? "true" : "false";
    case api::Value::INT64: return fmt::format("{}", value.getInt64());
    case api::Value::UINT64: return fmt::format("{}", value.getUint64());
    case api::Value::FLOAT64: return number_text(value.getFloat64());
    case api::Value::TEXT: return std::string{view(value.getText())};
    case api::Value::TIMESTAMP_MS: return timestamp_text(value.getTimestampMs());
  }
  return {}; // A type newer than this program.
}

void print_rows(text_sink& out, api::RowSet::Reader rows, const print_style& style) {
  switch (style.format) {
    case row_format::table: {
      const auto widths = column_widths(rows, style);
      std::size_t total = 1;
      for (const auto width : widths)
        total += width + 3;
      if (style.width_max > 0 && total > style.width_max)
        print_vertical(out, rows, style);
      else
        print_table(out, rows, style, widths);
      return;
    }
    case row_format::vertical: return print_vertical(out, rows, style);
    case row_format::markdown: return print_markdown(out, rows, style);
    case row_format::tsv:
    case row_format::csv: return print_separated(out, rows, style);
    case row_format::json: return print_json(out, rows, true);
    case row_format::jsonl: return print_json(out, rows, false);
  }
}

} // namespace tabletd::ctl
