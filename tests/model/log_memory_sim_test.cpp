// The twelve scenarios of design/journal.md section 11, with its figures.
#include "tests/model/log_memory_group.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tabletd::test {
namespace {

using enum memory_category;

constexpr std::uint64_t charge = 4 * KiB + entry_cost_bytes;

/// As fast as ten a millisecond: far more than is applied, and not so fast that nothing commits meanwhile.
void burst(log_group& group, std::size_t proposals) {
  for (std::size_t i = 0; i < proposals; ++i) {
    group.propose();
    if (i % 10 == 9)
      group.step();
  }
}

void pause_apply(log_group& group, bool paused) {
  for (std::size_t id = 0; id < group_size; ++id)
    group[id].apply_paused = paused;
}

TEST(LogMemory, S1_WhatCannotBeAppliedIsRefusedAtOnceAndResumesInOrder) {
  log_group group;
  group.run(10ms);
  pause_apply(group, true);
  burst(group, 4'000);
  EXPECT_EQ(group.count(fate::logged), 1'500U) << "U + C <= 6 MiB, of 4,192 bytes each";
  EXPECT_EQ(group.count(fate::waiting), 250U) << "Q <= 1 MiB";
  EXPECT_EQ(group.count(fate::overloaded, overload::unapplied), 2'250U);
  EXPECT_LE(group.governor(0).peak_total_bytes(), 16 * MiB);
  pause_apply(group, false);
  ASSERT_TRUE(group.settle(2s));
  EXPECT_EQ(group.acknowledged().size(), 1'750U);
  EXPECT_TRUE(std::ranges::is_sorted(group.acknowledged())) << "first in, first out";
  group.expect_all_free();
}

TEST(LogMemory, S2_WithoutAQuorumsDisksWritersWaitAndAreSentAway) {
  log_group group;
  group.run(10ms);
  group[1].store_paused = group[2].store_paused = true;
  const auto committed = group.leader().memory->cache.committed();
  burst(group, 2'000);
  EXPECT_EQ(group.count(fate::logged), 1'000U) << "U <= 4 MiB";
  EXPECT_EQ(group.count(fate::waiting), 250U);
  EXPECT_EQ(group.count(fate::overloaded, overload::uncommitted), 750U);
  group.run(2'000ms - 200ms);
  EXPECT_EQ(group.count(fate::waiting), 250U) << "before two seconds nobody has waited long enough";
  group.run(200ms);
  EXPECT_EQ(group.count(fate::waiting), 0U);
  EXPECT_EQ(group.count(fate::overloaded, overload::uncommitted), 1'000U);
  group.run(5s);
  EXPECT_EQ(group.leader().memory->cache.committed(), committed);
  EXPECT_LE(group.longest_silence(), heartbeat_every + 2ms) << "no follower may call an election";
  group[1].store_paused = group[2].store_paused = false;
  ASSERT_TRUE(group.settle(5s));
  EXPECT_EQ(group.acknowledged().size(), 1'000U) << "who was refused is never applied (I9)";
  group.expect_all_free();
}

/// Each client proposes again as soon as it has its answer; a refused one after the time it was told.
struct closed_loop {
  log_group& group;
  std::size_t clients;
  std::vector<std::uint64_t> open{};

  void run(time_ms span) {
    open.resize(clients);
    for (const auto end = group.now() + span; group.now() < end && !testing::Test::HasFailure(); group.step())
      for (auto& ticket : open)
        if (ticket == 0 || may_go_on(group.fate_of(ticket)))
          ticket = group.propose();
  }
  [[nodiscard]] bool may_go_on(const proposal_fate& last) const {
    return last.is == fate::acknowledged
           || (last.is == fate::overloaded && group.now() >= last.since + last.retry_after);
  }
};

void slow_down(sim_host& host) {
  host.store_takes = 31ms;
  host.apply_us = 2'000;
}

TEST(LogMemory, S3_OneSlowFollowerCostsNeitherThroughputNorMemory) {
  log_group even, lame;
  closed_loop{even, 64}.run(6s);
  slow_down(lame[2]);
  closed_loop{lame, 64}.run(6s);
  const auto acknowledged = lame.acknowledged().size();
  EXPECT_GE(acknowledged, even.acknowledged().size() * 8 / 10);
  EXPECT_LT(lame.governor(0).peak_total_bytes(), 4 * MiB);
  EXPECT_LT(lame.governor(2).peak_total_bytes(), 10 * MiB);
  EXPECT_GT(lame[2].busy_answers, 0U);
  lame[2].store_takes = 1ms;
  lame[2].apply_us = 10;
  ASSERT_TRUE(lame.settle(30s));
  EXPECT_GT(lame[0].send_reads, 0U) << "it catches up from the leader's disk";
  lame.expect_all_free();
}

TEST(LogMemory, S4_AFrozenFollowerCostsAWindow) {
  log_group group;
  closed_loop load{group, 64};
  load.run(1s);
  group.governor(0).forget_peaks();
  group[2].frozen = true;
  group[2].inbox_peak_bytes = 0;
  load.run(3s);
  EXPECT_LE(group.leader().memory->windows[2]->in_flight_bytes(), section_11().window_bytes);
  EXPECT_GT(group.inbox_bytes(2), 0U);
  EXPECT_LE(group[2].inbox_peak_bytes, section_11().window_bytes);
  EXPECT_LT(group.governor(0).peak_total_bytes(), 4 * MiB);
  group[2].frozen = false;
  ASSERT_TRUE(group.settle(30s));
  EXPECT_GT(group[0].send_reads, 0U);
  EXPECT_EQ(group[2].snapshots_installed, 0U) << "the leader's log still has it all";
  group.expect_all_free();
}

/// Of a follower that refused and drains while nobody proposes anything: how long it takes.
time_ms until_it_caught_up(bool lose_resume) {
  group_options options;
  options.lose_resume = lose_resume;
  log_group group{options};
  group.run(10ms);
  group[2].apply_paused = true;
  for (int i = 0; i < 4; ++i) {  // Four times 4 MiB: more than it may hold.
    burst(group, 1'000);
    group.run(200ms);
  }
  EXPECT_TRUE(group[2].memory->gate.refusing());
  EXPECT_EQ(group.leader().memory->windows[2]->state(), send_state::throttled);
  EXPECT_LT(group[2].log.size(), group[0].log.size());
  group[2].apply_paused = false;
  const auto from = group.now();
  EXPECT_TRUE(group.settle(20s));
  group.expect_all_free();
  return group.now() - from;
}

TEST(LogMemory, S5_AFollowerThatHasRoomAgainGetsTheRestUnasked) {
  const auto told = until_it_caught_up(false);
  const auto found_out = until_it_caught_up(true);
  EXPECT_LT(told, found_out) << "it waits for no probe";
  EXPECT_LT(found_out, 10s) << "a probe after two heartbeats finds out";
}

TEST(LogMemory, S6_TwoFollowersThatRefusePushBackToTheClients) {
  log_group group;
  group.run(10ms);
  group[1].apply_paused = group[2].apply_paused = true;
  closed_loop{group, 2'000}.run(60s);
  EXPECT_TRUE(group[1].memory->gate.refusing() && group[2].memory->gate.refusing());
  EXPECT_GT(group.governor(0).bytes(uncommitted), 4 * MiB - charge);
  EXPECT_GT(group.count(fate::overloaded, overload::uncommitted), 0U);
  EXPECT_EQ(group.leader().term, 2U) << "appointed once";
  EXPECT_LE(group.longest_silence(), heartbeat_every + 2ms);
  group[1].apply_paused = group[2].apply_paused = false;
  ASSERT_TRUE(group.settle(30s));
  group.expect_all_free();
}

TEST(LogMemory, S7_AStaleTailGivesWayToNoMoreThanThereIsRoomFor) {
  log_group group;
  group.run(10ms);
  // Leader 0 and its follower 2 lose the others; 100 entries reach only their two logs, none durable at 2.
  group.cut(0, 1);
  group[2].store_paused = true;
  burst(group, 100);
  group.run(10ms);
  ASSERT_EQ(group[2].log.size(), 101U);
  const auto committed = group[2].memory->cache.committed();
  group.kill(0);
  group.elect(1);
  group[2].apply_paused = true;
  group[2].store_paused = false;
  group.restart(0);
  burst(group, 1'000);
  for (int i = 0; i < 3; ++i) {
    group.run(200ms);
    burst(group, 1'000);
  }
  EXPECT_TRUE(group[2].memory->gate.refusing());
  EXPECT_LE(group[2].memory->cache.committed(), group[2].verified);
  EXPECT_GT(group[2].memory->cache.committed(), committed);
  EXPECT_LE(group.governor(2).bytes(uncommitted) + group[2].memory->cache.unapplied_bytes(), 6 * MiB);
  for (std::size_t i = 0; i < group[2].log.size(); ++i)
    ASSERT_EQ(group[2].log[i], group[1].log[i]) << "entry " << i + 1 << " is stale";
  group[2].apply_paused = false;
  ASSERT_TRUE(group.settle(30s));
  EXPECT_EQ(group[2].log, group[1].log);
  group.expect_all_free();
}

TEST(LogMemory, S8_OneLargeEntryAlwaysFitsAnIdleGroup) {
  log_group group;
  group.run(10ms);
  const auto large = group.propose(7 * MiB);
  EXPECT_EQ(group.fate_of(large).is, fate::logged) << "although it is more than U_max";
  ASSERT_TRUE(group.settle(2s));
  EXPECT_EQ(group.fate_of(large).is, fate::acknowledged);
  group.expect_all_free();
  const auto logged = group.leader().log.size();
  EXPECT_EQ(group.fate_of(group.propose(9 * MiB)).is, fate::too_large);
  group.run(1s);
  EXPECT_EQ(group.leader().log.size(), logged);
}

TEST(LogMemory, S9_WhatIsAppliedButNotDurableWaitsForTheDisk) {
  group_options options;
  options.memory.window_bytes = 4 * MiB;
  log_group group{options};
  group.run(10ms);
  group[2].store_takes = 200ms;
  closed_loop load{group, 64};
  load.run(3s);
  EXPECT_GT(group.governor(2).peak_bytes(cached), 2 * MiB) << "else this tests nothing";
  EXPECT_GT(group[2].memory->cache.applied(), group[2].memory->cache.durable());
  ASSERT_TRUE(group.settle(20s));
  EXPECT_LE(group.governor(2).bytes(cached), 2 * MiB);
  EXPECT_FALSE(group[2].memory->gate.refusing());
  group.expect_all_free();
}

/// M1: 8,000 proposals a second for six seconds, and apply takes 0.4 ms for each.
log_group& overload_all(log_group& group) {
  for (std::size_t id = 0; id < group_size; ++id)
    group[id].apply_us = 400;
  for (int ms = 0; ms < 6'000; ++ms) {
    for (int i = 0; i < 8; ++i)
      group.propose();
    group.step();
  }
  return group;
}

TEST(LogMemory, S10_TheCleanerIsOnAndKeepsTheCacheSmall) {
  EXPECT_TRUE(cache_limits{}.cleans);
  log_group cleaned;
  overload_all(cleaned);
  group_options off;
  off.cache.cleans = false;
  log_group uncleaned{off};
  overload_all(uncleaned);
  EXPECT_LE(cleaned.governor(0).peak_bytes(cached), 2 * MiB + 256 * charge);
  EXPECT_LT(cleaned.governor(0).peak_total_bytes(), 14 * MiB);
  // The door evicts before it refuses, so without the cleaner everything only runs at the brim.
  EXPECT_GT(uncleaned.governor(0).peak_bytes(cached), 4 * MiB);
  EXPECT_GT(uncleaned.governor(0).peak_total_bytes(), 15 * MiB);
  EXPECT_LE(uncleaned.governor(0).peak_total_bytes(), 16 * MiB + charge);
  EXPECT_GE(cleaned.acknowledged().size(), uncleaned.acknowledged().size());
  for (auto* group : {&cleaned, &uncleaned}) {
    EXPECT_TRUE(group->settle(10s));
    group->expect_all_free();
  }
}

TEST(LogMemory, S11_TheStateMachineIsServedBeforeTheLog) {
  log_group group;
  overload_all(group);
  auto& governor = group.governor(0);
  ASSERT_GT(governor.total_bytes(), 8 * MiB) << "more than the 6 MiB it is about to be left";
  group.want_state_machine(0, 10 * MiB);
  EXPECT_EQ(governor.bytes(state_machine), 10 * MiB) << "what can be read again has left at once";
  EXPECT_EQ(governor.bytes(cached), 0U);
  const auto edges = governor.refusals();
  const auto hold = [&](int span_ms) {
    for (int ms = 0; ms < span_ms; ++ms) {
      for (int i = 0; i < 8; ++i)
        group.propose();
      group.step();
      ASSERT_LE(governor.total_bytes() - governor.bytes(state_machine), 6 * MiB);
    }
  };
  hold(1'000);
  EXPECT_GT(group.count(fate::overloaded, overload::memory), 0U);
  EXPECT_LE(governor.refusals() - edges, 3U) << "it does not swing to and fro";
  const auto held_up
      = [&] { return governor.pressure() == memory_pressure::refuse && group.leader().memory->door.waiting() > 0; };
  for (int ms = 0; ms < 2'000 && !held_up(); ++ms)
    hold(1);
  ASSERT_TRUE(held_up());
  const auto logged = group.leader().log.size();
  group.want_state_machine(0, 0);
  group.step();
  EXPECT_GT(group.leader().log.size(), logged) << "admission goes on within a tick";
  ASSERT_TRUE(group.settle(20s));
  group.expect_all_free();
}

/// Follower 2 misses 64 MiB of log, and its state machine decodes into four times as much.
void fall_behind(log_group& group) {
  group.run(10ms);
  for (std::size_t id = 0; id < group_size; ++id)
    group[id].decoded_factor = 4;
  group.cut(0, 2);
  group.cut(1, 2);
  closed_loop load{group, 64};
  while (group.leader().log.size() < 64 * MiB / (4 * KiB) && !testing::Test::HasFailure())
    load.run(100ms);
  group[2].apply_us = 200;
  group.heal(0, 2);
  group.heal(1, 2);
}

TEST(LogMemory, S12_CatchingUpGoesOnUnderTheNextLeader) {
  log_group group;
  fall_behind(group);
  group.run(500ms);
  const auto match = group[2].memory->cache.durable();
  ASSERT_GT(match, 1'000U);
  ASSERT_LT(match, group.leader().log.size() / 2) << "the leader dies in the middle";
  EXPECT_GT(group.governor(2).decoded_factor(), 3.9);
  group.kill(0);
  group[2].received_first.clear();
  group.elect(1);
  group.run(20ms);
  const auto& firsts = group[2].received_first;
  ASSERT_GE(firsts.size(), 2U);
  EXPECT_GE(firsts[1], match + 1) << "after one probe it goes on where the follower's log ends";
  EXPECT_LE(firsts[1], group[2].log.size() + 1);
  ASSERT_TRUE(group.settle(60s));
  group.restart(0);
  ASSERT_TRUE(group.settle(60s));
  group.expect_acknowledged_survive();
  EXPECT_EQ(group[2].snapshots_installed, 0U) << "the next leader has kept what the follower lacks, too";
  EXPECT_LE(group.governor(2).peak_total_bytes(), 16 * MiB);
  EXPECT_GT(group[2].busy_answers, 0U);
  EXPECT_EQ(group[2].memory->cache.applied(), group[1].log.size());
  group.expect_all_free();
}

TEST(LogMemory, S12_WhoIsBehindTheLogGetsOneSnapshot) {
  group_options options;
  options.cache.snapshot_bytes = 8 * MiB;
  options.cache.retain_bytes = 16 * MiB;
  log_group group{options};
  fall_behind(group);
  ASSERT_GT(group.leader().trimmed, 1U);
  ASSERT_TRUE(group.settle(60s));
  EXPECT_EQ(group[2].memory->cache.applied(), group[0].log.size());
  EXPECT_EQ(group[2].snapshots_installed, 1U);
  EXPECT_LE(group.governor(2).peak_total_bytes(), 16 * MiB);
  group.expect_all_free();
}

}  // namespace
}  // namespace tabletd::test
