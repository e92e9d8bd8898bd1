#include "actors/membership/backend_agent.h"
#include "actors/actor_clock.h"
#include "actors/codec/backend_codec.h"
#include "actors/codec/edit_codec.h"
#include <caf/actor_cast.hpp>
#include <caf/error.hpp>
#include <utility>

namespace tabletd {

namespace {

using self_ptr = backend_agent_life_actor::stateful_pointer<backend_agent_state>;
using model::raw;

// -- decode ------------------------------------------------------------------------------

model::task_key key_of(wire::TaskEnded::Reader end) {
  return {model::log_index{end.getFence()}, model::tablet_id{end.getTablet()}};
}

model::held_ref ref_of(wire::Task::Reader task) {
  const auto ref = [](auto order) {
    return model::held_ref{model::tablet_id{order.getTablet()},
                           model::replica_id{order.getReplica()}};
  };
  switch (task.which()) {
    case wire::Task::CREATE: return ref(task.getCreate());
    case wire::Task::CLONE: return ref(task.getClone());
    case wire::Task::DROP: return ref(task.getDrop());
    case wire::Task::VERIFY: return ref(task.getVerify());
    case wire::Task::MOVE: return ref(task.getMove());
    case wire::Task::CANCEL:
    case wire::Task::UNSET: break;
  }
  return {};
}

task_ended unreachable(const task_order& order, const std::string& why) {
  const auto task = order.get().getTask();
  const auto ref = ref_of(task);
  return codec::seal_end(model::failed_end(model::log_index{task.getFence()}, ref.tablet,
                                           ref.replica, model::task_failure::unreachable, why));
}

publish_ended unpublished(model::backend_id backend, std::uint64_t seq, const std::string& why) {
  return seal<wire::PublishEnded>([&](auto end) {
    end.setBackend(raw(backend));
    end.setSeq(seq);
    end.setError(why);
  });
}

// -- carry_out ---------------------------------------------------------------------------

void feed(self_ptr self, const model::link_event& event);

void show(self_ptr self, bool beat) {
  auto& st = self->state;
  st.view.linked = st.link.linked();
  st.view.reported = st.link.reported;
  st.view.error = st.link.error;
  if (beat)
    st.view.last_heartbeat = st.ports.wall_clock();
  self->send(st.ports.membership, backend_sighting{st.view, beat});
}

void dial(self_ptr self) {
  auto& st = self->state;
  const auto cat = st.ports.catalog->load();
  if (const auto* b = cat->backends.find(st.backend))
    st.ports.wire->attach({cat->cluster, st.backend, cat->term, cat->leader}, b->host, b->port,
                          caf::actor_cast<backend_agent_actor>(self));
}

void submit(self_ptr self, const std::vector<model::task_key>& keys) {
  auto& st = self->state;
  st.ports.wire->submit(st.backend,
                        seal<wire::TaskBatch>(
                            [&](auto batch) {
                              auto tasks = batch.initTasks(static_cast<unsigned>(keys.size()));
                              for (unsigned i = 0; i < tasks.size(); ++i)
                                tasks.setWithCaveats(i, st.tasks.at(keys[i]).order.get().getTask());
                            },
                            16 + keys.size() * 24));
}

void end_task(self_ptr self, model::task_key key, const task_ended& how) {
  auto ended = self->state.tasks.extract(key);
  for (auto& asker : ended.mapped().askers)
    asker.deliver(how);
}

void end_publish(self_ptr self, std::uint64_t seq, const publish_ended& how) {
  auto ended = self->state.publishes.extract(seq);
  ended.mapped().asker.deliver(how);
}

void carry_out(self_ptr self, const model::link_effects& effects) {
  auto& st = self->state;
  auto& wire = *st.ports.wire;
  for (const auto& effect : effects)
    std::visit(
        model::overloaded{
            [&](const model::dial&) { dial(self); },
            [&](const model::hang_up&) { wire.detach(st.backend); },
            [&](const model::send_beat& e) { wire.heartbeat(st.backend, e.seq); },
            [&](const model::ask_full_report&) { wire.request_report(st.backend); },
            [&](const model::close_batch&) { self->send(self, batch_due{}); },
            [&](const model::submit_tasks& e) { submit(self, e.keys); },
            [&](const model::send_publish& e) {
              wire.publish(st.backend, e.seq, st.publishes.at(e.seq).order);
            },
            [&](const model::answer_task& e) { end_task(self, e.key, st.heard_task); },
            [&](const model::fail_task& e) {
              end_task(self, e.key, unreachable(st.tasks.at(e.key).order, e.why));
            },
            [&](const model::answer_publish& e) { end_publish(self, e.seq, st.heard_publish); },
            [&](const model::fail_publish& e) {
              end_publish(self, e.seq, unpublished(st.backend, e.seq, e.why));
            },
            [&](const model::link_changed&) { show(self, false); },
        },
        effect);
}

void feed(self_ptr self, const model::link_event& event) {
  carry_out(self, model::step(self->state.link, event, now(self)));
}

void judge(self_ptr self) {
  const auto cat = self->state.ports.catalog->load();
  const auto* b = cat->backends.find(self->state.backend);
  feed(self, model::backend_judged{b != nullptr, b && b->alive});
}

// -- reports -----------------------------------------------------------------------------

void propose(self_ptr self);

/// The journal will not take them now; what is still true then a later report says again.
void postpone(self_ptr self) {
  self->state.proposals.clear();
  feed(self, model::full_wanted{now(self) + self->state.ports.options.proposal_retry});
}

void propose(self_ptr self) {
  auto& st = self->state;
  while (!st.proposals.empty() && st.proposing < st.ports.options.proposals_max) {
    model::edit edit{st.ports.wall_clock(), std::move(st.proposals.front())};
    st.proposals.pop_front();
    ++st.proposing;
    self->request(st.ports.journal, caf::infinite, codec::encode(edit))
        .then(
            [self](const edit_outcome& outcome) {
              --self->state.proposing;
              if (outcome.get().getFailure() != wire::EditOutcome::Failure::NONE)
                return postpone(self);
              propose(self);
            },
            [self](const caf::error&) {
              --self->state.proposing;
              postpone(self);
            });
  }
}

void on_report(self_ptr self, wire::TabletReport::Reader from) {
  auto& st = self->state;
  if (!st.link.linked())
    return; // Of a link that is gone.
  const auto report = codec::decode(from);
  const auto found
      = model::diff(*st.ports.catalog->load(), st.backend, report, st.memory, now(self));
  if (report.full && found.fate == model::report_fate::folded) {
    st.proposals.clear(); // It repeats what is still so.
    feed(self, model::full_folded{});
  }
  st.proposals.insert(st.proposals.end(), found.edits.begin(), found.edits.end());
  propose(self);
  if (!found.tasks.empty())
    st.ports.wire->submit(st.backend, codec::seal_tasks(found.tasks));
  if (!found.verdicts.empty())
    st.ports.wire->publish(st.backend, ++st.publish_seq,
                           codec::seal_verdicts(st.backend, found.verdicts));
  if (found.full_wanted)
    feed(self, model::full_wanted{*found.full_wanted});
}

// -- the other events --------------------------------------------------------------------

void on_attached(self_ptr self, wire::AttachedFacts::Reader from) {
  auto& st = self->state;
  codec::decode_into(st.view, from);
  model::attach(st.memory, st.view.boot);
  feed(self, model::link_attached{});
}

void on_status(self_ptr self, wire::BackendStatus::Reader from) {
  auto& st = self->state;
  auto status = codec::decode(from);
  if (!st.link.linked() || status.boot != st.memory.boot)
    return;
  model::note_status(st.memory, status);
  st.view.paths = std::move(status.paths);
  st.view.tasks_running = status.tasks_running;
  feed(self, model::link_answered{});
  show(self, true);
}

void on_ended(self_ptr self, wire::TaskEnded::Reader end) {
  auto& st = self->state;
  model::note_stamp(st.memory, end.getStamp());
  st.heard_task = task_ended::copy(end);
  feed(self, model::task_end_heard{key_of(end)});
}

void on_published(self_ptr self, wire::PublishEnded::Reader end) {
  self->state.heard_publish = publish_ended::copy(end);
  feed(self, model::publish_heard{end.getSeq(), end.getError().size() == 0});
}

void on_event(self_ptr self, wire::BackendEvent::Reader event) {
  switch (event.which()) {
    case wire::BackendEvent::UNSET: return;
    case wire::BackendEvent::ATTACHED: return on_attached(self, event.getAttached());
    case wire::BackendEvent::REFUSED:
      return feed(self, model::link_refused{event.getRefused().cStr()});
    case wire::BackendEvent::LOST: return feed(self, model::link_lost{event.getLost().cStr()});
    case wire::BackendEvent::STATUS: return on_status(self, event.getStatus());
    case wire::BackendEvent::REPORT: return on_report(self, event.getReport());
    case wire::BackendEvent::ENDED:
      for (const auto end : event.getEnded())
        on_ended(self, end);
      return;
    case wire::BackendEvent::PUBLISHED: return on_published(self, event.getPublished());
  }
}

// -- orders ------------------------------------------------------------------------------

caf::typed_response_promise<task_ended> on_task(self_ptr self, const task_order& order) {
  const auto task = order.get().getTask();
  const model::task_key key{model::log_index{task.getFence()}, ref_of(task).tablet};
  auto asker = self->make_response_promise<task_ended>();
  auto& open = self->state.tasks[key];
  open.order = order;
  open.askers.push_back(asker);
  feed(self, model::task_ordered{key});
  return asker;
}

caf::typed_response_promise<publish_ended> on_publish(self_ptr self, const publish_order& order) {
  auto& st = self->state;
  auto asker = self->make_response_promise<publish_ended>();
  const auto seq = ++st.publish_seq;
  st.publishes[seq] = {order, asker};
  feed(self, model::publish_ordered{seq});
  return asker;
}

void on_tick(self_ptr self) {
  judge(self);
  feed(self, model::link_ticked{});
  self->delayed_send(self, self->state.ports.options.tick, tick_due{});
}

} // namespace

backend_agent_state::~backend_agent_state() {
  const std::string why = "the leader let go of this backend";
  for (auto& [key, open] : tasks)
    for (auto& asker : open.askers)
      asker.deliver(unreachable(open.order, why));
  for (auto& [seq, open] : publishes)
    open.asker.deliver(unpublished(backend, seq, why));
  if (ports.wire)
    ports.wire->detach(backend);
}

backend_agent_life_actor::behavior_type backend_agent(self_ptr self, model::backend_id backend,
                                                      backend_agent_ports ports) {
  auto& st = self->state;
  st.backend = st.view.id = backend;
  st.link.options = ports.options.link;
  st.memory.options = ports.options.report;
  st.memory.keeper = self->id(); // An agent that is restarted within the term must not use a fence again.
  st.ports = std::move(ports);
  judge(self);
  self->delayed_send(self, st.ports.options.tick, tick_due{});
  return {
      [self](const backend_event& event) { on_event(self, event.get()); },
      [self](const task_order& order) { return on_task(self, order); },
      [self](const publish_order& order) { return on_publish(self, order); },
      [self](const catalog_advanced&) { judge(self); },
      [self](tick_due) { on_tick(self); },
      [self](batch_due) { feed(self, model::batch_closed{}); },
  };
}

} // namespace tabletd
