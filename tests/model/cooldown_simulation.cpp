// Trouble and what must hold.  The rest: cooldown_simulation_leader.cpp, _backend.cpp and _repair.cpp.
#include "tests/model/cooldown_simulation.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

namespace {
constexpr tablet_id tablet{10};
}

const char* name_of(cooldown_mutant mutant) {
  static constexpr std::array names{"none",
                                    "patience_equals_lease",
                                    "lease_from_answer",
                                    "acknowledges_unproved",
                                    "acknowledges_while_granting",
                                    "acknowledges_everybody",
                                    "acknowledges_any_term",
                                    "new_leader_does_not_wait",
                                    "hardly_waits",
                                    "takes_late_confs",
                                    "pushes_before_commit",
                                    "fold_ignores_term",
                                    "fold_ignores_id",
                                    "follows_backwards",
                                    "clone_lets_follow_go_on",
                                    "clone_takes_any_set",
                                    "skips_by_version",
                                    "forgets_what_it_asked",
                                    "guesses_lost_answers",
                                    "believes_stale_refusals",
                                    "discards_what_it_asked",
                                    "saves_before_commit",
                                    "deletes_unconfirmed",
                                    "confirms_without_log",
                                    "confirm_ignores_dead",
                                    "confirm_ignores_count",
                                    "confirm_ignores_clones",
                                    "confirm_ignores_terms",
                                    "confirm_ignores_ids",
                                    "confirm_compares_replicas",
                                    "confirm_ignores_uploader",
                                    "deletes_after_expiry",
                                    "lists_its_own_store_only",
                                    "moves_by_reference",
                                    "one_nonce",
                                    "comes_home_early",
                                    "comes_home_under_old_id",
                                    "forgets_recalls",
                                    "recalls_unasked"};
  static_assert(names.size() == static_cast<std::size_t>(cooldown_mutant::count));
  return names[static_cast<std::size_t>(mutant)];
}

cooldown_simulation_counts& cooldown_simulation_counts::operator+=(const cooldown_simulation_counts& other) {
  using counts = cooldown_simulation_counts;
  for (const auto count : {&counts::events,
                           &counts::grants,
                           &counts::revocations,
                           &counts::leaders,
                           &counts::crashes,
                           &counts::freezes,
                           &counts::late_puts,
                           &counts::loads,
                           &counts::publications,
                           &counts::refused_publications,
                           &counts::compactions,
                           &counts::follows,
                           &counts::deletions,
                           &counts::discards,
                           &counts::confirms,
                           &counts::refused_confirms,
                           &counts::incremental_clones,
                           &counts::full_clones,
                           &counts::uploader_clones,
                           &counts::moves,
                           &counts::losses,
                           &counts::policies,
                           &counts::asked_again,
                           &counts::reads_missed,
                           &counts::store_changes,
                           &counts::store_moves,
                           &counts::republished,
                           &counts::recalls,
                           &counts::recalls_published,
                           &counts::homecomings})
    this->*count += other.*count;
  return *this;
}

cooldown_simulation::cooldown_simulation(std::uint64_t seed, cooldown_mutants broken) : broken_(broken), dice_(seed) {
  draw_faults();
  const auto draw_clock = [&] {
    constexpr std::array<std::int64_t, 5> errors{-100, 100, -100, 100, 0};
    return clock{errors[below(errors.size())], within(1h)};
  };
  for (auto& c : fe_clocks_)
    c = draw_clock();
  rule_.ttl = 5min + within(40min);
  backends_.resize(backends);
  for (std::size_t i = 0; i < backends; ++i) {
    backends_[i].place = i;
    backends_[i].its = draw_clock();
  }
  for (std::size_t i = 0; i < 3; ++i) {
    rows_.push_back({replica_id{next_replica_++}, i});
    backends_[i].disk = replica_disk{tablet, rows_.back().id, {}, {}, {}, std::nullopt};
    start(backends_[i]);
  }
  elect();
}

