#include "actors/supervision/term_scope.h"
#include "actors/codec/edit_codec.h"
#include "actors/urgent_exit.h"
#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>
#include <caf/system_messages.hpp>
#include <algorithm>
#include <utility>

namespace tabletd {

namespace {

using self_ptr = caf::stateful_actor<term_scope_state>*;
using failure = wire::EditOutcome::Failure;

edit_message stamped(self_ptr self, model::edit_body body) {
  return codec::encode({self->state.ports.wall_clock(), std::move(body)});
}

void fail(self_ptr self, const std::string& what) {
  self->quit(caf::make_error(caf::sec::runtime_error, what));
}

/// The group has moved on; the journal says how, if it has not already.
bool is_overtaken(failure why) { return why == failure::NOT_LEADER || why == failure::LEADERSHIP_LOST; }

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

/// Proposes one of the first edits of a term; `then` runs if it is true and the term still lasts.
void propose(self_ptr self, const model::edit_body& body, const char* what, void (*then)(self_ptr)) {
  const auto term = self->state.term;
  self->request(self->state.ports.journal, caf::infinite, stamped(self, body))
    .then([self, term, body, what, then](const edit_outcome& outcome) {
      if (self->state.term != term || is_overtaken(outcome.get().getFailure()))
        return;
      if (outcome.get().getFailure() == failure::OVERLOADED) {
        // Elected in the middle of a crowd: the term begins when there is room.
        self->state.again = [self, term, body, what, then] {
          if (self->state.term == term)
            propose(self, body, what, then);
        };
        const auto wait = std::max<std::uint32_t>(outcome.get().getRetryAfterMs(), 1);
        return self->delayed_send(self, std::chrono::milliseconds(wait), tick_due{});
      }
      if (outcome.get().getFailure() != failure::NONE)
        return fail(self, what + std::string(outcome.get().getMessage().cStr()));
      then(self);
    });
}

void found_cluster(self_ptr self) {
  const auto& ports = self->state.ports;
  if (ports.catalog->load()->founded())
    return start_subtree(self);
  // Refused means another leader founded it first: just as good.
  propose(self, model::cluster_founded{ports.new_cluster, ports.cluster_name}, "the cluster could not be founded: ",
          start_subtree);
}

void begin_term(self_ptr self) {
  auto& st = self->state;
  st.term = st.now.term;
  propose(self, model::term_began{model::term{st.term}, st.ports.node_id}, "the term could not begin: ", found_cluster);
}

/// Brings what runs in line with where this node stands.
void follow(self_ptr self) {
  auto& st = self->state;
  const auto wanted = st.now.leads ? st.now.term : 0;
  if (st.ending || st.term == wanted)
    return;
  stop_leading(st);
  st.term = 0;
  if (st.subtree)
    urgent_exit(st.subtree, caf::exit_reason::user_shutdown); // Its end calls this again.
  else if (wanted != 0)
    begin_term(self);
}

void on_down(self_ptr self, const caf::error& reason) {
  auto& st = self->state;
  st.subtree = nullptr;
  const bool by_itself = st.term != 0 && !st.ending;
  stop_leading(st);
  if (st.ending || by_itself)
    return self->quit(st.ending ? st.why : reason);
  follow(self);
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
    if (self->state.subtree && down.source == self->state.subtree.address())
      on_down(self, down.reason);
  });
  self->send(self->state.ports.journal, watch_standing{},
             caf::actor_cast<standing_listener_actor>(caf::actor_cast<caf::actor>(self)));
  return {[self](const standing& now) {
    self->state.now = now;
    follow(self);
  },
          [self](tick_due) {
            if (auto again = std::exchange(self->state.again, nullptr))
              again();
          }};
}

} // namespace tabletd
