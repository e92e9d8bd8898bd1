// What backends report and ask, and what becomes of proposals.
#include "actors/cooldown/cooldown_steps.h"

#include <algorithm>

namespace tabletd::cooldown_steps {

using model::raw;
using call_ptr = cooldown_overseer_state::report_call_ptr;

namespace {

/// Promises are handles: a copy answers as well.
template <class Answer, class What>
void reply(caf::typed_response_promise<Answer> asker, What what) {
  asker.deliver(std::move(what));
}

caf::error not_leading() { return failure("this front end does not lead any more, or not yet"); }

// -- reports -------------------------------------------------------------------------------

/// One of the call's reports has been dealt with.
void close_turn(self_ptr self, const call_ptr& call) {
  if (--call->turns_open > 0)
    return;
  if (call->acks.empty())
    return reply(call->asker, codec::seal_cooldown_acks({}));
  self->state.unconfirmed.push_back(call);
  make_batch_due(self);
}

void take_report(self_ptr self, const call_ptr& call, model::backend_id from, wire::CooldownReport::Reader report) {
  auto& st = self->state;
  const model::tablet_id tablet{report.getTablet()};
  auto said = codec::decode_cooldown_report(report);
  const auto cat = st.ports.catalog->load();
  const auto* t = cat->tablets.find(tablet);
  const auto* r = t != nullptr ? t->find(said.replica) : nullptr;
  if (r == nullptr || r->backend != from)
    return close_turn(self, call); // It is to be dropped there, or was moved.
  const auto at = st.tablets.find(tablet);
  if (at == st.tablets.end()) {
    if (!model::is_looked_after(*cat, *t))
      want_push(self, from, tablet, said.replica); // It has not heard that it is under no policy.
    return close_turn(self, call);
  }
  if (!at->second.handler)
    return close_turn(self, call);
  turn(
    self, tablet, at->second.handler, model::cooldown_event{std::move(said)},
    [self, call, tablet](const cooldown_turned& turned) {
      for (const auto& effect : turned.effects)
        if (const auto* ack = std::get_if<model::acknowledge_report>(&effect))
          call->acks.push_back({tablet, *ack});
      close_turn(self, call);
    },
    [self, call](const caf::error&) { close_turn(self, call); });
}

/// Leaves out what the log, which has caught up with the moment of the question, contradicts.
void acknowledge(self_ptr self, const call_ptr& call) {
  const auto cat = self->state.ports.catalog->load();
  std::erase_if(call->acks, [&](const codec::cooldown_ack& ack) {
    const auto* conf = cat->cooldowns.find(ack.tablet);
    return conf == nullptr || conf->uploader != ack.what.replica || conf->term != ack.what.term;
  });
  reply(call->asker, codec::seal_cooldown_acks(call->acks));
}

}  // namespace

caf::typed_response_promise<cooldown_acks> on_reports(self_ptr self, const cooldown_reports& reports) {
  auto& st = self->state;
  auto call = std::make_shared<cooldown_overseer_state::report_call>();
  call->asker = self->make_response_promise<cooldown_acks>();
  if (!st.serves || is_over(st)) {
    reply(call->asker, not_leading());
    return call->asker;
  }
  const auto list = reports.get().getReports();
  call->turns_open = list.size() + 1; // Not closed before all have begun.
  for (const auto report : list)
    take_report(self, call, model::backend_id{reports.get().getBackend()}, report);
  close_turn(self, call);
  return call->asker;
}

void confirm_reports(self_ptr self) {
  auto& st = self->state;
  if (st.unconfirmed.empty() || std::exchange(st.is_confirming, true))
    return;
  // What comes from now on waits for the next question: an answer says nothing about later reports.
  const auto calls = std::exchange(st.unconfirmed, {});
  const auto over = [self, calls](bool leads) {
    self->state.is_confirming = false;
    for (const auto& call : calls)
      if (leads && !is_over(self->state))
        acknowledge(self, call);
      else
        reply(call->asker, not_leading());
    confirm_reports(self);
  };
  self->request(st.ports.leader_check, caf::infinite, confirm_leading{})
    .then([over](const leading_confirmed& now) { over(now.leads); }, [over](const caf::error&) { over(false); });
}

// -- grants --------------------------------------------------------------------------------

namespace {

/// The log has said what became of it; `is_logged` false: it never will be there.
void settle(self_ptr self, const model::cooldown_grant& grant, bool is_logged) {
  auto& st = self->state;
  const auto at = st.tablets.find(grant.tablet);
  if (at == st.tablets.end())
    return;
  at->second.proposing = false;
  if (!at->second.handler) {
    st.tablets.erase(at); // The round begins anew with it.
    return;
  }
  if (!is_logged)
    turn(self, grant.tablet, model::conf_not_logged{grant.term});
}

void on_grants_judged(self_ptr self, std::vector<model::cooldown_grant> grants, const model::edit_answer& answer) {
  if (answer.in_doubt())
    return; // They may yet become true.  The term is over anyway.
  if (!answer.ok() && answer.failure == model::journal_failure::none && grants.size() > 1) {
    // All or none: one of them is in the way.
    const auto culprit = std::ranges::find(grants, model::tablet_id{answer.id}, &model::cooldown_grant::tablet);
    if (culprit != grants.end()) {
      settle(self, *culprit, false);
      grants.erase(culprit);
      return propose_grants(self, std::move(grants));
    }
  }
  for (const auto& grant : grants)
    settle(self, grant, answer.ok());
}

void log_grants(self_ptr self, std::vector<model::cooldown_grant> grants) {
  const auto cat = self->state.ports.catalog->load();
  std::vector<model::reassignment> reasons;
  for (const auto& grant : grants)
    if (raw(grant.replica) != 0)
      reasons.push_back(model::reason_of_grant(*cat, grant.tablet));
  model::cooldown_granted edit{grants};
  propose(self, std::move(edit), [self, grants = std::move(grants), reasons = std::move(reasons)](const model::edit_answer& answer) {
    if (answer.ok())
      for (const auto reason : reasons)
        ++self->state.ports.board->assignments[static_cast<std::size_t>(reason)];
    on_grants_judged(self, grants, answer);
  });
}

}  // namespace

void propose_grants(self_ptr self, std::vector<model::cooldown_grant> grants) {
  // Elected again before anybody has ended it, this actor would grant without the reports another leader acknowledged.
  // The confirmation brings that leader's term into the catalog.  If this node does not lead, they are never proposed.
  self->request(self->state.ports.leader_check, caf::infinite, confirm_leading{})
    .then(
      [self, grants = std::move(grants)](const leading_confirmed& now) {
        if (now.leads && !is_over(self->state))
          log_grants(self, grants);
      },
      [](const caf::error&) { /* The journal is gone, and this leadership with it. */ });
}

// -- questions -----------------------------------------------------------------------------

namespace {

/// The tablet's handler, or an error for whoever asked.
template <class Answer>
cooldown_handler_actor handler_for(self_ptr self, model::tablet_id tablet, caf::typed_response_promise<Answer>& asker) {
  auto& st = self->state;
  if (!st.serves || is_over(st)) {
    reply(asker, not_leading());
    return {};
  }
  const auto at = st.tablets.find(tablet);
  if (at == st.tablets.end() || !at->second.handler) {
    reply(asker, failure("cooldown of tablet " + std::to_string(raw(tablet)) + " is not looked after at this moment"));
    return {};
  }
  return at->second.handler;
}

caf::error unknown_fate(const model::edit_answer& answer) {
  return failure("the edit log did not take it: " + answer.message);
}

void propose_publication(self_ptr self, model::tablet_id tablet, const model::publication_asked& asked,
                         caf::typed_response_promise<publication_answer> asker) {
  using model::publication_verdict;
  const auto answer_with = [asker](publication_verdict verdict) {
    reply(asker, codec::seal_publication_verdict(verdict));
  };
  propose(self, model::cooldown_published{tablet, asked.replica, asked.meta}, [asker, answer_with](const model::edit_answer& answer) {
    if (answer.ok())
      return answer_with(publication_verdict::accepted);
    if (answer.failure != model::journal_failure::none)
      return reply(asker, unknown_fate(answer));
    if (answer.why == model::refusal::not_uploader)
      return answer_with(publication_verdict::not_uploader);
    // A resource that is gone never comes back under its id: what lies there is given up.
    if (answer.why == model::refusal::remote_meta_stale || answer.why == model::refusal::resource_unknown)
      return answer_with(publication_verdict::not_greater);
    // Not for good: the catalog may not know yet what the uploader has.
    reply(asker, failure("the publication was refused: " + std::string{name(answer.why)}));
  });
}

void propose_deletion(self_ptr self, model::tablet_id tablet, const model::deletion_asked& asked,
                      caf::typed_response_promise<deletion_answer> asker) {
  propose(self, model::cooldown_deletion_confirmed{tablet, asked.replica, asked.id}, [asker](const model::edit_answer& answer) {
    if (answer.failure != model::journal_failure::none)
      return reply(asker, unknown_fate(answer));
    reply(asker, codec::seal_deletion_verdict(answer.ok(), answer.ok() ? "" : std::string{name(answer.why)}));
  });
}

}  // namespace

caf::typed_response_promise<publication_answer> on_publication(self_ptr self, const publication_question& asked) {
  auto asker = self->make_response_promise<publication_answer>();
  const model::tablet_id tablet{asked.get().getTablet()};
  const auto handler = handler_for(self, tablet, asker);
  if (!handler)
    return asker;
  turn(
    self, tablet, handler, model::cooldown_event{codec::decode_publication(asked.get())},
    [self, asker, tablet](const cooldown_turned& turned) {
      for (const auto& effect : turned.effects) {
        if (const auto* e = std::get_if<model::propose_publication>(&effect))
          return propose_publication(self, tablet, e->asked, asker);
        if (const auto* e = std::get_if<model::refuse_publication>(&effect))
          return reply(asker, codec::seal_publication_verdict(e->verdict));
      }
      if (!turned.is_there)
        return reply(asker, failure("the tablet is gone"));
      reply(asker, codec::seal_publication_verdict(model::publication_verdict::term_unknown));
    },
    [asker](const caf::error& why) { reply(asker, why); });
  return asker;
}

caf::typed_response_promise<deletion_answer> on_deletion(self_ptr self, const deletion_question& asked) {
  auto asker = self->make_response_promise<deletion_answer>();
  const model::tablet_id tablet{asked.get().getTablet()};
  const auto handler = handler_for(self, tablet, asker);
  if (!handler)
    return asker;
  turn(
    self, tablet, handler, model::cooldown_event{codec::decode_deletion(asked.get())},
    [self, asker, tablet](const cooldown_turned& turned) {
      for (const auto& effect : turned.effects) {
        if (const auto* e = std::get_if<model::confirm_deletion>(&effect))
          return propose_deletion(self, tablet, e->asked, asker);
        if (const auto* e = std::get_if<model::refuse_deletion>(&effect))
          return reply(asker, codec::seal_deletion_verdict(false, e->why));
      }
      reply(asker, failure("the tablet is gone"));
    },
    [asker](const caf::error& why) { reply(asker, why); });
  return asker;
}

}  // namespace tabletd::cooldown_steps
