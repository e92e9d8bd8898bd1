#include "node/fe/report_sink.h"

#include <caf/send.hpp>

namespace tabletd {

namespace {

template <class Fill>
void tell(const backend_agent_actor& agent, Fill&& fill) {
  caf::anon_send(agent, seal<wire::BackendEvent>(std::forward<Fill>(fill), 256));
}

}  // namespace

kj::Promise<void> report_sink::tablets(TabletsContext context) {
  tell(agent_, [&](auto event) { event.setReport(context.getParams().getReport()); });
  return kj::READY_NOW;
}

kj::Promise<void> report_sink::tasks(TasksContext context) {
  tell(agent_, [&](auto event) { event.setEnded(context.getParams().getEnded()); });
  return kj::READY_NOW;
}

/// An overseer that ends meanwhile makes the call fail: then nobody knows.
template <class Answer, class Question>
kj::Promise<Answer> report_sink::ask_overseer(Question question) {
  if (!desk_->overseer)
    return KJ_EXCEPTION(FAILED, "this front end does not lead, or does not look after cooldown yet");
  return ask<Answer>(desk_->loop, desk_->sys, desk_->overseer, std::move(question));
}

kj::Promise<void> report_sink::cooldown(CooldownContext context) {
  const auto reports = seal<wire::CooldownReports>(
    [&](auto to) {
      to.setBackend(model::raw(backend_));
      to.setReports(context.getParams().getReports());
    },
    64);
  return ask_overseer<cooldown_acks>(reports).then([context](cooldown_acks acks) mutable {
    context.getResults(acks.get().totalSize()).setAcknowledged(acks.get().getAcknowledged());
  });
}

kj::Promise<void> report_sink::publishMeta(PublishMetaContext context) {
  return ask_overseer<publication_answer>(publication_question::copy(context.getParams().getAsked()))
    .then([context](publication_answer judged) mutable { context.getResults().setVerdict(judged.get().getVerdict()); });
}

kj::Promise<void> report_sink::confirmDeletion(ConfirmDeletionContext context) {
  return ask_overseer<deletion_answer>(deletion_question::copy(context.getParams().getAsked()))
    .then([context](deletion_answer judged) mutable {
      context.getResults().setConfirmed(judged.get().getConfirmed());
      context.getResults().setWhy(judged.get().getWhy());
    });
}

}  // namespace tabletd
