#pragma once
// AWS Signature Version 4, the way S3 wants it: the path is encoded once and not shortened.  Pure: the time is an
// argument.  Specification: "Signature Version 4 signing process" in the AWS General Reference.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace tabletd {

struct s3_credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  ///< Empty: the credentials are not temporary.
};

/// What is signed of a request.
struct signable_request {
  std::string method;
  std::string path;                          ///< Percent-encoded already.
  std::map<std::string, std::string> query;  ///< Not encoded; "uploads" -> "" is ?uploads=
  /// Lower-case names; host and x-amz-date among them.  All of them are signed.
  std::map<std::string, std::string> headers;
  std::string payload_sha256;  ///< sha256_hex of the body.
};

struct signing_scope {
  std::string region;
  std::string service = "s3";
};

[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);
/// 20130524T000000Z
[[nodiscard]] std::string amz_date(std::int64_t unix_s);
/// Sorted and encoded, as it is signed and as it is sent.
[[nodiscard]] std::string canonical_query(const std::map<std::string, std::string>& query);
/// The value of the Authorization header.
[[nodiscard]] std::string authorization(const signable_request& request, const s3_credentials& credentials,
                                        const signing_scope& scope);

}  // namespace tabletd
