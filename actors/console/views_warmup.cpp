// Warm-up jobs, their lanes, their plans, and what of them is proven to be warm.
#include "actors/console/view_cells.h"
#include "actors/console/views.h"
#include "actors/model/view_columns.h"
#include "actors/model/warmup_report.h"

#include <algorithm>

namespace tabletd::views {

namespace {

using namespace model;

/// "10.0.0.1:9060"; empty: it was dropped.
std::string host_of(const catalog& cat, backend_id backend) {
  const auto* known = cat.backends.find(backend);
  return known ? to_string(backend_address{known->host, known->port}) : std::string{};
}

warmup_lane_standing standing_of(const sources& from, const warmup_job& job, backend_id backend) {
  if (job.state != warmup_state::running || !from.facts.warmup_lane)
    return {};
  return from.facts.warmup_lane(job.id, backend).value_or(warmup_lane_standing{});
}

std::uint64_t live_bytes(const sources& from, const warmup_job& job) {
  std::uint64_t bytes = 0;
  for (const auto& lane : job.lanes)
    bytes += standing_of(from, job, lane.backend).live_bytes;
  return bytes;
}

/// How the last round ended, what it waits for, and why backends do not get on.
std::string remarks_on(const sources& from, const warmup_job& job) {
  std::string text = job.err;
  const auto add = [&text](const std::string& what) { text += (text.empty() || what.empty() ? "" : "; ") + what; };
  add(waits_text(from.cat.warmup, job, from.now));
  for (const auto& lane : job.lanes)
    if (const auto now = standing_of(from, job, lane.backend); !now.why.empty())
      add("backend " + std::to_string(raw(lane.backend)) + ": " + now.why);
  return text;
}

cell_row job_row(const sources& from, const warmup_job& job) {
  const auto progress = progress_of(job, live_bytes(from, job));
  const auto pace = pace_of(job, progress, from.now);
  const auto batches = batches_of(job);
  return {id(job.id), text(job.what.src), text(job.what.dst), text(status_word(job)),
          text(job.what.type == warmup_type::cluster ? "CLUSTER" : "TABLE"), text(text_of(job.what.sync)),
          time(job.created), time(job.started), number(batches.finished), number(batches.all), time(job.finished),
          text(text_of(progress)), pace.percent, pace.bytes_per_s ? cell{*pace.bytes_per_s} : never,
          pace.left ? number(static_cast<std::uint64_t>(pace.left->count())) : never, number(batches.failed_tablets),
          text(remarks_on(from, job)), text(targets_text(from.cat, job.what))};
}

/// Empty: it was not skipped.  Who was is known of the last round that is over; a round that runs has skipped nobody yet.
std::string why_skipped(const warmup_job& job, backend_id backend) {
  if (job.state == warmup_state::running)
    return {};
  const auto found = std::ranges::find(job.skipped, backend, &skipped_lane::backend);
  return found == job.skipped.end() ? "" : found->why;
}

std::string_view lane_status(const warmup_job& job, std::size_t at, const warmup_lane_standing& now, bool skipped) {
  if (all_warmed(job, at))
    return "FINISHED";
  if (skipped)
    return "SKIPPED";
  if (job.state != warmup_state::running || job.paused)
    return status_word(job);
  return raw(now.waits_for) != 0 ? "WAITING" : "RUNNING";
}

table_value jobs_table(const sources& from, std::span<const warmup_job* const> newest_first) {
  auto out = empty_table(columns::warm_up_jobs);
  for (const auto* job : newest_first)
    out.rows.push_back(job_row(from, *job));
  return out;
}

std::string verdict_on(const planned_lane& lane, warmup_type type, bool force) {
  if (lane.excess_bytes == 0)
    return "fits";
  return force || type == warmup_type::cluster ? "does not fit: what finds no room fails" : "refused without FORCE";
}

}  // namespace

table_value warm_up_jobs(const sources& from) {
  std::vector<const warmup_job*> jobs;
  from.cat.warmup.jobs.for_each([&](warmup_job_id, const warmup_job& job) { jobs.push_back(&job); });
  std::ranges::reverse(jobs);
  jobs.resize(std::min(jobs.size(), warm_up_rows_max));
  return jobs_table(from, jobs);
}

table_value warm_up_job(const sources& from, const warmup_job& job) {
  const auto* one = &job;
  return jobs_table(from, {&one, 1});
}

table_value warm_up_created(warmup_job_id job) {
  auto out = empty_table(columns::warm_up_job);
  out.rows.push_back({id(job)});
  return out;
}

table_value warm_up_lanes(const sources& from, const warmup_job& job) {
  auto out = empty_table(columns::warm_up_lanes);
  for (std::size_t i = 0; i < job.lanes.size(); ++i) {
    const auto& lane = job.lanes[i];
    const auto& plan = (*job.plan)[i];
    const auto now = standing_of(from, job, lane.backend);
    const auto skipped = why_skipped(job, lane.backend);
    out.rows.push_back({id(lane.backend), text(host_of(from.cat, lane.backend)),
                        text(lane_status(job, i, now, !skipped.empty())), number(lane.warmed),
                        number(plan.batches.size()), number(lane.bytes_done), number(planned_bytes(plan)),
                        number(now.live_bytes), number(lane.failed_tablets), number(now.restarts),
                        text(raw(now.waits_for) == 0 ? "" : "job " + std::to_string(raw(now.waits_for))),
                        text(skipped.empty() ? now.why : skipped)});
  }
  return out;
}

table_value warm_up_plan(const catalog& cat, const warmup_plan& plan, warmup_type type, bool force) {
  auto out = empty_table(columns::warm_up_plan);
  std::uint64_t tablets = 0;
  std::uint64_t excess = 0;
  for (const auto& lane : plan.lanes) {
    tablets += lane.tablets.size();
    excess += lane.excess_bytes;
    out.rows.push_back({static_cast<std::int64_t>(raw(lane.backend)), text(host_of(cat, lane.backend)),
                        number(lane.tablets.size()), number(lane.bytes), number(lane.cache_bytes),
                        number(lane.excess_bytes), text(verdict_on(lane, type, force))});
  }
  const bool fits = excess == 0 && plan.bytes <= plan.cache_bytes;
  const bool goes = fits || force || type == warmup_type::cluster;
  out.rows.push_back({none, text("total"), number(tablets), number(plan.bytes), number(plan.cache_bytes), number(excess),
                      text(goes ? "would be warmed" : "would be refused; FORCE warms as much as fits")});
  return out;
}

table_value warm_up_shares(const catalog& cat, std::span<const codec::verified_lane> lanes) {
  auto out = empty_table(columns::warm_up_shares);
  const auto add = [&](cell backend, std::string host, std::uint64_t tablets, const codec::cache_share& of, std::string err) {
    const auto bytes = of.sound_bytes + of.damaged_bytes + of.missing_bytes;
    out.rows.push_back({std::move(backend), text(host), number(tablets), number(bytes), number(of.sound_bytes),
                        number(of.damaged_bytes), number(of.missing_bytes),
                        bytes == 0 ? never : cell{100.0 * static_cast<double>(of.sound_bytes) / static_cast<double>(bytes)},
                        text(err)});
  };
  codec::cache_share sum;
  std::uint64_t tablets = 0;
  std::size_t silent = 0;
  for (const auto& lane : lanes) {
    tablets += lane.tablets;
    const auto backend = static_cast<std::int64_t>(raw(lane.backend));
    if (!lane.silent.empty()) {
      ++silent;
      out.rows.push_back({backend, text(host_of(cat, lane.backend)), number(lane.tablets), never, never, never, never, never,
                          text(lane.silent)});
      continue;
    }
    sum.sound_bytes += lane.share.sound_bytes;
    sum.damaged_bytes += lane.share.damaged_bytes;
    sum.missing_bytes += lane.share.missing_bytes;
    add(backend, host_of(cat, lane.backend), lane.tablets, lane.share, {});
  }
  add(none, "total", tablets, sum,
      silent == 0 ? "" : std::to_string(silent) + " of " + std::to_string(lanes.size()) + " backends did not answer: not counted");
  return out;
}

}  // namespace tabletd::views
