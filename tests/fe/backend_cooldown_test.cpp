// Cooldown over a real link to a backend that is none: what it says is refused, handed over, answered, or fails.
#include "actors/codec/backend_cooldown_codec.h"
#include "actors/urgent_exit.h"
#include "node/fe/backend_links.h"
#include "node/kj_text.h"
#include "node/loop_call.h"
#include "node/rpc_port.h"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace tabletd::test {
namespace {

using namespace std::chrono_literals;

/// Tells `ears` what it is ordered, and gives the leader's sink away.
struct fake_backend {
  caf::actor ears;
  std::optional<wire::ReportSink::Client> sink; ///< Loop thread only.
};

class fake_service final : public wire::BackendService::Server {
public:
  explicit fake_service(caf::actor ears) : ears_(std::move(ears)) {}
  kj::Promise<void> cooldown(CooldownContext context) override {
    const auto orders = context.getParams().getOrders();
    caf::anon_send(ears_, "told of " + std::to_string(orders.getTablets().size()) + " in term "
                            + std::to_string(context.getParams().getTerm()) + ", lease " + std::to_string(orders.getLeaseMs()));
    if (orders.getLeaseMs() == 13)
      return KJ_EXCEPTION(FAILED, "no");
    return kj::READY_NOW;
  }

private:
  caf::actor ears_;
};

class fake_gateway final : public wire::BackendGateway::Server {
public:
  explicit fake_gateway(fake_backend& of) : of_(of) {}
  kj::Promise<void> attach(AttachContext context) override {
    of_.sink.emplace(context.getParams().getSink());
    auto accepted = context.getResults().initOutcome().initAccepted();
    accepted.setService(kj::heap<fake_service>(of_.ears));
    accepted.setBootId(7);
    return kj::READY_NOW;
  }

private:
  fake_backend& of_;
};

struct CooldownWire : ::testing::Test {
  ~CooldownWire() noexcept override {} // KJ members may throw; then the test is over anyway.
  caf::actor_system_config config;
  caf::actor_system sys{config};
  caf::scoped_actor ears{sys};
  fake_backend backend{caf::actor_cast<caf::actor>(ears), {}};
  std::shared_ptr<backend_links> links = std::make_shared<backend_links>();
  kj::Network* network = nullptr;
  kj_loop_ptr loop;
  kj::Own<rpc_port> rpc;
  cooldown_overseer_actor overseer;
  static constexpr model::backend_id id{5};

  void SetUp() override {
    loop = kj_loop::start([this](kj::AsyncIoContext& io, kj_loop&) -> std::shared_ptr<void> {
      network = &io.provider->getNetwork();
      return nullptr;
    });
    std::uint16_t port = 0;
    call_in_loop(*loop, [&] {
      links->start(*loop, sys, *network, loop->timer());
      return network->parseAddress("127.0.0.1:0").then([&](kj::Own<kj::NetworkAddress>&& address) {
        rpc = kj::heap<rpc_port>(address->listen(),
                                 rpc_port::ports{loop->timer(), [this] { return kj::heap<fake_gateway>(backend); }, [] {}});
        port = rpc->number();
      });
    });
    links->attach({{}, id, 3, 1}, "127.0.0.1", port, agent());
    EXPECT_EQ(hear(), "agent: attached");
  }
  void TearDown() override {
    call_in_loop(*loop, [this]() -> kj::Promise<void> {
      links->stop();
      backend.sink = std::nullopt;
      rpc = nullptr;
      return kj::READY_NOW;
    });
    loop->stop();
    urgent_exit(overseer, caf::exit_reason::user_shutdown);
    overseer = nullptr;
    backend.ears = nullptr;
  }

  backend_agent_actor agent() {
    return sys.spawn(
      [to = backend.ears](backend_agent_actor::pointer, int) -> backend_agent_actor::behavior_type {
        return {[to](const backend_event& event) {
                  caf::anon_send(to, std::string{event.get().isAttached() ? "agent: attached" : event.get().isLost() ? "agent: lost" : "agent: ?"});
                },
                [](const task_order&) { return task_ended{}; }, [](const publish_order&) { return publish_ended{}; },
                [](const catalog_advanced&) {}, [](tick_due) {}};
      },
      0);
  }
  /// Acknowledges everything; `is_silent`: keeps every question.
  void serve(bool is_silent = false) {
    overseer = sys.spawn(
      [to = backend.ears, is_silent](cooldown_overseer_actor::pointer self, int) -> cooldown_overseer_actor::behavior_type {
        return {[self, is_silent, to](const cooldown_reports& reports) {
                  auto asked = self->make_response_promise<cooldown_acks>();
                  caf::anon_send(to, "reports of " + std::to_string(reports.get().getBackend()));
                  std::vector<codec::cooldown_ack> acks;
                  for (const auto r : reports.get().getReports())
                    acks.push_back({model::tablet_id{r.getTablet()}, {model::replica_id{r.getReplica()}, r.getReport(), r.getTerm()}});
                  if (!is_silent)
                    asked.deliver(codec::seal_cooldown_acks(acks));
                  return asked;
                },
                [](const publication_question& asked) {
                  return codec::seal_publication_verdict(asked.get().getMeta().getObject() == "m"
                                                           ? model::publication_verdict::not_greater
                                                           : model::publication_verdict::accepted);
                },
                [](const deletion_question& asked) {
                  return codec::seal_deletion_verdict(false, "because of " + std::to_string(asked.get().getId().getSeq()));
                },
                [to](const backend_linked& who) { caf::anon_send(to, "linked " + std::to_string(raw(who.backend))); },
                [](const catalog_advanced&) {}, [](tick_due) {}};
      },
      0);
    links->serve(overseer);
  }
  std::string hear() {
    std::string text;
    ears->receive([&](const std::string& said) { text = said; }, caf::after(10s) >> [&] { text = "nothing"; });
    return text;
  }

