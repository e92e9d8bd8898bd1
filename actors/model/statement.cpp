#include "actors/model/statement.h"
#include "actors/model/nearest.h"
#include "actors/model/statement_grammar.h"
#include "actors/model/statement_lexer.h"
#include "actors/model/statement_table.h"
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace tabletd::model {

namespace {

constexpr std::string_view name_hint
  = "a name has 1 to 64 of A-Z a-z 0-9 _ - and begins with a letter or _";

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max && !(name[0] >= '0' && name[0] <= '9')
         && name[0] != '-'
         && std::all_of(name.begin(), name.end(), [](char c) { return is_word_byte(c) || c == '-'; });
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= label_bytes_max
         && std::all_of(label.begin(), label.end(),
                        [](char c) { return is_word_byte(c) || c == '-' || c == '.' || c == ':'; });
}

/// All of `digits` as a number within [least, most].
std::optional<std::uint64_t> number_in(std::string_view digits, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc{} || end != digits.data() + digits.size() || digits.empty() || number < least
      || number > most)
    return std::nullopt;
  return number;
}

std::optional<backend_address> address_in(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed)
    host = host.substr(1, host.size() - 2);
  const auto port = number_in(text.substr(colon + 1), 1, 65'535);
  const bool sound = !host.empty() && std::all_of(host.begin(), host.end(), [bracketed](char c) {
    return is_word_byte(c) || c == '-' || c == '.' || (bracketed && (c == ':' || c == '%'));
  });
  if (!port || !sound)
    return std::nullopt;
  return backend_address{std::string{host}, static_cast<std::uint16_t>(*port)};
}

// -- captures -> statement -------------------------------------------------------------

/// Hands the builders one slot after the other; remembers the first value that is unsound.
class slot_reader {
public:
  slot_reader(std::string_view text, const std::vector<token>& tokens, const form_match& match)
    : text_(text), tokens_(tokens), match_(match) {}

  std::optional<statement_error> error;

  [[nodiscard]] bool took(std::string_view word) const { return match_.took(word); }

  std::string name() { return name_at(next().first); }

  model::table_name table() {
    const auto filled = next();
    if (filled.last - filled.first == 1)
      return {{}, name_at(filled.first)};
    auto database = name_at(filled.first);
    return {std::move(database), name_at(filled.last - 1)};
  }

  std::uint64_t number(std::string_view what, std::uint64_t least, std::uint64_t most) {
    const auto& digits = tokens_[next().first];
    const auto number = number_in(digits.text, least, most);
    if (!number)
      refuse(digits, shown(digits, text_) + " is no " + std::string{what},
             "it must be " + std::to_string(least) + " to " + std::to_string(most));
    return number.value_or(least);
  }

  backend_address address() {
    const auto& written = tokens_[next().first];
    auto found = address_in(written.text);
    if (!found)
      refuse(written, shown(written, text_) + " is no backend address", R"(write "host:port", like "10.0.0.1:9060")");
    return found.value_or(backend_address{});
  }

  std::string path() {
    const auto& written = tokens_[next().first];
    if (written.text.empty() || written.text.find('\0') != std::string::npos)
      refuse(written, "a path is not empty and has no zero byte", {});
    return written.text;
  }

  std::string label() {
    const auto& written = tokens_[next().first];
    if (!is_label(written.text))
      refuse(written, shown(written, text_) + " is no label", "a label has 1 to 128 of A-Z a-z 0-9 _ - . :");
    return written.text;
  }

  std::vector<std::string> words() {
    const auto filled = next();
    std::vector<std::string> out;
    for (auto i = filled.first; i < filled.last; ++i)
      out.push_back(tokens_[i].text);
    return out;
  }

  std::vector<backend_address> addresses() {
    std::vector<backend_address> out;
    while (more())
      out.push_back(address());
    return out;
  }

  void properties(create_table& into) {
    std::vector<std::string> seen;
    while (more()) {
      const auto filled = next();
      property(into, tokens_[filled.first], tokens_[filled.last - 1], seen);
    }
  }

private:
  [[nodiscard]] bool more() const { return at_ < match_.captures.size(); }
  const capture& next() { return match_.captures[at_++]; }

  std::string name_at(std::size_t at) {
    const auto& written = tokens_[at];
    if (!is_name(written.text))
      refuse(written, shown(written, text_) + " is no valid name", std::string{name_hint});
    return written.text;
  }

