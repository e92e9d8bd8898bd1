// See checkpoint_worker.h.
#include "actors/checkpoint/checkpoint_worker.h"

#include <deque>

namespace tabletd {

namespace {

using self_ptr = checkpoint_worker_actor::stateful_pointer<checkpoint_worker_state>;
using model::raw;

/// While an order waits for entries: a cell says to nobody that it has changed.
constexpr std::chrono::milliseconds look_every{20};

void abandon(self_ptr self) {
  auto& st = self->state;
  if (st.abandoned)
    st.abandoned->store(true);
  st.abandoned = nullptr;
  st.frozen = nullptr;
}

struct carrier {
  self_ptr self;
  std::deque<model::worker_event>& more;

  void operator()(const model::say_of_attempt& e) {
    auto& st = self->state;
    st.ports.exchange->post(st.leader, model::worker_said{st.ports.exchange->self(), st.ports.boot, e.attempt, e.answer});
  }
  void operator()(const model::await_entries& e) {
    const checkpoint_worker_actor me{self};
    self->delayed_send(me, e.patience, job_word{model::entries_overdue{e.attempt}});
    self->delayed_send(me, look_every, tick_due{});
  }
  /// The catalog is that far already (the model has seen to it).
  void operator()(const model::begin_replay& e) {
    auto& st = self->state;
    abandon(self);
    st.frozen = st.ports.cell->load();
    st.abandoned = std::make_shared<std::atomic<bool>>(false);
    more.push_back(model::replay_ended{e.attempt, raw(st.frozen->applied)});
  }
  void operator()(const model::save_image& e) {
    auto& st = self->state;
    st.ports.exchange->tell_keeper(save_order{e.attempt, std::exchange(st.frozen, nullptr), st.abandoned});
  }
  void operator()(const model::abandon_job&) { abandon(self); }
};

void feed(self_ptr self, model::worker_event event) {
  auto& st = self->state;
  std::deque<model::worker_event> events{model::worker_term_seen{st.ports.stats->term},
                                         model::worker_logged{st.ports.stats->last_index},
                                         model::worker_applied{raw(st.ports.cell->load()->applied)}, std::move(event)};
  for (; !events.empty(); events.pop_front())
    for (const auto& effect : step(st.worker, events.front()))
      std::visit(carrier{self, events}, effect);
}

void look(self_ptr self) {
  feed(self, model::worker_applied{});
}

void look_again(self_ptr self) {
  look(self);
  if (const auto& running = self->state.worker.running; running && running->waiting)
    self->delayed_send(checkpoint_worker_actor{self}, look_every, tick_due{});
}

/// Also what the leader last ordered to be deleted is asked for again: the journal does a little at a time.
void tell_facts(self_ptr self, model::node_id to, const model::facts_asked& asked) {
  auto& st = self->state;
  const auto& ports = st.ports;
  const auto first = ports.stats->first_index.load();
  if (first <= st.trim_upto)
    ports.trim(st.trim_upto);
  model::member_seen facts{ports.exchange->self(), asked.beat, ports.boot, ports.memory_percent(), st.worker.applied,
                           first - 1, st.worker.images};
  ports.exchange->post(to, model::facts_told{asked.epoch, std::move(facts)});
}

/// An image past this node's own log is the journal's to ask for: it knows what becomes of the log.
void on_offer(self_ptr self, model::node_id from, const model::image_offer& offer) {
  auto& st = self->state;
  auto& exchange = *st.ports.exchange;
  const bool replaces = offer.image.id > st.worker.applied;
  switch (judge_offer(st.worker, offer)) {
    case model::image_verdict::have:
      return exchange.post(from, model::push_acked{exchange.self(), st.ports.boot, offer.image});
    case model::image_verdict::take:
      if (!replaces)
        return exchange.tell_keeper(fetch_order{from, offer.image, fetch_order::offered{offer}});
      [[fallthrough]];
    default:
      exchange.post(from, model::push_refused{exchange.self(), offer.image.id});
  }
}

void on_deletion(self_ptr self, const model::deletion_ordered& order) {
  auto& st = self->state;
  const auto upto = judge_deletion(st.worker, order.epoch, order.upto, order.pressed);
  if (upto <= st.trim_upto)
    return;
  st.trim_upto = upto;
  st.ports.trim(upto);
}

void on_mail(self_ptr self, const model::checkpoint_mail& mail) {
  auto& st = self->state;
  look(self);
  st.leader = mail.peer;
  std::visit(model::overloaded{
               [&](const model::facts_asked& w) { tell_facts(self, mail.peer, w); },
               [&](const model::attempt_ordered& w) { feed(self, w); },
               [&](const model::attempt_polled& w) { feed(self, w); },
               [&](const model::attempt_cancelled& w) { feed(self, w); },
               [&](const model::image_offer& w) { on_offer(self, mail.peer, w); },
               [&](const model::deletion_ordered& w) { on_deletion(self, w); },
               [](const auto&) {},
             },
             mail.what);
}

} // namespace

checkpoint_worker_actor::behavior_type checkpoint_worker(self_ptr self, checkpoint_worker_ports ports) {
  auto& st = self->state;
  st.ports = std::move(ports);
  st.worker.images = st.ports.shelf->images();
  st.ports.exchange->set(checkpoint_worker_actor{self});
  return {
    [self](const model::checkpoint_mail& mail) { on_mail(self, mail); },
    [self](const job_word& word) { feed(self, word.what); },
    [self](tick_due) { look_again(self); },
  };
}

} // namespace tabletd