  template <class Ask>
  std::string in_loop(Ask ask) {
    std::string result;
    call_in_loop(*loop, [&] {
      return ask().then([&](std::string said) { result = said; }, [&](kj::Exception&& why) { result = "failed: " + text_of(why); });
    });
    return result;
  }
  kj::Promise<std::string> report() {
    auto request = backend.sink->cooldownRequest();
    auto one = request.initReports(1)[0];
    one.setTablet(10);
    one.setReplica(101);
    one.setReport(4);
    one.setTerm(2);
    return request.send().then([](auto&& answer) {
      std::string text;
      for (const auto ack : answer.getAcknowledged())
        text += "ack " + std::to_string(ack.getReport()) + "@" + std::to_string(ack.getTerm());
      return text;
    });
  }
};

TEST_F(CooldownWire, WithoutAnOverseerEverythingIsRefused) {
  EXPECT_NE(in_loop([this] { return report(); }).find("does not lead"), std::string::npos);
  serve();
  EXPECT_EQ(hear(), "linked 5") << "it was attached before";
  EXPECT_EQ(in_loop([this] { return report(); }), "ack 4@2");
  EXPECT_EQ(hear(), "reports of 5") << "by the link, whatever the report says";
  links->leave(overseer.id() + 1);
  EXPECT_EQ(in_loop([this] { return report(); }), "ack 4@2") << "another's end";
  hear();
  links->leave(overseer.id());
  EXPECT_NE(in_loop([this] { return report(); }).find("does not lead"), std::string::npos);
}

TEST_F(CooldownWire, QuestionsAreAnswered) {
  serve();
  EXPECT_EQ(in_loop([this] {
              auto request = backend.sink->publishMetaRequest();
              request.initAsked().initMeta().setObject("m");
              return request.send().then([](auto&& answer) { return std::to_string(static_cast<int>(answer.getVerdict())); });
            }),
            std::to_string(static_cast<int>(wire::PublicationVerdict::NOT_GREATER)));
  EXPECT_EQ(in_loop([this] {
              auto request = backend.sink->confirmDeletionRequest();
              request.initAsked().initId().setSeq(9);
              return request.send().then([](auto&& answer) {
                return std::string{answer.getConfirmed() ? "yes " : "no "} + answer.getWhy().cStr();
              });
            }),
            "no because of 9");
}

TEST_F(CooldownWire, AnOverseerThatEndsMeanwhileAnswersNothing) {
  serve(true);
  EXPECT_EQ(hear(), "linked 5");
  std::string result;
  std::promise<void> over;
  loop->post([&] {
    report()
      .then([&](std::string said) { result = said; }, [&](kj::Exception&& why) { result = "failed: " + text_of(why); })
      .then([&] { over.set_value(); })
      .detach([](kj::Exception&&) {});
  });
  EXPECT_EQ(hear(), "reports of 5");
  urgent_exit(overseer, caf::exit_reason::kill);
  over.get_future().get();
  EXPECT_EQ(result.substr(0, 7), "failed:") << result;
}

TEST_F(CooldownWire, OrdersArriveAndARefusalEndsTheLink) {
  const auto orders = [](std::uint64_t lease) {
    return seal<wire::CooldownOrders>([&](auto to) {
      to.initTablets(2);
      to.setLeaseMs(lease);
    });
  };
  links->push(model::backend_id{6}, orders(1)); // Not linked: dropped.
  links->push(id, orders(12));
  EXPECT_EQ(hear(), "told of 2 in term 3, lease 12");
  links->push(id, orders(13));
  EXPECT_EQ(hear(), "told of 2 in term 3, lease 13");
  EXPECT_EQ(hear(), "agent: lost") << "so that it is told everything when it links anew";
}

} // namespace
} // namespace tabletd::test