  void property(create_table& into, const token& key, const token& value, std::vector<std::string>& seen) {
    static const std::array<std::string, 2> known{"replication_num", "column_separator"};
    if (std::find(known.begin(), known.end(), key.text) == known.end()) {
      const auto near = nearest(key.text, known);
      return refuse(key, "no table has the property " + shown(key, text_),
                    near.empty() ? "there are \"replication_num\" and \"column_separator\""
                                 : "did you mean \"" + near + "\"?");
    }
    if (std::find(seen.begin(), seen.end(), key.text) != seen.end())
      return refuse(key, "the property " + shown(key, text_) + " is given twice", "keep one of them");
    seen.push_back(key.text);
    if (key.text == known[0]) {
      const auto number = number_in(value.text, 1, replication_num_max);
      if (!number)
        return refuse(value, shown(value, text_) + " is no number of replicas",
                      "it must be \"1\" to \"" + std::to_string(replication_num_max) + '"');
      into.replication_num = static_cast<std::uint32_t>(*number);
      return;
    }
    if (value.text.size() != 1 || value.text[0] == '\n')
      return refuse(value, shown(value, text_) + " is no column separator",
                    R"(it must be one byte that is not a newline, like ";", "\t" or "\x01")");
    into.separator = value.text[0];
  }

  void refuse(const token& at, std::string message, std::string hint) {
    if (!error)
      error = statement_error{error_code::invalid_argument, std::move(message), std::move(hint),
                              position_of(text_, at.offset, at.length), {}, {}, {}};
  }

  std::string_view text_;
  const std::vector<token>& tokens_;
  const form_match& match_;
  std::size_t at_ = 0;
};

create_table build_create_table(slot_reader& in) {
  create_table out;
  out.if_not_exists = in.took("IF");
  out.table = in.table();
  out.key_column = static_cast<std::uint32_t>(in.number("column number", 1, UINT32_MAX));
  out.buckets = static_cast<std::uint32_t>(in.number("number of buckets", 1, buckets_max));
  in.properties(out);
  return out;
}

load_file build_load(slot_reader& in) {
  load_file out;
  out.path = in.path();
  out.table = in.table();
  if (in.took("LABEL"))
    out.label = in.label();
  return out;
}

using builder = statement (*)(slot_reader&);
constexpr std::array<builder, std::variant_size_v<statement>> builders{
  [](slot_reader& in) -> statement { return create_database{in.name(), in.took("IF")}; },
  [](slot_reader& in) -> statement { return drop_database{in.name(), in.took("IF")}; },
  [](slot_reader& in) -> statement { return build_create_table(in); },
  [](slot_reader& in) -> statement { return drop_table{in.table(), in.took("IF")}; },
  [](slot_reader& in) -> statement { return use_database{in.name()}; },
  [](slot_reader& in) -> statement { return add_backends{in.addresses()}; },
  [](slot_reader& in) -> statement { return drop_backend{in.address()}; },
  [](slot_reader& in) -> statement { return decommission_backend{in.address(), !in.took("CANCEL")}; },
  [](slot_reader& in) -> statement { return build_load(in); },
  [](slot_reader& in) -> statement {
    auto table = in.table();
    return export_table{std::move(table), in.path()};
  },
  [](slot_reader&) -> statement { return show_databases{}; },
  [](slot_reader& in) -> statement { return show_tables{in.took("FROM") ? in.name() : std::string{}}; },
  [](slot_reader&) -> statement { return show_backends{}; },
  [](slot_reader&) -> statement { return show_frontends{}; },
  [](slot_reader& in) -> statement { return show_tablet{in.number("tablet id", 1, UINT64_MAX)}; },
  [](slot_reader& in) -> statement { return show_tablets{in.table()}; },
  [](slot_reader& in) -> statement { return show_proc{in.path()}; },
  [](slot_reader& in) -> statement {
    return help_words{in.took("") ? in.words() : std::vector<std::string>{}};
  },
};

// -- errors ----------------------------------------------------------------------------

std::string text_of(const expectation& what) {
  if (what.end)
    return "the end of the statement";
  return std::string{what.what ? described(*what.what) : what.word};
}

std::string one_of(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  return out;
}

/// The longest beginning of the statement that HELP knows.
std::string help_hint(const std::vector<token>& tokens, std::size_t until) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < until && tokens[i].kind == token_kind::word; ++i) {
    words.push_back(tokens[i].text);
    if (rows_beginning_with(words).empty()) {
      words.pop_back();
      break;
    }
  }
  std::string out = "HELP";
  for (const auto& word : words)
    out += ' ' + upper(word);
  return out + ';';
}

statement_error syntax_error(std::string_view text, const std::vector<token>& tokens, const furthest& reached) {
  const auto& found = tokens[reached.at];
  statement_error error{error_code::syntax, {}, {}, position_of(text, found.offset, found.length), {}, {}, {}};
  std::vector<std::string> keywords;
  for (const auto& one : reached.expected) {
    error.expected.push_back(text_of(one));
    if (!one.word.empty())
      keywords.emplace_back(one.word);
  }
  if (found.kind == token_kind::broken) {
    error.message = found.text;
    error.expected.clear();
  } else {
    error.message = "expected " + one_of(error.expected) + ", found " + shown(found, text);
  }
  const auto near = found.kind == token_kind::word ? nearest(found.text, keywords) : std::string{};
  const bool second_statement = reached.at > 0 && tokens[reached.at - 1].text == ";";
  error.hint = !near.empty()      ? "did you mean " + near + "?  "
               : second_statement ? "send one statement at a time.  "
                                  : "";
  error.hint += help_hint(tokens, reached.at);
  return error;
}

