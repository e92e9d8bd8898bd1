// The fold of saved plans: what is kept, what is refused, what makes one stale, and how the plan
// being applied follows what happens to its replicas.
#include "actors/model/plan_rules.h"
#include "tests/model/catalog_fixture.h"

namespace tabletd::test {
namespace {

struct SavedPlan : CatalogTest {
  table_id t = w.make_table(db, {b1, b2, b3}, 3);

  saved_move move(std::uint32_t bucket, backend_id from, backend_id to) {
    return {w.bucket(t, bucket).id, w.on(t, from, bucket).id, w.first_path(from), w.first_path(to), 500};
  }
  plan_saved rebalance(const std::string& name = "p") {
    return {name, plan_kind::rebalance, {}, cat.applied, {move(0, b1, b4), move(1, b1, b4), move(2, b2, b4)}};
  }
  plan_saved leaving(backend_id who, const std::string& name = "d") {
    return {name, plan_kind::decommission, who, cat.applied, {move(0, who, b4), move(1, who, b4), move(2, who, b4)}};
  }
  const saved_plan& plan(const std::string& name = "p") { return *cat.plans.find(name); }
  move_state state(std::uint32_t number, const std::string& name = "p") { return state_of(cat, plan(name), number); }
  std::string why_skipped(std::uint32_t number, const std::string& name = "p") {
    const auto* outcome = plan(name).outcomes.find(number);
    return outcome && !outcome->done ? outcome->why : "";
  }
  std::vector<model::partition> parts() { return cat.tables.find(t)->partitions; }

