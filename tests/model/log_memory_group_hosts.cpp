// The group's store and apply threads, and what a leader does.  See log_memory_group.h.
#include "tests/model/log_memory_group.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tabletd::test {

// -- store and apply -------------------------------------------------------------------------------

void log_group::store(sim_host& host) {
  auto& cache = host.memory->cache;
  if (host.store_paused)
    return;
  if (host.write && host.write->done <= now_) {
    cache.durable_upto(host.write->upto);
    host.write.reset();
    after_release(host);
    if (host.leads)
      advance_commit(host);
    else if (host.verified > 0)
      answer(
          host,
          {.taken = host.verified, .busy = host.memory->gate.refusing(), .room_bytes = host.memory->gate.room_bytes()});
  }
  if (!host.write && cache.durable() < cache.last_index())
    host.write = {cache.last_index(), now_ + host.store_takes};
}

void log_group::apply(sim_host& host) {
  const auto& cache = host.memory->cache;
  host.apply_credit_us += 1'000;
  bool any = false;
  while (!host.apply_paused && host.apply_credit_us >= host.apply_us && cache.applied() < cache.committed()) {
    if (!apply_one(host))
      break;
    host.apply_credit_us -= host.apply_us;
    any = true;
  }
  if (host.apply_paused || cache.applied() == cache.committed())
    host.apply_credit_us = 0;
  if (any)
    after_release(host);
}

bool log_group::read_for_apply(sim_host& host) {
  auto& cache = host.memory->cache;
  const auto missing = cache.missing_for_apply();
  for (auto i = missing->first; i <= missing->last; ++i) {
    EXPECT_LE(i, cache.durable()) << "evicted, and not on the disk";
    EXPECT_GT(i, host.trimmed);
    if (!cache.load(i, payload_of(host.log[i - 1])))
      return i > missing->first;
    ++host.apply_reads;
  }
  return true;
}

bool log_group::apply_one(sim_host& host) {
  auto& memory = *host.memory;
  const auto index = memory.cache.applied() + 1;
  if (memory.cache.find(index) == nullptr && !read_for_apply(host))
    return false;
  const auto* payload = memory.cache.find(index);
  const auto& entry = host.log[index - 1];
  EXPECT_EQ(*payload, payload_of(entry)) << "entry " << index << " of host " << host.id;
  if (truth_.size() < index)
    truth_.push_back(entry);
  EXPECT_EQ(truth_[index - 1], entry) << "I1: host " << host.id << " applied something else at " << index;
  memory.cache.applied_upto(index);
  memory.governor.applied(entry.bytes, entry.bytes * host.decoded_factor);
  if (entry.ticket == 0)
    return true;
  auto& its = fates_[entry.ticket - 1];
  EXPECT_TRUE(its.is == fate::logged || its.is == fate::acknowledged || its.is == fate::unknown)
      << "I9: it was refused";
  if (host.leads && its.is == fate::logged && its.host == host.id) {
    its.is = fate::acknowledged;
    its.since = now_;
    acknowledged_.push_back(entry.ticket);
    memory.door.applied(memory.governor.charge_of(entry.bytes), now_);
  }
  return true;
}

// -- leading -----------------------------------------------------------------------------------------

void log_group::advance_commit(sim_host& host) {
  auto& cache = host.memory->cache;
  std::array<std::uint64_t, group_size> match{};
  for (std::size_t id = 0; id < group_size; ++id)
    match[id] = id == host.id ? cache.durable() : host.memory->windows[id]->match();
  std::ranges::sort(match);
  const auto upto = match[group_size / 2];
  if (upto <= cache.committed() || host.log[upto - 1].term != host.term)
    return;
  for (auto i = cache.committed() + 1; i <= upto; ++i)
    host.memory->door.committed(host.memory->governor.charge_of(host.log[i - 1].bytes), now_);
  cache.committed_upto(upto);
  heartbeat(host);
  after_release(host);
}

void log_group::heartbeat(sim_host& host) {
  for (std::size_t to = 0; to < group_size; ++to)
    if (to != host.id)
      send(host.id, to,
           {{},
            append_packet{.term = host.term, .commit = host.memory->cache.committed(), .all_have = match_min(host)}});
}

void log_group::lead(sim_host& host) {
  if (now_.count() % heartbeat_every.count() == 0)
    heartbeat(host);
  if (const auto next = host.memory->door.next_deadline(); next && *next <= now_)
    wake(host);
  advance_commit(host);
  for (std::size_t to = 0; to < group_size; ++to)
    if (to != host.id && hosts_[to].alive && !cut_[host.id][to])
      pump(host, to);
}

void log_group::pump(sim_host& host, std::size_t to) {
  auto& window = *host.memory->windows[to];
  for (;;) {
    const auto decision = window.next(now_);
    const auto* batch = std::get_if<send_entries>(&decision);
    if (batch == nullptr)
      break;
    send_batch(host, to, *batch);
  }
  if (window.state() == send_state::snapshot)
    send_snapshot_to(host, to);
}

void log_group::send_snapshot_to(sim_host& host, std::size_t to) {
  auto& sent = host.memory->snapshot_sent;
  if (sent[to] || !host.memory->turn.take(to))
    return;
  EXPECT_EQ(std::ranges::count(sent, true), 0) << "one at a time";
  sent[to] = true;
  const auto index = host.memory->cache.snapshot();
  send(host.id, to,
       {{},
        snapshot_packet{host.term, index, {host.log.begin(), host.log.begin() + static_cast<std::ptrdiff_t>(index)}}});
}

void log_group::send_batch(sim_host& host, std::size_t to, const send_entries& what) {
  const auto& cache = host.memory->cache;
  const auto prev = what.entries.first - 1;
  append_packet packet{
      host.term, what.sequence, prev, prev == 0 ? 0 : host.log[prev - 1].term, cache.committed(), 0, {}, 0};
  for (auto i = what.entries.first; i <= what.entries.last; ++i) {
    const auto& entry = host.log[i - 1];
    if (what.from_disk) {
      EXPECT_TRUE(i <= cache.durable() && i > host.trimmed) << "not on the disk";
      ++host.send_reads;
    } else {
      EXPECT_TRUE(cache.find(i) != nullptr && *cache.find(i) == payload_of(entry));
    }
    packet.entries.push_back(entry);
    packet.bytes += entry.bytes + entry_cost_bytes;
  }
  message_max_ = std::max(message_max_, packet.bytes);
  EXPECT_TRUE(packet.bytes <= MiB || packet.entries.size() == 1);
  send(host.id, to, {{}, std::move(packet)});
}

}  // namespace tabletd::test
