#pragma once
// Sick tablets that wait for a remedy, indexed by what they wait for: the right time, their
// turn, or a change of the cluster.  Metadata only, so there is no cap: nothing urgent is
// ever refused because the queue is full (spec/replica.md 9.2, C8).
#include "actors/model/health.h"
#include "actors/model/slots.h"
#include <tsl/robin_map.h>
#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace tabletd::model {

// -- the seed's dynamic priority, spec/replica.md 4.4 (S21) with its [FIX] ----------------
/// Failures to schedule in a row after which the priority goes down: one more than five.
inline constexpr std::uint32_t failures_tolerated = 5;
/// Not scheduled for longer than this: the priority goes up.
inline constexpr time_ms unscheduled_max{30 * 60'000};
/// Two changes of one tablet's priority are at least this far apart - every two, not only the
/// first (the [FIX]).
inline constexpr time_ms adjust_spacing{5 * 60'000};
/// One step, within the limits the origin sets: VERY_HIGH never falls below NORMAL, LOW never
/// rises above HIGH.
[[nodiscard]] repair_priority adjusted(repair_priority now, repair_priority origin, bool up);

/// How long a tablet stays sick before it is treated, in units of the repair delay factor:
/// VERY_HIGH at once, else 1, 2, 3 for HIGH, NORMAL, LOW (spec/replica.md 2.5).  The delay gives
/// a dead backend time to return.  It cannot help a replica that lacks versions, so
/// VERSION_INCOMPLETE is treated at once (2.5, SR26).
[[nodiscard]] std::uint32_t delay_factor(const diagnosis& what);

// -- what an entry waits for besides paths -------------------------------------------------
/// A slot anywhere: more paths would do than are worth remembering.
inline constexpr place any_path{backend_id{UINT64_MAX}, path_hash{1}};
/// One of the drops that may run at a time to end.
inline constexpr place drop_gate{backend_id{UINT64_MAX}, path_hash{2}};

/// One tablet that waits.
struct queue_entry {
  tablet_id tablet{};
  diagnosis what;
  repair_priority dynamic = what.priority; ///< Starts at what.priority, the origin.
  time_ms sick_since{};
  std::optional<time_ms> backend_died{}; ///< The last of its backends that is dead did so then.
  time_ms ready_at{};       ///< Not before this.
  time_ms created{};
  time_ms last_scheduled{}; ///< 0: never.
  time_ms last_visited{};
  time_ms last_adjusted{};  ///< 0: never.
  std::uint32_t failed_scheduling{}; ///< In a row, since the last adjustment.
  std::uint32_t failed_running{};    ///< In a row: contexts that ended without success.
  time_ms retry_at{};                ///< Back-off after the last of them.
  std::vector<place> avoid;          ///< Ends of those contexts.
  std::optional<place> disk_to_blame{}; ///< The target whose disk refused the last of those copies.
  /// Paths (or any_path, drop_gate) of which one must get a free slot first, as of the last visit.
  /// Empty: unknown, look again.
  std::vector<place> waits_for;
  std::uint64_t waits_since{}; ///< The generation of the cluster at that visit: in another, look again.
  std::string message;               ///< Why it was not treated at the last visit.
};

class repair_queue {
public:
  /// Counts each time something observable about the cluster changed.
  using generation = std::uint64_t;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool contains(tablet_id tablet) const { return entries_.contains(tablet); }
  [[nodiscard]] const queue_entry* find(tablet_id tablet) const;

  /// Precondition: not contained.  Waits until entry.ready_at.
  void push(queue_entry entry, time_ms now);
  /// Looked at again from outside: a new diagnosis replaces the old one and what it led to,
  /// its place in line included; with the same one it keeps its turn.
  void renew(const queue_entry& anew, time_ms ready_at, time_ms now);
  std::optional<queue_entry> take(tablet_id tablet);

  /// Lets everything whose time has come take its turn, and raises what waited too long.
  /// Returns how many priorities rose.
  std::size_t advance(time_ms now);

  /// A round visits every entry at most once: pass what begin_round() returned.
  [[nodiscard]] std::uint64_t begin_round() const { return visits_; }
  /// By dynamic priority, then by last visit, of those not visited in this round.
  [[nodiscard]] const queue_entry* next(std::uint64_t round) const;
  /// As next(), of those that wait for nothing known or for one of the places `freed`, of which
  /// there are at most freed_max: what one context occupied.
  static constexpr std::size_t freed_max = 3;
  enum class among : std::uint8_t { awake_and_asleep, asleep };
  [[nodiscard]] const queue_entry* next(std::uint64_t round, std::span<const place> freed,
                                        among whom = among::awake_and_asleep) const;
  /// Parked before the cluster reached `now_at`, oldest first.
  [[nodiscard]] const queue_entry* next_parked(generation now_at) const;

  /// It was visited and could not be treated now; it takes its turn again.  Returns true if
  /// its priority fell.
  bool visited(tablet_id tablet, std::string message, std::vector<place> waits_for, generation seen, time_ms now);
  /// It was visited and only time can help: it takes its turn again then.
  void rest(tablet_id tablet, std::string message, time_ms until, time_ms now);
  /// As visited(), and it waits for the same as before.
  bool visited_in_vain(tablet_id tablet, time_ms now);
  /// It was visited and nothing but a change of the cluster can help.
  void park(tablet_id tablet, std::string message, generation seen, time_ms now);

  /// In the order of their turns; then the ones not ready, by time; then the parked ones.
  /// visit(entry) returns false to stop.
  template <class Visit>
  void for_each(Visit&& visit) const {
    const auto show = [&](tablet_id tablet) { return visit(std::as_const(entries_.at(tablet)->entry)); };
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      const auto& up = awake_[rank];
      const auto& down = asleep_[rank];
      for (auto awake = up.begin(), asleep = down.begin(); awake != up.end() || asleep != down.end();) {
        const bool first = asleep == down.end() || (awake != up.end() && (*awake)->visit() < (*asleep)->visit());
        if (!visit(std::as_const((*(first ? awake++ : asleep++))->entry)))
          return;
      }
    }
    for (const auto& [when, tablet] : waiting_)
      if (!show(tablet))
        return;
    for (const auto& [when, tablet] : parked_)
      if (!show(tablet))
        return;
  }
  /// Empty if every entry is in exactly one index, else what is wrong (for tests).
  [[nodiscard]] std::string broken_invariant() const;

private:
  struct waiting {};
  struct turn {
    std::uint64_t visit{};
  };
  struct parked {
    generation seen{};
  };
  struct slot;
  /// Of one priority, least recently visited first: whoever gets a turn goes to the end.
  using line = std::list<slot*>;
  static constexpr std::size_t ranks = 4; ///< Highest priority first.
  using lines = std::array<line, ranks>;
  /// Where one sleeps.
  struct bed {
    lines* of;
    line::iterator at;
  };
  struct slot {
    queue_entry entry;
    std::variant<waiting, turn, parked> where;
    line itself;                    ///< Its node, for the line it stands in; empty meanwhile.
    line::iterator at;              ///< Of a turn: in awake_ or asleep_.
    std::vector<bed> beds;          ///< Of a turn: one in sleepers_ for each of entry.waits_for.
    std::optional<time_ms> ages_at; ///< When ageing_ has it looked at: never after rises_at().
    [[nodiscard]] std::uint64_t visit() const { return std::get<turn>(where).visit; }
    [[nodiscard]] std::size_t rank() const {
      return static_cast<std::size_t>(repair_priority::very_high) - static_cast<std::size_t>(entry.dynamic);
    }
  };
  [[nodiscard]] lines& of(const slot& s) { return s.entry.waits_for.empty() ? awake_ : asleep_; }
  /// The first of these not visited since `round`.
  [[nodiscard]] static const queue_entry* first_of(std::span<const lines* const> sets, std::uint64_t round);
  /// Empty, or what is wrong with them.
  [[nodiscard]] static std::string broken(const lines& of, std::size_t& members);
  /// When the priority may rise next, if ever.
  [[nodiscard]] static std::optional<time_ms> rises_at(const queue_entry& e);

  /// Every change of a slot happens between leave() and enter(): the indexes follow.  Whoever enters
  /// its turn has a new one, so it belongs at the end.
  void enter(slot& s);
  void leave(slot& s);
  /// Has ageing_ look at it in time.
  void watch(slot& s);
  [[nodiscard]] turn next_turn() { return {++visits_}; }
  /// The end of a visit, between leave() and enter(); true if the priority fell.
  bool end_turn(slot& s, time_ms now);

  tsl::robin_map<tablet_id, std::unique_ptr<slot>> entries_; ///< Slots stay where they are.
  std::set<std::pair<time_ms, tablet_id>> waiting_;
  lines awake_;  ///< Of those that wait for nothing known ...
  lines asleep_; ///< ... and of those that do,
  std::unordered_map<place, lines, place_hash> sleepers_; ///< which are here by each place, too; none empty.
  std::set<std::pair<generation, tablet_id>> parked_;
  /// When to look whether a priority may rise.  Every visit puts the rise off, and most entries are
  /// gone by then; so it is only looked up, and put off, when its time comes.
  using look = std::pair<time_ms, tablet_id>;
  std::priority_queue<look, std::vector<look>, std::greater<>> ageing_;
  std::uint64_t visits_ = 0;
};

} // namespace tabletd::model
