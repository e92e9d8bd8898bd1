// The lifetime of a term: what begins it, and that nothing of it is left behind.
#include "actors/spawn_child.h"
#include "actors/supervision/supervisor.h"
#include "actors/supervision/term_scope.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"

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
  journal_actor journal = sys.spawn(
    [this](journal_actor::pointer, int) -> journal_actor::behavior_type {
      return {[this](const edit_message&) { return ++entries, edit_outcome{}; }, [](replay_from, const catalog_sink_actor&) {}};
    },
    0);
  caf::actor scope;
  caf::actor subtree; ///< Held: an actor that nobody can reach ends by itself.

  void start() {
    term_scope_ports ports;
    ports.journal = journal;
    ports.catalog = std::make_shared<catalog_cell>();
    ports.term = [] { return model::term{1}; };
    ports.wall_clock = [] { return model::time_ms{1}; };
    ports.start_subtree = [this](caf::event_based_actor* parent) -> caf::actor {
      child_spec child{.id = "player", .start = spawner(player, stubborn)};
      return subtree = spawn_child(parent, supervisor, supervisor_options{"sched", {}, {child}, {}});
    };
    ports.leading = [this](bool leads) { told.push_back(leads); };
    scope = spawn_child(&sys, term_scope, ports);
    settle();
  }
  void TearDown() override {
    scope = nullptr;
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

} // namespace
} // namespace tabletd
