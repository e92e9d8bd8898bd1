#include "actors/model/statement_grammar.h"
#include "actors/model/statement_table.h"
#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace tabletd::model {

namespace {

struct slot_name {
  std::string_view name;
  slot what;
  std::string_view described;
};
constexpr std::array slot_names{
  slot_name{"database", slot::database, "a database"},
  slot_name{"table", slot::table, "a table (db.t)"},
  slot_name{"partition", slot::partition, "a partition"},
  slot_name{"cluster", slot::cluster, "a cluster"},
  slot_name{"resource", slot::resource, "a resource"},
  slot_name{"policy", slot::storage_policy, "a storage policy"},
  slot_name{"column", slot::column, "a column number"},
  slot_name{"buckets", slot::buckets, "a number of buckets"},
  slot_name{"property", slot::table_property, "a property (\"name\"=\"value\")"},
  slot_name{"partition property", slot::partition_property, "a property (\"name\"=\"value\")"},
  slot_name{"table setting", slot::table_setting, "a property (\"name\"=\"value\")"},
  slot_name{"resource property", slot::resource_property, "a property (\"name\"=\"value\")"},
  slot_name{"policy property", slot::policy_property, "a property (\"name\"=\"value\")"},
  slot_name{"backend property", slot::backend_property, "a property (\"name\"=\"value\")"},
  slot_name{"replica property", slot::replica_property, "a property (\"name\"=\"value\")"},
  slot_name{"check property", slot::check_property, "a property (\"name\"=\"value\")"},
  slot_name{"warm-up property", slot::warmup_property, "a property (\"name\"=\"value\")"},
  slot_name{"config", slot::config, "a setting (\"key\"=\"value\")"},
  slot_name{"address", slot::address, "an address (\"host:port\")"},
  slot_name{"member", slot::member, "an edit log address (\"host:port\")"},
  slot_name{"path", slot::path, "a quoted file path"},
  slot_name{"label", slot::label, "a quoted label"},
  slot_name{"plan", slot::plan, "a quoted plan name"},
  slot_name{"fe", slot::frontend, "a quoted name of a front end"},
  slot_name{"tablet", slot::tablet, "a tablet id"},
  slot_name{"job", slot::warmup_job, "a job id"},
  slot_name{"status", slot::status, "a quoted status (\"OK\")"},
  slot_name{"duration", slot::duration, "a duration (90s, 30m, 2h, 1d)"},
  slot_name{"reason", slot::reason, "a quoted reason"},
  slot_name{"pattern", slot::pattern, "a quoted pattern (\"%slot%\")"},
  slot_name{"proc", slot::proc, "a quoted path ('/statistic')"},
  slot_name{"words", slot::words, "the words of a statement"},
  slot_name{"value", slot::property_value, "a quoted value"},
};

// -- synopsis -> tree ------------------------------------------------------------------

/// A synopsis is ours, so a mistake in it is a bug: assert, no error path.
class synopsis_reader {
public:
  explicit synopsis_reader(std::string_view text) : rest_(text) {}

  form sequence(char until = '\0') {
    form out;
    for (skip_spaces(); !rest_.empty() && rest_.front() != until; skip_spaces())
      out.push_back(one());
    if (until != '\0')
      take(1);
    return out;
  }

private:
  /// Up to the | or } that ends it; a single element stands for itself.
  element alternative() {
    form parts;
    for (skip_spaces(); rest_.front() != '|' && rest_.front() != '}'; skip_spaces())
      parts.push_back(one());
    assert(!parts.empty() && (parts.front().is == element::shape::word || parts.front().is == element::shape::mark));
    return parts.size() == 1 ? parts.front() : element{element::shape::sequence, {}, {}, std::move(parts)};
  }
  element one() {
    const char c = rest_.front();
    if (c == '[') {
      take(1);
      auto parts = sequence(']');
      const bool repeats = rest_.starts_with(" ...");
      if (repeats)
        take(4);
      return {repeats ? element::shape::repeated : element::shape::optional, {}, {}, std::move(parts)};
    }
    if (c == '{')
      return choice();
    if (c == '<')
      return list_or_slot();
    if (rest_.starts_with("!="))
      return {element::shape::mark, take(2), {}, {}};
    if (c == '(' || c == ')' || c == '=')
      return {element::shape::mark, take(1), {}, {}};
    return {element::shape::word, take_word(), {}, {}};
  }

  element choice() {
    element out{element::shape::choice, {}, {}, {}};
    do {
      take(1); // { or |
      out.parts.push_back(alternative());
    } while (rest_.front() == '|');
    take(1); // }
    return out;
  }

