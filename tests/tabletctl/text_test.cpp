// Error shapes, addresses, progress and prompts: golden texts.
#include "node/tabletctl/address.h"
#include "node/tabletctl/display.h"
#include "node/tabletctl/error_text.h"
#include "node/tabletctl/interactive.h"
#include "node/tabletctl/line_editor.h"
#include "node/tabletctl/progress.h"
#include <gtest/gtest.h>

namespace tabletd::ctl {
namespace {

using namespace std::chrono_literals;

statement_error syntax_error(std::uint32_t line, std::uint32_t column, std::uint32_t offset,
                             std::uint32_t length) {
  statement_error error;
  error.code = api::ErrorCode::SYNTAX;
  error.message = "expected STATUS or DISTRIBUTION, found STTUS";
  error.hint = "did you mean STATUS?  HELP ADMIN SHOW REPLICA;";
  error.line = line;
  error.column = column;
  error.offset = offset;
  error.length = length;
  return error;
}

TEST(ErrorText, HasTheShapeOfTheDesign) {
  EXPECT_EQ(error_text(syntax_error(1, 20, 19, 5), {.text = "ADMIN SHOW REPLICA STTUS FROM tbl1"}),
            "error [syntax] line 1, column 20: expected STATUS or DISTRIBUTION, found STTUS\n"
            "  ADMIN SHOW REPLICA STTUS FROM tbl1;\n"
            "                     ^~~~~\n"
            "hint: did you mean STATUS?  HELP ADMIN SHOW REPLICA;\n");
}

TEST(ErrorText, NamesThePlaceInAFile) {
  EXPECT_EQ(error_text(syntax_error(2, 14, 19, 5), {.text = "ADMIN\nSHOW REPLICA STTUS FROM tbl1",
                                                    .terminator = "\\G",
                                                    .file = "a.sql",
                                                    .line = 7,
                                                    .column = 5}),
            "a.sql:8:14: error [syntax]: expected STATUS or DISTRIBUTION, found STTUS\n"
            "  SHOW REPLICA STTUS FROM tbl1\\G\n"
            "               ^~~~~\n"
            "hint: did you mean STATUS?  HELP ADMIN SHOW REPLICA;\n");
  auto first_line = syntax_error(1, 2, 1, 1);
  EXPECT_TRUE(error_text(first_line, {.text = "A B", .file = "a.sql", .line = 7, .column = 5})
                .starts_with("a.sql:7:6: "));
}

TEST(ErrorText, WithoutAPosition) {
  statement_error error;
  error.code = api::ErrorCode::NOT_FOUND;
  error.message = "there is no table demo.x";
  EXPECT_EQ(error_text(error, {.text = "SHOW TABLETS FROM demo.x"}),
            "error [not_found]: there is no table demo.x\n");
  EXPECT_EQ(error_text(error, {.text = "X", .file = "a.sql", .line = 3}),
            "a.sql:3: error [not_found]: there is no table demo.x\n");
}

TEST(ErrorText, PutsExpectedWordsInFrontOfABareMessage) {
  statement_error error = syntax_error(1, 1, 0, 3);
  error.message = "found FOO";
  error.expected = {"SHOW", "HELP", "LOAD"};
  error.hint.clear();
  EXPECT_EQ(
    error_text(error, {.text = "FOO"}),
    "error [syntax] line 1, column 1: expected SHOW, HELP or LOAD, found FOO\n  FOO;\n  ^~~\n");
}

TEST(ErrorText, TheCaretStandsUnderWideCharactersAndTabs) {
  use_utf8_locale();
  auto error = syntax_error(1, 8, 0, 1);
  const std::string text = "A '日本'\tB";
  error.offset = static_cast<std::uint32_t>(text.size() - 1);
  error.hint.clear();
  EXPECT_EQ(error_text(error, {.text = text}),
            "error [syntax] line 1, column 8: expected STATUS or DISTRIBUTION, found STTUS\n"
            "  A '日本' B;\n"
            "           ^\n");
}

TEST(ErrorText, SurvivesPositionsThatLie) {
  for (const std::uint32_t offset : {0U, 3U, 4U, 4'000'000'000U})
    for (const std::uint32_t length : {0U, 1U, 4'000'000'000U})
      for (const auto* text : {"", "A B", "\n", "A\nB\n"})
        EXPECT_NE(error_text(syntax_error(9, 9, offset, length), {.text = text}).find("^"),
                  std::string::npos);
}

TEST(ErrorText, CutsALongLineAroundTheCaret) {
  const std::string text = std::string(5000, 'a') + " X " + std::string(5000, 'b');
  const auto shown = error_text(syntax_error(1, 5002, 5001, 1), {.text = text});
  EXPECT_LT(shown.size(), 500U);
  const auto caret = shown.find("\n", shown.find("...")) + 1;
  const auto column = shown.find('^', caret) - caret;
  EXPECT_EQ(shown[shown.find("  ...") + column], 'X');
}

TEST(ErrorText, CodesHaveTheNamesOfTheSchema) {
  EXPECT_EQ(code_text(api::ErrorCode::UNSPECIFIED), "unspecified");
  EXPECT_EQ(code_text(api::ErrorCode::FAILED_PRECONDITION), "failed_precondition");
  EXPECT_EQ(code_text(static_cast<api::ErrorCode>(777)), "code 777");
}

TEST(Address, AsPeopleWriteThem) {
  const struct {
    const char* text;
    std::vector<std::string> understood;
  } table[] = {
    {"db1:9020", {"db1:9020"}},
    {"db1", {"db1:9020"}},
    {"10.0.0.1:1", {"10.0.0.1:1"}},
    {"[::1]:77", {"[::1]:77"}},
    {"[::1]", {"[::1]:9020"}},
    {"unix:/run/x.sock", {"unix:/run/x.sock"}},
    {"/run/x.sock", {"unix:/run/x.sock"}},
    {"a:1, b:2 ,unix:/c", {"a:1", "b:2", "unix:/c"}},
  };
  for (const auto& row : table) {
    const auto got = parse_addresses(row.text);
    EXPECT_EQ(got.error, "") << row.text;
    std::vector<std::string> texts;
    for (const auto& one : got.addresses)
      texts.push_back(one.text());
    EXPECT_EQ(texts, row.understood) << row.text;
  }
  for (const auto* wrong : {"", "a,", ",", "a:0", "a:65536", "a:x", "a:1x", ":9020", "::1", "[::1",
                            "[::1]x", "unix:", "[]:1"})
    EXPECT_NE(parse_addresses(wrong).error, "") << wrong;
}

TEST(Address, TheEnvironmentSpeaksWhenTheCommandLineDoesNot) {
  ::setenv("TABLETCTL_ADDRESS", "db9:77", 1);
  EXPECT_EQ(default_addresses(), "db9:77");
  ::unsetenv("TABLETCTL_ADDRESS");
  EXPECT_NE(default_addresses(), "");
}

TEST(Progress, Text) {
  constexpr std::uint64_t gib = 1ULL << 30;
  transfer_state state{transfer_state::way::load, "/data/UnicodeData.txt", 5 * gib, 10 * gib};
  EXPECT_EQ(progress_text(state, 10s),
            "load UnicodeData.txt  [##########----------]   50 %  5.0 GiB/10.0 GiB  512.0 MiB/s  "
            "10.0 s left");
  state.bytes = 11 * gib;
  EXPECT_EQ(progress_text(state, 11s),
            "load UnicodeData.txt  [####################]  100 %  11.0 GiB/10.0 GiB  1.0 GiB/s");
  EXPECT_EQ(progress_text({transfer_state::way::unload, "x", 0, 0}, 0s), "export x  0 B");
}

TEST(Progress, DrawsOnATerminalAndLogsElsewhere) {
  const progress_clock::time_point start{};
  const transfer_state state{transfer_state::way::load, "f", 50, 100};
  string_sink screen;
  progress_meter bar{screen, true};
  for (int ms = 0; ms <= 2000; ms += 10)
    bar.update(state, start + std::chrono::milliseconds(ms));
  const auto drawn = std::count(screen.text().begin(), screen.text().end(), '\r');
  EXPECT_EQ(drawn, 11) << "from 1.0 s to 2.0 s every 100 ms";
  bar.finish();
  EXPECT_TRUE(screen.text().ends_with("\r\x1b[K"));

  string_sink log;
  progress_meter lines{log, false};
  for (int s = 0; s <= 25; ++s)
    lines.update(state, start + std::chrono::seconds(s));
  lines.finish();
  EXPECT_EQ(std::count(log.text().begin(), log.text().end(), '\n'), 2);
  EXPECT_EQ(log.text().find('\r'), std::string::npos);

  string_sink quick;
  progress_meter short_bar{quick, true};
  short_bar.update(state, start);
  short_bar.update(state, start + 900ms);
  short_bar.finish();
  EXPECT_EQ(quick.text(), "");
}

TEST(Prompt, StandsUnderItself) {
  EXPECT_EQ(prompt_text("play", splitter::open::nothing), "tabletd:play> ");
  EXPECT_EQ(prompt_text("play", splitter::open::statement), "           -> ");
  EXPECT_EQ(prompt_text("play", splitter::open::single_quoted), "           '> ");
}

TEST(History, KeepsNoSecrets) {
  EXPECT_TRUE(names_a_secret("SET password = 'x'"));
  EXPECT_TRUE(names_a_secret("ISSUE TOKEN"));
  EXPECT_FALSE(names_a_secret("SHOW BACKENDS"));
  ::setenv("XDG_STATE_HOME", "/s", 1);
  EXPECT_EQ(history_path(), "/s/tabletctl/history");
  ::unsetenv("XDG_STATE_HOME");
  ::setenv("HOME", "/h", 1);
  EXPECT_EQ(history_path(), "/h/.local/state/tabletctl/history");
}

} // namespace
} // namespace tabletd::ctl
