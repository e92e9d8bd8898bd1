// The seam: posts reach the loop in order, questions are answered or refused, and nothing is
// left behind when either side goes away.
#include "node/kj_loop.h"
#include "actors/signals.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"
#include "node/log.h"
#include <caf/actor_system_config.hpp>
#include <caf/replies_to.hpp>
#include <caf/response_promise.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>
#include <sstream>

namespace tabletd {

namespace {

kj_loop_ptr plain_loop() {
  return kj_loop::start([](kj::AsyncIoContext&, kj_loop&) { return std::shared_ptr<void>{}; });
}

/// Runs `todo` in the loop, turns it until the promise is settled, and says how it ended.
std::string outcome_of(kj_loop& loop, std::function<kj::Promise<std::string>()> todo) {
  auto said = std::make_shared<std::promise<std::string>>();
  auto result = said->get_future();
  EXPECT_TRUE(loop.post([todo = std::move(todo), said] {
    kj::evalNow([&] { return todo(); })
      .then([said](std::string text) { said->set_value(std::move(text)); },
            [said](kj::Exception&& why) { said->set_value("error: " + std::string(why.getDescription().cStr())); })
      .detach([](kj::Exception&&) {});
  }));
  return result.get();
}

TEST(KjLoop, RunsPostsInOrderFromManyThreads) {
  auto loop = plain_loop();
  std::array<std::vector<int>, 4> seen;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < seen.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10'000; ++i)
        ASSERT_TRUE(loop->post([&seen, t, i] { seen[t].push_back(i); }));
    });
  for (auto& thread : threads)
    thread.join();
  loop->stop();
  for (const auto& of_thread : seen) {
    ASSERT_EQ(of_thread.size(), 10'000U) << "what was posted before stop() runs";
    EXPECT_TRUE(std::is_sorted(of_thread.begin(), of_thread.end()));
  }
}

TEST(KjLoop, RefusesPostsOnceStoppedAndStopsTwice) {
  auto loop = plain_loop();
  loop->stop();
  loop->stop();
  bool ran = false;
  EXPECT_FALSE(loop->post([&] { ran = true; }));
  EXPECT_FALSE(ran);
}

TEST(KjLoop, ThrowsWhatSetupThrows) {
  EXPECT_THROW(kj_loop::start([](kj::AsyncIoContext&, kj_loop&) -> std::shared_ptr<void> {
                 throw std::invalid_argument("no port");
               }),
               std::invalid_argument);
}

TEST(KjLoop, RunsWhatWasPostedDuringASetupThatWaited) {
  std::promise<void> ran;
  auto loop = kj_loop::start([&](kj::AsyncIoContext& io, kj_loop& self) {
    self.post([&] { ran.set_value(); });
    // Turning the loop here takes the wake-up's edge away before the pump exists.
    io.provider->getTimer().afterDelay(1 * kj::MILLISECONDS).wait(io.waitScope);
    return std::shared_ptr<void>{};
  });
  ran.get_future().get();
  loop->stop();
}

TEST(KjLoop, DestroysWhatSetupMadeInItsOwnThread) {
  struct thing {
    kj_loop& loop;
    bool& was_in_loop;
    ~thing() { was_in_loop = loop.in_loop(); }
  };
  bool was_in_loop = false;
  auto loop = kj_loop::start([&](kj::AsyncIoContext&, kj_loop& self) -> std::shared_ptr<void> {
    return std::shared_ptr<thing>(new thing{self, was_in_loop});
  });
  EXPECT_FALSE(loop->in_loop());
  loop->stop();
  EXPECT_TRUE(was_in_loop);
}

TEST(KjLoop, LogsWhatAPostThrowsAndGoesOn) {
  std::ostringstream lines;
  open_log({.format = log_format::json, .to = &lines});
  auto loop = plain_loop();
  loop->post([] { throw std::runtime_error("oops"); });
  loop->post([] { KJ_FAIL_REQUIRE("kj oops"); });
  loop->post([] { KJ_LOG(WARNING, "kj's own words"); });
  bool ran = false;
  loop->post([&] { ran = true; });
  loop->stop();
  open_log(log_options_of_process());
  EXPECT_TRUE(ran);
  EXPECT_NE(lines.str().find(R"("error":"oops")"), std::string::npos) << lines.str();
  EXPECT_NE(lines.str().find("kj oops"), std::string::npos) << lines.str();
  EXPECT_NE(lines.str().find(R"("msg":"kj","where":)"), std::string::npos) << lines.str();
  EXPECT_NE(lines.str().find("kj's own words"), std::string::npos) << lines.str();
}

// -- ask -----------------------------------------------------------------------------------

using oracle_actor = caf::typed_actor<caf::replies_to<std::string>::with<std::string>, caf::reacts_to<tick_due>>;

struct oracle_state {
  static inline const char* name = "oracle";
  std::vector<caf::typed_response_promise<std::string>> unanswered;
};

oracle_actor::behavior_type oracle(oracle_actor::stateful_pointer<oracle_state> self,
                                    std::shared_ptr<std::promise<void>> is_pondering) {
  return {
    [self, is_pondering](const std::string& question) -> caf::result<std::string> {
      if (question == "refuse")
        return failure("not today");
      if (question == "throw")
        throw std::runtime_error("the oracle broke");
      if (question == "ponder") {
        auto promise = self->make_response_promise<std::string>();
        self->state.unanswered.push_back(promise);
        is_pondering->set_value();
        return promise;
      }
      return "answer to " + question;
    },
    [self](tick_due) { self->quit(); },
  };
}

struct AskTest : ::testing::Test {
  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> sys = std::make_unique<caf::actor_system>(config);
  kj_loop_ptr loop = plain_loop();
  std::shared_ptr<std::promise<void>> is_pondering = std::make_shared<std::promise<void>>();
  oracle_actor who = spawn_child(sys.get(), oracle, is_pondering);

