// See sigv4.h.
#include "persistence/remote/sigv4.h"

#include "persistence/remote/remote_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdexcept>
#include <vector>

namespace tabletd {

namespace {

using digest = std::array<unsigned char, 32>;

std::string hex_of(const digest& bytes) {
  std::string text;
  for (const auto byte : bytes)
    text += fmt::format("{:02x}", byte);
  return text;
}

template <class Key>
digest hmac(const Key& key, std::string_view text) {
  digest result{};
  if (!::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
              reinterpret_cast<const unsigned char*>(text.data()), text.size(), result.data(), nullptr))
    throw std::runtime_error("OpenSSL has no HMAC-SHA-256; a provider is missing from its configuration");
  return result;
}

std::string signed_names(const signable_request& request) {
  std::string names;
  for (const auto& [name, value] : request.headers)
    names += (names.empty() ? "" : ";") + name;
  return names;
}

/// Without blanks at the ends, runs of them inside as one.
std::string trimmed(std::string_view value) {
  std::string kept;
  for (const char letter : value)
    if (letter != ' ' || (!kept.empty() && kept.back() != ' '))
      kept += letter;
  if (kept.ends_with(' '))
    kept.pop_back();
  return kept;
}

std::string canonical_request(const signable_request& request) {
  std::string headers;
  for (const auto& [name, value] : request.headers)
    headers += fmt::format("{}:{}\n", name, trimmed(value));
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", request.method, request.path, canonical_query(request.query), headers,
                     signed_names(request), request.payload_sha256);
}

}  // namespace

std::string sha256_hex(std::span<const std::byte> bytes) {
  digest result{};
  if (::EVP_Digest(bytes.data(), bytes.size(), result.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-256; a provider is missing from its configuration");
  return hex_of(result);
}

std::string amz_date(std::int64_t unix_s) {
  using namespace std::chrono;
  const sys_seconds when{seconds(unix_s)};
  const auto day = floor<days>(when);
  const year_month_day date(day);
  const hh_mm_ss clock(when - day);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string canonical_query(const std::map<std::string, std::string>& query) {
  // Sorted by the encoded names, which may differ from the order of the plain ones.
  std::vector<std::string> pairs;
  for (const auto& [name, value] : query)
    pairs.push_back(percent_encoded(name, false) + "=" + percent_encoded(value, false));
  std::ranges::sort(pairs);
  std::string joined;
  for (const auto& pair : pairs)
    joined += (joined.empty() ? "" : "&") + pair;
  return joined;
}

std::string authorization(const signable_request& request, const s3_credentials& credentials,
                          const signing_scope& scope) {
  const std::string& when = request.headers.at("x-amz-date");
  const std::string day = when.substr(0, 8);
  const std::string granted = fmt::format("{}/{}/{}/aws4_request", day, scope.region, scope.service);
  const std::string canonical = canonical_request(request);
  const std::string to_sign
      = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", when, granted, sha256_hex(std::as_bytes(std::span(canonical))));
  const auto key = hmac(hmac(hmac(hmac("AWS4" + credentials.secret_access_key, day), scope.region), scope.service),
                        "aws4_request");
  return fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", credentials.access_key_id,
                     granted, signed_names(request), hex_of(hmac(key, to_sign)));
}

}  // namespace tabletd
