// The supervisor's decisions: tables for plan_restart, and every short history of a small
// tree against a world that checks what OTP promises.
#include "actors/model/supervision.h"
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tabletd::model {

namespace {

using namespace std::chrono_literals;

const std::vector<child_key> none;
std::vector<child_key> keys(std::initializer_list<std::uint64_t> raw_keys) {
  std::vector<child_key> made;
  for (const auto key : raw_keys)
    made.push_back(child_key{key});
  return made;
}

/// Carries effects out at once on pretend children, and notes them: "+1" started, "-1" asked
/// to stop, "!1" killed, "x1" forgotten, "quit".
struct world {
  supervisor_life life;
  time_ms now = 1'000ms;
  std::vector<std::string> said;
  std::set<std::uint64_t> alive;
  std::set<std::uint64_t> cannot_start;
  std::set<std::uint64_t> stubborn; ///< Ignore the stop signal.
  std::optional<time_ms> wake;
  std::optional<bool> quit;
  std::vector<supervision_event> news; ///< What the children do by themselves, in order.

  explicit world(supervisor_spec spec) { life.spec = spec; }

  void feed(const supervision_event& event) {
    carry_out(step(life, event, now));
    while (!news.empty()) {
      const auto next = news.front();
      news.erase(news.begin());
      carry_out(step(life, next, now));
    }
  }

  void carry_out(const supervision_effects& effects) {
    for (const auto& effect : effects)
      std::visit(overloaded{
                   [&](const start_child_effect& e) { start(raw(e.child)); },
                   [&](const stop_child_effect& e) { note('-', raw(e.child)), stop(raw(e.child)); },
                   [&](const kill_child_effect& e) { note('!', raw(e.child)), die(raw(e.child), exit_kind::abnormal); },
                   [&](const forget_child_effect& e) { note('x', raw(e.child)); },
                   [&](const wake_effect& e) { wake = wake ? std::min(*wake, e.at) : e.at; },
                   [&](const quit_effect& e) { said.emplace_back("quit"), quit = e.escalated; },
                 },
                 effect);
  }

  void note(char what, std::uint64_t key) { said.push_back(fmt::format("{}{}", what, key)); }

  void start(std::uint64_t key) {
    note('+', key);
    if (cannot_start.contains(key))
      return news.emplace_back(child_not_started{child_key{key}}), void();
    EXPECT_TRUE(alive.insert(key).second) << "two incarnations of " << key;
    news.emplace_back(child_started{child_key{key}});
  }

  void stop(std::uint64_t key) {
    if (!stubborn.contains(key))
      die(key, exit_kind::normal);
  }

  void die(std::uint64_t key, exit_kind how) {
    if (alive.erase(key) > 0)
      news.emplace_back(child_exited{child_key{key}, how});
  }

  void exits(std::uint64_t key, exit_kind how = exit_kind::abnormal) {
    alive.erase(key);
    feed(child_exited{child_key{key}, how});
  }

  /// Lets time pass, waking the supervisor exactly when it asked.
  void pass(time_ms span) {
    const auto until = now + span;
    while (wake && *wake <= until) {
      now = *wake;
      wake.reset();
      feed(supervisor_woke{});
    }
    now = until;
  }

  void children(int count, restart when = restart::permanent, time_ms shutdown = 5s) {
    for (int i = 0; i < count; ++i)
      add_child(life, when, shutdown);
    feed(supervisor_begun{});
  }

  std::string take() { return fmt::format("{}", fmt::join(std::exchange(said, {}), " ")); }
};

supervisor_spec spec_of(strategy how, backoff delays = {}) {
  supervisor_spec spec;
  spec.how = how;
  spec.restarts_max = 100;
  spec.backoff = delays;
  return spec;
}

TEST(PlanRestart, StopsYoungerSiblingsInReverseAndStartsInOrder) {
  struct row {
    strategy how;
    std::uint64_t crashed;
    std::vector<child_key> stop, start;
  };
  const row table[] = {
    {strategy::one_for_one, 2, none, keys({2})},
    {strategy::rest_for_one, 1, keys({4, 3, 2}), keys({1, 2, 3, 4})},
    {strategy::rest_for_one, 2, keys({4, 3}), keys({2, 3, 4})},
    {strategy::rest_for_one, 4, none, keys({4})},
    {strategy::one_for_all, 2, keys({4, 3, 1}), keys({1, 2, 3, 4})},
  };
  for (const auto& [how, crashed, stop, start] : table) {
    world w{spec_of(how)};
    w.children(4);
    const auto plan = plan_restart(w.life, child_key{crashed}, exit_kind::abnormal, w.now);
    EXPECT_EQ(plan, (restart_plan{stop, start, 100ms, false})) << static_cast<int>(how) << " " << crashed;
  }
}

TEST(PlanRestart, WhoComesBackDependsOnHowItEnded) {
  struct row {
    restart when;
    exit_kind how;
    bool comes_back;
  };
  const row table[] = {
    {restart::permanent, exit_kind::normal, true},   {restart::permanent, exit_kind::abnormal, true},
    {restart::transient, exit_kind::normal, false},  {restart::transient, exit_kind::abnormal, true},
    {restart::temporary, exit_kind::normal, false},  {restart::temporary, exit_kind::abnormal, false},
  };
  for (const auto& [when, how, comes_back] : table) {
    world w{spec_of(strategy::one_for_one)};
    w.children(1, when);
    const auto plan = plan_restart(w.life, child_key{1}, how, w.now);
    EXPECT_EQ(!plan.start.empty(), comes_back);
    EXPECT_EQ(w.life.restarts.size(), comes_back ? 1U : 0U) << "only restarts count towards the window";
  }
}

TEST(PlanRestart, EscalatesWhenTheWindowIsFullAndForgetsWhatSlidOut) {
  auto spec = spec_of(strategy::one_for_one);
  spec.restarts_max = 3;
  spec.window = 5s;
  world w{spec};
  w.children(3);
  const auto crash = [&](time_ms at) { return plan_restart(w.life, child_key{2}, exit_kind::abnormal, at).escalate; };
  EXPECT_FALSE(crash(10s));
  EXPECT_FALSE(crash(11s));
  EXPECT_FALSE(crash(12s));
  EXPECT_FALSE(crash(15'001ms)) << "the first one is 5.001 s old";
  EXPECT_EQ(plan_restart(w.life, child_key{2}, exit_kind::abnormal, 16s),
            (restart_plan{keys({3, 1}), none, {}, true}));
}

TEST(Supervision, BackOffDoublesIsCappedAndResetsAfterALongLife) {
  world w{spec_of(strategy::one_for_one, {100ms, 1s, 60s})};
  w.children(1);
  EXPECT_EQ(w.take(), "+1");
  for (const auto delay : {100ms, 200ms, 400ms, 800ms, 1'000ms, 1'000ms}) {
    w.exits(1);
    w.pass(delay - 1ms);
    EXPECT_EQ(w.take(), "") << delay.count();
    w.pass(1ms);
    EXPECT_EQ(w.take(), "+1") << delay.count();
  }
  w.pass(60s);
  w.exits(1);
  w.pass(100ms);
  EXPECT_EQ(w.take(), "+1") << "it had lived for reset_after";
}

TEST(Supervision, ZeroBackOffRestartsAtOnce) {
  world w{spec_of(strategy::one_for_one, {0ms, 1s, 60s})};
  w.children(2);
  w.take();
  w.exits(1);
  EXPECT_EQ(w.take(), "+1");
}

TEST(Supervision, RestForOneAwaitsEachStopBeforeTheNextAndBeforeAnyStart) {
  world w{spec_of(strategy::rest_for_one, {0ms, 1s, 60s})};
  w.children(4);
  w.take();
  w.stubborn = {3};
  w.exits(2);
  EXPECT_EQ(w.take(), "-4 -3") << "2 must not start while 3 lives";
  w.pass(4'999ms);
  EXPECT_EQ(w.take(), "");
  w.pass(1ms);
  EXPECT_EQ(w.take(), "!3 +2 +3 +4") << "killed after exactly its shutdown time";
}

TEST(Supervision, AGroupWaitsForItsBackOffBehindTheStops) {
  world w{spec_of(strategy::one_for_all, {100ms, 1s, 60s})};
  w.children(3);
  w.take();
  w.exits(2);
  EXPECT_EQ(w.take(), "-3 -1");
  w.pass(99ms);
  EXPECT_EQ(w.take(), "");
  w.pass(1ms);
  EXPECT_EQ(w.take(), "+1 +2 +3");
}

TEST(Supervision, AnEarlierChildThatCrashesDuringARegroupWidensIt) {
  world w{spec_of(strategy::rest_for_one, {100ms, 1s, 60s})};
  w.children(3);
  w.take();
  w.exits(3);
  w.exits(1);
  EXPECT_EQ(w.take(), "-2");
  w.pass(100ms);
  EXPECT_EQ(w.take(), "+1 +2 +3");
  EXPECT_EQ(w.life.restarts.size(), 2U);
}

TEST(Supervision, SiblingsThatDieDuringARegroupAreNotCountedAgain) {
  world w{spec_of(strategy::one_for_all, {100ms, 1s, 60s})};
  w.children(3);
  w.stubborn = {3};
  w.exits(1);
  w.exits(2);
  w.exits(3);
  EXPECT_EQ(w.life.restarts.size(), 1U);
  w.take();
  w.pass(100ms);
  EXPECT_EQ(w.take(), "+1 +2 +3");
}

TEST(Supervision, AFailedStartIsACrashAndHoldsItsSuccessorsBack) {
  world w{spec_of(strategy::rest_for_one, {100ms, 1s, 60s})};
  w.cannot_start = {2};
  w.children(3);
  EXPECT_EQ(w.take(), "+1 +2");
  w.pass(100ms);
  EXPECT_EQ(w.take(), "+2");
  w.cannot_start.clear();
  w.pass(200ms);
  EXPECT_EQ(w.take(), "+2 +3");
}

TEST(Supervision, AFailedStartDoesNotHoldIndependentChildrenBack) {
  world w{spec_of(strategy::one_for_one)};
  w.cannot_start = {1};
  w.children(3);
  EXPECT_EQ(w.take(), "+1 +2 +3");
}

TEST(Supervision, AStartThatAlwaysFailsEscalates) {
  auto spec = spec_of(strategy::one_for_one, {10ms, 1s, 60s});
  spec.restarts_max = 3;
  world w{spec};
  w.cannot_start = {2};
  w.children(2);
  w.pass(10s);
  EXPECT_EQ(w.take(), "+1 +2 +2 +2 +2 -1 quit");
  EXPECT_EQ(w.quit, true);
}

TEST(Supervision, EscalationStopsTheRestInReverseOrderBeforeItQuits) {
  auto spec = spec_of(strategy::one_for_one);
  spec.restarts_max = 0;
  world w{spec};
  w.children(3);
  w.take();
  w.exits(2);
  EXPECT_EQ(w.take(), "-3 -1 quit");
  EXPECT_EQ(w.quit, true);
}

TEST(Supervision, ShutDownStopsDynamicChildrenTogetherThenStaticOnesInReverse) {
  world w{spec_of(strategy::one_for_one)};
  w.children(2);
  w.feed(child_admitted{add_child(w.life, restart::temporary, 5s)});
  w.feed(child_admitted{add_child(w.life, restart::temporary, 5s)});
  EXPECT_EQ(w.take(), "+1 +2 +3 +4");
  w.stubborn = {3, 4};
  w.feed(shutdown_asked{});
  EXPECT_EQ(w.take(), "-3 -4") << "static children wait for them";
  w.pass(5s);
  EXPECT_EQ(w.take(), "!3 !4 x3 x4 -2 -1 quit");
  EXPECT_EQ(w.quit, false);
}

TEST(Supervision, ShutDownCancelsRestartsThatWereStillToCome) {
  world w{spec_of(strategy::one_for_one)};
  w.children(2);
  w.exits(1);
  w.take();
  w.feed(shutdown_asked{});
  EXPECT_EQ(w.take(), "-2 quit");
  w.pass(1h);
  EXPECT_EQ(w.take(), "");
}

TEST(Supervision, DynamicChildrenAreForgottenWhenTheyEndAndStaticOnesStayOnTheList) {
  world w{spec_of(strategy::one_for_one)};
  w.children(1, restart::temporary);
  const auto born_later = add_child(w.life, restart::temporary, 5s);
  w.feed(child_admitted{born_later});
  w.take();
  w.exits(1);
  w.exits(raw(born_later), exit_kind::normal);
  EXPECT_EQ(w.take(), "x2");
  ASSERT_EQ(w.life.children.size(), 1U);
  EXPECT_EQ(w.life.children.at(child_key{1}).phase, child_phase::ended);
  EXPECT_EQ(w.life.children.at(child_key{1}).ended_how, exit_kind::abnormal);
}

TEST(Supervision, ADynamicChildWhoseFirstStartFailsIsForgottenAndNotCounted) {
  world w{spec_of(strategy::one_for_one)};
  w.children(1);
  w.take();
  w.cannot_start = {2};
  w.feed(child_admitted{add_child(w.life, restart::permanent, 5s)});
  EXPECT_EQ(w.take(), "+2 x2");
  EXPECT_TRUE(w.life.restarts.empty());
}

TEST(Supervision, AnUnwantedChildIsAwaitedThenForgottenInEveryPhase) {
  world running{spec_of(strategy::one_for_one)};
  running.children(1);
  running.stubborn = {1};
  running.take();
  running.feed(child_unwanted{child_key{1}});
  EXPECT_EQ(running.take(), "-1");
  running.pass(5s);
  EXPECT_EQ(running.take(), "!1 x1");
  running.pass(1h);
  EXPECT_EQ(running.take(), "") << "it must not come back";

  world backing_off{spec_of(strategy::one_for_one)};
  backing_off.children(1);
  backing_off.exits(1);
  backing_off.take();
  backing_off.feed(child_unwanted{child_key{1}});
  EXPECT_EQ(backing_off.take(), "x1");
  backing_off.pass(1h);
  EXPECT_EQ(backing_off.take(), "");
}

TEST(Supervision, ShutdownTimeZeroMeansKill) {
  world w{spec_of(strategy::one_for_one)};
  w.children(1, restart::permanent, 0ms);
  w.take();
  w.feed(shutdown_asked{});
  EXPECT_EQ(w.take(), "!1 quit");
}

TEST(Supervision, AWordAboutAnEarlierIncarnationIsIgnored) {
  world w{spec_of(strategy::one_for_one)};
  w.children(1);
  w.exits(1);
  w.take();
  w.feed(child_exited{child_key{1}, exit_kind::abnormal});
  EXPECT_EQ(w.life.restarts.size(), 1U);
  w.feed(child_started{child_key{1}});
  w.feed(child_exited{child_key{77}, exit_kind::abnormal});
  EXPECT_EQ(w.take(), "");
}

TEST(Supervision, AChildWhoseStartIsStillUnansweredAtShutDownIsNotOrphaned) {
  supervisor_life life;
  life.spec = spec_of(strategy::one_for_one);
  const auto child = add_child(life, restart::permanent, 5s);
  EXPECT_EQ(step(life, supervisor_begun{}, 1s), (supervision_effects{start_child_effect{child}}));
  EXPECT_EQ(step(life, shutdown_asked{}, 1s), supervision_effects{});
  EXPECT_EQ(step(life, child_started{child}, 1s), (supervision_effects{stop_child_effect{child}, wake_effect{6s}}));
  EXPECT_EQ(step(life, child_exited{child, exit_kind::normal}, 2s), (supervision_effects{quit_effect{false}}));
}

/// The indexes say what the phases say.
void expect_sound(const world& w) {
  const auto& life = w.life;
  for (const auto& [key, child] : life.children) {
    const bool lives = child.phase == child_phase::running || child.phase == child_phase::stopping;
    ASSERT_EQ(life.live.contains(key) || life.live_dynamic.contains(key), lives);
    ASSERT_EQ(life.live_dynamic.contains(key), lives && child.is_dynamic);
    ASSERT_EQ(life.waiting.contains(key), child.phase == child_phase::waiting);
    ASSERT_EQ(w.alive.contains(raw(key)), lives) << "the books and the world disagree about " << raw(key);
    ASSERT_EQ(life.due.contains({child.due, key}), child.due != time_ms{});
  }
  ASSERT_LE(w.alive.size(), life.children.size());
  if (life.spec.how == strategy::rest_for_one) {
    // Start order is dependency order: nobody runs while an earlier one is missing for good
    // reason to come back - unless it is on its way down.
    bool missing = false;
    for (const auto& [key, child] : life.children) {
      ASSERT_FALSE(missing && child.phase == child_phase::running && !life.regroup_from) << raw(key);
      missing |= child.phase == child_phase::waiting;
    }
  }
}

/// One thing that can happen to a tree of three static and one dynamic child.
void happen(world& w, int what) {
  switch (what) {
    case 0: return w.exits(1);
    case 1: return w.exits(2);
    case 2: return w.exits(3, exit_kind::normal);
    case 3: return w.pass(60ms);
    case 4: return w.pass(5s);
    case 5: return w.cannot_start.contains(2) ? void(w.cannot_start.erase(2)) : void(w.cannot_start.insert(2));
    case 6: return w.stubborn.contains(3) ? void(w.stubborn.erase(3)) : void(w.stubborn.insert(3));
    case 7:
      if (w.life.is_ending)
        return;
      return w.feed(child_admitted{add_child(w.life, restart::temporary, 1s)});
    case 8: return w.feed(child_unwanted{child_key{4}});
    case 9: return w.feed(shutdown_asked{});
  }
}

class EveryHistory : public testing::TestWithParam<strategy> {};

TEST_P(EveryHistory, KeepsItsPromisesAndEndsClean) {
  constexpr int kinds = 10, length = 5;
  int walks = 1;
  for (int i = 0; i < length; ++i)
    walks *= kinds;
  for (int walk = 0; walk < walks; ++walk) {
    SCOPED_TRACE(fmt::format("walk {:05}", walk));
    world w{spec_of(GetParam(), {50ms, 200ms, 60s})};
    w.children(3, restart::transient, 1s);
    for (int i = 0, rest = walk; i < length; ++i, rest /= kinds) {
      happen(w, rest % kinds);
      ASSERT_NO_FATAL_FAILURE(expect_sound(w));
      if (HasFailure())
        return;
    }
    w.feed(shutdown_asked{});
    w.pass(10s);
    ASSERT_TRUE(w.quit.has_value()) << "it never quit";
    ASSERT_TRUE(w.alive.empty()) << "an orphan";
    const auto said = w.take();
    ASSERT_EQ(said.find("quit"), said.rfind("quit"));
    w.pass(1h);
    ASSERT_EQ(w.take(), "") << "silent afterwards";
  }
}

std::string name_of(const testing::TestParamInfo<strategy>& at) {
  switch (at.param) {
    case strategy::one_for_one:
      return "OneForOne";
    case strategy::rest_for_one:
      return "RestForOne";
    case strategy::one_for_all:
      return "OneForAll";
  }
  return {};
}

INSTANTIATE_TEST_SUITE_P(Strategies, EveryHistory,
                         testing::Values(strategy::one_for_one, strategy::rest_for_one,
                                         strategy::one_for_all),
                         name_of);

} // namespace

} // namespace tabletd::model
