// Warm-up over the links to backends; see backend_links.cpp for the rest.
#include "node/fe/backend_links.h"
#include "node/fe/backend_session.h"
#include "node/kj_text.h"

#include <caf/send.hpp>

#include <utility>

namespace tabletd {

namespace {

/// A call that somebody waits for.  However it ends, a link that is torn down with everything that hangs on it
/// included, its caller gets exactly one answer.
class open_question {
public:
  open_question(model::backend_id backend, std::uint64_t number, caf::actor caller)
      : backend_(backend), number_(number), caller_(std::move(caller)) {}
  open_question(const open_question&) = delete;
  ~open_question() { silent("the link to it has ended"); }

  template <class Fill>
  void answer(Fill&& fill, std::size_t words) {
    if (!caller_)
      return;
    auto sealed = seal<wire::WarmupAnswer>(
      [&](auto to) {
        to.setCall(number_);
        to.setBackend(model::raw(backend_));
        fill(to);
      },
      16 + words);
    caf::anon_send(std::exchange(caller_, nullptr), std::move(sealed));
  }
  void silent(const std::string& why) {
    answer([&](auto to) { to.setSilent(why.c_str()); }, why.size() / 8 + 1);
  }

private:
  model::backend_id backend_;
  std::uint64_t number_;
  caf::actor caller_;  ///< Null: it has its answer.
};
using open_question_ptr = std::shared_ptr<open_question>;

/// `read(response, answer)` copies what the response says.
template <class Request, class Read>
kj::Promise<void> carry(Request&& request, const open_question_ptr& asked, Read read) {
  return request.send()
    .then([asked, read](auto&& response) {
      asked->answer([&](auto to) { read(response, to); }, response.totalSize().wordCount);
    })
    .catch_([asked](kj::Exception&& why) { asked->silent(text_of(why)); });
}

kj::Promise<void> carry_out(wire::BackendService::Client& service, model::term term, wire::WarmupCall::Reader what,
                            const open_question_ptr& asked) {
  switch (what.which()) {
    case wire::WarmupCall::REQUEST: {
      auto request = service.warmUpRequest();
      request.setRequest(what.getRequest());
      return carry(request, asked, [](auto& from, auto to) { to.setReply(from.getReply()); });
    }
    case wire::WarmupCall::STATE: {
      auto request = service.cacheStateRequest();
      request.setPartitions(what.getState());
      return carry(request, asked, [](auto& from, auto to) { to.setState(from.getState()); });
    }
    case wire::WarmupCall::PUSH: {
      auto request = service.pushWarmRequest();
      request.setTerm(term);
      request.setSources(what.getPush());
      return carry(request, asked, [](auto& from, auto to) { to.setPushed(from.getResult()); });
    }
    case wire::WarmupCall::VERIFY: {
      auto request = service.verifyWarmRequest();
      request.setSources(what.getVerify());
      return carry(request, asked, [](auto& from, auto to) { to.setShare(from.getShare()); });
    }
    case wire::WarmupCall::UNSET:
      break;
  }
  asked->silent("nothing was asked");
  return kj::READY_NOW;
}

} // namespace

void backend_links::call(model::backend_id backend, std::uint64_t number, warmup_call what, caf::actor caller) {
  auto asked = std::make_shared<open_question>(backend, number, std::move(caller));
  in_loop([backend, what = std::move(what), asked = std::move(asked)](backend_links& self) {
    const auto at = self.live(backend);
    if (!at)
      return asked->silent("it is not linked");
    self.tasks_->add(carry_out(at->link->service, at->who.term, what.get(), asked));
  });
}

} // namespace tabletd
