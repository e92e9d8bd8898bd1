#pragma once
// Who may propose now, who waits at the door and who is sent away (design/journal.md 9.5).  A proposer
// that is held up for a while slows down to what disk, followers and state machine can do.
#include "actors/model/ids.h"
#include "actors/model/memory_governor.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace tabletd::model {

struct admission_times {
  time_ms block{2'000};  ///< Nobody waits longer.
  time_ms retry_after_min{50};
  time_ms retry_after_max{2'000};
};

enum class admission_outcome : std::uint8_t {
  admitted,    ///< Append it now: its charge is in `uncommitted`.
  waiting,     ///< wake() will name it.
  overloaded,  ///< Certainly not appended; try again.
  too_large,   ///< Certainly not appended; never try again.
};
/// What there is too much of.
enum class overload : std::uint8_t { none, uncommitted, unapplied, memory };

enum class proposal_priority : std::uint8_t {
  normal,
  /// Its effect makes room or ends a stall (trim, decommission, lease expiry): only the budget holds it
  /// back, and it never waits.
  unclog,
};

struct proposal {
  std::uint64_t ticket{};  ///< The proposer's; comes back with the answer.
  std::uint64_t entry_bytes{};
  proposal_priority priority = proposal_priority::normal;
  std::optional<time_ms> deadline{};  ///< The proposer's own; nothing: as long as `block`.
};

struct admission_answer {
  admission_outcome outcome{};
  std::uint64_t ticket{};
  std::uint64_t charge_bytes{};  ///< Of an admitted one, for log_cache::append().
  overload why = overload::none;
  time_ms retry_after{};  ///< Of an overloaded one: when its turn could come at the present pace.
  friend bool operator==(const admission_answer&, const admission_answer&) = default;
};

/// Bytes per second, a moving average over about a second.
class byte_rate {
public:
  void count(std::uint64_t bytes, time_ms now);
  [[nodiscard]] double per_second(time_ms now) const;

private:
  double per_second_ = 0;
  std::uint64_t uncounted_bytes_ = 0;
  std::optional<time_ms> since_;
};

/// The times of all calls never fall.
class log_admission {
public:
  log_admission(memory_governor& governor, const admission_times& times);

  /// `backlog_bytes`: of log_facts.  Evict before you refuse: relieve() the cache first of what the governor
  /// says is missing for charge_of() the entry.
  [[nodiscard]] admission_answer propose(const proposal& what, std::uint64_t backlog_bytes, time_ms now);
  /// Call after something was committed, applied or released, and at next_deadline(): who may go on, in
  /// the order they came, and who has waited long enough.
  [[nodiscard]] std::vector<admission_answer> wake(std::uint64_t backlog_bytes, time_ms now);
  /// When leadership or the node ends: their tickets, in the order they came.
  [[nodiscard]] std::vector<std::uint64_t> dismiss_all();

  /// Charges that were committed or applied, for retry_after.
  void committed(std::uint64_t charge_bytes, time_ms now) { commit_rate_.count(charge_bytes, now); }
  void applied(std::uint64_t charge_bytes, time_ms now) { apply_rate_.count(charge_bytes, now); }

  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::optional<time_ms> next_deadline() const;

private:
  struct waiter {
    std::uint64_t ticket{};
    std::uint64_t charge_bytes{};
    time_ms deadline{};
  };
  [[nodiscard]] overload obstacle(std::uint64_t charge_bytes, std::uint64_t backlog_bytes) const;
  [[nodiscard]] bool idle(std::uint64_t backlog_bytes) const;
  [[nodiscard]] bool take_in(std::uint64_t charge_bytes, bool idle);
  [[nodiscard]] admission_answer wait_or_refuse(const proposal& what, std::uint64_t charge_bytes, overload why,
                                                std::uint64_t backlog_bytes, time_ms now);
  [[nodiscard]] admission_answer refusal(std::uint64_t ticket, overload why, std::uint64_t charge_bytes,
                                         std::uint64_t backlog_bytes, time_ms now) const;
  void refuse_overdue(std::vector<admission_answer>& answers, std::uint64_t backlog_bytes, time_ms now);
  void leave(std::map<std::uint64_t, waiter>::iterator who);

  memory_governor& governor_;
  admission_times times_;
  std::map<std::uint64_t, waiter> waiting_;                ///< By the order they came in.
  std::set<std::pair<time_ms, std::uint64_t>> deadlines_;  ///< Of the same, with that order.
  std::uint64_t came_ = 0;
  byte_rate commit_rate_, apply_rate_;
};

}  // namespace tabletd::model
