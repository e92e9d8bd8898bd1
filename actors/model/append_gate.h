#pragma once
// How much of what the leader sends a follower takes into its log (design/journal.md 9.6, rules 1, 2 and
// 4).  It never delays an answer: it takes what fits, says so at once, and says when there is room again.
// Term, leader contact and commit index of a message count whatever this decides (rule 1).
#include "actors/model/log_cache.h"
#include "actors/model/memory_governor.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tabletd::model {

struct gate_answer {
  /// One per entry taken: the first so many of the message.  In `uncommitted` already; for
  /// log_cache::append().
  std::vector<std::uint64_t> charges_bytes;
  bool busy = false;             ///< Some were left out, now or before, and resumed() has not spoken since.
  std::uint64_t room_bytes = 0;  ///< Payload that would fit now, as an offer to the leader.
};

class append_gate {
public:
  /// Both must outlive it.
  append_gate(memory_governor& governor, log_facts& log);

  /// A message of so many bytes has arrived and is to be read: charged to `receiving` until accept().  Evicts first.
  /// False: leave it where it is, and with it what comes behind, until something was released.
  [[nodiscard]] bool receive(std::uint64_t message_bytes);

  /// Of a message that was received: its entries that follow the log's last one, and which the log
  /// lacks; none if it does not fit the log.  Evicts before it leaves any out.  A log in which nothing waits
  /// takes at least one.  While nothing waits for apply only the budget counts: what is uncommitted
  /// may need the very entries behind it to be committed at all (a new leader's first), and the leaders'
  /// doors bound how much that is.
  [[nodiscard]] gate_answer accept(std::uint64_t message_bytes, std::span<const std::uint64_t> entries_bytes);
  /// Payload that would fit now.
  [[nodiscard]] std::uint64_t room_bytes() const;

  /// Call after something was applied or released.  After a busy answer, once, when half of the limit is
  /// free again: what to offer the leader, unasked.
  [[nodiscard]] std::optional<std::uint64_t> resumed();
  /// The connection to the leader is a new one, or the leader is: nobody waits for resumed().
  void reset() { refusing_ = false; }
  [[nodiscard]] bool refusing() const { return refusing_; }
  /// Messages of which something was left out.
  [[nodiscard]] std::uint64_t refusals() const { return refusals_; }

private:
  [[nodiscard]] std::uint64_t waiting_bytes() const;
  [[nodiscard]] bool drains() const;
  [[nodiscard]] std::uint64_t in_memory_bytes() const;
  [[nodiscard]] std::uint64_t in_memory_limit() const;
  [[nodiscard]] bool take_one(std::uint64_t charge_bytes);
  void make_room(std::uint64_t charge_bytes);

  memory_governor& governor_;
  log_facts& log_;
  bool refusing_ = false;
  std::uint64_t refused_charge_ = 0;  ///< Of the entry that did not fit.
  std::uint64_t refusals_ = 0;
};

}  // namespace tabletd::model
