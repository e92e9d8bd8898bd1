#include "actors/model/warmup_lane.h"

#include <algorithm>

namespace tabletd::model {

lane_facts facts_of(const warmup_job* job, warmup_run run, backend_id backend) {
  lane_facts facts;
  if (!job || job->state != warmup_state::running || job->run != run)
    return facts;
  const auto at = lane_index(*job, backend);
  if (!at)
    return facts;
  const auto& batches = (*job->plan)[*at].batches;
  facts.batches = static_cast<std::uint32_t>(batches.size());
  facts.warmed = job->lanes[*at].warmed;
  facts.next_bytes = facts.warmed < facts.batches ? batches[facts.warmed].bytes : 0;
  facts.paused = job->paused.has_value();
  facts.over = false;
  facts.on_error = job->what.on_error;
  return facts;
}

lane_effects warmup_lane::step(const lane_facts& facts, const lane_event& event, time_ms now) {
  facts_ = &facts;
  now_ = now;
  effects_.clear();
  if (!facts.paused)
    drained_ = false;
  if (!is_over()) {
    if (facts.over && !std::holds_alternative<clearing>(state_))
      clear();
    else
      std::visit([this](const auto& e) { on(e); }, event);
  }
  facts_ = nullptr;
  return std::move(effects_);
}

std::uint64_t warmup_lane::live_bytes(const lane_facts& facts) const {
  return live_batch_ == facts.warmed ? std::min(live_bytes_, facts.next_bytes) : 0;
}

// -- events --------------------------------------------------------------------------------

void warmup_lane::on(const lane_ticked&) {
  if (const auto* clears = std::get_if<clearing>(&state_)) {
    if (clears->request == 0 && now_ >= clears->again_at)
      clear();
    return;
  }
  // The fold may be heard of before the proposal's own answer.
  if (const auto* waits = std::get_if<logging>(&state_); waits && facts_->warmed > waits->batch)
    return on(batch_logged{waits->batch});
  const auto* rests = std::get_if<resting>(&state_);
  if (!rests || now_ < rests->until || facts_->warmed == facts_->batches || drained_)
    return;
  state_ = asking{++requests_, question::get};
  effects_.emplace_back(send_get{requests_});
}

void warmup_lane::on(const slot_replied& e) {
  if (const auto* clears = std::get_if<clearing>(&state_)) {
    if (clears->request != e.request)
      return;
    if (e.reply.verdict == slot_verdict::stale_epoch)
      effects_.emplace_back(lane_deposed{e.reply.epoch_seen});
    state_ = over{};
    return;
  }
  const auto* asks = std::get_if<asking>(&state_);
  if (!asks || asks->request != e.request)
    return;  // The answer to a question that was given up.
  const auto asked = asks->what;
  failures_ = 0;
  note(e.reply);
  switch (e.reply.verdict) {
    case slot_verdict::stale_epoch:
      effects_.emplace_back(lane_deposed{e.reply.epoch_seen});
      state_ = over{};
      return;
    case slot_verdict::cleared:
      effects_.emplace_back(raise_alarm{name() + " was told to forget a job that is not over"});
      return give_up(name() + " was told to forget the job");
    case slot_verdict::busy:
    case slot_verdict::wrong_job:
      return rest();  // Its lease ends, or its batch; nobody is cancelled for it.
    default:
      return go_on(e, asked);
  }
}

void warmup_lane::on(const push_replied& e) {
  const auto* renews = std::get_if<renewing>(&state_);
  if (!renews || renews->request != e.request)
    return;
  failures_ = 0;
  end_batch({renews->bytes_done, e.failed_tablets, e.named_tablets}, e.have_failed_changed);
}

void warmup_lane::on(const slot_silent& e) {
  if (auto* clears = std::get_if<clearing>(&state_)) {
    if (clears->request != e.request)
      return;
    clears->request = 0;
    clears->again_at = now_ + options_.rest_after_failure;
    if (clears->tries >= options_.failures_max)
      state_ = over{};  // The lease frees the slot.
    return;
  }
  const auto* asks = std::get_if<asking>(&state_);
  const auto* renews = std::get_if<renewing>(&state_);
  if (!(asks && asks->request == e.request) && !(renews && renews->request == e.request))
    return;
  if (++failures_ >= options_.failures_max)
    return give_up(name() + " did not answer " + std::to_string(failures_) + " times in a row");
  rest(options_.rest_after_failure);
}

void warmup_lane::on(const batch_logged& e) {
  const auto* waits = std::get_if<logging>(&state_);
  if (!waits || waits->batch != e.batch || facts_->warmed <= e.batch)
    return;
  rest();
  renewals_ = 0;
  if (facts_->paused)
    drained_ = true;
  else if (facts_->warmed < facts_->batches)
    ask_to_warm();  // No tick, and no other backend, is waited for.
}

void warmup_lane::on(const batch_not_logged& e) {
  if (const auto* waits = std::get_if<logging>(&state_); waits && waits->batch == e.batch)
    rest();
}

// -- what a reply means --------------------------------------------------------------------

void warmup_lane::note(const slot_reply& reply) {
  if (boot_ != 0 && reply.boot != boot_)
    ++restarts_;
  boot_ = reply.boot;
  waits_for_ = raw(reply.job) == 0 || is_own(reply) ? warmup_job_id{} : reply.job;
  live_batch_ = facts_->warmed;
  live_bytes_ = is_own(reply) && reply.cur == std::int64_t{facts_->warmed} ? reply.bytes_done : 0;
}

void warmup_lane::go_on(const slot_replied& e, question asked) {
  const auto& reply = e.reply;
  const auto next = std::int64_t{facts_->warmed};
  if (facts_->warmed == facts_->batches)
    return rest();
  // Of a batch before the last the backend no longer knows how it went; only the last one can be missing in the log,
  // because the next is not sent before.
  if (is_own(reply) && reply.done >= next)
    return reply.cur == next ? end_batch({reply.bytes_done, reply.failed_tablets, reply.named_tablets}, e.have_failed_changed)
                             : propose({});
  if (facts_->paused) {
    drained_ = !(is_own(reply) && reply.running);
    return rest();
  }
  if (asked == question::batch || (asked == question::get && is_own(reply) && reply.running && reply.cur == next))
    return rest();
  if (is_own(reply))
    return ask_to_warm();
  if (asked == question::job)
    return rest();
  // The slot is free, another job's, or an earlier round's of this one: the backend decides.
  state_ = asking{++requests_, question::job};
  effects_.emplace_back(send_set_job{requests_, facts_->warmed});
}

void warmup_lane::end_batch(const lacking& what, bool have_failed_changed) {
  if (what.failed_tablets == 0)
    return propose(what);
  // What the log now says of them can be had; and a round that finishes says that all of it was there.
  if (have_failed_changed && renewals_ < options_.renewals_max) {
    ++renewals_;
    state_ = renewing{++requests_, what.bytes_done};
    effects_.emplace_back(send_push{requests_, what.named_tablets});
    return;
  }
  if (facts_->on_error != warmup_on_error::cancel)
    return propose(what);
  auto why = name() + " could not warm " + std::to_string(what.failed_tablets) + " tablets:";
  for (const auto t : what.named_tablets)
    why += " " + std::to_string(raw(t));
  give_up(std::move(why));
}

void warmup_lane::propose(const lacking& lacks) {
  state_ = logging{facts_->warmed};
  auto& what = std::get<propose_batch>(effects_.emplace_back(propose_batch{})).what;
  what.job = fence_.job;
  what.run = fence_.run;
  what.backend = backend_;
  what.batch = facts_->warmed;
  // Planned bytes, so that a round that lacks nothing ends at 100 %; else what is there.
  what.bytes = lacks.failed_tablets == 0 ? facts_->next_bytes : std::min(lacks.bytes_done, facts_->next_bytes);
  what.failed_tablets = lacks.failed_tablets;
  what.named_tablets = lacks.named_tablets;
}

void warmup_lane::ask_to_warm() {
  state_ = asking{++requests_, question::batch};
  effects_.emplace_back(send_set_batch{requests_, facts_->warmed});
}

void warmup_lane::clear() {
  const auto* before = std::get_if<clearing>(&state_);
  state_ = clearing{++requests_, before ? before->tries + 1 : 1, {}};
  effects_.emplace_back(send_clear{requests_});
}

void warmup_lane::give_up(std::string why) {
  state_ = given_up{};
  effects_.emplace_back(lane_failed{std::move(why)});
}

}  // namespace tabletd::model
