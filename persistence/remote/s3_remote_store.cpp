// See s3_remote_store.h.  Uploads are in s3_upload.cpp.
#include "persistence/remote/s3_remote_store.h"

#include "persistence/remote/remote_key.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <limits>
#include <thread>

namespace tabletd {

s3_surroundings real_surroundings(credentials_fn credentials) {
  return {.credentials = std::move(credentials),
          .unix_s =
              [] {
                const auto now = std::chrono::system_clock::now().time_since_epoch();
                return static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
              },
          .dice = random_number,
          .pause = [](std::chrono::milliseconds span) { std::this_thread::sleep_for(span); }};
}

namespace {

[[noreturn]] void refuse(std::string_view why, std::string_view next_step) {
  throw remote_error(remote_fault::unusable, "", fmt::format("cannot use the S3 store: {}; {}", why, next_step));
}

/// host[:port]
std::string host_of(std::string_view endpoint) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (endpoint.starts_with(scheme)) {
      auto host = endpoint.substr(scheme.size());
      if (host.ends_with('/'))
        host.remove_suffix(1);
      // Not quoted: it may hold a password.
      if (host.find('@') != std::string_view::npos)
        refuse("the endpoint holds credentials", "write only scheme, host and port there");
      if (host.empty() || host.find_first_of("/?# \r\n") != std::string_view::npos)
        refuse(fmt::format("{} is no endpoint", printable(endpoint)), "write https://host:port, without a path");
      return std::string(host);
    }
  refuse("the endpoint does not begin with https:// or http://", "write https://host:port");
}

const s3_config& checked(const s3_config& config) {
  // Bucket names are stricter still, by the store's own rules; this is what a URL and a key allow.
  if (key_fault(config.bucket) || config.bucket.find('/') != std::string::npos)
    refuse(fmt::format("{} is no bucket name", printable(config.bucket)), "correct the name");
  if (!config.prefix.empty())
    if (const auto wrong = key_fault(config.prefix))
      refuse(fmt::format("the prefix {} cannot be used: {}", printable(config.prefix), *wrong), "use another");
  if (config.part_bytes == 0 || config.part_bytes > s3_part_bytes_max)
    refuse(fmt::format("parts of {} bytes", config.part_bytes), fmt::format("use 5242880 to {}", s3_part_bytes_max));
  if (config.request_timeout <= std::chrono::milliseconds::zero())
    refuse("requests without any time", "set a request timeout");
  if (config.retries.attempts_max < 1)
    refuse(fmt::format("{} attempts", config.retries.attempts_max), "allow at least one");
  return config;
}

/// A store may quote the request in its error text.
std::string without_secrets(std::string text, const s3_credentials& credentials) {
  for (const auto* secret : {&credentials.secret_access_key, &credentials.session_token, &credentials.access_key_id})
    for (auto at = std::string::npos; !secret->empty() && (at = text.find(*secret)) != std::string::npos;)
      text.replace(at, secret->size(), "(hidden)");
  return text;
}

}  // namespace

s3_remote_store::s3_remote_store(s3_config config, s3_surroundings surroundings)
    : config_(checked(config)),
      surroundings_(std::move(surroundings)),
      host_(host_of(config_.endpoint)),
      transport_(config_.ca_file, config_.connect_timeout) {
  name_ = fmt::format("s3://{}{}{} at {}", config_.bucket, config_.prefix.empty() ? "" : "/", config_.prefix,
                      config_.endpoint);
}

std::string s3_remote_store::full_key(std::string_view key) const {
  return config_.prefix.empty() ? std::string(key) : fmt::format("{}/{}", config_.prefix, key);
}

// -- requests ---------------------------------------------------------------------------

s3_reply s3_remote_store::exchange(const call& wanted, const time_left_fn& time_left) {
  for (int attempts = 1;; ++attempts) {
    const auto left = require_time(time_left, name_, wanted.doing, wanted.key);
    const auto credentials = surroundings_.credentials();
    auto reply = attempt(wanted, credentials, left, time_left);
    if (reply.transport == transport_fault::timed_out && left <= config_.request_timeout)
      reply.transport = transport_fault::called_off;  // It had all the time the caller had.
    if (reply.transport == transport_fault::none && reply.status == wanted.also_good_status)
      return reply;
    const auto verdict = judge(reply, surroundings_.unix_s());
    if (!verdict)
      return reply;
    if (verdict->ask_again)
      require_time(time_left, name_, wanted.doing, wanted.key);
    const auto pause = verdict->ask_again ? pause_before_retry(config_.retries, attempts, asked_pause(reply),
                                                               surroundings_.dice(), time_left())
                                          : std::nullopt;
    if (!pause)
      fail(wanted, *verdict, attempts, credentials);
    rest(*pause, wanted, time_left);
  }
}

