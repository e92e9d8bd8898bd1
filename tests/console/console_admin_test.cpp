// What operators say: partitions, backends, repair, balance, settings, checks.
#include "actors/model/cluster_config.h"
#include "tests/console/session_world.h"

namespace tabletd {
namespace {

using namespace std::chrono_literals;
using model::raw;

struct ConsoleAdmin : test::session_world {
  /// shop.orders: partitions `orders` and `p2` of 2 tablets, 3 replicas each, on 4 backends.
  model::table_id orders{};
  void SetUp() override {
    world.database("shop");
    world.add_backends(4);
    orders = world.table("shop", "orders", 2, 3);
    world.add_partition(orders, "p2", 2, 3);
    session_world::SetUp();
  }
  const model::table& table() { return *world.cat.tables.find(orders); }
  const model::partition& part(std::string_view name) { return *table().find(name); }
};

// -- partitions --------------------------------------------------------------------------

TEST_F(ConsoleAdmin, ATableIsCreatedWithItsPartitions) {
  EXPECT_EQ(run("CREATE TABLE shop.t (KEY 1) PARTITION (a, b) BUCKETS 2 PROPERTIES(\"storage_medium\"=\"SSD\")"),
            "done created shop.t: 4 tablets, 12 replicas (1)\n");
  const auto* made = world.cat.find_table(world.cat.find_database("shop")->id, "t");
  ASSERT_EQ(made->partitions.size(), 2u);
  EXPECT_EQ(made->partitions[1].name, "b");
  EXPECT_EQ(made->partitions[1].medium, model::medium::ssd);
  EXPECT_EQ(tasks.size(), 12u);
  EXPECT_EQ(run("CREATE TABLE shop.u (KEY 1) PARTITION (a, a) BUCKETS 2"),
            "error [4] the partition a is named twice | keep one of them\n");
  EXPECT_EQ(run("CREATE TABLE shop.u (KEY 1) BUCKETS 2 PROPERTIES(\"cluster\"=\"blue\")").substr(0, 80),
            "error [13] shop.u cannot be placed: 3 replicas need 3 backend(s) of cluster blue");
}

TEST_F(ConsoleAdmin, TablesOfAGroupLieAlike) {
  EXPECT_EQ(run("CREATE TABLE shop.a (KEY 1) PARTITION (x, y) BUCKETS 3 PROPERTIES(\"colocate_with\"=\"g\")"),
            "done created shop.a: 6 tablets, 18 replicas (1)\n");
  EXPECT_EQ(run("CREATE TABLE shop.b (KEY 1) BUCKETS 3 PROPERTIES(\"colocate_with\"=\"g\")"),
            "done created shop.b: 3 tablets, 9 replicas (1)\n");
  EXPECT_EQ(run("ALTER TABLE shop.b ADD PARTITION more"),
            "done created partition more of shop.b: 3 tablets, 9 replicas (1)\n");
  EXPECT_EQ(
      run("CREATE TABLE shop.c (KEY 1) BUCKETS 4 PROPERTIES(\"colocate_with\"=\"g\")"),
      "error [5] shop.c does not fit colocation group g: that has 3 buckets and 3 replicas, not 4 and 3 | take the "
      "group's numbers, or another group; SHOW PROC '/colocation_group' shows them\n");
  const auto db = world.cat.find_database("shop")->id;
  const auto* group = world.cat.find_colocate_group(db, "g");
  ASSERT_TRUE(group);
  EXPECT_EQ(group->tables.size(), 2u);
  EXPECT_EQ(model::broken_invariant(world.cat), "");
}

TEST_F(ConsoleAdmin, PartitionsAreAddedChangedAndDropped) {
  EXPECT_EQ(run("ALTER TABLE shop.orders ADD PARTITION p3 PROPERTIES(\"storage_medium\"=\"HDD\")"),
            "done created partition p3 of shop.orders: 2 tablets, 6 replicas (1)\n");
  ASSERT_EQ(tasks.size(), 6u);
  EXPECT_EQ(tasks.front().get().getTask().getFence(), world.index);
  EXPECT_EQ(part("p3").medium, model::medium::hdd);
  EXPECT_EQ(run("ALTER TABLE shop.orders ADD PARTITION p3"),
            "error [3] shop.orders has a partition p3 already | take another name\n");
  EXPECT_EQ(run("ALTER TABLE shop.order ADD PARTITION p4"),
            "error [2] there is no table shop.order | did you mean orders?\n");
  EXPECT_EQ(run("ALTER TABLE shop.orders MODIFY PARTITION p3 SET (\"storage_medium\"=\"ANY\")"),
            "done partition p3 of shop.orders belongs on any disk now (1)\n");
  EXPECT_EQ(part("p3").medium, std::nullopt);
  EXPECT_EQ(run("ALTER TABLE shop.orders MODIFY PARTITION p3 SET (\"storage_medium\"=\"ANY\")"),
            "done partition p3 of shop.orders belongs on any disk already: nothing to do (0)\n");
  EXPECT_EQ(run("ALTER TABLE shop.orders DROP PARTITION p33"),
            "error [2] table orders has no partition p33 | did you mean p3?\n");
  EXPECT_EQ(run("ALTER TABLE shop.orders DROP PARTITION p3"), "done dropped partition p3 of shop.orders (1)\n");
  EXPECT_EQ(run("ALTER TABLE shop.orders DROP PARTITION p2"), "done dropped partition p2 of shop.orders (1)\n");
  EXPECT_EQ(run("ALTER TABLE shop.orders DROP PARTITION orders"),
            "error [5] dropping partition orders of shop.orders failed: it is the table's only partition | DROP TABLE "
            "drops the table\n");
}

TEST_F(ConsoleAdmin, ASlowBackendIsAWarningOfAPartitionToo) {
  silent = {world.order[0], world.order[1], world.order[2], world.order[3]};
  const auto slot = send("ALTER TABLE shop.orders ADD PARTITION p3");
  EXPECT_FALSE(*slot);
  pass(10s);
  ASSERT_TRUE(*slot);
  const auto text = test::shown((*slot)->get().getResult());
  EXPECT_EQ(text.substr(0, text.find('\n')), "done created partition p3 of shop.orders: 2 tablets, 6 replicas (1)");
  EXPECT_NE(text.find("no answer in 10 seconds"), std::string::npos) << text;
  EXPECT_EQ(std::string_view{(*slot)->get().getResult().getStatement().cStr()}, "add_partition");
}

TEST_F(ConsoleAdmin, ALoadNamesItsPartition) {
  EXPECT_EQ(run("LOAD FILE '/f' INTO shop.orders"),
            "error [4] shop.orders has 2 partitions, and a load goes into one | name it: LOAD FILE ... INTO "
            "shop.orders PARTITION (orders)\n");
  EXPECT_EQ(run("LOAD FILE '/f' INTO shop.orders PARTITION (p4)"),
            "error [2] table orders has no partition p4 | did you mean p2?\n");
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders PARTITION (p2) LABEL 'a'");
  ASSERT_EQ(plan.get().getLoad().getTablets().size(), 2u);
  EXPECT_EQ(plan.get().getLoad().getTablets()[0].getTablet(), raw(part("p2").first_tablet));
  EXPECT_NE(finish(prepared(plan)).find("as version 2"), std::string::npos);
  EXPECT_EQ(part("p2").visible, 2u);
  EXPECT_EQ(part("orders").visible, 1u);
}

TEST_F(ConsoleAdmin, AnExportReadsThePartitionsItNames) {
  const auto tablets_of = [&](const std::string& statement) {
    const auto slot = send(statement);
    EXPECT_TRUE((*slot)->get().isExportPlan()) << statement;
    std::vector<std::uint64_t> out;
    for (const auto t : (*slot)->get().getExportPlan().getTablets())
      out.push_back(t.getTablet());
    return out;
  };
  const auto first = raw(part("orders").first_tablet);
  const auto second = raw(part("p2").first_tablet);
  EXPECT_EQ(tablets_of("EXPORT TABLE shop.orders TO '/f'"), (std::vector{first, first + 1, second, second + 1}));
  EXPECT_EQ(tablets_of("EXPORT TABLE shop.orders PARTITION (p2) TO '/f'"), (std::vector{second, second + 1}));
  EXPECT_EQ(run("EXPORT TABLE shop.orders PARTITION (p9) TO '/f'"),
            "error [2] table orders has no partition p9 | did you mean p2?\n");
}

TEST_F(ConsoleAdmin, CreateTableHonoursTheDiskLimitsInForce) {
  EXPECT_EQ(run("ADMIN SET FRONTEND CONFIG (\"storage_high_watermark_usage_percent\"=\"40\")"),
            "done set storage_high_watermark_usage_percent to 40 (1)\n");
  const auto text = run("CREATE TABLE shop.t (KEY 1) BUCKETS 1"); // Every disk is half full.
  EXPECT_NE(text.find("error [13] shop.t cannot be placed"), std::string::npos) << text;
  EXPECT_NE(text.find("has no path with room"), std::string::npos) << text;
}

// -- backends ----------------------------------------------------------------------------

TEST_F(ConsoleAdmin, BackendsBelongToClustersAndStandSomewhere) {
  run(R"(ALTER SYSTEM ADD BACKEND "n:1", "n:2" PROPERTIES("cluster"="blue", "location"="rack:a"))");
  const auto* n2 = world.cat.find_backend("n", 2);
  ASSERT_TRUE(n2);
  EXPECT_EQ(n2->cluster, "blue");
  EXPECT_EQ(n2->location, "rack:a");
  EXPECT_EQ(run(R"(ALTER SYSTEM MODIFY BACKEND "n:2" SET ("location"="rack:b"))"),
            fmt::format("done backend {} (n:2) is of cluster blue now, at rack:b (1)\n", raw(n2->id)));
  EXPECT_EQ(world.cat.find_backend("n", 2)->cluster, "blue") << "what is not named stays";
  EXPECT_EQ(run(R"(ALTER SYSTEM MODIFY BACKEND "n:2" SET ("location"="", "cluster"="red"))"),
            fmt::format("done backend {} (n:2) is of cluster red now (1)\n", raw(n2->id)));
  EXPECT_EQ(world.cat.find_backend("n", 2)->location, "");
  EXPECT_EQ(run(R"(ALTER SYSTEM MODIFY BACKEND "n:2" SET ("cluster"="red"))"),
            fmt::format("done backend {} (n:2) is so already: nothing to do (0)\n", raw(n2->id)));
  EXPECT_EQ(run(R"(ALTER SYSTEM MODIFY BACKEND "n:3" SET ("cluster"="red"))"),
            "error [2] there is no backend n:3 | did you mean n:1?\n");
}

// -- repair ------------------------------------------------------------------------------

TEST_F(ConsoleAdmin, RepairIsHurriedForFourHoursAndTakenBack) {
  EXPECT_EQ(run("ADMIN REPAIR TABLE shop.orders PARTITION (p2)"),
            "done partition p2 of table shop.orders is repaired before others for 4 hours (1)\n");
  ASSERT_TRUE(world.cat.hints.find(part("p2").id));
  EXPECT_EQ(*world.cat.hints.find(part("p2").id), world.now + 4h);
  EXPECT_EQ(run("SHOW PROC '/cluster_balance/priority_repair'"),
            fmt::format("Database|Table|Partition|RemainingTimeMs\n{}|{}|{}|14400000\n", raw(table().database),
                        raw(orders), raw(part("p2").id)));
  EXPECT_EQ(run("ADMIN CANCEL REPAIR TABLE shop.orders PARTITION (orders)"),
            "done partition orders of table shop.orders is not repaired before others: nothing to do (0)\n");
  EXPECT_EQ(run("ADMIN REPAIR TABLE shop.orders"),
            "done table shop.orders is repaired before others for 4 hours (2)\n");
  EXPECT_EQ(run("ADMIN CANCEL REPAIR TABLE shop.orders"), "done table shop.orders is repaired in its turn again (2)\n");
  EXPECT_TRUE(world.cat.hints.empty());
  EXPECT_EQ(run("ADMIN REPAIR TABLE shop.orders PARTITION (p5)"),
            "error [2] table orders has no partition p5 | did you mean p2?\n");
}

TEST_F(ConsoleAdmin, AReplicaIsDeclaredBadAndTrustedAgain) {
  const auto id = raw(world.tablet(orders, 0).id);
  const auto say = [&](std::uint64_t backend, const char* status) {
    return run(fmt::format(R"(ADMIN SET REPLICA STATUS PROPERTIES("tablet_id"="{}", "backend_id"="{}", "status"="{}"))",
                           id, backend, status));
  };
  const auto replica = raw(world.tablet(orders, 0).replicas[0].id);
  const auto b = raw(world.order[0]);
  EXPECT_EQ(say(b, "bad"),
            fmt::format("done replica {} of tablet {} on backend {} is bad now and will be replaced (1)\n", replica, id,
                        described(0)));
  EXPECT_TRUE(world.tablet(orders, 0).replicas[0].set_bad);
  EXPECT_EQ(say(b, "bad"),
            fmt::format("done replica {} of tablet {} on backend {} was declared bad already: nothing to do (0)\n",
                        replica, id, described(0)));
  EXPECT_EQ(say(b, "ok"), fmt::format("done replica {} of tablet {} on backend {} is trusted again (1)\n", replica, id,
                                      described(0)));
  EXPECT_FALSE(world.tablet(orders, 0).replicas[0].set_bad);
  EXPECT_EQ(
      say(raw(world.order[3]), "bad"),
      fmt::format("error [2] tablet {} has no replica on backend {} | ADMIN DIAGNOSE TABLET {} lists its replicas\n",
                  id, described(3), id));
  EXPECT_EQ(run(R"(ADMIN SET REPLICA STATUS PROPERTIES("tablet_id"="5", "backend_id"="1", "status"="bad"))"),
            "error [2] there is no tablet 5 | SHOW TABLETS FROM a table lists its tablets\n");
}

TEST_F(ConsoleAdmin, ChecksAreOrderedOnEveryReplica) {
  const auto first = raw(world.tablet(orders, 0).id);
  world.fold(model::backend_died{world.order[2]});
  publish_world();
  const auto text = run(fmt::format("ADMIN CHECK TABLET ({}, {}) PROPERTIES(\"type\"=\"consistency\")", first, first));
  EXPECT_EQ(
      text,
      fmt::format("done ordered 2 checks of 1 tablet (2)\nwarning [8] the replica of tablet {} on backend {} is not "
                  "checked: it is down | check again when it is back\n",
                  first, described(2)));
  ASSERT_EQ(tasks.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto task = tasks[i].get().getTask();
    ASSERT_TRUE(task.isVerify());
    EXPECT_EQ(tasks[i].get().getBackend(), raw(world.order[i]));
    EXPECT_EQ(task.getVerify().getReplica(), raw(world.tablet(orders, 0).replicas[i].id));
    EXPECT_GT(task.getFence(), 0u);
  }
  const auto fence = tasks[0].get().getTask().getFence();
  world.now += 1ms;
  run(fmt::format("ADMIN CHECK TABLET ({})", first));
  EXPECT_NE(tasks.back().get().getTask().getFence(), fence) << "a second check looks again";
  tasks.clear();
  EXPECT_EQ(run(fmt::format("ADMIN CHECK TABLET ({}, 5)", first)),
            "error [2] there is no tablet 5 | SHOW TABLETS FROM a table lists its tablets; none was checked\n");
  EXPECT_TRUE(tasks.empty());
}

// -- settings ----------------------------------------------------------------------------

TEST_F(ConsoleAdmin, SettingsAreSetShownAndReset) {
  EXPECT_EQ(run("ADMIN SHOW FRONTEND CONFIG LIKE 'disable\\x5fb%'"),
            "Key|AliasNames|Value|Type|IsMutable|Comment\n"
            "disable_balance|tablet_sched_disable_balance|false|boolean|true|No balance move is started\n");
  EXPECT_EQ(run("ADMIN SET FRONTEND CONFIG (\"tablet_sched_disable_balance\"=\"true\", "
                "\"schedule_slot_num_per_path\"=\"4\")"),
            "done set disable_balance to true, schedule_slot_num_per_path to 4 (2)\n");
  EXPECT_TRUE(model::effective(world.cat).balance_disabled);
  EXPECT_NE(run("ADMIN SHOW FRONTEND CONFIG").find("|4|long|true|"), std::string::npos);
  EXPECT_NE(run("ADMIN SHOW FRONTEND CONFIG LIKE '%FURTHER%'").find("|5|long|false|"), std::string::npos);
  EXPECT_EQ(run("ADMIN SHOW FRONTEND CONFIG LIKE 'x'"), "Key|AliasNames|Value|Type|IsMutable|Comment\n");
  EXPECT_EQ(run("ADMIN SET FRONTEND CONFIG (\"disable_balance\"=\"\")"),
            "done set disable_balance to its default (1)\n");
  EXPECT_FALSE(model::effective(world.cat).balance_disabled);
  EXPECT_EQ(run("ADMIN SET FRONTEND CONFIG (\"schedule_slot_num_per_path\"=\"100\")"),
            "error [4] \"100\" is no value of \"schedule_slot_num_per_path\" | it must be \"1\" to \"64\"; \"\" is the "
            "default\n");
  failures = {wire::EditOutcome::Failure::OVERLOADED};
  const auto text = run("ADMIN SET FRONTEND CONFIG (\"disable_balance\"=\"true\", \"max_balancing_tablets\"=\"7\")");
  EXPECT_NE(text.find("error [13] setting disable_balance to true failed"), std::string::npos) << text;
  EXPECT_NE(text.find("; set nevertheless: max_balancing_tablets to 7"), std::string::npos) << text;
}

// -- balance -----------------------------------------------------------------------------

TEST_F(ConsoleAdmin, BalanceIsPausedAndResumed) {
  EXPECT_EQ(run("ADMIN PAUSE BALANCE ALL FOR 90m REASON \"release\""), "done balance is paused for 1 h 30 min (1)\n");
  const auto* all = world.cat.pauses.find("all");
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, (model::operator_pause{"console", "release", world.now, world.now + 90min}));
  EXPECT_EQ(run("ADMIN PAUSE BALANCE TABLE shop.orders FOR 30s"),
            "done balance of table shop.orders is paused for 30 s (1)\n");
  EXPECT_TRUE(world.cat.pauses.find(fmt::format("table:{}", raw(orders))));
  EXPECT_EQ(run("ADMIN PAUSE BALANCE BACKEND 'h2:9060' FOR 1d"),
            "done balance of backend " + described(1) + " is paused for 24 h 0 min (1)\n");
  EXPECT_TRUE(world.cat.pauses.find(fmt::format("backend:{}", raw(world.order[1]))));
  EXPECT_EQ(run("SHOW PROC '/cluster_balance/balance_pauses'"),
            fmt::format(
                "Scope|Owner|Reason|Since|Until\nall|console|release|@1732000000000|@1732005400000\n"
                "backend:{}|console||@1732000000000|@1732086400000\ntable:{}|console||@1732000000000|@1732000030000\n",
                raw(world.order[1]), raw(orders)));
  EXPECT_EQ(run("ADMIN RESUME BALANCE ALL"), "done balance goes on (1)\n");
  EXPECT_EQ(run("ADMIN RESUME BALANCE ALL"), "done balance is not paused: nothing to do (0)\n");
  EXPECT_EQ(world.cat.pauses.all().size(), 2u);
  EXPECT_EQ(run("ADMIN RESUME BALANCE TABLE shop.orderz"),
            "error [2] there is no table shop.orderz | did you mean orders?\n");
  EXPECT_EQ(run("ADMIN PAUSE BALANCE BACKEND 'h9:9060' FOR 1d"),
            "error [2] there is no backend h9:9060 | did you mean h1:9060?\n");
}

TEST_F(ConsoleAdmin, DisksAreRebalancedFirst) {
  EXPECT_EQ(run("ADMIN CANCEL REBALANCE DISK"), "done no disks are balanced before others: nothing to do (0)\n");
  EXPECT_EQ(run("ADMIN REBALANCE DISK ON ('h1:9060')"),
            "done the disks of backend " + described(0) + " are balanced before others for 24 hours (1)\n");
  auto asked = model::disk_rebalance_of(world.cat, world.now);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->backends, std::vector{world.order[0]});
  EXPECT_EQ(asked->until, world.now + 24h);
  EXPECT_EQ(run("ADMIN REBALANCE DISK"),
            "done the disks of every backend are balanced before others for 24 hours (1)\n");
  EXPECT_EQ(run("ADMIN CANCEL REBALANCE DISK ON ('h1:9060')"),
            "done the disks of backend " + described(0) + " are balanced in their turn again (1)\n");
  asked = model::disk_rebalance_of(world.cat, world.now);
  ASSERT_TRUE(asked);
  EXPECT_FALSE(asked->covers(world.order[0]));
  EXPECT_TRUE(asked->covers(world.order[1]));
  EXPECT_EQ(run("ADMIN REBALANCE DISK ON ('h7:9060')").substr(0, 36), "error [2] there is no backend h7:906");
}

