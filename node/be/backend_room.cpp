#include "node/be/backend_room.h"
#include "node/be/warmup_mover.h"
#include "node/cluster_hex.h"
#include "node/kj_text.h"
#include "node/log.h"
#include <caf/send.hpp>
#include <fmt/format.h>

namespace tabletd {

namespace {

// A leader that lets this many reports wait is not reading; it gets a fresh start.
constexpr std::size_t unanswered_max = 64;

kj::Exception refusal(const std::string& why) {
  return {kj::Exception::Type::FAILED, __FILE__, __LINE__, kj::heapString(why.c_str())};
}

} // namespace

// -- attaching ---------------------------------------------------------------------------

kj::Promise<backend_room::admission> backend_room::admit(model::attach_hello hello,
                                                         wire::ReportSink::Client sink) {
  auto decided = turn_.addBranch()
                   .then([this, hello, sink = kj::mv(sink)]() mutable { return decide(hello, kj::mv(sink)); })
                   .fork();
  turn_ = decided.addBranch().then([](auto&&) {}, [](kj::Exception&&) {}).fork();
  return decided.addBranch();
}

kj::Promise<backend_room::admission> backend_room::decide(const model::attach_hello& hello,
                                                          wire::ReportSink::Client sink) {
  if (draining_)
    return admission{0, "this backend is shutting down; attach again when it is back"};
  const auto outcome = model::step(fence_, hello);
  if (const auto* no = std::get_if<model::attach_refused>(&outcome))
    return refused(hello, no->why, no->worth_a_log_line);
  const auto yes = std::get<model::attach_accepted>(outcome);
  if (!yes.bind)
    return admission{linked(hello, yes, kj::mv(sink)), {}};
  return make_durable(*fence_.binding)
    .then([this, hello, yes, sink = kj::mv(sink)]() mutable { return admission{linked(hello, yes, kj::mv(sink)), {}}; },
          [this, hello](kj::Exception&& why) {
            model::binding_failed(fence_);
            return refused(hello, text_of(why), true);
          });
}

backend_room::admission backend_room::refused(const model::attach_hello& hello, const std::string& why,
                                              bool worth_a_log_line) {
  ++stats().attaches_refused;
  if (worth_a_log_line)
    log_warn("an attach was refused", {{"leader", hello.leader}, {"term", hello.term}, {"why", why}});
  return {0, why};
}

kj::Promise<void> backend_room::make_durable(const model::backend_binding& binding) {
  auto bound = kj::Vector<kj::Promise<void>>();
  const auto throw_if_failed = [](disk_result<disk_done>&& result) {
    if (const auto* why = result.error())
      kj::throwFatalException(refusal(why->what()));
  };
  for (const auto& disk : paths().disks())
    bound.add(on_disk(loop(), *disk, [binding](tablet_store& store) {
                store.bind(to_hex(binding.cluster), model::raw(binding.backend));
                return disk_done{};
              }).then(throw_if_failed));
  // The directory last: once it names a cluster, every path does.
  return kj::joinPromises(bound.releaseAsArray()).then([this, binding, throw_if_failed] {
    return on_disk(loop(), *paths().disks().front(), [bind = where_.bind, binding](tablet_store&) {
             if (bind)
               bind(binding);
             return disk_done{};
           }).then(throw_if_failed);
  });
}

std::uint64_t backend_room::linked(const model::attach_hello& hello, const model::attach_accepted& how,
                                   wire::ReportSink::Client sink) {
  sink_ = kj::mv(sink);
  unanswered_ = 0;
  attach_.fulfiller->fulfill();
  where_.warming->another_leader();
  log_info("a leader attached", {{"leader", hello.leader}, {"term", hello.term}, {"replaced", how.replaces != 0}});
  // After the answer has been sent: the leader should know its link before it hears reports.
  sends_.add(kj::evalLast([this] {
    caf::anon_send(reporter(), link_up{});
    caf::anon_send(cooldown(), link_up{});
  }));
  return how.link;
}

void backend_room::link_gone(std::uint64_t link) {
  if (fence_.link == link)
    sink_ = nullptr;
  model::link_ended(fence_, link);
}

kj::Maybe<kj::Exception> backend_room::refuse(std::uint64_t link, model::term term) {
  if (const auto why = model::refuse_call(fence_, link, term)) {
    ++stats().requests_fenced;
    return refusal(*why);
  }
  return nullptr;
}

// -- reports -----------------------------------------------------------------------------

void backend_room::tell(const tablet_report& report) {
  KJ_IF_MAYBE(sink, sink_) {
    auto request = sink->tabletsRequest(capnp::MessageSize{report.words().size() + 8, 0});
    request.setReport(report.get());
    sent(request.send().ignoreResult());
  }
}

void backend_room::tell(const task_ended& ended) {
  KJ_IF_MAYBE(sink, sink_) {
    auto request = sink->tasksRequest();
    request.initEnded(1).setWithCaveats(0, ended.get());
    sent(request.send().ignoreResult());
  }
}

kj::Maybe<wire::ReportSink::Client> backend_room::leader() {
  KJ_IF_MAYBE(sink, sink_)
    return kj::cp(*sink);
  return nullptr;
}

void backend_room::sent(kj::Promise<void> call) {
  const auto link = fence_.link;
  if (++unanswered_ > unanswered_max) {
    log_warn("the leader does not read reports; its link is cut", {});
    link_gone(link);
  }
  sends_.add(call.then([this, link] {
    if (fence_.link == link)
      --unanswered_;
  }));
}

// -- draining ----------------------------------------------------------------------------

void backend_room::drain() { draining_ = true; }

kj::Promise<void> backend_room::quiet() {
  if (busy_ == 0)
    return kj::READY_NOW;
  auto paf = kj::newPromiseAndFulfiller<void>();
  quiet_ = kj::mv(paf.fulfiller);
  return kj::mv(paf.promise);
}

void backend_room::call_ended() {
  if (--busy_ > 0)
    return;
  KJ_IF_MAYBE(waiter, quiet_)
    (*waiter)->fulfill();
}

// -- the wire from actors ----------------------------------------------------------------

template <class Message>
void leader_wire::pass_on(Message message) {
  loop_->post([self = shared_from_this(), message = std::move(message)] {
    if (const auto room = self->room_.lock())
      room->tell(message);
  });
}

void leader_wire::send(tablet_report report) { pass_on(std::move(report)); }
void leader_wire::send(task_ended ended) { pass_on(std::move(ended)); }

} // namespace tabletd
