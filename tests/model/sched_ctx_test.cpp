#include "actors/model/sched_ctx.h"
#include "tests/model/repair_world.h"

namespace tabletd::test {
namespace {

constexpr time_ms t0 = 1'000'000s;
constexpr log_index order{41};

struct SchedCtx : testing::Test {
  repair_world world{"abcd"};
  tablet_id id = world.make("1+ 2+");
  decision d = world.decide(id);
  clone_move move = std::get<clone_move>(d.move);
  sched_ctx ctx = new_ctx(world.cat, id, d, sentence(d));

  static edit_answer yes(log_index index = order, std::uint64_t made = 777) { return {.index = index, .id = made, .message = ""}; }
  static edit_answer no(refusal why) { return {.why = why, .message = ""}; }
  static edit_answer lost(journal_failure how) { return {.failure = how, .message = "no leader"}; }
  task_end done(version v, log_index fence = order) const {
    held_replica held;
    held.tablet = id;
    held.version = v;
    return {fence, id, replica_id{777}, held, 1'000, 20, 0};
  }
  task_end failed(log_index fence = order) const {
    return failed_end(fence, id, replica_id{777}, task_failure::disk_full, "no space left on /p0");
  }
  agent_task task() const {
    return {order, clone_order{order, id, replica_id{777}, move.target.path, 10, "a", 9001, move.source_replica}};
  }
  void order_it() {
    (void) begin(ctx, t0);
    ASSERT_EQ(step(ctx, yes(), t0), (ctx_effects{ask_task{move.target.backend, task()}}));
  }
};

// -- a clone -----------------------------------------------------------------------------

TEST_F(SchedCtx, OrdersBeforeItClonesAndRecordsBeforeItReports) {
  EXPECT_EQ(begin(ctx, t0), (ctx_effects{propose{clone_ordered{id, static_cast<std::uint8_t>(tablet_health::replica_missing),
                                                                static_cast<std::uint8_t>(repair_priority::normal), move.source,
                                                                move.target, replica_id{}, 10,
                                                                order_purpose::repair, replica_id{}, ctx.why}}}));
  EXPECT_EQ(ctx.why, sentence(d)); // What the history will say.
  EXPECT_EQ(step(ctx, yes(), t0), (ctx_effects{ask_task{move.target.backend, task()}}));
  EXPECT_EQ(step(ctx, done(11), t0), (ctx_effects{propose{clone_ended{id, order, 11, ""}}}));
  EXPECT_EQ(step(ctx, yes(log_index{50}), t0), (ctx_effects{report_end{ctx_result::finished, "", 1'000, 20}}));
  EXPECT_EQ(ctx.state, ctx_state{ctx_finished{}});
}

TEST_F(SchedCtx, FillingInPlaceNamesTheReplicaAndNoPath) {
  const auto hole = world.make("1+ 2+ 3-");
  const auto fill = world.decide(hole);
  auto life = new_ctx(world.cat, hole, fill, sentence(fill));
  (void) begin(life, t0);
  const auto effects = step(life, yes(order, raw(std::get<clone_move>(fill.move).replica)), t0);
  const auto& asked = std::get<clone_order>(std::get<ask_task>(effects.at(0)).task.what);
  EXPECT_EQ(asked.replica, std::get<clone_move>(fill.move).replica);
  EXPECT_EQ(raw(asked.path), 0U);
}

TEST_F(SchedCtx, BetweenPathsOfABackendItIsAMove) {
  const auto whole = world.make("1+ 2+ 3+");
  const auto moved = world.at(whole).on(world.ids[1])->id;
  const auto d2 = decide_move(world.view(), whole, {moved, world.path(1, 0), world.path(1, 1)});
  auto life = new_ctx(world.cat, whole, d2, sentence(d2));
  const auto ordered = std::get<clone_ordered>(std::get<propose>(begin(life, t0).front()).body);
  EXPECT_EQ(ordered.purpose, order_purpose::balance);
  EXPECT_EQ(ordered.replica, moved);
  edit_answer answer = yes();
  answer.id = raw(moved);
  const agent_task wanted{order, move_order{whole, moved, world.path(1, 1).path}};
  EXPECT_EQ(step(life, answer, t0), (ctx_effects{ask_task{world.ids[1], wanted}}));
  held_replica here;
  here.version = 10;
  here.path = world.path(1, 0).path;
  auto stuck = life;
  EXPECT_EQ(step(stuck, task_end{order, whole, moved, here, 0, 5, 0}, t0),
            (ctx_effects{propose{clone_ended{whole, order, 0, "the replica is still on its old path"}}}));
  here.path = world.path(1, 1).path;
  EXPECT_EQ(step(life, task_end{order, whole, moved, here, 0, 5, 0}, t0),
            (ctx_effects{propose{clone_ended{whole, order, 10, ""}}}));
}

TEST_F(SchedCtx, ARefusedOrderEndsIt) {
  (void) begin(ctx, t0);
  EXPECT_EQ(step(ctx, no(refusal::placement_stale), t0),
            (ctx_effects{report_end{ctx_result::cancelled, "the order was refused: placement_stale", 0, 0}}));
}

TEST_F(SchedCtx, AnOrderInDoubtEndsItToo) {
  (void) begin(ctx, t0);
  const auto effects = step(ctx, lost(journal_failure::not_leader), t0);
  EXPECT_EQ(std::get<report_end>(effects.at(0)).result, ctx_result::cancelled);
}

TEST_F(SchedCtx, AFailureIsRecordedThenReportedAtOnce) {
  order_it();
  EXPECT_EQ(step(ctx, failed(), t0), (ctx_effects{propose{clone_ended{id, order, 0, "no space left on /p0"}}}));
  EXPECT_EQ(step(ctx, yes(log_index{50}), t0), (ctx_effects{report_end{ctx_result::failed, "no space left on /p0", 0, 0, task_failure::disk_full}}));
}

TEST_F(SchedCtx, ACopyThatStaysBehindIsAFailure) {
  order_it();
  EXPECT_EQ(step(ctx, done(9), t0), (ctx_effects{propose{clone_ended{id, order, 0, "the copy reached version 9 of 10"}}}));
}

TEST_F(SchedCtx, ADamagedCopyIsAFailure) {
  order_it();
  auto end = done(10);
  std::get<held_replica>(end.outcome).bad = true;
  EXPECT_EQ(std::get<clone_ended>(std::get<propose>(step(ctx, end, t0).at(0)).body).reached, 0U);
}

TEST_F(SchedCtx, LateReportOfAnotherOrderIsIgnored) {
  order_it();
  const auto before = ctx.state;
  EXPECT_TRUE(step(ctx, done(11, log_index{40}), t0).empty());
  EXPECT_TRUE(step(ctx, failed(log_index{40}), t0).empty());
  EXPECT_EQ(ctx.state, before);
}

TEST_F(SchedCtx, ASecondReportOfTheSameTaskIsIgnored) {
  order_it();
  (void) step(ctx, done(10), t0);
  EXPECT_TRUE(step(ctx, failed(), t0).empty());
  EXPECT_EQ(std::get<recording>(ctx.state).report.result, ctx_result::finished);
}

TEST_F(SchedCtx, ALostAskIsRepeatedWithTheNextTick) {
  order_it();
  EXPECT_TRUE(step(ctx, ctx_tick{}, t0 + 10s).empty());
  (void) step(ctx, task_ask_lost{order}, t0 + 11s);
  EXPECT_EQ(step(ctx, ctx_tick{}, t0 + 20s), (ctx_effects{ask_task{move.target.backend, task()}}));
  EXPECT_TRUE(step(ctx, ctx_tick{}, t0 + 30s).empty());
}

TEST_F(SchedCtx, ASilentAskIsRepeatedAfterAMinute) {
  order_it();
  EXPECT_TRUE(step(ctx, ctx_tick{}, t0 + 59s).empty());
  EXPECT_EQ(step(ctx, ctx_tick{}, t0 + 60s).size(), 1U);
  EXPECT_TRUE(step(ctx, ctx_tick{}, t0 + 61s).empty());
}

TEST_F(SchedCtx, TooLateIsRecordedAndTheBackendToldToStop) {
  order_it();
  EXPECT_EQ(std::get<cloning>(ctx.state).deadline, t0 + clone_timeout(move.bytes));
  EXPECT_EQ(step(ctx, ctx_tick{}, t0 + clone_timeout(move.bytes)),
            (ctx_effects{propose{clone_ended{id, order, 0, "the copy took too long and was given up"}}}));
  const auto effects = step(ctx, yes(log_index{60}), t0 + 1h);
  ASSERT_EQ(effects.size(), 2U);
  EXPECT_EQ(effects[0], (ctx_effect{tell_task{move.target.backend, {log_index{60}, cancel_order{order}}}}));
  EXPECT_EQ(std::get<report_end>(effects[1]).result, ctx_result::timed_out);
}

TEST_F(SchedCtx, ACopyThatIsCalledOffIsRecordedAndTheBackendToldToStop) {
  order_it();
  EXPECT_EQ(step(ctx, ctx_withdrawn{"well again"}, t0), (ctx_effects{propose{clone_ended{id, order, 0, "well again"}}}));
  EXPECT_TRUE(step(ctx, done(10), t0).empty()) << "too late";
  const auto effects = step(ctx, yes(log_index{60}), t0);
  ASSERT_EQ(effects.size(), 2U);
  EXPECT_EQ(effects[0], (ctx_effect{tell_task{move.target.backend, {log_index{60}, cancel_order{order}}}}));
  EXPECT_EQ(std::get<report_end>(effects[1]).result, ctx_result::cancelled);
}

TEST_F(SchedCtx, CalledOffBeforeItsOrderIsInTheLogNoBackendHearsOfIt) {
  (void) begin(ctx, t0);
  EXPECT_TRUE(step(ctx, ctx_withdrawn{"well again"}, t0).empty());
  EXPECT_EQ(step(ctx, yes(), t0), (ctx_effects{propose{clone_ended{id, order, 0, "well again"}}}));
  const auto effects = step(ctx, yes(log_index{60}), t0);
  ASSERT_EQ(effects.size(), 1U);
  EXPECT_EQ(std::get<report_end>(effects[0]).result, ctx_result::cancelled);
}

TEST_F(SchedCtx, AnEndTheJournalDidNotTakeIsProposedAgain) {
  order_it();
  const auto first = step(ctx, done(10), t0);
  EXPECT_TRUE(step(ctx, ctx_tick{}, t0).empty()) << "its answer is still on the way";
  EXPECT_TRUE(step(ctx, lost(journal_failure::overloaded), t0).empty());
  EXPECT_EQ(step(ctx, ctx_tick{}, t0 + 10s), first);
  EXPECT_EQ(step(ctx, yes(log_index{60}), t0 + 11s).size(), 1U);
}

TEST_F(SchedCtx, AnEndThatCameTwiceIsRefusedByNameAndReported) {
  order_it();
  (void) step(ctx, done(10), t0);
  EXPECT_EQ(step(ctx, no(refusal::order_unknown), t0),
            (ctx_effects{report_end{ctx_result::cancelled, "the end of the copy was refused: order_unknown", 0, 0}}));
}

TEST_F(SchedCtx, AnAdoptedOrderAsksForItsTaskAtOnce) {
  const auto made = world(clone_ordered{id, 1, 2, move.source, move.target, replica_id{}, 10});
  auto adopted = adopted_ctx(world.cat, *world.cat.orders.find(id));
  const auto effects = begin(adopted, t0);
  ASSERT_EQ(effects.size(), 1U);
  const auto& ask = std::get<ask_task>(effects[0]);
  EXPECT_EQ(ask.backend, move.target.backend);
  EXPECT_EQ(ask.task, (agent_task{log_index{world.index}, clone_order{log_index{world.index}, id, replica_id{made.id}, move.target.path,
                                                                      10, "a", 9001, move.source_replica}}));
  EXPECT_EQ(std::get<cloning>(adopted.state).deadline, t0 + clone_timeout(move.bytes));
  EXPECT_EQ(adopted.what.priority, repair_priority::high);
}

// -- a drop ------------------------------------------------------------------------------

struct SchedCtxDrop : SchedCtx {
  tablet_id full = world.make("1+ 2+ 3+ 4!");
  decision surplus = world.decide(full);
  drop_move drop = std::get<drop_move>(surplus.move);
  sched_ctx life = new_ctx(world.cat, full, surplus, sentence(surplus));
  agent_task drop_task{order, drop_order{full, drop.replica}};
};

TEST_F(SchedCtxDrop, TheCatalogForgetsFirstThenTheDisk) {
  EXPECT_EQ(begin(life, t0), (ctx_effects{propose{replica_dropped{full, drop.replica, drop_reason::bad,
                                                                    static_cast<std::uint8_t>(tablet_health::redundant),
                                                                    static_cast<std::uint8_t>(repair_priority::very_high),
                                                                    sentence(surplus)}}}));
  EXPECT_EQ(step(life, yes(), t0), (ctx_effects{ask_task{drop.at.backend, drop_task}}));
  EXPECT_EQ(step(life, task_end{order, full, drop.replica, held_replica{}, 0, 5, 0}, t0),
            (ctx_effects{report_end{ctx_result::finished, "", 0, 5}}));
}

TEST_F(SchedCtxDrop, IsNotCalledOff) {
  (void) begin(life, t0);
  EXPECT_TRUE(step(life, ctx_withdrawn{"never mind"}, t0).empty());
  EXPECT_EQ(step(life, yes(), t0), (ctx_effects{ask_task{drop.at.backend, drop_task}}));
  EXPECT_TRUE(step(life, ctx_withdrawn{"never mind"}, t0).empty());
}

TEST_F(SchedCtxDrop, TheLogMayRefuseTheLastCopy) {
  (void) begin(life, t0);
  EXPECT_EQ(std::get<report_end>(step(life, no(refusal::last_complete_replica), t0).at(0)).result, ctx_result::cancelled);
}

TEST_F(SchedCtxDrop, FilesThatStayAreTheNextReportsBusiness) {
  (void) begin(life, t0);
  (void) step(life, yes(), t0);
  const auto effects = step(life, failed_end(order, full, drop.replica, task_failure::unreachable, "the backend is dead"), t0);
  EXPECT_EQ(effects, (ctx_effects{report_end{ctx_result::finished, "its files are still there: the backend is dead", 0, 0}}));
}

TEST_F(SchedCtxDrop, ASilentBackendHoldsADropForAMinute) {
  (void) begin(life, t0);
  (void) step(life, yes(), t0);
  EXPECT_TRUE(step(life, ctx_tick{}, t0 + drop_timeout - 1ms).empty());
  EXPECT_EQ(std::get<report_end>(step(life, ctx_tick{}, t0 + drop_timeout).at(0)).result, ctx_result::finished);
}

TEST_F(SchedCtxDrop, ALostAskIsRepeated) {
  (void) begin(life, t0);
  (void) step(life, yes(), t0);
  (void) step(life, task_ask_lost{order}, t0);
  EXPECT_EQ(step(life, ctx_tick{}, t0 + 10s), (ctx_effects{ask_task{drop.at.backend, drop_task}}));
}

// -- all of them -------------------------------------------------------------------------

TEST(SchedCtxRules, N3Timeout) {
  EXPECT_EQ(clone_timeout(100ULL << 20U), 180s);
  EXPECT_EQ(clone_timeout(1ULL << 30U), 204s);
  EXPECT_EQ(clone_timeout(10ULL << 30U), 2'048s);
  EXPECT_EQ(clone_timeout(100ULL << 30U), 7'200s);
}

struct walk_log {
  int reports = 0;
  int orders = 0;  ///< Orders proposed.
  int ended = 0;   ///< Ends of clones proposed.
  int asks = 0;
  bool ordered = false;
};

/// Every event sequence of length 6 out of eight kinds (262,144 walks): the context ends at most once,
/// reports exactly then, is silent afterwards, and never speaks to a backend before the log.
void walk_all(const sched_ctx& start, const SchedCtx& with, bool adopted) {
  constexpr int kinds = 8;
  constexpr int length = 6;
  std::size_t walks = 1;
  for (int i = 0; i < length; ++i)
    walks *= kinds;
  std::size_t finished_walks = 0;
  for (std::size_t code = 0; code < walks; ++code) {
    auto ctx = start;
    walk_log log{.ordered = adopted};
    time_ms now = t0;
    auto effects = begin(ctx, now);
    const auto account = [&] {
      for (const auto& effect : effects)
        std::visit(overloaded{
                     [&](const propose& e) {
                       if (std::holds_alternative<clone_ended>(e.body))
                         ++log.ended;
                       else
                         ++log.orders;
                     },
                     [&](const ask_task&) {
                       ASSERT_TRUE(log.ordered) << "a task before its order was committed";
                       ++log.asks;
                     },
                     [&](const tell_task&) { ASSERT_TRUE(log.ordered); },
                     [&](const report_end&) { ++log.reports; },
                   },
                   effect);
    };
    account();
    for (std::size_t i = 0, rest = code; i < length; ++i, rest /= kinds) {
      const bool was_over = std::holds_alternative<ctx_finished>(ctx.state);
      const bool was_ordering = std::holds_alternative<ordering>(ctx.state);
      switch (rest % kinds) {
        case 0:
          log.ordered |= was_ordering;
          effects = step(ctx, SchedCtx::yes(), now);
          break;
        case 1: effects = step(ctx, SchedCtx::no(refusal::order_unknown), now); break;
        case 2: effects = step(ctx, SchedCtx::lost(journal_failure::overloaded), now); break;
        case 3: effects = step(ctx, with.done(10), now); break;
        case 4: effects = step(ctx, with.failed(), now); break;
        case 5: effects = step(ctx, with.done(10, log_index{7}), now); break; // Of another order.
        case 6: effects = step(ctx, task_ask_lost{order}, now); break;
        default:
          now += 100s;
          effects = step(ctx, ctx_tick{}, now);
      }
      account();
      ASSERT_FALSE(testing::Test::HasFatalFailure()) << "walk " << code;
      if (was_over) {
        ASSERT_TRUE(effects.empty()) << "walk " << code;
      }
      ASSERT_EQ(log.reports, std::holds_alternative<ctx_finished>(ctx.state) ? 1 : 0) << "walk " << code;
      ASSERT_LE(log.orders, 1) << "walk " << code;
    }
    finished_walks += log.reports > 0 ? 1 : 0;
  }
  EXPECT_GT(finished_walks, walks / 3);
}

TEST_F(SchedCtx, EveryWalkOfACloneFinishesOnceAndThenIsSilent) { walk_all(ctx, *this, false); }

TEST_F(SchedCtxDrop, EveryWalkOfADropFinishesOnceAndThenIsSilent) { walk_all(life, *this, false); }

TEST_F(SchedCtx, EveryWalkOfAnAdoptedCloneFinishesOnceAndThenIsSilent) {
  auto adopted = ctx;
  adopted.state = cloning{task(), {}, {}};
  walk_all(adopted, *this, true);
}

} // namespace
} // namespace tabletd::test
