// A clone's life: the walks by name, each fence by name, and every sequence of events.
#include "actors/model/clone_life.h"
#include <gtest/gtest.h>
#include <optional>

namespace tabletd::model {
namespace {

constexpr log_index fence{40};
constexpr tablet_id t1{1};
constexpr replica_id mine{11};
constexpr path_hash p1{0xa};
constexpr time_ms start{1'000};

clone_order order() { return {fence, t1, mine, p1, 5, "be2", 7030, replica_id{12}}; }

held_replica here(version v, replica_id replica = mine, bool bad = false, path_hash path = p1) {
  held_replica held;
  held.tablet = t1;
  held.replica = replica;
  held.path = path;
  held.version = held.max_version = v;
  held.bad = bad;
  return held;
}

const version_ranges two_to_five{{2, 2}, {3, 3}, {4, 4}, {5, 5}};
const version_ranges four_and_five{{4, 4}, {5, 5}};

struct CloneLife : ::testing::Test {
  clone_life life;
  time_ms now = start;
  void SetUp() override {
    life.order = order();
    EXPECT_EQ(begin(life, now), (clone_effects{look_here{}}));
  }
  clone_effects feed(const clone_event& event) { return step(life, event, now); }
  /// The failure a walk ended with.
  task_failed failure(const clone_effects& effects) {
    return std::get<task_failed>(std::get<end_clone>(effects.back()).end.outcome);
  }
};

TEST_F(CloneLife, FullCopyOfSomethingNew) {
  EXPECT_EQ(feed(clone_looked{}), (clone_effects{ask_source{1, {}}}));
  EXPECT_EQ(feed(clone_snapshot{1, true, two_to_five}), (clone_effects{copy_blocks{1}}));
  EXPECT_EQ(feed(clone_progressed{1, 700}), clone_effects{});
  EXPECT_EQ(feed(clone_progressed{1, 300}), clone_effects{});
  EXPECT_EQ(feed(clone_copied{1}), (clone_effects{install_copy{true}}));
  now += time_ms{50};
  EXPECT_EQ(feed(clone_installed{here(5)}),
            (clone_effects{let_go{false}, end_clone{{fence, t1, mine, here(5), 1'000, 50, 0}}}));
}

TEST_F(CloneLife, IncrementalAsksForWhatIsMissing) {
  EXPECT_EQ(feed(clone_looked{here(3), {{2, 2}, {3, 3}}}),
            (clone_effects{ask_source{1, {{2, 2}, {3, 3}, {1, 1}}}}));
  EXPECT_EQ(feed(clone_snapshot{1, false, four_and_five}), (clone_effects{copy_blocks{1}}));
  EXPECT_EQ(feed(clone_copied{1}), (clone_effects{install_copy{false}}));
}

TEST_F(CloneLife, AlreadyThereIsDoneAtOnce) {
  EXPECT_EQ(feed(clone_looked{here(5), two_to_five}),
            (clone_effects{let_go{false}, end_clone{{fence, t1, mine, here(5), 0, 0, 0}}}));
}

TEST_F(CloneLife, DamagedReplicaIsReplacedWhole) {
  EXPECT_EQ(feed(clone_looked{here(5, mine, true), two_to_five}), (clone_effects{ask_source{1, {}}}));
  EXPECT_EQ(feed(clone_snapshot{1, true, two_to_five}), (clone_effects{copy_blocks{1}}));
}

TEST_F(CloneLife, OtherReplicaIdHereIsStale) {
  EXPECT_EQ(failure(feed(clone_looked{here(5, replica_id{99}), {}})).kind, task_failure::stale);
}

TEST_F(CloneLife, SameReplicaOnAnotherPathIsStale) {
  EXPECT_EQ(failure(feed(clone_looked{here(3, mine, false, path_hash{0xb}), {}})).kind, task_failure::stale);
}

TEST_F(CloneLife, NoPathForSomethingNew) {
  life.order.path = {};
  EXPECT_EQ(failure(feed(clone_looked{})).kind, task_failure::path_unknown);
}

TEST_F(CloneLife, SourceThatDoesNotReachTheVersionIsStale) {
  std::ignore = feed(clone_looked{});
  EXPECT_EQ(failure(feed(clone_snapshot{1, true, {{2, 2}, {3, 3}, {5, 5}}})).kind, task_failure::stale);
}

TEST_F(CloneLife, IncrementalSnapshotForNothingIsRefused) {
  std::ignore = feed(clone_looked{});
  EXPECT_EQ(failure(feed(clone_snapshot{1, false, two_to_five})).kind, task_failure::unknown);
}

TEST_F(CloneLife, BrokenLinkIsTriedAgainWithGrowingPauses) {
  std::ignore = feed(clone_looked{});
  std::vector<time_ms> pauses;
  for (std::uint32_t attempt = 1;; ++attempt) {
    const auto effects = feed(clone_link_broke{attempt, "reset"});
    const auto* pause = std::get_if<retry_in>(&effects.front());
    if (!pause) {
      EXPECT_EQ(failure(effects).kind, task_failure::source_gone);
      EXPECT_NE(failure(effects).message.find("be2:7030"), std::string::npos);
      break;
    }
    pauses.push_back(pause->span);
    EXPECT_EQ(feed(clone_retry_due{}), (clone_effects{ask_source{attempt + 1, {}}}));
  }
  EXPECT_EQ(pauses, (std::vector<time_ms>{time_ms{200}, time_ms{400}, time_ms{800}, time_ms{1'600}, time_ms{3'200}}));
}

TEST_F(CloneLife, ABlockThatArrivedForgivesEarlierFailures) {
  std::ignore = feed(clone_looked{});
  for (std::uint32_t attempt = 1; attempt <= 50; ++attempt) {
    ASSERT_EQ(feed(clone_snapshot{attempt, true, two_to_five}), (clone_effects{copy_blocks{attempt}}));
    std::ignore = feed(clone_progressed{attempt, 1});
    ASSERT_EQ(feed(clone_link_broke{attempt, "reset"}), (clone_effects{retry_in{time_ms{200}}}));
    std::ignore = feed(clone_retry_due{});
  }
  EXPECT_EQ(life.copied_bytes, 50U);
}

TEST_F(CloneLife, LateNewsOfAnEarlierAttemptIsIgnored) {
  std::ignore = feed(clone_looked{});
  std::ignore = feed(clone_link_broke{1, "reset"});
  std::ignore = feed(clone_retry_due{});
  std::ignore = feed(clone_snapshot{2, true, two_to_five});
  EXPECT_EQ(feed(clone_copied{1}), clone_effects{});
  EXPECT_EQ(feed(clone_link_broke{1, "late"}), clone_effects{});
  EXPECT_EQ(feed(clone_step_failed{1, {task_failure::io, "late"}}), clone_effects{});
  std::ignore = feed(clone_progressed{1, 99});
  EXPECT_EQ(life.copied_bytes, 0U);
  EXPECT_EQ(feed(clone_copied{2}), (clone_effects{install_copy{true}}));
}

TEST_F(CloneLife, CancelKeepsOrDeletesWhatWasCopied) {
  std::ignore = feed(clone_looked{});
  auto copy = life;
  EXPECT_EQ(std::get<let_go>(step(copy, clone_cancelled{true, "restart"}, now).front()), let_go{true});
  const auto effects = feed(clone_cancelled{false, "dropped"});
  EXPECT_EQ(std::get<let_go>(effects.front()), let_go{false});
  EXPECT_EQ(failure(effects), (task_failed{task_failure::cancelled, "dropped"}));
}

TEST_F(CloneLife, CancelDuringInstallWaitsForItsOutcome) {
  std::ignore = feed(clone_looked{});
  std::ignore = feed(clone_snapshot{1, true, two_to_five});
  std::ignore = feed(clone_copied{1});
  EXPECT_EQ(feed(clone_cancelled{false, "too late"}), clone_effects{});
  EXPECT_TRUE(std::get<end_clone>(feed(clone_installed{here(5)}).back()).end.done());
}

TEST_F(CloneLife, IncrementalThatNoLongerFitsBecomesFull) {
  std::ignore = feed(clone_looked{here(3), {{2, 2}, {3, 3}}});
  std::ignore = feed(clone_snapshot{1, false, four_and_five});
  std::ignore = feed(clone_copied{1});
  EXPECT_EQ(feed(clone_step_failed{1, {task_failure::stale, "changed"}}), (clone_effects{let_go{false}, look_here{}}));
  EXPECT_EQ(feed(clone_looked{here(3), {{2, 2}, {3, 3}}}), (clone_effects{ask_source{2, {}}}));
  std::ignore = feed(clone_snapshot{2, true, two_to_five});
  std::ignore = feed(clone_copied{2});
  EXPECT_EQ(failure(feed(clone_step_failed{2, {task_failure::stale, "again"}})).kind, task_failure::stale);
}

TEST_F(CloneLife, InstallThatStaysBehindIsStale) {
  std::ignore = feed(clone_looked{});
  std::ignore = feed(clone_snapshot{1, true, two_to_five});
  std::ignore = feed(clone_copied{1});
  EXPECT_EQ(failure(feed(clone_installed{here(4)})).kind, task_failure::stale);
}

// -- every sequence ----------------------------------------------------------------------

/// What the outside owes the clone: exactly one answer at a time, or it could wait for ever.
enum class owed { look, snapshot, blocks, install, timer, nothing };

struct trail {
  owed waiting = owed::look;
  bool copied = false;    ///< Of the current attempt.
  bool installed = false; ///< At the version ordered.
  bool looked_done = false;
  bool let_go = false;
  int ends = 0;
};

void follow(trail& seen, const clone_effects& effects, const clone_life& life) {
  for (const auto& effect : effects) {
    ASSERT_EQ(seen.ends, 0) << "nothing happens after the end";
    std::visit(overloaded{
                 [&](const look_here&) { seen.waiting = owed::look; },
                 [&](const ask_source& e) {
                   ASSERT_EQ(e.attempt, life.attempt);
                   seen.waiting = owed::snapshot;
                   seen.copied = seen.let_go = false;
                 },
                 [&](const copy_blocks&) {
                   ASSERT_EQ(seen.waiting, owed::snapshot);
                   seen.waiting = owed::blocks;
                 },
                 [&](const install_copy&) {
                   ASSERT_TRUE(seen.copied) << "only what is wholly here may be installed";
                   seen.waiting = owed::install;
                 },
                 [&](const retry_in&) { seen.waiting = owed::timer; },
                 [&](const let_go&) { seen.let_go = true; },
                 [&](const end_clone& e) {
                   ASSERT_TRUE(seen.let_go) << "the link and the files are released first";
                   ASSERT_EQ(e.end.done(), seen.installed || seen.looked_done);
                   seen.waiting = owed::nothing;
                   ++seen.ends;
                 },
               },
               effect);
  }
  ASSERT_EQ(seen.waiting == owed::nothing, std::holds_alternative<clone_over>(life.state));
  // looking, asking, copying, installing, waiting, over
  const owed by_state[] = {owed::look, owed::snapshot, owed::blocks, owed::install, owed::timer, owed::nothing};
  ASSERT_EQ(seen.waiting, by_state[life.state.index()]) << "it waits for what nobody owes it";
}

std::vector<clone_event> alphabet(std::uint32_t attempt) {
  return {clone_looked{},
          clone_looked{here(3), {{2, 2}, {3, 3}}},
          clone_looked{here(5), two_to_five},
          clone_looked{here(5, mine, true), two_to_five},
          clone_snapshot{attempt, true, two_to_five},
          clone_snapshot{attempt, false, four_and_five},
          clone_progressed{attempt, 10},
          clone_copied{attempt},
          clone_copied{attempt - 1},
          clone_link_broke{attempt, "reset"},
          clone_link_broke{attempt - 1, "late"},
          clone_step_failed{attempt, {task_failure::stale, "changed"}},
          clone_installed{here(5)},
          clone_retry_due{},
          clone_cancelled{false, "cancelled"}};
}

void walk(const clone_life& life, const trail& seen, int depth, std::size_t& walks) {
  ++walks;
  if (depth == 0)
    return;
  for (const auto& event : alphabet(life.attempt)) {
    auto next = life;
    auto now_seen = seen;
    if (const auto* copied = std::get_if<clone_copied>(&event); copied && copied->attempt == life.attempt)
      now_seen.copied = seen.waiting == owed::blocks;
    if (const auto* looked = std::get_if<clone_looked>(&event))
      now_seen.looked_done = seen.waiting == owed::look && !life.full_wanted && looked->here && !looked->here->bad
                             && looked->here->version >= 5;
    now_seen.installed = std::holds_alternative<clone_installed>(event) && seen.waiting == owed::install;
    const auto effects = step(next, event, start);
    if (std::holds_alternative<clone_cancelled>(event) && seen.waiting == owed::install) {
      ASSERT_TRUE(effects.empty()) << "files and answer must agree";
    }
    follow(now_seen, effects, next);
    if (::testing::Test::HasFatalFailure())
      return;
    if (now_seen.ends == 0) {
      walk(next, now_seen, depth - 1, walks);
    } else {
      ASSERT_TRUE(step(next, clone_cancelled{false, "again"}, start).empty());
    }
  }
}

TEST_F(CloneLife, EverySequenceEndsAtMostOnceAndIsNeverStuck) {
  life.pace.fruitless_max = 2;
  std::size_t walks = 0;
  walk(life, {}, 6, walks);
  EXPECT_GT(walks, 500'000U);
}

} // namespace
} // namespace tabletd::model