  element list_or_slot() {
    const auto end = rest_.find('>');
    const auto name = rest_.substr(1, end - 1);
    take(end + 1);
    const auto* known = std::find_if(slot_names.begin(), slot_names.end(),
                                     [name](const slot_name& s) { return s.name == name; });
    assert(known != slot_names.end());
    element filled{element::shape::slot, {}, known->what, {}};
    if (!rest_.starts_with(", ..."))
      return filled;
    take(5);
    return {element::shape::list, {}, {}, {std::move(filled)}};
  }

  std::string_view take(std::size_t count) {
    assert(count <= rest_.size());
    const auto piece = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return piece;
  }
  std::string_view take_word() {
    std::size_t length = 0;
    while (length < rest_.size() && rest_[length] >= 'A' && rest_[length] <= 'Z')
      ++length;
    assert(length > 0);
    return take(length);
  }
  void skip_spaces() {
    while (rest_.starts_with(' '))
      take(1);
  }

  std::string_view rest_;
};

std::vector<form> compile_all() {
  std::vector<form> all;
  for (const auto& row : statement_table())
    all.push_back(synopsis_reader{row.synopsis}.sequence());
  return all;
}

// -- tree x tokens -> match ------------------------------------------------------------

class matcher {
public:
  matcher(const std::vector<token>& tokens, furthest& reached) : tokens_(tokens), reached_(reached) {}

  bool whole(const form& of) {
    if (!sequence(of))
      return false;
    expect({{}, std::nullopt, 0, true});
    while (is_mark(";"))
      ++at_;
    if (tokens_[at_].kind == token_kind::end)
      return true;
    expect({{}, std::nullopt, 0, true}); // Also behind the semicolon nothing may follow.
    return false;
  }
  form_match take() { return std::move(match_); }

private:
  bool sequence(const form& parts) {
    return std::all_of(parts.begin(), parts.end(), [this](const element& part) { return one(part); });
  }

  bool one(const element& part) {
    switch (part.is) {
      case element::shape::word: return word(part.text);
      case element::shape::mark: return mark(part.text);
      case element::shape::slot: return filled(part.what);
      case element::shape::optional: return optional(part.parts);
      case element::shape::repeated: return repeated(part.parts);
      case element::shape::choice: return choice(part.parts);
      case element::shape::sequence: return sequence(part.parts);
      case element::shape::list: return list(part.parts.front());
    }
    return false;
  }

  /// Once its first token fits, an optional part is meant: no way back.
  bool optional(const form& parts) {
    const auto before = at_;
    if (sequence(parts)) {
      match_.taken.push_back(parts.front().text);
      return true;
    }
    return at_ == before;
  }

  bool repeated(const form& parts) {
    for (auto before = at_; optional(parts); before = at_)
      if (at_ == before)
        return true;
    return false;
  }

  /// As with optional parts: the alternative whose first token fits is meant.
  bool choice(const form& alternatives) {
    const auto before = at_;
    for (const auto& one_of : alternatives) {
      if (one(one_of)) {
        match_.taken.push_back(one_of.is == element::shape::sequence ? one_of.parts.front().text : one_of.text);
        return true;
      }
      if (at_ != before)
        return false;
    }
    return false;
  }

  bool list(const element& item) {
    do {
      if (!one(item))
        return false;
    } while (mark(","));
    return true;
  }

  bool word(std::string_view keyword) {
    const auto& here = tokens_[at_];
    if (here.kind == token_kind::word && same_word(here.text, keyword)) {
      ++at_;
      return true;
    }
    expect({keyword, std::nullopt, 0, false});
    return false;
  }
  [[nodiscard]] bool is_mark(std::string_view text) const {
    return tokens_[at_].kind == token_kind::mark && tokens_[at_].text == text;
  }
  bool mark(std::string_view text) {
    if (is_mark(text)) {
      ++at_;
      return true;
    }
    expect({text, std::nullopt, 0, false});
    return false;
  }

