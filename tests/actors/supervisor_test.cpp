// The supervisor in a frozen world: that every effect of the model reaches its actor, and
// what only the shell can get wrong - handles, promises, rows, orphans.
#include "actors/spawn_child.h"
#include "actors/supervision/supervisor.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"

namespace tabletd {

namespace {

using namespace std::chrono_literals;

struct crash_now {};
template <class I>
typename I::result_type inspect(I& f, crash_now&) {
  return f(caf::meta::type_name("crash_now"));
}
struct end_well {};
template <class I>
typename I::result_type inspect(I& f, end_well&) {
  return f(caf::meta::type_name("end_well"));
}

/// What the children did, and how to reach them.
struct stage {
  std::vector<std::string> said;
  std::map<std::string, caf::actor> cast;
  std::set<std::string> stubborn; ///< Ignore the stop signal.
  std::set<std::string> broken;   ///< Their start throws.
  std::string take() {
    std::string all;
    for (const auto& line : std::exchange(said, {}))
      all += (all.empty() ? "" : " ") + line;
    return all;
  }
};
using stage_ptr = std::shared_ptr<stage>;

struct player_state {
  static inline const char* name = "player";
};

caf::behavior player(caf::stateful_actor<player_state>* self, stage_ptr on, std::string id) {
  on->said.push_back("+" + id);
  self->attach_functor([on, id](const caf::error&) { on->said.push_back("-" + id); });
  if (on->stubborn.contains(id))
    self->set_exit_handler([](caf::exit_msg&) {});
  return {
    [](crash_now) { throw std::runtime_error("disk on fire"); },
    [self](end_well) { self->quit(); },
  };
}

struct SupervisorTest : test::actor_world {
  stage_ptr on = std::make_shared<stage>();
  caf::actor root;
  std::vector<std::string> heard; ///< From supervision_tree(), by tests that listen.

  child_spec child(const std::string& id, model::restart when = model::restart::permanent) {
    return {.id = id,
            .start = [on = on, id](caf::event_based_actor* parent) -> caf::actor {
              if (on->broken.contains(id))
                throw std::runtime_error("no such disk");
              return on->cast[id] = spawn_child(parent, player, on, id);
            },
            .when = when};
  }

  static model::supervisor_spec spec_of(model::strategy how, model::time_ms first_delay = 0ms) {
    return {.how = how, .restarts_max = 5, .window = 60s, .backoff = {.first = first_delay, .max = 30s, .reset_after = 60s}};
  }

  void raise(model::supervisor_spec spec, std::vector<child_spec> children, caf::actor observer = {}) {
    root = sys.spawn(supervisor, supervisor_options{"root", spec, std::move(children), std::move(observer)});
    settle();
  }

  void crash(const std::string& id) {
    caf::anon_send(on->cast.at(id), crash_now{});
    settle();
  }

  template <class Request>
  std::string ask(const Request& request) {
    std::string answer = "silence";
    auto asker = sys.spawn([&](caf::event_based_actor* self, int) {
      self->request(root, caf::infinite, request)
        .then(
          [&](const caf::actor& handle) { answer = handle ? "handle" : "null"; },
          [&](const caf::error& why) { answer = text_of(sys, why); });
    }, 0);
    settle();
    return answer;
  }
  std::string ask_to_stop(const std::string& id) {
    std::string answer = "silence";
    sys.spawn([&](caf::event_based_actor* self, int) {
      self->request(root, caf::infinite, stop_child{id})
        .then([&] { answer = "gone"; }, [&](const caf::error& why) { answer = text_of(sys, why); });
    }, 0);
    settle();
    return answer;
  }

  supervised_row row(const std::string& id) {
    for (const auto& r : supervision_tree().rows())
      if (r.child == id)
        return r;
    return {};
  }

