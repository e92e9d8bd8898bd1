// The repair room's actors in a frozen world: that every effect of the models reaches its
// actor, and what only the shells can get wrong - promises, monitors, children, subscriptions.
#include "actors/codec/agent_codec.h"
#include "actors/codec/edit_codec.h"
#include "actors/codec/repair_codec.h"
#include "actors/repair/tablet_checker.h"
#include "actors/repair/tablet_scheduler.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include "tests/model/repair_world.h"
#include <caf/actor_cast.hpp>

namespace tabletd::test {

/// To the membership of the stage: the backend of this order ends its task well.
struct stage_finish {
  std::uint64_t order{};
};
template <class I>
typename I::result_type inspect(I& f, stage_finish& x) {
  return f(caf::meta::type_name("stage_finish"), x.order);
}

namespace {

/// What the actors under test see of the rest of the front end, and what they told it.
struct stage {
  repair_world world{"abcdef"};
  catalog_cell_ptr catalog = std::make_shared<catalog_cell>();
  cluster_view_cell_ptr cluster = std::make_shared<cluster_view_cell>();
  scheduler_view_cell_ptr view = std::make_shared<scheduler_view_cell>();

  std::vector<edit> proposed;
  wire::EditOutcome::Failure journal_fails = wire::EditOutcome::Failure::NONE;
  bool journal_crashes = false;

  struct order {
    backend_id backend{};
    agent_task task;
    caf::typed_response_promise<task_ended> asker;
  };
  std::vector<order> orders;
  bool asks_get_lost = false;
  std::vector<catalog_listener_actor> subscribed;
  std::vector<tablets_checked> reported;
  std::vector<ctx_report> ended;

  void publish() {
    catalog->store(std::make_shared<const model::catalog>(world.cat));
    cluster->store(std::make_shared<const cluster_view>(world.cluster));
  }
};

struct stage_state {
  static inline const char* name = "stage";
};

journal_actor::behavior_type stage_journal(journal_actor::stateful_pointer<stage_state> self, stage* on) {
  return {
    [self, on](const edit_message& edit) -> caf::typed_response_promise<edit_outcome> {
      auto promise = self->make_response_promise<edit_outcome>();
      if (on->journal_fails != wire::EditOutcome::Failure::NONE) {
        promise.deliver(seal<wire::EditOutcome>([&](auto to) { to.setFailure(on->journal_fails); }));
        return promise;
      }
      on->proposed.push_back(codec::decode(edit.get()));
      const auto v = on->world(on->proposed.back().body);
      on->publish();
      if (on->journal_crashes)
        promise.deliver(caf::make_error(caf::sec::runtime_error, "the journal is gone"));
      else
        promise.deliver(seal<wire::EditOutcome>([&](auto to) {
          to.setIndex(on->world.index);
          to.setRefusal(static_cast<std::uint8_t>(v.why));
          to.setId(v.id);
        }));
      return promise;
    },
    [](replay_from, const catalog_sink_actor&) {},
    [](watch_standing, const standing_listener_actor&) {},
  };
}

using stage_membership_actor = membership_actor::extend<caf::reacts_to<stage_finish>>;

void finish_task(stage::order& order) {
  held_replica held;
  if (const auto* clone = std::get_if<clone_order>(&order.task.what)) {
    held.tablet = clone->tablet;
    held.replica = clone->replica;
    held.version = held.max_version = clone->version;
  }
  order.asker.deliver(codec::seal_end({order.task.fence, held.tablet, held.replica, held, 700, 7, 0}));
}

stage_membership_actor::behavior_type
stage_membership(stage_membership_actor::stateful_pointer<stage_state> self, stage* on) {
  return {
    [](const catalog_advanced&) {},
    [self, on](const task_order& order) {
      auto promise = self->make_response_promise<task_ended>();
      on->orders.push_back({backend_id{order.get().getBackend()}, codec::decode(order.get().getTask()), promise});
      if (on->asks_get_lost)
        promise.deliver(caf::make_error(caf::sec::runtime_error, "its agent crashed"));
      return promise;
    },
    [self](const publish_order&) { return self->make_response_promise<publish_ended>(); },
    [](tick_due) {},
    [on](stage_finish which) { finish_task(on->orders.at(which.order)); },
  };
}

catalog_actor::behavior_type stage_catalog(catalog_actor::stateful_pointer<stage_state>, stage* on) {
  return {
    [](const committed_batch&) { return batch_outcomes{}; },
    [on](subscribe, const catalog_listener_actor& listener) { on->subscribed.push_back(listener); },
  };
}

/// Stands in for the scheduler: hears the checker, and what contexts report.
tablet_scheduler_actor::behavior_type stage_scheduler(tablet_scheduler_actor::stateful_pointer<stage_state>, stage* on) {
  return {
    [on](const sealed<wire::SickTablets>& sick) { on->reported.push_back(codec::decode_sick(sick.get())); },
    [on](const ctx_ended& end) { on->ended.push_back(codec::decode_ended(end.get())); },
    [](view_changed) {},
    [](tick_due) {},
  };
}

struct RepairActors : actor_world {
  stage on;
  journal_actor journal = sys.spawn(stage_journal, &on);
  stage_membership_actor membership = sys.spawn(stage_membership, &on);
  catalog_actor catalog = sys.spawn(stage_catalog, &on);
  tablet_scheduler_actor ears = sys.spawn(stage_scheduler, &on);
  std::vector<caf::actor> under_test;

