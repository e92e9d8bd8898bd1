// Who may give orders: by name, and over every short sequence of attaches and losses.
#include "actors/model/attach_fence.h"
#include <gtest/gtest.h>
#include <functional>
#include <vector>

namespace tabletd::model {
namespace {

constexpr cluster_uuid ours{1, 2, 3};
constexpr cluster_uuid theirs{9, 9, 9};
constexpr backend_id b1{1};
constexpr backend_id b2{2};

std::string refusal(const attach_outcome& outcome) { return std::get<attach_refused>(outcome).why; }
std::uint64_t link_of(const attach_outcome& outcome) { return std::get<attach_accepted>(outcome).link; }

TEST(AttachFence, FirstAttachBinds) {
  attach_fence fence;
  EXPECT_EQ(step(fence, {ours, b1, 3, 7}), (attach_outcome{attach_accepted{1, 0, true}}));
  EXPECT_EQ(fence.binding, (backend_binding{ours, b1}));
  EXPECT_EQ(step(fence, {ours, b1, 3, 7}), (attach_outcome{attach_accepted{2, 1, false}}));
}

TEST(AttachFence, OtherClusterIsToldWhoseThisIs) {
  attach_fence fence{backend_binding{ours, b1}};
  const auto why = refusal(step(fence, {theirs, b1, 3, 7}));
  EXPECT_NE(why.find("belongs to cluster 010203"), std::string::npos) << why;
  EXPECT_NE(why.find("empty data directory"), std::string::npos) << why;
}

TEST(AttachFence, OtherBackendIdIsRefused) {
  attach_fence fence{backend_binding{ours, b1}};
  EXPECT_NE(refusal(step(fence, {ours, b2, 3, 7})).find("this is backend 1, not backend 2"), std::string::npos);
}

TEST(AttachFence, LowerTermIsRefusedAndHigherTakesOver) {
  attach_fence fence;
  const auto first = link_of(step(fence, {ours, b1, 5, 7}));
  EXPECT_NE(refusal(step(fence, {ours, b1, 4, 8})).find("term 4 is stale"), std::string::npos);
  EXPECT_EQ(refuse_call(fence, first, 5), std::nullopt) << "a refused attach changes nothing";
  const auto second = link_of(step(fence, {ours, b1, 6, 8}));
  EXPECT_EQ(refuse_call(fence, second, 6), std::nullopt);
  EXPECT_NE(refuse_call(fence, first, 5)->find("term 5 is stale"), std::string::npos);
}

TEST(AttachFence, SameTermReplacesTheLink) {
  attach_fence fence;
  const auto first = link_of(step(fence, {ours, b1, 5, 7}));
  const auto second = link_of(step(fence, {ours, b1, 5, 7}));
  EXPECT_NE(refuse_call(fence, first, 5)->find("replaced by a later attach"), std::string::npos);
  EXPECT_EQ(refuse_call(fence, second, 5), std::nullopt);
}

TEST(AttachFence, LossOfAnOldLinkDoesNotSilenceTheNewOne) {
  attach_fence fence;
  const auto first = link_of(step(fence, {ours, b1, 5, 7}));
  const auto second = link_of(step(fence, {ours, b1, 5, 7}));
  link_ended(fence, first);
  EXPECT_EQ(refuse_call(fence, second, 5), std::nullopt);
  link_ended(fence, second);
  EXPECT_NE(refuse_call(fence, second, 5), std::nullopt);
  EXPECT_EQ(fence.term, 5U) << "the term outlives the link";
}

TEST(AttachFence, CallWithATermThatNeverAttachedIsRefused) {
  attach_fence fence;
  const auto link = link_of(step(fence, {ours, b1, 5, 7}));
  EXPECT_NE(refuse_call(fence, link, 6)->find("never attached"), std::string::npos);
}

TEST(AttachFence, EmptyHelloIsRefused) {
  attach_fence fence;
  EXPECT_TRUE(std::holds_alternative<attach_refused>(step(fence, {{}, b1, 1, 1})));
  EXPECT_TRUE(std::holds_alternative<attach_refused>(step(fence, {ours, {}, 1, 1})));
  EXPECT_TRUE(std::holds_alternative<attach_refused>(step(fence, {ours, b1, 0, 1})));
  EXPECT_EQ(fence.binding, std::nullopt);
}

TEST(AttachFence, TheSameRefusalIsLoggedOnce) {
  attach_fence fence{backend_binding{ours, b1}};
  const attach_hello wrong{theirs, b1, 3, 7};
  EXPECT_TRUE(std::get<attach_refused>(step(fence, wrong)).worth_a_log_line);
  EXPECT_FALSE(std::get<attach_refused>(step(fence, wrong)).worth_a_log_line);
  EXPECT_TRUE(std::get<attach_refused>(step(fence, {theirs, b1, 4, 7})).worth_a_log_line);
}

TEST(AttachFence, BindingThatFailedNeverHappened) {
  attach_fence fence;
  const auto link = link_of(step(fence, {theirs, b1, 9, 7}));
  binding_failed(fence);
  EXPECT_NE(refuse_call(fence, link, 9), std::nullopt);
  EXPECT_EQ(step(fence, {ours, b2, 1, 7}), (attach_outcome{attach_accepted{2, 0, true}}));
}

/// What must hold after any sequence, from a second, naive bookkeeping.
struct witness {
  std::optional<backend_binding> binding;
  term highest = 0;
  std::uint64_t speaker = 0;
  std::vector<std::uint64_t> links;
};

void check(const attach_fence& fence, const witness& seen) {
  ASSERT_EQ(fence.binding, seen.binding);
  ASSERT_EQ(fence.term, seen.highest);
  for (const auto link : seen.links)
    for (term t = 1; t <= 3; ++t)
      ASSERT_EQ(!refuse_call(fence, link, t).has_value(), link == seen.speaker && t == seen.highest)
        << "link " << link << " term " << t;
}

void walk(const attach_fence& fence, const witness& seen, int depth, std::size_t& walks) {
  ++walks;
  check(fence, seen);
  if (depth == 0 || ::testing::Test::HasFatalFailure())
    return;
  for (const auto& cluster : {ours, theirs})
    for (const auto backend : {b1, b2})
      for (term t = 1; t <= 3; ++t) {
        auto next = fence;
        auto expected = seen;
        const bool welcome
          = (!seen.binding || *seen.binding == backend_binding{cluster, backend}) && t >= seen.highest;
        const auto outcome = step(next, {cluster, backend, t, 1});
        ASSERT_EQ(std::holds_alternative<attach_accepted>(outcome), welcome);
        if (welcome) {
          expected.binding = backend_binding{cluster, backend};
          expected.highest = t;
          expected.speaker = link_of(outcome);
          expected.links.push_back(expected.speaker);
        }
        walk(next, expected, depth - 1, walks);
      }
  for (const auto link : seen.links) {
    auto next = fence;
    auto expected = seen;
    link_ended(next, link);
    if (expected.speaker == link)
      expected.speaker = 0;
    walk(next, expected, depth - 1, walks);
  }
}

TEST(AttachFence, EverySequenceLeavesOneSpeakerOfTheHighestTerm) {
  std::size_t walks = 0;
  walk({}, {}, 4, walks);
  EXPECT_GT(walks, 20'000U);
}

} // namespace
} // namespace tabletd::model
