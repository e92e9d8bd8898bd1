// Who is looked after, what goes out, and when.  What comes in: cooldown_answers.cpp.
#include "actors/cooldown/cooldown_overseer.h"
#include "actors/cooldown/cooldown_steps.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"

#include <caf/actor_cast.hpp>
#include <caf/exit_reason.hpp>
#include <caf/system_messages.hpp>

#include <algorithm>
#include <span>

namespace tabletd {

namespace cooldown_steps {

using model::raw;

void make_batch_due(self_ptr self) {
  if (!std::exchange(self->state.batch_is_due, true))
    self->send(self, cooldown_batch_due{});
}

void want_push(self_ptr self, model::backend_id backend, model::tablet_id tablet, model::replica_id replica) {
  self->state.pushes[backend].emplace(tablet, replica);
  make_batch_due(self);
}

void turn(self_ptr self, model::tablet_id tablet, std::optional<model::cooldown_event> event) {
  const auto at = self->state.tablets.find(tablet);
  if (at != self->state.tablets.end() && at->second.handler)
    turn(self, tablet, at->second.handler, std::move(event), [](const cooldown_turned&) {}, [](const caf::error&) {});
}

void want_grant(self_ptr self, model::tablet_id tablet, const model::propose_conf& wanted) {
  auto& st = self->state;
  const auto at = st.tablets.find(tablet);
  if (at == st.tablets.end())
    return;
  if (raw(wanted.replica) != 0 && !model::is_grant_wanted(*st.ports.catalog->load(), tablet))
    return turn(self, tablet, model::conf_not_logged{wanted.term});
  at->second.proposing = true;
  st.grants.push_back({tablet, wanted.replica, wanted.term});
  make_batch_due(self);
}

void carry_out(self_ptr self, model::tablet_id tablet, const cooldown_turned& turned) {
  auto& st = self->state;
  if (!turned.is_there || !st.tablets.contains(tablet))
    return;
  st.ports.board->show(tablet, turned.standing);
  st.ports.board->conflicts += turned.is_conflict ? 1 : 0;
  const auto cat = st.ports.catalog->load();
  const auto* t = cat->tablets.find(tablet);
  for (const auto& effect : turned.effects) {
    if (const auto* grant = std::get_if<model::propose_conf>(&effect))
      want_grant(self, tablet, *grant);
    else if (const auto* push = std::get_if<model::push_conf>(&effect))
      if (const auto* r = t != nullptr ? t->find(push->replica) : nullptr)
        want_push(self, r->backend, tablet, push->replica);
  }
}

}  // namespace cooldown_steps

namespace {

using namespace cooldown_steps;

// -- who is looked after -----------------------------------------------------------------

void push_to_all(self_ptr self, const model::tablet& of) {
  for (const auto& r : of.replicas)
    want_push(self, r.backend, of.id, r.id);
}

void begin(self_ptr self, model::tablet_id tablet) {
  auto& st = self->state;
  const auto child = spawn_child(self, cooldown_handler, tablet,
                                 cooldown_handler_ports{st.ports.catalog, model::patience_for(st.ports.lease)});
  self->monitor(child);
  st.by_handler[child.address()] = tablet;
  st.tablets[tablet] = {child, false};
  turn(self, tablet, std::nullopt);
}

void end(self_ptr self, model::tablet_id tablet) {
  auto& st = self->state;
  const auto ended = st.tablets.extract(tablet);
  st.ports.board->take_down(tablet);
  if (ended.empty() || !ended.mapped().handler)
    return;
  st.by_handler.erase(ended.mapped().handler.address());
  urgent_exit(ended.mapped().handler, caf::exit_reason::user_shutdown);
}

/// Begins or ends to look after the tablet, if the catalog says so, and tells its replicas.  False: nothing to do.
bool bring_in_line(self_ptr self, const model::catalog& cat, model::tablet_id tablet) {
  const auto* t = cat.tablets.find(tablet);
  const bool is_wanted = t != nullptr && model::is_looked_after(cat, *t);
  const bool is_had = self->state.tablets.contains(tablet);
  if (is_wanted == is_had)
    return false;
  if (is_wanted)
    begin(self, tablet);
  else
    end(self, tablet);
  if (t != nullptr)
    push_to_all(self, *t); // Also that it is under no policy any more.
  return true;
}

void on_handler_down(self_ptr self, const caf::down_msg& down) {
  auto& st = self->state;
  const auto child = st.by_handler.extract(down.source);
  if (child.empty())
    return;
  const auto at = st.tablets.find(child.mapped());
  if (at == st.tablets.end())
    return;
  at->second.handler = nullptr;
  // The round starts another one; not while what this one proposed may still become true.
  if (!at->second.proposing)
    st.tablets.erase(at);
}

void look(self_ptr self, const std::vector<model::tablet_id>& touched) {
  auto& st = self->state;
  if (!st.serves)
    return;
  const auto cat = st.ports.catalog->load();
  for (const auto tablet : model::cooling_changes(*st.seen, *cat, touched)) {
    if (!bring_in_line(self, *cat, tablet) && st.tablets.contains(tablet))
      push_to_all(self, *cat->tablets.find(tablet));
  }
  st.seen = cat;
}

void go_round(self_ptr self) {
  auto& st = self->state;
  const auto cat = st.ports.catalog->load();
  const auto next = model::next_of_round(*cat, st.round, st.ports.pace.round_tablets_max);
  for (const auto tablet : next)
    bring_in_line(self, *cat, tablet);
  st.is_first_round = st.is_first_round && !next.empty();
  if (st.is_first_round)
    make_batch_due(self);
}

/// As many as keep the round's time.
void step_some(self_ptr self) {
  auto& st = self->state;
  const auto& pace = st.ports.pace;
  const auto ticks = std::max<std::size_t>(static_cast<std::size_t>(pace.round / pace.tick), 1);
  auto left = (st.tablets.size() + ticks - 1) / ticks;
  const auto cat = st.ports.catalog->load();
  for (auto at = st.tablets.lower_bound(st.step_next); left > 0; --left) {
    if (at == st.tablets.end()) {
      st.step_next = {};
      return;
    }
    const auto tablet = at->first;
    ++at; // The next line may erase it.
    if (!bring_in_line(self, *cat, tablet))
      turn(self, tablet, model::cooldown_ticked{});
    st.step_next = model::tablet_id{raw(tablet) + 1};
  }
}

// -- what goes out -----------------------------------------------------------------------

void push(self_ptr self) {
  auto& st = self->state;
  const auto cat = st.ports.catalog->load();
  for (const auto& [backend, wanted] : std::exchange(st.pushes, {})) {
    const std::vector<cooldown_overseer_state::replica_of_tablet> replicas{wanted.begin(), wanted.end()};
    for (std::size_t from = 0; from < replicas.size(); from += st.ports.pace.orders_max) {
      const auto count = std::min(st.ports.pace.orders_max, replicas.size() - from);
      st.ports.links->push(backend, codec::seal_cooldown_orders(*cat, std::span{replicas}.subspan(from, count), st.ports.lease));
    }
  }
}

void on_batch(self_ptr self) {
  auto& st = self->state;
  st.batch_is_due = false;
  if (st.serves && st.is_first_round)
    go_round(self);
  auto grants = std::exchange(st.grants, {});
  for (std::size_t from = 0; from < grants.size(); from += st.ports.pace.grants_max) {
    const auto first = grants.begin() + static_cast<std::ptrdiff_t>(from);
    const auto count = std::min(st.ports.pace.grants_max, grants.size() - from);
    propose_grants(self, {first, first + static_cast<std::ptrdiff_t>(count)});
  }
  push(self);
  confirm_reports(self);
}

/// A backend knows nothing of what was pushed before it attached.
void on_linked(self_ptr self, const backend_linked& who) {
  const auto cat = self->state.ports.catalog->load();
  const auto* b = cat->backends.find(who.backend);
  if (b == nullptr)
    return;
  b->tablets.for_each([&](model::tablet_id tablet, model::replica_id replica) {
    if (self->state.tablets.contains(tablet))
      want_push(self, who.backend, tablet, replica);
  });
}

// -- its life ----------------------------------------------------------------------------

void serve(self_ptr self) {
  auto& st = self->state;
  st.serves = true;
  st.seen = st.ports.catalog->load();
  make_batch_due(self);
  st.ports.links->serve(caf::actor_cast<cooldown_overseer_actor>(self));
}

/// See the head of cooldown_overseer.h.
void ask_to_serve(self_ptr self) {
  auto& st = self->state;
  st.is_asking_to_serve = true;
  propose(self, model::cooldown_granted{}, [self](const model::edit_answer& answer) {
    if (answer.ok())
      return serve(self);
    self->state.is_asking_to_serve = answer.in_doubt(); // Else again at the next tick.
  });
}

void on_tick(self_ptr self) {
  auto& st = self->state;
  self->delayed_send(self, st.ports.pace.tick, tick_due{});
  if (!st.serves && !st.is_asking_to_serve)
    ask_to_serve(self);
  if (!st.serves || is_over(st))
    return;
  step_some(self);
  if (!st.is_first_round)
    go_round(self);
}

}  // namespace

cooldown_overseer_state::~cooldown_overseer_state() {
  if (ports.links)
    ports.links->leave(id);
  if (ports.board)
    ports.board->clear();
  for (const auto& [tablet, it] : tablets)
    urgent_exit(it.handler, caf::exit_reason::user_shutdown);
}

cooldown_overseer_life_actor::behavior_type cooldown_overseer(self_ptr self, cooldown_overseer_ports ports) {
  auto& st = self->state;
  st.ports = std::move(ports);
  st.id = self->id();
  st.term = st.ports.catalog->load()->term;
  self->set_down_handler([self](caf::down_msg& down) { on_handler_down(self, down); });
  self->send(st.ports.catalog_news, subscribe{}, caf::actor_cast<catalog_listener_actor>(self));
  if (st.ports.board->begun_in.exchange(st.term) != st.term)
    serve(self); // What an earlier term proposed was in the log before this one began.
  on_tick(self);
  return {
    [self](const cooldown_reports& reports) { return on_reports(self, reports); },
    [self](const publication_question& asked) { return on_publication(self, asked); },
    [self](const deletion_question& asked) { return on_deletion(self, asked); },
    [self](const backend_linked& who) { on_linked(self, who); },
    [self](const catalog_advanced& news) { look(self, codec::decode_moved(news.get()).touched); },
    [self](tick_due) { on_tick(self); },
    [self](cooldown_batch_due) { on_batch(self); },
  };
}

}  // namespace tabletd