  time_ms set_by{}; ///< How far somebody has set the wall clock.

  [[nodiscard]] std::function<time_ms()> wall() {
    return [this] { return 1'000'000s + set_by + std::chrono::duration_cast<time_ms>(sched.clock().current_time.time_since_epoch()); };
  }
  template <class Handle>
  Handle test(Handle handle) {
    under_test.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }
  tablet_scheduler_actor start_scheduler() {
    on.publish();
    auto started = test(sys.spawn(tablet_scheduler,
                                  scheduler_ports{journal, membership, on.catalog, on.cluster, on.view, wall(), time_ms{1'000}},
                                  scheduler_options{.repair_delay_factor = time_ms{1'000}, .be_down_tolerance = time_ms{0}, .slots_per_path = 2, .fit = {}, .colocate = {}, .balance = {}}));
    settle();
    return started;
  }
  tablet_sched_ctx_actor start_ctx(tablet_id id) {
    on.publish();
    auto started = test(sys.spawn(tablet_sched_ctx, new_ctx(on.world.cat, id, on.world.decide(id), "a test wants it"),
                                  ctx_ports{journal, membership, ears, wall()}));
    settle();
    return started;
  }
  void sick(const tablet_scheduler_actor& scheduler, tablet_id id) {
    check_effects found;
    found.sick.push_back({id, {}});
    on.publish();
    caf::anon_send(scheduler, codec::seal_sick(found, {}));
    settle();
  }
  void finish(std::size_t order) {
    caf::anon_send(membership, stage_finish{order});
    settle();
  }
  std::size_t alive() { return sys.registry().running(); }

  ~RepairActors() override {
    for (const auto& actor : under_test)
      urgent_exit(actor, caf::exit_reason::kill);
    under_test.clear();
    on.orders.clear();
    on.subscribed.clear();
    settle();
    urgent_exit(journal, caf::exit_reason::kill);
    urgent_exit(membership, caf::exit_reason::kill);
    urgent_exit(catalog, caf::exit_reason::kill);
    urgent_exit(ears, caf::exit_reason::kill);
    settle();
    EXPECT_EQ(alive(), 0U) << "actors leaked";
    sched.clock().cancel_all();
  }
};

// -- the context -------------------------------------------------------------------------

TEST_F(RepairActors, AContextOrdersClonesRecordsReportsAndEnds) {
  const auto id = on.world.make("1+ 2+ 3-");
  const auto before = alive();
  start_ctx(id);
  ASSERT_EQ(on.proposed.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<clone_ordered>(on.proposed[0].body));
  EXPECT_EQ(on.proposed[0].at, wall()());
  ASSERT_EQ(on.orders.size(), 1U);
  EXPECT_EQ(on.orders[0].task.fence, log_index{on.world.index});
  EXPECT_EQ(on.orders[0].backend, on.world.ids[3]);
  finish(0);
  ASSERT_EQ(on.proposed.size(), 2U);
  EXPECT_EQ(std::get<clone_ended>(on.proposed[1].body).reached, 10U);
  ASSERT_EQ(on.ended.size(), 1U);
  EXPECT_EQ(on.ended[0].result, ctx_result::finished);
  EXPECT_EQ(on.ended[0].copied_bytes, 700U);
  EXPECT_EQ(on.ended[0].elapsed_ms, 7U);
  EXPECT_EQ(alive(), before);
  EXPECT_EQ(diagnose(on.world.cat, on.world.at(id)).health, tablet_health::healthy);
  pass(1h); // Ticks that were armed find nobody, and nothing happens.
}

TEST_F(RepairActors, ALostAskIsSentAgain) {
  on.asks_get_lost = true;
  start_ctx(on.world.make("1+ 2+ 3-"));
  ASSERT_EQ(on.orders.size(), 1U);
  on.asks_get_lost = false;
  pass(ctx_tick_period);
  ASSERT_EQ(on.orders.size(), 2U);
  EXPECT_EQ(on.orders[1].task, on.orders[0].task);
  finish(1);
  EXPECT_EQ(on.ended.size(), 1U);
}

TEST_F(RepairActors, ASilentBackendIsGivenUpAndToldSo) {
  start_ctx(on.world.make("1+ 2+ 3-"));
  for (int i = 0; i < 20; ++i)
    pass(ctx_tick_period);
  ASSERT_EQ(on.ended.size(), 1U);
  EXPECT_EQ(on.ended[0].result, ctx_result::timed_out);
  EXPECT_EQ(std::get<cancel_order>(on.orders.back().task.what).clone, on.orders.front().task.fence);
  EXPECT_EQ(on.orders.back().task.fence, log_index{on.world.index}) << "its own fence: the end's entry";
}

TEST_F(RepairActors, AWallClockThatIsSetDoesNotMoveADeadline) {
  start_ctx(on.world.make("1+ 2+ 3-"));
  set_by = 24h;
  pass(ctx_tick_period);
  EXPECT_TRUE(on.ended.empty()) << "it has time left";
  set_by = -24h;
  for (int i = 0; i < 19; ++i)
    pass(ctx_tick_period);
  ASSERT_EQ(on.ended.size(), 1U);
  EXPECT_EQ(on.ended[0].result, ctx_result::timed_out);
}

TEST_F(RepairActors, WithoutItsJournalAContextDies) {
  on.journal_crashes = true;
  const auto before = alive();
  start_ctx(on.world.make("1+ 2+ 3-"));
  EXPECT_EQ(alive(), before);
  EXPECT_TRUE(on.ended.empty());
}

TEST_F(RepairActors, ADropForgetsThenErases) {
  const auto id = on.world.make("1+ 2+ 3+ 4!");
  start_ctx(id);
  EXPECT_TRUE(std::holds_alternative<replica_dropped>(on.proposed.at(0).body));
  EXPECT_TRUE(std::holds_alternative<drop_order>(on.orders.at(0).task.what));
  EXPECT_EQ(on.orders[0].backend, on.world.ids[4]);
  finish(0);
  EXPECT_EQ(on.ended.at(0).result, ctx_result::finished);
}

// -- the scheduler -----------------------------------------------------------------------

TEST_F(RepairActors, TheSchedulerCuresStepByStep) {
  const auto id = on.world.make("1+ 2+ 3!");
  const auto scheduler = start_scheduler();
  sick(scheduler, id);
  EXPECT_TRUE(on.proposed.empty()) << "NORMAL waits";
  set_by = -1h; // By the actor clock, whatever somebody does to the wall clock.
  pass(2s);
  ASSERT_EQ(on.orders.size(), 1U);
  EXPECT_EQ(on.view->load()->running_total, 1U);
  finish(0);
  ASSERT_EQ(on.orders.size(), 2U) << "the damaged replica goes next, without the checker";
  EXPECT_TRUE(std::holds_alternative<drop_order>(on.orders[1].task.what));
  finish(1);
  pass(1s);
  EXPECT_EQ(diagnose(on.world.cat, on.world.at(id)).health, tablet_health::healthy);
  const auto v = on.view->load();
  EXPECT_EQ(v->history.size(), 2U);
  EXPECT_EQ(v->running_total + v->pending_total, 0U);
}

TEST_F(RepairActors, AContextThatDiesIsUnexpectedAndItsOrderIsAdopted) {
  const auto id = on.world.make("1+ 2+ 3-");
  const auto scheduler = start_scheduler();
  on.journal_crashes = true; // After it took the order.
  sick(scheduler, id);
  EXPECT_TRUE(on.orders.empty());
  EXPECT_TRUE(on.world.cat.orders.contains(id));
  on.journal_crashes = false;
  pass(1s);
  EXPECT_EQ(on.view->load()->counters.unexpected, 1U);
  ASSERT_EQ(on.orders.size(), 1U) << "a new context asks for the task of the open order";
  EXPECT_EQ(on.orders[0].task.fence, on.world.cat.orders.find(id)->order);
  finish(0);
  EXPECT_EQ(diagnose(on.world.cat, on.world.at(id)).health, tablet_health::healthy);
  EXPECT_EQ(on.proposed.size(), 2U) << "one order, one end";
}

TEST_F(RepairActors, ANewSchedulerAdoptsWhatIsOpen) {
  const auto id = on.world.make("1+ 2+ 3-");
  const auto m = std::get<clone_move>(on.world.decide(id).move);
  ASSERT_TRUE(on.world(clone_ordered{id, 2, 1, m.source, m.target, m.replica, m.version}).ok());
  start_scheduler();
  ASSERT_EQ(on.orders.size(), 1U);
  EXPECT_TRUE(on.proposed.empty());
  finish(0);
  EXPECT_TRUE(on.world.cat.orders.empty());
}

TEST_F(RepairActors, NoContextOutlivesItsScheduler) {
  const auto before = alive();
  const auto scheduler = start_scheduler();
  for (int i = 0; i < 3; ++i)
    sick(scheduler, on.world.make("1+ 2+ 3+ 4!"));
  EXPECT_EQ(alive(), before + 4);
  urgent_exit(scheduler, caf::exit_reason::kill);
  settle();
  EXPECT_EQ(alive(), before);
}

TEST_F(RepairActors, ABigBacklogIsWorkedOffWithoutWaitingForTicks) {
  std::vector<tablet_id> ids;
  check_effects found;
  for (std::size_t i = 0; i < decisions_per_step + 50; ++i)
    found.sick.push_back({on.world.make("1+ 2+ 3+ 4!"), {}});
  const auto scheduler = start_scheduler();
  caf::anon_send(scheduler, codec::seal_sick(found, {}));
  settle();
  EXPECT_EQ(on.orders.size(), found.sick.size());
}

TEST_F(RepairActors, AViewChangeWakesParkedTablets) {
  const auto id = on.world.make("1+ 2+ 3!");
  for (std::size_t n : {4, 5, 6})
    on.world.die(n);
  // FORCE_REDUNDANT drops the damaged one; then 3 is free, but not linked.
  on.world.cluster.backends[on.world.ids[3]].linked = false;
  const auto scheduler = start_scheduler();
  sick(scheduler, id);
  finish(0);
  pass(5s);
  ASSERT_EQ(on.orders.size(), 1U);
  on.world.cluster.backends[on.world.ids[3]].linked = true;
  on.publish();
  caf::anon_send(scheduler, view_changed{});
  settle();
  EXPECT_EQ(on.orders.size(), 2U);
}

// -- the checker -------------------------------------------------------------------------

struct CheckerActor : RepairActors {
  tablet_checker_actor checker;
  void start_checker() {
    on.publish();
    checker = test(sys.spawn(tablet_checker, checker_ports{on.catalog, catalog, ears, time_ms{1'000}}));
    settle();
  }
  void announce(std::vector<tablet_id> touched, std::vector<backend_id> backends) {
    on.publish();
    for (const auto& listener : on.subscribed)
      caf::anon_send(listener, seal<wire::CatalogAdvanced>([&](auto to) {
                       auto list = to.initTouched(static_cast<unsigned>(touched.size()));
                       for (unsigned i = 0; i < list.size(); ++i)
                         list.set(i, raw(touched[i]));
                       auto homes = to.initBackends(static_cast<unsigned>(backends.size()));
                       for (unsigned i = 0; i < homes.size(); ++i)
                         homes.set(i, raw(backends[i]));
                     }));
    settle();
  }
};

TEST_F(CheckerActor, SubscribesOnceAndLooksAtEverythingAtBirth) {
  const auto id = on.world.make("1+ 2+");
  (void) on.world.make("1+ 2+ 3+");
  start_checker();
  EXPECT_EQ(on.subscribed.size(), 1U);
  ASSERT_EQ(on.reported.size(), 1U);
  EXPECT_EQ(on.reported[0].sick, std::vector{id});
  EXPECT_EQ(on.reported[0].tablets, 2U);
  EXPECT_EQ(on.reported[0].rounds, 1U);
}

TEST_F(CheckerActor, ReportsWhatTheFoldTouched) {
  const auto id = on.world.make("1+ 2+ 3+");
  start_checker();
  on.world.fill(id, "1+ 2+ 3!");
  announce({id}, {});
  ASSERT_EQ(on.reported.size(), 1U);
  EXPECT_EQ(on.reported[0].sick, std::vector{id});
  on.world.fill(id, "1+ 2+ 3+");
  announce({id}, {});
  ASSERT_EQ(on.reported.size(), 2U);
  EXPECT_EQ(on.reported[1].healed, std::vector{id});
}

TEST_F(CheckerActor, ReportsTheTabletsOfABackend) {
  const auto id = on.world.make("1+ 2+ 3+");
  start_checker();
  on.world.die(3);
  announce({}, {on.world.ids[3]});
  ASSERT_EQ(on.reported.size(), 1U);
  EXPECT_EQ(on.reported[0].sick, std::vector{id});
}

TEST_F(CheckerActor, TheSweepFindsWhatNoEventTold) {
  const auto id = on.world.make("1+ 2+ 3+");
  start_checker();
  on.world.fill(id, "1+ 2+ 3!");
  on.publish();
  for (int i = 0; i < 19; ++i)
    pass(1s);
  EXPECT_TRUE(on.reported.empty());
  for (int i = 0; i < 2; ++i)
    pass(1s);
  ASSERT_FALSE(on.reported.empty());
  EXPECT_EQ(on.reported[0].sick, std::vector{id});
}

TEST_F(CheckerActor, TheFirstRoundRunsThroughWithoutTicks) {
  const auto first = on.world.make("1+ 2+ 3!");
  const auto model = on.world.at(first);
  for (std::uint64_t i = 1; i < 3 * checks_per_step; ++i) {
    auto copy = model;
    copy.id = tablet_id{900'000 + i};
    on.world.cat.tablets.put(copy.id, copy);
  }
  on.publish();
  checker = test(sys.spawn(tablet_checker, checker_ports{on.catalog, catalog, ears, time_ms{1'000}}));
  std::size_t deliveries = 0;
  while (deliveries < 50 && sched.try_run_once())
    ++deliveries;
  EXPECT_LT(deliveries, 50U) << "it sends itself mail for ever";
  ASSERT_EQ(on.reported.size(), 3U);
  EXPECT_EQ(on.reported.back().tablets, 3 * checks_per_step);
  EXPECT_EQ(on.reported.back().rounds, 1U);
}

TEST_F(CheckerActor, ABacklogIsWorkedOffWithoutWaitingForTicks) {
  const auto id = on.world.make("1+ 2+ 3!");
  start_checker();
  on.reported.clear();
  announce(std::vector<tablet_id>(3 * checks_per_step, id), {});
  std::size_t found = 0;
  for (const auto& report : on.reported)
    found += report.sick.size();
  EXPECT_EQ(found, 3 * checks_per_step);
}

} // namespace
} // namespace tabletd::test
