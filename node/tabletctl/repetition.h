#pragma once
// What may be done when the answer to a statement was lost: which ones can be asked again
// without doing something twice, and where to look after the others (docs/console.md).
#include "node/tabletctl/error_text.h"
#include <string>
#include <string_view>

namespace tabletd::ctl {

enum class repetition {
  harmless,   ///< It reads.
  by_label,   ///< A LOAD: its label, or the request id that becomes one, is loaded once.
  unknowable, ///< It changes something, or this tabletctl does not know it.
};

struct statement_nature {
  repetition again = repetition::unknowable;
  std::string look = "SHOW ..."; ///< The statement that shows whether it took effect.
  std::string use{};             ///< USE: the database.
  bool is_load = false;
  std::string label{};           ///< LOAD: the one it names; may be empty.
  std::string why_not{};         ///< Its file is no file that can be moved a second time.
};
/// Looks at the file that a LOAD or EXPORT names: only a regular one is there a second time, and
/// only a regular one is replaced as a whole.
[[nodiscard]] statement_nature nature_of(std::string_view statement);

enum class next_step {
  finished,  ///< What came is the answer.
  elsewhere, ///< The error names the leader.
  reconnect, ///< Ask again in a new session.
  wait_here, ///< Ask again in this one, in a moment.
  give_up,   ///< Nobody knows what became of it, and asking again could do it twice.
};
/// `lost`: no answer came.  `error`: the answer, if it was one.  `repeated`: an earlier attempt
/// was lost, so that errors which are a cluster's way of coming back are waited out.
[[nodiscard]] next_step after_attempt(const statement_nature& what, bool lost, const statement_error* error,
                                      bool repeated);

} // namespace tabletd::ctl
