#include "actors/model/statement_lexer.h"
#include <algorithm>
#include <array>

namespace tabletd::model {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
bool is_mark(char c) { return std::string_view{"(),.=;"}.find(c) != std::string_view::npos; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

int hex_digit(char c) {
  if (is_digit(c))
    return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string hex_escape(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
}

/// One pass over the text.
class lexer {
public:
  explicit lexer(std::string_view text) : text_(text) {}

  std::vector<token> run() {
    while (skip_blank() && at_ < text_.size())
      tokens_.push_back(next());
    // The caret of "unexpected end" stands right behind the last thing that was written.
    const auto end = tokens_.empty() ? 0 : tokens_.back().offset + tokens_.back().length;
    tokens_.push_back({token_kind::end, end, 0, {}});
    return std::move(tokens_);
  }

private:
  /// Skips white space and comments; false (after a broken token) if a comment never ends.
  bool skip_blank() {
    while (at_ < text_.size()) {
      if (is_space(text_[at_])) {
        ++at_;
      } else if (text_.substr(at_, 2) == "--") {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (text_.substr(at_, 2) == "/*") {
        const auto end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) {
          tokens_.push_back(broken(at_, 2, "this comment is not closed: */ is missing"));
          return false;
        }
        at_ = end + 2;
      } else {
        break;
      }
    }
    return true;
  }

  token next() {
    const char c = text_[at_];
    const std::size_t from = at_;
    if (is_letter(c) || is_digit(c)) {
      while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_])))
        ++at_;
      const auto piece = text_.substr(from, at_ - from);
      if (is_letter(c))
        return plain(token_kind::word, from);
      const auto digits
          = static_cast<std::size_t>(std::find_if_not(piece.begin(), piece.end(), is_digit) - piece.begin());
      if (digits == piece.size())
        return plain(token_kind::number, from);
      return digits + 1 == piece.size() && std::string_view{"smhd"}.find(lower(piece.back())) != std::string_view::npos
               ? plain(token_kind::span, from)
               : broken(from, piece.size(), "neither a number nor a name: a name does not begin with a digit");
    }
    if (c == '\'' || c == '"' || c == '`')
      return quoted_piece(c);
    if (is_mark(c) || text_.substr(at_, 2) == "!=") {
      at_ += is_mark(c) ? 1 : 2;
      return plain(token_kind::mark, from);
    }
    do { // A whole character, so that the caret does not point into the middle of it.
      ++at_;
    } while (at_ < text_.size() && continues_character(text_[at_]));
    return broken(from, at_ - from, "no statement has this character outside quotes");
  }

  token quoted_piece(char quote) {
    const std::size_t from = at_++;
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == quote) {
        if (at_ < text_.size() && text_[at_] == quote) { // Doubled: the quote itself.
          value += quote;
          ++at_;
          continue;
        }
        return {quote == '`' ? token_kind::quoted_name : token_kind::string,
                static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at_ - from), std::move(value)};
      }
      if (c != '\\' || quote == '`')
        value += c;
      else if (!escape(value))
        return broken_escape();
    }
    return broken(from, 1, std::string{"this quote is not closed: "} + quote + " is missing");
  }

  /// After a backslash; false if it escapes nothing we know.
  bool escape(std::string& value) {
    escape_from_ = at_ - 1;
    if (at_ >= text_.size())
      return true; // The missing quote is the better message.
    switch (const char c = text_[at_++]) {
      case 't': value += '\t'; return true;
      case 'n': value += '\n'; return true;
      case 'r': value += '\r'; return true;
      case '0': value += '\0'; return true;
      case '\\':
      case '\'':
      case '"': value += c; return true;
      case 'x': {
        const int high = at_ < text_.size() ? hex_digit(text_[at_]) : -1;
        const int low = at_ + 1 < text_.size() ? hex_digit(text_[at_ + 1]) : -1;
        if (high < 0 || low < 0)
          return false;
        value += static_cast<char>(high * 16 + low);
        at_ += 2;
        return true;
      }
      default: return false;
    }
  }

  /// The rest of the text cannot be trusted: where the string ends is anybody's guess.
  token broken_escape() {
    const auto from = escape_from_;
    at_ = text_.size();
    return broken(from, 2, R"(unknown escape; \t \n \r \0 \xNN \\ \' and \" exist)");
  }

  [[nodiscard]] token plain(token_kind kind, std::size_t from) const {
    return {kind, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at_ - from),
            std::string{text_.substr(from, at_ - from)}};
  }
  [[nodiscard]] token broken(std::size_t from, std::size_t length, std::string why) const {
    return {token_kind::broken, static_cast<std::uint32_t>(from),
            static_cast<std::uint32_t>(std::min(length, text_.size() - from)), std::move(why)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t escape_from_ = 0;
  std::vector<token> tokens_;
};

} // namespace

std::vector<token> tokenize(std::string_view text) {
  return lexer{text}.run();
}

std::string shown(const token& what, std::string_view text) {
  constexpr std::size_t bytes_max = 40;
  if (what.kind == token_kind::end)
    return "the end of the statement";
  const auto source = text.substr(what.offset, what.length);
  std::string out;
  for (const char c : source.substr(0, bytes_max))
    if (c >= ' ' && c <= '~')
      out += c;
    else
      out += hex_escape(c);
  return source.size() > bytes_max ? out + "..." : out;
}

text_position position_of(std::string_view text, std::size_t offset, std::size_t length) {
  const auto before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n');
  const auto line_start = before.rfind('\n');
  const auto in_line = before.substr(line_start == std::string_view::npos ? 0 : line_start + 1);
  const auto characters
    = std::count_if(in_line.begin(), in_line.end(), [](char c) { return !continues_character(c); });
  return {static_cast<std::uint32_t>(line + 1), static_cast<std::uint32_t>(characters + 1),
          static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)};
}

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string upper(std::string_view word) {
  std::string out{word};
  for (char& c : out)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += '\\';
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F)
      out += hex_escape(c);
    else
      out += c;
  }
  return out + '"';
}

} // namespace tabletd::model
