// What a statement came to, by column name; see client.h.
#include "node/tabletctl/client.h"
#include "node/tabletctl/printer.h"
#include <charconv>

namespace tabletd::ctl {

api::RowSet::Reader answer::rows() const {
  return response ? response->getResult().getRows() : api::RowSet::Reader{};
}

std::optional<std::uint32_t> row_reader::find(std::string_view column) const {
  const auto columns = rows_.getColumns();
  for (std::uint32_t c = 0; c < columns.size(); ++c)
    if (std::string_view{columns[c].getName().cStr()} == column)
      return c;
  return std::nullopt;
}

std::string row_reader::text(std::uint32_t row, std::string_view column) const {
  const auto c = find(column);
  if (!c || row >= size() || *c >= rows_.getRows()[row].getValues().size())
    return {};
  return value_text(rows_.getRows()[row].getValues()[*c], rows_.getColumns()[*c]);
}

std::optional<std::int64_t> row_reader::number(std::uint32_t row, std::string_view column) const {
  const auto digits = text(row, column);
  std::int64_t value = 0;
  const auto* end = digits.data() + digits.size();
  const auto [stop, failed] = std::from_chars(digits.data(), end, value);
  if (digits.empty() || failed != std::errc{} || stop != end)
    return std::nullopt;
  return value;
}

} // namespace tabletd::ctl
