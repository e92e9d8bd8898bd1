#pragma once
// Cuts what people type or pipe in into statements and client commands.  Knows quotes and
// comments and nothing else of the language: the server parses.  Quotes follow
// actors/model/statement_lexer.h: '..' and ".." with backslash escapes, `..` without.
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace tabletd::ctl {

/// One statement, or one line that began with a backslash.
struct piece {
  enum class kind { statement, command };
  kind what = kind::statement;
  /// Without leading blanks and terminator; comments are blanked out byte by byte, so every
  /// position the server names is a position in what was written.  A command keeps its backslash.
  std::string text;
  std::uint32_t line = 1;   ///< Where `text` begins in the input, 1-based.
  std::uint32_t column = 1; ///< In bytes, 1-based.
  bool vertical = false;    ///< Ended by \G: print one column a line.
  bool complete = true;     ///< False: the input ended without `;`.
  friend bool operator==(const piece&, const piece&) = default;
};

/// Fed with any slices of the input; memory is bounded by the longest statement.
class splitter {
public:
  /// Where the input stands; chooses the prompt.
  enum class open { nothing, statement, single_quoted, double_quoted, back_quoted, comment };

  void feed(std::string_view input);
  /// The next complete piece in input order.
  [[nodiscard]] std::optional<piece> next();
  /// The input is over: what is left becomes a last piece, unless blank.
  void finish();
  /// Forgets an unfinished statement (Ctrl-C); line numbers go on.
  void clear();

  [[nodiscard]] open state() const;
  /// Bytes of the statement that is still open.
  [[nodiscard]] std::size_t pending_bytes() const { return text_.size(); }

private:
  enum class mode { blank, code, quoted, line_comment, block_comment, command };
  void take(char c);
  void take_code(char c);
  void take_held(char held, char c);
  void take_comment(char c);
  void append(char c, std::uint32_t column);
  void begin_comment(mode how);
  void begin_command();
  void end_statement(bool vertical);
  void end_command();

  std::deque<piece> ready_;
  std::string text_;
  std::string command_;
  mode mode_ = mode::blank;
  mode resume_ = mode::blank; ///< What a comment or a command interrupted: blank or code.
  char quote_ = 0;            ///< Which quote is open.
  bool escaped_ = false;      ///< A backslash inside quotes protects this byte.
  char held_ = 0; ///< A '-', '/', '*' or '\\' whose meaning the next byte decides; 0: none.
  bool held_first_ = false; ///< The held byte is the first of its line.
  bool line_start_ = true;  ///< Only blanks so far on this line.
  std::uint32_t line_ = 1;  ///< Of the byte being taken.
  std::uint32_t column_ = 1;
  std::uint32_t begin_line_ = 1;
  std::uint32_t begin_column_ = 1;
  std::uint32_t command_line_ = 1;
};

/// The path a LOAD FILE '..' or EXPORT TABLE t TO '..' names; nothing for other statements.
/// It is what a server's offer must repeat before a local file is touched.
[[nodiscard]] std::optional<std::string> path_in_statement(std::string_view statement);

} // namespace tabletd::ctl
