// See s3_answer.h.  Codes: "Error responses" in the S3 API reference.
#include "persistence/remote/s3_answer.h"

#include "persistence/remote/remote_key.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>

namespace tabletd {

namespace {

/// S3 accepts signatures that are up to 15 minutes old or early.
constexpr std::int64_t clock_skew_max_s = 15 * 60;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return number;
}

s3_verdict judge_transport(const s3_reply& reply) {
  switch (reply.transport) {
    case transport_fault::called_off:
      return {remote_fault::stopped, false, "the caller's time for it was over",
              "look at the store before doing it again: the change may have been made"};
    case transport_fault::untrusted:
      return {remote_fault::unusable, false, "the connection is not trusted: " + reply.transport_text,
              "check the CA file and the host name of the endpoint"};
    case transport_fault::overflow:
      return {remote_fault::corrupt, true, "the store sent more bytes than were asked for",
              "check that the endpoint is an S3 store and no proxy changes its answers"};
    default:
      return {remote_fault::network, true, "no whole answer came: " + reply.transport_text,
              "check the endpoint and the network between here and there"};
  }
}

s3_verdict judge_skew(const s3_reply& reply, std::int64_t now_unix_s, std::string said) {
  if (reply.date_unix_s) {
    const auto ahead_s = now_unix_s - *reply.date_unix_s;
    said += fmt::format(", and this machine's clock is {} s {} the store's", std::abs(ahead_s),
                        ahead_s > 0 ? "ahead of" : "behind");
  }
  return {remote_fault::clock_skew, false, std::move(said), "set both clocks by NTP"};
}

struct rule {
  long status;            ///< 0: any.
  std::string_view code;  ///< Empty: any.
  remote_fault fault;
  bool ask_again;
  std::string_view next_step;
};

constexpr std::string_view slower = "give the store time, or upload with fewer backends at once";
constexpr std::string_view changed = "look for a proxy or memory that changes bytes on the way";

/// The first that fits decides.
constexpr std::array rules{
    rule{0, "NoSuchBucket", remote_fault::unusable, false, "make the bucket, or correct its name"},
    rule{0, "QuotaExceeded", remote_fault::full, false, "free space in the bucket, or raise its quota"},
    rule{0, "ExpiredToken", remote_fault::denied, false, "renew the session token in the credentials"},
    rule{0, "BadDigest", remote_fault::corrupt, true, changed},
    rule{0, "XAmzContentSHA256Mismatch", remote_fault::corrupt, true, changed},
    rule{0, "IncompleteBody", remote_fault::network, true, "check the network between here and the store"},
    rule{0, "RequestTimeout", remote_fault::network, true, "check the network between here and the store"},
    rule{0, "AuthorizationHeaderMalformed", remote_fault::unusable, false, "correct the region"},
    rule{401, "", remote_fault::denied, false, "check the credentials"},
    rule{403, "", remote_fault::denied, false, "check the credentials and what they allow in this bucket"},
    rule{404, "", remote_fault::not_found, false, "check the key"},
    rule{409, "", remote_fault::throttled, true, "let the other writers of this key finish"},
    rule{412, "", remote_fault::exists_already, false, "another writer was first: read what it wrote"},
    rule{429, "", remote_fault::throttled, true, slower},
    rule{501, "", remote_fault::unusable, false, "use a store that offers this: docs/cooldown.md names what is needed"},
    rule{507, "", remote_fault::full, false, "free space at the store"},
};

s3_verdict judge_status(long status, std::string_view code, std::string said) {
  for (const auto& each : rules)
    if ((each.status == 0 || each.status == status) && (each.code.empty() || each.code == code))
      return {each.fault, each.ask_again, std::move(said), each.next_step};
  if (status >= 500)
    return {remote_fault::throttled, true, std::move(said), slower};
  return {remote_fault::unusable, false, std::move(said), "check the endpoint, the region and the bucket"};
}

}  // namespace

std::string_view s3_reply::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<s3_verdict> judge(const s3_reply& reply, std::int64_t now_unix_s) {
  if (reply.transport != transport_fault::none)
    return judge_transport(reply);
  // A long completion begins with 200 and may still end in an error.
  const auto sections = xml_sections(reply.body, "Error");
  const bool late_error = !sections.empty() && xml_text(sections.front(), "Code");
  if (reply.status >= 200 && reply.status < 300 && !late_error)
    return std::nullopt;
  const auto section = sections.empty() ? std::string_view() : sections.front();
  const auto code = printable(xml_text(section, "Code").value_or(""));
  const auto message = printable(xml_text(section, "Message").value_or(""));
  auto said = fmt::format("the store answered {}{}{}{}", reply.status, code.empty() ? "" : " " + code,
                          message.empty() ? "" : ": ", message);
  const bool clocks_differ
      = reply.status == 403 && reply.date_unix_s && std::abs(now_unix_s - *reply.date_unix_s) > clock_skew_max_s;
  if (code == "RequestTimeTooSkewed" || clocks_differ)
    return judge_skew(reply, now_unix_s, std::move(said));
  return judge_status(reply.status < 300 ? 500 : reply.status, code, std::move(said));
}