  void TearDown() override {
    on->cast.clear();
    if (root)
      urgent_exit(root, caf::exit_reason::user_shutdown);
    root = nullptr;
    settle();
    pass(1min);
    EXPECT_EQ(sys.registry().running(), 0U) << "somebody was orphaned";
    EXPECT_TRUE(supervision_tree().rows().empty());
    supervision_tree().listen(nullptr);
  }
};

TEST_F(SupervisorTest, RestForOneStopsYoungerSiblingsInReverseAndStartsInOrder) {
  raise(spec_of(model::strategy::rest_for_one), {child("a"), child("b"), child("c"), child("d")});
  EXPECT_EQ(on->take(), "+a +b +c +d");
  crash("b");
  EXPECT_EQ(on->take().substr(0, 8), "-b -d -c") << "each stop is awaited";
  EXPECT_EQ(row("a").restarts, 0U);
  EXPECT_EQ(row("c").restarts, 1U);
}

TEST_F(SupervisorTest, ASuccessorDoesNotStartBeforeItsPredecessorIsDown) {
  on->stubborn = {"a"};
  raise(spec_of(model::strategy::one_for_all), {child("a"), child("b")});
  on->take();
  crash("b");
  EXPECT_EQ(on->take(), "-b") << "a does not want to go: nobody may start";
  pass(4'999ms);
  EXPECT_EQ(on->take(), "");
  supervision_tree().listen([this](const supervision_news& news) {
    if (news.what == supervision_news::kind::killed)
      heard.push_back(news.child);
  });
  pass(1ms);
  EXPECT_EQ(on->take(), "-a +a +b") << "killed after exactly its shutdown time";
  EXPECT_EQ(heard, std::vector<std::string>{"a"});
}

TEST_F(SupervisorTest, RestartsWaitForTheirBackOff) {
  raise(spec_of(model::strategy::one_for_one, 100ms), {child("a"), child("b")});
  on->take();
  for (const auto delay : {100ms, 200ms, 400ms}) {
    crash("a");
    EXPECT_EQ(on->take(), "-a");
    EXPECT_EQ(row("a").state, child_state::backoff);
    pass(delay - 1ms);
    EXPECT_EQ(on->take(), "");
    pass(1ms);
    EXPECT_EQ(on->take(), "+a");
  }
  EXPECT_EQ(row("a").state, child_state::running);
  EXPECT_EQ(row("a").restarts, 3U);
  EXPECT_EQ(row("b").restarts, 0U);
}

TEST_F(SupervisorTest, AnExceptionArrivesWithItsText) {
  supervision_tree().listen([this](const supervision_news& news) { heard.push_back(news.child + ": " + news.error); });
  raise(spec_of(model::strategy::one_for_one, 100ms), {child("a")});
  crash("a");
  EXPECT_EQ(row("a").last_error, "disk on fire");
  EXPECT_EQ(row("a").type, "player");
  EXPECT_EQ(heard, std::vector<std::string>{"a: disk on fire"});
}

TEST_F(SupervisorTest, AFullWindowEscalatesWithTheLastErrorAndTheParentRestartsTheSubtree) {
  auto inner = spec_of(model::strategy::one_for_one);
  inner.restarts_max = 2;
  const auto before = supervision_tree().totals()["inner"].escalations;
  raise(spec_of(model::strategy::one_for_one, 100ms),
        {supervisor_child({"inner", inner, {child("x"), child("y")}})});
  EXPECT_EQ(row("inner").type, "supervisor");
  crash("x"), crash("x");
  on->take();
  crash("x");
  EXPECT_EQ(on->take(), "-x -y");
  EXPECT_EQ(row("inner").last_error, "inner gave up after 3 crashes within 60000 ms, the last one: x: disk on fire");
  EXPECT_EQ(supervision_tree().totals()["inner"].escalations, before + 1);
  pass(100ms);
  EXPECT_EQ(on->take(), "+x +y");
}

TEST_F(SupervisorTest, AThrowingStartIsACrash) {
  on->broken = {"b"};
  raise(spec_of(model::strategy::rest_for_one, 100ms), {child("a"), child("b"), child("c")});
  EXPECT_EQ(on->take(), "+a") << "c depends on b";
  EXPECT_EQ(row("b").last_error, "it did not start: no such disk");
  on->broken.clear();
  pass(100ms);
  EXPECT_EQ(on->take(), "+b +c");
}

TEST_F(SupervisorTest, AStartThatNeverSucceedsEndsTheSupervisor) {
  on->broken = {"a"};
  raise(spec_of(model::strategy::one_for_one, 10ms), {child("a"), child("b")});
  for (int i = 0; i < 100; ++i)
    pass(10ms);
  EXPECT_EQ(on->take(), "+b -b");
  EXPECT_EQ(sys.registry().running(), 0U);
}

TEST_F(SupervisorTest, DynamicChildrenComeAndGo) {
  raise(spec_of(model::strategy::one_for_one), {child("a")});
  EXPECT_EQ(ask(start_child{child("s1", model::restart::temporary)}), "handle");
  EXPECT_EQ(ask(start_child{child("s1")}), "root already has a child called s1");
  EXPECT_EQ(on->take(), "+a +s1");
  caf::anon_send(on->cast.at("s1"), end_well{});
  settle();
  EXPECT_EQ(on->take(), "-s1");
  EXPECT_EQ(row("s1").child, "") << "an ended dynamic child is forgotten";
  EXPECT_EQ(ask(start_child{child("s1")}), "handle") << "and its id is free again";
  EXPECT_EQ(ask_to_stop("s1"), "gone");
  EXPECT_EQ(on->take(), "+s1 -s1");
  EXPECT_EQ(ask_to_stop("s1"), "root has no child called s1");
}

TEST_F(SupervisorTest, StopChildIsAnsweredWhenTheChildIsGoneNotBefore) {
  on->stubborn = {"a"};
  raise(spec_of(model::strategy::one_for_one), {child("a")});
  std::string answer = "silence";
  sys.spawn([&](caf::event_based_actor* self, int) {
    self->request(root, caf::infinite, stop_child{"a"}).then([&] { answer = "gone"; });
  }, 0);
  settle();
  pass(4'999ms);
  EXPECT_EQ(answer, "silence");
  pass(1ms);
  EXPECT_EQ(answer, "gone");
}

TEST_F(SupervisorTest, ADynamicChildThatDoesNotStartIsRefusedAndNotKept) {
  raise(spec_of(model::strategy::one_for_one), {});
  on->broken = {"s1"};
  EXPECT_EQ(ask(start_child{child("s1")}), "s1 did not start: no such disk");
  pass(1min);
  EXPECT_EQ(row("s1").child, "");
}

TEST_F(SupervisorTest, TheObserverHearsOfEveryIncarnation) {
  std::vector<std::string> up;
  auto observer = sys.spawn([&](caf::event_based_actor*, int) -> caf::behavior {
    return {[&](const child_up& news) { up.push_back(news.id); }};
  }, 0);
  raise(spec_of(model::strategy::one_for_one), {child("a"), child("b")}, observer);
  crash("b");
  EXPECT_EQ(up, (std::vector<std::string>{"a", "b", "b"}));
  urgent_exit(observer, caf::exit_reason::user_shutdown);
}

TEST_F(SupervisorTest, TransientAndTemporaryChildrenStayOnTheListWithHowTheyEnded) {
  raise(spec_of(model::strategy::one_for_one),
        {child("t", model::restart::transient), child("m", model::restart::temporary)});
  caf::anon_send(on->cast.at("t"), end_well{});
  crash("m");
  EXPECT_EQ(row("t").state, child_state::stopped);
  EXPECT_EQ(row("m").state, child_state::failed);
  const auto totals = supervision_tree().totals()["root"];
  EXPECT_EQ(totals.children, (std::array<std::uint64_t, 4>{0, 0, 1, 1}));
}

TEST_F(SupervisorTest, StoppingGoesInReverseOrderAndAwaitsEachChild) {
  on->stubborn = {"b"};
  raise(spec_of(model::strategy::one_for_one), {child("a"), child("b"), child("c")});
  on->take();
  caf::anon_send_exit(root, caf::exit_reason::user_shutdown);
  settle();
  EXPECT_EQ(on->take(), "-c");
  pass(5s);
  EXPECT_EQ(on->take(), "-b -a");
  EXPECT_EQ(ask(start_child{child("late")}).find("handle"), std::string::npos);
}

TEST_F(SupervisorTest, KillingTheSupervisorLeavesNoOrphanAndNoUnansweredPromise) {
  on->stubborn = {"b"};
  raise(spec_of(model::strategy::one_for_one), {child("a"), child("b")});
  std::string answer = "silence";
  sys.spawn([&](caf::event_based_actor* self, int) {
    self->request(root, caf::infinite, stop_child{"b"})
      .then([&] { answer = "gone"; }, [&](const caf::error& why) { answer = text_of(sys, why); });
  }, 0);
  settle();
  on->take();
  urgent_exit(root, caf::exit_reason::kill);
  settle();
  const auto said = on->take();
  EXPECT_TRUE(said == "-b -a" || said == "-a -b") << said;
  EXPECT_EQ(answer, "root is gone");
  EXPECT_EQ(sys.registry().running(), 0U);
}

TEST_F(SupervisorTest, ThousandsOfChildrenAreFoundByIndex) {
  raise(spec_of(model::strategy::one_for_one), {});
  constexpr int count = 5'000;
  for (int i = 0; i < count; ++i)
    caf::anon_send(root, start_child{child("s" + std::to_string(i), model::restart::temporary)});
  settle();
  EXPECT_EQ(supervision_tree().totals()["root"].children[0], static_cast<std::uint64_t>(count));
  for (int i = 0; i < count; ++i)
    caf::anon_send(on->cast.at("s" + std::to_string(i)), end_well{});
  settle();
  EXPECT_EQ(supervision_tree().totals()["root"].children[0], 0U);
}

} // namespace

} // namespace tabletd
