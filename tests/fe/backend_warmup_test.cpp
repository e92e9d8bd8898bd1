// Warm-up over a real link to a backend that is none: every call gets exactly one answer, whatever becomes of it.
#include "actors/codec/backend_warmup_codec.h"
#include "node/fe/backend_links.h"
#include "node/loop_call.h"
#include "node/rpc_port.h"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

#include <string>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;

class warming_service final : public wire::BackendService::Server {
public:
  explicit warming_service(caf::actor ears) : ears_(std::move(ears)) {}
  kj::Promise<void> warmUp(WarmUpContext context) override {
    const auto asked = context.getParams().getRequest();
    if (asked.getJob() == 13)
      return KJ_EXCEPTION(FAILED, "the cache is closed");
    if (asked.getJob() == 14) {
      caf::anon_send(ears_, std::string{"waits"});
      return kj::NEVER_DONE;
    }
    auto reply = context.getResults().initReply();
    reply.setJob(asked.getJob());
    reply.setCur(asked.getWhat().isSetJob() ? asked.getWhat().getSetJob() : -1);
    return kj::READY_NOW;
  }
  kj::Promise<void> cacheState(CacheStateContext context) override {
    context.getResults().initState().setCapacityBytes(100 * context.getParams().getPartitions());
    return kj::READY_NOW;
  }
  kj::Promise<void> pushWarm(PushWarmContext context) override {
    auto done = context.getResults().initResult();
    done.setBytesDone(context.getParams().getTerm());
    done.setFailedTablets(context.getParams().getSources().getTablets().size());
    return kj::READY_NOW;
  }
  kj::Promise<void> verifyWarm(VerifyWarmContext context) override {
    context.getResults().initShare().setMissingBytes(context.getParams().getSources().getTablets()[0].getTablet());
    return kj::READY_NOW;
  }

private:
  caf::actor ears_;
};

class warming_gateway final : public wire::BackendGateway::Server {
public:
  explicit warming_gateway(caf::actor ears) : ears_(std::move(ears)) {}
  kj::Promise<void> attach(AttachContext context) override {
    auto accepted = context.getResults().initOutcome().initAccepted();
    accepted.setService(kj::heap<warming_service>(ears_));
    accepted.setBootId(7);
    return kj::READY_NOW;
  }

private:
  caf::actor ears_;
};

struct WarmupWire : ::testing::Test {
  ~WarmupWire() noexcept override {}  // KJ members may throw; then the test is over anyway.
  caf::actor_system_config config;
  caf::actor_system sys{config};
  caf::scoped_actor ears{sys};
  std::shared_ptr<backend_links> links = std::make_shared<backend_links>();
  kj::Network* network = nullptr;
  kj_loop_ptr loop;
  kj::Own<rpc_port> rpc;
  static constexpr model::backend_id id{5};
  model::catalog cat;

