// A LOAD as its client lives through it: from the plan to the last replica that serves it, and every
// way in which somebody leaves in between.
#include "tests/console/orders_world.h"

namespace tabletd {
namespace {

using namespace std::chrono_literals;
using model::raw;

struct ConsoleLoad : test::orders_world {};

TEST_F(ConsoleLoad, ALoadFromPlanToPublished) {
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

TEST_F(ConsoleLoad, TheClientHearsOfItAtAMajorityAndTheRestFollows) {
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

TEST_F(ConsoleLoad, AnOrderThatGotLostIsRepeatedAndTheClientWaits) {
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

TEST_F(ConsoleLoad, BackendsThatMissTheRowsAreNamed) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  EXPECT_EQ(finish(prepared(plan, {world.order[3]})),
            "done loaded 10 rows (100 bytes) into shop.orders as version 2, label 'a' (10)\n"
            "warning [8] backend " + described(3) + " missed 1 tablet (tablet "
              + std::to_string(raw(world.tablet(orders, 1).id))
              + "): connection lost | repair copies the rows from the other replicas; see SHOW PROC '/statistic'\n");
}

TEST_F(ConsoleLoad, ALoadWithoutAMajorityRollsBackAndSaysWhoFailed) {
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

TEST_F(ConsoleLoad, AnAbandonedLoadIsAborted) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  caf::anon_send(session, load_abandoned{plan.get().getLoad().getTxn()});
  settle();
  EXPECT_EQ(proposals<model::load_aborted>(), 1u);
  EXPECT_EQ(publishes.size(), 4u);
  plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'"); // The label is free again.
}

TEST_F(ConsoleLoad, ASessionThatEndsAbortsItsLoads) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  close();
  EXPECT_EQ(proposals<model::load_aborted>(), 1u);
  EXPECT_EQ(world.cat.loads.find(model::txn_id{plan.get().getLoad().getTxn()})->state, model::load_state::aborted);
}

TEST_F(ConsoleLoad, ARepeatedRequestLoadsOnce) {
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

TEST_F(ConsoleLoad, ARequestIdThatIsTooLongIsRefused) {
  with_orders();
  const std::string longest(32, 'a');
  finish(prepared(plan_of("LOAD FILE '/f' INTO shop.orders", longest)));
  const auto slot = send("LOAD FILE '/g' INTO shop.orders", true, longest + 'b');
  EXPECT_EQ(test::shown((*slot)->get().getResult()).substr(0, 36), "error [4] the request id is 33 bytes");
}

TEST_F(ConsoleLoad, TwoLoadsOfOneSessionDoNotMix) {
  with_orders();
  const auto one = plan_of("LOAD FILE '/1' INTO shop.orders");
  const auto two = plan_of("LOAD FILE '/2' INTO shop.orders");
  EXPECT_NE(one.get().getLoad().getTxn(), two.get().getLoad().getTxn());
  EXPECT_NE(finish(prepared(two)).find("as version 2"), std::string::npos);
  EXPECT_NE(finish(prepared(one)).find("as version 3"), std::string::npos);
}

TEST_F(ConsoleLoad, TheEndOfATermAnswersEverybody) {
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
  EXPECT_TRUE((*client)->get().getError().getOutcomeUnknown());
  ASSERT_TRUE(*table);
  EXPECT_TRUE((*table)->get().getResult().getError().getOutcomeUnknown());
  EXPECT_NE(test::shown((*table)->get().getResult()).find("creating shop.t was cut off"), std::string::npos);
  EXPECT_NE(run("LOAD FILE '/f' INTO shop.orders").find("error [8] the statement could not be started"), std::string::npos);
}

TEST_F(ConsoleLoad, ASessionThatEndsAnswersItsStatements) {
  journal_holds = true;
  const auto slot = send("CREATE DATABASE shop");
  EXPECT_FALSE(*slot);
  close();
  ASSERT_TRUE(*slot);
  EXPECT_EQ(test::shown((*slot)->get().getResult()),
            "error [8] the session ended while the statement ran | connect again and look before you repeat it: it may "
            "have taken effect\n");
  EXPECT_TRUE((*slot)->get().getResult().getError().getOutcomeUnknown());
}

TEST_F(ConsoleLoad, ANewLeaderFinishesWhatTheOldOneLeftOpen) {
  with_orders();
  const auto committed = world.load(orders, "old");
  const model::txn_id begun{world.fold(model::load_begun{orders, "begun"})};
  world.fold(model::term_began{2, 1});
  publish_world();
  pass(1s);
  EXPECT_EQ(world.cat.loads.find(committed)->state, model::load_state::published);
  EXPECT_EQ(world.cat.loads.find(begun)->state, model::load_state::aborted);
  EXPECT_EQ(publishes.size(), 4u + 4u);
  pass_seconds(5);
  EXPECT_EQ(proposed.size(), 2u) << "once each";
}

TEST_F(ConsoleLoad, ALoadWithALiveJobIsLeftAlone) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  pass_seconds(10);
  EXPECT_EQ(proposals<model::load_aborted>(), 0u) << "a client may take its time";
  silent = {world.order[0]};
  finish(prepared(plan));
  pass_seconds(10);
  EXPECT_EQ(publishes.size(), 4u) << "its own job publishes it";
}

TEST_F(ConsoleLoad, ALoadWhoseJobCrashedBeforeTheCommitIsAborted) {
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

TEST_F(ConsoleLoad, ALoadWhoseJobCrashedAfterTheCommitIsPublished) {
  with_orders();
  const auto plan = plan_of("LOAD FILE '/f' INTO shop.orders LABEL 'a'");
  silent = {world.order[0]};
  finish(prepared(plan));
  kill_jobs();
  silent.clear();
  pass_seconds(2);
  EXPECT_EQ(world.cat.loads.find(model::txn_id{plan.get().getLoad().getTxn()})->state, model::load_state::published);
}

TEST_F(ConsoleLoad, AnAbortTheLogDidNotTakeIsMadeUpFor) {
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

} // namespace
} // namespace tabletd
