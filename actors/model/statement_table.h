#pragma once
// The statement table: one row per statement.  The synopsis is not a comment, it is the
// grammar: parser, completion, HELP, "expected ..." and "did you mean" all come from it.
//
// Notation of a synopsis: WORD as written (any case), <slot>, [optional], {ONE|OTHER},
// `[part] ...` for none, one or more, and `<slot>, ...` for one or more with commas between.
#include "actors/model/statement.h"
#include <span>
#include <string_view>
#include <vector>

namespace tabletd::model {

struct statement_row {
  std::string_view kind; ///< "show_backends": what api.Result.statement says.
  std::string_view synopsis;
  std::string_view summary; ///< One line.
  std::string_view text;    ///< What one has to know beyond the line.
  std::string_view example; ///< Parses.
  std::span<const column> columns; ///< Of its answer; empty: it answers with a message.
  bool mutates{};           ///< Needs a session that may write.
  bool dangerous{};         ///< A client asks before it sends this.
};

/// Row i describes alternative i of `statement`.
[[nodiscard]] std::span<const statement_row> statement_table();
[[nodiscard]] const statement_row& row_of(const statement& what);

/// Rows whose leading keywords begin with `words`; all rows if there are none.
[[nodiscard]] std::vector<const statement_row*> rows_beginning_with(std::span<const std::string> words);

/// The answer to HELP: a list of statements, or all about one.  not_found if no statement
/// begins with these words.
[[nodiscard]] std::variant<table_value, statement_error> help(const help_words& about);

} // namespace tabletd::model
