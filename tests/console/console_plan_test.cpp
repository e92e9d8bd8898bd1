// Plans that are kept: every statement about them, and every way it is refused.
#include "actors/model/plan_rules.h"
#include "tests/console/session_world.h"

namespace tabletd {
namespace {

using namespace std::chrono_literals;
using model::raw;

struct ConsolePlan : test::session_world {
  model::table_id orders{};
  /// shop.orders: 8 tablets of 2 replicas on 3 backends; the fourth came later and is empty.
  void SetUp() override {
    world.database("shop");
    world.add_backends(3);
    orders = world.table("shop", "orders", 8, 2);
    world.add_backends(1);
    session_world::SetUp();
  }
  const model::saved_plan& plan(const std::string& name) { return *world.cat.plans.find(name); }
  /// One copied replica per move: what the scheduler would have done.
  void make(const model::saved_move& m) {
    world.fold(model::clone_ordered{m.tablet, 0, 0, m.source, m.target, {}, 1});
    world.fold(model::clone_ended{m.tablet, model::log_index{world.index}, 1, ""});
    world.fold(model::replica_dropped{m.tablet, m.replica, model::drop_reason::moved});
    publish_world();
  }
  std::string row_of(const std::string& table, const std::string& beginning) {
    const auto at = table.find('\n' + beginning);
    return at == std::string::npos ? "" : table.substr(at + 1, table.find('\n', at + 1) - at - 1);
  }
};

const std::string plans_head = "Name|Kind|BackendId|Created|Epoch|Moves|Bytes|Done|Skipped|State|Message\n";

TEST_F(ConsolePlan, IsKeptShownAppliedAndDropped) {
  EXPECT_EQ(run("SHOW PLANS"), plans_head);
  const auto epoch = raw(world.cat.applied);
  EXPECT_EQ(run("PLAN REBALANCE SAVE AS 'friday'"), "done kept plan friday: 4 moves, 0 bytes (4)\n");
  EXPECT_EQ(run("SHOW PLANS"),
            plans_head + fmt::format("friday|REBALANCE|-1|@1732000000000|{}|4|0|0|0|SAVED|\n", epoch));
  EXPECT_EQ(run("APPLY PLAN 'friday'"), "done applying plan friday: 4 moves before what balance finds itself (4)\n");
  const auto moves = plan("friday").moves();
  make(moves[0]);
  world.fold(model::clone_ordered{moves[1].tablet, 0, 0, moves[1].source, moves[1].target, {}, 1});
  world.fold(model::plan_moves_skipped{"friday", {{2, "its target is on fire"}}});
  publish_world();
  const auto line = [&](std::size_t n, const char* state) {
    const auto& m = moves[n];
    return fmt::format("{}|{}|{}|{}|{}|{}|{}|0|{}\n", n, raw(m.tablet), raw(m.replica), raw(m.source.backend),
                       raw(m.source.path), raw(m.target.backend), raw(m.target.path), state);
  };
  EXPECT_EQ(run("SHOW PLAN 'friday'"),
            "Move|TabletId|ReplicaId|SrcBe|SrcPath|DestBe|DestPath|Bytes|State|Reason\n" + line(0, "DONE|")
                + line(1, "RUNNING|") + line(2, "SKIPPED|its target is on fire") + line(3, "PLANNED|"));
  EXPECT_EQ(row_of(run("SHOW PLANS"), "friday"),
            fmt::format("friday|REBALANCE|-1|@1732000000000|{}|4|0|1|1|APPLYING|SHOW PLAN 'friday' says why moves were skipped", epoch));
  EXPECT_EQ(run("DROP PLAN 'friday'"), "done dropped plan friday: 2 moves not made (1)\n");
  EXPECT_TRUE(world.cat.plans.all().empty());
  EXPECT_TRUE(world.cat.planned.empty());
}

TEST_F(ConsolePlan, WhatIsKeptIsWhatPlanShows) {
  const auto shown = run("PLAN DECOMMISSION BACKEND 'h1:9060'");
  run("PLAN DECOMMISSION BACKEND 'h1:9060' SAVE AS 'out'");
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = shown.find("\nMOVE|", at)) != std::string::npos; ++at)
    ++lines;
  ASSERT_EQ(plan("out").moves().size(), lines);
  for (const auto& m : plan("out").moves())
    EXPECT_NE(shown.find(fmt::format("MOVE|{}|{}|{}|{}|{}|", raw(m.tablet), raw(m.source.backend), raw(m.source.path),
                                     raw(m.target.backend), raw(m.target.path))),
              std::string::npos);
}

