// Who is declared dead, who is taken back, and how little the log hears of it.
#include "actors/model/liveness.h"
#include "tests/model/catalog_world.h"

namespace tabletd::test {
namespace {

struct LivenessTest : ::testing::Test {
  catalog_world w;
  liveness l{
      .options = {.interval = 1s, .missed_max = 5, .steady_beats = 3}, .hearts = {}, .ticked = {}};
  time_ms now = 1'000s;
  int died = 0, returned = 0;

  /// What the proposals would do: become true and end.
  void carry_out(const liveness_effects& effects) {
    for (const auto& effect : effects)
      std::visit(overloaded{
                     [&](const propose_died& e) {
                       ++died;
                       w(backend_died{e.backend});
                       carry_out(step(l, w.cat, proposal_ended{e.backend}, now));
                     },
                     [&](const propose_returned& e) {
                       ++returned;
                       w(backend_returned{e.backend, e.paths});
                       carry_out(step(l, w.cat, proposal_ended{e.backend}, now));
                     },
                 },
                 effect);
  }
  void beat(backend_id b, std::uint64_t n = 1) {
    carry_out(step(l, w.cat, heart_beat{b, catalog_world::returned(b, n).paths}, now));
  }
  void tick() { carry_out(step(l, w.cat, liveness_ticked{}, now)); }
  void pass(time_ms span) {
    for (; span > 0s; span -= 1s) {
      now += 1s;
      tick();
    }
  }
  bool alive(backend_id b) const { return w.cat.backends.find(b)->alive; }
};

TEST_F(LivenessTest, ANeverLinkedBackendIsNotAliveAndNotDeclaredDead) {
  const backend_id b{w(backend_added{"h1", 9000}).id};
  pass(60s);
  EXPECT_FALSE(alive(b));
  EXPECT_EQ(died + returned, 0);
}

TEST_F(LivenessTest, ANewBackendIsTakenWithItsFirstBeat) {
  const backend_id b{w(backend_added{"h1", 9000}).id};
  tick();
  beat(b);
  EXPECT_TRUE(alive(b));
  EXPECT_EQ(w.cat.backends.find(b)->paths.size(), 2u);
}

TEST_F(LivenessTest, DeadAfterMoreThanMissedMaxIntervals) {
  const auto b = w.live_backend(1);
  tick();
  beat(b);
  pass(5s);
  EXPECT_TRUE(alive(b));
  pass(1s);
  EXPECT_FALSE(alive(b));
  pass(60s);
  EXPECT_EQ(died, 1) << "said once";
}

TEST_F(LivenessTest, ANewLeaderWaitsAsLongBeforeItJudges) {
  const auto b = w.live_backend(1); // Alive by the log; this leader has heard nothing yet.
  tick();
  pass(5s);
  EXPECT_TRUE(alive(b));
  pass(1s);
  EXPECT_FALSE(alive(b));
}

TEST_F(LivenessTest, OneLateBeatDoesNotBringTheDeadBack) {
  const auto b = w.live_backend(1);
  tick();
  beat(b);
  pass(6s);
  ASSERT_FALSE(alive(b));
  beat(b);
  EXPECT_FALSE(alive(b));
  pass(3s); // Silence again.
  beat(b);
  pass(1s);
  beat(b);
  EXPECT_FALSE(alive(b)) << "the row began anew";
  pass(1s);
  beat(b);
  EXPECT_TRUE(alive(b));
}

TEST_F(LivenessTest, AFlappingBackendStaysDeadInTheLog) {
  const auto b = w.live_backend(1);
  tick();
  for (int round = 0; round < 50; ++round) {
    beat(b);
    pass(1s);
    beat(b);
    pass(8s);
  }
  EXPECT_EQ(died, 1);
  EXPECT_EQ(returned, 0);
}

TEST_F(LivenessTest, ASteadyBackendWithOneLateBeatNeverDies) {
  const auto b = w.live_backend(1);
  tick();
  for (int round = 0; round < 50; ++round) {
    beat(b);
    pass(round % 7 == 0 ? 4s : 1s);
  }
  EXPECT_EQ(died + returned, 0);
}

TEST_F(LivenessTest, AChangedPathListIsProposedOnce) {
  const auto b = w.live_backend(1);
  tick();
  beat(b);
  EXPECT_EQ(returned, 0) << "the same paths";
  beat(b, 8);
  beat(b, 8);
  EXPECT_EQ(returned, 1);
  EXPECT_TRUE(w.cat.backends.find(b)->has_path(path_hash{80}));
}

TEST_F(LivenessTest, AProposalInFlightIsNotRepeated) {
  const auto b = w.live_backend(1);
  (void)step(l, w.cat, liveness_ticked{}, now);
  now += 6s;
  l.ticked = now - 1s;
  EXPECT_EQ(step(l, w.cat, liveness_ticked{}, now), (liveness_effects{propose_died{b}}));
  l.ticked = now;
  EXPECT_TRUE(step(l, w.cat, liveness_ticked{}, now).empty());
  (void)step(l, w.cat, proposal_ended{b}, now); // The journal did not take it.
  EXPECT_EQ(step(l, w.cat, liveness_ticked{}, now), (liveness_effects{propose_died{b}}));
}

TEST_F(LivenessTest, OurOwnSleepIsNobodysSilence) {
  const auto b = w.live_backend(1);
  tick();
  beat(b);
  now += 1h; // A paused process: no tick, no beat read.
  tick();
  EXPECT_TRUE(alive(b));
  pass(4s);
  EXPECT_TRUE(alive(b));
  pass(1s);
  EXPECT_FALSE(alive(b)) << "it is judged from one interval before the wake-up on";
}

TEST_F(LivenessTest, ADroppedBackendIsForgotten) {
  const auto b = w.live_backend(1);
  tick();
  w(backend_dropped{b});
  beat(b);
  tick();
  EXPECT_TRUE(l.hearts.empty());
  EXPECT_EQ(died + returned, 0);
}

TEST(PathsServing, AreThoseOnlineInOrderOfTheirHash) {
  path_view a, b, c;
  a.hash = path_hash{7}, a.root = "/a", a.medium = medium::ssd;
  b.hash = path_hash{3}, b.root = "/b";
  c.hash = path_hash{5}, c.online = false;
  EXPECT_EQ(paths_serving({a, b, c}), (std::vector<path_seen>{{path_hash{3}, "/b", medium::hdd},
                                                              {path_hash{7}, "/a", medium::ssd}}));
}

} // namespace
} // namespace tabletd::test