  std::string question(const std::string& text, std::chrono::milliseconds limit = std::chrono::minutes(10)) {
    return outcome_of(*loop, [=, this] { return ask<std::string>(*loop, *sys, who, text, limit); });
  }
  void TearDown() override {
    std::promise<std::size_t> kept;
    if (loop->post([&] { kept.set_value(loop->kept()); })) {
      EXPECT_EQ(kept.get_future().get(), 0U) << "a slot leaked";
    }
    loop->stop();
    urgent_exit(who, caf::exit_reason::user_shutdown);
    who = nullptr;
    sys.reset();
  }
};

TEST_F(AskTest, BringsTheAnswer) { EXPECT_EQ(question("life"), "answer to life"); }

TEST_F(AskTest, BringsTheActorsError) { EXPECT_EQ(question("refuse"), "error: not today"); }

TEST_F(AskTest, AnActorThatDiesAnsweringIsAnError) {
  EXPECT_NE(question("throw").find("error: "), std::string::npos);
  EXPECT_NE(question("late").find("error: "), std::string::npos) << "it is dead already";
}

TEST_F(AskTest, AnActorThatDiesHoldingThePromiseIsAnError) {
  auto outcome = std::async(std::launch::async, [&] { return question("ponder"); });
  is_pondering->get_future().get();
  caf::anon_send(who, tick_due{});
  EXPECT_EQ(outcome.get(), "error: the actor ended before it answered: it ended normally");
}

TEST_F(AskTest, EveryQuestionOfAnActorThatDiesIsAnswered) {
  std::vector<std::future<std::string>> outcomes;
  for (int i = 0; i < 3; ++i) {
    outcomes.push_back(std::async(std::launch::async, [&] { return question("ponder"); }));
    is_pondering->get_future().get();
    *is_pondering = {};
  }
  EXPECT_EQ(question("life"), "answer to life") << "questions overtake each other";
  caf::anon_send(who, tick_due{});
  for (auto& outcome : outcomes)
    EXPECT_EQ(outcome.get(), "error: the actor ended before it answered: it ended normally");
}

TEST_F(AskTest, GivesUpAtTheLimit) {
  EXPECT_EQ(question("ponder", std::chrono::milliseconds(20)), "error: no answer within 20 ms");
}

TEST_F(AskTest, ADroppedPromiseForgetsTheQuestion) {
  std::promise<void> dropped;
  loop->post([&] {
    auto promise = ask<std::string>(*loop, *sys, who, std::string{"ponder"});
    EXPECT_EQ(loop->kept(), 1U);
    promise = nullptr;
    EXPECT_EQ(loop->kept(), 0U);
    dropped.set_value();
  });
  dropped.get_future().get();
}

TEST_F(AskTest, AQuestionToNobodyIsAnError) {
  EXPECT_EQ(outcome_of(*loop, [&] { return ask<std::string>(*loop, *sys, oracle_actor{}, std::string{"x"}); }),
            "error: there is no actor to ask");
}

TEST_F(AskTest, StoppingTheLoopForgetsOpenQuestions) {
  struct held {
    std::vector<kj::Promise<std::string>> open;
  };
  auto other = kj_loop::start([](kj::AsyncIoContext&, kj_loop&) { return std::make_shared<held>(); });
  std::promise<void> asked;
  // Detached: nobody but the loop itself holds it when it stops.
  other->post([&] {
    ask<std::string>(*other, *sys, who, std::string{"ponder"}).then([](std::string) {}).detach([](kj::Exception&&) {});
    asked.set_value();
  });
  asked.get_future().get();
  other->stop();
  other = nullptr;
}

} // namespace

} // namespace tabletd
