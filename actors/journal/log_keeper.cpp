// See log_keeper.h.
#include "actors/journal/log_keeper.h"

#include <caf/system_messages.hpp>

#include <algorithm>
#include <chrono>

namespace tabletd {

namespace {

/// Asking the file system for sizes takes as long as a dozen edits, so not while somebody waits.
constexpr std::uint64_t commits_per_look = 100;

/// Much shorter than an election timeout, much longer than a turn.
constexpr model::time_ms overdue_wait{10};

using self_ptr = log_keeper_actor::stateful_pointer<log_keeper_state>;

void count_commit(journal_stats& stats, const std::vector<edit_message>& edits, next_transaction::span took) {
  std::uint64_t bytes = 0;
  for (const auto& edit : edits)
    bytes += edit.words().asBytes().size();
  stats.bytes += bytes;
  stats.entries += edits.size();
  ++stats.commits;
  stats.commit_seconds.observe(std::chrono::duration<double>(took).count());
  stats.entries_per_commit.observe(static_cast<double>(edits.size()));
}

/// Those of a node that does not lead are taken to be refused.
std::vector<edit_message> next_edits(log_keeper_state& st, const model::update& now) {
  st.open.lead(now.role == model::consensus_role::leader ? now.term : 0);
  st.open.committed(now.committed_upto);
  if (st.open.may_begin())
    return st.ports.proposed->take_edits();
  st.ports.proposed->hold_edits();
  return {};
}

written write(self_ptr self) {
  const auto& ports = self->state.ports;
  auto words = ports.proposed->take_words();
  std::vector<edit_message> edits;
  const auto propose = [&](const model::update& now) {
    edits = next_edits(self->state, now);
    return std::span<const edit_message>(edits);
  };
  written answer;
  const auto begun = self->clock().now();
  try {
    answer.done = ports.writer->turn(propose, words);
    answer.took = self->clock().now() - begun;
    if (answer.done.first != 0) {
      self->state.open.began(answer.done.first + edits.size() - 1);
      count_commit(*ports.stats, edits, answer.took);
    }
    for (const auto& entry : answer.done.received)
      ports.stats->received_bytes += entry.edit.words().asBytes().size();
    publish_standing(*ports.writer, *ports.stats);
  } catch (const storage_error& error) {
    answer.failure = error.what();
  }
  answer.count = edits.size();
  answer.committed_upto = ports.writer->standing().committed_upto;
  answer.now = standing_of(*ports.writer);
  answer.transferring = ports.writer->standing().transferring;
  return answer;
}

/// A timer cannot be cancelled: one that was set for later rings in vain.
void set_timer(self_ptr self) {
  auto& st = self->state;
  const auto due = st.ports.writer->standing().next_tick;
  if (st.ports.writer->is_alone() || (st.tick_at != model::time_ms{} && st.tick_at <= due))
    return;
  st.tick_at = due;
  // Who votes nowhere waits for nothing: its deadline passes and is not put off.
  const auto now = st.ports.writer->now();
  const auto wait = due > now ? due - now : overdue_wait;
  self->delayed_send(log_keeper_actor{self}, wait, tick_due{});
}

/// The answers to a transaction of the only member are on their way, and bring back more.
bool goes_on(const log_keeper_ports& ports, std::size_t count, next_transaction::span took) {
  return ports.writer->is_alone() ? ports.proposed->follow(count, took) : ports.proposed->follow();
}

void take_turn(self_ptr self) {
  const auto& ports = self->state.ports;
  auto result = write(self);
  const auto count = result.count;
  const auto took = result.took;
  const bool failed = !result.failure.empty();
  if (auto journal = caf::actor_cast<written_sink_actor>(ports.journal))
    self->send(journal, std::move(result));
  if (failed)
    return;
  set_timer(self);
  const bool more = goes_on(ports, count, took);
  if (more)
    self->send(log_keeper_actor{self}, write_due{});  // Not a loop: whoever wants to read gets its turn.
  if (!more || ports.stats->commits % commits_per_look == 0)
    publish_sizes(*ports.writer, *ports.stats);
}

void on_tick(self_ptr self) {
  auto& st = self->state;
  if (st.tick_at == model::time_ms{} || st.ports.writer->now() < st.tick_at)
    return;
  st.tick_at = {};
  if (st.ports.proposed->wake())
    take_turn(self);
  else
    set_timer(self);  // A turn is due anyway; if it is late, this rings again.
}

read_entries read(const log_keeper_ports& ports, const read_order& order) {
  try {
    return {ports.writer->read(order.from, order.upto, order.limits), {}};
  } catch (const storage_error& error) {
    return {{}, error.what()};
  }
}

}  // namespace

standing standing_of(const log_writer& writer) {
  const auto& now = writer.standing();
  return {now.term, now.role == model::consensus_role::leader, now.leader};
}

void publish_standing(const log_writer& writer, journal_stats& stats) {
  const auto& standing = writer.standing();
  stats.first_index = writer.log().first_index();
  stats.last_index = writer.log().last_index();
  stats.commit_index = standing.committed_upto;
  stats.term = standing.term;
  stats.leader = standing.leader;
  stats.leads = standing.role == model::consensus_role::leader;
}

void publish_sizes(const log_writer& writer, journal_stats& stats) {
  stats.file_bytes = writer.log().file_bytes();
  stats.wal_bytes = writer.log().wal_bytes();
}

log_keeper_actor::behavior_type log_keeper(self_ptr self, log_keeper_ports ports) {
  self->state.ports = std::move(ports);
  self->monitor(self->state.ports.journal);
  self->set_down_handler([self](const caf::down_msg& down) { self->quit(down.reason); });
  set_timer(self);
  return {
      [self](write_due) { take_turn(self); },
      [self](tick_due) { on_tick(self); },
      [self](const read_order& order) { return read(self->state.ports, order); },
  };
}

}  // namespace tabletd