// -- printing --------------------------------------------------------------------------

std::string printed(std::string_view name) {
  const bool plain = std::all_of(name.begin(), name.end(), is_word_byte) && !is_keyword(name);
  return plain ? std::string{name} : '`' + std::string{name} + '`';
}
std::string printed(const table_name& name) {
  return (name.database.empty() ? "" : printed(name.database) + '.') + printed(name.table);
}
std::string printed(const backend_address& address) {
  return quoted(to_string(address));
}

std::string printed(const create_table& what) {
  std::string out = what.if_not_exists ? "CREATE TABLE IF NOT EXISTS " : "CREATE TABLE ";
  out += printed(what.table) + " (KEY " + std::to_string(what.key_column) + ") BUCKETS " + std::to_string(what.buckets);
  const create_table plain;
  std::string properties;
  if (what.replication_num != plain.replication_num)
    properties = R"("replication_num"=")" + std::to_string(what.replication_num) + '"';
  if (what.separator != plain.separator)
    properties += (properties.empty() ? "" : ", ") + std::string{R"("column_separator"=)"}
                  + quoted({&what.separator, 1});
  return properties.empty() ? out : out + " PROPERTIES(" + properties + ')';
}

std::string printed(const add_backends& what) {
  std::string out = "ALTER SYSTEM ADD BACKEND ";
  for (std::size_t i = 0; i < what.addresses.size(); ++i)
    out += (i == 0 ? "" : ", ") + printed(what.addresses[i]);
  return out;
}

std::string printed(const load_file& what) {
  return "LOAD FILE " + quoted(what.path) + " INTO " + printed(what.table)
         + (what.label.empty() ? "" : " LABEL " + quoted(what.label));
}

std::string printed(const help_words& what) {
  std::string out = "HELP";
  for (const auto& word : what.words)
    out += ' ' + word;
  return out;
}

} // namespace

std::string to_string(const backend_address& address) {
  const bool bare = address.host.find(':') == std::string::npos;
  return (bare ? address.host : '[' + address.host + ']') + ':' + std::to_string(address.port);
}

parse_outcome parse(std::string_view text) {
  if (text.size() > statement_bytes_max)
    return statement_error{error_code::resource_exhausted,
                           "the statement is longer than " + std::to_string(statement_bytes_max) + " bytes",
                           "split it", {}, {}, {}, {}};
  const auto tokens = tokenize(text);
  const auto found = match_statement(tokens);
  if (!found.form)
    return syntax_error(text, tokens, found.reached);
  slot_reader in{text, tokens, found.match};
  auto built = builders[*found.form](in);
  if (in.error)
    return *in.error;
  return built;
}

std::string print(const statement& what) {
  return std::visit(overloaded{
    [](const create_database& s) { return (s.if_not_exists ? "CREATE DATABASE IF NOT EXISTS " : "CREATE DATABASE ") + printed(s.name); },
    [](const drop_database& s) { return (s.if_exists ? "DROP DATABASE IF EXISTS " : "DROP DATABASE ") + printed(s.name); },
    [](const create_table& s) { return printed(s); },
    [](const drop_table& s) { return (s.if_exists ? "DROP TABLE IF EXISTS " : "DROP TABLE ") + printed(s.table); },
    [](const use_database& s) { return "USE " + printed(s.name); },
    [](const add_backends& s) { return printed(s); },
    [](const drop_backend& s) { return "ALTER SYSTEM DROP BACKEND " + printed(s.address); },
    [](const decommission_backend& s) { return (s.on ? "ALTER SYSTEM DECOMMISSION BACKEND " : "ALTER SYSTEM CANCEL DECOMMISSION BACKEND ") + printed(s.address); },
    [](const load_file& s) { return printed(s); },
    [](const export_table& s) { return "EXPORT TABLE " + printed(s.table) + " TO " + quoted(s.path); },
    [](const show_databases&) { return std::string{"SHOW DATABASES"}; },
    [](const show_tables& s) { return s.database.empty() ? "SHOW TABLES" : "SHOW TABLES FROM " + printed(s.database); },
    [](const show_backends&) { return std::string{"SHOW BACKENDS"}; },
    [](const show_frontends&) { return std::string{"SHOW FRONTENDS"}; },
    [](const show_tablet& s) { return "SHOW TABLET " + std::to_string(s.tablet); },
    [](const show_tablets& s) { return "SHOW TABLETS FROM " + printed(s.table); },
    [](const show_proc& s) { return "SHOW PROC " + quoted(s.path); },
    [](const help_words& s) { return printed(s); },
  }, what);
}

} // namespace tabletd::model
