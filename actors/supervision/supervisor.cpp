#include "actors/supervision/supervisor.h"
#include "actors/actor_clock.h"
#include "actors/error_text.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"
#include <caf/local_actor.hpp>
#include <caf/sec.hpp>
#include <caf/unit.hpp>

namespace tabletd {

namespace {

using self_ptr = caf::stateful_actor<supervisor_state>*;
using model::child_key;

model::exit_kind kind_of(const caf::error& why) {
  const bool is_calm = !why || why == caf::exit_reason::normal || why == caf::exit_reason::user_shutdown;
  return is_calm ? model::exit_kind::normal : model::exit_kind::abnormal;
}

child_state state_of(const model::child_life& child) {
  switch (child.phase) {
    case model::child_phase::running:
    case model::child_phase::stopping:
      return child_state::running;
    case model::child_phase::waiting:
    case model::child_phase::backing_off:
      return child_state::backoff;
    case model::child_phase::ended:
      break;
  }
  return child.ended_how == model::exit_kind::normal ? child_state::stopped : child_state::failed;
}

std::string type_of(const supervised_child& child) {
  if (!child.spec.type.empty() || !child.handle)
    return child.spec.type;
  const auto* actor = dynamic_cast<const caf::local_actor*>(caf::actor_cast<caf::abstract_actor*>(child.handle));
  return actor ? actor->name() : "";
}

void publish(self_ptr self, child_key key) {
  auto& st = self->state;
  const auto life = st.life.children.find(key);
  const auto at = st.children.find(key);
  if (life == st.life.children.end() || at == st.children.end())
    return;
  auto& child = at->second;
  if (child.spec.type.empty())
    child.spec.type = type_of(child);
  const auto restarts = life->second.starts == 0 ? 0 : life->second.starts - 1;
  st.rows.update(key, {{}, child.spec.id, child.spec.type, state_of(life->second), restarts,
                       self->clock().now(), child.last_error});
}

void note_crash(self_ptr self, supervised_child& child, std::string error) {
  child.last_error = std::move(error);
  self->state.last_crash = child.spec.id + ": " + child.last_error;
  self->state.rows.tell(supervision_news::kind::crashed, child.spec.id, child.last_error);
}

void feed(self_ptr self, const model::supervision_event& event);

void failed_to_start(self_ptr self, child_key key, const std::string& why) {
  auto& child = self->state.children.at(key);
  note_crash(self, child, "it did not start: " + why);
  if (child.asked_to_start)
    std::exchange(child.asked_to_start, std::nullopt)->deliver(failure(child.spec.id + " did not start: " + why));
  feed(self, model::child_not_started{key});
}

void start(self_ptr self, child_key key) {
  auto& st = self->state;
  auto& child = st.children.at(key);
  if (st.life.children.at(key).starts > 1)
    st.rows.restarted();
  caf::actor handle;
  try {
    handle = child.spec.start(self);
  } catch (...) {
    return failed_to_start(self, key, current_exception_text());
  }
  if (!handle)
    return failed_to_start(self, key, "its start function returned no actor");
  child.handle = handle;
  st.by_actor[handle.id()] = key;
  self->monitor<caf::message_priority::high>(handle);
  if (st.observer)
    self->send(st.observer, child_up{child.spec.id, handle});
  if (child.asked_to_start)
    std::exchange(child.asked_to_start, std::nullopt)->deliver(handle);
  feed(self, model::child_started{key});
}

void forget(self_ptr self, child_key key) {
  auto& st = self->state;
  const auto at = st.children.find(key);
  auto& child = at->second;
  if (child.asked_to_start)
    child.asked_to_start->deliver(failure(child.spec.id + " was not started: it was stopped before its turn came"));
  for (auto& asker : child.asked_to_stop)
    asker.deliver(caf::unit);
  st.by_id.erase(child.spec.id);
  st.rows.remove(key);
  st.children.erase(at);
}

void kill(self_ptr self, child_key key) {
  const auto& child = self->state.children.at(key);
  if (child.spec.shutdown.count() > 0)
    self->state.rows.tell(supervision_news::kind::killed, child.spec.id, "it did not stop in time");
  urgent_exit(child.handle, caf::exit_reason::kill);
}

void quit(self_ptr self, bool has_escalated) {
  auto& st = self->state;
  if (!has_escalated)
    return self->quit(st.asked_to_exit);
  const auto why = st.label + " gave up after " + std::to_string(st.life.restarts.size()) + " crashes within "
                   + std::to_string(st.life.spec.window.count()) + " ms, the last one: " + st.last_crash;
  st.rows.tell(supervision_news::kind::escalated, {}, why);
  self->quit(failure(why));
}

void carry_out(self_ptr self, const model::supervision_effect& effect) {
  auto& st = self->state;
  std::visit(model::overloaded{
               [&](const model::start_child_effect& e) { start(self, e.child), publish(self, e.child); },
               [&](const model::stop_child_effect& e) {
                 urgent_exit(st.children.at(e.child).handle, caf::exit_reason::user_shutdown);
               },
               [&](const model::kill_child_effect& e) { kill(self, e.child); },
               [&](const model::forget_child_effect& e) { forget(self, e.child); },
               [&](const model::wake_effect& e) { self->delayed_send(self, e.at - now(self), tick_due{}); },
               [&](const model::quit_effect& e) { quit(self, e.escalated); },
             },
             effect);
}

/// Starting a child answers at once, so events arise while effects are carried out; they
/// queue behind, which keeps the order that the model asked for.
void feed(self_ptr self, const model::supervision_event& event) {
  auto& st = self->state;
  for (auto& effect : model::step(st.life, event, now(self)))
    st.todo.push_back(std::move(effect));
  if (std::exchange(st.is_carrying_out, true))
    return;
  while (!st.todo.empty()) {
    const auto next = st.todo.front();
    st.todo.pop_front();
    carry_out(self, next);
  }
  st.is_carrying_out = false;
}

child_key add(self_ptr self, child_spec spec) {
  auto& st = self->state;
  const auto key = model::add_child(st.life, spec.when, spec.shutdown);
  st.by_id[spec.id] = key;
  st.children[key].spec = std::move(spec);
  publish(self, key);
  return key;
}

caf::result<caf::actor> on_start_child(self_ptr self, const start_child& ask) {
  auto& st = self->state;
  if (st.life.is_ending)
    return failure(ask.spec.id + " was not started: its supervisor is stopping");
  if (st.by_id.contains(ask.spec.id))
    return failure(st.label + " already has a child called " + ask.spec.id);
  const auto key = add(self, ask.spec);
  auto promise = self->make_response_promise();
  st.children[key].asked_to_start = promise;
  feed(self, model::child_admitted{key});
  return promise;
}

caf::result<void> on_stop_child(self_ptr self, const stop_child& ask) {
  auto& st = self->state;
  const auto at = st.by_id.find(ask.id);
  if (at == st.by_id.end())
    return failure(st.label + " has no child called " + ask.id);
  auto promise = self->make_response_promise();
  st.children[at->second].asked_to_stop.push_back(promise);
  feed(self, model::child_unwanted{at->second});
  return promise;
}

void on_down(self_ptr self, const caf::down_msg& down) {
  auto& st = self->state;
  const auto at = st.by_actor.find(down.source.id());
  if (at == st.by_actor.end())
    return;
  const auto key = at->second;
  st.by_actor.erase(at);
  auto& child = st.children.at(key);
  child.handle = nullptr;
  const bool was_asked = st.life.children.at(key).phase == model::child_phase::stopping;
  if (!was_asked && kind_of(down.reason) == model::exit_kind::abnormal)
    note_crash(self, child, text_of(self->system(), down.reason));
  feed(self, model::child_exited{key, kind_of(down.reason)});
  publish(self, key);
}

} // namespace

supervisor_state::~supervisor_state() {
  const auto why = failure(label + " is gone");
  for (auto at = children.rbegin(); at != children.rend(); ++at) {
    auto& child = at->second;
    urgent_exit(child.handle, caf::exit_reason::kill);
    if (child.asked_to_start)
      child.asked_to_start->deliver(why);
    for (auto& asker : child.asked_to_stop)
      asker.deliver(why);
  }
}

caf::behavior supervisor(self_ptr self, supervisor_options options) {
  auto& st = self->state;
  st.label = options.name;
  st.observer = std::move(options.observer);
  st.life.spec = options.spec;
  st.rows = supervision_registry::section{supervision_tree(), std::move(options.name)};
  self->set_down_handler([self](caf::down_msg& down) { on_down(self, down); });
  self->set_exit_handler([self](caf::exit_msg& ask) {
    if (!self->state.life.is_ending)
      self->state.asked_to_exit = std::move(ask.reason);
    feed(self, model::shutdown_asked{});
  });
  for (auto& child : options.children)
    add(self, std::move(child));
  feed(self, model::supervisor_begun{});
  return {
    [self](tick_due) { feed(self, model::supervisor_woke{}); },
    [self](const start_child& ask) { return on_start_child(self, ask); },
    [self](const stop_child& ask) { return on_stop_child(self, ask); },
  };
}

child_spec supervisor_child(supervisor_options options, std::chrono::milliseconds shutdown) {
  child_spec spec;
  spec.id = options.name;
  spec.start = [options = std::move(options)](caf::event_based_actor* parent) -> caf::actor {
    return spawn_child(parent, supervisor, options);
  };
  spec.shutdown = shutdown;
  spec.type = supervisor_state::name;
  return spec;
}

} // namespace tabletd