std::optional<std::chrono::milliseconds> asked_pause(const s3_reply& reply) {
  constexpr std::uint64_t longest_s = 86'400;
  const auto seconds = number_of(reply.header("retry-after"));
  if (!seconds || *seconds > longest_s)
    return std::nullopt;
  return std::chrono::seconds(*seconds);
}

std::optional<content_range> parse_content_range(std::string_view header) {
  constexpr std::string_view unit = "bytes ";
  const auto dash = header.find('-'), slash = header.find('/');
  if (!header.starts_with(unit) || dash == std::string_view::npos || slash == std::string_view::npos || slash < dash)
    return std::nullopt;
  const auto first = number_of(header.substr(unit.size(), dash - unit.size()));
  const auto last = number_of(header.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first)
    return std::nullopt;
  return content_range{*first, *last - *first + 1};
}

// -- XML --------------------------------------------------------------------------------

namespace {

void append_utf8(std::string& text, std::uint64_t point) {
  if (point < 0x80) {
    text += static_cast<char>(point);
  } else if (point < 0x800) {
    text += static_cast<char>(0xc0 | (point >> 6));
    text += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    text += static_cast<char>(0xe0 | (point >> 12));
    text += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    text += static_cast<char>(0xf0 | ((point >> 18) & 0x07));
    text += static_cast<char>(0x80 | ((point >> 12) & 0x3f));
    text += static_cast<char>(0x80 | ((point >> 6) & 0x3f));
    text += static_cast<char>(0x80 | (point & 0x3f));
  }
}

/// False: no entity we know.
bool append_entity(std::string& text, std::string_view entity) {
  constexpr std::array<std::pair<std::string_view, char>, 5> known{
      {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}}};
  for (const auto& [name, letter] : known)
    if (entity == name) {
      text += letter;
      return true;
    }
  if (!entity.starts_with('#'))
    return false;
  entity.remove_prefix(1);
  const int base = entity.starts_with('x') ? 16 : 10;
  if (base == 16)
    entity.remove_prefix(1);
  std::uint32_t point = 0;
  const auto [end, error] = std::from_chars(entity.data(), entity.data() + entity.size(), point, base);
  if (error != std::errc() || end != entity.data() + entity.size() || point > 0x10ffff)
    return false;
  append_utf8(text, point);
  return true;
}

std::string resolved(std::string_view raw) {
  std::string text;
  while (!raw.empty()) {
    const auto semicolon = raw.front() == '&' ? raw.find(';') : std::string_view::npos;
    if (semicolon != std::string_view::npos && append_entity(text, raw.substr(1, semicolon - 1))) {
      raw.remove_prefix(semicolon + 1);
    } else {
      text += raw.front();
      raw.remove_prefix(1);
    }
  }
  return text;
}

}  // namespace

std::vector<std::string_view> xml_sections(std::string_view xml, std::string_view tag) {
  const auto opening = fmt::format("<{}>", tag), closing = fmt::format("</{}>", tag);
  std::vector<std::string_view> sections;
  for (std::size_t at = 0; (at = xml.find(opening, at)) != std::string_view::npos;) {
    const auto begin = at + opening.size(), end = xml.find(closing, begin);
    if (end == std::string_view::npos)
      break;
    sections.push_back(xml.substr(begin, end - begin));
    at = end + closing.size();
  }
  return sections;
}

std::optional<std::string> xml_text(std::string_view xml, std::string_view tag) {
  const auto sections = xml_sections(xml, tag);
  if (sections.empty())
    return std::nullopt;
  return resolved(sections.front());
}

std::optional<s3_listing> parse_listing(std::string_view xml) {
  // Only the end shows that it is whole.
  if (xml.find("</ListBucketResult>") == std::string_view::npos)
    return std::nullopt;
  s3_listing listing;
  const auto truncated = xml_text(xml, "IsTruncated");
  if (truncated != "true" && truncated != "false")
    return std::nullopt;
  listing.truncated = truncated == "true";
  for (const auto section : xml_sections(xml, "Contents")) {
    const auto key = xml_text(section, "Key");
    const auto size = number_of(xml_text(section, "Size").value_or(""));
    if (!key || !size)
      return std::nullopt;
    if (!listing.objects.empty() && *key <= listing.objects.back().key)
      return std::nullopt;  // The next page begins behind the last key: those that come late would be lost.
    listing.objects.push_back({*key, *size});
  }
  if (listing.truncated && listing.objects.empty())
    return std::nullopt;  // Whoever asked for the next page would ask for ever.
  return listing;
}

}  // namespace tabletd
