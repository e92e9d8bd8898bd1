#include "node/fe/forwarded_session.h"
#include "node/fe/not_begun.h"
#include <fmt/format.h>
#include <kj/exception.h>

namespace tabletd {

namespace {

/// What the leader made of a statement, or that it was lost meanwhile.
template <class Results, class Context>
kj::Promise<void> pass_on(kj::Promise<capnp::Response<Results>> result, std::string leader, Context context) {
  return result.then(
    [context](capnp::Response<Results>&& response) mutable {
      context.getResults(response.totalSize()).setResult(response.getResult());
    },
    [leader = std::move(leader), context](kj::Exception&& why) mutable {
      if (why.getType() != kj::Exception::Type::DISCONNECTED)
        kj::throwFatalException(kj::mv(why));
      auto error = context.getResults().initResult().initError();
      error.setCode(api::ErrorCode::UNAVAILABLE);
      error.setMessage(fmt::format("the leader, {}, was lost while the statement ran", leader).c_str());
      error.setHint("it may or may not have taken effect: open a new session and look (SHOW ...) before you repeat it");
      error.setRetryAfterMs(election_ms);
      error.setOutcomeUnknown(true);
    });
}

class forwarded_execution final : public api::Execution::Server {
public:
  forwarded_execution(api::Execution::Client at_leader, std::string leader)
    : at_leader_(kj::mv(at_leader)), leader_(std::move(leader)) {}

  kj::Promise<void> result(ResultContext context) override {
    return pass_on<api::Execution::ResultResults>(at_leader_.resultRequest().send(), leader_, context);
  }

  kj::Promise<void> cancel(CancelContext context) override {
    return context.tailCall(at_leader_.cancelRequest());
  }

private:
  api::Execution::Client at_leader_;
  std::string leader_;
};

class forwarded_session final : public api::Session::Server {
public:
  forwarded_session(leader_link::session at_leader, std::string leader)
    : at_leader_(kj::mv(at_leader.there)), over_(std::move(at_leader.over)), leader_(std::move(leader)) {}

  kj::Promise<void> execute(ExecuteContext context) override {
    if (*over_) {
      context.getResults().setExecution(kj::heap<not_begun>(over_text()));
      return kj::READY_NOW;
    }
    const auto params = context.getParams();
    auto request = at_leader_.executeRequest(params.totalSize());
    request.setText(params.getText());
    request.setRequestId(params.getRequestId());
    context.getResults().setExecution(kj::heap<forwarded_execution>(request.send().getExecution(), leader_));
    return kj::READY_NOW;
  }

  kj::Promise<void> run(RunContext context) override {
    if (*over_) {
      not_begun::report(over_text(), context.getResults().initResult());
      return kj::READY_NOW;
    }
    const auto params = context.getParams();
    auto request = at_leader_.runRequest(params.totalSize());
    request.setText(params.getText());
    request.setRequestId(params.getRequestId());
    return pass_on<api::Session::RunResults>(request.send(), leader_, context);
  }

  kj::Promise<void> complete(CompleteContext context) override {
    const auto params = context.getParams();
    auto request = at_leader_.completeRequest(params.totalSize());
    request.setText(params.getText());
    request.setCursor(params.getCursor());
    return context.tailCall(kj::mv(request));
  }

private:
  [[nodiscard]] std::string over_text() const {
    return fmt::format("{}, at which this session was opened, leads no more, or was lost", leader_);
  }

  api::Session::Client at_leader_;
  std::shared_ptr<const bool> over_;
  std::string leader_;
};

} // namespace

api::Session::Client forward_session(leader_link::session at_leader, std::string leader) {
  return kj::heap<forwarded_session>(kj::mv(at_leader), std::move(leader));
}

} // namespace tabletd
