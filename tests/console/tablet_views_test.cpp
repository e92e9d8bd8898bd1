// Why tablets are as they are, as rows: EXPLAIN, DIAGNOSE, history, status, distribution, groups.
#include "actors/console/views.h"
#include "tests/console/session_world.h"

namespace tabletd {
namespace {

using model::raw;

struct TabletViews : test::session_world {
  model::table_id orders{};

  void SetUp() override {
    world.database("shop");
    world.add_backends(4);
    orders = world.table("shop", "orders", 2, 3);
    world.add_partition(orders, "p2", 2, 3);
    session_world::SetUp();
  }
  const model::tablet& first() { return world.tablet(orders, 0); }
  std::string replica(std::size_t i) { return std::to_string(raw(first().replicas[i].id)); }
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
      out.push_back(line);
    return out;
  }
  static std::string row_of(const std::string& text, std::string_view with) {
    for (const auto& line : lines(text))
      if (line.find(with) != std::string::npos)
        return line;
    return "no row with " + std::string{with} + ":\n" + text;
  }
};

TEST_F(TabletViews, ExplainSaysWhatAndWhyPlaceByPlace) {
  world.fold(model::backend_died{world.order[1]});
  world.view.backends[world.order[1]].linked = false;
  publish_world();
  auto view = std::make_shared<model::scheduler_view>();
  model::ctx_row waiting;
  waiting.tablet = first().id;
  waiting.dynamic_priority = model::repair_priority::high;
  view->pending = {waiting};
  view->pending_total = 9;
  scheduler->store(view);
  const auto text = run(fmt::format("EXPLAIN TABLET {}", raw(first().id)));
  EXPECT_EQ(lines(text)[0], "BackendId|Host|Path|Role|Code|Reason|UsedRatio|LeftBytes");
  EXPECT_EQ(
      lines(text)[1],
      fmt::format("-|-|-|tablet|REPLICA_MISSING|tablet {} is REPLICA_MISSING, priority NORMAL|-|-", raw(first().id)));
  EXPECT_EQ(
      lines(text)[2],
      fmt::format(
          "-|-|-|decision|CLONE|copy a new replica up to version 1 from backend {} path 100 to backend {} path 400|-|-",
          raw(world.order[0]), raw(world.order[3])));
  EXPECT_EQ(lines(text)[3], "-|-|-|queue|PENDING|place 1 of 9, priority HIGH|-|-");
  EXPECT_EQ(row_of(text, "|source|CHOSEN"),
            fmt::format("{}|h1|100|source|CHOSEN|copied from here|-|-", raw(world.order[0])));
  EXPECT_EQ(row_of(text, "|target|CHOSEN"),
            fmt::format("{}|h4|400|target|CHOSEN|copied to here|50.0|549755813888", raw(world.order[3])));
  EXPECT_EQ(
      row_of(text, "h2|200|target"),
      fmt::format("{}|h2|200|target|HOLDS_REPLICA|holds a replica of this tablet already|-|-", raw(world.order[1])));
  EXPECT_EQ(
      row_of(text, "h3|300|target"),
      fmt::format("{}|h3|300|target|HOLDS_REPLICA|holds a replica of this tablet already|-|-", raw(world.order[2])));
}

TEST_F(TabletViews, ExplainSaysWhatIsInTheWay) {
  world.fold(model::backend_died{world.order[1]});
  world.fold(model::backend_died{world.order[3]});
  publish_world();
  const auto text = run(fmt::format("EXPLAIN TABLET {}", raw(first().id)));
  EXPECT_EQ(row_of(text, "|blocked by|"),
            "-|-|-|blocked by|NO_BACKEND|every available backend holds a replica or shares a host with one; add a "
            "backend or bring one back|-|-");
  EXPECT_EQ(row_of(text, "|decision|").substr(0, 24), "-|-|-|decision|NOTHING|e");
  EXPECT_EQ(row_of(text, "|queue|"), "-|-|-|queue|NOT_QUEUED|not in the queue|-|-");
  EXPECT_EQ(run("EXPLAIN TABLET 5"), "error [2] there is no tablet 5 | SHOW TABLETS FROM a table lists its tablets\n");
}

TEST_F(TabletViews, APlanMovesNothingAndSaysWhatItWould) {
  const auto lose = run("PLAN LOSE BACKEND 'h2:9060'");
  EXPECT_EQ(lines(lose)[0], "Kind|TabletId|SrcBe|SrcPath|DestBe|DestPath|Bytes|Reason");
  EXPECT_EQ(lines(lose)[1].substr(0, 8), "TOTAL|-|");
  EXPECT_NE(row_of(lose, "MOVE|"), "");
  EXPECT_EQ(lose.find(fmt::format("MOVE|{}|{}|", raw(first().id), raw(world.order[1]))), std::string::npos)
      << "it is no source any more";
  EXPECT_NE(row_of(run("PLAN DECOMMISSION BACKEND 'h2:9060'"), "MOVE|"), "");
  EXPECT_NE(row_of(run("PLAN REBALANCE"), "TOTAL|"), "");
  EXPECT_EQ(world.cat.orders.size(), 0u);
  EXPECT_NE(run("PLAN LOSE BACKEND 'h9:9060'").find("error [2]"), std::string::npos);
}

TEST_F(TabletViews, DiagnoseGoesLevelByLevel) {
  world.fold(model::backend_died{world.order[1]});
  publish_world();
  const auto text = run(fmt::format("ADMIN DIAGNOSE TABLET {}", raw(first().id)));
  EXPECT_EQ(lines(text)[0], "Item|Info|Suggestion");
  EXPECT_EQ(lines(text)[4], fmt::format("Table|orders: {}|", raw(orders)));
  EXPECT_EQ(lines(text).size(), 13u);
  EXPECT_NE(row_of(text, "ReplicaBackendStatus|").find("(h2:9060) is down"), std::string::npos);
  EXPECT_EQ(row_of(text, "ReplicaVersionStatus|"), "ReplicaVersionStatus|OK|");
  EXPECT_EQ(lines(run("ADMIN DIAGNOSE TABLET 5"))[1].substr(0, 15), "TabletExist|No|");
}

TEST_F(TabletViews, HistoryIsNewestFirst) {
  const auto id = first().id;
  EXPECT_EQ(lines(run("SHOW REPAIR HISTORY")).size(), 1u);
  const auto b = [&](std::size_t i) { return raw(world.order[i]); };
  world.fold(model::backend_died{world.order[1]});
  const auto ordered = world.index + 1;
  world.fold(model::clone_ordered{id,
                                  1,
                                  1,
                                  {world.order[0], model::path_hash{100}},
                                  {world.order[3], model::path_hash{400}},
                                  {},
                                  1,
                                  model::order_purpose::repair,
                                  {},
                                  "a copy is missing"});
  publish_world();
  const auto made = raw(first().on(world.order[3])->id);
  const std::string head
      = "Entry|TabletId|Type|Purpose|Status|Priority|ReplicaId|SrcBe|SrcPath|DestBe|DestPath|Ordered|Ended|Result|"
        "Reason|Message";
  const std::string clone = fmt::format("{}|{}|CLONE|REPAIR|REPLICA_MISSING|NORMAL|{}|{}|100|{}|400|@1732000000000|",
                                        ordered, raw(id), made, b(0), b(3));
  EXPECT_EQ(run("SHOW REPAIR HISTORY"), head + "\n" + clone + "-|RUNNING|a copy is missing|\n");
  world.fold(model::clone_ended{id, model::log_index{ordered}, 1, ""});
  const auto dropped = world.index + 1;
  const auto gone = first().on(world.order[1])->id;
  world.fold(model::replica_dropped{id, gone, model::drop_reason::backend_unavailable, 4, 3, "its backend is dead"});
  publish_world();
  const auto text = run(fmt::format("SHOW REPAIR HISTORY FOR TABLET {}", raw(id)));
  ASSERT_EQ(lines(text).size(), 3u) << text;
  EXPECT_EQ(lines(text)[1], fmt::format("{}|{}|DROP|REPAIR|REDUNDANT|VERY_HIGH|{}|{}|200|-1|-1|@1732000000000|@"
                                        "1732000000000|FINISHED|its backend is dead|",
                                        dropped, raw(id), raw(gone), b(1)));
  EXPECT_EQ(lines(text)[2], clone + "@1732000000000|FINISHED|a copy is missing|reached version 1");
  EXPECT_EQ(lines(run("SHOW REPAIR HISTORY FOR TABLET 5")).size(), 1u);
}

TEST_F(TabletViews, StatusOfEveryReplicaAndOfThoseThatAreMissing) {
  world.fold(model::replica_dropped{first().id, first().replicas[1].id, model::drop_reason::highest_load});
  world.fold(model::replica_observed{first().id, first().replicas[0].id, 1, true});
  publish_world();
  const std::string head
      = "TabletId|ReplicaId|BackendId|Version|LastFailedVersion|LastSuccessVersion|CommittedVersion|SchemaHash|"
        "VersionNum|"
        "IsBad|State|Status\n";
  const auto t = raw(first().id);
  const auto dead = fmt::format("{}|{}|{}|1|-1|1|1|-1|-1|true|NORMAL|DEAD\n", t, replica(0), raw(world.order[0]));
  const auto missing = fmt::format("{}|-1|-1|-1|-1|-1|1|-1|-1|false|NONE|MISSING\n", t);
  EXPECT_EQ(run("ADMIN SHOW REPLICA STATUS FROM shop.orders WHERE STATUS = 'DEAD'"), head + dead);
  EXPECT_EQ(run("ADMIN SHOW REPLICA STATUS FROM shop.orders WHERE STATUS = 'MISSING'"), head + missing);
  EXPECT_EQ(run("ADMIN SHOW REPLICA STATUS FROM shop.orders WHERE STATUS != 'OK'"), head + dead + missing);
  EXPECT_EQ(lines(run("ADMIN SHOW REPLICA STATUS FROM shop.orders")).size(), 1u + 12u);
  EXPECT_EQ(lines(run("ADMIN SHOW REPLICA STATUS FROM shop.orders PARTITION (p2)")).size(), 1u + 6u);
}

TEST_F(TabletViews, DistributionShowsWhoHoldsHowMuch) {
  const auto b = [&](std::size_t i) { return raw(world.order[i]); };
  EXPECT_EQ(
      run("ADMIN SHOW REPLICA DISTRIBUTION FROM shop.orders"),
      fmt::format("BackendId|ReplicaNum|Graph|Percent\n{}|2||16.67 %\n{}|4|>|33.33 %\n{}|4|>|33.33 %\n{}|2||16.67 %\n",
                  b(0), b(1), b(2), b(3)));
  EXPECT_EQ(
      run("ADMIN SHOW REPLICA DISTRIBUTION FROM shop.orders PARTITION (p2)"),
      fmt::format("BackendId|ReplicaNum|Graph|Percent\n{}|1||16.67 %\n{}|2|>|33.33 %\n{}|2|>|33.33 %\n{}|1||16.67 %\n",
                  b(0), b(1), b(2), b(3)));
}

TEST_F(TabletViews, TheDetailCommandOfATabletWorksWhenPastedBack) {
  const auto text = lines(run(fmt::format("SHOW TABLET {}", raw(first().id))))[1];
  const auto answer = run(text.substr(text.rfind('|') + 1));
  EXPECT_EQ(lines(answer).size(), 1u + 3u) << answer;
  EXPECT_EQ(lines(answer)[1].substr(0, replica(0).size()), replica(0));
}

TEST_F(TabletViews, ADamagedReplicaIsInconsistent) {
  world.fold(model::replica_observed{first().id, first().replicas[0].id, 1, true});
  publish_world();
  EXPECT_NE(run("SHOW PROC '/statistic'").find("|shop|1|2|2|4|12|1|1|0\n"), std::string::npos)
      << run("SHOW PROC '/statistic'");
  EXPECT_EQ(lines(run("SHOW PROC '/statistic/shop'"))[1],
            fmt::format("[{}]|[{}]|[]", raw(first().id), raw(first().id)));
}

TEST_F(TabletViews, GroupsAreListedWithTheirPlaces) {
  const auto one = world.colocated("shop", "one", 2, 2, "g");
  const auto two = world.colocated("shop", "two", 2, 2, "g");
  publish_world();
  const auto& g = *world.cat.find_colocate_group(world.cat.find_database("shop")->id, "g");
  const std::string head = "GroupId|GroupName|TableIds|BucketsNum|ReplicationNum|DistCols|IsStable|ErrorMsg\n";
  const auto row = fmt::format("{}|shop.g|{}, {}|2|2|KEY 1|", raw(g.id), raw(one), raw(two));
  EXPECT_EQ(run("SHOW PROC '/colocation_group'"), head + row + "true|\n");
  EXPECT_EQ(run(fmt::format("SHOW PROC '/colocation_group/{}'", raw(g.id))),
            fmt::format("BucketIndex|BackendIds\n0|{}, {}\n1|{}, {}\n", raw(world.order[0]), raw(world.order[1]),
                        raw(world.order[1]), raw(world.order[2])));
  world.fold(model::colocate_relocated{g.id, 0, {world.order[0], world.order[3]}, "a test"});
  publish_world();
  EXPECT_EQ(run("SHOW PROC '/colocation_group'"),
            head + row
                + fmt::format("false|2 tablets are not healthy: {}, {}\n", raw(world.tablet(one, 0).id),
                              raw(world.tablet(two, 0).id)));
}

} // namespace
} // namespace tabletd
