#include "node/role_metrics.h"
#include <algorithm>

namespace tabletd {

namespace {

double number(const auto& value) { return static_cast<double>(value); }

void add_cooldown(metric_page& page, const be_stats& stats) {
  page.add(families::cooldown_uploads, {"ok"}, number(stats.cooldown_uploads_done));
  page.add(families::cooldown_uploads, {"error"}, number(stats.cooldown_uploads_failed));
  page.add(families::cooldown_upload_bytes, number(stats.cooldown_upload_bytes));
  const auto add = [&](std::string_view kind, const be_stats::rewrites& how) {
    page.add(families::cooldown_rewrites, {kind, "ok"}, number(how.done));
    page.add(families::cooldown_rewrites, {kind, "error"}, number(how.failed));
    page.add(families::cooldown_rewrite_bytes, {kind}, number(how.bytes));
  };
  add("compaction", stats.cooldown_compactions);
  add("move", stats.cooldown_moves);
}

void add_cache(metric_page& page, const cache_snapshot& cache) {
  static const cache_counters none;
  const auto& counters = cache.counters ? *cache.counters : none;
  page.add(families::cache_reads, {"hit"}, number(counters.hits));
  page.add(families::cache_reads, {"miss"}, number(counters.misses));
  page.add(families::cache_bytes, {"cache"}, number(counters.bytes_from_cache));
  page.add(families::cache_bytes, {"store"}, number(counters.bytes_from_store));
  page.add(families::cache_evictions, {"capacity"}, number(counters.evicted_capacity));
  page.add(families::cache_evictions, {"unused"}, number(counters.evicted_unused));
  page.add(families::cache_evictions, {"pressure"}, number(counters.evicted_pressure));
  page.add(families::cache_evictions, {"corrupt"}, number(counters.dropped_corrupt));
  std::uint64_t capacity = 0, normal = 0, warm = 0;
  for (const auto& path : cache.paths) {
    capacity += path.capacity_bytes;
    normal += path.bytes_in(block_queue::normal);
    warm += path.bytes_in(block_queue::warm);
  }
  page.add(families::cache_held, {"normal"}, number(normal));
  page.add(families::cache_held, {"warm"}, number(warm));
  page.add(families::cache_capacity, number(capacity));
}

void add_warmups(metric_page& page, const be_stats::warmups& how) {
  page.add(families::be_warmup_batches, {"ok"}, number(how.batches_whole));
  page.add(families::be_warmup_batches, {"error"}, number(how.batches_lacking));
  page.add(families::be_warmup_failed, number(how.tablets_failed));
  page.add(families::be_warmup_bytes, number(how.bytes));
}

} // namespace

void add_be_metrics(metric_page& page, const be_snapshot& be) {
  std::uint64_t tablets = 0;
  for (const auto& path : be.paths) {
    const std::string_view medium = path.ssd ? "ssd" : "hdd";
    const auto capacity = path.usage.capacity_bytes;
    tablets += path.usage.tablets;
    page.add(families::be_capacity, {path.root, medium}, number(capacity));
    page.add(families::be_used, {path.root, medium}, number(capacity - std::min(path.usage.available_bytes, capacity)));
    page.add(families::be_online, {path.root}, path.online ? 1 : 0);
  }
  page.add(families::be_tablets, number(tablets));
  const auto& stats = be.stats;
  page.add(families::be_tasks, number(stats.tasks_open));
  static_assert(be_stats::task_kinds == std::size(vocabulary::task), "a task without a label value");
  for (std::size_t kind = 0; kind < be_stats::task_kinds; ++kind) {
    std::uint64_t failed = 0;
    for (std::size_t i = 1; i < be_stats::task_results; ++i)
      failed += stats.tasks_ended[kind][i];
    page.add(families::be_tasks_ended, {vocabulary::task[kind], "ok"}, number(stats.tasks_ended[kind][0]));
    page.add(families::be_tasks_ended, {vocabulary::task[kind], "error"}, number(failed));
  }
  page.add(families::be_copied, {"in"}, number(stats.copy_bytes_in));
  page.add(families::be_copied, {"out"}, number(stats.copy_bytes_out));
  page.add(families::be_copied, {"moved"}, number(stats.move_bytes));
  page.add(families::be_reports, {"full"}, number(stats.reports_full));
  page.add(families::be_reports, {"changed"}, number(stats.reports_changed));
  page.add(families::be_fenced, {"stale_term"}, number(stats.requests_fenced));
  add_cooldown(page, stats);
  add_cache(page, be.cache);
  add_warmups(page, stats.warmup);
}

} // namespace tabletd