  /// A whole balance move: ordered, copied, the old one dropped.
  log_index order(const saved_move& m) {
    EXPECT_TRUE(w(clone_ordered{m.tablet, 0, 0, m.source, m.target, {}, 1, order_purpose::balance, m.replica, "x"}).ok());
    return log_index{w.index};
  }
  void copied(const saved_move& m, log_index order) { EXPECT_TRUE(w(clone_ended{m.tablet, order, 1, ""}).ok()); }
  void gone(const saved_move& m) { EXPECT_TRUE(w(replica_dropped{m.tablet, m.replica, drop_reason::moved}).ok()); }
  void make(const saved_move& m) {
    copied(m, order(m));
    gone(m);
  }
};

// -- keeping -----------------------------------------------------------------------------

TEST_F(SavedPlan, IsKeptWithWhatIsNeededToJudgeItAgain) {
  w.now = 7s;
  const auto saved = rebalance();
  ASSERT_TRUE(w(saved).ok());
  EXPECT_EQ(plan().moves(), saved.moves);
  EXPECT_EQ(plan().content->bytes, 1'500U);
  EXPECT_EQ(plan().content->tables, std::vector{t});
  EXPECT_EQ(plan().epoch, saved.epoch);
  EXPECT_EQ(plan().created, 7s);
  EXPECT_EQ(plan().state, plan_state::saved);
  EXPECT_EQ(state(0), move_state::planned);
  EXPECT_TRUE(cat.planned.empty()) << "nothing is applied";
}

TEST_F(SavedPlan, ANameIsTakenOnceAndFreeAgainWhenDropped) {
  ASSERT_TRUE(w(rebalance()).ok());
  EXPECT_EQ(why(rebalance()), refusal::plan_already_exists);
  EXPECT_EQ(why(plan_dropped{"q"}), refusal::plan_unknown);
  EXPECT_EQ(why(plan_dropped{"p"}), refusal::none);
  EXPECT_EQ(why(rebalance()), refusal::none);
}

TEST_F(SavedPlan, SixteenAreKeptOfTenThousandMovesEach) {
  for (std::size_t n = 0; n < plans_max; ++n)
    ASSERT_TRUE(w(rebalance("p" + std::to_string(n))).ok());
  EXPECT_EQ(why(rebalance("one more")), refusal::plans_too_many);
  ASSERT_TRUE(w(plan_dropped{"p0"}).ok());
  auto big = rebalance("big");
  big.moves.resize(plan_moves_max, big.moves.front());
  EXPECT_EQ(why(big), refusal::none);
  ASSERT_TRUE(w(plan_dropped{"big"}).ok());
  big.moves.push_back(big.moves.front());
  big.epoch = cat.applied;
  const auto judged = w(big);
  EXPECT_EQ(judged.why, refusal::plan_too_large);
  EXPECT_EQ(judged.id, plan_moves_max);
}

TEST_F(SavedPlan, WhatNobodyCanHavePlannedIsRefused) {
  const auto refused = [&](auto&& change) {
    auto saved = leaving(b1);
    change(saved);
    return why(saved);
  };
  EXPECT_EQ(refused([](plan_saved& e) { e.moves.clear(); }), refusal::plan_unsound);
  EXPECT_EQ(refused([](plan_saved& e) { e.name.clear(); }), refusal::plan_unsound);
  EXPECT_EQ(refused([&](plan_saved& e) { e.epoch = log_index{w.index + 5}; }), refusal::plan_unsound);
  EXPECT_EQ(refused([](plan_saved& e) { e.backend = {}; }), refusal::plan_unsound);
  EXPECT_EQ(refused([](plan_saved& e) { e.backend = backend_id{77}; }), refusal::plan_unsound);
  EXPECT_EQ(refused([](plan_saved& e) { e.kind = plan_kind::rebalance; }), refusal::plan_unsound);
  EXPECT_EQ(refused([](plan_saved& e) { e.moves[1].target = e.moves[1].source; }), refusal::plan_unsound);
  EXPECT_EQ(refused([](plan_saved& e) { e.moves[1].target.backend = backend_id{77}; }), refusal::plan_unsound);
  EXPECT_EQ(refused([](plan_saved& e) { e.moves[1].replica = {}; }), refusal::plan_unsound);
  EXPECT_EQ(refused([](plan_saved& e) { e.moves[1].tablet = tablet_id{77}; }), refusal::plan_stale);
  EXPECT_EQ(refused([](plan_saved&) {}), refusal::none);
}

// -- staleness ---------------------------------------------------------------------------

TEST_F(SavedPlan, BackendsThatCameOrWentMakeItStale) {
  const auto said = [&](edit_body change) {
    EXPECT_TRUE(w(rebalance()).ok());
    EXPECT_EQ(why_stale(cat, plan()), "");
    EXPECT_TRUE(w(std::move(change)).ok());
    EXPECT_EQ(why(plan_applied{"p"}), refusal::plan_stale);
    EXPECT_TRUE(cat.planned.empty());
    const auto text = why_stale(cat, plan());
    EXPECT_TRUE(w(plan_dropped{"p"}).ok());
    return text;
  };
  const auto named = [](std::uint64_t id, int n) { return "backend " + std::to_string(id) + " (h" + std::to_string(n) + ":9000) "; };
  const auto next = cat.next_id;
  EXPECT_EQ(said(backend_added{"h9", 9000}), named(next, 9) + "was added");
  const auto ninth = cat.find_backend("h9", 9000)->id;
  EXPECT_EQ(said(backend_decommission{ninth, true}), named(raw(ninth), 9) + "began to be decommissioned");
  EXPECT_EQ(said(backend_decommission{ninth, false}), named(raw(ninth), 9) + "was kept from being decommissioned");
  EXPECT_EQ(said(backend_modified{b2, "west", ""}), named(raw(b2), 2) + "was given another cluster or location");
  EXPECT_EQ(said(backend_modified{b2, "west", "rack:a"}), named(raw(b2), 2) + "was given another cluster or location");
  EXPECT_EQ(said(backend_dropped{ninth}), named(raw(ninth), 9) + "was dropped");
}

TEST_F(SavedPlan, ChangesOfItsOwnTablesMakeItStale) {
  const auto other = w.make_table(db, {b1, b2}, 1, 2, "items");
  const auto change = [&](edit_body what) {
    EXPECT_TRUE(w(rebalance()).ok());
    EXPECT_TRUE(w(std::move(what)).ok());
    const auto refused = why(plan_applied{"p"});
    EXPECT_EQ(refused == refusal::plan_stale, !why_stale(cat, plan()).empty());
    const auto text = why_stale(cat, plan());
    EXPECT_TRUE(w(plan_dropped{"p"}).ok());
    return text;
  };
  const auto of_orders = "a partition of table shop.orders was added, changed or dropped";
  const new_partition more{"more", {}, {{w.first_path(b1)}, {w.first_path(b2)}, {w.first_path(b3)}}};
  EXPECT_EQ(change(partition_added{t, more}), of_orders);
  EXPECT_EQ(change(partition_modified{t, parts().back().id, medium::ssd}), of_orders);
  EXPECT_EQ(change(partition_dropped{t, parts().back().id}), of_orders);
  EXPECT_EQ(change(partition_added{other, {"more", {}, {{w.first_path(b1)}}}}), "") << "another table's are its own affair";
  EXPECT_EQ(change(table_dropped{other}), "");
  EXPECT_EQ(change(table_dropped{t}), "table " + std::to_string(raw(t)) + " was dropped");
}

TEST_F(SavedPlan, LifeAndDeathDoNotMakeItStale) {
  ASSERT_TRUE(w(rebalance()).ok());
  ASSERT_TRUE(w(backend_died{b3}).ok());
  ASSERT_TRUE(w(catalog_world::returned(b3, 3)).ok());
  ASSERT_TRUE(w(backend_died{b2}).ok());
  ASSERT_TRUE(w.load(t, {b1, b3}).ok());
  EXPECT_EQ(why(plan_applied{"p"}), refusal::none);
}

TEST_F(SavedPlan, OneThatWasStaleBeforeItCameIsNotKept) {
  auto late = rebalance();
  ASSERT_TRUE(w(backend_added{"h9", 9000}).ok());
  EXPECT_EQ(why(late), refusal::plan_stale);
  late = rebalance();
  ASSERT_TRUE(w(partition_modified{t, parts().front().id, medium::ssd}).ok());
  EXPECT_EQ(why(late), refusal::plan_stale);
}

// -- applying ----------------------------------------------------------------------------

TEST_F(SavedPlan, IsAppliedOnceAndOneAtATime) {
  EXPECT_EQ(why(plan_applied{"p"}), refusal::plan_unknown);
  ASSERT_TRUE(w(rebalance()).ok());
  ASSERT_TRUE(w(rebalance("q")).ok());
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  EXPECT_EQ(plan().state, plan_state::applying);
  EXPECT_EQ(plan_under_way(cat).name, "p");
  EXPECT_EQ(cat.planned.size(), 3U);
  EXPECT_EQ(why(plan_applied{"p"}), refusal::plan_applied_before);
  EXPECT_EQ(why(plan_applied{"q"}), refusal::plan_under_way);
  ASSERT_TRUE(w(plan_dropped{"p"}).ok());
  EXPECT_TRUE(cat.planned.empty());
  EXPECT_EQ(why(plan_applied{"q"}), refusal::none);
}

TEST_F(SavedPlan, ALossIsKeptButNotApplied) {
  auto loss = leaving(b1);
  loss.kind = plan_kind::loss;
  ASSERT_TRUE(w(loss).ok());
  EXPECT_EQ(why(plan_applied{"d"}), refusal::plan_not_to_apply);
}

TEST_F(SavedPlan, ADecommissionBeginsInTheSameStep) {
  ASSERT_TRUE(w(leaving(b1)).ok());
  ASSERT_TRUE(w(leaving(b2, "other")).ok());
  const auto applied = w(plan_applied{"d"});
  ASSERT_TRUE(applied.ok());
  EXPECT_TRUE(cat.backends.find(b1)->decommissioned);
  EXPECT_EQ(applied.touched_backend, b1) << "the checker looks at its tablets";
  EXPECT_NE(why_stale(cat, plan("other")), "");
}

TEST_F(SavedPlan, ADecommissionThatCannotEndIsRefusedAsByAlterSystem) {
  ASSERT_TRUE(w(leaving(b1)).ok());
  ASSERT_TRUE(w(backend_died{b4}).ok());
  EXPECT_EQ(why(plan_applied{"d"}), refusal::backend_needed);
  EXPECT_FALSE(cat.backends.find(b1)->decommissioned);
  ASSERT_TRUE(w(catalog_world::returned(b4, 4)).ok());
  EXPECT_EQ(why(plan_applied{"d"}), refusal::none);
}

TEST_F(SavedPlan, AMoveRunsFromItsOrderUntilTheOldReplicaHasGone) {
  ASSERT_TRUE(w(rebalance()).ok());
  const auto moves = plan().moves();
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  EXPECT_EQ(state(0), move_state::planned);
  const auto ordered = order(moves[0]);
  EXPECT_EQ(state(0), move_state::running);
  copied(moves[0], ordered);
  EXPECT_EQ(state(0), move_state::running);
  gone(moves[0]);
  EXPECT_EQ(state(0), move_state::done);
  EXPECT_EQ(plan().done, 1U);
  EXPECT_EQ(cat.planned.size(), 2U);
  make(moves[1]);
  EXPECT_EQ(plan().state, plan_state::applying);
  make(moves[2]);
  EXPECT_EQ(plan().state, plan_state::done);
  EXPECT_EQ(plan().done, 3U);
  EXPECT_TRUE(cat.planned.empty());
  EXPECT_EQ(why(plan_applied{"p"}), refusal::plan_applied_before);
}

TEST_F(SavedPlan, ACopyThatFailedLeavesItsMovePlanned) {
  ASSERT_TRUE(w(rebalance()).ok());
  const auto first = plan().moves()[0];
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  const auto ordered = order(first);
  ASSERT_TRUE(w(clone_ended{first.tablet, ordered, 0, "disk full"}).ok());
  EXPECT_EQ(state(0), move_state::planned);
  EXPECT_EQ(cat.planned.size(), 3U);
}

TEST_F(SavedPlan, BetweenPathsTheReplicaStaysAndIsDoneWhenItIsThere) {
  auto inside = rebalance();
  inside.moves = {move(0, b1, b4)};
  inside.moves[0].target = {b1, cat.backends.find(b1)->paths[1].hash};
  const auto m = inside.moves[0];
  ASSERT_TRUE(w(inside).ok());
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  ASSERT_TRUE(w(clone_ordered{m.tablet, 0, 0, m.source, m.target, m.replica, 1, order_purpose::balance, {}, "x"}).ok());
  EXPECT_EQ(state(0), move_state::running);
  ASSERT_TRUE(w(clone_ended{m.tablet, log_index{w.index}, 1, ""}).ok());
  EXPECT_EQ(plan().state, plan_state::done);
  EXPECT_EQ(state(0), move_state::done);
}

TEST_F(SavedPlan, AReplicaThatWentElsewhereIsSkipped) {
  ASSERT_TRUE(w(rebalance()).ok());
  const auto first = plan().moves()[0];
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  ASSERT_TRUE(w(replica_dropped{first.tablet, first.replica, drop_reason::bad}).ok());
  EXPECT_EQ(state(0), move_state::skipped);
  EXPECT_EQ(why_skipped(0), "the replica it is about has gone without it");
  EXPECT_EQ(plan().done, 0U);
  EXPECT_EQ(plan().skipped(), 1U);
}

TEST_F(SavedPlan, WhatHappenedBeforeItIsAppliedCounts) {
  ASSERT_TRUE(w(rebalance()).ok());
  const auto moves = plan().moves();
  make(moves[0]);
  ASSERT_TRUE(w(replica_dropped{moves[1].tablet, moves[1].replica, drop_reason::bad}).ok());
  EXPECT_EQ(state(0), move_state::planned) << "only what is applied has a state";
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  EXPECT_EQ(state(0), move_state::done);
  EXPECT_EQ(state(1), move_state::skipped);
  EXPECT_EQ(state(2), move_state::planned);
}

TEST_F(SavedPlan, TablesDroppedMeanwhileAreSkipped) {
  ASSERT_TRUE(w(rebalance()).ok());
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  ASSERT_TRUE(w(table_dropped{t}).ok());
  EXPECT_EQ(plan().state, plan_state::done);
  for (std::uint32_t n = 0; n < 3; ++n)
    EXPECT_EQ(why_skipped(n), "its table or partition was dropped");
}

TEST_F(SavedPlan, ADecommissionCalledOffSkipsTheRest) {
  ASSERT_TRUE(w(leaving(b1)).ok());
  const auto moves = plan("d").moves();
  ASSERT_TRUE(w(plan_applied{"d"}).ok());
  ASSERT_TRUE(w(clone_ordered{moves[0].tablet, 0, 0, w.first_path(b2), moves[0].target, {}, 1}).ok());
  ASSERT_TRUE(w(clone_ended{moves[0].tablet, log_index{w.index}, 1, ""}).ok());
  gone(moves[0]);
  ASSERT_TRUE(w(backend_decommission{b1, false}).ok());
  EXPECT_EQ(plan("d").state, plan_state::done);
  EXPECT_EQ(plan("d").done, 1U);
  EXPECT_EQ(why_skipped(1, "d"), "the decommission was called off");
}

TEST_F(SavedPlan, WhatTheLeaderSkipsIsRememberedOnce) {
  EXPECT_EQ(why(plan_moves_skipped{"p", {{0, "x"}}}), refusal::plan_unknown);
  ASSERT_TRUE(w(rebalance()).ok());
  EXPECT_EQ(why(plan_moves_skipped{"p", {{0, "x"}}}), refusal::plan_unknown) << "it is not applied";
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  EXPECT_EQ(why(plan_moves_skipped{"p", {{1, ""}}}), refusal::plan_unsound) << "why is not said";
  ASSERT_TRUE(w(plan_moves_skipped{"p", {{1, "its target is full"}, {99, "nonsense"}}}).ok());
  EXPECT_EQ(why_skipped(1), "its target is full");
  ASSERT_TRUE(w(plan_moves_skipped{"p", {{1, "said again"}}}).ok());
  EXPECT_EQ(why_skipped(1), "its target is full");
  ASSERT_TRUE(w(plan_moves_skipped{"p", {{0, "a"}, {2, "b"}}}).ok());
  EXPECT_EQ(plan().state, plan_state::done);
  EXPECT_EQ(plan().skipped(), 3U);
  EXPECT_EQ(why(plan_moves_skipped{"p", {{0, "late"}}}), refusal::none);
}

TEST_F(SavedPlan, TwoMovesOfOneTabletAreTwo) {
  auto twice = rebalance();
  const auto b5 = w.live_backend(5);
  twice.epoch = cat.applied;
  twice.moves = {move(0, b1, b4), move(0, b2, b5)};
  ASSERT_TRUE(w(twice).ok());
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  make(twice.moves[0]);
  EXPECT_EQ(state(0), move_state::done);
  EXPECT_EQ(state(1), move_state::planned);
  make(twice.moves[1]);
  EXPECT_EQ(plan().state, plan_state::done);
}

TEST_F(SavedPlan, OnlyAReplicaThatHasToLeaveHasAPlannedTarget) {
  ASSERT_TRUE(w(leaving(b1)).ok());
  EXPECT_EQ(planned_target(cat, w.bucket(t)), std::nullopt) << "nothing is applied";
  ASSERT_TRUE(w(plan_applied{"d"}).ok());
  EXPECT_EQ(planned_target(cat, w.bucket(t)), w.first_path(b4));
  ASSERT_TRUE(w(clone_ordered{w.bucket(t).id, 0, 0, w.first_path(b2), w.first_path(b4), {}, 1}).ok());
  EXPECT_EQ(planned_target(cat, w.bucket(t)), std::nullopt) << "it is there already";
  ASSERT_TRUE(w(plan_dropped{"d"}).ok());
  ASSERT_TRUE(w(backend_decommission{b1, false}).ok());
  ASSERT_TRUE(w(clone_ended{w.bucket(t).id, log_index{w.index - 2}, 0, "off"}).ok());
  ASSERT_TRUE(w(rebalance()).ok());
  ASSERT_TRUE(w(plan_applied{"p"}).ok());
  EXPECT_EQ(planned_target(cat, w.bucket(t)), std::nullopt) << "balance moves it, not repair";
}

} // namespace
} // namespace tabletd::test
