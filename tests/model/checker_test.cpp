#include "actors/model/checker.h"
#include "tests/model/repair_world.h"

namespace tabletd::test {
namespace {

constexpr time_ms t0 = 1'000'000s;

struct Checker : testing::Test {
  repair_world world{"abcde"};
  tablet_checks checks;

  check_effects moved(std::vector<tablet_id> touched, std::vector<backend_id> backends = {}, time_ms now = t0) {
    return step(checks, catalog_moved{std::move(touched), std::move(backends)}, world.cat, now);
  }
  check_effects tick(time_ms now) { return step(checks, check_tick{}, world.cat, now); }
  static std::vector<tablet_id> ids(const check_effects& effects) {
    std::vector<tablet_id> list;
    for (const auto& sick : effects.sick)
      list.push_back(sick.tablet);
    return list;
  }
};

TEST_F(Checker, LooksOnlyAtWhatWasTouched) {
  const auto touched = world.make("1+ 2+");
  (void) world.make("1+ 2+");
  (void) tick(t0); // The first round sees both.
  checks.tablets = 0;
  const auto effects = moved({touched});
  EXPECT_EQ(ids(effects), std::vector{touched});
  EXPECT_EQ(effects.sick[0].what, (diagnosis{tablet_health::replica_missing, repair_priority::normal}));
  EXPECT_EQ(checks.tablets, 1U);
}

// C19: what an event costs depends on what it touched, never on what there is.
TEST_F(Checker, AnEventCostsWhatItTouchedHoweverMuchThereIs) {
  for (const std::uint32_t others : {10U, 1'000U, 20'000U}) {
    repair_world big{"abcdef"};
    const auto few = big.make_table(big.db, {big.ids[4], big.ids[5], big.ids[6]}, 7, 3, "few");
    (void) big.make_table(big.db, {big.ids[1], big.ids[2], big.ids[3]}, others, 3, "others");
    tablet_checks seen;
    (void) step(seen, check_tick{}, big.cat, t0);
    while (seen.first_round)
      (void) step(seen, catalog_moved{}, big.cat, t0);
    EXPECT_EQ(seen.tablets, others + 7) << "the first round looks at everything";

    const auto diagnoses = [&](const catalog_moved& event) {
      const auto before = seen.tablets;
      EXPECT_FALSE(step(seen, event, big.cat, t0).again);
      return seen.tablets - before;
    };
    const auto died = big(backend_died{big.ids[4]});
    EXPECT_EQ(diagnoses({died.touched, {died.touched_backend}}), 7U) << "beside " << others;
    const auto& hurt = big.bucket(few);
    const auto damaged = big(replica_observed{hurt.id, hurt.on(big.ids[5])->id, version_initial, true});
    EXPECT_EQ(diagnoses({damaged.touched, {}}), 1U) << "beside " << others;
    const auto loaded = big.load(few, {big.ids[5], big.ids[6]});
    EXPECT_LE(diagnoses({loaded.touched, {}}), 7U) << "beside " << others;
  }
}

TEST_F(Checker, ABackendsEventConcernsItsTablets) {
  const auto on_three = world.make("1+ 2+ 3+");
  const auto elsewhere = world.make("1+ 2+ 4+");
  (void) tick(t0);
  world.die(3);
  EXPECT_EQ(ids(moved({}, {world.ids[3]})), std::vector{on_three});
  EXPECT_FALSE(checks.reported.contains(elsewhere));
}

TEST_F(Checker, WhatGotWellIsSaidOnce) {
  const auto id = world.make("1+ 2+");
  (void) moved({id});
  world.fill(id, "1+ 2+ 3+");
  EXPECT_EQ(moved({id}).healed, std::vector{id});
  EXPECT_TRUE(moved({id}).healed.empty());
}

TEST_F(Checker, ADroppedTabletIsHealed) {
  const auto id = world.make("1+ 2+");
  (void) moved({id});
  world.cat.tablets.erase(id);
  EXPECT_EQ(moved({id}).healed, std::vector{id});
}

TEST_F(Checker, ABigBackendIsWalkedInSlices) {
  const auto home = world.make("1+ 2+ 3+");
  for (std::uint64_t i = 0; i < 3 * checks_per_step; ++i)
    world.cat.backends.edit(world.ids[3])->tablets.put(tablet_id{500'000 + i}, replica_id{i + 1});
  (void) tick(t0);
  checks.tablets = 0;
  auto effects = moved({home}, {world.ids[3]});
  int steps = 1;
  for (; effects.again; ++steps)
    effects = moved({});
  EXPECT_EQ(steps, 4);
  EXPECT_EQ(checks.tablets, 3 * checks_per_step + 2); // `home` was touched and is on the backend.
}

TEST_F(Checker, TheFirstRoundRunsThroughTheNextOnesAreSlow) {
  std::vector<tablet_id> sick;
  const auto first = world.make("1+ 2+ 3+");
  const auto& model = world.at(first);
  for (std::uint64_t i = 0; i < 2 * checks_per_step; ++i) {
    auto copy = model;
    copy.id = tablet_id{900'000 + i};
    if (i == 2 * checks_per_step - 1)
      copy.replicas.pop_back();
    world.cat.tablets.put(copy.id, copy);
  }
  auto effects = tick(t0);
  std::size_t found = effects.sick.size();
  for (int steps = 0; effects.again; found += effects.sick.size()) {
    ASSERT_LT(++steps, 10) << "going round without getting on";
    effects = moved({});
  }
  EXPECT_EQ(found, 1U);
  EXPECT_EQ(checks.rounds, 1U);
  EXPECT_EQ(checks.tablets, 2 * checks_per_step + 1);

  checks.tablets = 0;
  (void) tick(t0 + sweep_period - 1ms);
  EXPECT_EQ(checks.tablets, 0U) << "not due yet";
  effects = tick(t0 + sweep_period);
  EXPECT_EQ(checks.tablets, checks_per_step);
  EXPECT_FALSE(effects.again) << "the next slice waits for the next tick";
  (void) tick(t0 + sweep_period + 1s);
  effects = tick(t0 + sweep_period + 2s);
  EXPECT_EQ(checks.rounds, 2U);
}

TEST_F(Checker, EveryRoundSaysAgainWhatIsSick) {
  const auto id = world.make("1+ 2+");
  EXPECT_EQ(ids(tick(t0)), std::vector{id});
  EXPECT_EQ(ids(tick(t0 + sweep_period)), std::vector{id});
  EXPECT_EQ(checks.unhealthy, 2U);
}

TEST_F(Checker, EventsGoBeforeTheSweep) {
  const auto id = world.make("1+ 2+");
  (void) tick(t0);
  std::vector<tablet_id> many(checks_per_step, id);
  const auto effects = moved(many, {});
  EXPECT_FALSE(effects.again);
  checks.touched.assign(many.begin(), many.end());
  (void) tick(t0 + sweep_period);
  EXPECT_EQ(checks.rounds, 1U) << "the step was full";
  (void) tick(t0 + sweep_period);
  EXPECT_EQ(checks.rounds, 2U);
}

} // namespace
} // namespace tabletd::test
