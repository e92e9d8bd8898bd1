// An applied plan while balance, or a part of it, is paused: it stays as it is.
#include "actors/model/balance_driver.h"
#include "actors/model/cluster_config.h"
#include "tests/model/balance_world.h"
#include <gtest/gtest.h>
#include <set>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;

/// Four backends with two disks each; a table of 8 tablets on the first disks of three of them.
struct PlanFollower : testing::Test {
  balance_world w;
  balance_driver driver{{}};
  table_id t{};
  static constexpr std::size_t fourth = 3;

  PlanFollower() {
    w.add_backends(4, {{.capacity = 100 * giga}, {.capacity = 100 * giga}});
    t = w.add_table(
      8, 3, [&](auto) { return std::vector{w.on(0), w.on(1), w.on(2)}; }, [](auto) { return giga; });
  }
  [[nodiscard]] saved_move from_first(std::uint32_t bucket, const place& to) const {
    const auto& x = *w.cat.tablets.find(w.bucket(t, bucket));
    return {x.id, x.on(w.ids[0])->id, w.on(0), to, x.bytes};
  }
  void apply_plan(std::vector<saved_move> moves) {
    w.fold(plan_saved{"p", plan_kind::rebalance, {}, w.cat.applied, std::move(moves)});
    w.fold(plan_applied{"p"});
  }
  /// One replica of the bucket is damaged, or whole again.
  void set_bad(std::uint32_t bucket, bool bad) {
    w.cat.tablets.edit(w.bucket(t, bucket))->replicas.back().set_bad = bad;
  }
  void set_linked(std::size_t backend, bool linked) { w.cluster.backends.at(w.ids[backend]).linked = linked; }
  [[nodiscard]] std::string scope_of_table() const { return "table:" + std::to_string(raw(t)); }

  /// A round of balance after this time, in which nothing is begun: the tablets on offer.  Wall
  /// clock and steady clock are the same here.
  std::set<tablet_id> pass(time_ms span) {
    w.now += span;
    std::set<tablet_id> offered;
    for (const auto& m : driver.due(w.cat, w.cluster, w.now, w.now))
      offered.insert(m.tablet);
    return offered;
  }
  /// How many moves are said to be skipped, which the catalog then has.
  std::size_t skipped() {
    auto said = driver.take_skipped();
    const auto count = said ? said->moves.size() : 0;
    if (said)
      w.fold(std::move(*said));
    return count;
  }
  /// An hour in which nothing may be offered and nothing skipped.
  void stand_still() {
    for (time_ms gone{}; gone < 1h; gone += 1min) {
      ASSERT_TRUE(pass(1min).empty());
      ASSERT_EQ(skipped(), 0U);
    }
  }
};

/// Rounds in which the place the moves go to turns out to be dead.
struct PlanFollowerDeadTarget : PlanFollower {
  void pass_in_vain(time_ms span) {
    const auto until = w.now + span;
    while (w.now < until)
      for (const auto id : pass(10s)) {
        decision d;
        d.blocked = blocker::target_unlinked;
        d.paths.push_back({path_role::target, w.on(fourth), path_code::backend_dead});
        driver.rejected(w.cat, id, d, w.now);
      }
  }
};

TEST_F(PlanFollowerDeadTarget, PatienceBeginsAnewAfterAShortPauseToo) {
  apply_plan({from_first(0, w.on(fourth))});
  pass_in_vain(9min);
  w.fold(balance_paused{"all", "ann", "", w.now + 20s});
  pass_in_vain(20s);
  pass_in_vain(9min);
  EXPECT_EQ(skipped(), 0U);
  pass_in_vain(2min);
  EXPECT_EQ(skipped(), 1U);
}

/// A pause of all of balance: how it begins and ends, and what it is called.
struct pause_case {
  const char* name;
  pause_cause cause;
  void (*set)(PlanFollower&, bool on);
};
struct PlanFollowerPaused : PlanFollower, testing::WithParamInterface<pause_case> {};

INSTANTIATE_TEST_SUITE_P(
  Causes, PlanFollowerPaused,
  testing::Values(pause_case{"Disabled", pause_cause::disabled,
                             [](PlanFollower& f, bool on) { f.driver.configure({.enabled = !on}, 100); }},
                  pause_case{"ByOperator", pause_cause::by_operator,
                             [](PlanFollower& f, bool on) {
                               if (on)
                                 f.w.fold(balance_paused{"all", "ann", "", f.w.now + 24h});
                               else
                                 f.w.fold(balance_resumed{"all"});
                             }},
                  pause_case{"BackendsMissing", pause_cause::backends_missing,
                             [](PlanFollower& f, bool on) {
                               f.set_linked(1, !on);
                               f.set_linked(2, !on);
                             }},
                  pause_case{"AwaitingReport", pause_cause::awaiting_report,
                             [](PlanFollower& f, bool on) { f.w.cluster.backends.at(f.w.ids[2]).reported = !on; }}),
  [](const auto& at) { return at.param.name; });

