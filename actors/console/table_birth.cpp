#include "actors/console/table_birth.h"
#include "actors/actor_clock.h"
#include "actors/console/proposal.h"

namespace tabletd {

namespace {

using self_ptr = table_birth_actor::stateful_pointer<table_birth_state>;
using model::raw;

void feed(self_ptr self, const model::birth_event& event);

void order(self_ptr self, const model::create_replica& what) {
  const auto task = seal<wire::TaskOrder>([&](auto to) {
    to.setBackend(raw(what.backend));
    auto inside = to.initTask();
    inside.setFence(raw(what.fence));
    auto create = inside.initCreate();
    create.setTablet(raw(what.tablet));
    create.setReplica(raw(what.replica));
    create.setPath(raw(what.path));
  });
  // Membership answers every order once its task ended or its backend is declared dead.
  self->request(self->state.ports.membership, caf::infinite, task)
    .then([self, what](const task_ended& end) {
            const auto how = end.get();
            feed(self, model::replica_create_ended{what.backend, what.tablet,
                                                   how.isFailed() ? std::string{how.getFailed().getMessage().cStr()} : ""});
          },
          [self, what](const caf::error& why) {
            feed(self, model::replica_create_ended{what.backend, what.tablet, text_of(self->system(), why)});
          });
}

void answer(self_ptr self, const model::answer_birth& what) {
  auto& st = self->state;
  model::statement_result result{
      st.life.kind(), static_cast<double>((now(self) - st.begun).count()), what.warnings, {}};
  std::visit([&result](const auto& body) { result.body = body; }, what.body);
  if (auto to = std::exchange(st.statement, std::nullopt))
    to->deliver(codec::seal_outcome(result));
  self->quit();
}

void carry_out(self_ptr self, const model::birth_effects& effects) {
  const auto& ports = self->state.ports;
  for (const auto& effect : effects)
    std::visit(model::overloaded{
      [&](const model::propose_birth& e) {
        propose(self, ports.journal, ports.wall_clock(), e.body,
                [self](const model::edit_answer& said) { feed(self, said); });
      },
      [&](const model::order_replicas& e) {
        for (const auto& one : e.orders)
          order(self, one);
      },
      [&](const model::arm_birth_due& e) { self->delayed_send(self, e.in, tick_due{}); },
      [&](const model::answer_birth& e) { answer(self, e); },
    }, effect);
}

void feed(self_ptr self, const model::birth_event& event) {
  auto& st = self->state;
  carry_out(self, model::step(st.life, event, *st.ports.catalog->load(), *st.ports.cluster->load(), st.ports.leader()));
}

caf::typed_response_promise<statement_outcome> on_begin(self_ptr self) {
  auto& st = self->state;
  self->demonitor(st.session); // From here on the table is made whether or not anybody listens.
  auto asked = self->make_response_promise<statement_outcome>();
  st.statement = asked;
  carry_out(self, model::begin(st.life, *st.ports.catalog->load(), *st.ports.cluster->load()));
  return asked;
}

} // namespace

table_birth_state::~table_birth_state() {
  if (statement)
    statement->deliver(codec::seal_outcome(
        {life.kind(),
         0,
         {},
         model::statement_error{
             model::error_code::unavailable,
             "creating " + life.described() + " was cut off: this front end stopped leading",
             "look whether it exists before you repeat the statement: SHOW TABLETS FROM " + life.name,
             {},
             {},
             {},
             1'000,
             true}}));
}

table_birth_actor::behavior_type table_birth(self_ptr self, model::table_birth life, caf::actor_addr session,
                                             console_job_ports ports) {
  auto& st = self->state;
  st.life = std::move(life);
  st.ports = std::move(ports);
  st.session = std::move(session);
  st.begun = now(self);
  self->set_down_handler([self](caf::down_msg&) { self->quit(); });
  self->monitor(st.session);
  return {
    [self](begin_job) { return on_begin(self); },
    [self](tick_due) { feed(self, model::birth_due{}); },
  };
}

} // namespace tabletd
