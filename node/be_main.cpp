// The be role: configuration in, one be_node out.
#include "node/be/be_node.h"
#include "node/cluster_hex.h"
#include "node/log.h"
#include "node/network_name.h"
#include "node/node_frame.h"
#include "node/http_host.h"
#include "node/node_metrics.h"
#include "node/roles.h"
#include "persistence/node_dir.h"
#include <algorithm>
#include <fmt/format.h>
#include <kj/common.h>
#include <random>

namespace tabletd {

namespace {

std::vector<disk_options> disks_of(const be_config& config) {
  std::vector<disk_options> out;
  auto paths = config.paths;
  if (paths.empty())
    paths.push_back(config.data_dir + "/disk");
  for (const auto& path : paths) {
    disk_options one;
    one.ssd = path.ends_with(":ssd");
    one.root = one.ssd ? path.substr(0, path.size() - 4) : path;
    one.store.quota_bytes = config.quota_mib << 20;
    out.push_back(std::move(one));
  }
  return out;
}

std::optional<model::backend_binding> binding_of(const node_dir& dir) {
  if (!dir.cluster() || !dir.node())
    return std::nullopt;
  return model::backend_binding{cluster_from_hex(*dir.cluster()), model::backend_id{*dir.node()}};
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

} // namespace

int run_be(const be_config& config, int ready_fd) {
  node_dir dir(config.data_dir);
  dir.claim(node_role::be);
  node_frame frame;

  const auto metrics = std::make_shared<be_metrics>();
  auto http = std::make_unique<http_host>(
    frame.loop(), frame.network(), config.http_listen,
    http_sources{[metrics] { return metrics->readiness(); }, [metrics] { return metrics->text(); },
                 [metrics](std::string_view handler, std::string_view code) { metrics->http_answered(handler, code); }});

  be_options options;
  options.paths = disks_of(config);
  options.listen = config.rpc_listen;
  options.binding = binding_of(dir);
  options.bind = [&dir](const model::backend_binding& to) { dir.bind(to_hex(to.cluster), model::raw(to.backend)); };
  options.facts.boot = std::random_device{}() | std::uint64_t{std::random_device{}()} << 32;
  options.facts.started_ms = now_ms();
  options.facts.http_port = http->port();
  options.facts.version = node_version;
  options.report.full_every_ms = std::chrono::seconds(config.full_report_every_s);
  options.tasks.clones_per_path_max = static_cast<std::uint32_t>(config.clones_per_path_max);
  options.cooldown.work_interval = model::time_ms(config.cooldown_work_interval_ms);
  options.cooldown_rules.cleanup_interval = 1'080 * options.cooldown.work_interval; // The 6 h of spec/jobs.md B9 by default.
  options.cooldown.rest_max = options.cooldown.work_interval * 16;
  options.cooldown.report_interval = model::time_ms(config.cooldown_report_interval_ms);
  options.cooldown.tick = std::min(options.cooldown.tick, options.cooldown.work_interval);
  options.remote_threads = config.cooldown_calls_max;
  options.cold.capacity_bytes = config.cache_capacity_bytes;
  options.cold.reserve.min_left_bytes = config.cache_min_left_mib << 20;
  options.cold.reserve.margin_bytes = std::min(options.cold.reserve.margin_bytes, options.cold.reserve.min_left_bytes / 8);
  options.warming.bytes_per_s = config.warmup_bytes_per_s;
  options.warming.requests_max = static_cast<std::uint32_t>(config.warmup_requests);
  options.on_fatal = frame.on_fatal();
  auto node = be_node::start(std::move(options), frame.sys(), {frame.loop(), &frame.network(), &frame.timer()});
  int code = 0;
  {
    metrics->serve(*node);
    // Also if the directory cannot be written: nobody may look at a node that goes away.
    const auto stop_looking = kj::defer([&] {
      http = nullptr;
      metrics->close();
    });
    node_frame::announce(dir.path(), fmt::format("{}:{}", host_of(config.rpc_listen), node->port()),
                         fmt::format("{}:{}", host_of(config.http_listen), http->port()), ready_fd);
    code = frame.wait_for_end();
  }
  node->stop();
  node = nullptr;
  log_info("stopped");
  return code;
}

} // namespace tabletd
