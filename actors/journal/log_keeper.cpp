// See log_keeper.h.
#include "actors/journal/log_keeper.h"

#include <caf/system_messages.hpp>

#include <chrono>

namespace tabletd {

namespace {

void count_commit(journal_stats& stats, const std::vector<edit_message>& edits,
                  std::chrono::steady_clock::duration took) {
  std::uint64_t bytes = 0;
  for (const auto& edit : edits)
    bytes += edit.words().asBytes().size();
  stats.bytes += bytes;
  stats.entries += edits.size();
  ++stats.commits;
  stats.commit_seconds.observe(std::chrono::duration<double>(took).count());
  stats.entries_per_commit.observe(static_cast<double>(edits.size()));
}

written write(const log_keeper_ports& ports) {
  const auto edits = ports.proposed->take();
  written answer;
  answer.count = edits.size();
  const auto begun = std::chrono::steady_clock::now();
  try {
    if (const auto where = ports.writer->append(edits)) {
      answer.first = where->first;
      answer.term = where->term;
      count_commit(*ports.stats, edits, std::chrono::steady_clock::now() - begun);
    } else {
      answer.refused = true;
    }
    publish_standing(*ports.writer, *ports.stats);
  } catch (const storage_error& error) {
    answer.failure = error.what();
  }
  answer.committed_upto = ports.writer->standing().committed_upto;
  answer.leader = ports.writer->standing().leader;
  return answer;
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
  stats.file_bytes = writer.log().file_bytes();
  stats.wal_bytes = writer.log().wal_bytes();
}

log_keeper_actor::behavior_type log_keeper(log_keeper_actor::stateful_pointer<log_keeper_state> self,
                                           log_keeper_ports ports) {
  self->state.ports = std::move(ports);
  self->monitor(self->state.ports.journal);
  self->set_down_handler([self](const caf::down_msg& down) { self->quit(down.reason); });
  return {
      [self](write_due) { return write(self->state.ports); },
      [self](const read_order& order) { return read(self->state.ports, order); },
  };
}

}  // namespace tabletd
