#include "node/node_metrics.h"
#include "node/log.h"
#include "node/node_frame.h"
#include <algorithm>
#include <shared_mutex>

namespace tabletd {

node_metrics::node_metrics(metric_role role)
  : role_(role),
    http_(registry_.counters(families::http_requests, {vocabulary::http_handler, vocabulary::http_code})) {}

std::string node_metrics::text() const {
  metric_page page;
  const auto checks = readiness();
  const bool is_ready = std::all_of(checks.begin(), checks.end(), [](const auto& c) { return c.ok; });
  page.add(families::build_info,
           {node_version, "unknown", role_ == metric_role::fe ? "fe" : "be", "gcc-" __VERSION__}, 1);
  page.add(families::ready, is_ready ? 1 : 0);
  const auto records = log_counts();
  for (std::size_t i = 0; i < records.size(); ++i)
    page.add(families::log_messages, {vocabulary::level[i]}, static_cast<double>(records[i]));
  add_process_metrics(page);
  add_actor_metrics(page);
  add_supervision_metrics(page);
  {
    const std::shared_lock guard{node_mutex_};
    collect(page);
  }
  auto all = page.take();
  for (auto& family : registry_.collect())
    all.push_back(std::move(family));
  return exposition(all);
}

std::vector<readiness_check> node_metrics::readiness() const {
  const std::shared_lock guard{node_mutex_};
  return check();
}

} // namespace tabletd
