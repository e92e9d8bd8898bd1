#pragma once
// One budget for everything a replica of the edit log and its state machine keep in memory.
// Every byte has a category; whoever wants to hold more asks here first (design/journal.md 9.4).
// Every call is O(1).
#include <array>
#include <cstddef>
#include <cstdint>

namespace tabletd::model {

/// Whose bytes; the letters are those of design/journal.md 9.4.
enum class memory_category : std::uint8_t {
  state_machine,  ///< SM: granted to the state machine.
  uncommitted,    ///< U: in the log, not committed.
  unapplied,      ///< C: committed, not applied, and in memory.
  cached,         ///< K: applied, kept for followers that are a little behind.
  sending,        ///< S: held for a follower only: read from disk, or forgotten by the cache meanwhile.
  receiving,      ///< R: a message that has arrived and is not taken apart yet.
  proposed,       ///< Q: waits at the door.
};
inline constexpr std::size_t memory_category_count = 7;
[[nodiscard]] const char* name(memory_category category);

/// Beside its payload an entry costs this (9.4).
inline constexpr std::uint64_t entry_cost_bytes = 96;

/// Of the log's share of the budget, except `log`: of the budget (9.4).
struct memory_shares {
  double log = 0.30;
  double uncommitted = 0.25;
  double unapplied = 0.35;
  double cached = 0.15;
  double receiving = 0.10;
  double proposed = 0.05;
  double windows = 0.10;  ///< Of all followers together.
};

/// 9.4 and 9.5 in bytes.
struct memory_limits {
  std::uint64_t budget_bytes{};         ///< B.  Hard.
  std::uint64_t state_machine_bytes{};  ///< What the state machine may hold: the rest is always the log's.
  std::uint64_t uncommitted_bytes{};    ///< U_max.
  std::uint64_t unapplied_bytes{};      ///< C_max: above it, payloads of unapplied entries leave memory.
  std::uint64_t cached_bytes{};         ///< K_max.
  std::uint64_t receiving_bytes{};      ///< R_max.
  std::uint64_t proposed_bytes{};       ///< Q_max.
  std::uint64_t window_bytes{};         ///< W_peer.
  std::uint64_t entry_bytes_max = 8U << 20;
  /// L_max: unapplied entries in memory and on disk together.  It bounds how long recovery takes.
  std::uint64_t backlog_bytes = 64U << 20;
  /// Decoded bytes per serialised byte, until `apply` has reported (IoTDB, PR 16102).
  double decoded_factor = 2.0;
};

/// The formulas of 9.4.  A budget of less than about 30 largest entries admits those only one at a time.
[[nodiscard]] memory_limits limits_of(std::uint64_t budget_bytes, std::size_t followers,
                                      const memory_shares& shares = {});
/// What was configured; 0: half of what the operating system allows the process.
[[nodiscard]] std::uint64_t budget_of(std::uint64_t configured_bytes, std::uint64_t allowed_bytes);

enum class memory_pressure : std::uint8_t {
  none,
  evict,   ///< Nearly full: keep nothing that can be read from disk again.
  refuse,  ///< Something did not fit.  Lasts until the log holds half of what the state machine leaves it.
};

class memory_governor {
public:
  explicit memory_governor(const memory_limits& limits);

  /// False, and nothing charged, if it would exceed the budget.
  [[nodiscard]] bool try_charge(memory_category to, std::uint64_t bytes);
  /// As try_charge(), but may exceed the budget as long as nothing else does: for the one entry
  /// without which nothing would ever become free again (invariants I8, I14).
  [[nodiscard]] bool try_charge_one(memory_category to, std::uint64_t bytes);
  /// Beyond any limit: for the empty entry with which consensus begins a term, and nothing else.
  void charge_term_entry() { add(memory_category::uncommitted, entry_cost_bytes); }
  /// Precondition of both: `from` holds as much.
  void move(memory_category from, memory_category to, std::uint64_t bytes);
  void release(memory_category from, std::uint64_t bytes);

  /// The state machine wants to hold so much in all.  It gets what is free now and everything
  /// that becomes free, before anyone else, until it has it; read bytes(state_machine).
  void want_state_machine(std::uint64_t bytes);

  [[nodiscard]] std::uint64_t bytes(memory_category of) const { return bytes_[at(of)]; }
  [[nodiscard]] std::uint64_t total_bytes() const { return total_; }
  [[nodiscard]] std::uint64_t room_bytes() const {
    return total_ < limits_.budget_bytes ? limits_.budget_bytes - total_ : 0;
  }
  /// How much must be evicted before so much fits; the state machine's outstanding wish first.
  [[nodiscard]] std::uint64_t missing_bytes(std::uint64_t need_bytes) const;
  [[nodiscard]] memory_pressure pressure() const { return pressure_; }
  /// How often it rose to `refuse`.
  [[nodiscard]] std::uint64_t refusals() const { return refusals_; }

  /// The most since the last forget_peaks().
  [[nodiscard]] std::uint64_t peak_bytes(memory_category of) const { return peaks_[at(of)]; }
  [[nodiscard]] std::uint64_t peak_total_bytes() const { return peak_total_; }
  void forget_peaks();

  /// So many serialised bytes were applied, and the state machine held so many for it.
  void applied(std::uint64_t serialised_bytes, std::uint64_t decoded_bytes);
  /// mu: decoded bytes per serialised byte, a moving average.
  [[nodiscard]] double decoded_factor() const { return decoded_factor_; }
  /// What an entry costs from the door until it is applied.  Decoding is charged from the start, so
  /// that no commit makes the total grow.
  [[nodiscard]] std::uint64_t charge_of(std::uint64_t entry_bytes) const;
  /// The largest payload that such a charge covers.
  [[nodiscard]] std::uint64_t payload_within(std::uint64_t charge_bytes) const;

  [[nodiscard]] const memory_limits& limits() const { return limits_; }
  /// The categories add up to the total.
  [[nodiscard]] bool adds_up() const;

private:
  static constexpr std::size_t at(memory_category category) { return static_cast<std::size_t>(category); }
  void add(memory_category to, std::uint64_t bytes);
  void grant();
  void look_at_pressure(bool something_did_not_fit);
  [[nodiscard]] std::uint64_t outstanding() const { return wanted_ - bytes(memory_category::state_machine); }

  memory_limits limits_;
  std::array<std::uint64_t, memory_category_count> bytes_{};
  std::array<std::uint64_t, memory_category_count> peaks_{};
  std::uint64_t total_ = 0, peak_total_ = 0;
  std::uint64_t wanted_ = 0;  ///< Never less than what the state machine holds.
  std::uint64_t refusals_ = 0;
  double decoded_factor_;
  memory_pressure pressure_ = memory_pressure::none;
};

}  // namespace tabletd::model
