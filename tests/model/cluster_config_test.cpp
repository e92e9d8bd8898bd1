// Settings: what the log says, over what the front end was started with, over the defaults.
#include "actors/model/cluster_config.h"
#include "tests/model/console_world.h"
#include <gtest/gtest.h>
#include <set>

namespace tabletd::model {
namespace {

using test::console_world;

TEST(ClusterConfig, EveryKeyIsNamedOnceAndItsDefaultFits) {
  std::set<std::string_view> names;
  for (const auto& key : config_keys()) {
    SCOPED_TRACE(key.key);
    EXPECT_TRUE(names.insert(key.key).second);
    EXPECT_TRUE(key.alias.empty() || names.insert(key.alias).second);
    EXPECT_FALSE(key.comment.empty());
    EXPECT_EQ(find_config(key.key), &key);
    EXPECT_TRUE(key.alias.empty() || find_config(key.alias) == &key);
    cluster_config config;
    const auto value = value_of(key, config);
    EXPECT_TRUE(set(config, key, value)) << value;
    EXPECT_EQ(config, cluster_config{}) << "a value reads back to itself";
  }
  EXPECT_EQ(find_config("storage"), nullptr);
}

TEST(ClusterConfig, TheDefaultsAreThoseOfTheSeed) {
  const std::pair<const char*, const char*> defaults[] = {{"schedule_slot_num_per_path", "2"},
                                                          {"enable_adaptive_slots", "true"},
                                                          {"schedule_slot_num_per_path_max", "16"},
                                                          {"balance_slot_num_per_path", "2"},
                                                          {"tablet_repair_delay_factor_second", "60"},
                                                          {"tablet_sched_be_down_tolerate_time_s", "900"},
                                                          {"disable_tablet_scheduler", "false"},
                                                          {"disable_balance", "false"},
                                                          {"disable_disk_balance", "false"},
                                                          {"disable_colocate_balance", "false"},
                                                          {"balance_load_score_threshold", "0.1"},
                                                          {"max_balancing_tablets", "100"},
                                                          {"storage_high_watermark_usage_percent", "85"},
                                                          {"storage_min_left_capacity_bytes", "2147483648"},
                                                          {"storage_flood_stage_usage_percent", "95"},
                                                          {"storage_flood_stage_left_capacity_bytes", "1073741824"},
                                                          {"colocate_group_relocate_delay_second", "1800"},
                                                          {"tablet_further_repair_max_times", "5"}};
  EXPECT_EQ(std::size(defaults), config_keys().size());
  for (const auto& [key, value] : defaults)
    EXPECT_EQ(value_of(*find_config(key), {}), value) << key;
  const auto fit = cluster_config{}.fit();
  EXPECT_EQ(fit.high_watermark, fit_limits{}.high_watermark);
  EXPECT_EQ(fit.flood_left_bytes, fit_limits{}.flood_left_bytes);
}

TEST(ClusterConfig, ValuesOutOfRangeAreRefusedAndChangeNothing) {
  const std::pair<const char*, const char*> bad[] = {{"schedule_slot_num_per_path", "0"},
                                                     {"schedule_slot_num_per_path", "65"},
                                                     {"schedule_slot_num_per_path", "2x"},
                                                     {"schedule_slot_num_per_path", " 2"},
                                                     {"disable_balance", "1"},
                                                     {"disable_balance", "TRUE"},
                                                     {"balance_load_score_threshold", "0"},
                                                     {"balance_load_score_threshold", "nan"},
                                                     {"balance_load_score_threshold", "1.1"},
                                                     {"tablet_repair_delay_factor_second", "-1"},
                                                     {"tablet_repair_delay_factor_second", "0.5"},
                                                     {"storage_high_watermark_usage_percent", "101"},
                                                     {"storage_min_left_capacity_bytes", "99999999999999999999"}};
  for (const auto& [key, value] : bad) {
    cluster_config config;
    EXPECT_FALSE(set(config, *find_config(key), value)) << key << ' ' << value;
    EXPECT_EQ(config, cluster_config{}) << key;
  }
  EXPECT_EQ(wanted_value(*find_config("disable_balance")), "\"true\" or \"false\"");
  EXPECT_EQ(wanted_value(*find_config("tablet_repair_delay_factor_second")), "\"0\" to \"86400\" seconds");
}

TEST(ClusterConfig, TheLogIsAboveTheFile) {
  console_world world;
  cluster_config startup;
  startup.slots_per_path = 8;
  startup.repair_delay_factor = time_ms{1'500};
  EXPECT_EQ(effective(world.cat, startup), startup);
  EXPECT_EQ(value_of(*find_config("tablet_repair_delay_factor_second"), startup), "1.5");
  world.fold(config_set{"schedule_slot_num_per_path", "4"});
  world.fold(config_set{"storage_high_watermark_usage_percent", "70.5"});
  world.fold(config_set{"disable_balance", "nonsense"});
  world.fold(config_set{"of_another_version", "1"});
  const auto now = effective(world.cat, startup);
  EXPECT_EQ(now.slots_per_path, 4u);
  EXPECT_EQ(now.repair_delay_factor, time_ms{1'500});
  EXPECT_DOUBLE_EQ(now.fit().high_watermark, 0.705);
  EXPECT_FALSE(now.balance_disabled) << "what does not fit is passed over";
  world.fold(config_set{"schedule_slot_num_per_path", ""});
  EXPECT_EQ(effective(world.cat, startup).slots_per_path, 8u);
}

TEST(DiskRebalance, AddsForgetsAndEnds) {
  console_world world;
  world.add_backends(3);
  const auto& b = world.order;
  const auto later = world.now + std::chrono::hours(1);
  const auto held = [&](time_ms at) { return disk_rebalance_of(world.cat, at); };
  EXPECT_FALSE(held(world.now));
  world.fold(rebalance_disks(world.cat, {b[1]}, world.now));
  ASSERT_TRUE(held(world.now));
  EXPECT_TRUE(held(world.now)->covers(b[1]));
  EXPECT_FALSE(held(world.now)->covers(b[0]));
  world.fold(rebalance_disks(world.cat, {b[0], b[1]}, later));
  EXPECT_EQ(*held(later), (disk_rebalance{later + disk_rebalance_lasts, {b[0], b[1]}}));
  EXPECT_FALSE(held(later + disk_rebalance_lasts)) << "it is over by itself";
  world.fold(forget_disks(world.cat, {b[0]}, later));
  EXPECT_EQ(held(later)->backends, std::vector{b[1]});
  world.fold(forget_disks(world.cat, {b[1]}, later));
  EXPECT_FALSE(held(later));
  world.fold(rebalance_disks(world.cat, {}, later));
  EXPECT_TRUE(held(later)->covers(b[2]));
  world.fold(rebalance_disks(world.cat, {b[0]}, later));
  EXPECT_TRUE(held(later)->covers(b[2])) << "all stays all";
  world.fold(forget_disks(world.cat, {b[2]}, later));
  EXPECT_EQ(held(later)->backends, (std::vector{b[0], b[1]})) << "all but that one";
  world.fold(forget_disks(world.cat, {}, later));
  EXPECT_FALSE(held(later));
  EXPECT_EQ(find_config(disk_rebalance_key), nullptr) << "no operator sets it by hand";
}

} // namespace
} // namespace tabletd::model
