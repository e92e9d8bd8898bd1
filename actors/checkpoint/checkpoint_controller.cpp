// See checkpoint_controller.h.
#include "actors/checkpoint/checkpoint_controller.h"

#include "actors/actor_clock.h"
#include "actors/codec/edit_codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

namespace tabletd {

namespace {

using self_ptr = checkpoint_controller_actor::stateful_pointer<checkpoint_controller_state>;

constexpr const char* leads_no_more = "this fe leads no more; ask the new leader";

void feed(self_ptr self, model::checkpoint_event event);

std::uint64_t journal_bytes(const journal_stats& stats) { return stats.bytes + stats.received_bytes; }

/// No plan is without a name, so this entry of our term changes nothing wherever it is folded.
void prove(self_ptr self, std::uint64_t proof) {
  const auto& ports = self->state.ports;
  self->request(ports.journal, caf::infinite, codec::encode(model::edit{ports.wall_clock(), model::plan_dropped{}}))
    .then(
      [self, proof](const edit_outcome& outcome) {
        if (outcome.get().getFailure() == wire::EditOutcome::Failure::NONE)
          feed(self, model::leadership_proved{proof});
        else
          feed(self, model::leadership_unproved{proof});
      },
      [self, proof](const caf::error&) { feed(self, model::leadership_unproved{proof}); });
}

/// Refused or lost, it is answered with the next beat: asked at once, it would be decided again at once.
void log_decision_of(self_ptr self, const model::logged_decision& decision) {
  const auto& ports = self->state.ports;
  const model::checkpoint_decided edit{decision.what, model::frontend_id{decision.member}, decision.why};
  const auto failed = [self, decision] { self->state.unlogged.push_back(decision); };
  self->request(ports.journal, caf::infinite, codec::encode(model::edit{ports.wall_clock(), edit}))
    .then(
      [self, decision, failed](const edit_outcome& outcome) {
        if (outcome.get().getFailure() != wire::EditOutcome::Failure::NONE)
          return failed();
        self->state.ports.tell(text_of(decision), decision.what == model::checkpoint_decision::excuse_member
                                                    || decision.what == model::checkpoint_decision::use_newest);
        feed(self, model::decision_logged{decision.what, decision.member});
      },
      [failed](const caf::error&) { failed(); });
}

// -- carry out ---------------------------------------------------------------------------

struct carrier {
  self_ptr self;
  std::deque<model::checkpoint_event>& more;

  checkpoint_controller_state& st() const { return self->state; }
  void post(model::node_id to, model::checkpoint_word what) const { st().ports.exchange->post(to, std::move(what)); }