void cooldown_simulation::draw_faults() {
  // Half of the kinds of fault do not occur in a history, so that those that do meet each other often.
  const auto odds = [&](std::uint64_t most) { return below(2) == 0 ? 0 : 1 + below(most); };
  odds_.lost = odds(1'500);
  odds_.twice = odds(1'500);
  odds_.slow = odds(2'000);
  odds_.very_late = odds(500);
  odds_.crash_step = odds(100);
  odds_.crash = odds(80);
  odds_.freeze = odds(150);
  odds_.cut = odds(200);
  odds_.elect = odds(250);
  odds_.store = odds(1'500);
  odds_.slow_put = odds(1'500);
  odds_.loss = odds(60);
  odds_.rot = odds(120);
  odds_.clone = odds(500);
  odds_.move = odds(400);
  odds_.missed = odds(3'000);
  odds_.empty = odds(3'000);
  odds_.proposal = odds(1'000);
  odds_.late_question = odds(4'000);
  odds_.rewrite = odds(5'000);
  odds_.policy = odds(400);
  odds_.place = odds(400);
  odds_.recall = odds(300);
}

std::string cooldown_simulation::run() {
  try {
    later(0s, [this] { minute(); });
    run_until(now_ + 4h + within(4h));
    heal();
    for (int i = 0; i < 80; ++i) {
      run_until(now_ + 15min);
      if (why_not_done().empty())
        return {};
    }
    tell_stuck();
    return "it does not end: " + why_not_done();
  } catch (const std::logic_error& broken) {
    return "at " + std::to_string(now_.count() / 1000) + " s: " + broken.what();
  }
}

/// For whoever looks into a history that does not end.
void cooldown_simulation::tell_stuck() {
  if (conf_.published)
    say("published is " + std::to_string(conf_.published->id.term) + "." + std::to_string(conf_.published->id.seq)
        + " to version " + std::to_string(conf_.published->last_version));
  for (const auto& row : rows_) {
    const auto& b = backends_[row.place];
    auto line = "replica " + std::to_string(raw(row.id)) + (row.id == conf_.uploader ? ", the uploader" : "");
    if (!b.disk)
      return say(line + ", has no disk");
    line += " at " + std::to_string(b.disk->id.term) + "." + std::to_string(b.disk->id.seq) + ", remote";
    for (const auto& r : b.disk->remote)
      line += " " + std::to_string(r.first_version) + "-" + std::to_string(r.last_version);
    line += ", local";
    for (const auto& r : b.disk->hot)
      line += " " + std::to_string(r.first_version) + "-" + std::to_string(r.last_version);
    say(line + ": " + (b.process ? b.process->why_stuck() : "no process"));
  }
}

void cooldown_simulation::run_until(time_ms end) {
  while (!queue_.empty() && queue_.top().at <= end) {
    auto act = queue_.top().act;
    now_ = queue_.top().at;
    queue_.pop();
    ++counts_.events;
    act();
  }
  now_ = end;
}

void cooldown_simulation::minute() {
  if (faulty_)
    make_trouble();
  if (below(100) < (faulty_ ? 12U : 0U))
    load();
  repair();
  auto leaders = deposed_;
  if (leader_)
    leaders.push_back(leader_);
  for (const auto& l : leaders) {
    for (const auto& b : backends_)
      if (b.up && b.frozen_until <= now_ && !cut_.contains({b.place, l->node}))
        l->contact[b.place] = now_;
    feed(l, cooldown_ticked{});
  }
  for (auto& b : backends_) {
    if (below(8) == 0)
      b.recall = recalled_;
    if (below(2) == 0)
      in_process(b, within(60s), [this](backend& self) { report(self); });
    if (below(3) != 0)
      in_process(b, within(60s), [this](backend& self) { feed(self, cooldown_work_due{}); });
    if (below(8) == 0)
      in_process(b, 0s, [this](backend& self) {
        if (!self.disk)
          return;
        in_process(self, within(15min), [this, seen = self.disk->remote](backend& reader) {
          const auto gone = [&](const remote_rowset& r) {
            return !r.object.empty() && std::ranges::none_of(stores, [&](auto in) { return find(in, r.object); });
          };
          if (std::ranges::any_of(seen, gone)) {
            ++counts_.reads_missed;
            feed(reader, read_missed{});
          }
        });
      });
  }
  later(1min, [this] { minute(); });
}

// -- trouble -------------------------------------------------------------------------------

void cooldown_simulation::make_trouble() {
  auto& b = backends_[below(backends)];
  if (b.up && chance(odds_.crash))
    crash(b);
  if (b.up && chance(odds_.freeze)) {
    ++counts_.freezes;
    b.frozen_until = now_ + within(below(2) == 0 ? 3h : 10min);
    say("be " + std::to_string(b.place) + " frozen until " + std::to_string(b.frozen_until.count() / 1000) + " s");
  }
  if (chance(odds_.cut)) {
    const auto first = below(frontends), last = below(2) == 0 ? first : frontends - 1;
    for (auto fe = first; fe <= last; ++fe)
      cut_.insert({b.place, fe});
    later(within(below(3) == 0 ? 2h : 20min), [this, first, last, place = b.place] {
      for (auto fe = first; fe <= last; ++fe)
        cut_.erase({place, fe});
    });
  }
  if (chance(odds_.elect))
    elect();
  alter_policy();
  if (chance(odds_.recall))
    recall(!recalled_);
  const auto complete_elsewhere = [&](std::size_t place) {
    return std::ranges::count_if(rows_, [&](const replica_row& row) {
      const auto& disk = backends_[row.place].disk;
      return row.place != place && !row.bad && disk && disk->replica == row.id && is_complete(*disk);
    });
  };
  auto& row = rows_[below(rows_.size())];
  auto& victim = backends_[row.place];
  if (!victim.disk || victim.disk->replica != row.id || complete_elsewhere(row.place) < 2)
    return;
  if (chance(odds_.rot)) {
    say("local files of replica " + std::to_string(raw(row.id)) + " rot");
    ++counts_.losses;
    victim.disk->hot.clear();
    readable_[row.id] = covered_by(*victim.disk);
    row.bad = true;
  } else if (chance(odds_.loss)) {
    say("the disk of replica " + std::to_string(raw(row.id)) + " is lost");
    ++counts_.losses;
    victim.disk.reset();
    victim.process.reset();
  }
}

/// Backends hear of it one by one, with some order of the leader's.
void cooldown_simulation::alter_policy() {
  if (chance(odds_.policy)) {  // And ALTER TABLE SET ("replication_num").
    ++counts_.policies;
    wanted_ = 3 + static_cast<std::uint32_t>(below(2));
    rule_.ttl = below(2) == 0 ? 1000h : 5min + within(40min);
  }
  if (!chance(odds_.place))
    return;
  ++counts_.store_changes;
  policys_ = stores[below(stores.size())];
  say("the policy names store " + std::to_string(raw(policys_)));
  for (const auto& b : backends_)
    later(within(10min), [this, place = b.place] { backends_[place].policys = policys_; });
}

/// RECALL TABLE, or a policy is set again.  Backends hear of it one by one.
void cooldown_simulation::recall(bool on) {
  counts_.recalls += on;
  say(on ? "recalled" : "under a policy again");
  recalled_ = on;
  for (std::size_t place = 0; place < backends; ++place)
    later(message_delay(), [this, place] { backends_[place].recall = recalled_; });
}

void cooldown_simulation::crash(backend& b) {
  ++counts_.crashes;
  say("be " + std::to_string(b.place) + " crashes");
  b.up = false;
  b.process.reset();
  b.sent.clear();
  ++b.boot;
  later(10s + within(below(4) == 0 ? 1h : 2min), [this, place = b.place, boot = b.boot] {
    if (backends_[place].boot == boot && !backends_[place].up)
      start(backends_[place]);
  });
}

void cooldown_simulation::start(backend& b) {
  b.up = true;
  b.frozen_until = now_;
  if (!b.disk)
    return;
  cooldown_options options;
  options.work_interval = 100s;
  options.rest_intervals_max = 20;
  options.cleanup_interval = 30min;
  options.compaction.rowsets_min = 3;
  options.compaction.rowsets_max = 12;
  options.compaction.empty_min = 3;
  options.compaction.bytes_max = 100 * (4 + below(40));
  if (chance(odds_.rewrite)) {
    options.compaction.rowsets_min = 1;
    options.compaction.growth_percent = 100;
  }
  options.limits.rowsets_max = 3;
  if (is(cooldown_mutant::deletes_after_expiry))
    options.deletion_patience = 1000h;
  b.process.emplace(tablet, b.disk->replica, options);
}

void cooldown_simulation::heal() {
  say("all is healed");
  faulty_ = false;
  wanted_ = 3;
  cut_.clear();
  rule_.ttl = 40min;
  recall(conf_.published && below(4) == 0);
  for (auto& b : backends_) {
    b.policys = policys_;
    if (b.up)
      crash(b);
    start(b);
  }
  if (!leader_)
    elect();
}

// -- what must hold ------------------------------------------------------------------------

cooldown_simulation::versions cooldown_simulation::covered_by(const replica_disk& disk) const {
  versions covered;
  for (const auto& r : disk.remote)
    for (auto v = r.first_version; v <= r.last_version; ++v)
      covered.set(v);
  for (const auto& r : disk.hot)
    for (auto v = r.first_version; v <= r.last_version; ++v)
      covered.set(v);
  return covered;
}

bool cooldown_simulation::is_complete(const replica_disk& disk) const {
  return covered_by(disk).count() == visible_ - version_initial;
}

void cooldown_simulation::check_set(const replica_disk& disk) {
  auto last = version_initial;
  for (const auto& r : disk.remote) {
    require(r.first_version == last + 1, "remote rowsets are not continuous");
    last = r.last_version;
    if (r.object.empty())
      continue;
    const auto* found = find(committed_.contains(disk.id) ? committed_.at(disk.id).resource : stores[0], r.object);
    require(found != nullptr, "a replica names an object that is not in the store");
    for (auto v = r.first_version; v <= r.last_version; ++v)
      require(found->holds.test(v), "an object lacks a version that is to be in it");
  }
}

/// After every change of a disk.
void cooldown_simulation::check_disk(const replica_disk& disk) {
  check_set(disk);
  auto& newest = newest_id_[disk.replica];
  require(disk.id >= newest, "a replica's meta id went down");
  newest = disk.id;
  if (disk.id != remote_meta_id{}) {
    const auto published = committed_.find(disk.id);
    require(published != committed_.end(), "a replica took a set that was never published");
    require(published->second.rowsets == disk.remote, "a meta id does not determine the set");
  }
  auto& readable = readable_[disk.replica];
  const auto covered = covered_by(disk);
  require((readable & ~covered).none(), "a version that could be read cannot be read any more");
  readable |= covered;
}

/// After every change of the store and the log.
void cooldown_simulation::check_references() {
  for (const auto& row : rows_)
    if (const auto& disk = backends_[row.place].disk; disk && disk->replica == row.id)
      check_set(*disk);
  if (!conf_.published)
    return;
  const auto in = conf_.published->resource;
  require(is_recall(*conf_.published) || find(in, conf_.published->object), "the published meta is not in the store");
  for (const auto& r : committed_.at(conf_.published->id).rowsets)
    require(r.object.empty() || find(in, r.object),
            "the published meta names an object that is not in the store");
}

void cooldown_simulation::check_believers() {
  const auto believers = std::ranges::count_if(backends_, [&](const backend& b) {
    return b.up && b.process && b.frozen_until <= now_ && b.process->leads(b.its.show(now_));
  });
  require(believers <= 1, "two backends believe that they are the uploader");
}

std::string cooldown_simulation::why_not_done() const {
  if (visible_ == version_initial)
    return {};
  if (!conf_.published || (!recalled_ && conf_.published->last_version != visible_))
    return "not everything is published";
  if (recalled_ != is_recall(*conf_.published))
    return "what was recalled is still published, or the other way round";
  const auto in = conf_.published->resource;
  if (!recalled_ && in != policys_)
    return "what is published has not been taken to the policy's store";
  std::set<std::pair<resource_id, std::string>> named{{in, conf_.published->object}};
  for (const auto& r : committed_.at(conf_.published->id).rowsets)
    if (!r.object.empty())
      named.insert({in, r.object});
  for (const auto& row : rows_) {
    const auto& disk = backends_[row.place].disk;
    const auto who = "replica " + std::to_string(raw(row.id));
    if (!disk || row.bad || !is_complete(*disk))
      return who + " is not complete";
    if (disk->id != conf_.published->id || !(recalled_ ? disk->remote.empty() : disk->hot.empty()))
      return who + " has not followed";
    if (disk->asked)
      return who + " does not know what came of its request";
  }
  for (const auto& [name, what] : store_)
    if (!named.contains(name))
      return "object " + name.second + " in store " + std::to_string(raw(name.first)) + " is an orphan";
  return {};
}

}  // namespace tabletd::test
