#include "node/fe/console_server.h"
#include "node/fe/export_carrier.h"
#include "node/fe/forwarded_session.h"
#include "node/fe/load_carrier.h"
#include "node/fe/not_begun.h"
#include "node/kj_text.h"
#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <atomic>

namespace tabletd {

namespace {

using ports_ptr = std::shared_ptr<const console_ports>;

constexpr auto statement_limit_default = std::chrono::minutes(5);
constexpr auto statement_limit_max = std::chrono::hours(24 * 7); // Beyond it a timer's arithmetic would overflow.
constexpr std::size_t statement_bytes_max = 1U << 20; // design/ecosystem.md 6, rule 7.

/// Ends the session actor with the session, load jobs and all.
struct session_holder {
  console_session_actor actor;
  ports_ptr ports;
  /// The actor is gone: its term is over.
  std::shared_ptr<std::atomic<bool>> ended = std::make_shared<std::atomic<bool>>(false);
  explicit session_holder(console_session_actor a, ports_ptr p) : actor(std::move(a)), ports(std::move(p)) {
    ports->sessions_changed(+1);
    caf::actor_cast<caf::actor>(actor)->attach_functor([ended = ended] { ended->store(true); });
  }
  session_holder(const session_holder&) = delete;
  ~session_holder() {
    ports->sessions_changed(-1);
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }
};
using session_ptr = std::shared_ptr<session_holder>;

void fill_upload(const session_ptr& session, const statement_outcome& outcome, api::Result::Builder result) {
  auto offer = result.initUpload();
  offer.setPath(outcome.get().getLoad().getPath());
  const auto& ports = *session->ports;
  offer.setUpload(kj::heap<load_carrier>(
    load_carrier::ports{ports.loop, ports.sys, session->actor, ports.links}, outcome));
}

void fill_download(const session_ptr& session, const statement_outcome& outcome, api::Result::Builder result) {
  const auto plan = outcome.get().getExportPlan();
  auto offer = result.initDownload();
  offer.setPath(plan.getPath());
  offer.setRows(plan.getRows());
  offer.setBytes(plan.getBytes());
  offer.setDownload(kj::heap<export_carrier>(session->ports->links, outcome));
  if (plan.getNote().size() > 0) {
    auto note = result.initWarnings(1)[0];
    note.setCode(api::ErrorCode::FAILED_PRECONDITION);
    note.setMessage(plan.getNote());
    note.setHint("SHOW PROC '/cooldown' shows what has cooled");
  }
}

/// Fills in what the statement came to.
template <class Context>
void answer(const session_ptr& session, const statement_outcome& outcome, Context& context) {
  const auto from = outcome.get();
  if (from.isLoad())
    fill_upload(session, outcome, context.getResults().initResult());
  else if (from.isExportPlan())
    fill_download(session, outcome, context.getResults().initResult());
  else
    context.getResults(from.getResult().totalSize()).setResult(from.getResult());
  const auto done = context.getResults().getResult().asReader();
  session->ports->statement_ended(done.getStatement(), !done.isError());
}

template <class Context>
void report(Context& context, api::ErrorCode code, const std::string& message) {
  auto error = context.getResults().initResult().initError();
  error.setCode(code);
  error.setMessage(message.c_str());
  error.setHint("the statement may have taken effect; look before you repeat it");
}

/// The session did not answer: it ended with its term, or something is wrong with it.
template <class Context>
void report_failure(const session_ptr& session, Context& context, const kj::Exception& why) {
  session->ports->statement_ended("other", false);
  const bool ended = why.getType() == kj::Exception::Type::DISCONNECTED;
  report(context, ended ? api::ErrorCode::UNAVAILABLE : api::ErrorCode::INTERNAL, text_of(why));
  auto error = context.getResults().getResult().getError();
  error.setOutcomeUnknown(true);
  error.setRetryAfterMs(ended ? election_ms : 0);
}

class execution final : public api::Execution::Server {
public:
  execution(session_ptr session, kj::Promise<statement_outcome> outcome)
    : session_(std::move(session)), outcome_(outcome.fork()) {}

