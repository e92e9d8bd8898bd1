#include "actors/console/load_job.h"
#include "actors/actor_clock.h"
#include "actors/console/proposal.h"
#include <caf/send.hpp>

namespace tabletd {

namespace {

using self_ptr = load_job_actor::stateful_pointer<load_job_state>;
using model::raw;

constexpr std::string_view kind = "load";

model::statement_result result_of(double elapsed_ms, std::variant<model::statement_error, model::statement_done> body,
                                  std::vector<model::statement_error> warnings) {
  model::statement_result result{kind, elapsed_ms, std::move(warnings), {}};
  std::visit([&result](auto& one) { result.body = std::move(one); }, body);
  return result;
}

double elapsed(self_ptr self) { return static_cast<double>((now(self) - self->state.begun).count()); }

model::statement_error killed(const load_job_state& st) {
  return {model::error_code::unavailable, "loading " + st.life.request.table_name + " was cut off: this front end stopped leading",
          "load again with LABEL '" + st.life.request.label + "': a label that was committed loads nothing twice",
          {}, {}, {}, 1'000, true};
}

// -- carry_out ---------------------------------------------------------------------------

void feed(self_ptr self, const model::load_event& event);

void publish(self_ptr self, const model::publish_load& what) {
  const auto& st = self->state;
  const auto order = seal<wire::PublishOrder>([&](auto to) {
    to.setBackend(raw(what.backend));
    auto verdict = to.initTxns(1)[0];
    verdict.setTxn(raw(st.life.txn));
    verdict.setVersion(what.version);
    auto tablets = verdict.initTablets(static_cast<unsigned>(what.tablets.size()));
    for (unsigned i = 0; i < tablets.size(); ++i)
      tablets.set(i, raw(what.tablets[i]));
  }, 64 + what.tablets.size());
  if (!what.wait) {
    caf::anon_send(st.ports.membership, order);
    return;
  }
  self->request(st.ports.membership, caf::infinite, order)
    .then([self](const publish_ended& end) { feed(self, codec::decode(end.get())); },
          [self, backend = what.backend](const caf::error& why) {
            feed(self, model::publish_answered{backend, {}, text_of(self->system(), why)});
          });
}

void answer_client(self_ptr self, const model::answer_load& what) {
  auto to = std::exchange(self->state.client, std::nullopt);
  if (to)
    to->deliver(codec::seal_result(result_of(elapsed(self), what.body, what.warnings)));
}

void answer_statement(self_ptr self, const statement_outcome& outcome) {
  auto to = std::exchange(self->state.statement, std::nullopt);
  if (to)
    to->deliver(outcome);
}

void leave(self_ptr self) {
  if (self->state.session)
    self->demonitor(self->state.session); // A short life must not leak into a long one.
  self->quit();
}

void carry_out(self_ptr self, const model::load_effects& effects) {
  auto& st = self->state;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
      [&](const model::propose_edit& e) {
        propose(self, st.ports.journal, st.ports.wall_clock(), e.body,
                [self](const model::edit_answer& answer) { feed(self, answer); });
      },
      [&](const model::answer_plan& e) { answer_statement(self, codec::seal_outcome(e.plan)); },
      [&](const model::answer_statement& e) {
        answer_statement(self, codec::seal_outcome(result_of(elapsed(self), e.body, {})));
      },
      [&](const model::answer_load& e) { answer_client(self, e); },
      [&](const model::publish_load& e) { publish(self, e); },
      [&](const model::arm_load_tick& e) { self->delayed_send(self, e.in, tick_due{}); },
      [&](const model::load_over&) { leave(self); },
    }, effect);
}

void feed(self_ptr self, const model::load_event& event) {
  auto& st = self->state;
  carry_out(self, model::step(st.life, event, *st.ports.catalog->load(), now(self), st.ports.leader()));
}

// -- decode ------------------------------------------------------------------------------

caf::typed_response_promise<statement_outcome> on_begin(self_ptr self) {
  auto& st = self->state;
  auto asked = self->make_response_promise<statement_outcome>();
  st.statement = asked;
  carry_out(self, model::begin(st.life, *st.ports.catalog->load()));
  return asked;
}

caf::typed_response_promise<api_result> on_prepared(self_ptr self, const load_prepared& rows) {
  auto& st = self->state;
  auto asked = self->make_response_promise<api_result>();
  if (!model::takes_rows(st.life)) {
    asked.deliver(codec::seal_result(result_of(
      elapsed(self),
      model::statement_error{model::error_code::conflict, "the load of " + st.life.request.table_name + " is being ended already",
                             "finish an upload once", {}, {}, {}, {}},
      {})));
    return asked;
  }
  st.client = asked;
  feed(self, codec::decode(rows.get()));
  return asked;
}

void announce(self_ptr self) {
  const auto& st = self->state;
  self->send(st.ports.load_keeper, load_announced{{st.life.request.table, st.life.request.label}, self->address()});
}

void open(self_ptr self, const load_from_session& from) {
  auto& st = self->state;
  st.life.request = from.request;
  st.session = from.session;
  announce(self);
  self->set_down_handler([self](caf::down_msg&) { feed(self, model::load_given_up{"its session ended"}); });
  self->monitor(st.session);
}

} // namespace

load_job_state::~load_job_state() {
  if (statement)
    statement->deliver(codec::seal_outcome(result_of(0, killed(*this), {})));
  if (client)
    client->deliver(codec::seal_result(result_of(0, killed(*this), {})));
}

load_job_actor::behavior_type load_job(self_ptr self, load_origin origin, console_job_ports ports) {
  auto& st = self->state;
  st.ports = std::move(ports);
  st.begun = now(self);
  std::visit(model::overloaded{
    [self](const load_from_session& from) { open(self, from); },
    [self, &st](const load_taken_over& from) {
      const auto effects = model::resume(st.life, from.txn, *st.ports.catalog->load(), now(self));
      announce(self);
      carry_out(self, effects);
    },
  }, origin);
  return {
    [self](const load_prepared& rows) { return on_prepared(self, rows); },
    [self](begin_job) { return on_begin(self); },
    [self](const load_abandoned&) { feed(self, model::load_given_up{"the client went away before the end of the file"}); },
    [self](tick_due) { feed(self, model::load_tick{}); },
  };
}

} // namespace tabletd
