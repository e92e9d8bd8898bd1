#include "actors/warmup/warmup_lane.h"
#include "actors/actor_clock.h"
#include "actors/codec/backend_warmup_codec.h"

#include <caf/actor_cast.hpp>

#include <kj/exception.h>

#include <utility>

namespace tabletd {

namespace {

using model::raw;
using self_ptr = warmup_lane_actor::stateful_pointer<warmup_lane_state>;

void step(self_ptr self, const model::lane_event& event);

const model::warmup_job* job_of(const model::catalog& cat, const warmup_round& round) {
  return cat.warmup.jobs.find(round.job);
}

// -- what goes out -----------------------------------------------------------------------

void send(self_ptr self, const model::catalog& cat, std::uint64_t request,
          decltype(model::slot_request::what) what) {
  auto& st = self->state;
  const auto& pace = st.room->settings.pace;
  const auto* job = job_of(cat, st.round);
  const bool is_get = std::holds_alternative<model::get_slot>(what);
  const auto wait = is_get ? pace.wait : model::time_ms{};
  st.open[request] = {is_get, now(self), wait + pace.answer_limit};
  st.room->links->call(st.lane->backend(), request,
                       codec::seal_slot_request(cat, {st.lane->fence(), std::move(what)}, job && job->what.force, wait),
                       caf::actor_cast<caf::actor>(self));
}

/// Of a batch that goes out now: it is in the plan, or the model would not have asked for it.
std::vector<model::tablet_id> tablets_of(const model::catalog& cat, const warmup_round& round, model::backend_id backend,
                                         std::uint32_t batch) {
  const auto* job = job_of(cat, round);
  const auto at = job ? model::lane_index(*job, backend) : std::nullopt;
  return at ? (*job->plan)[*at].batches.at(batch).tablets : std::vector<model::tablet_id>{};
}

// -- what comes of a proposal --------------------------------------------------------------

/// Nobody knows whether the log took it.  A confirmation brings into the catalog whatever was committed when it was asked
/// for; what is committed later all the same is refused if it is there already.
void settle(self_ptr self, std::uint32_t batch) {
  self->request(self->state.room->leader_check, caf::infinite, confirm_leading{})
    .then(
      [self, batch](const leading_confirmed& now) {
        auto& st = self->state;
        if (!now.leads || st.room->is_over())
          return;  // The term is over: this lane stands still until it is ended.
        const auto cat = st.room->catalog->load();
        const auto facts = model::facts_of(job_of(*cat, st.round), st.round.run, st.lane->backend());
        if (facts.warmed > batch)
          step(self, model::batch_logged{batch});
        else
          step(self, model::batch_not_logged{batch});
      },
      [](const caf::error&) { /* The journal is gone, and this leadership with it. */ });
}

void log_batch(self_ptr self, const model::batch_warmed& what) {
  if (const auto sent = std::exchange(self->state.batch_sent, std::nullopt))
    self->state.room->board->batch_seconds.observe(std::chrono::duration<double>(now(self) - *sent).count());
  propose(self, *self->state.room, what, [self, what](const model::edit_answer& answer) {
    auto& board = *self->state.room->board;
    if (answer.in_doubt())
      return settle(self, what.batch);
    if (!answer.ok())
      return step(self, model::batch_not_logged{what.batch});
    ++(what.failed_tablets == 0 ? board.batches_ok : board.batches_failed);
    board.finished_bytes += what.bytes;
    step(self, model::batch_logged{what.batch});
  });
}

// -- effects -------------------------------------------------------------------------------

void carry_out(self_ptr self, const model::catalog& cat, const model::lane_effect& effect) {
  auto& st = self->state;
  const auto backend = st.lane->backend();
  std::visit(model::overloaded{
               [&](const model::send_get& e) { send(self, cat, e.request, model::get_slot{}); },
               [&](const model::send_set_job& e) { send(self, cat, e.request, model::set_job{e.resume_from}); },
               [&](const model::send_set_batch& e) {
                 st.batch_sent = now(self);
                 send(self, cat, e.request, model::set_batch{e.batch, tablets_of(cat, st.round, backend, e.batch)});
               },
               [&](const model::send_clear& e) { send(self, cat, e.request, model::clear_job{}); },
               [&](const model::propose_batch& e) { log_batch(self, e.what); },
               [&](const model::lane_failed& e) {
                 st.shown.why = e.why;
                 self->send(st.job, lane_given_up{backend, e.why});
               },
               [&](const model::lane_deposed& e) {
                 st.shown.why = "backend " + std::to_string(raw(backend)) + " obeys the leader of term "
                                + std::to_string(e.epoch);
                 st.room->tell("warm-up job " + std::to_string(raw(st.round.job)) + " stops here: " + st.shown.why, true);
               },
               [&](const model::raise_alarm& e) {
                 st.room->tell("warm-up job " + std::to_string(raw(st.round.job)) + ", what must not be: " + e.what, true);
               }},
             effect);
}

void show(self_ptr self, const model::lane_facts& facts) {
  auto& st = self->state;
  st.shown.live_bytes = st.lane->live_bytes(facts);
  st.shown.restarts = st.lane->restarts();
  st.shown.waits_for = st.lane->waits_for();
  if (!facts.over)
    st.room->board->show(st.round.job, st.lane->backend(), st.shown);
}

void step(self_ptr self, const model::lane_event& event) {
  auto& st = self->state;
  if (st.room->is_over() || st.lane->is_over())
    return;
  const auto cat = st.room->catalog->load();
  const auto facts = model::facts_of(job_of(*cat, st.round), st.round.run, st.lane->backend());
  for (const auto& effect : st.lane->step(facts, event, now(self)))
    carry_out(self, *cat, effect);
  show(self, facts);
  if (st.lane->is_over()) {
    self->send(st.job, lane_over{st.lane->backend()});
    self->quit();
  }
}

// -- what comes in -------------------------------------------------------------------------

void on_silence(self_ptr self, std::uint64_t request, const std::string& why) {
  self->state.shown.why = why;
  self->state.shown.in_flight = false;
  step(self, model::slot_silent{request});
}

void on_reply(self_ptr self, std::uint64_t request, const warmup_lane_state::open_request& asked,
              const model::slot_reply& reply) {
  auto& st = self->state;
  st.shown.in_flight = reply.running && reply.job == st.round.job && reply.run == st.round.run;
  st.shown.why.clear();
  step(self, model::slot_replied{request, reply});
  // A backend that does not keep its answer while it works is asked at the pace of ticks only.
  const bool was_kept = !asked.is_get || now(self) - asked.sent >= st.room->settings.pace.wait / 4;
  if (st.shown.in_flight && was_kept)
    step(self, model::lane_ticked{});
}

void on_answer(self_ptr self, const warmup_answer& answer) {
  auto& st = self->state;
  const auto from = answer.get();
  const auto asked = st.open.extract(from.getCall());
  if (asked.empty())
    return;  // Too late: it counts as silent already.
  const auto backend = "backend " + std::to_string(raw(st.lane->backend()));
  if (!from.isReply())
    return on_silence(self, from.getCall(), backend + ": " + (from.isSilent() ? from.getSilent().cStr() : "it answers something else"));
  std::optional<model::slot_reply> reply;
  try {
    reply = codec::decode_slot_reply(from.getReply());
  } catch (const kj::Exception& why) {
    return on_silence(self, from.getCall(), backend + ": " + why.getDescription().cStr());
  }
  on_reply(self, from.getCall(), asked.mapped(), *reply);
}

void on_tick(self_ptr self) {
  auto& st = self->state;
  self->delayed_send(self, st.room->settings.pace.tick, tick_due{});
  std::vector<std::uint64_t> late;
  for (const auto& [request, asked] : st.open)
    if (now(self) - asked.sent >= asked.limit)
      late.push_back(request);
  for (const auto request : late) {
    const auto asked = st.open.extract(request);
    on_silence(self, request, "backend " + std::to_string(raw(st.lane->backend())) + " did not answer within "
                                + std::to_string(asked.mapped().limit.count()) + " ms");
  }
  step(self, model::lane_ticked{});
}

}  // namespace

warmup_lane_actor::behavior_type warmup_lane(self_ptr self, warmup_room_ptr room, warmup_round round,
                                             model::backend_id backend, lane_listener_actor job) {
  auto& st = self->state;
  st.room = std::move(room);
  st.round = round;
  st.job = std::move(job);
  st.lane.emplace(model::warmup_fence{st.room->term, round.job, round.run}, backend, st.room->settings.lanes);
  self->send(self, tick_due{});
  return {
    [self](const warmup_answer& answer) { on_answer(self, answer); },
    [self](view_changed) { step(self, model::lane_ticked{}); },
    [self](tick_due) { on_tick(self); },
  };
}

}  // namespace tabletd