  void operator()(const model::record_attempt& e) const {
    st().attempt_began = now(self);
    st().ports.progress->is_running = true;
    st().ports.tell(fmt::format("checkpoint of entry {} ordered from fe {}", e.attempt.journal_id, e.worker), false);
  }
  void operator()(const model::start_attempt& e) const { post(e.member, model::attempt_ordered{e.attempt}); }
  void operator()(const model::poll_attempt& e) const { post(e.member, model::attempt_polled{e.attempt}); }
  void operator()(const model::cancel_attempt& e) const { post(e.member, model::attempt_cancelled{e.attempt}); }
  void operator()(const model::tell_stale&) const {}  // Whoever said it forgets it by itself.
  void operator()(const model::record_ending& e) const {
    auto& progress = *st().ports.progress;
    ++(e.done ? progress.done : progress.failed);
    progress.is_running = false;
    if (e.done) {
      progress.attempt_seconds.observe(std::chrono::duration<double>(now(self) - st().attempt_began).count());
      progress.last_done_ms = st().ports.wall_clock().count();
    }
    st().last_ending = fmt::format("({}, #{}, {}) on fe {}: {}", e.attempt.epoch, e.attempt.attempt, e.attempt.journal_id,
                                   e.worker, e.done ? "done" : "failed: " + e.text);
    st().ports.tell("checkpoint " + st().last_ending, !e.done);
  }
  void operator()(const model::fetch_image& e) const {
    if (e.from == st().ports.exchange->self())
      more.push_back(model::image_received{e.attempt, e.image});
    else
      st().ports.exchange->tell_keeper(fetch_order{e.from, e.image, fetch_order::for_leader{e.attempt}});
  }
  void operator()(const model::stop_fetch& e) const { st().ports.exchange->tell_keeper(fetch_stop{e.image_id}); }
  void operator()(const model::keep_images&) const {}  // The store keeps two by itself.
  void operator()(const model::push_image& e) const { post(e.member, model::image_offer{e.epoch, e.image, e.resync}); }
  void operator()(const model::prove_leadership& e) const { prove(self, e.proof); }
  void operator()(const model::delete_journal& e) const {
    post(e.member, model::deletion_ordered{e.epoch, e.upto, e.pressed});
  }
  void operator()(const model::log_decision& e) const { log_decision_of(self, e.decision); }
  void operator()(const model::answer_operator& e) const {
    if (auto asked = st().waiting.extract(e.request); !asked.empty())
      asked.mapped().deliver(checkpoint_outcome{e.done, e.text});
  }
};

void feed(self_ptr self, model::checkpoint_event event) {
  auto& st = self->state;
  std::deque<model::checkpoint_event> events{std::move(event)};
  for (; !events.empty(); events.pop_front())
    for (const auto& effect : st.controller->step(events.front(), now(self)))
      std::visit(carrier{self, events}, effect);
}

// -- what is known -----------------------------------------------------------------------

std::uint64_t bytes_since_image(const checkpoint_controller_state& st) {
  return journal_bytes(*st.ports.stats) - st.bytes_at_image;
}

/// What came between an image from before this term and its beginning is not counted: the rule for entries knows it.
void note_newest_image(self_ptr self) {
  auto& st = self->state;
  const auto newest = model::newest_id(st.controller->members().at(st.ports.exchange->self()).images);
  if (newest != std::exchange(st.newest_image, newest))
    st.bytes_at_image = journal_bytes(*st.ports.stats);
}

void publish(self_ptr self) {
  auto& st = self->state;
  checkpoint_sight sight{*st.controller, bytes_since_image(st), st.last_ending};
  st.ports.progress->view.store(std::make_shared<const checkpoint_view>(checkpoint_view{rows_of(sight)}));
}

void drop_silent(self_ptr self) {
  auto& st = self->state;
  const auto oldest = now(self) - st.ports.pace.silence;
  for (auto at = st.heard.begin(); at != st.heard.end();)
    if (at->second < oldest) {
      const auto silent = at->first;
      at = st.heard.erase(at);
      feed(self, model::member_lost{silent});
    } else {
      ++at;
    }
}

void ask_for_facts(self_ptr self, const std::vector<model::node_id>& of) {
  auto& st = self->state;
  ++st.beat;
  for (const auto each : of)
    st.ports.exchange->post(each, model::facts_asked{st.epoch, st.beat});
}

void look_at_disk(self_ptr self) {
  auto& st = self->state;
  const auto free_bytes = st.ports.disk_free_bytes();
  if (!free_bytes)
    return;
  const auto& images = st.controller->members().at(st.ports.exchange->self()).images;
  const auto& rules = st.ports.options;
  const model::disk_room room{*free_bytes, rules.bytes_max, rules.retain_bytes_max,
                              images.empty() ? 0 : images.front().bytes};
  feed(self, model::disk_pressure_seen{model::disk_presses(room, st.controller->feels_pressure())});
}

void on_beat(self_ptr self) {
  auto& st = self->state;
  if (auto members = st.ports.members(); members != st.members) {
    st.members = members;
    feed(self, model::group_changed{std::move(members)});
  }
  ask_for_facts(self, st.members);
  drop_silent(self);
  note_newest_image(self);
  const auto bytes = journal_bytes(*st.ports.stats);
  feed(self, model::journal_seen{0, bytes_since_image(st), bytes - st.bytes_at_begin});
  for (const auto& each : std::exchange(st.unlogged, {}))
    feed(self, model::decision_failed{each.what, each.member});
  look_at_disk(self);
  feed(self, model::checkpoint_ticked{});
  publish(self);
  self->delayed_send(checkpoint_controller_actor{self}, st.ports.pace.beat, tick_due{});
}

// -- the mailbox -------------------------------------------------------------------------

void on_mail(self_ptr self, const model::checkpoint_mail& mail) {
  auto& st = self->state;
  auto& progress = *st.ports.progress;
  std::visit(model::overloaded{
               [&](const model::facts_told& w) {
                 if (w.epoch != st.epoch)
                   return;
                 st.heard[mail.peer] = now(self);
                 feed(self, w.facts);
               },
               [&](const model::worker_said& w) { feed(self, w); },
               [&](const model::push_acked& w) {
                 ++progress.pushed;
                 feed(self, w);
               },
               [&](const model::push_refused& w) {
                 ++progress.push_refused;
                 feed(self, w);
               },
               [&](const model::push_progressed& w) { feed(self, w); },
               [](const auto&) {},
             },
             mail.what);
  publish(self);
}

caf::typed_response_promise<checkpoint_outcome> on_order(self_ptr self, const checkpoint_order& what) {
  auto& st = self->state;
  auto asked = self->make_response_promise<checkpoint_outcome>();
  const auto request = ++st.requests;
  st.waiting.emplace(request, asked);
  ask_for_facts(self, st.members);
  feed(self, model::checkpoint_asked{request, what.on == 0 ? std::nullopt : std::optional{what.on}, st.beat});
  return asked;
}

} // namespace

checkpoint_controller_state::~checkpoint_controller_state() {
  for (auto& [request, asked] : waiting)
    asked.deliver(checkpoint_outcome{false, leads_no_more});
  if (ports.progress) {
    ports.progress->is_running = false;
    ports.progress->view.store(std::make_shared<const checkpoint_view>());
  }
}

checkpoint_controller_actor::behavior_type checkpoint_controller(self_ptr self, checkpoint_controller_ports ports) {
  auto& st = self->state;
  st.ports = std::move(ports);
  st.epoch = st.ports.cell->load()->term;
  st.members = st.ports.members();
  st.bytes_at_begin = st.bytes_at_image = journal_bytes(*st.ports.stats);
  const auto marks = model::marks_of(*st.ports.cell->load());
  st.controller.emplace(st.ports.options, st.epoch, st.ports.exchange->self(), st.members, marks, now(self));
  st.ports.exchange->set(checkpoint_controller_actor{self});
  self->send(checkpoint_controller_actor{self}, tick_due{});
  return {
    [self](const checkpoint_order& what) { return on_order(self, what); },
    [self](const model::checkpoint_mail& mail) { on_mail(self, mail); },
    [self](const fetch_word& word) { feed(self, word.what); },
    [self](tick_due) { on_beat(self); },
  };
}

} // namespace tabletd
