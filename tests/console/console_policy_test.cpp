// Resources and storage policies through a session: every statement, and every way it is refused.
#include "tests/console/session_world.h"

namespace tabletd {
namespace {

using model::raw;

const std::string resources_head = "Name|Id|Type|Properties\n";
const std::string policies_head
    = "PolicyName|Id|Version|Type|StorageResource|CooldownDatetime|CooldownTtl|Properties\n";
const std::string users_head = "Policy|Database|Table|Partitions\n";

struct ConsolePolicy : test::session_world {
  model::table_id orders{};
  void SetUp() override {
    world.database("shop");
    world.add_backends(3);
    orders = world.table("shop", "orders", 2, 2);
    world.add_partition(orders, "p2", 2, 2);
    session_world::SetUp();
  }
  void make_policy() {
    EXPECT_EQ(run(R"(CREATE RESOURCE cold PROPERTIES("type"="file", "root"="/mnt/cold"))"),
              "done created resource cold (1)\n");
    EXPECT_EQ(run(R"(CREATE STORAGE POLICY p PROPERTIES("storage_resource"="cold", "cooldown_ttl"="1d"))"),
              "done created storage policy p (1)\n");
  }
  const model::table& table() { return *world.cat.tables.find(orders); }
  /// As its uploader would.
  void publish() {
    const auto& t = world.tablet(orders, 0);
    world.fold(model::cooldown_granted{{{t.id, t.replicas[0].id, 1}}});
    const auto cold = world.cat.find_resource("cold")->id;
    world.fold(model::cooldown_published{t.id, t.replicas[0].id, {{1, 1}, cold, "a.meta", 1, 1, 1}});
    publish_world();
  }
};

TEST_F(ConsolePolicy, AResourceIsTriedBeforeItIsThere) {
  make_policy();
  EXPECT_EQ(stores_asked, (std::vector<std::string>{R"(file "root" = "/mnt/cold")"}));
  const auto id = raw(world.cat.find_resource("cold")->id);
  EXPECT_EQ(run("SHOW RESOURCES"), resources_head + fmt::format("cold|{}|file|\"root\" = \"/mnt/cold\"\n", id));
  EXPECT_EQ(run(R"(CREATE RESOURCE IF NOT EXISTS cold PROPERTIES("type"="file", "root"="/x"))"),
            "done resource cold exists already: nothing to do (0)\n");
  EXPECT_EQ(run(R"(CREATE RESOURCE cold PROPERTIES("type"="file", "root"="/x"))"),
            "error [3] there is a resource cold already | take another name, or ALTER RESOURCE cold\n");
  EXPECT_EQ(stores_asked.size(), 1u) << "nothing was to be tried";

  store_fault = "file:///x let a second object replace one; use a shared directory";
  const auto before = proposed.size();
  EXPECT_EQ(
      run(R"(CREATE RESOURCE r PROPERTIES("type"="file", "root"="/x"))"),
      "error [5] creating resource r failed: file:///x let a second object replace one | use a shared directory\n");
  EXPECT_EQ(proposed.size(), before) << "a store that will not do is never proposed";
}

TEST_F(ConsolePolicy, AlteringTriesTheStoreAsItShallBe) {
  make_policy();
  EXPECT_EQ(run(R"(ALTER RESOURCE cold PROPERTIES("root"="/mnt/other"))"), "done changed resource cold (1)\n");
  EXPECT_EQ(stores_asked.back(), R"(file "root" = "/mnt/other")");
  EXPECT_EQ(world.cat.find_resource("cold")->version, 2u);
  EXPECT_EQ(run(R"(ALTER RESOURCE cold PROPERTIES("root"="/mnt/other"))"),
            "done resource cold is so already: nothing to do (0)\n");
  EXPECT_EQ(run(R"(ALTER RESOURCE cold PROPERTIES("bucket"="abc"))"),
            "error [4] a resource of type \"file\" has no property \"bucket\" | there are \"root\"\n");
  EXPECT_EQ(run(R"(ALTER RESOURCE cold PROPERTIES("root"=""))").find("error [4] the property \"root\" is missing"), 0u);
  EXPECT_EQ(run(R"(ALTER RESOURCE old PROPERTIES("root"="/x"))"),
            "error [2] there is no resource old | did you mean cold?\n");
  store_fault = "it is not there; mount it";
  EXPECT_EQ(run(R"(ALTER RESOURCE cold PROPERTIES("root"="/mnt/third"))"),
            "error [5] changing resource cold failed: it is not there | mount it\n");
  EXPECT_EQ(world.cat.find_resource("cold")->properties, (model::resource_properties{{"root", "/mnt/other"}}));
}

TEST_F(ConsolePolicy, WhereDataLiesNothingIsMovedOrDropped) {
  make_policy();
  EXPECT_EQ(run("DROP RESOURCE cold"),
            "error [5] resource cold cannot be dropped: storage policy p names it | DROP STORAGE POLICY p, or ALTER it "
            "to another resource, first\n");
  run(R"(ALTER TABLE shop.orders SET ("storage_policy"="p"))");
  publish();
  const auto asked = stores_asked.size();
  EXPECT_EQ(run(R"(ALTER RESOURCE cold PROPERTIES("root"="/mnt/other"))"),
            "error [5] resource cold cannot be moved to another place: the cooled data of 1 tablet lies there and "
            "nowhere else | "
            "CREATE RESOURCE another one for what cools from now on\n");
  EXPECT_EQ(stores_asked.size(), asked);
  run(R"(ALTER TABLE shop.orders SET ("storage_policy"=""))");
  EXPECT_EQ(run("DROP STORAGE POLICY p"), "done dropped storage policy p (1)\n");
  EXPECT_EQ(run("DROP RESOURCE cold"),
            "error [5] resource cold cannot be dropped: the cooled data of 1 tablet lies there and nowhere else | "
            "CREATE RESOURCE another one for what cools from now on\n");
  run("DROP TABLE shop.orders");
  for (const auto* statement : {"DROP RESOURCE cold", R"(ALTER RESOURCE cold PROPERTIES("root"="/mnt/other"))"})
    EXPECT_NE(run(statement).find("objects of 1 dropped tablet may lie there | the leader deletes them"), std::string::npos)
        << statement;
  EXPECT_EQ(stores_asked.size(), asked) << "the log says enough";
  const auto purged = world.cat.tombstones;
  purged.for_each([&](model::tablet_id id, model::time_ms) { world.fold(model::remote_purged{{id}}); });
  publish_world();
  leftovers = "file:///mnt/cold still has objects of tablets; try again";
  EXPECT_EQ(run("DROP RESOURCE cold"),
            "error [5] dropping resource cold failed: file:///mnt/cold still has objects of tablets | try again\n");
  EXPECT_EQ(run(R"(ALTER RESOURCE cold PROPERTIES("root"="/mnt/other"))"),
            "error [5] changing resource cold failed: file:///mnt/cold still has objects of tablets | try again\n");
  EXPECT_EQ(stores_asked.back(), R"(left "root" = "/mnt/cold")");
  run(R"(CREATE RESOURCE again PROPERTIES("type"="file", "root"="/mnt/cold"))");
  EXPECT_EQ(run("DROP RESOURCE again"), "done dropped resource again (1)\n") << "what lies there is the other's";
  leftovers = "";
  EXPECT_EQ(run("DROP RESOURCE cold"), "done dropped resource cold (1)\n");
  EXPECT_EQ(run("DROP RESOURCE IF EXISTS cold"), "done resource cold does not exist: nothing to do (0)\n");
  EXPECT_EQ(run("DROP RESOURCE cold"), "error [2] there is no resource cold | SHOW RESOURCES lists them\n");
}

TEST_F(ConsolePolicy, PoliciesAreMadeShownChangedAndDropped) {
  make_policy();
  const auto id = raw(world.cat.find_storage_policy("p")->id);
  EXPECT_EQ(run("SHOW STORAGE POLICY"),
            policies_head + fmt::format("p|{}|1|STORAGE|cold|-|86400|\"root\" = \"/mnt/cold\"\n", id));
  EXPECT_EQ(run(R"(CREATE STORAGE POLICY IF NOT EXISTS p PROPERTIES("storage_resource"="cold", "cooldown_ttl"="1d"))"),
            "done storage policy p exists already: nothing to do (0)\n");
  EXPECT_EQ(run(R"(CREATE STORAGE POLICY p PROPERTIES("storage_resource"="cold", "cooldown_ttl"="1d"))"),
            "error [3] creating storage policy p failed: a storage policy of that name exists | CREATE STORAGE POLICY "
            "IF NOT EXISTS accepts that\n");
  EXPECT_EQ(run(R"(CREATE STORAGE POLICY q PROPERTIES("storage_resource"="col", "cooldown_ttl"="1d"))"),
            "error [2] there is no resource col | did you mean cold?\n");
  EXPECT_EQ(run(R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_ttl"="2h"))"), "done changed storage policy p (1)\n");
  EXPECT_EQ(world.cat.find_storage_policy("p")->due, (model::cooldown_due{model::cooldown_ttl{7'200}}));
  EXPECT_EQ(run(R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_ttl"="7200"))"),
            "done storage policy p is so already: nothing to do (0)\n");
  EXPECT_EQ(run(R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_datetime"="2100-01-01 00:00:00"))"),
            "done changed storage policy p (1)\n");
  EXPECT_EQ(run("SHOW STORAGE POLICY"),
            policies_head + fmt::format("p|{}|3|STORAGE|cold|@4102444800000|-1|\"root\" = \"/mnt/cold\"\n", id));
  EXPECT_EQ(run(R"(ALTER STORAGE POLICY p PROPERTIES("cooldown_datetime"="1999-01-01 00:00:00"))"),
            "done changed storage policy p; its cooldown_datetime is past: every rowset under it is due as soon as it "
            "is written (1)\n");
  EXPECT_EQ(run("DROP STORAGE POLICY p"), "done dropped storage policy p (1)\n");
  EXPECT_EQ(run("DROP STORAGE POLICY IF EXISTS p"), "done storage policy p does not exist: nothing to do (0)\n");
  EXPECT_EQ(run("DROP STORAGE POLICY p"), "error [2] there is no storage policy p | SHOW STORAGE POLICY lists them\n");
}

TEST_F(ConsolePolicy, TablesAndPartitionsAreUnderPolicies) {
  make_policy();
  run(R"(CREATE STORAGE POLICY q PROPERTIES("storage_resource"="cold", "cooldown_ttl"="2d"))");
  EXPECT_EQ(run(R"(ALTER TABLE shop.orders SET ("storage_policy"="p"))"),
            "done table shop.orders is under storage policy p now (1)\n");
  EXPECT_EQ(run(R"(ALTER TABLE shop.orders SET ("storage_policy"="p"))"),
            "done table shop.orders is under storage policy p already: nothing to do (0)\n");
  EXPECT_EQ(run("SHOW STORAGE POLICY USING"), users_head + "p|shop|orders|ALL\n");
  EXPECT_EQ(run(R"(ALTER TABLE shop.orders MODIFY PARTITION p2 SET ("storage_policy"="q"))"),
            "done partition p2 of shop.orders is under storage policy q now (1)\n");
  EXPECT_EQ(run("SHOW STORAGE POLICY USING"), users_head + "p|shop|orders|orders\nq|shop|orders|p2\n");
  EXPECT_EQ(run("SHOW STORAGE POLICY USING FOR q"), users_head + "q|shop|orders|p2\n");
  EXPECT_EQ(run("SHOW STORAGE POLICY USING FOR r"),
            "error [2] there is no storage policy r | SHOW STORAGE POLICY lists them\n");
  EXPECT_EQ(run("DROP STORAGE POLICY q"),
            "error [5] storage policy q cannot be dropped: shop.orders is under it | SHOW STORAGE POLICY USING FOR q "
            "lists who is; take them away first\n");
  EXPECT_EQ(run(R"(ALTER TABLE shop.orders MODIFY PARTITION p2 SET ("storage_policy"="", "storage_medium"="SSD"))"),
            "done changed storage_medium of partition p2 of shop.orders, storage_policy of partition p2 of shop.orders "
            "(2)\n");
  EXPECT_EQ(table().partitions[1].medium, model::medium::ssd);
  EXPECT_EQ(run(R"(ALTER TABLE shop.orders MODIFY PARTITION p2 SET ("storage_policy"=""))"),
            "done partition p2 of shop.orders is under no storage policy of its own already: nothing to do (0)\n");
  EXPECT_EQ(run(R"(ALTER TABLE shop.orders SET ("storage_policy"="x"))"),
            "error [2] there is no storage policy x | SHOW STORAGE POLICY lists them\n");
}

TEST_F(ConsolePolicy, WhatIsBornUnderAPolicyShowsIt) {
  make_policy();
  EXPECT_EQ(run(R"(CREATE TABLE shop.t (KEY 1) BUCKETS 1 PROPERTIES("replication_num"="1", "storage_policy"="x"))"),
            "error [2] there is no storage policy x | SHOW STORAGE POLICY lists them\n");
  EXPECT_EQ(run(R"(CREATE TABLE shop.t (KEY 1) BUCKETS 1 PROPERTIES("replication_num"="1", "storage_policy"="p"))"),
            "done created shop.t: 1 tablet, 1 replica (1)\n");
  EXPECT_EQ(run(R"(ALTER TABLE shop.orders ADD PARTITION p3 PROPERTIES("storage_policy"="p"))"),
            "done created partition p3 of shop.orders: 2 tablets, 4 replicas (1)\n");
  EXPECT_EQ(run("SHOW STORAGE POLICY USING"), users_head + "p|shop|orders|p3\np|shop|t|ALL\n");
  const auto db = raw(world.cat.find_database("shop")->id);
  EXPECT_NE(run(fmt::format("SHOW PROC '/dbs/{}'", db)).find("|StoragePolicy\n"), std::string::npos);
  const auto parts = run(fmt::format("SHOW PROC '/dbs/{}/{}/partitions'", db, raw(orders)));
  EXPECT_NE(parts.find("|p\n"), std::string::npos) << parts;
}

TEST_F(ConsolePolicy, WhatCoolsIsShown) {
  make_policy();
  EXPECT_EQ(run("ALTER TABLE shop.orders SET (\"storage_policy\"=\"p\")").substr(0, 4), "done");
  const std::string head = "TabletId|Database|Table|Uploader|Term|Phase|PublishedVersion|VisibleVersion|Lag|RemoteBytes|Why\n";
  EXPECT_EQ(run("SHOW PROC '/cooldown'"), head);
  publish();
  const auto& first = world.tablet(orders, 0);
  const auto& second = world.tablet(orders, 1);
  cooling = {{first.id, {model::cooldown_phase::following, "replica 7 has not followed yet", 0}},
             {second.id, {model::cooldown_phase::waiting, "an uploader is about to be chosen", 3}},
             {model::tablet_id{1}, {}}};
  EXPECT_EQ(run("SHOW PROC '/cooldown'"),
            head + fmt::format("{}|shop|orders|{}|1|following|1|1|0|1|replica 7 has not followed yet\n", raw(first.id), raw(first.replicas[0].id))
              + fmt::format("{}|shop|orders|-1|0|waiting|-1|1|3|0|an uploader is about to be chosen\n", raw(second.id)));
}

TEST_F(ConsolePolicy, WhatIsThereIsHurried) {
  make_policy();
  EXPECT_EQ(run("ADMIN COOLDOWN TABLE shop.orders"),
            "error [5] partition orders of shop.orders is under no storage policy, so nothing says where to | ALTER TABLE "
            "... SET (\"storage_policy\" = \"...\") puts a table under one, MODIFY PARTITION a partition\n");
  run(R"(ALTER TABLE shop.orders MODIFY PARTITION p2 SET ("storage_policy"="p"))");
  EXPECT_EQ(run("ADMIN COOLDOWN TABLE shop.orders").find("error [5] partition orders of shop.orders "), 0u)
      << "all of them or none";
  EXPECT_EQ(run("ADMIN COOLDOWN TABLE shop.orders PARTITION (p2)"),
            "done everything in partition p2 of table shop.orders is due now (1)\n");
  EXPECT_EQ(run("ADMIN COOLDOWN TABLE shop.orders PARTITION (p2)"),
            "done everything in partition p2 of table shop.orders is due already: nothing to do (0)\n");
  EXPECT_EQ(table().partitions[1].cool_through, 1u);
  EXPECT_EQ(run("ADMIN COOLDOWN TABLE shop.orders PARTITION (p3)").find("error [2] "), 0u);
  EXPECT_EQ(run("ADMIN COOLDOWN TABLE shop.others").find("error [2] "), 0u);
  EXPECT_EQ(run("ADMIN COOLDOWN TABLE shop.orders", false).find("error [12] "), 0u);
}

TEST_F(ConsolePolicy, WhatWouldCoolAgainIsNotRecalled) {
  make_policy();
  run(R"(ALTER TABLE shop.orders SET ("storage_policy"="p"))");
  publish();
  EXPECT_EQ(run("RECALL TABLE shop.orders"),
            "error [5] partition orders of shop.orders is under storage policy p, which would cool it again | ALTER TABLE "
            "shop.orders SET (\"storage_policy\" = \"\") takes it away\n");
  run(R"(ALTER TABLE shop.orders MODIFY PARTITION p2 SET ("storage_policy"="p"))");
  run(R"(ALTER TABLE shop.orders SET ("storage_policy"=""))");
  EXPECT_EQ(run("RECALL TABLE shop.orders"),
            "error [5] partition p2 of shop.orders is under storage policy p, which would cool it again | ALTER TABLE "
            "shop.orders MODIFY PARTITION p2 SET (\"storage_policy\" = \"\") takes it away\n");
  EXPECT_EQ(run("RECALL TABLE shop.orders PARTITION (orders)"),
            "done partition orders of table shop.orders comes back from the remote store (1)\n");
  EXPECT_TRUE(table().partitions[0].recalled);
  EXPECT_EQ(run("RECALL TABLE shop.orders PARTITION (orders)"),
            "done partition orders of table shop.orders is recalled already: nothing to do (0)\n");
  run(R"(ALTER TABLE shop.orders MODIFY PARTITION p2 SET ("storage_policy"=""))");
  EXPECT_EQ(run("RECALL TABLE shop.orders"), "done table shop.orders comes back from the remote store (2)\n");
  run(R"(ALTER TABLE shop.orders SET ("storage_policy"="p"))");
  EXPECT_FALSE(table().partitions[0].recalled || table().partitions[1].recalled) << "a policy takes it back";
  EXPECT_EQ(run("RECALL TABLE shop.orders", false).find("error [12] "), 0u);
}

TEST_F(ConsolePolicy, AJobThatIsCutOffAfterItProposedIsInDoubt) {
  kill_jobs();
  journal_holds = true;
  const auto slot = send(R"(CREATE RESOURCE cold PROPERTIES("type"="file", "root"="/mnt/cold"))");
  ASSERT_FALSE(*slot);
  kill_jobs();
  ASSERT_TRUE(*slot);
  EXPECT_EQ(test::shown((*slot)->get().getResult()),
            "error [8] creating resource cold was cut off: this front end stopped leading; nobody knows whether it "
            "happened | "
            "SHOW RESOURCES shows what there is; then try again\n");
  EXPECT_TRUE((*slot)->get().getResult().getError().getOutcomeUnknown());
}

TEST_F(ConsolePolicy, ViewersOnlyLook) {
  EXPECT_EQ(run("SHOW RESOURCES", false), resources_head);
  EXPECT_EQ(run(R"(CREATE RESOURCE cold PROPERTIES("type"="file", "root"="/mnt/cold"))", false).find("error [12] "),
            0u);
  EXPECT_TRUE(stores_asked.empty());
}

}  // namespace
}  // namespace tabletd
