// The life of a link: the walks by name, and every short sequence of events.
#include "actors/model/backend_link.h"
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace tabletd::model {
namespace {

using namespace std::chrono_literals;

const task_key k1{log_index{41}, tablet_id{1}}, k2{log_index{41}, tablet_id{2}},
    k3{log_index{50}, tablet_id{1}};

struct BackendLinkTest : ::testing::Test {
  backend_link link;
  time_ms now = 100s;

  link_effects feed(const link_event& event) { return step(link, event, now); }
  link_effects tick(time_ms later) {
    now += later;
    return feed(link_ticked{});
  }
  void bring_up() {
    feed(backend_judged{true, true});
    feed(link_attached{});
    feed(full_folded{});
  }
  template <class Effect>
  static std::vector<Effect> only(const link_effects& effects) {
    std::vector<Effect> found;
    for (const auto& e : effects)
      if (const auto* hit = std::get_if<Effect>(&e))
        found.push_back(*hit);
    return found;
  }
};

TEST_F(BackendLinkTest, ABackendOfTheCatalogIsDialledAndGreeted) {
  EXPECT_EQ(feed(backend_judged{true, false}), (link_effects{dial{}}));
  EXPECT_FALSE(link.linked());
  EXPECT_EQ(feed(link_attached{}), (link_effects{link_changed{}, send_beat{1}}));
  EXPECT_TRUE(link.linked());
  EXPECT_TRUE(feed(backend_judged{true, false}).empty()) << "once";
}

TEST_F(BackendLinkTest, HeartbeatsGoOutAtTheirInterval) {
  bring_up();
  EXPECT_TRUE(tick(1'999ms).empty());
  EXPECT_EQ(tick(1ms), (link_effects{send_beat{2}}));
  feed(link_answered{});
  EXPECT_EQ(tick(2s), (link_effects{send_beat{3}}));
}

TEST_F(BackendLinkTest, ASilentLinkIsHungUp) {
  bring_up();
  tick(10s);
  EXPECT_TRUE(link.linked());
  const auto effects = tick(1ms);
  EXPECT_EQ(only<hang_up>(effects).size(), 1u);
  EXPECT_EQ(only<link_changed>(effects).size(), 1u);
  EXPECT_FALSE(link.linked());
  EXPECT_EQ(link.error, "no heartbeat was answered for 10001 ms");
}

TEST_F(BackendLinkTest, RetriesBackOffExponentiallyUpToTheirMaximum) {
  feed(backend_judged{true, true});
  std::vector<std::int64_t> delays;
  for (int attempt = 0; attempt < 8; ++attempt) {
    feed(link_lost{"refused"});
    const auto lost_at = now;
    while (only<dial>(tick(50ms)).empty()) {
    }
    delays.push_back((now - lost_at).count());
  }
  EXPECT_EQ(delays,
            (std::vector<std::int64_t>{250, 500, 1'000, 2'000, 4'000, 8'000, 10'000, 10'000}));
}

TEST_F(BackendLinkTest, OnlyAnAnsweredHeartbeatEndsTheRowOfFailures) {
  feed(backend_judged{true, true});
  for (int i = 0; i < 3; ++i) {
    feed(link_lost{"refused"});
    tick(10s);
  }
  feed(link_attached{});
  feed(link_lost{"closed"}); // Attached and gone at once: the fourth failure in a row.
  EXPECT_EQ(std::get<link_waiting>(link.phase).until, now + 2s);
  tick(2s);
  feed(link_attached{});
  feed(link_answered{});
  feed(link_lost{"closed"});
  EXPECT_EQ(std::get<link_waiting>(link.phase).until, now + 250ms);
}

TEST_F(BackendLinkTest, ARefusalIsShownAndRetriedMuchLater) {
  feed(backend_judged{true, true});
  EXPECT_EQ(feed(link_refused{"belongs to cluster green"}), (link_effects{link_changed{}}));
  EXPECT_EQ(link.error, "belongs to cluster green");
  EXPECT_TRUE(tick(29'999ms).empty());
  EXPECT_EQ(tick(1ms), (link_effects{dial{}}));
  EXPECT_TRUE(feed(link_refused{"belongs to cluster green"}).empty()) << "no news";
}

TEST_F(BackendLinkTest, AWireThatNeverAnswersADialIsNotWaitedForForEver) {
  feed(backend_judged{true, true});
  EXPECT_TRUE(tick(15s).empty());
  EXPECT_EQ(only<hang_up>(tick(1ms)).size(), 1u);
}

TEST_F(BackendLinkTest, LateEventsOfAnOldLinkChangeNothing) {
  bring_up();
  feed(link_lost{"closed"});
  const auto until = std::get<link_waiting>(link.phase).until;
  now += 100ms;
  EXPECT_TRUE(feed(link_lost{"closed"}).empty());
  EXPECT_TRUE(feed(link_attached{}).empty());
  EXPECT_TRUE(feed(link_answered{}).empty());
  EXPECT_TRUE(feed(link_refused{"x"}).empty());
  EXPECT_EQ(std::get<link_waiting>(link.phase).until, until);
}

// -- reports -----------------------------------------------------------------------------

TEST_F(BackendLinkTest, AReportThatDoesNotComeIsAskedForUntilItDoes) {
  feed(backend_judged{true, true});
  feed(link_attached{});
  feed(link_answered{});
  EXPECT_TRUE(only<ask_full_report>(tick(9s)).empty());
  feed(link_answered{});
  EXPECT_EQ(only<ask_full_report>(tick(1s)).size(), 1u);
  feed(link_answered{});
  EXPECT_TRUE(only<ask_full_report>(tick(9s)).empty());
  feed(link_answered{});
  EXPECT_EQ(only<ask_full_report>(tick(1s)).size(), 1u);
  EXPECT_EQ(feed(full_folded{}), (link_effects{link_changed{}}));
  EXPECT_TRUE(link.reported);
  feed(link_answered{});
  EXPECT_TRUE(only<ask_full_report>(tick(10s)).empty());
}

TEST_F(BackendLinkTest, TheEarliestWishForAReportCounts) {
  bring_up();
  feed(full_wanted{now + 3s});
  feed(full_wanted{now + 1s});
  feed(full_wanted{now + 2s});
  EXPECT_TRUE(only<ask_full_report>(tick(999ms)).empty());
  EXPECT_EQ(only<ask_full_report>(tick(1ms)).size(), 1u);
}

TEST_F(BackendLinkTest, AReturnedBackendIsAskedForTheReportThatWasNotBelieved) {
  feed(backend_judged{true, false});
  feed(link_attached{});
  feed(backend_judged{true, true});
  EXPECT_EQ(only<ask_full_report>(tick(0ms)).size(), 1u);
}

// -- tasks -------------------------------------------------------------------------------

TEST_F(BackendLinkTest, TasksThatWaitTogetherTravelTogether) {
  bring_up();
  EXPECT_EQ(feed(task_ordered{k1}), (link_effects{close_batch{}}));
  EXPECT_TRUE(feed(task_ordered{k2}).empty());
  EXPECT_TRUE(feed(task_ordered{k2}).empty()) << "asked twice: joins the first";
  EXPECT_EQ(feed(batch_closed{}), (link_effects{submit_tasks{{k1, k2}}}));
  EXPECT_TRUE(feed(batch_closed{}).empty());
  EXPECT_EQ(feed(task_ordered{k3}), (link_effects{close_batch{}}));
}

TEST_F(BackendLinkTest, AnEndAnswersExactlyItsTask) {
  bring_up();
  for (const auto& k : {k1, k2, k3})
    feed(task_ordered{k});
  EXPECT_EQ(feed(task_end_heard{k2}), (link_effects{answer_task{k2}}));
  EXPECT_TRUE(feed(task_end_heard{k2}).empty()) << "told again";
  EXPECT_EQ(feed(batch_closed{}), (link_effects{submit_tasks{{k1, k3}}}))
      << "what has ended is not submitted";
}

TEST_F(BackendLinkTest, ACancelIsAnsweredByTheEndOfItsFence) {
  bring_up();
  const task_key clone{log_index{60}, tablet_id{9}}, cancel{log_index{60}, tablet_id{}};
  feed(task_ordered{clone});
  feed(task_ordered{cancel});
  EXPECT_EQ(feed(task_end_heard{clone}), (link_effects{answer_task{cancel}, answer_task{clone}}));
  feed(task_ordered{clone});
  feed(task_ordered{cancel});
  EXPECT_EQ(feed(task_end_heard{cancel}), (link_effects{answer_task{cancel}, answer_task{clone}}));
}

TEST_F(BackendLinkTest, OpenTasksAreSubmittedAgainOnANewLink) {
  bring_up();
  feed(task_ordered{k1});
  feed(batch_closed{});
  feed(link_lost{"closed"});
  EXPECT_TRUE(feed(task_ordered{k3}).empty()) << "kept until there is a link";
  EXPECT_TRUE(feed(batch_closed{}).empty());
  tick(250ms);
  EXPECT_EQ(only<submit_tasks>(feed(link_attached{})), (std::vector{submit_tasks{{k1, k3}}}));
}

TEST_F(BackendLinkTest, TasksOfADeadBackendFail) {
  bring_up();
  feed(task_ordered{k1});
  feed(publish_ordered{7});
  EXPECT_EQ(feed(backend_judged{true, false}),
            (link_effects{fail_task{k1, "the backend was declared dead"},
                          fail_publish{7, "the backend was declared dead"}}));
  EXPECT_EQ(feed(task_ordered{k1}), (link_effects{fail_task{k1, "the backend is not alive"}}));
  EXPECT_EQ(feed(publish_ordered{8}), (link_effects{fail_publish{8, "the backend is not alive"}}));
  feed(link_lost{"no route"});
  EXPECT_EQ(feed(task_ordered{k1}),
            (link_effects{fail_task{k1, "the backend is not alive: no route"}}));
}

TEST_F(BackendLinkTest, ADroppedBackendIsLetGo) {
  bring_up();
  feed(task_ordered{k1});
  const auto effects = feed(backend_judged{false, false});
  EXPECT_EQ(only<fail_task>(effects).size(), 1u);
  EXPECT_EQ(only<hang_up>(effects).size(), 1u);
  EXPECT_TRUE(tick(1h).empty());
  EXPECT_TRUE(feed(backend_judged{false, false}).empty());
}

// -- publishing --------------------------------------------------------------------------

TEST_F(BackendLinkTest, APublishIsSentAndAnswered) {
  bring_up();
  EXPECT_EQ(feed(publish_ordered{7}), (link_effects{send_publish{7}}));
  EXPECT_EQ(feed(publish_heard{7, true}), (link_effects{answer_publish{7}}));
  EXPECT_TRUE(feed(publish_heard{7, true}).empty());
}

TEST_F(BackendLinkTest, APublishThatDidNotArriveIsSentAgain) {
  bring_up();
  feed(publish_ordered{7});
  EXPECT_TRUE(feed(publish_heard{7, false}).empty());
  EXPECT_EQ(tick(500ms), (link_effects{send_publish{7}}));
  feed(link_lost{"closed"});
  tick(250ms);
  EXPECT_EQ(only<send_publish>(feed(link_attached{})), (std::vector{send_publish{7}}));
}

TEST_F(BackendLinkTest, APublishIsAnsweredWithAnErrorWhenItsTimeIsUp) {
  bring_up();
  feed(publish_ordered{7});
  feed(link_lost{"no route"});
  EXPECT_TRUE(only<fail_publish>(tick(29'999ms)).empty());
  EXPECT_EQ(only<fail_publish>(tick(1ms)),
            (std::vector{fail_publish{7, "the backend did not answer in time: no route"}}));
  EXPECT_TRUE(feed(publish_heard{7, true}).empty()) << "late";
}

// -- every walk --------------------------------------------------------------------------

/// Every sequence of five events: each order is answered at most once, nothing is sent over a link
/// that is not up, and when the backend is dropped at the end nothing is left unanswered.
TEST(BackendLinkWalks, EveryOrderIsAnsweredOnceAndNothingIsSentWithoutALink) {
  const std::vector<std::pair<link_event, time_ms>> alphabet
      = {{link_attached{}, 0s},           {link_lost{"lost"}, 0s},
         {link_ticked{}, 300ms},          {link_ticked{}, 31s},
         {task_ordered{k1}, 0s},          {batch_closed{}, 0s},
         {task_end_heard{k1}, 0s},        {publish_ordered{}, 0s},
         {publish_heard{0, true}, 0s},    {backend_judged{true, false}, 0s},
         {backend_judged{true, true}, 0s}};
  const int length = 5;
  std::uint64_t walks = 0;
  std::vector<std::size_t> at(length, 0);
  while (true) {
    ++walks;
    backend_link link;
    time_ms now = 100s;
    int asked = 0, answered = 0, published = 0, confirmed = 0;
    std::uint64_t seq = 0;
    bool open = false; // k1 has an asker: a second one joins it.
    const auto feed = [&](const link_event& event) {
      const bool was_up = link.linked();
      for (const auto& effect : step(link, event, now))
        std::visit(
            overloaded{
                [&](const answer_task&) {
                  ++answered;
                  open = false;
                },
                [&](const fail_task&) {
                  ++answered;
                  open = false;
                },
                [&](const answer_publish&) { ++confirmed; },
                [&](const fail_publish&) { ++confirmed; },
                [&](const submit_tasks& e) { EXPECT_TRUE(link.linked() && !e.keys.empty()); },
                [&](const send_publish&) { EXPECT_TRUE(link.linked()); },
                [&](const send_beat&) { EXPECT_TRUE(link.linked() || was_up); },
                [](const auto&) {},
            },
            effect);
    };
    feed(backend_judged{true, true});
    for (const auto i : at) {
      now += alphabet[i].second;
      auto event = alphabet[i].first;
      if (std::holds_alternative<task_ordered>(event) && !std::exchange(open, true))
        ++asked;
      if (std::holds_alternative<publish_ordered>(event)) {
        event = publish_ordered{++seq};
        ++published;
      }
      if (std::holds_alternative<publish_heard>(event))
        event = publish_heard{seq, true};
      feed(event);
      ASSERT_LE(answered, asked);
      ASSERT_LE(confirmed, published);
    }
    feed(backend_judged{false, false});
    ASSERT_EQ(answered, asked);
    ASSERT_EQ(confirmed, published);
    ASSERT_TRUE(link.tasks.empty() && link.publishes.empty() && link.batch.empty());
    std::size_t digit = 0;
    while (digit < at.size() && ++at[digit] == alphabet.size())
      at[digit++] = 0;
    if (digit == at.size())
      break;
  }
  EXPECT_EQ(walks, 161'051u);
}

} // namespace
} // namespace tabletd::model
