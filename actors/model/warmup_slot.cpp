#include "actors/model/warmup_slot.h"

#include <algorithm>

namespace tabletd::model {

slot_answer warmup_slot::step(const slot_request& request, time_ms now) {
  fence_ = request.fence;
  now_ = now;
  answer_ = {};
  auto verdict = slot_verdict::stale_epoch;
  if (fence_.epoch < epoch_seen_) {
    note(slot_rule::stale_epoch);
  } else {
    if (fence_.epoch > epoch_seen_) {
      note(slot_rule::newer_epoch);
      epoch_seen_ = fence_.epoch;
    }
    if (round_ && !round_->running() && now >= round_->lease_until) {
      note(slot_rule::lease_over);
      drop();
    }
    verdict = std::visit([this](const auto& e) { return on(e); }, request.what);
  }
  auto& reply = answer_.reply;
  reply.verdict = verdict;
  reply.boot = boot_;
  reply.epoch_seen = epoch_seen_;
  if (round_) {
    reply.job = round_->job;
    reply.run = round_->run;
    reply.cur = round_->cur;
    reply.done = round_->done;
    reply.running = round_->running();
    reply.bytes_done = round_->bytes_done;
    reply.failed_tablets = round_->failed_tablets;
    reply.named_tablets = round_->named_tablets;
  }
  return std::move(answer_);
}

slot_verdict warmup_slot::on(const get_slot&) {
  note(is_own() ? slot_rule::get_own : slot_rule::get_other);
  if (is_own())
    renew();
  return slot_verdict::ok;
}

slot_verdict warmup_slot::on(const set_job& e) {
  if (was_cleared()) {
    note(slot_rule::set_cleared);
    return slot_verdict::cleared;
  }
  if (is_own()) {
    note(slot_rule::set_again);
    renew();
    return slot_verdict::ok;
  }
  if (round_ && (round_->job != fence_.job || round_->run > fence_.run)) {
    note(slot_rule::set_busy);
    return slot_verdict::busy;
  }
  note(round_ ? slot_rule::set_next_run : slot_rule::set_free);
  if (round_)
    drop();
  install(std::int64_t{e.resume_from} - 1);
  return slot_verdict::ok;
}

slot_verdict warmup_slot::on(const set_batch& e) {
  if (!round_ && was_cleared()) {
    note(slot_rule::batch_cleared);
    return slot_verdict::cleared;
  }
  if (!round_) {
    note(slot_rule::batch_adopts);
    install(std::int64_t{e.batch} - 1);
  }
  if (!is_own()) {
    note(slot_rule::batch_wrong);
    return slot_verdict::wrong_job;
  }
  renew();
  if (std::int64_t{e.batch} <= round_->done) {
    note(slot_rule::batch_stale);
    return slot_verdict::stale_batch;
  }
  if (round_->running()) {
    const bool same = std::int64_t{e.batch} == round_->cur;
    note(same ? slot_rule::batch_dup : slot_rule::batch_early);
    return same ? slot_verdict::dup : slot_verdict::not_finished;
  }
  note(slot_rule::batch_begins);
  round_->cur = e.batch;
  round_->bytes_done = round_->failed_tablets = 0;
  round_->named_tablets.clear();
  answer_.effects.emplace_back(begin_batch{generation_, round_->job, round_->run, e.batch, e.tablets});
  return slot_verdict::ok;
}

slot_verdict warmup_slot::on(const clear_job&) {
  note(is_own() ? slot_rule::clear_own : slot_rule::clear_other);
  if (is_own())
    drop();
  bury();
  return slot_verdict::ok;
}

void warmup_slot::install(std::int64_t done) {
  round_.emplace();
  round_->job = fence_.job;
  round_->run = fence_.run;
  round_->cur = round_->done = done;
  ++generation_;
  renew();
}

void warmup_slot::drop() {
  if (round_->running())
    answer_.effects.emplace_back(stop_batch{generation_});
  round_.reset();
}

void warmup_slot::bury() {
  const round_key key{fence_.job, fence_.run};
  const auto [at, is_new] = tombstones_.try_emplace(key, fence_.epoch);
  at->second = std::max(at->second, fence_.epoch);
  if (is_new)
    buried_.push_back(key);
  if (buried_.size() > options_.tombstones_max) {
    tombstones_.erase(buried_.front());
    buried_.pop_front();
  }
}

bool warmup_slot::is_own() const { return round_ && round_->job == fence_.job && round_->run == fence_.run; }

bool warmup_slot::was_cleared() const {
  const auto found = tombstones_.find({fence_.job, fence_.run});
  return found != tombstones_.end() && found->second >= fence_.epoch;
}

bool warmup_slot::end_batch(const batch_result& result) {
  if (!round_ || result.generation != generation_ || !round_->running() || std::int64_t{result.batch} != round_->cur)
    return false;
  round_->done = round_->cur;
  round_->bytes_done = result.bytes_done;
  round_->failed_tablets = result.failed_tablets;
  round_->named_tablets = result.named_tablets;
  return true;
}

void warmup_slot::note_progress(std::uint64_t generation, std::uint64_t bytes_done) {
  if (round_ && generation == generation_ && round_->running())
    round_->bytes_done = std::max(round_->bytes_done, bytes_done);
}

warmup_job_id warmup_slot::holder(time_ms now) const {
  return round_ && (round_->running() || now < round_->lease_until) ? round_->job : warmup_job_id{};
}

}  // namespace tabletd::model
