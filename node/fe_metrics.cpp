#include "actors/model/statement_table.h"
#include "node/fe/fe_node.h"
#include "node/node_metrics.h"
#include "node/role_metrics.h"
#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

namespace tabletd {

namespace {

std::vector<std::string_view> statement_kinds() {
  std::vector<std::string_view> kinds;
  for (const auto& row : model::statement_table())
    if (std::find(kinds.begin(), kinds.end(), row.kind) == kinds.end())
      kinds.push_back(row.kind);
  kinds.emplace_back("other");
  return kinds;
}

model::time_ms wall_now() {
  return std::chrono::duration_cast<model::time_ms>(std::chrono::system_clock::now().time_since_epoch());
}

} // namespace

fe_metrics::fe_metrics()
  : node_metrics(metric_role::fe),
    statements_(registry().counters(families::console_statements, {statement_kinds(), vocabulary::result})) {}

void fe_metrics::statement_ended(std::string_view kind, bool ok) { statements_.count({kind, ok ? "ok" : "error"}); }

void fe_metrics::serve(fe_node& node) {
  const std::lock_guard guard{node_mutex_};
  node_ = &node;
}

void fe_metrics::close() {
  const std::lock_guard guard{node_mutex_};
  node_ = nullptr;
}

void fe_metrics::collect(metric_page& page) const {
  if (!node_)
    return;
  const auto cat = node_->catalog()->load();
  const auto cluster = node_->cluster()->load();
  const auto scheduler = node_->scheduler()->load();
  std::vector<fe_snapshot::peer> peers;
  for (const auto& peer : node_->peers())
    peers.push_back({peer.node, peer.applied, peer.queued_bytes});
  const auto images = node_->checkpoints().images();
  add_fe_metrics(page, {.leads = node_->leads(),
                        .sessions = node_->console()->sessions,
                        .catalog = *cat,
                        .cluster = *cluster,
                        .scheduler = *scheduler,
                        .journal = *node_->journal(),
                        .memory = *node_->log_memory(),
                        .memory_limit_bytes = node_->log_memory_bytes_max(),
                        .peers = std::move(peers),
                        .cooldown = node_->cooldown(),
                        .warmup = node_->warmup(),
                        .checkpoint = node_->checkpoints().progress(),
                        .newest_image = images.empty() ? model::image_mark{} : images.front(),
                        .now = wall_now()});
}

std::vector<readiness_check> fe_metrics::check() const {
  if (!node_)
    return {{"node", false, "it is starting or stopping"}};
  const bool has_failed = node_->journal()->failed;
  const bool serves = node_->leads() || node_->follows();
  const auto excluded = node_->exclusion();
  return {{"journal", !has_failed, has_failed ? "its disk failed; the process ends" : ""},
          {"leader", serves,
           serves              ? ""
           : excluded.empty() ? "it neither leads nor knows the leader, or has not folded its log yet"
                              : excluded}};
}

} // namespace tabletd
