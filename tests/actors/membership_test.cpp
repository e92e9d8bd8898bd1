// The directory with its agents under a real supervisor.
#include "actors/supervision/supervisor.h"
#include "tests/actors/membership_world.h"

namespace tabletd::test {
namespace {

struct MembershipTest : membership_world {
  cluster_view_cell_ptr view = std::make_shared<cluster_view_cell>();
  caf::actor supervisor_handle;
  membership_life_actor subject;
  inbox<task_ended> tasks;
  inbox<publish_ended> publishes;
  int views_heard = 0;

  void start_supervisor() {
    supervisor_options options;
    options.name = "backend_agents";
    options.spec.restarts_max = 100;
    supervisor_handle = stop_later(sys.spawn(supervisor, options));
  }
  membership_life_actor start_membership() {
    membership_options options;
    options.liveness = {.interval = 1s, .missed_max = 5, .steady_beats = 2};
    subject = stop_later(
        sys.spawn(membership, membership_ports{journal, cell, view, wire, supervisor_handle,
                                               [this] { return wall; }, options}));
    settle();
    return subject;
  }
  void start() {
    publish();
    start_supervisor();
    start_membership();
  }
  void TearDown() override {
    subject = nullptr;
    membership_world::TearDown();
    supervisor_handle = nullptr;
  }
  /// A committed edit, announced as the catalog would.
  verdict change(edit_body body) {
    const auto judged = w(std::move(body));
    publish();
    caf::anon_send(subject, seal<wire::CatalogAdvanced>([&](auto news) {
                     news.setIndex(w.index);
                     if (raw(judged.touched_backend) != 0)
                       news.initBackends(1).set(0, raw(judged.touched_backend));
                   }));
    settle();
    return judged;
  }
  void say(backend_id b, const backend_event& what) {
    caf::anon_send(wire->agents.at(b), what);
    settle();
  }
  void beat(backend_id b, std::uint64_t boot, std::uint64_t n) { say(b, status(boot, 1, n)); }
  bool alive(backend_id b) const { return w.cat.backends.find(b)->alive; }
};

TEST_F(MembershipTest, ANewBackendIsDialledTakenAndShown) {
  start();
  const backend_id b{change(backend_added{"h1", 9000}).id};
  EXPECT_EQ(wire->take(), std::to_string(raw(b)) + " attach h1:9000 term 0 leader 0");
  ASSERT_NE(view->load()->find(b), nullptr);
  EXPECT_FALSE(view->load()->find(b)->linked);
  say(b, attached(77));
  EXPECT_TRUE(view->load()->find(b)->linked);
  EXPECT_TRUE(take_proposed().empty()) << "a link is not yet a heartbeat";
  beat(b, 77, 1);
  EXPECT_EQ(take_proposed(), (std::vector<edit_body>{catalog_world::returned(b, 1)}));
  EXPECT_TRUE(alive(b));
}

TEST_F(MembershipTest, MissedHeartbeatsDeclareItDeadAndFailItsTasks) {
  const auto b = w.live_backend(1);
  start();
  say(b, attached(77));
  beat(b, 77, 1);
  ask(subject, clone_order_for(b, 41, 5), tasks);
  for (int i = 0; i < 10; ++i)
    pass(500ms);
  EXPECT_TRUE(alive(b));
  EXPECT_TRUE(tasks.answers.empty());
  for (int i = 0; i < 3; ++i)
    pass(500ms);
  EXPECT_EQ(take_proposed(), (std::vector<edit_body>{backend_died{b}}));
  EXPECT_FALSE(alive(b));
  pass(500ms);
  ASSERT_EQ(tasks.answers.size(), 1u);
  EXPECT_EQ(text(tasks.answers[0]), "41/5 unreachable: the backend was declared dead");
}

TEST_F(MembershipTest, ADeadBackendIsTakenBackWhenItIsSteadyAndItsPathsAreKept) {
  const auto b = w.live_backend(1);
  w(backend_died{b});
  start();
  say(b, attached(77, 8));
  beat(b, 77, 8);
  EXPECT_TRUE(take_proposed().empty());
  pass(1s);
  beat(b, 77, 8);
  EXPECT_EQ(take_proposed(), (std::vector<edit_body>{catalog_world::returned(b, 8)}));
}

TEST_F(MembershipTest, DiskFillIsPublishedWithTheTickAndLinksAtOnce) {
  const auto b = w.live_backend(1);
  start();
  view_listener_actor listener = stop_later(sys.spawn(
      [this](view_listener_actor::pointer, int) -> view_listener_actor::behavior_type {
        return {[this](view_changed) { ++views_heard; }};
      },
      0));
  caf::anon_send(subject, subscribe{}, listener);
  settle();
  EXPECT_EQ(views_heard, 1);
  say(b, attached(77));
  EXPECT_EQ(views_heard, 2);
  EXPECT_TRUE(view->load()->find(b)->linked);
  beat(b, 77, 1);
  EXPECT_EQ(views_heard, 2);
  EXPECT_EQ(view->load()->find(b)->last_heartbeat, time_ms{});
  pass(500ms);
  EXPECT_EQ(views_heard, 3);
  EXPECT_EQ(view->load()->find(b)->last_heartbeat, wall);
  pass(500ms);
  EXPECT_EQ(views_heard, 3) << "nothing moved";
}

TEST_F(MembershipTest, OrdersFindTheirBackend) {
  const auto b1 = w.live_backend(1), b2 = w.live_backend(2);
  start();
  say(b1, attached(77, 1));
  say(b2, attached(78, 2));
  wire->take();
  ask(subject, clone_order_for(b2, 41, 5), tasks);
  EXPECT_EQ(wire->take(), std::to_string(raw(b2)) + " submit clone#41");
  ask(subject, publish_of(b1, 7, 2), publishes);
  EXPECT_EQ(wire->take(), std::to_string(raw(b1)) + " publish 7=2");
  say(b2, ended(clone_done(41, 5)));
  say(b1, published());
  EXPECT_EQ(tasks.answers.size(), 1u);
  EXPECT_EQ(publishes.answers.size(), 1u);
}

TEST_F(MembershipTest, OrdersForABackendNobodyKnowsAreAnswered) {
  start();
  ask(subject, clone_order_for(backend_id{5}, 41, 5), tasks);
  ask(subject, publish_of(backend_id{5}, 7, 2), publishes);
  ASSERT_EQ(tasks.answers.size(), 1u);
  EXPECT_EQ(text(tasks.answers[0]), "41/0 unreachable: backend 5 is not in the cluster");
  ASSERT_EQ(publishes.answers.size(), 1u);
  EXPECT_STREQ(publishes.answers[0].get().getError().cStr(), "backend 5 is not in the cluster");
}

TEST_F(MembershipTest, OrdersWaitForAnAgentThatIsJustBeingRestarted) {
  const auto b = w.live_backend(1);
  start();
  urgent_exit(wire->agents.at(b), caf::exit_reason::kill);
  settle();
  wire->take();
  ask(subject, clone_order_for(b, 41, 5), tasks);
  EXPECT_TRUE(tasks.answers.empty());
  EXPECT_EQ(tasks.errors, 0);
  pass(1s); // The supervisor's back-off.
  EXPECT_EQ(wire->take(), std::to_string(raw(b)) + " attach h1:9000 term 0 leader 0");
  say(b, attached(77));
  EXPECT_EQ(wire->take(), std::to_string(raw(b)) + " submit clone#41");
  say(b, ended(clone_done(41, 5)));
  EXPECT_EQ(tasks.answers.size(), 1u);
}

TEST_F(MembershipTest, ADroppedBackendLosesItsAgentAndItsPlaceInTheView) {
  const auto b = w.live_backend(1);
  start();
  wire->take();
  change(backend_dropped{b});
  EXPECT_EQ(view->load()->find(b), nullptr);
  const auto notes = wire->take();
  EXPECT_NE(notes.find("detach"), std::string::npos) << notes;
  pass(5s);
  EXPECT_EQ(wire->take(), "") << "nobody dials it any more";
}

TEST_F(MembershipTest, AnEmptiedDecommissionedBackendIsDroppedOnce) {
  const auto b1 = w.live_backend(1);
  w.live_backend(2);
  start();
  change(backend_decommission{b1, true});
  journal_holds_back = true;
  pass(500ms);
  pass(500ms);
  ASSERT_EQ(held_back.size(), 1u) << "proposed once while nobody answered";
  journal_holds_back = false;
  release();
  EXPECT_EQ(take_proposed(), (std::vector<edit_body>{backend_dropped{b1}}));
  EXPECT_FALSE(w.cat.backends.contains(b1));
}

TEST_F(MembershipTest, ANewIncarnationReplacesTheAgentsOfTheOld) {
  const auto b = w.live_backend(1);
  start();
  say(b, attached(77));
  const auto old = wire->agents.at(b);
  urgent_exit(subject, caf::exit_reason::kill);
  settle();
  start_membership();
  pass(500ms);
  EXPECT_NE(wire->agents.at(b), old);
  say(b, attached(77));
  EXPECT_TRUE(view->load()->find(b)->linked);
  ask(subject, clone_order_for(b, 41, 5), tasks);
  say(b, ended(clone_done(41, 5)));
  EXPECT_EQ(tasks.answers.size(), 1u);
}

TEST_F(MembershipTest, AReportsConsequencesReachTheLog) {
  const auto b1 = w.live_backend(1), b2 = w.live_backend(2);
  const auto t = w.make_table(w.make_database(), {b1, b2}, 1, 2);
  w.load(t, {b1, b2});
  start();
  say(b1, attached(77));
  say(b1, report(77, 1, {}));
  const auto edits = take_proposed();
  ASSERT_EQ(edits.size(), 1u);
  EXPECT_EQ(std::get<replica_dropped>(edits[0]),
            (replica_dropped{w.bucket(t).id, std::get<replica_dropped>(edits[0]).replica,
                             drop_reason::lost}));
  EXPECT_TRUE(view->load()->find(b1)->reported);
  EXPECT_EQ(w.bucket(t).replicas.size(), 1u);
}

} // namespace
} // namespace tabletd::test
