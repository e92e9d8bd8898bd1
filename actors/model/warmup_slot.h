#pragma once
// The backend's side of warm-up: one slot, for one round of one job at a time (spec/jobs.md A7.3, W3, W4).  Pure,
// memory only: after a restart the leader brings it up to date.
#include "actors/model/warmup_orders.h"

#include <bitset>
#include <deque>
#include <map>
#include <optional>

namespace tabletd::model {

struct slot_options {
  /// W4.  Longer than a fail-over, else the batch in hand may be done again.
  time_ms lease{120'000};
  /// Rounds that were cleared and are remembered, so that a late request does not bring them back.
  std::size_t tombstones_max = 1'024;
};

/// The rows of A7.3 by their numbers; 0' and 0'' are newer_epoch and lease_over.
enum class slot_rule : std::uint8_t {
  stale_epoch,    ///< 0
  newer_epoch,    ///< 0'
  lease_over,     ///< 0''
  get_own,        ///< 1
  get_other,      ///< 2
  set_cleared,    ///< 3
  set_again,      ///< 4
  set_next_run,   ///< 5
  set_busy,       ///< 6
  set_free,       ///< 7
  batch_cleared,  ///< 8
  batch_adopts,   ///< 9
  batch_wrong,    ///< 10
  batch_stale,    ///< 11
  batch_dup,      ///< 12
  batch_early,    ///< 13
  batch_begins,   ///< 14
  clear_own,      ///< 15
  clear_other,    ///< 16
};
inline constexpr std::size_t slot_rule_count = 19;
using slot_rules = std::bitset<slot_rule_count>;

// -- effects -------------------------------------------------------------------------------
/// When all tablets are done, or could not be, batch_result follows with the same numbers.
struct begin_batch {
  std::uint64_t generation{};
  warmup_job_id job{};
  warmup_run run{};
  std::uint32_t batch{};
  std::vector<tablet_id> tablets;
  friend bool operator==(const begin_batch&, const begin_batch&) = default;
};
/// What runs may end at its next tablet; nobody waits for its result.
struct stop_batch {
  std::uint64_t generation{};
  friend bool operator==(const stop_batch&, const stop_batch&) = default;
};
using slot_effect = std::variant<begin_batch, stop_batch>;

struct slot_answer {
  slot_reply reply;
  std::vector<slot_effect> effects;
  slot_rules rules;  ///< That were applied; for metrics and tests.
};

struct batch_result {
  std::uint64_t generation{};
  std::uint32_t batch{};
  std::uint64_t bytes_done{};
  std::uint64_t failed_tablets{};
  std::vector<tablet_id> named_tablets;
};

class warmup_slot {
public:
  /// `boot` is another one after every restart.
  explicit warmup_slot(std::uint64_t boot, slot_options options = {}) : options_(options), boot_(boot) {}

  /// `now` is a clock that does not jump.
  [[nodiscard]] slot_answer step(const slot_request& request, time_ms now);
  /// False: nobody waits for it any more (A15-3).
  bool end_batch(const batch_result& result);
  /// The batch that runs has come so far.
  void note_progress(std::uint64_t generation, std::uint64_t bytes_done);
  /// The job whose round holds the slot; 0: free.
  [[nodiscard]] warmup_job_id holder(time_ms now) const;

private:
  struct round {
    warmup_job_id job{};
    warmup_run run{};
    time_ms lease_until{};
    std::int64_t cur = -1, done = -1;
    std::uint64_t bytes_done{}, failed_tablets{};
    std::vector<tablet_id> named_tablets;
    [[nodiscard]] bool running() const { return cur != done; }
  };
  using round_key = std::pair<warmup_job_id, warmup_run>;

  slot_verdict on(const get_slot&);
  slot_verdict on(const set_job& e);
  slot_verdict on(const set_batch& e);
  slot_verdict on(const clear_job&);
  void install(std::int64_t done);
  void drop();
  void renew() { round_->lease_until = now_ + options_.lease; }
  void bury();
  void note(slot_rule rule) { answer_.rules.set(static_cast<std::size_t>(rule)); }
  [[nodiscard]] bool is_own() const;
  [[nodiscard]] bool was_cleared() const;

  const slot_options options_;
  const std::uint64_t boot_;
  term epoch_seen_{};
  std::optional<round> round_;
  std::uint64_t generation_ = 0;  ///< Of round_: a result of another one is nobody's.
  std::map<round_key, term> tombstones_;
  std::deque<round_key> buried_;  ///< In order.

  warmup_fence fence_;  ///< Of the step under way.
  time_ms now_{};       ///< The same.
  slot_answer answer_;  ///< The same.
};

}  // namespace tabletd::model
