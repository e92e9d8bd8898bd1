#include "actors/model/warmup_report.h"

#include <algorithm>

namespace tabletd::model {

namespace {

/// How long the round has been running, or ran.
time_ms running_time(const warmup_job& job, time_ms now) {
  const auto end = job.finished != time_ms{} ? job.finished : job.paused.value_or(now);
  return std::max(time_ms{}, end - job.started - job.paused_for);
}

std::string target_text(const catalog& cat, const warmup_target& target) {
  const auto* of = cat.tables.find(target.table);
  if (!of)
    return "dropped table " + std::to_string(raw(target.table));
  auto text = cat.databases.find(of->database)->name + '.' + of->name;
  if (raw(target.partition) == 0)
    return text;
  const auto* part = of->find(target.partition);
  return text + '.' + (part ? part->name : "dropped partition " + std::to_string(raw(target.partition)));
}

}  // namespace

std::string_view status_word(const warmup_job& job) {
  return job.paused && !is_final(job.state) ? "PAUSED" : word_of(job.state);
}

warmup_batches batches_of(const warmup_job& job) {
  warmup_batches sum;
  for (const auto& lane : *job.plan)
    sum.all += lane.batches.size();
  for (const auto& lane : job.lanes) {
    sum.finished += lane.warmed;
    sum.failed_tablets += lane.failed_tablets;
  }
  return sum;
}

std::uint64_t planned_bytes(const warmup_lane_plan& lane) {
  std::uint64_t bytes = 0;
  for (const auto& batch : lane.batches)
    bytes += batch.bytes;
  return bytes;
}

warmup_progress progress_of(const warmup_job& job, std::uint64_t live_bytes) {
  auto progress = progress_of(job);
  progress.bytes_done += std::min(live_bytes, progress.bytes_total - progress.bytes_done);
  return progress;
}

warmup_pace pace_of(const warmup_job& job, const warmup_progress& progress, time_ms now) {
  warmup_pace pace;
  const bool runs = job.state == warmup_state::running;
  const auto done = static_cast<double>(progress.bytes_done);
  if (progress.bytes_total > 0)
    pace.percent = 100.0 * done / static_cast<double>(progress.bytes_total);
  else if (!runs && job.finished != time_ms{})
    pace.percent = 100;
  const auto span = running_time(job, now);
  if (job.started == time_ms{} || span == time_ms{})
    return pace;
  pace.bytes_per_s = done * 1'000 / static_cast<double>(span.count());
  if (runs && !job.paused && progress.bytes_done > 0)
    pace.left = time_ms{static_cast<time_ms::rep>(static_cast<double>(progress.bytes_total - progress.bytes_done) / done
                                                  * static_cast<double>(span.count()))};
  return pace;
}

std::string targets_text(const catalog& cat, const warmup_definition& what) {
  std::string text;
  for (const auto& target : what.targets)
    text += (text.empty() ? "" : ", ") + target_text(cat, target);
  return text;
}

std::string waits_text(const warmup_ledger& ledger, const warmup_job& job, time_ms now) {
  if (job.state != warmup_state::pending || job.paused || is_event_driven(job.what.sync))
    return {};
  if (const auto* periodic = std::get_if<sync_periodic>(&job.what.sync);
      periodic && job.started != time_ms{} && now < job.started + periodic->interval)
    return "the next round is due in " + std::to_string((job.started + periodic->interval - now) / std::chrono::seconds(1))
           + " s";
  const auto holder = holder_of(ledger, job.what.dst);
  return raw(holder) == 0 || holder == job.id ? "" : "waits for job " + std::to_string(raw(holder)) + ", which warms "
                                                       + job.what.dst;
}

}  // namespace tabletd::model
