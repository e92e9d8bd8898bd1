// The backend's host and the store.  The rest: cooldown_simulation.cpp.
#include "tests/model/cooldown_simulation.h"

#include <algorithm>
#include <utility>

namespace tabletd::test {

using namespace std::chrono_literals;

// -- the backend's host --------------------------------------------------------------------

void cooldown_simulation::report(backend& b) {
  if (!b.process || !b.disk)
    return;
  b.sent[++b.reports] = b.its.show(now_);
  cooldown_reported said{b.disk->replica,
                         b.reports,
                         b.process->known_term(),
                         b.process->published_id(),
                         b.disk->id,
                         last_version_of(b.disk->remote),
                         b.process->phase(*b.disk),
                         b.process->why_stuck()};
  to_leader(b, [this, said](const leader_ptr& l) { feed(l, said); });
}

void cooldown_simulation::feed(backend& b, const replica_event& event) {
  if (!b.process || !b.disk)
    return;
  auto disk = *b.disk;
  if (is(cooldown_mutant::follows_backwards) && !b.process->leads(b.its.show(now_)))
    disk.id = {};
  if (const auto set = committed_.find(disk.id); set != committed_.end())
    disk.resource = set->second.resource;
  const cooling_facts facts{disk,
                            b.recall ? std::nullopt : std::optional(rule_),
                            b.policys,
                            now_,
                            is(cooldown_mutant::one_nonce) ? 1 : dice_(),
                            b.recall,
                            is(cooldown_mutant::lists_its_own_store_only) ? std::span<const resource_id>{} : stores};
  const auto effects = b.process->step(facts, event, b.its.show(now_));
  check_believers();
  check_lease(b);
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
  std::visit([&](const auto& e) { on(b, e); }, effect);
}

std::function<void(cooldown_simulation::backend&)> cooldown_simulation::tell_done(std::uint64_t job) {
  return [this, job](backend& self) { feed(self, cooldown_done{job}); };
}

void cooldown_simulation::on(backend& b, const put_segment& e) {
  object what;
  for (auto v = e.first_version; v <= e.last_version; ++v)
    what.holds.set(v);
  for (const auto& r : e.inputs) {
    const auto* input = r.object.empty() ? nullptr : find(e.from, r.object);
    require(r.object.empty() || input, "what is to be merged or copied is not in the store");
    for (auto v = r.first_version; input && v <= r.last_version; ++v)
      require(input->holds.test(v), "what is to be merged or copied lacks a version");
  }
  if ((what.holds & ~covered_by(*b.disk)).any())
    return in_process(b, 0s, [this, e](backend& self) { feed(self, cooldown_failed{e.job, "rotten"}); });
  counts_.compactions += !e.inputs.empty() && e.from == e.to;
  if (is(cooldown_mutant::moves_by_reference) && e.from != e.to && !e.inputs.empty())
    return in_process(b, 0s, tell_done(e.job));
  put(b, e.job, e.to, e.object, what, tell_done(e.job));
}

void cooldown_simulation::on(backend& b, const put_meta& e) {
  counts_.republished += b.disk->remote == e.meta.rowsets;
  put(b, e.job, e.meta.resource, e.object, object{{}, e.meta}, [this, job = e.job](backend& self) {
    feed(self, meta_written{job, 7, 10});
  });
}

void cooldown_simulation::on(backend& b, const save_asked& e) {
  write_disk(b, e.job, [this, e](replica_disk& disk) {
    if (!is(cooldown_mutant::forgets_what_it_asked))
      disk.asked = e.meta;
    return true;
  });
}

void cooldown_simulation::on(backend& b, const ask_publication& e) {
  counts_.asked_again += b.disk->asked && b.asked_last == e.meta.object;
  b.asked_last = e.meta.object;
  if (is(cooldown_mutant::saves_before_commit) && !is_recall(e.meta))
    if (const auto plan = plan_follow(*b.disk, *find(e.meta.resource, e.meta.object)->meta);
        std::holds_alternative<set_change>(plan))
      on(b, save_set{e.job, std::get<set_change>(plan)});
  if (is(cooldown_mutant::guesses_lost_answers))
    in_process(b, 30s, [this, job = e.job](backend& self) {
      feed(self, publication_answered{job, publication_verdict::not_greater});
    });
  ask_leader(b, e.job, [who = b.disk->replica, e](std::uint64_t request) {
    return publication_asked{request, who, e.term, e.meta};
  });
}

void cooldown_simulation::on(backend& b, const forget_asked& e) {
  const auto asked = b.disk->asked;
  if (is(cooldown_mutant::discards_what_it_asked) && asked && find(asked->resource, asked->object)) {
    discard_objects all{{asked->object}, asked->resource};
    for (const auto& r : find(asked->resource, asked->object)->meta->rowsets)
      if (std::ranges::find(b.disk->remote, r) == b.disk->remote.end() && !r.object.empty())
        all.objects.push_back(r.object);
    on(b, all);
  }
  write_disk(b, e.job, [](replica_disk& disk) { return disk.asked.reset(), true; });
}

void cooldown_simulation::on(backend& b, const fetch_meta& e) {
  const auto read = std::make_shared<remote_meta>();
  const auto land = [this, read, in = e.meta.resource, name = e.meta.object] {
    const auto* found = find(in, name);
    if (found != nullptr)
      *read = *found->meta;
    return found != nullptr;
  };
  store_call(b, e.job, false, land, [this, read, job = e.job](backend& self) { feed(self, meta_fetched{job, *read}); });
}

void cooldown_simulation::on(backend& b, const discard_objects& e) {
  for (const auto& name : e.objects) {
    ++counts_.discards;
    store_call(
        b, 0, true, [this, in = e.resource, name] { return remove(in, name), true; }, [](backend&) {});
  }
}

void cooldown_simulation::on(backend& b, const list_objects& e) {
  const auto names = std::make_shared<std::vector<std::string>>();
  const auto land = [this, names, in = e.resource] {
    for (const auto& [name, what] : store_)
      if (name.first == in)
        names->push_back(name.second);
    return true;
  };
  store_call(b, e.job, false, land, [this, names, job = e.job](backend& self) {
    feed(self, objects_listed{job, *names});
  });
}

void cooldown_simulation::on(backend& b, const ask_deletion& e) {
  b.deletion_asked_at = b.its.show(now_);
  if (is(cooldown_mutant::deletes_unconfirmed))
    return in_process(b, 1s, [this, job = e.job](backend& self) { feed(self, deletion_answered{job, true, {}}); });
  ask_leader(b, e.job, [who = b.disk->replica, e](std::uint64_t request) {
    return deletion_asked{request, who, e.term, e.id};
  });
}

void cooldown_simulation::on(backend& b, const delete_object& e) {
  check_deletion(b);
  const auto land = [this, in = e.resource, name = e.object] {
    counts_.deletions += find(in, name) != nullptr;
    return remove(in, name), true;
  };
  store_call(b, e.job, true, land, tell_done(e.job));
}

void cooldown_simulation::ask_leader(const backend& b, std::uint64_t job, const question_fn& question) {
  to_leader(
      b, [this, who = asker{b.place, b.boot, job}, question](const leader_ptr& l) { ask(l, who, question); }, true);
}

void cooldown_simulation::write_disk(const backend& b, std::uint64_t job, std::function<bool(replica_disk&)> change) {
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

void cooldown_simulation::on(backend& b, const save_set& e) {
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
    check_saved(disk, change);
    require(committed_.contains(change.to), "local data goes before the publication is committed");
    apply(disk, change);
    ++counts_.follows;
    return true;
  });
}

