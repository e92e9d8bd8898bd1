// What operators ask of cooldown, through the overseer: data that is hurried, and data that is recalled.
#include "tests/actors/cooldown_world.h"

namespace tabletd::test {
namespace {

using edits = std::vector<edit_body>;

struct CooldownOverseerRecall : cooldown_world {};

TEST_F(CooldownOverseerRecall, WhatIsHurriedIsToldByVersion) {
  appoint_A();
  happen(cooldown_hurried{t, {w.cat.tables.find(t)->partitions.front().id}});
  EXPECT_EQ(take_told(), "A:A@1 ttl 3600000 through 1, B:A@1 ttl 3600000 through 1, C:A@1 ttl 3600000 through 1");
}

TEST_F(CooldownOverseerRecall, ARecallIsToldPublishedAndFollowedHome) {
  appoint_A();
  publish(A, 1, meta(1, 1));
  take_verdict();
  happen(storage_policy_set{t, {}, {}});
  const resource_id warm{w(resource_created{"warm", resource_type::file, {{"root", "/mnt/warm"}}}).id};
  take_told();
  publish(A, 1, nothing_remote({1, 2}));
  EXPECT_EQ(take_verdict(), "termUnknown") << "nobody has recalled it, by this catalog";
  happen(cooldown_recalled{t, {w.cat.tables.find(t)->partitions.front().id}});
  EXPECT_EQ(links->orders[b1].front().stores,
            std::to_string(raw(cold)) + " root=/mnt/cold; " + std::to_string(raw(warm)) + " root=/mnt/warm");
  EXPECT_EQ(take_told(), "A:A@1/1 never recall, B:A@1/1 never recall, C:A@1/1 never recall");
  take_proposed();
  publish(A, 1, nothing_remote({1, 2}));
  EXPECT_EQ(take_verdict(), "accepted");
  EXPECT_EQ(take_proposed(), (edits{cooldown_published{tablet, A, nothing_remote({1, 2})}}));
  ASSERT_EQ(links->orders[b2].size(), 1u);
  EXPECT_EQ(links->orders[b2].front().conf.recalled, (remote_meta_id{1, 2}));
  for (const auto r : {A, B})
    report({{r, 1, 1, {1, 2}, {1, 2}}});
  report({{C, 1, 1, {1, 2}, {1, 1}}});
  EXPECT_EQ(board->rows(10).front().second.phase, cooldown_phase::recalling);
  EXPECT_EQ(board->tablets_by_phase()[static_cast<std::size_t>(cooldown_phase::recalling)], 1u);
  confirm(A, 1, {1, 2});
  EXPECT_EQ(take_deletion().substr(0, 3), "no:") << "C reads there still";
  report({{C, 1, 1, {1, 2}, {1, 2}}});
  EXPECT_EQ(board->rows(10).front().second.phase, cooldown_phase::waiting);
  confirm(A, 1, {1, 2});
  EXPECT_EQ(take_deletion(), "yes");
  // A policy again: it begins anew, and who has been away still learns that he has to come home first.
  take_told();
  happen(storage_policy_set{t, {}, policy});
  EXPECT_EQ(take_told(), "A:A@1/2 ttl 3600000, B:A@1/2 ttl 3600000, C:A@1/2 ttl 3600000");
  publish(A, 1, nothing_remote({1, 3}));
  EXPECT_EQ(take_verdict(), "termUnknown");
  publish(A, 1, meta(1, 3));
  EXPECT_EQ(take_verdict(), "accepted");
  EXPECT_EQ(links->orders[b3].front().conf.recalled, (remote_meta_id{1, 2}));
}

}  // namespace
}  // namespace tabletd::test
