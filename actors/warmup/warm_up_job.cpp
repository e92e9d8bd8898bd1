#include "actors/warmup/warm_up_job.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

namespace tabletd {

namespace {

using model::raw;
using self_ptr = warm_up_job_actor::stateful_pointer<warm_up_job_state>;

/// The job, if this round of it runs.
const model::warmup_job* running(const model::catalog& cat, const warmup_round& round) {
  const auto* job = cat.warmup.jobs.find(round.job);
  return job && job->state == model::warmup_state::running && job->run == round.run ? job : nullptr;
}

void begin_lane(self_ptr self, model::backend_id backend) {
  auto& st = self->state;
  const auto lane = spawn_child(self, warmup_lane, st.room, st.round, backend, caf::actor_cast<lane_listener_actor>(self));
  self->monitor(lane);
  st.by_lane[lane.address()] = backend;
  st.lanes[backend] = lane;
}

void end_round(self_ptr self, const model::warmup_ended& how) {
  auto& st = self->state;
  st.is_ending = true;
  propose(self, *st.room, how, [self, how](const model::edit_answer& answer) {
    // Refused: somebody was faster.  In doubt: what it became is seen in the catalog, or the next tick asks again.
    self->state.is_ending = false;
    if (answer.ok() && !how.err.empty())
      self->state.room->tell("warm-up job " + std::to_string(raw(how.job)) + " ends a round: " + how.err, true);
  });
}

void look(self_ptr self) {
  auto& st = self->state;
  if (st.room->is_over())
    return;
  const auto cat = st.room->catalog->load();
  const auto* job = running(*cat, st.round);
  if (!job) {
    if (st.lanes.empty())
      self->quit();
    return;
  }
  for (const auto& lane : job->lanes)
    if (!st.lanes.contains(lane.backend) && !st.ended.contains(lane.backend))
      begin_lane(self, lane.backend);
  if (st.is_ending)
    return;
  const auto& room = *st.room;
  if (const auto end = model::ending_of(*job, st.failed, room.wall_clock(), room.settings.jobs))
    end_round(self, *end);
}

void tell_lanes(self_ptr self) {
  for (const auto& [backend, lane] : self->state.lanes)
    self->send(lane, view_changed{});
}

void on_lane_over(self_ptr self, const lane_over& who) {
  auto& st = self->state;
  st.ended.insert(who.backend);
  if (const auto lane = st.lanes.extract(who.backend); !lane.empty())
    st.by_lane.erase(lane.mapped().address());
  look(self);
}

/// Its last word would have come before this.
void on_lane_down(self_ptr self, const caf::down_msg& down) {
  auto& st = self->state;
  const auto lane = st.by_lane.extract(down.source);
  if (lane.empty())
    return;
  st.lanes.erase(lane.mapped());
  st.room->tell("a lane of warm-up job " + std::to_string(raw(st.round.job)) + " to backend "
                  + std::to_string(raw(lane.mapped())) + " failed and begins anew: " + text_of(self->system(), down.reason),
                true);
}

}  // namespace

warm_up_job_state::~warm_up_job_state() {
  for (const auto& [backend, lane] : lanes)
    urgent_exit(lane, caf::exit_reason::user_shutdown);
}

warm_up_job_actor::behavior_type warm_up_job(self_ptr self, warmup_room_ptr room, warmup_round round) {
  auto& st = self->state;
  st.room = std::move(room);
  st.round = round;
  self->set_down_handler([self](caf::down_msg& down) { on_lane_down(self, down); });
  self->send(self, tick_due{});
  return {
    [self](const lane_given_up& which) {
      self->state.failed.insert_or_assign(which.backend, which.why);
      look(self);
    },
    [self](const lane_over& who) { on_lane_over(self, who); },
    [self](view_changed) {
      tell_lanes(self);
      look(self);
    },
    [self](tick_due) {
      self->delayed_send(self, self->state.room->settings.pace.tick, tick_due{});
      look(self);
    },
  };
}

}  // namespace tabletd
