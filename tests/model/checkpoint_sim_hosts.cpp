// What hosts do for controllers and workers: carry out effects, feed back what became of them.
#include "tests/model/checkpoint_sim.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

// -- the leader's host -------------------------------------------------------------------

void checkpoint_sim::host(node& n) {
  if (!n.controller)
    return;
  if (++n.beat % 3 == 0)
    ask_members(n);
  for (const auto& m : nodes_)
    if (n.controller && m.id != n.id && now_ - n.heard[m.id] > 15s)
      feed(n, member_lost{m.id});
  feed(n, journal_seen{0, 0, n.applied});
  if (feels_pressure_)
    feed(n, disk_pressure_seen{n.disk_full});
  feed(n, checkpoint_ticked{});
  if (chance(2))
    feed(n, checkpoint_asked{++order_, 1 + below(nodes_.size())});
}

void checkpoint_sim::ask_members(node& n) {
  for (const auto& m : nodes_)
    send(n.id, m.id, [this, from = n.id, beat = n.beat](node& asked) {
      const member_seen seen{asked.id, beat, asked.boot, static_cast<std::uint32_t>(below(100)), asked.applied,
                             asked.deleted, asked.worker.images};
      send(asked.id, from, [this, seen](node& leader) {
        leader.heard[seen.member] = now_;
        feed(leader, seen);
      });
    });
}

void checkpoint_sim::feed(node& n, const checkpoint_event& e) {
  if (!n.controller)
    return;
  const auto before = n.controller->attempt() ? std::optional(n.controller->attempt()->id) : std::nullopt;
  const auto effects = n.controller->step(e, now_);
  check_attempt(n, e, before);
  for (const auto& effect : effects)
    carry_out(n, effect);
}

void checkpoint_sim::check_attempt(node& n, const checkpoint_event& e, const std::optional<attempt_id>& before) {
  const auto& attempt = n.controller->attempt();
  if (const auto* said = std::get_if<worker_said>(&e); said && before && said->attempt != *before)
    require(attempt && attempt->id == *before, "K2: an answer of another attempt changed this one");
  if (!attempt)
    return;
  require(attempt->boot == n.controller->members().at(attempt->worker).boot, "K3: a restart went unnoticed");
  require(n.ordered_at == 0ms || n.ordered != attempt->id || now_ - n.ordered_at < 10min, "an attempt hangs");
}

void checkpoint_sim::carry_out(node& n, const checkpoint_effect& effect) {
  std::visit(
    overloaded{
      [&](const record_attempt& e) {
        require(!n.ordered, "two attempts at a time");
        n.ordered = e.attempt;
        n.ordered_at = now_;
        ++outcome_.attempts;
      },
      [&](const record_ending& e) {
        require(n.ordered == e.attempt, "an attempt ended that did not run");
        n.ordered.reset();
        outcome_.done += e.done;
        note(n.id, "attempt at " + std::to_string(e.attempt.journal_id) + " on fe " + std::to_string(e.worker)
                     + (e.done ? " is done" : " failed: " + e.text));
      },
      [&](const start_attempt& e) {
        require(n.ordered == e.attempt, "K2: ordered before it was recorded");
        send(n.id, e.member, [this, e](node& to) { feed_worker(to, attempt_ordered{e.attempt}); });
      },
      [&](const poll_attempt& e) {
        send(n.id, e.member, [this, e](node& to) { feed_worker(to, attempt_polled{e.attempt}); });
      },
      [&](const cancel_attempt& e) {
        send(n.id, e.member, [this, e](node& to) { feed_worker(to, attempt_cancelled{e.attempt}); });
      },
      [&](const fetch_image& e) { fetch(n, e); },
      [&](const stop_fetch&) { n.fetch = 0; },
      [&](const push_image& e) { push(n, e); },
      [&](const prove_leadership& e) { prove(n, e.proof); },
      [&](const log_decision& e) { log(n, e.decision); },
      [&](const delete_journal& e) {
        require(e.epoch == term_,
                "K8: epoch " + std::to_string(e.epoch) + " deletes in epoch " + std::to_string(term_));
        require(!e.pressed || uses_newest_, "K5: more is deleted than the log says may be");
        note_deletion(n, e);
        check_deletion(n, e);
        send(n.id, e.member, [this, e](node& to) { erase_journal(to, e); });
      },
      [](const auto&) {},
    },
    effect);
}

