// The two hosts, the log and the store.  The rest: cooldown_simulation.cpp.
#include "tests/model/cooldown_simulation.h"

#include <algorithm>
#include <utility>

namespace tabletd::test {

using namespace std::chrono_literals;

namespace {
constexpr resource_id resource{1};
constexpr std::uint32_t crc_of_meta = 7;
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
      later(question && chance(odds_.late_question) ? within(2h) : message_delay(), [this, to, place = b.place, deliver] {
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
                          : is(cooldown_mutant::grants_at_once)      ? 0s
                                                                     : uploader_patience;
    leader_ = std::make_shared<leader>(leader{node, true, false, cooldown_handler(began, patience),
                                              cooldown_handler(began, patience), std::nullopt, {}, {}});
    leader_->contact.fill(now_ - 100s);
    say("fe " + std::to_string(node) + " leads");
  });
}

cooling_tablet cooldown_simulation::view_of(const leader& l) const {
  cooling_tablet view;
  if (l.last_seen) {
    view = *l.last_seen;
  } else {
    view = {tablet_id{10}, 3, visible_, clone_.has_value(), {}, conf_};
    for (const auto& row : rows_)
      view.replicas.push_back({row.id, false, row.bad, false});
  }
  for (auto& replica : view.replicas) {
    const auto row = std::ranges::find(rows_, replica.replica, &replica_row::id);
    replica.alive = row != rows_.end() && now_ - l.contact[row->place] <= 150s;
  }
  return view;
}

void cooldown_simulation::feed(const leader_ptr& l, const cooldown_event& event) {
  const auto fe_now = fe_clocks_[l->node].show(now_);
  const auto view = view_of(*l);
  auto effects = l->handler.step(view, event, fe_now);
  if (const auto* said = std::get_if<cooldown_reported>(&event)) {
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
  std::visit(
      overloaded{
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
            to_backend(l, row->place, [this, e](backend& b) {
              if (!b.process || !b.disk || b.disk->replica != e.replica)
                return;
              if (is(cooldown_mutant::takes_late_confs) && e.conf.term < b.process->known_term()) {
                start(b);
                if (b.last_ack)
                  feed(b, *b.last_ack);
              }
              feed(b, conf_pushed{e.conf});
            });
          },
          [&](const acknowledge_report& e) { acknowledge(l, e); },
          [&](const propose_publication& e) { publish(l, e.asked); },
          [&](const refuse_publication& e) {
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

// -- the log -------------------------------------------------------------------------------

void cooldown_simulation::publish(const leader_ptr& l, const publication_asked& asked) {
  propose(
      l,
      [this, l, asked] {
        const auto verdict = fold_publication(asked);
        ++(verdict == publication_verdict::accepted ? counts_.publications : counts_.refused_publications);
        answer(l, asked.request, [this, verdict](backend& b, std::uint64_t job) {
          feed(b, publication_answered{job, verdict});
        });
      },
      [] {});
}

publication_verdict cooldown_simulation::fold_publication(const publication_asked& asked) {
  auto verdict = judge_publication(conf_, asked.replica, asked.term, asked.meta);
  if (is(cooldown_mutant::fold_ignores_term) && verdict == publication_verdict::not_uploader
      && (!conf_.published || asked.meta.id > conf_.published->id))
    verdict = publication_verdict::accepted;
  if (is(cooldown_mutant::fold_ignores_id) && verdict == publication_verdict::not_greater)
    verdict = publication_verdict::accepted;
  if (verdict != publication_verdict::accepted || (conf_.published && conf_.published->object == asked.meta.object))
    return verdict;
  say("replica " + std::to_string(raw(asked.replica)) + " publishes " + asked.meta.object);
  require(asked.replica == conf_.uploader && asked.term == conf_.term, "somebody else than the uploader published");
  require(!conf_.published || asked.meta.id > conf_.published->id, "the published id did not grow");
  const auto found = store_.find(asked.meta.object);
  require(found != store_.end() && found->second.meta, "a meta is published that is not in the store");
  conf_.published = asked.meta;
  committed_[asked.meta.id] = found->second.meta->rowsets;
  check_references();
  return verdict;
}

void cooldown_simulation::confirm(const leader_ptr& l, const deletion_asked& asked) {
  const auto yes = [this, l, asked] {
    ++counts_.confirms;
    answer(l, asked.request, [this](backend& b, std::uint64_t job) { feed(b, deletion_answered{job, true, {}}); });
  };
  if (is(cooldown_mutant::confirms_without_log))
    return yes();
  propose(l, yes, [] {});
}

// -- the backend's host --------------------------------------------------------------------

void cooldown_simulation::report(backend& b) {
  if (!b.process || !b.disk)
    return;
  b.sent[++b.reports] = b.its.show(now_);
  cooldown_reported said{b.disk->replica, b.reports, b.process->known_term(), b.process->published_id(),
                         b.disk->id, last_version_of(b.disk->remote), b.process->phase(*b.disk), b.process->why_stuck()};
  to_leader(b, [this, said](const leader_ptr& l) { feed(l, said); });
}

void cooldown_simulation::feed(backend& b, const replica_event& event) {
  if (!b.process || !b.disk)
    return;
  auto disk = *b.disk;
  if (is(cooldown_mutant::follows_backwards))
    disk.id = {};
  const cooling_facts facts{disk, rule_, resource, now_, is(cooldown_mutant::one_nonce) ? 1 : dice_()};
  const auto effects = b.process->step(facts, event, b.its.show(now_));
  check_believers();
  const auto boot = b.boot;
  for (const auto& effect : effects) {
    if (chance(odds_.crash_step))
      crash(b);
    if (!b.up || b.boot != boot)
      return;
    carry_out(b, effect);
  }
  if (chance(odds_.crash_step))
    crash(b);
}

void cooldown_simulation::carry_out(backend& b, const replica_effect& effect) {
  const auto done = [this](std::uint64_t job) { return [this, job](backend& self) { feed(self, cooldown_done{job}); }; };
  std::visit(
      overloaded{
          [&](const put_segment& e) {
            object what;
            for (auto v = e.first_version; v <= e.last_version; ++v)
              what.holds.set(v);
            for (const auto& r : e.compacted)
              require(r.object.empty() || store_.contains(r.object), "what is to be compacted is not in the store");
            const auto here = covered_by(*b.disk);
            if ((what.holds & ~here).any())
              return in_process(b, 0s, [this, e](backend& self) { feed(self, cooldown_failed{e.job, "rotten"}); });
            counts_.compactions += !e.compacted.empty();
            put(b, e.job, e.object, what, done(e.job));
          },
          [&](const put_meta& e) {
            put(b, e.job, e.object, object{{}, e.meta}, [this, job = e.job](backend& self) {
              feed(self, meta_written{job, crc_of_meta, 10});
            });
          },
          [&](const save_asked& e) {
            write_disk(b, e.job, [this, e](replica_disk& disk) {
              if (!is(cooldown_mutant::forgets_what_it_asked))
                disk.asked = e.meta;
              return true;
            });
          },
          [&](const ask_publication& e) {
            counts_.asked_again += b.disk->asked && b.asked_last == e.meta.object;
            b.asked_last = e.meta.object;
            if (is(cooldown_mutant::saves_before_commit))
              if (const auto plan = plan_follow(*b.disk, *store_.at(e.meta.object).meta); std::holds_alternative<set_change>(plan))
                save(b, save_set{e.job, std::get<set_change>(plan)});
            if (is(cooldown_mutant::guesses_lost_answers))
              in_process(b, 30s, [this, job = e.job](backend& self) {
                feed(self, publication_answered{job, publication_verdict::not_greater});
              });
            ask_leader(b, e.job, [who = b.disk->replica, e](std::uint64_t request) {
              return publication_asked{request, who, e.term, e.meta};
            });
          },
          [&](const forget_asked& e) {
            const auto asked = b.disk->asked;
            if (is(cooldown_mutant::discards_what_it_asked) && asked && store_.contains(asked->object)) {
              discard_objects all{{asked->object}};
              for (const auto& r : store_.at(asked->object).meta->rowsets)
                if (std::ranges::find(b.disk->remote, r) == b.disk->remote.end() && !r.object.empty())
                  all.objects.push_back(r.object);
              carry_out(b, all);
            }
            write_disk(b, e.job, [](replica_disk& disk) {
              disk.asked.reset();
              return true;
            });
          },
          [&](const fetch_meta& e) {
            const auto read = std::make_shared<remote_meta>();
            store_call(
                b, e.job, false,
                [this, read, name = e.meta.object] {
                  const auto found = store_.find(name);
                  if (found != store_.end())
                    *read = *found->second.meta;
                  return found != store_.end();
                },
                [this, read, job = e.job](backend& self) { feed(self, meta_fetched{job, *read}); });
          },
          [&](const save_set& e) { save(b, e); },
          [&](const discard_objects& e) {
            for (const auto& name : e.objects) {
              ++counts_.discards;
              store_call(
                  b, 0, true, [this, name] { return remove(name), true; }, [](backend&) {});
            }
          },
          [&](const list_objects& e) {
            const auto names = std::make_shared<std::vector<std::string>>();
            store_call(
                b, e.job, false,
                [this, names] {
                  for (const auto& [name, what] : store_)
                    names->push_back(name);
                  return true;
                },
                [this, names, job = e.job](backend& self) { feed(self, objects_listed{job, *names}); });
          },
          [&](const ask_deletion& e) {
            if (is(cooldown_mutant::deletes_unconfirmed))
              return in_process(b, 1s, [this, job = e.job](backend& self) { feed(self, deletion_answered{job, true, {}}); });
            ask_leader(b, e.job, [who = b.disk->replica, e](std::uint64_t request) {
              return deletion_asked{request, who, e.term, e.id};
            });
          },
          [&](const delete_object& e) {
            store_call(
                b, e.job, true,
                [this, name = e.object] {
                  counts_.deletions += store_.contains(name);
                  return remove(name), true;
                },
                done(e.job));
          },
          [](const refuse_conf&) {},
          [](const retry_reads&) {},
          [](const fail_reads&) {},
      },
      effect);
}

void cooldown_simulation::ask_leader(backend& b, std::uint64_t job, std::function<cooldown_event(std::uint64_t)> question) {
  to_leader(b, [this, who = asker{b.place, b.boot, job}, question](const leader_ptr& l) {
    const auto request = ++requests_;
    l->askers[request] = who;
    auto event = question(request);
    auto view = view_of(*l);
    if (const auto* p = std::get_if<publication_asked>(&event);
        p != nullptr && is(cooldown_mutant::believes_stale_refusals)
        && judge_publication(view.conf, p->replica, p->term, p->meta) == publication_verdict::term_unknown)
      return carry_out(l, refuse_publication{request, publication_verdict::not_uploader});
    auto* d = std::get_if<deletion_asked>(&event);
    if (d == nullptr || !confirms_by_lies())
      return feed(l, event);
    if (is(cooldown_mutant::confirm_ignores_dead))
      for (auto& replica : view.replicas)
        replica.alive = true;
    if (is(cooldown_mutant::confirm_ignores_count))
      view.replication_num = 0;
    if (is(cooldown_mutant::confirm_ignores_clones))
      view.clone_under_way = false;
    if (is(cooldown_mutant::confirm_compares_replicas) && view.conf.published)
      view.conf.published->id = d->id;
    if (is(cooldown_mutant::confirm_ignores_uploader)) {
      d->replica = view.conf.uploader;
      d->term = view.conf.term;
    }
    if (l->liar.why_not_deletable(view, *d).empty())
      carry_out(l, confirm_deletion{*d});
  }, true);
}

bool cooldown_simulation::confirms_by_lies() const {
  for (auto m = cooldown_mutant::confirm_ignores_dead; m <= cooldown_mutant::confirm_ignores_uploader;
       m = static_cast<cooldown_mutant>(static_cast<int>(m) + 1))
    if (is(m))
      return true;
  return false;
}

void cooldown_simulation::write_disk(backend& b, std::uint64_t job, std::function<bool(replica_disk&)> change) {
  in_process(b, 1ms + within(300ms), [this, job, change, id = b.disk->replica](backend& self) {
    if (!self.disk || self.disk->replica != id)
      return;
    const bool ok = change(*self.disk);
    if (row_of(id) != nullptr)
      check_disk(*self.disk);
    in_process(self, within(100ms), [this, job, ok](backend& again) {
      if (ok)
        feed(again, cooldown_done{job});
      else
        feed(again, cooldown_failed{job, "what is here has changed"});
    });
  });
}

void cooldown_simulation::save(backend& b, const save_set& e) {
  auto change = e.change;
  if (is(cooldown_mutant::skips_by_version))
    for (auto& r : change.remote)
      for (const auto& mine : b.disk->remote)
        if (mine.first_version == r.first_version && mine.last_version == r.last_version)
          r = mine;
  write_disk(b, e.job, [this, change](replica_disk& disk) {
    const bool lax = is(cooldown_mutant::clone_lets_follow_go_on) || is(cooldown_mutant::follows_backwards);
    if (disk.id != change.from && !lax)
      return false;
    require(committed_.contains(change.to), "local data goes before the publication is committed");
    apply(disk, change);
    ++counts_.follows;
    return true;
  });
}

// -- the store -----------------------------------------------------------------------------

/// `land` happens at the store, whether or not its caller hears of it: some time in between a process may have crashed, or
/// frozen and gone on.
void cooldown_simulation::store_call(backend& b, std::uint64_t job, bool changes, std::function<bool()> land,
                                     std::function<void(backend&)> done) {
  const auto fails = [this, job](const char* why) {
    return [this, job, why](backend& self) { feed(self, cooldown_failed{job, why}); };
  };
  const auto takes = chance(odds_.slow_put) ? within(40min) : 10ms + within(3s);
  if (chance(odds_.store))
    return in_process(b, takes, fails("503"));
  const bool answered = !chance(odds_.store);
  // No caller waits longer than its lease, but what has left it may still land.
  const auto left = changes && job != 0 && b.process ? b.process->lease_left(b.its.show(now_)) : 24h;
  if (left < takes)
    in_process(b, left, fails("stopped"));
  auto landed = [this, place = b.place, boot = b.boot, land, done, answered, fails, late = left < takes] {
    const bool ok = land();
    auto& self = backends_[place];
    counts_.late_puts += late || !self.up || self.boot != boot;
    if (late || !self.up || self.boot != boot)
      return;
    in_process(self, within(100ms), ok && answered ? done : std::function<void(backend&)>(fails("no answer")));
  };
  if (below(2) == 0)
    later(takes, landed);
  else
    in_process(b, takes, [landed](backend&) { landed(); });
}

void cooldown_simulation::put(backend& b, std::uint64_t job, const std::string& name, object what,
                              std::function<void(backend&)> done) {
  require(b.process->leads(b.its.show(now_)), "a put begins outside of the lease");
  store_call(
      b, job, true,
      [this, name, what = std::move(what)] {
        require(ever_put_.insert(name).second, "an object is overwritten");
        store_[name] = what;
        return true;
      },
      std::move(done));
}

void cooldown_simulation::remove(const std::string& name) {
  if (store_.erase(name) > 0)
    check_references();
}

}  // namespace tabletd::test
