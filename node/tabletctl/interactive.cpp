// See interactive.h.
#include "node/tabletctl/interactive.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/line_editor.h"
#include <fmt/format.h>

namespace tabletd::ctl {

namespace {

/// Client commands are completed here, everything else by the server, which needs the whole
/// statement: the lines before this one too.
completion complete(console& console, const std::string& lines_before,
                    std::string_view before_cursor) {
  if (lines_before.empty() && before_cursor.starts_with('\\')) {
    completion out;
    for (const auto& name : console.command_names())
      if (name.starts_with(before_cursor))
        out.candidates.push_back({name, "command", {}});
    return out;
  }
  const auto text = lines_before + std::string{before_cursor};
  auto out = console.server().complete(text, static_cast<std::uint32_t>(text.size()));
  if (out.replace_from < lines_before.size())
    out.candidates.clear(); // Lines that were entered cannot be changed any more.
  out.replace_from -= std::min(out.replace_from, static_cast<std::uint32_t>(lines_before.size()));
  return out;
}

} // namespace

std::string prompt_text(const std::string& cluster, splitter::open state) {
  const auto first = fmt::format("tabletd:{}> ", printable(cluster));
  const auto below = [&first](std::string_view mark) {
    const auto width = display_width(first);
    return std::string(width - std::min(width, mark.size()), ' ') + std::string{mark};
  };
  switch (state) {
    case splitter::open::nothing: return first;
    case splitter::open::statement: return below("-> ");
    case splitter::open::single_quoted: return below("'> ");
    case splitter::open::double_quoted: return below("\"> ");
    case splitter::open::back_quoted: return below("`> ");
    case splitter::open::comment: return below("*> ");
  }
  return first;
}

exit_code run_interactive(console& console) {
  splitter pieces;
  std::string lines; // Of the open statement, for completion.
  line_editor editor{"tabletctl",
                     [&](std::string_view before) { return complete(console, lines, before); }};
  std::string cluster;
  std::string line;
  while (!console.quitting()) {
    if (console.server().connected())
      cluster = console.server().connect().cluster;
    switch (editor.read(prompt_text(cluster, pieces.state()), line)) {
      case line_editor::ended::end_of_input: return exit_ok;
      case line_editor::ended::cancelled:
        pieces.clear();
        lines.clear();
        continue;
      case line_editor::ended::line: break;
    }
    if (!line.ends_with('\n'))
      line += '\n';
    pieces.feed(line);
    lines += line;
    (void)interrupt_pending(true); // A Ctrl-C meant for something that has ended.
    while (auto next = pieces.next()) {
      editor.remember(next->what == piece::kind::command
                        ? next->text
                        : next->text + (next->vertical ? "\\G" : ";"));
      console.run(*next);
      if (console.quitting())
        break;
    }
    if (pieces.state() == splitter::open::nothing)
      lines.clear();
  }
  return exit_ok;
}

} // namespace tabletd::ctl
