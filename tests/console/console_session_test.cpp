// What a client hears: statements through a session actor, a journal and backends.
#include "actors/model/proc_path.h"
#include "actors/model/statement_table.h"
#include "tests/console/session_world.h"

namespace tabletd {
namespace {

using namespace std::chrono_literals;
using model::raw;

struct ConsoleSession : test::session_world {
  /// shop.orders: 2 tablets of 3 replicas on 4 backends.
  model::table_id orders{};
  void with_orders() {
    world.database("shop");
    world.add_backends(4);
    orders = world.table("shop", "orders", 2, 3);
    publish_world();
  }
  /// Second by second, so that timers armed meanwhile run too.
  void pass_seconds(int n) {
    for (int i = 0; i < n; ++i)
      pass(1s);
  }
  std::string described(std::size_t backend) {
    return fmt::format("{} (h{}:9060)", raw(world.order[backend]), backend + 1);
  }
};

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
  for (const auto& row : model::statement_table()) {
    if (row.columns.empty())
      continue;
    auto example = std::string{row.example};
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
  EXPECT_EQ(error.getExpected().size(), 8u);
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
            "try again in a second; SHOW PROC '/journal' shows its backlog\n");
  failures = {wire::EditOutcome::Failure::STORAGE_FAILED};
  EXPECT_EQ(run("CREATE DATABASE shop"),
            "error [8] nobody knows whether creating database shop happened: the edit log failed (as the test wants) | "
            "look before you repeat it; another front end takes over\n");
}

TEST_F(ConsoleSession, AJournalThatIsGoneIsAnAnswerToo) {
  urgent_exit(journal, caf::exit_reason::kill);
  settle();
  const auto text = run("CREATE DATABASE shop");
  EXPECT_NE(text.find("error [8] nobody knows whether creating database shop happened"), std::string::npos) << text;
}

// -- LOAD --------------------------------------------------------------------------------

TEST_F(ConsoleSession, ALoadFromPlanToPublished) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/tmp/o.csv' INTO shop.orders LABEL 'monday'");
  const auto load = plan.get().getLoad();
  EXPECT_STREQ(load.getPath().cStr(), "/tmp/o.csv");
  EXPECT_EQ(load.getKeyColumn(), 1u);
  EXPECT_EQ(load.getSeparator(), ';');
  EXPECT_EQ(load.getTable(), raw(orders));
  ASSERT_EQ(load.getTablets().size(), 2u);
  EXPECT_EQ(load.getTablets()[0].getReplicas().size(), 3u);
  EXPECT_EQ(finish(prepared(plan)),
            "done loaded 10 rows (100 bytes) into shop.orders as version 2, label 'monday' (10)\n");
  EXPECT_EQ(publishes.size(), 4u);
  for (const auto& order : publishes) {
    ASSERT_EQ(order.get().getTxns().size(), 1u);
    EXPECT_EQ(order.get().getTxns()[0].getTxn(), load.getTxn());
    EXPECT_EQ(order.get().getTxns()[0].getVersion(), 2u);
  }
  EXPECT_EQ(world.cat.loads.find(model::txn_id{load.getTxn()})->state, model::load_state::published);
  EXPECT_EQ(run("LOAD FILE '/tmp/o.csv' INTO shop.orders LABEL 'monday'"),
            fmt::format("done label 'monday' is already loaded (txn {}, version 2): nothing to do (0)\n", load.getTxn()));
}

TEST_F(ConsoleSession, TheClientHearsOfItAtAMajorityAndTheRestFollows) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  silent = {world.order[0]};
  const auto text = finish(prepared(plan));
  EXPECT_EQ(text, "done loaded 10 rows (100 bytes) into shop.orders as version 2, label 'a' (10)\n");
  EXPECT_EQ(proposals<model::load_published>(), 0u);
  close(); // Even when the session is over.
  answer_at_last();
  EXPECT_EQ(proposals<model::load_published>(), 1u);
}

