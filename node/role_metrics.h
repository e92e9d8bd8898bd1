#pragma once
// One scrape's numbers of a role, from the snapshots its rooms publish.
#include "actors/agent/be_stats.h"
#include "actors/checkpoint/checkpoint_progress.h"
#include "actors/cooldown/cooldown_board.h"
#include "actors/journal/journal_stats.h"
#include "actors/journal/memory_stats.h"
#include "actors/model/catalog.h"
#include "actors/model/cluster_view.h"
#include "actors/model/scheduler_view.h"
#include "actors/warmup/warmup_board.h"
#include "node/be/disk_worker.h"
#include "node/metric_registry.h"
#include "persistence/cache/cache_counters.h"
#include <vector>

namespace tabletd {

struct fe_snapshot {
  bool leads = false; ///< Families of the leader are absent otherwise.
  std::int64_t sessions = 0;
  const model::catalog& catalog;
  const model::cluster_view& cluster;
  const model::scheduler_view& scheduler;
  const journal_stats& journal;
  const memory_stats& memory;
  std::uint64_t memory_limit_bytes = 0;
  struct peer {
    std::uint64_t node{};
    std::uint64_t applied{};
    std::uint64_t queued_bytes{};
  };
  std::vector<peer> peers;
  const cooldown_board& cooldown;
  const warmup_board& warmup;
  const checkpoint_progress& checkpoint;
  model::image_mark newest_image; ///< Sound, here; id 0: none.
  model::time_ms now{}; ///< Since the Unix epoch; ages are measured from here.
};
void add_fe_metrics(metric_page& page, const fe_snapshot& fe);

struct cache_snapshot {
  const cache_counters* counters = nullptr; ///< Null: this backend has no cache.
  std::vector<path_holdings> paths;
};
struct be_snapshot {
  std::vector<disk_status> paths;
  const be_stats& stats;
  cache_snapshot cache{};
};
void add_be_metrics(metric_page& page, const be_snapshot& be);

} // namespace tabletd
