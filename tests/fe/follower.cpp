#include "tests/fe/follower.h"
#include "node/loop_call.h"
#include <fmt/format.h>

namespace tabletd::test {

follower::follower(caf::actor_system& sys, options how) : how_(std::move(how)) {
  loop_ = kj_loop::start([this](kj::AsyncIoContext& io, kj_loop&) -> std::shared_ptr<void> {
    network_ = &io.provider->getNetwork();
    return nullptr;
  });
  auto ports = std::make_shared<console_ports>(console_ports{
    .loop = *loop_,
    .sys = sys,
    .links = std::make_shared<backend_links>(),
    .open_session = [](std::string) -> kj::Promise<console_session_actor> {
      return KJ_EXCEPTION(OVERLOADED, "it has not folded its log yet");
    },
    .info = [](api::ServerInfo::Builder to) { to.setNodeId(2); },
    .health = [](api::ClusterHealth::Builder to) { to.setState(api::HealthState::RED); },
    .complete = [](kj::StringPtr, std::uint32_t, api::Session::CompleteResults::Builder) {},
    .statement_ended = [](kj::StringPtr, bool) {},
    .sessions_changed = [](int) {},
    .name = how_.name,
    .leader_address = [this] { return how_.leader; },
    .leader = link_,
    .consoles = [this] { return how_.consoles; },
  });
  call_in_loop(*loop_, [this, ports] {
    link_->start(*network_, loop_->timer());
    return network_->parseAddress("127.0.0.1:0").then([this, ports](kj::Own<kj::NetworkAddress>&& address) {
      rpc_ = kj::heap<rpc_port>(
        address->listen(),
        rpc_port::ports{loop_->timer(), [ports, trusted = how_.trusted] { return make_gateway(ports, trusted); }, [] {}});
      port_ = rpc_->number();
    });
  });
}

follower::~follower() {
  call_in_loop(*loop_, [this]() -> kj::Promise<void> {
    rpc_ = nullptr;
    link_->stop();
    return kj::READY_NOW;
  });
  loop_->stop();
}

void follower::leader_becomes(std::optional<std::string> leader) {
  call_in_loop(*loop_, [this, leader = std::move(leader)]() -> kj::Promise<void> {
    how_.leader = leader;
    return kj::READY_NOW;
  });
}

void follower::leader_is(std::optional<std::string> leader) {
  leader_becomes(leader);
  call_in_loop(*loop_, [this, leader = std::move(leader)]() -> kj::Promise<void> {
    link_->follow(leader);
    return kj::READY_NOW;
  });
}

std::string follower::address() const { return fmt::format("127.0.0.1:{}", port_); }

} // namespace tabletd::test
