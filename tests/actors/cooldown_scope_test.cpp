// Who is looked after, and who is told what; the rest of the leader's shell is in cooldown_overseer_test.cpp.
#include "tests/actors/cooldown_world.h"

namespace tabletd::test {
namespace {

using edits = std::vector<edit_body>;
struct CooldownScope : cooldown_world {};

// -- who is told -----------------------------------------------------------------------------

TEST_F(CooldownScope, ALostPushComesAgainWithTheNextReport) {
  appoint_A();
  report({{B, 0}});
  EXPECT_EQ(take_told(), "B:A@1 ttl 3600000");
  report({{B, 1}});
  EXPECT_EQ(take_told(), "") << "it knows";
  publish(A, 1, meta(1, 1));
  take_told();
  report({{B, 1}});
  EXPECT_EQ(take_told(), "B:A@1/1 ttl 3600000");
}

TEST_F(CooldownScope, ABackendThatLinksAnewIsToldEverythingAgain) {
  appoint_A();
  caf::anon_send(links->overseer, backend_linked{b2});
  settle();
  EXPECT_EQ(take_told(), "B:A@1 ttl 3600000");
}

TEST_F(CooldownScope, APolicyThatChangesIsToldAndOneThatIsTakenAwayToo) {
  appoint_A();
  happen(storage_policy_altered{policy, cold, cooldown_datetime{5'000ms}});
  EXPECT_EQ(take_told(), "A:A@1 datetime 5000, B:A@1 datetime 5000, C:A@1 datetime 5000");
  happen(resource_altered{cold, {{"root", "/mnt/other"}}});
  ASSERT_EQ(links->orders[b1].size(), 1u);
  EXPECT_EQ(links->orders[b1].front().stores, std::to_string(raw(cold)) + " root=/mnt/other");
  EXPECT_EQ(links->orders[b1].front().resource, cold);
  EXPECT_EQ(links->orders[b1].front().lease_ms, 1'800'000u);
  take_told();
  happen(storage_policy_set{t, {}, {}});
  ASSERT_EQ(links->orders[b1].size(), 1u);
  EXPECT_EQ(links->orders[b1].front().resource, resource_id{});
  EXPECT_EQ(take_told(), "A:A@1 never, B:A@1 never, C:A@1 never") << "it has a conf and is looked after still";
  EXPECT_EQ(board->rows(10).size(), 1u);
}

TEST_F(CooldownScope, WhatNeverHadAGrantIsNotLookedAfterWithoutAPolicy) {
  under_policy();
  start();
  link_all();
  EXPECT_EQ(board->rows(10).size(), 1u);
  happen(storage_policy_set{t, {}, {}});
  EXPECT_EQ(take_told(), "A:-@0 never, B:-@0 never, C:-@0 never");
  EXPECT_TRUE(board->rows(10).empty());
  report({{B, 0}});
  EXPECT_EQ(take_told(), "B:-@0 never") << "that push was lost";
  EXPECT_EQ(take_acks(), "");
  EXPECT_TRUE(take_proposed().empty());
  happen(storage_policy_set{t, w.cat.tables.find(t)->partitions.front().id, policy});
  EXPECT_EQ(take_told(), "A:-@0 ttl 3600000, B:-@0 ttl 3600000, C:-@0 ttl 3600000");
  EXPECT_EQ(board->rows(10).size(), 1u);
}

TEST_F(CooldownScope, AUselessGrantDoesNotFillTheLog) {
  appoint_A();
  happen(storage_policy_set{t, {}, {}});
  pass_seconds(4'000);
  EXPECT_TRUE(take_proposed().empty()) << "nothing is remote and nothing cools";
}

TEST_F(CooldownScope, ADroppedTabletIsForgotten) {
  appoint_A();
  happen(table_dropped{t});
  EXPECT_TRUE(board->rows(10).empty());
  EXPECT_EQ(take_told(), "");
  report({{A, 1}});
  EXPECT_EQ(take_acks(), "");
  publish(A, 1, meta(1, 1));
  EXPECT_NE(take_verdict().find("is not looked after"), std::string::npos);
  pass_seconds(100);
  EXPECT_TRUE(take_proposed().empty());
}

TEST_F(CooldownScope, ATableBornUnderAPolicyIsLookedAfterAtOnce) {
  start();
  link_all();
  EXPECT_TRUE(board->rows(10).empty());
  table_created e{db, "born", 1, '\t', 1, {}, {{"a", {}, {{w.first_path(b2)}}, policy}}};
  happen(e);
  EXPECT_EQ(board->rows(10).size(), 1u);
  ASSERT_EQ(links->orders[b2].size(), 1u);
  EXPECT_EQ(links->orders[b2].front().rule, "ttl 3600000");
}

TEST_F(CooldownScope, AReplicaThatCameByACloneIsTold) {
  appoint_A();
  happen(clone_ordered{tablet, 1, 1, w.first_path(b2), w.first_path(b4), {}, w.visible(t)});
  links->orders.clear();
  happen(clone_ended{tablet, w.cat.orders.find(tablet)->order, 1, ""});
  ASSERT_EQ(links->orders[b4].size(), 1u) << "it is there now";
  EXPECT_EQ(links->orders[b4].front().conf.uploader, A);
}

TEST_F(CooldownScope, ALoadTellsNobodyAnything) {
  appoint_A();
  EXPECT_TRUE(w.load(t, {b1, b2, b3}).ok());
  happen(load_begun{t, "another"});
  EXPECT_EQ(take_told(), "");
}

// -- what is to be seen ----------------------------------------------------------------------

TEST_F(CooldownScope, TheBoardShowsThePhaseAndCountsConflicts) {
  appoint_A();
  report({{A, 1, 1, {}, {}, cooldown_phase::uploading}});
  ASSERT_EQ(board->rows(10).size(), 1u);
  EXPECT_EQ(board->rows(10).front().second.phase, cooldown_phase::uploading);
  EXPECT_EQ(board->tablets_by_phase()[static_cast<std::size_t>(cooldown_phase::uploading)], 1u);
  EXPECT_EQ(board->conflicts, 0u);
  report({{B, 1, 1, {}, {}, cooldown_phase::uploading}});
  EXPECT_EQ(board->conflicts, 1u);
}

} // namespace
} // namespace tabletd::test
