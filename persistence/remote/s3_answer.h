#pragma once
// What an answer of an S3 store means: which fault it is, whether to ask again, and what to tell a person.  Pure.
#include "persistence/remote/remote_error.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tabletd {

/// What went wrong below HTTP.
enum class transport_fault {
  none,
  broken,  ///< No connection, or it ended early.
  timed_out,   ///< The time the request was given is over.
  called_off,  ///< By time_left.
  untrusted,   ///< TLS: the store's certificate, or the CA file.
  overflow,    ///< More bytes than were asked for.
};

struct s3_reply {
  transport_fault transport = transport_fault::none;
  std::string transport_text;                  ///< libcurl's words for it.
  long status = 0;                             ///< Of HTTP; only without a transport fault.
  std::map<std::string, std::string> headers;  ///< Names in lower case.
  std::string body;                            ///< Unless the bytes went into the request's sink.
  std::size_t sink_bytes = 0;
  std::optional<std::int64_t> date_unix_s;  ///< The store's clock.
  [[nodiscard]] std::string_view header(const std::string& name) const;
};

struct s3_verdict {
  remote_fault fault;
  bool ask_again;
  std::string why;
  std::string_view next_step;
};

/// Nothing: it is a success.  `now_unix_s` is our clock, for the clock-skew sentence: an answer to HEAD has no
/// body that could say so.
[[nodiscard]] std::optional<s3_verdict> judge(const s3_reply& reply, std::int64_t now_unix_s);
/// The Retry-After header, if it gives seconds.
[[nodiscard]] std::optional<std::chrono::milliseconds> asked_pause(const s3_reply& reply);

/// Where a Content-Range header says its bytes begin, and how many there are.
struct content_range {
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};
[[nodiscard]] std::optional<content_range> parse_content_range(std::string_view header);

/// The text of the first <tag> in `xml`, entities resolved.  S3's answers need no more of XML than that: no
/// element of interest has attributes or an element of the same name inside.
[[nodiscard]] std::optional<std::string> xml_text(std::string_view xml, std::string_view tag);
/// What is inside each <tag>.
[[nodiscard]] std::vector<std::string_view> xml_sections(std::string_view xml, std::string_view tag);

struct s3_listing {
  struct object {
    std::string key;
    std::uint64_t size_bytes = 0;
  };
  std::vector<object> objects;
  bool truncated = false;
};
/// The answer to ListObjectsV2; nothing if it cannot be understood or its keys are not in byte order.
[[nodiscard]] std::optional<s3_listing> parse_listing(std::string_view xml);

}  // namespace tabletd
