#include "actors/model/checkpoint_worker.h"

#include <algorithm>

namespace tabletd::model {

namespace {

worker_effects fail(checkpoint_worker& w, attempt_failure kind, std::string why) {
  const auto attempt = w.running->attempt;
  w.running.reset();
  w.last = {attempt, attempt_failed{kind, std::move(why)}};
  return {abandon_job{attempt}, say_of_attempt{attempt, w.last->how}};
}

worker_effects outdated(checkpoint_worker& w) {
  return fail(w, attempt_failure::epoch_outdated,
              "epoch " + std::to_string(w.running->attempt.epoch) + " is over, this node is in epoch "
                + std::to_string(w.epoch));
}

std::optional<attempt_refusal> refusal(const checkpoint_worker& w, const attempt_id& attempt) {
  if (attempt.epoch != w.epoch)
    return attempt_refusal::epoch;
  if (attempt < w.greatest)
    return attempt_refusal::overtaken;
  if (attempt.journal_id > std::max(w.applied, w.logged))
    return attempt_refusal::ahead;
  if (attempt.journal_id < newest_id(w.images))
    return attempt_refusal::too_small;
  return std::nullopt;
}

/// The order may come twice, and the answer to the first one may be lost.
worker_effects repeat(const checkpoint_worker& w, const attempt_id& attempt) {
  if (w.last && w.last->attempt == attempt)
    return {say_of_attempt{attempt, w.last->how}};
  return {say_of_attempt{attempt, attempt_accepted{}}};
}

worker_effects ordered(checkpoint_worker& w, const attempt_id& attempt) {
  if (attempt.attempt != 0 && attempt == w.greatest)
    return repeat(w, attempt);
  if (const auto why = refusal(w, attempt))
    return {say_of_attempt{attempt, attempt_refused{*why}}};
  worker_effects effects;
  if (w.running)
    effects.push_back(abandon_job{w.running->attempt});
  w.running.reset();
  w.greatest = attempt;
  if (attempt.journal_id == newest_id(w.images)) {
    w.last = {attempt, attempt_done{w.images.front()}};
    effects.push_back(say_of_attempt{attempt, w.last->how});
    return effects;
  }
  w.running = {attempt, attempt.journal_id > w.applied, false, {newest_id(w.images), 0}};
  effects.push_back(say_of_attempt{attempt, attempt_accepted{}});
  if (w.running->waiting)
    effects.push_back(await_entries{attempt, entries_patience});
  else
    effects.push_back(begin_replay{attempt});
  return effects;
}

/// What it waited for may have come.
worker_effects applied_more(checkpoint_worker& w) {
  if (!w.running || !w.running->waiting || w.applied < w.running->attempt.journal_id)
    return {};
  w.running->waiting = false;
  if (w.epoch != w.running->attempt.epoch)
    return outdated(w);
  return {begin_replay{w.running->attempt}};
}

/// No failure: another member may have them.
worker_effects overdue(checkpoint_worker& w) {
  const auto attempt = w.running->attempt;
  w.running.reset();
  w.last = {attempt, attempt_refused{attempt_refusal::ahead}};
  return {abandon_job{attempt}, say_of_attempt{attempt, w.last->how}};
}

worker_answer answer(const checkpoint_worker& w, const attempt_id& attempt) {
  if (w.running && w.running->attempt == attempt)
    return w.running->progress;
  if (w.last && w.last->attempt == attempt)
    return w.last->how;
  return attempt_unknown{};
}

struct worker_step {
  checkpoint_worker& w;

  bool current(const attempt_id& attempt) const { return w.running && w.running->attempt == attempt; }

