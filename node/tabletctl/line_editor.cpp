// libedit (BSD); see line_editor.h.  The build defines HAVE_WCSDUP: without it histedit.h
// declares wcsdup() against the C library.
#include "node/tabletctl/line_editor.h"
#include <histedit.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace tabletd::ctl {

namespace {

constexpr int history_entries = 2000;
constexpr std::size_t candidates_shown = 60;

} // namespace

struct line_editor::impl {
  EditLine* edit = nullptr;
  History* history = nullptr;
  std::FILE* screen = nullptr;
  complete_fn complete;
  std::string prompt;
  bool cancelled = false;

  static impl& of(EditLine* edit) {
    void* self = nullptr;
    ::el_get(edit, EL_CLIENTDATA, &self);
    return *static_cast<impl*>(self);
  }
  static char* prompt_of(EditLine* edit) { return of(edit).prompt.data(); }
  static unsigned char cancel(EditLine* edit, int) {
    auto& self = of(edit);
    self.cancelled = true;
    std::fputs("^C\n", self.screen);
    std::fflush(self.screen);
    return CC_NEWLINE;
  }
  static unsigned char complete_here(EditLine* edit, int) { return of(edit).complete_line(); }
  unsigned char complete_line();
  void list(const completion& found) const;
};

unsigned char line_editor::impl::complete_line() {
  const LineInfo* line = ::el_line(edit);
  const std::string before{line->buffer, static_cast<std::size_t>(line->cursor - line->buffer)};
  const auto found = complete(before);
  if (found.candidates.empty())
    return CC_REFRESH_BEEP;
  auto common = found.candidates.front().text;
  for (const auto& one : found.candidates) {
    const auto differ
      = std::mismatch(common.begin(), common.end(), one.text.begin(), one.text.end());
    common.erase(differ.first, common.end());
  }
  const auto typed = before.substr(std::min<std::size_t>(found.replace_from, before.size()));
  const bool single = found.candidates.size() == 1;
  if (!single && common.size() <= typed.size()) {
    list(found);
    return CC_REDISPLAY;
  }
  // Counted in characters, not bytes: libedit holds wide characters.
  const auto characters = std::count_if(typed.begin(), typed.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
  });
  ::el_deletestr(edit, static_cast<int>(characters));
  ::el_insertstr(edit, (single ? common + " " : common).c_str());
  return CC_REFRESH;
}

void line_editor::impl::list(const completion& found) const {
  std::fputc('\n', screen);
  const auto shown = std::min(found.candidates.size(), candidates_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& one = found.candidates[i];
    if (one.help.empty())
      std::fprintf(screen, "  %s\n", one.text.c_str());
    else
      std::fprintf(screen, "  %-24s %s\n", one.text.c_str(), one.help.c_str());
  }
  if (shown < found.candidates.size())
    std::fprintf(screen, "  and %zu more\n", found.candidates.size() - shown);
  std::fflush(screen);
}

line_editor::line_editor(const std::string& program, complete_fn complete)
  : impl_(std::make_unique<impl>()) {
  auto& self = *impl_;
  self.complete = std::move(complete);
  self.screen = ::isatty(STDOUT_FILENO) ? stdout : stderr;
  self.edit = ::el_init(program.c_str(), stdin, self.screen, stderr);
  self.history = ::history_init();
  HistEvent event{};
  ::history(self.history, &event, H_SETSIZE, history_entries);
  ::history(self.history, &event, H_SETUNIQUE, 1);
  if (const auto path = history_path(); !path.empty())
    ::history(self.history, &event, H_LOAD, path.c_str());

  ::el_set(self.edit, EL_CLIENTDATA, &self);
  ::el_set(self.edit, EL_PROMPT, &impl::prompt_of);
  ::el_set(self.edit, EL_EDITOR, "emacs");
  ::el_set(self.edit, EL_HIST, &::history, self.history);
  ::el_set(self.edit, EL_ADDFN, "tabletctl-complete", "Complete the statement",
           &impl::complete_here);
  ::el_set(self.edit, EL_ADDFN, "tabletctl-cancel", "Discard the statement", &impl::cancel);
  ::el_source(self.edit, nullptr);
  // While a line is edited Ctrl-C is a key, not a signal: nothing has to be unwound.
  ::el_set(self.edit, EL_SETTY, "-d", "-isig", nullptr);
  ::el_set(self.edit, EL_BIND, "^I", "tabletctl-complete", nullptr);
  ::el_set(self.edit, EL_BIND, "^C", "tabletctl-cancel", nullptr);
  ::el_set(self.edit, EL_BIND, "^R", "em-inc-search-prev", nullptr);
}

line_editor::~line_editor() {
  if (const auto path = history_path(); !path.empty()) {
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path(), ignored);
    const auto before = ::umask(077); // Statements are nobody else's business.
    HistEvent event{};
    ::history(impl_->history, &event, H_SAVE, path.c_str());
    ::umask(before);
  }
  ::history_end(impl_->history);
  ::el_end(impl_->edit);
}

line_editor::ended line_editor::read(const std::string& prompt, std::string& line) {
  impl_->prompt = prompt;
  impl_->cancelled = false;
  ::el_resize(impl_->edit);
  // libedit takes the terminal only after it has shown the prompt; a Ctrl-C in between would
  // be a signal and its key lost.
  ::el_set(impl_->edit, EL_PREP_TERM, 1);
  int length = 0;
  const char* text = ::el_gets(impl_->edit, &length);
  if (impl_->cancelled)
    return ended::cancelled;
  if (!text || length <= 0) {
    std::fputc('\n', impl_->screen);
    std::fflush(impl_->screen);
    return ended::end_of_input;
  }
  line.assign(text, static_cast<std::size_t>(length));
  return ended::line;
}

void line_editor::remember(std::string entry) {
  if (names_a_secret(entry))
    return;
  std::replace(entry.begin(), entry.end(), '\n', ' ');
  HistEvent event{};
  ::history(impl_->history, &event, H_ENTER, entry.c_str());
}

std::string history_path() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state)
    return std::string{state} + "/tabletctl/history";
  if (const char* home = std::getenv("HOME"); home && *home)
    return std::string{home} + "/.local/state/tabletctl/history";
  return {};
}

bool names_a_secret(std::string_view statement) {
  std::string upper{statement};
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  return upper.find("TOKEN") != std::string::npos || upper.find("PASSWORD") != std::string::npos;
}

} // namespace tabletd::ctl
