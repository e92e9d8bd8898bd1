// Text in: which form it is, and what is wrong with it if it is none.
#include "actors/model/nearest.h"
#include "actors/model/statement_slots.h"
#include "actors/model/statement_table.h"

namespace tabletd::model {

namespace {

// -- errors ----------------------------------------------------------------------------

std::string text_of(const expectation& what) {
  if (what.end)
    return "the end of the statement";
  return std::string{what.what ? described(*what.what) : what.word};
}

std::string one_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return out;
}

/// The longest beginning of the statement that HELP knows.
std::string help_hint(const std::vector<token>& tokens, std::size_t until) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < until && tokens[i].kind == token_kind::word; ++i) {
    words.push_back(tokens[i].text);
    if (rows_beginning_with(words).empty()) {
      words.pop_back();
      break;
    }
  }
  std::string out = "HELP";
  for (const auto& word : words)
    out += ' ' + upper(word);
  return out + ';';
}

statement_error syntax_error(std::string_view text, const std::vector<token>& tokens, const furthest& reached) {
  const auto& found = tokens[reached.at];
  statement_error error{error_code::syntax, {}, {}, position_of(text, found.offset, found.length), {}, {}, {}};
  std::vector<std::string> keywords;
  for (const auto& one : reached.expected) {
    error.expected.push_back(text_of(one));
    if (!one.word.empty())
      keywords.emplace_back(one.word);
  }
  if (found.kind == token_kind::broken) {
    error.message = found.text;
    error.expected.clear();
  } else {
    error.message = "expected " + one_of(error.expected) + ", found " + shown(found, text);
  }
  const auto near = found.kind == token_kind::word ? nearest(found.text, keywords) : std::string{};
  const bool second_statement = reached.at > 0 && tokens[reached.at - 1].text == ";";
  error.hint = !near.empty()      ? "did you mean " + near + "?  "
               : second_statement ? "send one statement at a time.  "
                                  : "";
  error.hint += help_hint(tokens, reached.at);
  return error;
}

} // namespace

parse_outcome parse(std::string_view text) {
  if (text.size() > statement_bytes_max)
    return statement_error{error_code::resource_exhausted,
                           "the statement is longer than " + std::to_string(statement_bytes_max) + " bytes",
                           "split it", {}, {}, {}, {}};
  const auto tokens = tokenize(text);
  const auto found = match_statement(tokens);
  if (!found.form)
    return syntax_error(text, tokens, found.reached);
  slot_reader in{text, tokens, found.match};
  auto built = build_statement(*found.form, in);
  if (in.error)
    return *in.error;
  return built;
}

} // namespace tabletd::model