TEST_P(PlanFollowerPaused, ALongPauseLeavesThePlanAsItIsAndPatienceBeginsAnew) {
  apply_plan({from_first(0, w.on(fourth)), from_first(1, w.on(fourth))});
  set_bad(0, true);
  set_bad(1, true);
  EXPECT_TRUE(pass(balance_spacing).empty()) << "from here on they are waited for";
  GetParam().set(*this, true);
  ASSERT_NO_FATAL_FAILURE(stand_still());
  EXPECT_EQ(driver.pause().cause, GetParam().cause);
  GetParam().set(*this, false);
  set_bad(1, false);
  EXPECT_EQ(pass(1min), std::set{w.bucket(t, 1)});
  for (time_ms waited{}; waited < plan_patience; waited += 1min) {
    ASSERT_EQ(skipped(), 0U) << waited.count();
    pass(1min);
  }
  EXPECT_EQ(skipped(), 1U) << "and is not without end";
}

TEST_P(PlanFollowerPaused, WhatIsPausedFromTheBeginningIsOfferedAfterwards) {
  apply_plan({from_first(0, w.on(fourth))});
  GetParam().set(*this, true);
  set_bad(0, true);
  ASSERT_NO_FATAL_FAILURE(stand_still());
  GetParam().set(*this, false);
  EXPECT_TRUE(pass(1min).empty());
  EXPECT_EQ(skipped(), 0U);
  set_bad(0, false);
  EXPECT_EQ(pass(1min), std::set{w.bucket(t, 0)});
}

TEST_P(PlanFollowerPaused, WhatWillNotBeMadeIsSaidAfterThePauseOnly) {
  apply_plan({from_first(0, w.on(fourth))});
  auto& replicas = w.cat.tablets.edit(w.bucket(t, 0))->replicas;
  for (auto& r : replicas)
    if (r.backend == w.ids[0])
      r.path = w.on(0, 1).path;
  GetParam().set(*this, true);
  ASSERT_NO_FATAL_FAILURE(stand_still());
  GetParam().set(*this, false);
  pass(1min);
  EXPECT_EQ(skipped(), 1U);
}

TEST_F(PlanFollower, PatienceBeginsAnewAfterAPauseOfTheTableToo) {
  apply_plan({from_first(0, w.on(fourth))});
  set_bad(0, true);
  pass(balance_spacing);
  w.fold(balance_paused{scope_of_table(), "ann", "", w.now + 24h});
  ASSERT_NO_FATAL_FAILURE(stand_still());
  w.fold(balance_resumed{scope_of_table()});
  EXPECT_TRUE(pass(1min).empty());
  EXPECT_EQ(skipped(), 0U);
}

struct PlanFollowerDisks : PlanFollower {
  PlanFollowerDisks() { switch_disks(false); }
  void switch_disks(bool on) { driver.configure({.paths = on}, 100); }
};

TEST_F(PlanFollowerDisks, MovesInsideABackendWaitForTheSwitchAndTheOthersDoNot) {
  apply_plan({from_first(0, w.on(0, 1)), from_first(1, w.on(fourth))});
  EXPECT_EQ(pass(balance_spacing), std::set{w.bucket(t, 1)});
  set_bad(0, true);
  for (time_ms waited{}; waited < 1h; waited += 1min) {
    EXPECT_FALSE(pass(1min).contains(w.bucket(t, 0)));
    ASSERT_EQ(skipped(), 0U);
  }
  switch_disks(true);
  EXPECT_FALSE(pass(1min).contains(w.bucket(t, 0)));
  EXPECT_EQ(skipped(), 0U) << "its ten minutes begin now";
  set_bad(0, false);
  EXPECT_EQ(pass(1min), (std::set{w.bucket(t, 0), w.bucket(t, 1)}));
}

TEST_F(PlanFollowerDisks, WhileOnlySuchAreLeftBalanceFindsItsOwn) {
  std::vector<saved_move> all;
  for (std::uint32_t b = 0; b < 8; ++b)
    all.push_back(from_first(b, w.on(0, 1)));
  apply_plan(all);
  w.now += balance_spacing;
  const auto found = driver.due(w.cat, w.cluster, w.now, w.now);
  ASSERT_FALSE(found.empty()) << "the fourth backend is empty";
  for (const auto& m : found)
    EXPECT_EQ(m.target.backend, w.ids[fourth]);
}

TEST_F(PlanFollowerDisks, AnOrderToLevelTheDisksOfABackendGoesBeforeTheSwitch) {
  apply_plan({from_first(0, w.on(0, 1))});
  const auto empty_one = "backend:" + std::to_string(raw(w.ids[fourth])); // Balance would fill it.
  w.fold(balance_paused{empty_one, "ann", "", w.now + 1h});
  EXPECT_TRUE(pass(balance_spacing).empty());
  w.fold(rebalance_disks(w.cat, {w.ids[0]}, w.now));
  EXPECT_EQ(pass(balance_spacing), std::set{w.bucket(t, 0)});
}

} // namespace
} // namespace tabletd::test
