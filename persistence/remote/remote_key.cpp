// See remote_key.h.
#include "persistence/remote/remote_key.h"

#include <fmt/format.h>

namespace tabletd {

namespace {

constexpr std::size_t printable_bytes_max = 300;

bool is_unreserved(char letter) {
  return (letter >= 'A' && letter <= 'Z') || (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')
         || letter == '-' || letter == '.' || letter == '_' || letter == '~';
}

bool is_key_letter(char letter) {
  return is_unreserved(letter) || letter == '=' || letter == ':' || letter == '+' || letter == '@';
}

std::optional<std::string> segment_fault(std::string_view segment) {
  if (segment.empty())
    return "a segment of the key is empty";
  if (segment.front() == '.')
    return "a segment of the key begins with a dot";
  if (segment.size() > key_segment_bytes_max)
    return fmt::format("a segment of the key has {} bytes where {} are allowed", segment.size(), key_segment_bytes_max);
  for (const char letter : segment)
    if (!is_key_letter(letter))
      return fmt::format("the key holds the byte 0x{:02x}", static_cast<unsigned char>(letter));
  return std::nullopt;
}

}  // namespace

std::optional<std::string> key_fault(std::string_view key) {
  if (key.size() > key_bytes_max)
    return fmt::format("the key has {} bytes where {} are allowed", key.size(), key_bytes_max);
  for (;;) {
    const auto slash = key.find('/');
    if (auto wrong = segment_fault(key.substr(0, slash)))
      return wrong;
    if (slash == std::string_view::npos)
      return std::nullopt;
    key.remove_prefix(slash + 1);
  }
}

std::optional<std::string> prefix_fault(std::string_view prefix) {
  if (prefix.empty())
    return std::nullopt;
  // A prefix that ends with a slash is followed by a segment, which decides nothing here.
  return key_fault(prefix.ends_with('/') ? std::string(prefix) + "x" : std::string(prefix));
}

std::string percent_encoded(std::string_view text, bool keep_slashes) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char letter : text)
    if (is_unreserved(letter) || (keep_slashes && letter == '/'))
      encoded += letter;
    else
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(letter));
  return encoded;
}

std::string printable(std::string_view text) {
  std::string shown(text.substr(0, printable_bytes_max));
  for (char& letter : shown)
    if (letter < ' ' || letter > '~')
      letter = '?';
  return shown;
}

}  // namespace tabletd
