// What the leader is told: by name, and over every short sequence of changes, ticks and
// links, against a leader that believes every report.
#include "actors/model/report_book.h"
#include <gtest/gtest.h>

namespace tabletd::model {
namespace {

constexpr path_hash p1{1};

held_replica held(std::uint64_t tablet, std::uint64_t replica, version v = 1) {
  held_replica out;
  out.tablet = tablet_id{tablet};
  out.replica = replica_id{replica};
  out.path = p1;
  out.version = out.max_version = v;
  return out;
}

disk_changed changed(std::vector<held_replica> tablets, std::vector<held_ref> gone = {}) {
  return {p1, std::move(tablets), std::move(gone), std::nullopt};
}

struct ReportBook : ::testing::Test {
  report_book book;
  time_ms now{1'000'000};
  report_effects feed(const report_event& event) { return step(book, event, now); }
  report_effects tick() {
    now += book.pace.tick_ms;
    return feed(book_ticked{});
  }
};

TEST_F(ReportBook, FullReportFollowsEveryAttach) {
  EXPECT_EQ(feed(changed({held(1, 10)})), report_effects{});
  EXPECT_EQ(tick(), report_effects{}) << "nobody is there";
  EXPECT_EQ(feed(link_made{}), (report_effects{send_full{1}}));
  EXPECT_EQ(feed(link_made{}), (report_effects{send_full{1}}));
}

TEST_F(ReportBook, ChangesOfOneTickTravelTogether) {
  std::ignore = feed(link_made{});
  std::ignore = feed(changed({held(1, 10)}));
  std::ignore = feed(changed({held(2, 20)}));
  std::ignore = feed(changed({held(1, 10, 2)}));
  EXPECT_EQ(tick(), (report_effects{send_changes{3, {tablet_id{1}, tablet_id{2}}, {}}}));
  EXPECT_EQ(tick(), report_effects{}) << "said once";
}

TEST_F(ReportBook, WhatIsKnownIsNoChange) {
  std::ignore = feed(link_made{});
  std::ignore = feed(changed({held(1, 10)}));
  std::ignore = tick();
  std::ignore = feed(changed({held(1, 10)}, {{tablet_id{7}, replica_id{70}}}));
  EXPECT_EQ(book.stamp, 1U);
  EXPECT_EQ(tick(), report_effects{});
}

TEST_F(ReportBook, DroppedAndRecreatedUnderAnotherId) {
  std::ignore = feed(link_made{});
  std::ignore = feed(changed({held(1, 10)}));
  std::ignore = tick();
  std::ignore = feed(changed({}, {{tablet_id{1}, replica_id{10}}}));
  std::ignore = feed(changed({held(1, 11)}));
  EXPECT_EQ(tick(), (report_effects{send_changes{3, {tablet_id{1}}, {{tablet_id{1}, replica_id{10}}}}}));
}

TEST_F(ReportBook, DroppedAndRecreatedUnderTheSameIdIsOnlyHere) {
  std::ignore = feed(link_made{});
  std::ignore = feed(changed({held(1, 10)}));
  std::ignore = feed(changed({}, {{tablet_id{1}, replica_id{10}}}));
  std::ignore = feed(changed({held(1, 10)}));
  EXPECT_EQ(tick(), (report_effects{send_changes{3, {tablet_id{1}}, {}}})) << "no report says both";
}

TEST_F(ReportBook, FullEveryMinuteAndWhenAsked) {
  std::ignore = feed(link_made{});
  now += book.pace.full_every_ms - book.pace.tick_ms - time_ms{1};
  EXPECT_EQ(tick(), report_effects{});
  EXPECT_EQ(tick(), (report_effects{send_full{0}}));
  EXPECT_EQ(tick(), report_effects{});
  EXPECT_EQ(feed(full_asked{}), (report_effects{send_full{0}}));
}

TEST_F(ReportBook, PreparedTransactionsOfAllPaths) {
  std::ignore = feed(disk_changed{path_hash{1}, {}, {}, std::vector{txn_id{5}, txn_id{9}}});
  std::ignore = feed(disk_changed{path_hash{2}, {}, {}, std::vector{txn_id{5}, txn_id{7}}});
  EXPECT_EQ(prepared_txns(book), (std::vector{txn_id{5}, txn_id{7}, txn_id{9}}));
  std::ignore = feed(disk_changed{path_hash{1}, {}, {}, std::nullopt});
  EXPECT_EQ(prepared_txns(book).size(), 3U) << "nothing said is nothing changed";
  std::ignore = feed(disk_changed{path_hash{2}, {}, {}, std::vector<txn_id>{}});
  EXPECT_EQ(prepared_txns(book), (std::vector{txn_id{5}, txn_id{9}}));
}

/// Folds reports as the leader does: a full one replaces, a partial one amends.
struct believer {
  std::map<tablet_id, held_replica> tablets;
  std::uint64_t stamp = 0;

  void hear(const report_book& book, const report_effects& effects) {
    for (const auto& effect : effects) {
      const auto at = std::visit([](const auto& e) { return e.stamp; }, effect);
      ASSERT_GE(at, stamp) << "stamps never go back";
      stamp = at;
      if (const auto* changes = std::get_if<send_changes>(&effect)) {
        for (const auto& ref : changes->gone)
          if (const auto known = tablets.find(ref.tablet);
              known != tablets.end() && known->second.replica == ref.replica)
            tablets.erase(known);
        for (const auto tablet : changes->tablets)
          tablets[tablet] = book.tablets.at(tablet);
      } else {
        tablets = book.tablets;
      }
    }
  }
};

void walk(const report_book& book, const believer& leader, const std::map<tablet_id, held_replica>& disk, time_ms now,
          int depth, std::size_t& walks) {
  ++walks;
  // Whatever has happened, one tick after an attach the leader knows exactly what is here.
  auto settled = book;
  auto informed = leader;
  if (!settled.linked) {
    informed.hear(settled, step(settled, link_made{}, now));
  } else {
    informed.hear(settled, step(settled, book_ticked{}, now));
  }
  ASSERT_EQ(informed.tablets, disk);
  ASSERT_EQ(informed.stamp, settled.stamp);
  if (depth == 0)
    return;
  const auto go = [&](const report_event& event, const std::map<tablet_id, held_replica>& after) {
    if (::testing::Test::HasFatalFailure())
      return;
    auto next = book;
    auto heard = leader;
    heard.hear(next, step(next, event, now));
    walk(next, heard, after, now + time_ms{200}, depth - 1, walks);
  };
  for (std::uint64_t tablet = 1; tablet <= 2; ++tablet) {
    for (std::uint64_t replica = 10; replica <= 11; ++replica) {
      auto after = disk;
      after[tablet_id{tablet}] = held(tablet, replica, disk.size() + 1);
      go(changed({after[tablet_id{tablet}]}), after);
    }
    if (const auto at = disk.find(tablet_id{tablet}); at != disk.end()) {
      auto after = disk;
      after.erase(tablet_id{tablet});
      go(changed({}, {{at->second.tablet, at->second.replica}}), after);
    }
  }
  go(book_ticked{}, disk);
  go(link_made{}, disk);
  go(full_asked{}, disk);
}

TEST_F(ReportBook, EverySequenceLeavesTheLeaderInformed) {
  std::size_t walks = 0;
  walk({}, {}, {}, now, 6, walks);
  EXPECT_GT(walks, 200'000U);
}

} // namespace
} // namespace tabletd::model
