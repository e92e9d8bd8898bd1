#pragma once
// Cuts a statement into tokens.  Never fails: what makes no sense becomes a `broken` token
// that the parser reports when it gets there, so the first mistake is the one that is shown.
#include "actors/model/statement_result.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::model {

enum class token_kind : std::uint8_t {
  word,        ///< A keyword or a name: [A-Za-z_][A-Za-z0-9_]*
  quoted_name, ///< `name`
  number,      ///< [0-9]+
  span,        ///< [0-9]+ and one of s m h d: a duration.
  string,      ///< '...' or "..."
  mark,        ///< One of ( ) , . = ; !=
  broken,      ///< `text` says what is wrong.
  end,         ///< Always the last token.
};

struct token {
  token_kind kind = token_kind::end;
  std::uint32_t offset{};
  std::uint32_t length{};
  std::string text; ///< Names and strings without quotes and escapes; else as written.
};

/// `text` is at most statement_bytes_max long.
[[nodiscard]] std::vector<token> tokenize(std::string_view text);

/// How a message quotes a token: cut to a readable length, unprintable bytes as \xNN.
[[nodiscard]] std::string shown(const token& what, std::string_view text);

[[nodiscard]] text_position position_of(std::string_view text, std::size_t offset, std::size_t length);

/// Case-insensitive, ASCII.
[[nodiscard]] bool same_word(std::string_view a, std::string_view b);
[[nodiscard]] std::string upper(std::string_view word);

/// `text` in double quotes, so that the lexer reads it back.
[[nodiscard]] std::string quoted(std::string_view text);

} // namespace tabletd::model
