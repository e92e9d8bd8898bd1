// Statements, client commands and the paths in them.
#include "node/tabletctl/splitter.h"
#include <gtest/gtest.h>
#include <vector>

namespace tabletd::ctl {
namespace {

std::vector<piece> split(std::string_view text, std::size_t slice = 1'000'000) {
  splitter from;
  for (std::size_t at = 0; at < text.size(); at += slice)
    from.feed(text.substr(at, slice));
  from.finish();
  std::vector<piece> out;
  while (auto one = from.next())
    out.push_back(*one);
  return out;
}

/// "text" or "text G" (vertical) or "text ?" (incomplete), commands as they are.
std::vector<std::string> texts(std::string_view text, std::size_t slice = 1'000'000) {
  std::vector<std::string> out;
  for (const auto& one : split(text, slice))
    out.push_back(one.text + (one.vertical ? " G" : "") + (one.complete ? "" : " ?"));
  return out;
}

using strings = std::vector<std::string>;

TEST(Splitter, CutsAtSemicolonsAndVerticalMarks) {
  const struct {
    const char* input;
    strings pieces;
  } table[] = {
    {"", {}},
    {" \n\t", {}},
    {";;;", {}},
    {"SHOW BACKENDS;", {"SHOW BACKENDS"}},
    {"SHOW BACKENDS", {"SHOW BACKENDS ?"}},
    {"A; B;\nC;", {"A", "B", "C"}},
    {"SHOW BACKENDS\\G", {"SHOW BACKENDS G"}},
    {"SHOW BACKENDS \\G SHOW TABLES;", {"SHOW BACKENDS G", "SHOW TABLES"}},
    {"SHOW BACKENDS\n\\G\nB;", {"SHOW BACKENDS G", "B"}},
    {"A;\\G", {"A"}},
    {"SHOW PROC\n  '/a' ;", {"SHOW PROC\n  '/a'"}},
    // Quotes.
    {"A ';' B;", {"A ';' B"}},
    {"A \";\\\";\" B;", {"A \";\\\";\" B"}},
    {"A 'it''s;' B;", {"A 'it''s;' B"}},
    {"A 'it\\'s;' B;", {"A 'it\\'s;' B"}},
    {"A 'end\\\\'; B;", {"A 'end\\\\'", "B"}},
    {"A `x;\\`; B;", {"A `x;\\`", "B"}},
    {"A '\\G' B;", {"A '\\G' B"}},
    {"A '-- no comment' B;", {"A '-- no comment' B"}},
    {"A 'open", {"A 'open ?"}},
    // Comments become blanks of the same length.
    {"-- nothing\nA;", {"A"}},
    {"-- ';\nA;", {"A"}},
    {"A -- it's; here\nB;", {"A              \nB"}},
    {"A /* ; ' */ B;", {"A           B"}},
    {"/* ; */ A;", {"A"}},
    {"/* * / ** */A;", {"A"}},
    {"A /* x\ny */ B;", {"A     \n     B"}},
    {"A - B / C;", {"A - B / C"}},
    {"A -", {"A - ?"}},
    {"A --", {"A ?"}},
    // Client commands.
    {"\\q\n", {"\\q"}},
    {"\\x on", {"\\x on"}},
    {"  \\timing  \nA;", {"\\timing", "A"}},
    {"A; \\x\nB;", {"A", "\\x", "B"}},
    {"\\watch 1 SHOW PROC '/a;b';\n", {"\\watch 1 SHOW PROC '/a;b';"}},
    {"A\n\\?\nB;", {"\\?", "A\nB"}},
    {"A \\x;", {"A \\x"}},
  };
  for (const auto& row : table) {
    EXPECT_EQ(texts(row.input), row.pieces) << row.input;
    EXPECT_EQ(texts(row.input, 1), row.pieces) << "a byte at a time: " << row.input;
  }
}

TEST(Splitter, KeepsPlacesInTheInput) {
  const auto got = split("-- head\n  A;  B\n  C;\n/* x\n*/ D;\n\\x\n");
  ASSERT_EQ(got.size(), 4U);
  EXPECT_EQ((std::pair{got[0].line, got[0].column}), (std::pair{2U, 3U}));
  EXPECT_EQ((std::pair{got[1].line, got[1].column}), (std::pair{2U, 7U}));
  EXPECT_EQ((std::pair{got[2].line, got[2].column}), (std::pair{5U, 4U}));
  EXPECT_EQ(got[3].line, 6U);
}

TEST(Splitter, APlaceThatBeginsWithAMinusCountsFromIt) {
  const auto got = split(" -A;");
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].text, "-A");
  EXPECT_EQ(got[0].column, 2U);
}

TEST(Splitter, SaysWhatIsOpen) {
  const struct {
    const char* input;
    splitter::open state;
  } table[] = {
    {"", splitter::open::nothing},
    {"A;\n", splitter::open::nothing},
    {"A\n", splitter::open::statement},
    {"A 'x\n", splitter::open::single_quoted},
    {"A \"x\n", splitter::open::double_quoted},
    {"A `x\n", splitter::open::back_quoted},
    {"A /* x\n", splitter::open::comment},
    {"/* x\n", splitter::open::comment},
    {"-- x\n", splitter::open::nothing},
    {"A -- x\n", splitter::open::statement},
    {"\\x\n", splitter::open::nothing},
  };
  for (const auto& row : table) {
    splitter from;
    from.feed(row.input);
    while (from.next()) {
    }
    EXPECT_EQ(from.state(), row.state) << row.input;
  }
}

TEST(Splitter, ClearForgetsTheOpenStatement) {
  splitter from;
  from.feed("A 'x\n");
  from.clear();
  EXPECT_EQ(from.state(), splitter::open::nothing);
  from.feed("B;");
  EXPECT_EQ(from.next()->text, "B");
}

TEST(PathInStatement, IsTheOneTheServerWouldRead) {
  const struct {
    const char* statement;
    std::optional<std::string> path;
  } table[] = {
    {"LOAD FILE '/a/b' INTO demo.t", "/a/b"},
    {"load\n file \"/a b\" into t LABEL 'x'", "/a b"},
    {"/* hello */ LOAD FILE 'it''s' INTO t", "it's"},
    {"LOAD FILE 'a\\tb' INTO t", "a\tb"},
    {"EXPORT TABLE demo.lines TO '/x'", "/x"},
    {"EXPORT TABLE `to`.`t` TO '/x'", "/x"},
    {"EXPORT TABLE t TO 5", std::nullopt},
    {"EXPORT TABLE '/x'", std::nullopt},
    {"EXPORT TO '/x'", std::nullopt},
    {"LOAD '/x'", std::nullopt},
    {"LOAD EXPORT TABLE t TO '/x'", std::nullopt},
    {"SHOW PROC '/x'", std::nullopt},
    {"", std::nullopt},
  };
  for (const auto& row : table)
    EXPECT_EQ(path_in_statement(row.statement), row.path) << row.statement;
}

} // namespace
} // namespace tabletd::ctl