void checkpoint_sim::fetch(node& n, const fetch_image& e) {
  const auto number = n.fetch = ++transfers_;
  const auto boot = n.boot;
  const auto same = [this, id = n.id, number, boot] {
    return at(id).up && at(id).boot == boot && at(id).fetch == number;
  };
  later(2s, [this, same, id = n.id, e] {
    if (same())
      feed(at(id), fetch_progressed{e.attempt});
  });
  if (chance(40))
    return; // Nothing is ever heard of it again.
  later(4s + within(20s), [this, same, id = n.id, e] {
    if (!same())
      return;
    auto& self = at(id);
    self.fetch = 0;
    const auto& from = at(e.from);
    const bool there = from.up && linked(id, e.from) && std::ranges::find(from.disk, e.image) != from.disk.end();
    const auto read = there && !self.disk_full ? read_back(e.image) : std::nullopt;
    if (!read)
      return feed(self, image_refused{e.attempt, false, "cut off"});
    const auto verdict = judge_received(self.worker, {self.known, e.image}, *read);
    if (verdict != image_verdict::take && verdict != image_verdict::have)
      return feed(self, image_refused{e.attempt, verdict == image_verdict::crc_differs, "judged"});
    put_in_place(self, *read);
    feed(self, image_received{e.attempt, *read});
  });
}

void checkpoint_sim::push(node& n, const push_image& e) {
  send(n.id, e.member, [this, from = n.id, e](node& to) { receive(to, from, e); });
}

void checkpoint_sim::receive(node& n, node_id from, const push_image& offer) {
  const auto refuse = [this, from, offer](node& m) {
    send(m.id, from, [this, offer](node& to) { feed(to, push_refused{offer.member, offer.image.id}); });
  };
  const auto acknowledge = [this, from](node& m, const image_mark& image) {
    send(m.id, from, [this, e = push_acked{m.id, m.boot, image}](node& to) { feed(to, e); });
  };
  const image_offer judged{offer.epoch, offer.image, offer.resync};
  const auto verdict = judge_offer(n.worker, judged);
  if (verdict == image_verdict::have)
    return acknowledge(n, offer.image);
  if (verdict != image_verdict::take || n.disk_full)
    return refuse(n);
  if (chance(30))
    return; // Hangs.
  later(1s + within(15s), [this, refuse, acknowledge, id = n.id, boot = n.boot, from, judged] {
    auto& self = at(id);
    if (!self.up || self.boot != boot)
      return;
    const auto& source = at(from);
    const bool there
      = source.up && linked(id, from) && std::ranges::find(source.disk, judged.image) != source.disk.end();
    const auto read = there && !self.disk_full ? read_back(judged.image) : std::nullopt;
    if (!read)
      return refuse(self);
    const auto after = judge_received(self.worker, judged, *read);
    require(after != image_verdict::take || judged.epoch >= self.known, "K9: an old epoch's image is taken");
    if (after == image_verdict::take)
      put_in_place(self, *read);
    else if (after != image_verdict::have)
      return refuse(self);
    acknowledge(self, *read);
  });
}

/// What stands on the receiver's disk afterwards; nothing: the link broke.
std::optional<image_mark> checkpoint_sim::read_back(const image_mark& sent) {
  auto read = sent;
  if (chance(60))
    return std::nullopt;
  if (chance(60))
    read.crc32c ^= 1U << below(32);
  else if (chance(60))
    read.bytes /= 2;
  return read;
}

void checkpoint_sim::put_in_place(node& n, const image_mark& image) {
  require(contents_.contains(image.crc32c) && contents_.at(image.crc32c) == image.id,
          "K4, K9: a damaged file took the place of an image");
  require(image.id >= newest_id(n.disk), "K9: an older image took the place of a newer one");
  if (image.id > n.applied) {
    if (excused_.contains(n.id) || n.applied < at(leader_ == 0 ? n.id : leader_).deleted) {
      n.disk.clear(); // The journal begins anew after it.
      n.deleted = image.id;
    } else {
      n.hole = image.id;
    }
    n.applied = image.id;
  }
  n.disk = with_image(n.disk, image);
  feed_worker(n, image_installed{image});
}

void checkpoint_sim::prove(node& n, std::uint64_t proof) {
  later(5ms + within(400ms), [this, id = n.id, boot = n.boot, epoch = n.known, proof] {
    auto& self = at(id);
    if (!self.up || self.boot != boot || !self.controller || self.known != epoch)
      return;
    if (has_quorum(self, epoch) && !chance(50))
      feed(self, leadership_proved{proof});
    else if (chance(500))
      feed(self, leadership_unproved{proof});
  });
}

