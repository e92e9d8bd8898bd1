// Each fence once: by name, and with every interleaving of orders, disks, clones and stamps.
#include "actors/model/task_book.h"
#include <gtest/gtest.h>
#include <algorithm>

namespace tabletd::model {
namespace {

constexpr path_hash p1{0xa};

agent_task create(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica) {
  return {log_index{fence}, create_order{tablet_id{tablet}, replica_id{replica}, p1}};
}
agent_task clone(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica) {
  clone_order order;
  order.fence = log_index{fence};
  order.tablet = tablet_id{tablet};
  order.replica = replica_id{replica};
  order.path = p1;
  return {log_index{fence}, order};
}
agent_task drop(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica) {
  return {log_index{fence}, drop_order{tablet_id{tablet}, replica_id{replica}}};
}
agent_task cancel(std::uint64_t fence, std::uint64_t target) {
  return {log_index{fence}, cancel_order{log_index{target}}};
}

agent_task move(std::uint64_t fence, std::uint64_t tablet, std::uint64_t replica) {
  return {log_index{fence}, move_order{tablet_id{tablet}, replica_id{replica}, p1}};
}

task_end done(std::uint64_t fence, std::uint64_t tablet = 1) {
  task_end end;
  end.fence = log_index{fence};
  end.tablet = tablet_id{tablet};
  end.outcome = held_replica{};
  return end;
}
task_end stopped(std::uint64_t fence, std::uint64_t tablet = 1) {
  return failed_end(log_index{fence}, tablet_id{tablet}, {}, task_failure::cancelled, "stopped");
}

start_clone starts(const agent_task& task) { return {std::get<clone_order>(task.what)}; }
start_move moves(const agent_task& task) { return {task.fence, std::get<move_order>(task.what)}; }

struct TaskBook : ::testing::Test {
  task_book book;
  book_effects submit(const agent_task& task) { return step(book, task_submitted{task, p1}); }
  book_effects finished(task_end end) { return step(book, task_finished{std::move(end)}); }
  book_effects stamped(task_end end) { return step(book, task_stamped{std::move(end)}); }
  /// The failure of the single stamp_end in `effects`.
  static task_failed failure(const book_effects& effects) {
    for (const auto& effect : effects)
      if (const auto* stamp = std::get_if<stamp_end>(&effect))
        return std::get<task_failed>(stamp->end.outcome);
    return {};
  }
};

TEST_F(TaskBook, SeenTwiceIsDoneOnceAndAnsweredFromMemory) {
  EXPECT_EQ(submit(create(5, 1, 10)), (book_effects{run_on_disk{create(5, 1, 10)}}));
  EXPECT_EQ(submit(create(5, 1, 10)), book_effects{}) << "joined";
  EXPECT_EQ(finished(done(5)), (book_effects{stamp_end{done(5)}}));
  auto with_stamp = done(5);
  with_stamp.stamp = 77;
  EXPECT_EQ(stamped(with_stamp), book_effects{});
  EXPECT_EQ(submit(create(5, 1, 10)), (book_effects{answer_again{with_stamp}}));
}

TEST_F(TaskBook, AskedAgainWhileTheAnswerIsOnTheWayIsAnsweredAgain) {
  std::ignore = submit(create(5, 1, 10));
  std::ignore = finished(done(5));
  EXPECT_EQ(submit(create(5, 1, 10)), book_effects{});
  EXPECT_EQ(stamped(done(5)), (book_effects{answer_again{done(5)}})) << "the first may have missed this asker";
}

TEST_F(TaskBook, MemoryIsBounded) {
  book.limits.remembered_max = 2;
  for (std::uint64_t fence = 1; fence <= 3; ++fence) {
    std::ignore = submit(create(fence, fence, 10));
    std::ignore = finished(done(fence, fence));
    std::ignore = stamped(done(fence, fence));
  }
  EXPECT_EQ(submit(create(1, 1, 10)), (book_effects{run_on_disk{create(1, 1, 10)}})) << "forgotten: done again";
  EXPECT_EQ(submit(create(3, 3, 10)), (book_effects{answer_again{done(3, 3)}}));
}

TEST_F(TaskBook, ClonesPerPathAreLimited) {
  book.limits.clones_per_path_max = 2;
  EXPECT_EQ(submit(clone(1, 1, 10)), (book_effects{starts(clone(1, 1, 10))}));
  EXPECT_EQ(submit(clone(2, 2, 20)), (book_effects{starts(clone(2, 2, 20))}));
  EXPECT_EQ(submit(clone(3, 3, 30)), book_effects{});
  EXPECT_EQ(finished(done(1)), (book_effects{stamp_end{done(1)}, starts(clone(3, 3, 30))}));
}

TEST_F(TaskBook, NewerCloneOfATabletTakesOver) {
  std::ignore = submit(clone(1, 1, 10));
  EXPECT_EQ(submit(clone(2, 1, 11)), (book_effects{stop_copy{log_index{1}, false}}));
  EXPECT_EQ(finished(stopped(1)), (book_effects{stamp_end{stopped(1)}, starts(clone(2, 1, 11))}));
}

TEST_F(TaskBook, OlderCloneThatArrivesLateIsStale) {
  std::ignore = submit(clone(2, 1, 11));
  EXPECT_EQ(failure(submit(clone(1, 1, 10))).kind, task_failure::stale);
}

TEST_F(TaskBook, AMoveIsACopyLikeAClone) {
  book.limits.clones_per_path_max = 1;
  EXPECT_EQ(submit(move(1, 1, 10)), (book_effects{moves(move(1, 1, 10))}));
  EXPECT_EQ(submit(clone(2, 2, 20)), book_effects{}) << "its path has one slot";
  EXPECT_EQ(submit(move(3, 3, 30)), book_effects{});
  EXPECT_EQ(submit(cancel(3, 3)), (book_effects{stamp_end{failed_end(log_index{3}, tablet_id{3}, replica_id{30},
                                                                     task_failure::cancelled, "the leader gave it up")}}));
  EXPECT_EQ(finished(done(1)), (book_effects{stamp_end{done(1)}, starts(clone(2, 2, 20))}));
}

TEST_F(TaskBook, MovesAndClonesOfOneTabletTakeOverFromEachOther) {
  std::ignore = submit(move(2, 1, 10));
  EXPECT_NE(failure(submit(clone(1, 1, 10))).message.find("move 2"), std::string::npos);
  EXPECT_EQ(submit(clone(3, 1, 10)), (book_effects{stop_copy{log_index{2}, false}}));
  EXPECT_EQ(finished(stopped(2)), (book_effects{stamp_end{stopped(2)}, starts(clone(3, 1, 10))}));
  EXPECT_EQ(submit(move(4, 1, 10)), (book_effects{stop_copy{log_index{3}, false}}));
}

TEST_F(TaskBook, ADropWaitsForTheMoveOfItsReplicaAndADrainKeepsItsFiles) {
  std::ignore = submit(move(1, 1, 10));
  EXPECT_EQ(submit(drop(2, 1, 10)), (book_effects{stop_copy{log_index{1}, false}}));
  EXPECT_EQ(finished(done(1)), (book_effects{stamp_end{done(1)}, run_on_disk{drop(2, 1, 10)}}))
    << "it was switching already; the drop finds the replica where it is now";
  std::ignore = submit(move(3, 2, 20));
  EXPECT_EQ(step(book, drain_asked{}), (book_effects{stop_copy{log_index{3}, true}}));
}

TEST_F(TaskBook, DropWaitsUntilTheCloneItUndoesHasLetGo) {
  std::ignore = submit(clone(1, 1, 10));
  EXPECT_EQ(submit(drop(2, 1, 10)), (book_effects{stop_copy{log_index{1}, false}}));
  EXPECT_EQ(finished(stopped(1)), (book_effects{stamp_end{stopped(1)}, run_on_disk{drop(2, 1, 10)}}));
}

TEST_F(TaskBook, DropOfAnotherReplicaLeavesTheCloneAlone) {
  std::ignore = submit(clone(1, 1, 10));
  EXPECT_EQ(submit(drop(2, 1, 9)), (book_effects{run_on_disk{drop(2, 1, 9)}}));
}

TEST_F(TaskBook, TasksOfOneOrderShareItsFenceButNotTheirLives) {
  // The creates of one CREATE TABLE carry one log index.
  EXPECT_EQ(submit(create(5, 1, 10)), (book_effects{run_on_disk{create(5, 1, 10)}}));
  EXPECT_EQ(submit(create(5, 2, 11)), (book_effects{run_on_disk{create(5, 2, 11)}}));
  EXPECT_EQ(finished(done(5, 2)), (book_effects{stamp_end{done(5, 2)}}));
  EXPECT_EQ(stamped(done(5, 2)), book_effects{});
  EXPECT_EQ(submit(create(5, 2, 11)), (book_effects{answer_again{done(5, 2)}}));
  EXPECT_EQ(submit(create(5, 1, 10)), book_effects{}) << "still running";
}

TEST_F(TaskBook, CancelUnderTheClonesOwnFenceHasNoAnswerOfItsOwn) {
  std::ignore = submit(clone(1, 1, 10));
  EXPECT_EQ(submit(cancel(1, 1)), (book_effects{stop_copy{log_index{1}, false}}));
  EXPECT_EQ(submit(cancel(1, 1)), book_effects{}) << "stopping already";
  EXPECT_EQ(finished(stopped(1)), (book_effects{stamp_end{stopped(1)}}));
}

TEST_F(TaskBook, CancelUnderAnotherFenceIsAnsweredItself) {
  std::ignore = submit(clone(1, 1, 10));
  const auto effects = submit(cancel(2, 1));
  ASSERT_EQ(effects.size(), 2U);
  EXPECT_EQ(effects[0], book_effect{(stop_copy{log_index{1}, false})});
  EXPECT_TRUE(std::get<stamp_end>(effects[1]).end.done());
}

TEST_F(TaskBook, CancelOfWhatNeverRanIsAnswered) {
  EXPECT_EQ(failure(submit(cancel(1, 1))).kind, task_failure::cancelled);
  EXPECT_EQ(submit(clone(1, 1, 10)), book_effects{}) << "given up before it came";
}

TEST_F(TaskBook, CancelOfAWaitingCloneNeverStartsIt) {
  book.limits.clones_per_path_max = 1;
  std::ignore = submit(clone(1, 1, 10));
  std::ignore = submit(clone(2, 2, 20));
  EXPECT_EQ(failure(submit(cancel(2, 2))).kind, task_failure::cancelled);
  EXPECT_EQ(finished(done(1)), (book_effects{stamp_end{done(1)}}));
}

TEST_F(TaskBook, DrainKeepsPartialFilesAndIsQuietWhenAllHasEnded) {
  std::ignore = submit(clone(1, 1, 10));
  std::ignore = submit(create(2, 2, 20));
  EXPECT_EQ(step(book, drain_asked{}), (book_effects{stop_copy{log_index{1}, true}}));
  EXPECT_EQ(submit(create(3, 3, 30)), book_effects{}) << "no new work";
  EXPECT_EQ(finished(stopped(1)), book_effects{}) << "the leader will order it again";
  EXPECT_EQ(finished(done(2, 2)), (book_effects{stamp_end{done(2, 2)}}));
  EXPECT_EQ(stamped(done(2, 2)), (book_effects{all_quiet{}}));
}

TEST_F(TaskBook, DrainOfNothingIsQuietAtOnce) {
  EXPECT_EQ(step(book, drain_asked{}), (book_effects{all_quiet{}}));
  EXPECT_EQ(step(book, drain_asked{}), book_effects{}) << "said once";
}

// -- every interleaving ------------------------------------------------------------------

/// Everything around the book: what it started, and what it was told.
struct outside {
  std::vector<agent_task> orders;        ///< Not sent yet; any may be sent next, or again.
  std::vector<log_index> sent;
  std::map<log_index, agent_task> disk;  ///< Running.
  std::map<log_index, held_ref> copies;  ///< Clones and moves, running.
  std::set<log_index> stopping;
  std::vector<task_end> unstamped;
  std::map<log_index, int> answered;
  std::set<log_index> ran;
};

void take(outside& world, const book_effects& effects, std::uint32_t copies_max) {
  const auto start = [&](log_index fence, held_ref what) {
    ASSERT_TRUE(world.ran.insert(fence).second) << "done twice";
    for (const auto& [other, copy] : world.copies)
      ASSERT_NE(copy.tablet, what.tablet) << "two copies of one tablet";
    world.copies.emplace(fence, what);
    ASSERT_LE(world.copies.size(), copies_max);
  };
  for (const auto& effect : effects)
    std::visit(overloaded{
                 [&](const run_on_disk& e) {
                   ASSERT_TRUE(world.ran.insert(e.task.fence).second) << "done twice";
                   const auto* undo = std::get_if<drop_order>(&e.task.what);
                   for (const auto& [fence, copy] : world.copies) {
                     ASSERT_FALSE(undo && copy == (held_ref{undo->tablet, undo->replica}))
                       << "dropped under a running copy";
                   }
                   world.disk.emplace(e.task.fence, e.task);
                 },
                 [&](const start_clone& e) { start(e.order.fence, {e.order.tablet, e.order.replica}); },
                 [&](const start_move& e) { start(e.fence, {e.order.tablet, e.order.replica}); },
                 [&](const stop_copy& e) {
                   ASSERT_TRUE(world.copies.contains(e.fence));
                   ASSERT_TRUE(world.stopping.insert(e.fence).second) << "stopped twice";
                 },
                 [&](const stamp_end& e) { world.unstamped.push_back(e.end); },
                 [&](const answer_again& e) { ASSERT_GT(world.answered[e.end.fence], 0); },
                 [&](const all_quiet&) {},
               },
               effect);
}

void settle(task_book book, outside world) {
  // Let everything that runs end: then every order has been answered exactly once.
  for (int steps = 0; steps < 100 && !::testing::Test::HasFatalFailure(); ++steps) {
    if (!world.unstamped.empty()) {
      const auto end = world.unstamped.back();
      world.unstamped.pop_back();
      ++world.answered[end.fence];
      take(world, step(book, task_stamped{end}), 1);
    } else if (!world.disk.empty()) {
      const auto [fence, tablet] = key_of(world.disk.begin()->second);
      world.disk.erase(fence);
      take(world, step(book, task_finished{done(raw(fence), raw(tablet))}), 1);
    } else if (!world.copies.empty()) {
      const auto fence = world.copies.begin()->first;
      const auto tablet = raw(world.copies.begin()->second.tablet);
      const bool given_up = world.stopping.contains(fence);
      world.copies.erase(fence);
      take(world, step(book, task_finished{given_up ? stopped(raw(fence), tablet) : done(raw(fence), tablet)}), 1);
    } else {
      break;
    }
  }
  ASSERT_TRUE(book.open.empty()) << "stuck";
  ASSERT_TRUE(book.copies.empty());
  for (const auto& [path, copying] : book.copying)
    ASSERT_EQ(copying, 0U) << "a slot leaked";
  for (const auto fence : world.sent)
    ASSERT_EQ(world.answered[fence], 1) << "fence " << raw(fence);
}

void walk(const task_book& book, const outside& world, int depth, std::size_t& walks) {
  ++walks;
  settle(book, world);
  if (depth == 0 || ::testing::Test::HasFatalFailure())
    return;
  const auto go = [&](const book_event& event, outside after) {
    auto next = book;
    take(after, step(next, event), 1);
    if (!::testing::Test::HasFatalFailure())
      walk(next, after, depth - 1, walks);
  };
  for (const auto& order : world.orders) {
    auto after = world;
    if (std::ranges::find(after.sent, order.fence) == after.sent.end())
      after.sent.push_back(order.fence);
    go(task_submitted{order, p1}, after);
  }
  for (const auto& [fence, task] : world.disk) {
    auto after = world;
    after.disk.erase(fence);
    go(task_finished{done(raw(fence), raw(key_of(task).tablet))}, after);
  }
  for (const auto& [fence, copy] : world.copies)
    for (const bool as_told : {false, true}) {
      auto after = world;
      after.copies.erase(fence);
      const auto tablet = raw(copy.tablet);
      go(task_finished{as_told && world.stopping.contains(fence) ? stopped(raw(fence), tablet) : done(raw(fence), tablet)},
         after);
    }
  for (std::size_t i = 0; i < world.unstamped.size(); ++i) {
    auto after = world;
    const auto end = after.unstamped[i];
    after.unstamped.erase(after.unstamped.begin() + static_cast<std::ptrdiff_t>(i));
    ++after.answered[end.fence];
    go(task_stamped{end}, after);
  }
}

TEST_F(TaskBook, EveryInterleavingAnswersEveryOrderOnce) {
  book.limits.clones_per_path_max = 1;
  outside world;
  world.orders = {create(1, 3, 30), clone(2, 1, 10), clone(4, 1, 11), clone(5, 2, 20),
                  drop(6, 1, 10),   cancel(2, 2),    cancel(8, 5)};
  std::size_t walks = 0;
  walk(book, world, 5, walks);
  EXPECT_GT(walks, 20'000U);
}

TEST_F(TaskBook, EveryInterleavingWithMovesAnswersEveryOrderOnce) {
  book.limits.clones_per_path_max = 1;
  outside world;
  world.orders = {move(2, 1, 10), clone(4, 1, 10), move(5, 2, 20), drop(6, 1, 10), cancel(2, 2), cancel(8, 5)};
  std::size_t walks = 0;
  walk(book, world, 5, walks);
  EXPECT_GT(walks, 15'000U);
}

} // namespace
} // namespace tabletd::model
