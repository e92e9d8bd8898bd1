// See log_memory_group.h.
#include "tests/model/log_memory_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

namespace tabletd::test {

using enum memory_category;

namespace {

constexpr time_ms network_delay{1};

}  // namespace

std::string payload_of(const sim_entry& entry) {
  return std::to_string(entry.term) + ":" + std::to_string(entry.ticket);
}

memory_limits section_11() {
  return {.budget_bytes = 16 * MiB,
          .state_machine_bytes = 12 * MiB,
          .uncommitted_bytes = 4 * MiB,
          .unapplied_bytes = 6 * MiB,
          .cached_bytes = 2 * MiB,
          .receiving_bytes = MiB,
          .proposed_bytes = MiB,
          .window_bytes = MiB,
          .backlog_bytes = 6 * MiB,
          .decoded_factor = 1};
}

sim_host::in_memory::in_memory(const group_options& options, std::uint64_t window_bytes)
    : governor(options.memory), cache(governor, options.cache), gate(governor, cache), door(governor, options.door) {
  for (auto& each : windows)
    each = std::make_unique<send_window>(governor, cache,
                                         send_limits{.window_bytes = window_bytes, .heartbeat = heartbeat_every});
}

log_group::log_group(const group_options& options) : options_(options) {
  for (std::size_t id = 0; id < group_size; ++id) {
    hosts_[id].id = id;
    hosts_[id].memory = std::make_unique<sim_host::in_memory>(options_, options_.memory.window_bytes);
  }
  elect(0);
}

// -- proposals ---------------------------------------------------------------------------------

std::uint64_t log_group::propose(std::uint64_t bytes, proposal_priority priority, std::optional<time_ms> deadline) {
  auto& host = leader();
  auto& memory = *host.memory;
  fates_.push_back({.since = now_, .host = host.id});
  const auto ticket = fates_.size();
  proposed_bytes_[ticket] = bytes;
  const auto missing = memory.governor.missing_bytes(memory.governor.charge_of(bytes));
  if (missing > 0 && bytes <= options_.memory.entry_bytes_max)
    make_room(host, missing);
  settle_fate(host, memory.door.propose({ticket, bytes, priority, deadline}, memory.cache.backlog_bytes(), now_));
  return ticket;
}

void log_group::settle_fate(sim_host& host, const admission_answer& answer) {
  auto& its = fates_[answer.ticket - 1];
  EXPECT_EQ(its.is, fate::waiting) << "answered twice";
  its.since = now_;
  switch (answer.outcome) {
    case admission_outcome::admitted:
      its.is = fate::logged;
      log_entry(host, {host.term, answer.ticket, proposed_bytes_.at(answer.ticket)}, answer.charge_bytes);
      break;
    case admission_outcome::waiting:
      break;
    case admission_outcome::overloaded:
      its = {fate::overloaded, answer.why, answer.retry_after, now_, host.id};
      EXPECT_NE(answer.why, overload::none);
      EXPECT_GE(answer.retry_after, options_.door.retry_after_min);
      EXPECT_LE(answer.retry_after, options_.door.retry_after_max);
      break;
    case admission_outcome::too_large:
      its.is = fate::too_large;
      break;
  }
}

void log_group::log_entry(sim_host& host, const sim_entry& entry, std::uint64_t charge) {
  message_max_ = std::max({message_max_, charge, entry.bytes + entry_cost_bytes});
  host.memory->cache.append(payload_of(entry), entry.bytes, charge);
  host.log.push_back(entry);
}

void log_group::make_room(sim_host& host, std::uint64_t missing) {
  host.memory->cache.relieve(missing);
  if (!host.leads)
    return;
  for (std::size_t a = 0; a < group_size; ++a) {
    if (a == host.id || host.memory->governor.missing_bytes(0) == 0)
      continue;
    std::vector<std::uint64_t> others;
    for (std::size_t b = 0; b < group_size; ++b)
      if (b != a && b != host.id)
        others.push_back(host.memory->windows[b]->match());
    if (outside_quorum(host.memory->windows[a]->match(), others))
      host.memory->windows[a]->give_way(now_);
  }
}

void log_group::wake(sim_host& host) {
  if (!host.leads)
    return;
  for (const auto& each : host.memory->door.wake(host.memory->cache.backlog_bytes(), now_))
    settle_fate(host, each);
}

void log_group::want_state_machine(std::size_t id, std::uint64_t bytes) {
  governor(id).want_state_machine(bytes);
  after_release(hosts_[id]);
}

std::uint64_t log_group::match_min(const sim_host& leader) {
  auto least = leader.memory->cache.durable();
  for (std::size_t to = 0; to < group_size; ++to)
    if (to != leader.id)
      least = std::min(least, leader.memory->windows[to]->match());
  return least;
}

/// Something was committed, applied or released.
void log_group::after_release(sim_host& host) {
  auto& memory = *host.memory;
  if (const auto missing = memory.governor.missing_bytes(0); missing > 0)
    make_room(host, missing);
  if (host.leads)
    host.all_have = match_min(host);
  const auto due = memory.cache.clean(host.all_have);
  if (due.snapshot)
    memory.cache.snapshot_taken(memory.cache.applied());
  if (due.trim_upto > 0) {
    memory.cache.trimmed(due.trim_upto);
    host.trimmed = due.trim_upto;
  }
  wake(host);
  if (const auto room = memory.gate.resumed(); room && !host.leads && !options_.lose_resume)
    answer(host, {.taken = memory.cache.last_index(), .room_bytes = *room, .resume = true});
}

// -- the network ---------------------------------------------------------------------------------

void log_group::send(std::size_t from, std::size_t to, packet what) {
  if (cut_[from][to] || !hosts_[to].alive)
    return;
  what.arrives = now_ + network_delay;
  from_to(from, to).push_back(std::move(what));
  ASSERT_LT(from_to(from, to).size(), 20'000U) << "a storm of messages";
  hosts_[to].inbox_peak_bytes = std::max(hosts_[to].inbox_peak_bytes, inbox_bytes(to));
}

std::uint64_t log_group::inbox_bytes(std::size_t id) const {
  std::uint64_t bytes = 0;
  for (const auto& row : links_)
    for (const auto& each : row[id])
      if (const auto* append = std::get_if<append_packet>(&each.what))
        bytes += append->bytes;
  return bytes;
}

void log_group::receive(sim_host& host) {
  for (std::size_t from = 0; from < group_size; ++from) {
    auto& inbox = from_to(from, host.id);
    while (!inbox.empty() && inbox.front().arrives <= now_) {
      if (!handle(host, from, inbox.front()))
        break;
      if (!inbox.empty())
        inbox.pop_front();
    }
  }
}

bool log_group::handle(sim_host& host, std::size_t from, const packet& what) {
  if (const auto* append = std::get_if<append_packet>(&what.what)) {
    if (append->sequence != 0 && !host.memory->gate.receive(append->bytes))
      return false;
    on_append(host, from, *append);
    after_release(host);
  } else if (const auto* reply = std::get_if<answer_packet>(&what.what)) {
    on_answer(host, from, *reply);
  } else {
    on_snapshot(host, from, std::get<snapshot_packet>(what.what));
  }
  return true;
}

void log_group::follow(sim_host& host, model::term term, std::size_t leader) {
  if (term > host.term) {
    if (host.leads)
      step_down(host);
    host.term = term;
    host.verified = 0;
    host.newest_sequence = 0;
    host.memory->gate.reset();
  }
  host.leader = leader;
  host.heard = now_;
}

void log_group::on_append(sim_host& host, std::size_t from, const append_packet& what) {
  auto& cache = host.memory->cache;
  if (what.term < host.term) {
    if (what.sequence != 0)
      (void)host.memory->gate.accept(what.bytes, {});
    return;
  }
  follow(host, what.term, from);
  if (what.sequence == 0) {  // A heartbeat promises no more than what this follower has.
    host.all_have = what.all_have;
    cache.committed_upto(std::max(cache.committed(), std::min(what.commit, host.verified)));
    return;
  }
  host.newest_sequence = what.sequence;
  host.received_first.push_back(what.prev + 1);
  const bool fits = what.prev <= host.log.size() && (what.prev == 0 || host.log[what.prev - 1].term == what.prev_term);
  if (!fits) {
    (void)host.memory->gate.accept(what.bytes, {});
    return answer(host, {.taken = std::min<std::uint64_t>(host.log.size(), what.prev - 1), .mismatch = true});
  }
  std::size_t known = 0;
  const auto sizes = new_entries(host, what, known);
  host.append_max_bytes = std::max(host.append_max_bytes, what.bytes);
  const auto got = host.memory->gate.accept(what.bytes, sizes);
  for (std::size_t i = 0; i < got.charges_bytes.size(); ++i)
    log_entry(host, what.entries[known + i], got.charges_bytes[i]);
  host.verified = std::max(host.verified, what.prev + known + got.charges_bytes.size());
  cache.committed_upto(std::max(cache.committed(), std::min(what.commit, host.verified)));
  host.busy_answers += got.busy;
  answer(host, {.taken = host.verified, .busy = got.busy, .room_bytes = got.room_bytes});
}

/// Of a message that fits: how many the log has already; after truncation, the sizes of the others.
std::vector<std::uint64_t> log_group::new_entries(sim_host& host, const append_packet& what, std::size_t& known) {
  while (known < what.entries.size() && what.prev + known < host.log.size()
         && host.log[what.prev + known].term == what.entries[known].term)
    ++known;
  const auto first_new = what.prev + known + 1;
  if (known < what.entries.size() && first_new <= host.log.size()) {
    EXPECT_GT(first_new, host.memory->cache.committed()) << "a committed entry would be overwritten";
    host.memory->cache.truncate_from(first_new);
    host.log.resize(first_new - 1);
    host.write.reset();
  }
  std::vector<std::uint64_t> sizes;
  for (auto i = known; i < what.entries.size(); ++i)
    sizes.push_back(what.entries[i].bytes);
  return sizes;
}

void log_group::answer(sim_host& host, append_answer what, bool installed) {
  what.sequence = host.newest_sequence;
  what.match = std::min(host.verified, host.memory->cache.durable());
  send(host.id, host.leader, {{}, answer_packet{host.term, what, installed}});
}

void log_group::on_answer(sim_host& host, std::size_t from, const answer_packet& what) {
  if (!host.leads || what.term != host.term)
    return;
  auto& window = *host.memory->windows[from];
  EXPECT_LE(what.answer.match, host.log.size());
  window.answered(what.answer, now_);
  if (what.installed) {
    window.snapshot_ended();
    host.memory->turn.give_back(from);
    host.memory->snapshot_sent[from] = false;
  }
  advance_commit(host);
  pump(host, from);
}

void log_group::on_snapshot(sim_host& host, std::size_t from, const snapshot_packet& what) {
  if (what.term < host.term)
    return;
  follow(host, what.term, from);
  auto& cache = host.memory->cache;
  if (what.index > cache.applied()) {
    ++host.snapshots_installed;
    cache.installed(what.index);
    host.log = what.log;
    host.trimmed = what.index;
    host.verified = what.index;
    host.write.reset();
  }
  answer(host, {.taken = cache.last_index()}, true);
}

// -- terms, crashes, cuts ------------------------------------------------------------------------

void log_group::lose_touch(sim_host& leader, std::size_t follower) {
  leader.memory->windows[follower]->disconnected();
  leader.memory->turn.give_back(follower);
  leader.memory->snapshot_sent[follower] = false;
}

void log_group::step_down(sim_host& host) {
  host.leads = false;
  for (std::size_t to = 0; to < group_size; ++to)
    lose_touch(host, to);
  for (const auto ticket : host.memory->door.dismiss_all())
    fates_[ticket - 1].is = fate::dismissed;
  for (auto& each : fates_)
    if (each.is == fate::logged && each.host == host.id)
      each.is = fate::unknown;
}

void log_group::elect(std::size_t id) {
  auto term = hosts_[id].term;
  for (const auto& each : hosts_)
    term = std::max(term, each.term);
  auto& host = hosts_[id];
  if (host.leads)
    step_down(host);
  follow(host, term + 1, id);
  // One vote makes a majority; the old leader gives it only if nobody else is there, and so may not hear of it.
  std::size_t voter = id;
  for (std::size_t other = 0; other < group_size; ++other)
    if (other != id && hosts_[other].alive && (voter == id || !hosts_[other].leads))
      voter = other;
  follow(hosts_[voter], term + 1, id);
  leader_ = id;
  host.leads = true;
  const auto next = host.log.size() + 1;
  host.memory->governor.charge_term_entry();
  log_entry(host, {host.term, 0, 0}, entry_cost_bytes);
  host.verified = host.log.size();
  for (std::size_t to = 0; to < group_size; ++to)
    if (to != id && hosts_[to].alive && !cut_[id][to])
      host.memory->windows[to]->connected(0, next);
}

void log_group::kill(std::size_t id) {
  auto& host = hosts_[id];
  if (host.leads)
    step_down(host);
  host.alive = false;
  host.log.resize(host.memory->cache.durable());
  host.write.reset();
  host.memory.reset();
  for (std::size_t other = 0; other < group_size; ++other) {
    from_to(id, other).clear();
    from_to(other, id).clear();
    if (other != id && hosts_[other].alive && hosts_[other].leads)
      lose_touch(hosts_[other], id);
  }
}

void log_group::restart(std::size_t id) {
  auto& host = hosts_[id];
  host.alive = true;
  host.frozen = false;
  host.memory = std::make_unique<sim_host::in_memory>(options_, options_.memory.window_bytes);
  host.memory->cache.installed(host.trimmed);
  for (auto i = host.trimmed; i < host.log.size(); ++i)
    host.memory->cache.append_durable(host.log[i].bytes);
  host.verified = 0;
  host.newest_sequence = 0;
  host.all_have = 0;
  host.heard = now_;
  for (std::size_t other = 0; other < group_size; ++other)
    if (other != id)
      heal(id, other);
}

void log_group::cut(std::size_t a, std::size_t b) {
  cut_[a][b] = cut_[b][a] = true;
  for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
    from_to(from, to).clear();
    if (hosts_[from].alive && hosts_[from].leads)
      lose_touch(hosts_[from], to);
  }
}

void log_group::heal(std::size_t a, std::size_t b) {
  cut_[a][b] = cut_[b][a] = false;
  for (const auto& [from, to] : {std::pair{a, b}, std::pair{b, a}}) {
    if (!hosts_[from].alive || !hosts_[to].alive)
      continue;
    hosts_[to].heard = now_;
    hosts_[to].memory->gate.reset();
    if (auto& window = *hosts_[from].memory->windows[to]; hosts_[from].leads)
      window.connected(window.match(), window.match() > 0 ? window.match() + 1 : hosts_[from].log.size());
  }
}

// -- time ------------------------------------------------------------------------------------------

void log_group::step() {
  now_ += 1ms;
  for (auto& host : hosts_) {
    if (!host.alive || host.frozen)
      continue;
    receive(host);
    store(host);
    apply(host);
    if (host.leads)
      lead(host);
    check(host);
  }
}

void log_group::run(time_ms span) {
  for (const auto end = now_ + span; now_ < end && !testing::Test::HasFailure();)
    step();
}

bool log_group::settle(time_ms at_most) {
  const auto end = now_ + at_most;
  const auto quiet = [this] {
    return std::ranges::all_of(hosts_, [this](const sim_host& each) {
      if (!each.alive)
        return true;
      const auto& cache = each.memory->cache;
      const auto flying = std::ranges::any_of(each.memory->windows, [](const auto& w) { return w->in_flight() > 0; });
      return !flying && each.memory->door.waiting() == 0 && cache.last_index() == leader().log.size()
             && cache.applied() == cache.last_index() && cache.durable() == cache.last_index();
    });
  };
  while (!quiet() && now_ < end && !testing::Test::HasFailure())
    step();
  return quiet();
}

void log_group::check(sim_host& host) {
  const auto& memory = *host.memory;
  const auto& cache = memory.cache;
  ASSERT_TRUE(memory.governor.adds_up()) << "I8";
  ASSERT_LE(memory.governor.peak_total_bytes(), options_.memory.budget_bytes + message_max_ + entry_cost_bytes)
      << "I8, host " << host.id;
  ASSERT_LE(cache.cleaned(), std::min(cache.applied(), cache.durable())) << "I12";
  ASSERT_EQ(cache.last_index(), host.log.size());
  if (host.leads)
    return;
  ASSERT_LE(cache.committed(), std::max(cache.applied(), cache.last_index())) << "I5";
  const auto& its_leader = hosts_[leader_];
  if (its_leader.alive && !its_leader.frozen && !cut_[leader_][host.id])
    longest_silence_ = std::max(longest_silence_, now_ - host.heard);
}

void log_group::expect_readable() {
  for (const auto& host : hosts_) {
    if (!host.alive)
      continue;
    const auto& cache = host.memory->cache;
    for (auto i = cache.first_index(); i <= cache.last_index(); ++i)
      ASSERT_TRUE(cache.in_memory(i) || (i <= cache.durable() && i > host.trimmed))
          << "I12: entry " << i << " of host " << host.id << " is nowhere";
  }
}

void log_group::expect_acknowledged_survive() {
  std::set<std::uint64_t> logged;
  for (const auto& entry : leader().log)
    logged.insert(entry.ticket);
  for (const auto ticket : acknowledged_)
    ASSERT_TRUE(logged.contains(ticket)) << "I2: ticket " << ticket << " is lost";
}

void log_group::expect_all_free() {
  for (auto& host : hosts_) {
    if (!host.alive)
      continue;
    host.memory->cache.relieve(std::numeric_limits<std::uint64_t>::max());
    for (const auto category : {uncommitted, unapplied, cached, sending, receiving, proposed, state_machine})
      EXPECT_EQ(host.memory->governor.bytes(category), 0U) << name(category) << " of host " << host.id;
    EXPECT_EQ(host.memory->cache.backlog_bytes(), 0U);
  }
}

std::size_t log_group::count(fate is) const {
  return static_cast<std::size_t>(std::ranges::count(fates_, is, &proposal_fate::is));
}

std::size_t log_group::count(fate is, overload why) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(fates_, [&](const proposal_fate& each) { return each.is == is && each.why == why; }));
}

}  // namespace tabletd::test