void checkpoint_sim::log(node& n, const logged_decision& decision) {
  later(5ms + within(400ms), [this, id = n.id, boot = n.boot, epoch = n.known, decision] {
    auto& self = at(id);
    if (!self.up || self.boot != boot || !self.controller || self.known != epoch)
      return;
    if (!has_quorum(self, epoch) || chance(50))
      return feed(self, decision_failed{decision.what, decision.member});
    switch (decision.what) {
      case checkpoint_decision::excuse_member:
        note(id, "excuses fe " + std::to_string(decision.member) + ": " + decision.why);
        excused_.insert(decision.member);
        ++outcome_.excused;
        break;
      case checkpoint_decision::readmit_member:
        note(id, "readmits fe " + std::to_string(decision.member));
        excused_.erase(decision.member);
        ++outcome_.readmitted;
        break;
      case checkpoint_decision::use_newest:
      case checkpoint_decision::use_older: uses_newest_ = decision.what == checkpoint_decision::use_newest; break;
    }
    feed(self, decision_logged{decision.what, decision.member});
  });
}

// -- a member's host ---------------------------------------------------------------------

void checkpoint_sim::feed_worker(node& n, const worker_event& e) {
  for (const auto& effect : step(n.worker, e))
    std::visit(overloaded{
                 [&](const say_of_attempt& s) {
                   const worker_said said{n.id, n.boot, s.attempt, s.answer};
                   send(n.id, leader_ != 0 && chance(100) ? leader_ : leaders_[s.attempt.epoch],
                        [this, said](node& to) { feed(to, said); });
                 },
                 [&](const await_entries& a) {
                   later(a.patience, [this, id = n.id, boot = n.boot, attempt = a.attempt] {
                     if (auto& self = at(id); self.up && self.boot == boot)
                       feed_worker(self, entries_overdue{attempt});
                   });
                 },
                 [&](const begin_replay& b) { work(n, b.attempt, static_cast<int>(2 + below(6)), chance(30)); },
                 [&](const save_image& s) {
                   require(s.attempt.epoch == n.known, "an image is begun for an old epoch");
                   save(n, s.attempt, s.id);
                 },
                 [](const abandon_job&) {}, // works_on() says so.
               },
               effect);
}

bool checkpoint_sim::works_on(const node& n, const attempt_id& attempt) const {
  return n.up && n.worker.running && n.worker.running->attempt == attempt;
}

void checkpoint_sim::work(node& n, const attempt_id& attempt, int steps_left, bool hangs) {
  later(1s + within(4s), [this, id = n.id, boot = n.boot, attempt, steps_left, hangs] {
    auto& self = at(id);
    if (self.boot != boot || !works_on(self, attempt) || hangs)
      return;
    if (steps_left == 0) // The frozen catalog may be ahead of what was ordered.
      return feed_worker(self, replay_ended{attempt, below(2) == 0 ? attempt.journal_id : self.applied});
    feed_worker(self, replay_progressed{attempt, attempt.journal_id - static_cast<std::uint64_t>(steps_left)});
    work(self, attempt, steps_left - 1, hangs);
  });
}

void checkpoint_sim::save(node& n, const attempt_id& attempt, std::uint64_t image_id) {
  later(1s + within(5s), [this, id = n.id, boot = n.boot, attempt, image_id] {
    auto& self = at(id);
    if (self.boot != boot || !works_on(self, attempt))
      return;
    if (self.disk_full)
      return feed_worker(self, job_failed{attempt, attempt_failure::disk_full, "no space left"});
    if (chance(20))
      return feed_worker(self, job_failed{attempt, attempt_failure::other, "read back differently"});
    const image_mark made{image_id, 100 + below(1'000), static_cast<std::uint32_t>(dice_())};
    contents_[made.crc32c] = image_id;
    self.disk = with_image(self.disk, made);
    feed_worker(self, image_saved{attempt, made});
  });
}

void checkpoint_sim::erase_journal(node& n, const delete_journal& e) {
  const auto upto = judge_deletion(n.worker, e.epoch, e.upto, e.pressed);
  if (upto <= n.deleted)
    return;
  require(e.epoch >= n.known, "K8: an old epoch's order is obeyed");
  n.deleted = upto;
  ++outcome_.deletions;
  outcome_.pressed += e.pressed;
  require((e.pressed ? n.disk.front() : n.disk.back()).id >= upto, "fe " + std::to_string(n.id) + " deleted what it needs itself");
}

} // namespace tabletd::test
