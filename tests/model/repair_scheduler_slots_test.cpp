// The scheduler's slots follow what its copies show of the disks (C26).
#include "tests/model/sched_rig.h"
#include <cmath>
#include <set>

namespace tabletd::test {
namespace {

/// Backend 1 has the only good copies of some tablets, backend 2 of others; each reads from one disk.
struct SchedSlots : Sched {
  struct copy {
    tablet_id tablet;
    std::size_t source{};
    double left{};
  };
  /// MiB per second of the disk of backend n at `copies` at a time.
  static double delivers(std::size_t n, std::size_t copies) {
    return n == 1 ? 100.0 * static_cast<double>(std::min<std::size_t>(copies, 6)) : 40.0;
  }
  static constexpr std::uint64_t tablet_mib = 256;
  std::vector<copy> copies;
  std::map<std::size_t, std::uint32_t> most; ///< How many copies ran out of backend n at once.

  SchedSlots() {
    EXPECT_TRUE(world.fold(config_set{"disable_balance", "true"}).ok()); // It has slots of its own.
    world.checked = false;
  }
  /// `count` tablets whose only complete replica is on backend n.
  void backlog(std::size_t n, std::size_t count) {
    std::vector<tablet_id> ids;
    const std::string other = n == 1 ? "3!" : "4!";
    for (std::size_t i = 0; i < count; ++i)
      ids.push_back(world.make(std::to_string(n) + "+ " + other, 2, tablet_mib << 20U));
    sick(ids);
  }
  [[nodiscard]] std::uint32_t slots_of(std::size_t n) const { return scheduler->slots().total(world.path(n)); }
  [[nodiscard]] std::size_t reading(std::size_t n) const {
    return static_cast<std::size_t>(
      std::count_if(copies.begin(), copies.end(), [n](const copy& c) { return c.source == n; }));
  }
  [[nodiscard]] std::size_t waiting_for(std::size_t n) const {
    std::size_t waiting = 0;
    scheduler->queue().for_each([&](const queue_entry& e) {
      waiting += std::find(e.waits_for.begin(), e.waits_for.end(), world.path(n)) != e.waits_for.end() ? 1 : 0;
      return waiting <= 50;
    });
    return waiting;
  }
  void take_note_of_new() {
    for (const auto& [tablet, ctx] : contexts) {
      const auto* clone = std::get_if<clone_move>(&ctx.move);
      if (clone && std::none_of(copies.begin(), copies.end(), [&](const copy& c) { return c.tablet == tablet; }))
        copies.push_back({tablet, world.number(clone->source.backend), static_cast<double>(tablet_mib)});
    }
    for (std::size_t n = 1; n <= 2; ++n)
      most[n] = std::max(most[n], static_cast<std::uint32_t>(reading(n)));
  }
  void end_drops() {
    std::vector<tablet_id> drops;
    for (const auto& [tablet, ctx] : contexts)
      if (std::holds_alternative<drop_move>(ctx.move))
        drops.push_back(tablet);
    for (const auto tablet : drops)
      succeed(tablet);
  }
  void copied(tablet_id tablet) {
    const auto ctx = contexts.extract(tablet).mapped();
    decision d;
    d.move = ctx.move;
    world.carry_out(tablet, d);
    feed(ctx_report{tablet, ctx_result::finished, "", tablet_mib << 20U, 1});
  }
  /// Copies run for so long, in steps of 20 ms; a tick every second.
  void run(time_ms span) {
    for (time_ms passed{}; passed < span; passed += 20ms) {
      now += 20ms;
      world.now = wall();
      std::map<std::size_t, double> share;
      for (std::size_t n = 1; n <= 2; ++n)
        if (const auto readers = reading(n); readers > 0)
          share[n] = delivers(n, readers) / static_cast<double>(readers) * 0.02;
      for (auto& c : copies)
        c.left -= share[c.source];
      std::vector<tablet_id> done;
      std::erase_if(copies, [&](const copy& c) { return c.left <= 0 && (done.push_back(c.tablet), true); });
      for (const auto tablet : done)
        copied(tablet);
      if (!done.empty() && waiting_for(1) > 50) {
        EXPECT_EQ(scheduler->slots().available(world.path(1)), 0U) << "whoever waits is woken without a tick";
      }
      if (passed % 1s == 0ms)
        feed(sched_tick{});
      end_drops();
      take_note_of_new();
    }
  }
};

TEST_F(SchedSlots, AFastDiskGetsMoreAndASlowOneFewer) {
  backlog(1, 1'500);
  backlog(2, 200);
  run(4min);
  EXPECT_NEAR(slots_of(1), 6, 1);
  EXPECT_EQ(slots_of(2), 1U);
  EXPECT_GE(most[1], 6U) << "who waited for a slot was woken when there were more";
  const auto v = view();
  const auto row = [&](std::size_t n) {
    return *std::find_if(v.slots.begin(), v.slots.end(), [&](const slot_row& r) {
      return place{r.backend, r.path} == world.path(n);
    });
  };
  EXPECT_EQ(row(1).total, slots_of(1));
  EXPECT_EQ(row(2).total, slots_of(2));
  EXPECT_EQ(row(5).total, 2U);
  EXPECT_EQ(slot_ledger::derived(v.slots_per_path, v.claims,
                                 std::vector<slot_total>{{world.path(1), row(1).total}}).available(world.path(1)),
            scheduler->slots().available(world.path(1)));
  for (int i = 0; i < 130; ++i) {
    for (auto left = contexts; auto& [tablet, ctx] : left)
      fail(tablet, ctx_result::cancelled);
    pass(1min);
  }
  EXPECT_EQ(slots_of(1), 2U) << "two hours without a measurement";
  EXPECT_EQ(slots_of(2), 2U);
}

TEST_F(SchedSlots, OffIsExactlyTheFixedNumber) {
  ASSERT_TRUE(world.fold(config_set{"enable_adaptive_slots", "false"}).ok());
  backlog(1, 600);
  backlog(2, 100);
  run(2min);
  EXPECT_EQ(slots_of(1), 2U);
  EXPECT_EQ(slots_of(2), 2U);
  EXPECT_EQ(most[1], 2U);
  EXPECT_EQ(most[2], 2U);
}

TEST_F(SchedSlots, TheLimitCanBeLoweredAndItCanBeTurnedOffWhileItRuns) {
  backlog(1, 2'000);
  run(2min);
  ASSERT_GE(slots_of(1), 5U);
  ASSERT_TRUE(world.fold(config_set{"schedule_slot_num_per_path_max", "3"}).ok());
  run(20s);
  EXPECT_EQ(slots_of(1), 3U);
  EXPECT_EQ(reading(1), 3U);
  ASSERT_TRUE(world.fold(config_set{"enable_adaptive_slots", "false"}).ok());
  run(20s);
  EXPECT_EQ(slots_of(1), 2U);
  EXPECT_EQ(reading(1), 2U);
}

TEST_F(SchedSlots, TimeoutsLowerIt) {
  backlog(1, 1'500);
  run(2min);
  const auto before = slots_of(1);
  ASSERT_GE(before, 5U);
  run(1s);
  for (const auto& c : std::vector<copy>(copies))
    fail(c.tablet, ctx_result::timed_out);
  EXPECT_LE(slots_of(1), before / 2);
  EXPECT_GE(slots_of(1), 1U);
}

TEST_F(SchedSlots, WhatRanBeforeThisLeaderIsNotMeasured) {
  backlog(2, 40);
  pass(2min);
  take_note_of_new();
  ASSERT_EQ(copies.size(), 2U);
  std::vector<tablet_id> adopted;
  for (const auto& c : copies) {
    const auto& m = std::get<clone_move>(contexts.at(c.tablet).move);
    ASSERT_TRUE(world(clone_ordered{c.tablet, 1, 1, m.source, m.target, m.replica, m.version}).ok());
    adopted.push_back(c.tablet);
  }
  restart(prompt);
  ASSERT_EQ(contexts.size(), adopted.size());
  now += 1min;
  for (const auto tablet : adopted)
    fail(tablet, ctx_result::timed_out);
  EXPECT_EQ(slots_of(2), 2U) << "nobody knows how long they shared the disk with whom";
}

TEST_F(Sched, ATimeoutLowersTheEndWithMoreCompany) {
  for (const std::string hosts : {"ab", "abc"}) { // Two copies to one disk, or to two.
    world = repair_world{hosts};
    world.now = wall();
    restart(prompt);
    for (std::size_t n = 2; n <= hosts.size(); ++n)
      world.seen(n, 1).online = false;
    const std::vector ids{world.make("1+", 2), world.make("1+", 2)};
    sick(ids);
    pass(3min);
    ASSERT_EQ(scheduler->running(), 2U);
    const auto target = std::get<clone_move>(contexts.at(ids[0]).move).target;
    ASSERT_EQ(target == std::get<clone_move>(contexts.at(ids[1]).move).target, hosts == "ab");
    now += 1min;
    fail(ids[0], ctx_result::timed_out);
    EXPECT_EQ(scheduler->slots().total(target), hosts == "ab" ? 1U : 2U);
    EXPECT_EQ(scheduler->slots().total(world.path(1)), hosts == "ab" ? 2U : 1U);
  }
}

// Sources with free slots and no target with one: each look at it is a look at every path.
TEST_F(Sched, AnEndDoesNotAskEverybodyForATargetThatIsNotThere) {
  repair_world few{"abcdef"};
  world = few;
  world.checked = false;
  world.now = wall();
  restart(prompt);
  for (const std::size_t n : {1U, 3U, 4U, 5U, 6U})
    for (const std::size_t path : {0U, 1U})
      world.seen(n, path).available_bytes = 0;
  std::vector<tablet_id> ids;
  for (int i = 0; i < 500; ++i)
    for (const auto* source : {"1+", "3+", "4+", "5+"})
      ids.push_back(world.make(source, 2));
  sick(ids);
  pass(2min);
  ASSERT_EQ(scheduler->running(), 4U) << "two paths of backend 2, two slots each";
  for (int i = 0; i < 20; ++i) {
    const auto before = view().counters;
    succeed(contexts.begin()->first);
    EXPECT_EQ(scheduler->running(), 4U);
    const auto after = view().counters;
    EXPECT_LE(after.scheduled - before.scheduled, 2U + vain_decisions_per_end);
  }
}

/// As above, and others wait for just the disk that was freed: they are not kept from it.
TEST_F(Sched, WhoFindsNothingDoesNotKeepOthersFromASlot) {
  world = repair_world{"abcdefg"};
  world.checked = false;
  world.now = wall();
  restart(prompt);
  const std::set<std::size_t> with_room{3, 6}; // Of the fast ones, and of the slow ones.
  for (std::size_t n = 1; n <= 7; ++n) {
    world.cat.backends.edit(world.ids[n])->cluster = n == 4 || n == 5 || n == 6 ? "slow" : "fast";
    for (const std::size_t path : {0U, 1U})
      if (!with_room.contains(n))
        world.seen(n, path).available_bytes = 0;
  }
  world.seen(6, 1).online = false;
  const auto make = [&](const std::string& tablet, const char* cluster) {
    const auto id = world.make(tablet, 3);
    world.cat.tables.edit(world.at(id).table)->cluster = cluster;
    return id;
  };
  std::set<tablet_id> slow;
  while (slow.size() < 6)
    slow.insert(make("4+ 5+", "slow"));
  sick({slow.begin(), slow.end()});
  pass(3min);
  std::vector<tablet_id> urgent; // Two of three are missing; more than enough sources.
  for (int i = 0; i < 200; ++i)
    for (const auto* source : {"1+", "2+", "7+"})
      urgent.push_back(make(source, "fast"));
  sick(urgent);
  now += 2min;
  const auto running_slow = [&] {
    return std::count_if(contexts.begin(), contexts.end(), [&](const auto& each) { return slow.contains(each.first); });
  };
  ASSERT_EQ(running_slow(), 2) << "the slots of the only path";
  for (int i = 0; i < 4; ++i) {
    succeed(std::find_if(contexts.begin(), contexts.end(), [&](const auto& each) { return slow.contains(each.first); })->first);
    ASSERT_EQ(running_slow(), 2) << "after " << i;
  }
  EXPECT_EQ(scheduler->running(), 6U) << "both paths of backend 3 are busy, too";
}

} // namespace
} // namespace tabletd::test