TEST_F(ConsolePlan, ADecommissionIsAppliedWithItsPlan) {
  EXPECT_EQ(run("PLAN DECOMMISSION BACKEND 'h1:9060' SAVE AS 'out'"), "done kept plan out: 5 moves, 0 bytes (5)\n");
  EXPECT_EQ(run("APPLY PLAN 'out'"),
            fmt::format("done applying plan out: decommissioning backend {}, 5 moves (5)\n", described(0)));
  EXPECT_TRUE(world.cat.backends.find(world.order[0])->decommissioned);
  EXPECT_EQ(run("DROP PLAN 'out'"),
            fmt::format("done dropped plan out: 5 moves not made; backend {} is decommissioned nevertheless (1)\n",
                        described(0)));
}

TEST_F(ConsolePlan, ALossIsKeptToBeReadOnly) {
  EXPECT_EQ(run("PLAN LOSE BACKEND 'h2:9060' SAVE AS 'what if'").find("error [4]"), 0U) << "a name is no sentence";
  EXPECT_EQ(run("PLAN LOSE BACKEND 'h2:9060' SAVE AS 'what-if'"), "done kept plan what-if: 6 moves, 0 bytes (6)\n");
  EXPECT_NE(run("SHOW PLANS").find(fmt::format("what-if|LOSE|{}|", raw(world.order[1]))), std::string::npos);
  EXPECT_NE(run("SHOW PLANS").find("|SAVED|nothing to apply: repair does it by itself\n"), std::string::npos);
  EXPECT_EQ(run("APPLY PLAN 'what-if'"),
            "error [5] plan what-if is about a loss, and nothing of it is to apply | when the backend is lost, repair "
            "does it by itself; SHOW PLAN 'what-if' shows what\n");
}

TEST_F(ConsolePlan, NamesAreKnownOrHinted) {
  EXPECT_EQ(run("APPLY PLAN 'friday'"), "error [2] there is no plan friday | SHOW PLANS lists them\n");
  run("PLAN REBALANCE SAVE AS 'friday'");
  EXPECT_EQ(run("APPLY PLAN 'fridoy'"), "error [2] there is no plan fridoy | did you mean friday?\n");
  EXPECT_EQ(run("SHOW PLAN 'fridoy'"), "error [2] there is no plan fridoy | did you mean friday?\n");
  EXPECT_EQ(run("DROP PLAN 'fridoy'"), "error [2] there is no plan fridoy | did you mean friday?\n");
  EXPECT_EQ(run("PLAN DECOMMISSION BACKEND 'h1:9060' SAVE AS 'friday'"),
            "error [3] a plan friday is kept already | take another name, or DROP PLAN 'friday' first\n");
  EXPECT_EQ(run("PLAN LOSE BACKEND 'h9:9060' SAVE AS 'x'"), "error [2] there is no backend h9:9060 | did you mean h1:9060?\n");
}

TEST_F(ConsolePlan, AStalePlanSaysWhatChangedAndHowToPlanAgain) {
  run("PLAN DECOMMISSION BACKEND 'h1:9060' SAVE AS 'out'");
  run("PLAN REBALANCE SAVE AS 'friday'");
  run("ALTER SYSTEM ADD BACKEND \"n:1\"");
  const auto added = fmt::format("backend {} (n:1) was added since it was computed", raw(world.cat.find_backend("n", 1)->id));
  EXPECT_EQ(run("APPLY PLAN 'out'"),
            "error [5] plan out does not hold any more: " + added
                + " | plan again: DROP PLAN 'out', then PLAN DECOMMISSION BACKEND \"h1:9060\" SAVE AS 'out'\n");
  EXPECT_EQ(run("APPLY PLAN 'friday'"),
            "error [5] plan friday does not hold any more: " + added
                + " | plan again: DROP PLAN 'friday', then PLAN REBALANCE SAVE AS 'friday'\n");
  EXPECT_NE(run("SHOW PLANS").find("|SAVED|stale: " + added + "; plan again\n"), std::string::npos);
  EXPECT_FALSE(world.cat.backends.find(world.order[0])->decommissioned);
}