TEST_F(ConsoleSession, AnOrderThatGotLostIsRepeatedAndTheClientWaits) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  backend_fails = [](model::backend_id) { return std::optional<std::string>{"no link"}; };
  const auto client = ask<api_result>(prepared(plan));
  EXPECT_FALSE(*client) << "committed, but nobody serves it";
  EXPECT_EQ(proposals<model::load_committed>(), 1u);
  backend_fails = [](model::backend_id) { return std::nullopt; };
  pass(1'999ms);
  EXPECT_FALSE(*client);
  pass(1ms);
  ASSERT_TRUE(*client);
  EXPECT_TRUE((*client)->get().isDone());
  EXPECT_EQ(publishes.size(), 8u);
}

TEST_F(ConsoleSession, BackendsThatMissTheRowsAreNamed) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  EXPECT_EQ(finish(prepared(plan, {world.order[3]})),
            "done loaded 10 rows (100 bytes) into shop.orders as version 2, label 'a' (10)\n"
            "warning [8] backend " + described(3) + " missed 1 tablet (tablet "
              + std::to_string(raw(world.tablet(orders, 1).id))
              + "): connection lost | repair copies the rows from the other replicas; see SHOW PROC '/statistic'\n");
}

TEST_F(ConsoleSession, ALoadWithoutAMajorityRollsBackAndSaysWhoFailed) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders");
  const auto text = finish(prepared(plan, {world.order[1], world.order[2]}));
  EXPECT_NE(text.find("error [8] loading shop.orders was rolled back"), std::string::npos) << text;
  EXPECT_NE(text.find("h2:9060: connection lost, h3:9060: connection lost"), std::string::npos) << text;
  ASSERT_EQ(publishes.size(), 4u) << "whoever took part is told to forget";
  for (const auto& order : publishes)
    EXPECT_EQ(order.get().getTxns()[0].getVersion(), 0u);
  EXPECT_EQ(proposals<model::load_aborted>(), 1u);
  EXPECT_EQ(finish(prepared(plan)),
            fmt::format("error [2] load {} is not open in this session (any more) | load again; with a LABEL it cannot be loaded twice\n",
                        plan.get().getLoad().getTxn()));
}

TEST_F(ConsoleSession, AnAbandonedLoadIsAborted) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  caf::anon_send(session, load_abandoned{plan.get().getLoad().getTxn()});
  settle();
  EXPECT_EQ(proposals<model::load_aborted>(), 1u);
  EXPECT_EQ(publishes.size(), 4u);
  plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'"); // The label is free again.
}

TEST_F(ConsoleSession, ASessionThatEndsAbortsItsLoads) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  close();
  EXPECT_EQ(proposals<model::load_aborted>(), 1u);
  EXPECT_EQ(world.cat.loads.find(model::txn_id{plan.get().getLoad().getTxn()})->state, model::load_state::aborted);
}

TEST_F(ConsoleSession, ARepeatedRequestLoadsOnce) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders", "0123456789abcdef");
  finish(prepared(plan));
  open(); // The client reconnected and repeats itself.
  const auto again = send("LOAD FILE '/f' INTO shop.orders", true, "0123456789abcdef");
  EXPECT_EQ(test::shown((*again)->get().getResult()),
            fmt::format("done label 'request-30313233343536373839616263646566' is already loaded (txn {}, version 2): nothing to do (0)\n",
                        plan.get().getLoad().getTxn()));
  plan_of("LOAD FILE '/f' INTO shop.orders", "another-request");
}

TEST_F(ConsoleSession, ARequestIdThatIsTooLongIsRefused) {
  with_orders();
  const std::string longest(32, 'a');
  finish(prepared(plan_of("LOAD FILE '/f' INTO shop.orders", longest)));
  const auto slot = send("LOAD FILE '/g' INTO shop.orders", true, longest + 'b');
  EXPECT_EQ(test::shown((*slot)->get().getResult()).substr(0, 36), "error [4] the request id is 33 bytes");
}

TEST_F(ConsoleSession, TwoLoadsOfOneSessionDoNotMix) {
  with_orders();
  const auto one = plan_of("LOAD FILE '/1' INTO shop.orders");
  const auto two = plan_of("LOAD FILE '/2' INTO shop.orders");
  EXPECT_NE(one.get().getLoad().getTxn(), two.get().getLoad().getTxn());
  EXPECT_NE(finish(prepared(two)).find("as version 2"), std::string::npos);
  EXPECT_NE(finish(prepared(one)).find("as version 3"), std::string::npos);
}

