#include "actors/membership/membership.h"
#include "actors/actor_clock.h"
#include "actors/codec/agent_codec.h"
#include "actors/codec/edit_codec.h"
#include "actors/model/membership_rules.h"
#include "actors/spawn_child.h"
#include <caf/actor_cast.hpp>
#include <caf/error.hpp>
#include <caf/system_messages.hpp>
#include <algorithm>

namespace tabletd {

namespace {

using self_ptr = membership_life_actor::stateful_pointer<membership_state>;
using model::backend_id;
using model::raw;

std::string child_id(backend_id backend) {
  return "backend_agent-" + std::to_string(raw(backend));
}

/// `then` runs when the edit was folded, refused or not taken: in every case it has ended.
template <class Then>
void propose(self_ptr self, model::edit_body body, Then then) {
  auto& ports = self->state.ports;
  self->request(ports.journal, caf::infinite, codec::encode({ports.wall_clock(), std::move(body)}))
      .then(
          [then](const edit_outcome& outcome) {
            then(outcome.get().getFailure() == wire::EditOutcome::Failure::NONE);
          },
          [then](const caf::error&) { then(false); });
}

// -- the view ----------------------------------------------------------------------------

void publish_view(self_ptr self) {
  auto& st = self->state;
  st.view_moved = false;
  st.ports.view->store(std::make_shared<const model::cluster_view>(st.view));
  for (const auto& listener : st.listeners)
    self->send(listener, view_changed{});
}

// -- the rule of life and death ----------------------------------------------------------

void feed(self_ptr self, const model::liveness_event& event);

void carry_out(self_ptr self, const model::liveness_effects& effects) {
  const auto ended = [self](backend_id backend) {
    return [self, backend](bool) { feed(self, model::proposal_ended{backend}); };
  };
  for (const auto& effect : effects)
    std::visit(model::overloaded{
                   [&](const model::propose_died& e) {
                     propose(self, model::backend_died{e.backend}, ended(e.backend));
                   },
                   [&](const model::propose_returned& e) {
                     propose(self, model::backend_returned{e.backend, e.paths}, ended(e.backend));
                   },
               },
               effect);
}

void feed(self_ptr self, const model::liveness_event& event) {
  auto& st = self->state;
  carry_out(self, model::step(st.liveness, *st.ports.catalog->load(), event, now(self)));
}

// -- agents ------------------------------------------------------------------------------

child_spec agent_spec(self_ptr self, backend_id backend) {
  const auto& ports = self->state.ports;
  backend_agent_ports agent_ports{ports.journal,    ports.catalog,
                                  ports.wire,       caf::actor_cast<sighting_sink_actor>(self),
                                  ports.wall_clock, ports.options.agent};
  agent_ports.options.link.heartbeat_every = ports.options.liveness.interval;
  const auto home = caf::actor_cast<membership_life_actor>(self);
  child_spec spec;
  spec.id = child_id(backend);
  spec.start = [backend, home, agent_ports](caf::event_based_actor* supervisor) {
    const backend_agent_actor agent = spawn_child(supervisor, backend_agent, backend, agent_ports);
    supervisor->send(home, agent_up{backend, agent});
    return caf::actor_cast<caf::actor>(agent);
  };
  return spec;
}

void fail_waiting(membership_state& st, backend_id backend, const std::string& why) {
  auto given_up = st.waiting.extract(backend);
  if (given_up.empty())
    return;
  for (auto& [order, asker] : given_up.mapped().tasks)
    asker.deliver(seal<wire::TaskEnded>([&](auto end) {
      end.setFence(order.get().getTask().getFence());
      codec::encode(model::task_failed{model::task_failure::unreachable, why}, end.initFailed());
    }));
  for (auto& [order, asker] : given_up.mapped().publishes)
    asker.deliver(seal<wire::PublishEnded>([&](auto end) {
      end.setBackend(raw(backend));
      end.setError(why);
    }));
}

void stop_agent(self_ptr self, backend_id backend) {
  auto& st = self->state;
  st.agents.erase(backend);
  const auto gone = [self, backend] { self->state.roster.erase(backend); };
  self->request(st.ports.supervisor, caf::infinite, stop_child{child_id(backend)})
      .then([gone] { gone(); }, [gone](const caf::error&) { gone(); });
}

/// Not started: most likely the child of an earlier incarnation of this actor is in the way.
/// Once it is stopped the next tick starts anew.
void start_agent(self_ptr self, backend_id backend) {
  auto& st = self->state;
  st.roster.insert(backend);
  auto& seen = st.view.backends[backend];
  seen.id = backend;
  seen.error = "not dialled yet";
  self->request(st.ports.supervisor, caf::infinite, start_child{agent_spec(self, backend)})
      .then([](const caf::actor&) { /* agent_up says the same, also after a restart. */ },
            [self, backend](const caf::error&) { stop_agent(self, backend); });
}

void follow_roster(self_ptr self) {
  auto& st = self->state;
  const auto change = model::compare_roster(*st.ports.catalog->load(), st.roster);
  for (const auto backend : change.joined)
    start_agent(self, backend);
  for (const auto backend : change.left) {
    if (st.view.backends.erase(backend) == 0)
      continue; // Already being stopped.
    fail_waiting(st, backend, "the backend was dropped from the cluster");
    stop_agent(self, backend);
  }
  if (!change.joined.empty() || !change.left.empty())
    publish_view(self);
}

void on_agent_up(self_ptr self, const agent_up& up) {
  auto& st = self->state;
  const auto& [backend, agent] = up;
  if (!st.roster.contains(backend))
    return;
  self->monitor(agent);
  st.agents[backend] = agent;
  auto waiting = st.waiting.extract(backend);
  if (waiting.empty())
    return;
  for (auto& [order, asker] : waiting.mapped().tasks)
    asker.delegate(agent, order);
  for (auto& [order, asker] : waiting.mapped().publishes)
    asker.delegate(agent, order);
}

void on_agent_down(self_ptr self, const caf::down_msg& down) {
  std::erase_if(self->state.agents,
                [&](const auto& entry) { return entry.second.address() == down.source; });
  std::erase_if(self->state.listeners,
                [&](const auto& listener) { return listener.address() == down.source; });
}

void on_sighting(self_ptr self, const backend_sighting& seen) {
  auto& st = self->state;
  const auto backend = seen.view.id;
  const auto at = st.view.backends.find(backend);
  if (at == st.view.backends.end())
    return; // Dropped meanwhile.
  const auto& known = at->second;
  const bool news = known.linked != seen.view.linked || known.reported != seen.view.reported
                    || known.boot != seen.view.boot || known.error != seen.view.error;
  at->second = seen.view;
  st.view_moved = true;
  if (news)
    publish_view(self); // How full a disk is can wait for the tick.
  if (seen.beat)
    feed(self, model::heart_beat{backend, model::paths_serving(seen.view.paths)});
}

// -- orders ------------------------------------------------------------------------------

caf::typed_response_promise<task_ended> route(self_ptr self, const task_order& order) {
  auto& st = self->state;
  auto asker = self->make_response_promise<task_ended>();
  const backend_id backend{order.get().getBackend()};
  if (const auto at = st.agents.find(backend); at != st.agents.end())
    return asker.delegate(at->second, order);
  st.waiting[backend].tasks.emplace_back(order, asker);
  if (!st.view.backends.contains(backend))
    fail_waiting(st, backend, "backend " + std::to_string(raw(backend)) + " is not in the cluster");
  return asker;
}

caf::typed_response_promise<publish_ended> route(self_ptr self, const publish_order& order) {
  auto& st = self->state;
  auto asker = self->make_response_promise<publish_ended>();
  const backend_id backend{order.get().getBackend()};
  if (const auto at = st.agents.find(backend); at != st.agents.end())
    return asker.delegate(at->second, order);
  st.waiting[backend].publishes.emplace_back(order, asker);
  if (!st.view.backends.contains(backend))
    fail_waiting(st, backend, "backend " + std::to_string(raw(backend)) + " is not in the cluster");
  return asker;
}

// -- duties of a leader ------------------------------------------------------------------

void drop_emptied(self_ptr self) {
  auto& st = self->state;
  for (const auto backend : model::emptied_backends(*st.ports.catalog->load()))
    if (st.dropping.insert(backend).second)
      propose(self, model::backend_dropped{backend},
              [self, backend](bool) { self->state.dropping.erase(backend); });
}

void on_advance(self_ptr self, const catalog_advanced& news) {
  follow_roster(self);
  for (const auto backend : news.get().getBackends())
    if (const auto at = self->state.agents.find(backend_id{backend});
        at != self->state.agents.end())
      self->send(at->second, news);
}

void on_tick(self_ptr self) {
  auto& st = self->state;
  follow_roster(self);
  feed(self, model::liveness_ticked{});
  drop_emptied(self);
  if (st.view_moved)
    publish_view(self);
  self->delayed_send(self, st.ports.options.tick, tick_due{});
}

void on_subscribe(self_ptr self, const view_listener_actor& listener) {
  self->monitor(listener);
  self->state.listeners.push_back(listener);
  self->send(listener, view_changed{});
}

} // namespace

membership_state::~membership_state() {
  while (!waiting.empty())
    fail_waiting(*this, waiting.begin()->first, "the leader's term has ended");
}

membership_life_actor::behavior_type membership(self_ptr self, membership_ports ports) {
  auto& st = self->state;
  st.ports = std::move(ports);
  st.liveness.options = st.ports.options.liveness;
  self->set_down_handler([self](caf::down_msg& down) { on_agent_down(self, down); });
  follow_roster(self);
  feed(self, model::liveness_ticked{});
  self->delayed_send(self, st.ports.options.tick, tick_due{});
  return {
      [self](const catalog_advanced& news) { on_advance(self, news); },
      [self](const task_order& order) { return route(self, order); },
      [self](const publish_order& order) { return route(self, order); },
      [self](tick_due) { on_tick(self); },
      [self](const agent_up& up) { on_agent_up(self, up); },
      [self](const backend_sighting& seen) { on_sighting(self, seen); },
      [self](subscribe, const view_listener_actor& listener) { on_subscribe(self, listener); },
  };
}

} // namespace tabletd