TEST_F(ConsolePlan, OneIsAppliedOnceAndOneAtATime) {
  run("PLAN REBALANCE SAVE AS 'a'");
  run("PLAN REBALANCE SAVE AS 'b'");
  run("APPLY PLAN 'a'");
  EXPECT_EQ(run("APPLY PLAN 'b'"),
            "error [6] plan a is being applied, and one is at a time | wait until SHOW PLANS says DONE, or DROP PLAN 'a'\n");
  EXPECT_EQ(run("APPLY PLAN 'a'"),
            "error [5] plan a was applied before: 0 of 4 moves done, 0 skipped | PLAN REBALANCE SAVE AS another name plans "
            "what is left\n");
  EXPECT_EQ(run("DROP PLAN 'b'"), "done dropped plan b (1)\n");
}

TEST_F(ConsolePlan, ADecommissionThatCannotEndIsRefusedAsByAlterSystem) {
  run("PLAN DECOMMISSION BACKEND 'h1:9060' SAVE AS 'out'");
  world.fold(model::backend_died{world.order[2]});
  world.fold(model::backend_died{world.order[3]});
  publish_world();
  const auto refusal = run("ALTER SYSTEM DECOMMISSION BACKEND 'h1:9060'");
  EXPECT_NE(refusal.find("cannot leave"), std::string::npos) << refusal;
  EXPECT_EQ(run("APPLY PLAN 'out'"), refusal);
}

TEST_F(ConsolePlan, NothingToMoveIsNothingToKeep) {
  EXPECT_EQ(run("PLAN DECOMMISSION BACKEND 'h4:9060' SAVE AS 'x'"),
            "error [5] the plan has no moves: there is nothing to keep | nothing has to be moved\n");
  run("ADMIN SET FRONTEND CONFIG (\"disable_balance\"=\"true\")");
  EXPECT_EQ(run("PLAN REBALANCE SAVE AS 'x'"),
            "error [5] the plan has no moves: there is nothing to keep | PLAN REBALANCE says what stands in the way\n");
}

TEST_F(ConsolePlan, SixteenAreKept) {
  for (std::size_t n = 0; n < model::plans_max; ++n)
    run(fmt::format("PLAN REBALANCE SAVE AS 'p{}'", n));
  EXPECT_EQ(run("PLAN REBALANCE SAVE AS 'more'"),
            "error [13] keeping plan more failed: 16 plans are kept already | SHOW PLANS lists them; DROP PLAN one first\n");
}

TEST_F(ConsolePlan, WhatTheFoldRefusesMeanwhileIsSaidToo) {
  run("PLAN REBALANCE SAVE AS 'a'");
  journal_holds = true;
  const auto slot = send("APPLY PLAN 'a'");
  world.fold(model::backend_modified{world.order[3], "blue", ""});
  release();
  ASSERT_TRUE(*slot);
  EXPECT_EQ(test::shown((*slot)->get().getResult()),
            "error [5] applying plan a failed: backends or its tables have changed since it was computed | plan again: "
            "PLAN ... SAVE AS another name\n");
}

TEST_F(ConsolePlan, AReaderMayLookButNotTouch) {
  run("PLAN REBALANCE SAVE AS 'a'");
  EXPECT_EQ(run("PLAN REBALANCE", false).find("error"), std::string::npos);
  EXPECT_EQ(run("SHOW PLANS", false).find("error"), std::string::npos);
  EXPECT_EQ(run("SHOW PLAN 'a'", false).find("error"), std::string::npos);
  for (const auto* statement : {"PLAN REBALANCE SAVE AS 'b'", "APPLY PLAN 'a'", "DROP PLAN 'a'"})
    EXPECT_NE(run(statement, false).find("this session may only read"), std::string::npos) << statement;
}

} // namespace
} // namespace tabletd
