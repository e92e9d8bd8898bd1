// Random faults, sizes and limits: the invariants of design/journal.md section 10 that are about memory
// hold at every step, and when the faults end everything resumes by itself.
#include "tests/model/log_memory_group.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tabletd::test {
namespace {

constexpr std::uint64_t entry_max = 64 * KiB;

struct random_walk {
  explicit random_walk(std::uint64_t seed) : state(seed * 0x9E37'79B9'7F4A'7C15ULL), group(options()) {}

  std::uint64_t dice(std::uint64_t sides) {
    state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (state >> 33U) % sides;
  }

  group_options options() {
    group_options chosen;
    auto& memory = chosen.memory;
    const auto share = [this](std::uint64_t most) { return dice(8) == 0 ? 0 : most / (1 + dice(8)); };
    memory.budget_bytes = 16 * entry_max + dice(2 * MiB);
    memory.state_machine_bytes = memory.budget_bytes / 2;
    memory.uncommitted_bytes = share(memory.budget_bytes / 4);
    memory.unapplied_bytes = share(memory.budget_bytes / 4);
    memory.backlog_bytes = share(memory.budget_bytes);
    memory.cached_bytes = share(memory.budget_bytes / 4);
    memory.receiving_bytes = share(memory.budget_bytes / 4);
    memory.proposed_bytes = share(memory.budget_bytes / 4);
    memory.window_bytes = share(memory.budget_bytes / 4);
    memory.entry_bytes_max = entry_max;
    chosen.cache.prefetch_entries = 1 + dice(32);
    chosen.cache.prefetch_bytes = 1 + dice(entry_max);
    chosen.cache.snapshot_bytes = MiB;
    chosen.cache.snapshot_entries = 50 + dice(200);
    chosen.cache.trailing_entries = dice(100);
    chosen.cache.retain_bytes = dice(2 * MiB);
    chosen.lose_resume = dice(4) == 0;
    return chosen;
  }

  /// Who may lead: whose log no vote of a majority would refuse.
  std::size_t electable() {
    std::size_t best = group_size;
    const auto log_of = [this](std::size_t id) {
      const auto& log = group[id].log;
      return std::pair{log.empty() ? 0 : log.back().term, log.size()};
    };
    for (std::size_t id = 0; id < group_size; ++id)
      if (group[id].alive && (best == group_size || log_of(id) > log_of(best)))
        best = id;
    return best;
  }

  [[nodiscard]] bool all_alive() { return group[0].alive && group[1].alive && group[2].alive; }

  void disturb() {
    auto& host = group[dice(group_size)];
    switch (dice(11)) {
      case 0:
        host.store_paused = !host.store_paused;
        break;
      case 1:
        host.apply_paused = !host.apply_paused;
        break;
      case 2:
        host.frozen = !host.frozen;
        break;
      case 3:
        host.store_takes = time_ms{1 + dice(50)};
        break;
      case 4:
        host.apply_us = static_cast<std::int64_t>(10 + dice(5'000));
        break;
      case 5:
        host.decoded_factor = 1 + dice(4);
        break;
      case 6:
        group.cut(host.id, (host.id + 1) % group_size);
        break;
      case 7:
        group.heal(host.id, (host.id + 1) % group_size);
        break;
      case 8:
        if (host.alive)
          group.want_state_machine(host.id, dice(2 * MiB));
        break;
      case 9:
        if (!host.alive) {
          group.restart(host.id);
        } else if (all_alive()) {
          group.kill(host.id);
          group.elect(electable());
        }
        break;
      default:
        if (dice(4) == 0)
          group.elect(electable());
    }
  }

  void play() {
    for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) {
      if (dice(4) == 0)
        disturb();
      if (group.leader().alive)
        for (auto n = dice(20); n > 0; --n)
          group.propose(dice(30) == 0 ? dice(entry_max) : dice(2 * KiB),
                        dice(20) == 0 ? proposal_priority::unclog : proposal_priority::normal,
                        dice(10) == 0 ? std::optional{group.now() + time_ms{dice(300)}} : std::nullopt);
      group.run(time_ms{1 + dice(10)});
      if (i % 10 == 0)
        group.expect_readable();
    }
  }

  void end_faults() {
    for (std::size_t id = 0; id < group_size; ++id) {
      if (!group[id].alive)
        group.restart(id);
      auto& host = group[id];
      host.store_paused = host.apply_paused = host.frozen = false;
      host.store_takes = 1ms;
      host.apply_us = 10;
      group.want_state_machine(id, 0);
      for (std::size_t other = 0; other < id; ++other)
        group.heal(other, id);
    }
    if (!group.leader().leads)
      group.elect(electable());
  }

  std::uint64_t state;
  log_group group;
};

TEST(LogMemoryRandom, TheInvariantsHoldAndEverythingResumes) {
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_walk walk{seed};
    walk.play();
    walk.end_faults();
    auto& group = walk.group;
    ASSERT_TRUE(group.settle(60s)) << "I11: something waits for a client to write";
    group.expect_readable();
    group.expect_acknowledged_survive();
    EXPECT_EQ(group.count(fate::logged), 0U);
    const auto large = group.propose(entry_max);
    EXPECT_EQ(group.fate_of(large).is, fate::logged) << "I14";
    ASSERT_TRUE(group.settle(10s));
    EXPECT_EQ(group.fate_of(large).is, fate::acknowledged) << "I14";
    for (std::size_t id = 1; id < group_size; ++id)
      EXPECT_EQ(group[id].log, group[0].log);
    group.expect_all_free();
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

}  // namespace
}  // namespace tabletd::test
