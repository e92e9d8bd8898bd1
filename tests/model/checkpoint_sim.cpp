// The world: time, consensus, trouble, and what must hold.  The hosts: checkpoint_sim_hosts.cpp.
#include "tests/model/checkpoint_sim.h"

#include <algorithm>

namespace tabletd::test {

using namespace std::chrono_literals;

checkpoint_sim::checkpoint_sim(std::uint64_t seed, std::size_t members) : dice_(seed), nodes_(members) {
  options_.entries_max = 1'000;
  options_.aged_entries_min = 20;
  options_.age_max = 4min;
  options_.settle = 5s;
  options_.round_interval = 20s;
  options_.poll_interval = 5s;
  options_.start_patience = 15s;
  options_.progress_patience = 60s;
  options_.retain_time_max = 3min;
  options_.only_on_leader = below(10) == 0;
  feels_pressure_ = below(4) == 0;
  for (std::size_t i = 0; i < members; ++i) {
    nodes_[i].id = i + 1;
    start(nodes_[i]);
  }
  elect();
}

checkpoint_sim::outcome checkpoint_sim::run(time_ms faulty, time_ms calm) {
  const auto until = [&](time_ms end) {
    while (!queue_.empty() && queue_.top().at <= end) {
      const auto next = queue_.top();
      queue_.pop();
      now_ = next.at;
      next.act();
    }
    now_ = end;
  };
  later(0s, [this] { second(); });
  until(now_ + faulty);
  faults_ = false;
  if (below(4) == 0) {
    lose_minority();
    const auto trigger = committed_;
    until(now_ + calm);
    check_progress(trigger);
  }
  heal();
  const auto trigger = committed_;
  until(now_ + calm);
  check_end(trigger);
  return outcome_;
}

void checkpoint_sim::second() {
  if (faults_)
    make_trouble();
  if (leader_ == 0 || !at(leader_).up)
    elect();
  write();
  for (auto& n : nodes_)
    if (n.up)
      host(n);
  later(1s, [this] { second(); });
}

// -- consensus ---------------------------------------------------------------------------

void checkpoint_sim::send(node_id from, node_id to, std::function<void(node&)> deliver) {
  if (!linked(from, to) || (from != to && chance(20)))
    return;
  const int copies = from != to && chance(20) ? 2 : 1;
  for (int i = 0; i < copies; ++i) {
    const auto delay = from == to ? 0ms : chance(15) ? within(40s) : 1ms + within(300ms);
    later(delay, [this, to, deliver] {
      if (at(to).up)
        deliver(at(to));
    });
  }
}

bool checkpoint_sim::has_quorum(const node& n, term epoch) {
  std::size_t votes = 0;
  for (const auto& m : nodes_)
    votes += m.up && linked(n.id, m.id) && m.known <= epoch;
  return n.known <= epoch && votes >= majority();
}

/// The newest entries are on a majority before they count.
void checkpoint_sim::write() {
  if (leader_ == 0)
    return;
  auto& leader = at(leader_);
  replicate(leader);
  if (!has_quorum(leader, term_))
    return;
  const auto upto = committed_ + below(40);
  std::size_t copies = 0;
  for (auto& m : nodes_)
    if (m.up && linked(m.id, leader_) && m.applied == committed_ && copies < majority() + below(3)) {
      m.applied = upto;
      ++copies;
    }
  if (copies < majority()) { // Not committed: nobody applies it.
    for (auto& m : nodes_)
      m.applied = std::min(m.applied, committed_);
    return;
  }
  committed_ = upto;
  if (leader.applied < committed_)
    leader.applied = committed_;
}

void checkpoint_sim::replicate(node& leader) {
  for (auto& m : nodes_) {
    if (!m.up || !linked(m.id, leader.id))
      continue;
    learn(m, term_);
    if (m.applied >= leader.deleted && m.applied < leader.applied && below(4) != 0)
      m.applied = std::min(leader.applied, m.applied + 1 + below(200));
    feed_worker(m, worker_logged{std::min(leader.applied, m.applied + below(3))}); // Not known there to be committed.
    feed_worker(m, worker_applied{m.applied});
  }
}

void checkpoint_sim::elect() {
  std::vector<node*> up;
  for (auto& n : nodes_)
    if (n.up && (!faults_ || cut_.empty() || below(3) != 0))
      up.push_back(&n);
  std::ranges::shuffle(up, dice_);
  const auto best = std::ranges::find(up, committed_, &node::applied);
  if (up.size() < majority() || best == up.end() || (*best)->disk_full)
    return;
  node& winner = **best;
  ++outcome_.elections;
  ++term_;
  note(winner.id, "leads epoch " + std::to_string(term_) + ", committed " + std::to_string(committed_));
  leader_ = winner.id;
  leaders_[term_] = winner.id;
  learn(winner, term_);
  std::size_t voters = 1;
  for (auto* n : up) // No more than need be: the old leader may go on believing in itself.
    if (n != &winner && voters < majority()) {
      learn(*n, term_);
      ++voters;
    }
  std::vector<node_id> ids;
  for (const auto& n : nodes_)
    ids.push_back(n.id);
  winner.controller.emplace(options_, term_, winner.id, ids, checkpoint_marks{excused_, uses_newest_}, now_);
  winner.heard.clear();
  winner.ordered.reset();
  winner.fetch = 0;
}

void checkpoint_sim::learn(node& n, term epoch) {
  if (epoch <= n.known)
    return;
  n.known = epoch;
  feed_worker(n, worker_term_seen{epoch});
  if (n.controller && leaders_[epoch] != n.id) {
    feed(n, epoch_ended{});
    n.controller.reset();
    n.fetch = 0;
  }
}

// -- trouble -----------------------------------------------------------------------------

void checkpoint_sim::make_trouble() {
  for (auto& n : nodes_) {
    if (n.up ? chance(3) : chance(below(4) == 0 ? 2 : 12))
      n.up ? crash(n) : start(n);
    if (chance(n.disk_full ? 50 : 2))
      n.disk_full = !n.disk_full;
  }
  if (chance(6))
    elect();
  if (chance(10)) {
    const auto a = 1 + below(nodes_.size()), b = 1 + below(nodes_.size());
    if (a != b)
      cut_.insert({std::min(a, b), std::max(a, b)});
  }
  if (chance(30))
    cut_.clear();
}

void checkpoint_sim::crash(node& n) {
  n.up = false;
  n.controller.reset();
  n.fetch = 0;
  if (n.id == leader_)
    leader_ = 0;
  // One file is lost at a time: what two images are for, and what is given up under pressure.
  n.damaged = !feels_pressure_ && n.disk.size() == images_kept && chance(400);
  note(n.id, n.damaged ? "crashes, its newest image is damaged" : "crashes");
}

void checkpoint_sim::start(node& n) {
  if (n.boot != 0)
    ++outcome_.restarts;
  n.up = true;
  n.boot = dice_() | 1;
  if (n.damaged) {
    ++outcome_.damaged;
    n.disk.erase(n.disk.begin());
    n.damaged = false;
  }
  const auto base = newest_id(n.disk);
  note(n.id, "starts from image " + std::to_string(base));
  require(base >= n.deleted && base >= n.hole,
          "fe " + std::to_string(n.id) + " cannot start: image " + std::to_string(base) + ", journal from "
            + std::to_string(std::max(n.deleted, n.hole) + 1));
  n.worker = {.epoch = n.known, .applied = n.applied, .images = n.disk, .running = {}, .last = {}, .greatest = {}};
}

/// Everybody else is well: the journal must not grow without bound.
void checkpoint_sim::lose_minority() {
  heal();
  std::vector<node*> all;
  for (auto& n : nodes_)
    all.push_back(&n);
  std::ranges::shuffle(all, dice_);
  all.resize(nodes_.size() - majority());
  for (auto* n : all)
    crash(*n);
  outcome_.minorities += all.size() >= 2;
}

void checkpoint_sim::heal() {
  cut_.clear();
  for (auto& n : nodes_) {
    n.disk_full = false;
    if (!n.up)
      start(n);
  }
}

// -- what must hold ----------------------------------------------------------------------

/// An order that goes no further than an earlier one was checked then; who was excused then has its own
/// journal, and judges the order by it.
void checkpoint_sim::check_deletion(const node& by, const delete_journal& e) {
  const auto upto = e.upto;
  if (upto <= deleted_upto_)
    return;
  for (const auto& m : nodes_) {
    if (excused_.contains(m.id))
      continue;
    const auto who = "fe " + std::to_string(by.id) + " deletes up to " + std::to_string(upto) + " but fe "
                     + std::to_string(m.id) + " ";
    require(m.applied >= upto, who + "has applied " + std::to_string(m.applied));
    require(!m.disk.empty(), who + "has no image");
    // A damaged newest one will be gone at the next start; a single one is what is left after that.
    const auto base = e.pressed ? m.disk.front().id : m.disk.back().id;
    require(base >= upto, who + "would start from image " + std::to_string(base));
  }
  deleted_upto_ = upto;
}

void checkpoint_sim::note_deletion(const node& n, const delete_journal& e) {
  if (!tell_)
    return;
  note(n.id, "tells fe " + std::to_string(e.member) + " to delete up to " + std::to_string(e.upto));
  for (const auto& m : nodes_)
    note(m.id, "  has images " + std::to_string(newest_id(m.disk)) + ", " + std::to_string(older_id(m.disk))
                 + ", applied " + std::to_string(m.applied) + ", journal from " + std::to_string(m.deleted + 1)
                 + (excused_.contains(m.id) ? ", excused" : "") + (m.up ? "" : ", down"));
}

void checkpoint_sim::check_progress(std::uint64_t trigger) {
  require(leader_ != 0 && at(leader_).controller.has_value(), "nobody leads in calm weather");
  for (const auto& n : nodes_) {
    if (!n.up)
      continue;
    const auto who = "fe " + std::to_string(n.id) + " ";
    require(newest_id(n.disk) >= trigger, who + "has image " + std::to_string(newest_id(n.disk)) + ", "
                                            + std::to_string(trigger) + " was due");
    require(contents_.at(n.disk.front().crc32c) == n.disk.front().id, who + "has an image of something else");
    require(n.deleted >= trigger, who + "still has a journal that begins with " + std::to_string(n.deleted + 1));
  }
}

void checkpoint_sim::check_end(std::uint64_t trigger) {
  check_progress(trigger);
  require(excused_.empty(), "a member is still excused");
}

} // namespace tabletd::test
