// What is warmed where: splitting (spec/jobs.md A4), placement, capacity (A3), and how sizes are written.
#include "actors/model/warmup_plan.h"

#include "actors/model/warmup_placement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace tabletd::model {
namespace {

constexpr std::uint64_t gib = 1ULL << 30;
using sizes = std::vector<std::uint64_t>;

std::vector<warmup_tablet> tablets_of(const sizes& bytes) {
  std::vector<warmup_tablet> tablets;
  for (const auto b : bytes)
    tablets.push_back({tablet_id{tablets.size() + 1}, b});
  return tablets;
}

/// Sizes batch by batch; tablets must come in their order, each once.
std::vector<sizes> split(const sizes& bytes, std::uint64_t batch_bytes_max) {
  std::vector<sizes> shape;
  std::uint64_t next = 1;
  for (const auto& batch : split_batches(tablets_of(bytes), batch_bytes_max)) {
    auto& batch_sizes = shape.emplace_back();
    std::uint64_t sum = 0;
    for (const auto t : batch.tablets) {
      EXPECT_EQ(raw(t), next++);
      batch_sizes.push_back(bytes[raw(t) - 1]);
      sum += batch_sizes.back();
    }
    EXPECT_EQ(sum, batch.bytes);
  }
  EXPECT_EQ(next, bytes.size() + 1);
  return shape;
}

// The table of A4, column "ours".
TEST(WarmupSplit, TheTable) {
  const struct {
    sizes tablets;
    std::vector<sizes> batches;
  } rows[] = {
      {{4, 6, 9}, {{4, 6}, {9}}},
      {{4, 8, 6}, {{4}, {8}, {6}}},
      {{10}, {{10}}},
      {{10, 1}, {{10}, {1}}},
      {{11}, {{11}}},
      {{12, 5}, {{12}, {5}}},
      {{12, 12}, {{12}, {12}}},
      {{5, 12, 3}, {{5}, {12}, {3}}},
      {{3, 3, 3, 3}, {{3, 3, 3}, {3}}},
      {{0, 0, 10}, {{0, 0, 10}}},
      {{}, {}},
  };
  for (const auto& row : rows)
    EXPECT_EQ(split(row.tablets, 10), row.batches);
}

TEST(WarmupSplit, TheLimitIsTenGibibytesAndStrict) {
  EXPECT_EQ(split({4 * gib, 6 * gib}, warmup_batch_bytes).size(), 1U);
  EXPECT_EQ(split({4 * gib, 6 * gib + 1}, warmup_batch_bytes).size(), 2U);
}

TEST(WarmupSplit, HugeTabletsAreAlone) {
  constexpr auto most = ~std::uint64_t(0);
  EXPECT_EQ(split({most, 0, most}, 10), (std::vector<sizes>{{most}, {0}, {most}}));
  EXPECT_EQ(split({most - 1, 1}, most), (std::vector<sizes>{{most - 1, 1}}));
}

TEST(WarmupSplit, ABatchOfSmallTabletsFitsIntoOneMessage) {
  const auto batches = split(sizes(2 * warmup_batch_tablets_max + 1, 1), warmup_batch_bytes);
  ASSERT_EQ(batches.size(), 3U);
  EXPECT_EQ(batches[0].size(), 8'192U);
  EXPECT_EQ(batches[2].size(), 1U);
}

TEST(WarmupText, HundredthsOfGibibytes) {
  EXPECT_EQ(text_of(warmup_progress{0, 37 * gib}), "Finished 0.00 GB / Total 37.00 GB");
  EXPECT_EQ(gib_text(gib + gib / 20), "1.05 GB");
  EXPECT_EQ(gib_text(gib - 1), "1.00 GB");
  EXPECT_EQ(gib_text(~std::uint64_t(0)), "17179869184.00 GB");
  EXPECT_EQ(text_of(warmup_sync{sync_periodic{time_ms(600'000)}}), "PERIODIC (600s)");
  EXPECT_EQ(text_of(warmup_sync{sync_on_event{warmup_event::load}}), "EVENT_DRIVEN (LOAD)");
}

// -- placement -----------------------------------------------------------------------------

constexpr std::uint64_t many = 100'000;

std::vector<backend_id> backends_up_to(std::uint64_t last) {
  std::vector<backend_id> backends;
  for (std::uint64_t b = 1; b <= last; ++b)
    backends.push_back(backend_id{b});
  return backends;
}

TEST(WarmupPlacement, OrderDoesNotMatterAndNobodyIsNobody) {
  auto backends = backends_up_to(9);
  auto turned = backends;
  std::ranges::reverse(turned);
  for (std::uint64_t t = 1; t <= 1'000; ++t)
    ASSERT_EQ(caching_backend(tablet_id{t}, backends), caching_backend(tablet_id{t}, turned));
  EXPECT_EQ(caching_backend(tablet_id{1}, {}), backend_id{});
}

TEST(WarmupPlacement, OnlyTheTabletsOfWhoGoesMove) {
  const auto before = backends_up_to(10);
  auto after = before;
  after.erase(after.begin() + 3);
  std::uint64_t moved = 0;
  for (std::uint64_t t = 1; t <= many; ++t) {
    const auto was = caching_backend(tablet_id{t}, before), is = caching_backend(tablet_id{t}, after);
    moved += was != is ? 1 : 0;
    ASSERT_TRUE(was == is || was == backend_id{4}) << "tablet " << t;
  }
  // Seen the other way round: who comes gets a tenth, and nothing else moves.
  EXPECT_NEAR(static_cast<double>(moved), many / 10.0, many / 10.0 * 0.05);
}

TEST(WarmupPlacement, BalanceWithinFivePercent) {
  for (const std::uint64_t count : {2ULL, 3ULL, 10ULL, 20ULL}) {
    const auto backends = backends_up_to(count);
    std::map<backend_id, std::uint64_t> held;
    for (std::uint64_t t = 1; t <= many; ++t)
      ++held[caching_backend(tablet_id{10'000 + t}, backends)];
    const auto fair = static_cast<double>(many) / static_cast<double>(count);
    for (const auto& [b, tablets] : held)
      EXPECT_NEAR(static_cast<double>(tablets), fair, fair * 0.05) << count << " backends, backend " << raw(b);
  }
}

// -- plan ----------------------------------------------------------------------------------

/// One tablet per partition, numbered from `first` on.
warming_table table_of(const sizes& partitions, std::uint64_t first = 1) {
  warming_table table{table_id{first}, {}};
  for (const auto bytes : partitions) {
    table.partitions.push_back({partition_id{first}, {{tablet_id{first}, bytes}}});
    ++first;
  }
  return table;
}

std::vector<std::uint64_t> tablets_in(const warmup_plan& plan) {
  std::vector<std::uint64_t> all;
  for (const auto& lane : plan.lanes)
    for (const auto& t : lane.tablets)
      all.push_back(raw(t.tablet));
  return all;
}

// D-A 10, the part that is planning.
TEST(WarmupPlan, CapacityAndForce) {
  const std::vector one{warming_backend{backend_id{1}, 20}};
  const std::vector tables{table_of({8, 9, 7, 1})};
  const auto refused = std::get<warmup_not_planned>(plan_tables("d", tables, one, false));
  EXPECT_EQ(refused.why, warmup_plan_refusal::cluster_too_small);
  EXPECT_EQ(refused.text, "The cluster d cache size is not enough: backend 1 would have 0.00 GB (4 bytes) more than its cache holds");
  const auto forced = std::get<warmup_plan>(plan_tables("d", tables, one, true));
  EXPECT_EQ(tablets_in(forced), (std::vector<std::uint64_t>{1, 2, 3})) << "the partition that crosses is taken";
  EXPECT_EQ(forced.bytes, 24U);
  EXPECT_EQ(forced.lanes[0].excess_bytes, 4U);

  const std::vector large{table_of({30, 1})};
  EXPECT_EQ(std::get<warmup_not_planned>(plan_tables("d", large, one, false)).why,
            warmup_plan_refusal::cluster_too_small);
  EXPECT_EQ(tablets_in(std::get<warmup_plan>(plan_tables("d", large, one, true))), std::vector<std::uint64_t>{1});
}

TEST(WarmupPlan, ExactlyFullIsNotTooMuch) {
  const std::vector one{warming_backend{backend_id{1}, 20}};
  const std::vector tables{table_of({8}), table_of({12}, 5)};
  EXPECT_EQ(std::get<warmup_plan>(plan_tables("d", tables, one, false)).bytes, 20U);
}

TEST(WarmupPlan, AFullCacheStillTakesThePartitionThatCrosses) {
  const std::vector one{warming_backend{backend_id{1}, 20}};
  const std::vector tables{table_of({20, 1, 1})};
  EXPECT_EQ(std::get<warmup_not_planned>(plan_tables("d", tables, one, false)).why,
            warmup_plan_refusal::cluster_too_small)
      << "else a part of the table would be left out, and nobody told";
  EXPECT_EQ(tablets_in(std::get<warmup_plan>(plan_tables("d", tables, one, true))), (std::vector<std::uint64_t>{1, 2}));
}

TEST(WarmupPlan, TheNextTableIsNotBegunBeyondTheCapacity) {
  const std::vector one{warming_backend{backend_id{1}, 20}};
  const std::vector tables{table_of({21}), table_of({1}, 5)};
  EXPECT_EQ(tablets_in(std::get<warmup_plan>(plan_tables("d", tables, one, true))), std::vector<std::uint64_t>{1});
}

// W1: the cluster has room, one backend has not.
TEST(WarmupPlan, ABackendThatOverflowsIsNamed) {
  std::vector<warming_backend> two{{backend_id{1}, 10'000}, {backend_id{2}, 100}};
  const std::vector tables{table_of(sizes(40, 10))};
  const auto refused = std::get<warmup_not_planned>(plan_tables("d", tables, two, false));
  EXPECT_EQ(refused.why, warmup_plan_refusal::backend_too_small);
  const auto forced = std::get<warmup_plan>(plan_tables("d", tables, two, true));
  ASSERT_EQ(forced.lanes.size(), 2U);
  EXPECT_EQ(forced.lanes[0].excess_bytes, 0U);
  EXPECT_EQ(forced.lanes[1].excess_bytes, forced.lanes[1].bytes - 100);
  EXPECT_NE(refused.text.find("backend 2 would have 0.00 GB (" + std::to_string(forced.lanes[1].excess_bytes)
                              + " bytes) more"),
            std::string::npos)
      << refused.text;
  EXPECT_EQ(refused.text.find("backend 1"), std::string::npos);
}

TEST(WarmupPlan, EveryBackendMustSayWhatItHolds) {
  const std::vector tables{table_of({1})};
  const std::vector<warming_backend> silent{{backend_id{1}, 20}, {backend_id{2}, std::nullopt}};
  const auto refused = std::get<warmup_not_planned>(plan_tables("d", tables, silent, true));
  EXPECT_EQ(refused.why, warmup_plan_refusal::capacity_unknown);
  EXPECT_NE(refused.text.find("Backend 2"), std::string::npos);
  EXPECT_EQ(std::get<warmup_not_planned>(plan_tables("d", tables, {}, true)).why, warmup_plan_refusal::no_backend);
}

TEST(WarmupPlan, WithoutAnyCacheNothingIsPlanned) {
  const std::vector tables{table_of({1})};
  const std::vector<warming_backend> none{{backend_id{1}, 0}, {backend_id{2}, 0}};
  const auto refused = std::get<warmup_not_planned>(plan_tables("d", tables, none, true));
  EXPECT_EQ(refused.why, warmup_plan_refusal::no_cache);
  EXPECT_EQ(refused.text, "No backend of d has a file cache (cache.capacity_bytes)");
  EXPECT_EQ(std::get<warmup_not_planned>(plan_cluster("d", {}, none)).why, warmup_plan_refusal::no_cache);
  const std::vector<warming_backend> some{{backend_id{1}, 0}, {backend_id{2}, 20}};
  EXPECT_TRUE(std::holds_alternative<warmup_plan>(plan_tables("d", tables, some, true)));
}

TEST(WarmupPlan, BytesAreCountedOrRefused) {
  const std::vector one{warming_backend{backend_id{1}, ~std::uint64_t(0)}};
  const std::vector tables{table_of({~std::uint64_t(0) - 1, 9})};
  EXPECT_EQ(std::get<warmup_not_planned>(plan_tables("d", tables, one, true)).why, warmup_plan_refusal::too_many_bytes);
}

// The hottest are warmed last.  Unlike in A3, what does not fit is not taken: the cache would refuse it.
TEST(WarmupPlan, TheHottestComeLast) {
  const std::vector one{warming_backend{backend_id{1}, 20}};
  const std::vector<warming_partition> heat{{partition_id{1}, {{tablet_id{1}, 8}, {tablet_id{2}, 8}}},
                                            {partition_id{2}, {{tablet_id{3}, 8}, {tablet_id{4}, 1}}},
                                            {partition_id{3}, {{tablet_id{5}, 1}}}};
  const auto plan = std::get<warmup_plan>(plan_cluster("d", heat, one));
  EXPECT_EQ(tablets_in(plan), (std::vector<std::uint64_t>{5, 4, 2, 1})) << "what is colder and fits comes in its place";
  EXPECT_EQ(plan.bytes, 18U);
  const std::vector exact{warming_backend{backend_id{1}, 16}};
  EXPECT_EQ(tablets_in(std::get<warmup_plan>(plan_cluster("d", heat, exact))), (std::vector<std::uint64_t>{2, 1}));
}

TEST(WarmupPlan, NoBackendOfAClusterGetsMoreThanItsCacheHolds) {
  const std::vector<warming_backend> two{{backend_id{1}, 10'000}, {backend_id{2}, 1'000}};
  warming_partition hot{partition_id{1}, {}};
  for (std::uint64_t t = 1; t <= 44; ++t)
    hot.tablets.push_back({tablet_id{t}, t == 44 ? 5U : 100U, backend_id{t % 4 == 0 ? 2U : 1U}});
  const auto plan = std::get<warmup_plan>(plan_cluster("d", std::vector{hot}, two));
  ASSERT_EQ(plan.lanes.size(), 2U);
  EXPECT_EQ(plan.lanes[0].bytes, 3'300U) << "though the cluster could hold all";
  EXPECT_EQ(plan.lanes[1].bytes, 905U) << "a tenth one would leave less than a hundredth of it free";
  EXPECT_EQ(plan.lanes[1].tablets.front().tablet, tablet_id{44});
  EXPECT_EQ(plan.lanes[1].tablets.back().tablet, tablet_id{4}) << "the hottest are kept";
  EXPECT_EQ(plan.lanes[1].excess_bytes, 0U);
  EXPECT_EQ(plan.bytes, 4'205U);
}

TEST(WarmupPlan, LanesKeepTheOrderAndEveryBackendHasOne) {
  const std::vector<warming_backend> three{{backend_id{3}, 900}, {backend_id{1}, 900}, {backend_id{2}, 900}};
  const std::vector tables{table_of(sizes(2, 10))};
  const auto plan = std::get<warmup_plan>(plan_tables("d", tables, three, false));
  const auto lanes = lanes_of(plan, 10);
  ASSERT_EQ(lanes.size(), 3U);
  std::size_t batches = 0;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    EXPECT_EQ(raw(lanes[i].backend), i + 1);
    batches += lanes[i].batches.size();
    for (const auto& t : plan.lanes[i].tablets)
      EXPECT_EQ(caching_backend(t.tablet, backends_up_to(3)), plan.lanes[i].backend);
  }
  EXPECT_EQ(batches, 2U);
}

}  // namespace
}  // namespace tabletd::model
