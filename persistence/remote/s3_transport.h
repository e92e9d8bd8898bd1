#pragma once
// One HTTP request to an S3 store and its answer, by libcurl.  Knows nothing of keys, signatures or retries.
#include "persistence/remote/remote_store.h"
#include "persistence/remote/s3_answer.h"

#include <mutex>

namespace tabletd {

struct s3_request {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;
  std::span<const std::byte> body;  ///< Of PUT and POST.
  std::span<std::byte> sink;        ///< Where the body of a 2xx answer goes; empty: into s3_reply::body.
  std::chrono::milliseconds timeout{};
};

/// Any thread: each request takes a connection of its own, and they are kept for the next.  Redirects are not
/// followed and proxies of the environment not used: the request is signed for this host.
class s3_transport {
public:
  /// An answer that goes into s3_reply::body may have this much: a page of 1,000 keys of 1 KiB, and the XML.
  static constexpr std::size_t body_bytes_max = 4U << 20;

  s3_transport(std::string ca_file, std::chrono::milliseconds connect_timeout);
  ~s3_transport();
  s3_transport(const s3_transport&) = delete;
  s3_transport& operator=(const s3_transport&) = delete;
  /// `time_left` is also asked while bytes travel, at least once a second.
  [[nodiscard]] s3_reply perform(const s3_request& request, const time_left_fn& time_left);

private:
  class lease;
  const std::string ca_file_;
  const std::chrono::milliseconds connect_timeout_;
  std::mutex mutex_;
  std::vector<void*> idle_;  ///< CURL handles, with their open connections.
};

}  // namespace tabletd