TEST_F(ConsoleSession, TheEndOfATermAnswersEverybody) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  journal_holds = true;
  const auto client = ask<api_result>(prepared(plan));
  const auto table = send("CREATE TABLE shop.t (KEY 1) BUCKETS 1");
  EXPECT_FALSE(*client);
  urgent_exit(jobs, caf::exit_reason::kill);
  settle();
  ASSERT_TRUE(*client);
  EXPECT_EQ(test::shown((*client)->get()),
            "error [8] loading shop.orders was cut off: this front end stopped leading | load again with LABEL 'a': a "
            "label that was committed loads nothing twice\n");
  ASSERT_TRUE(*table);
  EXPECT_NE(test::shown((*table)->get().getResult()).find("creating shop.t was cut off"), std::string::npos);
  EXPECT_NE(run("LOAD FILE '/f' INTO shop.orders").find("error [8] the statement could not be started"), std::string::npos);
}

TEST_F(ConsoleSession, ASessionThatEndsAnswersItsStatements) {
  journal_holds = true;
  const auto slot = send("CREATE DATABASE shop");
  EXPECT_FALSE(*slot);
  close();
  ASSERT_TRUE(*slot);
  EXPECT_EQ(test::shown((*slot)->get().getResult()),
            "error [8] the session ended while the statement ran | connect again and look before you repeat it: it may "
            "have taken effect\n");
}

TEST_F(ConsoleSession, ANewLeaderFinishesWhatTheOldOneLeftOpen) {
  with_orders();
  const auto committed = world.load(orders, "old");
  const model::txn_id begun{world.fold(model::load_begun{orders, "begun"})};
  world.fold(model::term_began{2, 1});
  publish_world();
  pass(1s);
  EXPECT_TRUE(proposed.empty()) << "one look is not enough: a job may just have begun";
  pass(1s);
  EXPECT_EQ(world.cat.loads.find(committed)->state, model::load_state::published);
  EXPECT_EQ(world.cat.loads.find(begun)->state, model::load_state::aborted);
  EXPECT_EQ(publishes.size(), 4u + 4u);
  pass_seconds(5);
  EXPECT_EQ(proposed.size(), 2u) << "once each";
}

TEST_F(ConsoleSession, ALoadWithALiveJobIsLeftAlone) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  pass_seconds(10);
  EXPECT_EQ(proposals<model::load_aborted>(), 0u) << "a client may take its time";
  silent = {world.order[0]};
  finish(prepared(plan));
  pass_seconds(10);
  EXPECT_EQ(publishes.size(), 4u) << "its own job publishes it";
}

TEST_F(ConsoleSession, ALoadWhoseJobCrashedBeforeTheCommitIsAborted) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  kill_jobs();
  const model::txn_id txn{plan.get().getLoad().getTxn()};
  EXPECT_EQ(world.cat.loads.find(txn)->state, model::load_state::begun);
  pass_seconds(2);
  EXPECT_EQ(world.cat.loads.find(txn)->state, model::load_state::aborted);
  EXPECT_EQ(publishes.size(), 4u) << "whoever took part is told to forget";
  plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'"); // The label is free again.
}

TEST_F(ConsoleSession, ALoadWhoseJobCrashedAfterTheCommitIsPublished) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  silent = {world.order[0]};
  finish(prepared(plan));
  kill_jobs();
  silent.clear();
  pass_seconds(2);
  EXPECT_EQ(world.cat.loads.find(model::txn_id{plan.get().getLoad().getTxn()})->state, model::load_state::published);
}

TEST_F(ConsoleSession, AnAbortTheLogDidNotTakeIsMadeUpFor) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  failures = {wire::EditOutcome::Failure::OVERLOADED};
  EXPECT_NE(finish(prepared(plan, {world.order[1], world.order[2]})).find("error [8] loading shop.orders was rolled back"),
            std::string::npos);
  EXPECT_TRUE(publishes.empty()) << "nothing is forgotten before the log says so";
  pass_seconds(3);
  EXPECT_EQ(world.cat.loads.find(model::txn_id{plan.get().getLoad().getTxn()})->state, model::load_state::aborted);
  EXPECT_EQ(publishes.size(), 4u);
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
