// Carets and hints; see error_text.h.
#include "node/tabletctl/error_text.h"
#include "node/tabletctl/display.h"
#include <capnp/schema.h>
#include <fmt/format.h>
#include <algorithm>
#include <cctype>

namespace tabletd::ctl {

namespace {

constexpr std::size_t expected_max = 8;
constexpr std::size_t line_width_max
  = 120; // A statement of one long line must not flood the screen.

std::string text_of(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

/// "A", "A or B", "A, B or C"; a long list is cut.
std::string alternatives(const std::vector<std::string>& words) {
  std::string out;
  const auto shown = std::min(words.size(), expected_max);
  for (std::size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == words.size();
    out += i == 0 ? "" : last ? " or " : ", ";
    out += words[i];
  }
  return shown < words.size() ? out + ", ..." : out;
}

std::string sentence(const statement_error& error) {
  if (error.expected.empty() || error.message.find("expected") != std::string::npos)
    return error.message;
  return fmt::format("expected {}, {}", alternatives(error.expected), error.message);
}

std::string blanks_for(std::string_view text) { return std::string(display_width(text), ' '); }

/// The source line and, under it, the caret.  Blanks stand for tabs so that both lines agree.
std::string marked_line(const statement_error& error, const statement_source& source) {
  const std::size_t at = std::min<std::size_t>(error.offset, source.text.size());
  const auto newline = at == 0 ? std::string_view::npos : source.text.rfind('\n', at - 1);
  const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
  const auto end = std::min(source.text.find('\n', at), source.text.size());
  std::string line{source.text.substr(begin, end - begin)};
  if (end == source.text.size())
    line += source.terminator;
  for (char& c : line)
    if (std::iscntrl(static_cast<unsigned char>(c)))
      c = ' ';
  std::size_t caret = at - begin;
  std::size_t length
    = std::clamp<std::size_t>(error.length, 1, std::max<std::size_t>(1, line.size() - caret));
  std::string lead = "  ";
  if (caret > line_width_max / 2) {
    std::size_t cut = caret - line_width_max / 2;
    while (cut < caret && (static_cast<unsigned char>(line[cut]) & 0xc0U) == 0x80)
      ++cut; // Not in the middle of a character.
    line.erase(0, cut);
    caret -= cut;
    lead = "  ...";
  }
  if (line.size() > line_width_max)
    line.resize(line_width_max), length = std::min(length, line_width_max - caret);
  const auto marked
    = std::max<std::size_t>(1, display_width(std::string_view{line}.substr(caret, length)));
  return fmt::format("{}{}\n{}{}^{}\n", lead, line, std::string(lead.size(), ' '),
                     blanks_for(std::string_view{line}.substr(0, caret)),
                     std::string(marked - 1, '~'));
}

std::string first_line(const statement_error& error, const statement_source& source) {
  const auto code = code_text(error.code);
  const auto what = sentence(error);
  if (!source.file.empty()) {
    const auto line = source.line + (error.line > 0 ? error.line - 1 : 0);
    if (error.line == 0)
      return fmt::format("{}:{}: error [{}]: {}\n", source.file, line, code, what);
    const auto column = error.line == 1 ? source.column + error.column - 1 : error.column;
    return fmt::format("{}:{}:{}: error [{}]: {}\n", source.file, line, column, code, what);
  }
  if (error.line == 0)
    return fmt::format("error [{}]: {}\n", code, what);
  return fmt::format("error [{}] line {}, column {}: {}\n", code, error.line, error.column, what);
}

} // namespace

statement_error read_error(api::Error::Reader from) {
  statement_error error;
  error.code = from.getCode();
  error.message = text_of(from.getMessage());
  error.hint = text_of(from.getHint());
  const auto position = from.getPosition();
  error.line = position.getLine();
  error.column = position.getColumn();
  error.offset = position.getOffset();
  error.length = position.getLength();
  for (const auto word : from.getExpected())
    error.expected.push_back(text_of(word));
  error.leader = text_of(from.getLeader());
  error.retry_after_ms = from.getRetryAfterMs();
  error.outcome_unknown = from.getOutcomeUnknown();
  return error;
}

std::string code_text(api::ErrorCode code) {
  const auto known = capnp::Schema::from<api::ErrorCode>().getEnumerants();
  const auto ordinal = static_cast<std::uint16_t>(code);
  if (ordinal >= known.size())
    return fmt::format("code {}", ordinal); // From a newer server.
  std::string out;
  for (const char c : known[ordinal].getProto().getName()) {
    if (std::isupper(static_cast<unsigned char>(c)))
      out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

std::string error_text(const statement_error& error, const statement_source& source) {
  std::string out = first_line(error, source);
  if (error.line > 0)
    out += marked_line(error, source);
  if (!error.hint.empty())
    out += fmt::format("hint: {}\n", error.hint);
  return out;
}

std::string warning_text(const statement_error& warning) {
  auto out = fmt::format("warning [{}]: {}\n", code_text(warning.code), warning.message);
  if (!warning.hint.empty())
    out += fmt::format("hint: {}\n", warning.hint);
  return out;
}

} // namespace tabletd::ctl
