#include "actors/warmup/warmup_lane.h"
#include "actors/actor_clock.h"
#include "actors/codec/backend_warmup_codec.h"
#include "actors/model/warmup_serving.h"

#include <caf/actor_cast.hpp>

#include <kj/exception.h>

#include <algorithm>
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

template <class What>
bool asks_to(const warmup_lane_state::open_request& asked) {
  const auto* request = std::get_if<model::slot_request>(&asked.what);
  return request && std::holds_alternative<What>(request->what);
}
bool is_get(const warmup_lane_state::open_request& asked) { return asks_to<model::get_slot>(asked); }
bool is_push(const warmup_lane_state::open_request& asked) { return std::holds_alternative<model::send_push>(asked.what); }

warmup_call sealed_call(const warmup_lane_state& st, const model::catalog& cat) {
  if (const auto* push = std::get_if<model::send_push>(&st.open->what))
    return codec::seal_push(cat, push->tablets);
  const auto* job = job_of(cat, st.round);
  const auto wait = is_get(*st.open) ? st.room->settings.pace.wait : model::time_ms{};
  return codec::seal_slot_request(cat, std::get<model::slot_request>(st.open->what), job && job->what.force, wait);
}

void send_out(self_ptr self, const model::catalog& cat) {
  auto& st = self->state;
  st.room->links->call(st.lane->backend(), st.open->request, sealed_call(st, cat), caf::actor_cast<caf::actor>(self));
}

/// The answer to what was asked before is of no use any more.
void send(self_ptr self, const model::catalog& cat, std::uint64_t request, decltype(model::slot_request::what) what) {
  auto& st = self->state;
  const auto& pace = st.room->settings.pace;
  st.open = warmup_lane_state::open_request{request, model::slot_request{st.lane->fence(), std::move(what)}, now(self),
                                            pace.answer_limit, {}};
  if (is_get(*st.open))
    st.open->limit += pace.wait;
  send_out(self, cat);
}

// -- what has changed in the middle of a batch -----------------------------------------------

void note_metas(warmup_lane_state& st, const model::catalog& cat, const std::vector<model::tablet_id>& tablets) {
  st.metas_sent.clear();
  for (const auto id : tablets)
    if (const auto* meta = model::remote_of(cat, id))
      st.metas_sent.emplace(id, *meta);
}

bool have_changed(const warmup_lane_state& st, std::uint64_t failed, const std::vector<model::tablet_id>& named) {
  return model::have_changed(*st.room->catalog->load(), st.metas_sent, failed, named);
}

void send_push(self_ptr self, const model::catalog& cat, const model::send_push& what) {
  auto& st = self->state;
  note_metas(st, cat, what.tablets);
  st.open = warmup_lane_state::open_request{what.request, what, now(self), {}, {}};
  send_out(self, cat);
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
                 auto tablets = tablets_of(cat, st.round, backend, e.batch);
                 note_metas(st, cat, tablets);
                 send(self, cat, e.request, model::set_batch{e.batch, std::move(tablets)});
               },
               [&](const model::send_push& e) { send_push(self, cat, e); },
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
                 st.room->alarm("warm-up job " + std::to_string(raw(st.round.job)) + ": " + e.what);
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

/// In the model's eyes it was asked once.
void on_silence(self_ptr self, const std::string& why) {
  auto& st = self->state;
  const auto asked = *std::exchange(st.open, std::nullopt);
  if (is_push(asked))
    st.metas_sent.clear();
  st.shown.why = why;
  st.shown.in_flight = false;
  step(self, model::slot_silent{asked.request});
}

/// Nothing will come of it.  A link that is just being made, or made again, costs a second and no failure: a backend takes
/// a request twice as it takes it once.
void ask_again_later(self_ptr self, const std::string& why) {
  auto& st = self->state;
  st.open->why_again = why;
  st.shown.why = why;
  st.shown.in_flight = false;
  const auto cat = st.room->catalog->load();
  if (const auto* job = job_of(*cat, st.round))
    show(self, model::facts_of(job, st.round.run, st.lane->backend()));
}

void on_reply(self_ptr self, const model::slot_reply& reply) {
  auto& st = self->state;
  const auto asked = *std::exchange(st.open, std::nullopt);
  st.shown.in_flight = reply.running && reply.job == st.round.job && reply.run == st.round.run;
  st.shown.why.clear();
  step(self, model::slot_replied{asked.request, reply, have_changed(st, reply.failed_tablets, reply.named_tablets)});
  // A backend that does not keep its answer while it works is asked at the pace of ticks only.
  const bool was_kept = !is_get(asked) || now(self) - asked.asked >= st.room->settings.pace.wait / 4;
  if (st.shown.in_flight && was_kept)
    step(self, model::lane_ticked{});
}

void on_pushed(self_ptr self, const codec::push_result& done) {
  auto& st = self->state;
  const auto asked = *std::exchange(st.open, std::nullopt);
  st.shown.why.clear();
  step(self, model::push_replied{asked.request, done.failed_tablets, done.named_tablets,
                                 have_changed(st, done.failed_tablets, done.named_tablets)});
}

void on_answer(self_ptr self, const warmup_answer& answer) {
  auto& st = self->state;
  const auto from = answer.get();
  if (!st.open || st.open->request != from.getCall())
    return;  // Too late: it counts as silent, or does not matter any more.
  const auto backend = "backend " + std::to_string(raw(st.lane->backend())) + ": ";
  if (is_push(*st.open))
    return from.isPushed() ? on_pushed(self, codec::decode(from.getPushed()))
                           : on_silence(self, backend + (from.isSilent() ? from.getSilent().cStr() : "it answers something else"));
  if (!from.isReply())
    return ask_again_later(self, backend + (from.isSilent() ? from.getSilent().cStr() : "it answers something else"));
  std::optional<model::slot_reply> reply;
  try {
    reply = codec::decode_slot_reply(from.getReply());
  } catch (const kj::Exception& why) {
    return ask_again_later(self, backend + why.getDescription().cStr());
  }
  on_reply(self, *reply);
}

std::string no_answer(const warmup_lane_state& st) {
  return "backend " + std::to_string(raw(st.lane->backend())) + " did not answer within "
         + std::to_string(st.open->limit.count()) + " ms";
}

/// What has no answer is given up, or goes out again.
void look_after_question(self_ptr self) {
  auto& st = self->state;
  const auto& asked = *st.open;
  if (!is_push(asked) && now(self) - asked.asked >= asked.limit)
    return on_silence(self, !asked.why_again.empty() ? asked.why_again : no_answer(st));
  if (asked.why_again.empty())
    return;
  const auto cat = st.room->catalog->load();
  const auto facts = model::facts_of(job_of(*cat, st.round), st.round.run, st.lane->backend());
  if (facts.paused && asks_to<model::set_batch>(asked))
    return on_silence(self, asked.why_again);  // The user does not want it any more.
  st.open->why_again.clear();
  send_out(self, *cat);
}

void on_tick(self_ptr self) {
  auto& st = self->state;
  self->delayed_send(self, st.room->settings.pace.tick, tick_due{});
  if (st.room->is_over())
    return;
  if (st.open)
    look_after_question(self);
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
