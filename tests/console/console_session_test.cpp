// What a client hears: statements through a session actor, a journal and backends.
#include "actors/model/proc_path.h"
#include "actors/model/statement_table.h"
#include "tests/console/orders_world.h"

namespace tabletd {
namespace {

using namespace std::chrono_literals;
using model::raw;

struct ConsoleSession : test::orders_world {};

// -- databases and tables ----------------------------------------------------------------

TEST_F(ConsoleSession, DatabasesAreMadeListedUsedAndDropped) {
  EXPECT_EQ(run("CREATE DATABASE shop"), "done created database shop (1)\n");
  EXPECT_EQ(run("CREATE DATABASE shop"),
            "error [3] creating database shop failed: a database of that name exists | CREATE DATABASE IF NOT EXISTS accepts that\n");
  EXPECT_EQ(run("CREATE DATABASE IF NOT EXISTS shop"), "done database shop exists already: nothing to do (0)\n");
  EXPECT_EQ(run("create database Archive;"), "done created database Archive (1)\n");
  EXPECT_EQ(run("SHOW DATABASES"), "Database\nArchive\nshop\n");
  EXPECT_EQ(run("USE shp"), "error [2] there is no database shp | did you mean shop?\n");
  EXPECT_EQ(run("SHOW TABLES"), "error [5] no database is chosen | USE a database first, or SHOW TABLES FROM one\n");
  EXPECT_EQ(run("USE shop"), "done using database shop (0)\n");
  EXPECT_EQ(run("SHOW TABLES"), "Table\n");
  EXPECT_EQ(run("DROP DATABASE Archive"), "done dropped database Archive (1)\n");
  EXPECT_EQ(run("DROP DATABASE IF EXISTS Archive"), "done database Archive does not exist: nothing to do (0)\n");
  EXPECT_EQ(run("DROP DATABASE Archive"), "error [2] there is no database Archive | SHOW DATABASES lists them\n");
}

TEST_F(ConsoleSession, OnlyALeaderThatStillLeadsShowsAnything) {
  run("CREATE DATABASE shop");
  using held_check_actor = leader_check_actor::extend<caf::reacts_to<tick_due>>;
  std::vector<caf::typed_response_promise<leading_confirmed>> asked;
  leading_confirmed verdict{true, 0};
  const held_check_actor check = sys.spawn(
    [&](held_check_actor::pointer self, int) -> held_check_actor::behavior_type {
      return {[&asked, self](confirm_leading) {
                asked.push_back(self->make_response_promise<leading_confirmed>());
                return asked.back();
              },
              [&](tick_due) {
                for (auto& each : std::exchange(asked, {}))
                  each.deliver(verdict);
              }};
    },
    0);
  leader_check = check;
  open();
  const auto early = send("SHOW DATABASES");
  EXPECT_FALSE(*early) << "shown before it was known to lead";
  EXPECT_EQ(run("USE shop"), "done using database shop (0)\n") << "shows nothing, and keeps its place";
  caf::anon_send(check, tick_due{});
  settle();
  ASSERT_TRUE(*early);
  EXPECT_EQ(test::shown((*early)->get().getResult()), "Database\nshop\n");
  verdict = {false, 2};
  const auto late = send("SHOW DATABASES");
  caf::anon_send(check, tick_due{});
  settle();
  ASSERT_TRUE(*late);
  EXPECT_EQ(test::shown((*late)->get().getResult()),
            "error [7] reading failed: this front end is not the leader | connect to the leader, fe1:9020\n");
  urgent_exit(check, caf::exit_reason::user_shutdown);
  settle();
}

TEST_F(ConsoleSession, AViewerMayLookAndNotTouch) {
  with_orders();
  for (const auto& row : model::statement_table()) {
    const auto slot = send(std::string{row.example}, false);
    ASSERT_TRUE(*slot) << row.example;
    const auto outcome = (*slot)->get();
    const bool denied = outcome.isResult() && outcome.getResult().isError()
                        && outcome.getResult().getError().getCode() == api::ErrorCode::PERMISSION_DENIED;
    EXPECT_EQ(denied, row.mutates) << row.example;
  }
  EXPECT_TRUE(proposed.empty());
}

TEST_F(ConsoleSession, EveryStatementAnswersWithTheColumnsItsHelpPromises) {
  with_orders();
  const auto tablet = raw(world.tablet(orders, 0).id);
  run("PLAN LOSE BACKEND 'h1:9060' SAVE AS 'friday'"); // SHOW PLAN needs one.
  const model::resource_id cold{world.fold(model::resource_created{"cold", model::resource_type::file, {}})};
  world.fold(model::storage_policy_created{"after_a_month", cold, model::cooldown_ttl{1}}); // And so does USING FOR.
  publish_world();
  for (const auto& row : model::statement_table()) {
    const bool asks_a_keeper = row.kind.starts_with("warm_up_") || row.kind == "verify_warm_up"; // console_warmup_test
    if (row.columns.empty() || asks_a_keeper)
      continue;
    auto example = std::string{row.example};
    if (const auto job = example.find(" WHERE ID = 1207"); job != std::string::npos)
      example.resize(job);
    if (const auto id = example.find("TABLET 10005"); id != std::string::npos)
      example.replace(id, 12, fmt::format("TABLET {}", tablet));
    if (const auto address = example.find("10.0.0.1:9060"); address != std::string::npos)
      example.replace(address, 13, "h1:9060");
    const auto slot = send(example);
    ASSERT_TRUE(*slot);
    const auto result = (*slot)->get().getResult();
    ASSERT_TRUE(result.isRows()) << row.example << test::shown(result);
    EXPECT_EQ(std::string_view{result.getStatement().cStr()}, row.kind);
    ASSERT_EQ(result.getRows().getColumns().size(), row.columns.size()) << row.kind;
    for (unsigned i = 0; i < row.columns.size(); ++i) {
      const auto column = result.getRows().getColumns()[i];
      EXPECT_EQ(column.getName().cStr(), row.columns[i].name);
      EXPECT_EQ(static_cast<unsigned>(column.getType()), static_cast<unsigned>(row.columns[i].type));
    }
    for (const auto cells : result.getRows().getRows())
      EXPECT_EQ(cells.getValues().size(), row.columns.size()) << row.kind;
  }
}

TEST_F(ConsoleSession, ASyntaxErrorPointsAtItsPlace) {
  const auto slot = send("SHOW\n  BACKNDS");
  const auto error = (*slot)->get().getResult().getError();
  EXPECT_EQ(error.getCode(), api::ErrorCode::SYNTAX);
  const auto at = error.getPosition();
  EXPECT_EQ(at.getLine(), 2u);
  EXPECT_EQ(at.getColumn(), 3u);
  EXPECT_EQ(at.getOffset(), 7u);
  EXPECT_EQ(at.getLength(), 7u);
  EXPECT_EQ(error.getExpected().size(), 14u);
  EXPECT_STREQ(error.getHint().cStr(), "did you mean BACKENDS?  HELP SHOW;");
}

TEST_F(ConsoleSession, CreateTableHasEveryReplicaCreated) {
  world.database("shop");
  world.add_backends(3);
  publish_world();
  EXPECT_EQ(run(R"(CREATE TABLE shop.orders (KEY 2) BUCKETS 4 PROPERTIES("column_separator"=";"))"),
            "done created shop.orders: 4 tablets, 12 replicas (1)\n");
  const auto* table = world.cat.find_table(world.cat.find_database("shop")->id, "orders");
  ASSERT_TRUE(table);
  EXPECT_EQ(table->key_column, 2u);
  EXPECT_EQ(table->separator, ';');
  ASSERT_EQ(tasks.size(), 12u);
  for (const auto& order : tasks) {
    const auto task = order.get().getTask();
    EXPECT_EQ(task.getFence(), world.index) << "the fence is the entry that created the table";
    const auto* t = world.cat.tablets.find(model::tablet_id{task.getCreate().getTablet()});
    ASSERT_TRUE(t);
    const auto* r = t->on(model::backend_id{order.get().getBackend()});
    ASSERT_TRUE(r);
    EXPECT_EQ(raw(r->id), task.getCreate().getReplica());
    EXPECT_EQ(raw(r->path), task.getCreate().getPath());
  }
  EXPECT_EQ(run("CREATE TABLE IF NOT EXISTS shop.orders (KEY 1) BUCKETS 1"),
            "done shop.orders exists already: nothing to do (0)\n");
  EXPECT_EQ(run("CREATE TABLE shop.orders (KEY 1) BUCKETS 1"),
            "error [3] creating shop.orders failed: a table of that name exists | CREATE TABLE IF NOT EXISTS accepts that\n");
  EXPECT_EQ(run("SHOW TABLES FROM shop"), "Table\norders\n");
  EXPECT_EQ(run("DROP DATABASE shop"),
            "error [5] dropping database shop failed: it still has tables | SHOW TABLES FROM it, and DROP TABLE them first\n");
  EXPECT_EQ(run("DROP TABLE shop.order"), "error [2] there is no table shop.order | did you mean orders?\n");
  EXPECT_EQ(run("DROP TABLE shop.orders"), "done dropped table shop.orders (1)\n");
}

TEST_F(ConsoleSession, ABackendThatIsSlowOrFailsIsAWarning) {
  world.database("shop");
  world.add_backends(3);
  publish_world();
  silent = {world.order[1]};
  backend_fails = [this](model::backend_id b) {
    return b == world.order[2] ? std::optional<std::string>{"disk full"} : std::nullopt;
  };
  const auto slot = send("CREATE TABLE shop.t (KEY 1) BUCKETS 2");
  EXPECT_FALSE(*slot) << "two replicas have not answered";
  pass(9'999ms);
  EXPECT_FALSE(*slot);
  pass(1ms);
  ASSERT_TRUE(*slot);
  const auto text = test::shown((*slot)->get().getResult());
  EXPECT_EQ(text.substr(0, text.find('\n')), "done created shop.t: 2 tablets, 6 replicas (1)");
  EXPECT_NE(text.find("warning [8] backend " + described(1) + " has not created 2 replicas"), std::string::npos) << text;
  EXPECT_NE(text.find("no answer in 10 seconds"), std::string::npos) << text;
  EXPECT_NE(text.find("warning [8] backend " + described(2) + " has not created 2 replicas"), std::string::npos) << text;
  EXPECT_NE(text.find("disk full"), std::string::npos) << text;
}

TEST_F(ConsoleSession, ATableThatFindsNoPlaceSaysWhy) {
  world.database("shop");
  world.add_backends(2);
  publish_world();
  const auto text = run("CREATE TABLE shop.t (KEY 1) BUCKETS 2");
  EXPECT_NE(text.find("error [13] shop.t cannot be placed: 3 replicas need"), std::string::npos) << text;
  EXPECT_TRUE(proposed.empty());
}

TEST_F(ConsoleSession, APlacementThatIsOvertakenIsMadeAgain) {
  world.database("shop");
  world.add_backends(4);
  publish_world();
  journal_holds = true;
  const auto slot = send(R"(CREATE TABLE shop.t (KEY 1) BUCKETS 8)");
  world.fold(model::backend_died{world.order[0]});
  world.view.backends[world.order[0]].linked = false;
  publish_world();
  release();
  ASSERT_TRUE(*slot);
  EXPECT_EQ(test::shown((*slot)->get().getResult()), "done created shop.t: 8 tablets, 24 replicas (1)\n");
  EXPECT_EQ(proposals<model::table_created>(), 2u);
}

// -- backends ----------------------------------------------------------------------------

TEST_F(ConsoleSession, BackendsAreAddedOnce) {
  EXPECT_EQ(run(R"(ALTER SYSTEM ADD BACKEND "a:1", "b:2", "a:1")"), "done added a:1 (id 10001), b:2 (id 10002) (2)\n");
  EXPECT_EQ(run(R"(ALTER SYSTEM ADD BACKEND "b:2", "c:3")"),
            "error [3] adding b:2 failed: the backend is already in the cluster; added nevertheless: c:3 (id 10003) | SHOW BACKENDS lists them\n");
  EXPECT_EQ(run(R"(ALTER SYSTEM DROP BACKEND "b:3")"), "error [2] there is no backend b:3 | did you mean b:2?\n");
  EXPECT_EQ(run(R"(ALTER SYSTEM DROP BACKEND "b:2")"), "done dropped backend 10002 (b:2) (1)\n");
}

TEST_F(ConsoleSession, ABackendWithReplicasIsNotDropped) {
  with_orders();
  EXPECT_EQ(run(R"(ALTER SYSTEM DROP BACKEND "h1:9060")"),
            "error [5] backend " + described(0)
              + " still holds 1 replica | ALTER SYSTEM DECOMMISSION BACKEND \"h1:9060\" moves them away and then drops it\n");
  EXPECT_TRUE(proposed.empty());
}

TEST_F(ConsoleSession, DecommissionLeavesEnoughBackends) {
  with_orders();
  EXPECT_EQ(run(R"(ALTER SYSTEM DECOMMISSION BACKEND "h2:9060")"),
            "done decommissioning backend " + described(1) + ": 2 replicas to move (1)\n");
  EXPECT_TRUE(world.cat.backends.find(world.order[1])->decommissioned);
  EXPECT_EQ(run(R"(ALTER SYSTEM DECOMMISSION BACKEND "h2:9060")"),
            "done backend " + described(1) + " is being decommissioned already: nothing to do (0)\n");
  EXPECT_EQ(run(R"(ALTER SYSTEM DECOMMISSION BACKEND "h3:9060")"),
            "error [5] backend " + described(2)
              + " cannot leave: shop.orders wants 3 replicas on different hosts, and only 2 other hosts could hold them | ALTER SYSTEM ADD BACKEND adds one first\n");
  EXPECT_EQ(run(R"(ALTER SYSTEM CANCEL DECOMMISSION BACKEND "h2:9060")"), "done backend " + described(1) + " stays (1)\n");
  EXPECT_FALSE(world.cat.backends.find(world.order[1])->decommissioned);
}

// -- the journal says no -----------------------------------------------------------------

TEST_F(ConsoleSession, AFollowerNamesTheLeader) {
  failures = {wire::EditOutcome::Failure::NOT_LEADER};
  leader = "fe2:9020";
  const auto slot = send("CREATE DATABASE shop");
  const auto error = (*slot)->get().getResult().getError();
  EXPECT_EQ(error.getCode(), api::ErrorCode::NOT_LEADER);
  EXPECT_STREQ(error.getLeader().cStr(), "fe2:9020");
  EXPECT_STREQ(error.getHint().cStr(), "connect to the leader, fe2:9020");
  failures = {wire::EditOutcome::Failure::OVERLOADED};
  EXPECT_EQ(run("CREATE DATABASE shop"),
            "error [13] creating database shop failed: the edit log cannot take more just now (as the test wants) | "
            "try again in a moment; SHOW PROC '/journal' shows its backlog\n");
  failures = {wire::EditOutcome::Failure::STORAGE_FAILED};
  EXPECT_EQ(run("CREATE DATABASE shop"),
            "error [8] nobody knows whether creating database shop happened: the edit log failed (as the test wants) | "
            "look before you repeat it; another front end takes over\n");
  for (const auto doubt : {wire::EditOutcome::Failure::STORAGE_FAILED, wire::EditOutcome::Failure::LEADERSHIP_LOST}) {
    failures = {doubt};
    const auto doubtful = send("CREATE DATABASE shop");
    EXPECT_TRUE((*doubtful)->get().getResult().getError().getOutcomeUnknown()) << "a client must not simply repeat it";
  }
  EXPECT_FALSE(error.getOutcomeUnknown()) << "this one was not appended";
}

TEST_F(ConsoleSession, AJournalThatIsGoneIsAnAnswerToo) {
  urgent_exit(journal, caf::exit_reason::kill);
  settle();
  const auto text = run("CREATE DATABASE shop");
  EXPECT_NE(text.find("error [8] nobody knows whether creating database shop happened"), std::string::npos) << text;
}

// -- EXPORT ------------------------------------------------------------------------------

TEST_F(ConsoleSession, AnExportPlanNamesReplicasThatCanServeIt) {
  with_orders();
  world.load(orders, "a", 7);
  world.view.backends[world.order[1]].linked = false;
  publish_world();
  run("USE shop");
  const auto slot = send("EXPORT TABLE orders TO '/tmp/out'", false);
  ASSERT_TRUE(*slot);
  ASSERT_TRUE((*slot)->get().isExportPlan());
  const auto plan = (*slot)->get().getExportPlan();
  EXPECT_STREQ(plan.getPath().cStr(), "/tmp/out");
  EXPECT_EQ(plan.getRows(), 14u);
  EXPECT_EQ(plan.getBytes(), 140u);
  ASSERT_EQ(plan.getTablets().size(), 2u);
  EXPECT_EQ(plan.getTablets()[0].getVersion(), 2u);
  for (const auto at : plan.getTablets()) {
    EXPECT_EQ(at.getRows(), 7u);
    EXPECT_EQ(at.getReplicas().size(), 2u);
    for (const auto r : at.getReplicas())
      EXPECT_NE(r.getBackend(), raw(world.order[1]));
  }
}

TEST_F(ConsoleSession, AnExportOfALostTabletIsDataLoss) {
  with_orders();
  for (auto& [id, seen] : world.view.backends)
    seen.linked = false;
  publish_world();
  const auto text = run("EXPORT TABLE shop.orders TO '/tmp/out'");
  EXPECT_NE(text.find(fmt::format("error [16] tablet {} of orders cannot be read", raw(world.tablet(orders, 0).id))),
            std::string::npos) << text;
}

// -- names -------------------------------------------------------------------------------

TEST_F(ConsoleSession, NamesWithoutADatabaseBelongToTheSession) {
  with_orders();
  EXPECT_EQ(run("SHOW TABLETS FROM orders"),
            "error [5] no database is chosen: which orders is meant? | write db.orders, or USE a database first\n");
  open("shop");
  EXPECT_EQ(run("SHOW TABLETS FROM orders").substr(0, 8), "TabletId");
  EXPECT_EQ(run("SHOW TABLETS FROM order"), "error [2] there is no table shop.order | did you mean orders?\n");
  const auto found = complete_statement(*cell, "DROP TABLE o", 12, "shop");
  ASSERT_EQ(found.candidates.size(), 1u);
  EXPECT_EQ(found.candidates[0].text, "orders");
}

} // namespace
} // namespace tabletd
