// The lifetime of a term: what begins it, and that nothing of it is left behind.
#include "actors/spawn_child.h"
#include "actors/supervision/supervisor.h"
#include "actors/supervision/term_scope.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include <caf/send.hpp>
#include <caf/typed_response_promise.hpp>
#include <utility>

namespace tabletd {
namespace {

using namespace std::chrono_literals;

struct player_state {
  static inline const char* name = "player";
};
caf::behavior player(caf::stateful_actor<player_state>* self, bool stubborn) {
  if (stubborn)
    self->set_exit_handler([](caf::exit_msg&) {});
  return {[](tick_due) {}};
}

struct TermScope : test::actor_world {
  bool stubborn = false; ///< What runs in the term ignores the stop signal.
  std::vector<bool> told;
  std::size_t entries = 0;
  standing now{1, true, 1};
  edit_outcome answer;                       ///< To what is proposed.
  bool is_silent = false;                    ///< What is proposed is not answered yet.
  std::vector<caf::typed_response_promise<edit_outcome>> unanswered;
  standing_listener_actor watcher;
  using journal_shell = journal_actor::extend<caf::reacts_to<tick_due>>; ///< tick_due: answer everything.
  journal_shell journal = sys.spawn(
    [this](journal_shell::pointer self, int) -> journal_shell::behavior_type {
      return {[this, self](const edit_message&) {
                ++entries;
                auto promise = self->make_response_promise<edit_outcome>();
                if (is_silent)
                  unanswered.push_back(promise);
                else
                  promise.deliver(answer);
                return promise;
              },
              [](replay_from, const catalog_sink_actor&) {},
              [this, self](watch_standing, const standing_listener_actor& who) {
                watcher = who;
                self->send(who, now);
              },
              [this](tick_due) {
                for (auto& each : std::exchange(unanswered, {}))
                  each.deliver(answer);
              }};
    },
    0);
  caf::actor scope;
  caf::actor subtree; ///< Held: an actor that nobody can reach ends by itself.

  void start() {
    term_scope_ports ports;
    ports.journal = journal;
    ports.catalog = std::make_shared<catalog_cell>();
    ports.wall_clock = [] { return model::time_ms{1}; };
    ports.start_subtree = [this](caf::event_based_actor* parent) -> caf::actor {
      child_spec child{.id = "player", .start = spawner(player, stubborn)};
      return subtree = spawn_child(parent, supervisor, supervisor_options{"sched", {}, {child}, {}});
    };
    ports.leading = [this](bool leads) { told.push_back(leads); };
    scope = spawn_child(&sys, term_scope, ports);
    settle();
  }
  void stand(standing next) {
    now = next;
    caf::anon_send(watcher, next);
    settle();
  }
  void answer_all(wire::EditOutcome::Failure why = wire::EditOutcome::Failure::NONE) {
    answer = seal<wire::EditOutcome>([&](auto to) { to.setFailure(why); });
    caf::anon_send(journal, tick_due{});
    settle();
  }
  void TearDown() override {
    scope = nullptr;
    watcher = nullptr;
    subtree = nullptr;
    urgent_exit(journal, caf::exit_reason::kill);
    journal = nullptr;
    settle();
    EXPECT_EQ(sys.registry().running(), 0U) << "something outlived the term";
  }
};

TEST_F(TermScope, ANewClusterIsFoundedBeforeTheSubtreeStarts) {
  start();
  EXPECT_EQ(entries, 2U) << "term_began, cluster_founded";
  EXPECT_EQ(told, (std::vector{true}));
  urgent_exit(scope, caf::exit_reason::user_shutdown);
  settle();
  EXPECT_EQ(told, (std::vector{true, false}));
}

TEST_F(TermScope, AKilledScopeTakesItsSubtreeAlong) {
  start();
  urgent_exit(scope, caf::exit_reason::kill);
  settle();
  EXPECT_EQ(sys.registry().running(), 1U) << "the journal";
  EXPECT_EQ(told, (std::vector{true, false}));
}

TEST_F(TermScope, OneKilledWhileItsSubtreeIsSlowToStopDoesToo) {
  stubborn = true;
  start();
  urgent_exit(scope, caf::exit_reason::user_shutdown);
  settle();
  EXPECT_EQ(sys.registry().running(), 4U) << "it waits";
  urgent_exit(scope, caf::exit_reason::kill);
  settle();
  EXPECT_EQ(sys.registry().running(), 1U) << "the journal";
  EXPECT_EQ(told, (std::vector{true, false}));
}

TEST_F(TermScope, AFollowerWaitsUntilItLeads) {
  now = {3, false, 2};
  start();
  EXPECT_EQ(entries, 0U);
  EXPECT_TRUE(told.empty());
  stand({4, true, 1});
  EXPECT_EQ(told, (std::vector{true}));
}

TEST_F(TermScope, EndsWithTheTermAndBeginsAgainWithTheNext) {
  start();
  const auto first = subtree;
  stand({2, false, 2});
  EXPECT_EQ(told, (std::vector{true, false}));
  EXPECT_EQ(sys.registry().running(), 2U) << "the journal and the scope";
  stand({3, true, 1});
  EXPECT_EQ(told, (std::vector{true, false, true}));
  EXPECT_NE(first, subtree);
  EXPECT_EQ(entries, 4U);
}

/// Nothing of the old term may meet anything of the new one.
TEST_F(TermScope, ANewTermWaitsForTheEndOfTheOldOne) {
  stubborn = true;
  start();
  stand({5, true, 1});
  EXPECT_EQ(told, (std::vector{true, false}));
  EXPECT_EQ(entries, 2U) << "the second term has not been begun";
  pass(60s); // The supervisor of the old one runs out of patience.
  EXPECT_EQ(told, (std::vector{true, false, true}));
  EXPECT_EQ(entries, 4U);
}

TEST_F(TermScope, ATermThatEndsBeforeItBeganStartsNothing) {
  is_silent = true;
  start();
  stand({2, false, 0});
  answer_all();
  EXPECT_TRUE(told.empty());
  stand({3, true, 1});
  answer_all(wire::EditOutcome::Failure::LEADERSHIP_LOST);
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(sys.registry().running(), 2U) << "the scope waits for the next word of the journal";
  stand({4, false, 2});
  stand({6, true, 1});
  answer_all(); // The term began,
  answer_all(); // the cluster was founded.
  EXPECT_EQ(told, (std::vector{true}));
}

/// Elected in the middle of a crowd of writers.
TEST_F(TermScope, ATermForWhichThereIsNoRoomBeginsLater) {
  answer = seal<wire::EditOutcome>([](auto to) {
    to.setFailure(wire::EditOutcome::Failure::OVERLOADED);
    to.setRetryAfterMs(500);
  });
  start();
  EXPECT_EQ(entries, 1U);
  EXPECT_TRUE(told.empty());
  pass(499ms);
  EXPECT_EQ(entries, 1U);
  answer = {};
  pass(1ms);
  EXPECT_EQ(entries, 3U) << "the term, and the cluster";
  EXPECT_EQ(told, (std::vector{true}));
}

} // namespace
} // namespace tabletd