s3_reply s3_remote_store::attempt(const call& wanted, const s3_credentials& credentials, std::chrono::milliseconds left,
                                  const time_left_fn& time_left) {
  signable_request signable{
      .method = wanted.method,
      .path = "/" + config_.bucket + (wanted.path.empty() ? "" : "/" + percent_encoded(wanted.path, true)),
      .query = wanted.query,
      .headers = wanted.headers,
      .payload_sha256 = sha256_hex(wanted.body)};
  signable.headers["host"] = host_;
  signable.headers["x-amz-date"] = amz_date(surroundings_.unix_s());
  signable.headers["x-amz-content-sha256"] = signable.payload_sha256;
  if (!credentials.session_token.empty())
    signable.headers["x-amz-security-token"] = credentials.session_token;

  const std::string_view scheme = config_.endpoint.starts_with("https") ? "https://" : "http://";
  s3_request request{.method = wanted.method,
                     .url = fmt::format("{}{}{}", scheme, host_, signable.path),
                     .headers = signable.headers,
                     .body = wanted.body,
                     .sink = wanted.sink,
                     .timeout = std::min(config_.request_timeout, left)};
  if (!wanted.query.empty())
    request.url += "?" + canonical_query(wanted.query);
  request.headers["authorization"] = authorization(signable, credentials, {.region = config_.region});
  return transport_.perform(request, time_left);
}

void s3_remote_store::rest(std::chrono::milliseconds pause, const call& wanted, const time_left_fn& time_left) {
  constexpr std::chrono::milliseconds slice{100};  // How soon being called off is noticed.
  for (; pause > std::chrono::milliseconds::zero(); pause -= slice) {
    surroundings_.pause(std::min(pause, slice));
    require_time(time_left, name_, wanted.doing, wanted.key);
  }
}

void s3_remote_store::fail(const call& wanted, const s3_verdict& verdict, int attempts,
                           const s3_credentials& credentials) const {
  auto why = without_secrets(verdict.why, credentials);
  if (attempts > 1)
    why += fmt::format(" (attempt {})", attempts);
  fail_remote(verdict.fault, name_, wanted.doing, wanted.key, why, verdict.next_step);
}

// -- reading ----------------------------------------------------------------------------

object_entry s3_remote_store::head(std::string_view key, const time_left_fn& time_left) {
  require_key(key, name_, "look at");
  const auto reply = exchange({.doing = "look at", .key = key, .method = "HEAD", .path = full_key(key)}, time_left);
  const auto length = reply.header("content-length");
  std::uint64_t size_bytes = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), size_bytes);
  if (length.empty() || error != std::errc() || end != length.data() + length.size())
    fail_remote(remote_fault::corrupt, name_, "look at", key, "the answer has no length",
                "check that the endpoint is an S3 store");
  return {std::string(key), size_bytes};
}

std::size_t s3_remote_store::get(std::string_view key, std::uint64_t offset, std::span<std::byte> into,
                                 const time_left_fn& time_left) {
  require_key(key, name_, "get");
  if (into.empty())
    return (void)head(key, time_left), 0;
  if (offset > std::numeric_limits<std::int64_t>::max() - into.size())
    return (void)head(key, time_left), 0;  // No object reaches there.
  constexpr long behind_the_end = 416, whole = 200;
  const auto reply = exchange({.doing = "get",
                               .key = key,
                               .method = "GET",
                               .path = full_key(key),
                               .headers = {{"range", fmt::format("bytes={}-{}", offset, offset + into.size() - 1)}},
                               .sink = into,
                               .also_good_status = behind_the_end},
                              time_left);
  if (reply.status == behind_the_end)
    return 0;
  if (reply.status == whole && offset == 0)
    return reply.sink_bytes;
  const auto range = parse_content_range(reply.header("content-range"));
  if (!range || range->offset != offset || range->size_bytes != reply.sink_bytes)
    fail_remote(remote_fault::corrupt, name_, "get", key,
                fmt::format("bytes from {} on were asked for and {} came as \"{}\"", offset, reply.sink_bytes,
                            printable(reply.header("content-range"))),
                "check that the endpoint is an S3 store and no proxy changes its answers");
  return reply.sink_bytes;
}

object_page s3_remote_store::list(std::string_view prefix, std::string_view after, std::size_t keys_max,
                                  const time_left_fn& time_left) {
  require_listing(prefix, keys_max, name_);
  call wanted{.doing = "list", .key = prefix, .method = "GET", .path = ""};
  wanted.query = {{"list-type", "2"}, {"prefix", full_key(prefix)}, {"max-keys", std::to_string(keys_max)}};
  if (!after.empty())
    wanted.query["start-after"] = full_key(after);
  const auto reply = exchange(wanted, time_left);
  const auto listing = parse_listing(reply.body);
  if (!listing || listing->objects.size() > keys_max)
    fail_remote(remote_fault::corrupt, name_, "list", prefix, "the list cannot be understood, or is out of order",
                "check that the endpoint is an S3 store that knows ListObjectsV2");
  object_page page;
  const auto own_prefix = full_key("");
  for (const auto& [key, size_bytes] : listing->objects) {
    if (!key.starts_with(own_prefix))
      continue;
    const auto own_key = key.substr(own_prefix.size());
    if (listing->truncated)
      page.next = own_key;  // The last one stays.
    if (!key_fault(own_key))
      page.entries.push_back({own_key, size_bytes});
  }
  return page;
}

void s3_remote_store::remove(std::string_view key, const time_left_fn& time_left) {
  require_key(key, name_, "remove");
  constexpr long not_found = 404;
  const auto reply = exchange(
      {.doing = "remove", .key = key, .method = "DELETE", .path = full_key(key), .also_good_status = not_found},
      time_left);
  if (reply.status != not_found)
    return;
  if (const auto verdict = judge(reply, surroundings_.unix_s()); verdict && verdict->fault != remote_fault::not_found)
    fail_remote(verdict->fault, name_, "remove", key, verdict->why, verdict->next_step);  // There is no such bucket.
}

}  // namespace tabletd