  worker_effects operator()(const worker_term_seen& e) {
    w.epoch = std::max(w.epoch, e.epoch);
    return {}; // The job looks at the next check.
  }
  worker_effects operator()(const worker_applied& e) {
    w.applied = std::max(w.applied, e.index);
    return applied_more(w);
  }
  worker_effects operator()(const worker_logged& e) {
    w.logged = e.index; // A follower's end may be taken back.
    return {};
  }
  worker_effects operator()(const entries_overdue& e) {
    return current(e.attempt) && w.running->waiting ? overdue(w) : worker_effects{};
  }
  worker_effects operator()(const attempt_ordered& e) { return ordered(w, e.attempt); }
  worker_effects operator()(const attempt_polled& e) { return {say_of_attempt{e.attempt, answer(w, e.attempt)}}; }
  worker_effects operator()(const attempt_cancelled& e) {
    if (!current(e.attempt))
      return {};
    w.running.reset();
    w.last = {e.attempt, attempt_failed{attempt_failure::other, "cancelled by the leader"}};
    return {abandon_job{e.attempt}};
  }
  worker_effects operator()(const replay_progressed& e) {
    if (!current(e.attempt))
      return {};
    if (w.epoch != e.attempt.epoch)
      return outdated(w);
    w.running->progress.replayed = std::max(w.running->progress.replayed, e.replayed);
    return {};
  }
  worker_effects operator()(const save_progressed& e) {
    if (current(e.attempt))
      w.running->progress.bytes_written = std::max(w.running->progress.bytes_written, e.bytes_written);
    return {};
  }
  worker_effects operator()(const replay_ended& e) {
    if (!current(e.attempt) || w.running->saving)
      return {};
    if (w.epoch != e.attempt.epoch)
      return outdated(w);
    if (e.replayed < e.attempt.journal_id)
      return fail(w, attempt_failure::other,
                  "the journal of this node ends at " + std::to_string(e.replayed) + ", " +
                    std::to_string(e.attempt.journal_id) + " was ordered");
    w.running->saving = true;
    w.running->progress.replayed = e.replayed;
    return {save_image{e.attempt, e.replayed}};
  }
  worker_effects operator()(const image_saved& e) {
    w.images = with_image(std::move(w.images), e.image); // Valid whoever leads.
    if (!current(e.attempt))
      return {};
    w.running.reset();
    w.last = {e.attempt, attempt_done{e.image}};
    if (w.epoch != e.attempt.epoch)
      return {}; // Who ordered it leads no more.
    return {say_of_attempt{e.attempt, w.last->how}};
  }
  worker_effects operator()(const job_failed& e) {
    return current(e.attempt) ? fail(w, e.kind, e.why) : worker_effects{};
  }
  worker_effects operator()(const image_installed& e) {
    if (e.image.id > w.applied)
      w.images.clear();
    w.images = with_image(std::move(w.images), e.image);
    w.applied = std::max(w.applied, e.image.id);
    return {};
  }
};

} // namespace

worker_effects step(checkpoint_worker& worker, const worker_event& event) {
  return std::visit(worker_step{worker}, event);
}

image_verdict judge_offer(const checkpoint_worker& worker, const image_offer& offer) {
  if (offer.epoch < worker.epoch)
    return image_verdict::old_epoch;
  const auto present = newest_id(worker.images);
  if (offer.image.id < present)
    return image_verdict::lower;
  if (offer.image.id == present && offer.image == worker.images.front())
    return image_verdict::have;
  if (offer.image.id > worker.applied && !offer.resync)
    return image_verdict::ahead;
  return image_verdict::take;
}

image_verdict judge_received(const checkpoint_worker& worker, const image_offer& offer, const image_mark& received) {
  if (received.bytes != offer.image.bytes)
    return image_verdict::size_differs;
  if (received.crc32c != offer.image.crc32c || received.id != offer.image.id)
    return image_verdict::crc_differs;
  return judge_offer(worker, offer);
}

std::uint64_t judge_deletion(const checkpoint_worker& worker, model::term epoch, std::uint64_t upto, bool pressed) {
  if (epoch < worker.epoch)
    return 0;
  return std::min({upto, pressed ? newest_id(worker.images) : older_id(worker.images), worker.applied});
}

} // namespace tabletd::model
