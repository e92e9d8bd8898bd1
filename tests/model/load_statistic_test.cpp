// Scores, classes and the rule of a good move (spec/replica.md 5.1 to 5.3, vectors N1 and N2).
#include "actors/model/load_statistic.h"
#include "tests/model/repair_world.h"

namespace tabletd::test {
namespace {

constexpr double gigabyte = 1e9;

load_line line(std::uint64_t backend, double used_gb, double replicas, double total_gb = 1'000) {
  return {backend_id{backend}, true, {used_gb * gigabyte, total_gb * gigabyte, replicas}};
}
const std::vector<load_line> n1{line(1, 800, 120), line(2, 400, 100), line(3, 300, 80)};

TEST(LoadStatistic, N1ScoresAndClasses) {
  const auto stat = measure(medium::hdd, n1);
  ASSERT_EQ(stat.rows.size(), 3U);
  EXPECT_NEAR(stat.average.fill, 0.5, 1e-9);
  EXPECT_NEAR(stat.average.replicas, 100, 1e-9);
  EXPECT_NEAR(stat.average_score, 1.0667, 1e-4);
  const double scores[] = {1.6, 0.9, 0.7};
  const double coefficients[] = {1, 0.5, 0.5};
  const load_class classes[] = {load_class::high, load_class::low, load_class::low};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(stat.rows[i].score, scores[i], 1e-9);
    EXPECT_NEAR(stat.rows[i].capacity_coefficient, coefficients[i], 1e-9);
    EXPECT_NEAR(stat.rows[i].replica_coefficient, 1 - coefficients[i], 1e-9);
    EXPECT_EQ(stat.rows[i].class_of_load, classes[i]);
  }
  EXPECT_EQ(stat.rows[0].used_bytes, 800'000'000'000U);
  EXPECT_EQ(stat.rows[0].replicas, 120U);
  EXPECT_NEAR(stat.rows[0].used_ratio, 0.8, 1e-9);
}

TEST(LoadStatistic, N2MovingFromTheFullestToTheEmptiestIsMoreBalanced) {
  const auto stat = measure(medium::hdd, n1);
  const double gain = move_gain(n1[0].load, n1[2].load, 100 * gigabyte, stat.average, stat.average_score);
  EXPECT_NEAR(gain, 0.900 - 0.574, 1e-3);
  EXPECT_FALSE(is_more_balanced(n1[2].load, n1[0].load, 100 * gigabyte, stat.average, stat.average_score));
  EXPECT_FALSE(is_more_balanced(n1[1].load, n1[2].load, 100 * gigabyte, stat.average, stat.average_score))
    << "both are below the average";
}

TEST(LoadStatistic, TheCoefficientGrowsBetweenHalfAndThreeQuarters) {
  EXPECT_NEAR(capacity_coefficient(0.49), 0.5, 1e-9);
  EXPECT_NEAR(capacity_coefficient(0.6), 0.7, 1e-9);
  EXPECT_NEAR(capacity_coefficient(0.75), 1, 1e-9);
  EXPECT_NEAR(capacity_coefficient(0.9), 1, 1e-9);
}

TEST(LoadStatistic, BackendsThatAreDeadOrLeavingDoNotCount) {
  auto lines = n1;
  lines.push_back(line(4, 0, 0));
  lines.back().available = false; // Emptied by its decommission.
  const auto stat = measure(medium::hdd, lines);
  EXPECT_NEAR(stat.average.fill, 0.5, 1e-9);
  EXPECT_NEAR(stat.average.replicas, 100, 1e-9);
  EXPECT_NEAR(stat.average_score, 1.0667, 1e-4);
  ASSERT_EQ(stat.rows.size(), 4U) << "it is still shown";
  EXPECT_EQ(stat.rows[3].class_of_load, load_class::init);
  lines.back().available = true;
  EXPECT_EQ(measure(medium::hdd, lines).rows[3].class_of_load, load_class::low);
}

TEST(LoadStatistic, TheThresholdItselfIsStillMid) {
  EXPECT_EQ(classify(1.1, 1, 0.1 + 1e-12), load_class::mid);
  EXPECT_EQ(classify(1.11, 1, 0.1), load_class::high);
  EXPECT_EQ(classify(0.89, 1, 0.1), load_class::low);
  EXPECT_EQ(classify(0, 0, 0.1), load_class::mid) << "an empty cluster is balanced";
}

TEST(LoadStatistic, PathsAreJudgedByTheirFillWithAFloor) {
  EXPECT_EQ(classify_path(0.60, 0.5, 0.1), load_class::high);
  EXPECT_EQ(classify_path(0.54, 0.5, 0.1), load_class::mid);
  EXPECT_EQ(classify_path(0.44, 0.5, 0.1), load_class::low);
  EXPECT_EQ(classify_path(0.02, 0.01, 0.1), load_class::mid) << "twice as full, but hardly used";
  EXPECT_EQ(classify_path(0.04, 0.01, 0.1), load_class::high);
}

// -- per medium --------------------------------------------------------------------------

TEST(LoadStatistic, ABackendsMixScoreIsTheMeanOverItsMedia) {
  repair_world world{"ab"};
  for (std::size_t n = 1; n <= 2; ++n)
    for (const std::size_t path : {0U, 1U}) { // Path 0 is HDD, path 1 SSD.
      auto& seen = world.seen(n, path);
      seen.available_bytes = seen.capacity_bytes * (n == 1 && path == 0 ? 7 : 9) / 10;
      seen.tablets = n == 1 && path == 0 ? 30 : 10;
    }
  for (std::uint64_t i = 0; i < 40; ++i)
    world.cat.backends.edit(world.ids[1])->tablets.put(tablet_id{i + 1}, replica_id{i + 1});
  for (std::uint64_t i = 0; i < 20; ++i)
    world.cat.backends.edit(world.ids[2])->tablets.put(tablet_id{i + 1}, replica_id{i + 100});
  const load_scores scores{world.cat, world.cluster, world.slots};
  EXPECT_NEAR(scores.lines(medium::hdd)[0].load.replicas, 30, 1e-9);
  EXPECT_NEAR(scores.lines(medium::ssd)[0].load.replicas, 10, 1e-9);
  const auto hdd = measure(medium::hdd, scores.lines(medium::hdd));
  const auto ssd = measure(medium::ssd, scores.lines(medium::ssd));
  EXPECT_NEAR(hdd.rows[0].score, 1.5, 1e-9);
  EXPECT_NEAR(ssd.rows[0].score, 1, 1e-9);
  EXPECT_NEAR(scores.of(world.ids[1]), 1.25, 1e-9);
  EXPECT_NEAR(scores.of(world.ids[2]), (0.5 + 1) / 2, 1e-9);
}

TEST(LoadStatistic, WhatIsAddedCountsOnItsMedium) {
  repair_world world{"ab"};
  load_scores scores{world.cat, world.cluster, world.slots};
  scores.add(world.ids[1], 100 * repair_world::gigabyte, medium::ssd);
  EXPECT_NEAR(scores.lines(medium::ssd)[0].load.used_bytes, 500 * gigabyte, 1);
  EXPECT_NEAR(scores.lines(medium::hdd)[0].load.used_bytes, 400 * gigabyte, 1);
}

} // namespace
} // namespace tabletd::test
