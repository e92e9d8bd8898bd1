#pragma once
// How many slots a disk should have, learned from the copies that finished on it: fixed numbers are
// too small for fast disks and too large for slow ones (spec/replica.md 4.6 and 9.2, C26).  Pure.
//
// For each path the model keeps what it delivered at 1, 2, 3, ... copies at a time.  The path should
// have the smallest n that n + 1 does not beat by more than pace_gain_least.  It is looked for one step
// at a time: up only while all slots are in use and somebody waits for one, down when a level does no
// better than the one below it, and by half when a copy runs out of time.
#include "actors/model/slots.h"
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tabletd::model {

/// A slot more must bring this much, as a share of what there is.  Less is within what the mix of
/// tablets does to a measurement by itself, and is paid for by everybody else who uses the disk.
/// A path on which copies do not disturb each other at all so ends at 10 or little above: the 11th adds a tenth.
inline constexpr double pace_gain_least = 0.1;
/// But a slot that has once brought so much is kept while it brings this: a disk at the edge would
/// otherwise go up and down for ever.
inline constexpr double pace_gain_kept = 0.05;
/// Smaller copies are not measured.  Their time is spent in the log, in opening files and in syncing
/// them - tens of milliseconds in which another copy fits whatever the disk can do - so they would ask
/// for more slots on any disk.  32 MiB take a fast disk about as long as all that together.
inline constexpr std::uint64_t pace_bytes_least = 32ULL << 20;
/// A copy's company is averaged over its time; further than this from a whole number it says nothing
/// about either number.
inline constexpr double pace_company_blur = 0.25;
/// What n copies at a time deliver is concluded from n times this many, so that every slot has been
/// filled anew and none of the mix is missing, but from pace_batch_least at least.
inline constexpr std::uint32_t pace_batch_per_slot = 2;
inline constexpr std::uint32_t pace_batch_least = 4;
/// What a level delivered is worth asking again after so long - a disk ages, its neighbours change -
/// but not before so many copies of the path were measured, which is what counts when copies are long.
inline constexpr time_ms pace_trusted_for = std::chrono::minutes(10);
inline constexpr std::uint64_t pace_trusted_copies = 64;
/// A level that delivers so much less or more than it used to is another disk, as it were: what is
/// known about other levels cannot be compared with it and is dropped.
inline constexpr double pace_changed = 0.25;
/// A path of which no copy was measured for so long is back at its start value.  As long as the
/// longest timeout of a copy (clone_timeout), so that nothing is forgotten while it is measured.
inline constexpr time_ms pace_remembered = std::chrono::hours(2);

/// But fewer slots than at the start are only remembered for so long: copies too small to be measured
/// never take a timeout back, and a path must not be held down for hours by what one of them met.
inline constexpr time_ms pace_forgiven = std::chrono::minutes(30);

struct pace_limits {
  bool enabled = true;      ///< False: every path has `start` slots and nothing is learned.
  std::uint32_t start = 2;  ///< Where a path begins.
  std::uint32_t most = 16;  ///< Where it ends; also limits `start`.
  friend bool operator==(const pace_limits&, const pace_limits&) = default;
};

/// What a path had behind it when a copy began there.
struct pace_mark {
  time_ms at{};
  double company_ms{}; ///< Copies times milliseconds since the path was first seen.
};

/// How a copy ended, seen from one of its two paths.
struct paced_end {
  pace_mark began;
  std::uint64_t bytes{};
  enum class how : std::uint8_t {
    measured,  ///< It delivered its bytes.
    timed_out,
    untold,    ///< It failed, was called off, or began before anybody counted its company.
  } result = how::untold;
  bool path_full = false; ///< With it all slots for repair were in use.
};

class slot_pace {
public:
  explicit slot_pace(pace_limits limits = {}) : limits_(limits) {}

  /// Whoever sets another start value, or turns it off, wants that from now on: all is forgotten.
  /// A lower `most` holds at once.
  void configure(pace_limits limits, time_ms now);

  /// What a path has of which nothing else is known.
  [[nodiscard]] std::uint32_t usual_total() const;
  /// Nothing: the usual one.
  [[nodiscard]] std::optional<std::uint32_t> own_total(const place& at) const;
  /// All of them, in no order.
  [[nodiscard]] std::vector<slot_total> own_totals() const;
  /// Bytes per second that the path delivered at `copies` at a time, if that is known.
  [[nodiscard]] std::optional<double> rate(const place& at, std::uint32_t copies) const;

  /// A copy of any purpose begins to read from or write to the path.
  [[nodiscard]] pace_mark begin(const place& at, time_ms now);
  void end(const place& at, const paced_end& copy, time_ms now);
  /// Somebody would have used another slot of the path.
  void note_waiting(const place& at);
  /// Forgets what has not been measured for long; returns the paths that had a total of their own.
  std::vector<place> forget_idle(time_ms now);

private:
  struct level {
    double rate{};            ///< Bytes per ms, averaged over batches; each weighs as all before it.
    bool known = false;
    time_ms known_at{};
    std::uint64_t known_by{}; ///< How many copies of the path had been measured then.
    // The batch under way.
    std::uint64_t bytes{};
    double path_ms{};         ///< Each copy had its share of the path for its time.
    std::uint32_t copies{};
  };
  struct path_pace {
    std::uint32_t running{};
    double company_ms{};      ///< Of `running`, up to
    time_ms counted_until{};
    std::uint32_t total{};
    time_ms total_since{};
    std::uint64_t measured{};
    time_ms measured_at{};
    bool waited_for = false;  ///< Since the last batch was over.
    bool on_trial = false;    ///< Nothing was known about `total` when it was chosen.
    std::vector<level> levels; ///< [n - 1]: n copies at a time.
  };

  static void count_company(path_pace& path, time_ms now);
  [[nodiscard]] static const level* trusted(const path_pace& path, std::uint32_t copies, time_ms now);
  /// True if a batch of the level is complete with this copy.
  static bool measure(path_pace& path, std::uint32_t copies, double path_ms, std::uint64_t bytes, time_ms now);
  static void conclude(path_pace& path, std::uint32_t copies, time_ms now);
  /// From this level one up, one down, or nowhere.
  void take_step(path_pace& path, std::uint32_t copies, time_ms now) const;
  void learn(path_pace& path, const paced_end& copy, time_ms now) const;
  void fail(path_pace& path, std::uint32_t copies, time_ms now) const;
  void set_total(path_pace& path, std::uint32_t total, time_ms now) const;
  [[nodiscard]] std::uint32_t within_limits(std::uint32_t total) const;

  pace_limits limits_;
  std::unordered_map<place, path_pace, place_hash> paths_; ///< In use, or with something learned.
};

} // namespace tabletd::model
