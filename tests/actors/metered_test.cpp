// What spawn_child puts under every actor: counts by type, a bounded mailbox, exceptions
// with their text.  Frozen world, except where the scheduler itself is the subject.
#include "actors/spawn_child.h"
#include "actors/signals.h"
#include "actors/urgent_exit.h"
#include "tests/actors/actor_world.h"
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace tabletd {

namespace {

using namespace std::chrono_literals;

using echo_actor = caf::typed_actor<caf::replies_to<int>::with<int>, caf::reacts_to<tick_due>>;

/// Each test has a type of its own, so counts start at zero.
template <int Number>
struct echo_state {
  static inline const std::string name = "echo" + std::to_string(Number);
};

template <int Number>
echo_actor::behavior_type echo(typename echo_actor::template stateful_pointer<echo_state<Number>> self, std::string) {
  return {
    [self](int x) {
      if (x < 0)
        throw std::runtime_error("negative");
      if (x == 0)
        self->quit();
      return x;
    },
    [](tick_due) {},
  };
}

struct MeteredTest : test::actor_world {
  template <int Number>
  const actor_type_stats& stats() {
    return actor_metrics().of(echo_state<Number>::name);
  }
  std::uint64_t handled_samples(const actor_type_stats& of) {
    std::uint64_t all = 0;
    for (const auto n : of.handling.counts().buckets)
      all += n;
    return all;
  }
  std::uint64_t wait_samples(const actor_type_stats& of) {
    std::uint64_t all = 0;
    for (const auto n : of.mailbox_wait.counts().buckets)
      all += n;
    return all;
  }
  template <class Handle>
  void stop(Handle& whom) {
    urgent_exit(whom, caf::exit_reason::user_shutdown);
    whom = nullptr;
    settle();
  }
};

TEST_F(MeteredTest, CountsLivesAndMessagesByType) {
  const auto& s = stats<1>();
  auto a = spawn_child(&sys, echo<1>, std::string{});
  auto b = spawn_child(&sys, echo<1>, std::string{});
  settle();
  EXPECT_EQ(s.spawned, 2U);
  EXPECT_EQ(s.alive, 2);
  for (int i = 1; i <= 10; ++i)
    caf::anon_send(a, i);
  EXPECT_EQ(s.waiting, 10);
  settle();
  EXPECT_EQ(s.messages, 10U);
  EXPECT_EQ(s.waiting, 0);
  EXPECT_EQ(handled_samples(s), 10U);
  EXPECT_GE(wait_samples(s), 1U);
  stop(a), stop(b);
  EXPECT_EQ(s.alive, 0);
  EXPECT_EQ(s.terminated[static_cast<std::size_t>(term_reason::shutdown)], 2U);
  EXPECT_EQ(s.waiting, 0);
}

TEST_F(MeteredTest, MessagesThatNobodyWillHandleLeaveTheGauge) {
  const auto& s = stats<2>();
  auto a = spawn_child(&sys, echo<2>, std::string{});
  settle();
  caf::anon_send(a, 0);
  for (int i = 1; i <= 5; ++i)
    caf::anon_send(a, i);
  settle();
  EXPECT_EQ(s.messages, 1U);
  EXPECT_EQ(s.waiting, 0);
  caf::anon_send(a, 7);
  settle();
  EXPECT_EQ(s.waiting, 0) << "it is dead";
  EXPECT_EQ(s.terminated[static_cast<std::size_t>(term_reason::normal)], 1U);
}

TEST_F(MeteredTest, AnExceptionIsAnErrorWithItsText) {
  const auto& s = stats<3>();
  auto a = spawn_child(&sys, echo<3>, std::string{});
  caf::error reason;
  a->attach_functor([&](const caf::error& why) { reason = why; });
  caf::anon_send(a, -1);
  settle();
  ASSERT_EQ(reason, caf::sec::runtime_error);
  EXPECT_EQ(reason.context().get_as<std::string>(0), "negative");
  EXPECT_EQ(s.terminated[static_cast<std::size_t>(term_reason::error)], 1U);
}

TEST_F(MeteredTest, AFullMailboxDropsButNeverAnExitSignal) {
  const auto& s = stats<4>();
  const auto& dropped = actor_metrics().dropped[static_cast<std::size_t>(undelivered::mailbox_full)];
  const auto before = dropped.load();
  auto a = spawn_child(&sys, mailbox_bound{3}, echo<4>, std::string{});
  settle();
  for (int i = 0; i < 3; ++i)
    caf::anon_send(a, tick_due{});
  caf::anon_send(a, tick_due{});
  settle();
  EXPECT_EQ(s.messages, 3U);
  EXPECT_EQ(dropped - before, 1U);
  caf::anon_send(a, tick_due{});
  settle();
  EXPECT_EQ(s.messages, 4U) << "there is room again";
  for (int i = 0; i < 3; ++i)
    caf::anon_send(a, tick_due{});
  stop(a);
  EXPECT_EQ(s.alive, 0) << "an exit signal passes a full mailbox";
  EXPECT_EQ(s.messages, 5U) << "and is the only one of these that was handled";
}

TEST_F(MeteredTest, ARequestToAFullMailboxIsAnswered) {
  auto a = spawn_child(&sys, mailbox_bound{1}, echo<5>, std::string{});
  settle();
  caf::anon_send(a, tick_due{});
  std::string refused;
  {
    caf::scoped_actor asker{sys};
    auto pending = asker->request(a, caf::infinite, 5);
    pending.receive([](int) { FAIL() << "it was full"; },
                    [&](const caf::error& why) { refused = why.context().get_as<std::string>(0); });
  }
  EXPECT_EQ(refused, "its mailbox is full; try again later");
  settle();
  stop(a);
}

TEST_F(MeteredTest, SamplingThinsTheHistogramButNotTheCounters) {
  const auto& s = stats<6>();
  actor_metrics().sample_one_in(4);
  auto a = spawn_child(&sys, echo<6>, std::string{});
  settle();
  for (int i = 1; i <= 100; ++i)
    caf::anon_send(a, i);
  settle();
  actor_metrics().sample_one_in(1);
  EXPECT_EQ(s.messages, 100U);
  EXPECT_EQ(handled_samples(s), 25U);
  stop(a);
}

/// With real workers and a detached thread: every message is counted once, whoever runs it.
TEST(Metered, CountsAreExactUnderTheRealScheduler) {
  caf::actor_system_config config;
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", std::size_t{2});
  config.set("scheduler.max-throughput", std::size_t{200});
  constexpr int senders = 8, each = 5'000;
  {
    caf::actor_system sys{config};
    auto pooled = spawn_child(&sys, echo<7>, std::string{});
    auto detached = spawn_child<caf::detached>(&sys, echo<8>, std::string{});
    {
      caf::scoped_actor self{sys};
      std::vector<caf::actor> all;
      for (int i = 0; i < senders; ++i)
        all.push_back(self->spawn<caf::monitored>([=](caf::event_based_actor* sender, int n) {
          for (int k = 0; k < n; ++k) {
            sender->send(pooled, tick_due{});
            sender->send(detached, tick_due{});
          }
        }, each));
      for (int i = 0; i < senders; ++i)
        self->receive([](const caf::down_msg&) {});
      // A request queues behind everything sent before it.
      self->request(pooled, caf::infinite, 1).receive([](int) {}, [](const caf::error&) { FAIL(); });
      self->request(detached, caf::infinite, 1).receive([](int) {}, [](const caf::error&) { FAIL(); });
    }
    caf::anon_send_exit(pooled, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(detached, caf::exit_reason::user_shutdown);
  }
  for (const auto* s : {&actor_metrics().of(echo_state<7>::name), &actor_metrics().of(echo_state<8>::name)}) {
    // The exit signal is a message too.
    EXPECT_EQ(s->messages, static_cast<std::uint64_t>(senders) * each + 2);
    EXPECT_EQ(s->waiting, 0);
    EXPECT_EQ(s->alive, 0);
  }
}

} // namespace

} // namespace tabletd