TEST_F(ConsoleAdmin, ACheckpointIsOrderedAndItsEndTold) {
  EXPECT_EQ(run("ADMIN CHECKPOINT"), "done image 42 made by fe 1 (0)\n");
  checkpoint_ends = {false, "worker restarted"};
  EXPECT_EQ(run("ADMIN CHECKPOINT ON 'fe1'"),
            "error [8] no checkpoint: worker restarted | SHOW PROC '/checkpoint' shows what is under way\n");
  EXPECT_EQ(checkpoints_asked, (std::vector<model::node_id>{0, 1}));
  EXPECT_EQ(run("ADMIN CHECKPOINT ON 'fe9'"), "error [2] there is no front end fe9 | there are: fe1\n");
  EXPECT_NE(run("SHOW PROC '/checkpoint'").find("Images of fe 1|42"), std::string::npos);
  EXPECT_EQ(checkpoints_asked.size(), 2u);
}

TEST_F(ConsoleAdmin, AFollowerChangesNothing) {
  const auto first = raw(world.tablet(orders, 0).id);
  for (const auto& statement :
       {std::string{"ALTER TABLE shop.orders ADD PARTITION p3"},
        std::string{"ALTER TABLE shop.orders DROP PARTITION p2"},
        std::string{"ALTER TABLE shop.orders MODIFY PARTITION p2 SET (\"storage_medium\"=\"SSD\")"},
        std::string{"ALTER SYSTEM MODIFY BACKEND 'h1:9060' SET (\"cluster\"=\"blue\")"},
        std::string{"ADMIN REPAIR TABLE shop.orders"},
        fmt::format(
            "ADMIN SET REPLICA STATUS PROPERTIES(\"tablet_id\"=\"{}\", \"backend_id\"=\"{}\", \"status\"=\"bad\")",
            first, raw(world.order[0])),
        std::string{"ADMIN SET FRONTEND CONFIG (\"disable_balance\"=\"true\")"},
        std::string{"ADMIN PAUSE BALANCE ALL FOR 1h"}, std::string{"ADMIN REBALANCE DISK"}}) {
    failures = {wire::EditOutcome::Failure::NOT_LEADER};
    EXPECT_NE(run(statement).find("error [7] "), std::string::npos) << statement;
    EXPECT_EQ(run(statement, false).substr(0, 10), "error [12]") << statement;
    failures.clear();
  }
}

} // namespace
} // namespace tabletd
