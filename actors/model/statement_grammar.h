#pragma once
// The grammar behind the statement table: synopses compiled once into small trees, and the
// matcher that walks them over tokens.  What could have stood at the furthest point any
// statement reached is remembered; error messages and completion are both made of that.
#include "actors/model/statement_lexer.h"
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd::model {

enum class slot : std::uint8_t {
  database,
  table,
  partition,
  cluster,
  resource,
  storage_policy,
  column,
  buckets,
  table_property,
  partition_property,
  table_setting,
  resource_property,
  policy_property,
  backend_property,
  replica_property,
  check_property,
  warmup_property,
  config,
  address,
  member,
  path,
  label,
  plan,
  frontend,
  tablet,
  warmup_job,
  status,
  duration,
  reason,
  pattern,
  proc,
  words,
  property_value,
};

/// How a message names what it expected: "a table (db.t)".
[[nodiscard]] std::string_view described(slot what);

struct element {
  enum class shape : std::uint8_t { word, mark, slot, optional, repeated, choice, sequence, list };
  shape is = shape::word;
  std::string_view text;      ///< word, mark
  slot what{};                ///< slot
  std::vector<element> parts; ///< optional, repeated, sequence: all of; choice: one of; list: repeats the one.
};
using form = std::vector<element>;

/// Form i is row i of statement_table().
[[nodiscard]] std::span<const form> forms();

/// Tokens [first, last) filled this slot.
struct capture {
  slot what{};
  std::size_t first{};
  std::size_t last{};
};

struct form_match {
  std::vector<capture> captures;       ///< In order of the text.
  std::vector<std::string_view> taken; ///< The first word of every optional part and choice that was there.
  [[nodiscard]] bool took(std::string_view word) const;
};

/// Something that could have stood at token `at`.
struct expectation {
  std::string_view word;        ///< A keyword or mark; empty if `what` is set.
  std::optional<slot> what;
  std::size_t slot_first{};     ///< Of `what`: the token at which the slot begins.
  bool end = false;             ///< The statement could have ended here.
  friend bool operator==(const expectation&, const expectation&) = default;
};
struct furthest {
  std::size_t at{};
  std::vector<expectation> expected;
};

struct grammar_outcome {
  std::optional<std::size_t> form; ///< Which statement it is, if it is one.
  form_match match;
  furthest reached;
};
/// Until a form matches; `reached` is complete when none does.
[[nodiscard]] grammar_outcome match_statement(const std::vector<token>& tokens);
/// Tries every form, also after one has matched: completion wants to know all that may follow.
[[nodiscard]] grammar_outcome match_every_form(const std::vector<token>& tokens);

/// True if the form's keywords begin with `words`; what stands between keywords may be left out.
[[nodiscard]] bool begins_with(const form& of, std::span<const std::string> words);
/// The keywords before the first slot: "CREATE DATABASE".
[[nodiscard]] std::string keywords_of(std::string_view synopsis);
[[nodiscard]] bool is_keyword(std::string_view word);

} // namespace tabletd::model
