// Golden views: every column of every page, read back through the codec.
#include "actors/console/views.h"
#include "actors/model/statement_table.h"
#include "tests/console/session_world.h"

namespace tabletd {
namespace {

using model::raw;

struct Views : test::session_world {
  model::table_id orders{};
  model::database_id shop{};

  void SetUp() override {
    shop = world.database("shop");
    world.database("empty");
    world.add_backends(3);
    orders = world.table("shop", "orders", 2, 2);
    world.load(orders, "a", 4);
    session_world::SetUp();
  }
  std::uint64_t tablet(std::uint32_t bucket) { return raw(world.tablet(orders, bucket).id); }
  std::uint64_t replica(std::uint32_t bucket, std::size_t i) { return raw(world.tablet(orders, bucket).replicas[i].id); }
  std::string proc(const std::string& path) { return run("SHOW PROC '" + path + "'"); }
};

TEST_F(Views, Backends) {
  world.fold(model::backend_modified{world.order[0], "blue", "rack:a"});
  world.fold(model::backend_died{world.order[2]});
  auto& lost = world.view.backends[world.order[2]];
  lost.linked = lost.reported = false;
  lost.error = "connection refused";
  lost.last_heartbeat = {};
  world.view.backends[world.order[0]].tasks_running = 1;
  world.view.backends.erase(world.order[1]);
  publish_world();
  const std::string expected
      = "BackendId|Cluster|IP|HostName|HeartbeatPort|BePort|HttpPort|BrpcPort|LastStartTime|LastHeartbeat|Alive|"
        "SystemDecommissioned|ClusterDecommissioned|TabletNum|DataUsedCapacity|AvailCapacity|TotalCapacity|UsedPct|"
        "MaxDiskUsedPct|ErrMsg|Version|Status|Location\n"
        "10003|blue|h1|h1|9060|9060|8040|9060|@1732000000000|@1732000000000|true|false|false|1|1073741824|549755813888|"
        "1099511627776|50.0|50.0||0.1.0|linked, reported, 1 task running|rack:a\n"
        "10004|default_cluster|h2|h2|9060|9060|0|9060|-|-|true|false|false|2|0|0|0|0.0|0.0|this front end has not "
        "dialled it yet||not linked|\n"
        "10005|default_cluster|h3|h3|9060|9060|8040|9060|@1732000000000|-|false|false|false|1|1073741824|549755813888|"
        "1099511627776|"
        "50.0|50.0|connection refused|0.1.0|not linked|\n";
  EXPECT_EQ(run("SHOW BACKENDS"), expected);
  EXPECT_EQ(proc("/backends"), expected);
  EXPECT_EQ(proc("/backends/10003"),
            "RootPath|DataUsedCapacity|OtherUsedCapacity|AvailCapacity|TotalCapacity|TotalUsedPct|State|PathHash|StorageMedium\n"
            "/data/1|1073741824|548682072064|549755813888|1099511627776|50.0|ONLINE|100|SSD\n");
  EXPECT_EQ(proc("/backends/10004"),
            "RootPath|DataUsedCapacity|OtherUsedCapacity|AvailCapacity|TotalCapacity|TotalUsedPct|State|PathHash|StorageMedium\n"
            "/data/2|0|0|0|0|0.0|UNKNOWN|200|SSD\n");
}

TEST_F(Views, FrontendsActorsAndJournal) {
  const auto at = std::to_string(raw(world.cat.applied));
  EXPECT_EQ(run("SHOW FRONTENDS"),
            "Name|Host|RpcPort|HttpPort|Role|IsMaster|ClusterId|Alive|ReplayedJournalId|LastHeartbeat|ErrMsg|Version|EditLogAddress\n"
            "fe1|10.0.1.1|9020|8030|LEADER|true|01020300000000000000000000000000|true|" + at + "|@1732000000000||0.1.0|\n");
  EXPECT_EQ(proc("/frontends"), run("SHOW FRONTENDS"));
  EXPECT_EQ(proc("/actors"),
            "Supervisor|Actor|Type|State|Restarts|Since|LastError\n"
            "fe|journal|journal|running|2|@1732000000000|disk on fire\n");
  EXPECT_EQ(proc("/journal"),
            "Item|Value\nState|leads\nNode|1\nLeader|1\nTerm|1\nFirstIndex|0\nLastIndex|42\nCommitIndex|42\n"
            "AppliedIndex|42\nCatalogIndex|" + at + "\nPendingProposals|0\nPendingBytes|100\nFileBytes|0\nWalBytes|0\n"
            "EntriesAppended|0\nBytesAppended|0\nTransactions|0\nRefusedOverloaded|0\n");
}

TEST_F(Views, TheTree) {
  EXPECT_EQ(proc("/"),
            "Name\nactors\nbackends\ncheckpoint\ncluster_balance\ncolocation_group\ncooldown\ndbs\nfrontends\njournal\nstatistic\nwarm_up\n");
  EXPECT_EQ(proc("/dbs"), "DbId|DbName|TableNum\n10001|shop|1\n10002|empty|0\n");
  const auto& part = world.cat.tables.find(orders)->partitions.front();
  const auto base = fmt::format("/dbs/10001/{}", raw(orders));
  EXPECT_EQ(proc("/dbs/shop"),
            "TableId|TableName|IndexNum|PartitionNum|State|KeyColumn|ColumnSeparator|Buckets|ReplicationNum|ReplicaCount|CreateTime|StoragePolicy\n"
            + fmt::format("{}|orders|1|1|NORMAL|1|;|2|2|4|@1732000000000|\n", raw(orders)));
  EXPECT_EQ(proc(base), "Nodes\npartitions\n");
  EXPECT_EQ(proc(base + "/partitions"),
            "PartitionId|PartitionName|VisibleVersion|VisibleVersionHash|State|Buckets|ReplicationNum|DataSize|RowCount|StoragePolicy\n"
            + fmt::format("{}|{}|2|0|NORMAL|2|2|80|8|\n", raw(part.id), part.name));
  EXPECT_EQ(proc(fmt::format("{}/partitions/{}", base, raw(part.id))),
            fmt::format("IndexId|IndexName|State\n{}|orders|NORMAL\n", part.index_id));
  EXPECT_EQ(proc("/dbs/empty"), proc("/dbs/10002"));
}

TEST_F(Views, Replicas) {
  const auto& part = world.cat.tables.find(orders)->partitions.front();
  const auto path = fmt::format("/dbs/10001/{}/partitions/{}/{}", raw(orders), raw(part.id), part.index_id);
  const auto row = [&](std::uint32_t b, std::size_t i, const char* versions) {
    return fmt::format("{}|{}|{}|-1|{}|-|40|4|NORMAL|-|-1|-1|-1|{}||\n", tablet(b), replica(b, i),
                       raw(world.tablet(orders, b).replicas[i].backend), versions,
                       raw(world.tablet(orders, b).replicas[i].path));
  };
  const std::string expected
    = "TabletId|ReplicaId|BackendId|SchemaHash|Version|VersionHash|LstSuccessVersion|LstSuccessVersionHash|LstFailedVersion|"
      "LstFailedVersionHash|LstFailedTime|DataSize|RowCount|State|LstConsistencyCheckTime|CheckVersion|CheckVersionHash|"
      "VersionCount|PathHash|MetaUrl|CompactionStatus\n"
      + row(0, 0, "2|0|2|0|-1|0") + row(0, 1, "2|0|2|0|-1|0") + row(1, 0, "2|0|2|0|-1|0") + row(1, 1, "2|0|2|0|-1|0");
  EXPECT_EQ(run("SHOW TABLETS FROM shop.orders"), expected);
  EXPECT_EQ(run("SHOW TABLET FROM shop.orders"), expected);
  EXPECT_EQ(proc(path), expected);
  EXPECT_EQ(run(fmt::format("SHOW TABLET {}", tablet(1))),
            "DbName|TableName|PartitionName|IndexName|DbId|TableId|PartitionId|IndexId|IsSync|DetailCmd\n"
            + fmt::format("shop|orders|{}|orders|10001|{}|{}|{}|true|SHOW PROC '{}/{}';\n", part.name, raw(orders),
                          raw(part.id), part.index_id, path, tablet(1)));
  world.fold(model::replica_observed{world.tablet(orders, 1).id, model::replica_id{replica(1, 0)}, 2, true});
  publish_world();
  EXPECT_EQ(proc(fmt::format("{}/{}", path, tablet(1))),
            "ReplicaId|BackendId|Version|VersionHash|LstSuccessVersion|LstSuccessVersionHash|LstFailedVersion|"
            "LstFailedVersionHash|LstFailedTime|SchemaHash|DataSize|RowCount|State|IsBad|VersionCount|PathHash|MetaUrl|CompactionStatus\n"
            + fmt::format("{}|10004|2|0|2|0|-1|0|-|-1|40|4|NORMAL|true|-1|200||\n", replica(1, 0))
            + fmt::format("{}|10005|2|0|2|0|-1|0|-|-1|40|4|NORMAL|false|-1|300||\n", replica(1, 1)));
  EXPECT_NE(run(fmt::format("SHOW TABLET {}", tablet(1))).find("|false|SHOW PROC"), std::string::npos);
  EXPECT_EQ(run("SHOW TABLET 5"), "error [2] there is no tablet 5 | SHOW TABLETS FROM a table lists its tablets\n");
}

TEST_F(Views, AHoleIsShown) {
  const auto wide = world.table("shop", "wide", 1, 3);
  world.load(wide, "a", 1, {world.order[2]});
  world.load(wide, "b", 1);
  publish_world();
  const auto text = run("SHOW TABLETS FROM shop.wide");
  EXPECT_NE(text.find("|10003|-1|3|0|3|0|-1|0|-|"), std::string::npos) << text;
  EXPECT_NE(text.find("|10005|-1|1|0|3|0|2|0|-|"), std::string::npos) << "serves 1, holds 3, missed 2\n" << text;
}

TEST_F(Views, Statistic) {
  const std::string head = "DbId|DbName|TableNum|PartitionNum|IndexNum|TabletNum|ReplicaNum|UnhealthyTabletNum|"
                           "InconsistentTabletNum|CloningTabletNum\n";
  EXPECT_EQ(proc("/statistic"), head + "10001|shop|1|1|1|2|4|0|0|0\n10002|empty|0|0|0|0|0|0|0|0\nTotal|2|1|1|1|2|4|0|0|0\n");
  EXPECT_EQ(proc("/statistic/10001"), "UnhealthyTablets|InconsistentTablets|CloningTablets\n[]|[]|[]\n");
  world.fold(model::backend_died{world.order[1]});
  const auto& t = world.tablet(orders, 0);
  world.fold(model::clone_ordered{t.id, 1, 1, {world.order[0], model::path_hash{100}}, {world.order[2], model::path_hash{300}}, {}, 2});
  publish_world();
  EXPECT_EQ(proc("/statistic"), head + "10001|shop|1|1|1|2|5|2|0|1\n10002|empty|0|0|0|0|0|0|0|0\nTotal|2|1|1|1|2|5|2|0|1\n");
  EXPECT_EQ(proc("/statistic/shop"),
            fmt::format("UnhealthyTablets|InconsistentTablets|CloningTablets\n[{}, {}]|[]|[{}]\n", tablet(0), tablet(1), tablet(0)));
}

model::ctx_row waiting(std::uint64_t tablet) {
  model::ctx_row row;
  row.tablet = model::tablet_id{tablet};
  row.medium = model::medium::hdd;
  row.status = model::tablet_health::replica_missing;
  row.state = model::ctx_state_name::pending;
  row.orig_priority = model::repair_priority::high;
  row.dynamic_priority = model::repair_priority::low;
  row.created = model::time_ms{1'000};
  row.last_scheduled = row.last_visited = model::time_ms{2'000};
  row.failed_scheduling = 2;
  row.last_adjusted = model::time_ms{1'500};
  row.visible = 1;
  row.committed = 2;
  row.message = "unable to find source replica";
  return row;
}

TEST_F(Views, ClusterBalance) {
  auto view = std::make_shared<model::scheduler_view>();
  view->pending = {waiting(4203036)};
  view->pending_total = 1;
  auto running = waiting(7);
  running.state = model::ctx_state_name::running;
  running.medium = model::medium::ssd;
  running.source = model::place{model::backend_id{10003}, model::path_hash{100}};
  running.target = model::place{model::backend_id{10005}, model::path_hash{UINT64_MAX - 1}};
  running.timeout = std::chrono::minutes(3);
  running.purpose = model::order_purpose::balance;
  running.copied_bytes = 3'000;
  running.copy_ms = 1'500;
  view->running = {running};
  view->running_total = 1;
  auto ended = running;
  ended.state = model::ctx_state_name::finished;
  ended.finished = model::time_ms{9'000};
  view->history = {ended};
  view->slots = {{model::backend_id{10003}, model::path_hash{100}, 1, 2, 2, 1'234.5}};
  view->counters.clones = 3;
  view->counters.submitted_by_health[static_cast<std::size_t>(model::tablet_health::redundant)] = 2;
  view->counters.submitted_by_health[static_cast<std::size_t>(model::tablet_health::force_redundant)] = 1;
  view->counters.submitted_by_health[static_cast<std::size_t>(model::tablet_health::replica_missing_in_cluster)] = 4;
  view->counters.submitted_by_health[static_cast<std::size_t>(model::tablet_health::colocate_mismatch)] = 5;
  view->counters.submitted_by_health[static_cast<std::size_t>(model::tablet_health::colocate_redundant)] = 6;
  view->counters.balance_scheduled = 7;
  scheduler->store(view);
  EXPECT_EQ(proc("/cluster_balance"),
            "Item|Number\ncluster_load_stat|2\nworking_slots|1\nsched_stat|1\npriority_repair|0\npending_tablets|"
            "1\nrunning_tablets|1\nhistory_tablets|1\nbalance_pauses|0\n");
  const std::string head
    = "TabletId|Type|Medium|Status|State|OrigPrio|DynmPrio|SrcBe|SrcPath|DestBe|DestPath|Timeout|Create|LstSched|LstVisit|"
      "Finished|Rate|FailedSched|FailedRunning|LstAdjPrio|VisibleVer|VisibleVerHash|CmtVer|CmtVerHash|ErrMsg\n";
  EXPECT_EQ(proc("/cluster_balance/pending_tablets"),
            head + "4203036|REPAIR|HDD|REPLICA_MISSING|PENDING|HIGH|LOW|-1|-1|-1|-1|0|@1000|@2000|@2000|-|-|2|0|@1500|1|0|2|0|"
                   "unable to find source replica\n");
  EXPECT_EQ(proc("/cluster_balance/running_tablets"),
            head + "7|BALANCE|SSD|REPLICA_MISSING|RUNNING|HIGH|LOW|10003|100|10005|-2|180000|@1000|@2000|@2000|-|2000.0|2|0|@1500|"
                   "1|0|2|0|unable to find source replica\n");
  EXPECT_EQ(proc("/cluster_balance/history_tablets"),
            head + "7|BALANCE|SSD|REPLICA_MISSING|FINISHED|HIGH|LOW|10003|100|10005|-2|180000|@1000|@2000|@2000|@9000|2000.0|2|0|"
                   "@1500|1|0|2|0|unable to find source replica\n");
  EXPECT_EQ(proc("/cluster_balance/working_slots"),
            "BeId|PathHash|AvailSlots|TotalSlots|BalanceSlot|AvgRate\n10003|100|1|2|2|1234.5\n");
  const auto counters = proc("/cluster_balance/sched_stat");
  EXPECT_NE(counters.find("num of clone task|3\n"), std::string::npos);
  EXPECT_NE(counters.find("num of replica missing in cluster error|4\n"), std::string::npos);
  EXPECT_NE(counters.find("num of colocate replica mismatch|5\n"), std::string::npos);
  EXPECT_NE(counters.find("num of colocate replica redundant|6\n"), std::string::npos);
  EXPECT_NE(counters.find("num of balance scheduled|7\n"), std::string::npos);
  EXPECT_NE(counters.find("num of replica redundant error|3\n"), std::string::npos);
}

TEST_F(Views, LoadOfEveryBackendPerMedium) {
  world.fold(model::backend_modified{world.order[0], "blue", ""});
  world.view.backends[world.order[0]].paths[0].available_bytes = 1ULL << 36; // Nearly full, the others half.
  world.fold(model::backend_decommission{world.order[2], true});
  publish_world();
  EXPECT_EQ(proc("/cluster_balance/cluster_load_stat"), "StorageMedium\nHDD\nSSD\n");
  const std::string head
      = "BeId|Cluster|Available|UsedCapacity|Capacity|UsedPercent|ReplicaNum|CapCoeff|ReplCoeff|Score|Class\n";
  EXPECT_EQ(proc("/cluster_balance/cluster_load_stat/HDD"), head);
  const auto rows = proc("/cluster_balance/cluster_load_stat/SSD");
  EXPECT_NE(rows.find("10003|blue|true|1030792151040|1099511627776|93.8|1|1.0|0.0|1.3|HIGH\n"), std::string::npos)
      << rows;
  EXPECT_NE(rows.find("10005|default_cluster|false|"), std::string::npos) << rows;
  EXPECT_NE(rows.find("|INIT\n"), std::string::npos) << "a leaving backend is not judged\n" << rows;
  EXPECT_EQ(proc("/cluster_balance/cluster_load_stat/ssd/10003"), proc("/backends/10003"));
  EXPECT_EQ(proc("/cluster_balance/cluster_load_stat/hdd/10003").find("/data/1"), std::string::npos);
  EXPECT_EQ(proc("/cluster_balance/cluster_load_stat/NVME").substr(0, 9), "error [2]");
}

TEST_F(Views, LongListsAreCut) {
  auto view = std::make_shared<model::scheduler_view>();
  view->pending.assign(1'500, waiting(1));
  view->pending_total = 20'000;
  scheduler->store(view);
  const auto slot = send("SHOW PROC '/cluster_balance/pending_tablets'");
  EXPECT_EQ((*slot)->get().getResult().getRows().getRows().size(), 1'000u);
  EXPECT_NE(proc("/cluster_balance").find("pending_tablets|20000"), std::string::npos);
}

TEST_F(Views, ABadPathSaysWhatIsThere) {
  EXPECT_EQ(proc("/statistics"), "error [2] statistics is not below '/' | did you mean '/statistic'?\n");
  EXPECT_EQ(proc("/dbs/77"), "error [2] 77 is not below '/dbs' | there are: 10001, 10002\n");
}

TEST_F(Views, EveryPageHasTheColumnsOfItsRow) {
  world.colocated("shop", "twin", 2, 3, "g");
  world.fold(model::warmup_created{{model::warmup_type::table, "", "blue", {{orders, {}}}, false, {}, {}, {}},
                                   {{world.order[0], {{{world.tablet(orders, 0).id}, 5}}}}});
  world.fold(model::repair_hinted{
      orders, {world.cat.tables.find(orders)->partitions.front().id}, world.now + std::chrono::hours(1)});
  publish_world();
  std::vector<std::string> paths{"/"};
  std::size_t pages = 0;
  std::set<model::proc_page> seen;
  for (std::size_t i = 0; i < paths.size(); ++i, ++pages) {
    const auto at = std::get<model::proc_target>(model::find_proc(paths[i], world.cat));
    seen.insert(at.page);
    for (const auto& name : model::below_proc(at, world.cat, 100))
      paths.push_back((paths[i] == "/" ? "/" : paths[i] + '/') + name);
    const auto slot = send("SHOW PROC '" + paths[i] + "'");
    ASSERT_TRUE(*slot);
    const auto result = (*slot)->get().getResult();
    ASSERT_TRUE(result.isRows()) << paths[i];
    const auto& columns = model::proc_table()[static_cast<std::size_t>(at.page)].columns;
    ASSERT_EQ(result.getRows().getColumns().size(), columns.size()) << paths[i];
    for (unsigned c = 0; c < columns.size(); ++c)
      EXPECT_EQ(result.getRows().getColumns()[c].getName().cStr(), columns[c].name);
    for (const auto row : result.getRows().getRows())
      EXPECT_EQ(row.getValues().size(), columns.size()) << paths[i];
  }
  EXPECT_EQ(seen.size(), model::proc_table().size());
}

} // namespace
} // namespace tabletd