  caf::actor me() { return caf::actor_cast<caf::actor>(ears); }
  void SetUp() override {
    loop = kj_loop::start([this](kj::AsyncIoContext& io, kj_loop&) -> std::shared_ptr<void> {
      network = &io.provider->getNetwork();
      return nullptr;
    });
    std::uint16_t port = 0;
    call_in_loop(*loop, [&] {
      links->start(*loop, sys, *network, loop->timer());
      return network->parseAddress("127.0.0.1:0").then([&](kj::Own<kj::NetworkAddress>&& address) {
        rpc = kj::heap<rpc_port>(
          address->listen(), rpc_port::ports{loop->timer(), [this] { return kj::heap<warming_gateway>(me()); }, [] {}});
        port = rpc->number();
      });
    });
    links->attach({{}, id, 3, 1}, "127.0.0.1", port, agent());
    EXPECT_EQ(hear(), "attached");
  }
  void TearDown() override {
    end_links();
    loop->stop();
  }
  void end_links() {
    call_in_loop(*loop, [this]() -> kj::Promise<void> {
      links->stop();
      rpc = nullptr;
      return kj::READY_NOW;
    });
  }
  backend_agent_actor agent() {
    return sys.spawn(
      [to = me()](backend_agent_actor::pointer, int) -> backend_agent_actor::behavior_type {
        return {[to](const backend_event& event) { caf::anon_send(to, std::string{event.get().isAttached() ? "attached" : "lost"}); },
                [](const task_order&) { return task_ended{}; }, [](const publish_order&) { return publish_ended{}; },
                [](const catalog_advanced&) {}, [](tick_due) {}};
      },
      0);
  }
  std::string hear() {
    std::string text;
    ears->receive([&](const std::string& said) { text = said; },
                  [&](const warmup_answer& answer) { text = text_of(answer.get()); }, caf::after(10s) >> [&] { text = "nothing"; });
    return text;
  }
  static std::string text_of(wire::WarmupAnswer::Reader a) {
    const auto from = std::to_string(a.getCall()) + " of " + std::to_string(a.getBackend()) + ": ";
    switch (a.which()) {
      case wire::WarmupAnswer::SILENT: return from + "silent, " + a.getSilent().cStr();
      case wire::WarmupAnswer::REPLY: return from + "job " + std::to_string(a.getReply().getJob()) + " cur " + std::to_string(a.getReply().getCur());
      case wire::WarmupAnswer::STATE: return from + "capacity " + std::to_string(a.getState().getCapacityBytes());
      case wire::WarmupAnswer::PUSHED:
        return from + "term " + std::to_string(a.getPushed().getBytesDone()) + ", " + std::to_string(a.getPushed().getFailedTablets());
      case wire::WarmupAnswer::SHARE: return from + "missing " + std::to_string(a.getShare().getMissingBytes());
    }
    return from + "?";
  }
  warmup_call slot_call(std::uint64_t job) const {
    return codec::seal_slot_request(cat, {{3, model::warmup_job_id{job}, 0}, model::set_job{4}}, false, {});
  }
};

TEST_F(WarmupWire, EveryCallGetsItsAnswer) {
  const std::vector<model::tablet_id> tablets{model::tablet_id{21}, model::tablet_id{22}};
  links->call(id, 1, slot_call(70), me());
  EXPECT_EQ(hear(), "1 of 5: job 70 cur 4");
  links->call(id, 2, codec::seal_state_call(9), me());
  EXPECT_EQ(hear(), "2 of 5: capacity 900");
  links->call(id, 3, codec::seal_push(cat, tablets), me());
  EXPECT_EQ(hear(), "3 of 5: term 3, 2") << "under the link's term";
  links->call(id, 4, codec::seal_verify(cat, tablets), me());
  EXPECT_EQ(hear(), "4 of 5: missing 21");
}

TEST_F(WarmupWire, ACallThatFailsSaysWhyAndEndsNoLink) {
  links->call(id, 1, slot_call(13), me());
  const auto said = hear();
  EXPECT_NE(said.find("1 of 5: silent, "), std::string::npos) << said;
  EXPECT_NE(said.find("the cache is closed"), std::string::npos) << said;
  links->call(id, 2, slot_call(70), me());
  EXPECT_EQ(hear(), "2 of 5: job 70 cur 4");
  links->call(model::backend_id{6}, 3, slot_call(70), me());
  EXPECT_EQ(hear(), "3 of 6: silent, it is not linked");
}

TEST_F(WarmupWire, WhatWaitsIsAnsweredWhenTheLinkGoes) {
  links->call(id, 1, slot_call(14), me());
  EXPECT_EQ(hear(), "waits");
  links->detach(id);
  const auto said = hear();
  EXPECT_NE(said.find("1 of 5: silent, "), std::string::npos) << said;
  links->call(id, 2, slot_call(70), me());
  EXPECT_EQ(hear(), "2 of 5: silent, it is not linked");
}

TEST_F(WarmupWire, WhatWaitsIsAnsweredWhenTheLinksEnd) {
  links->call(id, 1, slot_call(14), me());
  EXPECT_EQ(hear(), "waits");
  end_links();
  const auto said = hear();
  EXPECT_NE(said.find("1 of 5: silent, "), std::string::npos) << said;
  links->call(id, 2, slot_call(70), me());
  EXPECT_EQ(hear(), "2 of 5: silent, the link to it has ended");
}

}  // namespace
}  // namespace tabletd::test
