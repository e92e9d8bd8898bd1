// Opening a journal, before there is an actor: its shares of the memory, its log, its inbox.
#include "actors/journal/journal.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace tabletd {

namespace {

model::time_ms steady_now() {
  return std::chrono::duration_cast<model::time_ms>(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace

model::memory_limits memory_of(const journal_limits& limits, std::size_t followers) {
  auto shares = model::limits_of(limits.memory_bytes, followers, {.log = 1});
  shares.entry_bytes_max = limits.edit_bytes_max;
  shares.backlog_bytes = limits.backlog_bytes;
  shares.decoded_factor = 1;  // A batch is decoded edit by edit.
  return shares;
}

opened_journal open_journal(journal_parts parts) {
  const auto memory_limits = memory_of(parts.limits, std::max<std::size_t>(parts.founders.size(), 1) - 1);
  auto now = parts.now ? std::move(parts.now) : steady_now;
  log_writer_ports ports{std::move(parts.log), std::move(parts.core), now, std::move(parts.post)};
  ports.takes = std::move(parts.takes);
  ports.tail_bytes_max = memory_limits.cached_bytes;
  ports.backlog_bytes_max = memory_limits.backlog_bytes;
  ports.memory = parts.memory;
  ports.members = std::move(parts.members);
  auto writer = std::make_shared<log_writer>(std::move(ports));
  writer->open(parts.founders, parts.from);
  publish_standing(*writer, *parts.stats);
  publish_sizes(*writer, *parts.stats);
  auto transaction = parts.limits.transaction;
  transaction.word_bytes = memory_limits.receiving_bytes;
  auto inbox = std::make_shared<next_transaction>(transaction, parts.memory);
  return {std::move(writer),        std::move(inbox),         parts.limits,     memory_limits,
          std::move(parts.stats),   std::move(parts.memory),  std::move(now),   std::move(parts.on_fatal),
          std::move(parts.images),  parts.keeper_has_a_thread};
}

}  // namespace tabletd
