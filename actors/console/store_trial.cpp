#include "actors/console/store_trial.h"

#include "actors/actor_clock.h"
#include "actors/codec/console_codec.h"
#include "actors/console/proposal.h"
#include "actors/model/edit_answer.h"
#include "actors/spawn_child.h"

namespace tabletd {

namespace {

using self_ptr = store_trial_actor::stateful_pointer<store_trial_state>;
using model::error_code;
using model::statement_error;

// -- the thread ----------------------------------------------------------------------------

/// Answers once: what resource_probe says.
using store_asker_actor = caf::typed_actor<caf::replies_to<begin_job>::with<std::string>>;
struct store_asker_state {
  static inline const char* name = "store_asker";
};
struct store_question {
  resource_probe probe;
  std::optional<store_to_try> store;
  std::optional<store_to_try> leaves;
  std::shared_ptr<const std::atomic<bool>> over;
};

store_asker_actor::behavior_type store_asker(store_asker_actor::stateful_pointer<store_asker_state> self,
                                             store_question what) {
  return {[self, what = std::move(what)](begin_job) {
    self->quit();
    auto fault = what.leaves && what.probe.leftovers ? what.probe.leftovers(*what.leaves, *what.over) : std::string{};
    if (fault.empty() && what.store)
      fault = what.probe.ask(*what.store, *what.over);
    return fault;
  }};
}

// -- the job -------------------------------------------------------------------------------

void answer(self_ptr self, std::variant<statement_error, model::statement_done> body) {
  auto& st = self->state;
  model::statement_result result{st.wish.kind, static_cast<double>((now(self) - st.begun).count()), {}, {}};
  std::visit([&result](auto& one) { result.body = std::move(one); }, body);
  if (auto to = std::exchange(st.statement, std::nullopt))
    to->deliver(codec::seal_outcome(result));
  self->quit();
}

/// "what went wrong; the next step" as message and hint.
statement_error refused(const store_trial_wish& wish, const std::string& fault) {
  const auto cut = fault.rfind("; ");
  const bool whole = cut == std::string::npos;
  return {error_code::failed_precondition,
          wish.doing + " failed: " + fault.substr(0, cut),
          whole ? "see that every node reaches the store" : fault.substr(cut + 2),
          {},
          {},
          {},
          {}};
}

void propose_it(self_ptr self) {
  auto& st = self->state;
  st.proposed = true;
  propose(self, st.ports.journal, st.ports.wall_clock(), st.wish.edit, [self](const model::edit_answer& said) {
    const auto& wish = self->state.wish;
    if (said.ok())
      answer(self, model::statement_done{wish.done, 1});
    else if (!wish.exists.empty() && said.why == model::refusal::resource_already_exists)
      answer(self, model::statement_done{wish.exists, 0});
    else
      answer(self, model::error_of(said, wish.doing, self->state.ports.leader()));
  });
}

caf::typed_response_promise<statement_outcome> on_begin(self_ptr self) {
  auto& st = self->state;
  self->demonitor(st.session);
  auto asked = self->make_response_promise<statement_outcome>();
  st.statement = asked;
  const auto store_of = [&](const std::optional<model::resource_properties>& properties) {
    return properties ? std::optional{store_to_try{st.wish.type, *properties, st.ports.catalog->load()->cluster}}
                      : std::nullopt;
  };
  store_question what{st.ports.probe, store_of(st.wish.properties), store_of(st.wish.leaves), st.over};
  const auto asker = st.ports.probe.has_a_thread ? spawn_child<caf::detached>(self, store_asker, std::move(what))
                                                 : spawn_child(self, store_asker, std::move(what));
  self->request(asker, caf::infinite, begin_job{})
      .then(
          [self](const std::string& fault) {
            if (fault.empty())
              propose_it(self);
            else
              answer(self, refused(self->state.wish, fault));
          },
          [self](const caf::error& why) {
            answer(self, statement_error{error_code::unavailable,
                                         self->state.wish.doing
                                             + " failed: the store could not be tried: " + text_of(self->system(), why),
                                         "try again",
                                         {},
                                         {},
                                         {},
                                         1'000});
          });
  return asked;
}

}  // namespace

store_trial_state::~store_trial_state() {
  *over = true;
  if (!statement)
    return;
  const std::string outcome = proposed ? "nobody knows whether it happened" : "nothing was changed";
  statement->deliver(
      codec::seal_outcome({wish.kind,
                           0,
                           {},
                           statement_error{error_code::unavailable,
                                           wish.doing + " was cut off: this front end stopped leading; " + outcome,
                                           "SHOW RESOURCES shows what there is; then try again",
                                           {},
                                           {},
                                           {},
                                           1'000,
                                           proposed}}));
}

store_trial_actor::behavior_type store_trial(self_ptr self, store_trial_wish wish, caf::actor_addr session,
                                             console_job_ports ports) {
  auto& st = self->state;
  st.wish = std::move(wish);
  st.ports = std::move(ports);
  st.session = std::move(session);
  st.begun = now(self);
  self->set_down_handler([self](caf::down_msg&) { self->quit(); });
  self->monitor(st.session);
  return {[self](begin_job) { return on_begin(self); }};
}

}  // namespace tabletd