void cooldown_simulation::fetch_home(backend& b, const bring_home& e, std::size_t next) {
  const auto& wanted = e.change.remote_dropped;
  while (next < wanted.size() && wanted[next].object.empty())
    ++next;
  if (next >= wanted.size() || (next > 0 && is(cooldown_mutant::comes_home_early)))
    return save_home(b, e, next);
  store_call(
      b, e.job, false, [this, in = committed_.at(b.disk->id).resource, name = wanted[next].object] { return find(in, name) != nullptr; },
      [this, e, next](backend& self) { fetch_home(self, e, next + 1); });
}

void cooldown_simulation::save_home(backend& b, const bring_home& e, std::size_t fetched) {
  auto change = e.change;
  change.hot_added.resize(fetched);
  if (is(cooldown_mutant::comes_home_under_old_id))
    change.to = change.from;
  write_disk(b, e.job, [this, change](replica_disk& disk) {
    if (disk.id != change.from)
      return false;
    apply(disk, change);
    ++counts_.homecomings;
    return true;
  });
}

// -- the store -----------------------------------------------------------------------------

/// `land` happens at the store, whether or not its caller hears of it: some time in between a process may have crashed,
/// or frozen and gone on.
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

void cooldown_simulation::put(backend& b, std::uint64_t job, resource_id in, const std::string& name, object what,
                              std::function<void(backend&)> done) {
  require(b.process->leads(b.its.show(now_)), "a put begins outside of the lease");
  store_call(
      b, job, true,
      [this, in, name, what = std::move(what)] {
        require(ever_put_.insert(name).second, "an object is overwritten, or its name given twice");
        store_[{in, name}] = what;
        return true;
      },
      std::move(done));
}

void cooldown_simulation::remove(resource_id in, const std::string& name) {
  if (store_.erase({in, name}) > 0)
    check_references();
}

const cooldown_simulation::object* cooldown_simulation::find(resource_id in, const std::string& name) const {
  const auto found = store_.find({in, name});
  return found == store_.end() ? nullptr : &found->second;
}

}  // namespace tabletd::test
