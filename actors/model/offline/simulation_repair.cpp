// The front end's part: checker, scheduler and contexts, and the tasks they send.
#include "actors/model/assessment.h"
#include "actors/model/offline/simulation.h"
#include <algorithm>

namespace tabletd::model::offline {

namespace {

constexpr time_ms ctx_tick_every{10'000}; ///< As their actors.

} // namespace

/// A leader begins with nothing but the log; its links are new ones.
void simulation::lead() {
  ++leader_;
  append(term_began{leader_, 1});
  contexts_.clear();
  asked_.clear();
  checks_ = {};
  scheduler_.emplace(options_.scheduler);
  for (auto& b : backends_) {
    b.linked = b.reported = false;
    refresh_view(b);
    if (b.up)
      link_later(b);
  }
  feed(sched_event{sched_started{}});
}

std::string simulation::carry_out(const change_leader&) {
  lead();
  return "";
}

// -- checker and scheduler ---------------------------------------------------------------

void simulation::feed(const check_event& e) {
  auto found = step(checks_, e, cat_, now_);
  if (!found.sick.empty() || !found.healed.empty()) {
    tablets_checked to{{}, std::move(found.healed), checks_.tablets, checks_.rounds, checks_.unhealthy};
    for (const auto& sick : found.sick)
      to.sick.push_back(sick.tablet);
    feed(sched_event{std::move(to)});
  }
  if (found.again)
    after({}, [this, leader = leader_] {
      if (leader == leader_)
        feed(check_event{catalog_moved{}});
    });
}

void simulation::feed(const sched_event& e) {
  for (auto& effect : scheduler_->step(e, {cat_, cluster_, wall()}, now_))
    std::visit(
      overloaded{
        [&](spawn_ctx& s) { spawn(std::move(s.ctx)); },
        [&](withdraw_ctx& w) {
          if (const auto at = contexts_.find(w.tablet); at != contexts_.end())
            after({}, [this, tablet = w.tablet, serial = at->second.serial, why = std::move(w.why)] {
              feed(tablet, serial, ctx_withdrawn{why});
            });
        },
        [&](propose_order& p) { after(options_.edit_takes, [this, body = std::move(p.body)] { append(body); }); },
        [&](step_again&) {
          after({}, [this, leader = leader_] {
            if (leader == leader_)
              feed(sched_event{cluster_moved{}});
          });
        },
        [](publish_view&) {},
      },
      effect);
  check_now_and_then();
}

// -- contexts ----------------------------------------------------------------------------

void simulation::spawn(sched_ctx ctx) {
  const auto tablet = ctx.tablet;
  if (contexts_.contains(tablet))
    return fail("tablet " + std::to_string(raw(tablet)) + " has two contexts"); // A 1.
  if (const auto* drop = std::get_if<drop_move>(&ctx.move))
    judge_drop(tablet, *drop);
  const auto serial = ++serial_;
  auto& made = contexts_[tablet];
  made = {std::move(ctx), serial};
  carry_out_effects(tablet, serial, begin(made.life, now_));
  after(ctx_tick_every, [this, tablet, serial] { feed(tablet, serial, ctx_tick{}); });
}

/// A 3, on what the decision was made from.
void simulation::judge_drop(tablet_id tablet, const drop_move& move) {
  const auto* t = cat_.tablets.find(tablet);
  if (!t)
    return;
  auto without = *t;
  if (const auto* gone = without.find(move.replica))
    without.replicas.erase(gone);
  const auto was = assess(cat_, *t);
  if (assess(cat_, without).complete < std::min(was.complete, was.wanted))
    fail("dropping replica " + std::to_string(raw(move.replica)) + " lowers the complete ones of tablet "
         + std::to_string(raw(tablet)));
}

void simulation::feed(tablet_id tablet, std::uint64_t serial, const ctx_event& e) {
  const auto at = contexts_.find(tablet);
  if (at == contexts_.end() || at->second.serial != serial)
    return;
  if (std::holds_alternative<ctx_tick>(e))
    after(ctx_tick_every, [this, tablet, serial] { feed(tablet, serial, ctx_tick{}); });
  carry_out_effects(tablet, serial, step(at->second.life, e, now_));
}

void simulation::carry_out_effects(tablet_id tablet, std::uint64_t serial, const ctx_effects& effects) {
  for (const auto& effect : effects)
    std::visit(overloaded{
                 [&](const propose& p) {
                   after(options_.edit_takes, [this, tablet, serial, leader = leader_, body = p.body] {
                     if (leader != leader_)
                       return; // Never reached the log of the new leader.
                     const auto v = append(body);
                     feed(tablet, serial, edit_answer{index_, v.why, v.id, {}, {}});
                   });
                 },
                 [&](const ask_task& a) { ask(a.backend, a.task); },
                 [&](const tell_task& t) {
                   if (auto* b = by_id(t.backend); b && b->up && b->linked)
                     start_task(*b, t.task);
                 },
                 [&](const report_end& r) {
                   contexts_.erase(tablet);
                   after({}, [this, leader = leader_,
                              report = ctx_report{tablet, r.result, r.message, r.copied_bytes, r.elapsed_ms, r.failure}] {
                     if (leader == leader_)
                       feed(sched_event{report});
                   });
                 },
               },
               effect);
}

// -- tasks -------------------------------------------------------------------------------

void simulation::ask(backend_id backend, const agent_task& task) {
  asked_[backend][task.fence] = task;
  try_task(backend, task);
}

/// Waits for a backend that is away until it is back or declared dead.
void simulation::try_task(backend_id backend, const agent_task& task) {
  auto* b = by_id(backend);
  const auto* known = cat_.backends.find(backend);
  if (!b || !known || !known->alive) {
    const auto end = failed_end(task.fence, key_of(task).tablet, {}, task_failure::unreachable, "the backend is dead");
    if (b)
      after(options_.task_takes, [this, backend, end] { end_task(*by_id(backend), end); });
    return;
  }
  if (!b->up || !b->linked)
    return;
  if (const auto done = b->ended.find(task.fence); done != b->ended.end())
    return end_later(*b, done->second);
  if (!b->running.contains(task.fence))
    start_task(*b, task);
}

void simulation::try_waiting(backend_id backend) {
  const auto waiting = asked_.find(backend);
  if (waiting == asked_.end())
    return;
  for (const auto& [fence, task] : std::map<log_index, agent_task>(waiting->second))
    try_task(backend, task);
}

void simulation::start_task(sim_backend& b, const agent_task& task) {
  std::visit(overloaded{
               [&](const clone_order& o) { start_copy(b, task, o); },
               [&](const move_order& o) { start_move(b, task, o); },
               [&](const drop_order& o) {
                 b.running[task.fence] = {task, {}, {}, 0};
                 after(options_.task_takes, [this, id = b.id, boot = b.boot, fence = task.fence, o] {
                   auto& on = *by_id(id);
                   if (!on.up || on.boot != boot || on.running.erase(fence) == 0)
                     return;
                   if (const auto at = on.disk.find(o.tablet); at != on.disk.end() && at->second.id == o.replica)
                     erase(on, o.tablet, true);
                   held_replica gone;
                   gone.tablet = o.tablet;
                   gone.replica = o.replica;
                   end_task(on, {fence, o.tablet, o.replica, gone, 0, 1, 0});
                 });
               },
               [&](const create_order& o) {
                 if (!b.disk.contains(o.tablet))
                   put(b, o.tablet, o.replica, o.path);
               },
               [&](const cancel_order& o) { cancel(b, o.clone); },
               [](const verify_order&) {},
             },
             task.what);
}

void simulation::start_copy(sim_backend& b, const agent_task& task, const clone_order& o) {
  const auto refuse = [&](task_failure kind, std::string why) {
    end_later(b, failed_end(task.fence, o.tablet, o.replica, kind, std::move(why)));
  };
  auto* from = by_address(o.source_host, o.source_port);
  const auto source = from ? from->disk.find(o.tablet) : std::map<tablet_id, disk_replica>::iterator{};
  if (!from || !from->up || source == from->disk.end() || source->second.id != o.source_replica)
    return refuse(task_failure::source_gone, "the source does not have it");
  if (source->second.bad) {
    report_later(*from, options_.report_after);
    return refuse(task_failure::source_corrupt, "the source cannot be read");
  }
  const auto here = b.disk.find(o.tablet);
  const bool same = here != b.disk.end() && here->second.id == o.replica;
  const bool in_place = raw(o.path) == 0;
  if (in_place && !same)
    return refuse(task_failure::stale, "the replica is not here");
  const auto path = in_place ? here->second.path : o.path;
  sim_task running{task, source->second, from->id, 0};
  const auto& t = *cat_.tablets.find(o.tablet);
  if (const auto* sizes = sizes_of(t))
    for (version v = 2; v <= running.source.highest(); ++v)
      if (running.source.has(v) && !(same && here->second.has(v)))
        running.bytes += sizes->of(t.bucket, v);
  auto& to = b.path(path);
  if (to.used_bytes() + running.bytes > to.capacity_bytes)
    return refuse(task_failure::disk_full, "there is no room for it");
  const auto bytes = running.bytes;
  b.running[task.fence] = std::move(running);
  after(options_.task_takes, [this, id = b.id, boot = b.boot, fence = task.fence, bytes,
                              out = place{from->id, source->second.path}, in = place{b.id, path}] {
    auto& on = *by_id(id);
    if (!on.up || on.boot != boot || !on.running.contains(fence))
      return;
    copying_at_[fence] = id;
    transfers_.start(fence, out, in, bytes, now_);
  });
}

void simulation::start_move(sim_backend& b, const agent_task& task, const move_order& o) {
  const auto here = b.disk.find(o.tablet);
  if (here == b.disk.end() || here->second.id != o.replica)
    return end_later(b, failed_end(task.fence, o.tablet, o.replica, task_failure::stale, "the replica is not here"));
  if (here->second.bad) {
    report_later(b, options_.report_after);
    return end_later(b, failed_end(task.fence, o.tablet, o.replica, task_failure::source_corrupt, "it cannot be read"));
  }
  const auto bytes = bytes_of(o.tablet, here->second);
  const auto& to = b.path(o.path);
  if (to.used_bytes() + bytes > to.capacity_bytes)
    return end_later(b, failed_end(task.fence, o.tablet, o.replica, task_failure::disk_full, "there is no room for it"));
  b.running[task.fence] = {task, here->second, b.id, bytes};
  after(options_.task_takes, [this, id = b.id, boot = b.boot, fence = task.fence, bytes,
                              out = place{b.id, here->second.path}, in = place{b.id, o.path}] {
    auto& on = *by_id(id);
    if (!on.up || on.boot != boot || !on.running.contains(fence))
      return;
    copying_at_[fence] = id;
    transfers_.start(fence, out, in, bytes, now_);
  });
}

void simulation::end_move(sim_backend& b, log_index fence, const sim_task& done, const move_order& o) {
  const auto here = b.disk.find(o.tablet);
  if (here == b.disk.end() || here->second.id != o.replica)
    return; // Dropped meanwhile.
  const auto bytes = bytes_of(o.tablet, here->second);
  auto& from = b.path(here->second.path);
  from.replica_bytes -= std::min(from.replica_bytes, bytes);
  --from.tablets;
  auto& to = b.path(o.path);
  to.replica_bytes += bytes;
  ++to.tablets;
  here->second.path = o.path;
  copies_.finished(o.tablet, o.replica, done.bytes);
  end_held(b, fence, o.tablet, done.bytes);
}

void simulation::end_copy(sim_backend& b, log_index fence) {
  copying_at_.erase(fence);
  const auto done = b.running.extract(fence).mapped();
  if (const auto* move = std::get_if<move_order>(&done.what.what))
    return end_move(b, fence, done, *move);
  const auto& o = std::get<clone_order>(done.what.what);
  const auto* t = cat_.tablets.find(o.tablet);
  if (!t)
    return;
  if (const auto there = b.disk.find(o.tablet); there != b.disk.end() && there->second.id != o.replica)
    erase(b, o.tablet, true);
  if (!b.disk.contains(o.tablet))
    put(b, o.tablet, o.replica, o.path);
  auto& here = b.disk.at(o.tablet);
  for (version v = 2; v <= done.source.highest(); ++v)
    if (done.source.has(v))
      add_version(b, o.tablet, here, v);
  copies_.finished(o.tablet, o.replica, done.bytes);
  end_held(b, fence, o.tablet, done.bytes);
}

void simulation::end_held(sim_backend& b, log_index fence, tablet_id tablet, std::uint64_t copied_bytes) {
  const auto& here = b.disk.at(tablet);
  held_replica held;
  held.tablet = tablet;
  held.replica = here.id;
  held.path = here.path;
  held.version = here.whole_to;
  held.max_version = here.highest();
  held.bad = here.bad;
  end_task(b, {fence, tablet, here.id, held, copied_bytes, 0, 0});
}

void simulation::end_later(sim_backend& b, task_end end) {
  after(options_.task_takes, [this, id = b.id, boot = b.boot, end = std::move(end)] {
    if (auto& on = *by_id(id); on.up && on.boot == boot)
      end_task(on, end);
  });
}

/// Told to whoever asked for it, once; a second one asks again and hears the same.
void simulation::end_task(sim_backend& b, const task_end& end) {
  b.ended.insert_or_assign(end.fence, end);
  if (asked_[b.id].erase(end.fence) == 0)
    return;
  if (const auto at = contexts_.find(end.tablet); at != contexts_.end())
    feed(end.tablet, at->second.serial, end);
}

void simulation::cancel(sim_backend& b, log_index fence) {
  if (b.running.erase(fence) > 0)
    copies_.failed(transfers_.stop(fence, now_));
  copying_at_.erase(fence);
  asked_[b.id].erase(fence);
}

void simulation::fail_copies_from(backend_id source) {
  for (auto& b : backends_)
    for (auto at = b.running.begin(); at != b.running.end();) {
      const auto fence = at->first;
      if (at->second.source_backend != source) {
        ++at;
        continue;
      }
      const auto key = key_of(at->second.what);
      at = b.running.erase(at);
      copies_.failed(transfers_.stop(fence, now_));
      copying_at_.erase(fence);
      end_later(b, failed_end(fence, key.tablet, {}, task_failure::source_gone, "the link to the source broke"));
    }
}

} // namespace tabletd::model::offline
