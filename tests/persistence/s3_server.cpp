// See s3_server.h.
#include "s3_server.h"

#include "persistence/remote/remote_key.h"
#include "persistence/remote/s3_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <cstring>
#include <ctime>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace tabletd::test {

namespace {

std::string decoded(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at)
    if (text[at] == '%' && at + 2 < text.size()) {
      plain += static_cast<char>(std::stoi(std::string(text.substr(at + 1, 2)), nullptr, 16));
      at += 2;
    } else {
      plain += text[at];
    }
  return plain;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const auto piece = text.substr(0, text.find(separator));
    pieces.emplace_back(piece);
    text.remove_prefix(std::min(text.size(), piece.size() + 1));
  }
  return pieces;
}

std::string sha256_of(std::string_view text) { return sha256_hex(std::as_bytes(std::span(text))); }

std::string http_date(std::time_t when) {
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

std::string error_body(std::string_view code, std::string_view message) {
  return fmt::format("<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>{}</Message></Error>", code, message);
}

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char letter : text)
    safe += letter == '&' ? "&amp;" : letter == '<' ? "&lt;" : std::string(1, letter);
  return safe;
}

/// False: the other side has gone.
bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

// -- connections ------------------------------------------------------------------------

s3_server::s3_server() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0
      || ::listen(listener_, 64) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error(fmt::format("the S3 server of the test cannot listen: {}", std::strerror(errno)));
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { accept_all(); });
}

s3_server::~s3_server() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard locked(mutex_);
    for (const int connection : connections_)
      ::shutdown(connection, SHUT_RDWR);
  }
  threads_.clear();
  ::close(listener_);
}

void s3_server::accept_all() {
  for (;;) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0)
      return;
    const int yes = 1;
    ::setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    const std::lock_guard locked(mutex_);
    const auto mine = connections_.insert(connections_.end(), connection);
    threads_.emplace_back([this, connection, mine] {
      serve(connection);
      const std::lock_guard ending(mutex_);
      connections_.erase(mine);
      ::close(connection);
    });
  }
}

