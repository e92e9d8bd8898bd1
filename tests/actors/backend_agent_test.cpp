// One agent against a wire that only takes notes.
#include "tests/actors/membership_world.h"

namespace tabletd::test {
namespace {

struct BackendAgentTest : membership_world {
  backend_id b = w.live_backend(1);
  std::vector<backend_sighting> seen;
  sighting_sink_actor membership_stub = sys.spawn(
      [this](sighting_sink_actor::pointer, int) -> sighting_sink_actor::behavior_type {
        return {[this](const backend_sighting& s) { seen.push_back(s); }};
      },
      0);
  backend_agent_life_actor agent;
  inbox<task_ended> tasks;
  inbox<publish_ended> publishes;

  void SetUp() override {
    w(term_began{3, 2});
    publish();
  }
  void start() {
    backend_agent_options options;
    options.proposals_max = 2;
    agent = stop_later(sys.spawn(backend_agent, b,
                                 backend_agent_ports{journal, cell, wire, membership_stub,
                                                     [this] { return wall; }, options}));
    settle();
  }
  void say(const backend_event& what) {
    caf::anon_send(agent, what);
    settle();
  }
  /// Attached, reported, and the notes of that thrown away.
  void bring_up() {
    start();
    say(attached(77));
    wire->take();
    seen.clear();
  }
  void order_clone(std::uint64_t fence, std::uint64_t tablet) {
    ask(agent, clone_order_for(b, fence, tablet), tasks);
  }
  void change(edit_body body) {
    w(std::move(body));
    publish();
    caf::anon_send(agent, catalog_advanced{});
    settle();
  }
  std::string name() const { return std::to_string(raw(b)); }
};

TEST_F(BackendAgentTest, DialsWithWhoItIsAndShowsWhatItFinds) {
  start();
  EXPECT_EQ(wire->take(), name() + " attach h1:9000 term 3 leader 2");
  say(attached(77));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_TRUE(seen[0].view.linked);
  EXPECT_FALSE(seen[0].beat);
  EXPECT_EQ(seen[0].view.boot, 77u);
  EXPECT_EQ(seen[0].view.paths.size(), 2u);
  EXPECT_EQ(wire->notes, (std::vector{name() + " beat 1"}));
  say(status(77));
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen[1].beat);
  EXPECT_EQ(seen[1].view.last_heartbeat, wall);
}

TEST_F(BackendAgentTest, ARefusalIsShownAndTriedAgainMuchLater) {
  start();
  wire->take();
  say(refused("I belong to cluster green; use another data directory"));
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_FALSE(seen[0].view.linked);
  EXPECT_EQ(seen[0].view.error, "I belong to cluster green; use another data directory");
  pass(29s);
  EXPECT_EQ(wire->take(), "");
  pass(2s);
  EXPECT_EQ(wire->take(), name() + " attach h1:9000 term 3 leader 2");
}

TEST_F(BackendAgentTest, ALostLinkIsDialledAgainWithBackOff) {
  bring_up();
  int attempts = 0;
  for (int i = 0; i < 120; ++i) { // One minute.
    say(lost("connection refused"));
    pass(500ms);
    attempts += wire->take().empty() ? 0 : 1;
  }
  EXPECT_GE(attempts, 8);
  EXPECT_LE(attempts, 12) << "250 ms doubling to 10 s";
}

TEST_F(BackendAgentTest, ATaskIsAnsweredAcrossAReconnect) {
  bring_up();
  order_clone(41, 5);
  EXPECT_EQ(wire->take(), name() + " submit clone#41");
  say(lost("closed"));
  order_clone(42, 6);
  EXPECT_TRUE(tasks.answers.empty());
  pass(1s);
  EXPECT_EQ(wire->take(), name() + " attach h1:9000 term 3 leader 2");
  say(attached(78));
  EXPECT_EQ(wire->take(), name() + " submit clone#41 clone#42");
  say(ended(clone_done(42, 6)));
  say(ended(clone_done(41, 5)));
  ASSERT_EQ(tasks.answers.size(), 2u);
  EXPECT_EQ(text(tasks.answers[0]), "42/6 done");
  EXPECT_EQ(text(tasks.answers[1]), "41/5 done");
  EXPECT_EQ(tasks.answers[1].get().getReplica(), 1'005u);
}

TEST_F(BackendAgentTest, AskingTwiceJoinsTheFirst) {
  bring_up();
  order_clone(41, 5);
  order_clone(41, 5);
  EXPECT_EQ(wire->take(), name() + " submit clone#41");
  say(ended(clone_done(41, 5)));
  EXPECT_EQ(tasks.answers.size(), 2u);
  say(ended(clone_done(41, 5)));
  EXPECT_EQ(tasks.answers.size(), 2u) << "told again, nobody waits";
}

TEST_F(BackendAgentTest, OrdersThatWaitInTheMailboxTravelInOneCall) {
  bring_up();
  for (std::uint64_t tablet = 1; tablet <= 3; ++tablet)
    caf::anon_send(agent, clone_order_for(b, 41, tablet));
  settle();
  EXPECT_EQ(wire->take(), name() + " submit clone#41 clone#41 clone#41");
}

TEST_F(BackendAgentTest, ABackendDeclaredDeadAnswersUnreachable) {
  bring_up();
  order_clone(41, 5);
  ask(agent, publish_of(b, 7, 2), publishes);
  change(backend_died{b});
  ASSERT_EQ(tasks.answers.size(), 1u);
  EXPECT_EQ(text(tasks.answers[0]), "41/5 unreachable: the backend was declared dead");
  ASSERT_EQ(publishes.answers.size(), 1u);
  EXPECT_STREQ(publishes.answers[0].get().getError().cStr(), "the backend was declared dead");
  order_clone(42, 6);
  EXPECT_EQ(text(tasks.answers.at(1)), "42/6 unreachable: the backend is not alive");
}

TEST_F(BackendAgentTest, ADroppedBackendAnswersUnreachableAndHangsUp) {
  bring_up();
  order_clone(41, 5);
  wire->take();
  change(backend_dropped{b});
  EXPECT_EQ(text(tasks.answers.at(0)),
            "41/5 unreachable: the backend was dropped from the cluster");
  EXPECT_EQ(wire->take(), name() + " detach");
}

TEST_F(BackendAgentTest, WhateverEndsTheAgentNobodyIsLeftWaiting) {
  for (const auto reason : {caf::exit_reason::user_shutdown, caf::exit_reason::kill}) {
    tasks = {};
    publishes = {};
    bring_up();
    order_clone(41, 5);
    ask(agent, publish_of(b, 7, 2), publishes);
    wire->take();
    urgent_exit(agent, reason);
    settle();
    ASSERT_EQ(tasks.answers.size() + static_cast<std::size_t>(tasks.errors), 1u);
    ASSERT_EQ(publishes.answers.size() + static_cast<std::size_t>(publishes.errors), 1u);
    EXPECT_EQ(text(tasks.answers.at(0)), "41/5 unreachable: the leader let go of this backend");
    EXPECT_EQ(wire->take(), name() + " detach");
  }
}

TEST_F(BackendAgentTest, APublishIsCarriedOverAndAnswered) {
  bring_up();
  ask(agent, publish_of(b, 7, 2), publishes);
  EXPECT_EQ(wire->take(), name() + " publish 7=2");
  say(published("disconnected"));
  EXPECT_TRUE(publishes.answers.empty()) << "it is sent again";
  pass(500ms);
  EXPECT_EQ(wire->take(), name() + " publish 7=2");
  say(published());
  ASSERT_EQ(publishes.answers.size(), 1u);
  EXPECT_EQ(publishes.answers[0].get().getError().size(), 0u);
}

TEST_F(BackendAgentTest, APublishNobodyAnswersEndsInAnError) {
  bring_up();
  say(lost("closed"));
  ask(agent, publish_of(b, 7, 2), publishes);
  for (int i = 0; i < 29; ++i)
    pass(1s);
  EXPECT_TRUE(publishes.answers.empty());
  pass(2s);
  ASSERT_EQ(publishes.answers.size(), 1u);
  EXPECT_STREQ(publishes.answers[0].get().getError().cStr(),
               "the backend did not answer in time: dialling got no answer");
}

// -- reports -----------------------------------------------------------------------------

struct BackendAgentReportTest : BackendAgentTest {
  backend_id b2 = w.live_backend(2), b3 = w.live_backend(3);
  table_id t = w.make_table(w.make_database(), {b, b2, b3});
  void SetUp() override {
    w.load(t, {b, b2, b3});
    BackendAgentTest::SetUp();
  }
};

TEST_F(BackendAgentReportTest, WhatAReportContradictsIsProposed) {
  bring_up();
  say(report(77, 1, {}));
  const auto edits = take_proposed();
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_EQ(std::get<replica_dropped>(edits[0]).reason, drop_reason::lost);
  EXPECT_EQ(w.bucket(t).on(b), nullptr);
  ASSERT_FALSE(seen.empty());
  EXPECT_TRUE(seen.back().view.reported);
}

TEST_F(BackendAgentReportTest, DropsAndVerdictsGoStraightToTheBackend) {
  bring_up();
  auto stranger = held(t, b, 2);
  stranger.tablet = tablet_id{5}; // Of a table that is gone.
  say(report(77, 1, {held(t, b, 2), stranger}, {txn_id{w.index + 9}}));
  EXPECT_EQ(wire->take(),
            name() + " submit drop; " + name() + " publish " + std::to_string(w.index + 9) + "=0");
  EXPECT_TRUE(take_proposed().empty());
}

TEST_F(BackendAgentReportTest, ABehindReplicaIsAskedAboutBeforeItIsProposed) {
  bring_up();
  say(report(77, 1, {held(t, b, 1)}));
  EXPECT_TRUE(take_proposed().empty());
  pass(2s);
  EXPECT_EQ(wire->take(), "");
  pass(1s);
  EXPECT_EQ(wire->take(), name() + " report?");
  say(report(77, 1, {held(t, b, 1)}));
  const auto edits = take_proposed();
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_EQ(std::get<replica_observed>(edits[0]).version, 1u);
}

TEST_F(BackendAgentReportTest, AReportOlderThanAFinishedTaskIsAskedAgain) {
  bring_up();
  say(ended(clone_done(41, 5, 9)));
  say(report(77, 8, {}));
  EXPECT_TRUE(take_proposed().empty());
  pass(500ms);
  EXPECT_EQ(wire->take(), name() + " report?");
}

TEST_F(BackendAgentReportTest, AHeartbeatCorrectsAStampOfTheProcessBefore) {
  bring_up();
  say(ended(clone_done(41, 5, 900))); // On its way when the backend restarted.
  say(status(77, 3));
  say(report(77, 3, {}));
  EXPECT_EQ(take_proposed().size(), 1u);
}

TEST_F(BackendAgentReportTest, AReportBeforeTheLogTookTheBackendBackIsAskedAgain) {
  w(backend_died{b});
  publish();
  bring_up();
  say(report(77, 1, {}));
  EXPECT_TRUE(take_proposed().empty());
  change(w.returned(b, 1));
  pass(500ms);
  EXPECT_EQ(wire->take(), name() + " report?");
}

TEST_F(BackendAgentReportTest, ProposalsAreFedToTheJournalAFewAtATime) {
  const auto many = w.make_table(w.cat.tables.find(t)->database, {b, b2, b3}, 5, 3, "many");
  w.load(many, {b, b2, b3});
  publish();
  bring_up();
  journal_holds_back = true;
  say(report(77, 1, {held(t, b, 2)}));
  std::vector<std::size_t> waves;
  for (; !held_back.empty(); release())
    waves.push_back(held_back.size());
  EXPECT_EQ(waves, (std::vector<std::size_t>{2, 2, 1})) << "proposals_max is 2";
  EXPECT_EQ(take_proposed().size(), 5u);
}

TEST_F(BackendAgentReportTest, WhatAFullJournalWouldNotTakeIsFoundAgainByTheNextReport) {
  bring_up();
  journal_is_full = true;
  say(report(77, 1, {}));
  EXPECT_EQ(take_proposed().size(), 1u);
  journal_is_full = false;
  pass(4s);
  say(status(77, 1));
  EXPECT_EQ(wire->take(), "");
  pass(1s);
  EXPECT_EQ(wire->take(), name() + " report?");
  say(report(77, 1, {}));
  EXPECT_EQ(take_proposed().size(), 1u);
  EXPECT_EQ(w.bucket(t).on(b), nullptr);
}

} // namespace
} // namespace tabletd::test
