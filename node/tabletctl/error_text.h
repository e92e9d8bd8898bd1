#pragma once
// A statement's error as people see it: one line, the source line with a caret, a hint
// (design/ecosystem.md 2.1).  With a file name the first line is what editors jump to.
#include "schemas/console.capnp.h"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::ctl {

/// api::Error by value: it outlives the message it came in.
struct statement_error {
  api::ErrorCode code = api::ErrorCode::UNSPECIFIED;
  std::string message;
  std::string hint;
  std::uint32_t line = 0;   ///< 1-based; 0: no position.
  std::uint32_t column = 0; ///< 1-based.
  std::uint32_t offset = 0; ///< Bytes into the statement.
  std::uint32_t length = 0; ///< Bytes; 0 marks a single place.
  std::vector<std::string> expected;
  std::string leader; ///< "host:port" that a notLeader error points to.
  std::uint32_t retry_after_ms = 0;
  bool outcome_unknown = false; ///< It may have taken effect, or may still.
};
[[nodiscard]] statement_error read_error(api::Error::Reader from);

/// "syntax", "not_found", ...
[[nodiscard]] std::string code_text(api::ErrorCode code);

/// The statement an error speaks of, and where it stands.
struct statement_source {
  std::string_view text;
  std::string_view terminator = ";";
  std::string_view file{}; ///< Empty: typed, or from -e.
  std::uint32_t line = 1;  ///< Of the statement in the file.
  std::uint32_t column = 1;
};
/// Several lines, each ended by a newline.
[[nodiscard]] std::string error_text(const statement_error& error, const statement_source& source);
[[nodiscard]] std::string warning_text(const statement_error& warning);

} // namespace tabletd::ctl
