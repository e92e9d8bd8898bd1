#include "actors/supervision/term_scope.h"
#include "actors/codec/edit_codec.h"
#include "actors/urgent_exit.h"
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>
#include <utility>

namespace tabletd {

namespace {

using self_ptr = caf::stateful_actor<term_scope_state>*;

edit_message stamped(self_ptr self, model::edit_body body) {
  return codec::encode({self->state.ports.wall_clock(), std::move(body)});
}

void fail(self_ptr self, const std::string& what) {
  self->quit(caf::make_error(caf::sec::runtime_error, what));
}

void start_subtree(self_ptr self) {
  auto& st = self->state;
  st.subtree = st.ports.start_subtree(self);
  self->monitor<caf::message_priority::high>(st.subtree);
  st.leads = true;
  st.ports.leading(true);
}

void stop_leading(term_scope_state& st) {
  if (std::exchange(st.leads, false))
    st.ports.leading(false);
}

void found_cluster(self_ptr self) {
  auto& ports = self->state.ports;
  if (ports.catalog->load()->founded())
    return start_subtree(self);
  self->request(ports.journal, caf::infinite,
                stamped(self, model::cluster_founded{ports.new_cluster, ports.cluster_name}))
    .then([self](const edit_outcome& outcome) {
      if (outcome.get().getFailure() != wire::EditOutcome::Failure::NONE)
        return fail(self, "the cluster could not be founded: " + std::string(outcome.get().getMessage().cStr()));
      start_subtree(self); // Refused means another leader founded it first: just as good.
    });
}

void begin_term(self_ptr self) {
  auto& ports = self->state.ports;
  self->request(ports.journal, caf::infinite,
                stamped(self, model::term_began{ports.term(), ports.node_id}))
    .then([self](const edit_outcome& outcome) {
      if (outcome.get().getFailure() != wire::EditOutcome::Failure::NONE)
        return fail(self, "the term could not begin: " + std::string(outcome.get().getMessage().cStr()));
      found_cluster(self);
    });
}

void end(self_ptr self, caf::error why) {
  auto& st = self->state;
  if (std::exchange(st.ending, true))
    return;
  stop_leading(st);
  st.why = std::move(why);
  if (!st.subtree)
    return self->quit(st.why);
  urgent_exit(st.subtree, caf::exit_reason::user_shutdown);
}

} // namespace

term_scope_state::~term_scope_state() {
  stop_leading(*this);
  urgent_exit(subtree, caf::exit_reason::kill);
}

caf::behavior term_scope(self_ptr self, term_scope_ports ports) {
  self->state.ports = std::move(ports);
  self->set_exit_handler([self](caf::exit_msg& ask) { end(self, ask.reason); });
  self->set_down_handler([self](caf::down_msg& down) {
    auto& st = self->state;
    if (!st.subtree || down.source != st.subtree.address())
      return;
    st.subtree = nullptr;
    stop_leading(st);
    self->quit(st.ending ? st.why : down.reason);
  });
  begin_term(self);
  return {[](tick_due) { /* Present so that the behavior is not empty: an empty one ends the actor. */ }};
}

} // namespace tabletd
