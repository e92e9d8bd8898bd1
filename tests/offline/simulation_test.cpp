// The simulator itself: its rates, its accounts, that it repeats itself, and that its assertions
// can fail.
#include "actors/model/offline/plot.h"
#include "actors/model/offline/scenario_run.h"
#include <gtest/gtest.h>

namespace tabletd::model::offline {
namespace {

using namespace std::chrono_literals;

// -- rates -------------------------------------------------------------------------------

constexpr place at(std::uint64_t backend) { return {backend_id{backend}, path_hash{1}}; }

TEST(Transfers, APathsRateIsSharedByWhatTouchesIt) {
  transfers moving{1'000};
  moving.start(log_index{1}, at(1), at(2), 4'000, 0s);
  EXPECT_EQ(moving.next_end(), 4s);
  moving.start(log_index{2}, at(1), at(3), 1'000, 2s); // Half each from here on.
  EXPECT_EQ(moving.next_end(), 4s);
  EXPECT_EQ(moving.take_ended(4s), std::vector{log_index{2}});
  EXPECT_EQ(moving.next_end(), 5s); // 2 s alone, 2 s shared, 1 s alone.
  EXPECT_EQ(moving.take_ended(5s), std::vector{log_index{1}});
  EXPECT_EQ(moving.size(), 0U);
}

TEST(Transfers, CopiesThatShareNoPathDoNotSlowEachOther) {
  transfers moving{1'000};
  moving.start(log_index{1}, at(1), at(2), 1'000, 0s);
  moving.start(log_index{2}, at(3), at(4), 1'000, 0s);
  EXPECT_EQ(moving.take_ended(1s).size(), 2U);
}

TEST(Transfers, WhatIsStoppedHasMovedItsPart) {
  transfers moving{1'000};
  moving.start(log_index{1}, at(1), at(2), 4'000, 0s);
  EXPECT_EQ(moving.stop(log_index{1}, 1'500ms), 1'500U);
  EXPECT_EQ(moving.stop(log_index{1}, 2s), 0U);
  EXPECT_EQ(moving.next_end(), std::nullopt);
}

TEST(Transfers, NothingToMoveEndsAtOnce) {
  transfers moving{1'000};
  moving.start(log_index{1}, at(1), at(2), 0, 7s);
  EXPECT_EQ(moving.next_end(), 7s);
  EXPECT_EQ(moving.take_ended(7s), std::vector{log_index{1}});
}

// -- accounts ----------------------------------------------------------------------------

TEST(CopyLedger, OnlyCopiesForNothingAreThrash) {
  constexpr std::uint64_t mib = 1U << 20U;
  copy_ledger ledger;
  EXPECT_EQ(ledger.thrash_thousandths(), 1'000U);
  ledger.finished(tablet_id{1}, replica_id{1}, 2 * mib);
  ledger.finished(tablet_id{2}, replica_id{2}, 2 * mib);
  EXPECT_EQ(ledger.thrash_thousandths(), 1'000U);
  ledger.dropped(tablet_id{2}, replica_id{2}, false); // Its backend left: the copy was of use.
  EXPECT_EQ(ledger.reverted(), 0U);
  ledger.dropped(tablet_id{3}, replica_id{9}, true); // Never copied.
  EXPECT_EQ(ledger.thrash_thousandths(), 1'000U);
  ledger.failed(2 * mib);
  EXPECT_EQ(ledger.thrash_thousandths(), 1'500U);
  ledger.dropped(tablet_id{1}, replica_id{1}, true);
  EXPECT_EQ(ledger.reverted(), 1U);
  EXPECT_EQ(ledger.thrash_thousandths(), 3'000U);
}

TEST(Illness, TheLongestCounts) {
  illness ill;
  ill.see(true, 0s);
  EXPECT_EQ(ill.longest(), 0s);
  ill.see(false, 10s);
  ill.see(false, 12s);
  EXPECT_EQ(ill.longest(), 2s); // So far.
  ill.see(true, 15s);
  ill.see(false, 20s);
  ill.see(true, 21s);
  EXPECT_EQ(ill.longest(), 5s);
}

TEST(CheckBudget, CheapChecksRunEveryTimeAndDearOnesNowAndThen) {
  check_budget cheap;
  check_budget dear;
  int of_cheap = 0;
  int of_dear = 0;
  for (int step = 0; step < 1'000; ++step) {
    of_cheap += cheap.due(100) ? 1 : 0;
    of_dear += dear.due(51'200) ? 1 : 0;
  }
  EXPECT_EQ(of_cheap, 1'000);
  EXPECT_EQ(of_dear, 10);
}

// -- whole runs --------------------------------------------------------------------------

run_summary play(const std::string& text) {
  const auto parsed = parse_scenario(text);
  const auto* what = std::get_if<scenario>(&parsed);
  EXPECT_TRUE(what) << std::get<scenario_error>(parsed).message;
  return what ? run_scenario(*what, [](const printed&) {}) : run_summary{};
}

const std::string three_of_five
  = "set be_down_tolerance 0s\nset repair_delay_factor 1s\n"
    "gen_cluster 5 paths 2\ngen_tablets 30 size 10..100 table t\n";

TEST(Simulation, ASeedIsAHistory) {
  const std::string story
    = three_of_five + "load t 90 every 5s times 8\nkill 2\nrun 20s\ncorrupt 3 2\nrun until healthy\n";
  const auto once = play(story);
  const auto twice = play(story);
  EXPECT_EQ(once.failure, "");
  EXPECT_GT(once.copies, 18U); // Everything on 2, and what loads have outrun.
  EXPECT_EQ(plot_svg(once.samples, "a"), plot_svg(twice.samples, "a"));
  EXPECT_EQ(once.end.copied_bytes, twice.end.copied_bytes);
  EXPECT_NE(once.end.copied_bytes, play("set seed 2\n" + story).end.copied_bytes);
}

// A new replica takes part in no load while it is copied: without the second, incremental copy it
// would stay behind.
TEST(Simulation, WhatALoadOutrunsIsBroughtUpToDate) {
  const std::string story = "set path_rate 10\n" + three_of_five + "kill 1\nrun 13s\n";
  const auto quiet = play(story + "run until healthy within 2h\n");
  const auto busy = play(story + "load t 30\nrun until healthy within 2h\n");
  EXPECT_EQ(quiet.failure + busy.failure, "");
  EXPECT_EQ(quiet.copies, 18U);
  EXPECT_GT(busy.copies, 18U);
  EXPECT_GT(busy.needed_bytes, quiet.needed_bytes);
  EXPECT_EQ(busy.thrash_thousandths, 1'000U);
}

TEST(Simulation, AssertionsCanFail) {
  const auto ran = play(three_of_five + "kill 1\nrun 11s\nassert moves 0\nassert healthy\nassert moves 0\n");
  EXPECT_EQ(ran.failed_line, 8U);
  EXPECT_EQ(ran.failure, "assert healthy: it is not");
  EXPECT_EQ(ran.assertions, 2U);
  EXPECT_EQ(play(three_of_five + "assert replicas_on 1 17").failure, "assert replicas_on 1 17: it is 18");
  EXPECT_EQ(play(three_of_five + "assert balanced score 0").failure.substr(0, 30), "assert balanced score 0: it is");
  EXPECT_EQ(play(three_of_five + "assert thrash >= 1.001").failure, "assert thrash >= 1.001: it is 1.000");
  EXPECT_EQ(play(three_of_five + "assert replicas_on 6 0").failure, "assert replicas_on 6 0: there is no backend 6");
}

TEST(Simulation, WhatCannotGetWellSaysSo) {
  const auto ran
    = play("set be_down_tolerance 0s\ngen_cluster 3\ngen_tablets 4\nkill 1\nrun until healthy within 10m\n");
  EXPECT_EQ(
    ran.failure,
    "run until healthy within 10m: it is not healthy after 600 s: 0 of 4 tablets are, 4 wait, 0 are being treated");
}

TEST(Simulation, CommandsThatDoNotFitAreRefused) {
  EXPECT_EQ(play("gen_cluster 2\ngen_tablets 1").failure.substr(0, 41), "gen_tablets 1: 3 replicas need 3 backend(");
  EXPECT_EQ(play(three_of_five + "load x 5").failure, "load x 5: there is no table x, there are t");
  EXPECT_EQ(play(three_of_five + "kill 6").failure, "kill 6: there is no backend 6, they are 1 to 5");
  EXPECT_EQ(play(three_of_five + "fill_disk 1 3 50").failure, "fill_disk 1 3 50: backend 1 has 2 paths");
  EXPECT_EQ(play(three_of_five + "corrupt 1 19").failure, "corrupt 1 19: backend 1 has only 18 replicas to corrupt");
  EXPECT_EQ(play(three_of_five + "gen_tablets 1 table t").failure, "gen_tablets 1 table t: there is a table t already");
}

TEST(Simulation, ANewLeaderAdoptsWhatRuns) {
  const std::string story = "set path_rate 10\n" + three_of_five + "kill 1\nrun 13s\n";
  const auto before = play(story);
  ASSERT_GT(before.end.running, 0U);
  const auto ran = play(story + "change_leader\nrun until healthy within 1h\nassert replicas_on 1 0\n");
  EXPECT_EQ(ran.failure, "");
  EXPECT_EQ(ran.copies, 18U); // None twice.
  EXPECT_EQ(ran.orders, 18U);
  EXPECT_EQ(ran.failures, 0U);
}

TEST(Simulation, CopiesToABackendThatDiesAreForNothing) {
  const auto ran
    = play("set path_rate 10\n" + three_of_five + "kill 1\nrun 13s\nkill 2\nrun until healthy within 2h\n");
  EXPECT_EQ(ran.failure, "");
  EXPECT_GT(ran.failures, 0U);
  EXPECT_GT(ran.thrash_thousandths, 1'000U);
}

TEST(Simulation, ClustersKeepTheirTables) {
  const auto ran = play(
    "set be_down_tolerance 0s\nset repair_delay_factor 1s\ngen_cluster 4 cluster west\ngen_cluster 4 cluster east\n"
    "gen_tablets 20 table w cluster west\nassert replicas_on 5 0\nkill 1\nrun until healthy within 1h\n"
    "assert replicas_on 5 0\nassert replicas_on 1 0\nassert replicas_on 2 20\n");
  EXPECT_EQ(ran.failure, "");
}

} // namespace
} // namespace tabletd::model::offline
