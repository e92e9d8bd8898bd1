#include "node/be/be_node.h"
#include "node/node_metrics.h"
#include "node/role_metrics.h"
#include <mutex>

namespace tabletd {

void be_metrics::serve(be_node& node) {
  const std::lock_guard guard{node_mutex_};
  node_ = &node;
}

void be_metrics::close() {
  const std::lock_guard guard{node_mutex_};
  node_ = nullptr;
}

void be_metrics::collect(metric_page& page) const {
  if (!node_)
    return;
  cache_snapshot cache;
  if (const auto* of = node_->cache()) {
    cache.counters = &of->counters();
    for (const auto& path : of->status())
      cache.paths.push_back(path.holdings);
  }
  add_be_metrics(page, {node_->paths(), *node_->stats(), std::move(cache)});
}

std::vector<readiness_check> be_metrics::check() const {
  if (!node_)
    return {{"node", false, "it is starting or stopping"}};
  std::vector<readiness_check> checks;
  for (const auto& path : node_->paths())
    checks.push_back({"path " + path.root, path.online, path.online ? "" : path.error});
  return checks;
}

} // namespace tabletd
