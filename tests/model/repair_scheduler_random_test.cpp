// Random events in any order: accounts agree at every step, and everything gets well.
#include "tests/model/sched_rig.h"

namespace tabletd::test {
namespace {

// Random clusters, random events, contexts that succeed, fail, time out and crash.  After each
// event the scheduler's accounts agree with each other and with the contexts that run; when
// the dice stop, everything that can get well does.
TEST(SchedRandom, AccountsAgreeAndEverythingGetsWell) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::uint64_t state = seed * 7'919;
    const auto dice = [&state](std::uint64_t sides) {
      state = state * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
      return (state >> 33U) % sides;
    };
    struct play : Sched {
      void TestBody() override {}
    } s;
    s.world.checked = false;
    s.restart({.repair_delay_factor = 1s, .slots_per_path = static_cast<std::uint32_t>(1 + dice(2)), .fit = {}, .colocate = {}});
    std::vector<tablet_id> ids;
    for (int i = 0; i < 12; ++i) {
      std::string notation;
      for (std::size_t n = 1; n <= 6; ++n)
        if (dice(2) == 0)
          notation += std::to_string(n) + "++-!<"[dice(5)] + " ";
      ids.push_back(s.world.make(notation.empty() ? "1+" : notation, 1 + static_cast<std::uint32_t>(dice(3))));
    }
    const auto end_one = [&](bool well) {
      if (s.contexts.empty())
        return;
      auto at = s.contexts.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(dice(s.contexts.size())));
      const auto id = at->first;
      if (well || dice(3) == 0)
        s.succeed(id);
      else
        s.fail(id, static_cast<ctx_result>(1 + dice(4)));
    };
    const auto touch = [&](std::size_t n, bool alive) {
      auto& b = *s.world.cat.backends.edit(s.world.ids[n]);
      b.alive = alive;
      b.changed = s.wall();
      s.sick(ids);
    };
    for (int i = 0; i < 300; ++i) {
      switch (dice(5)) {
        case 0: s.pass(time_ms{dice(5'000)}); break;
        case 1: s.sick({ids[dice(ids.size())]}); break;
        // A context works on the catalog it was decided on; the fold's own test covers the rest.
        case 2:
          if (s.contexts.empty())
            touch(1 + dice(6), dice(3) != 0);
          break;
        default: end_one(false);
      }
      ASSERT_EQ(s.scheduler->running(), s.contexts.size());
    }
    while (!s.contexts.empty())
      end_one(true);
    for (std::size_t n = 1; n <= 6; ++n)
      touch(n, true);
    for (int i = 0; i < 400; ++i) {
      s.pass(5min); // The longest back-off.
      while (!s.contexts.empty())
        end_one(true);
    }
    for (const auto id : ids) {
      const auto health = diagnose(s.world.cat, s.world.at(id)).health;
      EXPECT_TRUE(health == tablet_health::healthy || health == tablet_health::unrecoverable) << name(health);
    }
    EXPECT_EQ(s.view().pending_total, 0U);
    ASSERT_FALSE(testing::Test::HasFailure());
  }
}

} // namespace
} // namespace tabletd::test