  kj::Promise<void> result(ResultContext context) override {
    if (cancelled_) {
      report(context, api::ErrorCode::CANCELLED, "the statement was given up");
      return kj::READY_NOW;
    }
    return outcome_.addBranch().then(
      [session = session_, context](statement_outcome outcome) mutable { answer(session, outcome, context); },
      [session = session_, context](kj::Exception&& why) mutable { report_failure(session, context, why); });
  }

  kj::Promise<void> cancel(CancelContext) override {
    cancelled_ = true;
    return kj::READY_NOW;
  }

private:
  session_ptr session_;
  kj::ForkedPromise<statement_outcome> outcome_;
  bool cancelled_ = false;
};

class session final : public api::Session::Server {
public:
  session(session_ptr held, bool may_write, std::chrono::milliseconds limit)
    : held_(std::move(held)), may_write_(may_write), limit_(limit) {}

  kj::Promise<void> execute(ExecuteContext context) override {
    if (held_->ended->load())
      context.getResults().setExecution(kj::heap<not_begun>(ended_text));
    else
      context.getResults().setExecution(kj::heap<execution>(held_, outcome_of(context.getParams())));
    return kj::READY_NOW;
  }

  kj::Promise<void> run(RunContext context) override {
    if (held_->ended->load()) {
      not_begun::report(ended_text, context.getResults().initResult());
      return kj::READY_NOW;
    }
    auto asked = outcome_of(context.getParams());
    context.releaseParams();
    return asked.then(
      [session = held_, context](statement_outcome outcome) mutable { answer(session, outcome, context); },
      [session = held_, context](kj::Exception&& why) mutable { report_failure(session, context, why); });
  }

  kj::Promise<void> complete(CompleteContext context) override {
    const auto params = context.getParams();
    held_->ports->complete(params.getText(), params.getCursor(), context.getResults());
    return kj::READY_NOW;
  }

private:
  static constexpr const char* ended_text = "this session ended with the term it was opened in";

  template <class Params>
  kj::Promise<statement_outcome> outcome_of(const Params& params) {
    KJ_REQUIRE(params.getText().size() <= statement_bytes_max, "a statement is at most 1 MiB");
    auto message = seal<wire::StatementText>([&](auto to) {
      to.setText(params.getText());
      to.setRequestId(params.getRequestId());
      to.setMayWrite(may_write_);
    }, 64 + params.getText().size() / 8);
    return ask<statement_outcome>(held_->ports->loop, held_->ports->sys, held_->actor, std::move(message), limit_);
  }

  session_ptr held_;
  bool may_write_;
  std::chrono::milliseconds limit_;
};

/// 0: the default.
std::chrono::milliseconds limit_of(std::uint64_t asked_ms) {
  constexpr auto most = std::chrono::milliseconds(statement_limit_max);
  if (asked_ms == 0)
    return statement_limit_default;
  return std::chrono::milliseconds(std::min(asked_ms, static_cast<std::uint64_t>(most.count())));
}

/// The leader, if it is another front end and this one can reach it.
std::optional<std::string> leader_elsewhere(const console_ports& ports) {
  if (!ports.leader_address || !ports.leader)
    return std::nullopt;
  auto leader = ports.leader_address();
  ports.leader->follow(leader);
  return leader;
}

/// One implementation for all three authorities: what a holder may do was decided when the
/// capability was made, not when it is used.
class authority final : public api::Admin::Server {
public:
  /// `forwarded`: the holder is a front end that takes this one for the leader.
  authority(ports_ptr ports, bool may_write, bool forwarded)
    : ports_(std::move(ports)), may_write_(may_write), forwarded_(forwarded) {}

  kj::Promise<void> open(OpenContext context) override {
    const auto leader = leader_elsewhere(*ports_);
    if (!leader)
      return open_here(context);
    if (forwarded_)
      return passed_on_already(*leader);
    return ports_->leader->open(*leader, context.getParams().getOptions(), may_write_)
      .then([context, leader = *leader](leader_link::session&& there) mutable {
        context.getResults().setSession(forward_session(kj::mv(there), leader));
      });
  }

