#pragma once
// One line from a person: editing, history and Tab by libedit.
#include "node/tabletctl/client.h"
#include <functional>
#include <memory>
#include <string>

namespace tabletd::ctl {

class line_editor {
public:
  enum class ended { line, cancelled, end_of_input };
  /// Given the line up to the cursor, what could come next; replace_from counts from its start.
  using complete_fn = std::function<completion(std::string_view before_cursor)>;

  line_editor(const std::string& program, complete_fn complete);
  ~line_editor(); ///< Saves the history.
  line_editor(const line_editor&) = delete;

  ended read(const std::string& prompt, std::string& line);
  /// Keeps an entry unless it names a secret (TOKEN, PASSWORD).
  void remember(std::string entry);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// $XDG_STATE_HOME/tabletctl/history, else ~/.local/state/...; empty if neither is known.
[[nodiscard]] std::string history_path();
[[nodiscard]] bool names_a_secret(std::string_view statement);

} // namespace tabletd::ctl
