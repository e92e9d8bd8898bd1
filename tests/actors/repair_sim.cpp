// A whole run: time, accidents, then peace, then the reckoning.
#include "tests/actors/repair_sim_world.h"
#include "actors/model/assessment.h"
#include "tests/model/catalog_world.h"

namespace tabletd::test {

time_ms sim_world::now() const {
  return epoch + std::chrono::duration_cast<time_ms>(sched.clock().current_time.time_since_epoch());
}

void sim_world::drain() {
  for (std::uint64_t guard = 0; !sched.jobs.empty() && result.broken.empty(); ++guard) {
    if (guard > 2'000'000)
      return fail("the actors never come to rest");
    if (sched.jobs.size() > 1)
      std::swap(sched.jobs.front(), sched.jobs[order.below(sched.jobs.size())]);
    ++result.steps;
    (void) sched.try_run_once();
    check_view();
  }
}

void sim_world::run_until(time_ms end) {
  auto& clock = sched.clock();
  for (drain(); result.broken.empty(); drain()) {
    time_ms next = end;
    if (!clock.schedule().empty())
      next = std::min(next, epoch + std::chrono::ceil<time_ms>(clock.schedule().begin()->first.time_since_epoch()));
    if (!events.empty())
      next = std::min(next, events.top().at);
    sched.advance_time(std::max(next - now(), time_ms{0})); // Also lets what is due fall due.
    if (!events.empty() && events.top().at <= now()) {
      auto run = events.top().run;
      events.pop();
      run();
      continue;
    }
    if (next >= end && sched.jobs.empty())
      return;
  }
}

void sim_world::set_up() {
  start_front_end();
  propose(cluster_founded{{}, "sim"});
  propose(database_created{"shop"});
  static constexpr const char* layouts[] = {"abcdef", "abcde", "aabcd", "aaaaa", "aabbcc"};
  layout = layouts[fate.below(std::size(layouts))];
  for (const char host : layout)
    add_backend(std::string(1, host));
  run_until(now() + time_ms{6'000});
  for (int i = 0; i < 3; ++i)
    create_table();
  run_until(now() + time_ms{1'000});
}

void sim_world::report_regularly() {
  for (auto& [id, b] : disks.backends)
    if (b.up && links[id].linked)
      report(b);
  after(between(20'000, 40'000), [this] { report_regularly(); });
}

void sim_world::keep_log_true() {
  for (auto& [id, b] : disks.backends) {
    const auto* known = shadow.backends.find(id);
    if (known && links[id].linked && !known->alive)
      propose(backend_returned{id, b.paths});
    if (known && !b.up && known->alive && now() - b.stopped >= time_ms{5'000})
      propose(backend_died{id});
  }
  after(time_ms{3'000}, [this] { keep_log_true(); });
}

void sim_world::suffer() {
  faults = true;
  keep_log_true();
  const auto end = now() + options.faults_for;
  report_regularly();
  while (now() < end && result.broken.empty()) {
    run_until(now() + between(100, 6'000));
    accident();
  }
}

void sim_world::relent() {
  faults = false;
  sim_backend* lost = fate.one_in(3) ? some_backend(false) : nullptr;
  for (auto& [id, b] : disks.backends)
    if (lost == &b && (hosts() < 5 || !nobody_needs(b)))
      lost = nullptr;
  bool one_may_leave = lost == nullptr && hosts() >= 5;
  shadow.backends.for_each([&](backend_id id, const backend& b) {
    if (b.decommissioned && !std::exchange(one_may_leave, false))
      propose(backend_decommission{id, false});
  });
  for (auto& [id, b] : disks.backends)
    if (!b.up && &b != lost)
      revive(b);
}

std::size_t sim_world::hosts() const {
  std::set<std::string> distinct;
  for (const auto& [id, b] : disks.backends)
    distinct.insert(b.host);
  return distinct.size();
}

bool sim_world::nobody_needs(const sim_backend& b) const {
  for (const auto& [tablet, here] : b.disk)
    if (const auto* t = shadow.tablets.find(tablet)) {
      const auto* known = t->find(here.id);
      const bool counts = known && known->backend == b.id && here.whole(shadow.visible_version(*t));
      if (known_copies(*t) < (counts ? 2U : 1U))
        return false;
    }
  return true;
}

/// Whole replicas that the catalog knows.  One it has forgotten is no safety: whoever holds it may
/// be told to erase it as long as others are believed to be whole.
std::size_t sim_world::known_copies(const tablet& t) const {
  std::size_t copies = 0;
  for (const auto& r : t.replicas) {
    const auto& disk = disks.backends.at(r.backend).disk;
    const auto at = disk.find(t.id);
    copies += at != disk.end() && at->second.id == r.id && at->second.whole(shadow.visible_version(t));
  }
  return copies;
}

std::string sim_world::sick_one() const {
  std::string sick;
  shadow.tablets.for_each([&](tablet_id id, const tablet& t) {
    if (const auto what = diagnose(shadow, t); what.health != tablet_health::healthy)
      sick = "tablet " + std::to_string(raw(id)) + " is " + std::string{name(what.health)};
    return sick.empty();
  });
  if (sick.empty() && !shadow.orders.empty())
    sick = "an order is open";
  return sick;
}

void sim_world::get_well() {
  const auto began = now();
  while (result.broken.empty()) {
    run_until(now() + time_ms{5'000});
    const auto sick = sick_one();
    if (sick.empty())
      break;
    if (now() - began > options.patience) {
      const auto v = view_cell->load();
      return fail("not well " + std::to_string(options.patience.count() / 60'000) + " minutes after the last fault: " + sick
                  + (v->pending.empty() ? "" : "; waits: " + v->pending.front().message));
    }
  }
  result.well_after = now() - began;
  // A copy for a table that is gone is given up.
  run_until(now() + time_ms{240'000});
  // Balance comes to rest, and what nobody waits for any more to its end; then reports erase what is
  // forgotten.
  constexpr time_ms quiet{60'000};
  for (auto busy_at = now(); result.broken.empty() && now() - busy_at < quiet && now() - began < options.patience;) {
    run_until(now() + time_ms{5'000});
    if (!shadow.orders.empty() || disks.busy())
      busy_at = now();
  }
}

void sim_world::check_end() {
  if (auto sick = sick_one(); !sick.empty())
    return fail("got sick again by itself: " + sick);
  shadow.tablets.for_each([&](tablet_id id, const tablet& t) {
    for (const auto& r : t.replicas) {
      const auto& b = *disks.find(r.backend);
      const auto at = b.disk.find(id);
      if (at == b.disk.end() || at->second.id != r.id || !at->second.whole(shadow.visible_version(t)))
        fail("the catalog believes in replica " + std::to_string(raw(r.id)) + " of tablet " + std::to_string(raw(id)));
    }
  });
  for (const auto& [id, b] : disks.backends)
    for (const auto& [tablet, here] : b.disk)
      if (const auto* t = shadow.tablets.find(tablet); b.up && (!t || !t->find(here.id)))
        fail("backend " + std::to_string(raw(id)) + " still has a forgotten replica of tablet " + std::to_string(raw(tablet)));
  const auto v = view_cell->load();
  if (v->pending_total + v->running_total != 0 || v->tablets_by_health != std::array<std::uint64_t, model::tablet_health_count>{})
    fail("everything is well, but the scheduler has " + std::to_string(v->pending_total) + " waiting, "
         + std::to_string(v->running_total) + " running"
         + (v->running.empty() ? "" : " " + std::to_string(raw(v->running.front().tablet)) + " " + v->running.front().message + " since " + std::to_string((v->running.front().last_scheduled - epoch).count()))
         + (v->pending.empty() ? "" : ", tablet " + std::to_string(raw(v->pending.front().tablet)) + ' ' + v->pending.front().message));
  if (text_of(*cell->load()) != text_of(shadow))
    fail("the front end's catalog differs from the log");
}

void sim_world::run() {
  set_up();
  suffer();
  relent();
  get_well();
  if (result.broken.empty())
    check_end();
  result.trace ^= result.steps;
  const auto verdict = result.broken;
  result.broken.clear(); // The actors must die in any case.
  stop_front_end();
  if (!verdict.empty())
    result.broken = verdict;
  sched.clock().cancel_all();
}

sim_result simulate(const sim_options& options) {
  sim_world world{options};
  world.run();
  return world.result;
}

} // namespace tabletd::test
