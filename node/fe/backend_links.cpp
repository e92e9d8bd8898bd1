#include "node/fe/backend_links.h"
#include "node/fe/backend_session.h"
#include "node/kj_text.h"
#include "node/log.h"
#include "node/rpc_port.h"
#include <caf/send.hpp>
#include <capnp/rpc-twoparty.h>
#include <fmt/format.h>

namespace tabletd {

namespace {

// A backend answers within its own event loop; one that is silent longer is as good as gone.
constexpr auto attach_limit = 5 * kj::SECONDS;
constexpr auto call_limit = 30 * kj::SECONDS;

} // namespace

void backend_links::failures::taskFailed(kj::Exception&& why) {
  log_error("a backend call failed outside its handler", {{"why", text_of(why)}});
}

void backend_links::start(kj_loop& loop, caf::actor_system& sys, kj::Network& network, kj::Timer& timer) {
  loop_ = &loop;
  desk_ = std::make_shared<cooldown_desk>(cooldown_desk{loop, sys});
  network_ = &network;
  timer_ = &timer;
  tasks_ = kj::heap<kj::TaskSet>(failures_);
}

void backend_links::stop() {
  for (auto& [backend, at] : sessions_)
    at->over = true;
  tasks_ = nullptr;
  sessions_.clear();
  desk_->overseer = nullptr;
}

void backend_links::in_loop(std::function<void(backend_links&)> todo) {
  loop_->post([self = shared_from_this(), todo = std::move(todo)] {
    if (self->tasks_.get() != nullptr)
      todo(*self);
  });
}

void backend_links::attach(hello who, std::string host, std::uint16_t port,
                           backend_agent_actor agent) {
  auto at = std::make_shared<session>();
  at->who = who;
  at->host = std::move(host);
  at->port = port;
  at->agent = std::move(agent);
  in_loop([at](backend_links& self) {
    auto& slot = self.sessions_[at->who.backend];
    if (slot)
      self.retire(slot);
    slot = at;
    self.dial(at);
  });
}

void backend_links::dial(const session_ptr& at) {
  auto connected = network_->parseAddress(at->host.c_str(), at->port)
                     .then([](kj::Own<kj::NetworkAddress>&& address) {
                       auto promise = address->connect();
                       return promise.attach(kj::mv(address));
                     });
  auto attached_or_not = connected.then([this, at](kj::Own<kj::AsyncIoStream>&& stream) -> kj::Promise<void> {
    if (at->over)
      return kj::READY_NOW;
    notice_dead_peers(*stream);
    auto client = kj::heap<capnp::TwoPartyClient>(*stream);
    auto gateway = client->bootstrap().castAs<wire::BackendGateway>();
    auto request = gateway.attachRequest();
    auto words = request.initHello();
    words.setClusterId(kj::arrayPtr(at->who.cluster.data(), at->who.cluster.size()));
    words.setBackend(model::raw(at->who.backend));
    words.setTerm(at->who.term);
    words.setLeader(at->who.leader);
    request.setSink(kj::heap<report_sink>(at->who.backend, at->agent, desk_));
    return request.send().then(
      [this, at, stream = kj::mv(stream), client = kj::mv(client)](auto&& response) mutable {
        if (at->over)
          return;
        auto outcome = response.getOutcome();
        if (outcome.isRefused()) {
          at->over = true;
          at->tell([&](auto event) { event.setRefused(outcome.getRefused()); });
          return;
        }
        auto facts = outcome.getAccepted();
        at->link = std::make_shared<backend_link>(facts.getService());
        at->link->backend = at->who.backend;
        at->link->term = at->who.term;
        at->link->stream = kj::mv(stream);
        at->link->client = kj::mv(client);
        this->attached(at, facts);
      });
  });
  tasks_->add(timer_->timeoutAfter(attach_limit, kj::mv(attached_or_not))
                .catch_([this, at](kj::Exception&& why) {
                  lost(at, fmt::format("{}:{} cannot be reached: {}", at->host, at->port, text_of(why)));
                }));
}

void backend_links::attached(const session_ptr& at, wire::Attached::Reader facts) {
  at->tell([&](auto event) {
    auto to = event.initAttached();
    to.setBootId(facts.getBootId());
    to.setStartedMs(facts.getStartedMs());
    to.setHttpPort(facts.getHttpPort());
    to.setVersion(facts.getVersion());
    to.setPaths(facts.getPaths());
  });
  if (desk_->overseer)
    caf::anon_send(desk_->overseer, backend_linked{at->who.backend});
  tasks_->add(at->link->client->onDisconnect().then(
    [this, at] { lost(at, fmt::format("{}:{} closed the connection", at->host, at->port)); },
    [](kj::Exception&&) { /* We closed it ourselves. */ }));
}

void backend_links::retire(const session_ptr& at) {
  at->over = true;
  if (!at->link)
    return;
  // Loads and exports hold the link as well: their calls must end with it, answered or not.
  kj::runCatchingExceptions([&] { at->link->stream->abortRead(); }); // The peer may have closed it.
  // The connection may be on the stack of the callback that brought us here.
  tasks_->add(kj::evalLater([link = std::move(at->link)]() mutable { link.reset(); }));
}

void backend_links::lost(const session_ptr& at, const std::string& why) {
  if (at->over)
    return;
  at->tell([&](auto event) { event.setLost(why.c_str()); });
  retire(at);
}

backend_links::session_ptr backend_links::live(model::backend_id backend) const {
  const auto at = sessions_.find(backend);
  return at != sessions_.end() && at->second->link && !at->second->over ? at->second : nullptr;
}

backend_link_ptr backend_links::find(model::backend_id backend) const {
  const auto at = live(backend);
  return at ? at->link : nullptr;
}

void backend_links::keep_until_written(backend_link_ptr link, std::list<row_block_ptr> blocks) {
  if (tasks_.get() == nullptr)
    return;
  auto request = link->service.publishRequest();
  request.setTerm(link->term);
  auto kept = std::make_shared<std::list<row_block_ptr>>(std::move(blocks));
  tasks_->add(request.send().ignoreResult().then(
    [kept, link] {}, [kept, link](kj::Exception&&) { link->kept.push_back(kept); }));
}

void backend_links::detach(model::backend_id backend) {
  in_loop([backend](backend_links& self) {
    const auto at = self.sessions_.find(backend);
    if (at == self.sessions_.end())
      return;
    self.retire(at->second);
    self.sessions_.erase(at);
  });
}

void backend_links::heartbeat(model::backend_id backend, std::uint64_t seq) {
  in_loop([backend, seq](backend_links& self) {
    const auto at = self.live(backend);
    if (!at)
      return;
    auto request = at->link->service.heartbeatRequest();
    request.setTerm(at->who.term);
    request.setSeq(seq);
    self.tasks_->add(self.timer_->timeoutAfter(call_limit, request.send()).then(
      [at](auto&& response) {
        if (!at->over)
          at->tell([&](auto event) { event.setStatus(response.getStatus()); });
      },
      [&self, at](kj::Exception&& why) {
        self.lost(at, fmt::format("a heartbeat was not answered: {}", text_of(why)));
      }));
  });
}

void backend_links::submit(model::backend_id backend, sealed<wire::TaskBatch> tasks) {
  in_loop([backend, tasks](backend_links& self) {
    const auto at = self.live(backend);
    if (!at)
      return; // The agent submits again after it has attached.
    auto request = at->link->service.submitRequest();
    request.setTerm(at->who.term);
    request.setTasks(tasks.get().getTasks());
    self.tasks_->add(request.send().ignoreResult().catch_([&self, at](kj::Exception&& why) {
      self.lost(at, fmt::format("tasks were not accepted: {}", text_of(why)));
    }));
  });
}

void backend_links::publish(model::backend_id backend, std::uint64_t seq, publish_order order) {
  in_loop([backend, seq, order](backend_links& self) {
    const auto at = self.live(backend);
    if (!at)
      return;
    auto request = at->link->service.publishRequest();
    request.setTerm(at->who.term);
    request.setTxns(order.get().getTxns());
    const auto answer = [at, backend, seq](auto&& fill) {
      at->tell([&](auto event) {
        auto ended = event.initPublished();
        ended.setBackend(model::raw(backend));
        ended.setSeq(seq);
        fill(ended);
      });
    };
    self.tasks_->add(self.timer_->timeoutAfter(call_limit, request.send()).then(
      [answer](auto&& response) { answer([&](auto& ended) { ended.setFailed(response.getFailed()); }); },
      [answer](kj::Exception&& why) {
        answer([&](auto& ended) { ended.setError(text_of(why).c_str()); });
      }));
  });
}

void backend_links::request_report(model::backend_id backend) {
  in_loop([backend](backend_links& self) {
    const auto at = self.live(backend);
    if (!at)
      return;
    auto request = at->link->service.reportRequest();
    request.setTerm(at->who.term);
    self.tasks_->add(request.send().ignoreResult().catch_([&self, at](kj::Exception&& why) {
      self.lost(at, fmt::format("a report was refused: {}", text_of(why)));
    }));
  });
}

} // namespace tabletd
