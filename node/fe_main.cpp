// The fe role: configuration in, one fe_node out.
#include "node/cluster_hex.h"
#include "node/fe/fe_node.h"
#include "node/http_host.h"
#include "node/log.h"
#include "node/network_name.h"
#include "node/node_frame.h"
#include "node/node_metrics.h"
#include "node/roles.h"
#include "persistence/node_dir.h"
#include <fmt/format.h>
#include <kj/common.h>
#include <algorithm>

namespace tabletd {

namespace {

fe_options options_of(const fe_config& config, std::uint16_t http_port) {
  fe_options options;
  options.log_directory = std::filesystem::path(config.data_dir) / "journal";
  options.cluster_name = config.cluster_name;
  options.name = config.name;
  options.node_id = config.id;
  options.listen = config.rpc_listen;
  if (!config.frontends.empty())
    options.edit_log_listen = config.edit_log_listen;
  options.joins = config.join;
  for (const auto& each : frontends_of(config))
    options.founders.push_back({.id = each.id, .address = each.address, .voter = true});
  options.advertise_host = advertised_host(config);
  options.allow_insecure = config.allow_insecure;
  options.http_port = http_port;
  options.version = node_version;
  options.journal.memory_bytes = config.journal_memory_mib << 20;
  options.journal.backlog_bytes = config.journal_backlog_mib << 20;
  options.checkpoint.entries_max = config.checkpoint_entries_max;
  options.checkpoint.bytes_max = config.checkpoint_bytes_mib_max << 20;
  options.checkpoint.age_max = std::chrono::seconds(config.checkpoint_age_max_s);
  options.membership.liveness.interval = std::chrono::milliseconds(config.heartbeat_interval_ms);
  options.membership.liveness.missed_max = static_cast<std::uint32_t>(config.heartbeats_missed_max);
  // Whatever the interval, an agent notices a due heartbeat within a quarter of it.
  const auto tick = std::chrono::milliseconds(std::clamp<std::uint64_t>(config.heartbeat_interval_ms / 4, 20, 500));
  options.membership.tick = tick;
  options.membership.agent.tick = tick;
  options.membership.agent.link.silence_max
    = options.membership.liveness.interval * options.membership.liveness.missed_max;
  options.cooldown_lease = std::chrono::milliseconds(config.cooldown_lease_ms);
  options.warmup.jobs.running_max = config.warmup_running_max;
  options.warmup.jobs.timeout = std::chrono::seconds(config.warmup_timeout_s);
  options.warmup.jobs.history_keep = std::chrono::seconds(config.warmup_history_keep_s);
  options.warmup.batch_bytes = config.warmup_batch_bytes;
  options.warmup.lanes = {static_cast<std::uint32_t>(config.warmup_failures_max), std::chrono::milliseconds(config.warmup_rest_ms)};
  options.warmup.on_join = config.warmup_on_join;
  options.scheduler.repair_delay_factor = std::chrono::milliseconds(config.repair_delay_factor_ms);
  options.scheduler.be_down_tolerance = std::chrono::milliseconds(config.be_down_tolerate_ms);
  options.scheduler.slots_per_path = static_cast<std::uint32_t>(config.slots_per_path);
  options.scheduler.fit = {config.high_watermark, config.min_left_mib << 20, config.flood_stage, config.flood_left_mib << 20};
  return options;
}

/// Ties the directory to the cluster the log says it belongs to.
void bind_directory(node_dir& dir, const fe_node& node, std::uint64_t id) {
  const auto cat = node.catalog()->load();
  if (cat->founded())
    dir.bind(to_hex(cat->cluster), id);
}

} // namespace

int run_fe(const fe_config& config, int ready_fd) {
  node_dir dir(config.data_dir);
  dir.claim(tabletd::node_role::fe);
  if (dir.cluster())
    dir.bind(*dir.cluster(), config.id); // Refuses the directory of another fe.
  node_frame frame;

  const auto metrics = std::make_shared<fe_metrics>();
  auto http = std::make_unique<http_host>(
    frame.loop(), frame.network(), config.http_listen,
    http_sources{[metrics] { return metrics->readiness(); }, [metrics] { return metrics->text(); },
                 [metrics](std::string_view handler, std::string_view code) { metrics->http_answered(handler, code); }});

  auto options = options_of(config, http->port());
  options.on_fatal = frame.on_fatal();
  options.statement_ended = [metrics](std::string_view kind, bool ok) { metrics->statement_ended(kind, ok); };
  options.ready = [] { node_frame::wake(); };
  auto node = fe_node::start(std::move(options), frame.sys(), frame.loop(), frame.network());
  int code = 0;
  {
    metrics->serve(*node);
    // Also if the directory cannot be written: nobody may look at a node that goes away.
    const auto stop_looking = kj::defer([&] {
      http = nullptr;
      metrics->close();
    });
    if (frame.wait_for_word()) {
      bind_directory(dir, *node, config.id);
      node_frame::announce(dir.path(), fmt::format("{}:{}", advertised_host(config), node->port()),
                           fmt::format("{}:{}", host_of(config.http_listen), http->port()), ready_fd);
    }
    code = frame.wait_for_end();
  }
  node->stop();
  node = nullptr;
  log_info("stopped");
  return code;
}

} // namespace tabletd
