// See log_keeper.h.
#include "actors/journal/log_keeper.h"

#include <caf/system_messages.hpp>

#include <chrono>

namespace tabletd {

namespace {

/// Asking the file system for sizes takes as long as a dozen edits, so not while somebody waits.
constexpr std::uint64_t commits_per_look = 100;

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

written write(self_ptr self) {
  const auto& ports = self->state.ports;
  const auto edits = ports.proposed->take();
  written answer;
  answer.count = edits.size();
  const auto begun = self->clock().now();
  try {
    const auto where = ports.writer->append(edits);
    const next_transaction::span took = self->clock().now() - begun;
    if (where) {
      answer.first = where->first;
      answer.term = where->term;
      count_commit(*ports.stats, edits, took);
    } else {
      answer.refused = true;
    }
    answer.took = took;
    publish_standing(*ports.writer, *ports.stats);
  } catch (const storage_error& error) {
    answer.failure = error.what();
  }
  answer.committed_upto = ports.writer->standing().committed_upto;
  answer.leader = ports.writer->standing().leader;
  return answer;
}

void on_write_due(self_ptr self) {
  const auto& ports = self->state.ports;
  auto result = write(self);
  const auto count = result.count;
  const auto took = result.took;
  const bool failed = !result.failure.empty();
  if (auto journal = caf::actor_cast<written_sink_actor>(ports.journal))
    self->send(journal, std::move(result));
  if (failed)
    return;
  const bool goes_on = ports.proposed->follow(count, took);
  if (goes_on)
    self->send(log_keeper_actor{self}, write_due{});  // Not a loop: whoever wants to read gets its turn.
  if (!goes_on || ports.stats->commits % commits_per_look == 0)
    publish_sizes(*ports.writer, *ports.stats);
}

read_entries read(const log_keeper_ports& ports, const read_order& order) {
  try {
    return {ports.writer->read(order.from, order.upto, order.limits), {}};
  } catch (const storage_error& error) {
    return {{}, error.what()};
  }
}

}  // namespace

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
  return {
      [self](write_due) { on_write_due(self); },
      [self](const read_order& order) { return read(self->state.ports, order); },
  };
}

}  // namespace tabletd