  bool filled(slot what) {
    const auto first = at_;
    if (!fill(what)) {
      if (at_ == first || what == slot::table) // Else a part of it has said what it wants.
        expect({{}, what, first, false});
      return false;
    }
    match_.captures.push_back({what, first, at_});
    return true;
  }
  bool fill(slot what) {
    switch (what) {
      case slot::database:
      case slot::cluster:
      case slot::resource:
      case slot::storage_policy:
      case slot::partition: return name();
      case slot::table: return name() && (!is_mark(".") || (++at_, name()));
      case slot::column:
      case slot::buckets:
      case slot::tablet:
      case slot::warmup_job: return kind(token_kind::number);
      case slot::duration: return kind(token_kind::span);
      case slot::address:
      case slot::member:
      case slot::path:
      case slot::label:
      case slot::plan:
      case slot::frontend:
      case slot::status:
      case slot::reason:
      case slot::pattern:
      case slot::property_value:
      case slot::proc: return kind(token_kind::string);
      case slot::table_property:
      case slot::partition_property:
      case slot::table_setting:
      case slot::resource_property:
      case slot::policy_property:
      case slot::backend_property:
      case slot::replica_property:
      case slot::check_property:
      case slot::warmup_property:
      case slot::config: return kind(token_kind::string) && mark("=") && filled_value();
      case slot::words: return words();
    }
    return false;
  }
  bool filled_value() {
    if (kind(token_kind::string))
      return true;
    expect({{}, slot::property_value, at_, false});
    return false;
  }
  bool name() { return kind(token_kind::word) || kind(token_kind::quoted_name); }
  bool words() {
    const auto first = at_;
    while (kind(token_kind::word)) {
    }
    return at_ > first;
  }
  bool kind(token_kind wanted) {
    if (tokens_[at_].kind != wanted)
      return false;
    ++at_;
    return true;
  }

  void expect(expectation what) {
    if (at_ > reached_.at || reached_.expected.empty())
      reached_ = {at_, {}};
    auto& list = reached_.expected;
    if (at_ == reached_.at && std::find(list.begin(), list.end(), what) == list.end())
      list.push_back(what);
  }

  const std::vector<token>& tokens_;
  furthest& reached_;
  form_match match_;
  std::size_t at_ = 0;
};

/// The first one that matches is the statement.
void try_form(const std::vector<token>& tokens, std::size_t number, grammar_outcome& out) {
  matcher one{tokens, out.reached};
  if (one.whole(forms()[number]) && !out.form) {
    out.form = number;
    out.match = one.take();
  }
}

// -- leading keywords ------------------------------------------------------------------

using words_left = std::span<const std::string>;

/// Eats the words an element accepts; false when none of them can stand here.
bool eat(const element& part, words_left& words) {
  const auto eat_all = [&words](const form& parts) {
    for (const auto& one : parts)
      if (words.empty() || !eat(one, words))
        break;
  };
  switch (part.is) {
    case element::shape::word:
      if (!same_word(part.text, words.front()))
        return false;
      words = words.subspan(1);
      return true;
    case element::shape::choice:
      return std::any_of(part.parts.begin(), part.parts.end(), [&](const element& one) { return eat(one, words); });
    case element::shape::optional:
    case element::shape::repeated: eat_all(part.parts); return true;
    case element::shape::sequence: {
      const auto before = words.size();
      eat_all(part.parts);
      return words.size() < before;
    }
    default: return true; // Names, numbers and brackets: HELP ALTER TABLE ADD PARTITION.
  }
}

void collect_keywords(const form& of, std::vector<std::string_view>& into) {
  for (const auto& part : of) {
    if (part.is == element::shape::word)
      into.push_back(part.text);
    collect_keywords(part.parts, into);
  }
}

} // namespace

std::string_view described(slot what) {
  return slot_names[static_cast<std::size_t>(what)].described;
}

std::span<const form> forms() {
  static const std::vector<form> all = compile_all();
  return all;
}

bool form_match::took(std::string_view word) const {
  return std::find(taken.begin(), taken.end(), word) != taken.end();
}

grammar_outcome match_statement(const std::vector<token>& tokens) {
  grammar_outcome out;
  const auto all = forms();
  for (std::size_t i = 0; i < all.size() && !out.form; ++i)
    try_form(tokens, i, out);
  return out;
}

grammar_outcome match_every_form(const std::vector<token>& tokens) {
  grammar_outcome out;
  for (std::size_t i = 0; i < forms().size(); ++i)
    try_form(tokens, i, out);
  return out;
}

bool begins_with(const form& of, std::span<const std::string> words) {
  for (const auto& part : of) {
    if (words.empty())
      return true;
    if (!eat(part, words))
      return false;
  }
  return words.empty();
}

std::string keywords_of(std::string_view synopsis) {
  return std::string{synopsis.substr(0, synopsis.find_first_of("[{<(") - 1)};
}

bool is_keyword(std::string_view word) {
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> found;
    for (const auto& one : forms())
      collect_keywords(one, found);
    return found;
  }();
  return std::any_of(all.begin(), all.end(), [word](std::string_view k) { return same_word(k, word); });
}

} // namespace tabletd::model
