#include "node/role_metrics.h"
#include <algorithm>
#include <array>
#include <map>
#include <string>

namespace tabletd {

namespace {

constexpr std::string_view repair = vocabulary::sched_type[0];
constexpr std::string_view balance = vocabulary::sched_type[1]; // Never waits in the queue.

double number(const auto& value) { return static_cast<double>(value); }

std::string_view name_of(model::medium medium) { return vocabulary::medium[static_cast<std::size_t>(medium)]; }

double seconds(model::time_ms span) { return std::max(0.0, number(span.count()) / 1'000); }

void add_journal(metric_page& page, const journal_stats& stats) {
  const auto committed = stats.commit_index.load();
  const auto applied = stats.applied_index.load();
  page.add(families::journal_last_index, number(stats.last_index));
  page.add(families::journal_entries, number(stats.entries));
  page.add(families::journal_bytes, number(stats.bytes));
  page.add(families::journal_commit, {}, stats.commit_seconds.counts(), fast_bounds);
  page.add(families::journal_apply, {}, stats.apply_seconds.counts(), fast_bounds);
  page.add(families::journal_batch, {}, stats.entries_per_commit.counts(), batch_entries_bounds);
  page.add(families::journal_queued, number(stats.pending));
  page.add(families::journal_lag, committed > applied ? number(committed - applied) : 0);
  page.add(families::journal_file, number(stats.file_bytes));
  page.add(families::sqlite_wal, number(stats.wal_bytes));
  page.add(families::raft_term, number(stats.term));
  page.add(families::raft_has_leader, stats.leader != 0 ? 1 : 0);
  page.add(families::raft_last_index, number(stats.last_index));
  page.add(families::raft_commit_index, number(committed));
  page.add(families::raft_applied_index, number(applied));
  page.add(families::raft_proposals, {"committed"}, number(stats.entries));
  page.add(families::raft_proposals, {"dropped"}, number(stats.overloaded + stats.too_large));
  page.add(families::raft_pending, number(stats.pending));
}

void add_log_memory(metric_page& page, const fe_snapshot& fe) {
  using enum model::memory_category;
  constexpr std::array stages{uncommitted, unapplied, cached, sending, receiving, proposed};
  for (std::size_t i = 0; i < stages.size(); ++i)
    page.add(families::raft_memory, {vocabulary::log_stage[i]}, number(fe.memory.bytes(stages[i])));
  page.add(families::raft_memory_limit, number(fe.memory_limit_bytes));
  for (std::size_t i = 0; i < fe.memory.stalls.size(); ++i)
    page.add(families::raft_stalls, {vocabulary::stall[i]}, number(fe.memory.stalls[i]));
  page.add(families::raft_rejections, {vocabulary::stall[1]}, number(fe.memory.refused_appends));
  const auto last = fe.journal.last_index.load();
  for (const auto& peer : fe.peers) {
    const auto name = std::to_string(peer.node);
    page.add(families::raft_peer_lag, {name}, last > peer.applied ? number(last - peer.applied) : 0);
    page.add(families::raft_peer_queue, {name}, number(peer.queued_bytes));
  }
}

void add_checkpoint(metric_page& page, const checkpoint_progress& progress, const model::image_mark& newest) {
  page.add(families::checkpoints, {"ok"}, number(progress.done));
  page.add(families::checkpoints, {"error"}, number(progress.failed));
  page.add(families::checkpoint_duration, {vocabulary::checkpoint_phase[0]}, progress.attempt_seconds.counts(), attempt_seconds_bounds);
  page.add(families::checkpoint_running, progress.is_running ? 1 : 0);
  page.add(families::checkpoint_last_success, number(progress.last_done_ms) / 1'000);
  page.add(families::checkpoint_image_index, number(newest.id));
  page.add(families::checkpoint_image_bytes, number(newest.bytes));
  page.add(families::checkpoint_pushes, {"ok"}, number(progress.pushed));
  page.add(families::checkpoint_pushes, {"error"}, number(progress.push_refused));
}

void add_catalog(metric_page& page, const model::catalog& cat) {
  std::uint64_t partitions = 0;
  cat.tables.for_each([&](model::table_id, const model::table& t) { partitions += t.partitions.size(); });
  page.add(families::catalog_objects, {"database"}, number(cat.databases.size()));
  page.add(families::catalog_objects, {"table"}, number(cat.tables.size()));
  page.add(families::catalog_objects, {"partition"}, number(partitions));
  page.add(families::catalog_objects, {"tablet"}, number(cat.tablets.size()));
  page.add(families::catalog_objects, {"replica"}, number(cat.replicas));
}

void add_backends(metric_page& page, const model::catalog& cat, const model::cluster_view& view, model::time_ms now) {
  std::uint64_t alive = 0, dead = 0, leaving = 0;
  cat.backends.for_each([&](model::backend_id id, const model::backend& b) {
    ++(!b.alive ? dead : b.decommissioned ? leaving : alive);
    const auto label = std::to_string(raw(id));
    const auto* seen = view.find(id);
    page.add(families::backend_up, {label}, seen && seen->linked ? 1 : 0);
    if (!seen)
      return;
    if (seen->last_heartbeat.count() > 0)
      page.add(families::heartbeat_age, {label}, seconds(now - seen->last_heartbeat));
    for (const auto medium : {model::medium::hdd, model::medium::ssd}) {
      std::uint64_t used = 0, capacity = 0, tablets = 0;
      for (const auto& path : seen->paths) {
        if (path.medium != medium)
          continue;
        used += path.capacity_bytes - std::min(path.available_bytes, path.capacity_bytes);
        capacity += path.capacity_bytes;
        tablets += path.tablets;
      }
      page.add(families::backend_used, {label, name_of(medium)}, number(used));
      page.add(families::backend_capacity, {label, name_of(medium)}, number(capacity));
      page.add(families::backend_replicas, {label, name_of(medium)}, number(tablets));
    }
  });
  page.add(families::backends, {"alive"}, number(alive));
  page.add(families::backends, {"dead"}, number(dead));
  page.add(families::backends, {"decommissioning"}, number(leaving));
}

void add_health(metric_page& page, const model::catalog& cat, const model::scheduler_view& view) {
  std::uint64_t sick = 0;
  for (std::size_t h = 1; h < std::size(vocabulary::health); ++h) {
    sick += view.tablets_by_health[h];
    page.add(families::tablets, {vocabulary::health[h]}, number(view.tablets_by_health[h]));
  }
  const auto all = cat.tablets.size();
  page.add(families::tablets, {vocabulary::health[0]}, number(all > sick ? all - sick : 0));
}

void add_queue(metric_page& page, const model::scheduler_view& view, model::time_ms now) {
  std::array<std::uint64_t, std::size(vocabulary::priority)> waiting{};
  std::array<model::time_ms, std::size(vocabulary::priority)> oldest{};
  for (const auto& row : view.pending) {
    const auto priority = static_cast<std::size_t>(row.dynamic_priority);
    ++waiting[priority];
    oldest[priority] = oldest[priority].count() == 0 ? row.created : std::min(oldest[priority], row.created);
  }
  // The view lists the first thousand in queue order: whoever is behind them has at most the
  // priority of the last one.
  if (!view.pending.empty())
    waiting[static_cast<std::size_t>(view.pending.back().dynamic_priority)] += view.pending_total - view.pending.size();
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    page.add(families::sched_pending, {repair, vocabulary::priority[i]}, number(waiting[i]));
    page.add(families::sched_oldest, {vocabulary::priority[i]},
             oldest[i].count() == 0 ? 0 : seconds(now - oldest[i]));
  }
  page.add(families::sched_running, {repair}, number(view.running_total - view.balance_running));
  page.add(families::sched_running, {balance}, number(view.balance_running));
}

void add_scheduler(metric_page& page, const model::scheduler_view& view) {
  const auto& c = view.counters;
  page.add(families::checker_scanned, number(c.tablets_checked));
  for (std::size_t h = 1; h < std::size(vocabulary::health); ++h)
    page.add(families::sched_submitted, {repair, vocabulary::health[h]}, number(c.submitted_by_health[h]));
  page.add(families::sched_submitted, {balance, vocabulary::health[0]}, number(c.balance_scheduled));
  page.add(families::sched_finished, {repair, "finished"}, number(c.finished - c.balance_finished));
  page.add(families::sched_finished, {repair, "cancelled"}, number(c.cancelled - c.balance_cancelled));
  page.add(families::sched_finished, {repair, "unexpected"}, number(c.unexpected - c.balance_unexpected));
  page.add(families::sched_finished, {balance, "finished"}, number(c.balance_finished));
  page.add(families::sched_finished, {balance, "cancelled"}, number(c.balance_cancelled));
  page.add(families::sched_finished, {balance, "unexpected"}, number(c.balance_unexpected));
  for (std::size_t type = 0; type < c.copied_bytes.size(); ++type)
    for (std::size_t scope = 0; scope < c.copied_bytes[type].size(); ++scope)
      page.add(families::clone_bytes, {vocabulary::sched_type[type], vocabulary::clone_scope[scope]},
               number(c.copied_bytes[type][scope]));
  page.add(families::sched_adjusted, {"up"}, number(c.upgraded));
  page.add(families::sched_adjusted, {"down"}, number(c.downgraded));
}

model::medium medium_of(const model::catalog& cat, const model::slot_row& slot) {
  const auto* backend = cat.backends.find(slot.backend);
  if (backend)
    for (const auto& path : backend->paths)
      if (path.hash == slot.path)
        return path.medium;
  return model::medium::hdd;
}

void add_balancer(metric_page& page, const model::catalog& cat, const model::scheduler_view& view, model::time_ms now) {
  page.add(families::balancer_enabled, view.pause.cause == model::pause_cause::disabled ? 0 : 1);
  page.add(families::balancer_path_moves, number(view.counters.path_moves_scheduled));
  for (const auto medium : model::media) {
    double lowest = 0, highest = 0;
    bool any = false;
    for (const auto& row : view.load[static_cast<std::size_t>(medium)].rows) {
      lowest = any ? std::min(lowest, row.score) : row.score;
      highest = any ? std::max(highest, row.score) : row.score;
      any = true;
    }
    page.add(families::balancer_skew, {name_of(medium)}, highest - lowest);
  }
  std::array<std::uint64_t, std::size(vocabulary::pause_target)> pauses{};
  for (const auto& [scope, pause] : cat.pauses.all())
    if (pause.until > now) {
      const std::string_view what{scope};
      ++pauses[what.starts_with("table:") ? 1 : what.starts_with("backend:") ? 2 : 0];
    }
  for (std::size_t target = 0; target < pauses.size(); ++target)
    page.add(families::balancer_pauses, {vocabulary::pause_target[target]}, number(pauses[target]));
}

void add_slots(metric_page& page, const model::catalog& cat, const model::scheduler_view& view) {
  struct sum {
    std::uint64_t total = 0;
    std::uint64_t available = 0;
  };
  std::map<std::pair<model::backend_id, model::medium>, std::array<sum, 2>> sums; // As vocabulary::sched_type.
  for (const auto& slot : view.slots) {
    auto& [of_repair, of_balance] = sums[{slot.backend, medium_of(cat, slot)}];
    of_repair.total += slot.total;
    of_repair.available += std::min(slot.available, slot.total);
    of_balance.total += view.balance_slots_per_path;
    of_balance.available += std::min(slot.balance_available, view.balance_slots_per_path);
  }
  for (const auto& [of, both] : sums) {
    const auto backend = std::to_string(raw(of.first));
    for (std::size_t kind = 0; kind < both.size(); ++kind) {
      page.add(families::slots, {backend, name_of(of.second), vocabulary::sched_type[kind]}, number(both[kind].total));
      page.add(families::slots_in_use, {backend, name_of(of.second), vocabulary::sched_type[kind]},
               number(both[kind].total - both[kind].available));
    }
  }
}

void add_cooldown(metric_page& page, const cooldown_board& board) {
  const auto tablets = board.tablets_by_phase();
  static_assert(std::size(vocabulary::cooldown_phase) == cooldown_board::phase_count);
  for (std::size_t i = 0; i < tablets.size(); ++i)
    page.add(families::cooldown_tablets, {vocabulary::cooldown_phase[i]}, number(tablets[i]));
  static_assert(std::size(vocabulary::reassign) == model::reassignment_words.size());
  for (std::size_t i = 0; i < board.assignments.size(); ++i)
    page.add(families::cooldown_assignments, {vocabulary::reassign[i]}, number(board.assignments[i]));
  page.add(families::cooldown_conflicts, number(board.conflicts));
}

void add_warmup(metric_page& page, const model::catalog& cat, const warmup_board& board) {
  std::array<std::uint64_t, 2> jobs{}, lanes{}; // Index: as in vocabulary::job_state.
  std::uint64_t remaining = 0;
  cat.warmup.jobs.for_each([&](model::warmup_job_id id, const model::warmup_job& job) {
    if (model::is_final(job.state))
      return;
    const bool runs = job.state == model::warmup_state::running;
    ++jobs[runs ? 1 : 0];
    if (!runs)
      return;
    const auto progress = model::progress_of(job);
    const auto live = board.live_bytes(id);
    const auto open = progress.bytes_total - std::min(progress.bytes_total, progress.bytes_done);
    remaining += open - std::min(open, live);
    for (std::size_t i = 0; i < job.lanes.size(); ++i) {
      const auto stands = board.find(id, job.lanes[i].backend);
      if (!model::all_warmed(job, i))
        ++lanes[stands && stands->in_flight ? 1 : 0];
    }
  });
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    page.add(families::warmup_jobs, {vocabulary::job_state[i]}, number(jobs[i]));
    page.add(families::warmup_backends, {vocabulary::job_state[i]}, number(lanes[i]));
  }
  page.add(families::warmup_ended, {vocabulary::job_result[0]}, number(board.jobs_finished));
  page.add(families::warmup_ended, {vocabulary::job_result[1]}, number(board.jobs_cancelled));
  page.add(families::warmup_ended, {vocabulary::job_result[2]}, number(board.jobs_failed));
  page.add(families::warmup_batches, {"ok"}, number(board.batches_ok));
  page.add(families::warmup_batches, {"error"}, number(board.batches_failed));
  page.add(families::warmup_batch_duration, {}, board.batch_seconds.counts(), batch_seconds_bounds);
  page.add(families::warmup_finished, number(board.finished_bytes));
  page.add(families::warmup_remaining, number(remaining));
  page.add(families::warmup_pushes, number(board.pushes));
  page.add(families::warmup_pushed, number(board.pushed_bytes));
}

} // namespace

void add_fe_metrics(metric_page& page, const fe_snapshot& fe) {
  page.add(families::is_leader, fe.leads ? 1 : 0);
  page.add(families::console_sessions, number(fe.sessions));
  add_catalog(page, fe.catalog);
  add_journal(page, fe.journal);
  add_log_memory(page, fe);
  add_checkpoint(page, fe.checkpoint, fe.newest_image);
  if (!fe.leads)
    return;
  add_backends(page, fe.catalog, fe.cluster, fe.now);
  add_health(page, fe.catalog, fe.scheduler);
  add_queue(page, fe.scheduler, fe.now);
  add_scheduler(page, fe.scheduler);
  add_balancer(page, fe.catalog, fe.scheduler, fe.now);
  add_slots(page, fe.catalog, fe.scheduler);
  add_cooldown(page, fe.cooldown);
  add_warmup(page, fe.catalog, fe.warmup);
  page.add(families::cooldown_tombstones, number(fe.catalog.tombstones.size()));
}

} // namespace tabletd
