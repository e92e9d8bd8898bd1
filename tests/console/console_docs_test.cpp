// docs/console.md against the statement table and the PROC tree: what can be typed is written
// down, and what is written down can be typed.
#include "actors/model/proc_path.h"
#include "actors/model/statement_table.h"
#include <gtest/gtest.h>
#include <fstream>
#include <sstream>
#include <string>

namespace tabletd::model {
namespace {

std::string page; ///< The document's text.

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text)
    out += c == '|' ? std::string{"\\|"} : std::string(1, c);
  return out;
}

std::string names_of(std::span<const column> columns) {
  std::string out;
  for (const auto& one : columns)
    out += (out.empty() ? "" : ", ") + std::string{one.name};
  return out;
}

TEST(ConsoleDocs, EveryStatementIsThereAsItIs) {
  for (const auto& row : statement_table()) {
    const std::string line = "| `" + escaped(row.synopsis) + "` | " + std::string{row.summary} + " | "
                             + (row.mutates ? "write" : "read") + (row.dangerous ? ", destroys" : "") + " |";
    EXPECT_NE(page.find(line), std::string::npos) << "docs/console.md lacks the line\n" << line;
    const auto columns = names_of(row.columns);
    EXPECT_NE(page.find(columns), std::string::npos) << row.kind << ": " << columns;
  }
}

TEST(ConsoleDocs, EveryPageIsThere) {
  for (const auto& row : proc_table()) {
    const std::string line = "| `" + std::string{row.pattern} + "` | " + std::string{row.summary} + " | "
                             + names_of(row.columns) + " |";
    EXPECT_NE(page.find(line), std::string::npos) << "docs/console.md lacks the line\n" << line;
  }
}

TEST(ConsoleDocs, NothingElseIsThere) {
  std::istringstream lines{page};
  std::size_t statements = 0;
  std::size_t pages = 0;
  for (std::string line; std::getline(lines, line);) {
    statements += line.ends_with("| read |") || line.ends_with("| write |") || line.ends_with("| write, destroys |");
    pages += line.starts_with("| `/");
  }
  EXPECT_EQ(statements, statement_table().size());
  EXPECT_EQ(pages, proc_table().size());
}

// Every line of a ```sql block is a statement that parses.
TEST(ConsoleDocs, ExamplesParse) {
  std::istringstream lines{page};
  bool inside = false;
  std::size_t examples = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("```")) {
      inside = line == "```sql";
      continue;
    }
    if (!inside || line.empty())
      continue;
    ++examples;
    const auto outcome = parse(line);
    const auto* error = std::get_if<statement_error>(&outcome);
    EXPECT_EQ(error, nullptr) << line << ": " << (error ? error->message : "");
  }
  EXPECT_GT(examples, 5u);
}

} // namespace
} // namespace tabletd::model

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  std::ifstream file{argc > 1 ? argv[1] : "docs/console.md"};
  std::ostringstream text;
  text << file.rdbuf();
  tabletd::model::page = text.str();
  return RUN_ALL_TESTS();
}