  kj::Promise<void> health(HealthContext context) override {
    const auto leader = leader_elsewhere(*ports_);
    if (!leader || forwarded_) {
      ports_->health(context.getResults().initHealth());
      return kj::READY_NOW;
    }
    return ports_->leader->health(*leader).then(
      [context](leader_link::health_response&& response) mutable { context.getResults().setHealth(response.getHealth()); },
      // Who cannot ask the leader says what it sees itself, and that is not green.
      [context, ports = ports_](kj::Exception&&) mutable { ports->health(context.getResults().initHealth()); });
  }

private:
  kj::Promise<void> open_here(OpenContext context) {
    const auto options = context.getParams().getOptions();
    const auto limit = limit_of(options.getStatementTimeoutMs());
    return ports_->open_session(options.getDatabase().cStr())
      .then(
        [context, limit, ports = ports_, may_write = may_write_](console_session_actor actor) mutable {
          auto held = std::make_shared<session_holder>(std::move(actor), ports);
          context.getResults().setSession(kj::heap<session>(std::move(held), may_write, limit));
        },
        [ports = ports_](kj::Exception&& why) { kj::throwFatalException(no_leader(*ports, kj::mv(why))); });
  }

  /// In a group, "not ready to lead" may also mean that nobody leads.
  static kj::Exception no_leader(const console_ports& ports, kj::Exception&& why) {
    if (why.getType() == kj::Exception::Type::FAILED || !ports.leader_address)
      return kj::mv(why);
    return KJ_EXCEPTION(OVERLOADED, kj::str(ports.name, " knows no leader that could take a session (", text_of(why),
                                            "); try again in a moment"));
  }

  [[nodiscard]] kj::Exception passed_on_already(const std::string& leader) const {
    return KJ_EXCEPTION(OVERLOADED, kj::str(ports_->name, " does not lead, ", leader,
                                            " may; a session is passed on once only; try again in a moment"));
  }

  ports_ptr ports_;
  bool may_write_;
  bool forwarded_;
};

class gateway final : public api::Gateway::Server {
public:
  gateway(ports_ptr ports, bool trusted) : ports_(std::move(ports)), trusted_(trusted) {}

  kj::Promise<void> info(InfoContext context) override {
    auto info = context.getResults().initInfo();
    ports_->info(info);
    if (ports_->leader_address)
      if (const auto leader = ports_->leader_address())
        info.setLeader(leader->c_str());
    if (!ports_->consoles)
      return kj::READY_NOW;
    const auto consoles = ports_->consoles();
    auto list = info.initConsoles(static_cast<unsigned>(consoles.size()));
    for (unsigned i = 0; i < list.size(); ++i)
      list.set(i, consoles[i].c_str());
    return kj::READY_NOW;
  }

  kj::Promise<void> login(LoginContext context) override {
    const auto request = context.getParams().getRequest();
    auto outcome = context.getResults().initOutcome();
    if (request.getApiVersion() > api::API_VERSION) {
      auto error = outcome.initError();
      error.setCode(api::ErrorCode::UNSUPPORTED);
      error.setMessage("this fe is older than the client");
      error.setHint("upgrade the fe or use an older tabletctl");
      return kj::READY_NOW;
    }
    if (!request.getMethod().isPeerCredentials() || !trusted_) {
      auto error = outcome.initError();
      error.setCode(api::ErrorCode::UNAUTHENTICATED);
      error.setMessage("this connection does not prove who you are");
      error.setHint("connect from the fe's own machine (loopback)");
      return kj::READY_NOW;
    }
    auto grant = outcome.initGranted();
    grant.setUser("local");
    const bool forwarded = request.getForwarded();
    api::Admin::Client full = kj::heap<authority>(ports_, true, forwarded);
    grant.setViewer(kj::heap<authority>(ports_, false, forwarded));
    grant.setOperator(full);
    grant.setAdmin(full);
    return kj::READY_NOW;
  }

private:
  ports_ptr ports_;
  bool trusted_;
};

} // namespace

api::Gateway::Client make_gateway(std::shared_ptr<const console_ports> ports, bool trusted) {
  return kj::heap<gateway>(std::move(ports), trusted);
}

} // namespace tabletd
