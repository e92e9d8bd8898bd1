// Messages, the leader's host and the log.  The rest: cooldown_simulation.cpp.
#include "tests/model/cooldown_simulation.h"

#include <algorithm>
#include <utility>

namespace tabletd::test {

using namespace std::chrono_literals;

namespace {
constexpr tablet_id tablet{10};
}  // namespace

// -- messages ------------------------------------------------------------------------------

time_ms cooldown_simulation::message_delay() {
  if (chance(odds_.very_late))
    return within(2h);
  return chance(odds_.slow) ? within(90s) : 1ms + within(200ms);
}

void cooldown_simulation::in_process(const backend& b, time_ms span, std::function<void(backend&)> act) {
  later(span, [this, place = b.place, boot = b.boot, act = std::move(act)] {
    auto& self = backends_[place];
    if (!self.up || self.boot != boot)
      return;
    if (self.frozen_until > now_)
      return in_process(self, self.frozen_until - now_ + within(50ms), act);
    act(self);
  });
}

void cooldown_simulation::to_backend(const leader_ptr& l, std::size_t place, std::function<void(backend&)> deliver) {
  for (int copies = chance(odds_.twice) ? 2 : 1; copies > 0; --copies) {
    if (chance(odds_.lost) || cut_.contains({place, l->node}))
      continue;
    later(message_delay(), [this, node = l->node, place, deliver] {
      if (cut_.contains({place, node}) || !backends_[place].up)
        return;
      in_process(backends_[place], 0s, deliver);
    });
  }
}

/// To the leader, or to one that does not know that it is none.
void cooldown_simulation::to_leader(const backend& b, std::function<void(const leader_ptr&)> deliver, bool question) {
  std::vector<leader_ptr> reached;
  for (const auto& l : deposed_)
    if (!cut_.contains({b.place, l->node}))
      reached.push_back(l);
  if (leader_ && !cut_.contains({b.place, leader_->node}))
    reached.push_back(leader_);
  if (reached.empty())
    return;
  const auto to = reached[below(reached.size())];
  for (int copies = chance(odds_.twice) ? 2 : 1; copies > 0; --copies)
    if (!chance(odds_.lost))
      later(question && chance(odds_.late_question) ? within(2h) : message_delay(),
            [this, to, place = b.place, deliver] {
              if (!to->gone && !cut_.contains({place, to->node}))
                deliver(to);
            });
}

// -- the leader's host -----------------------------------------------------------------------

void cooldown_simulation::elect() {
  if (leader_) {
    leader_->last_seen = view_of(*leader_);
    leader_->current = false;
    deposed_.push_back(leader_);
    later(within(below(2) == 0 ? 4h : 1min), [this, old = leader_] {
      old->gone = true;
      deposed_.remove(old);
    });
  }
  leader_.reset();
  // What was on its way into the log is in it before the next leader begins, or never.
  for (const auto& p : std::exchange(proposals_, {}))
    if (std::exchange(p->open, false) && below(100) < 40)
      p->apply();
  later(within(faulty_ ? 60s : 0s), [this] {
    if (leader_)
      return;
    ++counts_.leaders;
    const auto node = below(frontends);
    auto began = fe_clocks_[node].show(now_);
    if (is(cooldown_mutant::new_leader_does_not_wait))
      began -= uploader_patience;
    const auto patience = is(cooldown_mutant::patience_equals_lease) ? uploader_lease
                          : is(cooldown_mutant::hardly_waits)        ? 5min
                                                                     : uploader_patience;
    leader_ = std::make_shared<leader>(leader{
        node, true, false, cooldown_handler(began, patience), cooldown_handler(began, patience), std::nullopt, {}, {}, {}});
    leader_->contact.fill(now_ - 100s);
    say("fe " + std::to_string(node) + " leads");
  });
}

cooling_tablet cooldown_simulation::view_of(const leader& l) const {
  cooling_tablet view;
  if (l.last_seen) {
    view = *l.last_seen;
  } else {
    view = {tablet, wanted_, visible_, clone_.has_value(), {}, conf_, recalled_};
    for (const auto& row : rows_)
      view.replicas.push_back({row.id, false, row.bad, false});
  }
  view.recalled |= is(cooldown_mutant::recalls_unasked);
  for (auto& replica : view.replicas) {
    const auto row = std::ranges::find(rows_, replica.replica, &replica_row::id);
    replica.alive = row != rows_.end() && now_ - l.contact[row->place] <= 150s;
    if (row == rows_.end())
      continue;
    const auto& disk = backends_[row->place].disk;
    replica.complete = disk && disk->replica == row->id && is_complete(*disk);
  }
  return view;
}

void cooldown_simulation::feed(const leader_ptr& l, const cooldown_event& event) {
  const auto fe_now = fe_clocks_[l->node].show(now_);
  const auto view = view_of(*l);
  auto effects = l->handler.step(view, event, fe_now);
  if (const auto* said = std::get_if<cooldown_reported>(&event)) {
    l->heard.emplace(said->replica, said->term);
    const auto is_ack = [](const cooldown_effect& e) { return std::holds_alternative<acknowledge_report>(e); };
    if (is(cooldown_mutant::acknowledges_everybody) && std::ranges::none_of(effects, is_ack))
      effects.emplace_back(acknowledge_report{said->replica, said->report, view.conf.term});
    if (is(cooldown_mutant::acknowledges_while_granting) && said->replica == view.conf.uploader
        && std::ranges::none_of(effects, is_ack))
      effects.emplace_back(acknowledge_report{said->replica, said->report, view.conf.term});
    auto lie = *said;
    if (is(cooldown_mutant::confirm_ignores_terms))
      lie.term = view.conf.term;
    if (is(cooldown_mutant::confirm_ignores_ids) && view.conf.published)
      lie.id = view.conf.published->id;
    (void)l->liar.step(view, lie, fe_now);
  }
  for (const auto& effect : effects)
    carry_out(l, effect);
}

void cooldown_simulation::carry_out(const leader_ptr& l, const cooldown_effect& effect) {
  std::visit(overloaded{
                 [&](const propose_conf& e) {
                   if (is(cooldown_mutant::pushes_before_commit)) {
                     auto conf = view_of(*l).conf;
                     conf.uploader = e.replica;
                     conf.term = e.term;
                     for (const auto& row : rows_)
                       carry_out(l, push_conf{row.id, conf});
                   }
                   propose(
                       l,
                       [this, e] {
                         if (e.term != conf_.term + 1)
                           return;
                         ++(raw(e.replica) == 0 ? counts_.revocations : counts_.grants);
                         say("replica " + std::to_string(raw(e.replica)) + " granted term " + std::to_string(e.term));
                         conf_.uploader = e.replica;
                         conf_.term = e.term;
                       },
                       [this, l, e] { feed(l, conf_not_logged{e.term}); });
                 },
                 [&](const push_conf& e) {
                   const auto* row = row_of(e.replica);
                   if (row == nullptr)
                     return;
                   auto conf = e.conf;
                   if (is(cooldown_mutant::forgets_recalls))
                     conf.recalled = {};
                   to_backend(l, row->place, [this, e, conf, recall = view_of(*l).recalled](backend& b) {
                     if (!b.process || !b.disk || b.disk->replica != e.replica)
                       return;
                     b.recall = recall;
                     if (is(cooldown_mutant::takes_late_confs) && e.conf.term < b.process->known_term()) {
                       start(b);
                       if (b.last_ack)
                         feed(b, *b.last_ack);
                     }
                     feed(b, conf_pushed{conf});
                   });
                 },
                 [&](const acknowledge_report& e) { acknowledge(l, e); },
                 [&](const propose_publication& e) { publish(l, e.asked); },
                 [&](const refuse_publication& e) {
                   check_refusal(e.request, e.verdict);
                   answer(l, e.request, [this, verdict = e.verdict](backend& b, std::uint64_t job) {
                     feed(b, publication_answered{job, verdict});
                   });
                 },
                 [&](const confirm_deletion& e) { confirm(l, e.asked); },
                 [&](const refuse_deletion& e) {
                   ++counts_.refused_confirms;
                   say("no deletion: " + e.why);
                   answer(l, e.request, [this, why = e.why](backend& b, std::uint64_t job) {
                     feed(b, deletion_answered{job, false, why});
                   });
                 },
             },
             effect);
}

void cooldown_simulation::propose(const leader_ptr& l, std::function<void()> apply, std::function<void()> failed) {
  if (!l->current)
    return;
  const auto p = std::make_shared<proposal>(proposal{l, std::move(apply), true});
  proposals_.push_back(p);
  later(5ms + within(chance(odds_.slow) ? 90s : 1s), [this, p, failed = std::move(failed)] {
    if (!std::exchange(p->open, false))
      return;
    std::erase(proposals_, p);
    if (chance(odds_.proposal))
      failed();
    else
      p->apply();
  });
}

void cooldown_simulation::acknowledge(const leader_ptr& l, const acknowledge_report& e) {
  const auto* row = row_of(e.replica);
  if (row == nullptr)
    return;
  // The quorum's answer takes a moment; a deposed leader gets none.
  later(1ms + within(300ms), [this, l, e, place = row->place] {
    if (!l->current && !is(cooldown_mutant::acknowledges_unproved))
      return;
    to_backend(l, place, [this, e](backend& b) {
      const auto sent = b.sent.find(e.report);
      if (sent == b.sent.end() || !b.process || !b.disk || b.disk->replica != e.replica)
        return;
      report_acknowledged ack{sent->second, e.term};
      b.acks[e.term] = std::max(b.acks[e.term], sent->second);
      if (is(cooldown_mutant::lease_from_answer))
        ack.sent = b.its.show(now_);
      if (is(cooldown_mutant::acknowledges_any_term))
        ack.term = b.process->known_term();
      b.last_ack = ack;
      feed(b, ack);
    });
  });
}

void cooldown_simulation::answer(const leader_ptr& l, std::uint64_t request,
                                 std::function<void(backend&, std::uint64_t)> deliver) {
  const auto found = l->askers.find(request);
  if (found == l->askers.end())
    return;
  to_backend(l, found->second.place, [who = found->second, deliver](backend& b) {
    if (b.boot == who.boot && b.process)
      deliver(b, who.job);
  });
}

/// What a backend asks, on its way to the models; lied about on the way for those mutants that do.
void cooldown_simulation::ask(const leader_ptr& l, const asker& who, const question_fn& question) {
  const auto request = ++requests_;
  l->askers[request] = who;
  const auto event = question(request);
  if (const auto* p = std::get_if<publication_asked>(&event))
    publications_asked_.emplace(request, *p);
  if (const auto* p = std::get_if<publication_asked>(&event);
      p != nullptr && is(cooldown_mutant::believes_stale_refusals)
      && judge_publication(view_of(*l).conf, p->replica, p->term, p->meta, true) == publication_verdict::term_unknown)
    return carry_out(l, refuse_publication{request, publication_verdict::not_uploader});
  if (const auto* d = std::get_if<deletion_asked>(&event); d != nullptr && confirms_by_lies())
    return confirm_by_lies(l, *d);
  feed(l, event);
}

bool cooldown_simulation::confirms_by_lies() const {
  for (auto m = cooldown_mutant::confirm_ignores_dead; m <= cooldown_mutant::confirm_ignores_uploader;
       m = static_cast<cooldown_mutant>(static_cast<int>(m) + 1))
    if (is(m))
      return true;
  return false;
}

void cooldown_simulation::confirm_by_lies(const leader_ptr& l, const deletion_asked& asked) {
  auto judged = asked;
  auto view = view_of(*l);
  if (is(cooldown_mutant::confirm_ignores_dead))
    for (auto& replica : view.replicas)
      replica.alive = true;
  if (is(cooldown_mutant::confirm_ignores_count))
    view.replication_num = 0;
  if (is(cooldown_mutant::confirm_ignores_clones))
    view.clone_under_way = false;
  if (is(cooldown_mutant::confirm_compares_replicas) && view.conf.published)
    view.conf.published->id = asked.id;
  if (is(cooldown_mutant::confirm_ignores_uploader)) {
    judged.replica = view.conf.uploader;
    judged.term = view.conf.term;
  }
  if (auto why = l->liar.why_not_deletable(view, judged); why.empty())
    carry_out(l, confirm_deletion{asked});
  else
    carry_out(l, refuse_deletion{asked.request, std::move(why)});
}

// -- the log -------------------------------------------------------------------------------

void cooldown_simulation::publish(const leader_ptr& l, const publication_asked& asked) {
  propose(
      l,
      [this, l, asked] {
        const auto verdict = fold_publication(asked);
        ++(verdict == publication_verdict::accepted ? counts_.publications : counts_.refused_publications);
        check_refusal(asked.request, verdict);
        answer(l, asked.request, [this, verdict](backend& b, std::uint64_t job) {
          feed(b, publication_answered{job, verdict});
        });
      },
      [] {});
}

publication_verdict cooldown_simulation::fold_publication(const publication_asked& asked) {
  auto verdict = judge_publication(conf_, asked.replica, asked.term, asked.meta,
                                   recalled_ || is(cooldown_mutant::recalls_unasked));
  if (is(cooldown_mutant::fold_ignores_term) && verdict == publication_verdict::not_uploader
      && (!conf_.published || asked.meta.id > conf_.published->id))
    verdict = publication_verdict::accepted;
  if (is(cooldown_mutant::fold_ignores_id) && verdict == publication_verdict::not_greater)
    verdict = publication_verdict::accepted;
  if (verdict != publication_verdict::accepted || conf_.published == asked.meta)
    return verdict;
  say("replica " + std::to_string(raw(asked.replica)) + " publishes " + asked.meta.object);
  require(asked.replica == conf_.uploader && asked.term == conf_.term, "somebody else than the uploader published");
  require(!conf_.published || asked.meta.id > conf_.published->id, "the published id did not grow");
  if (is_recall(asked.meta)) {
    require(recalled_, "a set shrinks that nobody recalled");
    ++counts_.recalls_published;
    conf_.published = asked.meta;
    conf_.recalled = asked.meta.id;
    committed_[asked.meta.id] = {};
    return verdict;
  }
  const auto* found = find(asked.meta.resource, asked.meta.object);
  require(found != nullptr && found->meta, "a meta is published that is not in the store");
  counts_.store_moves += conf_.published && conf_.published->resource != asked.meta.resource;
  conf_.published = asked.meta;
  committed_[asked.meta.id] = *found->meta;
  check_references();
  return verdict;
}

void cooldown_simulation::confirm(const leader_ptr& l, const deletion_asked& asked) {
  check_confirmation(*l, asked);
  const auto yes = [this, l, asked] {
    ++counts_.confirms;
    answer(l, asked.request, [this, asked](backend& b, std::uint64_t job) {
      check_confirmed(asked.request);
      feed(b, deletion_answered{job, true, {}});
    });
  };
  if (is(cooldown_mutant::confirms_without_log))
    return yes();
  propose(
      l, [this, yes, asked] { confirmations_logged_.insert(asked.request), yes(); }, [] {});
}

}  // namespace tabletd::test
