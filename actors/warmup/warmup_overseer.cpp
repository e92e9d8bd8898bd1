// Which jobs run; the calls to backends.  Plans and verifications: warmup_plans.cpp; heat and pushes: warmup_heat.cpp.
#include "actors/warmup/warmup_overseer.h"
#include "actors/codec/edit_words.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"
#include "actors/warmup/warmup_steps.h"

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

namespace tabletd {

namespace warmup_steps {

void call(self_ptr self, model::backend_id backend, warmup_call what, std::optional<model::time_ms> limit,
          std::function<void(const warmup_answer&)> then) {
  auto& st = self->state;
  const auto number = ++st.calls;
  st.open[number] = {backend, limit ? std::optional{now(self) + *limit} : std::nullopt, std::move(then)};
  st.room->links->call(backend, number, std::move(what), caf::actor_cast<caf::actor>(self));
}

}  // namespace warmup_steps

namespace {

using namespace warmup_steps;
using model::raw;

std::string name_of(model::warmup_job_id job) { return "warm-up job " + std::to_string(raw(job)); }

// -- answers -------------------------------------------------------------------------------

void on_answer(self_ptr self, const warmup_answer& answer) {
  if (const auto asked = self->state.open.extract(answer.get().getCall()); !asked.empty())
    asked.mapped().then(answer);
}

void give_up_late_calls(self_ptr self) {
  auto& st = self->state;
  std::vector<std::uint64_t> late;
  for (const auto& [number, asked] : st.open)
    if (asked.until && now(self) >= *asked.until)
      late.push_back(number);
  for (const auto number : late) {
    const auto backend = st.open.at(number).backend;
    on_answer(self, seal<wire::WarmupAnswer>([&](auto to) {
                to.setCall(number);
                to.setBackend(raw(backend));
                to.setSilent("it did not answer in time");
              }));
  }
}

// -- the ends of rounds and jobs -----------------------------------------------------------

/// A round that cannot be planned.  Only a user ends a periodic job: its round begins without lanes and fails.
void refuse_round(self_ptr self, warmup_round round, bool is_periodic, const std::string& why) {
  auto& st = self->state;
  st.room->tell(name_of(round.job) + " cannot be planned: " + why, true);
  const auto err = "job fail: " + why;
  if (!is_periodic)
    return propose(self, *st.room, model::warmup_ended{round.job, round.run, model::warmup_state::cancelled, err, {}},
                   [self, round](const model::edit_answer&) { self->state.beginning.erase(round.job); });
  st.stillborn[round] = {err, false};
  propose(self, *st.room, model::warmup_begun{round.job, round.run, std::vector<model::warmup_lane_plan>{}},
          [self, round](const model::edit_answer& answer) {
            if (answer.ok())
              return look(self);
            self->state.beginning.erase(round.job);
            self->state.stillborn.erase(round);
          });
}

/// Until the catalog shows that they are over: nobody else knows why they failed.
void end_stillborn(self_ptr self, const model::catalog& cat) {
  auto& st = self->state;
  for (auto at = st.stillborn.begin(); at != st.stillborn.end();) {
    auto& [round, born] = *at;
    const auto* job = cat.warmup.jobs.find(round.job);
    if (!job || model::is_final(job->state) || job->run != round.run) {
      st.beginning.erase(round.job);
      at = st.stillborn.erase(at);
      continue;
    }
    if (job->state == model::warmup_state::running && !std::exchange(born.is_ending, true))
      propose(self, *st.room, model::warmup_ended{round.job, round.run, model::warmup_state::pending, born.err, {}},
              [self, which = round](const model::edit_answer&) {
                if (const auto found = self->state.stillborn.find(which); found != self->state.stillborn.end())
                  found->second.is_ending = false;
              });
    ++at;
  }
}

void count_end(warmup_board& board, const model::warmup_job* was, const model::warmup_job* is) {
  if (!was || !is || model::is_final(was->state) || !model::is_final(is->state))
    return;
  ++(is->state == model::warmup_state::finished ? board.jobs_finished
     : is->err == "user cancel"                 ? board.jobs_cancelled
                                                : board.jobs_failed);
}

// -- the begin of rounds -------------------------------------------------------------------

void begin(self_ptr self, const model::warmup_begun& what) {
  propose(self, *self->state.room, what, [self, what](const model::edit_answer& answer) {
    auto& st = self->state;
    if (answer.failure == model::journal_failure::too_large) {
      const auto cat = st.room->catalog->load();
      const auto* job = cat->warmup.jobs.find(what.job);
      return refuse_round(self, {what.job, what.run}, job && model::is_periodic(job->what.sync),
                          "its plan is larger than one entry of the log may be; warm fewer tablets, or raise warmup.batch_bytes");
    }
    // Else it is over, paused, or another one was faster; or nobody knows, and the catalog will show at the next tick.
    st.beginning.erase(what.job);
    if (answer.ok())
      look(self);
  });
}

/// Whether it is to be tried again soon; a backend may have begun anew.
bool is_passing(self_ptr self, model::warmup_job_id job, const model::warmup_not_planned& why) {
  auto& st = self->state;
  if (why.why != model::warmup_plan_refusal::capacity_unknown)
    return false;
  auto& pause = st.pauses[job];
  if (++pause.tries >= st.room->settings.lanes.failures_max)
    return false;
  pause.again_at = now(self) + st.room->settings.lanes.rest_after_failure;
  return true;
}

void plan_and_begin(self_ptr self, const model::warmup_job& job, model::warmup_begun what) {
  plan(self, job.what, [self, what, is_periodic = model::is_periodic(job.what.sync)](const model::warmup_plan_result& made) {
    auto& st = self->state;
    if (const auto* refused = std::get_if<model::warmup_not_planned>(&made)) {
      if (is_passing(self, what.job, *refused)) {
        st.beginning.erase(what.job);
        return;
      }
      st.pauses.erase(what.job);
      return refuse_round(self, {what.job, what.run}, is_periodic, refused->text);
    }
    st.pauses.erase(what.job);
    auto with_lanes = what;
    with_lanes.lanes = model::lanes_of(std::get<model::warmup_plan>(made), st.room->settings.batch_bytes);
    begin(self, with_lanes);
  });
}

void begin_due(self_ptr self, const model::catalog& cat, const model::warmup_begun& what) {
  self->state.beginning.insert(what.job);
  const auto* job = cat.warmup.jobs.find(what.job);
  if (model::is_planned_at_begin(job->what))
    plan_and_begin(self, *job, what);
  else
    begin(self, what);
}

/// Jobs whose plan is not tried yet again.
std::set<model::warmup_job_id> resting(self_ptr self, const model::catalog& cat) {
  std::set<model::warmup_job_id> jobs;
  std::erase_if(self->state.pauses, [&](const auto& of) {
    const auto* job = cat.warmup.jobs.find(of.first);
    if (job && !model::is_final(job->state) && now(self) < of.second.again_at)
      jobs.insert(of.first);
    return !job || model::is_final(job->state);
  });
  return jobs;
}

void forget(self_ptr self, const model::warmup_forgotten& what) {
  if (!self->state.forgetting.insert(what.job).second)
    return;
  propose(self, *self->state.room, what,
          [self, what](const model::edit_answer&) { self->state.forgetting.erase(what.job); });
}

void run_round(self_ptr self, const warmup_round& round) {
  auto& st = self->state;
  const auto actor = spawn_child(self, warm_up_job, st.room, round);
  self->monitor(actor);
  st.by_actor[actor.address()] = round;
  st.rounds[round] = actor;
}

void on_round_down(self_ptr self, const caf::down_msg& down) {
  auto& st = self->state;
  const auto which = st.by_actor.extract(down.source);
  if (which.empty())
    return;
  st.rounds.erase(which.mapped());
  if (down.reason && down.reason != caf::exit_reason::normal)
    st.room->tell("the actor of " + name_of(which.mapped().job) + " failed; another one takes over: "
                    + text_of(self->system(), down.reason),
                  true);
  const auto cat = st.room->catalog->load();
  const auto* job = cat->warmup.jobs.find(which.mapped().job);
  if (!job || job->state != model::warmup_state::running)
    st.room->board->take_down(which.mapped().job);
}

// -- its life ------------------------------------------------------------------------------

void on_advance(self_ptr self) {
  auto& st = self->state;
  if (st.room->is_over())
    return;
  const auto cat = st.room->catalog->load();
  std::set<model::warmup_job_id> changed;
  cat->warmup.jobs.for_each_difference(
    st.seen->warmup.jobs, [&](model::warmup_job_id id, const model::warmup_job* was, const model::warmup_job* is) {
      count_end(*st.room->board, was, is);
      if (!was || !is || was->state != is->state || was->run != is->run || was->paused != is->paused || was->lanes != is->lanes)
        changed.insert(id);
    });
  st.seen = cat;
  if (!changed.empty() || st.pusher.is_following())
    look_for_pushes(self);
  if (changed.empty())
    return;
  for (const auto& [round, actor] : st.rounds)
    if (changed.contains(round.job))
      self->send(actor, view_changed{});
  look(self);
}

void on_tick(self_ptr self) {
  auto& st = self->state;
  self->delayed_send(self, st.room->settings.pace.tick, tick_due{});
  if (st.room->is_over())
    return;
  give_up_late_calls(self);
  on_advance(self);
  look(self);
  look_for_pushes(self);
  ask_heat(self);
}

}  // namespace

void warmup_steps::look(self_ptr self) {
  auto& st = self->state;
  if (st.room->is_over())
    return;
  const auto cat = st.room->catalog->load();
  end_stillborn(self, *cat);
  const auto due = model::schedule(cat->warmup, st.beginning, st.room->wall_clock(), st.room->settings.jobs, resting(self, *cat));
  for (const auto& what : due.forget)
    forget(self, what);
  for (const auto& what : due.begin)
    begin_due(self, *cat, what);
  cat->warmup.jobs.for_each([&](model::warmup_job_id id, const model::warmup_job& job) {
    const warmup_round round{id, job.run};
    if (job.state == model::warmup_state::running && !model::is_event_driven(job.what.sync) && !st.rounds.contains(round)
        && !st.stillborn.contains(round))
      run_round(self, round);
  });
}

warmup_overseer_state::~warmup_overseer_state() {
  if (room && room->board)
    room->board->clear();
  for (const auto& [round, actor] : rounds)
    urgent_exit(actor, caf::exit_reason::user_shutdown);
}

warmup_overseer_actor::behavior_type warmup_overseer(self_ptr self, warmup_room room) {
  auto& st = self->state;
  st.seen = st.pushed_for = room.catalog->load();
  room.term = st.seen->term;
  st.seen->backends.for_each([&](model::backend_id id, const model::backend& b) {
    if (b.alive)
      st.present.insert(id);
  });
  st.room = std::make_shared<const warmup_room>(std::move(room));
  self->set_down_handler([self](caf::down_msg& down) { on_round_down(self, down); });
  self->send(st.room->catalog_news, subscribe{}, caf::actor_cast<catalog_listener_actor>(self));
  self->send(self, tick_due{});
  return {
    [self](const warmup_plan_question& asked) { return on_plan(self, asked); },
    [self](const warmup_verify_question& asked) { return on_verify(self, asked); },
    [self](const warmup_answer& answer) { on_answer(self, answer); },
    [self](const catalog_advanced&) { on_advance(self); },
    [self](tick_due) { on_tick(self); },
  };
}

}  // namespace tabletd
