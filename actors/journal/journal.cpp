// See journal.h.
#include "actors/journal/journal.h"

#include "actors/journal/journal_refusals.h"
#include "actors/spawn_child.h"
#include "actors/urgent_exit.h"

#include <caf/exit_reason.hpp>
#include <caf/send.hpp>
#include <caf/system_messages.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace tabletd {

namespace {

using self_ptr = journal_shell::stateful_pointer<journal_state>;
using failure = wire::EditOutcome::Failure;
using promise = caf::typed_response_promise<edit_outcome>;

std::uint64_t size_of(const edit_message& edit) { return edit.words().asBytes().size(); }

using enum model::memory_category;

void publish_pending(journal_state& st) {
  const auto& governor = st.books->governor;
  st.stats->pending = st.at_door.size() + st.door.size() + st.logged.size();
  st.stats->pending_bytes = governor.bytes(uncommitted) + governor.bytes(proposed);
  for (const auto of : {uncommitted, unapplied, proposed})
    st.memory->set(of, governor.bytes(of));
  st.memory->backlog_bytes = st.books->unapplied.backlog_bytes();
  st.memory->not_applied_bytes = st.books->unapplied.total_bytes();
  st.memory->is_behind = st.delivery.is_behind();
  st.memory->waiting = st.at_door.size();
}

/// How many at the door may have been written without our knowing.
std::size_t in_doubt(const journal_state& st) { return st.proposed->keeper_is_awake() ? st.door.size() : 0; }

/// Answers everybody who waits, each with what is known of its edit; the first `in_doubt` at the
/// door may have been written.
void answer_all(journal_state& st, failure why, const std::string& message, const char* logged, std::size_t in_doubt) {
  for (auto& each : st.logged)
    each.promise.deliver(refusal(why, message + logged));
  for (std::size_t i = 0; i < st.door.size(); ++i)
    st.door[i].promise.deliver(refusal(
        why,
        message + (i < in_doubt ? "; nobody knows whether this edit was written" : "; this edit was not written")));
  for (auto& [ticket, each] : st.at_door)
    each.promise.deliver(refusal(why, message + "; this edit was not written"));
  st.orders.end(message);
  st.reads.end(0);
  st.logged.clear();
  st.door.clear();
  st.at_door.clear();
  st.delivery.detach();
  if (st.books)
    publish_pending(st);
}

void fail(self_ptr self, const std::string& why, std::size_t in_doubt) {
  auto& st = self->state;
  if (!st.failure.empty() || st.stopping)
    return;
  st.failure = why;
  st.stats->failed = true;
  answer_all(st, failure::STORAGE_FAILED, why, "; nobody knows whether this edit will survive", in_doubt);
  st.on_fatal(why);
}

/// For failures that have nothing to do with a write: one that is under way may succeed or not.
void fail(self_ptr self, const std::string& why) { fail(self, why, in_doubt(self->state)); }

// -- towards the catalog -----------------------------------------------------------------

void deliver_next(self_ptr self);
void open_door(self_ptr self);

void note_applied(journal_state& st) {
  auto& books = *st.books;
  const auto before = books.unapplied.total_bytes();
  books.unapplied.apply(st.delivery.next_index() - 1);
  books.door.applied(before - books.unapplied.total_bytes(), st.clock());
  st.stats->applied_index = st.delivery.next_index() - 1;
  st.reads.applied(st.delivery.next_index() - 1);
}

void on_outcomes(self_ptr self, const batch_outcomes& answer, std::uint64_t expected) {
  auto& st = self->state;
  if (answer.outcomes.size() != expected)
    return fail(self, fmt::format("the catalog gave {} outcomes for {} edits, so its state is not "
                                  "the log's; restart the node to replay the log",
                                  answer.outcomes.size(), expected));
  const auto first = st.delivery.next_index();
  st.delivery.answered();
  while (!st.logged.empty() && st.logged.front().index < st.delivery.next_index()) {
    auto& front = st.logged.front();
    front.promise.deliver(answer.outcomes[front.index - first]);
    st.logged.pop_front();
  }
  note_applied(st);
  open_door(self);
  publish_pending(st);
  deliver_next(self);
}

void send_batch(self_ptr self, committed_batch batch) {
  const auto attachment = self->state.attachment;
  const auto count = batch.edits.size();
  const auto handed = std::chrono::steady_clock::now();
  self->request(self->state.sink, caf::infinite, std::move(batch))
      .then(
          [self, attachment, count, handed](const batch_outcomes& answer) {
            self->state.stats->apply_seconds.observe(
              std::chrono::duration<double>(std::chrono::steady_clock::now() - handed).count());
            if (attachment == self->state.attachment && self->state.failure.empty())
              on_outcomes(self, answer, count);
          },
          // A catalog that died is its supervisor's business; whoever succeeds it asks for a replay,
          // and only then are the waiting proposers answered.
          [self, attachment](const caf::error&) {
            if (attachment == self->state.attachment)
              self->state.delivery.detach();
          });
}

void read_batch(self_ptr self, delivery::read range) {
  const auto attachment = self->state.attachment;
  self->request(self->state.keeper, caf::infinite, read_order{range.from, range.upto, self->state.delivery.limits()})
      .then(
          [self, attachment](read_entries& got) {
            if (!got.failure.empty())
              return fail(self, got.failure);
            if (attachment != self->state.attachment || !self->state.failure.empty())
              return;
            if (got.batch.edits.empty())
              return fail(self, "the catalog asked for entries that are no longer in the log");
            self->state.delivery.under_way(got.batch.edits.size());
            send_batch(self, std::move(got.batch));
          },
          [self](const caf::error& why) {
            fail(self, "the keeper of the edit log ended: " + self->system().render(why));
          });
}

void deliver_next(self_ptr self) {
  auto next = self->state.delivery.next();
  std::visit(model::overloaded{
                 [](delivery::nothing) {},
                 [self](delivery::read range) { read_batch(self, range); },
                 [self](committed_batch& batch) { send_batch(self, std::move(batch)); },
             },
             next);
}

void attach(self_ptr self, std::uint64_t from, const catalog_sink_actor& sink) {
  auto& st = self->state;
  if (!st.failure.empty() || st.stopping)
    return;
  st.sink = sink;
  ++st.attachment;
  st.delivery.attach(from);
  // Folded by a predecessor that ended before it could say with what outcome.
  while (!st.logged.empty() && st.logged.front().index < st.delivery.next_index()) {
    auto& front = st.logged.front();
    front.promise.deliver(
        refusal(failure::SHUTTING_DOWN,
                "the catalog ended before it answered; this edit is in the log, look whether it took effect"));
    st.logged.pop_front();
  }
  note_applied(st);
  open_door(self);
  publish_pending(st);
  deliver_next(self);
}

// -- towards the disk --------------------------------------------------------------------

void refuse_as_follower(journal_state& st, std::size_t count, const written& result) {
  const auto answer = not_leader(result.now.leader, result.transferring);
  for (std::size_t i = 0; i < count; ++i) {
    st.books->governor.release(uncommitted, st.door.front().charge_bytes);
    st.door.front().promise.deliver(answer);
    st.door.pop_front();
  }
}

/// Answers those in the log from `index` on, oldest first.
void answer_logged_from(journal_state& st, std::uint64_t index, const edit_outcome& answer) {
  auto at = std::ranges::lower_bound(st.logged, index, {}, &journal_state::waiting::index);
  for (auto each = at; each != st.logged.end(); ++each)
    each->promise.deliver(answer);
  st.logged.erase(at, st.logged.end());
}

void forget_replaced(journal_state& st, std::uint64_t from) {
  st.delivery.replace(from);
  st.books->unapplied.replace(from);
  // Of five members a later leader may still have it from one that does not answer now.
  answer_logged_from(st, from,
                     refusal(failure::LEADERSHIP_LOST,
                             "another node leads by now and replaced this edit here; a later leader may still have it"));
}

/// What waits for its commit may be committed by the next leader, or never.
void stop_leading(journal_state& st) {
  answer_logged_from(st, 0,
                     refusal(failure::LEADERSHIP_LOST,
                             "this node stopped leading before it heard that the edit is committed; the next leader "
                             "may have it or not"));
}

/// Those who wait to be let in wait in vain on a node that does not lead.
void dismiss(journal_state& st) {
  const auto answer = not_leader(st.now.leader);
  for (const auto ticket : st.books->door.dismiss_all())
    st.at_door.extract(ticket).mapped().promise.deliver(answer);
}

void take_standing(self_ptr self, const standing& now) {
  auto& st = self->state;
  if (now == st.now)
    return;
  if (st.now.leads && (!now.leads || now.term != st.now.term))
    stop_leading(st);
  if (!now.leads || now.term != st.now.term)
    st.reads.end(now.leads ? 0 : now.leader);
  st.now = now;
  if (!now.leads)
    dismiss(st);
  for (const auto& each : st.watchers)
    self->send(each, now);
}

void move_into_log(journal_state& st, std::size_t count, log_turn& done) {
  for (auto index = done.first; index < done.first + count; ++index) {
    auto& front = st.door.front();
    st.logged.push_back({index, std::move(front.promise)});
    st.books->unapplied.add(front.charge_bytes);
    st.delivery.add({index, done.term, std::move(front.edit)});
    st.door.pop_front();
  }
}

void restart(journal_state& st, std::uint64_t at) {
  st.delivery.restart(at);
  st.books->unapplied.restart(at);
  ++st.attachment;
  answer_logged_from(st, 0,
                     refusal(failure::LEADERSHIP_LOST, "an image of another leader took the place of this node's log"));
  st.stats->applied_index = at - 1;
}

/// What waits for the catalog needs no place in memory: it is on the disk.
void commit(journal_state& st, std::uint64_t upto) {
  auto& books = *st.books;
  const auto before = books.governor.bytes(uncommitted);
  books.unapplied.commit(upto);
  books.door.committed(before - books.governor.bytes(uncommitted), st.clock());
  while (books.governor.bytes(unapplied) > books.governor.limits().unapplied_bytes && books.unapplied.evict_oldest()) {
  }
  st.delivery.forget_before(books.unapplied.in_memory_from());
  st.delivery.commit(upto);
}

void take_turn(journal_state& st, written& result) {
  auto& done = result.done;
  if (done.restarted_at != 0)
    restart(st, done.restarted_at);
  if (done.replaced_from != 0)
    forget_replaced(st, done.replaced_from);
  for (auto& entry : done.received) {
    st.books->unapplied.add_received(st.books->governor.charge_of(size_of(entry.edit)));
    st.delivery.add(std::move(entry));
  }
  if (done.refused)
    refuse_as_follower(st, result.count, result);
  else
    move_into_log(st, result.count, done);
  commit(st, result.committed_upto);
}

void on_written(self_ptr self, written& result) {
  auto& st = self->state;
  if (!result.failure.empty())
    return fail(self, result.failure, result.count);
  if (!st.failure.empty() || st.stopping)
    return;
  take_turn(st, result);
  st.orders.take(result);  // Before anybody hears that this node no longer leads, and ends for that.
  take_standing(self, result.now);
  if (result.done.confirmed) {
    st.reads.take(*result.done.confirmed);
    st.reads.applied(st.delivery.next_index() - 1);
  }
  if (result.done.install_is_over)
    st.images.over(result.done.restarted_at);
  if (result.done.install)
    st.images.wanted(*result.done.install);
  open_door(self);
  publish_pending(st);
  deliver_next(self);
}

void watch(self_ptr self, const standing_listener_actor& listener) {
  self->monitor(listener);
  self->state.watchers.push_back(listener);
  self->send(listener, self->state.now);
}

// -- from proposers ----------------------------------------------------------------------

edit_outcome turned_away(const journal_state& st, const model::admission_answer& answer) {
  ++st.stats->overloaded;
  return overloaded(answer, st.books->governor.bytes(uncommitted), st.books->unapplied.total_bytes());
}

void let_in(self_ptr self, journal_state::admitted who) {
  auto& st = self->state;
  const bool keeper_sleeps = st.proposed->add(who.edit);
  st.door.push_back(std::move(who));
  if (keeper_sleeps)
    self->send(st.keeper, write_due{});
}

/// One timer at a time; one that was set for later rings in vain.
void set_timer(self_ptr self) {
  auto& st = self->state;
  const auto due = st.books->door.next_deadline();
  if (!due || (st.tick_at != model::time_ms{} && st.tick_at <= *due))
    return;
  st.tick_at = *due;
  self->delayed_send(caf::actor_cast<journal_shell>(self), std::max(*due - st.clock(), model::time_ms{1}), tick_due{});
}

/// There may be room for those who wait, or they have waited long enough.
void open_door(self_ptr self) {
  auto& st = self->state;
  if (st.at_door.empty())
    return;
  for (const auto& answer : st.books->door.wake(st.books->unapplied.backlog_bytes(), st.clock())) {
    auto who = std::move(st.at_door.extract(answer.ticket).mapped());
    if (answer.outcome == model::admission_outcome::admitted) {
      who.charge_bytes = answer.charge_bytes;
      let_in(self, std::move(who));
    } else {
      who.promise.deliver(turned_away(st, answer));
    }
  }
  set_timer(self);
}

void on_tick(self_ptr self) {
  auto& st = self->state;
  if (st.tick_at == model::time_ms{} || st.clock() < st.tick_at)
    return;
  st.tick_at = {};
  open_door(self);
  publish_pending(st);
}

void count_stall(journal_state& st, model::overload why) {
  if (why != model::overload::none)
    ++st.memory->stalls[static_cast<std::size_t>(why) - 1];
}

void ask_at_door(self_ptr self, const edit_message& edit, promise answer) {
  auto& st = self->state;
  const auto verdict = st.books->door.propose({.ticket = ++st.tickets, .entry_bytes = size_of(edit)},
                                              st.books->unapplied.backlog_bytes(), st.clock());
  switch (verdict.outcome) {
    case model::admission_outcome::admitted:
      return let_in(self, {edit, verdict.charge_bytes, std::move(answer)});
    case model::admission_outcome::waiting:
      count_stall(st, verdict.why);
      st.at_door.emplace(verdict.ticket, journal_state::admitted{edit, 0, std::move(answer)});
      return set_timer(self);
    case model::admission_outcome::overloaded:
      count_stall(st, verdict.why);
      answer.deliver(turned_away(st, verdict));
      return;
    case model::admission_outcome::too_large:
      ++st.stats->too_large;
      answer.deliver(too_large(size_of(edit), st.limits.edit_bytes_max));
      return;
  }
}

promise on_proposal(self_ptr self, const edit_message& edit) {
  auto answer = self->make_response_promise<edit_outcome>();
  auto& st = self->state;
  if (st.stopping)
    answer.deliver(refusal(failure::SHUTTING_DOWN, "the node is stopping; this edit was not written"));
  else if (!st.failure.empty())
    answer.deliver(refusal(failure::STORAGE_FAILED, st.failure + "; this edit was not written"));
  else
    ask_at_door(self, edit, answer);
  return answer;
}

// -- life --------------------------------------------------------------------------------

void spawn_keeper(self_ptr self, std::shared_ptr<log_writer> writer, bool has_a_thread) {
  auto& st = self->state;
  log_keeper_ports ports{std::move(writer), st.proposed, st.stats, self->address()};
  st.keeper = has_a_thread ? spawn_child<caf::detached>(self, log_keeper, std::move(ports))
                           : spawn_child(self, log_keeper, std::move(ports));
  self->monitor(st.keeper);
  st.proposed->when_due([keeper = st.keeper] { caf::anon_send(keeper, write_due{}); });
  self->set_down_handler([self](const caf::down_msg& down) {
    if (down.source != self->state.keeper.address()) {
      std::erase_if(self->state.watchers, [&](const auto& each) { return each.address() == down.source; });
      return;
    }
    self->state.proposed->when_due({});
    if (self->state.stopping)
      self->quit(down.reason);
    else
      fail(self, "the keeper of the edit log ended: " + self->system().render(down.reason));
  });
}

/// `wanted`: change_members or hand_over.
template <class Wanted>
group_promise on_order(self_ptr self, const Wanted& wanted) {
  auto& st = self->state;
  auto answer = self->make_response_promise<group_outcome>();
  if (st.stopping || !st.failure.empty())
    answer.deliver(group_outcome{{}, st.stopping ? "the node is stopping; nothing has changed" : st.failure});
  else if (st.orders.open(wanted, answer))
    static_cast<void>(st.proposed->add(peer_word{wanted}));
  return answer;
}

/// Only for who knows that this node leads: what a follower is asked the core forgets.
read_promise on_read(self_ptr self) {
  auto& st = self->state;
  auto answer = self->make_response_promise<leading_confirmed>();
  if (st.stopping || !st.failure.empty() || !st.now.leads)
    answer.deliver(leading_confirmed{false, st.now.leader});
  else
    static_cast<void>(st.proposed->add(peer_word{st.reads.open(answer)}));
  return answer;
}

/// The keeper may be in the middle of a write; when it is gone, the log is closed.
void stop(self_ptr self, const caf::exit_msg& exit) {
  auto& st = self->state;
  if (std::exchange(st.stopping, true))
    return;
  answer_all(st, failure::SHUTTING_DOWN, "the node is stopping",
             "; this edit is in the log of this node; look whether it took effect", in_doubt(st));
  urgent_exit(st.keeper, exit.reason);
}

}  // namespace

