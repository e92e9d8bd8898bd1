// A byte at a time, so that input may arrive in any slices; see splitter.h.
#include "node/tabletctl/splitter.h"
#include "actors/model/statement_lexer.h"
#include <utility>

namespace tabletd::ctl {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

} // namespace

void splitter::feed(std::string_view input) {
  for (const char c : input) {
    take(c);
    if (c == '\n') {
      ++line_;
      column_ = 1;
      line_start_ = true;
    } else {
      ++column_;
      line_start_ = line_start_ && is_blank(c);
    }
  }
}

std::optional<piece> splitter::next() {
  if (ready_.empty())
    return std::nullopt;
  auto first = std::move(ready_.front());
  ready_.pop_front();
  return first;
}

void splitter::finish() {
  if (mode_ == mode::command)
    end_command();
  if (held_ && (mode_ == mode::blank || mode_ == mode::code))
    append(std::exchange(held_, 0), column_ - 1);
  const auto before = ready_.size();
  end_statement(false);
  if (ready_.size() > before)
    ready_.back().complete = false;
}

void splitter::clear() {
  text_.clear();
  command_.clear();
  mode_ = resume_ = mode::blank;
  held_ = 0;
}

splitter::open splitter::state() const {
  switch (mode_) {
    case mode::quoted:
      return quote_ == '\''  ? open::single_quoted
             : quote_ == '"' ? open::double_quoted
                             : open::back_quoted;
    case mode::block_comment: return open::comment;
    case mode::code: return open::statement;
    case mode::blank:
    case mode::line_comment:
    case mode::command: break;
  }
  return text_.empty() ? open::nothing : open::statement;
}

void splitter::take(char c) {
  switch (mode_) {
    case mode::blank:
    case mode::code:
      if (held_)
        take_held(std::exchange(held_, 0), c);
      else
        take_code(c);
      return;
    case mode::quoted:
      append(c, column_);
      if (!escaped_ && c == quote_)
        mode_ = mode::code; // A doubled quote closes and opens again, which comes to the same.
      escaped_ = !escaped_ && c == '\\' && quote_ != '`';
      return;
    case mode::line_comment:
    case mode::block_comment: take_comment(c); return;
    case mode::command:
      if (c == '\n')
        end_command();
      else
        command_ += c;
      return;
  }
}

void splitter::take_code(char c) {
  switch (c) {
    case '-':
    case '/': held_ = c; return;
    case '\\':
      if (mode_ == mode::blank)
        begin_command();
      else
        held_ = c;
      held_first_ = line_start_;
      return;
    case ';': end_statement(false); return;
    case '\'':
    case '"':
    case '`':
      append(c, column_);
      mode_ = mode::quoted;
      quote_ = c;
      return;
    default: break;
  }
  if (mode_ == mode::code || !is_blank(c))
    append(c, column_);
}

/// `held` came right before `c`, on the same line.
void splitter::take_held(char held, char c) {
  if (held == '-' && c == '-')
    return begin_comment(mode::line_comment);
  if (held == '/' && c == '*')
    return begin_comment(mode::block_comment);
  if (held == '\\' && c == 'G')
    return end_statement(true);
  if (held == '\\' && held_first_) {
    begin_command();
    return take(c);
  }
  append(held, column_ - 1);
  take_code(c);
}

void splitter::begin_comment(mode how) {
  resume_ = mode_;
  if (mode_ == mode::code)
    text_ += "  ";
  mode_ = how;
}

void splitter::take_comment(char c) {
  if (resume_ == mode::code)
    text_ += c == '\n' ? '\n' : ' ';
  const bool closes = mode_ == mode::line_comment ? c == '\n' : held_ == '*' && c == '/';
  held_ = !closes && mode_ == mode::block_comment && c == '*' ? '*' : '\0';
  if (closes)
    mode_ = resume_;
}

void splitter::append(char c, std::uint32_t column) {
  if (mode_ == mode::blank) {
    mode_ = mode::code;
    begin_line_ = line_;
    begin_column_ = column;
  }
  text_ += c;
}

void splitter::begin_command() {
  resume_ = mode_;
  mode_ = mode::command;
  command_ = "\\";
  command_line_ = line_;
}

void splitter::end_command() {
  while (!command_.empty() && is_blank(command_.back()))
    command_.pop_back();
  if (command_ != "\\G") // An empty statement, shown vertically.
    ready_.push_back({piece::kind::command, std::move(command_), command_line_, 1, false, true});
  command_.clear();
  mode_ = resume_;
}

void splitter::end_statement(bool vertical) {
  while (!text_.empty() && is_blank(text_.back()))
    text_.pop_back();
  if (!text_.empty())
    ready_.push_back(
      {piece::kind::statement, std::move(text_), begin_line_, begin_column_, vertical, true});
  text_.clear();
  mode_ = mode::blank;
}

std::optional<std::string> path_in_statement(std::string_view statement) {
  const auto tokens = model::tokenize(statement);
  std::size_t at = 0;
  const auto word = [&](std::string_view wanted) {
    const bool here
      = tokens[at].kind == model::token_kind::word && model::same_word(tokens[at].text, wanted);
    at += here ? 1 : 0; // Never past the end token, which is no word.
    return here;
  };
  const auto string = [&]() -> std::optional<std::string> {
    if (tokens[at].kind != model::token_kind::string)
      return std::nullopt;
    return tokens[at].text;
  };
  if (word("LOAD") && word("FILE"))
    return string();
  if (at != 0 || !word("EXPORT") || !word("TABLE"))
    return std::nullopt;
  // The table's name: everything up to TO that cannot be a string.
  while (
    tokens[at].kind == model::token_kind::quoted_name || tokens[at].kind == model::token_kind::mark
    || (tokens[at].kind == model::token_kind::word && !model::same_word(tokens[at].text, "TO")))
    ++at;
  return word("TO") ? string() : std::nullopt;
}

} // namespace tabletd::ctl