void s3_server::serve(int connection) {
  std::string buffer;
  const auto fill = [&] {
    char bytes[65536];
    const auto got = ::recv(connection, bytes, sizeof bytes, 0);
    if (got > 0)
      buffer.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
  };
  for (;;) {
    std::size_t end = 0;
    while ((end = buffer.find("\r\n\r\n")) == std::string::npos)
      if (!fill())
        return;
    request wanted;
    auto lines = split(buffer.substr(0, end), '\n');
    const auto first = split(lines.front(), ' ');
    wanted.method = first.at(0);
    wanted.path = first.at(1).substr(0, first.at(1).find('?'));
    wanted.query_text = first.at(1).substr(std::min(first.at(1).size(), wanted.path.size() + 1));
    for (const auto& pair : split(wanted.query_text, '&')) {
      const auto equals = std::min(pair.size(), pair.find('='));
      wanted.query[decoded(pair.substr(0, equals))] = decoded(pair.substr(std::min(pair.size(), equals + 1)));
    }
    for (std::size_t number = 1; number < lines.size(); ++number) {
      auto& line = lines[number];
      if (line.ends_with('\r'))
        line.pop_back();
      const auto colon = line.find(": ");
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(),
                             [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
      wanted.headers[name] = colon == std::string::npos ? "" : line.substr(colon + 2);
    }
    const auto length = wanted.headers.contains("content-length") ? std::stoull(wanted.headers["content-length"]) : 0;
    buffer.erase(0, end + 4);
    if (wanted.headers["expect"] == "100-continue" && !send_all(connection, "HTTP/1.1 100 Continue\r\n\r\n"))
      return;
    buffer.reserve(length);
    while (buffer.size() < length)
      if (!fill())
        return;
    wanted.body = buffer.substr(0, length);
    buffer.erase(0, length);
    if (!answer_one(connection, wanted))
      return ::shutdown(connection, SHUT_RDWR), void();
  }
}

bool s3_server::answer_one(int connection, const request& wanted) {
  using kind = s3_trouble::kind;
  const auto trouble = trouble_for(wanted);
  const auto what = trouble ? std::optional(trouble->what) : std::nullopt;
  if (what == kind::hang_up)
    return false;
  if (what == kind::no_answer) {
    char byte = 0;
    return ::recv(connection, &byte, 1, 0) > 0;  // Until the client hangs up.
  }
  answer given;
  if (what == kind::answer)
    given = {trouble->status, trouble->headers, error_body(trouble->code, trouble->message)};
  else if (what == kind::late_error)
    given = {200, "", error_body("InternalError", "We encountered an internal error.")};
  else if (const auto refused = refusal(wanted))
    given = *refused;
  else
    given = carry_out(wanted);
  if (what == kind::forget)
    return false;
  const bool head = wanted.method == "HEAD";
  auto text = fmt::format("HTTP/1.1 {} X\r\nDate: {}\r\nContent-Length: {}\r\n{}\r\n", given.status,
                          http_date(std::time(nullptr)), head ? given.head_length : given.body.size(), given.headers);
  if (what == kind::half_answer) {
    (void)send_all(connection, text + given.body.substr(0, given.body.size() / 2));
    return false;
  }
  return send_all(connection, text + (head ? "" : given.body));
}

std::optional<s3_trouble> s3_server::trouble_for(const request& wanted) {
  const std::lock_guard locked(mutex_);
  requests_.push_back(wanted.line());
  largest_body_bytes_ = std::max(largest_body_bytes_, wanted.body.size());
  for (auto plan = planned_.begin(); plan != planned_.end(); ++plan)
    if (wanted.line().find(plan->what_contains) != std::string::npos) {
      auto trouble = plan->trouble;
      if (--plan->times == 0)
        planned_.erase(plan);
      return trouble;
    }
  return std::nullopt;
}

// -- signatures -------------------------------------------------------------------------

std::string s3_server::request::header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

std::optional<s3_server::answer> s3_server::refusal(const request& wanted) {
  const auto refuse = [](int status, std::string_view code) {
    return answer{status, "", error_body(code, "Refused.")};
  };
  const auto own = credentials();
  const auto given = wanted.header("authorization");
  const auto field = [&](std::string_view name) {
    const auto at = given.find(name);
    return at == std::string::npos ? "" : given.substr(at + name.size(), given.find(',', at) - at - name.size());
  };
  const auto scope = split(field("Credential="), '/');
  if (scope.size() != 5 || scope[0] != own.access_key_id)
    return refuse(403, "InvalidAccessKeyId");
  if (wanted.header("x-amz-security-token") != own.session_token)
    return refuse(400, "ExpiredToken");
  signable_request signable{wanted.method, wanted.path, wanted.query, {}, wanted.header("x-amz-content-sha256")};
  for (const auto& name : split(field("SignedHeaders="), ';'))
    signable.headers[name] = wanted.header(name);
  for (const auto& [name, value] : wanted.headers)
    if ((name == "host" || name.starts_with("x-amz-")) && !signable.headers.contains(name))
      return refuse(403, "AccessDenied");
  if (!signable.headers.contains("x-amz-date") || authorization(signable, own, {scope[2], scope[3]}) != given)
    return refuse(403, "SignatureDoesNotMatch");
  constexpr std::int64_t skew_max_s = 900;
  const auto now = std::time(nullptr);
  if (wanted.header("x-amz-date") < amz_date(now - skew_max_s)
      || wanted.header("x-amz-date") > amz_date(now + skew_max_s))
    return refuse(403, "RequestTimeTooSkewed");
  if (sha256_of(wanted.body) != wanted.header("x-amz-content-sha256"))
    return refuse(400, "XAmzContentSHA256Mismatch");
  return std::nullopt;
}

// -- objects ----------------------------------------------------------------------------

s3_server::answer s3_server::carry_out(const request& wanted) {
  const std::lock_guard locked(mutex_);
  const auto path = decoded(wanted.path);
  const std::string bucket_path = "/" + std::string(bucket);
  if (path == bucket_path)
    return on_list(wanted);
  if (!path.starts_with(bucket_path + "/"))
    return {404, "", error_body("NoSuchBucket", "The specified bucket does not exist")};
  const auto key = path.substr(bucket_path.size() + 1);
  if (wanted.method == "PUT")
    return on_put(wanted, key);
  if (wanted.method == "POST")
    return on_post(wanted, key);
  if (wanted.method == "DELETE")
    return on_delete(wanted, key);
  return on_get(wanted, key);
}

s3_server::answer s3_server::on_put(const request& wanted, const std::string& key) {
  if (const auto id = wanted.query.find("uploadId"); id != wanted.query.end()) {
    const auto found = uploads_.find(id->second);
    if (found == uploads_.end() || found->second.key != key)
      return {404, "", error_body("NoSuchUpload", "The specified upload does not exist.")};
    found->second.parts[std::stoi(wanted.query.at("partNumber"))] = wanted.body;
    return {200, "ETag: \"" + sha256_of(wanted.body).substr(0, 32) + "\"\r\n", ""};
  }
  if (wanted.header("if-none-match") == "*" && objects_.contains(key) && !ignores_conditions_)
    return {412, "", error_body("PreconditionFailed", "At least one of the pre-conditions did not hold")};
  objects_[key] = {wanted.body, wanted.header("x-amz-meta-tabletd-put")};
  return {200, "ETag: \"" + sha256_of(wanted.body).substr(0, 32) + "\"\r\n", ""};
}

s3_server::answer s3_server::on_get(const request& wanted, const std::string& key) const {
  const auto found = objects_.find(key);
  if (found == objects_.end())
    return {404, "", error_body("NoSuchKey", "The specified key does not exist.")};
  const auto& [bytes, mark] = found->second;
  const auto headers = (mark.empty() ? "" : "x-amz-meta-tabletd-put: " + mark + "\r\n")
                       + fmt::format("ETag: \"{:x}\"\r\nLast-Modified: {}\r\n", bytes.size(), http_date(std::time(nullptr)));
  const auto range = wanted.header("range");
  if (range.empty())
    return {200, headers, bytes, bytes.size()};
  const auto first = std::stoull(range.substr(6));
  const auto last = range.ends_with('-') ? bytes.size() : std::stoull(range.substr(range.find('-') + 1));
  if (first >= bytes.size())
    return {416, "", error_body("InvalidRange", "The requested range is not satisfiable")};
  const auto part = bytes.substr(first, last - first + 1);
  return {206,
          fmt::format("{}Content-Range: bytes {}-{}/{}\r\n", headers, first, first + part.size() - 1, bytes.size()),
          part};
}

s3_server::answer s3_server::on_post(const request& wanted, const std::string& key) {
  if (wanted.query.contains("uploads")) {
    const auto id = fmt::format("upload+{}/=", ++uploads_begun_);
    uploads_[id] = {key, wanted.header("x-amz-meta-tabletd-put"), {}};
    return {200, "",
            fmt::format("<InitiateMultipartUploadResult><UploadId>{}</UploadId></InitiateMultipartUploadResult>", id)};
  }
  const auto found = uploads_.find(wanted.query.contains("uploadId") ? wanted.query.at("uploadId") : "");
  if (found == uploads_.end())
    return {404, "", error_body("NoSuchUpload", "The specified upload does not exist.")};
  if (wanted.header("if-none-match") == "*" && objects_.contains(key) && !ignores_conditions_)
    return {412, "", error_body("PreconditionFailed", "At least one of the pre-conditions did not hold")};
  std::string bytes;
  int expected = 0;
  for (const auto part : xml_sections(wanted.body, "Part")) {
    const auto& kept = found->second.parts[std::stoi(xml_text(part, "PartNumber").value_or("0"))];
    if (std::stoi(xml_text(part, "PartNumber").value_or("0")) != ++expected
        || xml_text(part, "ETag") != "\"" + sha256_of(kept).substr(0, 32) + "\"")
      return {400, "", error_body("InvalidPart", "One or more of the specified parts could not be found.")};
    bytes += kept;
  }
  objects_[key] = {std::move(bytes), found->second.mark};
  uploads_.erase(found);
  return {200, "", "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>"};
}

s3_server::answer s3_server::on_delete(const request& wanted, const std::string& key) {
  if (const auto id = wanted.query.find("uploadId"); id != wanted.query.end())
    return {uploads_.erase(id->second) ? 204 : 404};
  objects_.erase(key);
  return {204};
}

s3_server::answer s3_server::on_list(const request& wanted) const {
  const auto value = [&](const std::string& name) {
    const auto found = wanted.query.find(name);
    return found == wanted.query.end() ? std::string() : found->second;
  };
  const auto prefix = value("prefix"), after = value("start-after");
  const auto page = value("max-keys").empty() ? 1'000 : std::stoull(value("max-keys"));
  std::string contents;
  std::size_t count = 0;
  bool truncated = false;
  for (auto at = objects_.upper_bound(after); at != objects_.end() && !truncated; ++at) {
    if (!at->first.starts_with(prefix))
      continue;
    truncated = count == page;
    if (truncated)
      break;
    ++count;
    contents += fmt::format("<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>&quot;{:x}&quot;</ETag><Size>{}</Size></Contents>",
                            escaped(at->first), at->second.bytes.size(), at->second.bytes.size());
  }
  return {200, "",
          fmt::format("<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>{}</IsTruncated>{}</ListBucketResult>",
                      truncated, contents)};
}

// -- for tests --------------------------------------------------------------------------

void s3_server::trouble_ahead(std::string what_contains, s3_trouble trouble, int times) {
  const std::lock_guard locked(mutex_);
  planned_.push_back({std::move(what_contains), std::move(trouble), times});
}

void s3_server::put_behind_the_back(std::string key, std::string bytes) {
  const std::lock_guard locked(mutex_);
  objects_[std::move(key)] = {std::move(bytes), ""};
}

std::vector<std::string> s3_server::requests() const {
  const std::lock_guard locked(mutex_);
  return requests_;
}

std::map<std::string, std::size_t> s3_server::sizes() const {
  const std::lock_guard guard(mutex_);
  std::map<std::string, std::size_t> all;
  for (const auto& [key, is] : objects_)
    all[key] = is.bytes.size();
  return all;
}

std::size_t s3_server::unfinished_uploads() const {
  const std::lock_guard locked(mutex_);
  return uploads_.size();
}

std::size_t s3_server::largest_body_bytes() const {
  const std::lock_guard locked(mutex_);
  return largest_body_bytes_;
}

}  // namespace tabletd::test