journal_state::~journal_state() {
  if (stats)
    answer_all(*this, failure::SHUTTING_DOWN, "the journal ended",
               "; this edit is in the log of this node; look whether it took effect", in_doubt(*this));
}

journal_shell::behavior_type journal(self_ptr self, opened_journal opened) {
  auto& st = self->state;
  st.limits = opened.limits;
  st.stats = std::move(opened.stats);
  st.on_fatal = std::move(opened.on_fatal);
  st.images = std::move(opened.images);
  st.memory = std::move(opened.memory);
  st.clock = std::move(opened.now);
  st.books = std::make_unique<journal_state::memory_books>(opened.memory_limits, st.limits.door);
  st.books->unapplied.restart(opened.writer->log().last_index() + 1);
  st.delivery = delivery{st.limits.delivery};
  st.proposed = std::move(opened.inbox);
  st.delivery.commit(opened.writer->standing().committed_upto);
  st.now = standing_of(*opened.writer);
  spawn_keeper(self, std::move(opened.writer), opened.keeper_has_a_thread);
  self->set_exit_handler([self](const caf::exit_msg& exit) { stop(self, exit); });
  return {
      [self](const edit_message& edit) { return on_proposal(self, edit); },
      [self](replay_from from, const catalog_sink_actor& sink) { attach(self, from.index, sink); },
      [self](watch_standing, const standing_listener_actor& listener) { watch(self, listener); },
      [self](const change_members& wanted) { return on_order(self, wanted); },
      [self](hand_over wanted) { return on_order(self, wanted); },
      [self](confirm_leading) { return on_read(self); },
      [self](written& result) { on_written(self, result); },
      [self](tick_due) { on_tick(self); },
  };
}

}  // namespace tabletd
