#include "actors/model/resource_rules.h"

#include "actors/model/statement_lexer.h"

#include <algorithm>
#include <array>

namespace tabletd::model {

namespace {

bool is_one_of(char c, std::string_view marks) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || marks.find(c) != std::string_view::npos;
}
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

/// Of a file system, not relative, and not the root itself.
bool is_path(std::string_view text) {
  const bool plain
      = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 127; });
  if (text.size() < 2 || text.size() > 1'024 || text.front() != '/' || text.back() == '/' || !plain)
    return false;
  return (std::string{text} + '/').find("/../") == std::string::npos;
}

/// http://host[:port] and nothing else: what stands before an @ would be a secret in clear.
bool is_endpoint(std::string_view text) {
  const auto scheme = text.starts_with("https://") ? 8U : text.starts_with("http://") ? 7U : 0U;
  const auto host = text.substr(scheme);
  return scheme > 0 && !host.empty() && text.size() <= 256
         && std::all_of(host.begin(), host.end(), [](char c) { return is_one_of(c, "-.:[]_") || is_upper(c); });
}

bool is_bucket(std::string_view text) {
  return text.size() >= 3 && text.size() <= 63 && text.front() != '.' && text.back() != '.'
         && std::all_of(text.begin(), text.end(), [](char c) { return is_one_of(c, "-."); });
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 64
         && std::all_of(text.begin(), text.end(), [](char c) { return is_one_of(c, "-"); });
}

/// Segments as persistence/remote/remote_key.h wants them.
bool is_root_path(std::string_view text) {
  bool begins_segment = true;
  for (const char c : text) {
    if (c == '/' ? begins_segment : begins_segment && c == '.')
      return false;
    if (c != '/' && !is_one_of(c, "._-=:+@~") && !is_upper(c))
      return false;
    begins_segment = c == '/';
  }
  return !begins_segment && text.size() <= 200;
}

struct rule {
  resource_type type;
  std::string_view key;
  bool needed;
  bool (*sound)(std::string_view);
  std::string_view wanted;
};
constexpr std::string_view a_file = "it must be the path of a file on every node, from / on";
constexpr std::array rules{
    rule{resource_type::file, "root", true, is_path,
         "it must be the path of a directory that every node mounts, from / on, like \"/mnt/cold\""},
    rule{resource_type::s3, "endpoint", true, is_endpoint,
         "it must be \"https://host:port\" or \"http://host:port\" and no more"},
    rule{resource_type::s3, "bucket", true, is_bucket, "a bucket has 3 to 63 of a-z 0-9 - ."},
    rule{resource_type::s3, "root_path", true, is_root_path,
         "it must be names of A-Z a-z 0-9 _ - = : + @ ~ . with / between, like \"tabletd/prod\", none with a dot in "
         "front"},
    rule{resource_type::s3, "region", false, is_region, "a region has a-z 0-9 -, like \"us-east-1\""},
    rule{resource_type::s3, "ca_file", false, is_path, a_file},
    rule{resource_type::s3, "credentials_file", false, is_path, a_file},
};

std::string keys_of(resource_type type) {
  std::string out;
  for (const auto& r : rules)
    if (r.type == type)
      out += (out.empty() ? "" : ", ") + ('"' + std::string{r.key} + '"');
  return out;
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

std::string_view name(resource_type type) {
  switch (type) {
    case resource_type::file:
      return "file";
    case resource_type::s3:
      return "s3";
  }
  return "unknown";
}

std::optional<resource_type> resource_type_of(std::string_view word) {
  for (std::uint8_t i = 0; i < resource_type_count; ++i)
    if (const auto type = static_cast<resource_type>(i); lower(word) == name(type))
      return type;
  return std::nullopt;
}

const std::string* find_property(const resource_properties& among, std::string_view key) {
  const auto at = std::find_if(among.begin(), among.end(), [key](const auto& p) { return p.first == key; });
  return at == among.end() ? nullptr : &at->second;
}

void set_property(resource_properties& among, std::string_view key, std::string_view value) {
  std::erase_if(among, [key](const auto& p) { return p.first == key; });
  if (value.empty())
    return;
  std::pair<std::string, std::string> added{key, value};
  among.insert(std::lower_bound(among.begin(), among.end(), added), std::move(added));
}

std::string listed(const resource_properties& all) {
  std::string out;
  for (const auto& [key, value] : all)
    out += (out.empty() ? "" : ", ") + quoted(key) + " = " + quoted(value);
  return out;
}

bool looks_secret(std::string_view key) {
  const auto low = lower(key);
  constexpr std::array words{"access_key", "accesskey", "access.key",  "secret", "password",
                             "passwd",     "token",     "private_key", "api_key"};
  const bool names_file = low == "credentials_file";
  return !names_file
         && (low == "ak" || low == "sk" || low == "credentials"
             || std::any_of(words.begin(), words.end(),
                            [&](const char* word) { return low.find(word) != std::string::npos; }));
}

std::optional<property_fault> fault_of(std::string_view key, std::string_view value) {
  const auto known = std::find_if(rules.begin(), rules.end(), [key](const rule& r) { return r.key == key; });
  if (known == rules.end() || known->sound(value))
    return std::nullopt;
  // The value is not quoted: it may hold a password.
  return property_fault{std::string{key}, true, "this cannot be the value of \"" + std::string{key} + '"',
                        std::string{known->wanted}};
}

std::optional<property_fault> fault_of(resource_type type, const resource_properties& properties) {
  for (const auto& [key, value] : properties) {
    const auto known = std::find_if(rules.begin(), rules.end(),
                                    [&, &wanted = key](const rule& r) { return r.type == type && r.key == wanted; });
    if (known == rules.end())
      return property_fault{key, false,
                            "a resource of type \"" + std::string{name(type)} + "\" has no property \"" + key + '"',
                            "there are " + keys_of(type)};
    if (auto fault = fault_of(key, value))
      return fault;
  }
  for (const auto& r : rules)
    if (r.type == type && r.needed && !find_property(properties, r.key))
      return property_fault{
          std::string{r.key}, false, "the property \"" + std::string{r.key} + "\" is missing",
          "a resource of type \"" + std::string{name(type)} + "\" needs it: " + std::string{r.wanted}};
  return std::nullopt;
}

bool same_place(resource_type type, const resource_properties& a, const resource_properties& b) {
  const auto same = [&](std::string_view key) {
    const auto* one = find_property(a, key);
    const auto* other = find_property(b, key);
    return one && other ? *one == *other : one == other;
  };
  return type == resource_type::file ? same("root") : same("bucket") && same("root_path");
}

}  // namespace tabletd::model
