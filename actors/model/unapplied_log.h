#pragma once
// What the entries that the state machine has not applied yet cost, and in which category of
// the memory governor they are (design/journal.md 9.4): uncommitted, then unapplied; or backlog,
// once their payload has left memory, from where it can be read again because it is durable.
#include "actors/model/memory_governor.h"

#include <cstdint>
#include <deque>

namespace tabletd::model {

/// Knows entries from where it began; older ones were never in memory.
class unapplied_log {
public:
  explicit unapplied_log(memory_governor& governor) : governor_(governor) {}

  /// Nothing is known any more, and the next entry is `next`.
  void restart(std::uint64_t next);
  /// Entry end(), whose charge is in `uncommitted` already.
  void add(std::uint64_t charge_bytes) { charges_.push_back(charge_bytes); }
  /// The same for one that asks for room only now: older payloads leave memory for it, and at last
  /// it does not enter itself.
  void add_received(std::uint64_t charge_bytes);
  /// Moves charges from `uncommitted` to `unapplied`.
  void commit(std::uint64_t upto);
  /// Applied, or folded by a predecessor: gone from all categories.
  void apply(std::uint64_t upto);
  /// Entries from here on, uncommitted, are gone.
  void replace(std::uint64_t from);
  /// The payload of the oldest entry that has one leaves memory; false: there is none.
  bool evict_oldest();

  [[nodiscard]] std::uint64_t end() const { return first_ + charges_.size(); }
  /// From here on payloads are in memory.
  [[nodiscard]] std::uint64_t in_memory_from() const { return in_memory_from_; }
  [[nodiscard]] std::uint64_t backlog_bytes() const { return backlog_bytes_; }
  /// All that is not applied, wherever it is.
  [[nodiscard]] std::uint64_t total_bytes() const {
    return governor_.bytes(memory_category::uncommitted) + governor_.bytes(memory_category::unapplied) + backlog_bytes_;
  }

private:
  [[nodiscard]] std::uint64_t& charge(std::uint64_t index) { return charges_[index - first_]; }
  [[nodiscard]] memory_category category_of(std::uint64_t index) const {
    return index <= committed_ ? memory_category::unapplied : memory_category::uncommitted;
  }
  void let_go(std::uint64_t index);

  memory_governor& governor_;
  std::deque<std::uint64_t> charges_;  ///< Of first_, first_ + 1, ...
  std::uint64_t first_ = 1;            ///< Not applied.
  std::uint64_t in_memory_from_ = 1;   ///< >= first_
  std::uint64_t committed_ = 0;
  std::uint64_t backlog_bytes_ = 0;
};

}  // namespace tabletd::model
