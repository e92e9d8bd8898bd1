#pragma once
// The node's HTTP port: /metrics, /healthz, /readyz (design/ecosystem.md 4.3).  Requests are
// answered in the KJ loop; the metrics text is made in a thread of its own, because it takes
// milliseconds.
#include "node/kj_loop.h"
#include <kj/compat/http.h>
#include <functional>
#include <string>
#include <vector>

namespace tabletd {

struct readiness_check {
  std::string name;
  bool ok = false;
  std::string detail; ///< Why not; empty if ok.
};

struct http_sources {
  std::function<std::vector<readiness_check>()> readiness; ///< Loop thread; must not block.
  std::function<std::string()> metrics;                    ///< Exposition text; any thread.
  /// Counts one answer: handler "metrics", "healthz", "readyz" or "status", code "2xx", "4xx"...
  std::function<void(std::string_view handler, std::string_view code)> answered;
};

class http_host {
public:
  /// Listens.  Throws kj::Exception.  Not from the loop's thread.
  http_host(kj_loop_ptr loop, kj::Network& network, const std::string& listen, http_sources sources);
  ~http_host(); ///< Closes; not from the loop's thread.
  http_host(const http_host&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }

private:
  struct loop_side;
  kj_loop_ptr loop_;
  std::shared_ptr<loop_side> side_; ///< Loop thread only.
  std::uint16_t port_ = 0;
};

} // namespace tabletd
