// A move's life: the walks by name, and every sequence of events beside a world in which loads
// go on as long as the gate is open.
#include "actors/model/move_life.h"
#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

constexpr log_index fence{40};
constexpr tablet_id t1{1};
constexpr replica_id mine{11};
constexpr path_hash from{0xa};
constexpr path_hash to{0xb};
constexpr time_ms start{1'000};

held_replica on(path_hash path, replica_id replica = mine, bool bad = false) {
  held_replica held;
  held.tablet = t1;
  held.replica = replica;
  held.path = path;
  held.version = held.max_version = 5;
  held.bad = bad;
  return held;
}

struct MoveLife : ::testing::Test {
  move_life life;
  time_ms now = start;
  void SetUp() override {
    life.fence = fence;
    life.order = {t1, mine, to};
    life.pace = {100, 3};
    EXPECT_EQ(begin(life, now), (move_effects{look_for_replica{}}));
  }
  move_effects feed(const move_event& event) { return step(life, event, now); }
  static task_failed failure(const move_effects& effects) {
    return std::get<task_failed>(std::get<end_move>(effects.back()).end.outcome);
  }
};

TEST_F(MoveLife, CopiesWhileLoadsGoOnThenTheRestAlone) {
  EXPECT_EQ(feed(move_looked{on(from)}), (move_effects{list_rest{}}));
  EXPECT_EQ(feed(move_listed{7, 5'000}), (move_effects{copy_rest{}}));
  EXPECT_EQ(feed(move_progressed{3'000}), move_effects{});
  EXPECT_EQ(feed(move_progressed{2'000}), move_effects{});
  EXPECT_EQ(feed(move_copied{}), (move_effects{list_rest{}}));
  EXPECT_EQ(feed(move_listed{1, 100}), (move_effects{shut_gate{}})) << "little enough to be waited for";
  EXPECT_EQ(feed(move_alone{}), (move_effects{list_rest{}}));
  EXPECT_EQ(feed(move_listed{1, 100}), (move_effects{copy_rest{}}));
  EXPECT_EQ(feed(move_progressed{100}), move_effects{});
  EXPECT_EQ(feed(move_copied{}), (move_effects{switch_paths{}}));
  now += time_ms{50};
  EXPECT_EQ(feed(move_switched{on(to)}),
            (move_effects{leave_move{}, end_move{{fence, t1, mine, on(to), 5'100, 50, 0}}}));
}

TEST_F(MoveLife, AnEmptyTabletIsSwitchedAtOnce) {
  std::ignore = feed(move_looked{on(from)});
  EXPECT_EQ(feed(move_listed{}), (move_effects{shut_gate{}}));
  EXPECT_EQ(feed(move_alone{}), (move_effects{list_rest{}}));
  EXPECT_EQ(feed(move_listed{}), (move_effects{switch_paths{}}));
}

TEST_F(MoveLife, AGateThatCameTooLateIsOpenedForAnotherRound) {
  std::ignore = feed(move_looked{on(from)});
  std::ignore = feed(move_listed{});
  std::ignore = feed(move_alone{});
  EXPECT_EQ(feed(move_listed{1, 5'000}), (move_effects{open_gate{}, copy_rest{}}));
  EXPECT_EQ(feed(move_copied{}), (move_effects{list_rest{}})) << "loads went on meanwhile";
}

TEST_F(MoveLife, LoadsThatNeverPauseAreMadeToWaitInTheEnd) {
  std::ignore = feed(move_looked{on(from)});
  for (std::uint32_t round = 0; round < life.pace.rounds_max; ++round) {
    ASSERT_EQ(feed(move_listed{1, 5'000}), (move_effects{copy_rest{}}));
    ASSERT_EQ(feed(move_copied{}), (move_effects{list_rest{}}));
  }
  EXPECT_EQ(feed(move_listed{1, 5'000}), (move_effects{shut_gate{}}));
  std::ignore = feed(move_alone{});
  EXPECT_EQ(feed(move_listed{1, 5'000}), (move_effects{copy_rest{}})) << "under the gate";
  EXPECT_EQ(feed(move_copied{}), (move_effects{switch_paths{}}));
}

TEST_F(MoveLife, WhatIsThereAlreadyIsDoneAtOnce) {
  EXPECT_EQ(feed(move_looked{on(to)}), (move_effects{leave_move{}, end_move{{fence, t1, mine, on(to), 0, 0, 0}}}));
}

TEST_F(MoveLife, NothingHereOtherReplicaOrDamage) {
  for (const auto& [here, kind] : {std::pair{std::optional<held_replica>{}, task_failure::stale},
                                   std::pair{std::optional{on(from, replica_id{99})}, task_failure::stale},
                                   std::pair{std::optional{on(to, replica_id{99})}, task_failure::stale},
                                   std::pair{std::optional{on(from, mine, true)}, task_failure::source_corrupt}}) {
    auto copy = life;
    EXPECT_EQ(failure(step(copy, move_looked{here}, now)).kind, kind);
  }
}

TEST_F(MoveLife, CancelKeepsOrDeletesWhatWasCopied) {
  std::ignore = feed(move_looked{on(from)});
  std::ignore = feed(move_listed{7, 5'000});
  auto copy = life;
  EXPECT_EQ(step(copy, move_cancelled{true, "restart"}, now).front(), move_effect{leave_move{true}});
  const auto effects = feed(move_cancelled{false, "dropped"});
  EXPECT_EQ(effects.front(), move_effect{leave_move{false}});
  EXPECT_EQ(failure(effects), (task_failed{task_failure::cancelled, "dropped"}));
}

TEST_F(MoveLife, CancelDuringTheSwitchWaitsForItsOutcome) {
  std::ignore = feed(move_looked{on(from)});
  std::ignore = feed(move_listed{});
  std::ignore = feed(move_alone{});
  std::ignore = feed(move_listed{});
  EXPECT_EQ(feed(move_cancelled{false, "too late"}), move_effects{});
  EXPECT_TRUE(std::get<end_move>(feed(move_switched{on(to)}).back()).end.done());
}

TEST_F(MoveLife, AFailedSwitchLeavesTheOriginal) {
  std::ignore = feed(move_looked{on(from)});
  std::ignore = feed(move_listed{});
  std::ignore = feed(move_alone{});
  std::ignore = feed(move_listed{});
  EXPECT_EQ(failure(feed(move_failed{{task_failure::disk_full, "/disk1 is full"}})),
            (task_failed{task_failure::disk_full, "/disk1 is full"}));
}

// -- every sequence ----------------------------------------------------------------------

/// What the outside owes the move: exactly one answer at a time, or it could wait for ever.
enum class owed { look, list, copy, gate, outcome, nothing };

/// A tablet that is being loaded, and what the move was told to do about it.
struct world {
  owed waiting = owed::look;
  int rowsets = 1;  ///< At the source.
  int listed = 0;   ///< Of them, when they were listed last.
  int copied = 0;
  bool gate_shut = false;
  bool switched = false;
  bool was_there = false;
  bool left = false;
  int ends = 0;
};

void follow(world& seen, const move_effects& effects, const move_life& life) {
  for (const auto& effect : effects) {
    ASSERT_EQ(seen.ends, 0) << "nothing happens after the end";
    std::visit(overloaded{
                 [&](const look_for_replica&) { seen.waiting = owed::look; },
                 [&](const list_rest&) { seen.waiting = owed::list; },
                 [&](const copy_rest&) { seen.waiting = owed::copy; },
                 [&](const shut_gate&) {
                   ASSERT_FALSE(seen.gate_shut);
                   seen.waiting = owed::gate;
                 },
                 [&](const open_gate&) {
                   ASSERT_TRUE(seen.gate_shut);
                   seen.gate_shut = false;
                 },
                 [&](const switch_paths&) {
                   ASSERT_TRUE(seen.gate_shut) << "a load could fall between the paths";
                   ASSERT_EQ(seen.copied, seen.rowsets) << "only what is wholly there may be switched to";
                   seen.waiting = owed::outcome;
                 },
                 [&](const leave_move&) {
                   seen.gate_shut = false;
                   seen.left = true;
                 },
                 [&](const end_move& e) {
                   ASSERT_TRUE(seen.left) << "gate and files are released first";
                   ASSERT_EQ(e.end.done(), seen.switched || seen.was_there);
                   seen.waiting = owed::nothing;
                   ++seen.ends;
                 },
               },
               effect);
  }
  // looking, listing, copying, shutting, switching, over
  const owed by_state[] = {owed::look, owed::list, owed::copy, owed::gate, owed::outcome, owed::nothing};
  ASSERT_EQ(seen.waiting, by_state[life.state.index()]) << "it waits for what nobody owes it";
}

void walk(const move_life& life, const world& seen, int depth, std::size_t& walks);

void go(const move_life& life, world seen, const move_event& event, int depth, std::size_t& walks) {
  auto next = life;
  const auto effects = step(next, event, start);
  if (std::holds_alternative<move_cancelled>(event) && seen.waiting == owed::outcome) {
    ASSERT_TRUE(effects.empty()) << "files and answer must agree";
  }
  follow(seen, effects, next);
  if (!::testing::Test::HasFatalFailure())
    walk(next, seen, depth - 1, walks);
}

/// What may come next: the answer that is owed, in every shape, a load, a cancel, a failure.
void walk(const move_life& life, const world& seen, int depth, std::size_t& walks) {
  ++walks;
  if (depth == 0 || ::testing::Test::HasFatalFailure())
    return;
  auto after = seen;
  if (!seen.gate_shut && seen.rowsets < 4 && seen.ends == 0) {
    ++after.rowsets;
    walk(life, after, depth - 1, walks); // A load; nobody tells the move.
    after = seen;
  }
  switch (seen.waiting) {
    case owed::look:
      for (const auto& here : {std::optional<held_replica>{}, std::optional{on(from)}, std::optional{on(to)}}) {
        after.was_there = here && here->path == to;
        go(life, after, move_looked{here}, depth, walks);
      }
      break;
    case owed::list:
      after.listed = seen.rowsets;
      for (const std::uint64_t each : {1, 1'000}) {
        const auto rest = static_cast<std::uint64_t>(seen.rowsets - seen.copied);
        go(life, after, move_listed{rest, rest * each}, depth, walks);
      }
      break;
    case owed::copy:
      go(life, after, move_progressed{10}, depth, walks);
      after.copied = seen.listed;
      go(life, after, move_copied{}, depth, walks);
      break;
    case owed::gate:
      after.gate_shut = true;
      go(life, after, move_alone{}, depth, walks);
      break;
    case owed::outcome:
      after.switched = true;
      go(life, after, move_switched{on(to)}, depth, walks);
      break;
    case owed::nothing:
      break;
  }
  go(life, seen, move_failed{{task_failure::io, "the disk failed"}}, depth, walks);
  go(life, seen, move_cancelled{false, "cancelled"}, depth, walks);
}

TEST_F(MoveLife, EverySequenceSwitchesOnlyWhatIsWholeAndEndsOnce) {
  life.pace = {1, 2};
  std::size_t walks = 0;
  walk(life, {}, 12, walks);
  EXPECT_GT(walks, 100'000U);
}

/// However fast loads are, so many answers end it.
TEST_F(MoveLife, ConvergesUnderLoadsThatNeverPause) {
  std::ignore = feed(move_looked{on(from)});
  int answers = 0;
  while (!std::holds_alternative<move_over>(life.state)) {
    ASSERT_LT(++answers, 30);
    move_event next = move_listed{1, 1'000'000};
    if (std::holds_alternative<move_copying>(life.state))
      next = move_copied{};
    else if (std::holds_alternative<move_shutting>(life.state))
      next = move_alone{};
    else if (std::holds_alternative<move_switching>(life.state))
      next = move_switched{on(to)};
    std::ignore = feed(next);
  }
}

} // namespace
} // namespace tabletd::model
